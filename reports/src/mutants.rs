//! The report on mutants: which were caught, by which case, and by what.

use std::fmt::Write as _;

use ocidiff_model::ExitStatus;
use serde::Serialize;

use crate::style::{Ink, Style, count};
use crate::{safe_to, words_to};

/// How a mutant was caught, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It differs from the real runtime: if all runtimes had the fault, this would not show.
    Difference,
    /// By an expectation that names none of the clauses that it breaks.
    Expectation,
    /// By an expectation that names a clause that it breaks; by any if the spec has no clause for it.
    Clause,
}

/// A fact that gives a mutant away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sign {
    /// The fact.
    pub fact: String,
    /// What the real runtime shows, if it took part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real: Option<String>,
    /// What the mutant shows.
    pub mutant: String,
    /// What the case expects, if it expects something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The clause that requires it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// The case that caught a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Catch {
    /// The case.
    pub case: String,
    /// The strongest of the signs.
    pub how: How,
    /// Whether the case names a clause that the mutant breaks.
    pub names_clause: bool,
    /// What the first step prints that fails under the mutant alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What gives the mutant away.
    pub signs: Vec<Sign>,
}

/// The outcome for a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// A case caught it.
    Caught,
    /// No case did.
    Missed,
    /// No case did, as its data says.
    Unseen,
    /// A case caught it although its data says that none can do so.
    Seen,
    /// The machine lacks something.
    Skipped(String),
    /// No case did, and some broke.
    Broken(String),
}

/// What is reported about one mutant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Its name.
    pub mutant: String,
    /// What it does wrong.
    pub summary: String,
    /// The clauses that it breaks.
    pub breaks: Vec<String>,
    /// The real runtimes for which it was made.
    pub over: Vec<String>,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The best catch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catch: Option<Catch>,
    /// Why it cannot be seen, as its data says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// How many cases were tried.
    pub tried: usize,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// A mutant about which nothing is known yet.
    #[must_use]
    pub fn new(mutant: &str, summary: &str, breaks: &[String]) -> Self {
        Self {
            mutant: mutant.to_owned(),
            summary: summary.to_owned(),
            breaks: breaks.to_vec(),
            over: Vec::new(),
            outcome: Outcome::Missed,
            catch: None,
            unseen: None,
            tried: 0,
            seconds: 0.0,
        }
    }

    /// Keeps the better catch.
    pub fn better(&mut self, found: Option<Catch>) {
        let strength = |catch: &Catch| (catch.how, catch.names_clause);
        if let Some(found) = found
            && self
                .catch
                .as_ref()
                .is_none_or(|best| strength(best) < strength(&found))
        {
            self.catch = Some(found);
        }
    }

    /// Whether it was caught by an expectation with its clause.
    #[must_use]
    pub fn by_clause(&self) -> bool {
        self.outcome == Outcome::Caught && self.catch.as_ref().is_some_and(|catch| catch.how == How::Clause)
    }
}

/// The exit status that the reports give; `strict` requires a clause in every catch.
#[must_use]
pub fn exit(reports: &[Report], strict: bool) -> ExitStatus {
    let any = |is: &dyn Fn(&Report) -> bool| reports.iter().any(is);
    let is_skipped = |report: &Report| matches!(report.outcome, Outcome::Skipped(_));
    // Where nothing was tried, nothing was caught.
    if any(&|report| matches!(report.outcome, Outcome::Broken(_))) || reports.iter().all(is_skipped) {
        ExitStatus::Broken
    } else if any(&|report| {
        matches!(report.outcome, Outcome::Missed | Outcome::Seen)
            || (strict && report.outcome == Outcome::Caught && !report.by_clause())
    }) {
        ExitStatus::Differs
    } else {
        ExitStatus::Ok
    }
}

