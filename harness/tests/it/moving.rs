//! `ocidiff check` on a node: which workload runs under what, what is new since the last check, from which version on a
//! move is safe, and what is left of a check that was ended.

use crate::check::{bundle, with_a_shell};
use crate::support::{Output, Ran, Scene, needs};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ocidiff_model::Impact;
use ocidiff_model::check::CheckReport;
use serde_json::{Value, json};

fn named(selector: &str) -> Option<String> {
    let name = selector.split('@').next().unwrap_or(selector);
    Some(format!("{name}={}", needs::runtime(selector)?.display()))
}

fn report(ran: &Ran) -> CheckReport {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

/// A containerd's state folder, with a task for each: its config as in the bundle with that name, and its runtime.
fn containerd(scene: &Scene, tasks: &[(&str, Option<&Path>)]) -> PathBuf {
    let state = scene.path().join("state");
    for (name, runtime) in tasks {
        let task = state.join("io.containerd.runtime.v2.task/k8s.io").join(name);
        fs::create_dir_all(&task).expect("a task");
        fs::rename(
            scene.path().join(name).join("config.json"),
            task.join("config.json"),
        )
        .expect("a config");
        fs::rename(scene.path().join(name).join("rootfs"), task.join("rootfs")).expect("a rootfs");
        fs::create_dir_all(task.join("rootfs/dev")).expect("a folder");
        if let Some(runtime) = runtime {
            fs::write(task.join("runtime"), runtime.display().to_string()).expect("a file");
        }
    }
    state.join("containerd.sock")
}

/// A container of a pod, or the one that holds it together.
fn of_pod(config: &mut Value, pod: &str, kind: &str) {
    config["hooks"] = json!({});
    config["annotations"] = json!({
        "io.kubernetes.cri.container-type": kind, "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.sandbox-name": pod, "io.kubernetes.cri.container-name": "app"
    });
}

#[test]
fn each_workload_moves_from_the_runtime_that_it_runs_under() {
    let (Some(runc), Some(old), Some(new)) = (
        needs::runtime("runc"),
        needs::runtime("crun"),
        needs::runtime("crun@1.28"),
    ) else {
        return;
    };
    let scene = Scene::new();
    for name in ["plain", "older", "newer", "strange", "pause", "own"] {
        bundle(&scene, name, |config| {
            let kind = if name == "pause" { "sandbox" } else { "container" };
            of_pod(config, name, kind);
        });
    }
    let strange = scene.program("kata-runtime", "#!/bin/sh\nexit 1\n");
    let socket = containerd(
        &scene,
        &[
            ("plain", Some(&runc)),
            ("older", Some(&old)),
            ("newer", Some(&new)),
            ("strange", Some(&strange)),
            ("pause", Some(&runc)),
            ("own", None),
        ],
    );
    let to = format!("crun={}", new.display());
    let ran = scene.run(&[
        "check",
        "--to",
        &to,
        "--engine",
        "containerd",
        "--socket",
        &socket.display().to_string(),
        "--pod",
        "shop/own",
        "--format",
        "json",
    ]);
    let told = report(ran.leaves_nothing());
    let from: Vec<(&[String], String)> = told
        .shapes
        .iter()
        .map(|shape| (&shape.workloads[..], told.from_of(shape).version.to_string()))
        .collect();
    assert_eq!(from.len(), 2, "{told:#?}");
    assert!(
        from.iter()
            .any(|(whom, version)| *whom == ["shop/plain/app"] && version == "1.1.5"),
        "{from:?}"
    );
    assert!(
        from.iter()
            .any(|(whom, version)| *whom == ["shop/older/app"] && version == "1.8.1"),
        "{from:?}"
    );
    let aside: Vec<(&str, &[String])> = told
        .set_aside
        .iter()
        .map(|one| (one.why.as_str(), &one.workloads[..]))
        .collect();
    assert_eq!(
        aside,
        [
            ("this check's own", &["shop/own/app".to_owned()][..]),
            ("under crun 1.28 already", &["shop/newer/app".to_owned()]),
            (
                "pause containers, of which only the start is checked",
                &["shop/pause/pause".to_owned()]
            ),
        ]
    );
    let [strange] = &told.unchecked[..] else {
        panic!("{told:#?}")
    };
    assert!(
        strange.workload == "shop/strange/app" && strange.why.contains("kata-runtime"),
        "{strange:?}"
    );
}

#[test]
fn a_pause_container_matters_where_it_does_not_start() {
    let (Some(runc), Some(to)) = (needs::runtime("runc"), named("crun")) else {
        return;
    };
    let scene = Scene::new();
    bundle(&scene, "pause", |config| {
        of_pod(config, "web", "sandbox");
        config["ociVersion"] = "1.2.0".into();
    });
    let socket = containerd(&scene, &[("pause", Some(&runc))]);
    let ran = scene.run(&[
        "check",
        "--to",
        &to,
        "--engine",
        "containerd",
        "--socket",
        &socket.display().to_string(),
        "--format",
        "json",
    ]);
    let told = report(ran.ends_with(1).leaves_nothing());
    assert_eq!(told.shapes[0].workloads, ["shop/web/pause"]);
    let [only] = &told.shapes[0].findings[..] else {
        panic!("{told:#?}")
    };
    assert_eq!(
        (only.what.as_str(), only.impact),
        ("lifecycle.create.result", Impact::Breaks)
    );
}

/// An overlay in the shim's own mount namespace; the container made a folder in it.
const SHIM: &str = r#"
task=$1/io.containerd.runtime.v2.task/k8s.io/work
mv $task/rootfs $1/lower
mkdir $task/rootfs $1/files; mount -t tmpfs tmpfs $1/files; mkdir $1/files/upper $1/files/work
mount -t overlay overlay -o lowerdir=$1/lower,upperdir=$1/files/upper,workdir=$1/files/work $task/rootfs
mkdir $task/rootfs/made
sleep 1000 & echo $! > $task/init.pid; echo ready; wait
"#;

#[test]
fn files_that_a_container_made_are_in_the_copy_wherever_they_are_mounted() {
    let (Some(runc), Some(to)) = (needs::runtime("runc"), named("youki")) else {
        return;
    };
    let scene = Scene::new();
    bundle(&scene, "work", |config| {
        of_pod(config, "web", "container");
        config["process"]["cwd"] = "/made".into();
    });
    let socket = containerd(&scene, &[("work", Some(&runc))]);
    let state = socket.parent().expect("a folder").to_owned();
    let pid = state.join("io.containerd.runtime.v2.task/k8s.io/work/init.pid");
    let mut shim = Command::new("unshare");
    shim.args(["-m", "--propagation", "private", "sh", "-ec", SHIM, "sh"])
        .arg(&state);
    let mut shim = Output::new(scene.path()).spawn(&mut shim);
    let until = Instant::now() + Duration::from_secs(20);
    while !pid.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = scene.run(&[
        "check",
        "--to",
        &to,
        "--engine",
        "containerd",
        "--socket",
        &socket.display().to_string(),
        "--format",
        "json",
    ]);
    let init: i32 = fs::read_to_string(&pid)
        .expect("a pid")
        .trim()
        .parse()
        .expect("a number");
    kill(Pid::from_raw(init), Signal::SIGKILL).expect("to end it");
    shim.wait().expect("its end");
    let told = report(ran.leaves_nothing());
    let [shape] = &told.shapes[..] else {
        panic!("{told:#?}")
    };
    // This runtime does not make a working directory.
    assert!(shape.findings.iter().all(|one| !one.is_failure()), "{shape:#?}");
    assert!(
        shape
            .changes
            .iter()
            .all(|change| !change.contains("changed in its files")),
        "{shape:#?}"
    );
}

#[test]
fn only_what_is_new_is_told_beside_a_baseline() {
    let (Some(from), Some(to)) = (named("runc"), named("crun")) else {
        return;
    };
    let scene = Scene::new();
    bundle(&scene, "old", |config| config["hooks"] = json!({}));
    bundle(&scene, "new", |config| {
        config["hooks"] = json!({});
        config["ociVersion"] = "1.2.0".into();
    });
    let run = |bundles: &[&str], more: &[&str]| {
        let mut args = vec!["check", "--from", &from, "--to", &to];
        args.extend(bundles.iter().flat_map(|name| ["--bundle", *name]));
        args.extend(more);
        scene.run(&args)
    };
    let first = run(&["old"], &["--format", "json", "--out", "last.jsonl"]);
    first.ends_with(1);
    scene.write("last.json", &first.stdout);
    for baseline in ["last.json", "last.jsonl"] {
        let again = run(&["old"], &["--baseline", baseline]);
        assert!(
            again.ends_with(0).stdout.contains("As before     old"),
            "{}",
            again.stdout
        );
        assert!(!again.stdout.contains("Move"), "{}", again.stdout);
        let both = run(&["old", "new"], &["--baseline", baseline]);
        let text = &both.ends_with(1).stdout;
        assert!(
            text.contains("Change first  new") && text.contains("As before     old"),
            "{text}"
        );
    }
    scene.write("noise", "no check\n");
    let ran = run(&["old"], &["--baseline", "noise"]);
    assert!(
        ran.ends_with(2).stderr.contains("give the events of a check"),
        "{}",
        ran.stderr
    );
}

#[test]
fn it_is_told_from_which_version_on_a_move_is_safe() {
    let (Some(from), Some(to)) = (named("runc"), named("crun@1.28")) else {
        return;
    };
    if needs::runtime("crun@1.21").is_none() {
        return;
    }
    let scene = Scene::new();
    bundle(&scene, "newer", |config| {
        config["hooks"] = json!({});
        config["ociVersion"] = "1.2.0".into();
        config["process"]["user"] = json!({"uid": 0, "gid": 0});
        config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW"});
        config["linux"]["resources"] = json!({"devices": [{"allow": false, "access": "rwm"}]});
    });
    let check = [
        "check",
        "--from",
        &from,
        "--to",
        &to,
        "--bundle",
        "newer",
        "--all-versions",
    ];
    let run = |more: &[&str]| {
        let mut command = scene.command(&[&check[..], more].concat());
        // The versions are those of the real store.
        match std::env::var_os("OCIDIFF_HOME") {
            Some(home) => command.env("OCIDIFF_HOME", home),
            None => command.env_remove("OCIDIFF_HOME"),
        };
        let output = Output::new(scene.path());
        let child = output.spawn(&mut command);
        output.wait(child, Duration::from_secs(120))
    };
    let ran = run(&["--format", "json"]);
    let told = report(ran.leaves_nothing());
    let of = |version: &str| {
        let found = told
            .versions
            .iter()
            .find(|one| one.runtime.version.as_str() == version);
        found.unwrap_or_else(|| panic!("{version}: {told:#?}"))
    };
    assert!(
        of("1.8.1").worst == Some(Impact::Breaks) && of("1.8.1").at_risk == ["newer"],
        "{told:#?}"
    );
    assert!(told.versions.is_sorted_by_key(|one| one.runtime.version.clone()));
    let ran = run(&[]);
    assert!(ran.stdout.contains("Versions      "), "{}", ran.stdout);
    assert!(
        ran.stdout.lines().all(|line| line.chars().count() <= 110),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_check_that_is_ended_leaves_what_it_found() {
    let (Some(from), Some(to)) = (named("runc"), named("youki")) else {
        return;
    };
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let scene = Scene::new();
        let names: Vec<String> = (0..24).map(|number| format!("w{number}")).collect();
        for (number, name) in names.iter().enumerate() {
            bundle(&scene, name, |config| {
                config["process"]["user"]["uid"] = number.into();
            });
        }
        let mut args = vec![
            "check", "--from", &from, "--to", &to, "--format", "html", "--out", "events",
        ];
        args.extend(names.iter().flat_map(|name| ["--bundle", name]));
        let output = Output::new(scene.path());
        let child = output.spawn(&mut scene.command(&args));
        let events = scene.path().join("events.part");
        let is_there = || fs::read_to_string(&events).is_ok_and(|text| text.contains("shape-checked"));
        let until = Instant::now() + Duration::from_secs(60);
        while !is_there() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        kill(pid, signal).expect("to end it");
        let ran = output.wait(child, Duration::from_secs(60));
        scene.run(&["clean"]).ends_with(0);
        ran.leaves_nothing();
        let (file, says) = if signal == Signal::SIGINT {
            assert!(
                ran.ends_with(3).stdout.contains("the check was interrupted"),
                "{}",
                ran.stdout
            );
            assert!(ran.stdout.contains("</html>"), "{}", ran.stdout);
            ("events", "the check was interrupted")
        } else {
            ("events.part", "shape")
        };
        let drawn = scene.run(&["report", file, "--format", "html"]);
        assert!(drawn.ends_with(0).stdout.contains(says), "{}", drawn.stdout);
        let junit = scene.run(&["report", file, "--format", "junit"]);
        assert!(
            junit.ends_with(0).stdout.contains("<testcase name=\"w"),
            "{}",
            junit.stdout
        );
    }
}

#[test]
fn a_command_that_does_not_end_is_told() {
    let (Some(from), Some(to)) = (named("runc"), named("crun")) else {
        return;
    };
    let scene = Scene::new();
    bundle(&scene, "serving", |config| {
        config["hooks"] = json!({});
        config["process"]["env"] = json!(["PATH=/bin"]);
    });
    if with_a_shell(&scene, "serving").is_none() {
        return;
    }
    let ran = scene.run(&[
        "check",
        "--from",
        &from,
        "--to",
        &to,
        "--bundle",
        "serving",
        "--run",
        "--command",
        "/bin/busybox",
        "sleep",
        "1000",
        ";",
        "--format",
        "json",
    ]);
    let told = report(ran.leaves_nothing());
    let changes = &told.shapes[0].changes;
    assert!(
        changes
            .iter()
            .any(|change| change.contains("did not end within 5 s")),
        "{changes:#?}"
    );
}

#[test]
fn what_is_misspelt_has_what_was_meant() {
    let scene = Scene::new();
    scene.write(
        "members.json",
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscals": []}"#,
    );
    scene.write(
        "actions.json",
        r#"{"defaultAction": "SCMP_ACT_ALOW", "syscalls": []}"#,
    );
    for (args, says) in [
        (
            &["seccomp", "members.json"][..],
            "members.json:1:37: failed to read a profile: `syscals` is not known; did you mean `syscalls`?",
        ),
        (&["seccomp", "actions.json"], "did you mean `SCMP_ACT_ALLOW`?"),
        (&["run", "--runtime", "crnu"], "did you mean `crun`?"),
        (
            &["check", "--to", "rucn", "--bundle", "x"],
            "did you mean `runc`?",
        ),
    ] {
        let ran = scene.run(args);
        assert!(ran.ends_with(2).stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn what_is_named_and_not_there_ends_every_command_alike() {
    let scene = Scene::new();
    bundle(&scene, "plain", |_| {});
    for args in [
        &["run", "--bundle", "gone"][..],
        &["run", "--cases", "gone"],
        &["run", "--ignore", "gone"],
        &["check", "--to", "crun", "--bundle", "gone"],
        &["check", "--to", "crun", "--bundle", "plain", "--baseline", "gone"],
        &["check", "--to", "crun", "--bundle", "plain", "--ignore", "gone"],
        &["capture", "--bundle", "gone"],
        &["seccomp", "gone.json"],
        &["report", "gone"],
        &["report", "--merge", "gone"],
        &["report", "--diff", "gone", "plain"],
        &["trend", "gone"],
    ] {
        if args.contains(&"crun") && needs::runtime("crun").is_none() {
            continue;
        }
        scene.run(args).ends_with(2);
    }
}
