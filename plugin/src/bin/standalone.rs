//! The instrument as a program of its own: JACK, ALSA, CoreAudio, WASAPI or no sound at all in place of a host. The
//! framework's wrapper does it all; `--help` lists its options.

use nice_plug::prelude::nice_export_standalone;
use std::process::ExitCode;

fn main() -> ExitCode {
    if nice_export_standalone::<realchords::Standalone>() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
