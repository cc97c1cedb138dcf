//! The order of the house: rooms are on floors, and each uses only those below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates that make up the program.
const CRATES: [&str; 10] = [
    "harness/src",
    "harness/model/src",
    "harness/confine/src",
    "harness/seccomp/src",
    "harness/trace/src",
    "runtimes/src",
    "runtimes/cri/src",
    "runtimes/engines/src",
    "reports/src",
    "cases/probe/src",
];
/// Maximum numbers of lines; `CONTRIBUTING.md` states these figures.
const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 100;

#[test]
fn rooms_use_those_above_them_in_the_table_only() {
    let table = fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    let order: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`")?.split('`').next())
        .collect();
    let rooms: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(
        order.iter().copied().collect::<BTreeSet<_>>(),
        rooms,
        "the table has every room once"
    );

    let floor = |room: &str| order.iter().position(|known| *known == room);
    let mut up = Vec::new();
    for (room, uses) in arrows() {
        for used in uses {
            if let (Some(from), Some(to)) = (floor(&room), floor(&used))
                && to > from
            {
                up.push(format!("{room} uses {used}"));
            }
        }
    }
    assert!(up.is_empty(), "move what is used to a lower floor: {up:?}");
}

/// A file may use the room that it is in, and what lies below it, but files next to each other must not use each
/// other both ways.
#[test]
fn files_of_a_room_use_each_other_one_way_only() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut rooms = 0;
    for source in CRATES.map(|folder| top.join(folder)) {
        let folders: BTreeSet<PathBuf> = below(source.clone())
            .iter()
            .filter_map(|file| file.parent().map(Path::to_owned))
            .collect();
        for folder in folders {
            let path = folder.strip_prefix(&source).expect("below");
            let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
            let circle = circle(&uses_within(&names.join("::"), &folder));
            assert!(
                circle.is_empty(),
                "{}: each of these uses the next: {circle:?}",
                folder.display()
            );
            rooms += 1;
        }
    }
    assert!(rooms > 40, "only {rooms} rooms were found");
}

/// Which of a folder's modules refer to which others, by `super::` or from the crate's root.
fn uses_within(room: &str, folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    let module = |path: &Path| -> Option<String> {
        let first = path.strip_prefix(folder).ok()?.components().next()?;
        Some(
            first
                .as_os_str()
                .to_string_lossy()
                .trim_end_matches(".rs")
                .to_owned(),
        )
    };
    let paths: Vec<PathBuf> = below(folder.to_owned())
        .into_iter()
        .filter(|path| !path.to_string_lossy().contains("test"))
        .collect();
    let names: BTreeSet<String> = paths.iter().filter_map(|path| module(path)).collect();
    for path in &paths {
        let Some(own) = module(path).filter(|own| !["mod", "lib", "main"].contains(&own.as_str())) else {
            continue;
        };
        let text = fs::read_to_string(path).expect("a file");
        let code = without_tests(&text);
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        // `super` of a file below a folder of the room is that folder, whose `super` is the room.
        let depth = path.strip_prefix(folder).expect("below").components().count();
        let is_mod = path.ends_with("mod.rs");
        let up = "super::".repeat(depth - usize::from(is_mod));
        let from_root = if room.is_empty() {
            "crate::".to_owned()
        } else {
            format!("crate::{room}::")
        };
        let uses = all.entry(own.clone()).or_default();
        for start in [up, from_root] {
            for (at, _) in code.match_indices(&start) {
                let before = code[..at].chars().next_back();
                if before.is_some_and(|c| c == ':' || c.is_alphanumeric()) {
                    continue;
                }
                uses.extend(
                    named(&code[at + start.len()..])
                        .into_iter()
                        .filter(|name| names.contains(name) && *name != own),
                );
            }
        }
    }
    all
}

/// The first names of a path, or of each path in a list: `a::b`, `{a, b::{c, d}}`.
fn named(text: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let Some(list) = text.strip_prefix('{') else {
        return vec![word(text)];
    };
    let (mut depth, mut names, mut item) = (0, Vec::new(), String::new());
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut item)),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    names.push(item);
    names.iter().map(|item| word(item.trim())).collect()
}

/// Modules that form a circle: each uses the next, and the last uses the first.
fn circle(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut left = uses.clone();
    loop {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, uses)| uses.iter().all(|used| !left.contains_key(used)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            return left.into_keys().collect();
        }
        for name in free {
            left.remove(&name);
        }
    }
}