/// One line for each mutant; those that were not caught say more.
#[must_use]
pub fn lines(reports: &[Report], style: &Style) -> String {
    let name = |report: &Report| safe_to(&report.mutant, 80);
    let width = reports
        .iter()
        .map(|report| name(report).chars().count())
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for report in reports {
        let (word, rest) = told(report);
        let word = match report.outcome {
            Outcome::Missed | Outcome::Seen | Outcome::Broken(_) => {
                style.paint(Ink::Fail, &format!("{word:<8}"))
            }
            _ => format!("{word:<8}"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{word}{:<width$}  {rest}", name(report));
    }
    out
}

fn told(report: &Report) -> (&'static str, String) {
    match (&report.outcome, &report.catch) {
        (Outcome::Seen, Some(catch)) => (
            "SEEN",
            format!(
                "{}; its data says that no case can: {}",
                caught(catch),
                safe_to(report.unseen.as_deref().unwrap_or_default(), 200)
            ),
        ),
        (Outcome::Caught, Some(catch)) => ("caught", caught(catch)),
        (Outcome::Skipped(why), _) => ("skipped", safe_to(why, 200)),
        (Outcome::Broken(why), _) => ("broken", words_to(why, 400)),
        (Outcome::Unseen, _) => (
            "unseen",
            format!(
                "{} ({} tried)",
                safe_to(report.unseen.as_deref().unwrap_or_default(), 200),
                count(report.tried, "case")
            ),
        ),
        _ => {
            let breaks = report.breaks.join(", ");
            let cases = match report.tried {
                0 => "its rule touches no case that is about what it breaks; --whole tries all".to_owned(),
                tried => format!("{} tried", count(tried, "case")),
            };
            (
                "MISSED",
                format!(
                    "{}; {cases}; breaks: {}",
                    safe_to(&report.summary, 200),
                    safe_to(&breaks, 200)
                ),
            )
        }
    }
}

fn caught(catch: &Catch) -> String {
    let sign = catch
        .signs
        .iter()
        .max_by_key(|sign| (sign.clause.is_some(), sign.expected.is_some()));
    let Some(sign) = sign else {
        return safe_to(&catch.case, 100);
    };
    let (how, wanted) = match (&sign.expected, &sign.clause) {
        (Some(expected), Some(clause)) => (
            format!("expectation {clause}"),
            format!(", expected {}", safe_to(expected, 60)),
        ),
        (Some(expected), None) => (
            "expectation without a clause".to_owned(),
            format!(", expected {}", safe_to(expected, 60)),
        ),
        (None, _) => ("difference only".to_owned(), String::new()),
    };
    let said = catch
        .said
        .as_ref()
        .map(|said| format!("; {}", words_to(said, 100)));
    format!(
        "{}  {}  {} {}{wanted}{}",
        safe_to(&catch.case, 100),
        safe_to(&how, 100),
        safe_to(&sign.fact, 100),
        safe_to(&sign.mutant, 60),
        said.unwrap_or_default(),
    )
}

/// The counts.
#[must_use]
pub fn closing(reports: &[Report], seconds: f64) -> String {
    let how_many = |is: &dyn Fn(&Report) -> bool| reports.iter().filter(|report| is(report)).count();
    let caught = |how| {
        how_many(&|report| {
            report.outcome == Outcome::Caught && report.catch.as_ref().is_some_and(|catch| catch.how == how)
        })
    };
    let [clause, other, difference] = [How::Clause, How::Expectation, How::Difference].map(caught);
    format!(
        "{} mutants, {seconds:.1} s:  {} caught ({clause} by an expectation with its clause or where there is none, {other} by another \
         expectation, {difference} by a difference only) · {} missed · {} unseen · {} seen after all · {} skipped · {} \
         broken\n",
        reports.len(),
        clause + other + difference,
        how_many(&|report| report.outcome == Outcome::Missed),
        how_many(&|report| report.outcome == Outcome::Unseen),
        how_many(&|report| report.outcome == Outcome::Seen),
        how_many(&|report| matches!(report.outcome, Outcome::Skipped(_))),
        how_many(&|report| matches!(report.outcome, Outcome::Broken(_))),
    )
}

/// The reports as one JSON object.
///
/// # Errors
/// It cannot be written; this does not happen for reports that we made.
pub fn json(reports: &[Report], seconds: f64) -> Result<String, crate::Error> {
    #[derive(Serialize)]
    struct All<'r> {
        seconds: f64,
        mutants: &'r [Report],
    }
    crate::object(&All {
        seconds,
        mutants: reports,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcome: Outcome, how: Option<How>) -> Report {
        let sign = Sign {
            fact: "process.exit".to_owned(),
            real: Some("0".to_owned()),
            mutant: "1\u{1b}[2J".to_owned(),
            expected: how.filter(|how| *how != How::Difference).map(|_| "0".to_owned()),
            clause: how.filter(|how| *how == How::Clause).map(|_| "r".to_owned()),
        };
        let catch = how.map(|how| Catch {
            case: "t/c".to_owned(),
            how,
            names_clause: true,
            said: None,
            signs: vec![sign],
        });
        Report {
            outcome,
            catch,
            ..Report::new("m/a", "it \u{202e}lies", &["r".to_owned()])
        }
    }

    #[test]
    fn the_exit_status_says_whether_all_were_caught() {
        for (outcome, how, plain, strict) in [
            (Outcome::Caught, Some(How::Clause), ExitStatus::Ok, ExitStatus::Ok),
            (
                Outcome::Caught,
                Some(How::Difference),
                ExitStatus::Ok,
                ExitStatus::Differs,
            ),
            (Outcome::Missed, None, ExitStatus::Differs, ExitStatus::Differs),
            (Outcome::Unseen, None, ExitStatus::Ok, ExitStatus::Ok),
            (
                Outcome::Seen,
                Some(How::Clause),
                ExitStatus::Differs,
                ExitStatus::Differs,
            ),
            (
                Outcome::Skipped("w".to_owned()),
                None,
                ExitStatus::Broken,
                ExitStatus::Broken,
            ),
            (
                Outcome::Broken("w".to_owned()),
                None,
                ExitStatus::Broken,
                ExitStatus::Broken,
            ),
        ] {
            let reports = [report(outcome, how)];
            assert_eq!(exit(&reports, false), plain, "{reports:?}");
            assert_eq!(exit(&reports, true), strict, "strict: {reports:?}");
        }
        let some = [
            report(Outcome::Skipped("w".to_owned()), None),
            report(Outcome::Caught, Some(How::Clause)),
        ];
        assert_eq!(exit(&some, true), ExitStatus::Ok, "what was tried is caught");
    }

    #[test]
    fn a_line_says_by_what_and_nothing_in_it_is_obeyed() {
        let all = [
            (
                Outcome::Caught,
                Some(How::Clause),
                "caught  m/a  t/c  expectation r  process.exit 1",
            ),
            (
                Outcome::Caught,
                Some(How::Expectation),
                "expectation without a clause",
            ),
            (Outcome::Caught, Some(How::Difference), "difference only"),
            (Outcome::Missed, None, "MISSED  m/a  it "),
            (Outcome::Broken("w\u{1b}".to_owned()), None, "broken  m/a  w"),
        ];
        for (outcome, how, expected) in all {
            let text = lines(&[report(outcome, how)], &Style::default());
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }

    #[test]
    fn the_better_catch_is_kept() {
        let mut kept = report(Outcome::Missed, None);
        for how in [How::Difference, How::Clause, How::Expectation] {
            kept.better(report(Outcome::Caught, Some(how)).catch);
        }
        kept.better(None);
        assert_eq!(kept.catch.map(|catch| catch.how), Some(How::Clause));
    }
}
