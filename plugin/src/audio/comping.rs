//! In which rhythm, how hard and how evenly chords are struck. Audio thread. Plain values, pure functions of the place in
//! the bar: a pattern is the same wherever playing began, and on every pass of a loop.

use music::{
    grid::FRAMES_PER_BEAT,
    meter::BarPhase,
    sampling::{Draw, uniform},
};

/// The rhythm of a chord while it lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pattern {
    /// Struck once and held; with [`crate::voicing::Style::Pad`] common tones are not even struck again.
    #[default]
    Sustained,
    /// Struck again on every beat.
    Beats,
    /// Struck again on every eighth.
    Eighths,
    /// Struck between the beats.
    OffBeats,
    /// Bass on the bar line, hands on the other beats.
    BoomChick,
    /// A dotted quarter and what is left of the half bar.
    Charleston,
    /// Three against the beat: 3 + 3 + 2 eighths.
    Tresillo,
    /// Tone by tone, upwards.
    ArpeggioUp,
    /// Tone by tone, downwards.
    ArpeggioDown,
    /// Tone by tone, up and down again.
    ArpeggioUpDown,
    /// Lowest, highest, middle, highest.
    Alberti,
}

impl Pattern {
    /// Whether the hands are struck with their chord alone and lie as long as it lasts.
    pub fn hands_lie(self) -> bool {
        self == Self::Sustained
    }

    /// The same of a bass that does not walk.
    pub fn bass_lies(self) -> bool {
        match self {
            Self::Sustained | Self::OffBeats => true,
            Self::ArpeggioUp | Self::ArpeggioDown | Self::ArpeggioUpDown | Self::Alberti => true,
            Self::Beats | Self::Eighths | Self::BoomChick | Self::Charleston | Self::Tresillo => false,
        }
    }
}

/// The pace of arpeggios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArpRate {
    /// Quarter notes.
    Quarter,
    /// Eighths.
    #[default]
    Eighth,
    /// Triplet eighths.
    Triplet,
    /// Sixteenths.
    Sixteenth,
}

/// In which order the strings of a chord are struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strum {
    /// From low to high.
    #[default]
    Up,
    /// From high to low.
    Down,
    /// Up on beats, down between them.
    Alternating,
}

/// The rhythm, touch and evenness of the chords.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comping {
    /// The rhythm.
    pub pattern: Pattern,
    /// The pace of arpeggios.
    pub rate: ArpRate,
    /// The share of its time that a note of a pattern lasts, 0.05..=1.
    pub gate: f32,
    /// The order of a strum.
    pub strum: Strum,
    /// From one voice to the next, in milliseconds; 0 is no strum.
    pub strum_ms: f32,
    /// How hard, 0..=1.
    pub velocity: f32,
    /// How much of the melody's loudness is taken over, 0..=1.
    pub follow: f32,
    /// How much time and touch stray, 0..=1; the same every time by the seed.
    pub humanise: f32,
    /// Everything of ours so much later, or earlier, in milliseconds.
    pub nudge_ms: f32,
}

impl Default for Comping {
    fn default() -> Self {
        Self {
            pattern: Pattern::default(),
            rate: ArpRate::default(),
            gate: 0.9,
            strum: Strum::default(),
            strum_ms: 0.0,
            velocity: 0.63,
            follow: 0.0,
            humanise: 0.0,
            nudge_ms: 0.0,
        }
    }
}

/// What is struck together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// Hands and bass.
    All,
    /// The hands alone.
    Hands,
    /// The bass alone.
    Bass,
    /// One voice, counted on from the chord's first.
    Voice(usize),
}

/// Something that is struck in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// When, as a share of the frame.
    pub at: f64,
    /// What.
    pub what: Strikes,
    /// Frames until the pattern's next hit; `None`: it lasts as long as its chord.
    pub frames: Option<f64>,
    /// Whether it stands on a beat.
    pub on_beat: bool,
}

