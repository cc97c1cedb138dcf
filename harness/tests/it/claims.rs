//! What `check` claims about real pods, with each claim examined by hand (`claims.yaml`): nothing more is claimed, and
//! nothing less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::{Scene, needs, program};

use ocidiff_model::check::CheckReport;
use serde::Deserialize;
use serde_json::json;

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
        // Docker creates the working folder before it calls the runtime.
        scene.write(&format!("{pod}/rootfs/work/.made"), "");
    }
    let config = fs::read_to_string(scene.path().join(pod).join("config.json")).expect("a config");
    let config = serde_json::from_str(&config).expect("JSON");
    program::of_config(&scene.path().join(pod).join("rootfs"), &config);
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
                // Without the right to lower oom_score_adj, such a pod cannot be called safe.
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

/// A case with a pod's own config, in which a process is exec'ed; what only its node has is left out.
fn exec_in(pod: &str) -> serde_json::Value {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pods/real");
    let text = fs::read_to_string(from.join(format!("{pod}.json"))).expect("a config");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for member in ["annotations", "hooks", "root"] {
        config.as_object_mut().expect("a config").remove(member);
    }
    let namespaces = config["linux"]["namespaces"].as_array_mut().expect("namespaces");
    for one in namespaces.iter_mut().filter_map(serde_json::Value::as_object_mut) {
        one.remove("path");
    }
    if !namespaces.iter().any(|one| one["type"] == "uts") {
        config["hostname"] = serde_json::Value::Null;
    }
    for (member, of) in [
        ("cgroupsPath", "linux"),
        ("resources", "linux"),
        ("oomScoreAdj", "process"),
    ] {
        config[of].as_object_mut().expect("a map").remove(member);
    }
    config["linux"]["devices"] = json!([]);
    let mounts = config["mounts"].as_array_mut().expect("mounts");
    mounts.retain(|one| one["type"] != "bind");
    config["ociVersion"] = "1.0.2".into();
    config["process"]["args"] = json!(["/bin/probe", "wait-signal", "TERM"]);
    json!({
        "summary": format!("a process that is exec'ed in {pod} is under the filter"),
        "config": config,
        "steps": ["create", "start", {"await": {"stdout": "waiting"}},
            {"exec": {"process": {"args": ["/bin/probe", "facts", "seccomp"]}}}, {"kill": {"signal": "TERM"}}, "wait"]
    })
}

#[test]
fn what_is_claimed_of_an_exec_in_real_pods_is_tried() {
    let (Some(runc), Some(youki)) = (needs::runtime("runc"), needs::runtime("youki")) else {
        return;
    };
    let claimed = "security youki/exec-without-filter";
    let written = written();
    let pods = written["youki"].iter();
    let pods: Vec<&String> = pods
        .filter(|(_, claims)| claims.iter().any(|one| one.claim == claimed))
        .map(|(pod, _)| pod)
        // The others were tested through Docker and Podman, whose profiles name calls that a case must not name: they
        // are unknown.
        .filter(|pod| !["docker", "podman"].iter().any(|engine| pod.starts_with(engine)))
        .collect();
    assert!(pods.len() > 5, "{pods:?}");
    let scene = Scene::new();
    for pod in &pods {
        scene.write(
            &format!("cases/pods/{}.yaml", pod.replace('.', "-")),
            exec_in(pod).to_string(),
        );
    }
    let runtimes = [
        format!("runc={}", runc.display()),
        format!("youki={}", youki.display()),
    ];
    let [runc, youki] = &runtimes;
    let args = [
        "run",
        "--cases",
        "cases",
        "--runtime",
        runc,
        "--runtime",
        youki,
        "--json",
        "events",
    ];
    scene.run(&args);
    let events = fs::read_to_string(scene.path().join("events")).expect("events");
    let mut tried = 0;
    for line in events.lines().filter(|line| line.contains("case-finished")) {
        let event: serde_json::Value = serde_json::from_str(line).expect("an event");
        let differences = event["differences"].as_array().expect("differences");
        let mode = differences
            .iter()
            .find(|one| one["fact"] == "proc.exec.seccomp.mode");
        let groups = &mode.unwrap_or_else(|| panic!("{line}"))["groups"];
        let value = |who: &str| {
            let mut groups = groups.as_array().expect("groups").iter();
            groups
                .find(|one| one["runtimes"] == json!([who]))
                .map(|one| one["value"].clone())
        };
        assert_eq!(value("runc"), Some("filter".into()), "{line}");
        assert_eq!(value("youki"), Some("disabled".into()), "{line}");
        tried += 1;
    }
    assert_eq!(tried, pods.len());
}
