//! Facts of which a finding says how they differ: it must be able to show there, in one of the cases.

use std::cell::OnceCell;

use ocidiff_model::finding::Sign;
use ocidiff_model::{Case, Finding, FindingId, Pattern};
use serde_json::Value as Json;

use crate::corpus::Corpus;
use crate::corpus::check::slip::Slip;
use crate::corpus::configs::{self, Configs};

/// A case that a known file is about. Its configs are put together when a finding first asks for them, and once: that
/// takes most of the time of loading.
pub(super) struct About<'c> {
    pub(super) case: &'c Case,
    /// None: they cannot be put together.
    configs: OnceCell<Option<Configs>>,
}

impl<'c> About<'c> {
    pub(super) const fn new(case: &'c Case) -> Self {
        Self {
            case,
            configs: OnceCell::new(),
        }
    }

    /// Whether a config that the fact can be due to is such a one. What cannot be put together, or is not JSON on
    /// purpose, may be intended.
    fn is_behind(&self, fact: &str, corpus: &Corpus, is_such: impl Fn(&Json) -> bool) -> bool {
        let make = || {
            let texts = configs::texts(self.case, corpus).ok()?;
            Some(Configs::new(self.case, &texts))
        };
        self.configs.get_or_init(make).as_ref().is_none_or(|configs| {
            let mut behind = configs.behind(fact).into_iter();
            behind.any(|(_, config)| config.is_null() || is_such(config))
        })
    }
}

/// Why a finding cannot show in the fact. What follows from it in other facts is recognised without being written, and
/// would never be missed there.
pub(super) fn slip(id: &FindingId, fact: &str, about: &[&About], corpus: &Corpus) -> Option<Slip> {
    let finding = corpus.findings.find(id)?;
    unsaid(id, fact, finding)
        .or_else(|| foreign(id, fact, finding, about, corpus))
        .or_else(|| unplaced(id, fact, finding, about, corpus))
}

/// It says nothing of the fact.
fn unsaid(id: &FindingId, fact: &str, finding: &Finding) -> Option<Slip> {
    if finding.shows.is_empty() {
        let message = format!("`{id}` has no `shows` that could say how the fact differs");
        let help = "write the values: [{because: ID, shows: VALUE}, {otherwise: VALUE}]";
        return Some((message, Some(help.to_owned())));
    }
    if finding.shows.iter().any(|sign| sign.is_about(fact)) {
        return None;
    }
    let message = format!(
        "`{id}` does not show in `{fact}`: its `shows` are about {}",
        facts_of(finding)
    );
    let help = "name it in a fact that it shows in (what follows from that is recognised without being written), or \
                write the values: [{because: ID, shows: VALUE}, {otherwise: VALUE}]";
    Some((message, Some(help.to_owned())))
}

/// The facts that its signs are about, each once.
fn facts_of(finding: &Finding) -> String {
    let mut facts: Vec<&str> = Vec::new();
    for Sign { fact, .. } in &finding.shows {
        if !facts.contains(&fact.as_str()) {
            facts.push(fact);
        }
    }
    facts
        .iter()
        .map(|fact| format!("`{fact}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// It is about other kinds of configs or steps than the cases have.
fn foreign(id: &FindingId, fact: &str, finding: &Finding, about: &[&About], corpus: &Corpus) -> Option<Slip> {
    let applies = finding.applies.as_ref()?;
    let fits = |about: &&About| {
        let has = |op| about.case.body.steps.iter().any(|step| step.op == op);
        let fits = |pattern: &Pattern| about.is_behind(fact, corpus, |config| pattern.fits(config));
        applies.steps.iter().all(|op| has(*op)) && applies.config.as_ref().is_none_or(fits)
    };
    if about.is_empty() || about.iter().any(fits) {
        return None;
    }
    let message = format!("`{id}` does not apply to what the case has in its config and steps");
    Some((
        message,
        Some(format!("see `applies` in cases/findings/{id}.yaml")),
    ))
}

/// What its signs ask for at the path is not in the config.
fn unplaced(
    id: &FindingId,
    fact: &str,
    finding: &Finding,
    about: &[&About],
    corpus: &Corpus,
) -> Option<Slip> {
    let signs = || finding.shows.iter().filter(|sign| sign.is_about(fact));
    let has = |config: &Json| signs().any(|sign| sign.is_in_config(fact, config));
    let is_there = |about: &&About| about.is_behind(fact, corpus, has);
    let is_any = signs().any(|sign| !sign.is_placed());
    if is_any || about.is_empty() || about.iter().any(is_there) {
        return None;
    }
    let message = format!("`{id}` does not show in `{fact}`: the config does not have it at this path");
    Some((
        message,
        Some(format!(
            "see `listed`, `mounted` and `within` in cases/findings/{id}.yaml"
        )),
    ))
}
