//! A storm: every setting, every event and every transport by chance, with a worker that answers, stalls or is begun anew.
//! Whatever happens no note, pedal or wheel is left, no note starts twice or goes where it should not; what stands does not
//! change; what passes passes once; nothing is allocated.
//!
//! `REALCHORDS_SEQUENCES` says how many, from `REALCHORDS_FROM` on; `REALCHORDS_SEED` plays a single one again.

#[cfg(test)]
mod chance;
#[cfg(test)]
mod mind;

use super::*;
use chance::Dice;
use mind::Mind;
use nice_assert_no_alloc::{assert_no_alloc, permit_alloc};
use std::collections::{BTreeMap, BTreeSet};

/// Sequences in the tests.
const SEQUENCES: u64 = 1500;
/// Blocks a sequence.
const BLOCKS: u32 = 60;

/// The host's side of a block.
struct StormPort<'a> {
    incoming: std::vec::IntoIter<Incoming>,
    last: Option<Incoming>,
    sent: &'a mut Vec<Outgoing>,
    away: &'a mut BTreeSet<(u8, Control)>,
    room: &'a mut usize,
    num_forwarded: usize,
    num_ends_forwarded: usize,
}

impl StormPort<'_> {
    fn take_room(&mut self) -> bool {
        let has_room = *self.room > 0;
        *self.room -= usize::from(has_room);
        has_room
    }
}

impl Port for StormPort<'_> {
    fn receive(&mut self) -> Option<Incoming> {
        self.last = self.incoming.next();
        self.last
    }

    fn forward(&mut self) -> bool {
        // Such an end stays here where it would end our chords, too.
        let may_stay = matches!(self.last, Some(Incoming::AllOff { sound: false, .. }));
        *(if may_stay { &mut self.num_ends_forwarded } else { &mut self.num_forwarded }) += 1;
        let taken = self.take_room();
        match self.last.filter(|_| taken) {
            Some(Incoming::Control { channel, control, value, .. }) => {
                permit_alloc(|| match control.rests(value) {
                    true => self.away.remove(&(channel, control)),
                    false => self.away.insert((channel, control)),
                });
            }
            Some(Incoming::ControlsOff { channel, .. }) => {
                permit_alloc(|| self.away.retain(|(of, _)| *of != channel));
            }
            _ => {}
        }
        taken
    }

    fn rest(&mut self, offset: u32, channel: u8, control: Control) -> bool {
        assert_eq!(offset, 0, "what ends passing ends it at a block's head");
        let taken = self.take_room();
        let was_away = !taken || permit_alloc(|| self.away.remove(&(channel, control)));
        assert!(was_away, "{control:?} of channel {channel} was put to rest and rested");
        taken
    }

    fn send(&mut self, note: Outgoing) -> bool {
        if !self.take_room() {
            return false;
        }
        permit_alloc(|| self.sent.push(note));
        true
    }
}

/// Everything that is watched over.
struct Storm {
    stage: Stage,
    mind: Mind,
    /// Keys that sound, by channel.
    sounding: BTreeSet<(u8, Pitch)>,
    /// Pedals and wheels that stand away from their rest behind us.
    away: BTreeSet<(u8, Control)>,
    /// The frame heard last, and the chord that sounded in it.
    sounded: Option<(Heard, ChordFrame)>,
    /// The settled frames that were seen on the plan.
    settled: BTreeMap<(u32, i64, i64), ChordFrame>,
    num_ons: usize,
    num_late: u32,
}

impl Storm {
    fn new() -> Self {
        Self {
            stage: Stage::new(),
            mind: Mind::new(),
            sounding: BTreeSet::new(),
            away: BTreeSet::new(),
            sounded: None,
            settled: BTreeMap::new(),
            num_ons: 0,
            num_late: 0,
        }
    }