/// The bar where the host tells of none.
const PRESUMED_BAR_FRAMES: i64 = 4 * FRAMES_PER_BEAT;
/// A half bar of common time, in frames.
const HALF: i64 = 2 * FRAMES_PER_BEAT;

impl Comping {
    /// What is struck in a frame that is the chord's `since`th, from 0.
    pub fn hit(&self, frame: i64, phase: BarPhase, since: i64) -> Option<Hit> {
        let (place, bar) = match phase {
            BarPhase::At { position, length } => (i64::from(position), i64::from(length)),
            BarPhase::Unknown => (frame.rem_euclid(PRESUMED_BAR_FRAMES), PRESUMED_BAR_FRAMES),
        };
        let in_beat = place % FRAMES_PER_BEAT;
        let begins = since == 0;
        let on_beat = in_beat == 0;
        let regular = |every: i64, what: Strikes| {
            let until = every - place % every;
            (begins || until == every).then_some((0.0, what, Some(until as f64)))
        };
        let irregular = |places: &[i64], span: i64| {
            let here = place % span;
            let next = places.iter().copied().find(|at| *at > here).unwrap_or(span);
            (begins || places.contains(&here)).then_some((0.0, Strikes::All, Some((next - here) as f64)))
        };
        let (at, what, frames) = match self.pattern {
            Pattern::Sustained => begins.then_some((0.0, Strikes::All, None)),
            Pattern::Beats => regular(FRAMES_PER_BEAT, Strikes::All),
            Pattern::Eighths => regular(FRAMES_PER_BEAT / 2, Strikes::All),
            Pattern::OffBeats => match (begins, in_beat == FRAMES_PER_BEAT / 2) {
                (true, true) => Some((0.0, Strikes::All, Some((FRAMES_PER_BEAT / 2) as f64))),
                (true, false) => Some((0.0, Strikes::Bass, None)),
                (false, true) => Some((0.0, Strikes::Hands, Some((FRAMES_PER_BEAT / 2) as f64))),
                (false, false) => None,
            },
            Pattern::BoomChick => match (begins || place == 0, on_beat) {
                (true, _) => Some((0.0, Strikes::Bass, Some((FRAMES_PER_BEAT - in_beat) as f64))),
                (false, true) => Some((0.0, Strikes::Hands, Some(FRAMES_PER_BEAT as f64))),
                (false, false) => None,
            },
            Pattern::Charleston => irregular(&[0, 6], HALF * 2),
            Pattern::Tresillo => irregular(&[0, 6, 12], HALF * 2),
            Pattern::ArpeggioUp | Pattern::ArpeggioDown | Pattern::ArpeggioUpDown | Pattern::Alberti => {
                self.arpeggio(place, bar, since)
            }
        }?;
        let left = (bar - place) as f64 - at;
        Some(Hit { at, what, frames: frames.map(|frames| frames.min(left)), on_beat })
    }

    /// A chord that begins between the places of its arpeggio goes on at the first of a later frame. Bars begin anew.
    fn arpeggio(&self, place: i64, bar: i64, since: i64) -> Option<(f64, Strikes, Option<f64>)> {
        let pace = match self.rate {
            ArpRate::Quarter => FRAMES_PER_BEAT as f64,
            ArpRate::Eighth => FRAMES_PER_BEAT as f64 / 2.0,
            ArpRate::Triplet => FRAMES_PER_BEAT as f64 / 3.0,
            ArpRate::Sixteenth => FRAMES_PER_BEAT as f64 / 4.0,
        };
        // The first of the bar's places that is not before a frame.
        let first = |frame: i64| (frame as f64 / pace - 1e-9).ceil();
        if since == 0 {
            return Some((0.0, Strikes::Voice(0), Some(first(place + 1) * pace - place as f64)));
        }
        let nth = first(place);
        let at = nth * pace - place as f64;
        let stands = at < 1.0 - 1e-9 && nth < first(bar);
        let begun = place - since;
        let (bars, begun) = (-begun.div_euclid(bar.max(1)), begun.rem_euclid(bar.max(1)));
        let count = nth + bars as f64 * first(bar) - (first(begun + 1) - 1.0);
        stands.then_some((at, Strikes::Voice(count as usize), Some(pace)))
    }

