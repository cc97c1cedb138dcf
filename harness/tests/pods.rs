//! `ocidiff check` on pods as containerd and CRI-O describe them (`tests/pods/README.md`).

#[path = "support/needs.rs"]
mod needs;
#[expect(dead_code, reason = "the command needs few of the helpers")]
#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::{Path, PathBuf};

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, ShapeReport};
use serde_json::Value;
use support::{Ran, Scene};

/// In every value that is nobody's business: of variables, arguments, annotations.
const INVENTED: &str = "invented-";

/// A pod by the name that the README has for it, and what of it must be told as left out.
const PODS: [(&str, &str, &[&str]); 15] = [
    (
        "pause-1.6",
        "b89fa8ce6172",
        &[
            "a new network namespace, not the one",
            "/dev/shm, /etc/resolv.conf",
            "oomScoreAdj",
        ],
    ),
    (
        "guaranteed-1.6",
        "272e2173482c",
        &[
            "a new ipc namespace",
            "a new uts namespace",
            "/data",
            "oomScoreAdj",
        ],
    ),
    (
        "fsgroup-1.6",
        "11519e3d104c",
        &["a new network namespace", "/srv/wiki", "without systemd"],
    ),
    (
        "unconfined-1.7",
        "cfcaaf85d317",
        &["/scratch", "/dev/termination-log"],
    ),
    (
        "shell-1.7",
        "dec5e9f63390",
        &["no terminal", "a new pid namespace, not the one"],
    ),
    (
        "privileged-1.7",
        "7969e746f465",
        &[
            "devices are left out: /dev/null",
            "/dev/vda",
            "a new pid namespace",
            "/host",
            "CAP_SYS_RESOURCE|",
        ],
    ),
    (
        "restricted-2.1",
        "b5351340d18f",
        &["/etc/api", "/var/run/secrets/kubernetes.io/serviceaccount"],
    ),
    ("sysctls-2.1", "37f4120fa04a", &["a new network namespace"]),
    (
        "userns-2.1",
        "03cc502beff4",
        &[
            "a new user namespace, not the one",
            "ids are not mapped in mounts at /work",
        ],
    ),
    (
        "device-1.7",
        "58b6be3d4e26",
        &[
            "its hooks are not run",
            "devices are left out: /dev/accel0, /dev/accelctl",
            "libaccel.so.1",
        ],
    ),
    (
        "hugepages-2.1",
        "bc17bad676af",
        &["/hugepages-2Mi", "memory.high, memory.min, memory.oom.group|"],
    ),
    (
        "selinux-crio",
        "584f12c40a86",
        &[
            "/run/.containerenv",
            "/opt/app/cache",
            "SELinux|",
            "without systemd",
        ],
    ),
    ("apparmor-crio", "49f13738e9fc", &["/var/ledger", "AppArmor|"]),
    (
        "unconfined-crio",
        "2ee8f2f70d47",
        &["a new network namespace", "/etc/hostname"],
    ),
    (
        "infra-crio",
        "5bdce3ced69b",
        &["/dev/shm, /etc/resolv.conf, /etc/hostname", "SELinux|"],
    ),
];

/// Those whose profile is older than `fchmodat2` and denies with EPERM what it does not know.
const OLD: [&str; 3] = ["pause-1.6", "guaranteed-1.6", "fsgroup-1.6"];
/// Those without a profile.
const UNCONFINED: [&str; 3] = ["unconfined-1.7", "privileged-1.7", "unconfined-crio"];

fn pods() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pods")
}

fn configs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of pods").flatten() {
        let path = entry.path();
        if path.is_dir() {
            configs(&path, found);
        } else if path.file_name().is_some_and(|name| name == "config.json") {
            found.push(path);
        }
    }
}

/// Every pod's bundle, by its name in the README.
fn all() -> BTreeMap<&'static str, PathBuf> {
    let mut found = Vec::new();
    configs(&pods(), &mut found);
    assert_eq!(found.len(), PODS.len(), "{found:#?}");
    let named = PODS.iter().map(|(name, id, _)| {
        let mut mine = found
            .iter()
            .filter(|path| path.to_string_lossy().contains(&format!("/{id}")));
        let path = mine
            .next()
            .unwrap_or_else(|| panic!("{name}: no config.json under {id}"));
        (*name, path.parent().expect("a bundle").to_owned())
    });
    named.collect()
}

/// Puts a pod into the scene as it lies on a node, with a rootfs where its config says; the bundle has the pod's name.
fn put(scene: &Scene, name: &str, from: &Path) {
    let text = fs::read_to_string(from.join("config.json")).expect("a config");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    let place = scene
        .path()
        .join("node")
        .join(from.strip_prefix(pods()).expect("below"));
    fs::create_dir_all(&place).expect("a bundle");
    let root = config["root"]["path"].as_str().expect("a root").to_owned();
    // An absolute one would be this machine's.
    let root = match root.strip_prefix('/') {
        Some(below) => scene.path().join("node").join(below),
        None => place.join(root),
    };
    started(&root, &config);
    if config["root"]["path"] != "rootfs" {
        config["root"]["path"] = root.to_string_lossy().into_owned().into();
    }
    fs::write(place.join("config.json"), config.to_string()).expect("a config");
    symlink(place, scene.path().join(name)).expect("a name");
}

