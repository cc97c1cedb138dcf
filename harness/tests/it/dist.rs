//! The program as one static file (`make dist`), in a root that contains nothing else.
//!
//! OCIDIFF_DIST names the file; `make test` sets it.

use crate::support::needs::skips;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The file, or `None` with a line that says why; with OCIDIFF_TEST_ALL that is a failure.
fn program() -> Option<PathBuf> {
    let skip = |why: &str| {
        assert!(std::env::var_os("OCIDIFF_TEST_ALL").is_none(), "{why}");
        skips::skipped(why);
        None
    };
    if !rustix::process::geteuid().is_root() {
        return skip("needs root");
    }
    match std::env::var_os("OCIDIFF_DIST").map(PathBuf::from) {
        Some(path) if path.is_file() => Some(path),
        _ => skip("OCIDIFF_DIST names no file; `make dist` builds it"),
    }
}

fn root_with(program: &PathBuf) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    fs::copy(program, root.path().join("ocidiff")).expect("copy the program");
    fs::set_permissions(root.path().join("ocidiff"), fs::Permissions::from_mode(0o755)).expect("make it run");
    root
}

fn in_empty_root(program: &PathBuf, args: &[&str]) -> Output {
    let root = root_with(program);
    Command::new("chroot")
        .arg(root.path())
        .arg("/ocidiff")
        .args(args)
        .env("HOME", "/")
        .env_remove("OCIDIFF_HOME")
        .env_remove("XDG_CACHE_HOME")
        .output()
        .expect("chroot")
}

#[test]
fn the_corpus_the_manifests_and_the_schema_are_built_in() {
    let Some(program) = program() else { return };
    let list = in_empty_root(&program, &["list"]);
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    let text = String::from_utf8_lossy(&list.stdout);
    assert!(
        text.lines().any(|line| line.starts_with("seccomp/tar-setgid ")),
        "{text}"
    );
    let schema = in_empty_root(&program, &["schema", "case"]);
    let json: serde_json::Value = serde_json::from_slice(&schema.stdout).expect("a schema");
    assert!(json["properties"]["summary"].is_object());
}

#[test]
fn without_runtimes_it_says_how_to_get_them_and_never_runs_green() {
    let Some(program) = program() else { return };
    let run = in_empty_root(&program, &["run"]);
    let text = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(3), "{text}");
    assert!(text.contains("/proc"), "{text}");
    let root = root_with(&program);
    fs::create_dir(root.path().join("proc")).expect("a place for /proc");
    let run = Command::new("unshare")
        .args([
            "--mount",
            "sh",
            "-c",
            "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /ocidiff run",
        ])
        .arg(root.path())
        .output()
        .expect("unshare");
    let text = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{text}");
    assert!(text.contains("no runtime was found"), "{text}");
}
