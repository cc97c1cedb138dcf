//! What a test needs from the machine. Without it the test says so and passes, except with OCIDIFF_TEST_ALL=1
//! (which `make test` sets): then root and the runtimes that it installs must be there.

#[path = "skip.rs"]
pub(crate) mod skips;

use std::fs;
use std::path::{Path, PathBuf};

use super::binary::binary;
use ocidiff_runtimes::{Manifest, Runtime, Store, find_all, is_manifest, select};

/// Runtimes that `make test` installs.
const BROUGHT: [&str; 5] = ["runc", "crun", "youki", "crun@0.17", "crun@1.21"];

/// Whether we are root.
pub(crate) fn root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("root", true);
    }
    root
}

/// The runtime that a selector such as `crun@1.21` names, for root: `None` if either is missing.
pub(crate) fn runtime(selector: &str) -> Option<PathBuf> {
    if !root() {
        return None;
    }
    let found = find(selector);
    if found.is_none() {
        let why = format!("{selector} (ocidiff runtimes install {selector})");
        skip(&why, BROUGHT.contains(&selector));
    }
    found.map(|runtime| runtime.path)
}

pub(crate) fn skip(what: &str, must_be_there: bool) {
    let all = std::env::var_os("OCIDIFF_TEST_ALL").is_some_and(|value| value == "1");
    assert!(
        !(all && must_be_there),
        "OCIDIFF_TEST_ALL=1, and this test needs {what}"
    );
    skips::skipped(&format!("needs {what}"));
}

fn find(selector: &str) -> Option<Runtime> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtimes");
    let texts = fs::read_dir(folder)
        .expect("the manifests")
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            is_manifest(&name).then(|| {
                (
                    name.clone(),
                    fs::read_to_string(entry.path()).expect("a manifest"),
                )
            })
        });
    let manifests = Manifest::load_all(texts.collect::<Vec<_>>()).expect("the manifests");
    let store = Store::from_env().ok()?;
    let ask = ocidiff::cells::ask::InCell::new(&binary());
    let found = find_all(&manifests, &store, &ask);
    let selector = selector.parse().expect("a selector");
    select(&[selector], &manifests, &store, &found, &ask).ok()?.pop()
}
