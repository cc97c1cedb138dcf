//! Asks the tests' own scripts, and installed runtimes, right here: the harness does it in a cell.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use ocidiff_runtimes::{Answer, Ask, End};

#[derive(Debug, Clone, Copy)]
pub(crate) struct OnHost;

impl Ask for OnHost {
    fn ask(&self, argv: &[OsString]) -> Result<Answer, String> {
        let output = Command::new(&argv[0])
            .args(&argv[1..])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Answer {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            end: match output.status.code() {
                Some(code) => End::Code(code),
                None => End::Signal(output.status.signal().unwrap_or_default().to_string()),
            },
        })
    }
}
