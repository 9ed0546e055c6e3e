//! Presets: ways to play, as a table of parameters' ids and values in the words that the parameter itself says and
//! reads. What a preset does not name is put to its default, within [`SCOPE`]; seed, key, channels and the player's
//! switches are the session's and no preset touches them. GUI thread; pure.
//!
//! They are chosen in the editor. The framework (0.4.2) knows neither CLAP's preset discovery nor VST3's programs.

/// A way to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is called.
    pub name: &'static str,
    /// Parameters that differ from their default, by id, each with its value.
    pub settings: &'static [(&'static str, &'static str)],
}

impl Preset {
    /// What it says of a parameter.
    pub fn setting(&self, id: &str) -> Option<&'static str> {
        self.settings.iter().find(|(known, _)| *known == id).map(|(_, value)| *value)
    }
}

/// The parameters that presets set, by id.
pub const SCOPE: &[&str] = &[
    "commit",
    "grid",
    "density",
    "temperature",
    "top_p",
    "style",
    "voices",
    "register",
    "inversion",
    "below_melody",
    "bass",
    "pattern",
    "arp_rate",
    "gate",
    "strum",
    "strum_ms",
    "velocity",
    "follow",
    "humanise",
    "nudge",
    "parts",
];

/// All presets; the first is how an instance begins.
pub const PRESETS: &[Preset] = &[
    Preset { name: "Plain", settings: &[] },
    Preset {
        name: "Pop pad",
        settings: &[
            ("grid", "Half bar"),
            ("style", "Pad (common tones held)"),
            ("bass", "Root"),
            ("velocity", "68"),
            ("follow", "30 %"),
        ],
    },
    Preset {
        name: "Jazz shells",
        settings: &[
            ("grid", "Beat"),
            ("temperature", "1.1"),
            ("style", "Shell"),
            ("pattern", "Charleston"),
            ("bass", "Walking"),
            ("gate", "60 %"),
            ("velocity", "72"),
            ("humanise", "30 %"),
        ],
    },
    Preset {
        name: "Folk strum",
        settings: &[
            ("grid", "Half bar"),
            ("temperature", "0.8"),
            ("style", "Open"),
            ("voices", "5"),
            ("pattern", "Every beat"),
            ("strum", "Alternating"),
            ("strum_ms", "25 ms"),
            ("bass", "Root"),
            ("humanise", "20 %"),
        ],
    },
    Preset {
        name: "Hymn",
        settings: &[
            ("grid", "Beat"),
            ("density", "30 %"),
            ("temperature", "0.7"),
            ("style", "Open"),
            ("voices", "3"),
            ("below_melody", "On"),
            ("gate", "100 %"),
            ("velocity", "76"),
        ],
    },
    Preset {
        name: "Lo-fi keys",
        settings: &[
            ("grid", "Half bar"),
            ("style", "Drop 2"),
            ("bass", "Root"),
            ("strum_ms", "18 ms"),
            ("velocity", "60"),
            ("humanise", "60 %"),
            ("nudge", "20 ms"),
        ],
    },
    Preset {
        name: "Arpeggio",
        settings: &[
            ("grid", "Half bar"),
            ("style", "Spread"),
            ("voices", "4"),
            ("pattern", "Arpeggio up and down"),
            ("arp_rate", "16th"),
            ("gate", "80 %"),
            ("bass", "Root"),
            ("velocity", "70"),
        ],
    },
    Preset {
        name: "Bossa",
        settings: &[
            ("grid", "Half bar"),
            ("temperature", "1.1"),
            ("style", "Drop 2"),
            ("pattern", "Tresillo"),
            ("gate", "50 %"),
            ("velocity", "66"),
            ("humanise", "20 %"),
        ],
    },
    Preset {
        name: "Ballad",
        settings: &[
            ("grid", "Bar"),
            ("density", "-30 %"),
            ("temperature", "0.9"),
            ("style", "Spread"),
            ("strum_ms", "40 ms"),
            ("bass", "Octaves"),
            ("velocity", "58"),
            ("follow", "50 %"),
        ],
    },
    Preset {
        name: "Oom-pah",
        settings: &[
            ("grid", "Bar"),
            ("temperature", "0.6"),
            ("pattern", "Boom-chick"),
            ("gate", "50 %"),
            ("bass", "Root"),
        ],
    },
    Preset {
        name: "Power chords",
        settings: &[
            ("grid", "Half bar"),
            ("style", "Power"),
            ("register", "C3"),
            ("pattern", "Eighths"),
            ("gate", "70 %"),
            ("bass", "Octaves"),
            ("velocity", "110"),
        ],
    },
    Preset {
        name: "Bass only",
        settings: &[
            ("grid", "Beat"),
            ("bass", "Walking"),
            ("parts", "Bass without chords"),
            ("velocity", "90"),
        ],
    },
    Preset {
        name: "Careful duo",
        settings: &[
            ("commit", "1 beat"),
            ("grid", "Bar"),
            ("density", "-50 %"),
            ("temperature", "0.4"),
            ("top_p", "80 %"),
            ("below_melody", "On"),
            ("velocity", "62"),
            ("follow", "60 %"),
        ],
    },
    Preset {
        name: "Wild",
        settings: &[
            ("density", "60 %"),
            ("temperature", "1.6"),
            ("style", "Spread"),
            ("pattern", "Off-beats"),
            ("velocity", "92"),
            ("humanise", "40 %"),
        ],
    },
];
