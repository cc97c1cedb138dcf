//! `ocidiff run --via cri` with a real containerd: the seed's story as pods, what cannot be a pod, and what is left.

use crate::support;
use crate::support::containerd::{Containerd, wait};
use crate::support::{needs, private};

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ocidiff_cri::messages as m;
use ocidiff_model::check::CheckReport;
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Record, Value, Verdict};
use serde_json::Value as Json;
use support::events::Events;
use support::pod::Pod;
use support::{Output, Ran, Scene};

const ALL: [&str; 3] = ["runc", "crun", "youki"];

fn node(names: &[&str]) -> Option<Containerd> {
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
    node_with(&pairs)
}

/// A node with these handlers, each of which calls a runtime.
fn node_with(pairs: &[(&str, &str)]) -> Option<Containerd> {
    let found = pairs.iter().map(|(_, runtime)| needs::runtime(runtime));
    let found: Vec<PathBuf> = found.collect::<Option<_>>()?;
    let names = pairs.iter().map(|(handler, _)| *handler);
    let handlers: Vec<(&str, &Path)> = names.zip(found.iter().map(PathBuf::as_path)).collect();
    let new = Containerd::start(&handlers)?;
    new.images()?;
    Some(new)
}

/// The command against the node, with the real store: the story's rootfs is made from packages.
pub(crate) fn command(scene: &Scene, node: &Containerd, args: &[&str]) -> Command {
    let mut command = scene.command(args);
    command.env_remove("OCIDIFF_HOME");
    command.args(["--via", "cri", "--cgroup-parent", &node.cgroup(), "--socket"]);
    command.arg(node.socket());
    command
}

pub(crate) fn run(scene: &Scene, node: &Containerd, args: &[&str]) -> Ran {
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command(scene, node, args));
    output.wait(child, Duration::from_secs(600))
}

/// All pods, containers and images on the node.
pub(crate) fn things(node: &Containerd) -> Vec<String> {
    wait(async {
        let client = node.client().await;
        let pods = client.pods().await.expect("pods").into_iter().map(|pod| pod.id);
        let containers = client.containers().await.expect("containers");
        let images = client.images().await.expect("images");
        let all = pods.chain(containers.into_iter().map(|one| one.id));
        let mut all: Vec<String> = all.chain(images).collect();
        all.sort();
        all
    })
}

