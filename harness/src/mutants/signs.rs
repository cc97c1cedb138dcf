//! How a case catches a mutant: facts in which it differs from the real runtime, and what the case expects of them.

use ocidiff_model::difference::Standing;
use ocidiff_model::{Case, Difference, Value};
use ocidiff_reports::mutants::{Catch, How, Sign};

use super::plan::names;

/// Every sign in the differences of a case between the real runtimes and their mutants. `mutants` are the labels of
/// the mutants.
#[must_use]
pub fn signs(found: &[Difference], mutants: &[String]) -> Vec<Sign> {
    found
        .iter()
        .filter(|difference| matches!(difference.standing, Standing::New { .. }))
        .filter_map(|difference| sign(difference, mutants))
        .collect()
}

fn sign(difference: &Difference, mutants: &[String]) -> Option<Sign> {
    let is_mutant = |label: &String| mutants.contains(label);
    let shown = |mutant: bool| {
        let group = difference
            .groups
            .iter()
            .find(|group| group.runtimes.iter().any(|label| is_mutant(label) == mutant));
        group
            .and_then(|group| group.value.as_ref())
            .map_or_else(|| "(absent)".to_owned(), Value::to_string)
    };
    // What the real runtime does not meet either is not a fault of the mutant.
    let expected = difference
        .expected
        .as_ref()
        .filter(|_| difference.against.iter().any(is_mutant) && difference.against.iter().all(is_mutant));
    let real = difference
        .groups
        .iter()
        .flat_map(|group| &group.runtimes)
        .any(|label| !is_mutant(label));
    if expected.is_none() && !(difference.disagree() && real) {
        return None;
    }
    Some(Sign {
        fact: difference.fact.clone(),
        real: real.then(|| shown(false)),
        mutant: shown(true),
        expected: expected.map(Value::to_string),
        clause: difference.requirement.clone().filter(|_| expected.is_some()),
    })
}

/// What a case's signs amount to; `None` if there are none.
#[must_use]
pub fn catch(case: &Case, breaks: &[String], signs: Vec<Sign>) -> Option<Catch> {
    let how = |sign: &Sign| match (&sign.expected, &sign.clause) {
        // exec, pause and the like are not in the spec: there is no clause to name.
        (Some(_), _) if breaks.is_empty() => How::Clause,
        (Some(_), Some(clause)) if breaks.contains(clause) => How::Clause,
        (Some(_), _) => How::Expectation,
        (None, _) => How::Difference,
    };
    let best = signs.iter().map(how).max()?;
    Some(Catch {
        case: case.name.clone(),
        how: best,
        said: None,
        names_clause: breaks.is_empty() || names(case, breaks),
        signs,
    })
}