/// An error is a fragment that reads well after "failed to", or after the name of what it is about.
#[test]
fn errors_have_one_grammar() {
    let mut seen = 0;
    for path in product() {
        let text = fs::read_to_string(&path).expect("a file");
        for (at, _) in text.match_indices("#[error(") {
            let rest = text[at + 8..].trim_start();
            // Without escapes, and up to the closing quote.
            let Some(said) = rest.strip_prefix('"').map(|rest| rest.replace("\\\"", "'")) else {
                continue;
            };
            let said = said.split('"').next().unwrap_or_default();
            seen += 1;
            let place = format!("{}: {said}", path.display());
            let first: String = said.chars().take_while(|c| c.is_alphabetic()).collect();
            let is_name = first.chars().count() > 1 && first.chars().all(char::is_uppercase);
            assert!(
                !first.starts_with(char::is_uppercase) || is_name || said.starts_with("DOCKER_HOST"),
                "a capital: {place}"
            );
            let stops = said.ends_with(['.', '!', '\n']) && !said.ends_with("...");
            assert!(!stops, "a full stop: {place}");
            for word in [" is no ", " are no ", "Error:", "error:", "tells "] {
                let plain = said.replace("there is no ", "").replace("there are no ", "");
                assert!(!plain.contains(word), "`{word}`: {place}");
            }
        }
    }
    assert!(seen > 80, "only {seen} errors were found");
}

/// `make lint` prints these; tests may be tables, and are not measured.
#[test]
fn files_and_functions_fit_on_few_screens() {
    let mut longest_file = (0, String::new());
    let mut longest_function = (0, String::new());
    let (mut code, mut docs) = (0, 0);
    for path in product() {
        let text = fs::read_to_string(&path).expect("a file");
        let text = without_tests(&text);
        let lines: Vec<&str> = text.lines().collect();
        let name = path.display().to_string();
        docs += lines
            .iter()
            .filter(|line| line.trim_start().starts_with("//"))
            .count();
        code += lines.len();
        longest_file = longest_file.max((lines.len(), name.clone()));
        for (at, line) in lines.iter().enumerate() {
            let indent = &line[..line.len() - line.trim_start().len()];
            let words = line.trim_start();
            let opens = [
                "fn ",
                "pub fn ",
                "pub(crate) fn ",
                "pub(super) fn ",
                "async fn ",
                "pub async fn ",
            ];
            if opens.iter().any(|open| words.starts_with(open)) {
                let end = lines[at..].iter().position(|line| *line == format!("{indent}}}"));
                let length = end.map_or(1, |end| end + 1);
                longest_function = longest_function.max((length, format!("{name}:{}", at + 1)));
            }
        }
    }
    println!("longest file: {} lines, {}", longest_file.0, longest_file.1);
    println!(
        "longest function: {} lines, {}",
        longest_function.0, longest_function.1
    );
    println!("comments: {docs} of {code} lines");
    println!("rooms of the harness: {}, circles: 0", arrows().len());
    assert!(longest_file.0 <= LONGEST_FILE, "{longest_file:?}");
    assert!(longest_function.0 <= LONGEST_FUNCTION, "{longest_function:?}");
}

/// Known files are meant to be read by people, and grow with every version that is examined.
const KNOWN_BYTES: u64 = 420_000;

#[test]
fn known_files_and_findings_stay_small() {
    let cases = source().join("../../cases");
    let files = with_ending(cases, "yaml").into_iter().filter(|path| {
        let text = path.to_string_lossy();
        text.ends_with(".known.yaml") || text.contains("/findings/")
    });
    let bytes: u64 = files
        .map(|path| path.metadata().map_or(0, |found| found.len()))
        .sum();
    println!("known files and findings: {bytes} bytes of {KNOWN_BYTES}");
    assert!(bytes > 100_000 && bytes <= KNOWN_BYTES, "{bytes}");
}

/// A file without the tests at its end. A mere declaration of a test file, at the top, does not end anything.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Every source file of every crate, without tests.
fn product() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_test = |path: &PathBuf| {
        path.components()
            .any(|part| part.as_os_str().to_string_lossy().contains("test"))
            || path.parent().is_some_and(|folder| folder.ends_with("generated"))
    };
    CRATES
        .iter()
        .flat_map(|folder| below(top.join(folder)))
        .filter(|path| !is_test(&path.strip_prefix(&top).unwrap_or(path).to_path_buf()))
        .collect()
}

/// Which rooms each room refers to by `crate::ROOM`.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    for path in files() {
        let inside = path.strip_prefix(source()).expect("a file of the source");
        let is_test = inside
            .components()
            .any(|part| part.as_os_str().to_string_lossy().contains("test"));
        let room = inside
            .components()
            .next()
            .map(|room| room.as_os_str().to_string_lossy().into_owned());
        let Some(room) = room.filter(|_| !is_test) else {
            continue;
        };
        let text = fs::read_to_string(&path).expect("a file");
        let code = without_tests(&text);
        let uses = all.entry(room.trim_end_matches(".rs").to_owned()).or_default();
        for part in code.split("crate::").skip(1) {
            uses.extend(named(part));
        }
    }
    all
}

fn files() -> Vec<PathBuf> {
    below(source())
}

fn below(folder: PathBuf) -> Vec<PathBuf> {
    with_ending(folder, "rs")
}

fn with_ending(folder: PathBuf, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source").flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
