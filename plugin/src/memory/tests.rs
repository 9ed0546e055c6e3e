//! Captures that are written down, read, bounded, exported and printed.

mod former;

use super::{export::midi_file, print::print, *};
use crate::audio::block::Settings;
use crate::links::{Leading, Planned, Rules, Standing};
use crate::voicing::{Arrangement, Bass};
use midly::{MetaMessage, MidiMessage, Smf, TrackEventKind};
use music::{
    chord::Quality,
    meter::Meter,
    notation::{parse_chords, parse_melody},
    pitch::PitchClass,
};
use music::{grid::Beats, pitch::Pitch};
use proptest::prelude::*;

/// A frame in which all goes on.
const HELD: Captured = Captured {
    melody: MelodyFrame::Hold,
    chord: ChordFrame::Hold,
    leading: Leading { key: None, touch: 80 },
    phase: BarPhase::Unknown,
    meter: None,
};

/// A capture of a line of melody and one of chords, from this frame on.
fn played(from: i64, melody: &str, chords: &str, meter: Meter) -> Capture {
    let mut capture = Capture::default();
    let lines = parse_melody(melody).unwrap().into_iter().zip(parse_chords(chords).unwrap());
    for ((melody, chord), frame) in lines.zip(from..) {
        let phase = BarPhase::of(Frame(frame), meter, Beats(0.0));
        let leading = Leading::default();
        capture.record(Frame(frame), Captured { melody, chord, leading, phase, meter: None });
    }
    capture
}

fn again(capture: &Capture) -> (String, Capture) {
    let text = serde_json::to_string(capture).unwrap();
    let read = serde_json::from_str(&text).unwrap();
    (text, read)
}

#[test]
fn a_capture_is_written_down_readably_and_comes_back() {
    let capture = played(
        -4,
        ". C4 - - | E4 - . . | G4 - - - | - - - A4",
        ". . . . | C - - - | - - Am7/G - | - . . .",
        Meter::COMMON,
    );
    let (text, read) = again(&capture);
    assert_eq!(read, capture);
    let expected = r#"{"version":1,"passages":[{"frame":-4,"bar":[12,16],"melody":". 60 -2 64 - .2 67 -6 69","chords":".4 C -5 Am7/G -2 .3"}]}"#;
    assert_eq!(text, expected);
    assert_eq!(again(&Capture::default()).1, Capture::default());
}

