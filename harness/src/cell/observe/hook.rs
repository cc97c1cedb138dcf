//! Which hooks ran, when, and with what. A case's hooks are `probe hook ${hooks}/log NAME`: each call adds
//! a line to that file, which a case can also mount into the container for the hooks that run there.

use std::fs;
use std::path::Path;

use ocidiff_confine::read_text;
use ocidiff_model::{Fact, Op};
use serde_json::Value as Json;

use super::{Names, counted};
use crate::paths;

/// The longest log that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// What has been seen so far.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    read: usize,
    order: Vec<String>,
    /// The last step that hooks belong to.
    operation: String,
    names: Names,
    /// Whether the log could not be read.
    is_unread: bool,
}

impl Hooks {
    /// Facts about hooks that have run since the last look, at the end of a step.
    ///
    /// A hook that shows after a step without hooks belongs to the operation before it: where an operation does not
    /// wait for its hooks, it is up to chance during which later step they end.
    pub(crate) fn look(&mut self, op: Op, step: &str) -> Vec<Fact> {
        if op.has_hooks() {
            step.clone_into(&mut self.operation);
        }
        let mut facts = Vec::new();
        // A case can mount it into its container, which can put anything in its place.
        let text = match read_text(Path::new(&format!("{}/log", paths::HOOKS)), MOST_BYTES) {
            Ok(text) => text,
            Err(error) if error.is_absent() => String::new(),
            Err(_) if self.is_unread => String::new(),
            Err(error) => {
                self.is_unread = true;
                facts.push(Fact::new("hook.log", format!("not read: {error}")));
                String::new()
            }
        };
        for line in text.lines().skip(self.read) {
            self.read += 1;
            let line: Json = serde_json::from_str(line).unwrap_or(Json::Null);
            let name = line["args"][3].as_str().unwrap_or("unnamed").to_owned();
            let count = self.names.count(&name);
            let described = describe(&name, &line).into_iter();
            facts.extend(described.map(|fact| Fact::new(counted(fact.path, count), fact.value)));
            self.order.push(format!("{name} in {}", self.operation));
        }
        facts
    }

    /// The order in which all hooks of the run were called.
    pub(crate) fn order(&self) -> Option<Fact> {
        (!self.order.is_empty()).then(|| Fact::new("hook.order", self.order.clone()))
    }
}

fn describe(name: &str, line: &Json) -> Vec<Fact> {
    let fact = |what: &str, value: ocidiff_model::Value| Fact::new(format!("hook.{name}.{what}"), value);
    let mut facts = vec![
        fact("args", list(&line["args"]).into()),
        fact("env", list(&line["env"]).into()),
        fact("cwd", text(&line["cwd"]).into()),
        fact("umask", text(&line["umask"]).into()),
    ];
    let state: Json = serde_json::from_str(line["state"].as_str().unwrap_or_default()).unwrap_or(Json::Null);
    facts.push(fact("state.status", text(&state["status"]).into()));
    facts.push(fact("state.id", text(&state["id"]).into()));
    facts.push(fact("state.bundle", text(&state["bundle"]).into()));
    facts.push(fact("state.version", text(&state["ociVersion"]).into()));
    let pid = match state["pid"].as_i64() {
        Some(pid) if pid > 0 => "set",
        Some(_) => "zero",
        None => "absent",
    };
    facts.push(fact("state.pid", pid.into()));
    if let Some(keys) = state.as_object() {
        let mut keys: Vec<String> = keys.keys().cloned().collect();
        keys.sort();
        facts.push(fact("state.keys", keys.into()));
    }
    for (key, link) in line.as_object().into_iter().flatten() {
        let Some(kind) = key.strip_prefix("ns.") else {
            continue;
        };
        let own = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap_or_default();
        let whose = if own.to_string_lossy() == text(link) {
            "runtime"
        } else {
            "container"
        };
        facts.push(fact(&format!("ns.{kind}"), whose.into()));
    }
    facts
}

fn text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Null => ocidiff_model::known::ABSENT.to_owned(),
        other => other.to_string(),
    }
}

fn list(json: &Json) -> Vec<String> {
    json.as_array()
        .map(|items| items.iter().map(text).collect())
        .unwrap_or_default()
}
