//! Which key is meant where a host names a note by its id alone, as CLAP allows. Audio thread. Fixed size.

use music::pitch::Pitch;

/// Notes whose ids are remembered; of more than these the first are forgotten.
const MAX_NAMED: usize = 128;

/// The ids of the notes that came.
#[derive(Debug)]
pub struct NoteIds {
    named: [Option<Named>; MAX_NAMED],
    /// Where the next one is written.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Named {
    id: i32,
    channel: u8,
    key: Pitch,
}

impl Default for NoteIds {
    fn default() -> Self {
        Self { named: [None; MAX_NAMED], next: 0 }
    }
}

impl NoteIds {
    /// A key of a channel goes down under this id.
    pub fn press(&mut self, id: i32, channel: u8, key: Pitch) {
        let is_again = |named: &Named| named.id == id || (named.channel, named.key) == (channel, key);
        self.named.iter_mut().for_each(|named| *named = named.filter(|named| !is_again(named)));
        self.named[self.next] = Some(Named { id, channel, key });
        self.next = (self.next + 1) % MAX_NAMED;
    }

    /// The channel and key that went down under this id.
    pub fn meant(&self, id: i32) -> Option<(u8, Pitch)> {
        let named = self.named.iter().flatten().find(|named| named.id == id)?;
        Some((named.channel, named.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_the_key_that_last_went_down_under_it() {
        let mut ids = NoteIds::default();
        let key = Pitch::folded;
        ids.press(7, 0, key(60));
        ids.press(8, 1, key(60));
        assert_eq!(
            (ids.meant(7), ids.meant(8), ids.meant(9)),
            (Some((0, key(60))), Some((1, key(60))), None)
        );
        ids.press(7, 0, key(62));
        assert_eq!(ids.meant(7), Some((0, key(62))));
        // The key is another note's now.
        ids.press(10, 1, key(60));
        assert_eq!((ids.meant(8), ids.meant(10)), (None, Some((1, key(60)))));
    }

    #[test]
    fn of_too_many_the_first_are_forgotten() {
        let mut ids = NoteIds::default();
        for id in 0..300 {
            ids.press(id, (id / 100) as u8, Pitch::folded(id % 100));
        }
        assert_eq!(ids.meant(100), None);
        assert_eq!(ids.meant(299), Some((2, Pitch::folded(99))));
    }
}
