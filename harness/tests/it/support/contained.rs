//! Runs that must not change anything outside.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Scene;
use super::events::Events;
use super::outside::Outside;

/// One at a time, or one attack's change would be found by another's test.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn given(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

/// Runs the scene's cases under these runtimes; nothing outside may have changed.
#[track_caller]
pub(crate) fn contained(scene: &Scene, outside: &mut Outside, runtimes: &[String]) -> Events {
    let mut args = vec!["run", "--cases", "cases", "--json", "events"];
    args.extend(runtimes.iter().flat_map(|runtime| ["--runtime", runtime]));
    let ran = scene.run(&args);
    let changes = outside.changes();
    assert!(
        changes.is_empty(),
        "it got out:\n{}\n{}{}",
        changes.join("\n"),
        ran.stdout,
        ran.stderr
    );
    ran.within(100).leaves_nothing();
    let events = Events::read(&scene.path().join("events"));
    let (exit, _) = events.end().expect("the run came to its end");
    ran.ends_with(i32::from(exit));
    events
}

/// The runtime that attacks.
pub(crate) fn malicious(scene: &Scene, runc: &Path, outside: &Outside) -> PathBuf {
    let words = |paths: &mut dyn Iterator<Item = &Path>| {
        let words: Vec<_> = paths.map(|path| path.to_string_lossy().into_owned()).collect();
        words.join(" ")
    };
    let script = include_str!("../fakes/malicious.sh")
        .replace("@REAL@", &runc.to_string_lossy())
        .replace("@CANARIES@", &words(&mut outside.folders()))
        .replace("@EARS@", &words(&mut outside.ears()))
        .replace("@PID@", &outside.pid().to_string());
    scene.program("malicious", &script)
}
