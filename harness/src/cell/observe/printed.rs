//! What a successful call printed, where that is an answer: the containers of `list`, the members of `features`,
//! and for `create` the bytes themselves, since an engine passes them on as the container's own.

use ocidiff_model::{Fact, Value};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::cell::pump::Lost;
use crate::digest::hex;

use super::few::{few, few_as_they_are};

/// How much of a stream of create is reported, in bytes: enough to see what is speaking.
const MOST_BYTES: usize = 4096;
/// Members of one document that become facts of their own.
const MOST_MEMBERS: usize = 500;
/// How deep a document is followed; the spec's goes four deep.
const DEEPEST: usize = 8;

/// The lines that `create` printed on each stream: none if it is silent. What is not reported is counted: of what
/// was kept, and of what the pump has discarded.
pub(crate) fn create(prefix: &str, streams: [(&[u8], Option<Lost>); 2]) -> Vec<Fact> {
    ["stdout", "stderr"]
        .into_iter()
        .zip(streams)
        .map(|(name, (kept, lost))| Fact::new(format!("{prefix}.{name}"), lines(kept, lost)))
        .collect()
}

fn lines(kept: &[u8], lost: Option<Lost>) -> Vec<String> {
    let (told, rest) = kept.split_at(kept.len().min(MOST_BYTES));
    let text = String::from_utf8_lossy(told);
    let mut lines = few_as_they_are(text.lines().map(str::to_owned).collect());
    if rest.is_empty() && lost.is_none() {
        return lines;
    }
    let (more, discarded) = lost.map_or((0, None), |lost| (lost.bytes, lost.digest));
    let digest = Sha256::new()
        .chain_update(rest)
        .chain_update(discarded.unwrap_or_default());
    let all = Lost {
        bytes: rest.len() as u64 + more,
        digest: Some(hex(&digest.finalize())),
    };
    lines.push(all.to_string());
    lines
}

/// The containers that `list` shows, each with its status: `main created`.
pub(crate) fn list(prefix: &str, printed: &str) -> Vec<Fact> {
    let value = match containers(printed) {
        Some(shown) => Value::from(few(shown.into_iter())),
        None => "garbage".into(),
    };
    vec![Fact::new(format!("{prefix}.containers"), value)]
}

fn containers(printed: &str) -> Option<Vec<String>> {
    match serde_json::from_str::<Json>(printed) {
        Ok(Json::Null) => Some(Vec::new()),
        Ok(Json::Array(all)) => {
            let text = |one: &Json, key: &str| one[key].as_str().unwrap_or("?").to_owned();
            Some(
                all.iter()
                    .map(|one| format!("{} {}", text(one, "id"), text(one, "status")))
                    .collect(),
            )
        }
        Ok(_) => None,
        Err(_) => table(printed),
    }
}

/// A table whose first line names its columns, the id first and the status in a column of its own.
fn table(printed: &str) -> Option<Vec<String>> {
    let mut lines = printed.lines().filter(|line| !line.trim().is_empty());
    let header = lines.next()?;
    let at = header.find("STATUS")?;
    Some(
        lines
            .map(|line| {
                let id = line.split_whitespace().next().unwrap_or("?");
                // Do not count words: the pid of a stopped container may be left out.
                let status = line.get(at..).and_then(|rest| rest.split_whitespace().next());
                format!("{id} {}", status.unwrap_or("?"))
            })
            .collect(),
    )
}

/// Every member of the document that `features` prints; features.md of the spec.
pub(crate) fn features(prefix: &str, printed: &str) -> Vec<Fact> {
    let Ok(document @ Json::Object(_)) = serde_json::from_str::<Json>(printed) else {
        return vec![Fact::new(format!("{prefix}.json"), "garbage")];
    };
    let mut facts = Vec::new();
    members(&format!("{prefix}.features"), &document, DEEPEST, &mut facts);
    facts
}

