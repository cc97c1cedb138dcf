//! How much a case may ask for. Asking for more is a mistake, or an attempt to see what happens.

use ocidiff_confine::limit::{Hint, raised, raised_count};
use ocidiff_model::known::KnownFile;
use ocidiff_model::{CaseFile, KnownEntry};
use serde_json::Value as Json;

use super::Recipe;
use super::diagnostic::Diagnostic;
use super::document::Document;

/// Calls of a case; each may take seconds under each runtime.
const STEPS: usize = 100;
/// Containers of a case.
const CONTAINERS: usize = 16;
/// Seconds that the steps of a case may take together.
const SECONDS: u64 = 3600;
/// Entries of a layer, or of an archive.
const FILES: usize = 1000;
/// Bytes of zeros in one file.
const ZEROS: u64 = 256 << 20;
/// Expectations, clauses, watched paths, text edits; entries of a known file and what they list.
const ENTRIES: usize = 2000;
/// Mounts of a config.
const MOUNTS: usize = 500;
/// Entries of any list or map of a container's config.
const MEMBERS_OF_CONFIG: usize = 5000;
/// Rules of a seccomp profile: the kernel accepts 4096 instructions.
pub(crate) const RULES: usize = 10_000;
/// Profiles that a config names: each is inserted as a whole.
pub(crate) const PROFILES: usize = 16;
/// Packages of a recipe.
const PACKAGES: usize = 500;
/// Members of a family.
pub(super) const MEMBERS: usize = 1000;
/// A member's name, in bytes: it becomes a part of file names.
const NAME: usize = 100;

/// What names of cases do not have: `*` is any text, brackets hold a member, and commas separate names.
const OF_PATTERNS: [char; 5] = ['*', '?', '[', ']', ','];

/// A count in a file that may be too high.
struct Counted<'a, 'd> {
    document: &'a Document<'d>,
    found: Vec<Diagnostic>,
}

impl Counted<'_, '_> {
    fn most(&mut self, keys: &[&str], count: usize, limit: usize, what: &str) {
        let limit = raised_count(limit);
        if count > limit {
            let message = format!("{count} {what}: at most {limit} are taken; {Hint}");
            self.found.push(self.document.at(keys, message, None));
        }
    }
}

/// What a case asks for too much of.
pub(super) fn case(document: &Document<'_>, body: &CaseFile) -> Vec<Diagnostic> {
    let mut counted = Counted {
        document,
        found: Vec::new(),
    };
    let containers = body.steps.iter().filter(|step| step.op.makes_container()).count();
    let watched: usize = body.watch.values().map(|watch| watch.paths().len()).sum();
    for (key, count, limit, what) in [
        ("steps", body.steps.len(), STEPS, "steps"),
        ("steps", containers, CONTAINERS, "containers"),
        ("files", body.files.len(), FILES, "files"),
        ("expect", body.expect.len(), ENTRIES, "expectations"),
        ("requirement", body.requirement.len(), ENTRIES, "requirements"),
        ("watch", watched, ENTRIES, "watched paths"),
        ("config_text", body.config_text.len(), FILES, "changes"),
        ("rootfs", body.rootfs.layers().len(), MOUNTS, "layers"),
    ] {
        counted.most(&[key], count, limit, what);
    }
    let configs = body.steps.iter().filter_map(|step| step.options.config.as_ref());
    for config in configs.chain([&body.config]) {
        for (key, limit, what) in [
            ("/mounts", MOUNTS, "mounts"),
            ("/mounts+", MOUNTS, "mounts"),
            ("/linux/seccomp/syscalls", RULES, "rules"),
            ("/linux/seccomp/syscalls+", RULES, "rules"),
        ] {
            let list = config.pointer(key).and_then(Json::as_array);
            counted.most(&["config"], list.map_or(0, Vec::len), limit, what);
        }
    }
    let seconds: f64 = body.steps.iter().filter_map(|step| step.options.limit).sum();
    let most = raised(SECONDS);
    if std::time::Duration::try_from_secs_f64(seconds).is_ok_and(|limit| limit.as_secs() > most) {
        let message = format!("the limits of its steps come to more than {most} seconds; {Hint}");
        counted.found.push(document.at(&["steps"], message, None));
    }
    counted.found
}

/// Checks that a container's config has no more of anything than a container can have.
///
/// # Errors
/// One line.
pub(crate) fn config(config: &serde_json::Map<String, Json>) -> Result<(), String> {
    for (key, value) in config {
        let (what, count) = largest(key, value);
        let most = raised_count(MEMBERS_OF_CONFIG);
        if count > most {
            let what = ocidiff_reports::safe_to(&what, NAME);
            return Err(format!(
                "its config.json has {count} entries in {what}: at most {most} are taken; {Hint}"
            ));
        }
    }
    Ok(())
}

/// The largest list or map in a value, and where it is.
fn largest(path: &str, value: &Json) -> (String, usize) {
    let below: Vec<(String, usize)> = match value {
        Json::Array(items) => items.iter().map(|item| largest(path, item)).collect(),
        Json::Object(map) => {
            let member = |(key, value): (&String, &Json)| largest(&format!("{path}.{key}"), value);
            map.iter().map(member).collect()
        }
        _ => Vec::new(),
    };
    let own = match value {
        Json::Array(items) => items.len(),
        Json::Object(map) => map.len(),
        _ => 0,
    };
    let below = below.into_iter().max_by_key(|(_, count)| *count);
    below
        .filter(|(_, count)| *count > own)
        .unwrap_or_else(|| (path.to_owned(), own))
}

