//! Names that cases use and that are defined elsewhere: system calls, signals, capabilities, runtimes, engines.

use std::sync::LazyLock;

use nix::sys::signal::Signal;
use ocidiff_model::near;
use ocidiff_model::pattern::glob;
use ocidiff_runtimes::is_manifest;
use ocidiff_seccomp::syscall;

use crate::machine::names::{signal_name, signal_number};

/// Real-time signals are written `RTMIN+3`, `RTMAX-1`, or by number.
const LAST_SIGNAL: u32 = 64;

/// The names of the architecture's own system calls: what a misspelt name may have been meant to be.
static CALLS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    (0..syscall::LAST_NAMED)
        .filter_map(|nr| syscall::syscall_name(ocidiff_seccomp::data::ARCH_X86_64, nr))
        .collect()
});

/// The call that was meant.
pub(super) fn call_meant(call: &str) -> Option<&'static str> {
    near::near(call, CALLS.iter().copied())
}

/// The same as a sentence.
pub(crate) fn call_help(call: &str) -> Option<String> {
    call_meant(call).map(|meant| format!("did you mean `{meant}`?"))
}

/// Whether there is a call with that name, or with that number as the recorder writes it.
pub(super) fn is_call(name: &str) -> bool {
    let by_number = name.strip_prefix("syscall_").or_else(|| name.strip_prefix('#'));
    by_number.is_some_and(|number| number.parse::<u32>().is_ok()) || syscall::is_known(name)
}

/// Whether a name with `*` for any text can be that of a call.
pub(super) fn can_be_call(name: &str) -> bool {
    let is_open = name.contains('*');
    // A call without a name is written by its number.
    let by_number = || glob(name, "syscall_450");
    is_call(name) || (is_open && (by_number() || CALLS.iter().any(|call| glob(name, call))))
}

fn signals() -> impl Iterator<Item = &'static str> + Clone {
    Signal::iterator()
        .map(|signal| signal.as_str().trim_start_matches("SIG"))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Whether facts name a signal like this: without `SIG`, or by its number where it has no name.
pub(super) fn is_shown_signal(name: &str) -> bool {
    signal_number(name).is_some_and(|number| signal_name(number) == name)
}

/// The name that facts have for a signal that was meant.
pub(super) fn signal_help(name: &str) -> Option<&'static str> {
    near::near(name.strip_prefix("SIG").unwrap_or(name), signals())
}

/// What is wrong with a signal's name or number, and what to do; `None` if it is valid.
pub(super) fn signal(text: &str) -> Option<Option<String>> {
    let short = text.strip_prefix("SIG").unwrap_or(text);
    let real_time = ["RTMIN+", "RTMAX-"]
        .iter()
        .filter_map(|head| short.strip_prefix(head))
        .any(|rest| rest.parse::<u32>().is_ok_and(|number| number <= LAST_SIGNAL));
    let number = text.parse::<u32>().is_ok_and(|number| number <= LAST_SIGNAL);
    if number || real_time || ["RTMIN", "RTMAX"].contains(&short) || signals().any(|name| name == short) {
        return None;
    }
    let help = near::near(short, signals()).map(|meant| format!("did you mean `{meant}`?"));
    Some(help.or_else(|| Some("a signal's name or number, such as TERM or 15".to_owned())))
}

/// The runtimes that have manifests: a checkout's, or the built-in ones.
pub(super) fn runtimes() -> Vec<String> {
    // Manifests that cannot be read are reported where they are read.
    let sources = super::files::standard("runtimes").unwrap_or_default();
    let manifests = sources.keys().filter(|name| is_manifest(name));
    manifests
        .map(|name| name.trim_end_matches(".yaml").to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_and_calls_are_names_or_numbers() {
        for good in ["TERM", "SIGTERM", "9", "0", "RTMIN+3", "SIGRTMAX-1", "64"] {
            assert_eq!(signal(good), None, "{good}");
        }
        assert_eq!(signal("TRM"), Some(Some("did you mean `TERM`?".to_owned())));
        for bad in ["65", "-1", "RTMIN+", "TERM ", ""] {
            assert!(signal(bad).is_some(), "{bad}");
        }
        for good in ["fchmodat2", "syscall_999", "#83"] {
            assert!(is_call(good), "{good}");
        }
        for bad in ["fchmodat3", "syscall_x", ""] {
            assert!(!is_call(bad), "{bad}");
        }
        assert_eq!(call_help("fchmdoat").as_deref(), Some("did you mean `fchmodat`?"));
    }
}
