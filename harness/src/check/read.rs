//! What a config.json alone shows: findings that such a workload can meet under one of the runtimes and not under the
//! other, and what the runtimes say that they support.

use std::collections::BTreeSet;

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::difference::{Account, How};
use ocidiff_model::finding::{Applies, Sign};
use ocidiff_model::known::Machine;
use ocidiff_model::{Channel, Finding as Known, FindingId, Impact, Op};
use serde_json::{Value as Json, json};

use super::features::{ANNOTATION, Features, TRIED};
use super::from_to::Move;
use super::remedies::{self, Shown};
use super::usual;
use crate::corpus::Corpus;

/// A difference that was found by reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What is reported about it.
    pub finding: Finding,
    /// How it would show, if the probe met it; empty if it comes from the runtimes' features.
    pub shows: Vec<Sign>,
    /// Whether the probe's copy of the config also contains what it is about, so that the probe may see it for itself.
    pub tried: bool,
}

impl Read {
    /// Whether the probe has tested exactly this, so that what it saw counts, whatever is written.
    #[must_use]
    pub fn is_settled_by(&self, seen: &BTreeSet<String>) -> bool {
        let channel = |sign: &Sign| Channel::of(&sign.fact);
        // What has no sign does not show in a single run, and how a runtime sets up what its workload sees is not part of
        // the workload.
        let unseen = |sign: &Sign| channel(sign) == Some(Channel::Setup);
        // The probe has seen all mounts: at a place that a sign leaves out, too, the difference would be there.
        let shown = |sign: &Sign| {
            channel(sign) == Some(Channel::Mount) || seen.iter().any(|fact| sign.is_about(fact))
        };
        self.tried && (self.shows.iter().all(unseen) || self.shows.iter().any(shown))
    }
}

/// The steps of a workload's life that the probe takes too.
const STEPS: [Op; 4] = [Op::Create, Op::Start, Op::Wait, Op::Delete];

/// What reading needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// From which runtime to which other.
    pub step: Move<'a>,
    /// What is known.
    pub corpus: &'a Corpus,
    /// The machine.
    pub machine: &'a Machine,
    /// What the runtimes report about themselves.
    pub features: &'a Features,
}

