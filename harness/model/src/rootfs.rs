//! What a case's rootfs is: a recipe's name, or folders from elsewhere.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// A case's `rootfs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Rootfs {
    /// `NAME`: the recipe `cases/rootfs/NAME.yaml`.
    Recipe(String),
    /// `{layers: [DIR, ...]}`: folders of the machine.
    Folders(Folders),
}

/// Folders that are laid over each other. They are only read. On a machine where one is missing, the case is
/// skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Folders {
    /// The image that they belong to, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Absolute paths, the topmost first.
    #[schemars(length(min = 1))]
    pub layers: Vec<String>,
}

impl Rootfs {
    /// The recipe, if it is one.
    #[must_use]
    pub fn recipe(&self) -> Option<&str> {
        match self {
            Self::Recipe(name) => Some(name),
            Self::Folders(_) => None,
        }
    }

    /// The folders, the topmost first; empty if it is a recipe.
    #[must_use]
    pub fn layers(&self) -> &[String] {
        match self {
            Self::Recipe(_) => &[],
            Self::Folders(folders) => &folders.layers,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Recipe(name) => name,
            Self::Folders(folders) => match (&folders.image, &folders.layers[..]) {
                (Some(image), _) => image,
                (None, [first, ..]) => first,
                (None, []) => "no folder",
            },
        }
    }
}

impl Default for Rootfs {
    fn default() -> Self {
        Self::Recipe("probe".to_owned())
    }
}

impl JsonSchema for Rootfs {
    fn schema_name() -> Cow<'static, str> {
        "Rootfs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let folders = generator.subschema_for::<Folders>();
        json_schema!({"anyOf": [{"type": "string"}, folders]})
    }
}

impl<'de> Deserialize<'de> for Rootfs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(name) => Ok(Self::Recipe(name)),
            value => serde_json::from_value(value).map(Self::Folders).map_err(|error| {
                serde::de::Error::custom(format!(
                    "`rootfs` takes a recipe's name, or `{{layers: [DIR, ...]}}`: {error}"
                ))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_recipe_and_a_map_says_folders() {
        let read = |text: &str| serde_yaml::from_str::<Rootfs>(text).expect(text);
        assert_eq!(read("busybox").recipe(), Some("busybox"));
        let folders = read("{image: 'nginx:1', layers: [/b, /a]}");
        assert_eq!((folders.name(), folders.layers().len()), ("nginx:1", 2));
        assert_eq!(read("{layers: [/b]}").name(), "/b");
        for rootfs in [Rootfs::default(), folders] {
            let text = serde_yaml::to_string(&rootfs).expect("YAML");
            assert_eq!(read(&text), rootfs, "print and parse are inverses");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["3", "{image: x}", "{layers: /a}", "{layers: [/a], folder: /b}"] {
            let error = serde_yaml::from_str::<Rootfs>(text).expect_err(text).to_string();
            assert!(error.contains("a recipe's name"), "{error}");
        }
    }
}
