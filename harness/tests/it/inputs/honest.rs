//! `check` where a quick answer would be a wrong one: what the probe cannot show is not checked, and what is told in one
//! direction of a move is told in the other.

use std::path::Path;

use ocidiff_model::check::CheckReport;
use serde_json::{Value, json};

use super::moves::{bundle, moved};
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

#[test]
fn what_its_limits_keep_from_starting_now_is_not_compared() {
    let scene = Scene::new();
    bundle(&scene, |config| {
        // Less than its init has by then, which one of them finds out only when the limit is set.
        config["linux"]["resources"]["memory"] = json!({"limit": 1_000_000});
    });
    let Some(report) = moved(&scene, "runc", "youki", "") else {
        return;
    };
    let why = unchecked(&report);
    assert!(why.contains("start it here") || why.contains("ended by"), "{why}");
}
