//! What runs that were killed left in an engine: containers and images with the label of a session whose process is gone.

use ocidiff_engines::remote::{CallError, Remote, Thing};

use crate::cells::session::is_of_the_dead;
use crate::via::place;

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Containers.
    pub containers: usize,
    /// Images.
    pub images: usize,
    /// What would not go, and why.
    pub failed: Vec<String>,
    /// What another machine's, another pid namespace's or another boot's ocidiff made: nobody here knows whether it lives.
    pub others: Vec<String>,
}

/// Removes what the remote's own session made.
///
/// # Errors
/// The engine does not say what there is.
pub async fn own(remote: &Remote) -> Result<Cleaned, CallError> {
    let mine = remote
        .things()
        .await?
        .into_iter()
        .filter(|thing| thing.labels == *remote.labels());
    Ok(remove(remote, mine).await)
}

/// Removes what sessions of dead processes left.
///
/// # Errors
/// The engine does not say what there is.
pub async fn stale(remote: &Remote) -> Result<Cleaned, CallError> {
    let here = place().map_err(|error| CallError::Failed(error.to_string()))?;
    let (near, far): (Vec<Thing>, Vec<Thing>) = remote
        .things()
        .await?
        .into_iter()
        .partition(|thing| thing.labels.place == here);
    let dead = near.into_iter().filter(|thing| is_of_the_dead(&thing.labels.run));
    let mut cleaned = remove(remote, dead).await;
    cleaned.others = far.into_iter().map(|thing| thing.id).collect();
    Ok(cleaned)
}

async fn remove(remote: &Remote, things: impl Iterator<Item = Thing>) -> Cleaned {
    let mut cleaned = Cleaned::default();
    for thing in things {
        match remote.remove(&thing.id, thing.is_image).await {
            Ok(()) if thing.is_image => cleaned.images += 1,
            Ok(()) => cleaned.containers += 1,
            Err(error) => cleaned.failed.push(format!("{}: {error}", thing.id)),
        }
    }
    cleaned
}
