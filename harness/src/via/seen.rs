//! What was seen of one container, and the record that is made from it.

use std::time::Instant;

use ocidiff_engines::remote::Output;
use ocidiff_model::record::{CallResult, RunOutcome};
use ocidiff_model::{Case, Fact, Op, Record, StepRecord};
use serde_json::Value;

use super::acts::{Act, Done};
use super::facts;
use crate::bundle::Bundle;
use crate::cell::{Lost, class, stdio};
use crate::cells::participants::Contender;
use crate::judge::normalise::normalise;

/// The beginning of the reason if it comes from the engine, and not from a runtime.
pub(super) const ENGINE: &str = "the engine: ";

/// What was seen of one container.
#[derive(Debug, Default)]
pub(super) struct Seen {
    steps: Vec<StepRecord>,
    /// What it showed.
    pub(super) facts: Vec<Fact>,
    /// Whether the workload ran.
    pub(super) ran: bool,
    /// The config.json that the runtime was given.
    pub(super) config: Option<String>,
    refused: Option<String>,
    /// Why nothing can be said.
    pub(super) broken: Option<String>,
    /// How long it took.
    pub(super) seconds: f64,
}

impl Seen {
    /// The config.json that the engine wrote.
    pub(super) fn written(&self) -> Option<Value> {
        serde_json::from_str(self.config.as_deref()?).ok()
    }

    /// The engine does not make the requested container.
    pub(super) fn refuse(&mut self, why: &str) {
        self.refused = Some(format!("{ENGINE}{why}"));
    }

    /// Why it does not.
    pub(super) fn refusal_of_engine(&self) -> Option<String> {
        self.refused.as_deref()?.strip_prefix(ENGINE).map(str::to_owned)
    }

    /// The result of the first step of its kind.
    pub(super) fn step_of(&mut self, op: Op, result: CallResult, text: String, began: Instant) {
        self.step((op.name(), op), result, text, began);
    }

    /// The result of a step; the first of its kind is named after what it does.
    pub(super) fn step(&mut self, (label, op): (&str, Op), result: CallResult, text: String, began: Instant) {
        self.facts
            .push(Fact::new(format!("lifecycle.{label}.result"), result.value()));
        if op.calls_runtime() && result != CallResult::Ok {
            self.facts
                .push(Fact::new(format!("lifecycle.{label}.error"), class(&text)));
        }
        self.steps.push(StepRecord {
            label: label.to_owned(),
            op,
            argv: Vec::new(),
            result,
            exit: None,
            text,
            seconds: began.elapsed().as_secs_f64(),
        });
    }

    /// The engine's start covers the runtime's create and start, and one of them failed.
    pub(super) fn refused_by_runtime(
        &mut self,
        contender: &Contender,
        (op, why): (Op, &str),
        began: Instant,
    ) {
        if op == Op::Start {
            self.step_of(Op::Create, CallResult::Ok, String::new(), began);
        }
        self.step_of(op, CallResult::Error, why.to_owned(), began);
        if op == Op::Create {
            self.refused = contender.runtime.manifest.refusal(why, None).map(str::to_owned);
        }
    }

    /// The record.
    pub(super) fn into_record(self, case: &Case, contender: &Contender, bundle: &Bundle) -> Record {
        let mut facts = self.facts;
        facts.extend(facts::of_config(self.config.as_deref()));
        normalise(&mut facts);
        let outcome = RunOutcome::of(self.broken, self.refused.map(RunOutcome::Unsupported), &facts);
        Record {
            case: case.name.clone(),
            runtime: contender.id.clone(),
            bundle: bundle.digest.clone(),
            recorder: "none (the engine runs it)".to_owned(),
            outcome,
            ran: self.ran,
            steps: self.steps,
            facts,
            filters: Vec::new(),
            setup: Vec::new(),
            calls: Vec::new(),
            total_calls: 0,
            seconds: self.seconds,
        }
    }

    /// The result of an act, as a cell would report it. Returns whether its process was killed in the end.
    pub(super) fn did(&mut self, act: &Act, result: Result<Done, String>, began: Instant) -> bool {
        let (op, label) = (act.deed.op(), act.label.as_str());
        let is_stop = op == Op::Kill;
        match result {
            Ok(Done::Late) if is_stop => {
                self.step((label, op), CallResult::Ok, String::new(), began);
                self.step(
                    (Op::Wait.name(), Op::Wait),
                    CallResult::Timeout,
                    String::new(),
                    began,
                );
                self.step(("kill#2", op), CallResult::Ok, String::new(), began);
                return true;
            }
            Ok(Done::Well) => self.step((label, op), CallResult::Ok, String::new(), began),
            Ok(Done::Late) => self.step((label, op), CallResult::Timeout, String::new(), began),
            Ok(Done::Ended(exit, output)) => {
                let result = if exit == 0 {
                    CallResult::Ok
                } else {
                    CallResult::Error
                };
                let words = String::from_utf8_lossy(&output.stderr).into_owned();
                self.step((label, op), result, words, began);
                self.facts
                    .push(Fact::new(format!("lifecycle.{label}.exit"), exit));
                self.printed(&format!("{label}."), &output);
            }
            Err(why) => {
                self.step((label, op), CallResult::Error, why, began);
                if op == Op::Exec {
                    self.printed(&format!("{label}."), &Output::default());
                }
            }
        }
        false
    }

    /// What a process printed: lines of the probe are facts.
    pub(super) fn printed(&mut self, prefix: &str, output: &Output) {
        let mut printed = stdio::Printed::by(prefix);
        for (name, bytes, lost) in [
            ("stdout", &output.stdout, output.lost[0]),
            ("stderr", &output.stderr, output.lost[1]),
        ] {
            let lost = (lost > 0).then_some(Lost {
                bytes: lost,
                digest: None,
            });
            let (found, lines) = printed.read(bytes, lost.as_ref());
            if let Some(lost) = &lost {
                // Nothing is known of them: what nobody has read does not agree.
                let kept = bytes.len();
                self.broken.get_or_insert_with(|| {
                    format!("process.{prefix}{name} was cut at {kept} bytes by the engine's log, and {} more are not read: let the workload print less", lost.bytes)
                });
            }
            self.facts.extend(found);
            self.facts
                .push(Fact::new(format!("process.{prefix}{name}"), lines));
        }
    }
}
