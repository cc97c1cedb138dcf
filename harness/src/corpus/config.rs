//! The text of config.json: the default one with the case's changes laid over it.

use ocidiff_confine::limit::{Hint, raised_count};
use ocidiff_model::Case;
use ocidiff_model::merge::{MergeError, merge};
use serde_json::Value;

use super::Corpus;
use super::limits::PROFILES;
use crate::paths;

/// Why a case has no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A change cannot be made.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// It cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A text that should be replaced is not in it.
    #[error("config_text: `{0}` does not occur in the config")]
    NoText(String),
    /// It is too long.
    #[error(
        "its config.json has {length} bytes with all changes: at most {most} are written; {}",
        Hint
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The most that may be written.
        most: usize,
    },
    /// It asks for a profile that does not exist.
    #[error("there is no profile `{0}`")]
    NoProfile(String),
    /// It asks for too many profiles.
    #[error("it names more than {PROFILES} profiles")]
    Profiles,
}

/// The name by which a case asks for the profile that a container engine supplies.
pub(crate) const ENGINES_OWN: &str = "RuntimeDefault";

/// Whether `linux.seccomp` is the engine's own profile, which only an engine can fill in.
pub(crate) fn is_engines_own(seccomp: &Value) -> bool {
    seccomp["$profile"] == ENGINES_OWN
}

/// The largest config.json that is written, in bytes.
const MOST_BYTES: usize = 2 << 20;

/// The config of a container of the case; `extra` is what the step that makes the container says.
pub(crate) fn text(
    case: &Case,
    corpus: &Corpus,
    container: &str,
    extra: Option<&Value>,
) -> Result<String, ConfigError> {
    let mut config = corpus.default_config.clone();
    merge(&mut config, &case.body.config)?;
    if let Some(extra) = extra {
        merge(&mut config, extra)?;
    }
    let mut left = PROFILES;
    let config = fill(&profiles(&config, corpus, &mut left)?, container);
    let mut text = serde_json::to_string_pretty(&config)?;
    text.push('\n');
    within(text.len())?;
    for edit in &case.body.config_text {
        if !text.contains(&edit.replace) {
            return Err(ConfigError::NoText(edit.replace.clone()));
        }
        let added = text.matches(&edit.replace).count() * edit.with.len();
        within(text.len() + added)?;
        text = text.replace(&edit.replace, &edit.with);
    }
    Ok(text)
}

/// Whether a config is small enough to be given to a runtime.
fn within(length: usize) -> Result<(), ConfigError> {
    let most = raised_count(MOST_BYTES);
    if length <= most {
        return Ok(());
    }
    Err(ConfigError::TooLong { length, most })
}

/// Puts the profile in place of `{$profile: NAME}`.
fn profiles(config: &Value, corpus: &Corpus, left: &mut usize) -> Result<Value, ConfigError> {
    Ok(match config {
        Value::Object(map) => match map.get("$profile").and_then(Value::as_str) {
            Some(ENGINES_OWN) => config.clone(),
            Some(name) => {
                *left = left.checked_sub(1).ok_or(ConfigError::Profiles)?;
                let profile = corpus.profiles.get(name);
                let mut profile = profile
                    .cloned()
                    .ok_or_else(|| ConfigError::NoProfile(name.to_owned()))?;
                let mut rest = map.clone();
                rest.shift_remove("$profile");
                merge(&mut profile, &Value::Object(rest))?;
                profile
            }
            None => Value::Object(
                map.iter()
                    .map(|(key, value)| Ok((key.clone(), profiles(value, corpus, left)?)))
                    .collect::<Result<_, ConfigError>>()?,
            ),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| profiles(item, corpus, left))
                .collect::<Result<_, ConfigError>>()?,
        ),
        other => other.clone(),
    })
}

/// Fills in `${probe}`, `${hooks}`, `${namespaces}`, `${bundle}` and `${container}`.
fn fill(config: &Value, container: &str) -> Value {
    match config {
        Value::String(text) if text.contains("${") => Value::String(
            text.replace("${probe}", paths::PROBE)
                .replace("${hooks}", paths::HOOKS)
                .replace("${namespaces}", paths::NAMESPACES)
                .replace("${bundle}", &paths::bundle(container))
                .replace("${container}", container),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, container)).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), fill(value, container)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::load;

    fn config(case: &str) -> Result<String, String> {
        let sources = crate::corpus::load_sources(&[
            ("requirements.yaml", "[]"),
            (
                "default-config.yaml",
                "{ociVersion: 1.0.2, linux: {maskedPaths: [/a], cgroupsPath: '/${container}'}}",
            ),
            ("rootfs/probe.yaml", "summary: the probe"),
            (
                "profiles/p.json",
                "{\"defaultAction\": \"SCMP_ACT_LOG\", \"architectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_ARM\"]}",
            ),
            ("t/c.yaml", case),
        ]);
        let corpus = load(&sources).map_err(|errors| errors.to_string())?;
        text(&corpus.entries[0].case, &corpus, "main", None).map_err(|error| error.to_string())
    }

    #[test]
    fn changes_profiles_and_names_are_filled_in() {
        let text = config(
            "{summary: s, config: {linux: {maskedPaths+: [/b], seccomp: {$profile: p, defaultErrnoRet: 3, \
             architectures+: [SCMP_ARCH_X32], architectures-: [SCMP_ARCH_X86]}}}}",
        )
        .expect("config");
        let json: Value = serde_json::from_str(&text).expect("json");
        assert_eq!(
            json,
            serde_json::json!({"ociVersion": "1.0.2", "linux": {"maskedPaths": ["/a", "/b"], "cgroupsPath": "/main", "seccomp": {
                "defaultAction": "SCMP_ACT_LOG", "defaultErrnoRet": 3, "architectures": ["SCMP_ARCH_ARM", "SCMP_ARCH_X32"],
            }}})
        );
    }

    #[test]
    fn text_edits_make_what_no_writer_would_write() {
        let text =
            config("{summary: s, config_text: [{replace: '\"linux\":', with: '\"linux\": 1, \"linux\":'}]}")
                .expect("config");
        assert!(text.contains("\"linux\": 1, \"linux\":"));
        let error = config("{summary: s, config_text: [{replace: nope, with: x}]}").expect_err("not there");
        assert!(error.contains("`nope` does not occur"), "{error}");
    }
}
