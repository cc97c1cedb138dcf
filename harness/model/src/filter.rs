//! A row of a comparison of seccomp filters: a class of calls to which they give different answers.

use serde::{Deserialize, Serialize};

use crate::record::RuntimeId;

/// The fact of the filter channel: where the filters in force do not answer what the profile says, with a line for each
/// reason and class of calls: `newer than the profile: ERRNO(ENOSYS) [x86_64, i386, x32]`.
pub const DEPARTURES: &str = "filter.departures";

/// As [`DEPARTURES`], on architectures about which the profile says nothing: `every call: KILL_THREAD [x32, other]`.
pub const UNLISTED: &str = "filter.unlisted";

/// A class of calls, with what each runtime's filter answers, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRow {
    /// The calls: `x86_64 fchmodat2`, `x86_64 450..`, `i386 clone[args[0] & 0x7e020000 != 0]`.
    pub calls: String,
    /// Those of them that have a name, by rising numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<NamedCall>,
    /// The answers, the reference's first.
    pub answers: Vec<FilterAnswer>,
    /// What decides these calls by the profile: a rule, or the default action.
    pub profile: String,
    /// What is written for them: `ALLOW`; none where the profile says nothing, or two rules contradict each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// Whether the profile says nothing of them: their architecture is not in its list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
    /// Who makes these calls, and does not get over some of the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<FilterHit>,
    /// One of the calls.
    pub witness: Witness,
}

/// A call by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedCall {
    /// Its name.
    pub name: String,
    /// Its number.
    pub nr: u32,
    /// The Linux version that brought it, if it came after 2.6.12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// Runtimes whose filters answer the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterAnswer {
    /// The answer: `ALLOW`, `ERRNO(EPERM)`.
    pub action: String,
    /// Who.
    pub runtimes: Vec<String>,
    /// Why it is not what the profile says; none if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same as a line of [`DEPARTURES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure: Option<String>,
}

/// A library function or a program that makes a call of the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterHit {
    /// The call.
    pub syscall: String,
    /// Who makes it.
    pub who: String,
    /// What comes of it.
    pub otherwise: String,
    /// Where that can be read.
    pub link: String,
    /// Under which runtimes.
    pub runtimes: Vec<String>,
}

/// One call, for trying it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Architecture, an `AUDIT_ARCH_*` value.
    pub arch: u32,
    /// Number, with bit 30 for x32.
    pub nr: u32,
    /// Arguments.
    pub args: [u64; 6],
}

/// What runtimes make of a seccomp profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileReport {
    /// The profile, as it was named.
    pub profile: String,
    /// Each runtime with what it loaded, the reference first.
    pub runtimes: Vec<ProfileLoaded>,
    /// Calls that the filters do not answer alike; none is a proof that they answer every call alike.
    pub rows: Vec<FilterRow>,
}

/// What one runtime made of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileLoaded {
    /// Who.
    pub runtime: RuntimeId,
    /// The filters, by the number of their instructions, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<usize>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_none: Option<String>,
    /// Where they do not answer what is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departures: Vec<FilterRow>,
}
