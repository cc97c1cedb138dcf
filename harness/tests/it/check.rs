//! `ocidiff check` on bundles: real runtimes, with the probe in place of the workload.

use crate::support;
use crate::support::{needs, program};

use std::fs;
use std::path::Path;

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, Depth};
use serde_json::{Value, json};
use support::{Ran, Scene};

/// A runtime as `NAME=PATH`.
fn runtime(name: &str) -> Option<String> {
    Some(format!("{name}={}", needs::runtime(name)?.display()))
}

/// A bundle as an engine would make it, with a secret wherever one could be.
pub(crate) fn bundle(scene: &Scene, name: &str, change: impl Fn(&mut Value)) {
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 1000, "gid": 1000}, "args": ["/serve", "--token=hunter2"], "cwd": "/",
            "env": ["PATH=/bin", "PASSWORD=hunter2"], "noNewPrivileges": true,
            "capabilities": {"bounding": ["CAP_CHOWN"], "effective": [], "permitted": []}
        },
        "root": {"path": "rootfs"},
        "hostname": name,
        "annotations": {"token": "hunter2"},
        "hooks": {"prestart": [{"path": "/bin/sh"}]},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/data", "type": "bind", "source": scene.path().join("secret"), "options": ["rbind", "rw"]}
        ],
        "linux": {
            "cgroupsPath": format!("/docker/{name}"),
            "namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
            "maskedPaths": ["/proc/keys"], "readonlyPaths": ["/proc/sys"]
        }
    });
    change(&mut config);
    scene.write("secret/file", "hunter2");
    scene.write(&format!("{name}/config.json"), config.to_string());
    let rootfs = scene.path().join(name).join("rootfs");
    fs::create_dir_all(rootfs.join("etc")).expect("a rootfs");
    program::of_config(&rootfs, &config);
}

/// The same runtime under another name.
const TWIN: &str = "twin";

fn check(scene: &Scene, to: &str, bundles: &[&str], more: &[&str]) -> Option<Ran> {
    // A runtime cannot be compared with itself by name, but a copy of the program can.
    let to = match to {
        TWIN => {
            let twin = scene.path().join("twin");
            fs::copy(needs::runtime("runc")?, &twin).expect("a copy");
            format!("runc={}", twin.display())
        }
        name => runtime(name)?,
    };
    let from = runtime("runc")?;
    let mut args = vec!["check", "--from", &from, "--to", &to];
    args.extend(bundles.iter().flat_map(|name| ["--bundle", *name]));
    args.extend(more);
    Some(scene.run(&args))
}

fn report(ran: &Ran) -> CheckReport {
    serde_json::from_str(&ran.stdout).expect("the JSON of a report")
}

#[test]
fn the_story_is_told_before_the_move() {
    let scene = Scene::new();
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases/profiles/docker-20.10.24.json");
    let profile: Value =
        serde_json::from_str(&fs::read_to_string(profile).expect("a profile")).expect("JSON");
    bundle(&scene, "web-1", |config| {
        config["linux"]["seccomp"] = profile.clone();
    });
    bundle(&scene, "web-2", |config| {
        config["linux"]["seccomp"] = profile.clone();
    });
    // Their libc can make the call.
    let banner = "GNU C Library (Debian GLIBC 2.41-12) stable release version 2.41.\n";
    for name in ["web-1", "web-2"] {
        scene.write(&format!("{name}/rootfs/lib/x86_64-linux-gnu/libc.so.6"), banner);
    }
    // Without any filter, what is exec'ed into it could also use the host's keyring; a user could be given the host's
    // /dev/null.
    let plain = |config: &mut Value| {
        config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW"});
        config["process"]["user"] = json!({"uid": 0, "gid": 0});
        // As engines do it: without any rule, crun leaves all devices allowed.
        config["linux"]["resources"] = json!({"devices": [{"allow": false, "access": "rwm"}]});
    };
    bundle(&scene, "plain", plain);
    let Some(ran) = check(
        &scene,
        "crun",
        &["web-1", "web-2", "plain"],
        &["--format", "json"],
    ) else {
        return;
    };
    ran.ends_with(1).leaves_nothing();
    let told = report(&ran);
    assert_eq!(told.shapes.len(), 2, "{told:#?}");
    assert_eq!(
        told.shapes[0].workloads,
        ["web-1", "web-2"],
        "the same shape is checked once, the worst first"
    );
    let story = told.shapes[0]
        .findings
        .iter()
        .find(|one| one.impact == Impact::Breaks);
    let story = story.expect("tar will break");
    assert!(story.reason.contains("fchmodat2"), "{story:#?}");
    assert!(story.reason.contains("; its files have glibc 2.41"), "{story:#?}");
    assert_eq!(
        story.id.as_ref().map(ToString::to_string).as_deref(),
        Some("runc/enosys-stub")
    );
    assert_eq!(
        (story.from.as_str(), story.to.as_str()),
        ("ERRNO(ENOSYS)", "ERRNO(EPERM)")
    );
    assert!(
        story
            .remedy
            .as_ref()
            .is_some_and(|remedy| remedy.contains("--fix enosys"))
    );
    let plain = &told.shapes[1];
    assert!(plain.worst() < Some(Impact::Breaks), "{plain:#?}");
    for part in ["hooks", "/data", "network namespace"] {
        assert!(
            plain.changes.iter().any(|change| change.contains(part)),
            "{part}: {:?}",
            plain.changes
        );
    }
    // A secret never reaches a report, in any format, and neither does the file behind a mount.
    for format in ["text", "json", "markdown"] {
        let ran = check(&scene, "crun", &["web-1", "plain"], &["--format", format]).expect("as above");
        assert!(!ran.ends_with(1).stdout.contains("hunter2"), "{}", ran.stdout);
    }
    assert_eq!(
        fs::read_to_string(scene.path().join("secret/file")).expect("the file"),
        "hunter2"
    );
}

