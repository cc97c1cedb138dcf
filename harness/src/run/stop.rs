//! Asks everything that is under way to end: cells are ended, cases that have no verdict yet get none.

use std::sync::Arc;

use tokio::sync::watch;

/// One switch for a whole run. Once it is on it stays on.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks. Whether it was asked before.
    pub fn now(&self) -> bool {
        self.0.send_replace(true)
    }

    /// Whether it was asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Turns true when it is asked.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}
