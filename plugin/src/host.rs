//! The one translator between the framework's words and ours. Audio thread; nothing else below knows the framework.

mod note_ids;
mod seams;

use crate::{
    audio::{
        block::{Block, Cycle, Incoming, Outgoing, Port, Transport},
        controls::Control,
    },
    params::ChordsParams,
};
use music::{grid::Beats, meter::Meter, pitch::Pitch};
use nice_plug::{
    midi::{Channel, Key, VoiceID},
    prelude::{NoteEvent, Plugin, PluginApi, PluginNoteEvent, ProcessContext, ProcessMode},
};
pub use note_ids::NoteIds;
pub use seams::Seams;
use std::{collections::VecDeque, time::Instant};

/// How far ahead of the clock on the wall a host must be to be rendering, in seconds of music.
const RENDERING_AHEAD: f64 = 0.5;

/// Controllers that end all notes of a channel.
const ALL_SOUND_OFF: u8 = 120;
const ALL_NOTES_OFF: u8 = 123;
/// The controller that puts the others of its channel to rest.
const ALL_CONTROLS_OFF: u8 = 121;
/// Controllers that stay where they are put.
const CONTROLLERS: [(u8, Control); 5] = [
    (1, Control::Modulation),
    (64, Control::Sustain),
    (66, Control::Sostenuto),
    (67, Control::Soft),
    (69, Control::Lengthen),
];

/// Whether the host renders offline, so that the audio side may wait.
///
/// CLAP says so. The VST3 wrapper hands on what the host said one activation before, so it is not believed: there a
/// host that is half a second ahead of the clock is rendering, which no live host can be.
#[derive(Debug)]
pub struct Pace {
    known: Option<bool>,
    sample_rate: f64,
    ahead: f64,
    last: Option<Instant>,
    renders: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { known: Some(false), sample_rate: 48_000.0, ahead: 0.0, last: None, renders: false }
    }
}

impl Pace {
    /// The host activates us.
    pub fn activate(&mut self, api: PluginApi, mode: ProcessMode, sample_rate: f32) {
        let known = (api != PluginApi::Vst3).then_some(mode == ProcessMode::Offline);
        *self = Self { known, sample_rate: f64::from(sample_rate), ..Self::default() };
    }

    /// The host starts anew.
    pub fn reset(&mut self) {
        (self.ahead, self.last, self.renders) = (0.0, None, false);
    }

    /// Samples a second.
    pub fn sample_rate(&self) -> f64 {
        self.sample_rate
    }

    /// A block comes: whether the host renders offline.
    pub fn renders(&mut self, num_samples: u32, playing: bool) -> bool {
        if let Some(known) = self.known {
            return known;
        }
        let now = Instant::now();
        let elapsed = self.last.replace(now).map(|last| (now - last).as_secs_f64());
        let length = f64::from(num_samples) / self.sample_rate.max(1.0);
        // Being behind does not count, or a pause would buy a burst.
        // And being far ahead buys no more than a moment, or a bounce would make the live take after it wait.
        let ahead = self.ahead + length - elapsed.unwrap_or(length);
        self.ahead = if playing { ahead.clamp(0.0, 2.0 * RENDERING_AHEAD) } else { 0.0 };
        self.renders = self.ahead > if self.renders { RENDERING_AHEAD / 2.0 } else { RENDERING_AHEAD };
        self.renders
    }
}

/// A block in our words.
pub fn block<P: Plugin>(
    context: &impl ProcessContext<P>,
    params: &ChordsParams,
    num_samples: u32,
    pace: &mut Pace,
    seams: &mut Seams,
) -> Block {
    let transport = seams.mend(transport(context.transport()), num_samples, pace.sample_rate());
    let offline = pace.renders(num_samples, transport.playing);
    Block { transport, num_samples, sample_rate: pace.sample_rate(), settings: params.settings(offline) }
}