#[test]
fn what_is_known_of_a_config_is_told_without_a_try() {
    let scene = Scene::new();
    bundle(&scene, "hooked", |config| {
        config["hooks"]["poststart"] = json!([{"path": "/nowhere/hook", "env": ["TOKEN=hunter2"]}]);
    });
    bundle(&scene, "bare", |config| {
        config["hooks"] = json!({});
    });
    let Some(ran) = check(&scene, "crun", &["hooked", "bare"], &["--format", "json"]) else {
        return;
    };
    let told = report(ran.ends_with(1).leaves_nothing());
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    let of = |name: &str| {
        let shape = told.shapes.iter().find(|shape| shape.workloads == [name]);
        shape.unwrap_or_else(|| panic!("{name}: {told:#?}"))
    };
    let read = |name: &str| -> Vec<&str> {
        let findings = of(name).findings.iter();
        let read = findings.filter(|one| one.depth == Depth::Read);
        read.map(|one| one.what.as_str()).collect()
    };
    assert!(
        read("hooked").iter().any(|what| what.contains("poststart")),
        "{:?}",
        read("hooked")
    );
    assert!(
        !read("bare").iter().any(|what| what.contains("hook")),
        "{:?}",
        read("bare")
    );
    // All of its details can be looked up.
    let findings = &of("hooked").findings;
    assert!(
        findings
            .iter()
            .all(|one| one.depth != Depth::Read || (one.id.is_some() && !one.reason.is_empty()))
    );
}

#[test]
fn a_call_that_fails_is_explained_by_what_is_known_of_its_config() {
    let scene = Scene::new();
    bundle(&scene, "privileged-again", |config| {
        config["process"]["noNewPrivileges"] = false.into();
        config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]});
    });
    let Some(ran) = check(&scene, "youki", &["privileged-again"], &["--format", "json"]) else {
        return;
    };
    let told = report(ran.ends_with(1).leaves_nothing());
    let create = told.shapes[0]
        .findings
        .iter()
        .find(|one| one.what == "lifecycle.create.result");
    let create = create.expect("it does not start");
    assert_eq!((create.from.as_str(), create.to.as_str()), ("ok", "error"));
    assert!(
        create.reason.contains("noNewPrivileges") && create.remedy.is_some() && create.id.is_some(),
        "{create:#?}"
    );
}