    fn block(&mut self, num_samples: u32, incoming: Vec<Incoming>) {
        let stage = &mut self.stage;
        stage.block.num_samples = num_samples;
        let passes = stage.block.settings.passes_melody();
        let count = |counts: fn(&Incoming) -> bool| incoming.iter().filter(|event| counts(event)).count();
        let num_ends = count(|event| matches!(event, Incoming::AllOff { sound: false, .. }));
        let num_notes = count(|event| matches!(event, Incoming::On { .. } | Incoming::Off { .. }));
        let [to_forward, most_ends] =
            if passes { [incoming.len() - num_ends - num_notes, num_ends] } else { [0; 2] };
        let mut sent = Vec::new();
        let mut port = StormPort {
            incoming: incoming.clone().into_iter(),
            last: None,
            sent: &mut sent,
            away: &mut self.away,
            room: &mut stage.room,
            num_forwarded: 0,
            num_ends_forwarded: 0,
        };
        let (audio, block) = (&mut stage.audio, &stage.block);
        assert_no_alloc(|| audio.process(block, &mut port));
        assert_eq!(port.num_forwarded, to_forward, "what passes passes once");
        assert!(port.num_ends_forwarded <= most_ends, "an end passes twice, or where nothing does");
        assert!(port.incoming.next().is_none(), "an event was not heard");
        let had_room = *port.room > 0;
        assert!(passes || !had_room || self.away.is_empty(), "nobody passes and {:?} are away", self.away);
        self.keep_book(&sent, passes, &incoming);
        self.stage.now += i64::from(num_samples);
        self.look_at_plan();
    }

    /// Every note that was sent: in order, once, and where it belongs.
    fn keep_book(&mut self, sent: &[Outgoing], passes: bool, incoming: &[Incoming]) {
        let Stage { block, .. } = &self.stage;
        let settings = &block.settings;
        let ours = [settings.chord_channel, settings.bass_channel];
        let pressed: BTreeSet<(u32, u8, Pitch)> = incoming
            .iter()
            .filter_map(|event| match event {
                Incoming::On { offset, channel, key, .. } => Some((*offset, *channel, *key)),
                _ => None,
            })
            .collect();
        let mut last = 0;
        for note in sent {
            assert!(note.offset >= last && note.offset < block.num_samples.max(1), "{note:?} after {last}");
            last = note.offset;
            if note.velocity.is_none() {
                assert!(self.sounding.remove(&(note.channel, note.key)), "{note:?} does not sound");
                continue;
            }
            assert!(self.sounding.insert((note.channel, note.key)), "{note:?} sounds already");
            self.num_ons += 1;
            let is_melody = passes && pressed.contains(&(note.offset, note.channel, note.key));
            assert!(is_melody || ours.contains(&note.channel), "{note:?} is on nobody's channel");
        }
    }

    /// What stands was said by the worker, stays, and is what is played.
    fn look_at_plan(&mut self) {
        let plan = &self.stage.audio.plan;
        let next = self.stage.audio.playhead.next_ordinal().unwrap_or(0);
        for planned in (next..next + plan::ROOM as i64).filter_map(|ordinal| plan.at(ordinal)) {
            if planned.standing == Standing::Draft {
                continue;
            }
            let place = (planned.epoch.0, planned.ordinal, planned.frame.0);
            // Where the host turns back elsewhere than it said, another frame comes, and its chord; and then perhaps the first.
            let frames = (place.0, place.1, i64::MIN)..=(place.0, place.1, i64::MAX);
            let before = *self.settled.entry(place).or_insert(planned.chord);
            let is_moved = self.mind.words.range(frames).nth(1).is_some();
            assert!(
                is_moved || before == planned.chord,
                "what stands has changed: {planned:?}, before {before:?}"
            );
            let said = self.mind.words.get(&place);
            assert!(said.is_some_and(|said| said.contains(&planned.chord)), "nobody said {planned:?}");
        }
    }

    /// The worker's turn. Nothing is struck that does not stand, unless a hand asked for it.
    fn answer(&mut self, at_most: usize, has_hands: bool) {
        self.mind.answer(&mut self.stage.worker, at_most);
        for heard in std::mem::take(&mut self.mind.heard) {
            let place = (heard.epoch.0, heard.ordinal, heard.frame.0);
            if let ChordFrame::Onset(_) = heard.played
                && !has_hands
            {
                let stands = self.mind.words.get(&place).is_some_and(|said| said.contains(&heard.played));
                assert!(stands || self.is_struck_again(&heard), "{heard:?} did not stand");
            }
            let sounds = match (heard.played, self.sounded) {
                (ChordFrame::Hold, Some((_, sounds))) => sounds,
                (played, _) => played,
            };
            self.sounded = Some((heard, sounds));
        }
    }

