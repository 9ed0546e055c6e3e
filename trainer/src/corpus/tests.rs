//! Laws of the whole family of importers, and what each makes of its fixture, frame by frame.
//! The fixtures are a few bars made up for it.

use super::*;
use music::{lead_sheet::Frames, notation, pitch::PitchClass};
use std::{
    fs,
    io::{Cursor, Write},
    path::PathBuf,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Each importer's fixture: a path below the folder of fixtures.
fn fixture(importer: &str) -> PathBuf {
    fixtures().join(match importer {
        "normalised" => "songs.jsonl",
        "abc" => "tunes.abc",
        "pop909" => "pop909/001/001.mid",
        "musicxml" => "lead.musicxml",
        "hooktheory" => "hooktheory.json",
        newcomer => panic!("the importer {newcomer} has no fixture; add one and name it here"),
    })
}

/// The song of that id in a file of the fixtures, with its frames.
fn song(path: PathBuf, id: &str) -> (Imported, Frames) {
    let report = import_path(&path, None).expect("the fixture is there");
    let song = report.songs.into_iter().find(|song| song.id == id);
    let song = song.unwrap_or_else(|| panic!("no {id} in {}: {:?}", path.display(), report.failures));
    let frames = song.sheet.frames();
    (song, frames)
}

fn check(path: PathBuf, id: &str, melody: &str, chords: &str) {
    let (_, frames) = song(path, id);
    assert_eq!(notation::print_melody(&frames.melody, &frames.phases), melody, "melody of {id}");
    assert_eq!(notation::print_chords(&frames.chords, &frames.phases), chords, "chords of {id}");
}

#[test]
fn every_importer_takes_its_fixture() {
    for importer in IMPORTERS {
        let path = fixture(importer.name());
        assert!(importer.recognises(&path), "{}", importer.name());
        let first = IMPORTERS.iter().find(|other| other.recognises(&path)).map(|other| other.name());
        assert_eq!(first, Some(importer.name()), "another importer takes {}", path.display());
        let songs = importer.import(&path, &fs::read(&path).expect("a fixture")).expect("songs");
        let songs: Vec<_> = songs.into_iter().filter_map(Result::ok).collect();
        assert!(!songs.is_empty(), "{}", importer.name());
        for song in songs {
            assert!(!song.id.is_empty() && !song.source.is_empty());
            assert!(!song.sheet.melody.is_empty());
            assert!(song.sheet.melody.windows(2).all(|pair| pair[0].off.0 <= pair[1].on.0), "{}", song.id);
            assert!(song.sheet.chords.windows(2).all(|pair| pair[0].off.0 <= pair[1].on.0), "{}", song.id);
            assert!(!song.sheet.frames().is_empty());
        }
    }
}

/// Broken files are errors or hold fewer songs; nothing panics.
#[test]
fn truncations_and_noise_never_panic() {
    for importer in IMPORTERS {
        let path = fixture(importer.name());
        let bytes = fs::read(&path).expect("a fixture");
        for end in 0..bytes.len() {
            let _ = importer.import(&path, &bytes[..end]);
        }
        let mut seed = 1u64;
        for _ in 0..2000 {
            let mut broken = bytes.clone();
            for _ in 0..4 {
                seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                let at = (seed >> 33) as usize % broken.len();
                broken[at] = (seed >> 16) as u8;
            }
            for song in importer.import(&path, &broken).into_iter().flatten().flatten() {
                let _ = note_in_chord(&song.sheet);
                assert!(song.sheet.frames().len() <= 4 * LONGEST_BEATS as usize);
            }
        }
        assert!(importer.import(&path, b"").is_err(), "{} takes an empty file", importer.name());
        assert!(importer.import(&path, &[0xff; 64]).map_or(true, |songs| songs.iter().all(Result::is_err)));
    }
}

#[test]
fn normalised_songs() {
    check(
        fixture("normalised"),
        "made-up/1",
        "| . . . . . . . . . . . . G4 - - - | C5 - - - - - - - B4 - A4 - - . . . |",
        "| . . . . . . . . . . . . . . . . | C/E - - - - - - - . . . . A6 - - - |",
    );
    let (song, frames) = song(fixture("normalised"), "made-up/1");
    assert_eq!(song.tier.as_deref(), Some("A"));
    assert_eq!(song.license.as_deref(), Some("ours"));
    assert_eq!(song.split, Some(Split::Train));
    assert_eq!(song.group.as_deref(), Some("g1"));
    assert_eq!(song.sheet.bpm, Some(100.0));
    assert_eq!(frames.annotated.iter().filter(|said| **said).count(), 16);
    check(
        fixture("normalised"),
        "made-up/2",
        "| C4 - - - - - - - - - - - | D4 - - - - - - - | E4 - - - - - - - - - - - |",
        "| . . . . . . . . . . . . | . . . . . . . . | . . . . . . . . . . . . |",
    );
}

#[test]
fn a_broken_line_is_named_and_the_others_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = fs::read_to_string(fixture("normalised")).expect("a fixture");
    let path = folder.path().join("songs.jsonl");
    fs::write(&path, format!("{{\"id\":1}}\n{line}[\n")).expect("written");
    let report = import_path(folder.path(), None).expect("a report");
    assert_eq!(report.songs.len(), 2);
    let names: Vec<_> =
        report.failures.iter().map(|f| f.name.rsplit(['/', '\\']).next().unwrap_or_default()).collect();
    assert_eq!(names, ["songs.jsonl:1", "songs.jsonl:5"]);
    let table = table(&report);
    assert!(table.contains("2 broken file"), "{table}");
    assert!(failures(&report).contains("songs.jsonl:5: is no song-a-line JSON file"));
    // Gzipped, it is the same.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(line.as_bytes()).expect("packed");
    let songs = normalised::Normalised.import(Path::new("a.jsonl.gz"), &packed.finish().expect("packed"));
    assert_eq!(songs.expect("songs").len(), 2);
}

