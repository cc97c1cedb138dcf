//! Reading the seccomp filters of a workload that stands at its execve.

use std::io;

use ocidiff_seccomp::Filter;

use super::sys;
use crate::Pid;

/// Filters, oldest first, and why the list is empty if they could not be read.
pub(super) fn read(tid: Pid) -> (Vec<Filter>, Option<String>) {
    let mut filters = Vec::new();
    loop {
        // Index 0 is the filter that was installed first, whatever ptrace(2) says: shown by a test.
        let error = match sys::seccomp_filter(tid, filters.len()) {
            Ok(bytes) => match Filter::from_bytes(&bytes) {
                Ok(filter) => {
                    filters.push(filter);
                    continue;
                }
                Err(error) => return (filters, Some(error.to_string())),
            },
            Err(error) => error,
        };
        let reason = match error.raw_os_error() {
            // There are no more of them, or no filter mode at all.
            Some(libc::ENOENT) => None,
            Some(libc::EINVAL) if filters.is_empty() => None,
            _ => Some(reason(&error)),
        };
        return (filters, reason);
    }
}

fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EACCES) => "needs CAP_SYS_ADMIN, and a recorder without a filter of its own".to_owned(),
        Some(libc::EIO) => "this kernel cannot tell (no CONFIG_CHECKPOINT_RESTORE)".to_owned(),
        Some(libc::EMEDIUMTYPE) => "the filter is not classic BPF".to_owned(),
        _ => error.to_string(),
    }
}
