//! A fact that differs: how bad that is, why, and what to do about it.

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::facts::is_result;
use ocidiff_model::finding::Finding as CatalogueFinding;
use ocidiff_model::{Difference, FindingId, Impact, Value};
use serde_json::Value as Json;

use super::access;
use super::from_to::{Move, values};
use super::look::Seen;
use super::read::reason as cause_of;
use super::remedies::{self, Shown};
use super::rules::{Readings, by_rule};
use super::values::{self, improves, is_lower_limit};
use crate::corpus::Corpus;
use crate::workload::doubts::some_in_other_capitals;
use crate::workload::tame::Tamed;

/// What a difference is judged by.
pub(super) struct About<'a> {
    pub(super) seen: &'a Seen,
    /// The config that was looked at, as it can be read.
    pub(super) readings: &'a Readings<'a>,
    pub(super) step: Move<'a>,
    pub(super) tamed: &'a Tamed,
    pub(super) corpus: &'a Corpus,
}

impl About<'_> {
    /// Whether the runtime to which the workload moves shows the fact.
    fn shows_then(&self, fact: &str) -> bool {
        let differs = self.seen.differences.iter().find(|one| one.fact == fact);
        differs.map_or_else(
            || self.seen.facts.contains(fact),
            |one| values(one, self.step).1.is_some(),
        )
    }
}

/// Whether a fact is about a folder in which v1's hierarchies are mounted, wherever the config mounts them.
fn is_of_cgroup_folder(fact: &str, config: &Json) -> bool {
    let heads = ["mount.inside.readonly.", "mount.inside.", "proc.stat."];
    let path = heads.iter().find_map(|head| fact.strip_prefix(head));
    fact == "cgroup.inside.cgroupfs.writable"
        || path.is_some_and(|path| {
            access::mounted_last(path, config).is_some_and(|mount| mount["type"] == "cgroup")
        })
}

/// A fact that differs.
pub(super) fn fact(difference: &Difference, about: &About<'_>) -> Finding {
    let About {
        seen,
        readings,
        step,
        tamed,
        corpus,
    } = *about;
    let (said, config) = (&seen.said, &seen.led);
    let (from, to) = values(difference, step);
    let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "(absent)".to_owned(), Value::line);
    let (impact, mut reason) = by_rule(&difference.fact, from.as_ref(), to.as_ref(), readings);
    if let (true, Some(words)) = (
        difference.fact.starts_with("lifecycle."),
        said.get(&step.to.label),
    ) {
        reason = format!("{reason}: {words}");
    }
    let shown = [shown(&from), shown(&to)];
    let mut finding = Finding::new(Depth::Probe, impact, difference.fact.clone(), shown, reason);
    if difference.fact.starts_with("proc.net.") && tamed.network_is_not_its_own {
        finding.impact = Impact::Cosmetic;
        "its engine sets the network up; the probe's is new and empty".clone_into(&mut finding.reason);
        return finding;
    }
    if harmless(difference, about, [from.as_ref(), to.as_ref()], &mut finding) {
        // For a mask it is not known which finding is about the mask, and which about the mount below.
        let of_mask = values::is_mask(&difference.fact, config);
        let because = worst(difference, step, corpus).filter(|_| !of_mask);
        finding.id = because.map(|(id, _)| id.clone());
        return finding;
    }
    if let Some((id, known)) = worst(difference, step, corpus) {
        let told = corpus.findings.impact(id, step.from, step.to);
        let told = told.unwrap_or(known.impact.worst());
        // What a user can no longer do, or could do beyond the config, and what does not start are visible, whatever is
        // usual. What starts only then is not a loss to anyone. A limit that begins to take effect is a loss too, however
        // wrong it was that it did not.
        let is_start = difference.fact.starts_with("lifecycle.");
        finding.impact = match seen_outright(&difference.fact) {
            // What does not start is not confined less, whatever it would have been.
            true if is_start && impact > Impact::Cosmetic => told.min(Impact::Breaks).max(impact),
            _ if is_lower_limit(&difference.fact, from.as_ref(), to.as_ref()) => told.max(impact),
            true if impact > Impact::Cosmetic => told.max(impact),
            // Nobody there can do less or more with it, whoever could elsewhere.
            true if access::is_the_same(from.as_ref(), to.as_ref(), config) => impact,
            true if told < Impact::Security && improves(&difference.fact, to.as_ref()) => impact,
            _ => told,
        };
        let words = said
            .get(&step.to.label)
            .filter(|_| difference.fact.starts_with("lifecycle."));
        let cause = cause_of(known);
        let cause = cause.trim_end_matches('.').to_owned();
        let seen = &finding.reason;
        finding.reason = match words {
            Some(words) if known.is_of(id, step.to) => format!("{cause}; it says: {words}"),
            Some(words) => format!("{cause}; {} says: {words}", step.to.name),
            // What the values show is worse than what is known of the cause.
            None if seen_outright(&difference.fact) && finding.impact > told => format!("{seen}; {cause}"),
            None => cause,
        };
        let fails = seen_outright(&difference.fact) && difference.fact.starts_with("lifecycle.");
        let shown = match finding.impact {
            Impact::Cosmetic => Shown::Harmless,
            _ if fails && !improves(&difference.fact, to.as_ref()) => Shown::Failing,
            _ => Shown::Done,
        };
        finding.remedy = remedies::of(id, known, config, step, shown);
        finding.link = known.addresses();
        finding.id = Some(id.clone());
        finding.accounts.clone_from(&difference.accounts);
    } else if finding.impact > Impact::Cosmetic
        && let Some((cause, remedy)) = suspected(&difference.fact, config)
    {
        finding.reason = format!("{}; it may be due to {cause}", finding.reason);
        finding.remedy = Some(remedy.to_owned());
    }
    finding
}

