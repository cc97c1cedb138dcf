//! A day of the calendar, `2026-12-31`.

use std::fmt;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// A day of the Gregorian calendar, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u64,
    month: u64,
    day: u64,
}

/// What is not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date; write YYYY-MM-DD, such as 2026-12-31")]
pub struct DateError(String);

/// Whether a text is a month of the calendar, `2026-12`.
#[must_use]
pub fn is_month(text: &str) -> bool {
    format!("{text}-01").parse::<Date>().is_ok()
}

impl Date {
    /// The day of a moment, in seconds since 1970. Years are counted from March, so that the leap day is the last.
    #[must_use]
    pub fn of(seconds: u64) -> Self {
        // Days from the 1st of March of the year 0; 400 years have 146097.
        let day = u128::from(seconds / DAY) + 719_468;
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
        Self {
            year: number(year),
            month: number(month),
            day: number(of_month),
        }
    }

    fn is_there(self) -> bool {
        let leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        (1..=days).contains(&self.day)
    }
}

impl std::str::FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let not = || DateError(text.to_owned());
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else {
            return Err(not());
        };
        let number = |part: &str, digits: usize| {
            let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        };
        let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
            return Err(not());
        };
        let date = Self { year, month, day };
        date.is_there().then_some(date).ok_or_else(not)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

crate::text::written_as_text!(Date, "a date: YYYY-MM-DD");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, told) in [
            (1, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_767_225_600, "2026-01-01"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Date::of(seconds).to_string(), told);
            assert_eq!(told.parse(), Ok(Date::of(seconds)));
        }
        assert!(Date::of(u64::MAX) > Date::of(0));
        let parsed = |text: &str| text.parse::<Date>().expect("a date");
        assert!(parsed("2026-09-30") < parsed("2026-10-01") && parsed("2026-12-31") < parsed("2027-01-01"));
    }

    #[test]
    fn a_month_is_one_of_the_calendar() {
        for (text, expected) in [
            ("2026-12", true),
            ("2026-13", false),
            ("2026-1", false),
            ("2026-12-31", false),
            ("2026", false),
        ] {
            assert_eq!(is_month(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_on_the_calendar_is_no_date() {
        for text in [
            "",
            "2026-2-1",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-04-31",
            "31.12.2026",
            "2026-12-31T00:00",
            "+026-12-31",
            "tomorrow",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        assert!("2024-02-29".parse::<Date>().is_ok());
    }
}
