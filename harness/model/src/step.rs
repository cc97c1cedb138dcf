//! A step is one call of the lifecycle.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a step does. All but `wait` and `await` are calls of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Create the container; its process waits for `start`.
    Create,
    /// Start the workload.
    Start,
    /// Print the state.
    State,
    /// Send a signal.
    Kill,
    /// Delete the container.
    Delete,
    /// Run a second process in the container.
    Exec,
    /// Freeze the container.
    Pause,
    /// Thaw the container.
    Resume,
    /// Change the container's resources.
    Update,
    /// Create, start, wait and delete in one call.
    Run,
    /// List the containers under the root.
    List,
    /// Print what the runtime supports.
    Features,
    /// Wait until the container's process has ended.
    Wait,
    /// Wait until the container has printed a text.
    Await,
}

impl Op {
    /// Whether it makes its container.
    #[must_use]
    pub fn makes_container(self) -> bool {
        matches!(self, Self::Create | Self::Run)
    }

    /// Every operation.
    pub const ALL: [Self; 14] = [
        Self::Create,
        Self::Start,
        Self::State,
        Self::Kill,
        Self::Delete,
        Self::Exec,
        Self::Pause,
        Self::Resume,
        Self::Update,
        Self::Run,
        Self::List,
        Self::Features,
        Self::Wait,
        Self::Await,
    ];

    /// The operation's name, as it is written in a case and shown in facts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::State => "state",
            Self::Kill => "kill",
            Self::Delete => "delete",
            Self::Exec => "exec",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Update => "update",
            Self::Run => "run",
            Self::List => "list",
            Self::Features => "features",
            Self::Wait => "wait",
            Self::Await => "await",
        }
    }

    /// The operation with that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }

    /// Whether a runtime may lack it: the runtime-spec names create, start, state, kill and delete only.
    #[must_use]
    pub fn is_optional(self) -> bool {
        self.calls_runtime()
            && !matches!(
                self,
                Self::Create | Self::Start | Self::State | Self::Kill | Self::Delete
            )
    }

    /// Whether the step is a call of the runtime.
    #[must_use]
    pub fn calls_runtime(self) -> bool {
        !matches!(self, Self::Wait | Self::Await)
    }

    /// Whether the spec has hooks for it.
    #[must_use]
    pub fn has_hooks(self) -> bool {
        matches!(self, Self::Create | Self::Start | Self::Delete | Self::Run)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a step must do, if a case says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The call must end with 0.
    Ok,
    /// The call must end with an error, in bounded time, without a crash.
    Error,
    /// It may end either way: the runtimes are compared, also if it fails under all of them.
    Any,
}

impl Outcome {
    /// Whether the step must end in one way.
    #[must_use]
    pub fn is_one(self) -> bool {
        self != Self::Any
    }
}

/// The options of a step; all are optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepOptions {
    /// The container that the step is about; the default is `main`. Names become part of the facts' paths.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Call the runtime with this id instead of the container's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// create, run of a second container: laid over the case's config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
    /// kill: a signal's name or number; the default is the runtime's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// delete: also if the container is running.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// exec: the process, laid over the config's own `process`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<serde_json::Value>,
    /// update: the resources, as in the config's `linux.resources`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<serde_json::Value>,
    /// await: the text to wait for in the container's stdout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// What the call must do, whatever the runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Outcome>,
    /// The limit in seconds; the default is 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

/// One step: `create`, or `kill: {signal: TERM}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it does.
    pub op: Op,
    /// How.
    pub options: StepOptions,
}

impl Step {
    /// A step without options.
    #[must_use]
    pub fn plain(op: Op) -> Self {
        Self {
            op,
            options: StepOptions::default(),
        }
    }

    /// The container that the step is about.
    #[must_use]
    pub fn container(&self) -> &str {
        self.options.container.as_deref().unwrap_or(MAIN)
    }

    /// The steps of a case that lists none.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        [Op::Create, Op::Start, Op::Wait, Op::Delete]
            .map(Self::plain)
            .to_vec()
    }
}

/// The steps, as a case writes them, that try a workload for some seconds and then remove it. A shell or a server does not
/// end by itself; that is not a difference.
#[must_use]
pub fn trial(limit: impl Into<serde_json::Value>) -> serde_json::Value {
    let limit = limit.into();
    serde_json::json!(["create", "start", {"wait": {"limit": limit, "expect": "any"}}, {"delete": {"force": true}}])
}

/// The name of a case's first container.
pub const MAIN: &str = "main";

/// The container that a step's label names: `second` in `second.kill#2`, `main` in `kill`.
#[must_use]
pub fn container_of(label: &str) -> &str {
    label.rsplit_once('.').map_or(MAIN, |(container, _)| container)
}

/// Labels for the facts of each step: `create`, `kill#2`, `second.create`.
#[must_use]
pub fn labels(steps: &[Step]) -> Vec<String> {
    labels_of(steps.iter().map(|step| (step.container(), step.op)))
}

/// The same for steps of which the container and the operation are known.
#[must_use]
pub fn labels_of<'s>(steps: impl Iterator<Item = (&'s str, Op)>) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::new();
    steps
        .map(|(container, op)| {
            let base = match container {
                MAIN => op.name().to_owned(),
                other => format!("{other}.{op}"),
            };
            let count = seen.entry(base.clone()).or_insert(0);
            *count += 1;
            if *count == 1 {
                base
            } else {
                format!("{base}#{count}")
            }
        })
        .collect()
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.options == StepOptions::default() {
            return serializer.serialize_str(self.op.name());
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.op.name(), &self.options)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step such as `create`, or a map of one such as `kill: {signal: TERM}`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Step, E> {
        Ok(Step::plain(op_of(name)?))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::custom("a step needs a name, such as `create`"));
        };
        let op = op_of(&name)?;
        let options = map.next_value::<Option<StepOptions>>()?.unwrap_or_default();
        if let Some(second) = map.next_key::<String>()? {
            return Err(de::Error::custom(format!(
                "one step per entry: `{second}` belongs in its own entry, or in the braces of `{name}`"
            )));
        }
        Ok(Step { op, options })
    }
}

fn op_of<E: de::Error>(name: &str) -> Result<Op, E> {
    Op::of(name).ok_or_else(|| {
        let all = Op::ALL.map(Op::name).join(", ");
        E::custom(format!("unknown step `{name}`, expected one of {all}"))
    })
}

impl JsonSchema for Step {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<StepOptions>();
        let names = Op::ALL.map(Op::name);
        let properties: serde_json::Map<_, _> = names
            .iter()
            .map(|name| ((*name).to_owned(), options.clone().to_value()))
            .collect();
        json_schema!({
            "anyOf": [
                {"enum": names},
                {"type": "object", "properties": properties, "additionalProperties": false,
                 "minProperties": 1, "maxProperties": 1},
            ]
        })
    }
}

#[cfg(test)]
mod tests;
