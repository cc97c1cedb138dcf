//! What a step shows besides how it ended: the class of its error, the state JSON.

use ocidiff_model::{Fact, Value};
use serde_json::Value as Json;

use crate::paths;

/// The class of an error text: the errno that it names, or a kind. Never the text itself, since wording varies.
pub(crate) fn class(text: &str) -> &'static str {
    // As strerror(3) words them; Go and Rust write the same words, in lower case or not.
    const CLASSES: [(&str, &str); 22] = [
        ("panicked at", "panic"),
        ("operation not permitted", "EPERM"),
        ("no such file or directory", "ENOENT"),
        ("permission denied", "EACCES"),
        ("invalid argument", "EINVAL"),
        ("file exists", "EEXIST"),
        ("not a directory", "ENOTDIR"),
        ("is a directory", "EISDIR"),
        ("device or resource busy", "EBUSY"),
        ("read-only file system", "EROFS"),
        ("function not implemented", "ENOSYS"),
        ("operation not supported", "EOPNOTSUPP"),
        ("no such process", "ESRCH"),
        ("no such device", "ENODEV"),
        ("no space left", "ENOSPC"),
        ("resource temporarily unavailable", "EAGAIN"),
        ("exec format error", "ENOEXEC"),
        ("too many levels of symbolic links", "ELOOP"),
        ("does not exist", "ENOENT"),
        ("not found", "ENOENT"),
        ("unknown", "unknown value"),
        ("invalid", "invalid value"),
    ];
    let text = text.to_lowercase();
    CLASSES
        .iter()
        .find(|(words, _)| text.contains(words))
        .map_or("other", |(_, class)| class)
}

/// The pid in the bytes of a pid file, and whether nothing else is there: engines in C parse it as it is, so a
/// newline or a sign counts.
pub(crate) fn pid(bytes: &[u8]) -> (Option<i32>, bool) {
    let text = String::from_utf8_lossy(bytes);
    let pid = text.trim().parse::<i32>().ok().filter(|pid| *pid > 1);
    (pid, pid.is_some_and(|pid| pid.to_string() == text))
}

/// The facts of a state JSON; runtime.md#state.
pub(crate) fn state(prefix: &str, printed: &str, container: &str, pid: Option<i32>) -> Vec<Fact> {
    let fact = |name: &str, value: Value| Fact::new(format!("{prefix}.{name}"), value);
    let Ok(Json::Object(state)) = serde_json::from_str::<Json>(printed) else {
        return vec![fact("json", "garbage".into())];
    };
    let text = |key: &str| match state.get(key) {
        None => ocidiff_model::known::ABSENT.into(),
        Some(Json::String(text)) => Value::from(text.clone()),
        Some(other) => Value::from(other.to_string()),
    };
    let shown = match (state.get("pid").and_then(Json::as_i64), pid) {
        (None, _) if state.contains_key("pid") => "not a number".to_owned(),
        (None, _) => ocidiff_model::known::ABSENT.to_owned(),
        (Some(0), _) => "0".to_owned(),
        (Some(shown), Some(pid)) if shown == i64::from(pid) => "init".to_owned(),
        (Some(_), _) => "other".to_owned(),
    };
    let bundle = match state.get("bundle").and_then(Json::as_str) {
        Some(path) if path == paths::bundle(container) => Value::from("bundle"),
        // It must be absolute, and must not look like the placeholder for the right one.
        Some(path) if !path.starts_with('/') => Value::from(format!("{path} (relative)")),
        _ => text("bundle"),
    };
    let mut keys: Vec<String> = state.keys().cloned().collect();
    keys.sort();
    let annotations: Vec<String> = state
        .get("annotations")
        .and_then(Json::as_object)
        .map(|map| {
            map.iter()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("?")))
                .collect()
        })
        .unwrap_or_default();
    vec![
        fact("status", text("status")),
        fact("id", text("id")),
        fact("pid", shown.into()),
        fact("bundle", bundle),
        fact("version", text("ociVersion")),
        fact("annotations", annotations.into()),
        fact("keys", keys.into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_texts_become_classes() {
        for (text, expected) in [
            ("exec: \"/nope\": stat /nope: no such file or directory", "ENOENT"),
            ("capset: Operation not permitted", "EPERM"),
            ("thread 'main' panicked at src/x.rs", "panic"),
            ("unknown version specified", "unknown value"),
            ("something else", "other"),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn a_relative_bundle_is_not_the_bundle() {
        for (shown, expected) in [
            (paths::bundle("main"), "bundle"),
            ("bundle".to_owned(), "bundle (relative)"),
            ("/elsewhere".to_owned(), "/elsewhere"),
            // Another spelling of the right path is not the path that it was given.
            (paths::bundle("main") + "/", &*(paths::bundle("main") + "/")),
            (
                paths::bundle("main").replace('/', "//"),
                &*paths::bundle("main").replace('/', "//"),
            ),
        ] {
            let facts = state("s", &format!("{{\"bundle\": \"{shown}\"}}"), "main", None);
            let bundle = facts.iter().find(|fact| fact.path == "s.bundle");
            assert_eq!(bundle.map(|fact| &fact.value), Some(&expected.into()), "{shown}");
        }
    }

    #[test]
    fn a_pid_file_holds_a_number_and_nothing_else() {
        for (bytes, expected) in [
            (&b"4711"[..], (Some(4711), true)),
            (b"4711\n", (Some(4711), false)),
            (b" 4711", (Some(4711), false)),
            (b"+4711", (Some(4711), false)),
            (b"04711", (Some(4711), false)),
            (b"1", (None, false)),
            (b"-7", (None, false)),
            (b"4711\0", (None, false)),
            (b"", (None, false)),
        ] {
            assert_eq!(pid(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_pid_that_is_not_a_number_is_not_absent() {
        for (printed, expected) in [
            ("{}", ocidiff_model::known::ABSENT),
            (r#"{"pid": "7"}"#, "not a number"),
            (r#"{"pid": 0}"#, "0"),
        ] {
            assert_eq!(
                state("s", printed, "main", Some(7))[2].value,
                expected.into(),
                "{printed}"
            );
        }
    }

    #[test]
    fn half_a_state_is_garbage() {
        assert_eq!(
            state("s", "{\"ociVersion\": \"1.0", "main", None),
            [Fact::new("s.json", "garbage")]
        );
        let facts = state("s", "{\"status\": \"running\", \"pid\": 7}", "main", Some(7));
        assert_eq!(facts[0].value, "running".into());
        assert_eq!(facts[2].value, "init".into());
    }
}
