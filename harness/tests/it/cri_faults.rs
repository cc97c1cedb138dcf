//! `ocidiff run --via cri` on a node that fails: what could not be run is broken, and neither skipped nor a difference.

use crate::cri::{command, run, things};
use crate::support;
use crate::support::containerd::Containerd;
use crate::support::needs;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ocidiff_model::Verdict;
use support::events::Events;
use support::{Output, Scene};

/// A program on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn program(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a program");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// A node whose disk is full once this many containers were started: its shim says so.
fn fills_up(scene: &Scene, after: u32) -> Option<Containerd> {
    let (runc, crun) = (needs::runtime("runc")?, needs::runtime("crun")?);
    let (containerd, shim) = (on_path("containerd"), on_path("containerd-shim-runc-v2"));
    let (Some(containerd), Some(shim)) = (containerd, shim) else {
        needs::skip("containerd with its shim", false);
        return None;
    };
    let folder = scene.path().join("bin");
    std::fs::create_dir(&folder).expect("a folder");
    symlink(containerd, folder.join("containerd")).expect("a link");
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in *start)\necho >> {count}\n[ $(wc -l < {count}) -le {after} ] || {{ echo write \
         config.json: no space left on device >&2; exit 1; }};;\nesac\nexec {shim} \"$@\"\n",
        count = folder.join("count").display(),
        shim = shim.display(),
    );
    program(&folder.join("containerd-shim-runc-v2"), &text);
    let node = Containerd::with(
        &folder.join("containerd"),
        &[("runc", &runc), ("crun", &crun)],
        "",
    );
    node.images()?;
    Some(node)
}

#[test]
fn a_socket_that_says_nothing_is_named_soon() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    let _silent = UnixListener::bind(scene.path().join("silent")).expect("a socket");
    let said =
        "silent: it accepts connections, and does not answer within 5 s: restart it, or name another socket";
    let of_cri = "silent accepts connections, and does not answer within 5 s: restart containerd or CRI-O";
    for (args, told) in [
        ("run process/env-values --via cri", of_cri),
        ("run process/env-values --via docker", said),
        ("clean --via cri", of_cri),
        ("clean --via docker", said),
        ("capture x --engine cri", said),
        ("capture x --engine docker", said),
    ] {
        let args: Vec<&str> = args.split(' ').chain(["--socket", "silent"]).collect();
        let ran = scene.run(&args);
        assert!(
            ran.ends_with(3).within(30).stderr.contains(told),
            "{args:?}: {ran:?}"
        );
    }
    let paths = ["runc", "crun"].map(|name| Some(format!("{name}={}", needs::runtime(name)?.display())));
    let [Some(runc), Some(crun)] = paths else {
        return;
    };
    for (more, from, to) in [
        ("--engine cri", runc.as_str(), crun.as_str()),
        ("--engine docker", &runc, &crun),
        ("--engine cri --only-read", "runc@1.4.3", "crun@1.28"),
    ] {
        let args = format!("check --from {from} --to {to} --socket silent {more}");
        let ran = scene.run(&args.split(' ').collect::<Vec<_>>());
        let told = &ran.ends_with(3).within(60).stdout;
        assert!(
            told.contains("how many workloads there are is not known\n"),
            "{more}: {told}"
        );
        assert!(told.contains("does not answer"), "{more}: {told}");
    }
}

#[test]
fn what_a_full_node_does_not_start_is_broken() {
    let scene = Scene::new();
    // Two pods to see whether the handlers start anything, and two with a container for the first case.
    let Some(node) = fills_up(&scene, 2 + 4) else {
        return;
    };
    let before = things(&node);
    let ran = run(
        &scene,
        &node,
        &[
            "run",
            "process/env-values",
            "process/args-missing*",
            "--jobs",
            "1",
            "--json",
            "events",
        ],
    );
    ran.leaves_nothing().ends_with(3);
    let told = Events::read(&scene.path().join("events"));
    let said: Vec<_> = told.cases().map(|one| (one.verdict, one.why.clone())).collect();
    let broken: Vec<&String> = said
        .iter()
        .filter(|(verdict, _)| *verdict == Verdict::Broken)
        .filter_map(|(_, why)| why.as_ref())
        .collect();
    assert!(!broken.is_empty(), "{ran:?}");
    // What CRI has no words for is skipped on any node.
    let of_the_node = |why: &Option<String>| {
        why.as_ref()
            .is_none_or(|why| why.contains("no space left on device"))
    };
    assert!(
        !said
            .iter()
            .any(|(verdict, why)| *verdict == Verdict::Skipped && of_the_node(why)),
        "{said:#?}"
    );
    for why in broken {
        assert!(
            why.contains("the engine failed: ") && why.contains("no space left on device"),
            "{why}"
        );
    }
    assert!(
        ran.stderr
            .contains("ocidiff: the engine was given up: 5 calls in a row"),
        "{ran:?}"
    );
    assert_eq!(things(&node), before);
}

