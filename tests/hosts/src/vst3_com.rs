//! The COM objects a VST3 host hands its plugin: event list, parameter changes, state stream, host application and
//! component handler. Each lives on the host's thread; none allocates in its own library on the plugin's behalf.
#![expect(unsafe_code, reason = "COM interfaces are traits of unsafe functions over raw pointers")]
#![expect(non_snake_case, reason = "the interfaces' names are Steinberg's")]

use std::{
    cell::{Cell, RefCell},
    ffi::c_void,
};
use vst3::{
    Class, ComPtr, ComWrapper,
    Steinberg::{
        IBStream, IBStream_::IStreamSeekMode_, IBStreamTrait, TUID, Vst, int32, int64, kInvalidArgument,
        kNoInterface, kResultFalse, kResultOk, tresult,
    },
};

/// Events of one block, in or out.
#[derive(Default)]
pub struct EventList {
    /// The events, in the order in which they were added.
    pub events: RefCell<Vec<Vst::Event>>,
    /// How many it takes; an event more is refused.
    pub capacity: Cell<usize>,
}

impl Class for EventList {
    type Interfaces = (Vst::IEventList,);
}

impl Vst::IEventListTrait for EventList {
    unsafe fn getEventCount(&self) -> int32 {
        self.events.borrow().len() as int32
    }

