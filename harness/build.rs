//! Builds what the program carries: the probe as a static program, and the corpus.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("..");
    let probe = build_probe(&root, &out);
    println!("cargo::rustc-env=OCIDIFF_PROBE={}", probe.display());
    let corpus = out.join("corpus");
    let _ = fs::remove_dir_all(&corpus);
    copy_data(&root.join("cases"), &corpus.join("cases"));
    copy_data(&root.join("runtimes"), &corpus.join("runtimes"));
    println!("cargo::rustc-env=OCIDIFF_CORPUS={}", corpus.display());
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    exit(1);
}

/// The probe is a program of its own, static and small, so it is built by a cargo of its own, beside the
/// outer one: another target folder, or the two would wait for each other's lock.
fn build_probe(root: &Path, out: &Path) -> PathBuf {
    for watched in ["cases/probe/src", "cases/probe/Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let target = variable("TARGET");
    let folder = out.join("probe");
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(root)
        .args([
            "build",
            "--quiet",
            "--package",
            "ocidiff-probe",
            "--bin",
            "probe",
            "--profile",
            "probe",
        ])
        .args(["--target", &target, "--target-dir"])
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    // What the outer cargo set for itself (clippy's wrapper above all) is not for this one.
    for name in [
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "CLIPPY_ARGS",
    ] {
        cargo.env_remove(name);
    }
    match cargo.status() {
        Ok(status) if status.success() => folder.join(target).join("probe/probe"),
        Ok(status) => fail(&format!("building the probe ended with {status}")),
        Err(error) => fail(&format!("cargo could not be started for the probe: {error}")),
    }
}

/// Copies YAML and JSON files; the corpus is data, and nothing else of the folder belongs into the program.
fn copy_data(from: &Path, to: &Path) {
    println!("cargo::rerun-if-changed={}", from.display());
    let Ok(entries) = fs::read_dir(from) else {
        fail(&format!("{} cannot be read", from.display()))
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["src", "probe", "tests", "target"]
                .iter()
                .any(|other| name == *other)
            {
                copy_data(&path, &to.join(&name));
            }
        } else if path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "json")
        {
            let copied = fs::create_dir_all(to).and_then(|()| fs::copy(&path, to.join(&name)));
            if let Err(error) = copied {
                fail(&format!("{} cannot be copied: {error}", path.display()));
            }
        }
    }
}
