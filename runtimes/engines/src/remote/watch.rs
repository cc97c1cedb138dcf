//! Reads the config.json that an engine gives to a runtime. It exists only while the container does, and a container
//! that ends at once is gone before its start is answered: a thread looks for the file in the meantime.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use crate::bundle::read_regular;
use crate::containerd::places_of;

/// Creating a container takes every runtime longer than this.
const TICK: Duration = Duration::from_millis(1);
/// Larger than any config.json.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A look-out for the config of one container.
#[derive(Debug)]
pub struct ConfigWatch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<String>>>,
}

impl ConfigWatch {
    /// Begins to look in these state folders of containerds.
    #[must_use]
    pub fn begin(states: &[PathBuf], id: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (states, id, stopped) = (states.to_owned(), id.to_owned(), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("config".to_owned())
            .spawn(move || look(&states, &id, &stopped));
        Self {
            stop,
            thread: thread.ok(),
        }
    }

    /// Ends the look-out; returns what was found.
    #[must_use]
    pub fn end(self) -> Option<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.and_then(|thread| thread.join().ok().flatten())
    }
}

fn look(states: &[PathBuf], id: &str, stop: &AtomicBool) -> Option<String> {
    loop {
        // Checked before looking: what was there at the stop is seen.
        let is_last = stop.load(Ordering::Relaxed);
        let folders = states.iter().flat_map(|state| places_of(state, id));
        let found = folders.map(|folder| folder.join("config.json")).find_map(|path| {
            let text = read_regular(&path, MOST_BYTES).ok().flatten()?;
            // It may be only half written.
            serde_json::from_str::<serde::de::IgnoredAny>(&text).ok()?;
            Some(text)
        });
        if found.is_some() || is_last {
            return found;
        }
        sleep(TICK);
    }
}
