//! From notes to melody frames, by `music::grid`'s snap rule: the caller closes a frame when no later note can
//! belong to it. Audio thread. Fixed size.
//!
//! The melody is one line: of the keys that are held one leads, by default the one pressed last (of keys pressed on the
//! same sample the highest). When it is released, the next in rank leads again. Keys outside the chosen channel and
//! range are not heard; the sustain pedal holds a key on. A note too short for the grid lasts one frame.

use music::{melody::MelodyFrame, pitch::Pitch};

/// Which of several held notes is the melody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leads {
    /// The last one pressed; of notes pressed on the same sample the highest.
    #[default]
    Last,
    /// The highest one.
    Highest,
    /// The lowest one.
    Lowest,
}

/// Which notes are the melody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// The channel listened to, 0..16; `None`: all of them.
    pub channel: Option<u8>,
    /// The lowest key listened to.
    pub lowest: Pitch,
    /// The highest.
    pub highest: Pitch,
    /// Which of several notes leads.
    pub leads: Leads,
    /// The sustain pedal holds the melody's notes.
    pub sustain: bool,
}

impl Hearing {
    /// Whether this key is the melody's.
    pub fn takes(&self, channel: u8, key: Pitch) -> bool {
        self.channel.is_none_or(|wanted| wanted == channel) && (self.lowest..=self.highest).contains(&key)
    }
}

impl Default for Hearing {
    fn default() -> Self {
        Self {
            channel: None,
            lowest: Pitch::folded(0),
            highest: Pitch::folded(127),
            leads: Leads::default(),
            sustain: true,
        }
    }
}

/// Keys remembered as held; the oldest is forgotten when a hand has more.
const MAX_HELD: usize = 32;
/// MIDI channels.
const CHANNELS: usize = 16;
/// Those that speak for all others of an MPE instrument.
const MASTERS: [usize; 2] = [0, CHANNELS - 1];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    channel: u8,
    key: Pitch,
    at: i64,
    /// The pedal alone holds it.
    by_pedal: bool,
}

/// Listens to one line.
#[derive(Clone, Debug)]
pub struct Listener {
    hearing: Hearing,
    held: [Held; MAX_HELD],
    num_held: usize,
    /// Channels whose sustain pedal is down.
    pedals: [bool; CHANNELS],
    /// The note that leads at the end of the frame before.
    led: Option<Pitch>,
    /// The note of the open frame that was pressed and leads those pressed with it.
    onset: Option<Pitch>,
    onset_at: i64,
    /// How hard the last note was pressed.
    velocity: f32,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            hearing: Hearing::default(),
            held: [Held { channel: 0, key: Pitch::folded(0), at: 0, by_pedal: false }; MAX_HELD],
            num_held: 0,
            pedals: [false; CHANNELS],
            led: None,
            onset: None,
            onset_at: i64::MIN,
            velocity: 0.63,
        }
    }
}

impl Listener {
    /// Goes by other settings; what is held and is no melody by them is forgotten.
    pub fn obey(&mut self, hearing: Hearing) {
        if self.hearing != hearing {
            self.hearing = hearing;
            self.forget(|held| !hearing.takes(held.channel, held.key) || (held.by_pedal && !hearing.sustain));
        }
    }

    /// A key goes down at a sample of the instance's own count.
    pub fn press(&mut self, channel: u8, key: Pitch, velocity: f32, at: i64) {
        if !self.hearing.takes(channel, key) {
            return;
        }
        self.forget(|held| held.channel == channel && held.key == key);
        if self.num_held == MAX_HELD {
            self.held.copy_within(1.., 0);
            self.num_held -= 1;
        }
        // Notes of one sample are kept in order of pitch, so that the highest leads.
        let mut idx = self.num_held;
        while idx > 0 && self.held[idx - 1].at == at && self.held[idx - 1].key > key {
            self.held[idx] = self.held[idx - 1];
            idx -= 1;
        }
        self.held[idx] = Held { channel, key, at, by_pedal: false };
        self.num_held += 1;
        // A note that does not lead, such as one below a melody that is the highest note, is no onset of the melody.
        if self.leading() == Some(key)
            && (self.onset_at != at || self.onset.is_none_or(|onset| self.outranks(key, onset)))
        {
            self.onset = Some(key);
            self.onset_at = at;
        }
        self.velocity = velocity;
    }

