//! The documents are true: their links lead somewhere, the files that they name are there, the commands that they show
//! are commands. What needs neither root nor a runtime is run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of the README: it says what there is and where; the rest stands where its subject lives.
const README: usize = 9_000;
/// Columns of a line of prose.
const WIDTH: usize = 100;
/// What can be run from a checkout without root and without runtimes, and with which words it cannot.
const OFFLINE: [(&str, &[&str]); 7] = [
    ("explain", &["--run"]),
    ("facts", &[]),
    ("findings", &[]),
    ("lint", &["--fix"]),
    ("list", &[]),
    ("schema", &[]),
    ("upstream", &["--output"]),
];

/// A document, by its path below the checkout.
struct Document {
    name: String,
    text: String,
}

/// A line of a document with its number, from 1.
type Line<'a> = (usize, &'a str);

/// A block of a document: what its fence says (`sh`; `indented` for one without), and its lines.
struct Block<'a> {
    language: &'a str,
    lines: Vec<Line<'a>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the checkout")
}

fn documents() -> Vec<Document> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // `golden` and `out` are made by the program; a folder with a dot is not ours.
            if path.is_dir() && !["target", "golden", "out"].contains(&&*name) && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".md") {
                let below = path.strip_prefix(&root).expect("below the checkout");
                found.push(Document {
                    name: below.display().to_string(),
                    text: fs::read_to_string(&path).expect("a document"),
                });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() > 8, "only {} documents are found", found.len());
    found
}

impl Document {
    /// Its prose without code blocks, and those.
    fn parts(&self) -> (Vec<Line<'_>>, Vec<Block<'_>>) {
        let (mut prose, mut blocks) = (Vec::new(), Vec::<Block<'_>>::new());
        let mut in_fence = false;
        for (at, line) in self.text.lines().enumerate() {
            let line = (at + 1, line);
            let trimmed = line.1.trim_start();
            if let Some(language) = trimmed.strip_prefix("```") {
                in_fence = !in_fence;
                if in_fence {
                    blocks.push(Block {
                        language,
                        lines: Vec::new(),
                    });
                }
            } else if in_fence {
                blocks.last_mut().expect("a fence").lines.push(line);
            } else if line.1.starts_with("    ") && trimmed.starts_with("ocidiff ") {
                blocks.push(Block {
                    language: "indented",
                    lines: vec![line],
                });
            } else {
                prose.push(line);
            }
        }
        (prose, blocks)
    }

    /// What stands between backticks in its prose, with the line; it may go on in the next line.
    fn spans(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line) in self.parts().0 {
            if line.is_empty() || line.starts_with('|') {
                open = None;
            }
            for (at, part) in line.split('`').enumerate() {
                if at > 0 {
                    match open.take() {
                        Some(span) => found.push(span),
                        None => open = Some((number, String::new())),
                    }
                }
                if let Some((_, text)) = &mut open {
                    text.push_str(part);
                }
            }
            if let Some((_, text)) = &mut open {
                text.push(' ');
            }
        }
        found
    }

    /// Every command that it shows, with its line.
    fn commands(&self) -> Vec<(usize, String)> {
        let blocks = self.parts().1;
        let shown = blocks
            .iter()
            .filter(|block| ["sh", "indented"].contains(&block.language))
            .flat_map(|block| &block.lines)
            .map(|(number, line)| (*number, line.trim().to_owned()));
        shown
            .chain(self.spans())
            .filter(|(_, text)| {
                let rest = text.strip_prefix("ocidiff ");
                rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '-'))
            })
            .collect()
    }
}

/// The words of a command as a shell reads them, up to where it goes on with something else.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '>' | '|' | '#' | ';') => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

fn ran(args: &[String]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ocidiff"))
        .current_dir(root())
        .args(args)
        .output()
        .expect("the program");
    (
        output.status.code(),
        String::from_utf8(output.stdout).expect("text"),
    )
}

/// The anchors of a document's headings, as they are made on the web.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let plain = heading.trim_start_matches('#').trim().to_lowercase();
            let letters = plain
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            letters.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn the_readme_is_short() {
    let length = fs::read(root().join("README.md")).expect("the README").len();
    assert!(
        length <= README,
        "README.md has {length} bytes, at most {README} are read: move the rest to where its subject lives"
    );
}

#[test]
fn prose_is_wrapped() {
    for document in documents() {
        // Its lines are one for each change.
        if document.name == "CHANGELOG.md" {
            continue;
        }
        for (number, line) in document.parts().0 {
            let is_table_or_link = line.starts_with('|') || line.trim_start().starts_with("http");
            assert!(
                is_table_or_link || line.chars().count() <= WIDTH,
                "{}:{number}: wrap it at {WIDTH} columns: {line}",
                document.name
            );
        }
    }
}

