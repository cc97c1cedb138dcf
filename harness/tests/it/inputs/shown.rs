//! `check` on differences in how something is written or done, where what the workload meets is the same, and on what helps
//! in the direction of the move.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use ocidiff_model::Impact;
use serde_json::{Value, json};

use super::moves::{bundle, mount, moved, risk, safe};
use super::support::Scene;

/// What a row of a table does to a config.
type Edit = fn(&mut Value);

#[test]
fn what_comes_to_the_same_is_safe_in_both_directions() {
    let same: [(&str, Edit); 4] = [
        // Only some runtimes write the mode that it has anyway into its options.
        ("a tmpfs without a mode", |config| {
            let tmpfs = json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=10m"]});
            mount(config, tmpfs);
        }),
        // Only some take the container's /dev/null for a mask.
        ("a mask where /dev/null is another device", |config| {
            let full = json!({"destination": "/dev/null", "type": "bind", "source": "/dev/full", "options": ["bind"]});
            mount(config, full);
            config["linux"]["maskedPaths"] = json!(["/proc/keys"]);
        }),
        ("a mask through a link", |config| {
            config["linux"]["maskedPaths"] = json!(["/link"]);
        }),
        // Hierarchies that the machine does not mount are in it under some only.
        ("the cgroups", |config| {
            let options = ["nosuid", "ro"];
            mount(
                config,
                json!({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": options}),
            );
            let cgroups = json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": options});
            mount(config, cgroups);
            let namespaces = config["linux"]["namespaces"].as_array_mut().expect("namespaces");
            namespaces.push(json!({"type": "cgroup"}));
        }),
    ];
    for (what, change) in same {
        let scene = Scene::new();
        bundle(&scene, change);
        let rootfs = scene.path().join("b/rootfs");
        fs::create_dir(rootfs.join("data")).expect("a folder");
        fs::set_permissions(rootfs.join("data"), fs::Permissions::from_mode(0o755)).expect("a mode");
        symlink("/data", rootfs.join("link")).expect("a link");
        for (from, to) in [
            ("runc", "crun@1.28"),
            ("crun@1.28", "runc"),
            ("crun@1.21", "runc"),
            ("runc", "crun@1.21"),
        ] {
            let Some(report) = moved(&scene, from, to, "") else {
                return;
            };
            eprintln!("{what}, {from} to {to}");
            safe(&report);
        }
    }
}

/// Another version of the runtime that is left behind helps nobody who moves away from it.
#[test]
fn a_remedy_helps_in_the_direction_of_the_move() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        config["process"]["scheduler"] = json!({"policy": "SCHED_FOO"});
    });
    let Some(report) = moved(&scene, "runc@1.1.15", "crun@1.28", "") else {
        return;
    };
    let told = risk(&report, "lifecycle.create.result");
    let id = told.id.as_ref().map(ToString::to_string);
    assert_eq!(id.as_deref(), Some("runc/no-scheduler"));
    let remedy = told.remedy.as_deref().unwrap_or_default();
    assert!(
        remedy.starts_with("Write process.scheduler in the config"),
        "{told:#?}"
    );
    assert!(told.reason.contains("crun says: "), "{told:#?}");
}

/// A runtime looks at the place that a link leads to, and so must whoever looks for the cause.
#[test]
fn what_a_link_leads_to_has_its_cause() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        let options = ["rbind"];
        mount(
            config,
            json!({"destination": "/kernel/irq", "type": "bind", "source": "/usr", "options": options}),
        );
    });
    // The helper may have put its program below the mount.
    let link = scene.path().join("b/rootfs/kernel");
    fs::remove_dir_all(&link).unwrap_or_default();
    symlink("/proc", link).expect("a link");
    let Some(report) = moved(&scene, "crun@1.28", "runc", "") else {
        return;
    };
    let id = risk(&report, "lifecycle.create.result").id.as_ref();
    assert_eq!(
        id.map(ToString::to_string).as_deref(),
        Some("runc/no-mounts-below-proc")
    );
}

#[test]
fn what_may_be_due_to_capitals_says_so() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        let user = config["process"]["user"].take();
        config["process"]["User"] = user;
        config["process"]["User"]["uid"] = 1000.into();
    });
    let Some(report) = moved(&scene, "crun@1.28", "runc", "") else {
        return;
    };
    let told = risk(&report, "proc.ids.uid");
    assert!(told.reason.contains("process.User"), "{told:#?}");
    // It was root, and is not any more.
    assert_eq!(told.impact, Impact::MayBreak);
    let back = moved(&scene, "runc", "crun@1.28", "").expect("as above");
    assert_eq!(risk(&back, "proc.ids.uid").impact, Impact::Security);
}