fn members(path: &str, json: &Json, deep: usize, facts: &mut Vec<Fact>) {
    match json {
        Json::Object(map) if deep > 0 => {
            for (key, value) in map {
                members(&format!("{path}.{key}"), value, deep - 1, facts);
            }
        }
        _ if facts.len() >= MOST_MEMBERS => {}
        Json::Array(items) => {
            let shown = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            facts.push(Fact::new(path, few(shown)));
        }
        Json::Bool(value) => facts.push(Fact::new(path, *value)),
        Json::String(text) => facts.push(Fact::new(path, text.as_str())),
        other => facts.push(Fact::new(path, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_its_containers_however_it_is_drawn() {
        let of = |printed: &str| list("s", printed)[0].value.clone();
        let shown = |all: &[&str]| Value::from(all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        for (printed, expected) in [
            ("ID          PID         STATUS      BUNDLE\n", shown(&[])),
            (
                "ID          PID         STATUS      BUNDLE\nmain        12          created     /b\n",
                shown(&["main created"]),
            ),
            // The pid of a stopped container is left out.
            (
                "ID    PID  STATUS   BUNDLE\nmain       stopped  /b\na     7    running  /b\n",
                shown(&["a running", "main stopped"]),
            ),
            (r#"[{"id": "main", "status": "paused"}]"#, shown(&["main paused"])),
            ("null", shown(&[])),
            ("", "garbage".into()),
            ("nothing here\n", "garbage".into()),
            ("{}", "garbage".into()),
            ("ID STATUS\n\u{e9}\n", shown(&["\u{e9} ?"])),
        ] {
            assert_eq!(of(printed), expected, "{printed}");
        }
    }

    #[test]
    fn features_are_facts_and_never_without_end() {
        let facts = features(
            "s",
            r#"{"ociVersionMin": "1.0.0", "hooks": ["b", "a"], "linux": {"seccomp": {"enabled": true}}}"#,
        );
        let value = |path: &str| {
            facts
                .iter()
                .find(|fact| fact.path == path)
                .map(|fact| fact.value.clone())
        };
        assert_eq!(value("s.features.ociVersionMin"), Some("1.0.0".into()));
        assert_eq!(
            value("s.features.hooks"),
            Some(vec!["a".to_owned(), "b".to_owned()].into())
        );
        assert_eq!(value("s.features.linux.seccomp.enabled"), Some(true.into()));
        assert_eq!(features("s", "[]"), [Fact::new("s.json", "garbage")]);
        let many: serde_json::Map<String, Json> = (0..5000).map(|n| (n.to_string(), n.into())).collect();
        assert_eq!(features("s", &Json::Object(many).to_string()).len(), MOST_MEMBERS);
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert_eq!(features("s", &deep).len(), 1);
    }

    #[test]
    fn what_create_prints_is_told_by_stream() {
        let facts = create("s", [(b"", None), (b"warning\n\xff", None)]);
        assert_eq!(facts[0], Fact::new("s.stdout", Vec::<String>::new()));
        assert_eq!(
            facts[1],
            Fact::new("s.stderr", vec!["warning".to_owned(), "\u{fffd}".to_owned()])
        );
        let flood = |end: u8, digest: &str| {
            let lost = Lost {
                bytes: 7,
                digest: Some(digest.to_owned()),
            };
            let bytes = [&[b'x'; 4999][..], &[end]].concat();
            create("s", [(&bytes, Some(lost)), (b"", None)])[0].value.clone()
        };
        let Value::List(told) = flood(b'x', "a") else {
            panic!("a list of lines");
        };
        assert_eq!(told[0], "x".repeat(4096));
        assert!(told[1].starts_with("(and 911 more bytes, sha256 "), "{}", told[1]);
        // What is not reported counts too, kept or not.
        assert_eq!(flood(b'x', "a"), flood(b'x', "a"));
        assert_ne!(flood(b'x', "a"), flood(b'y', "a"));
        assert_ne!(flood(b'x', "a"), flood(b'x', "b"));
    }
}
