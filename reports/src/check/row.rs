//! A line of the answer.

use crate::safe::safe_to;
use crate::style::first_of;

/// A line of the answer: what is to be done, for which workloads, why, and more below that.
pub(crate) type Row = (&'static str, String, Vec<String>);

/// The workloads that a line is about.
pub(super) fn names(all: &[&str]) -> String {
    const MOST: usize = 30;
    safe_to(&first_of(all, MOST), 2000)
}
