//! Profiles as engines keep them: Docker's `default.json`, `seccomp.json` of containers-common.
//!
//! They contain more than a config.json can: architectures come in groups, and rules apply to some containers only.
//! They are resolved as in [moby](https://github.com/moby/profiles/blob/main/seccomp/seccomp_linux.go) and
//! [containers-common](https://github.com/containers/common/blob/main/pkg/seccomp/seccomp_linux.go).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Condition, Profile, ProfileError, Rule, names, null_is_none};

/// The container for which a profile is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct For {
    /// The machine's architecture, by Go's name: `amd64`.
    pub goarch: String,
    /// The container's capabilities, `CAP_*`.
    pub capabilities: BTreeSet<String>,
    /// The kernel's version, the first two numbers.
    pub kernel: (u32, u32),
}

/// Why an engine refuses its profile.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Two ways to say the same thing.
    #[error("resolve a profile: it has both architectures and archMap; an engine takes one of them")]
    BothArchitectures,
    /// As above, in a rule.
    #[error("resolve a profile: rule {0} has both name and names; an engine takes one of them")]
    BothNames(usize),
    /// Neither number nor name.
    #[error("resolve a profile: {place}: no errno has the name {name}")]
    Errno {
        /// `defaultErrno`, or the rule by its place, from 0.
        place: String,
        /// What is there.
        name: String,
    },
    /// Not `X.Y`.
    #[error("resolve a profile: rule {rule}: minKernel {text:?} is not a version like 4.8")]
    Kernel {
        /// Its place, from 0.
        rule: usize,
        /// What is there.
        text: String,
    },
}

/// Whether a `defaultAction` object is an engine's: it has members that a config.json does not have.
pub(super) fn is_one(look: &Value) -> bool {
    let of_rule = ["includes", "excludes", "name", "errno", "comment"];
    let rules = look.get("syscalls").and_then(Value::as_array);
    look.get("archMap").is_some()
        || look.get("defaultErrno").is_some()
        || rules.is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| of_rule.iter().any(|member| rule.get(member).is_some()))
        })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EngineProfile {
    default_action: String,
    default_errno_ret: Option<u32>,
    default_errno: Option<String>,
    #[serde(default, deserialize_with = "null_is_none")]
    architectures: Vec<String>,
    #[serde(default, deserialize_with = "null_is_none")]
    arch_map: Vec<ArchMap>,
    #[serde(default, deserialize_with = "null_is_none")]
    flags: Vec<String>,
    listener_path: Option<String>,
    listener_metadata: Option<String>,
    #[serde(default, deserialize_with = "null_is_none")]
    syscalls: Vec<EngineRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchMap {
    architecture: String,
    #[serde(default, deserialize_with = "null_is_none")]
    sub_architectures: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EngineRule {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "null_is_none")]
    names: Vec<String>,
    action: String,
    errno_ret: Option<u32>,
    errno: Option<String>,
    #[serde(default, deserialize_with = "null_is_none")]
    args: Vec<Condition>,
    #[serde(default)]
    includes: Option<Filter>,
    #[serde(default)]
    excludes: Option<Filter>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Filter {
    #[serde(default, deserialize_with = "null_is_none")]
    caps: Vec<String>,
    #[serde(default, deserialize_with = "null_is_none")]
    arches: Vec<String>,
    min_kernel: Option<String>,
}

pub(super) fn resolve(text: &str, container: &For) -> Result<Profile, ProfileError> {
    let engine: EngineProfile = serde_json::from_str(text)?;
    if !engine.architectures.is_empty() && !engine.arch_map.is_empty() {
        return Err(EngineError::BothArchitectures.into());
    }
    let native = names::native(&container.goarch);
    let mut architectures = engine.architectures;
    if let Some(map) = engine
        .arch_map
        .into_iter()
        .find(|map| Some(map.architecture.as_str()) == native)
    {
        architectures.push(map.architecture);
        architectures.extend(map.sub_architectures);
    }
    let mut syscalls = Vec::new();
    for (at, rule) in engine.syscalls.into_iter().enumerate() {
        if !rule.name.is_empty() && !rule.names.is_empty() {
            return Err(EngineError::BothNames(at).into());
        }
        if !holds(at, &rule, container)? {
            continue;
        }
        let names = if rule.name.is_empty() {
            rule.names
        } else {
            vec![rule.name]
        };
        syscalls.push(Rule {
            names,
            errno_ret: errno(|| format!("rule {at}"), rule.errno, rule.errno_ret)?,
            action: rule.action,
            args: rule.args,
        });
    }
    Ok(Profile {
        default_errno_ret: errno(
            || "defaultErrno".to_owned(),
            engine.default_errno,
            engine.default_errno_ret,
        )?,
        default_action: engine.default_action,
        architectures,
        flags: engine.flags,
        listener_path: engine.listener_path,
        listener_metadata: engine.listener_metadata,
        syscalls,
    })
}

/// A name takes precedence over a number; both say the same in the existing files.
fn errno(
    place: impl Fn() -> String,
    name: Option<String>,
    number: Option<u32>,
) -> Result<Option<u32>, EngineError> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(number);
    };
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let found = (1..4096).find(|errno| crate::action::errno_name(*errno) == name);
    match found {
        Some(errno) => Ok(Some(errno.into())),
        None => Err(EngineError::Errno { place: place(), name }),
    }
}

/// Whether a rule applies to this container.
fn holds(at: usize, rule: &EngineRule, container: &For) -> Result<bool, EngineError> {
    let has = |capability: &String| container.capabilities.contains(capability);
    // Both are read before anything is decided: an engine refuses the file whichever rules the container gets.
    let newer = |filter: &Option<Filter>| -> Result<Option<bool>, EngineError> {
        let text = filter.as_ref().and_then(|filter| filter.min_kernel.as_ref());
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let version = version(text).ok_or_else(|| EngineError::Kernel {
            rule: at,
            text: text.clone(),
        })?;
        Ok(Some(container.kernel >= version))
    };
    let (newer_excludes, newer_includes) = (newer(&rule.excludes)?, newer(&rule.includes)?);
    let fits = |arches: &[String]| arches.contains(&container.goarch);
    if let Some(excludes) = &rule.excludes
        && (fits(&excludes.arches) || excludes.caps.iter().any(has) || newer_excludes == Some(true))
    {
        return Ok(false);
    }
    let Some(includes) = &rule.includes else {
        return Ok(true);
    };
    Ok((includes.arches.is_empty() || fits(&includes.arches))
        && includes.caps.iter().all(has)
        && newer_includes != Some(false))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
