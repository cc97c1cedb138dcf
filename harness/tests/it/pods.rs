//! `ocidiff check` on pods as containerd and CRI-O describe them (`tests/pods/README.md`).

use crate::support;
use crate::support::{binary, needs, node};

use std::fs;
use std::path::Path;
use std::process::Command;

use node::{PODS, REAL, all, pods, put};
use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, ShapeReport};
use serde_json::Value;
use support::{Ran, Scene};

/// Part of every private value: in variables, arguments, annotations.
const INVENTED: &str = "invented-";

/// Those whose profile is older than `fchmodat2` and denies what it does not know with EPERM.
const OLD: [&str; 3] = ["1.6.20-plain-sandbox", "1.6.20-limits-container", "fsgroup-1.6"];
/// Those without a profile.
const UNCONFINED: [&str; 3] = [
    "1.6.20-unconfined-container",
    "2.1.9-privileged-container",
    "unconfined-crio",
];

/// The pods of a scene, with the default reference compared with another runtime.
fn check(scene: &Scene, names: &[&str], to: &str, format: &str) -> Option<Ran> {
    let from = format!("runc={}", needs::runtime("runc")?.display());
    let mut args = vec!["check", "--from", &from, "--to", to, "--format", format];
    args.extend(names.iter().flat_map(|name| ["--bundle", *name]));
    Some(scene.run(&args))
}

fn crun() -> Option<String> {
    Some(format!("crun={}", needs::runtime("crun")?.display()))
}

/// Every pod, as it is on a node.
fn everything(scene: &Scene) -> Vec<&'static str> {
    let pods = all();
    pods.iter().for_each(|(name, from)| put(scene.path(), name, from));
    pods.into_keys().collect()
}

fn shape<'r>(report: &'r CheckReport, name: &str) -> &'r ShapeReport {
    let found = report
        .shapes
        .iter()
        .find(|shape| shape.workloads.iter().any(|one| one == name));
    found.unwrap_or_else(|| panic!("{name} was not checked: {:#?}", report.unchecked))
}

/// The story that started it all: what a setgid folder needs gets a different answer.
fn breaks_tar(shape: &ShapeReport) -> bool {
    // Nothing in the pods' files is known to make the call.
    let mut breaks = shape
        .findings
        .iter()
        .filter(|finding| finding.impact == Impact::MayBreak);
    breaks.any(|finding| finding.what.starts_with("calls ") && finding.reason.contains("fchmodat2"))
}

#[test]
fn pods_are_checked_as_they_lie_on_a_node() {
    let scene = Scene::new();
    let names = everything(&scene);
    let Some(ran) = crun().and_then(|to| check(&scene, &names, &to, "json")) else {
        return;
    };
    ran.leaves_nothing().ends_with(1);
    let report: CheckReport = serde_json::from_str(&ran.stdout).expect("the JSON of a report");
    // Without the right to lower oom_score_adj, such a pod cannot be called safe.
    let open: Vec<&str> = report
        .unchecked
        .iter()
        .filter(|one| one.why.starts_with("oomScoreAdj"))
        .map(|one| one.workload.as_str())
        .collect();
    assert_eq!(open.len(), report.unchecked.len(), "{:#?}", report.unchecked);
    for (name, _, parts) in PODS.iter().filter(|(name, ..)| !open.contains(name)) {
        let (name, parts) = (*name, *parts);
        let shape = shape(&report, name);
        for part in parts {
            // What this machine may have is reported only if it does not have it.
            let (part, must) = part.strip_suffix('|').map_or((*part, true), |part| (part, false));
            let told = shape.changes.iter().any(|change| change.contains(part));
            assert!(told || !must, "{name}: {part}: {:#?}", shape.changes);
        }
        assert_eq!(
            breaks_tar(shape),
            OLD.contains(&name),
            "{name}: {:#?}",
            shape.findings
        );
        let filtered = shape
            .findings
            .iter()
            .any(|finding| finding.what.starts_with("calls "));
        assert!(
            !(filtered && UNCONFINED.contains(&name)),
            "{name}: {:#?}",
            shape.findings
        );
    }
}

