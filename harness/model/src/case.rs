//! A case: the bundle to launch, the steps to take, what to watch, what the spec requires.
//!
//! [`CaseFile`] is one YAML file as people write it; [`Case`] is one case of it: the file itself, or one
//! member of its family (see [`crate::members`]).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::caller::Caller;
use crate::fact::{Channel, Value};
use crate::family::Family;
use crate::machine::CgroupVersion;
use crate::range::Range;
use crate::read::{OneOrList, ValueOr, one_or_list, value_or};
use crate::rootfs::Rootfs;
use crate::step::Step;

/// What a machine must have for the case; probed before the run. If something is missing, the case is
/// `skipped`, and the report says what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Needs {
    /// `x86_64`, `aarch64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// A range of kernel versions, `>=6.6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Range>,
    /// `v1` or `v2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<CgroupVersion>,
    /// Controllers that a container can use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub controllers: Vec<String>,
    /// Capabilities of the harness, with `CAP_`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Paths that must exist on the machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Kinds of namespaces that the kernel must have (`time`, `cgroup`, `user`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The recorder: `ebpf`, the only one that sees the channel `setup`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorder: Option<String>,
    /// How many CPUs must be online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
}

/// What a case watches of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Watch {
    /// These paths, or the beginnings of paths.
    Paths(Vec<String>),
    /// `false`: do not even look at the channel. Only `filter` can have it.
    Not(Never),
}

impl<'de> Deserialize<'de> for Watch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match one_or_list::<Watched, D>(deserializer, WATCH)? {
            OneOrList::One(Watched::Not) => Ok(Self::Not(Never)),
            OneOrList::One(Watched::Path(_)) => Err(D::Error::custom(format!("expected {WATCH}"))),
            OneOrList::List(items) => {
                let path = |item| match item {
                    Watched::Path(path) => Ok(path),
                    Watched::Not => Err(D::Error::custom("expected the text of a path, not `false`")),
                };
                items
                    .into_iter()
                    .map(path)
                    .collect::<Result<_, _>>()
                    .map(Self::Paths)
            }
        }
    }
}

const WATCH: &str = "a list of paths, or `false` for the filters";

/// What a watch is written with.
enum Watched {
    Path(String),
    Not,
}

impl<'de> Deserialize<'de> for Watched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WatchedVisitor;
        impl Visitor<'_> for WatchedVisitor {
            type Value = Watched;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of a path")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<Watched, E> {
                Ok(Watched::Path(path.to_owned()))
            }

            fn visit_bool<E: Error>(self, word: bool) -> Result<Watched, E> {
                if word {
                    Err(E::custom(format!("expected {WATCH}")))
                } else {
                    Ok(Watched::Not)
                }
            }
        }
        deserializer.deserialize_any(WatchedVisitor)
    }
}

/// The word `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(into = "bool")]
#[schemars(with = "bool")]
pub struct Never;

impl From<Never> for bool {
    fn from(_: Never) -> Self {
        false
    }
}

impl Watch {
    /// The paths; empty if it must not be looked at.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        match self {
            Self::Paths(paths) => paths,
            Self::Not(_) => &[],
        }
    }
}

/// One entry that is added to the rootfs; a path that ends in `/` is a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FileSpec {
    /// A file's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file with this many zero bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zeros: Option<u64>,
    /// A symbolic link to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symlink: Option<String>,
    /// A copy of the probe.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// A tar archive with these entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tar: Option<BTreeMap<String, FileSpec>>,
    /// Permission bits in octal, `"2775"`; the default is 0755 for directories and the probe, and 0644 for
    /// anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A change to the text of config.json itself, for configs that no JSON writer would write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextEdit {
    /// The text to replace, which must be there.
    pub replace: String,
    /// The text that takes its place.
    pub with: String,
}

/// What a case expects of a fact, whatever the runtime: a value, or a value and the clause that asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// The value; `*` stands for any text, `(absent)` for no fact.
    pub is: Value,
    /// Other values that are accepted as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<Value>,
    /// The clause; the default is the case's only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
}

impl Expectation {
    /// One value, and no other.
    #[must_use]
    pub fn only(is: Value, requirement: Option<String>) -> Self {
        Self {
            is,
            or: Vec::new(),
            requirement,
        }
    }

    /// Every value that counts as expected, the first one first.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        std::iter::once(&self.is).chain(&self.or)
    }
}

