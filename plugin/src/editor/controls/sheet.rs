//! Which controls there are, where they stand, and what each does, in a sentence that teaches. A parameter has one row
//! here; the rest of the panel goes by the rows. Pure.

/// How a parameter is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Switch,
    /// One of a few.
    Choice,
    /// More or less.
    Fader,
    /// On while it is held.
    Press,
}

/// A control.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its parameter.
    pub id: &'static str,
    /// How it is set.
    pub kind: Kind,
    /// What it does.
    pub tip: &'static str,
}

/// Controls that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its heading; none where the tab has one section only.
    pub heading: Option<&'static str>,
    /// Its controls.
    pub rows: &'static [Row],
}

/// A page of controls.
#[derive(Clone, Copy, Debug)]
pub struct Tab {
    /// Its name.
    pub name: &'static str,
    /// What stands on it.
    pub sections: &'static [Section],
}

const fn switch(id: &'static str, tip: &'static str) -> Row {
    Row { id, kind: Kind::Switch, tip }
}

const fn choice(id: &'static str, tip: &'static str) -> Row {
    Row { id, kind: Kind::Choice, tip }
}

const fn fader(id: &'static str, tip: &'static str) -> Row {
    Row { id, kind: Kind::Fader, tip }
}

const fn press(id: &'static str, tip: &'static str) -> Row {
    Row { id, kind: Kind::Press, tip }
}

/// What a player presses while playing; always in sight.
pub const PLAY: &[Row] = &[
    press("hold", "The chord that sounds goes on for as long as you hold this"),
    press("mute", "Chords are silent for as long as you hold this; the plan goes on underneath"),
    press("next", "The next chord comes now, whatever the change grid says"),
    press("reroll", "Throws away what is not yet promised and asks the model for another plan"),
    press("undo_reroll", "Brings back the plan from before the last re-roll"),
    press("panic", "Ends every note at once"),
    switch(
        "latching",
        "Hold and Mute stay on after a press, until the next press, as with a sustaining pedal",
    ),
];

/// All pages.
pub const TABS: &[Tab] = &[
    Tab {
        name: "React",
        sections: &[Section {
            heading: None,
            rows: &[
                fader(
                    "commit",
                    "How far ahead a chord is promised: the less, the sooner it follows you; the more, the longer you see it coming",
                ),
                fader(
                    "look_ahead",
                    "How far ahead drafts are shown; they cost time to think and may still change",
                ),
                fader(
                    "listen",
                    "How long it only listens after you start, so that its first chord already fits",
                ),
                switch(
                    "listen_again",
                    "After a jump in the song it listens again instead of entering at your first note",
                ),
                choice(
                    "grid",
                    "Chords may change on these places of the bar only; the half bar of 5/4 is 3 + 2, of 7/8 4 + 3, and 3/4 and 9/8, which have none, change on bar lines",
                ),
                fader(
                    "density",
                    "To the left it keeps chords longer, to the right it changes them more often",
                ),
                switch(
                    "loop_memory",
                    "From the second pass of a loop it expects what you played before, until you play something else",
                ),
                switch(
                    "free_run",
                    "Plays by a clock of its own, from your first note, while the host stands still",
                ),
                fader("free_tempo", "The tempo of that clock; it counts only while the host stands still"),
            ],
        }],
    },
    Tab {
        name: "Harmony",
        sections: &[Section {
            heading: None,
            rows: &[
                fader(
                    "temperature",
                    "How daring the chords are: at 0 always the likeliest, above 1 ever stranger",
                ),
                fader("top_p", "Only chords among this share of the likeliest are drawn; less is safer"),
                choice(
                    "key_rule",
                    "Whether it hears the key by itself, leans towards yours, or stays within it",
                ),
                choice("key_tonic", "The first note of your key; it counts when Key leans or locks"),
                choice("key_mode", "The scale of your key; it counts when Key leans or locks"),
                fader(
                    "seed",
                    "Another number is another take; the same number plays the same chords to the same notes",
                ),
            ],
        }],
    },
    Tab {
        name: "Voicing",
        sections: &[
            Section {
                heading: Some("Hands and bass"),
                rows: &[
                    choice("style", "How the notes of a chord are spread over the keyboard"),
                    choice("voices", "How many notes the hands play; the bass is not counted"),
                    fader("register", "The key around which the hands stay"),
                    fader("lowest", "The hands play nothing below this key"),
                    fader("highest", "The hands play nothing above this key"),
                    choice(
                        "inversion",
                        "Which note of the chord lies lowest; Nearest moves the fingers least",
                    ),
                    switch("below_melody", "The hands stay under your melody, so that it is heard on top"),
                    choice("bass", "What the left hand plays under the chord"),
                ],
            },
            Section {
                heading: Some("Rhythm and touch"),
                rows: &[
                    choice("pattern", "The rhythm in which a chord is struck while it lasts"),
                    choice("arp_rate", "How fast arpeggios run"),
                    fader("gate", "How much of its time each note of a rhythm sounds: less is more clipped"),
                    choice("strum", "In which order the notes of a strum come"),
                    fader(
                        "strum_ms",
                        "The time from one note of a strum to the next; at 0 all come together",
                    ),
                    fader("velocity", "How hard chords are struck"),
                    fader("follow", "How much the chords grow louder and softer with your playing"),
                    fader("humanise", "How much time and touch stray, as a hand's would"),
                    fader("nudge", "Everything a little later, or earlier, than the grid"),
                ],
            },
        ],
    },
    Tab {
        name: "Output",
        sections: &[
            Section {
                heading: Some("What goes out"),
                rows: &[
                    choice(
                        "pass_through",
                        "Whether your melody goes on to the instrument, the chords, or both",
                    ),
                    choice("parts", "Whether chords, bass or both are sent"),
                    choice("chord_channel", "The MIDI channel that chords are sent on"),
                    choice("bass_channel", "The MIDI channel that bass notes are sent on"),
                    switch("print", "Plays the captured chords again instead of asking the model"),
                    switch("bypass", "Notes pass through as if the plugin were not there"),
                ],
            },
            Section {
                heading: Some("What is heard"),
                rows: &[
                    choice("in_channel", "The MIDI channel that your melody comes on"),
                    fader("in_lowest", "Keys below this one are not taken for melody"),
                    fader("in_highest", "Keys above this one are not taken for melody"),
                    choice("leads", "Which note is the melody when you hold several"),
                    switch("sustain", "The sustain pedal holds the melody's notes"),
                ],
            },
        ],
    },
];

/// All controls.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let on_tabs = TABS.iter().flat_map(|tab| tab.sections).flat_map(|section| section.rows);
    PLAY.iter().chain(on_tabs)
}

/// The row of a parameter.
pub fn row(id: &str) -> Option<&'static Row> {
    rows().find(|row| row.id == id)
}
