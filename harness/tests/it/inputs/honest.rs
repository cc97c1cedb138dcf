//! `check` where a quick answer would be a wrong one: what the probe cannot show is not checked, and what is told in one
//! direction of a move is told in the other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ocidiff_model::Impact;
use ocidiff_model::check::CheckReport;
use serde_json::{Value, json};

use super::moves::{bundle, mount, moved, risk, safe};
use super::support::{Scene, program};

/// Why the only workload of a report is not checked.
#[track_caller]
fn unchecked(report: &CheckReport) -> &str {
    let [one] = &report.unchecked[..] else {
        panic!("{report:#?}")
    };
    assert!(report.shapes.is_empty(), "{report:#?}");
    &one.why
}

fn limit(config: &mut Value, kind: &str, most: u64) {
    config["process"]["rlimits"] = json!([{"type": kind, "soft": most, "hard": most}]);
}

/// A program that takes 4 MiB of memory.
fn large(rootfs: &Path) {
    let mut bytes = program::elf(program::NATIVE);
    bytes[106] = 0x40;
    program::put(&rootfs.join("large"), &bytes);
}

#[test]
fn what_a_limit_ends_shows_nothing_about_the_workload() {
    let table = [
        ("RLIMIT_CPU", 0, "of 0 seconds"),
        // The probe is smaller.
        ("RLIMIT_AS", 1 << 20, "its program was ended by signal"),
        (
            "RLIMIT_STACK",
            4096,
            "the probe, not the workload, was ended by signal",
        ),
    ];
    for (kind, most, says) in table {
        let scene = Scene::new();
        bundle(&scene, |config| {
            config["process"]["args"] = json!(["/large"]);
            limit(config, kind, most);
        });
        large(&scene.path().join("b/rootfs"));
        for (from, to) in [("runc", "crun"), ("crun", "runc")] {
            let Some(report) = moved(&scene, from, to, "") else {
                return;
            };
            let why = unchecked(&report);
            assert!(why.contains(says), "{kind}, {from} to {to}: {why}");
        }
    }
}

/// What a runtime's own processes take by the time that a limit is set varies, so that one run says safe and the next
/// one that it breaks.
#[test]
fn a_limit_of_memory_near_what_runtimes_take_is_not_tried() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        config["linux"]["resources"]["memory"] = json!({"limit": 2_097_152});
    });
    for (from, to) in [("runc", "youki"), ("runc", "crun"), ("crun", "runc")] {
        let Some(report) = moved(&scene, from, to, "") else {
            return;
        };
        let why = unchecked(&report);
        assert!(why.contains("2097152 bytes of memory"), "{from} to {to}: {why}");
    }
}

/// An entry point that begins as root and gives that up meets the mode of a tmpfs too, where the config gives it one.
#[test]
fn whom_root_can_become_meets_the_mode_of_a_mount_point() {
    for (mode, entering, leaving) in [
        ("1777", Some(Impact::MayBreak), None),
        // Less than what comes is asked for; and what comes then is less than there was.
        ("0700", Some(Impact::Security), Some(Impact::MayBreak)),
        ("0755", None, None),
    ] {
        let scene = Scene::new();
        bundle(&scene, |config| {
            for set in ["bounding", "effective", "permitted"] {
                let list = &mut config["process"]["capabilities"][set];
                let list = list.as_array_mut().expect("capabilities");
                list.extend([json!("CAP_SETGID"), json!("CAP_SETUID")]);
            }
            mount(
                config,
                json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": [format!("mode={mode}")]}),
            );
        });
        let data = scene.path().join("b/rootfs/data");
        fs::create_dir(&data).expect("a folder");
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("a mode");
        for (from, to, impact) in [("crun@1.28", "runc", entering), ("runc", "crun@1.28", leaving)] {
            let Some(report) = moved(&scene, from, to, "") else {
                return;
            };
            let Some(impact) = impact else {
                safe(&report);
                continue;
            };
            let told = risk(&report, "proc.stat./data");
            assert_eq!(told.impact, impact, "{mode}, {from} to {to}");
            assert_eq!(
                told.id.as_ref().map(ToString::to_string).as_deref(),
                Some("runc/tmpfs-mode-set-by-chmod"),
                "{mode}, {from} to {to}"
            );
            assert!(told.remedy.is_some());
        }
    }
}