#[test]
fn a_runtime_against_itself_is_safe() {
    let scene = Scene::new();
    bundle(&scene, "plain", |_| {});
    let Some(ran) = check(&scene, TWIN, &["plain"], &[]) else {
        return;
    };
    let text = &ran.ends_with(0).stdout;
    assert!(
        text.contains("1 workload in 1 shape: 1 safe, 0 at risk, 0 not checked"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_checked_has_its_line_and_the_others_go_on() {
    let scene = Scene::new();
    bundle(&scene, "plain", |_| {});
    bundle(&scene, "gone", |config| {
        config["root"]["path"] = "/nowhere/rootfs".into();
    });
    bundle(&scene, "refused", |config| {
        config["process"]["cwd"] = "not/absolute".into();
    });
    scene.write("cut/config.json", "{\"ociVersion\": \"1.0.2\", \"proc");
    let all = ["plain", "gone", "refused", "cut"];
    let Some(ran) = check(&scene, TWIN, &all, &["--format", "json"]) else {
        return;
    };
    let told = report(ran.ends_with(3).leaves_nothing());
    assert_eq!(told.shapes.len(), 1, "{told:#?}");
    for (workload, why) in [
        ("gone", "the rootfs is gone"),
        ("refused", "no runtime starts it here"),
        ("cut", "its config.json cannot be read: EOF"),
    ] {
        let found = told.unchecked.iter().find(|one| one.workload == workload);
        let found = found.unwrap_or_else(|| panic!("{workload}: {told:#?}"));
        assert!(found.why.contains(why) && !found.why.contains('\n'), "{found:?}");
    }
}

#[test]
fn wrong_use_says_what_to_do() {
    let scene = Scene::new();
    for (more, part) in [
        (["--engine", "dockr"], "[possible values: auto, docker"),
        (["--container", ""], "--container"),
        (["--bundel", "x"], "--bundle"),
        (["--bundle", "missing"], "missing is not an OCI bundle"),
        (["--baseline", "missing"], "failed to read the baseline missing"),
    ] {
        let Some(ran) = check(&scene, "crun", &[], &more) else {
            return;
        };
        assert!(ran.ends_with(2).stderr.contains(part), "{}", ran.stderr);
    }
}

#[test]
fn an_engine_that_is_not_there_is_told_and_bundles_are_checked_all_the_same() {
    let scene = Scene::new();
    bundle(&scene, "plain", |_| {});
    let engine = [
        "--engine",
        "docker",
        "--socket",
        "/nowhere/docker.sock",
        "--format",
        "json",
    ];
    let Some(ran) = check(&scene, TWIN, &["plain"], &engine) else {
        return;
    };
    let told = report(ran.ends_with(3).leaves_nothing());
    assert_eq!(told.shapes[0].workloads, ["plain"]);
    let why = &told.unchecked[0].why;
    assert!(
        why.contains("/nowhere/docker.sock") && !why.contains('\n'),
        "{why}"
    );
    // A check of nothing does not mean that the node is safe.
    let ran = check(&scene, TWIN, &[], &["--engine", "none"]).expect("as above");
    assert!(
        ran.ends_with(3).stderr.contains("no container was found"),
        "{}",
        ran.stderr
    );
}

/// A rootfs with a shell, if there is a static one here.
pub(crate) fn with_a_shell(scene: &Scene, name: &str) -> Option<()> {
    let program = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(program) = program else {
        needs::skip("busybox-static", true);
        return None;
    };
    let bin = scene.path().join(name).join("rootfs/bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::copy(program, bin.join("busybox")).expect("a program");
    let _ = fs::remove_file(bin.join("sh"));
    std::os::unix::fs::symlink("busybox", bin.join("sh")).expect("a link");
    Some(())
}

#[test]
fn the_own_command_is_run_where_that_is_asked_for() {
    let scene = Scene::new();
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases/profiles/docker-20.10.24.json");
    let profile: Value =
        serde_json::from_str(&fs::read_to_string(profile).expect("a profile")).expect("JSON");
    let script = "echo $PASSWORD; echo $PASSWORD >/tmp/told; /.ocidiff/probe call fchmodat2 && exit 3";
    bundle(&scene, "teller", |config| {
        config["process"]["user"] = json!({"uid": 0, "gid": 0});
        config["process"]["args"] = json!(["/bin/sh", "-c", script]);
        config["linux"]["seccomp"] = profile.clone();
    });
    if with_a_shell(&scene, "teller").is_none() {
        return;
    }
    fs::create_dir(scene.path().join("teller/rootfs/tmp")).expect("a folder");
    let own = |report: &CheckReport| -> Vec<String> {
        let findings = report.shapes[0].findings.iter();
        let own = findings.filter(|one| one.depth == Depth::Run);
        own.map(|one| format!("{} {} {} {}", one.impact, one.what, one.from, one.to))
            .collect()
    };
    let Some(ran) = check(&scene, "crun", &["teller"], &["--format", "json"]) else {
        return;
    };
    assert_eq!(own(&report(ran.ends_with(1))), [""; 0], "it is not run unasked");
    let ran = check(&scene, "crun", &["teller"], &["--run", "--format", "json"]).expect("as above");
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    let told = report(ran.ends_with(1).leaves_nothing());
    let denied = own(&told).into_iter().find(|one| one.contains("syscall.denied"));
    let denied = denied.unwrap_or_else(|| panic!("{told:#?}"));
    assert!(
        denied.contains("fchmodat2 ENOSYS") && denied.contains("fchmodat2 EPERM"),
        "{denied}"
    );
    // What is the same under both is not a finding: what it printed and wrote, how it ended.
    assert!(
        !own(&told)
            .iter()
            .any(|one| one.contains("stdout") || one.contains("exit")),
        "{:?}",
        own(&told)
    );

    // Another command in its place; one that does not end is ended, and nothing of it remains.
    let more = [
        "--run",
        "--format",
        "json",
        "--command",
        "/bin/busybox",
        "sleep",
        "1000",
    ];
    let ran = check(&scene, TWIN, &["teller"], &more).expect("as above");
    let told = report(ran.ends_with(0).leaves_nothing());
    assert_eq!(own(&told), [""; 0]);
}