impl Reader<'_> {
    /// Reads a workload's config; `tamed` is the probe's.
    #[must_use]
    pub fn read(&self, config: &Json, tamed: &Json) -> Vec<Read> {
        let config = &usual::without(config);
        let all = self.corpus.findings.0.iter();
        let mut all: Vec<Read> = all
            .filter_map(|(id, known)| self.finding(id, known, config, tamed))
            .collect();
        let mut lacks = self.features.lacks(config, self.step);
        let still = self.features.lacks(tamed, self.step);
        // A finding says more about an annotation than the list of those that a runtime acts on.
        let covers = |row: &Finding, read: &Read| {
            let known = read
                .finding
                .id
                .as_ref()
                .and_then(|id| self.corpus.findings.find(id));
            let applies = known.and_then(|known| known.applies.as_ref());
            let only = row
                .what
                .strip_prefix(ANNOTATION)
                .map(|name| json!({"annotations": {name: config["annotations"][name]}}));
            applies.zip(only).is_some_and(|(applies, only)| {
                is_about_annotations(applies) && applies.fits(&only, &STEPS, self.machine)
            })
        };
        lacks.retain(|row| !all.iter().any(|read| covers(row, read)));
        all.extend(lacks.into_iter().map(|finding| Read {
            // A runtime's list may be incomplete: whether the probe has its mounts and namespaces can be seen.
            tried: TRIED.iter().any(|kind| finding.what.starts_with(kind)) && still.contains(&finding),
            finding,
            shows: Vec::new(),
        }));
        all
    }

    /// Whether the other runtime does the same, according to a finding of its own with the same name.
    fn both_do(&self, id: &FindingId, config: &Json, steps: &[Op]) -> bool {
        let Some((_, name)) = id.as_str().split_once('/') else {
            return false;
        };
        let whom = [self.step.from, self.step.to];
        whom.iter().all(|who| {
            let mut all = self.corpus.findings.0.iter();
            all.any(|(other, known)| {
                other.as_str().split_once('/').is_some_and(|(_, of)| of == name)
                    && known.is_of(other, who)
                    && known.fits(config, steps, self.machine)
            })
        })
    }

    /// Whether no runtime of the move knows a member that the config has: then it is the same to leave it out.
    pub(super) fn neither_knows(&self, member: &str, config: &Json) -> bool {
        [self.step.from, self.step.to].into_iter().all(|who| {
            let mut all = self.corpus.findings.0.iter();
            all.any(|(id, known)| {
                known.is_of(id, who) && remedies::unknown_member(known, config).as_deref() == Some(member)
            })
        })
    }

    /// What it does, and why; and what the other runtime does with a member that counts there for the first time.
    fn reason(&self, known: &Known, config: &Json, enters: bool) -> String {
        let reason = reason(known);
        match remedies::unknown_member(known, config) {
            Some(member) if !enters => {
                let (plain, to) = (reason.trim_end_matches('.'), &self.step.to.name);
                format!("{plain}; {to} does what {member} asks for, or fails")
            }
            _ => reason,
        }
    }

    /// A finding about something in the config itself: the probe sees what every workload can meet.
    fn finding(&self, id: &FindingId, known: &Known, config: &Json, tamed: &Json) -> Option<Read> {
        let applies = known.applies.as_ref()?;
        applies.config.as_ref()?;
        let steps = [&STEPS[..], &[Op::Exec, Op::Kill]].concat();
        let impact = self.corpus.findings.impact(id, self.step.from, self.step.to)?;
        // What shows only now and then is reported where it shows.
        if known.races || impact == Impact::Cosmetic || !applies.fits(config, &steps, self.machine) {
            return None;
        }
        if self.both_do(id, config, &steps) || usual::paths_are_free(id, config) {
            return None;
        }
        let enters = known.is_of(id, self.step.to);
        let (does, not) = ("does so".to_owned(), "does not".to_owned());
        let values = if enters { [not, does] } else { [does, not] };
        Some(Read {
            finding: Finding {
                remedy: remedies::of(id, known, config, self.step, Shown::Untried),
                link: known.addresses(),
                id: Some(id.clone()),
                accounts: vec![Account {
                    who: if enters { self.step.to } else { self.step.from }.label.clone(),
                    because: vec![id.clone()],
                    how: How::Recognised,
                }],
                ..Finding::new(
                    Depth::Read,
                    impact,
                    known.title.clone(),
                    values,
                    self.reason(known, config, enters),
                )
            },
            shows: known.shows.clone(),
            // What an annotation makes a runtime do can be up to what is around the container: its caller's groups, a
            // file, a manager of cgroups. The probe has none of it.
            tried: !is_about_annotations(applies) && applies.fits(tamed, &STEPS, self.machine),
        })
    }
}

fn is_about_annotations(applies: &Applies) -> bool {
    let config = applies.config.as_ref();
    config.is_some_and(|config| config.value().get("annotations").is_some())
}