fn transport(host: &nice_plug::prelude::Transport) -> Transport {
    let beats = |place: f64| Some(Beats(place));
    let meter = match (host.time_sig_numerator, host.time_sig_denominator) {
        (Some(over), Some(under)) => u8::try_from(over).ok().zip(u8::try_from(under).ok()),
        _ => None,
    };
    Transport {
        playing: host.playing,
        position: host.pos_beats().and_then(beats),
        tempo_bpm: host.tempo,
        meter: meter.and_then(|(over, under)| Meter::new(over, under)),
        bar_start: host.bar_start_pos_beats().and_then(beats),
        cycle: host.loop_range_beats().map(|(start, end)| Cycle { start: Beats(start), end: Beats(end) }),
    }
}

/// Events that come a sample after their block: where a host (CLAP) lists a note before the parameter that changes at the
/// same sample, the framework hands it over with what is before the cut. They belong to the next block's head.
#[derive(Debug)]
pub struct Overhang<S>(VecDeque<NoteEvent<S>>);

/// Events of one sample: more than all keys go down and up.
const MAX_OVERHANG: usize = 512;

impl<S> Default for Overhang<S> {
    fn default() -> Self {
        Self(VecDeque::with_capacity(MAX_OVERHANG))
    }
}

/// The framework's context as our port.
pub struct HostPort<'a, C, P: Plugin> {
    context: &'a mut C,
    overhang: &'a mut Overhang<P::SysExMessage>,
    /// How many of those came with the block before.
    num_due: usize,
    ids: &'a mut NoteIds,
    num_samples: u32,
    last: Option<PluginNoteEvent<P>>,
}

impl<'a, C: ProcessContext<P>, P: Plugin> HostPort<'a, C, P> {
    /// The port of one block.
    pub fn new(
        context: &'a mut C,
        overhang: &'a mut Overhang<P::SysExMessage>,
        ids: &'a mut NoteIds,
        num_samples: u32,
    ) -> Self {
        let num_due = overhang.0.len();
        Self { context, overhang, num_due, ids, num_samples, last: None }
    }

    fn next_event(&mut self) -> Option<PluginNoteEvent<P>> {
        if self.num_due > 0 {
            self.num_due -= 1;
            return self.overhang.0.pop_front();
        }
        loop {
            let mut event = self.context.next_event()?;
            if event.timing() < self.num_samples || self.overhang.0.len() == MAX_OVERHANG {
                return Some(event);
            }
            event.subtract_timing(event.timing());
            self.overhang.0.push_back(event);
        }
    }
}

impl<C: ProcessContext<P>, P: Plugin> Port for HostPort<'_, C, P> {
    fn receive(&mut self) -> Option<Incoming> {
        loop {
            let event = self.next_event()?;
            if was_never_moved(&event) {
                continue;
            }
            if let Some(incoming) = incoming(&event, self.ids) {
                self.last = Some(event);
                return Some(incoming);
            }
        }
    }

    fn forward(&mut self) -> bool {
        let last = self.last.take();
        last.is_some_and(|event| self.context.try_send_event(without_id(event)).is_ok())
    }

    fn rest(&mut self, offset: u32, channel: u8, control: Control) -> bool {
        self.context.try_send_event(at_rest(offset, channel, control)).is_ok()
    }

    fn send(&mut self, note: Outgoing) -> bool {
        let Outgoing { offset: timing, channel, key, velocity } = note;
        let (voice_id, channel, key) = (VoiceID::Wildcard, Channel::Number(channel), Key::Number(key.midi()));
        let event = match velocity {
            Some(velocity) => NoteEvent::NoteOn { timing, voice_id, channel, key, velocity },
            None => NoteEvent::NoteOff { timing, voice_id, channel, key, velocity: 0.0 },
        };
        self.context.try_send_event(event).is_ok()
    }
}

/// What is said of a note, said of its key: our notes go out without the host's ids, so that nobody behind us would know
/// which is meant.
fn without_id<S>(mut event: NoteEvent<S>) -> NoteEvent<S> {
    match &mut event {
        NoteEvent::PolyPressure { voice_id, key: Key::Number(_), .. }
        | NoteEvent::PolyVolume { voice_id, key: Key::Number(_), .. }
        | NoteEvent::PolyPan { voice_id, key: Key::Number(_), .. }
        | NoteEvent::PolyTuning { voice_id, key: Key::Number(_), .. }
        | NoteEvent::PolyVibrato { voice_id, key: Key::Number(_), .. }
        | NoteEvent::PolyExpression { voice_id, key: Key::Number(_), .. }
        | NoteEvent::PolyBrightness { voice_id, key: Key::Number(_), .. } => *voice_id = VoiceID::Wildcard,
        _ => {}
    }
    event
}

