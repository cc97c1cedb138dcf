//! Rules that cannot do what they say: edits of what no document has, and scripts that ask for what nobody sets.

use std::collections::BTreeSet;

use ocidiff_model::{Op, near};

use super::edit::Edit;
use super::path::Path;
use super::rule::{CallRule, Mutant};
use crate::corpus::spec;

/// What the wrapper sets for a script.
pub(super) const VARIABLES: [&str; 6] = ["OP", "ID", "PID", "PID_FILE", "BUNDLE", "ROOT"];

/// What every shell has.
const ITS_OWN: [&str; 5] = ["PATH", "HOME", "PWD", "IFS", "PPID"];

/// What is wrong in a part of a rule: the keys that lead to it, the message, what to do.
pub(super) type Wrong = (Vec<String>, String, Option<String>);

/// Everything that is wrong with a mutant's edits and scripts.
pub(super) fn rule(mutant: &Mutant) -> Vec<Wrong> {
    let rule = &mutant.rule;
    let mut excused = BTreeSet::new();
    let mut found = Vec::new();
    for (key, root, edits) in [
        ("config", "config", &rule.config),
        ("process", "process", &rule.process),
        ("resources", "resources", &rule.resources),
    ] {
        found.extend(edits_of(mutant, &[key], root, edits, &mut excused));
    }
    for (op, call) in &rule.calls {
        let keys = ["calls", op.name(), "output"];
        match printed(*op) {
            Some(root) => found.extend(edits_of(mutant, &keys, root, &call.output, &mut excused)),
            None if call.output.is_empty() => {}
            None => {
                let message = format!("`{op}` prints no JSON map: edits of it change nothing");
                found.push((owned(&[&["rule"], &keys[..]].concat()), message, None));
            }
        }
        found.extend(scripts(*op, call));
    }
    for path in mutant.invalid.iter().map(Path::to_string) {
        if !excused.contains(&path) {
            let message = format!(
                "`invalid` says that no edit of `{path}` can be right, and there is none that is wrong"
            );
            found.push((
                owned(&["invalid"]),
                message,
                Some("remove it, or mend its spelling".to_owned()),
            ));
        }
    }
    found
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// The type of what a step prints, if that is a JSON map.
fn printed(op: Op) -> Option<&'static str> {
    match op {
        Op::State => Some("state"),
        Op::Features => Some("features"),
        _ => None,
    }
}

fn edits_of(
    mutant: &Mutant,
    keys: &[&str],
    root: &str,
    edits: &[Edit],
    excused: &mut BTreeSet<String>,
) -> Vec<Wrong> {
    let mut found = Vec::new();
    for (at, edit) in edits.iter().enumerate() {
        for path in edit.paths() {
            let Err(wrong) = spec::check_path(root, &path.steps()) else {
                continue;
            };
            if mutant.invalid.contains(path) {
                excused.insert(path.to_string());
                continue;
            }
            let at = at.to_string();
            let place = owned(&[&["rule"], keys, &[at.as_str()]].concat());
            let help = wrong
                .help
                .or_else(|| Some("if that is on purpose, name the path in `invalid`".to_owned()));
            found.push((place, format!("{} in `{path}`", wrong.message), help));
        }
    }
    found
}

/// Scripts with a variable that nobody sets.
fn scripts(op: Op, call: &CallRule) -> Vec<Wrong> {
    let all = [
        ("before", &call.before),
        ("after", &call.after),
        ("on-failure", &call.on_failure),
    ];
    let wrong = |(key, script): (&str, &Option<String>)| {
        let name = unset(script.as_ref()?)?;
        let message = format!("`{key}` uses `${name}`, which nobody sets");
        Some((
            owned(&["rule", "calls", op.name(), key]),
            message,
            near::help(&name, VARIABLES),
        ))
    };
    all.into_iter().filter_map(wrong).collect()
}

/// A variable in a script that neither the wrapper nor the script itself sets.
fn unset(script: &str) -> Option<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = script;
    while let Some((_, after)) = rest.split_once('$') {
        let named = after.strip_prefix('{').unwrap_or(after);
        let end = named.find(|c| !is_name(c)).unwrap_or(named.len());
        let (name, tail) = named.split_at(end);
        rest = after;
        let is_variable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let has_default = after.starts_with('{') && tail.starts_with([':', '-', '+', '=', '?']);
        let is_set = VARIABLES.contains(&name) || ITS_OWN.contains(&name) || has_default;
        if is_variable && !is_set && !sets(script, name) {
            return Some(name.to_owned());
        }
    }
    None
}

