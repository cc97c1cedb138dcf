//! What a runtime does not support, according to its own words.

use ocidiff_model::Range;
use serde::Deserialize;

use crate::text::Pattern;

/// A message that means "not supported here", and not "the bundle is wrong".
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// What it says on stderr.
    pub regex: Pattern,
    /// For which bundles it can mean that, by their ociVersion; for all if not given.
    #[serde(default)]
    pub oci_version: Option<Range>,
    /// What that means.
    pub means: String,
}

impl Refusal {
    /// Whether the words mean that, for a bundle of this version.
    pub(crate) fn is_meant(&self, stderr: &str, oci_version: Option<&str>) -> bool {
        let is_of = |range: &Range, version: &str| {
            // What is not a version is not a newer version.
            is_semver(version) && version.parse().is_ok_and(|version| range.holds(&version))
        };
        let bundle = match (&self.oci_version, oci_version) {
            (Some(range), Some(version)) => is_of(range, version),
            _ => true,
        };
        bundle && self.regex.is_match(stderr)
    }
}

/// Three numbers, and what can follow them.
fn is_semver(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3 && core.split('.').all(is_number)
}
