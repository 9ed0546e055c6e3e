//! The host's parameters and the saved state. Ids are frozen: once released, none changes. Host main, GUI and audio
//! threads read these; texts are made for the first two only.

mod by_id;
pub mod choices;
mod pages;
mod preset;
mod presses;
mod settings;
mod state;
mod status;
pub mod table;
mod text;

use crate::{
    audio::{
        block::{Parts, Pass},
        comping::{ArpRate, Pattern, Strum},
        listener::Leads,
    },
    editor::face::SharedFace,
    links::{ChangeGrid, Health, MAX_COMMIT_FRAMES, MAX_LOOK_AHEAD_FRAMES, ModelWish, SharedCapture},
    voicing::{Bass, Inversion, MAX_VOICES, Style},
    worker::Shared,
};
pub use by_id::Control;
use choices::{KeyChoice, ModeChoice, Tonic};
use music::key::Mode;
use nice_plug::prelude::*;
use presses::Counters;
pub use state::complete;
pub use status::{StatusParams, status};
use std::sync::Arc;
use text::{beats, beats_and_reaction, channel, key, milliseconds, or_word, parse_beats, percent};

/// All parameters.
#[derive(Params)]
pub struct ChordsParams {
    /// How soon and how often chords change.
    #[nested(group = "React")]
    pub react: ReactParams,
    /// Which chords are chosen.
    #[nested(group = "Harmony")]
    pub harmony: HarmonyParams,
    /// What a player does while playing.
    #[nested(group = "Play")]
    pub play: PlayParams,
    /// Where chords lie on the keyboard.
    #[nested(group = "Voicing")]
    pub voicing: VoicingParams,
    /// In which rhythm and how hard they are struck.
    #[nested(group = "Rhythm")]
    pub rhythm: RhythmParams,
    /// Which notes are the melody.
    #[nested(group = "Input")]
    pub input: InputParams,
    /// What goes out.
    #[nested(group = "Output")]
    pub output: OutputParams,
    /// How the instance fares.
    #[nested(group = "Status")]
    pub status: StatusParams,

    /// How the editor's window was left.
    #[persist = "face"]
    pub face: Arc<SharedFace>,
    /// Which model is to play.
    #[persist = "model"]
    pub model: Arc<ModelWish>,
    /// What was played.
    #[persist = "capture"]
    pub capture: Arc<SharedCapture>,
}

/// How soon and how often chords change.
#[derive(Params)]
pub struct ReactParams {
    /// Frames from what is heard to what is committed by it.
    #[id = "commit"]
    pub commit: IntParam,
    /// Frames planned ahead.
    #[id = "look_ahead"]
    pub look_ahead: IntParam,
    /// Beats of listening before the first chord.
    #[id = "listen"]
    pub listen: IntParam,
    /// Whether a seek lets the model listen again.
    #[id = "listen_again"]
    pub listen_again: BoolParam,
    /// Where chords may change.
    #[id = "grid"]
    pub grid: EnumParam<ChangeGrid>,
    /// Sparser or denser than the model by itself.
    #[id = "density"]
    pub density: FloatParam,
    /// In a loop the last pass's melody stands in for the imagined one.
    #[id = "loop_memory"]
    pub loop_memory: BoolParam,
    /// Whether we play on a clock of our own while the host stands still.
    #[id = "free_run"]
    pub free_run: BoolParam,
    /// That clock's tempo.
    #[id = "free_tempo"]
    pub free_tempo: FloatParam,
}

/// Which chords are chosen.
#[derive(Params)]
pub struct HarmonyParams {
    /// What the model's own temperature is multiplied by.
    #[id = "temperature"]
    pub temperature: FloatParam,
    /// The share of the likeliest chords that are drawn from.
    #[id = "top_p"]
    pub top_p: FloatParam,
    /// How the key is treated.
    #[id = "key_rule"]
    pub key_rule: EnumParam<KeyChoice>,
    /// Its tonic.
    #[id = "key_tonic"]
    pub key_tonic: EnumParam<Tonic>,
    /// Its mode.
    #[id = "key_mode"]
    pub key_mode: EnumParam<ModeChoice>,
    /// The seed of every draw.
    #[id = "seed"]
    pub seed: IntParam,
}

/// What a player does while playing.
#[derive(Params)]
pub struct PlayParams {
    /// The chord that sounds goes on.
    #[id = "hold"]
    pub hold: BoolParam,
    /// Chords are silent.
    #[id = "mute"]
    pub mute: BoolParam,
    /// Its press brings the next chord now.
    #[id = "next"]
    pub next: BoolParam,
    /// Its press asks for another plan.
    #[id = "reroll"]
    pub reroll: BoolParam,
    /// Its press brings back the plan before that.
    #[id = "undo_reroll"]
    pub undo_reroll: BoolParam,
    /// Whether each press switches over.
    #[id = "latching"]
    pub latching: BoolParam,
    /// Its press ends all notes.
    #[id = "panic"]
    pub panic: BoolParam,

