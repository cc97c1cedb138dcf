//! Installing with stand-ins for apt, dpkg and cargo: what ends up in the store, what is called, what is printed.

use std::fs;
use std::path::{Path, PathBuf};

use ocidiff_runtimes::packages::{self, Pin};
use ocidiff_runtimes::{BUILT_IN, Event, Machine, Manifest, Outcome, Store, find_in, install};

#[path = "support/ask.rs"]
mod ask;
use ask::OnHost;

/// A machine of stand-ins, and a store.
struct Place {
    folder: tempfile::TempDir,
    manifests: Vec<Manifest>,
}

const SOURCES: &str = "deb http://mirror.invalid/debian bookworm main\n";

impl Place {
    /// A Debian machine with some of the tools.
    fn with(tools: &[&str]) -> Self {
        let manifests =
            Manifest::load_all(BUILT_IN.iter().copied()).expect("the built-in manifests are good");
        let place = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            manifests,
        };
        place.write("etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");
        place.write("etc/apt/sources.list", SOURCES);
        place.suite(
            "bookworm",
            &["runc 1.1.5+ds1-1+deb12u1", "crun 1.8.1-1+deb12u1", "libc6 2.36-9"],
        );
        let fakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes");
        fs::create_dir_all(place.path("bin")).expect("the folder is made");
        for tool in tools {
            fs::copy(fakes.join(tool), place.path("bin").join(tool)).expect("the stand-in is copied");
        }
        place
    }

    fn debian() -> Self {
        Self::with(&["apt-get", "dpkg-deb", "dpkg-query", "patchelf", "cargo"])
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    /// Sets what a suite has.
    fn suite(&self, suite: &str, packages: &[&str]) {
        let line = |package: &&str| {
            let file = format!("{}_amd64.deb", package.replace(' ', "_"));
            format!("'http://mirror.invalid/pool/{file}' {file} 1000 MD5Sum:0\n")
        };
        self.write(
            &format!("plan-{suite}"),
            &packages.iter().map(line).collect::<String>(),
        );
    }

    fn machine(&self) -> Machine {
        Machine::at(&self.path("etc"), Some(self.path("bin").into_os_string()))
    }

    fn store(&self) -> Store {
        Store::at(self.path("store"))
    }

    fn install(&self, requests: &[&str]) -> (Outcome, Vec<Event>) {
        let requests: Vec<_> = requests
            .iter()
            .map(|text| text.parse().expect("a request"))
            .collect();
        let mut events = Vec::new();
        let outcome = install(
            &requests,
            &self.manifests,
            &self.store(),
            &self.machine(),
            &OnHost,
            &mut |event| {
                events.push(event.clone());
            },
        );
        (outcome.expect("the store can be used"), events)
    }

    fn error(&self, request: &str) -> String {
        let (outcome, _) = self.install(&[request]);
        outcome.failed.first().expect("the install fails").1.to_string()
    }

    fn calls(&self, of: &str) -> usize {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.contains(of)).count()
    }

    fn labels(&self) -> Vec<String> {
        let found = find_in(
            &self.manifests,
            &self.store(),
            self.machine().path.as_deref(),
            &OnHost,
        );
        found
            .runtimes
            .iter()
            .map(|runtime| format!("{} {}", runtime.label(), runtime.origin))
            .collect()
    }
}

fn ready(outcome: &Outcome) -> Vec<&str> {
    outcome.ready.iter().map(|(label, _)| label.as_str()).collect()
}

