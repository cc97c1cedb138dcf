//! `check` on small bundles with the correct results written down: nothing that breaks is called safe, and no
//! improvement is called a risk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, Finding};
use serde_json::{Value, json};

use super::needs;
use super::support::{Output, Scene, program};

/// An engine's config for a plain container, with changes.
pub(super) fn bundle(scene: &Scene, change: impl FnOnce(&mut Value)) {
    let capabilities = json!(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_MKNOD", "CAP_KILL"]);
    let mut config = json!({
        "ociVersion": "1.0.2-dev",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": ["/bin/sh"], "env": ["PATH=/bin"], "cwd": "/", "noNewPrivileges": true,
            "capabilities": {"bounding": capabilities, "effective": capabilities, "permitted": capabilities}
        },
        "root": {"path": "rootfs"},
        "hostname": "runc",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755"]},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]}
        ],
        "linux": {
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]
        }
    });
    change(&mut config);
    scene.write("b/config.json", config.to_string());
    let rootfs = scene.path().join("b/rootfs");
    fs::create_dir_all(rootfs.join("dev")).expect("a rootfs");
    program::of_config(&rootfs, &config);
}

fn as_user(config: &mut Value) {
    config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    config["process"]["capabilities"] = json!({});
}

pub(super) fn mount(config: &mut Value, mount: Value) {
    config["mounts"].as_array_mut().expect("mounts").push(mount);
}

/// The move of the bundle between two versions; `None` if one is missing. `before` is run in a private mount namespace.
pub(super) fn moved(scene: &Scene, from: &str, to: &str, before: &str) -> Option<CheckReport> {
    let named = |selector: &str| {
        let name = selector.split('@').next().unwrap_or(selector);
        Some(format!("{name}={}", needs::runtime(selector)?.display()))
    };
    let (from, to) = (named(from)?, named(to)?);
    let check = scene.command(&[
        "check", "--from", &from, "--to", &to, "--bundle", "b", "--format", "json",
    ]);
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-ec", &format!("{before}\nexec \"$@\""), "sh"]);
    command.arg(check.get_program()).args(check.get_args());
    command.current_dir(scene.path());
    for (name, value) in check.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command);
    let ran = output.wait(child, super::LIMIT);
    Some(serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}")))
}

fn risks(report: &CheckReport) -> Vec<&Finding> {
    let all = report.shapes.iter().flat_map(|shape| &shape.findings);
    all.filter(|one| one.impact > Impact::Cosmetic).collect()
}

#[track_caller]
pub(super) fn safe(report: &CheckReport) {
    assert!(
        risks(report).is_empty() && report.unchecked.is_empty(),
        "{report:#?}"
    );
}

/// Nothing was compared, since only the other runtime starts it; the reason has the words of the one that it runs under.
#[track_caller]
pub(super) fn unstarted(report: &CheckReport, from: &str, words: &str) {
    let [one] = &report.unchecked[..] else {
        panic!("{report:#?}")
    };
    let begins = format!("{from}, under which it runs, does not start it here: ");
    assert!(
        report.shapes.is_empty() && one.why.starts_with(&begins) && one.why.contains(words),
        "{one:?}"
    );
}

/// The risk with that name.
#[track_caller]
pub(super) fn risk<'r>(report: &'r CheckReport, what: &str) -> &'r Finding {
    let found = risks(report).into_iter().find(|one| one.what == what);
    found.unwrap_or_else(|| panic!("no {what}: {report:#?}"))
}

/// Input 01: if a tmpfs has the mode of the folder below it under one runtime and 1777 under the other, its user can or
/// cannot write to it.
#[test]
fn the_mode_of_a_mount_point_is_told() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        as_user(config);
        mount(
            config,
            json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]}),
        );
    });
    let data = scene.path().join("b/rootfs/data");
    fs::create_dir(&data).expect("a folder");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("a mode");
    let Some(report) = moved(&scene, "runc", "crun", "") else {
        return;
    };
    let told = risk(&report, "proc.stat./data");
    assert_eq!(
        (told.from.as_str(), told.to.as_str()),
        ("dir 0755 0:0", "dir 1777 0:0")
    );
    assert_eq!(
        told.id.as_ref().map(ToString::to_string).as_deref(),
        Some("crun/tmpfs-mode-not-taken")
    );
    assert!(told.remedy.is_some());
    let report = moved(&scene, "crun", "runc", "").expect("as above");
    assert_eq!(
        risk(&report, "proc.stat./data").impact,
        Impact::Breaks,
        "its user cannot write any more"
    );
    let Some(report) = moved(&scene, "runc", "crun@1.21", "") else {
        return;
    };
    assert!(
        risks(&report).iter().all(|one| !one.what.contains("/data")),
        "{report:#?}"
    );
}