    /// Whether a wrap has ended the chord that goes on with this frame; it may have been played for a frame that was near
    /// and did not come.
    fn is_struck_again(&self, heard: &Heard) -> bool {
        let follows = |last: &Heard| last.epoch == heard.epoch && last.ordinal + 1 == heard.ordinal;
        let Some((last, sounded)) = self.sounded.filter(|(last, _)| follows(last)) else { return false };
        let turns = heard.frame != last.frame.plus(1);
        let frames = (heard.epoch.0, heard.ordinal, i64::MIN)..=(heard.epoch.0, heard.ordinal, i64::MAX);
        let was_near = || self.mind.words.range(frames).any(|(_, said)| said.contains(&heard.played));
        turns && (sounded == heard.played || was_near())
    }
}

/// Plays one sequence; at its end all keys are up and the host has stopped.
fn sequence(seed: u64) -> Storm {
    let mut dice = Dice::new(seed);
    let mut storm = Storm::new();
    // Hands at Next play what does not stand yet: half of the sequences do without.
    let has_hands = dice.once_in(2);
    let mut stalled = 0;
    storm.stage.block.settings = chance::settings(&mut dice);
    for _ in 0..BLOCKS {
        let stage = &mut storm.stage;
        chance::unrest(&mut stage.block.transport, &mut dice);
        if dice.once_in(3) {
            chance::touch(&mut stage.block.settings, &mut dice);
        }
        if !has_hands {
            stage.block.settings.switches.presses.next = 0;
        }
        match dice.below(120) {
            0 => stage.audio.reset(),
            1 => {
                stage.audio.reset();
                stage.block.sample_rate = dice.pick(&[44_100.0, 48_000.0, 96_000.0]);
            }
            // As no host does it, and without a word.
            2 => stage.block.sample_rate = dice.pick(&[44_100.0, 48_000.0, 0.0, f64::NAN, 1e300]),
            3..=8 => stalled = dice.below(12),
            9 => storm.mind.begin_anew(),
            10 => stage.audio.links.health.press_panic(),
            _ => {}
        }
        let sane = (1000.0..1e6).contains(&storm.stage.block.sample_rate);
        storm.stage.room = dice.pick(&[usize::MAX, usize::MAX, usize::MAX, usize::MAX, 0, 1, 5]);
        let num_samples = dice.pick(&[0, 1, 17, 64, 441, 512, 1024, 2048, 4096, 4096, 9000]);
        let events = chance::events(num_samples, &mut dice);
        storm.block(num_samples, events);
        let rate = storm.stage.block.sample_rate;
        if sane {
            chance::advance(&mut storm.stage.block.transport, num_samples, rate, &mut dice);
        } else {
            storm.stage.block.sample_rate = 48_000.0;
        }
        if stalled > 0 {
            stalled -= 1;
        } else {
            let at_most = if dice.once_in(6) { 1 } else { usize::MAX };
            storm.answer(at_most, has_hands);
        }
    }
    storm.stage.room = usize::MAX;
    storm.stage.block.transport.playing = false;
    storm.stage.block.settings.free_run_bpm = None;
    (storm.stage.block.settings.pass, storm.stage.block.settings.bypass) = (Pass::ChordsOnly, false);
    storm.block(64, vec![Incoming::Off { offset: 63, channel: None, key: None }]);
    storm.block(64, Vec::new());
    assert!(storm.sounding.is_empty(), "left behind: {:?}", storm.sounding);
    assert!(storm.stage.audio.is_silent());
    assert!(storm.away.is_empty(), "left away from their rest: {:?}", storm.away);
    storm.num_late = storm.stage.audio.num_late();
    storm
}

#[test]
fn no_storm_leaves_a_note_behind_or_changes_what_stands() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("REALCHORDS_SEED") {
        sequence(seed);
        return;
    }
    let from = number("REALCHORDS_FROM").unwrap_or(0);
    let count = number("REALCHORDS_SEQUENCES").unwrap_or(SEQUENCES);
    let (mut with_chords, mut ons, mut settled, mut late) = (0, 0, 0, 0);
    for seed in from..from + count {
        let storm = std::panic::catch_unwind(|| sequence(seed));
        let storm = storm.unwrap_or_else(|panic| {
            eprintln!("in the sequence with REALCHORDS_SEED={seed}");
            std::panic::resume_unwind(panic)
        });
        with_chords += u64::from(storm.settled.values().any(|chord| matches!(chord, ChordFrame::Onset(_))));
        ons += storm.num_ons;
        settled += storm.settled.len();
        late += storm.num_late;
    }
    println!(
        "{count} sequences from {from}: {ons} note-ons, {settled} frames that stood, {late} late, {with_chords} \
         sequences with chords"
    );
    assert!(with_chords * 4 >= count, "chords in {with_chords} of {count} sequences alone");
}