/// A rootfs as it is once a container was started in it: what is mounted has its place, and the container's root has it all.
fn started(root: &Path, config: &Value) {
    let owner = config["linux"]["uidMappings"][0]["hostID"].as_u64().unwrap_or(0);
    let owner = u32::try_from(owner).expect("an id");
    fs::create_dir_all(root).expect("a rootfs");
    let files = [
        "hosts",
        "hostname",
        "resolv.conf",
        "termination-log",
        ".containerenv",
        "libaccel.so.1",
    ];
    for mount in config["mounts"].as_array().expect("mounts") {
        let below = mount["destination"]
            .as_str()
            .expect("a destination")
            .trim_start_matches('/');
        let at = root.join(below);
        // /dev is a tmpfs of the container's own.
        if below.starts_with("dev/") {
            continue;
        }
        if files.iter().any(|file| at.ends_with(file)) {
            fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
            fs::write(&at, "").expect("a file");
        } else {
            fs::create_dir_all(&at).expect("a folder");
        }
    }
    give(root, owner);
}

fn give(path: &Path, owner: u32) {
    // Who is not root does not get as far as a runtime.
    let _ = lchown(path, Some(owner), Some(owner));
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder").flatten();
        entries.for_each(|entry| give(&entry.path(), owner));
    }
}

/// The pods of a scene, held from the default reference to another runtime.
fn check(scene: &Scene, names: &[&str], to: &str, format: &str) -> Option<Ran> {
    let from = format!("runc={}", needs::runtime("runc")?.display());
    let mut args = vec!["check", "--from", &from, "--to", to, "--format", format];
    args.extend(names.iter().flat_map(|name| ["--bundle", *name]));
    Some(scene.run(&args))
}

fn crun() -> Option<String> {
    Some(format!("crun={}", needs::runtime("crun")?.display()))
}

/// Every pod, as it lies on a node.
fn node(scene: &Scene) -> Vec<&'static str> {
    let pods = all();
    pods.iter().for_each(|(name, from)| put(scene, name, from));
    pods.into_keys().collect()
}

fn shape<'r>(report: &'r CheckReport, name: &str) -> &'r ShapeReport {
    let found = report
        .shapes
        .iter()
        .find(|shape| shape.workloads.iter().any(|one| one == name));
    found.unwrap_or_else(|| panic!("{name} was not checked: {:#?}", report.unchecked))
}

/// The story that started it: what a setgid folder needs is answered otherwise.
fn breaks_tar(shape: &ShapeReport) -> bool {
    let mut breaks = shape
        .findings
        .iter()
        .filter(|finding| finding.impact == Impact::Breaks);
    breaks.any(|finding| finding.what.starts_with("calls ") && finding.reason.contains("fchmodat2"))
}

#[test]
fn pods_are_checked_as_they_lie_on_a_node() {
    let scene = Scene::new();
    let names = node(&scene);
    let Some(ran) = crun().and_then(|to| check(&scene, &names, &to, "json")) else {
        return;
    };
    ran.leaves_nothing().ends_with(1);
    let report: CheckReport = serde_json::from_str(&ran.stdout).expect("the JSON of a report");
    assert!(report.unchecked.is_empty(), "{:#?}", report.unchecked);
    for (name, _, parts) in PODS {
        let shape = shape(&report, name);
        for part in parts {
            // What this machine may have is told only where it has not.
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
    // A runtime cannot be held against itself by name: a copy of the program can.
    fs::copy(runtime, scene.path().join("twin")).expect("a copy");
    let twin = format!("runc={}", scene.path().join("twin").display());
    let names = node(&scene);
    let ran = check(&scene, &names, &twin, "text").expect("the same runtime");
    let text = &ran.leaves_nothing().ends_with(0).stdout;
    assert!(text.contains("15 safe, 0 at risk, 0 not checked"), "{text}");
}

#[test]
fn no_value_of_a_pods_is_told() {
    let scene = Scene::new();
    let names = node(&scene);
    for format in ["text", "json", "markdown"] {
        let Some(ran) = crun().and_then(|to| check(&scene, &names, &to, format)) else {
            return;
        };
        assert!(!ran.ends_with(1).stdout.contains(INVENTED), "{}", ran.stdout);
        assert!(!ran.stderr.contains(INVENTED), "{}", ran.stderr);
    }
}

/// Without root and runtimes: what the test above would look for is there to be found.
#[test]
fn every_pod_has_something_to_hide_and_its_line_in_the_readme() {
    let readme = fs::read_to_string(pods().join("README.md")).expect("the README");
    for (name, from) in all() {
        let text = fs::read_to_string(from.join("config.json")).expect("a config");
        let config: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            text,
            format!("{}\n", serde_json::to_string_pretty(&config).expect("JSON")),
            "{name}"
        );
        let is_pause = name.starts_with("pause") || name.starts_with("sysctls");
        assert!(
            is_pause || text.contains(INVENTED),
            "{name} has no invented value"
        );
        let id = from.to_string_lossy().into_owned();
        let id = PODS.iter().find(|(_, id_, _)| id.contains(id_)).expect("an id").1;
        assert!(
            readme.contains(&format!("`{name}`")) && readme.contains(id),
            "{name}, {id}: not in the README"
        );
    }
}
