//! Where the container sits in every hierarchy, and the settings that apply to it.
//!
//! Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.

use std::fs;
use std::path::{Path, PathBuf};

use ocidiff_model::names::SETTINGS_OF_EACH_HIERARCHY;
use ocidiff_model::{Fact, Value};

use super::proc::errno;
use crate::machine::cgroup;

const TOP: &str = "/sys/fs/cgroup";

/// `cgroup.path.HIERARCHY`, and `cgroup.FILE` for each setting, or `cgroup.FILE.HIERARCHY`.
pub(crate) fn facts(pid: i32) -> Vec<Fact> {
    let table = match fs::read_to_string(format!("/proc/{pid}/cgroup")) {
        Ok(table) => table,
        Err(error) => return vec![Fact::new("cgroup.unread", errno(&error))],
    };
    let mut facts = Vec::new();
    for (controllers, path) in hierarchies(&table) {
        let name = match controllers {
            "" => "unified",
            other => other.trim_start_matches("name="),
        };
        // What somebody mounted on this machine after the run began does not exist for the runtime.
        if controllers.is_empty() || folder(controllers, "/").is_dir() {
            facts.push(Fact::new(format!("cgroup.path.{name}"), path));
            settings(&folder(controllers, path), name, &mut facts);
        }
    }
    facts
}

/// The controllers and the path of each hierarchy in a table as of /proc/PID/cgroup, cgroups(7).
///
/// A version 1 hierarchy that somebody on this machine has just unmounted, or is about to mount, stands in it for a
/// moment without its controllers. Only the unified hierarchy, whose number is 0, never has any.
fn hierarchies(table: &str) -> impl Iterator<Item = (&str, &str)> {
    table.lines().filter_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        (number == "0" || !controllers.is_empty()).then_some((controllers, path))
    })
}

fn folder(controllers: &str, path: &str) -> PathBuf {
    Path::new(TOP)
        .join(controllers.trim_start_matches("name="))
        .join(path.trim_start_matches('/'))
}

fn settings(folder: &Path, hierarchy: &str, facts: &mut Vec<Fact>) {
    for (name, text) in cgroup::settings(folder) {
        // Under one path only one of the values would be compared.
        let path = if SETTINGS_OF_EACH_HIERARCHY.contains(&name.as_str()) {
            format!("cgroup.{name}.{hierarchy}")
        } else {
            format!("cgroup.{name}")
        };
        facts.push(Fact::new(path, value(&text)));
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
    fn a_hierarchy_without_controllers_is_the_unified_one_only_under_number_0() {
        let table = "12::/\n9:name=systemd:/a:b\n8:cpu,cpuacct:/\n0::/c\n";
        assert_eq!(
            hierarchies(table).collect::<Vec<_>>(),
            [("name=systemd", "/a:b"), ("cpu,cpuacct", "/"), ("", "/c")]
        );
    }

    #[test]
    fn what_each_hierarchy_has_is_a_fact_of_each() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("cgroup.clone_children", "1\n"),
            ("pids.max", "max\n"),
            ("tasks", "1\n"),
        ] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let mut facts = Vec::new();
        settings(folder.path(), "pids", &mut facts);
        let expected = [
            Fact::new("cgroup.cgroup.clone_children.pids", 1),
            Fact::new("cgroup.pids.max", "max"),
        ];
        assert_eq!(facts, expected);
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