/// What of the config may be the cause if nothing is known that accounts for a fact, and what to do about it.
fn suspected(fact: &str, config: &Json) -> Option<(String, &'static str)> {
    if let Some(names) = some_in_other_capitals(config) {
        return Some((names, "Write the names of members as the spec has them."));
    }
    let written = ["mount.inside.readonly.", "proc.access."];
    let is_written = written.iter().any(|head| fact.starts_with(head));
    (is_written && values::is_below_read_only(config, "/")).then(|| {
        let cause = "the root among linux.readonlyPaths: what runtimes bind there lies over the mounts that they have made";
        (cause.to_owned(), "Set root.readonly, and the option ro of mounts, in its place.")
    })
}

/// Whether a fact's values themselves show whether something works.
fn seen_outright(fact: &str) -> bool {
    fact.starts_with("proc.stat.") || is_result(fact)
}

/// Kinds of file systems that cannot contain symbolic links.
const WITHOUT_LINKS: [&str; 4] = ["cgroup", "cgroup2", "mqueue", "devpts"];

/// Whether it is a mount without symbolic links, and the only difference is whether they are followed.
fn differ_in_links_only(from: Option<&Value>, to: Option<&Value>) -> bool {
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return false;
    };
    let kind = from.split(' ').next().unwrap_or_default();
    let plain = |text: &str| text.replace("nosymfollow,", "").replace(",nosymfollow", "");
    WITHOUT_LINKS.contains(&kind) && plain(from) == plain(to)
}

/// Whether the owner and the mode of a mount are seen for themselves.
fn is_told_by_stat(fact: &str, about: &About<'_>) -> bool {
    let path = fact.strip_prefix("mount.inside.").map(values::place);
    path.is_some_and(|path| about.seen.facts.contains(&format!("proc.stat.{path}")))
}

/// Whether two mounts of a file system differ only in what its options say about the mode and the owner of its root.
fn differ_in_mode_options(from: Option<&Value>, to: Option<&Value>) -> bool {
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return false;
    };
    let is_of_root = |option: &str| {
        ["mode=", "uid=", "gid="]
            .iter()
            .any(|head| option.starts_with(head))
    };
    let without = |text: &str| -> Vec<String> {
        let parts = text.split(" | ").enumerate();
        let plain = parts.map(|(at, part)| match at {
            1 => part
                .split(',')
                .filter(|option| !is_of_root(option))
                .collect::<Vec<_>>()
                .join(","),
            _ => part.to_owned(),
        });
        plain.collect()
    };
    from.starts_with("tmpfs ") && without(from) == without(to)
}

