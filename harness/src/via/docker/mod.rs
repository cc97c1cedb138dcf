//! Containers through Docker's API; [`translate`] turns a case's config into what Docker is asked for.

pub mod translate;

use std::time::Duration;

use ocidiff_engines::remote::{CallError, Kind, Labels, Output, Remote, Thing};
use ocidiff_model::step::MAIN;
use ocidiff_model::{Case, Fact};
use serde_json::Value;

use super::express::Refusal;
use super::facts;
use super::makes::{Ask, Makes};

/// Where a dockerd without systemd makes cgroups.
const PARENT: &str = "/docker";

/// A container.
#[derive(Debug)]
pub struct Made {
    id: String,
    hostname: String,
}

impl Makes for Remote {
    type Body = Value;
    type Made = Made;

    fn translate(&self, case: &Case, config: &Value, default: &Value) -> Result<Value, Refusal> {
        translate::body(case, config, default)
    }

    async fn import(&self, tar: Vec<u8>, tag: &str, _: Option<i32>) -> Result<String, CallError> {
        Self::import(self, tar, tag).await
    }

    async fn takes(&self, name: String, image: &str, body: &Value) -> Result<(), CallError> {
        let mut body = body.clone();
        body["Image"] = image.into();
        let id = Self::create(self, &name, body).await?;
        Self::remove(self, &id, false).await
    }

    async fn create(&self, ask: Ask<'_, Value>) -> Result<Made, CallError> {
        let mut body = ask.body.clone();
        body["Image"] = ask.image.into();
        body["HostConfig"]["Runtime"] = ask.runtime.into();
        let hostname = body["Hostname"].as_str().unwrap_or_default().to_owned();
        let id = Self::create(self, &ask.name, body).await?;
        Ok(Made { id, hostname })
    }

    async fn start(&self, made: &Made) -> (Result<(), CallError>, Option<String>) {
        Self::start(self, &made.id).await
    }

    async fn wait(&self, made: &Made, limit: Duration) -> Result<Option<i64>, CallError> {
        Self::wait(self, &made.id, limit).await
    }

    async fn output(&self, made: &Made) -> Result<Output, CallError> {
        self.logs(&made.id).await
    }

    async fn told(&self, made: &Made) -> Result<Vec<Fact>, CallError> {
        Ok(facts::of_inspect(&self.inspect(&made.id).await?))
    }

    async fn remove(&self, made: &Made) -> Result<(), CallError> {
        Self::remove(self, &made.id, false).await
    }

    fn ids<'m>(&self, made: &'m Made) -> Vec<(&'m str, &'static str)> {
        vec![(made.id.as_str(), MAIN)]
    }

    fn hostname(&self, made: &Made) -> String {
        made.hostname.clone()
    }

    fn cgroup_parents(&self) -> Vec<String> {
        vec![PARENT.to_owned()]
    }

    fn labels(&self) -> &Labels {
        Self::labels(self)
    }

    async fn things(&self) -> Result<Vec<Thing>, CallError> {
        Self::things(self).await
    }

    async fn remove_thing(&self, thing: &Thing) -> Result<(), CallError> {
        Self::remove(self, &thing.id, thing.kind == Kind::Image).await
    }
}
