//! Where the container sits in every hierarchy, and the values that it runs under.
//!
//! Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.

use std::fs;
use std::path::{Path, PathBuf};

use ocidiff_model::{Fact, Value};

/// Files that hold settings; what counts use (`memory.usage_in_bytes`) is no fact.
const SETTINGS: [&str; 47] = [
    "blkio.bfq.weight",
    "blkio.throttle.read_bps_device",
    "blkio.throttle.read_iops_device",
    "blkio.throttle.write_bps_device",
    "blkio.throttle.write_iops_device",
    "blkio.weight",
    "cgroup.clone_children",
    "cgroup.freeze",
    "cgroup.type",
    "cpu.cfs_burst_us",
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "cpu.idle",
    "cpu.max",
    "cpu.max.burst",
    "cpu.rt_period_us",
    "cpu.rt_runtime_us",
    "cpu.shares",
    "cpu.weight",
    "cpu.weight.nice",
    "cpuset.cpu_exclusive",
    "cpuset.cpus",
    "cpuset.cpus.effective",
    "cpuset.memory_migrate",
    "cpuset.mems",
    "cpuset.mems.effective",
    "devices.list",
    "freezer.state",
    "io.bfq.weight",
    "io.max",
    "io.weight",
    "memory.high",
    "memory.kmem.limit_in_bytes",
    "memory.kmem.tcp.limit_in_bytes",
    "memory.limit_in_bytes",
    "memory.low",
    "memory.max",
    "memory.memsw.limit_in_bytes",
    "memory.min",
    "memory.move_charge_at_immigrate",
    "memory.oom.group",
    "memory.oom_control",
    "memory.soft_limit_in_bytes",
    "memory.swap.max",
    "memory.swappiness",
    "memory.use_hierarchy",
    "pids.max",
];

const TOP: &str = "/sys/fs/cgroup";

/// `cgroup.path.CONTROLLER`, and `cgroup.FILE` for each setting.
pub(crate) fn facts(pid: i32) -> Vec<Fact> {
    let table = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let mut facts = Vec::new();
    for line in table.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let name = match controllers {
            "" => "unified",
            other => other.trim_start_matches("name="),
        };
        facts.push(Fact::new(format!("cgroup.path.{name}"), path));
        settings(&folder(controllers, path), &mut facts);
    }
    facts
}

fn folder(controllers: &str, path: &str) -> PathBuf {
    Path::new(TOP)
        .join(controllers.trim_start_matches("name="))
        .join(path.trim_start_matches('/'))
}

fn settings(folder: &Path, facts: &mut Vec<Fact>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    for name in names.iter().filter(|name| SETTINGS.contains(&name.as_str())) {
        // Some can only be read in some states; that is no fact about the runtime.
        if let Ok(text) = fs::read_to_string(folder.join(name)) {
            facts.push(Fact::new(format!("cgroup.{name}"), value(&text)));
        }
    }
}

fn value(text: &str) -> Value {
    let lines: Vec<&str> = text.lines().collect();
    match lines.as_slice() {
        [] => "".into(),
        [one] => one.parse::<i64>().map_or_else(|_| (*one).into(), Value::Int),
        many => many
            .iter()
            .filter(|line| !line.starts_with("oom_kill ") && !line.starts_with("under_oom"))
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_so_that_a_reader_finds_what_is_missing() {
        assert!(SETTINGS.is_sorted());
    }

    #[test]
    fn values_are_numbers_words_or_lists() {
        assert_eq!(value("1024\n"), Value::Int(1024));
        assert_eq!(value("max\n"), "max".into());
        assert_eq!(
            value("oom_kill_disable 1\nunder_oom 0\noom_kill 0\n"),
            vec!["oom_kill_disable 1".to_owned()].into()
        );
    }
}
