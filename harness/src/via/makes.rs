//! What an engine must be able to do for a run of cases.

use std::fmt::Debug;
use std::time::Duration;

use ocidiff_engines::remote::{CallError, Labels, Output, Thing};
use ocidiff_model::{Case, Fact};
use serde_json::Value;

use super::acts::{Act, Done};
use super::express::Refusal;
use crate::bundle::Bundle;
use crate::machine::cgroup::of_container;

/// A request for a container.
#[derive(Debug, Clone)]
pub struct Ask<'a, B> {
    /// A name that no other container of the session has.
    pub name: String,
    /// The runtime, by the engine's name for it.
    pub runtime: &'a str,
    /// The image, by the name that [`Makes::import`] returned.
    pub image: &'a str,
    /// The rest.
    pub body: &'a B,
    /// The bundle that the case's files come from.
    pub bundle: &'a Bundle,
}

/// Makes containers. Everything that is made has the session's labels.
pub trait Makes: Debug + Send + Sync + 'static {
    /// What an engine is asked for, without image and runtime.
    type Body: Debug + Send + Sync;
    /// What was made.
    type Made: Debug + Send + Sync;

    /// A case's config as a request to the engine; `default` is the corpus's default config.
    ///
    /// # Errors
    /// The first part that the engine has no setting for.
    fn translate(&self, case: &Case, config: &Value, default: &Value) -> Result<Self::Body, Refusal>;

    /// The signal with which an image says that its containers are stopped, if the case wants one other than TERM.
    fn stop_signal(&self, _body: &Self::Body) -> Option<i32> {
        None
    }

    /// Whether the engine makes anything under a runtime, if that is known before there is a container; the name is
    /// one that no container of the session has.
    fn starts(&self, _runtime: &str, _name: &str) -> impl Future<Output = Result<(), CallError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Makes an image from a rootfs, with the signal of [`Self::stop_signal`]; returns the engine's name for it.
    fn import(
        &self,
        tar: Vec<u8>,
        tag: &str,
        signal: Option<i32>,
    ) -> impl Future<Output = Result<String, CallError>> + Send;

    /// Whether the engine accepts the body at all: its answer is the same for every runtime.
    fn takes(
        &self,
        name: String,
        image: &str,
        body: &Self::Body,
    ) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Creates a container.
    fn create(&self, ask: Ask<'_, Self::Body>) -> impl Future<Output = Result<Self::Made, CallError>> + Send;

    /// Starts it, and reads the config.json that its runtime was given.
    fn start(
        &self,
        made: &Self::Made,
    ) -> impl Future<Output = (Result<(), CallError>, Option<String>)> + Send;

    /// What is done with it until it ends.
    fn acts<'m>(&self, _made: &'m Self::Made) -> &'m [Act] {
        &[]
    }

    /// Does one of [`Self::acts`].
    fn act(&self, _made: &Self::Made, act: &Act) -> impl Future<Output = Result<Done, CallError>> + Send {
        let why = CallError::Failed(format!("the engine has no call for {}", act.label));
        std::future::ready(Err(why))
    }

    /// Waits until it has ended; `None` if it does not end within the limit.
    fn wait(
        &self,
        made: &Self::Made,
        limit: Duration,
    ) -> impl Future<Output = Result<Option<i64>, CallError>> + Send;

    /// What it printed.
    fn output(&self, made: &Self::Made) -> impl Future<Output = Result<Output, CallError>> + Send;

    /// What the engine reports about it.
    fn told(&self, made: &Self::Made) -> impl Future<Output = Result<Vec<Fact>, CallError>> + Send;

    /// Removes it, running or not.
    fn remove(&self, made: &Self::Made) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Ids that the engine assigned, each with its name in records.
    fn ids<'m>(&self, made: &'m Self::Made) -> Vec<(&'m str, &'static str)>;

    /// The HOSTNAME that the engine puts into the environment.
    fn hostname(&self, made: &Self::Made) -> String;

    /// Whether the engine puts a fact's items in a different order each time.
    fn is_shuffled(&self, _path: &str) -> bool {
        false
    }

    /// The cgroups in which containers' cgroups are, by name; the engine makes them, and leaves them.
    fn cgroup_parents(&self) -> Vec<String>;

    /// The cgroup of a container, or of what holds it, by the id that the engine assigned: a runtime that fails may
    /// leave it.
    fn cgroup(&self, id: &str) -> Option<String> {
        let parents = self.cgroup_parents();
        parents.first().and_then(|parent| of_container(parent, id))
    }

    /// The cgroups of one of [`Self::things`], with those of what is in it.
    fn cgroups(&self, thing: &Thing) -> impl Future<Output = Vec<String>> + Send {
        std::future::ready(self.cgroup(&thing.id).into_iter().collect())
    }

    /// The labels of what is made.
    fn labels(&self) -> &Labels;

    /// Everything with labels of ours, whichever process made it.
    fn things(&self) -> impl Future<Output = Result<Vec<Thing>, CallError>> + Send;

    /// Removes one of them; it is not an error if it is already gone.
    fn remove_thing(&self, thing: &Thing) -> impl Future<Output = Result<(), CallError>> + Send;
}
