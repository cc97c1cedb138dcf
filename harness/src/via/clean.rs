//! What killed runs left in an engine: containers and images with the label of a session whose process is gone.

use std::time::Duration;

use ocidiff_engines::remote::{CallError, Kind, Thing};
use tokio::time::{Instant, sleep, timeout};

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

/// How long cleaning up may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To wait for something that an engine has not confirmed it made.
    pub late: Duration,
    /// For one call.
    call: Duration,
    /// To try again what could not be removed, all of it together: an engine that does not remove one thing is not
    /// waited for once for each.
    again: Duration,
}

impl Patience {
    /// Usually.
    pub const USUAL: Self = Self {
        late: Duration::from_secs(60),
        call: Duration::from_secs(120),
        again: Duration::from_secs(3),
    };
    /// When somebody has asked the program to end, and waits for it: the next run removes what is left.
    pub const HURRY: Self = Self {
        late: Duration::from_millis(500),
        call: Duration::from_millis(1500),
        again: Duration::from_millis(500),
    };
    /// The least time for a call of an engine that has not answered another one.
    const LEAST: Duration = Duration::from_millis(250);
}

/// How often to look for what is late.
const TICK: Duration = Duration::from_millis(500);
/// How often to try again what could not be removed.
const AGAIN: Duration = Duration::from_millis(250);

/// Removes what the maker's own session made. `unanswered` containers were asked for without an answer in time, for
/// example because a node is busy: each of them may still appear, and is waited for that long.
///
/// # Errors
/// The engine does not report what there is.
pub async fn own(maker: &impl Makes, unanswered: usize, patience: Patience) -> Result<Cleaned, CallError> {
    let until = Instant::now() + patience.late;
    let mut removal = Removal::new(patience);
    let mut cleaned = Cleaned::default();
    loop {
        let things = answer_within(patience.call, maker.things()).await?;
        let mine = things.into_iter().filter(|thing| thing.labels == *maker.labels());
        cleaned.add(removal.of(maker, mine).await);
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
    let mut cleaned = Removal::new(Patience::USUAL).of(maker, dead).await;
    cleaned.others = far.into_iter().map(|thing| thing.id).collect();
    Ok(cleaned)
}

impl Cleaned {
    /// Whether there was nothing of killed runs.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.containers + self.images + self.imports == 0 && self.failed.is_empty()
    }

    fn add(&mut self, more: Self) {
        self.containers += more.containers;
        self.images += more.images;
        self.imports += more.imports;
        // What could not be removed is tried again each time, and reported once.
        self.failed = more.failed;
    }
}

/// The removal of many things, which share the time for trying again.
struct Removal {
    patience: Patience,
    /// Until when, once one could not be removed.
    until: Option<Instant>,
    /// Whether the engine did not even answer.
    is_silent: bool,
}

impl Removal {
    fn new(patience: Patience) -> Self {
        Self {
            patience,
            until: None,
            is_silent: false,
        }
    }

    async fn of(&mut self, maker: &impl Makes, things: impl Iterator<Item = Thing>) -> Cleaned {
        let mut cleaned = Cleaned::default();
        let mut cgroups = Vec::new();
        for thing in things {
            if thing.kind == Kind::Container {
                // Without an answer they stay, as the container does.
                let told = timeout(self.left(), maker.cgroups(&thing)).await;
                cgroups.extend(told.unwrap_or_default());
            }
            match self.one(maker, &thing).await {
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

    /// Each is tried once; again, as long as there is time for that: what a killed run had asked for goes on in the
    /// engine for a moment.
    async fn one(&mut self, maker: &impl Makes, thing: &Thing) -> Result<(), CallError> {
        loop {
            let removed = answer_within(self.left(), maker.remove_thing(thing)).await;
            let Err(error) = removed else {
                return Ok(());
            };
            let until = *self
                .until
                .get_or_insert_with(|| Instant::now() + self.patience.again);
            self.is_silent |= matches!(error, CallError::Failed(_));
            if self.is_silent || Instant::now() + AGAIN >= until {
                return Err(error);
            }
            sleep(AGAIN).await;
        }
    }

    /// For the next call.
    fn left(&self) -> Duration {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        match self.until {
            Some(until) if self.is_silent => left(until).max(Patience::LEAST),
            _ => self.patience.call,
        }
    }
}

async fn answer_within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let late = |_| CallError::Failed(format!("no answer within {} s", limit.as_secs_f32()));
    timeout(limit, call).await.map_err(late)?
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

    /// How many pods an engine does not remove.
    const PODS: usize = 4;

    /// What an engine does wrong.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Fault {
        /// It makes a container long after the caller has gone.
        Late,
        /// It refuses to remove anything.
        Refuses,
        /// It does not answer when asked to remove something.
        Hangs,
    }

    #[derive(Debug)]
    struct Faulty {
        fault: Fault,
        labels: Labels,
        looks: Mutex<usize>,
        removals: Mutex<usize>,
    }

    impl Faulty {
        fn new(fault: Fault) -> Self {
            let labels = Labels {
                run: "a".to_owned(),
                place: "b".to_owned(),
            };
            Self {
                fault,
                labels,
                looks: Mutex::default(),
                removals: Mutex::default(),
            }
        }
    }

    impl Makes for Faulty {
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
                id: "pod".to_owned(),
                kind: Kind::Container,
                labels: self.labels.clone(),
            };
            let number = match self.fault {
                Fault::Late => usize::from(*looks == 3),
                Fault::Refuses | Fault::Hangs => PODS,
            };
            Ok(vec![pod; number])
        }
        async fn remove_thing(&self, _: &Thing) -> Result<(), CallError> {
            *self.removals.lock().expect("a lock") += 1;
            match self.fault {
                Fault::Late => Ok(()),
                Fault::Refuses => Err(CallError::Refused("no".to_owned())),
                Fault::Hangs => std::future::pending().await,
            }
        }
    }

    #[tokio::test]
    async fn what_comes_late_is_waited_for_and_not_for_ever() {
        for (unanswered, removed, looks) in [(0, 0, 1..2), (1, 1, 3..4), (2, 1, 3..9)] {
            let engine = Faulty::new(Fault::Late);
            let patience = Patience {
                late: TICK * 6,
                ..Patience::USUAL
            };
            let cleaned = own(&engine, unanswered, patience).await.expect("it says");
            assert_eq!(cleaned.containers, removed, "{unanswered}");
            let looked = *engine.looks.lock().expect("a lock");
            assert!(looks.contains(&looked), "{unanswered}: {looked}");
        }
    }

    #[tokio::test]
    async fn an_engine_that_removes_nothing_is_not_waited_for_once_for_each_thing() {
        let patience = Patience {
            late: Duration::ZERO,
            call: Duration::from_millis(300),
            again: Duration::from_millis(600),
        };
        for (fault, most) in [
            (Fault::Refuses, patience.again * 2),
            // The first call has its whole time, and the others what is left.
            (Fault::Hangs, patience.call + patience.again + Patience::LEAST * 4),
        ] {
            let engine = Faulty::new(fault);
            let began = Instant::now();
            let cleaned = own(&engine, 0, patience).await.expect("it says");
            let took = began.elapsed();
            assert_eq!(cleaned.failed.len(), PODS, "{fault:?}");
            assert!(took < most, "{fault:?}: {took:?}");
            let tried = *engine.removals.lock().expect("a lock");
            let is_again = tried > PODS;
            assert_eq!(is_again, fault == Fault::Refuses, "{fault:?}: {tried}");
        }
    }
}
