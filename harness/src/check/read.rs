//! What can be told from a config.json alone: findings that such a workload can meet under one of the runtimes and not
//! under the other, and what the runtimes say that they support.

use std::collections::BTreeSet;

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::finding::{Card, Sign};
use ocidiff_model::known::Machine;
use ocidiff_model::{Finding as Known, FindingId, Impact, Op};
use serde_json::Value as Json;

use super::features::Features;
use super::judge::Move;
use crate::corpus::Corpus;

/// A difference that was found by reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What is told of it.
    pub finding: Finding,
    /// How it would show, if the probe met it; nothing where it comes from the runtimes' features.
    pub shows: Vec<Sign>,
    /// Whether the probe's copy of the config has what it is about too, so that the probe may see it for itself.
    pub tried: bool,
}

impl Read {
    /// Whether the probe has tried just this, so that what it saw counts, whatever is written.
    #[must_use]
    pub fn is_settled_by(&self, seen: &BTreeSet<String>) -> bool {
        let shown = |sign: &Sign| seen.iter().any(|fact| sign.is_about(fact));
        self.tried && self.shows.iter().any(shown)
    }
}

/// The steps of a workload's life that the probe takes too.
const STEPS: [Op; 4] = [Op::Create, Op::Start, Op::Wait, Op::Delete];

/// What reading needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// From which runtime to which.
    pub step: Move<'a>,
    /// What is known.
    pub corpus: &'a Corpus,
    /// Where.
    pub machine: &'a Machine,
    /// What the runtimes say of themselves.
    pub features: &'a Features,
}

impl Reader<'_> {
    /// Reads a workload's config; `tamed` is the probe's.
    #[must_use]
    pub fn read(&self, config: &Json, tamed: &Json) -> Vec<Read> {
        let all = self.corpus.findings.0.iter();
        let mut all: Vec<Read> = all
            .filter_map(|(id, known)| self.finding(id, known, config, tamed))
            .collect();
        let lacks = self.features.lacks(config, self.step);
        all.extend(lacks.into_iter().map(|finding| Read {
            finding,
            shows: Vec::new(),
            tried: false,
        }));
        all
    }

    /// A finding that the config itself says something of: what every workload can meet is seen by the probe.
    fn finding(&self, id: &FindingId, known: &Known, config: &Json, tamed: &Json) -> Option<Read> {
        let applies = known.applies.as_ref()?;
        applies.config.as_ref()?;
        let steps = [&STEPS[..], &[Op::Exec, Op::Kill]].concat();
        let impact = self.corpus.findings.impact(id, self.step.from, self.step.to)?;
        if impact == Impact::Cosmetic || !applies.fits(config, &steps, self.machine) {
            return None;
        }
        let enters = id.component() == self.step.to.name && known.holds(&self.step.to.version);
        let (does, not) = (known.title.clone(), "not so".to_owned());
        let (from, to) = if enters { (not, does) } else { (does, not) };
        Some(Read {
            finding: Finding {
                impact,
                depth: Depth::Read,
                what: known.title.clone(),
                from,
                to,
                reason: known.cause.trim().to_owned(),
                remedy: known.remedy.clone(),
                link: Card::from(known).link,
                case: None,
                id: Some(id.clone()),
            },
            shows: known.shows.clone(),
            tried: applies.fits(tamed, &STEPS, self.machine),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::config_text;
    use crate::suite;
    use ocidiff_model::RuntimeId;
    use ocidiff_model::step::MAIN;
    use serde_json::json;

    /// A condition that its own case does not meet is a slip of the pen.
    #[test]
    fn every_condition_holds_for_the_case_that_shows_the_difference() {
        let corpus = suite::corpus(None).expect("the corpus");
        let mut seen = 0;
        for entry in &corpus.entries {
            let config = config_text(&entry.case, &corpus, MAIN, None).expect("a config");
            let config: Json = serde_json::from_str(&config).unwrap_or_default();
            for known in &entry.known.0 {
                let Some(applies) = known.applies.as_ref() else {
                    continue;
                };
                // What the processes of exec have, and signals, are no part of a config: there the condition says who is concerned.
                let by_config = !known.fact.contains("exec") && !known.fact.contains("kill");
                if by_config && known.is_about(entry.case.member.as_deref()) {
                    seen += 1;
                    assert!(applies.fits(&config), "{}: {}", entry.case.name, known.fact);
                }
                let cause = known.cause.as_deref().unwrap_or_default();
                assert!(
                    !cause.is_empty() && !cause.starts_with("As for"),
                    "{}: its cause must stand for itself",
                    entry.case.name
                );
            }
        }
        assert!(seen > 20, "{seen}");
    }

    fn who(name: &str, version: &str) -> RuntimeId {
        RuntimeId {
            name: name.to_owned(),
            version: version.parse().expect("a version"),
            label: name.to_owned(),
        }
    }

    fn reads(from: &RuntimeId, to: &RuntimeId, config: &Json, tamed: &Json) -> Vec<Read> {
        let corpus = suite::corpus(None).expect("the corpus");
        let machine = Machine {
            kernel: "6.1".parse().expect("a version"),
            cgroup: "v1".to_owned(),
            arch: "x86_64".to_owned(),
            via: None,
        };
        let reader = Reader {
            step: Move { from, to },
            corpus: &corpus,
            machine: &machine,
            features: &Features::default(),
        };
        reader.read(config, tamed)
    }

    #[test]
    fn what_the_corpus_knows_of_a_config_is_told_for_the_runtimes_that_differ() {
        let config = json!({"hooks": {"poststart": [{"path": "/x", "env": ["A=1"]}]}, "process": {"env": ["PATH=/bin"]}});
        let tamed = json!({"process": {"env": ["PATH=/bin"]}});
        let (old, new) = (who("runc", "1.1.5"), who("crun", "1.8.1"));
        let told = reads(&old, &new, &config, &tamed);
        let order = told
            .iter()
            .find(|read| read.fact.as_deref() == Some("hook.order"));
        let order = order.expect("poststart comes later under the one");
        assert!(!order.tried && order.finding.depth == Depth::Read && order.finding.case.is_some());
        assert!(told.iter().all(|read| read.finding.impact > Impact::Cosmetic));
        // Nothing of it where both are the same, or where the config has no hooks.
        assert!(reads(&old, &old, &config, &tamed).is_empty());
        assert!(
            reads(&old, &new, &tamed, &tamed)
                .iter()
                .all(|read| !read.finding.what.contains("hook"))
        );
    }

    #[test]
    fn what_the_probe_has_tried_is_not_told_from_paper() {
        let config = json!({"process": {"env": ["A=1"]}, "linux": {"seccomp": {}}});
        let told = reads(&who("runc", "1.1.5"), &who("youki", "0.7.0"), &config, &config);
        let path = told
            .iter()
            .find(|read| read.fact.as_deref() == Some("lifecycle.create.result"));
        let path = path.expect("the other wants a PATH");
        assert!(path.tried && path.is_settled_by(&BTreeSet::from(["lifecycle.create.result".to_owned()])));
        // An exec is not tried.
        let exec = told
            .iter()
            .find(|read| read.fact.as_deref() == Some("proc.exec.seccomp.mode"));
        assert!(!exec.expect("no filter there").is_settled_by(&BTreeSet::new()));
    }
}
