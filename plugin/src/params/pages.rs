//! The parameters on pages of eight, as controllers with eight knobs show them: what a player reaches for comes first.
//! CLAP hosts ask for these; VST3 knows no such pages. Host main thread.

use super::ChordsParams;
use nice_plug::prelude::{RemoteControlsContext, RemoteControlsPage, RemoteControlsSection};

/// Adds a section with pages of parameters.
macro_rules! section {
    ($context:expr, $params:expr, $section:literal: $($page:literal [$($group:ident.$field:ident),+ $(,)?])+) => {
        $context.add_section($section, |section| {
            $(section.add_page($page, |page| {
                $(page.add_param(&$params.$group.$field);)+
            });)+
        })
    };
}

impl ChordsParams {
    /// Describes the pages to a host.
    pub fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        section!(context, self, "Play":
            "Hands" [play.hold, play.mute, play.next, play.reroll, play.undo_reroll, play.latching, play.panic,
                output.bypass]
            "React" [react.commit, react.look_ahead, react.listen, react.listen_again, react.grid, react.density,
                react.loop_memory, react.free_run]
            "Harmony" [harmony.temperature, harmony.top_p, harmony.key_rule, harmony.key_tonic, harmony.key_mode,
                harmony.seed, react.density, react.grid]);
        section!(context, self, "Sound":
            "Voicing" [voicing.style, voicing.voices, voicing.register, voicing.lowest, voicing.highest,
                voicing.inversion, voicing.below_melody, voicing.bass]
            "Rhythm" [rhythm.pattern, rhythm.arp_rate, rhythm.gate, rhythm.strum, rhythm.strum_ms, rhythm.velocity,
                rhythm.follow, rhythm.humanise]);
        section!(context, self, "Routing":
            "Input" [input.channel, input.lowest, input.highest, input.leads, input.sustain]
            "Output" [output.pass_through, output.parts, output.chord_channel, output.bass_channel, output.print,
                output.bypass, rhythm.nudge]
            "Clock" [react.free_run, react.free_tempo]);
        section!(context, self, "Status":
            "Status" [status.status, status.now, status.coming, status.key, status.late, status.engine,
                status.infer_p99, status.model]);
    }
}