    /// How often each was pressed.
    presses: Arc<Counters>,
}

/// Where chords lie on the keyboard.
#[derive(Params)]
pub struct VoicingParams {
    /// The rule that makes voicings.
    #[id = "style"]
    pub style: EnumParam<Style>,
    /// The number of voices.
    #[id = "voices"]
    pub voices: IntParam,
    /// The key around which chords are voiced.
    #[id = "register"]
    pub register: IntParam,
    /// The lowest key of the hands.
    #[id = "lowest"]
    pub lowest: IntParam,
    /// The highest.
    #[id = "highest"]
    pub highest: IntParam,
    /// Which tone stands lowest.
    #[id = "inversion"]
    pub inversion: EnumParam<Inversion>,
    /// Whether the hands stay below the melody.
    #[id = "below_melody"]
    pub below_melody: BoolParam,
    /// What the bass plays.
    #[id = "bass"]
    pub bass: EnumParam<Bass>,
}

/// In which rhythm and how hard chords are struck.
#[derive(Params)]
pub struct RhythmParams {
    /// The rhythm.
    #[id = "pattern"]
    pub pattern: EnumParam<Pattern>,
    /// The pace of arpeggios.
    #[id = "arp_rate"]
    pub arp_rate: EnumParam<ArpRate>,
    /// The share of its time that a note of a pattern lasts.
    #[id = "gate"]
    pub gate: FloatParam,
    /// The order of a strum.
    #[id = "strum"]
    pub strum: EnumParam<Strum>,
    /// From one voice to the next.
    #[id = "strum_ms"]
    pub strum_ms: IntParam,
    /// How hard chords are struck.
    #[id = "velocity"]
    pub velocity: IntParam,
    /// How much of the melody's loudness is taken over.
    #[id = "follow"]
    pub follow: FloatParam,
    /// How much time and touch stray.
    #[id = "humanise"]
    pub humanise: FloatParam,
    /// Everything so much later, or earlier.
    #[id = "nudge"]
    pub nudge: IntParam,
}

/// Which notes are the melody.
#[derive(Params)]
pub struct InputParams {
    /// The channel listened to.
    #[id = "in_channel"]
    pub channel: IntParam,
    /// The lowest key listened to.
    #[id = "in_lowest"]
    pub lowest: IntParam,
    /// The highest.
    #[id = "in_highest"]
    pub highest: IntParam,
    /// Which of several notes leads.
    #[id = "leads"]
    pub leads: EnumParam<Leads>,
    /// Whether the sustain pedal holds the melody's notes.
    #[id = "sustain"]
    pub sustain: BoolParam,
}

/// What goes out.
#[derive(Params)]
pub struct OutputParams {
    /// What becomes of the melody.
    #[id = "pass_through"]
    pub pass_through: EnumParam<Pass>,
    /// Which of our notes go out.
    #[id = "parts"]
    pub parts: EnumParam<Parts>,
    /// The chords' channel, from 1.
    #[id = "chord_channel"]
    pub chord_channel: IntParam,
    /// The bass notes' channel, from 1.
    #[id = "bass_channel"]
    pub bass_channel: IntParam,
    /// Whether captured chords are played again instead of asking the model.
    #[id = "print"]
    pub print: BoolParam,
    /// The host's bypass.
    #[id = "bypass"]
    pub bypass: BoolParam,
}

impl ChordsParams {
    /// The parameters of an instance that fares as `health` says.
    pub fn new(health: &Arc<Health>) -> Self {
        Self {
            react: ReactParams::new(health),
            harmony: HarmonyParams::default(),
            play: PlayParams::default(),
            voicing: VoicingParams::default(),
            rhythm: RhythmParams::default(),
            input: InputParams::default(),
            output: OutputParams::default(),
            status: StatusParams::new(health),
            face: Arc::default(),
            model: Arc::default(),
            capture: Arc::default(),
        }
    }

    /// What the worker is given of these.
    pub fn shared(&self) -> Shared {
        Shared { wish: self.model.clone(), capture: self.capture.clone() }
    }
}

