//! How bad a difference is where the corpus has no word on it: rules by fact (`rules.yaml`), and what can be seen from the values.

use std::sync::LazyLock;

use ocidiff_model::{Impact, Value};
use serde::Deserialize;
use serde_json::Value as Json;

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

/// How bad a difference is, and why, by the rules.
pub(super) fn by_rule(
    fact: &str,
    from: Option<&Value>,
    to: Option<&Value>,
    config: &Json,
) -> (Impact, String) {
    if let Some(seen) = by_values(fact, from, to, config) {
        return seen;
    }
    let found = RULES.iter().find(|rule| rule.fits(fact));
    found.map_or_else(
        || (Impact::MayBreak, "nothing more is known of it".to_owned()),
        |rule| (rule.impact, rule.reason.clone()),
    )
}

/// Errors of what may not be written or reached; a program that meets one does not go on another way than with the other.
const REFUSALS: [&str; 3] = ["EACCES", "EPERM", "EROFS"];

/// Whether what fails now would not fail any more.
pub(super) fn improves(fact: &str, to: Option<&Value>) -> bool {
    fact.ends_with(".result") && to == Some(&Value::from("ok"))
}

/// What the values themselves say.
fn by_values(
    fact: &str,
    from: Option<&Value>,
    to: Option<&Value>,
    config: &Json,
) -> Option<(Impact, String)> {
    let say = |impact, reason: &str| Some((impact, reason.to_owned()));
    if let (Some(Value::List(from)), Some(Value::List(to))) = (from, to)
        && sorted(from) == sorted(to)
    {
        return say(Impact::Cosmetic, "the same in another order");
    }
    if improves(fact, to) {
        return say(Impact::Cosmetic, "what fails now would not fail any more");
    }
    if let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to)
        && REFUSALS.contains(&from.as_str())
        && REFUSALS.contains(&to.as_str())
    {
        return say(Impact::Cosmetic, "refused by both, with another error");
    }
    let path = fact.strip_prefix("mount.inside.")?;
    let listed = |member: &str| {
        let list = config
            .pointer(&format!("/linux/{member}"))
            .and_then(Json::as_array);
        list.is_some_and(|list| list.iter().any(|one| one == path))
    };
    if listed("maskedPaths") || listed("readonlyPaths") {
        // Whether it is masked, or read-only, the probe has tried.
        return say(
            Impact::Cosmetic,
            "masked or made read-only by another kind of mount",
        );
    }
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return None;
    };
    let (from, to) = (flags(from)?, flags(to)?);
    let lost: Vec<&str> = KEEPING
        .into_iter()
        .filter(|flag| from.contains(flag) && !to.contains(flag))
        .collect();
    let gained: Vec<&str> = KEEPING
        .into_iter()
        .filter(|flag| !from.contains(flag) && to.contains(flag))
        .collect();
    if !lost.is_empty() {
        let reason = format!("the mount would not be {} any more", lost.join(", "));
        return Some((Impact::Security, reason));
    }
    if !gained.is_empty() {
        let reason = format!("the mount would be {}", gained.join(", "));
        return Some((Impact::MayBreak, reason));
    }
    say(Impact::Cosmetic, "other options of the mount, none that confines")
}

fn sorted(list: &[String]) -> Vec<&String> {
    let mut list: Vec<&String> = list.iter().collect();
    list.sort();
    list
}

/// Flags of a mount that confine.
const KEEPING: [&str; 4] = ["ro", "nosuid", "nodev", "noexec"];

/// The mount's own flags, of `tmpfs rw,nosuid | rw,size=4k | private | ...`.
fn flags(told: &str) -> Option<Vec<&str>> {
    let own = told.split(" | ").next()?;
    Some(own.split_once(' ')?.1.split(',').collect())
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
            by_rule(fact, Some(&Value::from(from)), Some(&Value::from(to)), &config).0
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
            ("lifecycle.create.result", "ok", "error", Impact::Breaks),
            ("lifecycle.create.result", "error", "ok", Impact::Cosmetic),
            ("proc.caps.effective", "a", "b", Impact::Security),
        ];
        for (fact, from, to, impact) in table {
            assert_eq!(judge(fact, from, to), impact, "{fact} {from} {to}");
        }
        let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
        let (one, other) = (list(&["a", "b"]), list(&["b", "a"]));
        assert_eq!(
            by_rule("proc.ids.groups", Some(&one), Some(&other), &config).0,
            Impact::Cosmetic
        );
    }
}
