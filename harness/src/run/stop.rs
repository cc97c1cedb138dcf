//! Asks everything that is under way to end: cells are ended, and cases that have no verdict yet do not get one.

use std::sync::Arc;

use tokio::sync::watch;

/// One switch for a whole run. Once it is on, it stays on.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Switches>);

#[derive(Debug, Default)]
struct Switches {
    asked: watch::Sender<bool>,
    /// Whether a signal asked for it: then somebody waits.
    signalled: watch::Sender<bool>,
}

impl Stop {
    /// Asks for a stop. Returns whether that had been asked before.
    pub fn now(&self) -> bool {
        self.0.asked.send_replace(true)
    }

    /// The same for a signal.
    pub fn by_signal(&self) -> bool {
        self.0.signalled.send_replace(true);
        self.now()
    }

    /// Ends once a signal has asked for a stop.
    pub async fn signalled(&self) {
        // The sender is here.
        let _ = self
            .0
            .signalled
            .subscribe()
            .wait_for(|signalled| *signalled)
            .await;
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.asked.borrow()
    }

    /// Turns true when a stop is asked for.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.0.asked.subscribe()
    }
}
