//! Device rules that appear or disappear with the change of runtime, entry by entry.

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::finding::{Context, Finding as Known};
use ocidiff_model::{FindingId, Impact, Value};
use serde_json::Value as Json;

use super::from_to::Move;
use super::read::reason;
use super::remedies;
use crate::corpus::Corpus;
use crate::workload::uses::{OWN, TUN, Uses};

/// The fact of the device rules in force, in cgroup v1's words: `c 1:3 rwm`.
pub(super) const DEVICES: &str = "cgroup.devices.list";

/// Devices that every container has according to the spec.
const EVERYBODYS: [&str; 8] = [
    "c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2", "c 136:*",
];

/// A finding for each entry that one of them lacks.
pub(super) fn findings(
    from: &[String],
    to: &[String],
    uses: &Uses,
    step: Move<'_>,
    corpus: &Corpus,
    config: &Json,
) -> Vec<Finding> {
    let without = |these: &[String], those: &[String]| -> Vec<String> {
        let covered = |one: &&String| !those.iter().any(|other| covers(other, one));
        these.iter().filter(covered).cloned().collect()
    };
    let lost = without(from, to).into_iter().map(|entry| (entry, false));
    let gained = without(to, from).into_iter().map(|entry| (entry, true));
    lost.chain(gained)
        .map(|(entry, gained)| {
            let (impact, why) = if gained {
                comes(&entry, uses)
            } else {
                goes(&entry, uses)
            };
            let known = known(&entry, gained, step, corpus, config);
            let (now, then) = if gained {
                ("not allowed", "allowed")
            } else {
                ("allowed", "not allowed")
            };
            let reason = known.map_or_else(|| why.clone(), |(_, known)| format!("{why}. {}", reason(known)));
            let (what, values) = (format!("{DEVICES} {entry}"), [now.to_owned(), then.to_owned()]);
            Finding {
                // A remedy is for the runtime that lacks the entry.
                remedy: known
                    .and_then(|(id, known)| remedies::helpful(id, known, step))
                    .filter(|_| !gained),
                link: known.map_or_else(Vec::new, |(_, known)| known.addresses()),
                id: known.map(|(id, _)| id.clone()),
                ..Finding::new(Depth::Probe, impact, what, values, reason)
            }
        })
        .collect()
}

/// Kind and numbers, and what is allowed: `c 1:3`, `rwm`.
fn parts(entry: &str) -> (&str, &str) {
    entry.rsplit_once(' ').unwrap_or((entry, ""))
}

/// Whether an entry allows everything that another one does.
fn covers(wide: &str, narrow: &str) -> bool {
    let split = |entry: &str| -> Option<[String; 4]> {
        let (device, access) = parts(entry);
        let (kind, numbers) = device.split_once(' ')?;
        let (major, minor) = numbers.split_once(':')?;
        Some([kind, major, minor, access].map(str::to_owned))
    };
    let (Some(wide), Some(narrow)) = (split(wide), split(narrow)) else {
        return wide == narrow;
    };
    let fits = |at: usize, any: &str| wide[at] == any || wide[at] == narrow[at];
    fits(0, "a") && fits(1, "*") && fits(2, "*") && narrow[3].chars().all(|one| wide[3].contains(one))
}

/// An entry that is there now, and would not be.
fn goes(entry: &str, uses: &Uses) -> (Impact, String) {
    let (device, _) = parts(entry);
    if let Some(path) = uses.path_of(device) {
        return (
            Impact::Breaks,
            format!("its config names {path}, which could no longer be opened"),
        );
    }
    if EVERYBODYS.contains(&device) {
        return (
            Impact::Breaks,
            "a device that every container has could no longer be opened".to_owned(),
        );
    }
    if OWN.iter().any(|(own, _)| *own == device) {
        return if device == OWN[0].0 && uses.makes && uses.networks {
            (
                Impact::MayBreak,
                format!("it may set up networks, and {TUN} could no longer be opened"),
            )
        } else {
            (
                Impact::Cosmetic,
                "nothing in its config names that device".to_owned(),
            )
        };
    }
    if uses.makes {
        return (
            Impact::MayBreak,
            "it may make device nodes, and could not use this one any more".to_owned(),
        );
    }
    (
        Impact::Cosmetic,
        "it has no node of that device, and may make none".to_owned(),
    )
}

