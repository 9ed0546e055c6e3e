//! MusicXML's `<harmony>` as a chord: kind, degrees and bass. Pure.

use super::{super::ImportError, child, number_at, text_at};
use music::{
    chord::{Chord, Quality},
    pitch::{PitchClass, PitchClassSet},
    symbol,
};
use roxmltree::Node;

/// The kinds of the standard (and those that old programs wrote in its place), with their intervals.
const KINDS: &[(&str, &[u8])] = &[
    ("major", &[0, 4, 7]),
    ("minor", &[0, 3, 7]),
    ("augmented", &[0, 4, 8]),
    ("diminished", &[0, 3, 6]),
    ("dominant", &[0, 4, 7, 10]),
    ("dominant-seventh", &[0, 4, 7, 10]),
    ("major-seventh", &[0, 4, 7, 11]),
    ("minor-seventh", &[0, 3, 7, 10]),
    ("diminished-seventh", &[0, 3, 6, 9]),
    ("augmented-seventh", &[0, 4, 8, 10]),
    ("half-diminished", &[0, 3, 6, 10]),
    ("major-minor", &[0, 3, 7, 11]),
    ("minor-major", &[0, 3, 7, 11]),
    ("major-sixth", &[0, 4, 7, 9]),
    ("minor-sixth", &[0, 3, 7, 9]),
    ("dominant-ninth", &[0, 2, 4, 7, 10]),
    ("augmented-ninth", &[0, 2, 4, 8, 10]),
    ("major-ninth", &[0, 2, 4, 7, 11]),
    ("minor-ninth", &[0, 2, 3, 7, 10]),
    ("dominant-11th", &[0, 2, 4, 5, 7, 10]),
    ("major-11th", &[0, 2, 4, 5, 7, 11]),
    ("minor-11th", &[0, 2, 3, 5, 7, 10]),
    ("dominant-13th", &[0, 2, 4, 7, 9, 10]),
    ("major-13th", &[0, 2, 4, 7, 9, 11]),
    ("minor-13th", &[0, 2, 3, 7, 9, 10]),
    ("suspended-second", &[0, 2, 7]),
    ("suspended-fourth", &[0, 5, 7]),
    ("power", &[0, 7]),
    ("pedal", &[0]),
    ("Neapolitan", &[0, 4, 7]),
    ("Italian", &[0, 4, 10]),
    ("French", &[0, 4, 6, 10]),
    ("German", &[0, 4, 7, 10]),
    ("sus47", &[0, 5, 7, 10]),
    ("maj69", &[0, 2, 4, 7, 9]),
];

/// The chord of a `<harmony>`, moved by `transpose` semitones; `None` within is an explicit "no chord", `None`
/// outside a harmony that names no root (a scale degree or a function), which is left out.
///
/// # Errors
/// Where the kind is none we know.
pub fn chord(harmony: Node<'_, '_>, transpose: i32) -> Result<Option<Option<Chord>>, ImportError> {
    let kind_text = text_at(harmony, &["kind"]).unwrap_or_default();
    if kind_text == "none" {
        return Ok(Some(None));
    }
    let Some(root) = note(harmony, "root") else { return Ok(None) };
    let root = root.transposed(transpose);
    let mut tones = intervals(&kind_text)?;
    for degree in harmony.children().filter(|node| node.has_tag_name("degree")) {
        let value = number_at(degree, &["degree-value"]).unwrap_or(0.0) as i32;
        let alter = number_at(degree, &["degree-alter"]).unwrap_or(0.0) as i32;
        tones = with_degree(tones, value, alter, text_at(degree, &["degree-type"]).as_deref());
    }
    let bass = note(harmony, "bass").map_or(root, |bass| bass.transposed(transpose));
    Ok(Some(Some(Chord::new(root, Quality::nearest(tones)).over(bass))))
}

