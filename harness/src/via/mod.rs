//! Cases through an engine, in place of cells: what the engine makes of a case's config, and what each runtime makes of
//! that. There is a folder for each way, which defines what the engine can make ([`makes::Makes`]).
//!
//! | module | what it does |
//! |---|---|
//! | [`docker`] | through Docker's API |
//! | [`podman`] | through Podman's command line |
//! | [`pods`] | through CRI, as the kubelet does: a pod for each container |
//! | [`acts`] | what a case does with a running container, for engines that can do it |
//! | [`makes`] | what an engine must be able to do |
//! | [`express`] | what an engine can be asked for at all, and why other things cannot be expressed |
//! | [`runner`] | runs a case through an engine, and judges it |
//! | `container` | one container under one runtime, from create to remove |
//! | `refusals` | whose failure a refusal of the engine is |
//! | `silence` | when an engine is given up |
//! | `seen` | what was seen of it, as a record |
//! | `image` | a rootfs as an image, made once |
//! | `profiles` | seccomp profiles as files, for engines that read them |
//! | `facts` | what the engine reports, and the config.json that it wrote |
//! | `faithful` | whether that config.json says what the case wants |
//! | [`clean`] | what a killed run left in the engine |
//! | [`ground`] | what every way needs: a session, a builder of bundles, a judge |
//! | `narrow` | what such a run can show of a case |
//! | [`registered`] | which of an engine's runtimes take part |
//!
//! There is no cell: the engine runs the containers. Everything that is made has labels and is removed; what does not
//! have our labels is never touched.

pub mod acts;
pub mod clean;
mod container;
pub mod docker;
pub mod express;
mod facts;
mod faithful;
pub mod ground;
mod image;
pub mod makes;
mod narrow;
pub mod podman;
pub mod pods;
mod profiles;
mod refusals;
pub mod registered;
pub mod runner;
mod seen;
mod silence;

use ocidiff_engines::remote::Labels;
use ocidiff_model::Case;

use crate::judge::finished::{Finished, skipped};

/// A case that cannot be expressed for an engine.
fn inexpressible(case: &Case, why: &str) -> Finished {
    skipped(
        case,
        format!("cannot be expressed as a container of the engine: {why}"),
    )
}

/// The labels of everything that a session makes in an engine.
///
/// # Errors
/// /proc is not mounted.
pub fn labels(session: &str) -> std::io::Result<Labels> {
    Ok(Labels {
        run: session.to_owned(),
        place: place()?,
    })
}

/// Where this process is: a session's name identifies its process only in the same pid namespace and within the same
/// boot.
///
/// # Errors
/// /proc is not mounted.
pub fn place() -> std::io::Result<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = std::fs::read_link("/proc/self/ns/pid")?;
    let number: String = namespace
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    Ok(format!("{}.{number}", boot.trim()))
}
