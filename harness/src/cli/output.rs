//! What the program prints. A reader that goes away (`| head`) ends it quietly.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use ocidiff_reports::Style;

use crate::error::Error;

/// To stdout.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        // Nobody reads on; there is nothing to say and nobody to say it to.
        std::process::exit(0);
    }
}

/// To stderr.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "ocidiff: {text}");
}

/// How reports look on this stdout.
pub(crate) fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let width = rustix::termios::tcgetwinsize(io::stdout()).map_or(110, |size| usize::from(size.ws_col));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let unicode = !terminal || locale.is_some_and(|locale| locale.to_lowercase().contains("utf"));
    Style {
        colour,
        width: if terminal && width >= 40 { width } else { 110 },
        unicode,
    }
}

/// Writes a file whole or not at all.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |error: io::Error| Error::usage(format!("failed to write {}: {error}", path.display()));
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        // A pipe or /dev/stdout is no file to put aside.
        return std::fs::write(path, text).map_err(failed);
    }
    let mut aside = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(failed)?;
    aside.write_all(text.as_bytes()).map_err(failed)?;
    aside
        .persist(path)
        .map(|_| ())
        .map_err(|error| failed(error.error))
}