/// The intervals of a kind: by the standard's name, else by what a musician would read.
fn intervals(kind: &str) -> Result<PitchClassSet, ImportError> {
    if let Some((_, intervals)) = KINDS.iter().find(|(name, _)| *name == kind) {
        return Ok(PitchClassSet::from_intervals(intervals));
    }
    match symbol::parse(&format!("C{kind}")) {
        Ok(Some(chord)) if chord.root == chord.bass => Ok(chord.quality.pitch_classes()),
        _ => Err(ImportError::Chord(kind.to_owned())),
    }
}

/// Adds, alters or takes away a degree. The seventh that the standard adds is the minor one.
fn with_degree(tones: PitchClassSet, value: i32, alter: i32, how: Option<&str>) -> PitchClassSet {
    /// Semitones of the degrees 1 to 7 above the root, and which tones count as that degree of a chord.
    const DEGREES: [(i32, &[u8]); 7] =
        [(0, &[0]), (2, &[2]), (4, &[3, 4]), (5, &[5]), (7, &[6, 7, 8]), (9, &[9]), (10, &[10, 11])];
    if value < 1 {
        return tones;
    }
    let (natural, forms) = DEGREES[(value as usize - 1) % 7];
    let without = tones.minus(PitchClassSet::from_intervals(forms));
    let with = |tones: PitchClassSet| tones.with(PitchClass::new(natural + alter));
    match how {
        Some("subtract") => without,
        Some("alter") => with(without),
        // An altered fifth or ninth that is added takes the place of the plain one, as in 7(#5).
        _ if alter != 0 && value == 5 => with(without),
        _ => with(tones),
    }
}

/// The note of `<root>` or `<bass>`.
fn note(harmony: Node<'_, '_>, tag: &str) -> Option<PitchClass> {
    let node = child(harmony, tag)?;
    let step = text_at(node, &[&format!("{tag}-step")])?;
    let alter = number_at(node, &[&format!("{tag}-alter")]).unwrap_or(0.0);
    Some(PitchClass::new(step_semitones(&step)? + alter as i32))
}

/// Semitones of a step's letter above C.
pub fn step_semitones(step: &str) -> Option<i32> {
    let letters = [("C", 0), ("D", 2), ("E", 4), ("F", 5), ("G", 7), ("A", 9), ("B", 11)];
    letters.iter().find(|(letter, _)| *letter == step).map(|(_, semitones)| *semitones)
}

#[cfg(test)]
mod tests {
    use super::*;
    use roxmltree::Document;

    fn check(inner: &str, expected: &str) {
        let text = format!("<harmony>{inner}</harmony>");
        let document = Document::parse(&text).expect("well-formed");
        let found = match chord(document.root_element(), 0) {
            Ok(Some(Some(chord))) => symbol::print(chord, symbol::Spelling::Common),
            Ok(Some(None)) => "N".to_owned(),
            Ok(None) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(found.starts_with(expected), "{inner}: {found}");
    }

    #[test]
    fn kinds_degrees_and_basses() {
        let c = "<root><root-step>C</root-step></root>";
        let degree = |value: i32, alter: i32, how: &str| {
            format!(
                "<degree><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>\
                 <degree-type>{how}</degree-type></degree>"
            )
        };
        check(&format!("{c}<kind>minor-seventh</kind>"), "Cm7");
        check(&format!("{c}<kind/>"), "C");
        check(&format!("{c}<kind>m7b5</kind>"), "Cm7b5");
        check(&format!("{c}<kind>sus47</kind>"), "C7sus4");
        check(&format!("{c}<kind>none</kind>"), "N");
        check(&format!("{c}<kind>odd</kind>"), "unknown chord \"odd\"");
        check("<kind>major</kind>", "nothing");
        check(&format!("{c}<kind>dominant</kind>{}", degree(9, -1, "add")), "C7b9");
        check(&format!("{c}<kind>dominant</kind>{}", degree(5, 1, "alter")), "C7#5");
        check(&format!("{c}<kind>major</kind>{}", degree(9, 0, "add")), "Cadd9");
        check(&format!("{c}<kind>major</kind>{}", degree(3, 0, "subtract")), "C5");
        check(
            "<root><root-step>B</root-step><root-alter>-1</root-alter></root><kind>major</kind>\
             <bass><bass-step>D</bass-step></bass>",
            "Bb/D",
        );
    }
}
