//! The container's mount table, from outside, at the workload's execve. proc_pid_mountinfo(5).

use std::fs;

use ocidiff_confine::mountinfo::{self, Mount};
use ocidiff_model::Fact;

use super::Names;
use super::proc::errno;

/// A fact for each mount point: filesystem, options of the mount, options of the filesystem, propagation.
pub(crate) fn facts(pid: i32) -> Vec<Fact> {
    let table = match fs::read_to_string(format!("/proc/{pid}/mountinfo")) {
        Ok(table) => table,
        Err(error) => return vec![Fact::new("mount.unread", errno(&error))],
    };
    let mut seen = Names::default();
    let mut facts = Vec::new();
    let mut order = Vec::new();
    for mount in mountinfo::parse(&table) {
        let value = describe(&mount);
        let name = seen.next(mount.target);
        order.push(name.clone());
        facts.push(Fact::new(format!("mount.{name}"), value));
    }
    facts.push(Fact::new("mount.order", order));
    facts
}

fn describe(mount: &Mount) -> String {
    let propagation = propagation(&mount.propagation);
    let (options, special) = (sorted(&mount.options), sorted(&mount.of_filesystem));
    format!("{} {options} {propagation} ({special})", mount.kind)
}

/// The peer groups' numbers come from the kernel; only the kinds are facts.
fn propagation(optional: &[String]) -> String {
    let mut kinds: Vec<&str> = optional
        .iter()
        .filter_map(|field| match field.split(':').next() {
            Some("shared") => Some("shared"),
            Some("master") => Some("slave"),
            Some("unbindable") => Some("unbindable"),
            _ => None,
        })
        .collect();
    kinds.sort_unstable();
    if kinds.is_empty() {
        "private".to_owned()
    } else {
        kinds.join("+")
    }
}

/// Layers of an overlay are the same for all runs, and long.
fn sorted(options: &str) -> String {
    let mut options: Vec<&str> = options
        .split(',')
        .filter(|option| !["lowerdir", "upperdir", "workdir", "uuid", "xino"].contains(&name_of(option)))
        .collect();
    options.sort_unstable();
    options.join(",")
}

fn name_of(option: &str) -> &str {
    option.split(['=', '+']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_described() {
        let line =
            "36 35 98:0 / /dev/pts rw,nosuid,noexec master:1 shared:7 - devpts devpts rw,mode=620,gid=5";
        let [mount] = &mountinfo::parse(line)[..] else {
            panic!("one mount")
        };
        assert_eq!(
            describe(mount),
            "devpts noexec,nosuid,rw shared+slave (gid=5,mode=620,rw)"
        );
    }
}
