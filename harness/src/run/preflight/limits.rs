//! The limits that ocidiff itself was started with: raised where that is allowed, otherwise reported before
//! anything runs.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MIB: u64 = 1 << 20;
/// Open files of the program itself, and of each case that is under way.
const FILES: u64 = 128;
const FILES_OF_A_JOB: u64 = 16;
/// A program written in Go reserves several hundred MiB before it does anything.
const SPACE: u64 = 1024 * MIB;
/// The probe, recorded calls and reports.
const FILE: u64 = 256 * MIB;

/// Threads of the program itself; each case that is under way has one more.
const THREADS: usize = 8;

/// The limits that are too low, as one sentence that says what to do.
#[must_use]
pub fn low(jobs: usize) -> Option<String> {
    files_and_memory(jobs).or_else(|| threads(jobs.saturating_add(THREADS)))
}

/// Whether this many threads can be started. This is tried out: the bound may be set by any cgroup above.
fn threads(needed: usize) -> Option<String> {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    let mut started = Vec::new();
    let refused = (0..needed).find_map(|_| {
        let held = std::sync::Arc::clone(&held);
        let wait = move || drop(held.lock().map(|held| held.recv()));
        match std::thread::Builder::new().spawn(wait) {
            Ok(thread) => {
                started.push(thread);
                None
            }
            Err(error) => Some(error),
        }
    });
    let count = started.len();
    drop(release);
    for thread in started {
        // The thread does nothing that could fail.
        let _ = thread.join();
    }
    refused.map(|error| {
        format!(
            "ocidiff can start {count} threads here and needs {needed} ({error}): raise pids.max of the cgroup that it is \
             started in (of a service: TasksMax), or ulimit -u"
        )
    })
}

fn files_and_memory(jobs: usize) -> Option<String> {
    let files = FILES.saturating_add(FILES_OF_A_JOB.saturating_mul(jobs as u64));
    let low: Vec<String> = [
        (Resource::Nofile, files, 1, "-n", "open files with this many jobs"),
        (Resource::As, SPACE, 1024, "-v", "bytes of address space"),
        (Resource::Data, SPACE, 1024, "-d", "bytes of data"),
        (Resource::Fsize, FILE, 512, "-f", "bytes in a file"),
    ]
    .into_iter()
    .filter_map(|(resource, needed, unit, option, what)| {
        let has = raised(resource, needed)?;
        Some(format!(
            "{has} {what} and needs {needed} (ulimit {option} {})",
            needed.div_ceil(unit)
        ))
    })
    .collect();
    (!low.is_empty()).then(|| {
        format!(
            "the limits of this shell are too low, so runtimes would fail for reasons that are not theirs: ocidiff may have {}; \
             raise them in the shell or the service that starts it",
            low.join(", ")
        )
    })
}

/// Raises a limit to what is needed, or as far as allowed; returns the resulting limit if that is too low.
fn raised(resource: Resource, needed: u64) -> Option<u64> {
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    let now = getrlimit(resource);
    if enough(now.current) {
        return None;
    }
    let hard = now.maximum.unwrap_or(u64::MAX);
    // Going beyond the hard limit takes CAP_SYS_RESOURCE.
    for (soft, hard) in [(needed, hard.max(needed)), (hard, hard)] {
        let wanted = Rlimit {
            current: Some(soft),
            maximum: (hard != u64::MAX).then_some(hard),
        };
        if setrlimit(resource, wanted).is_ok() {
            break;
        }
    }
    let after = getrlimit(resource).current;
    after.filter(|_| !enough(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_may_have_is_told_with_what_to_do() {
        assert_eq!(low(1), None, "the limits of a usual shell");
        let told = files_and_memory(usize::MAX).expect("more files than there are");
        assert!(
            told.contains("open files") && told.contains("ulimit -n"),
            "{told}"
        );
    }
}
