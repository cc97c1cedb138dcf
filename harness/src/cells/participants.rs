//! Which runtimes take part in a run, and the calls that each wants.

use std::ffi::OsString;
use std::sync::Arc;

use ocidiff_model::event::Participant;
use ocidiff_model::step::labels;
use ocidiff_model::{Case, Op, RuntimeId, Step, life};
use ocidiff_runtimes::{Call, Flag, Origin, Runtime, Var};
use serde_json::Value;

use crate::cell::job::{JobStep, Lacks};
use crate::corpus::configs::process_of;
use crate::mutants::{Mutant, wrap};
use crate::paths;

/// A runtime of this run.
#[derive(Debug, Clone)]
pub struct Contender {
    /// The program and its manifest.
    pub runtime: Runtime,
    /// What the run calls it.
    pub id: RuntimeId,
    /// Whether the others are compared with it.
    pub reference: bool,
    /// The fault that is put in front of it, where it is a mutant.
    pub mutant: Option<Arc<Mutant>>,
}

/// Names the runtimes for a run; the reference comes first.
///
/// # Errors
/// A sentence: `reference` is not one of them.
pub fn contenders(runtimes: Vec<Runtime>, reference: Option<&str>) -> Result<Vec<Contender>, String> {
    let names: Vec<String> = runtimes.iter().map(|runtime| runtime.name().to_owned()).collect();
    let alone = |name: &str| names.iter().filter(|other| *other == name).count() == 1;
    let mut all: Vec<Contender> = runtimes
        .into_iter()
        .map(|runtime| {
            let label = match &runtime.origin {
                _ if alone(runtime.name()) => runtime.name().to_owned(),
                // What it says about its version may not distinguish it from another build.
                Origin::Given(typed) => format!("{} {}", runtime.name(), typed.display()),
                _ => runtime.label(),
            };
            Contender {
                id: id(&runtime, label),
                runtime,
                reference: false,
                mutant: None,
            }
        })
        .collect();
    // The same version of the same runtime from two places.
    for index in 1..all.len() {
        let (before, rest) = all.split_at_mut(index);
        let this = &mut rest[0];
        if before.iter().any(|other| other.id.label == this.id.label) {
            this.id.label = format!("{} {}", this.runtime.name(), this.runtime.path.display());
        }
    }
    let position = match reference {
        None => 0,
        Some(wanted) => all
            .iter()
            .position(|found| {
                found.id.label == wanted
                    || found.id.name == wanted
                    || found.runtime.label() == wanted
                    || found.selector() == wanted
            })
            .ok_or_else(|| format!("the reference `{wanted}` is not one of the runtimes of this run"))?,
    };
    let mut first = all.remove(position);
    first.reference = true;
    all.insert(0, first);
    Ok(all)
}

/// The name of a runtime in records and known files.
#[must_use]
pub fn id(runtime: &Runtime, label: String) -> RuntimeId {
    RuntimeId {
        name: runtime.name().to_owned(),
        version: runtime.version.clone(),
        label,
    }
}

impl Contender {
    /// The name of this runtime for `--runtime`.
    #[must_use]
    pub fn selector(&self) -> String {
        match &self.runtime.origin {
            Origin::Given(_) => self.runtime.selector(),
            _ => self.id.label.clone(),
        }
    }

    /// The same runtime with a fault put in front of it.
    #[must_use]
    pub fn as_mutant(&self, mutant: &Arc<Mutant>) -> Self {
        let mut one = self.clone();
        one.id.label = format!("{} with {}", self.id.label, mutant.name);
        one.mutant = Some(Arc::clone(mutant));
        one.reference = false;
        one
    }

    /// What the first event of a run says about it.
    #[must_use]
    pub fn participant(&self) -> Participant {
        let origin = match &self.runtime.origin {
            Origin::Path => "PATH".to_owned(),
            Origin::Store(_) => "store".to_owned(),
            Origin::Given(_) => "given".to_owned(),
            Origin::Engine => "engine".to_owned(),
        };
        Participant {
            runtime: self.id.clone(),
            reference: self.reference,
            origin,
        }
    }

