//! What a run reports, one JSON object per line, written as it comes. Every report, and the exit status, is
//! made from these events, so that it can be drawn again later, or merged from several machines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::difference::Difference;
use crate::filter::FilterRow;
use crate::finding::{Card, FindingId};
use crate::ignore::IgnoreList;
use crate::machine::Machine;
use crate::record::{BundleDigest, RuntimeId, StepRecord};
use crate::requirement::Requirement;
use crate::verdict::{Counts, ExitStatus, Verdict};

/// A case as a report shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The case's name.
    pub case: String,
    /// What it is about.
    pub summary: String,
    /// The file that it is written in.
    pub source: String,
    /// What is said of it.
    pub verdict: Verdict,
    /// Why it is skipped, unsupported or broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Every difference, whatever its standing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Calls that the runtimes' filters do not answer alike, explained; those that are known to hit someone first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterRow>,
    /// The findings that its differences name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub findings: BTreeMap<FindingId, Card>,
    /// The clauses that the case and its differences name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
    /// Runtimes that say that they do not support what the case asks for, and how they say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<(String, String)>,
    /// The digests of the bundle, where one was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleDigest>,
    /// The steps that did not end with 0, by runtime, with what it printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<(String, StepRecord)>,
    /// How often it was run.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub runs: u32,
    /// The options that a command takes to meet the same runtimes and cases again, a word each; empty for the defaults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<String>,
    /// Whether two of the programs say that they are the same version of the same runtime: a known file cannot tell them apart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub twins: bool,
    /// Whether a runtime was compared with itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
    /// Whether every difference has findings that account for it, and all of them are ignored (`--ignore`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// A digest of all that the result depends on, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether it is of an earlier run, in which all of that was the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carried: bool,
    /// Wall time in seconds, all runtimes and confirmations together.
    pub seconds: f64,
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_once(runs: &u32) -> bool {
    *runs == 1
}

/// A runtime that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who it is.
    pub runtime: RuntimeId,
    /// Whether the others are held against it.
    pub reference: bool,
    /// Where it came from: `path`, `store`, `given`, `engine`.
    pub origin: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// The first event of a run.
    RunStarted {
        /// The version of ocidiff.
        ocidiff: String,
        /// Seconds since 1970, UTC.
        time: u64,
        /// Who takes part, the reference first.
        runtimes: Vec<Participant>,
        /// Where.
        machine: Machine,
        /// Which recorder sees the syscalls.
        recorder: String,
        /// How many cases are to come.
        cases: usize,
        /// The findings that are ignored, where a file says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ignore: Option<Box<IgnoreList>>,
    },
    /// A case has its verdict.
    CaseFinished(Box<CaseReport>),
    /// The last event of a run; missing where the harness was killed.
    RunFinished {
        /// How many cases have which verdict.
        counts: Counts,
        /// Wall time in seconds.
        seconds: f64,
        /// How the program ends.
        exit: ExitStatus,
        /// Whether the run ended before all cases had their verdict.
        interrupted: bool,
        /// Why it did, where that was no signal: one sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_case_was_run_once_where_nothing_is_written() {
        let head =
            json!({"case": "t/c", "summary": "s", "source": "c.yaml", "verdict": "agree", "seconds": 0.5});
        let mut report: CaseReport = serde_json::from_value(head.clone()).expect("a report");
        assert_eq!(report.runs, 1);
        assert_eq!(serde_json::to_value(&report).expect("JSON"), head);
        report.runs = 3;
        let again = serde_json::to_value(&report).expect("JSON");
        assert_eq!(again["runs"], 3);
        assert_eq!(
            serde_json::from_value::<CaseReport>(again).expect("a report"),
            report
        );
    }
}
