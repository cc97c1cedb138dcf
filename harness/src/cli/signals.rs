//! Ctrl-C and SIGTERM: everything under way is ended, what was recorded is kept, exit status 3.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Turns true at the first of these signals. A second one ends the program at once.
pub(crate) fn stop() -> std::io::Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if stop.send_replace(true) {
                std::process::exit(i32::from(ocidiff_model::ExitStatus::Broken.code()));
            }
        }
    });
    Ok(stopped)
}
