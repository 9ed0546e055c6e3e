//! Which key is meant where a host names a note by its id alone, as CLAP allows. Audio thread. Fixed size.

use music::pitch::Pitch;

/// MIDI channels, and the keys of each.
const CHANNELS: usize = 16;
const KEYS: usize = 128;

/// The id under which each key last went down.
#[derive(Debug)]
pub struct NoteIds([[Option<i32>; KEYS]; CHANNELS]);

impl Default for NoteIds {
    fn default() -> Self {
        Self([[None; KEYS]; CHANNELS])
    }
}

impl NoteIds {
    /// A key of a channel, 0..16, goes down under this id, if it has any.
    pub fn press(&mut self, id: Option<i32>, channel: u8, key: Pitch) {
        let keys = &mut self.0[usize::from(channel) % CHANNELS];
        // What went down under it before is another note, whose end was lost.
        keys.iter_mut().filter(|of| **of == id).for_each(|of| *of = None);
        keys[usize::from(key.midi()) % KEYS] = id;
    }

    /// The channel and key that went down under this id; of one channel alone where that is told.
    pub fn meant(&self, id: i32, channel: Option<u8>) -> Option<(u8, Pitch)> {
        let channels = (0..).zip(&self.0).filter(|(of, _)| channel.is_none_or(|channel| channel == *of));
        let mut meant = channels.filter_map(|(channel, keys)| {
            let key = keys.iter().position(|of| *of == Some(id))?;
            Some((channel, Pitch::new(key as u8)?))
        });
        meant.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_the_key_that_last_went_down_under_it() {
        let mut ids = NoteIds::default();
        let key = Pitch::folded;
        ids.press(Some(7), 0, key(60));
        ids.press(Some(8), 1, key(60));
        let meant = |ids: &NoteIds, id| ids.meant(id, None);
        assert_eq!([7, 8, 9].map(|id| meant(&ids, id)), [Some((0, key(60))), Some((1, key(60))), None]);
        ids.press(Some(7), 0, key(62));
        assert_eq!(meant(&ids, 7), Some((0, key(62))));
        // The key is another note's now, or one's that has no id.
        ids.press(Some(10), 1, key(60));
        assert_eq!([8, 10].map(|id| meant(&ids, id)), [None, Some((1, key(60)))]);
        ids.press(None, 1, key(60));
        assert_eq!(meant(&ids, 10), None);
        // However many come while it lies.
        for note in 100..1000 {
            ids.press(Some(note), 0, key(20 + note % 40));
        }
        assert_eq!(meant(&ids, 7), Some((0, key(62))));
    }

    #[test]
    fn a_channel_that_is_told_is_gone_by() {
        let mut ids = NoteIds::default();
        let key = Pitch::folded(60);
        ids.press(Some(7), 0, key);
        ids.press(Some(7), 5, key);
        assert_eq!(ids.meant(7, Some(5)), Some((5, key)));
        assert_eq!(ids.meant(7, Some(3)), None);
    }
}
