//! What a runtime does not support, by its words when it is to make a container, and what of a run that leaves out.

use std::collections::BTreeMap;

use ocidiff_model::life;
use ocidiff_model::record::{Aside, CallResult, RunOutcome};
use ocidiff_model::step::{MAIN, labels};
use ocidiff_model::{Case, Op, Step, StepRecord};
use ocidiff_runtimes::Manifest;
use serde_json::Value as Json;

/// The outcome of a run in which the runtime refuses to make a container, if its words mean that it does not support it.
/// What other containers show is compared, unless it depends on one that there is not.
pub(super) fn of(
    manifest: &Manifest,
    case: &Case,
    configs: &BTreeMap<String, String>,
    taken: &[StepRecord],
) -> Option<RunOutcome> {
    let config = |name: &str| -> Json {
        let text = configs.get(name).or_else(|| configs.get(MAIN));
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    };
    let refusal = |step: &StepRecord| {
        let is_refused = step.op.makes_container() && step.result == CallResult::Error;
        let version = &config(step.container())["ociVersion"];
        let why = manifest.refusal(&step.text, version.as_str());
        why.filter(|_| is_refused)
            .map(|why| (step.label.clone(), why.to_owned()))
    };
    let refused: Vec<(String, String)> = taken.iter().filter_map(refusal).collect();
    let (_, why) = refused.first()?.clone();
    let made = Made::of(&case.body.steps);
    let is_refused = |made: &Made<'_>| refused.iter().any(|(label, _)| *label == made.label);
    let (mut gone, mut left): (Vec<Made<'_>>, Vec<Made<'_>>) = made.into_iter().partition(is_refused);
    let same_cgroup = |one: &Made<'_>, other: &Made<'_>| {
        let of = |made: &Made<'_>| config(made.container)["linux"]["cgroupsPath"].clone();
        one.container != other.container && of(one).is_string() && of(one) == of(other)
    };
    let depends =
        |one: &Made<'_>, gone: &Made<'_>| one.depends_on(gone, &case.body.steps) || same_cgroup(one, gone);
    while let Some(at) = left
        .iter()
        .position(|one| gone.iter().any(|gone| depends(one, gone)))
    {
        gone.push(left.remove(at));
    }
    Some(if left.is_empty() {
        RunOutcome::Unsupported(why)
    } else {
        gone.sort_by_key(|made| made.at);
        let lives = gone.iter().map(|made| life::name_of(made.container, made.life));
        RunOutcome::Partly(Aside {
            lives: lives.collect(),
            why,
        })
    })
}

/// A life of a container, which a step of the case makes.
struct Made<'s> {
    container: &'s str,
    life: u32,
    label: String,
    /// The place of the step.
    at: usize,
    /// The ids with which the runtime is called for it.
    ids: Vec<&'s str>,
}

impl<'s> Made<'s> {
    fn of(steps: &'s [Step]) -> Vec<Self> {
        let lives = life::lives(steps);
        let makes = steps.iter().zip(labels(steps)).enumerate();
        let makes = makes.filter(|(_, (step, _))| step.op.makes_container());
        makes
            .map(|(at, (step, label))| {
                let (container, life) = (step.container(), lives[at]);
                let own = steps.iter().zip(&lives);
                let own = own.filter(|(step, in_life)| step.container() == container && **in_life == life);
                let ids = own.map(|(step, _)| step.options.id.as_deref().unwrap_or(container));
                Self {
                    container,
                    life,
                    label,
                    at,
                    ids: ids.collect(),
                }
            })
            .collect()
    }

    /// Whether what it shows can be due to the other one, so that it says nothing if that was not made.
    fn depends_on(&self, gone: &Self, steps: &[Step]) -> bool {
        let is_again = self.container == gone.container;
        let ends = |step: &Step| step.op == Op::Delete && step.container() == gone.container;
        let is_before = gone.at < self.at;
        let is_still_there = || steps[gone.at].op == Op::Create && !steps[gone.at..self.at].iter().any(ends);
        if is_again {
            return is_before && is_still_there();
        }
        let shares_id = self.ids.iter().any(|id| gone.ids.contains(id));
        shares_id || (gone.container == MAIN && self.waits_for(gone, steps))
    }

    /// Whether it runs while the other one is made, as an agent that waits for it does.
    fn waits_for(&self, other: &Self, steps: &[Step]) -> bool {
        let is_own = |step: &Step| step.container() == self.container;
        let begins = |step: &Step| is_own(step) && matches!(step.op, Op::Start | Op::Run);
        steps[..other.at].iter().any(begins) && steps[other.at..].iter().any(is_own)
    }
}

#[cfg(test)]
mod tests;
