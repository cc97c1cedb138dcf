//! Seccomp profiles: `linux.seccomp` of an OCI config, and the files from which engines make it.
//!
//! They are read leniently: mistakes in a profile are kept as they are, because the question is what runtimes make of
//! them.
//!
//! | module | what it has |
//! |---|---|
//! | `engine` | an engine's own format, resolved for a container as the engine would |
//! | `written` | what a profile means according to the spec: a function from calls to rulings |
//! | `names` | actions, operators and architectures by their names in the spec |

mod engine;
mod names;
mod written;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decide::partition::Abi;
use crate::syscall::is_of_x32_only;

pub use engine::{EngineError, For};
pub use names::{action, goarch, native};
pub use written::{Ruling, Written};

/// `linux.seccomp` ([config-linux.md#seccomp](https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp)).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// `SCMP_ACT_*`, for what no rule matches.
    #[serde(default)]
    pub default_action: String,
    /// Its errno, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_errno_ret: Option<u32>,
    /// `SCMP_ARCH_*`.
    #[serde(
        default,
        deserialize_with = "null_is_none",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub architectures: Vec<String>,
    /// `SECCOMP_FILTER_FLAG_*`.
    #[serde(
        default,
        deserialize_with = "null_is_none",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub flags: Vec<String>,
    /// The socket on which a listener waits for notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener_path: Option<String>,
    /// What is passed to the listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener_metadata: Option<String>,
    /// The rules, in the file's order.
    #[serde(
        default,
        deserialize_with = "null_is_none",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub syscalls: Vec<Rule>,
}

/// One entry of `syscalls`: it matches a call of one of the names whose arguments meet all conditions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Names of calls.
    #[serde(default, deserialize_with = "null_is_none")]
    pub names: Vec<String>,
    /// `SCMP_ACT_*`
    #[serde(default)]
    pub action: String,
    /// Its errno; EPERM if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno_ret: Option<u32>,
    /// Conditions on arguments: all of them must hold.
    #[serde(
        default,
        deserialize_with = "null_is_none",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub args: Vec<Condition>,
}

/// A condition on one argument.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which argument, from 0.
    #[serde(default)]
    pub index: u32,
    /// What it is compared with; the mask of `SCMP_CMP_MASKED_EQ`.
    #[serde(default)]
    pub value: u64,
    /// The value of `SCMP_CMP_MASKED_EQ`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub value_two: u64,
    /// `SCMP_CMP_*`
    #[serde(default)]
    pub op: String,
}

// serde passes a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Go writes an empty list as `null`.
fn null_is_none<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What a text holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An OCI config.json.
    Config,
    /// A `linux.seccomp` object.
    Object,
    /// An engine's profile, resolved.
    Engine,
}

/// Why a text is not a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not JSON, or a member of the wrong kind; gives the line and the column.
    #[error("read a profile: {0}")]
    Json(#[from] serde_json::Error),
    /// A config.json without a seccomp profile.
    #[error("read a profile: the config has no linux.seccomp, so there is no filter to look at")]
    NoSeccomp,
    /// Something else.
    #[error(
        "read a profile: neither a config.json, nor a linux.seccomp object, nor an engine's profile: it has no defaultAction"
    )]
    NotOne,
    /// An engine's profile that the engine would refuse too.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Profile {
    /// Reads any of the three formats; an engine's is resolved for a container.
    ///
    /// # Errors
    ///
    /// When it is none of these; with the line and column of the mistake, where JSON gives it.
    pub fn read(text: &str, container: &For) -> Result<(Self, Source), ProfileError> {
        let look: Value = serde_json::from_str(text)?;
        if look.get("ociVersion").is_some() || look.get("linux").is_some() {
            #[derive(Deserialize)]
            struct Config {
                #[serde(default)]
                linux: Option<Linux>,
            }
            #[derive(Deserialize)]
            struct Linux {
                #[serde(default)]
                seccomp: Option<Profile>,
            }
            let config: Config = serde_json::from_str(text)?;
            let profile = config.linux.and_then(|linux| linux.seccomp);
            return Ok((profile.ok_or(ProfileError::NoSeccomp)?, Source::Config));
        }
        if look.get("defaultAction").is_none() {
            return Err(ProfileError::NotOne);
        }
        let is_engines = engine::is_one(&look);
        drop(look);
        if is_engines {
            return Ok((engine::resolve(text, container)?, Source::Engine));
        }
        Ok((serde_json::from_str(text)?, Source::Object))
    }

    /// The value that goes into a config.json.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The newest call that a rule names, by its number on an ABI: the profile's author cannot have known of anything
    /// newer.
    ///
    /// The numbers that only x32 has do not count: they are large, but not new.
    pub fn newest(&self, abi: &Abi) -> Option<u32> {
        let names = self.syscalls.iter().flat_map(|rule| &rule.names);
        names
            .filter_map(|name| abi.syscall_number(name))
            .filter(|nr| *abi != Abi::X32 || !is_of_x32_only(*nr))
            .max()
    }
}
