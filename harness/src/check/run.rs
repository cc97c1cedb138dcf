//! Runs a workload's own command under both runtimes, in a throw-away container, and takes what differs each time.
//!
//! The container is the probe's: the same namespaces, stand-ins and limits. Only the command and its environment are the
//! workload's. What it prints is told as a digest.

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::{Channel, Difference, Value};
use serde_json::json;

use super::judge::{Move, values};
use super::look::{Steady, case, steady};
use super::rules::by_rule;
use super::shape::{Own, Shape};
use super::tame;
use crate::bundle::of_text;
use crate::engine::Engine;
use crate::error::Error;
use crate::secrets::{Discreet, Secrets};

/// What does not end by itself is ended after so many seconds; what it did until then is compared.
const LIMIT: f64 = 5.0;

/// What a command shows beside what the probe has shown.
const CHANNELS: [Channel; 4] = [
    Channel::Lifecycle,
    Channel::Process,
    Channel::Syscall,
    Channel::File,
];

/// Runs it; the inner error is one line that says why that cannot be done.
///
/// # Errors
///
/// The harness or the machine failed.
pub async fn run(
    engine: &Engine,
    shape: &Shape,
    own: &Own,
    step: Move<'_>,
) -> Result<Result<Vec<Finding>, String>, Error> {
    let case = case(shape, "a workload's own command", LIMIT, Channel::File)?;
    let mut config = shape.tamed.config.clone();
    config["process"]["args"] = json!(own.args);
    config["process"]["env"] = json!(own.env);
    let config = serde_json::to_string(&config).map_err(Error::broken)?;
    let bundle = match engine
        .builder
        .over(&shape.layers, &tame::files(), &shape.tamed.stand_ins, config)
    {
        Ok(bundle) => bundle,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let secrets = Secrets::of_entries(own.env.iter().cloned());
    let discreet = Discreet {
        launch: engine,
        secrets,
    };
    let differences = match steady(&discreet, &case, &bundle).await {
        Ok(Steady { differences, .. }) => differences,
        Err(why) => return Ok(Err(why)),
    };
    let told = differences
        .iter()
        .filter(|one| one.channel().is_some_and(|channel| CHANNELS.contains(&channel)));
    Ok(Ok(told.map(|one| finding(one, step, shape)).collect()))
}

fn finding(difference: &Difference, step: Move<'_>, shape: &Shape) -> Finding {
    let (from, to) = values(difference, step);
    let fact = format!("run.{}", difference.fact);
    let (impact, reason) = by_rule(&fact, from.as_ref(), to.as_ref(), &shape.tamed.config);
    let shown = |value: Option<&Value>| match value {
        None => "(absent)".to_owned(),
        Some(value) if is_printed(&difference.fact) => digest(&value.line()),
        Some(value) => value.line(),
    };
    Finding {
        impact,
        depth: Depth::Run,
        what: format!("{} of its own command", difference.fact),
        from: shown(from.as_ref()),
        to: shown(to.as_ref()),
        reason,
        remedy: None,
        link: Vec::new(),
        case: None,
        id: None,
    }
}

/// Whether the value is what the workload printed, which may be a secret.
fn is_printed(fact: &str) -> bool {
    fact.starts_with("process.") && (fact.ends_with("stdout") || fact.ends_with("stderr"))
}

fn digest(text: &str) -> String {
    format!(
        "{} characters, sha256:{}",
        text.chars().count(),
        &of_text(text)[..12]
    )
}
