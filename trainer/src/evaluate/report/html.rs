//! The report as one page that needs nothing beside it: tables, pictures, definitions, protocol.

use super::{
    Report, Result,
    chart::{Line, Lines, bars, colour, escaped, legend},
    columns::{COLUMNS, Column},
};
use crate::evaluate::conditions::jam::{FRAMES, POINT};
use std::fmt::Write;

const STYLE: &str = "
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; color: #1f2933;
  background: #fff;  max-width: 84rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 3rem 0 .4rem; padding-top: 1rem; border-top: 1px solid #d8dee6; }
h3 { font-size: 1rem; margin: 1.8rem 0 .3rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
.note { color: #52606d; font-size: .92rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; margin: .8rem 0; }
th, td { padding: .32rem .75rem; text-align: right; white-space: nowrap; vertical-align: baseline; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { border-bottom: 2px solid #1f2933; font-weight: 600; }
tbody tr { border-bottom: 1px solid #e4e9ef; }
tbody tr:hover { background: #f5f7fa; }
td small, th small { color: #7b8794; font-size: .82em; font-weight: 400; }
td.near { color: #1d6f42; }
svg { width: 100%; height: auto; display: block; margin: .2rem 0 1.2rem; }
svg text { font: 12px system-ui, 'Segoe UI', Arial, sans-serif; fill: #52606d; }
svg .label { fill: #323f4b; }
svg .grid { stroke: #e4e9ef; } svg .axis { stroke: #7b8794; }
svg .mark { stroke: #7b8794; stroke-dasharray: 2 3; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .88rem; margin: .6rem 0 0;
  max-width: none; }
.legend i { display: inline-block; width: .85em; height: .85em; border-radius: 2px; margin-right: .4em; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: 0 1.5rem; }
dl { display: grid; grid-template-columns: 12rem 1fr; gap: .5rem 1.2rem; font-size: .92rem; }
dt { font-weight: 600; } dd { margin: 0; }
code { font: .88em ui-monospace, Consolas, monospace; background: #f0f3f7; padding: .15em .4em;
  border-radius: 3px;   overflow-wrap: anywhere; }
";

/// The page.
pub fn page(report: &Report) -> String {
    let mut out = format!(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' \
         content='width=device-width, \
         initial-scale=1'><title>Evaluation</title><style>{STYLE}</style></head><body>"
    );
    let songs: usize = report.corpora.values().map(|corpus| corpus.songs).sum();
    let names: Vec<String> = report.systems.iter().map(|system| escaped(&system.name)).collect();
    let _ = write!(
        out,
        "<h1>Chords under melodies never heard before</h1><p class='note'>{} accompany {songs} songs of the \
         {} split of {}. Small numbers are fractions of the humans' own value on the same frames; 1.000 is \
         as people do.</p>",
        names.join(", "),
        escaped(&report.protocol.split),
        escaped(&report.corpora.keys().cloned().collect::<Vec<_>>().join(", ")),
    );
    for result in &report.results {
        condition(&mut out, result);
    }
    drift(&mut out, report);
    sweep(&mut out, report);
    if let Some(first) = report.results.first() {
        corpora(&mut out, report, first);
    }
    super::learning::draw(&mut out, &report.learning);
    definitions(&mut out, report);
    protocol(&mut out, report);
    out + "</body></html>\n"
}

fn heads(result: &Result) -> String {
    let head = |(n, row): (usize, &super::Row)| {
        format!("<th style='color:{}'>{}</th>", colour(n), escaped(&row.system))
    };
    result.rows.iter().enumerate().map(head).collect()
}

fn titled(column: &Column) -> String {
    let unit =
        if column.unit.is_empty() { String::new() } else { format!(" <small>{}</small>", column.unit) };
    format!("{}{unit}", column.title)
}

fn condition(out: &mut String, result: &Result) {
    let _ = write!(
        out,
        "<h2 id='{}'>{}</h2><p>{}</p><p class='note'>{} songs, {} frames.</p>",
        result.key,
        escaped(&result.title),
        escaped(&result.words),
        result.songs,
        result.frames
    );
    let Some(human) = result.rows.first() else { return };
    let _ =
        write!(out, "<div class='scroll'><table><thead><tr><th></th>{}</tr></thead><tbody>", heads(result));
    for (n, column) in COLUMNS.iter().enumerate().filter(|(_, column)| column.is_shown(result)) {
        let _ = write!(out, "<tr><td>{}</td>", titled(column));
        for (place, row) in result.rows.iter().enumerate() {
            let fraction = column.fraction(row, human).filter(|_| place > 0);
            let fraction = fraction.map_or(String::new(), |f| format!(" <small>{f:.3}</small>"));
            let interval = row
                .interval
                .filter(|_| n == 0)
                .map_or(String::new(), |[low, high]| format!(" <small>[{low:.3}, {high:.3}]</small>"));
            let _ = write!(out, "<td>{}{fraction}{interval}</td>", column.text(row));
        }
        *out += "</tr>";
    }
    *out += "</tbody></table></div>";
    let lines = result.rows.iter().enumerate().map(|(system, row)| Line {
        name: row.system.clone(),
        system,
        points: row
            .curve
            .iter()
            .enumerate()
            .map(|(n, y)| ((result.first_beat + n as i64) as f64, *y))
            .collect(),
    });
    let chart = Lines {
        x_label: if result.first_beat < 0 { "beats after the jump" } else { "beat" },
        y_label: "note in chord",
        lines: lines.collect(),
        marks: result.marks.iter().map(|(beat, what)| (*beat as f64, what.clone())).collect(),
        has_dots: false,
    };
    let _ = write!(out, "<h3>Note in chord, beat by beat</h3>{}", chart.svg());
    if result.key == "cold" {
        lengths(out, result);
    }
}

fn lengths(out: &mut String, result: &Result) {
    let Some(human) = result.rows.first() else { return };
    let all = result.rows.iter().flat_map(|row| &row.metrics.lengths).copied();
    let top = all.fold(0.0, f64::max) * 1.05;
    *out += "<h3>How long chords last</h3><p class='note'>Shares of chords by length in frames (quarters of \
             a beat); the last bin holds all above 32. The line is the humans'.</p><div class='multiples'>";
    for (n, row) in result.rows.iter().enumerate().skip(1) {
        *out += "<div>";
        *out += &legend(&[(n, row.system.clone())]);
        *out += &bars(&row.system, "length in frames", n, &row.metrics.lengths, &human.metrics.lengths, top);
        *out += "</div>";
    }
    *out += "</div>";
}

fn drift(out: &mut String, report: &Report) {
    if report.drift.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<h2 id='jam'>A jam of {FRAMES} frames</h2><p>Songs follow on one another without a break in {} \
         jams side by side, one seed; note in chord of every {POINT} frames as a fraction of the humans' \
         own on the same frames, those without an annotated chord left out. Who does not tire keeps his \
         level: no slope, and a last quarter like the first. The offline teacher takes no part: it would \
         have to hear the jam to its end.</p>",
        report.jam_songs
    );
    let lines = report.drift.iter().enumerate().filter(|(n, _)| *n > 0).map(|(_, drift)| Line {
        name: drift.system.clone(),
        system: place(report, &drift.system),
        points: drift.fraction.iter().enumerate().map(|(n, y)| (((n + 1) * POINT) as f64, *y)).collect(),
    });
    let chart = Lines {
        x_label: "frames played",
        y_label: "note in chord, as a fraction of the humans'",
        lines: lines.collect(),
        marks: Vec::new(),
        has_dots: true,
    };
    *out += &chart.svg();
    *out += "<table><thead><tr><th></th><th>first quarter</th><th>last quarter</th><th>slope \
             <small>a thousand frames</small></th></tr></thead><tbody>";
    let text = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let signed = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:+.4}"));
    for drift in report.drift.iter().skip(1) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&drift.system),
            text(drift.first_quarter),
            text(drift.last_quarter),
            signed(drift.slope)
        );
    }
    *out += "</tbody></table>";
}

/// A system's number, for its colour.
fn place(report: &Report, name: &str) -> usize {
    report.systems.iter().position(|system| system.name == name).unwrap_or(0)
}

fn sweep(out: &mut String, report: &Report) {
    let Some(human) = report.sweep.first().filter(|_| report.sweep.len() > 1) else { return };
    let _ = write!(
        out,
        "<h2 id='commit'>Committing early</h2><p>Cold start; hearing frame h commits the chord of frame h + \
         commit, so that it is drawn knowing the melody through that many frames before. What lies between \
         the model imagines with its own melody head and takes back. {} songs, one seed; small numbers are \
         fractions of the humans'.</p><table><thead><tr><th></th><th>commit \
         <small>frames</small></th><th>note in chord</th><th>changes on bar</th><th>changes per \
         bar</th><th>length entropy <small>nats</small></th><th>silence</th></tr></thead><tbody>",
        report.sweep_songs
    );
    for (n, at) in report.sweep.iter().enumerate() {
        let (ours, theirs) = (&at.metrics, &human.metrics);
        let commit = if n == 0 { "–".to_owned() } else { at.commit.to_string() };
        let _ = write!(out, "<tr><td>{}</td><td>{commit}</td>", escaped(&at.system));
        for (ours, theirs) in [
            (ours.note_in_chord, theirs.note_in_chord),
            (ours.on_bar, theirs.on_bar),
            (ours.changes_per_bar, theirs.changes_per_bar),
            (ours.length_entropy, theirs.length_entropy),
        ] {
            let fraction = Some(ours / theirs).filter(|fraction| fraction.is_finite() && n > 0);
            let fraction = fraction.map_or(String::new(), |f| format!(" <small>{f:.3}</small>"));
            let _ = match ours.is_finite() {
                true => write!(out, "<td>{ours:.3}{fraction}</td>"),
                false => write!(out, "<td>–</td>"),
            };
        }
        let silence = if ours.silence.is_finite() { format!("{:.3}", ours.silence) } else { "–".into() };
        let _ = write!(out, "<td>{silence}</td></tr>");
    }
    *out += "</tbody></table>";
    let mut lines: Vec<Line> = Vec::new();
    for at in report.sweep.iter().skip(1) {
        let fraction = at.metrics.note_in_chord / human.metrics.note_in_chord;
        let point = (at.commit as f64, Some(fraction));
        match lines.iter_mut().find(|line| line.name == at.system) {
            Some(line) => line.points.push(point),
            None => lines.push(Line {
                name: at.system.clone(),
                system: place(report, &at.system),
                points: vec![point],
            }),
        }
    }
    let chart = Lines {
        x_label: "frames committed ahead",
        y_label: "note in chord, as a fraction of the humans'",
        lines,
        marks: Vec::new(),
        has_dots: true,
    };
    *out += &chart.svg();
}

fn corpora(out: &mut String, report: &Report, result: &Result) {
    let _ = write!(
        out,
        "<h2 id='corpora'>By corpus: {}</h2><p class='note'>Small numbers are fractions of the humans' \
         value in that corpus.</p>",
        escaped(&result.title)
    );
    for column in COLUMNS.iter().filter(|column| column.by_corpus) {
        let _ = write!(
            out,
            "<h3>{}</h3><div class='scroll'><table><thead><tr><th></th><th>songs</th>{}</tr></thead><tbody>",
            titled(column),
            heads(result)
        );
        for source in report.corpora.keys() {
            // A corpus's rows are rows like any other, with its metrics in place of the pooled ones.
            let of = |row: &super::Row| {
                let metrics = row.corpora.get(source)?.clone();
                Some(super::Row { metrics, ..row.clone() })
            };
            let rows: Vec<super::Row> = result.rows.iter().filter_map(of).collect();
            let Some(human) = rows.first() else { continue };
            let _ = write!(out, "<tr><td>{}</td><td>{}</td>", escaped(source), human.metrics.songs);
            for (n, row) in rows.iter().enumerate() {
                let fraction = column.fraction(row, human).filter(|_| n > 0);
                let fraction = fraction.map_or(String::new(), |f| format!(" <small>{f:.3}</small>"));
                let _ = write!(out, "<td>{}{fraction}</td>", column.text(row));
            }
            *out += "</tr>";
        }
        *out += "</tbody></table></div>";
    }
}

fn definitions(out: &mut String, report: &Report) {
    *out += "<h2 id='definitions'>What the numbers mean</h2><p class='note'>A frame is a quarter of a beat, \
             a beat always a quarter note. Only frames count whose chord the source annotates, for \
             every system, but with Vendi, which takes whole songs. The paper is ReaLchords (Wu et al., ICML 2024); GAPT is its \
             successor.</p><dl>";
    for definition in &report.definitions {
        let unit = if definition.unit.is_empty() {
            String::new()
        } else {
            format!(" ({})", escaped(&definition.unit))
        };
        let _ = write!(
            out,
            "<dt>{}{unit}</dt><dd>{}</dd>",
            escaped(&definition.title),
            escaped(&definition.words)
        );
    }
    *out += "</dl>";
}

fn protocol(out: &mut String, report: &Report) {
    let protocol = &report.protocol;
    *out += "<h2 id='protocol'>Protocol</h2><div class='scroll'><table><thead><tr><th>system</th><th>what \
             it is</th><th>file</th><th>SHA-256</th><th>updates</th><th>temperature</th><th>nucleus</th>\
             </tr></thead><tbody>";
    for system in &report.systems {
        let number = |value: Option<f32>| value.map_or("–".to_owned(), |value| format!("{value}"));
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&system.name),
            escaped(&system.kind),
            escaped(&system.file),
            system.sha256,
            system.updates.map_or("–".to_owned(), |updates| updates.to_string()),
            number(system.temperature),
            number(system.top_p)
        );
    }
    *out += "</tbody></table></div><table><thead><tr><th>corpus</th><th>songs</th><th>frames</th>\
             </tr></thead><tbody>";
    for (source, corpus) in &report.corpora {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(source),
            corpus.songs,
            corpus.frames
        );
    }
    let _ = write!(
        out,
        "</tbody></table><p>Split {}; of each song the first {} frames; {} sampling seeds (1 and on), whose \
         songs are measured together; one training seed. Sampling under the legal mask, no chord grid. \
         Vendi score over {} songs of the first seed, embedded by: {}. All else over all \
         songs.</p><p><code>{}</code></p>",
        escaped(&protocol.split),
        protocol.frames,
        protocol.seeds,
        report.vendi_songs,
        escaped(&report.embedding),
        escaped(&protocol.command)
    );
}
