//! What a case watches and no run has shown: a path or a call for which only the run can show that it is misspelt, or
//! what the harness failed to read.

use ocidiff_model::fact::{ONLY, watched};
use ocidiff_model::names::HIERARCHIES;
use ocidiff_model::{Case, Channel, Record};

use crate::judge::compare::is_recorded;

/// Words in `watch` that choose nothing themselves: "all", and "no others".
const WORDS: [&str; 2] = ["*", ONLY];

/// The watched paths that chose nothing in any of the records, as `syscall.fchmodat2`.
///
/// Paths do not count if no container that they are about was started, or if the case expects something of them: that one is `(absent)` may be
/// the point.
#[must_use]
pub fn unseen(case: &Case, records: &[&Record]) -> Vec<String> {
    let looked_at = |whole: &str| {
        let begun = records.iter().filter(|record| record.has_begun(whole));
        begun.copied().collect::<Vec<&Record>>()
    };
    let seen = |begun: &[&Record], channel: Channel, pattern: &str| {
        begun.iter().flat_map(|record| &record.facts).any(|fact| {
            let rest = fact
                .path
                .strip_prefix(channel.name())
                .and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| watched(channel, pattern, rest))
        })
    };
    let expected = |whole: &str| case.body.expect.keys().any(|path| path.starts_with(whole));
    case.body
        .watch
        .iter()
        .flat_map(|(channel, watch)| watch.paths().iter().map(move |path| (*channel, path)))
        .filter(|(_, path)| !WORDS.contains(&path.as_str()))
        .map(|(channel, path)| (channel, path, format!("{channel}.{path}")))
        .filter(|(channel, path, whole)| {
            let begun = looked_at(whole);
            !begun.is_empty() && !seen(&begun, *channel, path) && !expected(whole)
        })
        .map(|(_, _, whole)| whole)
        .collect()
}

/// The first of them that says that the case is wrong: under every runtime it gets as far as that.
///
/// Considers only what every machine and this recorder show: a call or a mount is not seen without a recorder. Not every
/// kernel has every setting of a controller: one that shows is enough. Which hierarchies there are beside those of
/// controllers is up to the machine.
#[must_use]
pub fn telling(case: &Case, records: &[&Record]) -> Option<String> {
    let unseen = unseen(case, records);
    let is_recorded = records.iter().all(|record| is_recorded(record));
    let of_cgroups = unseen
        .iter()
        .filter(|path| Channel::of(path) == Some(Channel::Cgroup));
    let no_cgroup_shows = of_cgroups.count() == case.body.watched(Channel::Cgroup).len();
    let is_hierarchy = |path: &str| {
        let name = path.strip_prefix("cgroup.path.");
        name.is_some_and(|name| HIERARCHIES.contains(&name))
    };
    let is_reached = |path: &String| records.iter().all(|record| record.has_begun(path));
    let mut telling = unseen
        .into_iter()
        .filter(is_reached)
        .filter(|path| match Channel::of(path) {
            Some(Channel::Proc | Channel::Lifecycle | Channel::File | Channel::Hook | Channel::Engine) => {
                true
            }
            Some(Channel::Mount | Channel::Syscall | Channel::Filter) => is_recorded,
            Some(Channel::Cgroup) => is_recorded && no_cgroup_shows && !is_hierarchy(path),
            _ => false,
        });
    telling.next()
}

