//! Two JACK clients before a real host: one plays a melody, one writes down what it hears. The library is loaded when
//! asked for, so that nothing needs it to build. The callbacks run on JACK's thread; they neither wait nor allocate.
#![expect(unsafe_code, reason = "JACK is a C library, loaded at run time")]

use libloading::Library;
use std::{
    ffi::{CString, c_char, c_int, c_ulong, c_void},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

/// A MIDI message and the sample at which it is played, by the samples that passed since the client was opened: unlike
/// the server's own count, they do not jump when the machine is late.
pub type Timed = (u32, [u8; 3]);

/// The most messages that wait to be fetched.
const CAPACITY: usize = 1 << 16;
/// Where Linux has the library.
const LIBRARY: &str = "libjack.so.0";
const MIDI: &str = "8 bit raw midi";
const INPUT: c_ulong = 1;
const OUTPUT: c_ulong = 2;
const NO_START_SERVER: c_int = 1;

/// What went wrong before JACK.
#[derive(Debug, thiserror::Error)]
pub enum JackError {
    /// There is no library, or another one.
    #[error("{LIBRARY} does not load: {0}; install a JACK server")]
    Library(#[from] libloading::Error),
    /// The server refused.
    #[error("JACK refuses {0}; see that the server that JACK_DEFAULT_SERVER names runs")]
    Refused(&'static str),
    /// The player's queue is full: the server has stopped calling.
    #[error("JACK does not play any more")]
    Stopped,
}

/// A message as JACK hands it over.
#[repr(C)]
struct Message {
    time: u32,
    size: usize,
    bytes: *const u8,
}

type Handle = *mut c_void;

/// The functions used, as the library has them.
struct Functions {
    open: unsafe extern "C" fn(*const c_char, c_int, *mut c_int) -> Handle,
    close: unsafe extern "C" fn(Handle) -> c_int,
    activate: unsafe extern "C" fn(Handle) -> c_int,
    port_register: unsafe extern "C" fn(Handle, *const c_char, *const c_char, c_ulong, c_ulong) -> Handle,
    set_process: unsafe extern "C" fn(Handle, extern "C" fn(u32, *mut c_void) -> c_int, *mut c_void) -> c_int,
    port_buffer: unsafe extern "C" fn(Handle, u32) -> *mut c_void,
    clear: unsafe extern "C" fn(*mut c_void),
    write: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize) -> c_int,
    count: unsafe extern "C" fn(*mut c_void) -> u32,
    get: unsafe extern "C" fn(*mut Message, *mut c_void, u32) -> c_int,
    start: unsafe extern "C" fn(Handle),
    stop: unsafe extern "C" fn(Handle),
    locate: unsafe extern "C" fn(Handle, u32) -> c_int,
    /// Keeps the functions alive.
    _library: Library,
}

impl Functions {
    fn load() -> Result<Self, JackError> {
        // SAFETY: JACK's library does nothing at loading that a caller must see to.
        let library = unsafe { Library::new(LIBRARY) }?;
        macro_rules! symbol {
            ($name:literal) => {
                // SAFETY: the type is the one that JACK's header gives the function; the library is kept beside it.
                *unsafe { library.get(concat!($name, "\0").as_bytes()) }?
            };
        }
        Ok(Self {
            open: symbol!("jack_client_open"),
            close: symbol!("jack_client_close"),
            activate: symbol!("jack_activate"),
            port_register: symbol!("jack_port_register"),
            set_process: symbol!("jack_set_process_callback"),
            port_buffer: symbol!("jack_port_get_buffer"),
            clear: symbol!("jack_midi_clear_buffer"),
            write: symbol!("jack_midi_event_write"),
            count: symbol!("jack_midi_get_event_count"),
            get: symbol!("jack_midi_event_get"),
            start: symbol!("jack_transport_start"),
            stop: symbol!("jack_transport_stop"),
            locate: symbol!("jack_transport_locate"),
            _library: library,
        })
    }
}

/// What the callback works on. JACK's thread alone touches `song` and `next` once the client is active.
struct Stand {
    functions: Functions,
    port: Handle,
    role: Role,
    passed: Arc<AtomicU32>,
}

enum Role {
    Plays { songs: Receiver<Vec<Timed>>, song: Vec<Timed>, next: usize },
    Hears { heard: SyncSender<Timed> },
}

impl Stand {
    fn process(&mut self, num_samples: u32) {
        let functions = &self.functions;
        // SAFETY: called by JACK in its callback, where the client and its port are alive.
        let buffer = unsafe { (functions.port_buffer)(self.port, num_samples) };
        let start = self.passed.fetch_add(num_samples, Ordering::Relaxed);
        match &mut self.role {
            Role::Plays { songs, song, next } => {
                if let Ok(new) = songs.try_recv() {
                    (*song, *next) = (new, 0);
                }
                // SAFETY: the port is an output for MIDI, and this is its buffer.
                unsafe { (functions.clear)(buffer) };
                while let Some((at, bytes)) = song.get(*next).filter(|(at, _)| *at < start + num_samples) {
                    let offset = at.saturating_sub(start);
                    // SAFETY: as above; the three bytes are alive and the offset is below `num_samples`.
                    unsafe { (functions.write)(buffer, offset, bytes.as_ptr(), bytes.len()) };
                    *next += 1;
                }
            }
            Role::Hears { heard } => {
                // SAFETY: the port is an input for MIDI, and this is its buffer.
                for idx in 0..unsafe { (functions.count)(buffer) } {
                    let mut message = Message { time: 0, size: 0, bytes: ptr::null() };
                    // SAFETY: the index is below the count.
                    if unsafe { (functions.get)(&mut message, buffer, idx) } != 0 {
                        continue;
                    }
                    let mut bytes = [0; 3];
                    for (place, byte) in bytes.iter_mut().enumerate().take(message.size) {
                        // SAFETY: JACK says that so many bytes are there until the callback returns.
                        *byte = unsafe { *message.bytes.add(place) };
                    }
                    // A full queue loses messages, and who counts notes finds them missing.
                    let _ = heard.try_send((start + message.time, bytes));
                }
            }
        }
    }
}

extern "C" fn process(num_samples: u32, stand: *mut c_void) -> c_int {
    // SAFETY: the pointer is the stand that `Client` keeps until after it has closed the client.
    let stand = unsafe { &mut *stand.cast::<Stand>() };
    stand.process(num_samples);
    0
}

/// An open client; closed when it goes.
struct Client {
    /// JACK's thread has it while the client is open; nobody else looks into it then.
    stand: *mut Stand,
    handle: Handle,
    close: unsafe extern "C" fn(Handle) -> c_int,
    start: unsafe extern "C" fn(Handle),
    stop: unsafe extern "C" fn(Handle),
    locate: unsafe extern "C" fn(Handle, u32) -> c_int,
    passed: Arc<AtomicU32>,
}

impl Client {
    fn open(name: &str, port: &str, direction: c_ulong, role: Role) -> Result<Self, JackError> {
        let functions = Functions::load()?;
        let text = |text: &str| CString::new(text).map_err(|_| JackError::Refused("a name with a zero"));
        let (name, port, kind) = (text(name)?, text(port)?, text(MIDI)?);
        // SAFETY: the name is alive, and no status is asked for.
        let client = unsafe { (functions.open)(name.as_ptr(), NO_START_SERVER, ptr::null_mut()) };
        if client.is_null() {
            return Err(JackError::Refused("a client"));
        }
        let Functions { close, start, stop, locate, .. } = functions;
        let passed = Arc::new(AtomicU32::new(0));
        let stand = Stand { functions, port: ptr::null_mut(), role, passed: passed.clone() };
        let stand = Box::into_raw(Box::new(stand));
        let open = Self { stand, handle: client, close, start, stop, locate, passed };
        // SAFETY: the stand was just made; nobody else touches it before the client is active.
        let stand = unsafe { &mut *open.stand };
        // SAFETY: the client is open and the texts are alive.
        stand.port =
            unsafe { (stand.functions.port_register)(client, port.as_ptr(), kind.as_ptr(), direction, 0) };
        if stand.port.is_null() {
            return Err(JackError::Refused("a port"));
        }
        let (set_process, activate) = (stand.functions.set_process, stand.functions.activate);
        // SAFETY: the stand stays where it is until the client is closed.
        if unsafe { set_process(client, process, open.stand.cast()) } != 0 {
            return Err(JackError::Refused("a callback"));
        }
        // SAFETY: the client is open.
        if unsafe { activate(client) } != 0 {
            return Err(JackError::Refused("an active client"));
        }
        Ok(open)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: JACK ends its thread before closing returns, so that the stand is ours alone to free.
        unsafe {
            (self.close)(self.handle);
            drop(Box::from_raw(self.stand));
        }
    }
}

/// Plays through `player:out`.
pub struct Player {
    client: Client,
    songs: SyncSender<Vec<Timed>>,
}

impl Player {
    /// Opens it on the server that JACK_DEFAULT_SERVER names.
    ///
    /// # Errors
    /// Where there is no library or no server.
    pub fn open() -> Result<Self, JackError> {
        let (songs, receiver) = sync_channel(4);
        let role = Role::Plays { songs: receiver, song: Vec::new(), next: 0 };
        Ok(Self { client: Client::open("player", "out", OUTPUT, role)?, songs })
    }

    /// The samples that have passed.
    pub fn now(&self) -> u32 {
        self.client.passed.load(Ordering::Relaxed)
    }

    /// Starts the server's transport from a sample on.
    ///
    /// # Errors
    /// Where the server does not go there.
    pub fn roll_from(&self, sample: u32) -> Result<(), JackError> {
        // SAFETY: the client is open.
        if unsafe { (self.client.locate)(self.client.handle, sample) } != 0 {
            return Err(JackError::Refused("a place"));
        }
        // SAFETY: as above.
        unsafe { (self.client.start)(self.client.handle) };
        Ok(())
    }

    /// Stops the server's transport.
    pub fn halt(&self) {
        // SAFETY: the client is open.
        unsafe { (self.client.stop)(self.client.handle) };
    }

    /// Plays messages in order of time, in place of what it played before.
    ///
    /// # Errors
    /// Where JACK does not run any more.
    pub fn play(&self, song: Vec<Timed>) -> Result<(), JackError> {
        self.songs.try_send(song).map_err(|_| JackError::Stopped)
    }
}

/// Listens at `ear:in`.
pub struct Ear {
    _client: Client,
    heard: Receiver<Timed>,
}

impl Ear {
    /// Opens it on the server that JACK_DEFAULT_SERVER names.
    ///
    /// # Errors
    /// Where there is no library or no server.
    pub fn open() -> Result<Self, JackError> {
        let (sender, heard) = sync_channel(CAPACITY);
        Ok(Self { _client: Client::open("ear", "in", INPUT, Role::Hears { heard: sender })?, heard })
    }

    /// What was heard since the last call.
    pub fn take(&self) -> Vec<Timed> {
        self.heard.try_iter().collect()
    }
}
