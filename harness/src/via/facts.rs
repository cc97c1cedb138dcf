//! What an engine reports about a container, and the config.json that it wrote, as facts.

use ocidiff_model::{Fact, Value as FactValue};
use serde_json::Value;

use crate::cell::class;
use crate::digest::of_text;

/// Longer values are reported by their digest.
const LONGEST: usize = 200;
/// Ids have at least this many hexadecimal digits.
const ID: usize = 32;
/// Lists that the engine writes in a different order each time.
const UNORDERED: [&str; 1] = ["engine.config.process.user.additionalGids"];
/// Settings that name the runtime or the container itself.
const OWN: [&str; 2] = ["Runtime", "ContainerIDFile"];

/// The stable part of `inspect`: without the exit status, which belongs to the process.
pub(super) fn of_inspect(told: &Value) -> Vec<Fact> {
    let state = &told["State"];
    let mut settings = told["HostConfig"].clone();
    if let Some(map) = settings.as_object_mut() {
        OWN.iter().for_each(|name| drop(map.remove(*name)));
        map.sort_keys();
    }
    let error = state["Error"].as_str().filter(|text| !text.is_empty());
    vec![
        Fact::new(
            "engine.inspect.status",
            state["Status"].as_str().unwrap_or_default(),
        ),
        Fact::new("engine.inspect.oom_killed", state["OOMKilled"] == true),
        Fact::new("engine.inspect.error", error.map_or("none", class)),
        Fact::new("engine.inspect.settings", digest(&settings.to_string())),
    ]
}

/// The config, with one fact for each value; or one fact that says so if it was not seen.
pub(super) fn of_config(text: Option<&str>) -> Vec<Fact> {
    let Some(config) = text.and_then(|text| serde_json::from_str(text).ok()) else {
        return vec![Fact::new("engine.config", "not seen")];
    };
    let mut facts = Vec::new();
    flatten("engine.config", &config, &mut facts);
    facts
}

fn flatten(path: &str, value: &Value, facts: &mut Vec<Fact>) {
    match value {
        Value::Object(map) if path == "engine.config.linux.seccomp" || map.is_empty() => {
            facts.push(Fact::new(path, short(&value.to_string())));
        }
        Value::Object(map) => {
            for (key, inner) in map {
                flatten(&format!("{path}.{key}"), inner, facts);
            }
        }
        Value::Array(items) => {
            let lines = items
                .iter()
                .map(|item| short(item.as_str().unwrap_or(&item.to_string())));
            let mut lines: Vec<String> = lines.collect();
            if UNORDERED.contains(&path) {
                lines.sort_unstable();
            }
            facts.push(Fact::new(path, lines));
        }
        Value::Bool(flag) => facts.push(Fact::new(path, *flag)),
        Value::String(text) => facts.push(Fact::new(path, short(text))),
        other => {
            let number = other.as_i64().map(FactValue::Int);
            facts.push(Fact::new(
                path,
                number.unwrap_or_else(|| other.to_string().into()),
            ));
        }
    }
}

/// Sorts a list's items alphabetically.
pub(super) fn sort(value: &mut FactValue) {
    if let FactValue::List(items) = value {
        items.sort_unstable();
    }
}

/// Removes the engine's id of a thing.
pub(super) fn rename(facts: &mut [Fact], id: &str, name: &str) {
    for fact in facts {
        match &mut fact.value {
            FactValue::Text(text) => *text = text.replace(id, name),
            FactValue::List(items) => items.iter_mut().for_each(|item| *item = item.replace(id, name)),
            FactValue::Bool(_) | FactValue::Int(_) => {}
        }
    }
}

/// Removes HOSTNAME, which the engine adds to each environment.
pub(super) fn without_hostname(facts: &mut [Fact], hostname: &str) {
    let added = format!("HOSTNAME={hostname}");
    for fact in facts {
        if let FactValue::List(items) = &mut fact.value
            && fact.path.starts_with("proc.env")
        {
            items.retain(|item| *item != added);
        }
    }
}

/// A text without ids; a long one as its digest.
fn short(text: &str) -> String {
    let text = without_pids(&without_ids(text));
    if text.len() > LONGEST { digest(&text) } else { text }
}

fn digest(text: &str) -> String {
    format!("sha256:{}", &of_text(text)[..16])
}

/// Namespaces of a pod are those of a process.
fn without_pids(text: &str) -> String {
    const PROC: &str = "/proc/";
    let mut parts = text.split(PROC);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_pid = rest.len() < part.len() && rest.starts_with("/ns/");
        out += PROC;
        out += if is_pid { "PID" } else { "" };
        out += if is_pid { rest } else { part };
    }
    out
}

/// Containers, layers and networks have ids that are new each time.
fn without_ids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (head, tail) = rest.split_at(at);
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
        out.push_str(head);
        out.push_str(if digits >= ID { "ID" } else { &tail[..digits] });
        rest = &tail[digits..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_told_without_its_process() {
        for (text, expected) in [
            (
                r#"{"type":"ipc","path":"/proc/151/ns/ipc"}"#,
                r#"{"type":"ipc","path":"/proc/PID/ns/ipc"}"#,
            ),
            ("/proc/12/status /proc/sys", "/proc/12/status /proc/sys"),
            ("/var/run/netns/x", "/var/run/netns/x"),
        ] {
            assert_eq!(short(text), expected);
        }
    }

    #[test]
    fn a_config_is_told_by_its_values_without_ids() {
        let id = "0123456789abcdef".repeat(4);
        let config = format!(
            r#"{{"root": {{"path": "/d/{id}/merged", "readonly": false}}, "process": {{"args": ["a", "{id}"], "oomScoreAdj": 3}}, "mounts": [{{"a": 1}}], "linux": {{"seccomp": {{"x": "{}"}}}}}}"#,
            "long ".repeat(100)
        );
        let facts = of_config(Some(&config));
        let of = |path: &str| {
            facts
                .iter()
                .find(|fact| fact.path == path)
                .map(|fact| fact.value.line())
        };
        assert_eq!(of("engine.config.root.path").as_deref(), Some("/d/ID/merged"));
        assert_eq!(of("engine.config.root.readonly").as_deref(), Some("false"));
        assert_eq!(of("engine.config.process.args").as_deref(), Some("[a, ID]"));
        assert_eq!(of("engine.config.process.oomScoreAdj").as_deref(), Some("3"));
        assert_eq!(of("engine.config.mounts").as_deref(), Some(r#"[{"a":1}]"#));
        assert!(of("engine.config.linux.seccomp").is_some_and(|value| value.starts_with("sha256:")));
    }

    #[test]
    fn a_config_that_was_missed_is_told() {
        assert_eq!(of_config(None), [Fact::new("engine.config", "not seen")]);
    }
}