    unsafe fn getEvent(&self, index: int32, e: *mut Vst::Event) -> tresult {
        match usize::try_from(index).ok().and_then(|idx| self.events.borrow().get(idx).copied()) {
            Some(event) if !e.is_null() => {
                // SAFETY: not null, and the caller hands a place for one event.
                unsafe { e.write(event) };
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    unsafe fn addEvent(&self, e: *mut Vst::Event) -> tresult {
        if e.is_null() {
            return kInvalidArgument;
        }
        if self.events.borrow().len() >= self.capacity.get() {
            return kResultFalse;
        }
        // SAFETY: not null, and the caller hands one event.
        self.events.borrow_mut().push(unsafe { e.read() });
        kResultOk
    }
}

/// One parameter's changes in a block.
pub struct ValueQueue {
    id: Vst::ParamID,
    points: RefCell<Vec<(int32, f64)>>,
}

impl Class for ValueQueue {
    type Interfaces = (Vst::IParamValueQueue,);
}

impl Vst::IParamValueQueueTrait for ValueQueue {
    unsafe fn getParameterId(&self) -> Vst::ParamID {
        self.id
    }

    unsafe fn getPointCount(&self) -> int32 {
        self.points.borrow().len() as int32
    }

    unsafe fn getPoint(
        &self,
        index: int32,
        sampleOffset: *mut int32,
        value: *mut Vst::ParamValue,
    ) -> tresult {
        match usize::try_from(index).ok().and_then(|idx| self.points.borrow().get(idx).copied()) {
            Some((at, normalized)) if !sampleOffset.is_null() && !value.is_null() => {
                // SAFETY: neither is null, and the caller hands a place for each.
                unsafe {
                    sampleOffset.write(at);
                    value.write(normalized);
                }
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    unsafe fn addPoint(&self, sampleOffset: int32, value: Vst::ParamValue, index: *mut int32) -> tresult {
        let mut points = self.points.borrow_mut();
        points.push((sampleOffset, value));
        if !index.is_null() {
            // SAFETY: not null, and the caller hands a place for an index.
            unsafe { index.write(points.len() as int32 - 1) };
        }
        kResultOk
    }
}

/// All parameters' changes in a block. Its queues live as long as it does.
#[derive(Default)]
pub struct ParameterChanges {
    queues: RefCell<Vec<(ComWrapper<ValueQueue>, ComPtr<Vst::IParamValueQueue>)>>,
}

impl ParameterChanges {
    /// Adds a change at a sample of the block.
    pub fn change(&self, id: Vst::ParamID, offset: u32, normalized: f64) {
        let idx = self.queue(id);
        self.queues.borrow()[idx].0.points.borrow_mut().push((offset as int32, normalized));
    }

    /// Removes all changes, and the queues with them.
    pub fn clear(&self) {
        self.queues.borrow_mut().clear();
    }

    /// The index of a parameter's queue, made where there is none.
    fn queue(&self, id: Vst::ParamID) -> usize {
        let mut queues = self.queues.borrow_mut();
        if let Some(idx) = queues.iter().position(|(queue, _)| queue.id == id) {
            return idx;
        }
        let queue = ComWrapper::new(ValueQueue { id, points: RefCell::default() });
        if let Some(pointer) = queue.to_com_ptr() {
            queues.push((queue, pointer));
        }
        queues.len().saturating_sub(1)
    }
}

impl Class for ParameterChanges {
    type Interfaces = (Vst::IParameterChanges,);
}

impl Vst::IParameterChangesTrait for ParameterChanges {
    unsafe fn getParameterCount(&self) -> int32 {
        self.queues.borrow().len() as int32
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut Vst::IParamValueQueue {
        let queues = self.queues.borrow();
        let queue = usize::try_from(index).ok().and_then(|idx| queues.get(idx));
        queue.map_or(std::ptr::null_mut(), |(_, pointer)| pointer.as_ptr())
    }

    unsafe fn addParameterData(
        &self,
        id: *const Vst::ParamID,
        index: *mut int32,
    ) -> *mut Vst::IParamValueQueue {
        if id.is_null() {
            return std::ptr::null_mut();
        }
        // SAFETY: not null, and the caller hands one id.
        let idx = self.queue(unsafe { id.read() });
        if !index.is_null() {
            // SAFETY: not null, and the caller hands a place for an index.
            unsafe { index.write(idx as int32) };
        }
        self.queues.borrow()[idx].1.as_ptr()
    }
}

/// A state in memory.
#[derive(Default)]
pub struct Stream {
    /// The bytes.
    pub bytes: RefCell<Vec<u8>>,
    place: Cell<usize>,
}

impl Stream {
    /// A stream of these bytes, at its start.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: RefCell::new(bytes.to_vec()), place: Cell::new(0) }
    }
}

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, numBytes: int32, numBytesRead: *mut int32) -> tresult {
        let bytes = self.bytes.borrow();
        let left = bytes.get(self.place.get()..).unwrap_or_default();
        let count = usize::try_from(numBytes).unwrap_or(0).min(left.len());
        if buffer.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the caller's buffer takes `numBytes`, and `count` is neither more than that nor than what is left.
        unsafe { std::ptr::copy_nonoverlapping(left.as_ptr(), buffer.cast::<u8>(), count) };
        self.place.set(self.place.get() + count);
        if !numBytesRead.is_null() {
            // SAFETY: not null, and the caller hands a place for a count.
            unsafe { numBytesRead.write(count as int32) };
        }
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, numBytes: int32, numBytesWritten: *mut int32) -> tresult {
        let count = usize::try_from(numBytes).unwrap_or(0);
        if buffer.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the caller's buffer holds `numBytes`.
        let written = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), count) };
        let mut bytes = self.bytes.borrow_mut();
        let place = self.place.get();
        let end = place + count;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[place..end].copy_from_slice(written);
        self.place.set(end);
        if !numBytesWritten.is_null() {
            // SAFETY: not null, and the caller hands a place for a count.
            unsafe { numBytesWritten.write(count as int32) };
        }
        kResultOk
    }

    unsafe fn seek(&self, pos: int64, mode: int32, result: *mut int64) -> tresult {
        let origin = match i64::from(mode) {
            mode if mode == i64::from(IStreamSeekMode_::kIBSeekSet) => 0,
            mode if mode == i64::from(IStreamSeekMode_::kIBSeekCur) => self.place.get() as int64,
            mode if mode == i64::from(IStreamSeekMode_::kIBSeekEnd) => self.bytes.borrow().len() as int64,
            _ => return kInvalidArgument,
        };
        let Ok(place) = usize::try_from(origin + pos) else { return kInvalidArgument };
        self.place.set(place);
        if !result.is_null() {
            // SAFETY: not null, and the caller hands a place for a position.
            unsafe { result.write(place as int64) };
        }
        kResultOk
    }

    unsafe fn tell(&self, pos: *mut int64) -> tresult {
        if pos.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: not null, and the caller hands a place for a position.
        unsafe { pos.write(self.place.get() as int64) };
        kResultOk
    }
}

/// Says who the host is, and takes what a plugin's own panel changes.
#[derive(Default)]
pub struct Application {
    /// Parameters the plugin changed since the host last looked, with their normalised values.
    pub edits: RefCell<Vec<(Vst::ParamID, f64)>>,
}

impl Class for Application {
    type Interfaces = (Vst::IHostApplication, Vst::IComponentHandler);
}

impl Vst::IHostApplicationTrait for Application {
    unsafe fn getName(&self, name: *mut Vst::String128) -> tresult {
        if name.is_null() {
            return kInvalidArgument;
        }
        let mut text: Vst::String128 = [0; 128];
        for (place, unit) in text.iter_mut().zip("ReaLchords hall".encode_utf16()) {
            *place = unit;
        }
        // SAFETY: not null, and the caller hands a place for one string.
        unsafe { name.write(text) };
        kResultOk
    }

    unsafe fn createInstance(&self, _cid: *mut TUID, _iid: *mut TUID, obj: *mut *mut c_void) -> tresult {
        if !obj.is_null() {
            // SAFETY: not null, and the caller hands a place for a pointer.
            unsafe { obj.write(std::ptr::null_mut()) };
        }
        kNoInterface
    }
}

impl Vst::IComponentHandlerTrait for Application {
    unsafe fn beginEdit(&self, _id: Vst::ParamID) -> tresult {
        kResultOk
    }

    unsafe fn performEdit(&self, id: Vst::ParamID, valueNormalized: Vst::ParamValue) -> tresult {
        self.edits.borrow_mut().push((id, valueNormalized));
        kResultOk
    }

    unsafe fn endEdit(&self, _id: Vst::ParamID) -> tresult {
        kResultOk
    }

    unsafe fn restartComponent(&self, _flags: int32) -> tresult {
        kResultOk
    }
}