/// What a case expects or watches by its name, and the harness failed to read, with the reason.
#[must_use]
pub fn unread(case: &Case, records: &[&Record]) -> Option<String> {
    let watch = case.body.watch.iter();
    let watched = watch.flat_map(|(channel, watch)| {
        let paths = watch.paths().iter();
        paths.map(move |path| format!("{channel}.{path}"))
    });
    let mut asked = case.body.expect.keys().cloned().chain(watched);
    asked.find_map(|path| {
        let ran = records
            .iter()
            .filter(|record| record.has_begun(&path) && record.value(&path).is_none());
        let failed = ran.filter_map(|record| Some((record, record.unread(&path)?)));
        let (record, why) = failed.into_iter().next()?;
        let who = &record.runtime.label;
        Some(format!("{who}: {path} could not be read: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_model::Fact;

    fn record(ran: bool, facts: Vec<Fact>) -> Record {
        serde_json::from_value(serde_json::json!({
            "case": "t/c", "runtime": {"name": "r", "version": "1", "label": "r"}, "bundle": {"config": "x", "rootfs": "x"}, "recorder": "ebpf",
            "outcome": {"is": "complete"}, "ran": ran, "steps": [], "facts": facts, "seconds": 0.0,
        }))
        .expect("a record")
    }

    fn case(yaml: &str) -> Case {
        Case {
            name: "t/c".to_owned(),
            source: String::new(),
            member: None,
            body: serde_yaml::from_str(yaml).expect("a case"),
        }
    }

    #[test]
    fn what_the_harness_could_not_read_is_neither_seen_nor_absent() {
        let unread = Fact::new("proc.init.unread", vec!["comm EPERM".to_owned()]);
        let blind = record(true, vec![unread]);
        let sees = record(true, vec![Fact::new("proc.init.comm", "sh")]);
        let said = Some("r: proc.init.comm could not be read: EPERM".to_owned());
        for (yaml, expected) in [
            ("{summary: s, watch: {proc: [init.comm]}}", &said),
            ("{summary: s, expect: {proc.init.comm: sh}}", &said),
            ("{summary: s, expect: {proc.init.comm: (absent)}}", &said),
            ("{summary: s, watch: {proc: [init, init.exe]}}", &None),
            ("{summary: s}", &None),
        ] {
            assert_eq!(super::unread(&case(yaml), &[&sees, &blind]), *expected, "{yaml}");
            assert_eq!(super::unread(&case(yaml), &[&sees, &sees]), None, "{yaml}");
        }
    }

    #[test]
    fn what_is_watched_must_show_somewhere() {
        let record =
            |ran: bool, paths: &[&str]| record(ran, paths.iter().map(|path| Fact::new(*path, "x")).collect());
        let case = case(
            "{summary: s, watch: {syscall: [only, openat, mkdir, rmdir], proc: [exec, ids.uid], mount: [/gone, /here], file: [/x, /y], hook: [order], setup: ['*']}, \
             expect: {proc.ids.uid: (absent), file./y: (absent)}}",
        );
        let first = record(
            true,
            &[
                "syscall.openat(/etc/x)",
                "proc.exec.umask",
                "mount./here",
                "hook.order",
            ],
        );
        let second = record(true, &["syscall.rmdir"]);
        assert_eq!(
            unseen(&case, &[&first, &second]),
            ["syscall.mkdir", "mount./gone", "file./x"]
        );
        // A call comes first; without a recorder it says nothing.
        assert_eq!(
            telling(&case, &[&first, &second]).as_deref(),
            Some("syscall.mkdir")
        );
        let failed = record(false, &[]);
        assert_eq!(unseen(&case, &[&failed]), Vec::<String>::new());
    }

    #[test]
    fn a_watch_that_nothing_can_have_anything_for_is_told() {
        let record: Record = serde_json::from_value(serde_json::json!({
            "case": "t/c", "runtime": {"name": "r", "version": "1", "label": "r"}, "bundle": {"config": "x", "rootfs": "x"}, "recorder": "ebpf",
            "outcome": {"is": "complete"}, "ran": true, "steps": [], "facts": [{"path": "cgroup.pids.max", "value": 1}], "seconds": 0.0,
        }))
        .expect("a record");
        let unrecorded = Record {
            recorder: "none (why)".to_owned(),
            ..record.clone()
        };
        for (watch, recorded, without) in [
            ("cgroup: [memory.limit_in_bytes]", true, false),
            // Kernels are built with different settings.
            ("cgroup: [memory.limit_in_bytes, pids.max]", false, false),
            ("cgroup: [path.unified]", false, false),
            ("cgroup: [path.memory]", true, false),
            ("filter: [0.digest]", true, false),
            ("engine: [config]", true, true),
            ("setup: [mounts]", false, false),
        ] {
            let case = Case {
                name: "t/c".to_owned(),
                source: String::new(),
                member: None,
                body: serde_yaml::from_str(&format!("{{summary: s, watch: {{{watch}}}}}")).expect("a case"),
            };
            assert_eq!(telling(&case, &[&record]).is_some(), recorded, "{watch}");
            assert_eq!(telling(&case, &[&unrecorded]).is_some(), without, "{watch}");
        }
    }
}
