//! Limits hold for everyone, and can be raised by a user who knows the data.

use std::fmt;
use std::sync::LazyLock;

/// The environment variable that raises every limit.
pub const VARIABLE: &str = "OCIDIFF_LIMITS";
/// More would not be a limit.
const MOST: u64 = 1000;

/// A limit as it holds in this run: multiplied by what the environment says.
#[must_use]
pub fn raised(limit: u64) -> u64 {
    static FACTOR: LazyLock<u64> = LazyLock::new(|| factor(std::env::var(VARIABLE).ok().as_deref()));
    limit.saturating_mul(*FACTOR)
}

/// The same for what is counted in memory.
#[must_use]
pub fn raised_count(limit: usize) -> usize {
    usize::try_from(raised(limit as u64)).unwrap_or(usize::MAX)
}

/// A value that is not a number of at least 1 raises nothing.
fn factor(value: Option<&str>) -> u64 {
    value
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
        .clamp(1, MOST)
}

/// How to raise the limits, at the end of a message that names one.
#[derive(Debug, Clone, Copy)]
pub struct Hint;

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VARIABLE}=N raises every limit N times")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_raises_a_limit() {
        for (value, expected) in [
            (None, 1),
            (Some("4"), 4),
            (Some("0"), 1),
            (Some("-3"), 1),
            (Some("many"), 1),
            (Some("99999999"), MOST),
        ] {
            assert_eq!(factor(value), expected, "{value:?}");
        }
    }
}
