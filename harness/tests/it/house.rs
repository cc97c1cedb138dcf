//! The order of the house: rooms lie on floors, and each uses those below it only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Functions and files that are longer are counted: `CONTRIBUTING.md` names the figures.
const LONGEST_FILE: usize = 550;

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

#[test]
fn no_file_is_a_warehouse() {
    let long: Vec<String> = files()
        .into_iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).ok()?.lines().count();
            (lines > LONGEST_FILE).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "at most {LONGEST_FILE} lines: {long:?}");
}

/// Which rooms each room names by `crate::ROOM`.
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
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let uses = all.entry(room.trim_end_matches(".rs").to_owned()).or_default();
        for part in code.split("crate::").skip(1) {
            let names: &str = part
                .strip_prefix('{')
                .and_then(|rest| rest.split('}').next())
                .unwrap_or(part);
            let first = names
                .split(',')
                .take(if part.starts_with('{') { usize::MAX } else { 1 });
            for name in first {
                let name: String = name
                    .trim()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                uses.insert(name);
            }
        }
    }
    all
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![source()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source").flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
