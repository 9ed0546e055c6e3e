//! Counting what was imported: songs, bars, and how often the melody sounds a tone of its chord.
//! Pure but for the text it makes; a note counts for as long as it sounds, at its exact place.

use super::{ImportReport, Imported};
use music::lead_sheet::LeadSheet;
use std::{collections::BTreeMap, fmt::Write};

/// How much was imported, and how well melody and chords agree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Census {
    /// Songs.
    pub songs: usize,
    /// Bars, begun ones included.
    pub bars: usize,
    /// The share of the time in which melody and chord both sound that the melody spends on a tone of the
    /// chord, over all songs together; `None` where they never do.
    pub nic: Option<f64>,
}

/// Counts the songs of a report.
pub fn census(report: &ImportReport) -> Census {
    count(report.songs.iter())
}

fn count<'a>(songs: impl Iterator<Item = &'a Imported>) -> Census {
    let mut agreement = Agreement::default();
    let mut census = Census::default();
    for song in songs {
        agreement.add(&song.sheet);
        census.songs += 1;
        census.bars += bars(&song.sheet);
    }
    Census { nic: agreement.ratio(), ..census }
}

/// The note-in-chord ratio of a song: of the time in which a note sounds while a chord is annotated, the share
/// in which the note is a tone of the chord. The bass counts only where it is a chord tone, "no chord" and
/// unannotated time not at all. `None` where the two never sound together.
pub fn note_in_chord(sheet: &LeadSheet) -> Option<f64> {
    let mut agreement = Agreement::default();
    agreement.add(sheet);
    agreement.ratio()
}

/// Beats in which melody and chord both sound, and those of them in which they agree.
#[derive(Clone, Copy, Debug, Default)]
struct Agreement {
    together: f64,
    agreeing: f64,
}

impl Agreement {
    fn add(&mut self, sheet: &LeadSheet) {
        let mut first = 0;
        for note in &sheet.melody {
            while sheet.chords.get(first).is_some_and(|span| span.off.0 <= note.on.0) {
                first += 1;
            }
            for span in sheet.chords[first..].iter().take_while(|span| span.on.0 < note.off.0) {
                let overlap = note.off.0.min(span.off.0) - note.on.0.max(span.on.0);
                if let Some(chord) = span.chord.filter(|_| overlap > 0.0) {
                    self.together += overlap;
                    if chord.pitch_classes().contains(note.pitch.class()) {
                        self.agreeing += overlap;
                    }
                }
            }
        }
    }

    fn ratio(self) -> Option<f64> {
        (self.together > 0.0).then(|| self.agreeing / self.together)
    }
}

/// Bars of a song, by its meters.
fn bars(sheet: &LeadSheet) -> usize {
    let changes = sheet.meters.changes();
    let length = sheet.length.0;
    let mut bars = 0.0;
    for (idx, (start, meter)) in changes.iter().enumerate() {
        let end = changes.get(idx + 1).map_or(length, |(next, _)| next.0.min(length));
        bars += ((end - start.0) / meter.bar_beats().0 - 1e-3).ceil().max(0.0);
    }
    bars as usize
}

/// A table of what each importer made of its files, source by source: files, songs, bars, note-in-chord ratio,
/// failures by reason.
pub fn table(report: &ImportReport) -> String {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    // Songs and failures stand in the order of the files; failures of no file come first.
    let of_files: usize = report.files.iter().map(|file| file.failures).sum();
    let (mut song, mut failure) = (0, report.failures.len().saturating_sub(of_files));
    for file in &report.files {
        let songs = &report.songs[song..song + file.songs];
        // Files of our own format name their sources.
        let source = songs.first().map(|song| song.source.as_str()).filter(|source| *source != file.importer);
        let name = source.map_or(file.importer.to_owned(), |source| format!("{} {source}", file.importer));
        let row = rows.entry(name).or_default();
        row.files += 1;
        row.songs.extend(songs);
        for failed in &report.failures[failure..failure + file.failures] {
            *row.failures.entry(failed.reason.class()).or_default() += 1;
        }
        song += file.songs;
        failure += file.failures;
    }
    let mut out =
        format!("{:<30}{:>7}{:>8}{:>9}{:>7}  left out\n", "importer", "files", "songs", "bars", "nic");
    for (name, row) in &rows {
        let Census { songs, bars, nic } = count(row.songs.iter().copied());
        let nic = nic.map_or("-".to_owned(), |nic| format!("{nic:.3}"));
        let left_out: Vec<_> = row.failures.iter().map(|(class, count)| format!("{count} {class}")).collect();
        let _ =
            writeln!(out, "{name:<30}{:>7}{songs:>8}{bars:>9}{nic:>7}  {}", row.files, left_out.join(", "));
    }
    if report.passed_over > 0 {
        let _ = writeln!(out, "{} files that no importer takes were passed over", report.passed_over);
    }
    out
}

/// What was left out, one failure a line: its name and the reason.
pub fn failures(report: &ImportReport) -> String {
    report.failures.iter().map(|failure| format!("{}: {}\n", failure.name, failure.reason)).collect()
}

/// What one row of the table counts.
#[derive(Default)]
struct Row<'a> {
    files: usize,
    songs: Vec<&'a Imported>,
    failures: BTreeMap<&'static str, usize>,
}
