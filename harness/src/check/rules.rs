//! How bad a difference is if the corpus says nothing about it: first what the values show, then rules by fact
//! (`rules.yaml`).

use std::sync::LazyLock;

use ocidiff_model::{Impact, Value, facts};
use serde::Deserialize;
use serde_json::Value as Json;

use super::values;
use crate::corpus::spec::without_case;

/// One rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    fact: String,
    impact: Impact,
    reason: String,
}

static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("rules.yaml")).unwrap_or_default());

impl Rule {
    fn fits(&self, fact: &str) -> bool {
        match self.fact.strip_suffix('*') {
            Some(head) => fact.starts_with(head),
            None => fact == self.fact,
        }
    }
}

/// A config as it is written, and as a runtime reads it that takes members in other capitals for the spec's.
pub(super) struct Readings<'a> {
    written: &'a Json,
    meant: Option<Json>,
}

impl<'a> Readings<'a> {
    pub(super) fn of(config: &'a Json) -> Self {
        Self {
            written: config,
            meant: without_case(config),
        }
    }
}

/// How bad a difference is, and why, according to the rules. What a config asks for in other capitals than the spec's,
/// one runtime may do and the other not: it is judged as asked for, and as not asked for, and the worse counts.
pub(super) fn by_rule(
    fact: &str,
    from: Option<&Value>,
    to: Option<&Value>,
    config: &Readings<'_>,
) -> (Impact, String) {
    let written = as_written(fact, from, to, config.written);
    let meant = config
        .meant
        .as_ref()
        .map(|meant| as_written(fact, from, to, meant));
    meant.filter(|meant| meant.0 > written.0).unwrap_or(written)
}

fn as_written(fact: &str, from: Option<&Value>, to: Option<&Value>, config: &Json) -> (Impact, String) {
    if let Some(seen) = values::judge(fact, from, to, config) {
        return seen;
    }
    let found = RULES.iter().find(|rule| rule.fits(fact));
    found.map_or_else(
        || (Impact::MayBreak, "nothing more is known of it".to_owned()),
        |rule| match rule.impact {
            Impact::Security if confines_more(fact, from, to) => (
                Impact::MayBreak,
                format!("{}: it would be confined more than now", rule.reason),
            ),
            impact => (impact, rule.reason.clone()),
        },
    )
}