#[test]
fn what_the_chords_were_played_to_comes_back_too() {
    let mut capture = played(0, "C4 - - - - -", "C - - G - -", Meter::COMMON);
    let frames: Vec<(Frame, Captured)> = capture.frames().collect();
    let keys = [None, Some(60), Some(60), Some(67), None, None];
    for (((frame, captured), key), touch) in frames.into_iter().zip(keys).zip([80, 80, 99, 99, 99, 0]) {
        let leading = Leading { key: key.map(Pitch::folded), touch };
        capture.record(frame, Captured { leading, ..captured });
    }
    let (text, read) = again(&capture);
    assert_eq!(read, capture);
    assert!(text.contains(r#""leading":". 60 - 67 .2","touch":"-2 99 -2 0""#), "{text}");
    for broken in [text.replace(". 60", "60"), text.replace("-2 0", "-2 128"), text.replace("-2 0", "-2 .")] {
        assert!(serde_json::from_str::<Capture>(&broken).unwrap().is_empty(), "{broken}");
    }
}

/// What a recorder is told of a take: from this frame on, bar by bar.
fn told(
    recorder: &mut Recorder,
    capture: &SharedCapture,
    epoch: u32,
    from: i64,
    melody: &str,
    own_clock: bool,
) {
    let rules = Rules { own_clock, ..Rules::default() };
    let begin = ToWorker::Begin { epoch: Epoch(epoch), coming: coming(from), seek: false, rules };
    recorder.hear(&begin, capture);
    heard(recorder, capture, Epoch(epoch), from, melody, rules);
}

/// What a recorder is told of frames from this one on.
fn heard(
    recorder: &mut Recorder,
    capture: &SharedCapture,
    epoch: Epoch,
    from: i64,
    melody: &str,
    rules: Rules,
) {
    for (melody, ordinal) in parse_melody(melody).unwrap().into_iter().zip(0..) {
        let (frame, coming, played) =
            (Frame(from + ordinal), coming(from + ordinal + 1), ChordFrame::Silence);
        let leading = Leading::default();
        let heard = Heard { epoch, ordinal, frame, melody, played, leading, coming, rules };
        recorder.hear(&ToWorker::Heard(heard), capture);
    }
}

fn coming(frame: i64) -> Coming {
    let phase = BarPhase::of(Frame(frame), Meter::COMMON, Beats(0.0));
    Coming { frame: Frame(frame), phase, cut: false, turn: None }
}

#[test]
fn what_is_played_on_our_own_clock_lies_apart_from_the_song_one_take_after_the_other() {
    let (mut recorder, shared) = (Recorder::default(), SharedCapture::default());
    told(&mut recorder, &shared, 1, 0, "C4 - - - D4 - - -", false);
    let song = shared.copy();
    assert_eq!(song.extent(), (8, false));
    told(&mut recorder, &shared, 2, 0, "E4 - - - - - - - - - - - - - - - F4 -", true);
    // A rest before its first note is not captured; bar lines stay where they are.
    told(&mut recorder, &shared, 3, 0, ". . . G4", true);
    let both = shared.copy();
    let onsets = |capture: &Capture| -> Vec<(i64, u8)> {
        let onset = |(frame, captured): (Frame, Captured)| match captured.melody {
            MelodyFrame::Onset(pitch) => Some((frame.0, pitch.midi())),
            _ => None,
        };
        capture.newest().filter_map(onset).collect()
    };
    assert_eq!(onsets(&both), [(0, 64), (16, 65), (35, 67)]);
    assert_eq!(both.extent(), (19, true));
    assert!(both.frames().eq(song.frames()), "the song's own is as it was");
    assert_eq!(again(&both).1, both);
    // The song goes on to be captured and is the newest again; the other is not lost.
    told(&mut recorder, &shared, 4, 4, "A4 - - -", false);
    let song = shared.copy();
    assert_eq!((onsets(&song), song.extent()), (vec![(0, 60), (4, 69)], (8, false)));
    told(&mut recorder, &shared, 5, 0, "B4", true);
    assert_eq!(onsets(&shared.copy()), [(0, 64), (16, 65), (35, 67), (48, 71)]);
}

#[test]
fn every_chord_comes_back() {
    let mut capture = Capture::default();
    let basses = || PitchClass::all();
    let chords = Quality::all().flat_map(|quality| {
        basses().flat_map(move |root| basses().map(move |bass| Chord::new(root, quality).over(bass)))
    });
    for (chord, frame) in chords.zip(0..) {
        let chord = ChordFrame::Onset(chord);
        let captured = Captured { chord, ..HELD };
        capture.record(Frame(frame), captured);
    }
    assert_eq!(again(&capture).1, capture);
}

#[test]
fn what_is_broken_or_of_another_version_is_nothing_and_kept_until_something_is_captured() {
    assert_eq!(serde_json::from_str::<Capture>("null").unwrap(), Capture::default());
    for text in [
        "7",
        r#""text""#,
        r#"{"version":2,"passages":[]}"#,
        r#"{"version":99,"passages":{"by":"hand"},"mood":[0.5,-3,18446744073709551615]}"#,
        r#"{"version":99,"mood":[1e90,0.1,999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999]}"#,
        r#"{"version":1,"passages":[],"own":[{"frame":0,"bar":null,"melody":"60","chords":"H"}]}"#,
        r#"{"version":1}"#,
        r#"{"version":1,"passages":[{"frame":0,"bar":null,"melody":"60 -","chords":"C"}]}"#,
        r#"{"version":1,"passages":[{"frame":0,"bar":[16,16],"melody":"60","chords":"C"}]}"#,
        r#"{"version":1,"passages":[{"frame":0,"bar":[3,0],"melody":"60","chords":"C"}]}"#,
        r#"{"version":1,"passages":[{"frame":0,"bar":null,"melody":"200","chords":"C"}]}"#,
        r#"{"version":1,"passages":[{"frame":0,"bar":null,"melody":"60","chords":"H"}]}"#,
        r#"{"version":1,"passages":[{"frame":0,"bar":null,"melody":"-99999999999","chords":"-99999999999"}]}"#,
        r#"{"version":1,"passages":[{"frame":9223372036854775807,"bar":null,"melody":".2","chords":".2"}]}"#,
    ] {
        let mut capture = serde_json::from_str::<Capture>(text).unwrap();
        assert!(capture.is_empty() && capture.frames().next().is_none(), "{text}");
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let (saved, read) = again(&capture);
        assert_eq!(value(&saved), value(text));
        assert_eq!(read, capture);
        let captured = HELD;
        capture.record(Frame(3), captured);
        let (saved, read) = again(&capture);
        assert_eq!((value(&saved)["version"].as_u64(), read.num_frames()), (Some(1), 1), "{text}");
    }
    let later =
        r#"{"version":1,"mood":3,"passages":[{"frame":0,"bar":null,"melody":"60","chords":"C","key":1}]}"#;
    assert_eq!(serde_json::from_str::<Capture>(later).unwrap().num_frames(), 1);
}

#[test]
fn a_capture_is_bounded_and_keeps_what_is_near() {
    const { assert!(MOST_FRAMES >= 256 * 32) };
    let mut capture = Capture::default();
    let captured = HELD;
    (0..30_000).for_each(|frame| capture.record(Frame(frame), captured));
    assert_eq!(capture.num_frames(), MOST_FRAMES);
    assert!(capture.at(Frame(29_999)).is_some() && capture.at(Frame(0)).is_none());
    capture.record(Frame(13_000), captured);
    assert!(capture.at(Frame(13_000)).is_some() && capture.at(Frame(29_999)).is_none());
    for frame in [i64::MAX, i64::MIN, 0] {
        capture.record(Frame(frame), captured);
    }
    assert_eq!(capture.num_frames(), MOST_FRAMES);
    let (text, read) = again(&capture);
    assert_eq!(read, capture, "{} bytes", text.len());
    assert!(midi_file(&capture, None, &Settings::default()).is_ok());
}

#[test]
fn an_exported_file_reads_back() {
    let waltz = Meter::new(3, 4).unwrap();
    let mut capture = played(12, "C4 - - - E4 - . . G4 - - -", "C - - - - - - - G7/B - - -", waltz);
    for (frame, captured) in played(48, "A4 - - -", "Am - - -", Meter::COMMON).frames() {
        capture.record(frame, captured);
    }
    let bytes = midi_file(&capture, Some(90.0), &Settings::default()).unwrap();
    let smf = Smf::parse(&bytes).unwrap();
    assert_eq!(smf.tracks.len(), 4);
    let mut said = Vec::new();
    for track in &smf.tracks {
        let mut tick = 0;
        for event in track {
            tick += event.delta.as_int();
            let frame = tick / 120;
            assert_eq!(tick % 120, 0, "sustained chords without a strum");
            said.push(match event.kind {
                TrackEventKind::Meta(MetaMessage::TrackName(name)) => String::from_utf8_lossy(name).into(),
                TrackEventKind::Meta(MetaMessage::Tempo(us)) => format!("{us} us"),
                TrackEventKind::Meta(MetaMessage::TimeSignature(over, under, ..)) => {
                    format!("{frame}: {over}/{}", 1 << under)
                }
                TrackEventKind::Meta(MetaMessage::Marker(text)) => {
                    format!("{frame}: {}", String::from_utf8_lossy(text))
                }
                TrackEventKind::Meta(_) => continue,
                TrackEventKind::Midi { channel, message } => match message {
                    MidiMessage::NoteOn { key, .. } => format!("{frame}: {channel} +{key}"),
                    MidiMessage::NoteOff { key, .. } => format!("{frame}: {channel} -{key}"),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            });
        }
    }
    let expected = "ReaLchords, 666666 us, 0: 3/4, 0: C, 8: G7/B, 36: 4/4, 36: Am, \
                    Melody, 0: 2 +60, 4: 2 -60, 4: 2 +64, 6: 2 -64, 8: 2 +67, 12: 2 -67, 36: 2 +69, 40: 2 -69, \
                    Chords, 0: 0 +55, 0: 0 +60, 0: 0 +64, 8: 0 -55, 8: 0 -60, 8: 0 -64, \
                    8: 0 +55, 8: 0 +59, 8: 0 +62, 8: 0 +65, 12: 0 -55, 12: 0 -59, 12: 0 -62, 12: 0 -65, \
                    36: 0 +57, 36: 0 +60, 36: 0 +64, 40: 0 -57, 40: 0 -60, 40: 0 -64, \
                    Bass, 0: 1 +36, 8: 1 -36, 8: 1 +35, 12: 1 -35, 36: 1 +33, 40: 1 -33";
    assert_eq!(said.join(", "), expected);
    let empty = midi_file(&Capture::default(), Some(f64::NAN), &Settings::default()).unwrap();
    assert_eq!(Smf::parse(&empty).unwrap().tracks.len(), 4);
}

#[test]
fn on_one_channel_no_track_ends_a_key_where_another_strikes_it() {
    let mut capture = Capture::default();
    for (nth, frame) in (0..400).step_by(4).enumerate() {
        let root = PitchClass::new((nth * 7 % 12 + nth / 12) as i32);
        let chord = ChordFrame::Onset(Chord::new(root, Quality::from_index(nth % Quality::COUNT).unwrap()));
        capture.record(Frame(frame), Captured { chord, ..HELD });
        (frame + 1..frame + 4).for_each(|frame| capture.record(Frame(frame), HELD));
    }
    let mut handed_on = 0;
    for (bass, register) in [(Bass::Root, 43), (Bass::Octave, 48), (Bass::Octave, 55), (Bass::Walking, 50)] {
        let arrangement = Arrangement { bass, register: Pitch::folded(register), ..Arrangement::default() };
        let settings = Settings { arrangement, bass_channel: 0, ..Settings::default() };
        let bytes = midi_file(&capture, None, &settings).unwrap();
        let [ups, downs] = ends_and_starts(&bytes);
        assert_eq!(ups.len(), downs.len());
        for (tick, key, idx) in ups {
            for (struck, ..) in downs.iter().filter(|(_, struck, other)| *struck == key && *other != idx) {
                assert_ne!(*struck, tick, "key {key}");
                handed_on += usize::from(*struck == tick + 1);
            }
        }
    }
    assert!(handed_on > 3, "{handed_on} keys are handed on");
}

/// Where keys of a MIDI file go up, and where down: tick, key and track.
fn ends_and_starts(bytes: &[u8]) -> [Vec<(u32, u8, usize)>; 2] {
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for (idx, track) in Smf::parse(bytes).unwrap().tracks.iter().enumerate() {
        let mut tick = 0;
        for event in track {
            tick += event.delta.as_int();
            match event.kind {
                TrackEventKind::Midi { message: MidiMessage::NoteOn { key, .. }, .. } => {
                    downs.push((tick, key.as_int(), idx));
                }
                TrackEventKind::Midi { message: MidiMessage::NoteOff { key, .. }, .. } => {
                    ups.push((tick, key.as_int(), idx));
                }
                _ => {}
            }
        }
    }
    [ups, downs]
}

/// What is printed at the beginning of an epoch that starts here.
fn printed(capture: &Capture, from: i64, num_frames: i64) -> Vec<Planned> {
    let coming = Coming { frame: Frame(from), phase: BarPhase::Unknown, cut: false, turn: None };
    let rules = Rules { commit: num_frames, look_ahead: num_frames + 2, ..Rules::default() };
    let mut planned = Vec::new();
    print(capture, &ToWorker::Begin { epoch: Epoch(1), coming, seek: false, rules }, |plan| {
        planned.push(plan)
    });
    planned
}

#[test]
fn what_was_captured_is_printed_from_anywhere() {
    let capture = played(0, "C4 - - - - - - -", "C - - . Am - - -", Meter::COMMON);
    let check = |from: i64, chords: &str| {
        let chords = parse_chords(chords).unwrap();
        let planned = printed(&capture, from, chords.len() as i64);
        assert_eq!(planned.len(), chords.len() + 2);
        for ((planned, chord), ordinal) in planned.iter().zip(chords).zip(0..) {
            let standing = Standing::Committed;
            let frame = Frame(from + ordinal);
            let held = capture.sounding(frame).filter(|_| chord == ChordFrame::Hold);
            assert_eq!(*planned, Planned { epoch: Epoch(1), ordinal, frame, chord, held, standing });
        }
        assert!(planned.iter().rev().take(2).all(|planned| planned.standing == Standing::Draft));
    };
    check(0, "C - - . Am - - - . .");
    check(-2, ". . C - - .");
    // In the middle of a chord it is struck.
    check(2, "C . Am -");
    check(6, "Am - .");
    check(100, ". . .");
}

#[test]
fn what_is_played_over_a_chord_leaves_the_rest_of_it_as_it_was() {
    let mut capture = played(0, "C4 - - - - - - -", "C - - - - - - -", Meter::COMMON);
    for (frame, captured) in played(2, "D4 - -", "G - -", Meter::COMMON).frames() {
        capture.record(frame, captured);
    }
    let chords = |capture: &Capture| capture.frames().map(|(_, captured)| captured.chord).collect::<Vec<_>>();
    assert_eq!(chords(&capture), parse_chords("C - G - - C - -").unwrap());
    // The same chord once more: nothing is struck that was held.
    for (frame, captured) in played(5, "D4 -", "C -", Meter::COMMON).frames() {
        capture.record(frame, captured);
    }
    assert_eq!(chords(&capture), parse_chords("C - G - - C - -").unwrap());
    // Silence behind which nothing was held stays silence.
    let mut capture = played(0, ". . . .", ". . - -", Meter::COMMON);
    capture.record(Frame(1), Captured { chord: capture_chord("F"), ..HELD });
    assert_eq!(chords(&capture), parse_chords(". F . -").unwrap());
    // What was held behind a gap is not known, and is not made silence.
    let mut capture = played(0, "C4 - - - -", "C - - - -", Meter::COMMON);
    capture.frames.remove(&Frame(2));
    capture.record(Frame(3), Captured { chord: capture_chord("G"), ..HELD });
    assert_eq!(chords(&capture), parse_chords("C - G -").unwrap());
}

fn capture_chord(symbol: &str) -> ChordFrame {
    parse_chords(symbol).unwrap()[0]
}

#[test]
fn six_eight_is_exported_as_such_and_comes_back() {
    let six = Meter::new(6, 8).unwrap();
    let mut capture = played(0, "C4 - - - - - - - - - - -", "C - - - - - - - - - - -", six);
    for (frame, captured) in capture.clone().frames() {
        capture.record(frame, Captured { meter: Some(six), ..captured });
    }
    let (text, read) = again(&capture);
    assert!(text.contains(r#""meter":[6,8]"#), "{text}");
    assert_eq!(read, capture);
    let signatures = |capture: &Capture| -> Vec<(u8, u8)> {
        let bytes = midi_file(capture, None, &Settings::default()).unwrap();
        let smf = Smf::parse(&bytes).unwrap();
        let kinds = smf.tracks[0].iter().map(|event| event.kind);
        kinds
            .filter_map(|kind| match kind {
                TrackEventKind::Meta(MetaMessage::TimeSignature(over, power, ..)) => Some((over, power)),
                _ => None,
            })
            .collect()
    };
    assert_eq!(signatures(&capture), [(6, 3)]);
    // What was captured before meters were, in the midst of it, changes none.
    capture.record(Frame(5), Captured { meter: None, ..capture.at(Frame(5)).unwrap() });
    assert_eq!(signatures(&capture), [(6, 3)]);
    // A meter that is none, or of other bars, is not known.
    for broken in [text.replace("[6,8]", "[6,7]"), text.replace("[6,8]", "[4,4]")] {
        assert_eq!(signatures(&serde_json::from_str(&broken).unwrap()), [(3, 2)]);
    }
}

#[test]
fn a_chord_lasts_through_a_small_gap() {
    let mut capture = played(0, "C4 - - - - - - -", "C - - - - - - -", Meter::COMMON);
    capture.frames.remove(&Frame(3));
    capture.frames.remove(&Frame(4));
    let printed = |frame| capture.printed(Frame(frame), false);
    assert_eq!(
        (printed(3), printed(4), printed(8)),
        (ChordFrame::Hold, ChordFrame::Hold, ChordFrame::Silence)
    );
    capture.frames.remove(&Frame(5));
    capture.frames.remove(&Frame(6));
    assert_eq!(capture.printed(Frame(4), false), ChordFrame::Silence);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_capture_comes_back_and_exports(
        frames in proptest::collection::vec((-200..200i64, 0..4u8, 0..4u8, 0..130u8, 0..40u8), 0..200)
    ) {
        let mut capture = Capture::default();
        for (frame, melody, chord, number, length) in frames {
            let melody = match melody {
                0 => MelodyFrame::Rest,
                1 => MelodyFrame::Hold,
                _ => MelodyFrame::Onset(Pitch::folded(i32::from(number))),
            };
            let quality = Quality::from_index(usize::from(number) % Quality::COUNT).unwrap();
            let root = PitchClass::new(i32::from(number));
            let chord = match chord {
                0 => ChordFrame::Silence,
                1 => ChordFrame::Hold,
                2 => ChordFrame::Onset(Chord::new(root, quality)),
                _ => ChordFrame::Onset(Chord::new(root, quality).over(root.transposed(i32::from(length)))),
            };
            let phase = match length {
                0 => BarPhase::Unknown,
                length => BarPhase::At { position: number % length, length },
            };
            let meter = Meter::new(number % 20, 1 << (number % 5)).filter(|meter| phase.is_of(*meter));
            capture.record(Frame(frame), Captured { melody, chord, leading: Leading::default(), phase, meter });
        }
        prop_assert_eq!(&again(&capture).1, &capture);
        let bytes = midi_file(&capture, None, &Settings::default()).unwrap();
        prop_assert!(Smf::parse(&bytes).is_ok());
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}", lane in "[-. 0-9A-G]{0,30}") {
        let _ = serde_json::from_str::<Capture>(&text);
        let saved = serde_json::json!({
            "version": 1, "passages": [{"frame": 0, "bar": null, "melody": lane, "chords": lane}]
        });
        let _ = Capture::from(saved);
    }
}
