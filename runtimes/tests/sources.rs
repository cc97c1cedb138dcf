//! What could be installed, and what is built from sources: with stand-ins for apt and cargo, and a real make.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ocidiff_runtimes::{BUILT_IN, InstallError, Machine, Manifest, Offer, Store, available, build};

#[path = "support/ask.rs"]
mod ask;
use ask::OnHost;

/// A Debian machine of stand-ins, and a store.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        place.write("etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");
        place.write(
            "etc/apt/sources.list",
            "deb http://mirror.invalid/debian bookworm main\n",
        );
        let fakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes");
        for tool in ["apt-get", "dpkg-deb", "cargo"] {
            fs::create_dir_all(place.path("bin")).expect("a folder");
            fs::copy(fakes.join(tool), place.path("bin").join(tool)).expect("the stand-in is copied");
        }
        place
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    fn suite(&self, suite: &str, packages: &[&str]) {
        let line = |package: &&str| {
            let (name, version) = package.split_once(' ').expect("a version");
            format!("'http://mirror.invalid/x' {name}_{version}_amd64.deb 1000 SHA256:x\n")
        };
        self.write(
            &format!("plan-{suite}"),
            &packages.iter().map(line).collect::<String>(),
        );
    }

    fn machine(&self, path: &[&str]) -> Machine {
        let own = self.path("bin").display().to_string();
        let path: Vec<&str> = [own.as_str()].into_iter().chain(path.iter().copied()).collect();
        Machine::at(&self.path("etc"), Some(path.join(":").into()))
    }

    fn store(&self) -> Store {
        Store::at(self.path("home"))
    }

    fn offer(&self) -> Offer {
        let manifests = Manifest::load_all(BUILT_IN.iter().copied()).expect("manifests");
        let home = Some(self.path("cargo"));
        available(
            &manifests,
            &self.store(),
            &self.machine(&["/usr/bin", "/bin"]),
            home,
            &mut |_| {},
        )
    }
}

#[test]
fn every_suite_and_the_crate_say_what_they_have() {
    let place = Place::new();
    place.suite("bookworm", &["runc 1.1.5+ds1-1", "crun 1.8.1-1"]);
    place.suite("bookworm-backports", &["crun 1.9-1~bpo12+1"]);
    place.suite("sid", &["runc 1.5.0-1", "crun 1.28-1"]);
    fs::write(place.path("crate-versions"), "0.7.0\n!0.6.1\n0.5.3\n0.8.0\n").expect("a file");
    let offer = place.offer();
    let told: Vec<String> = offer
        .versions
        .iter()
        .map(|one| format!("{} {} {} {}", one.name, one.version, one.from, one.is_known))
        .collect();
    for line in [
        "runc 1.1.5 debian bookworm true",
        "runc 1.5.0 debian sid false",
        "crun 1.9 debian bookworm-backports false",
        "crun 1.28 debian sid true",
        "youki 0.5.3 crate youki true",
        "youki 0.8.0 crate youki false",
    ] {
        assert!(told.iter().any(|one| one == line), "{line} not in {told:#?}");
    }
    assert!(!told.iter().any(|one| one.contains("0.6.1")), "{told:?}");
    fs::remove_file(place.path("crate-versions")).expect("a file");
    let unasked = place.offer().unasked.join("\n");
    assert!(
        unasked.contains("the crate youki") && unasked.contains("could not find"),
        "{unasked}"
    );
}

const MANIFEST: &str = "\
name: own
summary: s
home: h
find: [own]
version: {args: [--version], regex: '^own version (\\S+)'}
install: {source: {needs: [make, sh], build: [[./prepare], [make, all]], program: out/own, debian-build-needs: [make, gcc]}}
call: {steps: {create: {args: [create]}, start: {args: [start]}, state: {args: [state]}, kill: {args: [kill]}, delete: {args: [delete]}}}
";

#[test]
fn sources_are_built_by_their_own_make_and_put_into_the_store() {
    let place = Place::new();
    let script = place.write("src/prepare", "#!/bin/sh\necho prepared >ready\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a program");
    let version = |version: &str| {
        place.write(
            "src/Makefile",
            &format!("all: ready\n\tmkdir -p out\n\tprintf '#!/bin/sh\\necho own version {version}\\n' >out/own\n\tchmod 755 out/own\n"),
        );
    };
    let manifests = Manifest::load_all([("own.yaml", MANIFEST)]).expect("a manifest");
    let store = place.store();
    let make = |name: &str, machine: &Machine| {
        build(
            name,
            &place.path("src"),
            &manifests,
            &store,
            (machine, &OnHost),
            &mut |_| {},
        )
    };
    let machine = place.machine(&["/usr/bin", "/bin"]);
    version("1.30.0.5-abcd");
    let built = make("own", &machine).expect("built");
    assert_eq!(built.version.as_str(), "1.30.0.5-abcd");
    assert!(built.from.starts_with("built from ") && built.path().is_file());
    assert_eq!(store.installed().len(), 1);
    // Once more, changed: the store has the newer build under its own version.
    make("own", &machine).expect("built again");
    let refused = make("own", &place.machine(&[])).expect_err("no compiler");
    assert!(
        matches!(&refused, InstallError::NoCompiler { missing, .. } if missing.contains("make")),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("apt-get install make gcc"),
        "{refused}"
    );
    place.write("src/Makefile", "all:\n\techo no such header; exit 1\n");
    let failed = make("own", &machine).expect_err("it fails").to_string();
    assert!(
        failed.contains("make all") && failed.contains("no such header"),
        "{failed}"
    );
    version("unreadable");
    assert_eq!(store.installed().len(), 1);
    assert!(
        make("other", &machine)
            .expect_err("no manifest")
            .to_string()
            .contains("other")
    );
}
