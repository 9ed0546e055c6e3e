//! Reads Rust source just well enough to tell code from comments, texts and tests.

use std::path::{Path, PathBuf};

/// The source with comments, and what is inside quotes, blanked; lines stay where they are.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => block_comment_end(&chars, at),
            '"' => quote_end(&chars, at),
            'r' if !follows_word(&chars, at) => raw_end(&chars, at).unwrap_or(at),
            '\'' => char_end(&chars, at).unwrap_or(at),
            _ => at,
        };
        if end > at {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Code with everything under `#[cfg(test)]` blanked too. Takes what [`code_only`] gives.
pub fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let end = item_end(&out, start + "#[cfg(test)]".len());
        let blank: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

/// The files that a file declares as modules for tests alone (`#[cfg(test)] mod NAME;`).
pub fn test_modules(path: &Path, source: &str) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap_or_default();
    let parent = path.parent().unwrap_or(Path::new(""));
    let is_door = ["mod", "lib", "main"].iter().any(|door| stem == *door);
    let folder = if is_door { parent.to_owned() } else { parent.join(stem) };
    let code = code_only(source);
    let declared = code.split("#[cfg(test)]").skip(1).filter_map(|rest| {
        let (name, _) = rest.trim_start().strip_prefix("mod ")?.split_once(';')?;
        (!name.contains('{')).then(|| name.trim().to_owned())
    });
    declared.flat_map(|name| [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")]).collect()
}

/// Where a word stands as a whole word, as byte offsets.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back().is_some_and(part_of_word);
        let after = code[at + word.len()..].chars().next().is_some_and(part_of_word);
        // A word that ends with a sign (`format!`) ends there whatever follows.
        !before && (!after || !word.ends_with(part_of_word))
    })
}

/// Where a path of two parts (`std::fs`) is imported as one of a group (`use std::{fs, io};`), as byte offsets.
pub fn grouped<'a>(code: &'a str, path: &'a str) -> impl Iterator<Item = usize> + 'a {
    let parts = path.split_once("::").filter(|(root, item)| !root.is_empty() && !item.is_empty());
    parts.into_iter().flat_map(move |(root, item)| {
        words(code, root).flat_map(move |at| {
            let inner = at + root.len();
            let opens = code[inner..].strip_prefix("::{");
            let end = opens.and_then(|_| code[inner..].find(';')).map_or(inner, |end| inner + end);
            let mut depth = 0;
            let mut outer = String::with_capacity(end - inner);
            // What is nested belongs to another module.
            for c in code[inner..end].chars() {
                depth += i32::from(c == '{');
                outer.extend(std::iter::repeat_n(if depth > 1 { ' ' } else { c }, c.len_utf8()));
                depth -= i32::from(c == '}');
            }
            words(&outer, item).map(|found| inner + found).collect::<Vec<_>>()
        })
    })
}

/// The line, from 1, of a byte offset.
pub fn line_of(code: &str, at: usize) -> usize {
    1 + code[..at].matches('\n').count()
}

/// Where the item after an attribute ends: at its `;`, or at the brace that closes it.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[from..].char_indices() {
        match c {
            ';' if depth == 0 => return from + at + 1,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth <= 0 {
                    return from + at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

fn follows_word(chars: &[char], at: usize) -> bool {
    // `br"…"` is a raw text too; its `b` is no word.
    let before = if at > 0 && chars[at - 1] == 'b' { at - 1 } else { at };
    before > 0 && (chars[before - 1].is_alphanumeric() || chars[before - 1] == '_')
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |n| at + n)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    chars.len()
}

fn quote_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn raw_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |i: usize| {
        chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (open + 1..chars.len()).find(|i| closes(*i)).map(|i| i + 1 + hashes).or(Some(chars.len()))
}

/// The end of a character literal; `None` for a lifetime.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1)?, chars.get(at + 2)?) {
        ('\\', _) => (at + 3..chars.len()).find(|i| chars[*i] == '\'').map(|i| i + 1),
        (_, '\'') => Some(at + 3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let code = code_only(source);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{source}");
        assert_eq!(code.matches('\n').count(), source.matches('\n').count(), "{source}");
    }

    #[test]
    fn comments_and_texts_are_blanked() {
        check("let a = 1; // Vec\nb", "let a = 1; b");
        check("/* Vec /* Box */ Vec */ c", "c");
        check(r#"f("Vec \" Box", x)"#, "f( , x)");
        check("g(r#\"Vec \" \"#, br\"Box\", 'x', '\\'', '\"', y)", "g( , b , , , , y)");
        check("fn h<'a>(x: &'a str) -> &'a str", "fn h<'a>(x: &'a str) -> &'a str");
    }

    #[test]
    fn tests_are_blanked() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { Vec }\n}\nfn c() {}\n#[cfg(test)] use x;\nfn d() {}";
        let left = without_tests(code);
        assert_eq!(left.split_whitespace().collect::<Vec<_>>().join(" "), "fn a() {} fn c() {} fn d() {}");
        assert_eq!(line_of(&left, left.find("fn c").expect("it is there")), 6);
    }

    #[test]
    fn modules_for_tests_are_known_by_their_files() {
        let found = test_modules(Path::new("plugin/src/audio/mod.rs"), "mod a;\n#[cfg(test)]\nmod fake;\n");
        assert!(found.contains(&PathBuf::from("plugin/src/audio/fake.rs")), "{found:?}");
        let found = test_modules(Path::new("plugin/src/worker.rs"), "#[cfg(test)] mod fake;");
        assert!(found.contains(&PathBuf::from("plugin/src/worker/fake.rs")), "{found:?}");
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(words("Vec VecDeque MyVec Vec<u8>", "Vec").collect::<Vec<_>>(), [0, 19]);
        assert_eq!(words("format!(a) reformat!(b)", "format!").collect::<Vec<_>>(), [0]);
    }
}
