//! The names and ids of values a player chooses from. Ids are frozen: a session is saved by them.

use crate::{
    audio::{
        block::{Parts, Pass},
        comping::{ArpRate, Pattern, Strum},
        listener::Leads,
    },
    links::ChangeGrid,
    voicing::{Bass, Inversion, Style},
};
use music::key::Mode;
use nice_plug::prelude::Enum;

/// How the key is treated, without the key itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyChoice {
    /// The model hears it by itself.
    #[default]
    Auto,
    /// Its chords are likelier.
    Lean,
    /// Only its chords are struck.
    Lock,
}

/// A tonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tonic(pub u8);

impl Enum for Tonic {
    fn variants() -> &'static [&'static str] {
        &["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
    }

    fn ids() -> Option<&'static [&'static str]> {
        None
    }

    fn to_index(self) -> usize {
        usize::from(self.0 % 12)
    }

    fn from_index(index: usize) -> Self {
        Self((index % 12) as u8)
    }
}

/// A mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModeChoice(pub Mode);

impl ModeChoice {
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::variants()[self.to_index()]
    }
}

/// In the order of [`Mode::ALL`].
impl Enum for ModeChoice {
    fn variants() -> &'static [&'static str] {
        &["Major", "Minor", "Harmonic minor", "Dorian", "Phrygian", "Lydian", "Mixolydian"]
    }

    fn ids() -> Option<&'static [&'static str]> {
        Some(&["major", "minor", "harmonic-minor", "dorian", "phrygian", "lydian", "mixolydian"])
    }

    fn to_index(self) -> usize {
        Mode::ALL.iter().position(|mode| *mode == self.0).unwrap_or(0)
    }

    fn from_index(index: usize) -> Self {
        Self(Mode::ALL.get(index).copied().unwrap_or_default())
    }
}

macro_rules! choices {
    ($($type:ty { $($variant:ident $id:literal $name:literal,)+ })+) => {
        $(
            impl Enum for $type {
                fn variants() -> &'static [&'static str] {
                    &[$($name),+]
                }

                fn ids() -> Option<&'static [&'static str]> {
                    Some(&[$($id),+])
                }

                fn to_index(self) -> usize {
                    [$(Self::$variant),+].iter().position(|known| *known == self).unwrap_or(0)
                }

                fn from_index(index: usize) -> Self {
                    let all = [$(Self::$variant),+];
                    all.get(index).copied().unwrap_or(all[0])
                }
            }
        )+
    };
}

choices! {
    ChangeGrid {
        Free "free" "Free (16th)",
        Eighth "eighth" "8th",
        Beat "beat" "Beat",
        HalfBar "half-bar" "Half bar",
        Bar "bar" "Bar",
        TwoBars "two-bars" "2 bars",
    }
    KeyChoice {
        Auto "auto" "Auto",
        Lean "lean" "Lean to the key",
        Lock "lock" "Lock to the key",
    }
    Style {
        Close "close" "Close",
        Open "open" "Open",
        DropTwo "drop-2" "Drop 2",
        Shell "shell" "Shell",
        Spread "spread" "Spread",
        Power "power" "Power",
        Pad "pad" "Pad (common tones held)",
    }
    Inversion {
        Nearest "nearest" "Nearest",
        Root "root" "Root position",
        First "first" "First inversion",
        Second "second" "Second inversion",
    }
    Bass {
        Off "off" "Off",
        Root "root" "Root",
        Octave "octave" "Octaves",
        Slash "slash" "Slash",
        Walking "walking" "Walking",
    }
    Pattern {
        Sustained "sustained" "Sustained",
        Beats "beats" "Every beat",
        Eighths "eighths" "Eighths",
        OffBeats "off-beats" "Off-beats",
        BoomChick "boom-chick" "Boom-chick",
        Charleston "charleston" "Charleston",
        Tresillo "tresillo" "Tresillo",
        ArpeggioUp "arp-up" "Arpeggio up",
        ArpeggioDown "arp-down" "Arpeggio down",
        ArpeggioUpDown "arp-up-down" "Arpeggio up and down",
        Alberti "alberti" "Alberti",
    }
    ArpRate {
        Quarter "quarter" "Quarter",
        Eighth "eighth" "8th",
        Triplet "triplet" "8th triplet",
        Sixteenth "sixteenth" "16th",
    }
    Strum {
        Up "up" "Up",
        Down "down" "Down",
        Alternating "alternating" "Alternating",
    }
    Leads {
        Last "last" "Last note",
        Highest "highest" "Highest note",
        Lowest "lowest" "Lowest note",
    }
    Parts {
        Both "both" "Chords and bass",
        ChordsOnly "chords" "Chords without bass",
        BassOnly "bass" "Bass without chords",
    }
    Pass {
        ChordsOnly "chords" "Chords only",
        MelodyAndChords "melody-and-chords" "Melody and chords",
        MelodyOnly "melody" "Melody only (listen)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_comes_back_from_its_index() {
        fn check<T: Enum + Copy + PartialEq + std::fmt::Debug>() {
            let ids = T::ids().map_or(T::variants().len(), <[_]>::len);
            assert_eq!(ids, T::variants().len());
            for idx in 0..T::variants().len() {
                assert_eq!(T::from_index(idx).to_index(), idx, "{:?}", T::from_index(idx));
            }
        }
        check::<ChangeGrid>();
        check::<KeyChoice>();
        check::<Tonic>();
        check::<ModeChoice>();
        check::<Style>();
        check::<Inversion>();
        check::<Bass>();
        check::<Pattern>();
        check::<ArpRate>();
        check::<Strum>();
        check::<Leads>();
        check::<Parts>();
        check::<Pass>();
    }
}
