//! `check` on small bundles that one runtime refuses, or in which it shows something else: the row has its cause, and
//! nothing of the probe's is shown as the workload's.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use ocidiff_model::Impact;
use serde_json::{Value, json};

use super::moves::{bundle, mount, moved, risk, safe};
use super::support::Scene;

fn set(config: &mut Value, at: &str, value: Value) {
    *config.pointer_mut(at).expect("a member") = value;
}

fn without_network(config: &mut Value) {
    let namespaces = ["pid", "ipc", "uts", "mount", "user"].map(|kind| json!({"type": kind}));
    set(config, "/linux/namespaces", json!(namespaces));
    let ids = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
    config["linux"]["uidMappings"] = ids.clone();
    config["linux"]["gidMappings"] = ids;
    let sysfs =
        json!({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "ro"]});
    mount(config, sysfs);
}

fn any_device(config: &mut Value) {
    let rule = json!({"allow": true, "type": "c", "major": -1, "minor": -1, "access": "m"});
    let rules = config.pointer_mut("/linux/resources/devices");
    rules.and_then(Value::as_array_mut).expect("rules").push(rule);
}

fn few_descriptors(config: &mut Value) {
    config["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": 8, "hard": 8}]);
}

fn read_only_root(config: &mut Value) {
    config["linux"]["readonlyPaths"] = json!(["/"]);
}

/// Half an instruction, which no kernel takes for a filter.
fn half_a_filter(config: &mut Value) {
    config["annotations"] = json!({"run.oci.seccomp_bpf_data": "AAAA"});
}

fn masked_root(config: &mut Value) {
    config["linux"]["maskedPaths"] = json!(["/./"]);
}

fn copied_up_bind(config: &mut Value) {
    let options = ["bind", "tmpcopyup"];
    mount(
        config,
        json!({"destination": "/data", "type": "bind", "source": "/", "options": options}),
    );
}

#[test]
fn what_one_runtime_refuses_has_its_cause() {
    let (create, start) = ("lifecycle.create.result", "lifecycle.start.result");
    let table: [(fn(&mut Value), _, _, _, _); 7] = [
        (
            without_network,
            "crun@1.21",
            "runc",
            create,
            "crun/sysfs-bound-where-refused",
        ),
        (
            any_device,
            "runc",
            "crun@1.21",
            create,
            "runc/minus-one-is-any-device",
        ),
        (
            few_descriptors,
            "runc",
            "youki",
            create,
            "youki/limits-bind-youki-itself",
        ),
        (
            read_only_root,
            "runc",
            "youki",
            start,
            "youki/read-only-paths-get-nosuid-nodev-noexec",
        ),
        (
            half_a_filter,
            "runc",
            "crun@1.21",
            start,
            "crun/filter-given-by-annotation",
        ),
        (
            masked_root,
            "runc",
            "crun@1.21",
            create,
            "crun/root-masked-by-dots",
        ),
        (
            copied_up_bind,
            "runc",
            "crun@1.21",
            create,
            "crun/tmpcopyup-on-tmpfs-only",
        ),
    ];
    for (change, from, to, what, id) in table {
        let scene = Scene::new();
        bundle(&scene, change);
        // The root of a user namespace cannot make them.
        for folder in ["proc", "sys"] {
            fs::create_dir_all(scene.path().join("b/rootfs").join(folder)).expect("a folder");
        }
        let Some(report) = moved(&scene, from, to, "") else {
            return;
        };
        let told = risk(&report, what);
        assert_eq!(told.impact, Impact::Breaks, "{told:#?}");
        assert_eq!(
            told.id.as_ref().map(ToString::to_string).as_deref(),
            Some(id),
            "{told:#?}"
        );
        assert!(
            told.remedy.is_some() && !told.reason.contains(".ocidiff"),
            "{told:#?}"
        );
    }
}

#[test]
fn a_mount_point_that_is_missing_below_a_read_only_mount_is_a_cause() {
    let scene = Scene::new();
    let source = scene.path().join("source");
    fs::create_dir(&source).expect("a folder");
    bundle(&scene, |config| {
        mount(
            config,
            json!({"destination": "/data", "type": "bind", "source": source, "options": ["rbind", "ro"]}),
        );
        mount(
            config,
            json!({"destination": "/data/below", "type": "tmpfs", "source": "tmpfs"}),
        );
    });
    let Some(report) = moved(&scene, "crun@1.21", "runc", "") else {
        return;
    };
    let told = risk(&report, "lifecycle.create.result");
    let id = told.id.as_ref().map(ToString::to_string);
    assert_eq!(
        id.as_deref(),
        Some("crun/mounts-made-read-only-last"),
        "{told:#?}"
    );
}

/// The filter in the annotation allows every call, of all architectures.
#[test]
fn a_filter_that_an_annotation_replaces_is_a_matter_of_security_and_has_its_cause() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        config["annotations"] = json!({"run.oci.seccomp_bpf_data": "BgAAAAAA/38="});
        let denied = json!({"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"});
        config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [denied]});
    });
    let Some(report) = moved(&scene, "runc", "crun@1.21", "") else {
        return;
    };
    let told = risk(&report, "calls i386 every call");
    assert_eq!(told.impact, Impact::Security, "{told:#?}");
    let id = told.id.as_ref().map(ToString::to_string);
    assert_eq!(
        id.as_deref(),
        Some("crun/filter-given-by-annotation"),
        "{told:#?}"
    );
    assert!(told.reason.contains("calls x86_64 mkdir, mkdirat"), "{told:#?}");
    let remedy = told.remedy.as_deref().unwrap_or_default();
    assert!(remedy.starts_with("Take the annotation out"), "{told:#?}");
}

/// What runtimes bind over the root lies over the mounts that they have made.
#[test]
fn what_can_be_written_in_spite_of_a_read_only_root_has_something_to_do_about_it() {
    let scene = Scene::new();
    bundle(&scene, |config| config["linux"]["readonlyPaths"] = json!(["/./"]));
    let Some(report) = moved(&scene, "runc", "crun@1.21", "") else {
        return;
    };
    let told = risk(&report, "mount.inside.readonly./");
    assert_eq!(told.impact, Impact::Security, "{told:#?}");
    assert!(
        told.reason.contains("the root among linux.readonlyPaths"),
        "{told:#?}"
    );
    let remedy = told.remedy.as_deref().unwrap_or_default();
    assert!(remedy.starts_with("Set root.readonly"), "{told:#?}");
}

/// A folder that root owns: whoever cannot become another user can do the same with it, whatever a finding has to say.
#[test]
fn the_mode_of_a_mount_point_is_no_risk_where_nobody_can_do_less() {
    let scene = Scene::new();
    let tmpfs = json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]});
    bundle(&scene, |config| mount(config, tmpfs));
    let data = scene.path().join("b/rootfs/data");
    fs::create_dir(&data).expect("a folder");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("a mode");
    let Some(report) = moved(&scene, "crun@1.21", "runc", "") else {
        return;
    };
    safe(&report);
}

#[test]
fn a_rootfs_behind_a_link_is_not_checked() {
    let scene = Scene::new();
    bundle(&scene, |config| set(config, "/root/path", "link".into()));
    symlink("rootfs", scene.path().join("b/link")).expect("a link");
    let Some(report) = moved(&scene, "crun@1.21", "runc", "") else {
        return;
    };
    let [one] = &report.unchecked[..] else {
        panic!("{report:#?}")
    };
    assert!(one.why.starts_with("its root.path is a link"), "{one:#?}");
}
