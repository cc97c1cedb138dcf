//! When something was, for reading.

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Seconds since 1970 as a date and a time, UTC; nothing where they are 0, which stands for not known.
pub(crate) fn utc(seconds: u64) -> Option<String> {
    if seconds == 0 {
        return None;
    }
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute) = (seconds % DAY / HOUR, seconds % HOUR / MINUTE);
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC"))
}

/// The Gregorian date of a day counted from 1970: years are counted from March, so that the leap day is the last.
fn date(day: u64) -> (u64, u64, u64) {
    // Days from the 1st of March of the year 0; 400 years have 146097.
    let day = u128::from(day) + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, after) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + after;
    let number = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
    (number(year), number(month), number(of_month))
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