/// Input 02: the entries of the device list that one side lacks.
#[test]
fn a_device_that_one_of_them_keeps_shut_breaks_who_names_it() {
    let scene = Scene::new();
    let entry = "cgroup.devices.list c 10:200 rwm";
    bundle(&scene, |config| {
        config["process"]["args"] = json!(["/bin/sh", "-c", "mknod /dev/net/tun c 10 200; cat /dev/net/tun"]);
    });
    let Some(report) = moved(&scene, "runc", "crun", "") else {
        return;
    };
    let told = risk(&report, entry);
    assert_eq!(told.impact, Impact::Breaks);
    assert_eq!(
        told.id.as_ref().map(ToString::to_string).as_deref(),
        Some("crun/no-tun-by-default")
    );
    // What fails was asked for.
    let named = |name: &str| format!("{name}={}", needs::runtime(name).expect("as above").display());
    let (from, to) = (named("runc"), named("crun"));
    for (least, status) in [("may-break", 1), ("breaks", 1), ("security", 0)] {
        let args = [
            "check",
            "--from",
            &from,
            "--to",
            &to,
            "--bundle",
            "b",
            "--fail-on",
            least,
        ];
        scene.run(&args).ends_with(status);
    }
    let report = moved(&scene, "crun", "runc", "").expect("as above");
    assert_eq!(risk(&report, entry).impact, Impact::Security);
    // A workload that does not name any has nothing to lose.
    bundle(&scene, |_| {});
    safe(&moved(&scene, "runc", "crun", "").expect("as above"));
}

/// Input 04: what cannot be set here at all was not examined.
#[test]
fn what_could_not_be_tried_is_neither_safe_nor_broken() {
    if fs::read_to_string("/proc/self/oom_score_adj").is_ok_and(|now| now.trim() != "0") {
        return;
    }
    let scene = Scene::new();
    bundle(&scene, |config| config["process"]["oomScoreAdj"] = json!(-42));
    let Some(report) = moved(&scene, "runc", "crun", "") else {
        return;
    };
    let [one] = &report.unchecked[..] else {
        panic!("{report:#?}")
    };
    assert!(
        one.why.contains("oomScoreAdj") && report.shapes.is_empty(),
        "{one:?}"
    );
}

/// Input 05: a refusal, with its cause.
#[test]
fn a_version_that_is_refused_has_its_cause() {
    let scene = Scene::new();
    bundle(&scene, |config| config["ociVersion"] = json!("1.3.0"));
    let Some(report) = moved(&scene, "runc", "crun", "") else {
        return;
    };
    let told = risk(&report, "lifecycle.create.result");
    assert_eq!(told.impact, Impact::Breaks);
    assert_eq!(
        told.id.as_ref().map(ToString::to_string).as_deref(),
        Some("crun/oci-version-must-hold-1-0")
    );
    assert!(
        told.reason.contains("unknown version specified") && told.remedy.is_some(),
        "{told:#?}"
    );
    assert_eq!(
        risks(&report).len(),
        1,
        "nothing is told of what does not start: {report:#?}"
    );
}

/// Input 09: what stands in for the source of a mount is not the reason why a runtime fails.
#[test]
fn a_bind_mount_over_the_root_fails_for_the_runtime_s_own_reason() {
    let scene = Scene::new();
    let other = scene.path().join("b/other");
    for name in ["dev", "proc", "sys", "bin"] {
        fs::create_dir_all(other.join(name)).expect("a folder");
    }
    program::put(&other.join("bin/sh"), &program::elf(program::NATIVE));
    bundle(&scene, |config| {
        mount(
            config,
            json!({"destination": "/", "type": "bind", "source": other, "options": ["rbind", "ro"]}),
        );
    });
    let Some(report) = moved(&scene, "runc", "crun@1.28", "") else {
        return;
    };
    unstarted(&report, "runc", "runc create failed: ");
    let report = moved(&scene, "crun@1.28", "runc", "").expect("as above");
    let told = risk(&report, "lifecycle.create.result");
    assert_eq!((told.from.as_str(), told.to.as_str()), ("ok", "error"));
}

