//! How much of a run there is to compare.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Record, StepRecord};
use crate::fact::{Channel, Fact};
use crate::step::Op;
use crate::{facts, life};

/// What of a run is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "why")]
pub enum RunOutcome {
    /// Every step was taken and everything was observed.
    Complete,
    /// The runtime says that it does not support what some of the containers ask for; the others are compared.
    Partly(Aside),
    /// The runtime says that it does not support what the case asks for.
    Unsupported(String),
    /// The harness or the machine failed.
    Broken(String),
}

/// The containers that are not compared, because the runtime does not support what they, or those that they depend on,
/// ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Their lives: `main`, `main#2`.
    pub lives: Vec<String>,
    /// What the runtime does not support.
    pub why: String,
}

impl Aside {
    /// What is said about it.
    #[must_use]
    pub fn says(&self) -> String {
        let lives = self.lives.join(", ");
        format!(
            "{}; only what concerns {lives} or the whole run is left out",
            self.why
        )
    }
}

impl RunOutcome {
    /// The outcome of a run: a failure of the harness outweighs a refusal of the runtime. Two values for one path are a
    /// failure, since only one of them would be compared.
    #[must_use]
    pub fn of(broken: Option<String>, refusal: Option<Self>, facts: &[Fact]) -> Self {
        let broken = broken.or_else(|| twice(facts)).map(Self::Broken);
        broken.or(refusal).unwrap_or(Self::Complete)
    }

    /// Why some or all of it is not compared.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Complete => None,
            Self::Partly(aside) => Some(aside.says()),
            Self::Unsupported(why) | Self::Broken(why) => Some(why.clone()),
        }
    }

    /// The words in which it says why, for what hides secrets in them.
    pub fn words_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Complete => None,
            Self::Partly(Aside { why, .. }) | Self::Unsupported(why) | Self::Broken(why) => Some(why),
        }
    }
}

/// What is wrong with facts of which two have one path.
fn twice(facts: &[Fact]) -> Option<String> {
    let mut seen = BTreeMap::new();
    let (fact, first) = facts
        .iter()
        .find_map(|fact| Some((fact, seen.insert(fact.path.as_str(), &fact.value)?)))?;
    Some(format!(
        "two values were recorded for {}: {} and {}",
        fact.path,
        first.quoted(),
        fact.value.quoted()
    ))
}

impl Record {
    /// Whether a fact is put aside: it is of a container that the runtime does not support, or of the whole run, in
    /// which that container then is missing.
    #[must_use]
    pub fn is_aside(&self, path: &str) -> bool {
        let RunOutcome::Partly(aside) = &self.outcome else {
            return false;
        };
        let Some(container) = self.container_of(path) else {
            return self.is_of_all(path);
        };
        // What changed in its files is not told apart by lives.
        let life = (Channel::of(path) != Some(Channel::File)).then(|| self.life_of(path));
        aside.lives.iter().any(|name| match life {
            Some(life) => *name == life::name_of(container, life),
            None => facts::without_count(name) == container,
        })
    }

    /// Whether a fact that is not about one container says something about all of them.
    fn is_of_all(&self, path: &str) -> bool {
        match self.step_of(path) {
            Some(step) => step.op == Op::List && !path.ends_with(".result"),
            None => true,
        }
    }

    /// The life that the container of a fact is in.
    #[must_use]
    pub fn life_of(&self, path: &str) -> u32 {
        let process = facts::find(path).and_then(|found| found.of);
        let of_process = || {
            self.steps
                .iter()
                .find(|step| Some(step.label.as_str()) == process)
        };
        let step = self.step_of(path).or_else(of_process);
        step.map_or_else(|| life::life_of(path).0, |step| self.life_at(step))
    }

    /// The life that the container of a step is in.
    #[must_use]
    pub fn life_at(&self, step: &StepRecord) -> u32 {
        let lives = life::lives_of(self.steps.iter().map(|step| (step.container(), step.op)));
        let mut steps = self.steps.iter().zip(lives);
        let found = steps.find(|(one, _)| one.label == step.label);
        found.map_or(1, |(_, life)| life)
    }
}
