//! The container's process as `/proc/PID` shows it: after create, and at the workload's execve, when it is
//! confined and has not run an instruction.
//!
//! proc(5), user_namespaces(7), capabilities(7).

use std::fs;
use std::io;

use ocidiff_model::{Fact, Value};

use crate::machine::names::{capability, signal_name};

/// Small files that are facts as they are.
const PLAIN: [&str; 10] = [
    "oom_score_adj",
    "timerslack_ns",
    "personality",
    "loginuid",
    "coredump_filter",
    "setgroups",
    "attr/current",
    "comm",
    "uid_map",
    "gid_map",
];

/// Titles of `/proc/PID/limits`, and what each is called here.
const LIMITS: [(&str, &str); 16] = [
    ("Max cpu time", "cpu"),
    ("Max file size", "fsize"),
    ("Max data size", "data"),
    ("Max stack size", "stack"),
    ("Max core file size", "core"),
    ("Max resident set", "rss"),
    ("Max processes", "nproc"),
    ("Max open files", "nofile"),
    ("Max locked memory", "memlock"),
    ("Max address space", "as"),
    ("Max file locks", "locks"),
    ("Max pending signals", "sigpending"),
    ("Max msgqueue size", "msgqueue"),
    ("Max nice priority", "nice"),
    ("Max realtime priority", "rtprio"),
    ("Max realtime timeout", "rttime"),
];

/// What `status` is split into, by the beginnings of the facts' names.
const OF_STATUS: [&str; 9] = [
    "umask",
    "uid",
    "gid",
    "groups",
    "no_new_privs",
    "seccomp",
    "threads",
    "signals",
    "caps",
];

/// What `/proc/PID` shows of the runtime's own process after create, as facts under `proc.created`: its identity
/// and where it is. The rest is inherited, or changes on its way to the execve.
/// `of` names another container than the first one, as paths have it.
pub(crate) fn created(pid: i32, of: &str) -> Vec<Fact> {
    let mut look = Look::at(pid);
    look.status();
    look.namespaces();
    look.under(&format!("{of}created"))
}

/// Everything that `/proc/PID` shows at the workload's execve, as facts under `proc.init`.
pub(crate) fn at_exec(pid: i32) -> Vec<Fact> {
    let mut look = Look::at(pid);
    look.status();
    look.limits();
    for name in PLAIN {
        look.plain(name);
    }
    look.strings("env", "environ");
    look.strings("args", "cmdline");
    for name in ["cwd", "root", "exe"] {
        look.link(name, name);
    }
    look.descriptors();
    look.namespaces();
    look.under("init")
}

/// A process that is looked at. An error is the harness's own: it becomes no value, but a line of what was not read.
struct Look {
    pid: i32,
    facts: Vec<Fact>,
    unread: Vec<String>,
}

impl Look {
    fn at(pid: i32) -> Self {
        Self {
            pid,
            facts: Vec::new(),
            unread: Vec::new(),
        }
    }

    fn under(mut self, when: &str) -> Vec<Fact> {
        if !self.unread.is_empty() {
            let unread = std::mem::take(&mut self.unread);
            self.fact("unread", unread);
        }
        for fact in &mut self.facts {
            fact.path = format!("proc.{when}.{}", fact.path);
        }
        self.facts
    }

    fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.push(Fact::new(name, value));
    }

    /// What was read; where that failed, these facts are not known.
    fn known<T>(&mut self, names: &[&str], read: io::Result<T>) -> Option<T> {
        let error = match read {
            Ok(value) => return Some(value),
            Err(error) => errno(&error),
        };
        let lines = names.iter().map(|name| format!("{name} {error}"));
        self.unread.extend(lines);
        None
    }

    fn read(&self, name: &str) -> io::Result<String> {
        fs::read(format!("/proc/{}/{name}", self.pid))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn plain(&mut self, name: &str) {
        let Some(text) = self.known(&[name], self.read(name)) else {
            return;
        };
        let words = text.trim_end_matches(['\n', '\0']).split_whitespace();
        self.fact(name, words.collect::<Vec<_>>().join(" "));
    }

    fn target(&self, link: &str) -> io::Result<String> {
        fs::read_link(format!("/proc/{}/{link}", self.pid)).map(|path| path.to_string_lossy().into_owned())
    }

    fn link(&mut self, name: &str, link: &str) {
        if let Some(target) = self.known(&[name], self.target(link)) {
            // `pipe:[123]`: the number comes from the kernel.
            let what = target.split_once(":[").map_or(target.as_str(), |(kind, _)| kind);
            self.fact(name, what);
        }
    }

    fn strings(&mut self, name: &str, file: &str) {
        if let Some(text) = self.known(&[name], self.read(file)) {
            let strings = text.split_terminator('\0').map(str::to_owned);
            self.fact(name, strings.collect::<Vec<_>>());
        }
    }

    fn status(&mut self) {
        let text = self.known(&OF_STATUS, self.read("status")).unwrap_or_default();
        self.facts.extend(text.lines().filter_map(of_status));
    }

    /// `Max open files            1024                 4096                 files`
    fn limits(&mut self) {
        let text = self.known(&["rlimit"], self.read("limits")).unwrap_or_default();
        for (title, name) in LIMITS {
            let Some(rest) = text.lines().find_map(|line| line.strip_prefix(title)) else {
                continue;
            };
            let mut words = rest.split_whitespace();
            if let (Some(soft), Some(hard)) = (words.next(), words.next()) {
                self.fact(&format!("rlimit.{name}"), format!("{soft}:{hard}"));
            }
        }
    }

    fn descriptors(&mut self) {
        let listed = fs::read_dir(format!("/proc/{}/fd", self.pid));
        let Some(entries) = self.known(&["fds", "fd"], listed) else {
            return;
        };
        let mut numbers: Vec<i32> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        numbers.sort_unstable();
        self.fact("fds", numbers.iter().map(i32::to_string).collect::<Vec<_>>());
        for number in numbers {
            self.link(&format!("fd.{number}"), &format!("fd/{number}"));
        }
    }

    /// Whether each namespace is the cell's own or a new one.
    fn namespaces(&mut self) {
        for kind in ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"] {
            let (name, link) = (format!("ns.{kind}"), format!("ns/{kind}"));
            let own = fs::read_link(format!("/proc/self/{link}"));
            let both = own.and_then(|own| Ok((own.to_string_lossy().into_owned(), self.target(&link)?)));
            if let Some((own, theirs)) = self.known(&[&name], both) {
                self.fact(&name, if own == theirs { "shared" } else { "new" });
            }
        }
    }
}

/// `EPERM`
pub(super) fn errno(error: &io::Error) -> String {
    let number = nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(0));
    number
        .to_string()
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn of_status(line: &str) -> Option<Fact> {
    let (key, value) = line.split_once(':')?;
    let value = value.trim();
    Some(match key {
        "Umask" => Fact::new("umask", value),
        "Uid" | "Gid" => Fact::new(key.to_lowercase(), value.replace('\t', " ")),
        "Groups" => Fact::new("groups", value),
        "NoNewPrivs" => Fact::new("no_new_privs", value == "1"),
        "Seccomp" => Fact::new("seccomp.mode", number(value)),
        "Seccomp_filters" => Fact::new("seccomp.filters", number(value)),
        "Threads" => Fact::new("threads", number(value)),
        "SigBlk" | "SigIgn" | "SigCgt" => Fact::new(
            key.to_lowercase().replace("sig", "signals."),
            mask(value, |bit| signal_name(bit + 1)),
        ),
        "CapInh" | "CapPrm" | "CapEff" | "CapBnd" | "CapAmb" => Fact::new(
            format!("caps.{}", key[3..].to_lowercase()),
            mask(value, capability),
        ),
        _ => return None,
    })
}

fn number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Value::Int)
}

/// The names of the bits of a hexadecimal mask.
fn mask(hex: &str, name: impl Fn(i32) -> String) -> Vec<String> {
    let bits = u64::from_str_radix(hex, 16).unwrap_or(0);
    (0..64).filter(|bit| bits >> bit & 1 == 1).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_named() {
        assert_eq!(mask("0000000000000021", capability), ["CHOWN", "KILL"]);
        assert_eq!(mask("8000000000000000", capability), ["63"]);
    }

    #[test]
    fn what_cannot_be_read_is_no_value() {
        // Above the largest pid that there can be.
        let facts = at_exec(1 << 23);
        let [unread] = &facts[..] else { panic!("{facts:?}") };
        assert_eq!(unread.path, "proc.init.unread");
        let Value::List(lines) = &unread.value else {
            panic!("{unread:?}")
        };
        for line in [
            "timerslack_ns ENOENT",
            "caps ENOENT",
            "rlimit ENOENT",
            "fd ENOENT",
            "ns.mnt ENOENT",
        ] {
            assert!(lines.iter().any(|one| one == line), "{line} in {lines:?}");
        }
    }

    #[test]
    fn a_process_can_be_looked_at_from_outside() {
        let facts = at_exec(std::process::id().cast_signed());
        let of = |path: &str| {
            facts
                .iter()
                .find(|fact| fact.path == path)
                .map(|fact| fact.value.clone())
        };
        assert_eq!(of("proc.init.ns.mnt"), Some("shared".into()));
        assert!(matches!(of("proc.init.rlimit.nofile"), Some(Value::Text(text)) if text.contains(':')));
        assert!(matches!(of("proc.init.caps.bnd"), Some(Value::List(_))));
    }
}
