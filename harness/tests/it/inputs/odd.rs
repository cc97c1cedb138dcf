//! `check` on configs that are odd and not wrong everywhere: paths that are not plain, names in other capitals, limits
//! that nothing can run within, annotations of one runtime.

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, Finding};
use serde_json::{Value, json};

use super::moves::{bundle, moved, risk};
use super::support::Scene;

/// The findings that matter, without those that every workload meets.
fn risks(report: &CheckReport) -> Vec<&Finding> {
    let all = report.shapes.iter().flat_map(|shape| &shape.findings);
    all.filter(|one| one.impact > Impact::Cosmetic).collect()
}

fn checked(change: impl FnOnce(&mut Value), [from, to]: [&str; 2]) -> Option<CheckReport> {
    let scene = Scene::new();
    bundle(&scene, change);
    moved(&scene, from, to, "")
}

#[test]
fn read_only_paths_that_are_not_plain_are_no_difference_by_themselves() {
    for paths in [
        json!(["proc/sys"]),
        json!(["/proc/sys/"]),
        json!(["/proc/sys", "/proc/sys", "/proc//sys"]),
    ] {
        let change = |config: &mut Value| config["linux"]["readonlyPaths"] = paths.clone();
        let Some(report) = checked(change, ["runc", "crun"]) else {
            return;
        };
        assert_eq!(risks(&report), Vec::<&Finding>::new(), "{paths}");
    }
}

/// Some runtimes bind it on itself with everything below.
#[test]
fn what_is_mounted_once_more_below_a_read_only_path_is_no_risk() {
    let change = |config: &mut Value| config["linux"]["readonlyPaths"] = json!(["/"]);
    for from in ["runc", "runc@1.4"] {
        let Some(report) = checked(change, [from, "crun"]) else {
            return;
        };
        for one in risks(&report) {
            assert!(!one.what.contains('#'), "{from}: {one:#?}");
        }
    }
}

#[test]
fn an_empty_read_only_path_is_told_by_its_cause_alone() {
    let change = |config: &mut Value| config["linux"]["readonlyPaths"] = json!([""]);
    let Some(report) = checked(change, ["runc", "crun"]) else {
        return;
    };
    for one in risks(&report) {
        assert!(one.id.is_some(), "{one:#?}");
    }
}

#[test]
fn members_in_other_capitals_are_never_safe() {
    let change = |config: &mut Value| config["linux"]["MaskedPaths"] = json!(["/nowhere"]);
    let Some(report) = checked(change, ["runc", "crun"]) else {
        return;
    };
    let [one] = &report.unchecked[..] else {
        panic!("{report:#?}")
    };
    let says =
        "linux.MaskedPaths: written in other capitals than the spec has, and not all runtimes read that";
    assert_eq!(one.why, says);
    let change = |config: &mut Value| {
        let process = config["process"].take();
        config.as_object_mut().expect("a map").remove("process");
        config["Process"] = process;
    };
    let scene = Scene::new();
    bundle(&scene, |_| {});
    let text = std::fs::read_to_string(scene.path().join("b/config.json")).expect("a config");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut config);
    scene.write("b/config.json", config.to_string());
    let Some(report) = moved(&scene, "runc", "crun", "") else {
        return;
    };
    let says = "its config.json has process in other capitals, which not all runtimes read";
    assert_eq!(report.unchecked[0].why, says);
}

/// Limits that end the probe, or refuse it what it needs: nothing follows for a workload that needs less.
#[test]
fn limits_that_nothing_runs_within_are_no_difference() {
    for (kind, limit) in [
        ("CPU", 0),
        ("NPROC", 0),
        ("NOFILE", 3),
        ("NOFILE", 8),
        ("AS", 4096),
        ("DATA", 0),
        ("STACK", 4096),
    ] {
        let limits = json!([{"type": format!("RLIMIT_{kind}"), "soft": limit, "hard": limit}]);
        let change = |config: &mut Value| config["process"]["rlimits"] = limits.clone();
        let Some(report) = checked(change, ["runc", "crun"]) else {
            return;
        };
        for one in risks(&report) {
            assert!(one.id.is_some(), "{kind} {limit}: {one:#?}");
        }
    }
}

#[test]
fn annotations_that_one_runtime_acts_on_are_told_in_both_directions() {
    for name in [
        "run.oci.handler",
        "run.oci.keep_original_groups",
        "run.oci.not-known",
    ] {
        for way in [["runc", "crun"], ["crun", "runc"]] {
            let change = |config: &mut Value| config["annotations"] = json!({name: ""});
            let Some(report) = checked(change, way) else {
                return;
            };
            let title = "crun acts on run.oci annotations and fails where what they name is not there";
            if report.unchecked.is_empty() {
                assert_eq!(risk(&report, title).impact, Impact::MayBreak, "{name} {way:?}");
            }
        }
    }
}
