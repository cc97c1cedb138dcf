//! `ocidiff check --kubernetes`: the manifest, checked against the API's schemas by `kubernetes-validate`, which ships
//! them. Neither root nor runtimes are needed.

use crate::support;
use crate::support::needs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;
use support::Scene;

const IMAGE: &str = "example.invalid:5000/tools/ocidiff:1.0";

fn print(scene: &Scene, more: &[&str]) -> String {
    let mut args = vec!["check", "--kubernetes", "--nodes", "12", "--job-image", IMAGE];
    args.extend(more);
    let ran = scene.run(&args);
    assert_eq!(ran.ends_with(0).stderr, "");
    ran.stdout
}

fn parts(manifest: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(manifest);
    documents
        .map(|document| Value::deserialize(document).expect("YAML"))
        .collect()
}

/// Where `make setup` puts it, or on PATH.
fn validator() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/kubernetes-validate/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::iter::once(own)
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join("kubernetes-validate"))
        .find(|program| program.is_file());
    if found.is_none() {
        needs::skip("kubernetes-validate (make setup)", true);
    }
    found
}

/// What it reports about a manifest: nothing if it is valid.
fn wrong(scene: &Scene, validator: &Path, manifest: &str) -> Option<String> {
    let file = scene.write("manifest.yaml", manifest);
    let output = Command::new(validator)
        .args(["--strict", "--quiet"])
        .arg(file)
        .output()
        .expect("the validator starts");
    let said = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn comments_of_a_manifest_can_be_read_in_a_terminal() {
    for more in [&[][..], &["--only-read", "--from", "runc@1.1.5"]] {
        let args: Vec<&str> = ["--to", "crun@1.21"].iter().chain(more).copied().collect();
        let manifest = print(&Scene::new(), &args);
        for line in manifest.lines().filter(|line| line.trim_start().starts_with('#')) {
            assert!(line.chars().count() <= 110, "{more:?}: {line}");
        }
    }
}

#[test]
fn every_node_is_checked_once() {
    let manifest = print(
        &Scene::new(),
        &["--to", "crun@1.21", "--from", "runc=/opt/$(X)/runc"],
    );
    let parts = parts(&manifest);
    let kinds: Vec<&str> = parts.iter().filter_map(|part| part["kind"].as_str()).collect();
    assert_eq!(kinds, ["Namespace", "ServiceAccount", "Job"]);
    assert_eq!(parts[1]["automountServiceAccountToken"], false);
    let job = &parts[2]["spec"];
    let at = |pointer: &str| job.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!((at("/completions"), at("/parallelism")), (12.into(), 12.into()));
    assert_eq!(at("/completionMode"), "Indexed");
    let pod = "/template/spec";
    for (place, value) in [
        ("/restartPolicy", Value::from("Never")),
        ("/hostPID", true.into()),
        ("/tolerations/0/operator", "Exists".into()),
        ("/containers/0/image", IMAGE.into()),
        ("/containers/0/securityContext/privileged", true.into()),
        (
            "/containers/0/volumeMounts/0/mountPropagation",
            "HostToContainer".into(),
        ),
        ("/containers/0/volumeMounts/0/readOnly", true.into()),
    ] {
        assert_eq!(at(&format!("{pod}{place}")), value, "{place}");
    }
    let rule = at(&format!(
        "{pod}/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"
    ));
    assert_eq!(rule["topologyKey"], "kubernetes.io/hostname");
    // It keeps away from its own kind, and from nothing else.
    assert_eq!(
        rule["labelSelector"]["matchLabels"],
        at("/template/metadata/labels")
    );
    let args = at(&format!("{pod}/containers/0/args"));
    let args: Vec<&str> = args
        .as_array()
        .expect("args")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        args,
        [
            "check",
            "--root",
            "/host",
            "--node",
            "$(NODE_NAME)",
            "--pod",
            "$(POD_NAMESPACE)/$(POD_NAME)",
            "--from",
            "runc=/opt/$$(X)/runc",
            "--to",
            "crun@1.21",
            "--out",
            "-",
            "--exit-zero"
        ]
    );
    // The program knows each of them.
    let ran = Scene::new().run(&[&args[..], &["--help"]].concat());
    assert!(ran.ends_with(0).stdout.contains("Usage: ocidiff check"));
}