impl ReactParams {
    fn new(health: &Arc<Health>) -> Self {
        let listen_text =
            Arc::new(|beats| if beats == 1 { "1 beat".into() } else { format!("{beats} beats") });
        let number = Arc::new(|text: &str| text.split_whitespace().next()?.parse().ok());
        Self {
            commit: IntParam::new("Commit", 1, IntRange::Linear { min: 1, max: MAX_COMMIT_FRAMES as i32 })
                .with_value_to_string(Arc::new({
                    let health = health.clone();
                    move |frames| beats_and_reaction(frames, health.tempo_bpm())
                }))
                .with_string_to_value(Arc::new(parse_beats)),
            look_ahead: IntParam::new(
                "Look ahead",
                16,
                IntRange::Linear { min: 0, max: MAX_LOOK_AHEAD_FRAMES as i32 },
            )
            .with_value_to_string(Arc::new(beats))
            .with_string_to_value(Arc::new(parse_beats)),
            listen: IntParam::new("Listen first", 4, IntRange::Linear { min: 0, max: 16 })
                .with_value_to_string(listen_text)
                .with_string_to_value(number),
            listen_again: BoolParam::new("Listen again after a seek", false),
            grid: EnumParam::new("Change every", ChangeGrid::Free),
            density: percent("Density", 0.0, -1.0),
            loop_memory: BoolParam::new("Loop memory", true),
            free_run: BoolParam::new("Run without the host", false),
            free_tempo: FloatParam::new("Own tempo", 100.0, FloatRange::Linear { min: 30.0, max: 300.0 })
                .with_step_size(0.1)
                .with_unit(" BPM"),
        }
    }
}

impl Default for HarmonyParams {
    fn default() -> Self {
        Self {
            temperature: FloatParam::new("Adventure", 1.0, FloatRange::Linear { min: 0.0, max: 2.0 })
                .with_step_size(0.01),
            top_p: percent("Likeliest share (top-p)", 1.0, 0.05),
            key_rule: EnumParam::new("Key", KeyChoice::Auto),
            key_tonic: EnumParam::new("Tonic", Tonic(0)),
            key_mode: EnumParam::new("Mode", ModeChoice(Mode::Major)),
            seed: IntParam::new("Seed", 1, IntRange::Linear { min: 0, max: 9999 }),
        }
    }
}

impl Default for PlayParams {
    fn default() -> Self {
        let presses = Arc::<Counters>::default();
        let [hold, mute, next, reroll, undo_reroll, panic] = presses.params();
        let latching = BoolParam::new("Switches latch", false);
        Self { hold, mute, next, reroll, undo_reroll, latching, panic, presses }
    }
}

impl Default for VoicingParams {
    fn default() -> Self {
        Self {
            style: EnumParam::new("Style", Style::Close),
            voices: or_word("Voices", 1, MAX_VOICES as i32, 1, "As the chord"),
            register: key("Register", 60, 48, 76),
            lowest: key("Lowest key", 40, 36, 72),
            highest: key("Highest key", 84, 60, 108),
            inversion: EnumParam::new("Inversion", Inversion::Nearest),
            below_melody: BoolParam::new("Below the melody", false),
            bass: EnumParam::new("Bass", Bass::Slash),
        }
    }
}

impl Default for RhythmParams {
    fn default() -> Self {
        Self {
            pattern: EnumParam::new("Rhythm", Pattern::Sustained),
            arp_rate: EnumParam::new("Arpeggio pace", ArpRate::Eighth),
            gate: percent("Gate", 0.9, 0.05),
            strum: EnumParam::new("Strum", Strum::Up),
            strum_ms: milliseconds("Strum time", 0, 0, 120),
            velocity: IntParam::new("Chord velocity", 80, IntRange::Linear { min: 1, max: 127 }),
            follow: percent("Follow the melody's touch", 0.0, 0.0),
            humanise: percent("Humanise", 0.0, 0.0),
            nudge: milliseconds("Nudge", 0, -30, 100),
        }
    }
}

impl Default for InputParams {
    fn default() -> Self {
        Self {
            channel: or_word("Input channel", 0, 16, 0, "All"),
            lowest: key("Lowest melody key", 0, 0, 127),
            highest: key("Highest melody key", 127, 0, 127),
            leads: EnumParam::new("The melody is the", Leads::Last),
            sustain: BoolParam::new("Sustain pedal", true),
        }
    }
}

impl Default for OutputParams {
    fn default() -> Self {
        Self {
            pass_through: EnumParam::new("Output", Pass::ChordsOnly),
            parts: EnumParam::new("Parts", Parts::Both),
            chord_channel: channel("Chord channel", 1),
            bass_channel: channel("Bass channel", 2),
            print: BoolParam::new("Print", false),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_frozen() {
        let params = ChordsParams::new(&Arc::new(Health::default()));
        let ids: Vec<String> = params.param_map().into_iter().map(|(id, ..)| id).collect();
        let frozen = "commit look_ahead listen listen_again grid density loop_memory free_run free_tempo temperature \
                      top_p key_rule key_tonic key_mode seed hold mute next reroll undo_reroll latching panic style \
                      voices register lowest highest inversion below_melody bass pattern arp_rate gate strum strum_ms \
                      velocity follow humanise nudge in_channel in_lowest in_highest leads sustain pass_through parts \
                      chord_channel bass_channel print bypass status now coming key late engine infer_p50 infer_p99 \
                      model";
        assert_eq!(ids, frozen.split_whitespace().collect::<Vec<_>>());
    }
}