#[test]
fn a_program_that_goes_away_during_a_run_is_not_a_difference() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let scene = Scene::new();
    let copy = scene.path().join("crun");
    std::fs::copy(crun, &copy).expect("a copy");
    let Some(node) = Containerd::start(&[("runc", &runc), ("crun", &copy)]) else {
        return;
    };
    if node.images().is_none() {
        return;
    }
    let output = Output::new(scene.path());
    let args = ["run", "process/args*", "--jobs", "1", "--json", "events"];
    let child = output.spawn(&mut command(&scene, &node, &args));
    let (began, events) = (Instant::now(), scene.path().join("events"));
    let is_begun = || {
        let part = scene.path().join("events.part");
        let texts = [&events, &part].map(|path| std::fs::read_to_string(path).unwrap_or_default());
        texts.iter().any(|text| text.contains("\"agree\""))
    };
    while !is_begun() {
        assert!(began.elapsed() < Duration::from_secs(120), "no case is done");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::rename(&copy, scene.path().join("away")).expect("it goes");
    let ran = output.wait(child, Duration::from_secs(300));
    ran.ends_with(3);
    let told = Events::read(&events);
    let new: Vec<_> = told.cases().filter(|one| one.verdict == Verdict::New).collect();
    assert!(new.is_empty(), "{new:#?}");
    let gone = format!("crun: its program {} is gone", copy.display());
    let is_named = |why: &Option<String>| why.as_ref().is_some_and(|why| why.contains(&gone));
    assert!(told.cases().any(|one| is_named(&one.why)), "{ran:?}");
    // Its shims cannot remove what it had made: the node removes that once it is there again.
    std::fs::rename(scene.path().join("away"), &copy).expect("it comes back");
    run(&scene, &node, &["clean"]).ends_with(0);
}

#[test]
fn a_handler_that_cannot_be_used_is_named_and_the_run_is_not_whole() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let handlers = [
        ("runc", runc.as_path()),
        ("crun", &crun),
        ("crun-gone", Path::new("/usr/sbin/nothere")),
        ("ghost", Path::new("/bin/false")),
    ];
    let Some(node) = Containerd::start(&handlers) else {
        return;
    };
    if node.images().is_none() {
        return;
    }
    let scene = Scene::new();
    let gone = "ocidiff: crun-gone: failed to use /usr/sbin/nothere as crun: ";
    let ran = run(&scene, &node, &["run", "process/env-values"]);
    ran.ends_with(3);
    assert!(ran.stderr.contains(gone), "{ran:?}");
    assert!(
        ran.stderr
            .contains("ocidiff: ghost: no manifest is for `ghost`: left out\n"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("1 agree"), "{ran:?}");
    // Who names the others has not meant these.
    let two = [
        "run",
        "process/env-values",
        "--runtime",
        "runc",
        "--runtime",
        "crun",
    ];
    let ran = run(&scene, &node, &two);
    ran.ends_with(0);
    assert!(!ran.stderr.contains("left out"), "{ran:?}");
    for (names, said) in [
        (
            &["runc"][..],
            "--runtime leaves runc: name another one that containerd has registered (crun)",
        ),
        (&["crun", "crun"], "--runtime leaves crun: "),
        (&["crun", "crun-gone"], gone),
        (
            &["ghost", "crun"],
            "ghost: no manifest is for `ghost`: left out; comparing takes two",
        ),
    ] {
        let options = names.iter().flat_map(|name| ["--runtime", name]);
        let args: Vec<&str> = ["run", "process/env-values"].into_iter().chain(options).collect();
        let ran = run(&scene, &node, &args);
        ran.ends_with(2);
        assert!(ran.stderr.contains(said), "{names:?}: {ran:?}");
    }
}