/// Whether a script gives the variable a value: by `NAME=`, `for NAME` or `read NAME`.
fn sets(script: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut places = script.match_indices(name);
    places.any(|(at, _)| {
        let (before, after) = (&script[..at], &script[at + name.len()..]);
        let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        let word = before
            .trim_end()
            .rsplit(|c: char| !is_part(c))
            .next()
            .unwrap_or_default();
        is_whole
            && !before.ends_with(['$', '{'])
            && (after.starts_with('=') || ["for", "read"].contains(&word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(yaml: &str) -> String {
        let mutant: Mutant = serde_yaml::from_str(&format!("{{name: a, summary: s, {yaml}}}")).expect(yaml);
        let line = |(keys, message, help): Wrong| {
            format!("{}: {message}; {}", keys.join("."), help.unwrap_or_default())
        };
        rule(&mutant).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn edits_and_scripts_that_can_work_pass() {
        for yaml in [
            "rule: {config: [{drop: 'process.rlimits[type=RLIMIT_CORE].soft'}, {set: 'mounts.*.options[ro]', to: rw}]}",
            "rule: {config: [{drop: 'mounts[-1]'}, {drop: 'linux.sysctl[\"a.b\"]'}, {drop: 'hooks.*[1].env'}, {drop: 'annotations.x'}]}",
            "rule: {config: [{move: linux.uidMappings, to: linux.gidMappings}, {drop: 'linux.seccomp.syscalls.*.names[0]'}]}",
            "rule: {process: [{set: user.uid, to: 0}], resources: [{drop: memory.limit}]}",
            "rule: {calls: {state: {output: [{drop: annotations.a}]}, features: {output: [{drop: 'linux.namespaces[user]'}]}}}",
            "rule: {calls: {create: {before: 'x=1; echo $x ${y:-} $1 $? $$ \"$PID\" ${BUNDLE}/a', after: 'for f in a; do echo $f; done'}}}",
            "invalid: [hostnam], rule: {config: [{add: hostnam, to: foo}]}",
        ] {
            assert_eq!(told(yaml), "", "{yaml}");
        }
    }

    #[test]
    fn edits_and_scripts_with_a_slip_are_told_with_what_was_meant() {
        for (yaml, expected) in [
            (
                "rule: {config: [{set: hostnam, to: foo}]}",
                "rule.config.0: unknown member `hostnam` in `hostnam`; did you mean `hostname`?",
            ),
            (
                "rule: {config: [{drop: hooks.postop}]}",
                "did you mean `poststop`?",
            ),
            (
                "rule: {config: [{drop: 'process.rlimits[typ=RLIMIT_CORE]'}]}",
                "did you mean `type`?",
            ),
            (
                "rule: {config: [{drop: process.rlimits.soft}]}",
                "nothing lies below `process.rlimits`",
            ),
            (
                "rule: {config: [{move: linux.uidMappings, to: linux.gidMaping}]}",
                "did you mean `gidMappings`?",
            ),
            ("rule: {process: [{drop: usr.uid}]}", "did you mean `user`?"),
            ("rule: {resources: [{drop: memry}]}", "did you mean `memory`?"),
            (
                "rule: {calls: {state: {output: [{drop: annotatons}]}}}",
                "rule.calls.state.output.0: unknown member `annotatons`",
            ),
            (
                "rule: {calls: {list: {output: [{drop: a}]}}}",
                "prints no JSON map",
            ),
            (
                "rule: {calls: {create: {before: 'rm $BUNDEL/x'}}}",
                "`before` uses `$BUNDEL`, which nobody sets; did you mean `BUNDLE`?",
            ),
            (
                "rule: {calls: {create: {after: 'echo ${PIDFILE}'}}}",
                "did you mean `PID_FILE`?",
            ),
            (
                "invalid: [hostname], rule: {config: [{drop: hostname}]}",
                "invalid: `invalid` says",
            ),
        ] {
            let told = told(yaml);
            assert!(told.contains(expected), "{yaml}: {told}");
        }
    }
}