    /// Keys go up; `None` stands for all.
    pub fn release(&mut self, channel: Option<u8>, key: Option<Pitch>) {
        let sustained = self.sustained();
        for held in &mut self.held[..self.num_held] {
            let meant = channel.is_none_or(|c| c == held.channel) && key.is_none_or(|k| k == held.key);
            held.by_pedal |= meant && sustained[usize::from(held.channel) % CHANNELS];
        }
        self.forget(|held| {
            let meant = channel.is_none_or(|c| c == held.channel) && key.is_none_or(|k| k == held.key);
            meant && !held.by_pedal
        });
    }

    /// All keys of a channel are silenced, held by the pedal or not.
    pub fn silence(&mut self, channel: u8) {
        self.forget(|held| held.channel == channel);
    }

    /// The sustain pedal of a channel goes down or up.
    pub fn pedal(&mut self, channel: u8, down: bool) {
        self.pedals[usize::from(channel) % CHANNELS] = down;
        if !down {
            let sustained = self.sustained();
            self.forget(|held| held.by_pedal && !sustained[usize::from(held.channel) % CHANNELS]);
        }
    }

    /// Channels whose keys a pedal holds. Where all channels are one instrument, as of a keyboard that has one for each
    /// note (MPE), the pedal of the channel that speaks for all holds them all: the first or the last.
    fn sustained(&self) -> [bool; CHANNELS] {
        if !self.hearing.sustain {
            return [false; CHANNELS];
        }
        let for_all = MASTERS.iter().any(|master| self.pedals[*master]) && self.hearing.channel.is_none();
        self.pedals.map(|down| down || for_all)
    }

    /// The open frame closes: what the melody did in it.
    pub fn close(&mut self) -> MelodyFrame {
        let leads = self.leading();
        let frame = match (self.onset.take(), leads) {
            (Some(key), _) => MelodyFrame::Onset(key),
            (None, Some(key)) if self.led == Some(key) => MelodyFrame::Hold,
            (None, Some(key)) => MelodyFrame::Onset(key),
            (None, None) => MelodyFrame::Rest,
        };
        self.led = match frame {
            MelodyFrame::Onset(key) => Some(key).filter(|_| leads == Some(key)),
            MelodyFrame::Hold => leads,
            MelodyFrame::Rest => None,
        };
        frame
    }

