//! What a runtime says that it supports (`RUNTIME features`), compared with what a config asks for.
//!
//! Source: <https://github.com/opencontainers/runtime-spec/blob/main/features.md>. What both runtimes lack is
//! not a difference, and what one of them does not report cannot be compared with the other.

use std::collections::BTreeSet;

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::step::{Op, Step};
use ocidiff_model::{Case, CaseFile, Impact};
use serde_json::{Value, json};

use super::from_to::Move;
use crate::cells::runner::CellRunner;
use crate::error::Error;

/// What both runtimes report; `None` for a runtime that does not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// The runtime now.
    pub from: Option<Value>,
    /// The one to move to.
    pub to: Option<Value>,
}

/// Asks both runtimes, contained like every call.
///
/// # Errors
/// The machine failed.
pub async fn ask(engine: &CellRunner) -> Result<Features, Error> {
    let body: CaseFile =
        serde_json::from_value(json!({"summary": "what the runtimes support"})).map_err(Error::broken)?;
    let case = Case {
        name: "check/features".to_owned(),
        source: String::new(),
        member: None,
        body: CaseFile {
            steps: vec![Step::plain(Op::Features)],
            ..body
        },
    };
    let records = engine.observe(&case).await.map_err(Error::broken)?;
    let said = |at: usize| {
        let step = records
            .get(at)?
            .steps
            .iter()
            .find(|step| step.op == Op::Features)?;
        // A runtime may print a warning before it answers.
        let text = &step.text[step.text.find('{')?..];
        serde_json::Deserializer::from_str(text)
            .into_iter::<Value>()
            .next()?
            .ok()
    };
    Ok(Features {
        from: said(0),
        to: said(1),
    })
}

/// One kind of thing that a config asks for.
struct Kind {
    /// What people call it.
    name: &'static str,
    /// Where `features` lists what is supported.
    listed: &'static str,
    /// What a config asks for.
    asked: fn(&Value) -> BTreeSet<String>,
    impact: Impact,
    reason: &'static str,
}

const MOUNT_OPTION: &str = "mount option";
const NAMESPACE: &str = "namespace";
/// Kinds for which the probe shows whether a container has them, whatever a runtime says about itself.
pub(super) const TRIED: [&str; 2] = [MOUNT_OPTION, NAMESPACE];

/// What a row about an annotation begins with, before its name.
pub(super) const ANNOTATION: &str = "annotation ";

const KINDS: [Kind; 7] = [
    Kind {
        name: "hooks",
        listed: "/hooks",
        asked: hooks,
        impact: Impact::Breaks,
        reason: "its hooks would not run",
    },
    Kind {
        name: MOUNT_OPTION,
        listed: "/mountOptions",
        asked: mount_options,
        impact: Impact::MayBreak,
        reason: "an option that a runtime does not know is handed to the file system, or ignored",
    },
    Kind {
        name: NAMESPACE,
        listed: "/linux/namespaces",
        asked: |config| texts(config, "/linux/namespaces", "type"),
        impact: Impact::Breaks,
        reason: "the container cannot have it",
    },
    Kind {
        name: "capability",
        listed: "/linux/capabilities",
        asked: capabilities,
        impact: Impact::MayBreak,
        reason: "a capability that a runtime does not know is refused or left out",
    },
    Kind {
        name: "seccomp action",
        listed: "/linux/seccomp/actions",
        asked: seccomp_actions,
        impact: Impact::Breaks,
        reason: "the profile cannot be loaded",
    },
    Kind {
        name: "seccomp architecture",
        listed: "/linux/seccomp/archs",
        asked: |config| strings(config.pointer("/linux/seccomp/architectures")),
        impact: Impact::Breaks,
        reason: "the profile cannot be loaded",
    },
    Kind {
        name: "seccomp flag",
        listed: "/linux/seccomp/knownFlags",
        asked: |config| strings(config.pointer("/linux/seccomp/flags")),
        impact: Impact::Breaks,
        reason: "the profile cannot be loaded",
    },
];

