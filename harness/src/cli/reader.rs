//! Whoever reads what the program prints, while it prints little: that they went away shows at the end only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::output;
use crate::run::stop::Stop;

/// How often it is looked whether somebody still reads.
const TICK: Duration = Duration::from_millis(200);

/// Watches whoever reads stdout: once nobody does, all is stopped as by Ctrl-C. The rest would be run for nobody.
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

    /// Watches no longer; whether they went away.
    pub(super) fn end(self) -> bool {
        self.watching.abort();
        self.gone.load(Ordering::Relaxed)
    }
}
