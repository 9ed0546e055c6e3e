//! What is cleared or gives way to a project's capture comes back; the other clock's is to hand; tempos are kept.

use super::*;

/// A capture of the song with so many frames.
fn song(num_frames: usize) -> Capture {
    played(0, &format!("C4{}", " -".repeat(num_frames - 1)), &"C ".repeat(num_frames), Meter::COMMON)
}

fn both() -> Capture {
    let mut capture = song(32);
    capture.set_tempo_bpm(Some(93.25));
    for (frame, captured) in song(8).frames() {
        capture.record_own(frame, captured);
    }
    capture
}

/// Frames of the song and of our own clock.
fn sizes(capture: &Capture) -> (usize, usize) {
    (capture.frames.len(), capture.own.len())
}

#[test]
fn only_what_lies_to_hand_is_cleared() {
    let mut capture = both();
    assert_eq!(capture.extent(), (8, true));
    capture.clear_newest();
    assert_eq!((capture.extent(), sizes(&capture)), ((32, false), (32, 0)));
    assert_eq!(capture.tempo_bpm(), Some(93.25));
    capture.clear_newest();
    assert_eq!(capture, Capture::default());
    let mut capture = both();
    capture.turn();
    assert_eq!(capture.extent(), (32, false));
    capture.clear_newest();
    assert_eq!((capture.extent(), sizes(&capture)), ((8, true), (0, 8)));
    // There is nothing to turn to.
    capture.turn();
    assert_eq!(capture.extent(), (8, true));
}

