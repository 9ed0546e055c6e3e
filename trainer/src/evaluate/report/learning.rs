//! How a run learnt: what its stages measured on held-out songs while they went on, read back from its metrics file.

use super::chart::{Line, Lines};
use serde::Serialize;

/// What is measured along the way, by its key in the metrics file, and its axis.
const MEASURES: [(&str, &str); 2] = [
    ("chord_loss", "nats a chord frame on held-out songs"),
    ("note_in_chord", "note in chord of own rollouts on held-out songs, as a fraction of the humans'"),
];

/// One stage's course in one measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Course {
    /// The stage.
    pub stage: String,
    /// The measure's key.
    pub measure: &'static str,
    /// Updates made, and the value then.
    pub points: Vec<(u64, f64)>,
}

/// The courses in the lines of a metrics file, in the order in which stages first appear. Lines that are cut short, as
/// a killed run leaves them, and lines of training crops are passed over; where a resumed run measured an update again the last
/// measurement counts.
pub fn courses(metrics: &str) -> Vec<Course> {
    let mut courses: Vec<Course> = Vec::new();
    for line in metrics.lines() {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let (Some(stage), Some(update)) = (line["stage"].as_str(), line["update"].as_u64()) else { continue };
        if line["split"] != "valid" {
            continue;
        }
        for (measure, _) in MEASURES {
            let value = line[measure].as_f64().or_else(|| line["fractions"][measure].as_f64());
            let Some(value) = value else { continue };
            let known = courses.iter().position(|course| course.stage == stage && course.measure == measure);
            let idx = known.unwrap_or_else(|| {
                courses.push(Course { stage: stage.to_owned(), measure, points: Vec::new() });
                courses.len() - 1
            });
            let points = &mut courses[idx].points;
            points.retain(|(at, _)| *at < update);
            points.push((update, value));
        }
    }
    courses
}

/// The courses as pictures, one a measure.
pub(super) fn draw(out: &mut String, courses: &[Course]) {
    if courses.is_empty() {
        return;
    }
    *out += "<h2 id='learning'>How they learnt</h2><p>What each stage of the run measured on held-out songs while it went \
             on; the songs are of the validation split, and fewer than above.</p>";
    for (measure, y_label) in MEASURES {
        let measured: Vec<&Course> = courses.iter().filter(|course| course.measure == measure).collect();
        if measured.is_empty() {
            continue;
        }
        // The first two colours are the humans' and the trivial accompanist's.
        let lines = measured.iter().enumerate().map(|(n, course)| Line {
            name: course.stage.clone(),
            system: n + 2,
            points: course.points.iter().map(|(update, value)| (*update as f64, Some(*value))).collect(),
        });
        let chart =
            Lines { x_label: "updates", y_label, lines: lines.collect(), marks: Vec::new(), has_dots: true };
        *out += &chart.svg();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_on_held_out_songs_is_read_back() {
        let metrics = r#"{"stage":"mle","update":10,"chord_loss":0.9,"split":"train"}
{"stage":"mle","update":10,"chord_loss":0.8,"split":"valid"}
{"stage":"mle","update":20,"chord_loss":0.7,"split":"valid"}
{"stage":"mle","update":20,"chord_loss":0.6,"split":"valid"}
{"stage":"kd","update":5,"split":"valid","fractions":{"note_in_chord":0.5},"silence":0.0}
{"stage":"kd","upd"#;
        let course = |stage: &str, measure, points| Course { stage: stage.into(), measure, points };
        let expected = [
            course("mle", "chord_loss", vec![(10, 0.8), (20, 0.6)]),
            course("kd", "note_in_chord", vec![(5, 0.5)]),
        ];
        assert_eq!(courses(metrics), expected);
        let mut page = String::new();
        draw(&mut page, &expected);
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(courses("").is_empty());
    }
}
