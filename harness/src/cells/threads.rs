//! The threads that wait for cells.

use crate::error::Error;

/// The program's asynchronous part.
///
/// # Errors
/// The threads cannot be started.
pub fn tokio() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::broken)
}
