//! What /proc shows about namespaces and other processes.

use alloc::format;
use alloc::vec::Vec;

use super::{NO_FIELD, status, text};
use crate::json::Value;
use crate::parse::{lines, number, status as fields, words};
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, fs};

/// The namespaces that /proc/self/ns lists and what each link says.
pub(crate) fn namespace_links() -> sys::Result<Vec<(Vec<u8>, Value)>> {
    let names = fs::list("/proc/self/ns")?;
    Ok(names
        .into_iter()
        .map(|name| {
            let link = fs::read_link([&b"/proc/self/ns/"[..], &name].concat());
            (name, link.into())
        })
        .collect())
}

pub(super) fn namespaces(_: &Words, report: &mut Report) {
    match namespace_links() {
        Ok(links) => {
            for (name, link) in links {
                report.fact([&b"ns."[..], &name].concat(), link);
            }
        }
        Err(errno) => report.fact("ns", Value::Failed(errno)),
    }
    for name in ["uid_map", "gid_map"] {
        report.fact(
            format!("ns.{name}"),
            text(&format!("/proc/self/{name}")).map(|text| single_spaced(&text)),
        );
    }
    report.fact("ns.setgroups", text("/proc/self/setgroups"));
}

/// The lines of a table without its alignment.
fn single_spaced(table: &[u8]) -> Vec<Vec<u8>> {
    lines(table)
        .map(|line| words(line).collect::<Vec<_>>().join(&b" "[..]))
        .collect()
}

pub(super) fn time(_: &Words, report: &mut Report) {
    match text("/proc/self/timens_offsets") {
        Ok(offsets) => {
            for line in single_spaced(&offsets) {
                let (name, value) =
                    line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
                report.fact([&b"time."[..], name].concat(), value.trim_ascii());
            }
        }
        Err(errno) => report.fact("time", Value::Failed(errno)),
    }
}

pub(super) fn pids(_: &Words, report: &mut Report) {
    let numbers = fs::list("/proc").map(|names| {
        let mut pids: Vec<u64> = names.iter().filter_map(|name| number::count(name)).collect();
        pids.sort_unstable();
        pids.iter().map(|pid| format!("{pid}")).collect::<Vec<_>>()
    });
    report.fact("proc.pids", numbers);
    report.fact("proc.nspid", namespace_pids());
    let threads = status().and_then(|text| fields::number(&text, "Threads").ok_or(NO_FIELD));
    report.fact("proc.threads", threads);
}

/// The process's number in each pid namespace from the one of /proc inwards.
pub(crate) fn namespace_pids() -> sys::Result<Vec<Vec<u8>>> {
    let text = status()?;
    let pids = fields::field(&text, "NSpid").ok_or(NO_FIELD)?;
    Ok(words(pids).map(<[u8]>::to_vec).collect())
}