/// What is switched on or off as a whole: its name, where the config asks for it, where `features` reports it.
const SWITCHES: [(&str, &str, &str, Impact); 5] = [
    (
        "an AppArmor profile",
        "/process/apparmorProfile",
        "/linux/apparmor/enabled",
        Impact::Security,
    ),
    (
        "an SELinux label",
        "/process/selinuxLabel",
        "/linux/selinux/enabled",
        Impact::Security,
    ),
    (
        "a seccomp profile",
        "/linux/seccomp",
        "/linux/seccomp/enabled",
        Impact::Security,
    ),
    (
        "Intel RDT",
        "/linux/intelRdt",
        "/linux/intelRdt/enabled",
        Impact::MayBreak,
    ),
    (
        "network devices",
        "/linux/netDevices",
        "/linux/netDevices/enabled",
        Impact::Breaks,
    ),
];

impl Features {
    /// What the config asks for and the current runtime supports, but the other does not.
    #[must_use]
    pub fn lacks(&self, config: &Value, step: Move<'_>) -> Vec<Finding> {
        let (Some(from), Some(to)) = (&self.from, &self.to) else {
            return Vec::new();
        };
        let told = |what: String, impact, (from, to): (&str, &str), reason: String| Finding {
            link: vec!["https://github.com/opencontainers/runtime-spec/blob/main/features.md".to_owned()],
            ..Finding::new(
                Depth::Read,
                impact,
                what,
                [from.to_owned(), to.to_owned()],
                reason,
            )
        };
        let mut all = Vec::new();
        for kind in KINDS {
            let (Some(old), Some(new)) = (from.pointer(kind.listed), to.pointer(kind.listed)) else {
                continue;
            };
            let (old, new) = (strings(Some(old)), strings(Some(new)));
            for one in (kind.asked)(config) {
                if old.contains(&one) && !new.contains(&one) {
                    all.push(told(
                        format!("{} {one}", kind.name),
                        kind.impact,
                        ("supported", "not supported"),
                        format!(
                            "{} does not list it in its features: {}",
                            step.to.label, kind.reason
                        ),
                    ));
                }
            }
        }
        for (name, asked, switch, impact) in SWITCHES {
            let is = |features: &Value| features.pointer(switch).and_then(Value::as_bool);
            let asks = config
                .pointer(asked)
                .is_some_and(|value| !value.is_null() && value != "");
            if asks && is(from) == Some(true) && is(to) == Some(false) {
                all.push(told(
                    name.to_owned(),
                    impact,
                    ("supported", "not supported"),
                    format!(
                        "{} was built without it, according to its features",
                        step.to.label
                    ),
                ));
            }
        }
        // What one of them is asked to do, and the other leaves: new on the way in, lost on the way out.
        for (whom, values, names) in [
            (step.to, ("text", "acted on"), acted_on(config, to, from)),
            (step.from, ("acted on", "text"), acted_on(config, from, to)),
        ] {
            all.extend(names.into_iter().map(|name| {
                let reason = format!(
                    "{} changes what it does by this annotation, says its features",
                    whom.label
                );
                told(format!("{ANNOTATION}{name}"), Impact::MayBreak, values, reason)
            }));
        }
        all
    }
}

/// Annotations in the config that change what a runtime does, but not what the other one does.
fn acted_on(config: &Value, whom: &Value, other: &Value) -> Vec<String> {
    let list = |features: &Value| strings(features.get("potentiallyUnsafeConfigAnnotations"));
    let has = |list: &BTreeSet<String>, name: &str| {
        // "a value that ends with `.` is a prefix"
        list.iter()
            .any(|one| one == name || (one.ends_with('.') && name.starts_with(one.as_str())))
    };
    let (own, others) = (list(whom), list(other));
    let names = config.get("annotations").and_then(Value::as_object);
    names
        .into_iter()
        .flat_map(|names| names.keys())
        .filter(|name| has(&own, name) && !has(&others, name))
        .cloned()
        .collect()
}