impl JsonSchema for Expectation {
    fn schema_name() -> Cow<'static, str> {
        "Expectation".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<Value>();
        json_schema!({"anyOf": [
            value,
            {"type": "object", "required": ["is"], "additionalProperties": false,
             "properties": {
                "is": value,
                "or": {"type": "array", "items": value},
                "requirement": {"type": ["string", "null"]},
             }},
        ]})
    }
}

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            is: Value,
            #[serde(default)]
            or: Vec<Value>,
            requirement: Option<String>,
        }
        let wanted = "a value, or {is: VALUE, or: [OTHER VALUES], requirement: ID}";
        value_or(deserializer, wanted).map(|read| match read {
            ValueOr::Value(is) => Self::only(is, None),
            ValueOr::Map(Long { is, or, requirement }) => Self { is, or, requirement },
        })
    }
}

/// One YAML file under `cases/`, as people write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// One line: what the case is about.
    pub summary: String,
    /// The clauses that it is about, by their ids in `cases/requirements.yaml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirement: Vec<String>,
    /// What the machine must have.
    #[serde(default)]
    pub needs: Needs,
    /// A recipe under `cases/rootfs/` (the default is `probe`), or folders of the machine, `{layers: [DIR,
    /// ...]}`.
    #[serde(default)]
    pub rootfs: Rootfs,
    /// Entries that are added to the rootfs, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, FileSpec>,
    /// Laid over the default config: maps merge, `null` removes a member, `NAME+` adds to a list and `NAME-`
    /// takes from it. `{$profile: NAME}` is the seccomp profile of that name.
    #[serde(default = "empty_object")]
    pub config: serde_json::Value,
    /// Changes to the text of config.json, made after that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config_text: Vec<TextEdit>,
    /// Members of the config that are wrong on purpose, by the names that lead to them: `linux.devices.type`,
    /// with `*` for any text; also `process.args` for a program that does not exist, and `kill.signal`.
    /// Everything else must be as the runtime-spec says, and these must be wrong in at least one member of
    /// the family.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<String>,
    /// The name of the config in the bundle; the default is `config.json`.
    #[serde(default = "default_config_file")]
    pub config_file: String,
    /// Attributes of the process that calls the runtime, if the case is about what the runtime does with
    /// them.
    #[serde(default, skip_serializing_if = "Caller::is_default")]
    pub caller: Caller,
    /// The steps to take; the default is create, start, wait, delete.
    #[serde(default = "Step::defaults")]
    pub steps: Vec<Step>,
    /// What to compare besides what is always compared, by channel: paths or the beginnings of paths.
    /// `filter: false` keeps the recorder from visiting the workload at its execve, for cases in which that
    /// visit would change what they are about; there are then no facts about filters, and none that are taken
    /// at the execve (`proc.init`, mount, cgroup). These, and calls, are recorded of the main container's
    /// workload only, and not in `run` steps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub watch: BTreeMap<Channel, Watch>,
    /// How many times the case is run: a race that shows once in twenty runs needs more than one. `--repeat`
    /// can ask for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// What must hold, whatever the runtime.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect: BTreeMap<String, Expectation>,
    /// Makes the file a family, in which each member is a case with its own name, `process/rlimit[nofile]`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
}

impl CaseFile {
    /// A case that says nothing but what it is about: the default bundle, the default steps.
    #[must_use]
    pub fn new(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            requirement: Vec::new(),
            needs: Needs::default(),
            rootfs: Rootfs::default(),
            files: BTreeMap::new(),
            config: empty_object(),
            config_text: Vec::new(),
            config_file: default_config_file(),
            steps: Step::defaults(),
            watch: BTreeMap::new(),
            repeat: None,
            caller: Caller::default(),
            invalid: Vec::new(),
            expect: BTreeMap::new(),
            family: None,
        }
    }
}

fn default_config_file() -> String {
    "config.json".to_owned()
}

fn empty_object() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its name: the path under the corpus without the ending, and the member: `process/rlimit[nofile]`.
    pub name: String,
    /// The file that it is written in, for messages.
    pub source: String,
    /// The member of the family.
    pub member: Option<String>,
    /// What is written there, with the member's changes.
    pub body: CaseFile,
}

impl Case {
    /// The name without the member.
    #[must_use]
    pub fn file_name(&self) -> &str {
        match &self.member {
            Some(member) => self
                .name
                .strip_suffix(&format!("[{member}]"))
                .unwrap_or(&self.name),
            None => &self.name,
        }
    }

    /// The topic: the folder that the case is in.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The requirement of an expectation: its own, or the case's if it has only one.
    #[must_use]
    pub fn requirement_of(&self, expectation: &Expectation) -> Option<String> {
        match (&expectation.requirement, self.body.requirement.as_slice()) {
            (Some(own), _) => Some(own.clone()),
            (None, [only]) => Some(only.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