#[test]
fn links_lead_to_files_and_headings() {
    let root = root();
    for document in documents() {
        let folder = root.join(&document.name);
        let folder = folder.parent().expect("a folder");
        for (number, line) in document.parts().0 {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            for target in targets.filter(|target| !target.contains("://")) {
                let place = format!("{}:{number}: {target}", document.name);
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let text = if path.is_empty() {
                    document.text.clone()
                } else {
                    assert!(folder.join(path).exists(), "{place}: no such file");
                    fs::read_to_string(folder.join(path)).unwrap_or_default()
                };
                assert!(
                    anchor.is_empty() || anchors(&text).iter().any(|heading| heading == anchor),
                    "{place}: no such heading, but {:?}",
                    anchors(&text)
                );
            }
        }
    }
}

#[test]
fn files_that_are_named_are_there() {
    let root = root();
    for document in documents() {
        // What it says was true when it was written.
        if document.name == "CHANGELOG.md" {
            continue;
        }
        for (number, span) in document.spans() {
            let first = span.split('/').next().unwrap_or_default();
            let is_path = span.contains('/') && ["harness", "cases", "runtimes", "reports"].contains(&first);
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            let stands_for_others = |part: &str| {
                part.split('.')
                    .any(|word| word.len() > 1 && word == word.to_uppercase())
            };
            if !is_path || !span.chars().all(is_plain) || span.split('/').any(stands_for_others) {
                continue;
            }
            assert!(
                root.join(&span).exists() || span.starts_with("reports/out"),
                "{}:{number}: `{span}` is not there",
                document.name
            );
        }
    }
}

#[test]
fn files_that_are_shown_are_as_they_are() {
    let root = root();
    for document in documents() {
        for block in document.parts().1 {
            let Some((number, first)) = block.lines.first() else {
                continue;
            };
            let Some(path) = first.strip_prefix("# ").map(|path| root.join(path)) else {
                continue;
            };
            let Ok(text) = fs::read_to_string(path) else {
                continue;
            };
            let shown: Vec<&str> = block.lines[1..].iter().map(|(_, line)| *line).collect();
            let place = format!("{}:{number}", document.name);
            assert_eq!(shown, text.lines().collect::<Vec<_>>(), "{place}: {first}");
        }
    }
}

#[test]
fn commands_have_the_options_that_are_shown() {
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut count = 0;
    for document in documents() {
        if document.name == "CHANGELOG.md" {
            continue;
        }
        for (number, command) in document.commands() {
            let place = format!("{}:{number}: {command}", document.name);
            let words = words(&command);
            let name = words.get(1).cloned().unwrap_or_default();
            let help = helps.entry(name.clone()).or_insert_with(|| {
                let (status, help) = ran(&[name, "--help".to_owned()]);
                assert_eq!(status, Some(0), "{place}: no such command");
                help
            });
            for word in words.iter().skip(2).filter(|word| word.starts_with("--")) {
                let option = word.split(['=', '[']).next().unwrap_or(word);
                let there = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                assert!(
                    there.into_iter().any(|found| found == option),
                    "{place}: no {option}"
                );
            }
            count += 1;
        }
    }
    assert!(count > 40, "only {count} commands are found");
}

#[test]
fn commands_that_need_nothing_run_and_print_what_is_shown() {
    let mut done = BTreeMap::new();
    for document in documents() {
        let blocks = document.parts().1;
        for (at, block) in blocks.iter().enumerate() {
            let mut printed = String::new();
            for (number, line) in block.lines.iter().filter(|_| block.language == "sh") {
                let words = words(line.trim());
                if words.first().is_none_or(|program| program != "ocidiff") || !is_offline(&words[1..]) {
                    continue;
                }
                let (status, stdout) = done.entry(words.clone()).or_insert_with(|| ran(&words[1..]));
                let allowed = if words[1] == "lint" { 1 } else { 0 };
                assert!(
                    status.is_some_and(|status| (0..=allowed).contains(&status)) && !stdout.is_empty(),
                    "{}:{number}: {line}: it ended with {status:?}",
                    document.name
                );
                printed += stdout;
            }
            // What is printed may be shortened by leaving lines out, and no line is edited.
            let shown = blocks.get(at + 1).filter(|shown| shown.language.is_empty());
            for (number, line) in shown
                .iter()
                .filter(|_| !printed.is_empty())
                .flat_map(|shown| &shown.lines)
            {
                assert!(
                    printed.lines().any(|there| there == *line),
                    "{}:{number}: the command above does not print this line any more: {line}\n{printed}",
                    document.name
                );
            }
        }
    }
}

fn is_offline(words: &[String]) -> bool {
    let command = words.first().map(String::as_str).unwrap_or_default();
    OFFLINE
        .iter()
        .any(|(name, without)| *name == command && !words.iter().any(|word| without.contains(&word.as_str())))
}