fn strings(list: Option<&Value>) -> BTreeSet<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A member of each item of a list.
fn texts(config: &Value, list: &str, member: &str) -> BTreeSet<String> {
    let items = config
        .pointer(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    items
        .filter_map(|item| item[member].as_str())
        .map(str::to_owned)
        .collect()
}

fn hooks(config: &Value) -> BTreeSet<String> {
    let all = config.get("hooks").and_then(Value::as_object);
    all.into_iter()
        .flatten()
        .filter(|(_, list)| list.as_array().is_some_and(|list| !list.is_empty()))
        .map(|(name, _)| name.clone())
        .collect()
}

fn mount_options(config: &Value) -> BTreeSet<String> {
    let mounts = config
        .get("mounts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    mounts.flat_map(|mount| strings(mount.get("options"))).collect()
}

fn capabilities(config: &Value) -> BTreeSet<String> {
    let sets = config.pointer("/process/capabilities").and_then(Value::as_object);
    sets.into_iter()
        .flat_map(|sets| sets.values())
        .flat_map(|set| strings(Some(set)))
        .collect()
}

fn seccomp_actions(config: &Value) -> BTreeSet<String> {
    let mut all = texts(config, "/linux/seccomp/syscalls", "action");
    let default = config
        .pointer("/linux/seccomp/defaultAction")
        .and_then(Value::as_str);
    all.extend(default.map(str::to_owned));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::from_to::who;

    #[test]
    fn only_what_is_asked_for_and_lost_is_told() {
        let config = json!({
            "process": {"capabilities": {"bounding": ["CAP_BPF", "CAP_CHOWN"]}, "apparmorProfile": "docker-default", "selinuxLabel": ""},
            "annotations": {"run.oci.handler": "x", "org.a": "y"},
            "hooks": {"prestart": [{"path": "/x"}], "poststop": []},
            "mounts": [{"options": ["rro", "size=1", "ro"]}],
            "linux": {"namespaces": [{"type": "time"}, {"type": "pid"}],
                      "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"action": "SCMP_ACT_NOTIFY"}]}}
        });
        let from = json!({
            "hooks": ["prestart", "poststop"], "mountOptions": ["ro", "rro"],
            "linux": {"namespaces": ["time", "pid"], "capabilities": ["CAP_BPF", "CAP_CHOWN"], "apparmor": {"enabled": true},
                      "selinux": {"enabled": true}, "seccomp": {"actions": ["SCMP_ACT_ERRNO", "SCMP_ACT_NOTIFY"]}}
        });
        let to = json!({
            "hooks": [], "mountOptions": ["ro"], "potentiallyUnsafeConfigAnnotations": ["run.oci."],
            "linux": {"namespaces": ["pid"], "capabilities": ["CAP_CHOWN"], "apparmor": {"enabled": false},
                      "selinux": {"enabled": false}, "seccomp": {"actions": ["SCMP_ACT_ERRNO"]}}
        });
        let (old, new) = (who("old", "1.0"), who("new", "1.0"));
        let step = Move { from: &old, to: &new };
        let told = |from: Option<&Value>, to: Option<&Value>| -> Vec<String> {
            let features = Features {
                from: from.cloned(),
                to: to.cloned(),
            };
            features
                .lacks(&config, step)
                .into_iter()
                .map(|one| one.what)
                .collect()
        };
        assert_eq!(
            told(Some(&from), Some(&to)),
            [
                "hooks prestart",
                "mount option rro",
                "namespace time",
                "capability CAP_BPF",
                "seccomp action SCMP_ACT_NOTIFY",
                "an AppArmor profile",
                "annotation run.oci.handler"
            ]
        );
        assert!(told(Some(&from), Some(&from)).is_empty());
        // What leaves it loses what the annotation did.
        assert_eq!(told(Some(&to), Some(&from)), ["annotation run.oci.handler"]);
        // A runtime that reports nothing cannot be compared with the other.
        assert!(told(None, Some(&to)).is_empty() && told(Some(&from), None).is_empty());
    }
}
