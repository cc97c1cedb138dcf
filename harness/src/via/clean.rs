//! What runs that were killed left in an engine: containers and images with the label of a session whose process is gone.

use ocidiff_engines::remote::{CallError, Thing};

use super::makes::Makes;
use super::place;
use crate::cells::session::is_of_the_dead;

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

/// Removes what the maker's own session made.
///
/// # Errors
/// The engine does not say what there is.
pub async fn own(maker: &impl Makes) -> Result<Cleaned, CallError> {
    let mine = maker
        .things()
        .await?
        .into_iter()
        .filter(|thing| thing.labels == *maker.labels());
    Ok(remove(maker, mine).await)
}

/// Removes what sessions of dead processes left.
///
/// # Errors
/// The engine does not say what there is.
pub async fn stale(maker: &impl Makes) -> Result<Cleaned, CallError> {
    let here = place().map_err(|error| CallError::Failed(error.to_string()))?;
    let (near, far): (Vec<Thing>, Vec<Thing>) = maker
        .things()
        .await?
        .into_iter()
        .partition(|thing| thing.labels.place == here);
    let dead = near.into_iter().filter(|thing| is_of_the_dead(&thing.labels.run));
    let mut cleaned = remove(maker, dead).await;
    cleaned.others = far.into_iter().map(|thing| thing.id).collect();
    Ok(cleaned)
}

async fn remove(maker: &impl Makes, things: impl Iterator<Item = Thing>) -> Cleaned {
    let mut cleaned = Cleaned::default();
    for thing in things {
        match maker.remove_thing(&thing).await {
            Ok(()) if thing.is_image => cleaned.images += 1,
            Ok(()) => cleaned.containers += 1,
            Err(error) => cleaned.failed.push(format!("{}: {error}", thing.id)),
        }
    }
    cleaned
}