#[test]
fn no_pod_is_at_risk_where_the_runtime_stays_the_same() {
    let scene = Scene::new();
    let Some(runtime) = needs::runtime("runc") else {
        return;
    };
    // A runtime cannot be compared with itself by name, but a copy of the program can.
    fs::copy(runtime, scene.path().join("twin")).expect("a copy");
    let twin = format!("runc={}", scene.path().join("twin").display());
    let names = everything(&scene);
    let ran = check(&scene, &names, &twin, "text").expect("the same runtime");
    let text = &ran.leaves_nothing().ends_with(0).stdout;
    assert!(text.contains("15 safe, 0 at risk, 0 not checked"), "{text}");
}

#[test]
fn no_value_of_a_pods_is_told() {
    let scene = Scene::new();
    let names = everything(&scene);
    for format in ["text", "json", "markdown"] {
        let Some(ran) = crun().and_then(|to| check(&scene, &names, &to, format)) else {
            return;
        };
        assert!(!ran.ends_with(1).stdout.contains(INVENTED), "{}", ran.stdout);
        assert!(!ran.stderr.contains(INVENTED), "{}", ran.stderr);
    }
}

/// What the pod of `--kubernetes` does: the node's root is mounted at a folder, and becomes the root. It still ends
/// with 0.
#[test]
fn a_node_is_checked_from_a_pod() {
    // The node's /tmp is not visible.
    let scene = tempfile::tempdir_in("/var/tmp").expect("a folder");
    let (Some(from), Some(to)) = (needs::runtime("runc"), crun()) else {
        return;
    };
    let names = ["fsgroup-1.6", "userns-2.1"];
    names
        .iter()
        .for_each(|name| put(scene.path(), name, &all()[name]));
    let host = scene.path().join("host");
    fs::create_dir(&host).expect("a folder");
    // A pod's mounts are its own; what it sees of the node is the node's, read-only at the top.
    let pod = r#"mount --rbind / "$1" && mount --make-rslave "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", pod, "sh"]).arg(&host);
    // The program is not on the node at all.
    command.arg(binary());
    command.args(["check", "--root"]).arg(&host);
    command.args(["--node", "node-7", "--exit-zero", "--format", "json", "--to", &to]);
    command.arg("--from").arg(format!("runc={}", from.display()));
    for name in names {
        command.arg("--bundle").arg(scene.path().join(name));
    }
    command.env("OCIDIFF_HOME", "/tmp/ocidiff-home");
    let output = command.output().expect("a pod");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let report: CheckReport = serde_json::from_slice(&output.stdout).expect("the JSON of a report");
    assert_eq!(report.node, "node-7");
    assert!(breaks_tar(shape(&report, "fsgroup-1.6")), "{report:#?}");
    assert!(
        !Path::new("/tmp/ocidiff-home").exists(),
        "the node's /tmp was written to"
    );
}

/// Without root and runtimes: checks that what the test above would look for can be found.
#[test]
fn every_pod_has_something_to_hide_and_its_line_in_the_readme() {
    let readme = fs::read_to_string(pods().join("README.md")).expect("the README");
    for (name, from) in all() {
        let text = fs::read_to_string(&from).expect("a config");
        let config: Value = serde_json::from_str(&text).expect("JSON");
        let id = PODS.iter().find(|(pod, ..)| *pod == name).expect("a pod").1;
        assert!(readme.contains(&format!("`{name}`")), "{name}: not in the README");
        if id == REAL {
            continue;
        }
        assert_eq!(
            text,
            format!("{}\n", serde_json::to_string_pretty(&config).expect("JSON")),
            "{name}"
        );
        assert!(text.contains(INVENTED), "{name} has no invented value");
        assert!(readme.contains(id), "{name}, {id}: not in the README");
    }
}