#[test]
fn what_lies_to_hand_and_the_tempo_are_saved() {
    let mut capture = both();
    for _ in 0..2 {
        let (text, read) = again(&capture);
        assert_eq!((&read, read.extent()), (&capture, capture.extent()));
        assert!(text.contains(r#""tempo_bpm":93.25"#), "{text}");
        capture.turn();
    }
    // What was saved before tempos were, or is none, has none; all else is read.
    let (text, _) = again(&capture);
    for tempo in ["null", "0.0", "-3", "1e300"] {
        let read: Capture = serde_json::from_str(&text.replace("93.25", tempo)).unwrap();
        assert_eq!((read.tempo_bpm(), sizes(&read)), (None, (32, 8)), "{tempo}");
    }
    let read: Capture = serde_json::from_str(&text.replace(r#","tempo_bpm":93.25"#, "")).unwrap();
    assert_eq!((read.tempo_bpm(), sizes(&read)), (None, (32, 8)));
    assert!(!again(&read).0.contains("tempo"));
}

#[test]
fn what_is_cleared_comes_back_and_what_it_replaces_can_too() {
    let shared = SharedCapture::default();
    shared.clear_newest();
    assert!(!shared.has_former());
    shared.change(|capture| *capture = both());
    shared.clear_newest();
    assert_eq!(sizes(&shared.copy()), (32, 0));
    // Played on before it is seen to have been a slip.
    shared.change(|capture| capture.record(Frame(40), HELD));
    for _ in 0..2 {
        shared.bring_back();
        assert_eq!(shared.copy(), both());
        shared.bring_back();
        assert_eq!(sizes(&shared.copy()), (33, 0));
    }
}

#[test]
fn a_project_that_is_loaded_over_a_capture_takes_nothing_away() {
    let shared = SharedCapture::default();
    // An instance that nothing was played on has nothing to give back.
    shared.replace(song(4));
    assert!(!shared.has_former());
    shared.change(|capture| *capture = both());
    for _ in 0..2 {
        // A state without a capture reads as an empty one.
        shared.replace(Capture::default());
        assert!(shared.has_former());
        shared.bring_back();
        assert_eq!(shared.copy(), both());
        assert!(!shared.has_former(), "there is nothing in an empty one to bring back");
    }
    // A host that undoes, step by step: what no project says is what is kept.
    for num_frames in [3, 2, 1] {
        shared.replace(song(num_frames));
        shared.replace(song(num_frames));
    }
    shared.bring_back();
    assert_eq!(shared.copy(), both());
    shared.bring_back();
    assert_eq!(shared.copy(), song(1));
    // And one that does again what it has undone.
    let shared = SharedCapture::default();
    shared.change(|capture| *capture = both());
    shared.replace(song(3));
    shared.replace(both());
    shared.bring_back();
    assert_eq!(shared.copy(), song(3));
}

#[test]
fn what_is_cleared_twice_or_undone_while_one_plays_comes_back_one_after_the_other() {
    let shared = SharedCapture::default();
    shared.change(|capture| *capture = both());
    shared.clear_newest();
    shared.clear_newest();
    assert_eq!(shared.copy(), Capture::default());
    shared.bring_back();
    assert_eq!(sizes(&shared.copy()), (32, 0));
    shared.bring_back();
    assert_eq!(shared.copy(), both());
    // A host that undoes, and a player who plays on meanwhile.
    let shared = SharedCapture::default();
    shared.change(|capture| *capture = both());
    for num_frames in [3, 2] {
        shared.replace(song(num_frames));
        shared.change(|capture| capture.record(Frame(100), HELD));
    }
    shared.replace(Capture::default());
    let sizes_back: Vec<_> = (0..3)
        .map(|_| {
            shared.bring_back();
            sizes(&shared.copy())
        })
        .collect();
    assert_eq!(sizes_back, [(3, 0), (4, 0), (32, 8)]);
    // No more are kept than there is room for.
    for num_frames in 40..60 {
        shared.change(|capture| *capture = song(num_frames));
        shared.clear_newest();
    }
    for _ in 0..shared::MOST_FORMER + 3 {
        shared.bring_back();
        assert!(shared.copy().num_frames() >= 60 - shared::MOST_FORMER);
    }
}

#[test]
fn what_is_turned_to_while_a_take_goes_on_stays_to_hand() {
    let shared = SharedCapture::default();
    shared.change(|capture| *capture = both());
    let mut recorder = Recorder::default();
    let mut hear = |frame, melody| {
        heard(&mut recorder, &shared, Epoch(1), frame, melody, Rules::default());
        shared.copy().extent().1
    };
    assert!(!hear(64, "C4"), "a pass of the song begins");
    shared.turn();
    assert!(hear(65, "- -"), "turned to what was played without the host");
    shared.turn();
    assert!(!hear(67, "-"));
    assert_eq!(sizes(&shared.copy()), (36, 8));
}

#[test]
fn what_cannot_be_read_is_not_lost_when_a_capture_is_brought_back() {
    let later: Capture = serde_json::from_str(r#"{"version":99}"#).unwrap();
    let shared = SharedCapture::default();
    shared.change(|capture| *capture = song(4));
    shared.replace(later.clone());
    shared.bring_back();
    assert_eq!(shared.copy(), song(4));
    shared.bring_back();
    assert_eq!(shared.copy(), later);
}

#[test]
fn a_take_does_not_go_on_in_a_capture_that_took_the_place_of_its_own() {
    let (mut recorder, shared) = (Recorder::default(), SharedCapture::default());
    let own = |num_bars: usize| {
        let mut capture = Capture::default();
        for (frame, captured) in song(16 * num_bars).frames() {
            capture.record_own(frame, captured);
        }
        capture
    };
    shared.replace(own(4));
    told(&mut recorder, &shared, 1, 0, "C4 - - - | - - - -", true);
    assert_eq!(shared.copy().own.last_key_value().map(|(frame, _)| frame.0), Some(4 * 16 + 7));
    shared.replace(own(1));
    // The clock runs on: its frames are those after the ones that were heard.
    let rules = Rules { own_clock: true, ..Rules::default() };
    heard(&mut recorder, &shared, Epoch(1), 8, "- - D4 - - -", rules);
    let capture = shared.copy();
    let new: Vec<i64> = capture.newest().map(|(frame, _)| frame.0).filter(|frame| *frame >= 16).collect();
    // It begins with its next note, ten frames into the bar, behind what was loaded.
    assert_eq!(new, [26, 27, 28, 29]);
    assert!(own(1).newest().all(|(frame, captured)| capture.own.get(&frame) == Some(&captured)));
}

#[test]
fn the_tempo_is_that_of_the_song_where_its_newest_pass_began() {
    let (mut recorder, shared) = (Recorder::default(), SharedCapture::default());
    let tempo = |shared: &SharedCapture| shared.copy().tempo_bpm();
    recorder.keep_time(Some(140.0));
    told(&mut recorder, &shared, 1, 0, ". . . .", false);
    assert_eq!(tempo(&shared), None, "nothing is captured");
    told(&mut recorder, &shared, 2, 0, "C4 - - -", false);
    assert_eq!(tempo(&shared), Some(140.0));
    // Our own clock is of no matter to the song, even if a frame of the song is heard late.
    recorder.keep_time(Some(100.0));
    heard(&mut recorder, &shared, Epoch(2), 4, "-", Rules::default());
    told(&mut recorder, &shared, 3, 0, "C4 - - -", true);
    assert_eq!(tempo(&shared), Some(140.0));
    recorder.keep_time(Some(90.5));
    told(&mut recorder, &shared, 4, 16, "C4 - - -", false);
    assert_eq!(tempo(&shared), Some(90.5));
}
