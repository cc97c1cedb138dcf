//! A family: one case file that stands for several cases (`for:`), the same bundle over signals, capabilities,
//! sysctls, actions, profiles.

use crate::merge::{MergeError, merge, substitute};
use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::case::{Case, CaseFile};

/// The members of a family: names that take the place of `${for}`, or names with what they change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Family {
    /// Each name takes the place of `${for}` in the case's strings.
    Names(Vec<String>),
    /// Each patch is laid over the case (as `config` over the default); `${for}` is the name too.
    Patches(BTreeMap<String, serde_json::Value>),
}

impl JsonSchema for Family {
    fn schema_name() -> Cow<'static, str> {
        "Family".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "array", "items": {"type": ["string", "number"]}},
            {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
        ]})
    }
}

impl<'de> Deserialize<'de> for Family {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value as Json;
        let wrong =
            || serde::de::Error::custom("`for` takes a list of names, or a map of names to what they change");
        match Json::deserialize(deserializer)? {
            Json::Array(items) => {
                let name = |item: Json| match item {
                    Json::String(name) => Some(name),
                    Json::Number(number) => Some(number.to_string()),
                    _ => None,
                };
                items
                    .into_iter()
                    .map(name)
                    .collect::<Option<_>>()
                    .map(Self::Names)
                    .ok_or_else(wrong)
            }
            Json::Object(map) => Ok(Self::Patches(
                map.into_iter()
                    .map(|(name, patch)| {
                        (
                            name,
                            if patch.is_null() {
                                serde_json::json!({})
                            } else {
                                patch
                            },
                        )
                    })
                    .collect(),
            )),
            _ => Err(wrong()),
        }
    }
}

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
