//! The trainer's command line. It only reads arguments and calls the stages.

mod command;

use clap::Parser;

fn main() -> anyhow::Result<()> {
    trainer::native::keep_freed_memory();
    command::Command::parse().run()
}
