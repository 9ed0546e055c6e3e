//! A VST3 library in memory: opened once however many plugins of it live, closed with the last of them.
#![expect(unsafe_code, reason = "loading a library and calling its exported functions")]

use crate::host::{Format, HostError};
use libloading::{Library, Symbol};
use std::{
    ffi::c_void,
    path::{Path, PathBuf},
    rc::Rc,
};
use vst3::{
    ComPtr, Interface,
    Steinberg::{
        FUnknown, IPluginBaseTrait, IPluginFactory, IPluginFactory2, IPluginFactory2Trait,
        IPluginFactoryTrait, PClassInfo, PClassInfo2, TUID,
        Vst::{
            IComponent, IComponentTrait, IConnectionPoint, IConnectionPointTrait, IEditController,
            IHostApplication,
        },
        kResultOk,
    },
};

/// A plugin class of a module.
#[derive(Clone, Debug)]
pub struct PluginClass {
    /// Its id.
    pub id: TUID,
    /// Its name.
    pub name: String,
    /// Its subcategories.
    pub categories: Vec<String>,
}

impl PluginClass {
    /// The id as 32 hexadecimal digits, in the order of its bytes.
    pub fn hex(&self) -> String {
        self.id.iter().map(|byte| format!("{:02X}", *byte as u8)).collect()
    }
}

/// An open module.
pub struct Module {
    /// Before the library, which must outlive it.
    factory: ComPtr<IPluginFactory>,
    library: Library,
}

impl Module {
    /// Opens a `.vst3` bundle, or a bare library.
    pub fn open(path: &Path) -> Result<Rc<Self>, HostError> {
        let failed = |reason: String| HostError::Load { path: path.to_owned(), format: Format::Vst3, reason };
        let binary = binary_of(path);
        // SAFETY: loading a library runs its constructors; the caller names a plugin that it means to run.
        let library = unsafe { Library::new(&binary) }.map_err(|error| failed(error.to_string()))?;
        enter(&library).map_err(failed)?;
        // SAFETY: the name and the type are VST3's.
        let factory = unsafe {
            library.get::<unsafe extern "system" fn() -> *mut IPluginFactory>(b"GetPluginFactory\0")
        };
        let factory = factory.map_err(|error| failed(error.to_string()))?;
        // SAFETY: the function hands over a reference to its factory, or null.
        let factory = unsafe { ComPtr::from_raw(factory()) };
        let factory = factory.ok_or_else(|| failed("it has no plugin factory".to_owned()))?;
        Ok(Rc::new(Self { factory, library }))
    }

    /// The audio plugins in the module, in its order.
    pub fn classes(&self) -> Vec<PluginClass> {
        // SAFETY: the factory is alive.
        let count = unsafe { self.factory.countClasses() };
        let described = self.factory.cast::<IPluginFactory2>();
        let mut classes = Vec::new();
        for idx in 0..count {
            // SAFETY: a struct of numbers and characters, for which zeros are a value; the plugin fills it in.
            let mut class: PClassInfo = unsafe { std::mem::zeroed() };
            // SAFETY: the factory is alive and the index is below its count.
            if unsafe { self.factory.getClassInfo(idx, &mut class) } != kResultOk
                || text(&class.category) != "Audio Module Class"
            {
                continue;
            }
            let mut categories = Vec::new();
            if let Some(described) = &described {
                // SAFETY: as above.
                let mut more: PClassInfo2 = unsafe { std::mem::zeroed() };
                // SAFETY: as above.
                if unsafe { described.getClassInfo2(idx, &mut more) } == kResultOk {
                    categories = text(&more.subCategories).split('|').map(str::to_owned).collect();
                }
            }
            classes.push(PluginClass { id: class.cid, name: text(&class.name), categories });
        }
        classes
    }
}

impl Module {
    /// An object of a class, as one of its interfaces.
    pub fn create<I: Interface>(&self, class: &TUID) -> Option<ComPtr<I>> {
        let mut object: *mut c_void = std::ptr::null_mut();
        // SAFETY: the factory is alive; both ids are 16 bytes.
        let outcome =
            unsafe { self.factory.createInstance(class.as_ptr(), I::IID.as_ptr().cast(), &mut object) };
        if outcome != kResultOk {
            return None;
        }
        // SAFETY: the factory handed over a reference to an object with the interface it was asked for, or null.
        unsafe { ComPtr::from_raw(object.cast::<I>()) }
    }

    /// A component's controller, and whether it is an object of its own.
    pub fn controller_of(
        &self,
        component: &ComPtr<IComponent>,
        context: &ComPtr<IHostApplication>,
    ) -> Option<(ComPtr<IEditController>, bool)> {
        if let Some(controller) = component.cast::<IEditController>() {
            return Some((controller, false));
        }
        let mut class: TUID = [0; 16];
        // SAFETY: the component is alive and the place takes one id.
        if unsafe { component.getControllerClassId(&mut class) } != kResultOk {
            return None;
        }
        let controller: ComPtr<IEditController> = self.create(&class)?;
        // SAFETY: the controller is alive, and so is the context while the host is.
        if unsafe { controller.initialize(context.as_ptr().cast::<FUnknown>()) } != kResultOk {
            return None;
        }
        if let (Some(ours), Some(theirs)) =
            (component.cast::<IConnectionPoint>(), controller.cast::<IConnectionPoint>())
        {
            // SAFETY: both are alive.
            unsafe {
                ours.connect(theirs.as_ptr());
                theirs.connect(ours.as_ptr());
            }
        }
        Some((controller, true))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        leave(&self.library);
    }
}

/// A fixed text up to its first zero.
fn text(chars: &[vst3::Steinberg::char8]) -> String {
    let bytes: Vec<u8> = chars.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The library inside a `.vst3` bundle; a path that is no bundle is the library.
fn binary_of(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let contents = path.join("Contents");
    if cfg!(target_os = "macos") {
        contents.join("MacOS").join(stem)
    } else if cfg!(target_os = "windows") {
        contents.join(format!("{}-win", std::env::consts::ARCH)).join(format!("{stem}.vst3"))
    } else {
        contents.join(format!("{}-linux", std::env::consts::ARCH)).join(format!("{stem}.so"))
    }
}

/// Tells the library that it has been loaded. VST3 names the function by platform; it is optional on Windows.
fn enter(library: &Library) -> Result<(), String> {
    let name: &[u8] = match () {
        () if cfg!(target_os = "macos") => b"bundleEntry\0",
        () if cfg!(target_os = "windows") => b"InitDll\0",
        () => b"ModuleEntry\0",
    };
    // SAFETY: the name and the type are VST3's; the argument is null, or unused, on all platforms.
    let entered = unsafe {
        let entry: Result<Symbol<'_, unsafe extern "system" fn(*mut c_void) -> bool>, _> = library.get(name);
        entry.map(|entry| entry(std::ptr::null_mut()))
    };
    match entered {
        Ok(true) => Ok(()),
        Ok(false) => Err("its entry function failed".to_owned()),
        Err(_) if cfg!(target_os = "windows") => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Tells the library that it will be unloaded.
fn leave(library: &Library) {
    let name: &[u8] = match () {
        () if cfg!(target_os = "macos") => b"bundleExit\0",
        () if cfg!(target_os = "windows") => b"ExitDll\0",
        () => b"ModuleExit\0",
    };
    // SAFETY: the name and the type are VST3's.
    unsafe {
        let exit: Result<Symbol<'_, unsafe extern "system" fn() -> bool>, _> = library.get(name);
        if let Ok(exit) = exit {
            exit();
        }
    }
}
