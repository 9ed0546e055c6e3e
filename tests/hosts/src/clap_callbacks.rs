//! What the CLAP host offers its plugin: callbacks, most of which are taken and need no answer here, and the queue
//! for what the plugin sends. The plugin may call the shared part from any thread.

use crate::{block::TimedEvent, clap_events::read_event};
use clack_extensions::{
    gui::{GuiSize, HostGui, HostGuiImpl},
    latency::{HostLatency, HostLatencyImpl},
    log::{HostLog, HostLogImpl, LogSeverity},
    note_ports::{HostNotePorts, HostNotePortsImpl, NoteDialects, NotePortRescanFlags},
    params::{HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags},
    state::{HostState, HostStateImpl},
    thread_check::{HostThreadCheck, HostThreadCheckImpl},
};
use clack_host::{
    events::{
        UnknownEvent,
        io::{OutputEventBuffer, TryPushError},
    },
    prelude::*,
};
use std::sync::atomic::{AtomicBool, Ordering};

/// What the plugin may call from any thread.
#[derive(Default)]
pub struct Shared {
    /// Whether the plugin asked for its main-thread callback.
    pub wants_callback: AtomicBool,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        // Relaxed: a flag alone; what the callback reads is the plugin's own to order.
        self.wants_callback.store(true, Ordering::Relaxed);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

impl HostLogImpl for Shared {
    fn log(&self, severity: LogSeverity, message: &str) {
        if severity >= LogSeverity::Error {
            eprintln!("plugin: {message}");
        }
    }
}

impl HostThreadCheckImpl for Shared {
    fn is_main_thread(&self) -> bool {
        true
    }
    fn is_audio_thread(&self) -> bool {
        true
    }
}

/// nice-plug aborts in `gui.create` where a host lacks this extension, so it is here although no window opens.
impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, _new_size: GuiSize) -> Result<(), HostError> {
        Ok(())
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {}
}

/// What the plugin may call from the main thread.
pub struct MainThread;

impl MainThreadHandler<'_> for MainThread {}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, _flags: ParamRescanFlags) {}
    fn clear(&self, _param_id: ClapId, _flags: ParamClearFlags) {}
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {}
}

impl HostLatencyImpl for MainThread {
    fn changed(&self) {}
}

impl HostNotePortsImpl for MainThread {
    fn supported_dialects(&self) -> NoteDialects {
        NoteDialects::CLAP | NoteDialects::MIDI
    }
    fn rescan(&self, _flags: NotePortRescanFlags) {}
}

/// The callbacks, as clack wants them named.
pub struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self::Shared<'_>) {
        builder
            .register::<HostParams>()
            .register::<HostState>()
            .register::<HostLatency>()
            .register::<HostGui>()
            .register::<HostLog>()
            .register::<HostNotePorts>()
            .register::<HostThreadCheck>();
    }
}

/// The host's queue for what the plugin sends in a block.
pub struct Outbox {
    /// The events, in the order in which they were sent.
    pub events: Vec<TimedEvent>,
    /// How many it takes; an event more is refused.
    pub capacity: usize,
}

impl OutputEventBuffer for Outbox {
    fn try_push(&mut self, event: &UnknownEvent) -> Result<(), TryPushError> {
        let Some(heard) = event.as_core_event().and_then(read_event) else {
            return Ok(()); // Parameter gestures and the like: taken, and of no interest here.
        };
        if self.events.len() >= self.capacity {
            return Err(TryPushError::new());
        }
        self.events.push(TimedEvent { offset: event.header().time(), event: heard });
        Ok(())
    }
}
