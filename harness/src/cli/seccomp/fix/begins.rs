//! Runtimes under which no workload begins, and which of their own calls the profile denies.

use std::collections::BTreeSet;

use ocidiff_seccomp::Profile;

use crate::run::readback::{Loaded, ReadBack};

/// A runtime under which no workload begins with the filter.
pub(super) struct Stopped<'a> {
    /// The runtime.
    pub(super) label: &'a str,
    /// What happens, in words that follow its name.
    pub(super) how: String,
    denied: &'a [String],
}

/// Those under which none begins.
pub(super) fn stopped(all: &[ReadBack]) -> Vec<Stopped<'_>> {
    let how = |one: &ReadBack| match &one.loaded {
        Loaded::Refused(said) => Some(format!("does not take the profile: {said}")),
        Loaded::NotBegun(said) => Some(format!("does not begin a workload under the profile: {said}")),
        Loaded::Nothing => Some("loads no filter for the profile".to_owned()),
        Loaded::Filters(_) => None,
    };
    let stopped = all.iter().filter_map(|one| {
        Some(Stopped {
            label: &one.runtime.label,
            how: how(one)?,
            denied: &one.denied,
        })
    });
    stopped.collect()
}

/// The calls that these runtimes make themselves, and that are denied only because no rule names them.
pub(super) fn own_calls(profile: &Profile, stopped: &[Stopped<'_>]) -> BTreeSet<String> {
    let denied = stopped.iter().flat_map(|one| one.denied);
    unnamed(profile, denied.map(String::as_str))
}

/// The same of all runtimes, also of those that can do without them.
pub(super) fn denied_calls(profile: &Profile, all: &[ReadBack]) -> BTreeSet<String> {
    let denied = all.iter().flat_map(|one| &one.denied);
    unnamed(profile, denied.map(String::as_str))
}

/// Those of some calls on which the profile's author has not decided: no rule names them.
pub(super) fn unnamed<'a>(profile: &Profile, calls: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let named = |call: &str| {
        let mut names = profile.syscalls.iter().flat_map(|rule| &rule.names);
        names.any(|name| name == call)
    };
    calls.filter(|call| !named(call)).map(str::to_owned).collect()
}
