//! The cases of a file: itself, or each member of its family.

use crate::case::{Case, CaseFile};
use crate::family::Family;
use crate::merge::{MergeError, merge, substitute};

/// What is wrong with a member of a family.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Its changes cannot be made.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// It is not a case.
    #[error(transparent)]
    Case(#[from] serde_json::Error),
}

/// The cases of a file: itself, or the members of its family in order of their names as written.
///
/// # Errors
/// The name of each member that is wrong, and what is wrong with it.
pub fn members(name: &str, source: &str, file: &CaseFile) -> Result<Vec<Case>, Vec<(String, MemberError)>> {
    let Some(family) = &file.family else {
        return Ok(vec![Case {
            name: name.to_owned(),
            source: source.to_owned(),
            member: None,
            body: file.clone(),
        }]);
    };
    let nothing = serde_json::json!({});
    let patches: Vec<(&String, &serde_json::Value)> = match family {
        Family::Names(names) => names.iter().map(|member| (member, &nothing)).collect(),
        Family::Patches(map) => map.iter().collect(),
    };
    let plain = CaseFile {
        family: None,
        ..file.clone()
    };
    let plain = serde_json::to_value(plain).map_err(|error| vec![(name.to_owned(), error.into())])?;
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    for (member, patch) in patches {
        match member_body(&plain, member, patch) {
            Ok(body) => cases.push(Case {
                name: format!("{name}[{member}]"),
                source: source.to_owned(),
                member: Some(member.clone()),
                body,
            }),
            Err(error) => errors.push((member.clone(), error)),
        }
    }
    if errors.is_empty() { Ok(cases) } else { Err(errors) }
}

fn member_body(
    plain: &serde_json::Value,
    member: &str,
    patch: &serde_json::Value,
) -> Result<CaseFile, MemberError> {
    let mut json = plain.clone();
    lay_over(&mut json, patch)?;
    Ok(serde_json::from_value(substitute(&json, member))?)
}

/// Lays a member's patch over the case. `config` is itself a patch: its `null`, `x+` and `x-` must reach the
/// default config, so members of the two patches are put together and not applied to each other.
fn lay_over(case: &mut serde_json::Value, patch: &serde_json::Value) -> Result<(), MergeError> {
    let mut patch = patch.clone();
    let config = patch.as_object_mut().and_then(|map| map.shift_remove("config"));
    merge(case, &patch)?;
    if let Some(config) = config {
        union(&mut case["config"], config);
    }
    Ok(())
}

fn union(first: &mut serde_json::Value, second: serde_json::Value) {
    match (first, second) {
        (serde_json::Value::Object(first), serde_json::Value::Object(second)) => {
            for (key, value) in second {
                match first.get_mut(&key) {
                    Some(found) => union(found, value),
                    None => {
                        first.insert(key, value);
                    }
                }
            }
        }
        (first, second) => *first = second,
    }
}
