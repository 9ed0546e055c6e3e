//! The house rules, each one row or one small function. ARCHITECTURE.md says why they are.

use super::{
    Violation,
    code::{code_only, grouped, line_of, without_tests, words},
};

/// Words that may stand in some places only.
struct WordRule {
    /// Where the rule holds: beginnings of paths from the root.
    inside: &'static [&'static str],
    /// Where the words are allowed all the same.
    except: &'static [&'static str],
    /// The words.
    words: &'static [&'static str],
    /// Whether they are allowed in tests.
    tests_may: bool,
    /// Why not.
    why: &'static str,
}

const WORD_RULES: &[WordRule] = &[
    WordRule {
        inside: &["music/", "plugin/", "trainer/", "tests/", "xtask/"],
        except: &["plugin/src/worker/onnx_runtime.rs"],
        words: &["ort::", "extern crate ort"],
        tests_may: false,
        why: "`ort` is named in plugin/src/worker/onnx_runtime.rs alone; go through the ChordModel trait",
    },
    WordRule {
        inside: &["music/", "plugin/", "trainer/", "tests/", "xtask/"],
        except: &[
            "plugin/src/lib.rs",
            "plugin/src/bin/standalone.rs",
            "plugin/src/host.rs",
            "plugin/src/params/",
            "plugin/src/editor/mod.rs",
            "plugin/src/editor/host_desk.rs",
        ],
        words: &["nice_plug", "nice_plug_egui"],
        tests_may: false,
        why: "nice-plug is named in the plugin's lib, host, params, editor/mod and editor/host_desk alone; translate there",
    },
    WordRule {
        inside: &["plugin/src/audio/", "plugin/src/audio.rs", "plugin/src/voicing/", "plugin/src/voicing.rs"],
        except: &[],
        words: &[
            "Mutex",
            "RwLock",
            "Vec",
            "VecDeque",
            "Box",
            "String",
            "vec!",
            "format!",
            "print!",
            "println!",
            "eprint!",
            "eprintln!",
            "dbg!",
            "tracing",
            "log::",
            "std::fs",
            "std::thread",
            "std::time",
            "Instant",
            "HashMap",
            "BTreeMap",
        ],
        tests_may: true,
        why: "the audio thread neither allocates nor locks nor waits nor logs; use fixed-size state",
    },
    WordRule {
        inside: &["plugin/src/"],
        except: &["plugin/src/links.rs"],
        words: &["HeapRb", "StaticRb", "TripleBuffer", "mpsc"],
        tests_may: true,
        why: "every queue between threads is made in plugin/src/links.rs; make it there",
    },
    WordRule {
        inside: &["plugin/"],
        except: &[],
        words: &["trainer"],
        tests_may: false,
        why: "plugin and trainer never see each other; share through music, meet in tests",
    },
    WordRule {
        inside: &["trainer/"],
        except: &[],
        words: &["realchords"],
        tests_may: false,
        why: "plugin and trainer never see each other; share through music, meet in tests",
    },
    WordRule {
        inside: &["music/src/"],
        except: &[],
        words: &[
            "std::fs",
            "std::thread",
            "std::time",
            "std::net",
            "std::env",
            "std::process",
            "println!",
            "eprintln!",
        ],
        tests_may: false,
        why: "music is pure: no I/O, no thread, no clock",
    },
    WordRule {
        inside: &[""],
        except: &[],
        words: &["#[ignore", "todo!", "unimplemented!"],
        tests_may: false,
        why: "nothing is left for later in the sources; finish it, or open an issue",
    },
];

/// All that is wrong with a file. `is_test` says that it is compiled for tests alone.
pub fn check(path: &str, text: &str, is_test: bool) -> Vec<Violation> {
    if path.ends_with("Cargo.toml") {
        return check_manifest(path, text);
    }
    let mut violations = Vec::new();
    let mut found = |line: usize, rule: &str| {
        violations.push(Violation { path: path.to_owned(), line, rule: rule.to_owned() })
    };
    if !text.starts_with("//!") {
        found(
            1,
            "the file does not open with `//!`; say what it is, which thread runs it, what it never does",
        );
    }
    let code = code_only(text);
    let lasting = if is_test { String::new() } else { without_tests(&code) };
    for rule in WORD_RULES {
        // A place is a file, or a folder where it ends in a slash.
        let lies_in = |place: &&str| path == *place || (place.ends_with('/') && path.starts_with(*place));
        let holds =
            rule.inside.iter().any(|folder| path.starts_with(folder)) && !rule.except.iter().any(lies_in);
        if !holds {
            continue;
        }
        let code = if rule.tests_may { &lasting } else { &code };
        for word in rule.words {
            for at in words(code, word).chain(grouped(code, word)) {
                found(line_of(code, at), &format!("`{word}`: {}", rule.why));
            }
        }
    }
    violations
}

