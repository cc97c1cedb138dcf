//! The memory that a corpus may take. Every single file may be within its limit, and all of them together still
//! be too much.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ocidiff_confine::limit::{Hint, raised};

use super::diagnostic::Diagnostic;
use super::source::Source;

/// What all files together may become, in bytes, approximately.
const MOST: u64 = 96 << 20;

/// How much of it is taken.
#[derive(Debug, Default)]
pub(super) struct Room {
    taken: AtomicU64,
    /// The file for which there was no room.
    first: OnceLock<String>,
    large: Mutex<()>,
}

impl Room {
    /// Takes room for what a file becomes.
    pub(super) fn take(&self, weight: u64, source: &Source) -> Result<(), Box<Diagnostic>> {
        let taken = self
            .taken
            .fetch_add(weight, Ordering::Relaxed)
            .saturating_add(weight);
        let most = raised(MOST);
        if taken <= most {
            return Ok(());
        }
        let first = self.first.get_or_init(|| source.shown.clone());
        // The same message for all that come after it, so that it is reported once.
        let message = format!(
            "with this file the cases take more than {} MiB of memory; {Hint}",
            most >> 20
        );
        Err(Box::new(Diagnostic::new(first, (1, 1), message, None)))
    }

    /// Large files wait for each other.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
