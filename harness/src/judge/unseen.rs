//! What a case watches and no run has shown: a path or a call for which only the run can show that it is misspelt.

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
            rest.is_some_and(|rest| watched(channel, pattern, rest))
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

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_model::Fact;

    #[test]
    fn what_is_watched_must_show_somewhere() {
        let record = |ran: bool, paths: &[&str]| -> Record {
            let facts: Vec<Fact> = paths.iter().map(|path| Fact::new(*path, "x")).collect();
            serde_json::from_value(serde_json::json!({
                "case": "t/c", "runtime": {"name": "r", "version": "1", "label": "r"}, "bundle": {"config": "x", "rootfs": "x"}, "recorder": "ebpf",
                "outcome": {"is": "complete"}, "ran": ran, "steps": [], "facts": facts, "seconds": 0.0,
            }))
            .expect("a record")
        };
        let body = serde_yaml::from_str(
            "{summary: s, watch: {syscall: [only, openat, mkdir, rmdir], proc: [exec, ids.uid], mount: [/gone, /here], file: [/x, /y], hook: [order], setup: ['*']}, \
             expect: {proc.ids.uid: (absent), file./y: (absent)}}",
        );
        let case = Case {
            name: "t/c".to_owned(),
            source: String::new(),
            member: None,
            body: body.expect("a case"),
        };
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