#[test]
fn the_api_takes_it() {
    let Some(validator) = validator() else {
        return;
    };
    let scene = Scene::new();
    let manifest = print(&scene, &["--to", "crun"]);
    assert_eq!(wrong(&scene, &validator, &manifest), None);
    // What is not a manifest is reported, so that the line above means something.
    for (part, instead, told) in [
        ("parallelism: 12", "parallelism: many", "parallelism"),
        ("tolerations:", "tolerates:", "tolerates"),
        ("restartPolicy: Never", "restartPolicy: [Never]", "restartPolicy"),
        ("template:", "templates:", "template"),
    ] {
        assert_eq!(manifest.matches(part).count(), 1, "{part}");
        let said = wrong(&scene, &validator, &manifest.replace(part, instead));
        assert!(
            said.as_ref().is_some_and(|said| said.contains(told)),
            "{instead}: {said:?}"
        );
    }
}

/// The versions that must be given to a pod that sees no program.
const VERSIONS: [&str; 5] = ["--only-read", "--from", "runc@1.1.5", "--to", "crun@1.8.1"];

#[test]
fn a_smaller_one_has_the_socket_and_nothing_else() {
    let scene = Scene::new();
    let manifest = print(&scene, &VERSIONS);
    for mark in ["W|", "R|", "@SOCKET@", "@ARGS@"] {
        assert!(!manifest.contains(mark), "{mark}");
    }
    let parts = parts(&manifest);
    let pod = &parts[2]["spec"]["template"]["spec"];
    assert_eq!(pod["hostPID"], Value::Null);
    let container = &pod["containers"][0];
    assert_eq!(
        container["securityContext"],
        serde_json::json!({
            "runAsUser": 0, "privileged": false, "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
            "readOnlyRootFilesystem": true,
        })
    );
    let socket = "/run/containerd/containerd.sock";
    assert_eq!(
        pod["volumes"],
        serde_json::json!([{"name": "socket", "hostPath": {"path": socket, "type": "Socket"}}])
    );
    assert_eq!(container["volumeMounts"][0]["mountPath"], socket);
    // What it does not see is mentioned where it is read.
    let comments = manifest.replace("\n# ", " ");
    for part in ["whether a workload", "seccomp filter answers", "never as safe"] {
        assert!(comments.contains(part), "{part}");
    }
    assert!(print(&scene, &["--to", "crun"]).contains("--only-read"));
    let args = container["args"].as_array().expect("args");
    let args: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
    assert_eq!(
        args,
        [
            "check",
            "--only-read",
            "--node",
            "$(NODE_NAME)",
            "--pod",
            "$(POD_NAMESPACE)/$(POD_NAME)",
            "--engine",
            "cri",
            "--socket",
            socket,
            "--from",
            "runc@1.1.5",
            "--to",
            "crun@1.8.1",
            "--out",
            "-",
            "--exit-zero"
        ]
    );
    let ran = scene.run(&[&args[..], &["--help"]].concat());
    ran.ends_with(0);
    let crio = [&VERSIONS[..], &["--socket", "/run/crio/crio.sock"]].concat();
    assert_eq!(print(&scene, &crio).matches("/run/crio/crio.sock").count(), 3);
    if let Some(validator) = validator() {
        assert_eq!(wrong(&scene, &validator, &manifest), None);
    }
}

/// The text of every `key:` path in a document, whatever the values.
fn keys(value: &Value, at: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let at = format!("{at}/{key}");
                keys(value, &at, all);
                all.insert(at);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, at, all)),
        _ => {}
    }
}