/// Dependencies that would let plugin and trainer, or music and the world, see each other.
fn check_manifest(path: &str, text: &str) -> Vec<Violation> {
    let forbidden: &[&str] = match path {
        "plugin/Cargo.toml" => &["trainer", "hosts"],
        "trainer/Cargo.toml" => &["realchords", "nice-plug", "ort"],
        "music/Cargo.toml" => &["realchords", "trainer", "hosts", "ort", "nice-plug"],
        _ => &[],
    };
    let named = |line: &str| line.split(['=', '.', ' ']).next().unwrap_or_default().to_owned();
    let mut in_dependencies = false;
    let mut violations = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && forbidden.contains(&named(line).as_str()) {
            let rule = format!(
                "`{}` is no dependency of this crate; share through music, meet in tests",
                named(line)
            );
            violations.push(Violation { path: path.to_owned(), line: idx + 1, rule });
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: a path, a source (its head line added) and the lines on which a rule is broken.
    fn lines(path: &str, body: &str) -> Vec<usize> {
        check(path, &format!("//! Head.\n{body}"), false)
            .into_iter()
            .map(|violation| violation.line)
            .collect()
    }

    #[test]
    fn each_rule_finds_its_snippet() {
        let rows: &[(&str, &str, &[usize])] = &[
            ("plugin/src/audio/plan.rs", "fn a() {}", &[]),
            ("plugin/src/audio/plan.rs", "fn a() -> Vec<u8> { Vec::new() }", &[2, 2]),
            ("plugin/src/voicing/style.rs", "\nuse std::sync::Mutex;", &[3]),
            ("plugin/src/audio/plan.rs", "// Vec\n/// String\nfn a() { b(\"Box\") }", &[]),
            ("plugin/src/audio/plan.rs", "#[cfg(test)]\nmod tests { fn a() -> Vec<u8> { vec![] } }", &[]),
            ("plugin/src/worker/planner.rs", "fn a() -> Vec<u8> { ort::init() }", &[2]),
            ("plugin/src/worker/planner.rs", "fn support::sort::a() {}", &[]),
            ("plugin/src/worker/onnx_runtime.rs", "fn a() { ort::init() }", &[]),
            ("plugin/src/links.rs", "fn a() { HeapRb::new(1) }", &[]),
            ("plugin/src/worker/mod.rs", "fn a() { HeapRb::new(1) }", &[2]),
            ("plugin/src/editor/view.rs", "use nice_plug::prelude::*;", &[2]),
            ("plugin/src/editor/mod.rs", "use nice_plug_egui::create;", &[]),
            ("plugin/src/params/text.rs", "use nice_plug::prelude::*;", &[]),
            ("plugin/src/lib.rs", "use trainer::corpus;", &[2]),
            ("trainer/src/lib.rs", "use realchords::params;", &[2]),
            ("music/src/grid.rs", "use std::time::Instant;", &[2]),
            ("music/src/grid.rs", "use std::{\n    collections::VecDeque,\n    fs::{self, File},\n};", &[4]),
            ("music/src/grid.rs", "use std::{fmt, sync::{env, fs}};", &[]),
            ("plugin/src/audio/plan.rs", "use std::{cell::Cell, thread};", &[2]),
            ("trainer/src/run.rs", "fn a() { todo!() }", &[2]),
            ("tests/tests/hall.rs", "#[test]\n#[ignore]\nfn a() {}", &[3]),
            ("xtask/src/main.rs", "fn a() { unimplemented!(\"later\") }", &[2]),
        ];
        for (path, body, expected) in rows {
            assert_eq!(lines(path, body), *expected, "{path}: {body}");
        }
    }

    #[test]
    fn a_file_says_first_what_it_is() {
        assert_eq!(check("music/src/grid.rs", "use x;\n//! Late.", false).len(), 1);
    }

    #[test]
    fn files_for_tests_may_allocate() {
        assert_eq!(check("plugin/src/audio/fake.rs", "//! Head.\nfn a() -> Vec<u8>", true), []);
    }

    #[test]
    fn manifests_keep_plugin_and_trainer_apart() {
        let text = "[package]\nname = \"trainer\"\n[dependencies]\nmusic = { workspace = true }\nrealchords.workspace = true\n";
        let found: Vec<_> =
            check("trainer/Cargo.toml", text, false).into_iter().map(|violation| violation.line).collect();
        assert_eq!(found, [5]);
        assert_eq!(check("tests/Cargo.toml", text, false), []);
    }
}
