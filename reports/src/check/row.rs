//! A line of the answer.

use crate::safe::safe_to;

/// A line of the answer: what is to be done, for which workloads, why, and more below that.
pub(crate) type Row = (&'static str, String, Vec<String>);

/// The workloads that a line is about.
pub(super) fn names(all: &[&str]) -> String {
    const MOST: usize = 30;
    let shown = all.len().min(MOST);
    let more = match all.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    safe_to(&format!("{}{more}", all[..shown].join(", ")), 2000)
}
