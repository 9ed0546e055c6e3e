//! How far voices move in progressions that people play.

use super::{examples::chord, *};

/// Progressions, each a commonplace of its music.
const PROGRESSIONS: &[(&str, &str)] = &[
    ("four chords of pop", "C G Am F C G Am F"),
    ("doo-wop", "G Em C D G Em C D7 G"),
    ("a canon's ground", "D A Bm F#m G D G A D"),
    ("andalusian cadence", "Am G F E Am G F E7 Am"),
    ("twelve bars of blues", "F7 Bb7 F7 Cm7 F7 Bb7 Bdim7 F7 Am7b5 D7b9 Gm7 C7 F7 D7 Gm7 C7"),
    ("fifths falling in minor", "Cm7 F7 Bbmaj7 Ebmaj7 Am7b5 D7 Gm6 G7b9"),
    ("rhythm changes", "Bb6 G7 Cm7 F7 Dm7 G7b9 Cm7 F7 Fm7 Bb7 Ebmaj7 Abm6 Bb6 F7 Bb6"),
    ("thirds falling by turns of key", "Bmaj7 D7 Gmaj7 Bb7 Ebmaj7 Am7 D7 Gmaj7 Bb7 Ebmaj7 F#7 Bmaj7"),
    ("bossa", "Fmaj7 G9 Gm7 F#7b5 Fmaj7 F#7b5 Fmaj7 Gm7 C13 Fmaj7"),
    ("hymn", "G G/B C G/D D7 G Em A7/C# D G C G/D D7 G"),
    ("line down in minor", "Am E7/G# Am/G D/F# Fmaj7 C/E Dm7 E7sus4 E7 Am"),
    ("suspensions", "Dsus4 D Dsus2 D Csus2 C Gsus4 G A5 G5 D5"),
];

/// The mean motion of a voice at a change of chord, in semitones, over the progressions.
fn mean_motion(voice: impl Fn(Chord, Option<&Voicing>) -> Voicing) -> f64 {
    let (mut moved, mut voices) = (0, 0);
    for (_, symbols) in PROGRESSIONS {
        let mut before: Option<Voicing> = None;
        for symbol in symbols.split(' ') {
            let voicing = voice(chord(symbol), before.as_ref());
            if let Some(before) = &before {
                moved += motion(before.keys(), voicing.keys());
                voices += before.keys().len().max(voicing.keys().len());
            }
            before = Some(voicing);
        }
    }
    f64::from(moved) / voices as f64
}

#[test]
fn voices_move_little_in_progressions_that_people_play() {
    for style in STYLES {
        let nearest = Arrangement { style, ..Arrangement::default() };
        let root = Arrangement { inversion: Inversion::Root, ..nearest };
        let ours = mean_motion(|chord, before| voiced(chord, &nearest, None, before));
        let theirs = mean_motion(|chord, _| voiced(chord, &root, None, None));
        println!("{style:?}: a voice moves {ours:.2} semitones, in root position {theirs:.2}");
        assert!(ours <= 3.0, "{style:?}: a voice moves {ours} semitones on the mean");
        assert!(ours < theirs, "{style:?}: {ours} against {theirs} in root position");
    }
}

#[test]
fn hands_stay_around_their_register_all_along() {
    let arrangement = Arrangement::default();
    let mut before: Option<Voicing> = None;
    for (name, symbols) in PROGRESSIONS.iter().cycle().take(50) {
        for symbol in symbols.split(' ') {
            let voicing = voiced(chord(symbol), &arrangement, None, before.as_ref());
            let sum: i32 = voicing.keys().iter().map(|key| i32::from(key.midi())).sum();
            let off = (sum / voicing.keys().len() as i32 - 60).abs();
            assert!(off <= 7, "{name}: {symbol} lies {off} from the register");
            before = Some(voicing);
        }
    }
}
