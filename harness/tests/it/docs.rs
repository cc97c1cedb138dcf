//! The documents are accurate: their links lead somewhere, the files that they name exist, the commands that they show
//! are commands. What needs neither root nor a runtime is run.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use ocidiff_model::{Channel, Op, Verdict};
use serde_json::Value;

use crate::support::binary;
use crate::support::documents::{Document, anchors, documents, root, words};

/// The size of the README in bytes: it says what exists and where; the rest is kept with its subject.
const README: usize = 9_000;
/// The width of a line of prose.
const WIDTH: usize = 100;
/// What can be run from a checkout without root and without runtimes, and with which arguments it cannot.
const OFFLINE: [(&str, &[&str]); 7] = [
    ("explain", &["--run"]),
    ("facts", &[]),
    ("findings", &[]),
    ("lint", &["--fix"]),
    ("list", &[]),
    ("schema", &[]),
    ("upstream", &["--output"]),
];

fn ran(args: &[String]) -> (Option<i32>, String) {
    let output = Command::new(binary())
        .current_dir(root())
        .args(args)
        .output()
        .expect("the program");
    (
        output.status.code(),
        String::from_utf8(output.stdout).expect("text"),
    )
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
        // It has one line for each change.
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
            // For a command with subcommands, the second word is one.
            let name = words.get(1).cloned().unwrap_or_default();
            let mut asked = vec![name];
            if ["matrix", "kernels", "runtimes"].contains(&asked[0].as_str()) {
                asked.extend(words.get(2).filter(|word| !word.starts_with('-')).cloned());
            }
            let help = helps.entry(asked.join(" ")).or_insert_with(|| {
                asked.push("--help".to_owned());
                let (status, help) = ran(&asked);
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
            // Output may be shortened by leaving out lines, but lines are not edited.
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

/// The description of formats covers every member, and nothing that does not exist.
#[test]
fn every_name_has_its_place() {
    let schema = |of: &str| -> Value {
        let (_, printed) = ran(&["schema".to_owned(), of.to_owned()]);
        serde_json::from_str(&printed).expect("a schema")
    };
    let names = |schema: &Value| -> Vec<String> {
        let members = schema["properties"].as_object().expect("members");
        members.keys().cloned().collect()
    };
    let (case, finding) = (schema("case"), schema("finding"));
    let of_case = ["Needs", "FileSpec", "StepOptions", "Caller"].map(|of| names(&case["$defs"][of]));
    let channels = Channel::ALL.map(|channel| channel.name().to_owned());
    let steps = Op::ALL.map(|op| op.name().to_owned());
    for (document, names) in [
        ("cases/README.md", names(&case)),
        ("cases/README.md", of_case.concat()),
        ("cases/README.md", [&channels[..], &steps].concat()),
        ("cases/findings/README.md", names(&finding)),
    ] {
        let text = fs::read_to_string(root().join(document)).expect("a document");
        for name in names {
            let written = [format!("`{name}`"), format!("{name}: ")];
            assert!(
                written.iter().any(|written| text.contains(written)),
                "{document} does not speak of `{name}`"
            );
        }
    }
    let text = fs::read_to_string(root().join("harness/README.md")).expect("a document");
    for verdict in Verdict::ALL {
        assert!(
            text.contains(&format!("\n| {verdict} |")),
            "harness/README.md has no row for {verdict}"
        );
    }
}

#[test]
fn every_command_is_shown_somewhere() {
    let (_, help) = ran(&["--help".to_owned()]);
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    let shown: Vec<String> = documents()
        .iter()
        .flat_map(Document::commands)
        .map(|(_, command)| command)
        .collect();
    for command in commands.filter(|command| *command != "help") {
        let is_shown = |there: &String| words(there).get(1).is_some_and(|name| name == command);
        assert!(
            shown.iter().any(is_shown),
            "no document shows `ocidiff {command}`"
        );
    }
}

fn is_offline(words: &[String]) -> bool {
    let command = words.first().map(String::as_str).unwrap_or_default();
    OFFLINE
        .iter()
        .any(|(name, without)| *name == command && !words.iter().any(|word| without.contains(&word.as_str())))
}
