//! A window under X11 in which a plugin shows its editor, as hosts have one.

use crate::host::{Format, HostError};
use x11rb::{
    COPY_DEPTH_FROM_PARENT,
    connection::Connection,
    protocol::xproto::{ConnectionExt as _, CreateWindowAux, WindowClass},
    rust_connection::RustConnection,
};

/// A window; closed when it goes.
pub struct Window {
    connection: RustConnection,
    id: u32,
}

impl Window {
    /// Opens one on the display that `DISPLAY` names.
    ///
    /// # Errors
    /// There is no display, or it refuses.
    pub fn open(width: u16, height: u16) -> Result<Self, HostError> {
        fn refused(error: impl std::fmt::Display) -> HostError {
            HostError::Refused { call: "a window", reason: error.to_string() }
        }
        let (connection, screen) = x11rb::connect(None).map_err(refused)?;
        let root = connection.setup().roots[screen].root;
        let id = connection.generate_id().map_err(refused)?;
        let aux = CreateWindowAux::new();
        let class = WindowClass::INPUT_OUTPUT;
        connection
            .create_window(COPY_DEPTH_FROM_PARENT, id, root, 0, 0, width, height, 0, class, 0, &aux)
            .map_err(refused)?
            .check()
            .map_err(refused)?;
        connection.map_window(id).map_err(refused)?.check().map_err(refused)?;
        Ok(Self { connection, id })
    }

    /// Its number for the display.
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // A display that is gone has closed it already.
        let _ = self.connection.destroy_window(self.id).map(|cookie| cookie.check());
    }
}

/// What a plugin says where it has no editor to show.
pub(crate) fn no_editor(format: Format) -> HostError {
    HostError::Refused { call: "gui.create", reason: format!("this {format:?} plugin has no editor") }
}