#[test]
fn abc_tunes() {
    check(
        fixture("abc"),
        "tunes_1",
        "| . . . . . . . . . . . . A4 - - - | D5 - - E5 F#5 - - - E5 - - - Db5 - - - \
         | B4 Db5 - D5 B4 - - - A4 - - - - - - - | - - - - - - - - - - - - A4 - - - \
         | D5 - - E5 F#5 - - - E5 - - - Db5 - - - | B4 Db5 - D5 B4 - - - A4 - - - - - - - \
         | - - - - D5 - - - - - - - - - - - |",
        "| . . . . . . . . . . . . . . . . | D - - - - - - - A7 - - - - - - - \
         | Bm - - - G - - - A - - - - - - - | - - - - - - - - - - - - - - - - \
         | D - - - - - - - A7 - - - - - - - | Bm - - - G - - - A - - - - - - - \
         | D/F# - - - - - - - - - - - - - - - |",
    );
    let (song, _) = song(fixture("abc"), "tunes_1");
    assert_eq!(song.sheet.title, "The Worker's Ring");
    assert_eq!(song.sheet.bpm, Some(96.0));
    assert!(song.license.is_some_and(|license| license.starts_with("this tune")));
    check(
        fixture("abc"),
        "tunes_2",
        "| A4 - - - Ab4 - - - A4 - - - | G4 - - - . . . . B4 - - - \
         | F#4 - - - F#6 - - - C4 - - - | C5 - C5 - C5 - - - | D5 - - - - - - - |",
        "| Am - - - - - - - - - - - | E7 - - - - - - - - - - - | D - - - - - - - - - - - \
         | C - - - - - - - | Gdim - - - - - - - |",
    );
    check(
        fixture("abc"),
        "tunes_3",
        "| C5 - - - - - - - E5 - - - - - - - | G5 - - - - - - - - - - - - - - - |",
        "| C - - - - - - - Em - - - - - - - | G7/B - - - - - - - - - - - - - - - |",
    );
}

/// One tune, its frames and nothing else.
fn check_abc(music: &str, melody: &str, chords: &str) {
    let tune = format!("X:1\nL:1/4\nM:4/4\nK:C\n{music}\n");
    let songs = abc::Abc.import(Path::new("t.abc"), tune.as_bytes()).expect("a tune");
    let frames = match &songs[0] {
        Ok(song) => song.sheet.frames(),
        Err((_, error)) => panic!("{music}: {error}"),
    };
    assert_eq!(notation::print_melody(&frames.melody, &frames.phases), melody, "{music}");
    assert_eq!(notation::print_chords(&frames.chords, &frames.phases), chords, "{music}");
}

