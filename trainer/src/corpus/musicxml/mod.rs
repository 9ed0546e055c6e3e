//! MusicXML lead sheets, plain (`*.xml`, `*.musicxml`) or packed (`*.mxl`). Reads bytes, nothing else.
//!
//! The melody is the first part that has notes, in it the voice with most of them; of a chord the top note
//! counts, grace and cue notes do not. Chord symbols are that part's, else the first part's that has any.
//! Pitches and symbols are moved to where a transposing part sounds. Repeats and endings are unfolded.

mod harmony;
mod measure;

use super::{ImportError, Imported, Importer, Song, ends_in, score, stem, text_of, with_chords};
use measure::Part;
use roxmltree::{Document, Node, ParsingOptions};
use std::{
    io::{Cursor, Read},
    path::Path,
};

/// Reads MusicXML.
pub struct MusicXml;

const FORMAT: &str = "MusicXML";

/// The longest document that is unpacked, in bytes.
const MAX_BYTES: u64 = 256 << 20;

impl Importer for MusicXml {
    fn name(&self) -> &'static str {
        "musicxml"
    }

    fn recognises(&self, path: &Path) -> bool {
        ends_in(path, &[".xml", ".musicxml", ".mxl"])
    }

    fn import(&self, path: &Path, bytes: &[u8]) -> Result<Vec<Song>, ImportError> {
        let text = if bytes.starts_with(b"PK") { unpacked(bytes)? } else { text_of(bytes) };
        // The document type is stated in most files; nothing is fetched for it.
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document =
            Document::parse_with_options(&text, options).map_err(|error| fault(error.to_string()))?;
        let root = document.root_element();
        if !root.has_tag_name("score-partwise") {
            return Err(fault(format!("its root is <{}>, must be <score-partwise>", root.tag_name().name())));
        }
        let parts = root.children().filter(|node| node.has_tag_name("part"));
        let mut parts = parts.map(measure::part).collect::<Result<Vec<Part>, _>>()?;
        let melody = parts.iter().position(Part::has_notes).ok_or(ImportError::NoMelody)?;
        let mut part = parts.remove(melody);
        if !part.has_chords()
            && let Some(other) = parts.iter().find(|part| part.has_chords())
        {
            for (bar, other) in part.bars.iter_mut().zip(&other.bars) {
                bar.chords.clone_from(&other.chords);
            }
        }
        let sheet = score::lead_sheet(title(root), part.bpm, &part.bars);
        Ok(vec![Ok(Imported {
            sheet: with_chords(sheet)?,
            id: stem(path),
            source: self.name().to_owned(),
            license: text_at(root, &["identification", "rights"]),
            tier: None,
            split: None,
            group: None,
        })])
    }
}

fn fault(reason: String) -> ImportError {
    ImportError::Format { format: FORMAT, reason }
}

/// The score in a packed file: the one its container names, else the first that looks like one.
fn unpacked(bytes: &[u8]) -> Result<String, ImportError> {
    let broken = |error: zip::result::ZipError| fault(error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut read = |name: &str| -> Result<String, ImportError> {
        let mut text = Vec::new();
        archive.by_name(name).map_err(broken)?.take(MAX_BYTES).read_to_end(&mut text)?;
        Ok(text_of(&text))
    };
    let named = read("META-INF/container.xml").ok().and_then(|container| {
        let document = Document::parse(&container).ok()?;
        let mut files = document.descendants().filter(|node| node.has_tag_name("rootfile"));
        files.find_map(|file| file.attribute("full-path").map(str::to_owned))
    });
    if let Some(name) = named {
        return read(&name);
    }
    let looks_right =
        |name: &&str| ends_in(Path::new(name), &[".xml", ".musicxml"]) && !name.starts_with("META-INF/");
    let name = archive.file_names().find(looks_right).map(str::to_owned);
    let name = name.ok_or_else(|| fault("there is no score in the packed file".to_owned()))?;
    let mut text = Vec::new();
    archive.by_name(&name).map_err(broken)?.take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(text_of(&text))
}

fn title(root: Node<'_, '_>) -> String {
    let movement = text_at(root, &["movement-title"]);
    text_at(root, &["work", "work-title"]).or(movement).unwrap_or_default()
}

/// The text of the first element along a path of tags.
fn text_at(node: Node<'_, '_>, path: &[&str]) -> Option<String> {
    let end = path.iter().try_fold(node, |node, tag| child(node, tag))?;
    let text = end.text().unwrap_or_default().trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn child<'a, 'i>(node: Node<'a, 'i>, tag: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|node| node.has_tag_name(tag))
}

/// The number in the first element along a path of tags.
fn number_at(node: Node<'_, '_>, path: &[&str]) -> Option<f64> {
    text_at(node, path)?.parse().ok().filter(|n: &f64| n.is_finite())
}