/// An entry that is not there now, and would be.
fn comes(entry: &str, uses: &Uses) -> (Impact, String) {
    let (device, access) = parts(entry);
    let own = OWN.iter().find(|(own, _)| *own == device);
    if EVERYBODYS.contains(&device) || !access.contains(['r', 'w']) {
        return (
            Impact::Cosmetic,
            "nothing can be reached with it that should not be".to_owned(),
        );
    }
    if own.is_some() && uses.path_of(device).is_none() {
        return (
            Impact::Cosmetic,
            "nothing in its config names that device".to_owned(),
        );
    }
    if device.contains('*') {
        return (
            Impact::Security,
            "devices are open that its config keeps shut".to_owned(),
        );
    }
    (
        Impact::Security,
        "a device is open that its config keeps shut".to_owned(),
    )
}

/// The finding that says why this very entry is there, or is not.
fn known<'c>(
    entry: &str,
    gained: bool,
    step: Move<'_>,
    corpus: &'c Corpus,
    config: &Json,
) -> Option<(&'c FindingId, &'c Known)> {
    let context = Context { config, facts: &[] };
    let (has, lacks) = (Value::List(vec![entry.to_owned()]), Value::List(Vec::new()));
    let (now, then) = if gained { (&lacks, &has) } else { (&has, &lacks) };
    corpus.findings.0.iter().find(|(id, known)| {
        let (shows, instead) = match (known.is_of(id, step.from), known.is_of(id, step.to)) {
            (true, false) => (now, then),
            (false, true) => (then, now),
            _ => return false,
        };
        known.shows.iter().any(|sign| {
            sign.fact == DEVICES
                && sign.fits(Some(shows), &context)
                && sign.others_fit(Some(instead), &context)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn uses(config: &Json) -> Uses {
        Uses::of(&config.to_string(), config)
    }

    fn told(from: &[&str], to: &[&str], uses: &Uses) -> Vec<(String, Impact)> {
        let list = |items: &[&str]| -> Vec<String> { items.iter().map(|item| (*item).to_owned()).collect() };
        let who = |version: &str| ocidiff_model::RuntimeId {
            name: "x".to_owned(),
            version: version.parse().expect("a version"),
            label: version.to_owned(),
        };
        let (one, other) = (who("1.0"), who("2.0"));
        let step = Move {
            from: &one,
            to: &other,
        };
        let all = findings(&list(from), &list(to), uses, step, &Corpus::default(), &json!({}));
        all.into_iter()
            .map(|one| (one.what[DEVICES.len() + 1..].to_owned(), one.impact))
            .collect()
    }

    #[test]
    fn each_entry_matters_by_what_the_config_says() {
        let (null, tun) = ("c 1:3 rwm", "c 10:200 rwm");
        let plain = uses(&json!({}));
        let tunnel = uses(&json!({"process": {"args": ["sh", "-c", "cat /dev/net/tun"]}}));
        let vpn = uses(&json!({"process": {"capabilities": {"bounding": ["CAP_MKNOD", "CAP_NET_ADMIN"]}}}));
        let fuse = uses(
            &json!({"linux": {"devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}]}}),
        );
        let is = |what: &str, impact| vec![(what.to_owned(), impact)];
        for (who, impact) in [
            (&plain, Impact::Cosmetic),
            (&tunnel, Impact::Breaks),
            (&vpn, Impact::MayBreak),
        ] {
            assert_eq!(told(&[null, tun], &[null], who), is(tun, impact));
        }
        assert_eq!(told(&[null], &[null, tun], &tunnel), is(tun, Impact::Security));
        assert_eq!(told(&[null], &[null, tun], &plain), is(tun, Impact::Cosmetic));
        assert_eq!(
            told(&[null, tun], &["a *:* rwm"], &tunnel),
            is("a *:* rwm", Impact::Security)
        );
        assert_eq!(
            told(&["c 10:229 rw"], &[], &fuse),
            is("c 10:229 rw", Impact::Breaks)
        );
        assert_eq!(
            told(&["c 10:229 rw"], &[], &vpn),
            is("c 10:229 rw", Impact::MayBreak)
        );
        assert_eq!(told(&[], &["b 8:0 r"], &plain), is("b 8:0 r", Impact::Security));
        assert_eq!(told(&[null], &[], &plain), is(null, Impact::Breaks));
        assert_eq!(told(&[tun, null], &[null, tun], &tunnel), []);
    }
}