#[test]
fn abc_details() {
    // An accidental holds in its bar and octave, a tie carries it over the bar line.
    check_abc(
        "\"C\"^c c c' c-|c c2 c|]",
        "| Db5 - - - Db5 - - - C6 - - - Db5 - - - | - - - - C5 - - - - - - - C5 - - - |",
        "| C - - - - - - - - - - - - - - - | - - - - - - - - - - - - - - - - |",
    );
    // Ties inside chords, broken rhythm, a rest of a bar, an overlay that is left out.
    check_abc(
        "\"C\"[c-e-][ce] c<d|Z|\"G\"g4 & c4|]",
        "| E5 - - - - - - - C5 - D5 - - - - - | . . . . . . . . . . . . . . . . | G5 - - - - - - - - - - - - - - - |",
        "| C - - - - - - - - - - - - - - - | - - - - - - - - - - - - - - - - | G - - - - - - - - - - - - - - - |",
    );
    // A pickup inside the repeat completes the bar that it follows.
    check_abc(
        "|:\"C\"c|\"F\"f4|f3:|",
        "| . . . . . . . . . . . . C5 - - - | F5 - - - - - - - - - - - - - - - \
         | F5 - - - - - - - - - - - C5 - - - | F5 - - - - - - - - - - - - - - - | F5 - - - - - - - - - - - |",
        "| . . . . . . . . . . . . C - - - | F - - - - - - - - - - - - - - - \
         | - - - - - - - - - - - - C - - - | F - - - - - - - - - - - - - - - | - - - - - - - - - - - - |",
    );
}

#[test]
fn abc_tunes_without_chords_are_refused_by_name() {
    let tunes = "X:1\nK:C\ncdef|\n\nX:7\nK:C\n\"C\"c4|\n\nX:9\nT:no key\n";
    let songs = abc::Abc.import(Path::new("t.abc"), tunes.as_bytes()).expect("tunes");
    let said: Vec<String> = songs
        .iter()
        .map(|song| match song {
            Ok(song) => song.id.clone(),
            Err((part, error)) => format!("{part}: {error}"),
        })
        .collect();
    assert_eq!(
        said,
        ["tune 1: has no chord symbols", "t_7", "tune 9: is no ABC file: no K: field ends the header"]
    );
}

#[test]
fn pop909_folders() {
    check(
        fixture("pop909"),
        "001",
        "| E4 - G4 - - - - - . . . . C5 - - - | - - - - . . . . | . . . . . . . . . . . . |",
        "| C - - - - - - - Am7/G - - - - - - - | F7sus4 - - - - - - - | . . . . . . . . . . . . |",
    );
    let (song, _) = song(fixture("pop909"), "001");
    assert_eq!(song.sheet.bpm, Some(120.0));
}

#[test]
fn musicxml_chords_are_of_the_first_part_that_has_any() {
    let harmony = |step: char| {
        format!("<harmony><root><root-step>{step}</root-step></root><kind>major</kind></harmony>")
    };
    let bar = |inside: String| {
        format!(
            "<measure number='1'><attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>{inside}</measure>"
        )
    };
    let note = "<note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration></note>";
    let parts = [bar(note.into()), bar(harmony('F') + note), bar(harmony('G') + note)];
    let parts: String =
        parts.iter().enumerate().map(|(n, bar)| format!("<part id='P{n}'>{bar}</part>")).collect();
    let score = format!("<score-partwise>{parts}</score-partwise>");
    let songs = musicxml::MusicXml.import(Path::new("parts.musicxml"), score.as_bytes()).expect("a score");
    let sheet = &songs[0].as_ref().expect("a song").sheet;
    assert_eq!(sheet.chords[0].chord.expect("a chord").root, PitchClass::new(5));
}

#[test]
fn musicxml_scores() {
    let expected = (
        "| . . . . . . . . C5 - - - | A4 - - - - - - - . . . . | B4 - - - - - - - - - - - \
         | A4 - - - - - - - . . . . | C5 - - - - - - - - - - - |",
        "| . . . . . . . . . . . . | F - - - - - - - Dm7/A - - - | G7b9 - - - - - - - - - - - \
         | F - - - - - - - Dm7/A - - - | . . . . . . . . . . . . |",
    );
    check(fixture("musicxml"), "lead", expected.0, expected.1);
    let (song, _) = song(fixture("musicxml"), "lead");
    assert_eq!(song.sheet.title, "Look-Ahead");
    assert_eq!(song.sheet.bpm, Some(132.0));
    assert_eq!(song.license.as_deref(), Some("ours"));
    // Packed, it is the same.
    let score = fs::read(fixture("musicxml")).expect("a fixture");
    for names_it in [true, false] {
        let packed = packed(&score, names_it);
        let again = musicxml::MusicXml.import(Path::new("lead.mxl"), &packed).expect("a packed score");
        assert_eq!(again[0].as_ref().ok(), Some(&song));
        for end in 0..packed.len() {
            let _ = musicxml::MusicXml.import(Path::new("lead.mxl"), &packed[..end]);
        }
    }
}

