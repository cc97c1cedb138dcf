//! Finding and selecting runtimes, with scripts that print a version.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ocidiff_runtimes::{
    BUILT_IN, Found, Manifest, Nobody, Origin, Runtime, SelectError, Selector, Store, Which, find_in, select,
};

#[path = "support/ask.rs"]
mod ask;
use ask::OnHost;

/// A folder that serves as PATH, and a store next to it.
struct Place {
    folder: tempfile::TempDir,
    manifests: Vec<Manifest>,
}

impl Place {
    fn new() -> Self {
        let manifests =
            Manifest::load_all(BUILT_IN.iter().copied()).expect("the built-in manifests are good");
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            manifests,
        }
    }

    fn store(&self) -> Store {
        Store::at(self.folder.path().join("store"))
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// A runtime on PATH.
    fn path(&self, name: &str, output: &str) -> PathBuf {
        program(&self.bin().join(name), output)
    }

    /// A runtime in the store.
    fn installed(&self, name: &str, version: &str) {
        let folder = self.store().home().join("runtimes").join(name).join(version);
        program(
            &folder.join("bin").join(name),
            &format!("{name} version {version}"),
        );
        let record = format!(
            r#"{{"name": "{name}", "version": "{version}", "folder": "{}", "program": "bin/{name}",
                "sha256": "", "from": "a test", "packages": []}}"#,
            folder.display()
        );
        fs::write(folder.join("installed.json"), record).expect("the record is written");
    }

    fn found(&self) -> Found {
        find_in(
            &self.manifests,
            &self.store(),
            Some(self.bin().as_os_str()),
            &OnHost,
        )
    }

    fn select(&self, texts: &[&str]) -> Result<Vec<Runtime>, SelectError> {
        let selectors: Vec<Selector> = texts.iter().map(|t| t.parse()).collect::<Result<_, _>>()?;
        select(&selectors, &self.manifests, &self.store(), &self.found(), &OnHost)
    }

    fn labels(&self, texts: &[&str]) -> Vec<String> {
        self.select(texts)
            .expect("a selection")
            .iter()
            .map(Runtime::label)
            .collect()
    }
}

fn program(path: &Path, output: &str) -> PathBuf {
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
    fs::write(
        path,
        format!(
            "#!/bin/sh\necho called >>'{0}.calls'\necho '{output}'\n",
            path.display()
        ),
    )
    .expect("the program is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode is set");
    path.to_owned()
}

#[test]
fn selectors_are_read() {
    let read = |text: &str| text.parse::<Selector>().map(|s| (s.name, s.which));
    assert_eq!(read("runc").expect("good"), ("runc".to_owned(), Which::Any));
    let (name, which) = read("crun@1.21").expect("good");
    assert!(name == "crun" && matches!(which, Which::Version(v) if v.as_str() == "1.21"));
    let path = Which::Program(PathBuf::from("/opt/a@b=c"));
    assert_eq!(read("runc=/opt/a@b=c").expect("good"), ("runc".to_owned(), path));
    for bad in ["", "@1", "runc@", "runc@new", "runc=", "/usr/bin/runc", "a b"] {
        assert!(
            read(bad).expect_err(bad).to_string().contains("NAME@VERSION"),
            "{bad}"
        );
    }
}

#[test]
fn path_comes_first_then_the_default_then_the_newest() {
    let place = Place::new();
    place.path("runc", "runc version 1.3.6+ds1");
    for (name, version) in [
        ("runc", "1.1.5"),
        ("crun", "1.8.1"),
        ("crun", "1.28"),
        ("youki", "0.6.0"),
    ] {
        place.installed(name, version);
    }
    place.path("runsc", "runsc version release-20240729.0");
    assert_eq!(place.labels(&[]), ["runc@1.3.6", "crun@1.8.1", "youki@0.6.0"]);
    assert_eq!(
        place.labels(&["crun@1.28", "runc@1.1.5", "runc"]),
        ["crun@1.28", "runc@1.1.5", "runc@1.3.6"]
    );
    assert_eq!(place.labels(&["runsc"]), ["runsc@20240729.0"]);
}

#[test]
fn a_path_of_ones_own_needs_a_manifest() {
    let place = Place::new();
    let mine = program(&place.folder.path().join("mine"), "crun version 9.9");
    let given = place
        .select(&[&format!("crun={}", mine.display())])
        .expect("a selection");
    assert_eq!(
        (given[0].label().as_str(), &given[0].origin),
        ("crun@9.9", &Origin::Given(mine.clone()))
    );
    let unknown = place
        .select(&[&format!("kata={}", mine.display())])
        .expect_err("no manifest");
    assert!(unknown.to_string().contains("runtimes/kata.yaml"), "{unknown}");
    let other = place
        .select(&[&format!("runc={}", mine.display())])
        .expect_err("it is no runc");
    assert!(
        other
            .to_string()
            .contains("said `crun version 9.9`; is it really runc?"),
        "{other}"
    );
    let none = place.select(&["runc=/nowhere/runc"]).expect_err("no file");
    assert!(none.to_string().contains("executable file"), "{none}");
}

