//! What a case watches and no run has shown: a path or a call for which only the run can show that it is misspelt, or
//! what the harness failed to read.

use ocidiff_model::fact::watched;
use ocidiff_model::{Case, Channel, Record};

/// Words in `watch` that choose nothing themselves: "all", and "no others".
const WORDS: [&str; 2] = ["*", "only"];

/// The watched paths that chose nothing in any of the records, as `syscall.fchmodat2`.
///
/// Paths do not count if no workload ran, or if the case expects something of them: that one is `(absent)` may be
/// the point.
#[must_use]
pub fn unseen(case: &Case, records: &[&Record]) -> Vec<String> {
    let ran: Vec<&&Record> = records.iter().filter(|record| record.ran).collect();
    if ran.is_empty() {
        return Vec::new();
    }
    let seen = |channel: Channel, pattern: &str| {
        ran.iter().flat_map(|record| &record.facts).any(|fact| {
            let rest = fact
                .path
                .strip_prefix(channel.name())
                .and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| watched(pattern, rest))
        })
    };
    let expected = |whole: &str| case.body.expect.keys().any(|path| path.starts_with(whole));
    case.body
        .watch
        .iter()
        .flat_map(|(channel, watch)| watch.paths().iter().map(move |path| (*channel, path)))
        .filter(|(_, path)| !WORDS.contains(&path.as_str()))
        .filter(|(channel, path)| !seen(*channel, path))
        .map(|(channel, path)| format!("{channel}.{path}"))
        .filter(|whole| !expected(whole))
        .collect()
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
            .filter(|record| record.ran && record.value(&path).is_none());
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
        let failed = record(false, &[]);
        assert_eq!(unseen(&case, &[&failed]), Vec::<String>::new());
    }
}
