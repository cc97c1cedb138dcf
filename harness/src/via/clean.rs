//! What killed runs left in an engine: containers and images with the label of a session whose process is gone.

use std::time::Duration;

use ocidiff_engines::remote::{CallError, Kind, Thing};
use tokio::time::{Instant, sleep};

use super::makes::Makes;
use super::place;
use crate::cells::session::is_of_the_dead;
use crate::machine::cgroup::{Layout, remove_left};

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Containers.
    pub containers: usize,
    /// Images.
    pub images: usize,
    /// Imports that did not finish.
    pub imports: usize,
    /// What could not be removed, and why.
    pub failed: Vec<String>,
    /// What an ocidiff on another machine, in another pid namespace or in another boot made: whether it is alive is not
    /// known here.
    pub others: Vec<String>,
}

/// How long to wait for something that an engine has not confirmed it made.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often to look for it.
const TICK: Duration = Duration::from_millis(500);

/// Removes what the maker's own session made. `unanswered` containers were asked for without an answer in time, for
/// example because a node is busy: each of them may still appear, and is waited for that long.
///
/// # Errors
/// The engine does not report what there is.
pub async fn own(maker: &impl Makes, unanswered: usize, patience: Duration) -> Result<Cleaned, CallError> {
    let until = Instant::now() + patience;
    let mut cleaned = Cleaned::default();
    loop {
        let mine = maker
            .things()
            .await?
            .into_iter()
            .filter(|thing| thing.labels == *maker.labels());
        cleaned.add(remove(maker, mine).await);
        if cleaned.containers >= unanswered || Instant::now() >= until {
            return Ok(cleaned);
        }
        sleep(TICK).await;
    }
}

/// Removes what sessions of dead processes left.
///
/// # Errors
/// The engine does not report what there is.
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

impl Cleaned {
    fn add(&mut self, more: Self) {
        self.containers += more.containers;
        self.images += more.images;
        self.imports += more.imports;
        // What could not be removed is tried again each time, and reported once.
        self.failed = more.failed;
    }
}

async fn remove(maker: &impl Makes, things: impl Iterator<Item = Thing>) -> Cleaned {
    let mut cleaned = Cleaned::default();
    let mut cgroups = Vec::new();
    for thing in things {
        if thing.kind == Kind::Container {
            cgroups.extend(maker.cgroups(&thing).await);
        }
        match maker.remove_thing(&thing).await {
            Ok(()) => match thing.kind {
                Kind::Container => cleaned.containers += 1,
                Kind::Image => cleaned.images += 1,
                Kind::Import => cleaned.imports += 1,
            },
            Err(error) => cleaned.failed.push(format!("{}: {error}", thing.id)),
        }
    }
    // What is still in use belongs to a container that could not be removed, which is reported.
    if let (false, Ok(layout)) = (cgroups.is_empty(), Layout::of_machine()) {
        remove_left(&layout, &cgroups);
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ocidiff_engines::remote::{Labels, Output};
    use ocidiff_model::{Case, Fact};
    use serde_json::Value;

    use super::*;
    use crate::via::express::Refusal;
    use crate::via::makes::Ask;

    /// An engine that makes a container long after the caller has gone.
    #[derive(Debug)]
    struct Late {
        labels: Labels,
        looks: Mutex<usize>,
    }

    impl Makes for Late {
        type Body = ();
        type Made = ();

        fn translate(&self, _: &Case, _: &Value, _: &Value) -> Result<(), Refusal> {
            Ok(())
        }
        async fn import(&self, _: Vec<u8>, _: &str, _: Option<i32>) -> Result<String, CallError> {
            Ok(String::new())
        }
        async fn takes(&self, _: String, _: &str, (): &()) -> Result<(), CallError> {
            Ok(())
        }
        async fn create(&self, _: Ask<'_, ()>) -> Result<(), CallError> {
            Ok(())
        }
        async fn start(&self, (): &()) -> (Result<(), CallError>, Option<String>) {
            (Ok(()), None)
        }
        async fn wait(&self, (): &(), _: Duration) -> Result<Option<i64>, CallError> {
            Ok(None)
        }
        async fn output(&self, (): &()) -> Result<Output, CallError> {
            Ok(Output::default())
        }
        async fn told(&self, (): &()) -> Result<Vec<Fact>, CallError> {
            Ok(Vec::new())
        }
        async fn remove(&self, (): &()) -> Result<(), CallError> {
            Ok(())
        }
        fn ids<'m>(&self, (): &'m ()) -> Vec<(&'m str, &'static str)> {
            Vec::new()
        }
        fn hostname(&self, (): &()) -> String {
            String::new()
        }
        fn cgroup_parents(&self) -> Vec<String> {
            Vec::new()
        }
        fn labels(&self) -> &Labels {
            &self.labels
        }
        async fn things(&self) -> Result<Vec<Thing>, CallError> {
            let mut looks = self.looks.lock().expect("a lock");
            *looks += 1;
            let pod = Thing {
                id: "late".to_owned(),
                kind: Kind::Container,
                labels: self.labels.clone(),
            };
            Ok(if *looks == 3 { vec![pod] } else { Vec::new() })
        }
        async fn remove_thing(&self, _: &Thing) -> Result<(), CallError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_comes_late_is_waited_for_and_not_for_ever() {
        for (unanswered, removed, looks) in [(0, 0, 1..2), (1, 1, 3..4), (2, 1, 3..9)] {
            let engine = Late {
                labels: Labels {
                    run: "a".to_owned(),
                    place: "b".to_owned(),
                },
                looks: Mutex::new(0),
            };
            let cleaned = own(&engine, unanswered, TICK * 6).await.expect("it says");
            assert_eq!(cleaned.containers, removed, "{unanswered}");
            let looked = *engine.looks.lock().expect("a lock");
            assert!(looks.contains(&looked), "{unanswered}: {looked}");
        }
    }
}