#[test]
fn what_is_missing_says_what_is_there_and_how_to_get_it() {
    let place = Place::new();
    place.path("runc", "runc version 1.1.5");
    let version = place
        .select(&["runc@1.9.9"])
        .expect_err("no such version")
        .to_string();
    assert!(version.contains("there is runc@1.1.5 (PATH)"), "{version}");
    // Nobody knows whether that one can be installed.
    assert!(
        version.contains("`ocidiff runtimes --available` lists") && !version.contains("install runc@1.9.9"),
        "{version}"
    );
    let listed = place.select(&["runc@1.1.15"]).expect_err("not there").to_string();
    assert!(
        listed.contains("`ocidiff runtimes install runc@1.1.15` brings it"),
        "{listed}"
    );
    assert!(
        place
            .select(&["youki"])
            .expect_err("none")
            .to_string()
            .contains("no youki is on PATH")
    );
    assert!(matches!(
        place.select(&["runc", "runc@1.1.5"]),
        Err(SelectError::Twice { .. })
    ));
}

#[test]
fn what_is_there_and_does_not_say_its_version_is_not_missing() {
    let place = Place::new();
    let broken = place.path("youki", "hello");
    let told = |text: &str| place.select(&[text]).expect_err(text).to_string();
    let why = format!(
        "failed to read the version of {}: as youki it ended with 0 and said `hello`",
        broken.display()
    );
    for text in ["youki", "youki@0.7.0"] {
        let told = told(text);
        assert!(
            told.contains(&why) && !told.contains("no youki is on PATH"),
            "{told}"
        );
    }
    place.installed("youki", "0.6.0");
    let told = told("youki@0.7.0");
    assert!(
        told.contains("there is youki@0.6.0 (store") && told.contains(&why),
        "{told}"
    );
}

#[test]
fn a_broken_program_hides_nothing() {
    let place = Place::new();
    place.path("runc", "hello");
    place.installed("runc", "1.1.5");
    let found = place.found();
    assert_eq!((found.runtimes.len(), found.broken.len()), (1, 1));
    assert_eq!(place.labels(&["runc"]), ["runc@1.1.5"]);
    assert!(
        find_in(
            &place.manifests,
            &place.store(),
            Some(OsStr::new("bin:.")),
            &OnHost
        )
        .broken
        .is_empty()
    );
}

#[test]
fn a_version_is_asked_once_until_the_file_changes() {
    let place = Place::new();
    let runc = place.path("runc", "runc version 1.1.5");
    let calls = || {
        fs::read_to_string(runc.with_extension("calls"))
            .expect("it was called")
            .lines()
            .count()
    };
    place.found();
    place.found();
    assert_eq!(calls(), 1);
    place.path("runc", "runc version 1.1.15");
    assert_eq!(place.labels(&["runc"]), ["runc@1.1.15"]);
    assert_eq!(calls(), 2);
}

#[test]
fn a_folder_without_its_record_or_moved_away_is_not_installed() {
    let place = Place::new();
    place.installed("runc", "1.1.5");
    let folder = place.store().home().join("runtimes/runc");
    fs::rename(folder.join("1.1.5"), folder.join("1.1.6")).expect("it is moved");
    assert!(place.found().runtimes.is_empty());
    place.installed("runc", "1.1.5");
    assert_eq!(place.found().runtimes.len(), 1);
    fs::remove_file(folder.join("1.1.5/installed.json")).expect("the record is removed");
    assert!(place.found().runtimes.is_empty());
}

/// A file that was changed is asked again, whatever its times and size are.
#[test]
fn a_version_is_not_believed_of_a_file_that_was_changed_and_dated_back() {
    let place = Place::new();
    let runc = place.path("runc", "runc version 1.1.5");
    assert_eq!(place.labels(&["runc"]), ["runc@1.1.5"]);
    let before = fs::metadata(&runc)
        .expect("its times")
        .modified()
        .expect("a time");
    place.path("runc", "runc version 1.1.6");
    let file = fs::File::options().write(true).open(&runc).expect("it opens");
    file.set_modified(before).expect("it is dated back");
    drop(file);
    assert_eq!(place.labels(&["runc"]), ["runc@1.1.6"]);
}

#[test]
fn without_anybody_to_ask_only_what_is_known_is_told() {
    let place = Place::new();
    place.path("runc", "runc version 1.1.5");
    place.found();
    place.path("crun", "crun version 1.8.1");
    let nobody = Nobody("that needs root");
    let found = find_in(
        &place.manifests,
        &place.store(),
        Some(place.bin().as_os_str()),
        &nobody,
    );
    let labels: Vec<_> = found.runtimes.iter().map(Runtime::label).collect();
    assert_eq!(labels, ["runc@1.1.5"]);
    let broken: Vec<_> = found.broken.iter().map(ToString::to_string).collect();
    assert!(
        matches!(&broken[..], [only] if only.ends_with("it could not be asked: that needs root")),
        "{broken:?}"
    );
    assert!(!place.bin().join("crun.calls").exists(), "it was called");
}