/// What a recipe asks for too much of.
pub(super) fn recipe(document: &Document<'_>, recipe: &Recipe) -> Vec<Diagnostic> {
    let mut counted = Counted {
        document,
        found: Vec::new(),
    };
    counted.most(&["files"], recipe.files.len(), FILES, "files");
    counted.most(&["packages"], recipe.packages.len(), PACKAGES, "packages");
    counted.found
}

/// What a known file has too much of.
pub(super) fn known(document: &Document<'_>, known: &KnownFile) -> Vec<Diagnostic> {
    let mut counted = Counted {
        document,
        found: Vec::new(),
    };
    counted.most(&[], known.0.len(), ENTRIES, "groups");
    for (index, group) in known.0.iter().enumerate().take(raised_count(ENTRIES)) {
        let index = index.to_string();
        counted.most(&[&index, "facts"], group.facts.len(), ENTRIES, "facts");
        counted.most(&[&index, "for"], group.members.len(), MEMBERS, "members");
        for (fact, said) in &group.facts {
            let entries = said.items().len() + said.shown().len();
            counted.most(&[&index, "facts", fact], entries, ENTRIES, "items");
        }
    }
    counted.found
}

/// Whether a file of zeros is too long, and which limit it exceeds.
pub(super) fn zeros(length: u64) -> Option<String> {
    let most = raised(ZEROS);
    (length > most).then(|| format!("{length} zeros: at most {most} are written; {Hint}"))
}

/// What is wrong with the name of a family's member, if anything.
pub(super) fn member(name: &str) -> Option<String> {
    let shown = ocidiff_reports::safe_to(name, NAME);
    if name.len() > NAME {
        return Some(format!(
            "`{shown}` is not a member's name: it has more than {NAME} bytes"
        ));
    }
    if name.contains(char::is_control) {
        return Some(format!(
            "`{shown}` is not a member's name: it has a control character"
        ));
    }
    pattern(name)
        .map(|letter| format!("`{shown}` is not a member's name: `{letter}` is for patterns of names"))
}

/// A letter of a name for which patterns of names have another use: commands that are printed with such a name would be
/// about other cases too.
pub(super) fn pattern(name: &str) -> Option<char> {
    name.chars().find(|letter| OF_PATTERNS.contains(letter))
}

/// What a copy of an entry takes, in bytes, approximately.
pub(super) fn weight(entry: &KnownEntry) -> u64 {
    let texts: usize = entry.members.iter().map(|text| text.len() + 50).sum();
    let written = entry.written.iter().map(|written| {
        let who = 100 * (written.who.len() + written.because.len());
        who + size(&written.shows)
    });
    let values = written.sum::<usize>() + entry.otherwise.as_ref().map_or(0, size);
    (300 + entry.fact.len() + texts + values) as u64
}

fn size(value: &ocidiff_model::Value) -> usize {
    match value {
        ocidiff_model::Value::Text(text) => text.len(),
        ocidiff_model::Value::List(items) => items.iter().map(|item| item.len() + 50).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_model::known::Written;
    use ocidiff_model::{FindingId, Value};
    use serde_json::json;

    #[test]
    fn a_config_has_no_more_of_anything_than_a_container_can_have() {
        let list = |count: usize| vec![0; count];
        let map = |count: usize| -> Json {
            (0..count)
                .map(|at| (at.to_string(), Json::from(0)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let told = |value: Json| {
            let map = json!({"few": [1], "many": value});
            config(map.as_object().expect("a map")).err()
        };
        let most = MEMBERS_OF_CONFIG;
        for (as_many, more, place) in [
            (json!(list(most)), json!(list(most + 1)), "many"),
            (map(most), map(most + 1), "many"),
            (
                json!({"a": {"b": list(most)}}),
                json!({"a": {"b": list(most + 1)}}),
                "many.a.b",
            ),
            (json!([[list(most)]]), json!([[list(most + 1)]]), "many"),
            (
                json!({"a": map(most)}),
                json!({"a": map(most + 1), "b": [1]}),
                "many.a",
            ),
        ] {
            assert_eq!(told(as_many), None, "{place}");
            let why = told(more).unwrap_or_default();
            assert!(
                why.starts_with(&format!(
                    "its config.json has 5001 entries in {place}: at most 5000"
                )),
                "{why}"
            );
        }
        // Of two that are as large, the outer one is named.
        assert_eq!(largest("a", &json!({"b": [1]})), ("a".to_owned(), 1));
        assert_eq!(largest("a", &json!({"b": [1, 2]})), ("a.b".to_owned(), 2));
    }

    #[test]
    fn a_copy_of_an_entry_weighs_what_it_holds() {
        let id: FindingId = "crun/x".parse().expect("an id");
        let entry = |members: &[&str], shows: Value, otherwise: Option<Value>| KnownEntry {
            fact: "process.exit".to_owned(),
            members: members.iter().copied().map(str::to_owned).collect(),
            when: None,
            rate: None,
            written: vec![Written {
                because: vec![id.clone(); 2],
                who: vec!["crun".parse().expect("a runtime")],
                when: Vec::new(),
                shows,
            }],
            otherwise,
            by_signs: false,
        };
        // 300 for itself, 100 for each name, 50 for each item of a list; and every letter.
        let base = 300 + 12 + 300;
        for (entry, expected) in [
            (entry(&[], 5.into(), None), base),
            (entry(&["abc", "d"], 5.into(), None), base + 53 + 51),
            (entry(&[], "abcd".into(), None), base + 4),
            (
                entry(
                    &[],
                    Value::List(vec!["ab".to_owned(), "c".to_owned()]),
                    Some("xyz".into()),
                ),
                base + 52 + 51 + 3,
            ),
        ] {
            assert_eq!(weight(&entry), expected, "{entry:?}");
        }
    }
}