/// Whether a path that the config masks has its mask, although it can be read: a file is masked by the container's
/// /dev/null, and the config puts another file there.
fn is_masked_by_another(fact: &str, about: &About<'_>) -> bool {
    let heads = ["mount.inside.masked.", "proc.peek."];
    let Some(path) = heads.iter().find_map(|head| fact.strip_prefix(head)) else {
        return false;
    };
    let names = |list: &str, member: &str, path: &str| {
        let list = about.seen.led.pointer(list).and_then(Json::as_array);
        list.is_some_and(|list| list.iter().any(|one| one[member] == path))
    };
    let other_null =
        names("/mounts", "destination", "/dev/null") || names("/linux/devices", "path", "/dev/null");
    let mask = format!("mount.inside.{path}");
    // What the config itself mounts there is not its mask, nor is what is bound on itself to be read-only.
    other_null
        && values::is_mask(&mask, &about.seen.led)
        && !names("/mounts", "destination", path)
        && !values::is_below_read_only(&about.seen.led, path)
        && about.shows_then(&mask)
}

/// What does not matter to a workload, whatever accounts for it.
fn harmless(
    difference: &Difference,
    about: &About<'_>,
    [from, to]: [Option<&Value>; 2],
    finding: &mut Finding,
) -> bool {
    let fact = difference.fact.as_str();
    let reads = |value: Option<&Value>| matches!(value, Some(Value::Text(text)) if text.ends_with(" rdonly") || text.ends_with(" rdwr"));
    let why = match fact {
        // On v1 this is a folder of the container's own, in which the hierarchies are mounted.
        _ if !about.tamed.unified && is_of_cgroup_folder(fact, &about.seen.led) => {
            "the folder around the cgroup hierarchies holds nothing of theirs"
        }
        "proc.fd.0" if reads(from) && reads(to) => "standard input can be read in both",
        // The probe has tested whether it is masked.
        _ if values::is_mask(fact, &about.seen.led) && from.is_some() && to.is_some() => {
            "masked by another kind of mount"
        }
        _ if fact.starts_with("mount.inside.") && differ_in_links_only(from, to) => {
            "a file system that has no symbolic links"
        }
        _ if is_masked_by_another(fact, about) && from.is_some() && to.is_some() => {
            "masked by /dev/null, over which the config mounts another file"
        }
        _ if is_told_by_stat(fact, about) && differ_in_mode_options(from, to) => {
            "its options name the mode and the owner in another way; what they are is seen for itself"
        }
        _ => return false,
    };
    finding.impact = Impact::Cosmetic;
    why.clone_into(&mut finding.reason);
    true
}

/// The finding that matters most of those that account for the difference.
fn worst<'c>(
    difference: &'c Difference,
    step: Move<'_>,
    corpus: &'c Corpus,
) -> Option<(&'c FindingId, &'c CatalogueFinding)> {
    difference
        .findings()
        .filter_map(|id| Some((id, corpus.findings.find(id)?)))
        .max_by_key(|(id, _)| corpus.findings.impact(id, step.from, step.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_folder_of_v1_hierarchies_is_where_the_config_mounts_them() {
        let config = json!({"mounts": [
            {"destination": "/host/cgroup/", "type": "cgroup"},
            {"destination": "/data", "type": "cgroup"},
            {"destination": "/data", "type": "tmpfs"}
        ]});
        for (fact, is) in [
            ("mount.inside./host/cgroup", true),
            ("mount.inside.readonly./host/cgroup", true),
            ("proc.stat./host/cgroup", true),
            ("cgroup.inside.cgroupfs.writable", true),
            // A hierarchy itself, what lies over them, and what is not mounted at all.
            ("mount.inside./host/cgroup/pids", false),
            ("proc.stat./data", false),
            ("mount.inside./sys/fs/cgroup", false),
        ] {
            assert_eq!(is_of_cgroup_folder(fact, &config), is, "{fact}");
        }
    }
}
