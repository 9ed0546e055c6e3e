//! The targets under libFuzzer, which owns the main function. `REALCHORDS_FUZZ` names the target, `REALCHORDS_FUZZ_SEEDS`
//! the folder for its seeds; built and started by `cargo xtask fuzz`.
#![no_main]
#![expect(unsafe_code, reason = "libFuzzer finds its functions by unmangled names")]

use fuzz::Target;
use libfuzzer_sys as _;
use std::{env, fs, path::PathBuf, sync::OnceLock};

fn target() -> &'static Target {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = env::var("REALCHORDS_FUZZ").unwrap_or_default();
        fuzz::target(&name).unwrap_or_else(|| panic!("REALCHORDS_FUZZ={name:?} names no target"))
    })
}

/// What libFuzzer calls once, before it reads any seed.
// SAFETY: the name and signature are those that libFuzzer declares.
#[unsafe(no_mangle)]
pub extern "C" fn LLVMFuzzerInitialize(_argc: *const isize, _argv: *const *const *const u8) -> isize {
    if let Some(folder) = env::var_os("REALCHORDS_FUZZ_SEEDS").map(PathBuf::from) {
        for (idx, seed) in (target().seeds)().iter().enumerate() {
            let written = fs::write(folder.join(format!("seed-{idx}")), seed);
            written.unwrap_or_else(|error| panic!("seed {idx} is not written: {error}"));
        }
    }
    0
}

/// What libFuzzer calls with each input.
// SAFETY: the name and signature are those that libfuzzer-sys declares.
#[unsafe(no_mangle)]
#[expect(improper_ctypes_definitions, reason = "libfuzzer-sys hands a slice over, Rust to Rust")]
pub extern "C" fn rust_fuzzer_test_input(bytes: &[u8]) -> i32 {
    (target().run)(bytes);
    0
}
