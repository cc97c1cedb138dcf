//! Asks everything that is under way to end: cells are ended, and cases that have no verdict yet do not get one.

use std::sync::Arc;

use tokio::sync::watch;

/// One switch for a whole run. Once it is on, it stays on.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks for a stop. Returns whether that had been asked before.
    pub fn now(&self) -> bool {
        self.0.send_replace(true)
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Turns true when a stop is asked for.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}
