// A test that cannot be run here says so, and passes. What a passing test prints is hidden, so it is also
// written to the file that OCIDIFF_SKIPS names: `make test` prints that at its end.

use std::fs::OpenOptions;
use std::io::Write;

/// Notes that this test, or a part of it, was not run, and why.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {why}\n", thread.name().unwrap_or("a test"));
    eprint!("{line}");
    let Some(path) = std::env::var_os("OCIDIFF_SKIPS") else {
        return;
    };
    // One write per line: tests of several programs append at the same time.
    let file = OpenOptions::new().append(true).create(true).open(path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.expect("write to the file that OCIDIFF_SKIPS names");
}