#[test]
fn with_no_requests_the_default_set_is_installed_and_then_nothing_is_called() {
    let place = Place::debian();
    let (outcome, _) = place.install(&[]);
    assert_eq!(
        ready(&outcome),
        ["runc@1.1.5", "crun@1.8.1", "youki@0.7.0"],
        "{:?}",
        outcome.failed
    );
    assert_eq!(
        place.labels(),
        [
            "runc@1.1.5 store (debian bookworm)",
            "crun@1.8.1 store (debian bookworm)",
            "youki@0.7.0 store (crate youki)"
        ]
    );
    let record = &place.store().installed()[1];
    assert_eq!(
        (record.name.as_str(), record.packages[0].version.as_str()),
        ("runc", "1.1.5+ds1-1+deb12u1")
    );
    assert_eq!((record.sha256.len(), record.packages[0].sha256.len()), (64, 64));
    assert!(
        !record.folder.join("root/usr/share").exists() && !record.folder.join("root/usr/sbin/runc").exists()
    );
    let calls = place.calls("");
    let (outcome, events) = place.install(&[]);
    assert_eq!((outcome.ready.len(), place.calls("")), (3, calls));
    assert!(events.iter().all(|event| matches!(event, Event::Present { .. })));
}

#[test]
fn the_calls_are_verified_and_locked() {
    let place = Place::debian();
    place.install(&["runc", "youki"]);
    assert_eq!(place.calls("-o APT::Update::Error-Mode=any update"), 1);
    assert_eq!(place.calls("unauthenticated"), 0);
    let line = "install youki --version 0.7.0 --locked --no-track --features v1,v2,seccomp,systemd,cgroupsv2_devices";
    assert_eq!(place.calls(line), 1);
    let sources = fs::read_to_string(place.path("store/apt/bookworm/private.sources")).expect("it is there");
    assert!(
        sources.starts_with("Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm\n"),
        "{sources}"
    );
}

#[test]
fn an_install_that_broke_off_leaves_nothing_half_and_is_done_again() {
    let place = Place::debian();
    place.write("no-space", "");
    let err = place.error("runc");
    assert!(err.contains("No space left on device"), "{err}");
    assert!(place.labels().is_empty());
    // As a killed install leaves it: a stage folder, and a folder in place without its record.
    place.write("store/stage/runc.1/root/x", "");
    place.write("store/runtimes/runc/1.1.5/bin/runc", "half");
    fs::remove_file(place.path("no-space")).expect("there is space again");
    assert_eq!(ready(&place.install(&["runc"]).0), ["runc@1.1.5"]);
    assert_eq!(
        fs::read_dir(place.path("store/stage"))
            .expect("the folder")
            .count(),
        0
    );
    assert_eq!(place.calls(" update"), 1, "the lists are still good");
}

#[test]
fn a_suite_that_moved_on_is_told_after_its_lists_were_fetched_again() {
    let place = Place::debian();
    place.suite("sid", &["runc 1.3.6+ds1-1"]);
    assert_eq!(ready(&place.install(&["runc@1.3.6"]).0), ["runc@1.3.6"]);
    place.suite("sid", &["runc 1.3.7+ds1-1"]);
    fs::remove_dir_all(place.path("store/runtimes")).expect("the store is emptied");
    let err = place.error("runc@1.3.6");
    assert_eq!(
        err,
        "install runc@1.3.6: sid now has 1.3.7; use runc@1.3.7, or put runc@1.3.6 on PATH"
    );
    assert_eq!(place.calls(" update"), 2);
    assert_eq!(
        ready(&place.install(&["runc@1.3.7"]).0),
        ["runc@1.3.7"],
        "a version that no manifest names"
    );
}

#[test]
fn one_that_fails_does_not_keep_the_others_away() {
    let place = Place::debian();
    place.write("no-build", "");
    let (outcome, events) = place.install(&["youki", "nosuch", "crun"]);
    assert_eq!((ready(&outcome), outcome.failed.len()), (vec!["crun@1.8.1"], 2));
    let err = outcome.failed[0].1.to_string();
    assert!(
        err.contains("  error: could not compile `youki`") && err.contains("/log)"),
        "{err}"
    );
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Failed { label, .. } if label == "nosuch"))
    );
}

#[test]
fn a_program_that_says_another_version_is_not_kept() {
    let place = Place::debian();
    place.write("cargo-version", "0.8.0");
    let err = place.error("youki@0.7.0");
    assert!(err.contains("says that it is 0.8.0"), "{err}");
    assert!(place.labels().is_empty() && !place.path("store/runtimes/youki/0.7.0").exists());
}

