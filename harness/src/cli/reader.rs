//! Watches the reader of the output while the program prints little: otherwise only the end would show that
//! the reader went away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::output;
use crate::run::stop::Stop;

/// How often to check whether the output is still read.
const TICK: Duration = Duration::from_millis(200);

/// Watches the reader of stdout: once it is gone, everything is stopped as by Ctrl-C. The rest would run for no one.
pub(super) struct Reader {
    gone: Arc<AtomicBool>,
    watching: JoinHandle<()>,
}

impl Reader {
    pub(super) fn watch(stop: Stop) -> Self {
        let gone = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&gone);
        let watching = tokio::spawn(async move {
            while !output::is_unread() {
                tokio::time::sleep(TICK).await;
            }
            seen.store(true, Ordering::Relaxed);
            stop.now();
        });
        Self { gone, watching }
    }

    /// Stops watching; returns whether the reader went away.
    pub(super) fn end(self) -> bool {
        self.watching.abort();
        self.gone.load(Ordering::Relaxed)
    }
}