/// Whether the workload can only lose by it, by what the table of facts says confines less.
fn confines_more(fact: &str, from: Option<&Value>, to: Option<&Value>) -> bool {
    let (Some(from), Some(to)) = (from, to) else {
        return false;
    };
    facts::find(fact).is_some_and(|found| {
        let less = |one, other| found.kind.confines_less(one, other);
        less(from, to) == Some(true) && less(to, from) == Some(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_rules_can_be_read_and_end_with_one_for_all() {
        let rules: Vec<Rule> = serde_yaml::from_str(include_str!("rules.yaml")).expect("rules.yaml");
        assert!(rules.last().is_some_and(|rule| rule.fits("any.thing")));
    }

    #[test]
    fn values_speak_first() {
        let config = json!({"linux": {"maskedPaths": ["/proc/keys"]}});
        let judge = |fact: &str, from: &str, to: &str| {
            by_rule(
                fact,
                Some(&Value::from(from)),
                Some(&Value::from(to)),
                &Readings::of(&config),
            )
            .0
        };
        let table = [
            (
                "mount.inside./proc/keys",
                "tmpfs rw,nosuid | x",
                "devtmpfs rw | x",
                Impact::Cosmetic,
            ),
            (
                "mount.inside./data",
                "tmpfs ro,nosuid | x",
                "tmpfs rw,nosuid | x",
                Impact::Security,
            ),
            (
                "mount.inside./data",
                "tmpfs rw | x",
                "tmpfs rw,noexec | x",
                Impact::MayBreak,
            ),
            (
                "mount.inside./data",
                "tmpfs rw | size=4k",
                "tmpfs rw,relatime | size=8k",
                Impact::Cosmetic,
            ),
            (
                "mount.inside.masked./proc/keys",
                "empty",
                "readable",
                Impact::Security,
            ),
            (
                "mount.inside.masked./proc/keys",
                "readable",
                "empty",
                Impact::Cosmetic,
            ),
            (
                "mount.inside.masked./proc/acpi",
                "readable",
                "empty",
                Impact::Cosmetic,
            ),
            ("lifecycle.create.result", "ok", "error", Impact::Breaks),
            ("lifecycle.create.result", "error", "ok", Impact::Cosmetic),
            ("proc.caps.effective", "a", "b", Impact::Security),
            ("proc.seccomp.mode", "filter", "disabled", Impact::Security),
            ("proc.seccomp.mode", "disabled", "filter", Impact::MayBreak),
        ];
        for (fact, from, to, impact) in table {
            assert_eq!(judge(fact, from, to), impact, "{fact} {from} {to}");
        }
        let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
        let (one, other) = (list(&["a", "b"]), list(&["b", "a"]));
        assert_eq!(
            by_rule(
                "proc.ids.groups",
                Some(&one),
                Some(&other),
                &Readings::of(&config)
            )
            .0,
            Impact::Cosmetic
        );
    }

    #[test]
    fn what_only_a_reader_without_case_is_asked_for_is_lost_with_it() {
        let config =
            json!({"linux": {"MaskedPaths": ["/proc/keys", "/data"], "READONLYPATHS": ["/proc/sys/vm"]}});
        for (fact, from, to, impact) in [
            (
                "mount.inside.masked./proc/keys",
                "empty",
                "readable",
                Impact::Security,
            ),
            (
                "mount.inside.masked./proc/keys",
                "readable",
                "empty",
                Impact::Cosmetic,
            ),
            (
                "mount.inside.masked./proc/acpi",
                "empty",
                "readable",
                Impact::Cosmetic,
            ),
            (
                "mount.inside.readonly./proc/sys/vm",
                "EROFS",
                "writable",
                Impact::Security,
            ),
            (
                "mount.inside.readonly./proc/sys/vm/x",
                "EROFS",
                "writable",
                Impact::Security,
            ),
            (
                "mount.inside.readonly./proc/sys/vm",
                "writable",
                "EROFS",
                Impact::MayBreak,
            ),
            ("proc.peek./data", "empty", "readable", Impact::Security),
            ("proc.peek./data", "readable", "empty", Impact::Cosmetic),
        ] {
            let told = by_rule(
                fact,
                Some(&Value::from(from)),
                Some(&Value::from(to)),
                &Readings::of(&config),
            );
            assert_eq!(told.0, impact, "{fact} {from} {to}");
        }
    }

    #[test]
    fn less_privilege_than_now_is_a_loss_and_not_a_matter_of_security() {
        let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
        let (none, some) = (list(&[]), list(&["KILL"]));
        for (fact, more, less) in [
            ("proc.caps.effective", some.clone(), none.clone()),
            ("proc.ids.groups", some, none),
            ("proc.ids.uid", 0.into(), 1000.into()),
            ("proc.ids.fsgid", 0.into(), 1000.into()),
            ("proc.nnp", false.into(), true.into()),
            ("proc.seccomp.filters", 0.into(), 1.into()),
        ] {
            let told =
                |from: &Value, to: &Value| by_rule(fact, Some(from), Some(to), &Readings::of(&json!({}))).0;
            assert_eq!(told(&more, &less), Impact::MayBreak, "{fact}");
            assert_eq!(told(&less, &more), Impact::Security, "{fact}");
        }
        let other = by_rule(
            "proc.ids.uid",
            Some(&1.into()),
            Some(&2.into()),
            &Readings::of(&json!({})),
        );
        assert_eq!(other.0, Impact::Security);
    }
}