#[test]
fn what_a_machine_lacks_is_told_before_anything_is_fetched() {
    let place = Place::debian();
    place.write("lacking", "clang\nlibelf-dev\n");
    assert!(
        place
            .error("youki")
            .contains("`apt-get install clang libelf-dev`")
    );
    let place = Place::with(&["apt-get", "dpkg-deb"]);
    assert!(place.error("runc").contains("`apt-get install patchelf`"));
    assert!(place.error("youki").contains("there is no cargo"));
    assert_eq!(place.calls(""), 0);
}

#[test]
fn elsewhere_than_on_debian_one_line_says_how_to_get_each() {
    let place = Place::with(&["cargo"]);
    place.write("etc/os-release", "ID=fedora\nVERSION_CODENAME=\n");
    let found = find_in(&place.manifests, &place.store(), None, &OnHost);
    let missing = place.machine().missing(&place.manifests, &found);
    assert_eq!(missing.len(), 3);
    assert!(
        missing[0].starts_with("runc is not here: install it with this system's package manager"),
        "{missing:?}"
    );
    assert!(
        missing[2].contains("`ocidiff runtimes install youki` builds the crate"),
        "{missing:?}"
    );
    assert!(missing.iter().all(|line| !line.contains('\n')));
    assert!(place.error("runc").contains("package manager"));
    assert_eq!(ready(&place.install(&["youki"]).0), ["youki@0.7.0"]);
}

#[test]
fn a_second_install_waits_for_the_first() {
    let place = Place::debian();
    fs::create_dir_all(place.path("store")).expect("the store is made");
    let lock = fs::File::create(place.path("store/lock")).expect("the lock is made");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("it is free");
    let store = place.store();
    let (machine, requests) = (place.machine(), ["crun".parse().expect("a request")]);
    let mut first = None;
    let mut lock = Some(lock);
    let outcome = install(
        &requests,
        &place.manifests,
        &store,
        &machine,
        &OnHost,
        &mut |event| {
            first.get_or_insert_with(|| event.clone());
            lock.take();
        },
    );
    assert_eq!(ready(&outcome.expect("it goes on")), ["crun@1.8.1"]);
    assert_eq!(first, Some(Event::Waiting));
}

fn pin(version: &str, sha256: &str) -> Pin {
    Pin {
        name: "libc6".to_owned(),
        version: version.to_owned(),
        sha256: sha256.to_owned(),
    }
}

/// The digest of what the stand-in fetches.
const LIBC: &str = "0c6a1e0e5a2d5bb0d5a1d7d5f9c1c8ee";

#[test]
fn pinned_packages_are_verified_and_fetched_once() {
    let place = Place::debian();
    let fetch = |pin: Pin| packages::fetch_on(&place.machine(), &place.store(), "bookworm", &[pin]);
    let err = fetch(pin("2.36-9", LIBC)).expect_err("another file").to_string();
    let is = err
        .split("SHA-256 is ")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .expect("the digest is told");
    let files = fetch(pin("2.36-9", is)).expect("the pinned file");
    assert_eq!(
        fs::read_to_string(&files[0]).expect("the file"),
        "libc6_2.36-9_amd64.deb\n"
    );
    let calls = place.calls("");
    assert_eq!(fetch(pin("2.36-9", is)).expect("from the store"), files);
    assert_eq!(place.calls(""), calls);
    fs::write(&files[0], "damaged").expect("it is written");
    fetch(pin("2.36-9", is)).expect("it is fetched again");
    assert_eq!(
        fs::read_to_string(&files[0]).expect("the file"),
        "libc6_2.36-9_amd64.deb\n"
    );
}

#[test]
fn a_pin_that_the_suite_no_longer_has_is_told() {
    let place = Place::debian();
    let fetch = |pin: Pin| packages::fetch_on(&place.machine(), &place.store(), "bookworm", &[pin]);
    let err = fetch(pin("2.36-8", LIBC)).expect_err("it has moved").to_string();
    assert!(
        err.starts_with("fetch libc6 2.36-8: Debian's bookworm now has 2.36-9; "),
        "{err}"
    );
}
