//! Names of facts: what is expected, watched and known must be a possible fact, about a step, a container, a hook and a
//! call that the case has.

use std::collections::BTreeSet;

use ocidiff_model::facts::{self, Found};
use ocidiff_model::{Case, Channel, Expectation, Op, Watch, fact, near, step};
use serde_json::Value as Json;

use super::place::Place;
use super::slip::Slip;
use super::values;
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::names;

/// What a case's facts can be about.
pub(super) struct Names {
    /// Labels of the steps.
    steps: Vec<String>,
    /// Other containers, and exec'ed processes.
    pub(super) others: Vec<String>,
    /// Hooks by the name under which they log; `None` if one of them is not the probe.
    hooks: Option<BTreeSet<String>>,
}

impl Names {
    pub(super) fn of(case: &Case) -> Self {
        let steps = step::labels(&case.body.steps);
        let containers = case.body.steps.iter().map(|step| step.container().to_owned());
        let execs = steps
            .iter()
            .zip(&case.body.steps)
            .filter(|(_, step)| step.op == Op::Exec);
        let others: BTreeSet<String> = containers.chain(execs.map(|(label, _)| label.clone())).collect();
        Self {
            others: others.into_iter().filter(|name| name != step::MAIN).collect(),
            // The default config has none.
            hooks: hooks(&case.body.config),
            steps,
        }
    }

    /// What is wrong with a fact's path.
    pub(super) fn fact(&self, path: &str) -> Option<Slip> {
        known_fact(path).map_or_else(Some, |found| self.parts(&found))
    }

    /// What is wrong with a path that is watched.
    fn watch(&self, channel: Channel, path: &str) -> Option<Slip> {
        if channel == Channel::Syscall && path == fact::ONLY {
            return None;
        }
        let chosen = facts::chosen(channel, path, &self.others);
        // One suitable reading is enough.
        let slips: Vec<Option<Slip>> = chosen.iter().map(|found| self.parts(found)).collect();
        if slips.iter().any(Option::is_none) {
            return None;
        }
        if let Some(slip) = slips.into_iter().flatten().next() {
            return Some(slip);
        }
        let whole = format!("{channel}.{path}");
        let help = facts::meant(&whole).map_or_else(
            || format!("`ocidiff facts '{channel}.*'` lists them all"),
            |meant| {
                let meant = meant.split_once('.').map_or(meant.as_str(), |(_, rest)| rest);
                format!("did you mean `{meant}`?")
            },
        );
        Some((
            format!("`{path}` chooses no fact of the channel {channel}"),
            Some(help),
        ))
    }

    /// Whether step, container, hook and call exist.
    pub(super) fn parts(&self, found: &Found<'_>) -> Option<Slip> {
        let plain = |text: &str| text.trim_end_matches('.').to_owned();
        if let Some(of) = found.of.filter(|of| !self.others.iter().any(|other| other == of)) {
            let help = near::help(of, self.others.iter().map(String::as_str));
            return Some((format!("no step makes a container or process `{of}`"), help));
        }
        for hole in ["step", "run"] {
            if let Some(step) = found.hole(hole).map(plain)
                && !self.steps.contains(&step)
                && !self.others.contains(&step)
            {
                let help = near::help(&step, self.steps.iter().map(String::as_str));
                return Some((format!("the case has no step `{step}`"), help));
            }
        }
        if let Some(call) = found.hole("call").filter(|call| !names::is_call(call)) {
            return Some((format!("unknown system call `{call}`"), names::call_help(call)));
        }
        if let (Some(hook), Some(hooks)) = (found.hole("hook").map(plain), &self.hooks)
            && !hooks.contains(&hook)
        {
            let help = near::help(&hook, hooks.iter().map(String::as_str));
            return Some((format!("the config has no hook that logs as `{hook}`"), help));
        }
        None
    }
}

/// A value that the fact can never have.
fn impossible(path: &str, expectation: &Expectation) -> Option<Slip> {
    let kinds = facts::named(path);
    expectation
        .values()
        .find_map(|value| values::slip(path, &kinds, value))
}

/// The fact of a path, or what is wrong with it.
pub(super) fn known_fact(path: &str) -> Result<Found<'_>, Slip> {
    if let Some(found) = facts::find(path) {
        return Ok(found);
    }
    let meant = facts::meant(path).map(|meant| format!("did you mean `{meant}`?"));
    if Channel::of(path).is_none() && meant.is_none() {
        let channels = Channel::ALL.map(Channel::name).join(", ");
        let help = format!("a fact's path opens with one of {channels}");
        return Err((format!("`{path}` belongs to no channel"), Some(help)));
    }
    let help = meant.unwrap_or_else(|| "`ocidiff facts` lists them all".to_owned());
    Err((format!("there is no fact `{path}`"), Some(help)))
}

/// The third word of each hook that is the probe; other hooks can log anything.
fn hooks(config: &Json) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let kinds = config["hooks"].as_object().into_iter().flatten();
    for hook in kinds.flat_map(|(_, hooks)| hooks.as_array().into_iter().flatten()) {
        if hook["args"][1].as_str() != Some("hook") {
            return None;
        }
        names.extend(hook["args"][3].as_str().map(str::to_owned));
    }
    Some(names)
}

/// Everything that a case expects and watches.
pub(super) fn case(place: Place<'_>, names: &Names) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let body = &place.case.body;
    for (path, expectation) in &body.expect {
        let slip = names.fact(path).or_else(|| impossible(path, expectation));
        found.extend(slip.map(|(message, help)| place.at(&["expect", path], message, help)));
    }
    for (channel, watch) in &body.watch {
        for (index, path) in Watch::paths(watch).iter().enumerate() {
            let slip = names.watch(*channel, path);
            let keys = ["watch", channel.name(), &index.to_string()];
            found.extend(slip.map(|(message, help)| place.at(&keys, message, help)));
        }
    }
    found
}
