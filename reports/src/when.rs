//! When something was, for reading.

use ocidiff_model::date::Date;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Seconds since 1970 as a date and a time, UTC; `None` if they are 0, which means unknown.
pub(crate) fn utc(seconds: u64) -> Option<String> {
    if seconds == 0 {
        return None;
    }
    let (hour, minute) = (seconds % DAY / HOUR, seconds % HOUR / MINUTE);
    Some(format!("{} {hour:02}:{minute:02} UTC", Date::of(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, told) in [
            (1, "1970-01-01 00:00 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59 UTC"),
            (1_767_225_600, "2026-01-01 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(utc(seconds).as_deref(), Some(told));
        }
        assert_eq!(utc(0), None);
        assert!(utc(u64::MAX).is_some());
    }
}