    /// The steps of a case, as this runtime is called for them.
    ///
    /// # Errors
    /// It has no such step.
    pub fn steps(
        &self,
        case: &Case,
        configs: &std::collections::BTreeMap<String, String>,
    ) -> Result<Vec<JobStep>, Lacks> {
        let steps = &case.body.steps;
        let named = labels(steps).into_iter().zip(life::lives(steps));
        named
            .zip(steps)
            .map(|((label, life), step)| {
                let step = self.step(label, life, step, configs)?;
                match &self.mutant {
                    None => Ok(step),
                    Some(mutant) => wrap::wrap(mutant, &self.runtime, step, &case.body.config_file),
                }
            })
            .collect()
    }

    fn step(
        &self,
        label: String,
        life: u32,
        step: &Step,
        configs: &std::collections::BTreeMap<String, String>,
    ) -> Result<JobStep, Lacks> {
        let container = step.container().to_owned();
        let config: Value = configs
            .get(&container)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let terminal = step.op == Op::Create && config["process"]["terminal"] == true;
        let input = input(&label, step, &config);
        let argv = match step.op {
            op if !op.calls_runtime() => Vec::new(),
            op => {
                let call = call(
                    op,
                    step,
                    &container,
                    terminal,
                    input.as_ref().map(|(path, _)| path.as_path()),
                );
                let call = match &self.mutant {
                    None => call,
                    Some(mutant) => mutant.change(call),
                };
                let words = self
                    .runtime
                    .command(&call)
                    .map_err(|error| Lacks(error.to_string()))?;
                words.into_iter().map(lossy).collect()
            }
        };
        let limit = step.options.limit.unwrap_or(DEFAULT_LIMIT);
        Ok(JobStep {
            label,
            op: step.op,
            container,
            life,
            argv,
            limit_ms: std::time::Duration::from_secs_f64(limit)
                .as_millis()
                .try_into()
                .unwrap_or(u64::MAX),
            input,
            stdout: step.options.stdout.clone(),
            terminal,
        })
    }
}

/// Seconds that a step may take where a case does not specify it.
pub const DEFAULT_LIMIT: f64 = 10.0;

fn lossy(word: OsString) -> String {
    word.to_string_lossy().into_owned()
}

fn call(op: Op, step: &Step, container: &str, terminal: bool, input: Option<&std::path::Path>) -> Call {
    let options = &step.options;
    let id = options.id.clone().unwrap_or_else(|| container.to_owned());
    let mut call = Call::new(op, paths::ROOT).id(id);
    if step.op.makes_container() {
        call = call.with(Var::Bundle, paths::bundle(container));
        call = call.with(Var::PidFile, paths::pid_file(container));
    }
    if terminal {
        call = call.with(Var::ConsoleSocket, paths::console(container));
    }
    if let Some(signal) = &options.signal {
        call = call.with(Var::Signal, signal);
    }
    if options.force {
        call = call.flag(Flag::Force);
    }
    match (step.op, input) {
        (Op::Exec, Some(path)) => call.with(Var::Process, path),
        (Op::Update, Some(path)) => call.with(Var::Resources, path),
        _ => call,
    }
}

/// The file that the call reads: an exec's process, laid over the config's own; an update's resources.
fn input(label: &str, step: &Step, config: &Value) -> Option<(std::path::PathBuf, String)> {
    let path = std::path::Path::new(paths::INPUT).join(format!("{label}.json"));
    match step.op {
        Op::Exec => Some((path, process_of(step, config).to_string())),
        Op::Update => step
            .options
            .resources
            .as_ref()
            .map(|resources| (path, resources.to_string())),
        _ => None,
    }
}