/// The same for what runtimes look for elsewhere: devices below /dev, the user in /etc/passwd.
#[test]
fn what_runtimes_look_for_is_there_below_a_mount() {
    let scene = Scene::new();
    for path in ["/dev", "/etc"] {
        bundle(&scene, |config| {
            let options = ["rbind", "ro", "nosuid", "noexec"];
            mount(
                config,
                json!({"destination": path, "type": "bind", "source": path, "options": options}),
            );
        });
        let Some(report) = moved(&scene, "runc", "crun", "") else {
            return;
        };
        assert!(report.unchecked.is_empty(), "{report:#?}");
        let lifecycle = |one: &&&Finding| one.what.starts_with("lifecycle.") || one.what == "proc.env";
        let all = risks(&report);
        assert_eq!(all.iter().find(lifecycle), None, "{path}");
    }
}

/// The host's network in a user namespace, where a sysfs cannot be mounted: some runtimes bind the host's, others fail.
#[test]
fn the_host_s_namespaces_stay_the_host_s() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        let all = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
        config["linux"]["namespaces"] =
            json!([{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "user"}]);
        config["linux"]["uidMappings"] = all.clone();
        config["linux"]["gidMappings"] = all;
        mount(
            config,
            json!({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}),
        );
    });
    for name in ["proc", "sys"] {
        fs::create_dir_all(scene.path().join("b/rootfs").join(name)).expect("a folder");
    }
    let owned = Command::new("chown")
        .args(["-R", "100000:100000"])
        .arg(scene.path().join("b/rootfs"))
        .status();
    assert!(owned.is_ok_and(|status| status.success()));
    let Some(report) = moved(&scene, "crun", "runc", "") else {
        return;
    };
    let told = risk(&report, "lifecycle.create.result");
    assert!(told.reason.contains("sysfs"), "{told:#?}");
}

/// Input 11: an improvement is not a risk.
#[test]
fn a_move_that_cures_is_safe() {
    let scene = Scene::new();
    bundle(&scene, as_user);
    for (from, to) in [("crun", "crun@1.28"), ("crun", "runc")] {
        let Some(report) = moved(&scene, from, to, "") else {
            return;
        };
        safe(&report);
    }
}

/// Input 15: the flags of the mount on which a source lies count.
#[test]
fn a_source_that_is_read_only_is_so_for_the_runtime() {
    let scene = Scene::new();
    let host = scene.path().join("host");
    fs::create_dir(&host).expect("a folder");
    bundle(&scene, |config| {
        let all = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
        config["linux"]["namespaces"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"type": "user"}));
        config["linux"]["uidMappings"] = all.clone();
        config["linux"]["gidMappings"] = all;
        mount(
            config,
            json!({"destination": "/mnt", "type": "bind", "source": host, "options": ["rbind", "rw", "nosuid", "nodev"]}),
        );
    });
    fs::create_dir(scene.path().join("b/rootfs/mnt")).expect("a folder");
    let owned = Command::new("chown")
        .args(["-R", "100000:100000"])
        .arg(scene.path().join("b/rootfs"))
        .status();
    assert!(owned.is_ok_and(|status| status.success()));
    let at = host.display();
    let flags = format!("mount -t tmpfs -o nosuid,nodev tmpfs {at}; mount -o remount,ro,nosuid,nodev {at}");
    let Some(report) = moved(&scene, "runc", "runc@1.4.3", &flags) else {
        return;
    };
    let told = risk(&report, "lifecycle.create.result");
    assert!(told.reason.contains("cannot clear locked flags"), "{told:#?}");
    safe(&moved(&scene, "runc", "runc@1.4.3", "").expect("as above"));
}

/// What a config contains stays in the probe's copy: a name that is refused shows.
#[test]
fn what_can_stay_stays() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        config["process"]["consoleSize"] = json!({"height": 1, "width": 1});
        config["domainname"] = json!("example.com");
        config["future"] = json!(1);
    });
    let Some(report) = moved(&scene, "runc", "crun@1.28", "") else {
        return;
    };
    let changes: Vec<&String> = report.shapes.iter().flat_map(|shape| &shape.changes).collect();
    // A usual name stands for any other.
    assert_eq!(changes, ["its domainname is example.org"]);
}
