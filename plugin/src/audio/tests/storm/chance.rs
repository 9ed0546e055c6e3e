//! What may happen, by chance: every setting, every event, every transport, all drawn from a seed.

use super::super::*;
use crate::{
    audio::{
        block::{Cycle, Parts, Presses, Switches},
        comping::{ArpRate, Comping, Pattern, Strum},
        listener::{Hearing, Leads},
    },
    links::{ChangeGrid, KeyRule, Rules},
    voicing::{Arrangement, Bass, Inversion, Style},
};
use music::{
    key::{Key, Mode},
    sampling::{Draw, uniform},
};

/// Random numbers of one sequence.
pub struct Dice {
    seed: u64,
    thrown: i64,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    pub fn unit(&mut self) -> f64 {
        self.thrown += 1;
        uniform(self.seed, self.thrown, Draw::Performance)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        (self.unit() * f64::from(n)) as u32
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// Once in `n` throws.
    pub fn once_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    fn key(&mut self) -> Pitch {
        Pitch::folded(self.below(128) as i32)
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

/// Every setting by chance. Written out in full, so that a new one has its place here.
pub fn settings(dice: &mut Dice) -> Settings {
    Settings {
        rules: rules(dice),
        hearing: Hearing {
            channel: dice.once_in(4).then(|| dice.below(16) as u8),
            lowest: if dice.once_in(4) { dice.key() } else { Pitch::folded(0) },
            highest: if dice.once_in(4) { dice.key() } else { Pitch::folded(127) },
            leads: dice.pick(&[Leads::Last, Leads::Highest, Leads::Lowest]),
            sustain: dice.once_in(2),
        },
        arrangement: Arrangement {
            style: dice.pick(&[
                Style::Close,
                Style::Open,
                Style::DropTwo,
                Style::Shell,
                Style::Spread,
                Style::Power,
                Style::Pad,
            ]),
            voices: dice.pick(&[None, Some(2), Some(3), Some(4), Some(5)]),
            register: Pitch::folded(48 + dice.below(29) as i32),
            lowest: Pitch::folded(36 + dice.below(37) as i32),
            highest: Pitch::folded(60 + dice.below(49) as i32),
            inversion: dice.pick(&[Inversion::Nearest, Inversion::Root, Inversion::First, Inversion::Second]),
            below_melody: dice.once_in(2),
            bass: dice.pick(&[Bass::Off, Bass::Root, Bass::Octave, Bass::Slash, Bass::Walking]),
        },
        comping: Comping {
            pattern: dice.pick(&[
                Pattern::Sustained,
                Pattern::Beats,
                Pattern::Eighths,
                Pattern::OffBeats,
                Pattern::BoomChick,
                Pattern::Charleston,
                Pattern::Tresillo,
                Pattern::ArpeggioUp,
                Pattern::ArpeggioDown,
                Pattern::ArpeggioUpDown,
                Pattern::Alberti,
            ]),
            rate: dice.pick(&[ArpRate::Quarter, ArpRate::Eighth, ArpRate::Triplet, ArpRate::Sixteenth]),
            gate: dice.within(0.05, 1.0) as f32,
            strum: dice.pick(&[Strum::Up, Strum::Down, Strum::Alternating]),
            strum_ms: dice.within(0.0, 120.0) as f32,
            velocity: dice.within(0.01, 1.0) as f32,
            follow: dice.unit() as f32,
            humanise: dice.unit() as f32,
            nudge_ms: dice.within(-30.0, 100.0) as f32,
        },
        switches: switches(dice),
        chord_channel: dice.below(16) as u8,
        bass_channel: dice.below(16) as u8,
        parts: dice.pick(&[Parts::Both, Parts::ChordsOnly, Parts::BassOnly]),
        pass: dice.pick(&[Pass::ChordsOnly, Pass::MelodyAndChords, Pass::MelodyOnly]),
        free_run_bpm: dice.once_in(3).then(|| dice.within(30.0, 300.0)),
        muted: false,
        bypass: dice.once_in(12),
    }
}

fn switches(dice: &mut Dice) -> Switches {
    Switches {
        hold: dice.once_in(6),
        mute: dice.once_in(8),
        latching: dice.once_in(4),
        // Any counts: what was pressed is the difference to the counts before.
        presses: Presses {
            hold: dice.below(3),
            mute: dice.below(3),
            next: u32::from(dice.once_in(5)),
            reroll: dice.below(5),
            undo: dice.below(3),
            panic: u32::from(dice.once_in(20)),
        },
    }
}

fn rules(dice: &mut Dice) -> Rules {
    let key = Key::new(PitchClass::new(dice.below(12) as i32), dice.pick(&Mode::ALL));
    Rules {
        commit: dice.pick(&[1, 1, 1, 2, 4, 16, 32]),
        look_ahead: dice.pick(&[0, 0, 1, 5, 32]),
        listen: dice.pick(&[0, 0, 0, 4, 64]),
        temperature: dice.within(0.0, 2.0) as f32,
        top_p: dice.pick(&[1.0, 0.9, 0.05]),
        grid: dice.pick(&[
            ChangeGrid::Free,
            ChangeGrid::Free,
            ChangeGrid::Eighth,
            ChangeGrid::Beat,
            ChangeGrid::HalfBar,
            ChangeGrid::Bar,
            ChangeGrid::TwoBars,
        ]),
        density: dice.within(-1.0, 1.0) as f32,
        key: dice.pick(&[KeyRule::Auto, KeyRule::Lean(key), KeyRule::Lock(key)]),
        seed: u64::from(dice.below(9999)),
        // The audio side counts these.
        roll: 0,
        force: 0,
        listen_again: dice.once_in(2),
        loop_memory: dice.once_in(2),
        print: dice.once_in(8),
        meter: None,
        own_clock: false,
        // Offline the audio side waits for a worker's thread, and here is none; the hall's hosts render.
        offline: false,
    }
}

/// A hand at the panel: one group of settings changes, or the switches alone.
pub fn touch(settings: &mut Settings, dice: &mut Dice) {
    let other = self::settings(dice);
    match dice.below(12) {
        0 => settings.rules = other.rules,
        1 => settings.hearing = other.hearing,
        2 => settings.arrangement = other.arrangement,
        3 => settings.comping = other.comping,
        4 => (settings.chord_channel, settings.bass_channel) = (other.chord_channel, other.bass_channel),
        5 => (settings.parts, settings.pass) = (other.parts, other.pass),
        6 => settings.free_run_bpm = other.free_run_bpm,
        7 => settings.bypass = other.bypass,
        _ => settings.switches = other.switches,
    }
}

/// What the host does to its transport.
pub fn unrest(transport: &mut Transport, dice: &mut Dice) {
    let odd = [f64::NAN, f64::INFINITY, -1e300, 0.0, 1e9, -3.1, 1e-9, 99_999_999.9];
    let any = dice.pick(&odd);
    match dice.below(60) {
        0 => transport.playing = false,
        1..=4 => transport.playing = true,
        5 => transport.position = Some(Beats(f64::from(dice.below(400)) / 7.0 - 8.0)),
        6..=8 => {
            let start = transport.position.map_or(0.0, |place| place.0) - f64::from(dice.below(8)) / 4.0;
            let length = dice.pick(&[0.0, 1e-9, 0.1, 0.25, 0.3, 1.0, 2.0, 4.0, 4.1]);
            transport.cycle = Some(Cycle { start: Beats(start), end: Beats(start + length) });
        }
        9 => transport.cycle = None,
        10 | 11 => transport.tempo_bpm = Some(f64::from(dice.below(600) + 20)),
        12 => transport.tempo_bpm = dice.pick(&[None, Some(any), Some(990.0)]),
        13 => {
            transport.meter = dice.pick(&[None, Meter::new(3, 4), Meter::new(7, 8), Meter::new(4, 4)]);
            transport.bar_start = dice.pick(&[None, Some(Beats(0.0)), Some(Beats(1.5)), Some(Beats(0.1))]);
        }
        14 => transport.position = dice.pick(&[None, Some(Beats(any))]),
        15 => {
            let (start, end) = (dice.pick(&odd), dice.pick(&odd));
            transport.cycle = Some(Cycle { start: Beats(start), end: Beats(end) });
        }
        16 => transport.bar_start = Some(Beats(any)),
        17..=25 => {
            // Whatever was odd is over.
            transport.playing = true;
            let is_sane = |bpm: &f64| (20.0..700.0).contains(bpm);
            transport.tempo_bpm = transport.tempo_bpm.filter(is_sane).or(Some(120.0));
            let is_near = |place: &Beats| place.0.abs() < 1e6;
            transport.position = transport.position.filter(is_near).or(Some(Beats(0.0)));
            transport.cycle = transport.cycle.filter(|cycle| is_near(&cycle.start) && is_near(&cycle.end));
        }
        _ => {}
    }
}

/// The transport moves on by so many samples; loops wrap, whole blocks late at times, as sloppy hosts do.
pub fn advance(transport: &mut Transport, num_samples: u32, rate: f64, dice: &mut Dice) {
    let (Some(place), Some(bpm), true) =
        (transport.position.as_mut(), transport.tempo_bpm, transport.playing)
    else {
        return;
    };
    place.0 += f64::from(num_samples) / rate * bpm / 60.0;
    if let Some(Cycle { start, end }) = transport.cycle
        && place.0 >= end.0
        && end.0 > start.0
        && dice.below(4) > 0
    {
        place.0 = start.0 + (place.0 - end.0) % (end.0 - start.0);
    }
}

/// The events of a block, in order of time.
pub fn events(num_samples: u32, dice: &mut Dice) -> Vec<Incoming> {
    let num = match dice.below(6000) {
        0 => 10_000,
        1..=30 => 300,
        _ => dice.below(4),
    };
    let mut offsets: Vec<u32> = (0..num).map(|_| dice.below(num_samples)).collect();
    offsets.sort_unstable();
    let mut event = |offset| {
        // Few keys and channels, so that notes meet; now and then any.
        let (channel, key) = if dice.once_in(10) {
            (dice.below(16) as u8, dice.key())
        } else {
            (dice.below(3) as u8, Pitch::folded(55 + dice.below(12) as i32))
        };
        match dice.below(25) {
            0..=9 => Incoming::On { offset, channel, key, velocity: dice.unit() as f32 },
            10..=17 => Incoming::Off { offset, channel: Some(channel), key: Some(key) },
            18 => Incoming::Off { offset, channel: Some(channel), key: None },
            19 => Incoming::Off { offset, channel: None, key: None },
            20 => Incoming::AllOff { offset, channel, sound: dice.once_in(2) },
            21 | 22 => {
                let control = dice.pick(&[&[Control::Sustain; 7][..], &Control::ALL].concat());
                let value = if dice.once_in(2) { control.rest() } else { dice.unit() as f32 };
                Incoming::Control { offset, channel, control, value }
            }
            23 => Incoming::ControlsOff { offset, channel },
            _ => Incoming::Other { offset },
        }
    };
    offsets.into_iter().map(&mut event).collect()
}
