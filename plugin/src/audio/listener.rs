//! From notes to melody frames, by `music::grid`'s snap rule: the caller closes a frame when no later note can
//! belong to it. Audio thread. Fixed size.
//!
//! The melody is one line: the note pressed last leads; of notes pressed on the same sample the highest. When it is
//! released, the last one still held leads again. A note too short for the grid lasts one frame.

use music::{melody::MelodyFrame, pitch::Pitch};

/// Keys remembered as held; the oldest is forgotten when a hand has more.
const MAX_HELD: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    channel: u8,
    key: Pitch,
    at: i64,
}

/// Listens to one line.
#[derive(Clone, Debug)]
pub struct Listener {
    held: [Held; MAX_HELD],
    num_held: usize,
    /// The note that leads at the end of the frame before.
    led: Option<Pitch>,
    /// The last note pressed in the open frame.
    onset: Option<Pitch>,
    onset_at: i64,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            held: [Held { channel: 0, key: Pitch::folded(0), at: 0 }; MAX_HELD],
            num_held: 0,
            led: None,
            onset: None,
            onset_at: i64::MIN,
        }
    }
}

impl Listener {
    /// A key goes down at a sample of the instance's own count.
    pub fn press(&mut self, channel: u8, key: Pitch, at: i64) {
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
        self.held[idx] = Held { channel, key, at };
        self.num_held += 1;
        if self.onset_at != at || self.onset.is_none_or(|highest| key > highest) {
            self.onset = Some(key);
        }
        self.onset_at = at;
    }

    /// Keys go up; `None` stands for all.
    pub fn release(&mut self, channel: Option<u8>, key: Option<Pitch>) {
        self.forget(|held| channel.is_none_or(|c| c == held.channel) && key.is_none_or(|k| k == held.key));
    }

    /// The open frame closes: what the melody did in it.
    pub fn close(&mut self) -> MelodyFrame {
        let leads = self.held[..self.num_held].last().map(|held| held.key);
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

    /// An epoch begins: what is held counts as pressed in its first frame.
    pub fn begin(&mut self) {
        self.led = None;
        self.onset = None;
        self.onset_at = i64::MIN;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.num_held = 0;
        self.begin();
    }

    /// The note that leads now.
    pub fn leading(&self) -> Option<Pitch> {
        self.held[..self.num_held].last().map(|held| held.key)
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
        Close,
        Begin,
    }
    use Do::{Begin, Close, Press, Release};

    fn check(events: &[Do], expected: &[MelodyFrame]) {
        let mut listener = Listener::default();
        let mut heard = Vec::new();
        for event in events {
            match event {
                Press(key, at) => listener.press(0, Pitch::folded(*key), *at),
                Release(key) => listener.release(Some(0), Some(Pitch::folded(*key))),
                Close => heard.push(listener.close()),
                Begin => listener.begin(),
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
    fn a_thousand_keys_are_no_harm() {
        let mut listener = Listener::default();
        for key in 0..1000 {
            listener.press((key / 128) as u8, Pitch::folded(key % 128), i64::from(key));
        }
        assert!(matches!(listener.close(), Onset(_)));
        listener.release(None, None);
        assert_eq!(listener.close(), Rest);
    }
}