    /// An epoch begins with a sample of the instance's own count: what is held, and what was pressed from then on, counts
    /// as pressed in its first frame.
    pub fn begin(&mut self, from: i64) {
        self.led = None;
        if self.onset_at < from {
            self.onset = None;
            self.onset_at = i64::MIN;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.num_held = 0;
        self.pedals = [false; CHANNELS];
        self.begin(i64::MAX);
    }

    /// The note that leads now.
    pub fn leading(&self) -> Option<Pitch> {
        let mut keys = self.held[..self.num_held].iter().map(|held| held.key);
        match self.hearing.leads {
            Leads::Last => keys.next_back(),
            Leads::Highest => keys.max(),
            Leads::Lowest => keys.min(),
        }
    }

    /// The keys of the melody that are held; bit n is key n.
    pub fn keys(&self) -> u128 {
        self.held[..self.num_held].iter().fold(0, |bits, held| bits | 1 << held.key.midi())
    }

    /// How hard the last note of the melody was pressed, 0..=1.
    pub fn velocity(&self) -> f32 {
        self.velocity
    }

    /// Whether any key of the melody is held.
    pub fn holds_any(&self) -> bool {
        self.num_held > 0
    }

    /// Whether, of two notes pressed on one sample, this one leads.
    fn outranks(&self, key: Pitch, other: Pitch) -> bool {
        if self.hearing.leads == Leads::Lowest { key < other } else { key > other }
    }

    fn forget(&mut self, which: impl Fn(&Held) -> bool) {
        let mut kept = 0;
        for idx in 0..self.num_held {
            if !which(&self.held[idx]) {
                self.held[kept] = self.held[idx];
                kept += 1;
            }
        }
        self.num_held = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MelodyFrame::{Hold, Onset, Rest};

    #[derive(Clone, Copy)]
    enum Do {
        Press(i32, i64),
        Release(i32),
        Pedal(bool),
        Close,
        Begin,
    }
    use Do::{Begin, Close, Pedal, Press, Release};

    fn check(events: &[Do], expected: &[MelodyFrame]) {
        check_as(Hearing::default(), events, expected);
    }

    fn check_as(hearing: Hearing, events: &[Do], expected: &[MelodyFrame]) {
        let mut listener = Listener::default();
        listener.obey(hearing);
        let mut heard = Vec::new();
        for event in events {
            match event {
                Press(key, at) => listener.press(0, Pitch::folded(*key), 0.5, *at),
                Pedal(down) => listener.pedal(0, *down),
                Release(key) => listener.release(Some(0), Some(Pitch::folded(*key))),
                Close => heard.push(listener.close()),
                Begin => listener.begin(i64::MAX),
            }
        }
        assert_eq!(heard, expected);
    }

    fn on(key: i32) -> MelodyFrame {
        Onset(Pitch::folded(key))
    }

    #[test]
    fn a_note_is_held_until_released() {
        check(&[Close, Press(60, 0), Close, Close, Release(60), Close], &[Rest, on(60), Hold, Rest]);
    }

    #[test]
    fn a_note_too_short_for_the_grid_lasts_one_frame() {
        check(&[Press(60, 0), Release(60), Close, Close], &[on(60), Rest]);
    }

    #[test]
    fn the_same_key_again_is_an_onset_again() {
        check(&[Press(60, 0), Close, Release(60), Press(60, 9), Close, Close], &[on(60), on(60), Hold]);
    }

    #[test]
    fn the_last_note_leads_and_of_a_chord_the_highest() {
        check(&[Press(60, 0), Press(64, 1), Close, Close], &[on(64), Hold]);
        check(&[Press(67, 5), Press(60, 5), Press(64, 5), Close, Close], &[on(67), Hold]);
    }

    #[test]
    fn what_is_still_held_leads_again() {
        check(
            &[Press(60, 0), Close, Press(64, 9), Close, Release(64), Close, Close],
            &[on(60), on(64), on(60), Hold],
        );
    }

    #[test]
    fn what_is_held_at_the_start_counts_as_pressed_there() {
        check(&[Press(60, 0), Close, Begin, Close, Close], &[on(60), on(60), Hold]);
    }

    #[test]
    fn the_highest_or_the_lowest_may_lead() {
        let highest = Hearing { leads: Leads::Highest, ..Hearing::default() };
        check_as(
            highest,
            &[Press(60, 0), Close, Press(55, 9), Close, Release(60), Close],
            &[on(60), Hold, on(55)],
        );
        check_as(highest, &[Press(60, 5), Press(67, 5), Press(64, 5), Close], &[on(67)]);
        let lowest = Hearing { leads: Leads::Lowest, ..Hearing::default() };
        check_as(
            lowest,
            &[Press(60, 0), Close, Press(64, 9), Close, Press(50, 12), Close],
            &[on(60), Hold, on(50)],
        );
        check_as(lowest, &[Press(67, 5), Press(60, 5), Press(64, 5), Close], &[on(60)]);
    }

    #[test]
    fn what_is_out_of_range_or_on_another_channel_is_not_heard() {
        let upper = Hearing { lowest: Pitch::folded(60), ..Hearing::default() };
        check_as(upper, &[Press(59, 0), Close, Press(60, 9), Close], &[Rest, on(60)]);
        let other = Hearing { channel: Some(1), ..Hearing::default() };
        check_as(other, &[Press(60, 0), Close], &[Rest]);
        let none = Hearing { lowest: Pitch::folded(70), highest: Pitch::folded(50), ..Hearing::default() };
        check_as(none, &[Press(60, 0), Close], &[Rest]);
    }

    #[test]
    fn the_pedal_holds_a_key_on() {
        let events = [Pedal(true), Press(60, 0), Release(60), Close, Close, Pedal(false), Close];
        check(&events, &[on(60), Hold, Rest]);
        let deaf = Hearing { sustain: false, ..Hearing::default() };
        check_as(deaf, &events, &[on(60), Rest, Rest]);
        // A key that is down stays when the pedal goes up; pressed again under the pedal it is an onset again.
        check(&[Pedal(true), Press(60, 0), Close, Pedal(false), Close], &[on(60), Hold]);
        check(
            &[
                Pedal(true),
                Press(60, 0),
                Release(60),
                Close,
                Press(60, 9),
                Close,
                Release(60),
                Pedal(false),
                Close,
            ],
            &[on(60), on(60), Rest],
        );
    }

    #[test]
    fn a_thousand_keys_are_no_harm() {
        let mut listener = Listener::default();
        for key in 0..1000 {
            listener.press((key / 128) as u8, Pitch::folded(key % 128), 0.5, i64::from(key));
        }
        assert!(matches!(listener.close(), Onset(_)));
        listener.release(None, None);
        assert_eq!(listener.close(), Rest);
    }
}
