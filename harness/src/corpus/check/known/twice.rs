//! Facts that are written in two groups which can hold at the same time: nothing says which of them is meant.

use ocidiff_model::Case;
use ocidiff_model::known::{Group, KnownFile};

use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;

/// Each fact of a group that an earlier group has for the same cases and machines.
pub(super) fn check(document: &Document<'_>, known: &KnownFile, cases: &[Case]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, group) in known.0.iter().enumerate() {
        for fact in group.facts.keys() {
            let mut earlier = known.0[..at].iter();
            let clash = earlier.position(|other| other.facts.contains_key(fact) && meet(other, group, cases));
            if let Some(other) = clash {
                let (line, _) = document.position(&[&other.to_string(), "facts", fact]);
                let message = format!("`{fact}` is already written in line {line}, for the same cases");
                let help = "write one list, or say in `for` or `when` where each of the two holds".to_owned();
                found.push(document.at(&[&at.to_string(), "facts", fact], message, help));
            }
        }
    }
    found
}

/// Whether both hold in some run of one of the cases, and neither outweighs the other.
fn meet(one: &Group, other: &Group, cases: &[Case]) -> bool {
    let is_of_both = |case: &Case| {
        let member = case.member.as_deref();
        one.is_about(member) && other.is_about(member)
    };
    let [first, second] = [one, other].map(|group| group.when.clone().unwrap_or_default());
    cases.iter().any(is_of_both) && first.competes_with(&second)
}