/// A score as an `.mxl`; with or without the container file that names it.
fn packed(score: &[u8], names_it: bool) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    if names_it {
        archive.start_file("META-INF/container.xml", options).expect("a file");
        archive
            .write_all(
                br#"<container><rootfiles><rootfile full-path="a/score.xml"/></rootfiles></container>"#,
            )
            .expect("written");
    }
    archive.start_file("a/score.xml", options).expect("a file");
    archive.write_all(score).expect("written");
    archive.finish().expect("an archive").into_inner()
}

#[test]
fn hooktheory_sections() {
    check(
        fixture("hooktheory"),
        "made-up-a",
        "| E4 - - - - - B3 - . . . . . . . . | C5 - - - - - - - - - - - - - - - |",
        "| C/E - - - - - - - Am7 - - - - - - - | G9/F - - - - - - - - - - - - - - - |",
    );
    check(
        fixture("hooktheory"),
        "made-up-b",
        "| D4 - - - - - A4 - - - - - | F#4 - - - - - - - . . . . . . . . |",
        "| D - - - - - - - - - - - | Bm - - - - - - - - - - - - - - - |",
    );
    let (song, _) = song(fixture("hooktheory"), "made-up-a");
    assert_eq!(song.sheet.bpm, Some(120.0));
    assert_eq!(song.split, Some(Split::Valid));
    assert_eq!(song.group.as_deref(), Some("nobody/turnaround"));
    let report = import_path(&fixture("hooktheory"), None).expect("a report");
    let failures: Vec<_> =
        report.failures.iter().map(|f| (f.name.ends_with(":made-up-c"), f.reason.class())).collect();
    assert_eq!(failures, [(true, "no chords")]);
}

#[test]
fn folders_are_walked_and_counted() {
    let report = import_path(&fixtures(), None).expect("a report");
    let taken: Vec<_> = report.files.iter().map(|file| file.importer).collect();
    assert_eq!(taken, ["hooktheory", "musicxml", "pop909", "normalised", "abc"]);
    assert_eq!(report.passed_over, 2);
    assert_eq!((report.songs.len(), report.failures.len()), (9, 1));
    let census = census(&report);
    assert_eq!(census.songs, 9);
    assert!(census.nic.is_some_and(|nic| nic > 0.5 && nic < 1.0));
    let only = import_path(&fixtures(), Some("abc")).expect("a report");
    assert_eq!(only.songs.len(), 3);
    let table = table(&report);
    for importer in IMPORTERS {
        assert!(table.contains(importer.name()), "{table}");
    }
}

#[test]
fn who_asks_for_nothing_there_is_told() {
    let fault = |path: &Path, importer: Option<&str>| match import_path(path, importer) {
        Err(error) => error.to_string(),
        Ok(report) => panic!("{report:?}"),
    };
    assert_eq!(
        fault(&fixtures(), Some("midi")),
        "no importer is called midi; name one of normalised, abc, pop909, musicxml, hooktheory"
    );
    assert!(fault(&fixtures().join("none"), None).starts_with("cannot be read"));
    let text = fixtures().join("pop909/001/beat_midi.txt");
    assert_eq!(
        fault(&text, None),
        "no importer takes it; name one of normalised, abc, pop909, musicxml, hooktheory"
    );
}

#[test]
fn note_in_chord_is_weighed_by_time() {
    let nic = |song: &str| {
        let line = format!(r#"{{"id":"a","source":"s","meter":[4,4],"beats_total":8,{song}}}"#);
        let songs = normalised::Normalised.import(Path::new("a.jsonl"), line.as_bytes()).expect("a song");
        match &songs[0] {
            Ok(song) => note_in_chord(&song.sheet),
            Err((_, error)) => panic!("{error}"),
        }
    };
    let melody = r#""melody":[[0,1,60],[1,4,62],[5,8,64]]"#;
    // C is in C for a beat, D is not for three; E is in Am for two beats.
    let chords = r#"[0,4,"C:maj",0,[0,4,7],0],[6,8,"A:min",9,[0,3,7],9]"#;
    assert_eq!(nic(&format!(r#"{melody},"chords":[{chords}]"#)), Some(0.5));
    // A bass that is no chord tone does not count, nor does "no chord".
    assert_eq!(
        nic(&format!(r#"{melody},"chords":[[1,4,"C:maj/2",0,[0,4,7],2],[5,8,"N",null,[],null]]"#)),
        Some(0.0)
    );
    assert_eq!(nic(&format!(r#"{melody},"chords":[]"#)), None);
}