/// What it does, and why.
pub(super) fn reason(known: &Known) -> String {
    format!("{}: {}", known.title, known.cause.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::from_to::who;
    use crate::run::suite;
    use ocidiff_model::RuntimeId;

    fn is(read: &Read, id: &str) -> bool {
        read.finding.id.as_ref().is_some_and(|found| found.as_str() == id)
    }

    fn machine() -> Machine {
        Machine {
            kernel: "6.1".parse().expect("a version"),
            cgroup: ocidiff_model::CgroupVersion::V1,
            arch: "x86_64".to_owned(),
            via: None,
        }
    }

    fn reads(from: &RuntimeId, to: &RuntimeId, config: &Json, tamed: &Json) -> Vec<Read> {
        let corpus = suite::corpus(None).expect("the corpus");
        let reader = Reader {
            step: Move { from, to },
            corpus: &corpus,
            machine: &machine(),
            features: &Features::default(),
        };
        reader.read(config, tamed)
    }

    #[test]
    fn a_member_that_neither_runtime_knows_is_no_difference() {
        let config = json!({"linux": {"netDevices": {"eth9": {"name": "inner"}}}});
        let corpus = suite::corpus(None).expect("the corpus");
        for (from, to, neither) in [
            (("runc", "1.1.5"), ("crun", "1.21"), true),
            (("runc", "1.1.5"), ("crun", "1.28"), false),
            (("runc", "1.4.3"), ("crun", "1.21"), false),
        ] {
            let (old, new) = (who(from.0, from.1), who(to.0, to.1));
            let reader = Reader {
                step: Move { from: &old, to: &new },
                corpus: &corpus,
                machine: &machine(),
                features: &Features::default(),
            };
            assert_eq!(
                reader.neither_knows("linux.netDevices", &config),
                neither,
                "{from:?} {to:?}"
            );
            assert!(
                !reader.neither_knows("linux.netDevices", &json!({})),
                "{from:?} {to:?}"
            );
        }
    }

    #[test]
    fn what_the_corpus_knows_of_a_config_is_told_for_the_runtimes_that_differ() {
        let config = json!({"hooks": {"poststart": [{"path": "/x", "env": ["A=1"]}]}, "process": {"env": ["PATH=/bin"]}});
        let tamed = json!({"process": {"env": ["PATH=/bin"]}});
        let (old, new) = (who("runc", "1.1.5"), who("crun", "1.8.1"));
        let told = reads(&old, &new, &config, &tamed);
        let order = told.iter().find(|read| is(read, "runc/poststart-in-create"));
        let order = order.expect("poststart comes later under the one");
        assert!(!order.tried && order.finding.depth == Depth::Read);
        assert!(told.iter().all(|read| read.finding.impact > Impact::Cosmetic));
        // None of it is reported if both are the same, or if the config has no hooks.
        assert!(reads(&old, &old, &config, &tamed).is_empty());
        assert!(
            reads(&old, &new, &tamed, &tamed)
                .iter()
                .all(|read| !is(read, "runc/poststart-in-create"))
        );
    }

    #[test]
    fn what_the_probe_has_tried_is_not_told_from_paper() {
        let config = json!({"process": {"env": ["A=1"]}, "linux": {"seccomp": {}}});
        let told = reads(&who("runc", "1.1.5"), &who("youki", "0.7.0"), &config, &config);
        let path = told
            .iter()
            .find(|read| is(read, "youki/program-looked-up-before-exec"));
        let path = path.expect("the other wants a PATH");
        assert!(path.tried && path.is_settled_by(&BTreeSet::from(["lifecycle.create.result".to_owned()])));
        // An exec is not tested.
        let exec = told.iter().find(|read| is(read, "youki/exec-without-filter"));
        assert!(!exec.expect("no filter there").is_settled_by(&BTreeSet::new()));
    }

    #[test]
    fn what_the_probe_has_seen_of_all_mounts_counts_wherever_they_are() {
        let bound =
            json!({"mounts": [{"destination": "/proc/uptime", "type": "bind", "options": ["bind", "ro"]}]});
        let told = reads(&who("crun", "1.21"), &who("runc", "1.1.5"), &bound, &bound);
        let flags = told
            .iter()
            .find(|read| is(read, "runc/bind-options-drop-source-flags"));
        let seen = BTreeSet::from(["mount.inside./proc/uptime".to_owned()]);
        assert!(flags.is_some_and(|flags| flags.is_settled_by(&seen)), "{told:#?}");
    }

    #[test]
    fn what_an_annotation_does_is_told_in_both_directions_whatever_the_probe_has_seen() {
        let annotated = json!({"annotations": {"run.oci.keep_original_groups": "1"}, "process": {"env": []}});
        let (old, new) = (who("runc", "1.1.5"), who("crun", "1.8.1"));
        for (from, to) in [(&old, &new), (&new, &old)] {
            let told = reads(from, to, &annotated, &annotated);
            let own = told.iter().find(|read| is(read, "crun/own-annotations-acted-on"));
            let seen = BTreeSet::from(["lifecycle.create.result".to_owned()]);
            assert!(
                own.is_some_and(|own| !own.is_settled_by(&seen)),
                "{from:?}: {told:#?}"
            );
        }
    }
}
