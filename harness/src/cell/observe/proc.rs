//! The container's process as `/proc/PID` shows it: after create, and at the workload's execve, when it is
//! confined and has not run an instruction.
//!
//! proc(5), user_namespaces(7), capabilities(7).

use std::fs;

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

/// What `/proc/PID` shows of the runtime's own process after create, as facts under `proc.created`: its identity
/// and where it is. The rest is inherited, or changes on its way to the execve.
pub(crate) fn created(pid: i32) -> Vec<Fact> {
    let mut facts = Vec::new();
    status(pid, &mut facts);
    namespaces(pid, &mut facts);
    under("created", facts)
}

/// Everything that `/proc/PID` shows at the workload's execve, as facts under `proc.init`.
pub(crate) fn at_exec(pid: i32) -> Vec<Fact> {
    let mut facts = Vec::new();
    status(pid, &mut facts);
    limits(pid, &mut facts);
    for name in PLAIN {
        let value = read(pid, name).map_or_else(errno, |text| text.trim_end_matches(['\n', '\0']).to_owned());
        let words = value.split_whitespace().collect::<Vec<_>>().join(" ");
        facts.push(fact(name, words));
    }
    facts.push(fact("env", strings(pid, "environ")));
    facts.push(fact("args", strings(pid, "cmdline")));
    for link in ["cwd", "root", "exe"] {
        facts.push(fact(link, target(pid, link)));
    }
    descriptors(pid, &mut facts);
    namespaces(pid, &mut facts);
    under("init", facts)
}

fn under(when: &str, mut facts: Vec<Fact>) -> Vec<Fact> {
    for fact in &mut facts {
        fact.path = format!("proc.{when}.{}", fact.path);
    }
    facts
}

fn fact(name: &str, value: impl Into<Value>) -> Fact {
    Fact::new(name, value)
}

fn read(pid: i32, name: &str) -> std::io::Result<String> {
    fs::read(format!("/proc/{pid}/{name}")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn errno(error: std::io::Error) -> String {
    let number = error.raw_os_error().unwrap_or(0);
    nix::errno::Errno::from_raw(number)
        .to_string()
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn target(pid: i32, link: &str) -> String {
    fs::read_link(format!("/proc/{pid}/{link}"))
        .map_or_else(errno, |path| path.to_string_lossy().into_owned())
}

fn strings(pid: i32, name: &str) -> Value {
    match read(pid, name) {
        Ok(text) => text
            .split_terminator('\0')
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into(),
        Err(error) => errno(error).into(),
    }
}

fn status(pid: i32, facts: &mut Vec<Fact>) {
    let Ok(text) = read(pid, "status") else { return };
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key {
            "Umask" => facts.push(fact("umask", value)),
            "Uid" | "Gid" => facts.push(fact(&key.to_lowercase(), value.replace('\t', " "))),
            "Groups" => facts.push(fact("groups", value)),
            "NoNewPrivs" => facts.push(fact("no_new_privs", value == "1")),
            "Seccomp" => facts.push(fact("seccomp.mode", number(value))),
            "Seccomp_filters" => facts.push(fact("seccomp.filters", number(value))),
            "Threads" => facts.push(fact("threads", number(value))),
            "SigBlk" | "SigIgn" | "SigCgt" => {
                let name = key.to_lowercase().replace("sig", "signals.");
                facts.push(fact(&name, mask(value, |bit| signal_name(bit + 1))));
            }
            "CapInh" | "CapPrm" | "CapEff" | "CapBnd" | "CapAmb" => {
                facts.push(fact(
                    &format!("caps.{}", key[3..].to_lowercase()),
                    mask(value, capability),
                ));
            }
            _ => {}
        }
    }
}

fn number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Value::Int)
}

/// The names of the bits of a hexadecimal mask.
fn mask(hex: &str, name: impl Fn(i32) -> String) -> Vec<String> {
    let bits = u64::from_str_radix(hex, 16).unwrap_or(0);
    (0..64).filter(|bit| bits >> bit & 1 == 1).map(name).collect()
}

/// `Max open files            1024                 4096                 files`
fn limits(pid: i32, facts: &mut Vec<Fact>) {
    const NAMES: [(&str, &str); 16] = [
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
    let Ok(text) = read(pid, "limits") else { return };
    for (title, name) in NAMES {
        let Some(rest) = text.lines().find_map(|line| line.strip_prefix(title)) else {
            continue;
        };
        let mut words = rest.split_whitespace();
        if let (Some(soft), Some(hard)) = (words.next(), words.next()) {
            facts.push(fact(&format!("rlimit.{name}"), format!("{soft}:{hard}")));
        }
    }
}

fn descriptors(pid: i32, facts: &mut Vec<Fact>) {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return;
    };
    let mut numbers: Vec<i32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    facts.push(fact(
        "fds",
        numbers.iter().map(i32::to_string).collect::<Vec<_>>(),
    ));
    for number in numbers {
        let what = target(pid, &format!("fd/{number}"));
        // `pipe:[123]`: the number comes from the kernel.
        let what = what
            .split_once(":[")
            .map_or(what.as_str(), |(kind, _)| kind)
            .to_owned();
        facts.push(fact(&format!("fd.{number}"), what));
    }
}

/// Whether each namespace is the cell's own or a new one.
fn namespaces(pid: i32, facts: &mut Vec<Fact>) {
    for kind in ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"] {
        let link = format!("ns/{kind}");
        let own = fs::read_link(format!("/proc/self/{link}"));
        let theirs = fs::read_link(format!("/proc/{pid}/{link}"));
        let value = match (own, theirs) {
            (Ok(own), Ok(theirs)) if own == theirs => "shared".to_owned(),
            (Ok(_), Ok(_)) => "new".to_owned(),
            (Err(error), _) | (_, Err(error)) => errno(error),
        };
        facts.push(fact(&format!("ns.{kind}"), value));
    }
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
