//! From a chord to keys. Pure and allocation-free: the audio thread calls this when a chord starts.

mod bass;
mod close;
mod leading;

pub use bass::bass;
pub use close::close;

use music::pitch::Pitch;

/// The most voices a voicing has, the bass not counted.
pub const MAX_VOICES: usize = 5;

/// The keys of a chord, from low to high, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voicing {
    keys: [Pitch; MAX_VOICES],
    num: usize,
}

impl Voicing {
    const EMPTY: Self = Self { keys: [Pitch::folded(60); MAX_VOICES], num: 0 };

    /// Its keys, from low to high.
    pub fn keys(&self) -> &[Pitch] {
        &self.keys[..self.num]
    }

    /// Its lowest key, or middle C where there is none.
    pub fn lowest(&self) -> Pitch {
        self.keys[0]
    }

    fn push(&mut self, key: Pitch) {
        if let Some(place) = self.keys.get_mut(self.num) {
            *place = key;
            self.num += 1;
        }
    }
}

#[cfg(test)]
mod tests;