    /// Which of `num` voices, from low to high, the `nth` hit of an arpeggio is.
    pub fn voice(&self, nth: usize, num: usize) -> usize {
        let top = num.saturating_sub(1);
        match self.pattern {
            Pattern::ArpeggioDown => top - nth % num.max(1),
            Pattern::ArpeggioUpDown if top > 0 => {
                let turn = nth % (2 * top);
                turn.min(2 * top - turn)
            }
            Pattern::Alberti => [0, top, top / 2, top][nth % 4],
            _ => nth % num.max(1),
        }
    }

    /// How long after its hit a voice of `num` is struck, in milliseconds: its turn in a strum, and what it strays.
    pub fn delay_ms(&self, seed: u64, frame: i64, voice: usize, num: usize, on_beat: bool) -> f64 {
        let downwards = match self.strum {
            Strum::Up => false,
            Strum::Down => true,
            Strum::Alternating => !on_beat,
        };
        let turn = if downwards { num.saturating_sub(1 + voice) } else { voice };
        // The bass, which is counted after the voices, and a voice by itself have no turn.
        let turn = if num > 1 { turn.min(num - 1) } else { 0 };
        let strum = f64::from(self.strum_ms.max(0.0)) * turn as f64 / (num.max(2) - 1) as f64;
        strum + f64::from(self.humanise) * STRAY_MS * stray(seed, frame, 2 * voice)
    }

    /// How hard a voice is struck where the melody's last note was struck `melody` hard.
    pub fn touch(&self, seed: u64, frame: i64, voice: usize, on_beat: bool, melody: f32) -> f32 {
        let even = self.velocity * (1.0 - self.follow) + melody * self.follow;
        let accent = if on_beat || self.pattern == Pattern::Sustained { 1.0 } else { OFF_BEAT };
        let strays = self.humanise * STRAY_TOUCH * (2.0 * stray(seed, frame, 2 * voice + 1) as f32 - 1.0);
        (even * accent * (1.0 + strays)).clamp(1.0 / 127.0, 1.0)
    }
}

/// The farthest that a humanised voice comes late, in milliseconds.
const STRAY_MS: f64 = 18.0;
/// The share by which its touch strays, at most.
const STRAY_TOUCH: f32 = 0.25;
/// The touch between beats against that on them.
const OFF_BEAT: f32 = 0.86;