/// The event that puts a control back to its rest.
fn at_rest<S>(timing: u32, channel: u8, control: Control) -> NoteEvent<S> {
    let value = control.rest();
    match (control, CONTROLLERS.iter().find(|(_, of)| *of == control)) {
        (_, Some((cc, _))) => NoteEvent::MidiCC { timing, channel, cc: *cc, value },
        (Control::Bend, None) => NoteEvent::MidiPitchBend { timing, channel, value },
        (_, None) => NoteEvent::MidiChannelPressure { timing, channel, pressure: value },
    }
}

/// Whether it is a controller that nobody has moved. In VST3 each controller of each channel is a parameter, of which the
/// framework says that it stands at one half; a host that opens a session (Ardour 7) sends all of that back, pedals
/// included. No controller of seven bits can stand there: 63 is .496, 64 is .504.
fn was_never_moved<S>(event: &NoteEvent<S>) -> bool {
    match event {
        NoteEvent::MidiCC { value, .. } => *value == 0.5,
        NoteEvent::MidiChannelPressure { pressure, .. } => *pressure == 0.5,
        _ => false,
    }
}

/// The event in our words; none where it ends a note by an id that no note bears.
fn incoming<S>(event: &NoteEvent<S>, ids: &mut NoteIds) -> Option<Incoming> {
    let key_of = |key: &Key| key.number().and_then(Pitch::new);
    Some(match event {
        NoteEvent::NoteOn { timing, voice_id, channel, key, velocity } => match key_of(key) {
            Some(key) => {
                let channel = channel.number().unwrap_or(0) & 15;
                ids.press(voice_id.id(), channel, key);
                let velocity = if velocity.is_finite() { velocity.clamp(0.0, 1.0) } else { 0.8 };
                Incoming::On { offset: *timing, channel, key, velocity }
            }
            None => Incoming::Other { offset: *timing },
        },
        NoteEvent::NoteOff { timing, voice_id, channel, key, .. }
        | NoteEvent::Choke { timing, voice_id, channel, key } => {
            let (mut channel, mut key) = (channel.number().map(|c| c & 15), key_of(key));
            if let (None, Some(id)) = (key, voice_id.id()) {
                let (of, meant) = ids.meant(id, channel)?;
                (channel, key) = (Some(of), Some(meant));
            }
            Incoming::Off { offset: *timing, channel, key }
        }
        NoteEvent::MidiCC { timing, channel, cc: cc @ (ALL_SOUND_OFF | ALL_NOTES_OFF), .. } => {
            Incoming::AllOff { offset: *timing, channel: channel & 15, sound: *cc == ALL_SOUND_OFF }
        }
        NoteEvent::MidiCC { timing, channel, cc: ALL_CONTROLS_OFF, .. } => {
            Incoming::ControlsOff { offset: *timing, channel: channel & 15 }
        }
        other => match control_of(other) {
            Some((channel, control, value)) => {
                Incoming::Control { offset: other.timing(), channel: channel & 15, control, value }
            }
            None => Incoming::Other { offset: other.timing() },
        },
    })
}

