//! Ctrl-C, SIGTERM and SIGHUP. While cells run: everything under way is ended, what was recorded is kept, exit status 3.
//! Before and after, and at the second signal: the program ends at once.
//!
//! The thread that waits for them has its own async runtime, so that it receives them whatever the program is waiting
//! for.

use std::io;
use std::process::exit;
use std::sync::{Mutex, PoisonError};

use ocidiff_model::ExitStatus;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;
use crate::run::stop::Stop;

/// What a signal asks to stop; `None` if nothing needs to be ended first.
static RUNNING: Mutex<Option<Stop>> = Mutex::new(None);

/// A run that signals stop, until this is dropped.
pub(crate) struct Stoppable {
    /// What they ask.
    pub(crate) stop: Stop,
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// From here on, the first signal asks to stop.
pub(crate) fn stop() -> Stoppable {
    let stop = Stop::default();
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop.clone());
    Stoppable { stop }
}

/// From here on, a signal ends the program with the documented status, and not with the signal's own.
pub(crate) fn listen() -> Result<(), Error> {
    start().map_err(|error| Error::broken(format!("failed to wait for signals: {error}")))
}

fn start() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut signals = {
        let _context = runtime.enter();
        [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .into_iter()
        .map(signal)
        .collect::<io::Result<Vec<_>>>()?
    };
    let wait = move || {
        runtime.block_on(async {
            loop {
                let heard = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
                futures_util::future::select_all(heard).await;
                heard_one();
            }
        });
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)?;
    Ok(())
}

fn heard_one() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if running.is_none_or(|stop| stop.by_signal()) {
        exit(i32::from(ExitStatus::Broken.code()));
    }
}
