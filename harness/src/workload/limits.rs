//! What the machine allows, as far as it changes a config.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::UNCHECKED;
use super::kernel::Kernel;
use crate::cell::pin::hard_limit;

/// What the machine allows, as far as it changes a config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Hard limits by the names in config.json; no container can have more.
    pub rlimits: BTreeMap<String, u64>,
    /// The least `oom_score_adj` that may be set.
    pub oom_score_adj: i64,
    /// Whether the kernel has AppArmor switched on.
    pub apparmor: bool,
    /// Whether the kernel has SELinux with a policy.
    pub selinux: bool,
    /// Whether devices of the host are made: only if that was asked for.
    pub devices: bool,
    /// Whether a new pid namespace stands in for the host's. In the cell's namespace, which otherwise stands in for it,
    /// processes have different numbers each time: a case that is kept must not show them.
    pub own_processes: bool,
    /// What else the kernel has.
    pub kernel: Kernel,
}

impl Limits {
    /// The same for a copy that is kept.
    #[must_use]
    pub fn with_own_processes(self) -> Self {
        Self {
            own_processes: true,
            ..self
        }
    }

    /// The limits of this machine.
    #[must_use]
    pub fn of_machine() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let mut rlimits = BTreeMap::new();
        for line in read("/proc/self/limits").lines().skip(1) {
            let Some(known) = RLIMITS.iter().find(|(title, _)| line.starts_with(title)) else {
                continue;
            };
            let mut numbers = line[known.0.len()..].split_whitespace().skip(1);
            let own = numbers.next().and_then(|hard| hard.parse::<u64>().ok());
            // Cells have limits of their own, lowered to what most shells have.
            let most = [own, hard_limit(known.1)].into_iter().flatten().min();
            rlimits.extend(most.map(|most| (known.1.to_owned(), most)));
        }
        Self {
            rlimits,
            oom_score_adj: read("/proc/self/oom_score_adj").trim().parse().unwrap_or(0),
            apparmor: read("/sys/module/apparmor/parameters/enabled").trim() == "Y",
            selinux: Path::new("/sys/fs/selinux/enforce").exists(),
            devices: false,
            own_processes: false,
            kernel: Kernel::of_machine(),
        }
    }
}

/// Titles in `/proc/self/limits`, and names in config.json.
const RLIMITS: [(&str, &str); 7] = [
    ("Max stack size", "RLIMIT_STACK"),
    ("Max open files", "RLIMIT_NOFILE"),
    ("Max processes", "RLIMIT_NPROC"),
    ("Max locked memory", "RLIMIT_MEMLOCK"),
    ("Max core file size", "RLIMIT_CORE"),
    ("Max pending signals", "RLIMIT_SIGPENDING"),
    ("Max msgqueue size", "RLIMIT_MSGQUEUE"),
];

/// Lowers limits to what is available.
pub(super) fn rlimits(process: &mut Map<String, Value>, limits: &Limits, changes: &mut Vec<String>) {
    let Some(list) = process.get_mut("rlimits").and_then(Value::as_array_mut) else {
        return;
    };
    for one in list {
        let name = one["type"].as_str().unwrap_or_default().to_owned();
        let [hard, soft] = ["hard", "soft"].map(|member| one[member].as_u64().unwrap_or(0));
        let most_files = limits.kernel.most_files;
        if name == "RLIMIT_NOFILE" && hard > most_files {
            changes.push(format!(
                "{UNCHECKED}its hard {name} is above fs.nr_open, {most_files} here: the kernel gives so many to nobody"
            ));
        }
        let Some(most) = limits.rlimits.get(&name) else {
            continue;
        };
        let mut lowered = false;
        // A soft limit above the hard one is refused, and must stay so.
        let members: &[&str] = if soft > hard { &["hard"] } else { &["hard", "soft"] };
        for member in members {
            if one[member].as_u64().is_some_and(|wanted| wanted > *most) {
                one[member] = (*most).into();
                lowered = true;
            }
        }
        if lowered {
            changes.push(format!("{name} is {most}, the most that may be had here"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_are_lowered_and_what_the_kernel_refuses_is_not_made_right() {
        let limits = Limits {
            rlimits: BTreeMap::from([("RLIMIT_NOFILE".to_owned(), 20), ("RLIMIT_CORE".to_owned(), 20)]),
            kernel: Kernel {
                most_files: 100,
                ..Kernel::default()
            },
            ..Limits::default()
        };
        for (kind, asked, given, unchecked) in [
            ("NOFILE", [5, 10], [5, 10], false),
            ("NOFILE", [50, 100], [20, 20], false),
            ("NOFILE", [5, 101], [5, 20], true),
            ("NOFILE", [u64::MAX, u64::MAX], [20, 20], true),
            ("CORE", [u64::MAX, u64::MAX], [20, 20], false),
            ("CORE", [40, 30], [40, 20], false),
            ("CORE", [40, 10], [40, 10], false),
        ] {
            let of = |[soft, hard]: [u64; 2]| json!([{"type": format!("RLIMIT_{kind}"), "soft": soft, "hard": hard}]);
            let mut process = Map::from_iter([("rlimits".to_owned(), of(asked))]);
            let mut changes = Vec::new();
            rlimits(&mut process, &limits, &mut changes);
            assert_eq!(process["rlimits"], of(given), "{kind} {asked:?}");
            let found = changes.iter().any(|line| line.starts_with(UNCHECKED));
            assert_eq!(found, unchecked, "{kind} {asked:?}: {changes:?}");
        }
    }
}
