//! A family: one case file that stands for several cases (`for:`), the same bundle over signals, capabilities,
//! sysctls, actions, profiles.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

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
