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
    static FACTOR: LazyLock<u64> = LazyLock::new(|| asked().unwrap_or(1));
    limit.saturating_mul(*FACTOR)
}

/// What raises no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {VARIABLE}={0}: it takes a whole number from 1 to {MOST}, by which every limit is multiplied")]
pub struct NoFactor(String);

/// How many times the limits are raised, as the environment says.
///
/// # Errors
/// It says what is not a number of times.
pub fn asked() -> Result<u64, NoFactor> {
    let value = std::env::var_os(VARIABLE);
    factor(value.as_ref().map(|value| value.to_string_lossy()).as_deref())
}

/// The same for what is counted in memory.
#[must_use]
pub fn raised_count(limit: usize) -> usize {
    usize::try_from(raised(limit as u64)).unwrap_or(usize::MAX)
}

fn factor(value: Option<&str>) -> Result<u64, NoFactor> {
    let Some(text) = value else { return Ok(1) };
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| NoFactor(text.chars().take(40).collect()))
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
            (None, Some(1)),
            (Some("1"), Some(1)),
            (Some("4"), Some(4)),
            (Some("1000"), Some(1000)),
            (Some("0"), None),
            (Some("-3"), None),
            (Some("many"), None),
            (Some(""), None),
            (Some("99999999"), None),
        ] {
            assert_eq!(factor(value).ok(), expected, "{value:?}");
        }
    }
}
