//! The program that a container starts: its rootfs must have it, and the probe must know what it is asked for.
//!
//! This is checked only where it can be known before the run: not for packages, which are not there yet, nor below
//! mounts and links.

use std::collections::BTreeSet;
use std::path::Path;

use ocidiff_model::{Case, near};
use ocidiff_probe::check;
use serde_json::Value;

use crate::corpus::Corpus;
use crate::corpus::spec::Wrong;
use crate::paths;

/// The probe outside the container, where hooks find it.
const OUTSIDE: &str = "${probe}";
/// The action of the probe that starts another program, with everything that follows as its command.
const EXEC: &str = "exec";

/// What is known about a container's files.
pub(super) struct Root {
    /// Every path, without a `/` at its end.
    paths: BTreeSet<String>,
    /// The paths that are the probe.
    probes: BTreeSet<String>,
    /// Anything can be below these.
    open: Vec<String>,
    /// Whether there are files that are not known.
    unknown: bool,
}

impl Root {
    pub(super) fn of(case: &Case, config: &Value, corpus: &Corpus) -> Self {
        let body = &case.body;
        let recipe = body.rootfs.recipe().and_then(|name| corpus.rootfs.get(name));
        let mut root = Self {
            paths: BTreeSet::new(),
            probes: BTreeSet::from([OUTSIDE.to_owned()]),
            open: Vec::new(),
            // A text edit can change anything; another root is not ours.
            unknown: recipe.is_none_or(|recipe| !recipe.packages.is_empty())
                || !body.config_text.is_empty()
                || config["root"]["path"] != "rootfs",
        };
        for (path, file) in recipe
            .into_iter()
            .flat_map(|recipe| &recipe.files)
            .chain(&body.files)
        {
            let path = path.trim_end_matches('/').to_owned();
            if file.probe {
                root.probes.insert(path.clone());
            }
            if file.symlink.is_some() {
                root.open.push(path.clone());
            }
            root.paths.insert(path);
        }
        let mounts = config["mounts"].as_array().into_iter().flatten();
        root.open.extend(
            mounts
                .filter_map(|mount| mount["destination"].as_str())
                .map(str::to_owned),
        );
        root
    }

    /// What is wrong with the programs of a config: the process's own, and hooks that are the probe.
    pub(super) fn programs(&self, config: &Value) -> Vec<Wrong> {
        let mut found = self.process(&config["process"]);
        for (kind, hooks) in config["hooks"].as_object().into_iter().flatten() {
            for (index, hook) in hooks.as_array().into_iter().flatten().enumerate() {
                let keys = ["hooks", kind, &index.to_string(), "args"].map(str::to_owned);
                let path = hook["path"].as_str().unwrap_or_default();
                if self.probes.contains(path) {
                    found.extend(self.probe_words(&words(&hook["args"]), &keys));
                }
            }
        }
        found
    }

    /// The same for a process.
    pub(super) fn process(&self, process: &Value) -> Vec<Wrong> {
        let keys = ["process", "args"].map(str::to_owned);
        let words = words(&process["args"]);
        let Some(program) = words.first().filter(|program| !program.is_empty()) else {
            return Vec::new();
        };
        let candidates = places(program, &process["cwd"], &process["env"]);
        if candidates.iter().any(|path| self.probes.contains(path)) {
            return self.probe_words(&words, &keys).into_iter().collect();
        }
        if candidates.is_empty() || candidates.iter().any(|path| self.may_have(path)) {
            return Vec::new();
        }
        let names = self.paths.iter().map(String::as_str);
        let help = candidates.iter().find_map(|path| near::near(path, names.clone()));
        vec![Wrong {
            keys: keys.to_vec(),
            message: format!("the rootfs has no program `{program}`"),
            help: help
                .map(|meant| format!("did you mean `{meant}`?"))
                .or_else(|| Some("a case that is about this says `invalid: [process.args]`".to_owned())),
            value: Some(Value::from(*program)),
        }]
    }

    /// Whether a process can report a fact of the probe: no other program than the probe itself is known.
    pub(super) fn can_report(&self, process: &Value, name: &str) -> bool {
        let words = words(&process["args"]);
        let Some(program) = words.first() else { return true };
        let mut candidates = places(program, &process["cwd"], &process["env"]).into_iter();
        !candidates.any(|path| self.probes.contains(&path)) || self.probe_can_report(&words, name)
    }

    fn probe_can_report(&self, words: &[&str], name: &str) -> bool {
        let Some(next) = self.probe_again(words) else {
            return check::can_report(words, name);
        };
        // `probe facts ids then exec probe facts`: what comes before `then`.
        let before = &words[..words.len().saturating_sub(next.len() + 2)];
        name.starts_with("exec.")
            || (before.len() > 1 && check::can_report(before, name))
            || self.probe_can_report(next, name)
    }

    /// The probe that the probe becomes, with its words.
    fn probe_again<'w, 'a>(&self, words: &'w [&'a str]) -> Option<&'w [&'a str]> {
        let exec = words.iter().position(|word| *word == EXEC)?;
        let next = words.get(exec + 1..)?;
        self.probes.contains(*next.first()?).then_some(next)
    }

    fn may_have(&self, path: &str) -> bool {
        let below = |open: &String| {
            path.strip_prefix(open.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || open == "/")
        };
        self.unknown || self.paths.contains(path) || self.open.iter().any(below)
    }

    /// What the probe would not know among the things that it is asked for.
    fn probe_words(&self, words: &[&str], keys: &[String]) -> Option<Wrong> {
        if let Some(wrong) = check::check(words).err() {
            let meant = wrong
                .word
                .as_ref()
                .and_then(|word| near::near(word, wrong.names.iter().copied()));
            return Some(Wrong {
                keys: keys.to_vec(),
                message: format!("the probe cannot do this: {}", wrong.why),
                help: Some(meant.map_or_else(
                    || "`/bin/probe help` prints what it can do".to_owned(),
                    |meant| format!("did you mean `{meant}`?"),
                )),
                value: wrong.word.map(Value::from),
            });
        }
        self.probe_words(self.probe_again(words)?, keys)
    }
}

fn words(args: &Value) -> Vec<&str> {
    let words = args.as_array().into_iter().flatten();
    words.map(|word| word.as_str().unwrap_or_default()).collect()
}

/// Where a program is searched for; nowhere if that is up to the runtime.
fn places(program: &str, cwd: &Value, env: &Value) -> Vec<String> {
    if program.starts_with('$') {
        return vec![program.to_owned()];
    }
    if program.starts_with('/') {
        return vec![plain(program)];
    }
    if program.contains('/') {
        return vec![plain(&format!("{}/{program}", cwd.as_str().unwrap_or_default()))];
    }
    let path = words(env)
        .into_iter()
        .rev()
        .find_map(|entry| entry.strip_prefix("PATH="));
    let folders = path.into_iter().flat_map(|path| path.split(':'));
    folders
        .map(|folder| plain(&format!("{folder}/{program}")))
        .collect()
}

/// A path without `.` and `..`; a trailing `/`, which asks for a folder, stays.
fn plain(path: &str) -> String {
    let end = if path.ends_with('/') && path.len() > 1 {
        "/"
    } else {
        ""
    };
    format!("{}{end}", paths::plain(Path::new(path)).display())
}