/// What a runtime's record of a case contains for a fact.
fn fact(scene: &Scene, case: &str, runtime: &str, path: &str) -> Option<Value> {
    let file = scene.path().join(format!("records/{case}/{runtime}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let record: Record = serde_json::from_str(&text).expect("a record");
    record
        .facts
        .into_iter()
        .find(|fact| fact.path == path)
        .map(|fact| fact.value)
}

#[test]
fn the_story_shows_in_pods_and_nothing_is_left() {
    let Some(node) = node(&ALL) else { return };
    let before = things(&node);
    let scene = Scene::new();
    let args = [
        "run",
        "seccomp/tar-setgid*",
        "--json",
        "events",
        "--records",
        "records",
    ];
    let ran = run(&scene, &node, &args);
    ran.leaves_nothing();
    let told = Events::read(&scene.path().join("events"));
    let (via, cases): (_, Vec<&CaseReport>) = (told.via(), told.cases().collect());
    assert!(
        via.is_some_and(|via| via.starts_with("cri containerd ")),
        "{ran:?}"
    );
    let story = [Value::Int(0), Value::Int(2), Value::Int(2)];
    let well = [Value::Int(0), Value::Int(0), Value::Int(0)];
    for (case, expected) in [
        ("seccomp/tar-setgid-runtime-default", &story),
        ("seccomp/tar-setgid", &story),
        ("seccomp/tar-setgid-unconfined", &well),
        ("seccomp/tar-setgid-cured", &well),
    ] {
        let exits = ALL.map(|name| fact(&scene, case, name, "process.exit").expect("it ended"));
        assert_eq!(exits, *expected, "{case}: {ran:?}");
        let report = cases.iter().find(|report| report.case == case).expect("a report");
        let verdict = if expected == &story {
            Verdict::Known
        } else {
            Verdict::Agree
        };
        assert_eq!(report.verdict, verdict, "{report:#?}");
    }
    assert_eq!(things(&node), before);
}

#[test]
fn what_is_no_pod_is_skipped_with_a_reason() {
    let Some(node) = node(&["runc", "crun"]) else {
        return;
    };
    let scene = Scene::new();
    let args = [
        "run",
        "process/args",
        "process/args-none*",
        "hooks/order",
        "process/rlimit*",
        "mounts/tmpfs*",
        // crun leaves the cgroups of what it does not create.
        "cgroups/cpuset*",
        "--json",
        "events",
        "--records",
        "records",
    ];
    let ran = run(&scene, &node, &args);
    ran.leaves_nothing();
    assert_eq!(cgroups(&node), Vec::<PathBuf>::new(), "{ran:?}");
    assert!(!ran.stderr.contains("panicked at"), "{ran:?}");
    let told = Events::read(&scene.path().join("events"));
    let cases: Vec<&CaseReport> = told.cases().collect();
    let count = |verdict: Verdict| cases.iter().filter(|report| report.verdict == verdict).count();
    assert!(count(Verdict::Agree) > 3, "{ran:?}");
    assert_eq!(count(Verdict::Broken), 0, "{ran:?}");
    for (name, why) in [
        ("hooks/order", "the engine has no setting for config.hooks"),
        ("process/args-none", "the engine wants a program in process.args"),
        ("process/rlimit", "the engine has no setting for process.rlimits"),
        ("mounts/tmpfs", "CRI has no setting for mounts but binds"),
    ] {
        let mut named = cases.iter().filter(|report| report.case.starts_with(name));
        let said: Vec<&str> = named
            .by_ref()
            .filter_map(|report| report.why.as_deref())
            .collect();
        let expected = format!("cannot be expressed as a container of the engine: {why}");
        assert!(said.contains(&expected.as_str()), "{name}: {said:?}");
    }
    let seen = |path: &str| {
        let mut well = cases.iter().filter(|report| report.verdict == Verdict::Agree);
        well.any(|report| fact(&scene, &report.case, "crun", path).is_some())
    };
    for path in [
        "engine.config.process.args",
        "engine.inspect.status",
        "process.stdout",
        "proc.args",
    ] {
        assert!(seen(path), "{path}: {ran:?}");
    }
}

#[test]
fn a_run_that_ends_early_is_cleaned_up_after_and_others_stay() {
    let Some(node) = node(&["runc", "crun"]) else {
        return;
    };
    let before = things(&node);
    for (signal, status) in [
        (rustix::process::Signal::INT, Some(3)),
        (rustix::process::Signal::KILL, None),
    ] {
        let scene = Scene::new();
        let output = Output::new(scene.path());
        let mut child = output.spawn(&mut command(&scene, &node, &["run", "seccomp/profiles*"]));
        let began = std::time::Instant::now();
        while things(&node).len() < before.len() + 3 && began.elapsed() < Duration::from_secs(60) {
            assert!(matches!(child.try_wait(), Ok(None)), "it ended early");
            std::thread::sleep(Duration::from_millis(50));
        }
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, signal).expect("it is signalled");
        let ran = output.wait(child, Duration::from_secs(120));
        assert_eq!(ran.status, status, "{ran:?}");
        if status.is_none() {
            assert_ne!(things(&node), before);
            begun_import(&node);
            // It may have been about to make another one.
            for _ in 0..20 {
                let cleaned = run(&scene, &node, &["clean"]);
                cleaned.ends_with(0);
                if things(&node) == before {
                    break;
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        ran.leaves_nothing();
        assert_eq!(things(&node), before, "{}", node.log());
        assert_eq!(cgroups(&node), Vec::<PathBuf>::new(), "{signal:?}");
        let leases = wait(async { node.client().await.leases().await }).expect("leases");
        assert!(leases.iter().all(|(id, _)| !id.contains("ocidiff")), "{leases:?}");
    }
}

/// What there is of the parents of the node's cgroups, which nobody but a run makes.
fn cgroups(node: &Containerd) -> Vec<PathBuf> {
    let hierarchies = std::fs::read_dir("/sys/fs/cgroup").expect("cgroups").flatten();
    let parent = node.cgroup();
    let parents = hierarchies.map(|entry| entry.path().join(parent.trim_start_matches('/')));
    parents.filter(|path| path.exists()).collect()
}

/// What a run leaves that is killed while it imports: a lease with the labels of its session.
fn begun_import(node: &Containerd) {
    wait(async {
        let client = node.client().await;
        let images = client.images().await.expect("images");
        let ours = images.iter().find(|name| name.starts_with("localhost/ocidiff-"));
        let ours = ours.expect("an image of the killed run");
        let labels = client
            .image_labels(ours)
            .await
            .expect("labels")
            .expect("an image");
        let labels = serde_json::from_value(labels).expect("labels are texts");
        client.make_lease("ocidiff-begun", labels).await.expect("a lease");
    });
}

#[test]
fn what_is_no_node_is_said_in_one_line() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    let socket = scene.path().join("none.sock");
    let said = |socket: &Path| {
        // As kubelet and crictl write it.
        let url = format!("unix://{}", socket.display());
        let ran = scene.run(&["run", "process/args", "--via", "cri", "--socket", &url]);
        ran.ends_with(2);
        let line = ran.stderr.lines().last().unwrap_or_default().to_owned();
        assert!(line.starts_with("ocidiff: failed to use CRI: "), "{ran:?}");
        line
    };
    let absent = format!("there is no CRI socket at {}: start", socket.display());
    assert!(said(&socket).contains(&absent), "{}", said(&socket));
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
    assert!(said(&socket).contains("nothing listens at"));
    if let Some(node) = Containerd::without_plugin() {
        assert!(said(&node.socket()).contains("disabled_plugins"));
    }
    let Some(node) = node(&["crun"]) else { return };
    let mounts = node.mounts();
    let socket = node.socket().display().to_string();
    let ran = scene.run(&["run", "process/args", "--via", "cri", "--socket", &socket]);
    ran.ends_with(2);
    assert!(
        ran.stderr.contains(
            "comparing takes two runtimes that ocidiff knows, and containerd has crun registered: add"
        ),
        "{ran:?}"
    );
    assert_eq!(node.mounts(), mounts);
}

#[test]
fn a_node_on_which_no_pod_starts_has_no_skipped_corpus() {
    let found = ALL.map(needs::runtime);
    let [Some(runc), Some(_), Some(youki)] = found else {
        return;
    };
    let scene = Scene::new();
    // It reports its version, but starts nothing.
    scene.write(
        "crun",
        "#!/bin/sh\ncase \"$*\" in *--version*) echo crun version 1.8.1; exit;; esac\necho no >&2\nexit 1\n",
    );
    let crun = scene.path().join("crun");
    std::fs::set_permissions(&crun, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let Some(node) = Containerd::start(&[("runc", &runc), ("crun", &crun), ("youki", &youki)]) else {
        return;
    };
    let ran = run(&scene, &node, &["run", "process/args"]);
    ran.leaves_nothing().ends_with(3);
    let why =
        "ocidiff: nothing starts on this node: the node's sandbox image is not there, and nothing is pulled";
    assert!(ran.stderr.starts_with(why), "{ran:?}");
    if node.images().is_none() {
        return;
    }
    let before = things(&node);
    let ran = run(&scene, &node, &["run", "process/args"]);
    ran.leaves_nothing().ends_with(3);
    assert!(
        ran.stderr.contains("ocidiff: crun: nothing starts under it: "),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("6 cases, 2 runtimes") && ran.stdout.contains("6 agree"),
        "{ran:?}"
    );
    assert_eq!(things(&node), before);
}

#[test]
fn an_engine_that_dies_is_given_up_and_what_was_found_is_told() {
    let Some(node) = node(&["runc", "crun"]) else {
        return;
    };
    let before = things(&node).len();
    let scene = Scene::new();
    let output = Output::new(scene.path());
    let mut child = output.spawn(&mut command(&scene, &node, &["run", "seccomp"]));
    let began = std::time::Instant::now();
    while things(&node).len() < before + 3 && began.elapsed() < Duration::from_secs(60) {
        assert!(matches!(child.try_wait(), Ok(None)), "it ended early");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(node);
    let ran = output.wait(child, Duration::from_secs(300));
    ran.ends_with(3).leaves_nothing();
    assert!(
        ran.stderr.contains("ocidiff: the engine was given up: 5 calls"),
        "{ran:?}"
    );
    assert!(
        ran.stderr
            .contains("`ocidiff clean` with the same --via removes it later"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("cases have a verdict"), "{ran:?}");
}

/// A user's pod, with one container of the box that sleeps.
fn sleeper(node: &Containerd, name: &str, handler: &str, profile: m::SecurityProfile) -> m::ContainerStatus {
    let pod = Pod {
        name: name.to_owned(),
        namespace: "shop",
        command: &["/bin/sleep", "1000"],
        path: None,
        seccomp: Some(profile),
    };
    wait(async {
        let client = node.client().await;
        let (_, id) = pod.start(&client, node, handler).await.expect("it starts");
        client.told(&id).await.expect("it says").status
    })
}

fn profile(kind: m::security_profile::ProfileType, path: &str) -> m::SecurityProfile {
    m::SecurityProfile {
        profile_type: kind.into(),
        localhost_ref: path.to_owned(),
    }
}

/// `linux.seccomp` of a container, as the plugin wrote it.
fn written(node: &Containerd, id: &str) -> Json {
    let told = wait(async { node.client().await.told(id).await }).expect("it says");
    let config: Json = serde_json::from_str(&told.config.expect("a config")).expect("JSON");
    config["linux"]["seccomp"].clone()
}

#[test]
fn the_profile_that_the_engine_brings_along_is_cured() {
    let Some(node) = node(&ALL) else { return };
    let default = m::security_profile::ProfileType::RuntimeDefault;
    let theirs = sleeper(&node, "theirs", "runc", profile(default, ""));
    let before = things(&node);
    let scene = Scene::new();
    scene.write("default.json", written(&node, &theirs.id).to_string());
    let mut fix = scene.command(&["seccomp", "default.json", "--fix", "enosys"]);
    fix.env_remove("OCIDIFF_HOME");
    for name in ALL {
        let runtime = needs::runtime(name).expect("as above");
        fix.args(["--runtime", &format!("{name}={}", runtime.display())]);
    }
    let output = Output::new(scene.path());
    let child = output.spawn(&mut fix);
    let cured = output.wait(child, Duration::from_secs(300));
    cured.ends_with(0);
    let tar = "{tar: {data/: {mode: '2775'}, data/f: {text: hi}}}";
    let of = |seccomp: &str| {
        format!(
            "summary: s\nrootfs: debian-trixie-tar\nfiles: {{/data.tar: {tar}}}\nconfig: \
             {{process: {{args: [/usr/bin/tar, -xpf, /data.tar]}}, linux: {{seccomp: {seccomp}}}}}\n"
        )
    };
    let whole: Json =
        serde_json::from_str(&cured.stdout).unwrap_or_else(|error| panic!("{error}: {cured:?}"));
    scene.write("cases/story/cured.yaml", of(&whole.to_string()));
    scene.write("cases/story/default.yaml", of("{$profile: RuntimeDefault}"));
    let args = [
        "run",
        "story/*",
        "--cases",
        "cases",
        "--json",
        "events",
        "--records",
        "records",
    ];
    let ran = run(&scene, &node, &args);
    for (case, expected) in [("story/default", [0, 2, 2]), ("story/cured", [0, 0, 0])] {
        let exits = ALL.map(|name| fact(&scene, case, name, "process.exit").expect("it ended"));
        assert_eq!(exits, expected.map(Value::Int), "{case}: {ran:?}");
    }
    assert_eq!(things(&node), before);
}

/// What the pod of `--kubernetes --only-read` does: root without capabilities, which sees the socket but no runtime.
fn only_reads(scene: &Scene, node: &Containerd) {
    let words = [
        "check",
        "--only-read",
        "--engine",
        "cri",
        "--from",
        "runc@1.1.5",
        "--to",
        "crun@1.8.1",
    ];
    let check = scene.command(&words);
    let mut confined = Command::new("setpriv");
    confined
        .args([
            "--bounding-set=-all",
            "--inh-caps=-all",
            "--no-new-privs",
            "env",
            "-i",
        ])
        .arg(check.get_program())
        .args(check.get_args())
        .args(["--format", "json", "--socket"])
        .arg(node.socket())
        .current_dir(scene.path());
    let output = Output::new(scene.path());
    let child = output.spawn(&mut confined);
    let ran = output.wait(child, Duration::from_secs(60));
    ran.leaves_nothing().ends_with(1);
    let report: CheckReport =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let meets = |name: &str| {
        let mut shapes = report.shapes.iter();
        let shape = shapes.find(|shape| shape.workloads.iter().any(|one| one == name));
        let findings = shape.map(|shape| &shape.findings).into_iter().flatten();
        let ids = findings.filter_map(|one| one.id.as_ref().map(ToString::to_string));
        ids.collect::<Vec<String>>()
    };
    let stub = "runc/enosys-stub".to_owned();
    assert!(meets("shop/default/web").contains(&stub), "{report:#?}");
    assert!(!meets("shop/unconfined/web").contains(&stub), "{report:#?}");
    // Nothing known is not the same as safe.
    assert!(report.shapes.iter().all(|shape| !shape.is_safe()), "{report:#?}");
    let why = "it runs under crun already, in a version that is not known: ";
    assert!(
        report
            .unchecked
            .iter()
            .any(|one| one.workload == "shop/moved/web" && one.why.starts_with(why)),
        "{report:#?}"
    );
}

#[test]
fn check_asks_the_node_for_its_pods() {
    use m::security_profile::ProfileType;
    let Some(node) = node_with(&[("runc", "runc"), ("fast", "crun")]) else {
        return;
    };
    for (name, handler, kind) in [
        ("default", "runc", ProfileType::RuntimeDefault),
        ("unconfined", "runc", ProfileType::Unconfined),
        ("moved", "fast", ProfileType::RuntimeDefault),
    ] {
        sleeper(&node, name, handler, profile(kind, ""));
    }
    let before = (things(&node), node.mounts());
    let scene = Scene::new();
    only_reads(&scene, &node);
    let mut check = scene.command(&["check", "--engine", "cri", "--format", "json", "--socket"]);
    check.arg(node.socket()).args(["--to", "crun"]);
    let output = Output::new(scene.path());
    let child = output.spawn(&mut check);
    let ran = output.wait(child, Duration::from_secs(300));
    let report: CheckReport =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let target = report.target.as_deref();
    assert_eq!(target, Some("registered with this containerd as fast"), "{ran:?}");
    let of = |name: &str| {
        let shape = report
            .shapes
            .iter()
            .find(|shape| shape.workloads.iter().any(|one| one == name));
        shape.unwrap_or_else(|| panic!("{name}: {report:#?}"))
    };
    let all: Vec<&String> = report.shapes.iter().flat_map(|shape| &shape.workloads).collect();
    assert_eq!(all.len(), 2, "{all:?}: no pause, and nobody who has moved");
    // This is reported for every workload whose filter does not know fchmodat2, and for no other.
    let calls = |name: &str| {
        let findings = &of(name).findings;
        findings.iter().any(|one| one.what.contains("calls x86_64 450.."))
    };
    assert!(calls("shop/default/web"), "{report:#?}");
    assert!(!calls("shop/unconfined/web"), "{report:#?}");
    let risks = of("shop/default/web")
        .findings
        .iter()
        .filter(|one| one.impact > ocidiff_model::Impact::Cosmetic);
    for one in risks {
        let remedy = one.remedy.as_deref().unwrap_or_default();
        assert!(remedy.contains("RuntimeClass"), "{one:#?}");
    }
    let [engine] = report.engines.as_slice() else {
        panic!("{report:#?}")
    };
    assert_eq!(
        (engine.name.as_str(), engine.default_runtime.as_deref()),
        ("containerd", Some("runc"))
    );
    assert!(
        engine.version.starts_with(|c: char| c.is_ascii_digit()),
        "{engine:?}"
    );
    assert_eq!((things(&node), node.mounts()), before);
}

/// Programs of containerd, with their shims next to them: those that OCIDIFF_CONTAINERDS names, separated by colons,
/// or the one on PATH, twice.
fn containerds() -> Vec<PathBuf> {
    let named = std::env::var("OCIDIFF_CONTAINERDS").unwrap_or_else(|_| "containerd:containerd".to_owned());
    named.split(':').map(PathBuf::from).collect()
}

/// The content of the table of cases and nodes in a text, by case, node and runtime. Nodes that are alike have numbers,
/// and below the table what each is.
fn values(text: &str) -> BTreeMap<[String; 3], String> {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| case "));
    let head = cells(lines.next().unwrap_or_default());
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let mut found = BTreeMap::new();
    let named: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once(": containerd ").map(|(number, _)| (number, line)))
        .filter_map(|(number, line)| Some((number, line.split_once(": ")?.1.split_once(" at ")?.0)))
        .collect();
    for row in rows.map(cells) {
        let node = named.get(row[1].as_str()).copied().unwrap_or(row[1].as_str());
        for (runtime, value) in head.iter().zip(&row).skip(2) {
            let key = [row[0].clone(), node.to_owned(), runtime.clone()];
            if let Some(other) = found.insert(key, value.clone()) {
                assert_eq!(&other, value, "two nodes of one version: {text}");
            }
        }
    }
    found
}

/// Cases of the story, one per profile.
const PROFILES: usize = 4;

/// The command's table matches that of `runtimes/README.md`, as far as the machine has the nodes.
#[test]
fn nodes_stand_in_one_table() {
    let names = ["runc", "crun@1.8.1", "crun@1.28", "youki"];
    let found = names.map(|name| (name.replace('@', "-"), needs::runtime(name)));
    let handlers: Vec<(&str, &Path)> = found
        .iter()
        .filter_map(|(name, path)| Some((name.as_str(), path.as_deref()?)))
        .collect();
    if handlers.len() < 2 || private::needs(&["containerd", "containerd-shim-runc-v2"]).is_none() {
        return;
    }
    let programs = containerds();
    let nodes: Vec<Containerd> = programs
        .iter()
        .map(|program| Containerd::with(program, &handlers, ""))
        .collect();
    for node in &nodes {
        if node.images().is_none() {
            return;
        }
    }
    let before: Vec<Vec<String>> = nodes.iter().map(things).collect();
    let scene = Scene::new();
    let mut command = command(&scene, &nodes[0], &["run", "seccomp/tar-setgid*"]);
    for node in &nodes[1..] {
        command.arg("--socket").arg(node.socket());
    }
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command);
    let ran = output.wait(child, Duration::from_secs(600));
    ran.leaves_nothing();
    let told = ran.stdout.rsplit("process.exit\n").next().unwrap_or_default();
    let readme = std::fs::read_to_string("../runtimes/README.md").expect("the README");
    let widest = told
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(str::len)
        .max();
    assert!(widest <= Some(110), "{told}");
    let written = values(&readme);
    let shown = values(told);
    assert_eq!(
        told.matches("\n| seccomp/").count(),
        PROFILES * nodes.len(),
        "{ran:?}"
    );
    for (key, value) in shown {
        assert_eq!(
            written.get(&key),
            Some(&value),
            "{key:?} is not so in runtimes/README.md: {ran:?}"
        );
    }
    let after: Vec<Vec<String>> = nodes.iter().map(things).collect();
    assert_eq!(after, before);
}

#[test]
fn steps_binds_and_annotations_go_through_cri() {
    let Some(node) = node(&["runc", "crun"]) else {
        return;
    };
    let before = things(&node);
    let scene = Scene::new();
    let args = [
        "run",
        "exec/stdio",
        "exec/exit-status*",
        "exec/process*",
        "lifecycle/kill-running*",
        "lifecycle/update*",
        "cgroups/update*",
        "lifecycle/pause*",
        "mounts/bind-file*",
        "mounts/bind-source-missing*",
        "annotations/no-effect*",
        "--json",
        "events",
        "--records",
        "records",
    ];
    let ran = run(&scene, &node, &args);
    ran.leaves_nothing();
    let text = |text: &str| Value::from(text);
    for (case, path, expected) in [
        (
            "exec/stdio",
            "process.exec.stdout",
            Value::from(vec!["out".to_owned()]),
        ),
        (
            "exec/stdio",
            "process.exec.stderr",
            Value::from(vec!["err".to_owned()]),
        ),
        ("exec/exit-status[3]", "lifecycle.exec.exit", Value::Int(3)),
        (
            "exec/exit-status[no-such-path]",
            "lifecycle.exec.result",
            text("error"),
        ),
        (
            "exec/process[umask-of-the-caller]",
            "proc.exec.umask",
            text("0022"),
        ),
        ("lifecycle/kill-running[TERM]", "proc.wait-signal#2", text("TERM")),
        ("lifecycle/kill-running[USR1]", "proc.wait-signal#2", text("USR1")),
        ("lifecycle/kill-running[USR1]", "process.exit", Value::Int(0)),
        (
            "cgroups/update-cpu-and-memory[the-memory]",
            "proc.exec.read./sys/fs/cgroup/memory/memory.limit_in_bytes",
            text(
                "67108864
",
            ),
        ),
        (
            "cgroups/update-cpu-and-memory[the-quota]",
            "proc.exec.read./sys/fs/cgroup/cpu/cpu.cfs_quota_us",
            text(
                "20000
",
            ),
        ),
        ("mounts/bind-file[existing]", "proc.read./here", text("bound")),
        ("mounts/bind-file[read-only]", "proc.open./here", text("EROFS")),
        (
            "annotations/no-effect[unknown]",
            "engine.config.annotations.com.example.none",
            text("x"),
        ),
    ] {
        for runtime in ["runc", "crun"] {
            assert_eq!(
                fact(&scene, case, runtime, path),
                Some(expected.clone()),
                "{case} {runtime} {path}: {ran:?}"
            );
        }
    }
    let told = Events::read(&scene.path().join("events"));
    let cases: Vec<&CaseReport> = told.cases().collect();
    let bad: Vec<&&CaseReport> = cases.iter().filter(|report| report.verdict.fails(true)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    for (name, why) in [
        (
            "exec/process[cwd]",
            "the engine's exec takes a program with its arguments, and nothing else of a process",
        ),
        ("lifecycle/pause[running]", "it takes the step pause"),
        (
            "lifecycle/update[pids]",
            "the engine has no setting for linux.resources.pids",
        ),
        (
            "lifecycle/kill-running[sigterm]",
            "the engine's stop has no signal `sigterm`",
        ),
    ] {
        let report = cases.iter().find(|report| report.case == name).expect("a report");
        let why = format!("cannot be expressed as a container of the engine: {why}");
        assert_eq!(report.why.as_deref(), Some(why.as_str()), "{report:#?}");
    }
    assert_eq!(things(&node), before);
}

#[test]
#[ignore = "a trial by hand: OCIDIFF_VIA_CASES names the cases, OCIDIFF_VIA_OUT the folder for events and report"]
fn a_selection_of_the_corpus_as_pods() {
    let Some(node) = node(&ALL) else { return };
    let scene = Scene::new();
    let cases = std::env::var("OCIDIFF_VIA_CASES").unwrap_or_default();
    let mut args = vec!["run", "--json", "events", "--records", "records"];
    args.extend(cases.split_whitespace());
    let ran = run(&scene, &node, &args);
    let out = std::env::var("OCIDIFF_VIA_OUT").expect("a folder");
    let copied = Command::new("cp").arg("-r").arg(scene.path()).arg(&out).status();
    assert!(copied.is_ok_and(|status| status.success()));
    std::fs::write(Path::new(&out).join("stdout"), &ran.stdout).expect("write");
    std::fs::write(Path::new(&out).join("stderr"), &ran.stderr).expect("write");
}