/// The first `kubectl` on the PATH that knows what the manifest uses.
fn kubectl() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("kubectl"))
        .find(|program| program.is_file());
    let minor = |program: &PathBuf| {
        let output = Command::new(program)
            .args(["version", "--client", "-o", "json"])
            .output()
            .ok()?;
        let told: Value = serde_json::from_slice(&output.stdout).ok()?;
        let minor = told["clientVersion"]["minor"].as_str()?;
        minor
            .trim_end_matches(|c: char| !c.is_ascii_digit())
            .parse::<u32>()
            .ok()
    };
    // Debian 12's kubernetes-client is 1.20, which drops what came later.
    let found = found.filter(|program| minor(program).is_some_and(|minor| minor >= 29));
    if found.is_none() {
        needs::skip("kubectl 1.29 or newer", false);
    }
    found
}

/// Which of a document's keys do not come back from kubectl, which knows the API's types.
fn lost(scene: &Scene, kubectl: &Path, document: &Value) -> Vec<String> {
    let file = scene.write("document.json", document.to_string());
    let mut command = Command::new(kubectl);
    // Only this call reads a Job by its type: `label` passes on what it does not know.
    match document["kind"].as_str() {
        Some("Job") => command.args(["set", "image", "check=example.invalid/other"]),
        _ => command.args(["label", "tested=yes"]),
    };
    let output = command
        .args(["--local", "-o", "json", "-f"])
        .arg(file)
        .output()
        .expect("kubectl starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let back: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    keys(document, "", &mut before);
    keys(&back, "", &mut after);
    before.difference(&after).cloned().collect()
}

#[test]
fn a_round_trip_through_kubectl_loses_no_key() {
    let Some(kubectl) = kubectl() else { return };
    let scene = Scene::new();
    for more in [&["--to", "crun", "--from", "runc"][..], &VERSIONS] {
        let manifest = print(&scene, more);
        for document in parts(&manifest) {
            assert_eq!(
                lost(&scene, &kubectl, &document),
                Vec::<String>::new(),
                "{more:?}"
            );
        }
        // It drops what it does not know, so that the line above means something.
        let wrong = parts(&manifest.replace("tolerations:", "tolerates:"));
        assert_eq!(lost(&scene, &kubectl, &wrong[2]).len(), 2, "{more:?}");
    }
}

#[test]
fn wrong_use_says_what_to_do() {
    const JOB: &[&str] = &["--kubernetes", "--nodes", "3", "--job-image", "a"];
    let scene = Scene::new();
    let to = ["check", "--to", "crun"];
    for (args, told) in [
        (&["--kubernetes"][..], "--nodes"),
        (&["--kubernetes", "--nodes", "3"], "--job-image"),
        (
            &["--kubernetes", "--nodes", "0", "--job-image", "a"],
            "0 is not in 1..=5000",
        ),
        (
            &["--kubernetes", "--nodes", "3", "--job-image", "a: {b: c}"],
            "an image is",
        ),
        (&[JOB, &["--bundle", "b"]].concat(), "--bundle"),
        (&["--nodes", "3", "--bundle", "b"], "--kubernetes"),
        (&[JOB, &["--from", "no name"]].concat(), "not a runtime's name"),
        (&["--only-read", "--bundle", "b"], "--from"),
        (&["--only-read", "--from", "runc", "--bundle", "b"], "--from: "),
        (
            &["--only-read", "--from", "runc@1.1.5", "--bundle", "b"],
            "--to: ",
        ),
        (
            &[JOB, &["--only-read", "--from", "runc@1.1.5"]].concat(),
            "--to: ",
        ),
        (
            &[JOB, &["--socket", "run/$(X).sock"]].concat(),
            "an absolute path without variables",
        ),
        (&[JOB, &["--container", "web"]].concat(), "--container"),
        (
            &[
                JOB,
                &["--only-read", "--from", "runc@1.1.5", "--engine", "docker"],
            ]
            .concat(),
            "nothing but the socket of the node's CRI runtime",
        ),
    ] {
        let ran = scene.run(&[&to[..], args].concat());
        let error = &ran.ends_with(2).stderr;
        assert!(error.contains(told), "{args:?}: {error}");
        assert_eq!(ran.stdout, "");
    }
}
