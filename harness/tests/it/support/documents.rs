//! The project's documents: their prose, their code blocks, the commands that they show.

use std::fs;
use std::path::{Path, PathBuf};

/// A document, by its path below the checkout.
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A line of a document with its number, from 1.
pub(crate) type Line<'a> = (usize, &'a str);

/// A block of a document: its fence's info string (`sh`; `indented` for one without), and its lines.
pub(crate) struct Block<'a> {
    pub(crate) language: &'a str,
    pub(crate) lines: Vec<Line<'a>>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the checkout")
}

pub(crate) fn documents() -> Vec<Document> {
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
    pub(crate) fn parts(&self) -> (Vec<Line<'_>>, Vec<Block<'_>>) {
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

    /// What is between backticks in its prose, with the line; it may continue on the next line.
    pub(crate) fn spans(&self) -> Vec<(usize, String)> {
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
    pub(crate) fn commands(&self) -> Vec<(usize, String)> {
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

/// The words of a command as a shell reads them, up to where something else begins.
pub(crate) fn words(command: &str) -> Vec<String> {
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

/// The anchors of a document's headings, as they are made on the web.
pub(crate) fn anchors(text: &str) -> Vec<String> {
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
