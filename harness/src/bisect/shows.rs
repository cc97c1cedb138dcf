//! Where a finding came or went, from what versions show in the cases that name it. No I/O.

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Difference, Finding, FindingId};
use ocidiff_reports::changes::{Shown, shown};

/// A case that was run under all versions.
#[derive(Debug)]
pub struct Looked {
    /// What was seen.
    pub report: CaseReport,
    /// The run's name for each version, in their order.
    pub labels: Vec<String>,
}

/// Two versions of which one shows the finding, and none between them that was run and says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The earlier one.
    pub before: usize,
    /// The later one.
    pub after: usize,
    /// Whether it is the later one that shows it.
    pub came: bool,
    /// Those between, of which the cases do not say whether they show it.
    pub open: Vec<usize>,
}

impl Looked {
    /// What the case says about a version.
    #[must_use]
    pub fn shown(&self, id: &FindingId, at: usize) -> Shown {
        let label = self.labels.get(at);
        label.map_or(Shown::Open, |label| shown(&self.report, id, label))
    }
}

impl Looked {
    /// The facts in which the finding can show and on which versions differ for no known reason: with another range it
    /// might be recognised there.
    pub fn unexplained(&self, finding: &Finding) -> impl Iterator<Item = &str> {
        let new = |one: &&Difference| matches!(one.standing, Standing::New { .. });
        let facts = self
            .report
            .differences
            .iter()
            .filter(new)
            .map(|one| one.fact.as_str());
        facts.filter(|fact| finding.shows.iter().any(|sign| sign.is_about(fact)))
    }
}

/// What each version shows, by all cases: one case in which it shows is enough.
#[must_use]
pub fn by_version(cases: &[Looked], id: &FindingId, versions: usize) -> Vec<Shown> {
    let of = |at: usize| {
        let all: Vec<Shown> = cases.iter().map(|case| case.shown(id, at)).collect();
        let wanted = [Shown::Yes, Shown::No].into_iter();
        wanted
            .clone()
            .find(|one| all.contains(one))
            .unwrap_or(Shown::Open)
    };
    (0..versions).map(of).collect()
}

/// Where it came and where it went, in the order of the versions.
#[must_use]
pub fn turns(shown: &[Shown]) -> Vec<Turn> {
    let said: Vec<usize> = (0..shown.len()).filter(|at| shown[*at] != Shown::Open).collect();
    let pairs = said.windows(2).filter(|pair| shown[pair[0]] != shown[pair[1]]);
    let turn = |pair: &[usize]| Turn {
        before: pair[0],
        after: pair[1],
        came: shown[pair[1]] == Shown::Yes,
        open: (pair[0] + 1..pair[1]).collect(),
    };
    pairs.map(turn).collect()
}

/// The first and the last version that show it, each if an earlier (or later) one does not; `None` if it came and went
/// more than once, or not at all.
#[must_use]
pub fn range(shown: &[Shown]) -> Option<(Option<usize>, Option<usize>)> {
    let first = shown.iter().position(|one| *one == Shown::Yes)?;
    let last = shown.iter().rposition(|one| *one == Shown::Yes)?;
    let lacks = |part: &[Shown]| part.contains(&Shown::No);
    let is_one = !lacks(&shown[first..=last]);
    is_one.then(|| {
        let from = lacks(&shown[..first]).then_some(first);
        (from, lacks(&shown[last..]).then_some(last))
    })
}

#[cfg(test)]
mod tests {
    use Shown::{No, Open, Yes};

    use super::*;

    fn turn(before: usize, after: usize, came: bool, open: &[usize]) -> Turn {
        Turn {
            before,
            after,
            came,
            open: open.to_vec(),
        }
    }

    #[test]
    fn what_shows_in_the_middle_only_came_and_went() {
        for (shown, expected, of) in [
            (
                &[No, No, Yes, No][..],
                vec![turn(1, 2, true, &[]), turn(2, 3, false, &[])],
                Some((Some(2), Some(2))),
            ),
            (
                &[No, Open, Yes, Yes],
                vec![turn(0, 2, true, &[1])],
                Some((Some(2), None)),
            ),
            (
                &[Yes, Yes, Open, No],
                vec![turn(1, 3, false, &[2])],
                Some((None, Some(1))),
            ),
            // What the cases do not say proposes nothing.
            (&[Open, Yes, Yes], vec![], Some((None, None))),
            (
                &[Yes, No, Yes],
                vec![turn(0, 1, false, &[]), turn(1, 2, true, &[])],
                None,
            ),
            (&[No, Open], vec![], None),
        ] {
            assert_eq!(turns(shown), expected, "{shown:?}");
            assert_eq!(range(shown), of, "{shown:?}");
        }
    }

    /// A case of three versions: who shows what, and who does so by which finding.
    fn looked(groups: serde_json::Value, accounts: serde_json::Value) -> Looked {
        let report = serde_json::json!({
            "case": "a/b", "summary": "s", "source": "x.yaml", "verdict": "known", "seconds": 1, "runs": 1,
            "differences": [{"fact": "process.exit", "standing": {"is": "known"}, "groups": groups, "accounts": accounts}],
        });
        Looked {
            report: serde_json::from_value(report).expect("a report"),
            labels: ["1", "2", "3"].map(str::to_owned).to_vec(),
        }
    }

    #[test]
    fn what_is_not_explained_may_be_the_finding_with_another_range() {
        let groups =
            serde_json::json!([{"value": 0, "runtimes": ["1", "2"]}, {"value": 1, "runtimes": ["3"]}]);
        let mut looked = looked(groups, serde_json::json!([]));
        let finding =
            "{title: t, kind: bug, impact: cosmetic, cause: c, shows: [{fact: process.exit, is: 1}]}";
        let finding: Finding = serde_yaml::from_str(finding).expect("a finding");
        assert_eq!(looked.unexplained(&finding).count(), 0);
        looked.report.differences[0].standing = Standing::New { runs: 3 };
        assert_eq!(looked.unexplained(&finding).collect::<Vec<_>>(), ["process.exit"]);
        let id: FindingId = "runc/it".parse().expect("an id");
        assert_eq!(by_version(&[looked], &id, 3), [Open, Open, Open]);
    }

    #[test]
    fn one_case_that_shows_it_is_enough_and_another_finding_hides_it() {
        let id: FindingId = "runc/it".parse().expect("an id");
        let account =
            |who: &str, id: &str| serde_json::json!({"who": who, "because": [id], "how": "recognised"});
        let follows = serde_json::json!({"who": "3", "because": ["runc/other"], "how": "follows"});
        let hidden = looked(
            serde_json::json!([{"value": 0, "runtimes": ["1"]}, {"value": 1, "runtimes": ["2"]}, {"value": 2, "runtimes": ["3"]}]),
            serde_json::json!([account("2", "runc/it"), follows]),
        );
        let seen = looked(
            serde_json::json!([{"value": 0, "runtimes": ["1", "2"]}, {"value": 1, "runtimes": ["3"]}]),
            serde_json::json!([account("3", "runc/it")]),
        );
        let of = |cases: &[Looked]| by_version(cases, &id, 3);
        assert_eq!(of(&[]), [Open, Open, Open]);
        let both = [hidden, seen];
        assert_eq!(of(&both[..1]), [No, Yes, Open]);
        assert_eq!(of(&both[1..]), [No, No, Yes]);
        assert_eq!(of(&both), [No, Yes, Yes]);
    }
}
