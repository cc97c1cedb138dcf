//! Whether the program is root on the machine.

use crate::error::Error;

/// Namespaces and cgroups need root.
///
/// # Errors
/// The user is not root.
pub fn need_root() -> Result<(), Error> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::usage("running containers needs root: run it with sudo"))
}
