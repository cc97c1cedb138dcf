//! The mount table.

use alloc::format;
use alloc::vec::Vec;

use super::MAX_TEXT;
use crate::json::Value;
use crate::parse::{lines, mountinfo};
use crate::report::Report;
use crate::sys::fs;
use crate::sys::words::Words;

/// A point that is mounted over again gets `#2` and so on after its later mounts.
pub(super) fn all(_: &Words, report: &mut Report) {
    let table = match fs::read_file("/proc/self/mountinfo", MAX_TEXT) {
        Ok(table) => table,
        Err(errno) => return report.fact("mounts", Value::Failed(errno)),
    };
    let mounts: Vec<_> = lines(&table).filter_map(mountinfo::line).collect();
    report.fact(
        "mounts",
        mounts.iter().map(|mount| mount.point.clone()).collect::<Vec<_>>(),
    );
    for (index, mount) in mounts.iter().enumerate() {
        let earlier = mounts[..index]
            .iter()
            .filter(|other| other.point == mount.point)
            .count();
        let mut name = [&b"mount."[..], &mount.point].concat();
        if earlier > 0 {
            name.extend_from_slice(format!("#{}", earlier + 1).as_bytes());
        }
        report.fact(name, mount.text());
    }
}