/// The channel, the control and where it stands, if the event moves one.
fn control_of<S>(event: &NoteEvent<S>) -> Option<(u8, Control, f32)> {
    match event {
        NoteEvent::MidiCC { channel, cc, value, .. } => {
            let (_, control) = CONTROLLERS.iter().find(|(number, _)| number == cc)?;
            Some((*channel, *control, *value))
        }
        NoteEvent::MidiPitchBend { channel, value, .. } => Some((*channel, Control::Bend, *value)),
        NoteEvent::MidiChannelPressure { channel, pressure, .. } => {
            Some((*channel, Control::Pressure, *pressure))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::prelude::Transport as HostTransport;

    #[test]
    fn missing_fields_stay_missing() {
        let ours = transport(&HostTransport::new(48_000.0));
        assert_eq!(ours, Transport::default());
    }

    #[test]
    fn mad_meters_are_no_meters() {
        for (over, under) in [(0, 4), (-3, 4), (4, 3), (400, 4), (4, 0)] {
            let mut host = HostTransport::new(48_000.0);
            host.time_sig_numerator = Some(over);
            host.time_sig_denominator = Some(under);
            assert_eq!(transport(&host).meter, None, "{over}/{under}");
        }
    }

    #[test]
    fn controllers_that_were_never_moved_are_no_events() {
        let controller = |value| NoteEvent::<()>::MidiCC { timing: 0, channel: 0, cc: 64, value };
        assert!(was_never_moved(&controller(0.5)));
        let pressure = NoteEvent::<()>::MidiChannelPressure { timing: 0, channel: 0, pressure: 0.5 };
        assert!(was_never_moved(&pressure));
        for value in 0..128 {
            assert!(!was_never_moved(&controller(value as f32 / 127.0)), "{value}");
        }
        let bend = NoteEvent::<()>::MidiPitchBend { timing: 0, channel: 0, value: 0.5 };
        assert!(!was_never_moved(&bend), "in the middle a wheel stands still, and is put there");
    }

    #[test]
    fn what_is_said_of_a_note_is_said_of_its_key() {
        let tuned = |voice_id, key| NoteEvent::<()>::PolyTuning {
            timing: 3,
            voice_id,
            channel: Channel::Number(2),
            key,
            tuning: 0.5,
        };
        let (id, key) = (VoiceID::ID(7), Key::Number(60));
        assert_eq!(without_id(tuned(id, key)), tuned(VoiceID::Wildcard, key));
        assert_eq!(without_id(tuned(id, Key::Wildcard)), tuned(id, Key::Wildcard));
    }

    #[test]
    fn a_control_put_to_rest_stands_there_and_comes_back_as_the_same() {
        for control in Control::ALL {
            let event = at_rest::<()>(5, 3, control);
            assert_eq!(control_of(&event), Some((3, control, control.rest())));
            assert!(!was_never_moved(&event), "{control:?} would not be sent on");
            // As a host's seven or fourteen bits say it.
            assert!(control.rests(if control == Control::Bend { 8192.0 / 16383.0 } else { 0.0 }));
            assert!(!control.rests(control.rest() + 1.0 / 127.0));
        }
    }

    #[test]
    fn notes_come_through_as_they_are() {
        let on = NoteEvent::<()>::NoteOn {
            timing: 7,
            voice_id: VoiceID::Wildcard,
            channel: Channel::Number(3),
            key: Key::Number(64),
            velocity: 0.5,
        };
        let mut ids = NoteIds::default();
        assert_eq!(
            incoming(&on, &mut ids),
            Some(Incoming::On { offset: 7, channel: 3, key: Pitch::folded(64), velocity: 0.5 })
        );
        let off = NoteEvent::<()>::NoteOff {
            timing: 9,
            voice_id: VoiceID::Wildcard,
            channel: Channel::Wildcard,
            key: Key::Wildcard,
            velocity: 0.0,
        };
        assert_eq!(incoming(&off, &mut ids), Some(Incoming::Off { offset: 9, channel: None, key: None }));
    }

    #[test]
    fn a_note_that_ends_by_its_id_alone_is_its_key() {
        let mut ids = NoteIds::default();
        let on = |id, key| NoteEvent::<()>::NoteOn {
            timing: 0,
            voice_id: VoiceID::ID(id),
            channel: Channel::Number(3),
            key: Key::Number(key),
            velocity: 0.5,
        };
        let off = |id| NoteEvent::<()>::NoteOff {
            timing: 9,
            voice_id: VoiceID::ID(id),
            channel: Channel::Wildcard,
            key: Key::Wildcard,
            velocity: 0.0,
        };
        assert!(incoming(&on(1, 60), &mut ids).is_some() && incoming(&on(2, 64), &mut ids).is_some());
        let key = Some(Pitch::folded(60));
        assert_eq!(incoming(&off(1), &mut ids), Some(Incoming::Off { offset: 9, channel: Some(3), key }));
        assert_eq!(incoming(&off(5), &mut ids), None);
    }
}
