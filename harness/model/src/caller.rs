//! What calls the runtime, for cases that are about that: a cell gives every caller the same attributes, and a
//! case can specify others.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Attributes of the process that calls the runtime, which the runtime inherits and may pass on. The default
/// of each is the cell's own (nice 0, no I/O priority, SCHED_OTHER, ...).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Caller {
    /// -20 to 19; a value below 0 needs CAP_SYS_NICE.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -20, max = 19))]
    pub nice: Option<i32>,
    /// How it is scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Policy>,
    /// Its I/O priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_priority: Option<IoPriority>,
    /// The bits of personality(2); 0x40000 (262144) is `setarch -R`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personality: Option<u32>,
    /// -1000 to 1000; a value below 0 needs CAP_SYS_RESOURCE.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1000, max = 1000))]
    pub oom_score_adj: Option<i32>,
    /// In nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub timer_slack: Option<u64>,
    /// In octal, `"0077"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub umask: Option<String>,
    /// Signals that it ignores, by name: `[INT, HUP]`. Not PIPE, which is ignored in every call by default,
    /// and not CHLD.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Resource limits by name (`stack`, `core`, `nofile`, ...); they must be lower than the cell's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Limit>,
}

/// How a process is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// SCHED_OTHER.
    Other,
    /// SCHED_BATCH.
    Batch,
    /// SCHED_IDLE.
    Idle,
}

/// A class of I/O priority, and the level in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IoPriority {
    /// The class.
    pub class: IoClass,
    /// 0 to 7; a lower number is a higher priority.
    #[serde(default)]
    #[schemars(range(max = 7))]
    pub level: u8,
}

/// A class of I/O priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IoClass {
    /// It needs CAP_SYS_ADMIN or CAP_SYS_NICE.
    RealTime,
    /// The usual one.
    BestEffort,
    /// Only when no other process wants the disk.
    Idle,
}

/// A resource limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The limit that is in force.
    pub soft: u64,
    /// How far the soft limit may be raised.
    pub hard: u64,
}

impl Caller {
    /// Whether nothing is specified.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The umask as a number, if it is one.
    #[must_use]
    pub fn umask_bits(&self) -> Option<u32> {
        let text = self.umask.as_ref()?;
        u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777)
    }

    /// The members with impossible values, and what is possible.
    #[must_use]
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let mut must = |holds: bool, member, what: &str| {
            if !holds {
                wrong.push((member, what.to_owned()));
            }
        };
        must(
            self.nice.is_none_or(|nice| (-20..=19).contains(&nice)),
            "nice",
            "nice is between -20 and 19",
        );
        must(
            self.io_priority.is_none_or(|priority| priority.level <= 7),
            "io_priority",
            "a level of I/O priority is between 0 and 7",
        );
        must(
            self.oom_score_adj.is_none_or(|adj| (-1000..=1000).contains(&adj)),
            "oom_score_adj",
            "oom_score_adj is between -1000 and 1000",
        );
        must(
            self.timer_slack != Some(0),
            "timer_slack",
            "a timer slack is 1 ns or more",
        );
        must(
            self.umask.is_none() || self.umask_bits().is_some(),
            "umask",
            "a umask is octal, up to \"0777\"",
        );
        must(
            self.limits.values().all(|limit| limit.soft <= limit.hard),
            "limits",
            "a soft limit is not above the hard one",
        );
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_told_with_its_member() {
        for (yaml, member) in [
            ("{nice: 20}", "nice"),
            ("{nice: -21}", "nice"),
            ("{io_priority: {class: best-effort, level: 8}}", "io_priority"),
            ("{oom_score_adj: 1001}", "oom_score_adj"),
            ("{timer_slack: 0}", "timer_slack"),
            ("{umask: '0999'}", "umask"),
            ("{umask: '1777'}", "umask"),
            ("{limits: {stack: {soft: 2, hard: 1}}}", "limits"),
        ] {
            let caller: Caller = serde_yaml::from_str(yaml).expect(yaml);
            let wrong: Vec<_> = caller.wrong().into_iter().map(|(member, _)| member).collect();
            assert_eq!(wrong, [member], "{yaml}");
        }
        let good =
            "{nice: 5, scheduler: batch, io_priority: {class: idle}, personality: 262144, oom_score_adj: 10,
            timer_slack: 1, umask: '0077', ignored: [INT], limits: {core: {soft: 0, hard: 0}}}";
        let good: Caller = serde_yaml::from_str(good).expect("a caller");
        assert_eq!(good.wrong(), []);
        assert!(!good.is_default() && Caller::default().is_default());
    }

    #[test]
    fn unknown_members_are_refused() {
        for yaml in [
            "{niceness: 5}",
            "{scheduler: fifo}",
            "{io_priority: {class: none}}",
        ] {
            assert!(serde_yaml::from_str::<Caller>(yaml).is_err(), "{yaml}");
        }
    }
}