/// In 0..1, the same every time.
fn stray(seed: u64, frame: i64, which: usize) -> f64 {
    uniform(seed, frame.wrapping_mul(64).wrapping_add(which as i64), Draw::Performance)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hits of a chord that starts on frame `from` of a common bar: where in frames, what, and for how long.
    fn hits(comping: Comping, from: i64, num: i64) -> Vec<(f64, Strikes, Option<f64>)> {
        let phase = |frame: i64| BarPhase::At { position: (frame % 16) as u8, length: 16 };
        (from..from + num)
            .filter_map(|frame| Some((frame, comping.hit(frame, phase(frame), frame - from)?)))
            .map(|(frame, hit)| (frame as f64 + hit.at, hit.what, hit.frames))
            .collect()
    }

    fn places(pattern: Pattern, from: i64) -> Vec<f64> {
        hits(Comping { pattern, ..Comping::default() }, from, 16).iter().map(|hit| hit.0).collect()
    }

    #[test]
    fn patterns_stand_on_their_places() {
        assert_eq!(places(Pattern::Sustained, 3), [3.0]);
        assert_eq!(places(Pattern::Beats, 0), [0.0, 4.0, 8.0, 12.0]);
        assert_eq!(places(Pattern::Beats, 2), [2.0, 4.0, 8.0, 12.0, 16.0]);
        assert_eq!(places(Pattern::Eighths, 0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]);
        assert_eq!(places(Pattern::OffBeats, 0), [0.0, 2.0, 6.0, 10.0, 14.0]);
        assert_eq!(places(Pattern::BoomChick, 0), [0.0, 4.0, 8.0, 12.0]);
        assert_eq!(places(Pattern::Charleston, 0), [0.0, 6.0]);
        assert_eq!(places(Pattern::Tresillo, 0), [0.0, 6.0, 12.0]);
    }

    #[test]
    fn hits_last_until_the_next() {
        let lengths = |pattern, from| -> Vec<f64> {
            let found = hits(Comping { pattern, ..Comping::default() }, from, 16);
            found.iter().filter_map(|hit| hit.2).collect()
        };
        assert_eq!(lengths(Pattern::Tresillo, 0), [6.0, 6.0, 4.0]);
        assert_eq!(lengths(Pattern::Beats, 3), [1.0, 4.0, 4.0, 4.0, 4.0]);
        assert_eq!(lengths(Pattern::Charleston, 4), [2.0, 10.0, 6.0]);
        assert!(lengths(Pattern::Sustained, 0).is_empty());
    }

    #[test]
    fn hits_end_with_an_odd_bar() {
        let last = |pattern, place| {
            let phase = BarPhase::At { position: place, length: 14 };
            Comping { pattern, ..Comping::default() }.hit(0, phase, 8).and_then(|hit| hit.frames)
        };
        assert_eq!(last(Pattern::Beats, 12), Some(2.0));
        assert_eq!(last(Pattern::BoomChick, 12), Some(2.0));
        assert_eq!(last(Pattern::Tresillo, 12), Some(2.0));
        assert_eq!(last(Pattern::ArpeggioUp, 12), Some(2.0));
    }

    #[test]
    fn an_arpeggio_begun_between_its_places_goes_on_at_the_next() {
        let at_rate = |rate, from| -> Vec<(f64, Strikes, Option<f64>)> {
            hits(Comping { pattern: Pattern::ArpeggioUp, rate, ..Comping::default() }, from, 6)
        };
        let voice = |at, nth, frames| (at, Strikes::Voice(nth), Some(frames));
        assert_eq!(
            at_rate(ArpRate::Eighth, 1),
            [voice(1.0, 0, 1.0), voice(2.0, 1, 2.0), voice(4.0, 2, 2.0), voice(6.0, 3, 2.0)]
        );
        assert_eq!(
            at_rate(ArpRate::Quarter, 3),
            [voice(3.0, 0, 1.0), voice(4.0, 1, 4.0), voice(8.0, 2, 4.0)]
        );
        // Triplets lie between frames: from wherever one begins, no voice is left out and nothing falls silent.
        for from in 0..4 {
            let found = at_rate(ArpRate::Triplet, from);
            for (nth, pair) in found.windows(2).enumerate() {
                assert_eq!(pair[0].1, Strikes::Voice(nth), "{found:?}");
                assert!((pair[0].0 + pair[0].2.unwrap() - pair[1].0).abs() < 1e-9, "{found:?}");
            }
        }
    }

    #[test]
    fn an_arpeggio_counts_on_over_the_lines_of_odd_bars() {
        for rate in [ArpRate::Quarter, ArpRate::Eighth, ArpRate::Triplet, ArpRate::Sixteenth] {
            let comping = Comping { pattern: Pattern::ArpeggioUp, rate, ..Comping::default() };
            for from in 0..14 {
                let hit = |frame: i64| {
                    let phase = BarPhase::At { position: (frame % 14) as u8, length: 14 };
                    comping.hit(frame, phase, frame - from)
                };
                let voices: Vec<Strikes> = (from..from + 42).filter_map(|at| Some(hit(at)?.what)).collect();
                let counted: Vec<Strikes> = (0..voices.len()).map(Strikes::Voice).collect();
                assert_eq!(voices, counted, "{rate:?} from {from}");
            }
        }
    }

    #[test]
    fn bass_and_hands_take_turns() {
        let comping = Comping { pattern: Pattern::BoomChick, ..Comping::default() };
        let what: Vec<Strikes> = hits(comping, 0, 16).iter().map(|hit| hit.1).collect();
        assert_eq!(what, [Strikes::Bass, Strikes::Hands, Strikes::Hands, Strikes::Hands]);
    }

    #[test]
    fn triplets_fall_between_frames_and_are_counted() {
        let arpeggio = Comping { pattern: Pattern::ArpeggioUp, rate: ArpRate::Triplet, ..Comping::default() };
        let found = hits(arpeggio, 0, 8);
        let expected = [0.0, 4.0 / 3.0, 8.0 / 3.0, 4.0, 16.0 / 3.0, 20.0 / 3.0];
        assert_eq!(found.len(), expected.len());
        for (nth, (hit, at)) in found.iter().zip(expected).enumerate() {
            assert!((hit.0 - at).abs() < 1e-9 && hit.1 == Strikes::Voice(nth), "{hit:?}");
        }
        let sixteenths = Comping { rate: ArpRate::Sixteenth, ..arpeggio };
        assert_eq!(hits(sixteenths, 5, 8).len(), 8);
    }

    #[test]
    fn arpeggios_go_their_ways() {
        let way = |pattern| -> Vec<usize> {
            let comping = Comping { pattern, ..Comping::default() };
            (0..6).map(|nth| comping.voice(nth, 3)).collect()
        };
        assert_eq!(way(Pattern::ArpeggioUp), [0, 1, 2, 0, 1, 2]);
        assert_eq!(way(Pattern::ArpeggioDown), [2, 1, 0, 2, 1, 0]);
        assert_eq!(way(Pattern::ArpeggioUpDown), [0, 1, 2, 1, 0, 1]);
        assert_eq!(way(Pattern::Alberti), [0, 2, 1, 2, 0, 2]);
        for pattern in [Pattern::ArpeggioUp, Pattern::ArpeggioDown, Pattern::ArpeggioUpDown, Pattern::Alberti]
        {
            let comping = Comping { pattern, ..Comping::default() };
            assert!(
                (0..9).all(|nth| comping.voice(nth, 1) == 0 && comping.voice(nth, 0) == 0),
                "{pattern:?}"
            );
        }
    }

    #[test]
    fn strums_and_touch() {
        let comping = Comping { strum_ms: 30.0, ..Comping::default() };
        let delays = |comping: Comping, on_beat| [0, 1, 2, 3].map(|n| comping.delay_ms(1, 5, n, 4, on_beat));
        assert_eq!(delays(comping, true), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(delays(Comping { strum: Strum::Down, ..comping }, true), [30.0, 20.0, 10.0, 0.0]);
        assert_eq!(delays(Comping { strum: Strum::Alternating, ..comping }, false), [30.0, 20.0, 10.0, 0.0]);
        assert_eq!(comping.touch(1, 5, 0, true, 1.0), comping.velocity);
        assert_eq!(Comping { follow: 1.0, ..comping }.touch(1, 5, 0, true, 0.9), 0.9);
        let human = Comping { humanise: 1.0, ..comping };
        assert_ne!(human.touch(1, 5, 0, true, 1.0), human.touch(1, 5, 1, true, 1.0));
        assert_eq!(human.touch(1, 5, 0, true, 1.0), human.touch(1, 5, 0, true, 1.0));
        let strays = [0, 1, 2, 3].map(|n| human.delay_ms(1, 5, n, 4, true));
        assert!(
            strays.iter().enumerate().all(|(n, ms)| (10.0 * n as f64..10.0 * n as f64 + 18.0).contains(ms))
        );
    }
}
