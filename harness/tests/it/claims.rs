//! What `check` claims of real pods, each claim examined by hand (`claims.yaml`): nothing more is claimed, and nothing less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::{Scene, needs};

use ocidiff_model::check::CheckReport;
use serde::Deserialize;

#[derive(Deserialize)]
struct Claim {
    claim: String,
    saw: String,
}

type Claims = BTreeMap<String, BTreeMap<String, Vec<Claim>>>;

fn written() -> Claims {
    serde_yaml::from_str(include_str!("claims.yaml")).expect("claims.yaml")
}

/// The bundle of a pod, with what a static program needs.
fn put(scene: &Scene, pod: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pods/real")
        .join(format!("{pod}.json"));
    scene.write(&format!("{pod}/config.json"), fs::read(from).expect("a config"));
    for folder in ["proc", "sys", "dev", "etc", "tmp"] {
        fs::create_dir_all(scene.path().join(pod).join("rootfs").join(folder)).expect("a rootfs");
    }
    if pod.starts_with("docker-") {
        // Docker makes the working folder before it calls the runtime.
        scene.write(&format!("{pod}/rootfs/work/.made"), "");
    }
    // As in most images.
    let users = "root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n";
    scene.write(&format!("{pod}/rootfs/etc/passwd"), users);
}

#[test]
fn what_is_claimed_of_real_pods_was_seen() {
    let Some(from) = needs::runtime("runc") else {
        return;
    };
    let from = format!("runc={}", from.display());
    for (target, pods) in written() {
        let Some(path) = needs::runtime(&target) else {
            continue;
        };
        let name = target.split('@').next().unwrap_or_default();
        let to = format!("{name}={}", path.display());
        let scene = Scene::new();
        let mut args = vec!["check", "--from", &from, "--to", &to, "--format", "json"];
        for pod in pods.keys() {
            put(&scene, pod);
            args.extend(["--bundle", pod]);
        }
        let ran = scene.run(&args);
        let report: CheckReport = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        for (pod, claims) in &pods {
            if report.unchecked.iter().any(|one| one.workload == *pod) {
                // Who may not lower oom_score_adj cannot say that such a pod is safe.
                continue;
            }
            let shape = report.shapes.iter().find(|shape| shape.workloads.contains(pod));
            let shape = shape.unwrap_or_else(|| panic!("{pod}: {report:#?}"));
            let made: BTreeSet<String> = shape
                .findings
                .iter()
                .filter(|one| one.is_risk())
                .map(|one| {
                    format!(
                        "{} {}",
                        one.impact,
                        one.id.as_ref().map_or(one.what.clone(), ToString::to_string)
                    )
                })
                .collect();
            let true_ones: BTreeSet<String> = claims.iter().map(|one| one.claim.clone()).collect();
            assert_eq!(made, true_ones, "{target}: {pod}");
            assert!(claims.iter().all(|one| !one.saw.is_empty()), "{pod}");
        }
    }
}
