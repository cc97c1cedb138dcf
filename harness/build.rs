//! Builds what is embedded in the program: the probe as a static program, and the corpus.

use std::collections::BTreeMap;
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
    let parsed = out.join("parsed");
    if let Err(error) = fs::write(&parsed, parse_all(&corpus)) {
        fail(&format!("{} cannot be written: {error}", parsed.display()));
    }
    println!("cargo::rustc-env=OCIDIFF_PARSED={}", parsed.display());
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    exit(1);
}

/// The probe is a separate program, static and small, so a separate cargo builds it, next to the outer one.
/// It uses another target folder, or the two would wait for each other's lock.
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
    // What the outer cargo set for itself (clippy's wrapper above all) does not apply to this one.
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

/// Copies YAML and JSON files; the corpus is data, and nothing else in the folder belongs in the program.
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

/// Every file of the corpus as JSON, in lines with a path, a tab and the document: JSON is read thirty times as fast.
fn parse_all(corpus: &Path) -> String {
    let mut documents = BTreeMap::new();
    parse(corpus, corpus, &mut documents);
    documents
        .iter()
        .map(|(name, document)| format!("{name}\t{document}\n"))
        .collect()
}

fn parse(top: &Path, folder: &Path, into: &mut BTreeMap<String, String>) {
    for path in fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        if path.is_dir() {
            parse(top, &path, into);
        } else {
            let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            let text = fs::read_to_string(&path).unwrap_or_default();
            // JSON is YAML too. YAML's own value type refuses a key that a map has twice; JSON's takes the second.
            let parsed = serde_yaml::from_str::<serde_yaml::Value>(&text);
            match parsed.and_then(|_| serde_yaml::from_str::<serde_json::Value>(&text)) {
                Ok(document) => into.insert(name, document.to_string()),
                Err(error) => fail(&format!("{name} is not YAML: {error}")),
            };
        }
    }
}
