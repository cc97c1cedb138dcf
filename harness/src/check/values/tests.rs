//! What two values show by themselves.

use super::*;
use serde_json::json;

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| (*item).to_owned()).collect())
}

#[test]
fn what_can_be_written_matters_where_the_config_forbids_it() {
    let config = json!({"mounts": [{"destination": "/sys/fs/cgroup", "options": ["ro"]}], "linux": {"readonlyPaths": ["/proc/sys"]}});
    let told = |path: &str, from: &str, to: &str| {
        let fact = format!("mount.inside.readonly.{path}");
        judge(&fact, Some(&Value::from(from)), Some(&Value::from(to)), &config).map(|(impact, _)| impact)
    };
    assert_eq!(
        told("/sys/fs/cgroup", "EACCES", "writable"),
        Some(Impact::Security)
    );
    assert_eq!(told("/proc/sys", "EROFS", "writable"), Some(Impact::Security));
    assert_eq!(told("/data", "EROFS", "writable"), Some(Impact::Cosmetic));
    assert_eq!(
        told("/sys/fs/cgroup", "writable", "EROFS"),
        Some(Impact::MayBreak)
    );
    assert_eq!(told("/sys/fs/cgroup", "EACCES", "EROFS"), Some(Impact::Cosmetic));
}

#[test]
fn a_mounted_device_is_not_confined_by_flags_of_files() {
    let config =
        json!({"linux": {"devices": [{"path": "/dev/fuse", "type": "c"}, {"path": "/pipe", "type": "p"}]}});
    let told = |path: &str, from: &str, to: &str| {
        let fact = format!("mount.inside.{path}");
        judge(&fact, Some(&Value::from(from)), Some(&Value::from(to)), &config).map(|(impact, _)| impact)
    };
    for path in ["/dev/null", "/dev/fuse"] {
        let noexec = told(path, "tmpfs rw,nosuid | rw", "tmpfs rw,nosuid,noexec | rw");
        assert_eq!(noexec, Some(Impact::Cosmetic), "{path}");
        let nodev = told(path, "tmpfs rw | rw", "tmpfs rw,nodev | rw");
        assert_eq!(nodev, Some(Impact::MayBreak), "{path}");
    }
    assert_eq!(
        told("/pipe", "tmpfs rw | rw", "tmpfs rw,noexec | rw"),
        Some(Impact::MayBreak)
    );
    assert_eq!(
        told("masked./proc/keys", "readable", "empty"),
        Some(Impact::Cosmetic)
    );
}

#[test]
fn flags_of_files_mean_nothing_where_only_the_kernel_makes_them() {
    let config = json!({});
    let told = |kind: &str, from: &str, to: &str| {
        let [from, to] =
            [from, to].map(|flags| Value::from(format!("{kind} {flags} | rw | private").as_str()));
        judge("mount.inside./x", Some(&from), Some(&to), &config).map(|(impact, _)| impact)
    };
    for kind in ["cgroup", "cgroup2", "sysfs"] {
        let flags = told(kind, "rw,nosuid,nodev,noexec", "rw,relatime");
        assert_eq!(flags, Some(Impact::Cosmetic), "{kind}");
        let writable = told(kind, "ro,nosuid", "rw,nosuid");
        assert_eq!(writable, Some(Impact::Security), "{kind}");
    }
    let another = judge(
        "mount.inside./x",
        Some(&"cgroup rw,nodev | rw".into()),
        Some(&"tmpfs rw | rw".into()),
        &config,
    );
    assert_eq!(another.map(|(impact, _)| impact), Some(Impact::Security));
    let tmpfs = told("tmpfs", "rw,nodev", "rw");
    assert_eq!(tmpfs, Some(Impact::Security));
}

#[test]
fn a_masked_path_may_be_written_in_any_way() {
    for written in ["/etc/passwd", "etc/passwd", "/etc/../etc/./passwd"] {
        let config = json!({"linux": {"maskedPaths": [written]}});
        assert!(is_mask("mount.inside./etc/passwd", &config), "{written}");
        assert!(is_mask("mount.inside./etc/passwd#2", &config), "{written}");
        assert!(!is_mask("mount.inside./etc/passwd.d", &config), "{written}");
    }
}

#[test]
fn a_stream_that_becomes_its_users_own_is_no_loss() {
    let config = json!({"process": {"user": {"uid": 1000, "gid": 1000}}});
    let told = |from: &str, to: &str| {
        judge(
            "proc.stdio.1",
            Some(&Value::from(from)),
            Some(&Value::from(to)),
            &config,
        )
        .map(|(impact, _)| impact)
    };
    let (theirs, own) = ("fifo 0600 65534:65534", "fifo 0600 1000:1000");
    assert_eq!(told(theirs, own), Some(Impact::Cosmetic));
    assert_eq!(told(own, theirs), None);
    assert_eq!(told(theirs, "fifo 0600 0:0"), None);
    assert_eq!(told("char 0666 65534:65534 1:3", "char 0666 1000:1000 1:3"), None);
    assert_eq!(told(theirs, "fifo 0666 1000:1000"), None);
}

#[test]
fn a_limit_that_begins_to_bind_is_a_risk_and_one_that_ends_is_not() {
    let told = |fact: &str, from: Value, to: Value| {
        judge(fact, Some(&from), Some(&to), &json!({})).map(|(impact, _)| impact)
    };
    let max = || Value::from("max");
    assert_eq!(told("cgroup.pids.max", max(), 1.into()), Some(Impact::Breaks));
    assert_eq!(told("cgroup.pids.max", max(), 100.into()), Some(Impact::MayBreak));
    assert_eq!(told("cgroup.pids.max", 1.into(), max()), None);
    assert_eq!(
        told("cgroup.cpu.cfs_quota_us", (-1).into(), 5000.into()),
        Some(Impact::MayBreak)
    );
    assert_eq!(told("cgroup.memory.max", 4096.into(), 8192.into()), None);
}

#[test]
fn a_longer_list_of_entries_takes_nothing_away() {
    let told = |from: &[&str], to: &[&str]| {
        judge(
            "cgroup.inside.cgroupfs.entries",
            Some(&list(from)),
            Some(&list(to)),
            &json!({}),
        )
        .map(|(impact, _)| impact)
    };
    assert_eq!(told(&["cpu"], &["cpu", "pids"]), Some(Impact::Cosmetic));
    assert_eq!(told(&["cpu", "pids"], &["cpu"]), None);
}
