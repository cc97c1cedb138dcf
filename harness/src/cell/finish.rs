//! The end of a run: how every container ended, what it changed, and what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ocidiff_model::record::{EBPF, FilterRecord, VISIT};
use ocidiff_model::step::MAIN;
use ocidiff_model::{Channel, Fact, Op};
use ocidiff_trace::{Error, SetupCall};

use super::container::{Container, Ended};
use super::job::{Message, TraceReport};
use super::run::{Life, Run, prefix_of};
use super::{observe, trace_facts};
use crate::digest::hex;
use crate::paths;

/// How long to read a pipe that the workload shared with others, after the workload's end.
const TAIL: Duration = Duration::from_millis(20);

impl Run<'_> {
    /// Reports how every container ended, what it changed, and what is left.
    pub(super) fn finish(&mut self) {
        let lives: Vec<Life> = self.containers.keys().cloned().collect();
        let of_main = self.containers.iter().filter(|((name, _), _)| name == MAIN);
        let inits = of_main.filter_map(|((_, life), container)| Some((*life, container.pid?.as_raw())));
        let inits = inits.collect();
        for life in &lives {
            self.finish_container(life);
        }
        self.tell_setup(&inits);
        if !lives.iter().any(|(name, _)| name == MAIN) {
            let recorder = "none (no init waited for a start)".to_owned();
            // Events of a runtime whose run came to nothing count as lost like any other.
            let lost = self
                .recorder
                .as_ref()
                .map_or(0, |recorder| recorder.lost().unwrap_or(0));
            (self.tell)(Message::Trace(TraceReport {
                life: 1,
                recorder,
                lost,
                ..TraceReport::default()
            }));
        }
        for name in self.job.containers.keys() {
            self.changed(name);
        }
        let order = self.hooks.order();
        self.facts(order.into_iter().collect());
        if self
            .job
            .steps
            .iter()
            .any(|step| matches!(step.op, Op::Delete | Op::Run))
        {
            let left = self.before.facts();
            self.facts(left);
        }
    }

    /// What the run changed in a container's files.
    fn changed(&mut self, name: &str) {
        let asked = self.job.record.as_ref().map_or(&[][..], |record| &record.files);
        let found = observe::file::changed(&paths::upper(name), &prefix_of(name), asked);
        if let Some(why) = found.cut {
            (self.tell)(Message::Broken(format!(
                "not all files that it watches were looked at: {why}; watch fewer, or let the workload write less"
            )));
        }
        self.facts(found.facts);
    }

    /// How the runtime set the main container up in each of its lives, where the recorder saw it.
    fn tell_setup(&mut self, inits: &BTreeMap<u32, i32>) {
        let (Some(recorder), Some(record)) = (&self.recorder, &self.job.record) else {
            return;
        };
        let calls = recorder.take_setup();
        let config = self.job.containers.get(MAIN).map_or("", String::as_str);
        let asked = observe::setup::Asked::of(config);
        if record.setup {
            let lines = calls.iter().map(observe::setup::line).collect();
            (self.tell)(Message::Setup(lines));
        }
        let of_main = self.job.steps.iter().filter(|step| step.container == MAIN);
        let last = of_main.map(|step| step.life).max().unwrap_or(1);
        for life in 1..=last {
            let init = inits.get(&life).copied();
            let calls = self.of_life(&calls, life, init);
            self.facts_in(life, observe::setup::facts(&calls, init, &asked));
        }
    }

    /// The calls that were made for a life of the main container: by its init, or in its steps.
    fn of_life(&self, calls: &[SetupCall], life: u32, init: Option<i32>) -> Vec<SetupCall> {
        let steps = self.job.steps.iter();
        // What belongs to no container (list, features) comes before the first.
        let others = steps.filter(|step| step.container != MAIN || step.life != life);
        let others: BTreeSet<&str> = others.map(|step| step.label.as_str()).collect();
        let is_of_it = |call: &&SetupCall| Some(call.pid) == init || !others.contains(call.phase.as_str());
        calls.iter().filter(is_of_it).cloned().collect()
    }

    fn finish_container(&mut self, of: &Life) {
        let Some(mut container) = self.containers.remove(of) else {
            return;
        };
        let (name, life) = (of.0.as_str(), of.1);
        let prefix = &prefix_of(name);
        if container.pid.is_some() {
            let ended = container.ended(&self.pump);
            let ended = ended.or_else(|| {
                container.kill();
                container.wait(&mut self.pump, Instant::now() + Duration::from_secs(2));
                None
            });
            self.facts_in(life, vec![end_fact(prefix, ended.as_ref())]);
        }
        self.facts_in(life, container.take_exec_facts());
        self.pump.until(None, Instant::now() + TAIL, |_| true);
        if let Some(streams) = container.streams {
            self.output(prefix, life, streams);
        }
        if name == MAIN {
            let records = self
                .job
                .record
                .as_ref()
                .is_some_and(|record| record.calls.is_some());
            let with = match (records, &self.recorder) {
                (false, _) => VISIT,
                (true, Some(_)) => EBPF,
                (true, None) => "ptrace",
            };
            let Recorded {
                mut report,
                mut facts,
                cut,
            } = report(&mut container, with);
            if let Some(why) = cut {
                (self.tell)(Message::Broken(why));
            }
            facts.retain(|fact| records || Channel::of(&fact.path) != Some(Channel::Syscall));
            self.facts_in(life, facts);
            report.life = life;
            (self.tell)(Message::Trace(report));
        }
    }
}

fn end_fact(prefix: &str, ended: Option<&Ended>) -> Fact {
    match ended {
        Some(Ended::Code(code)) => Fact::new(format!("process.{prefix}exit"), i64::from(*code)),
        Some(Ended::Signal(name)) => Fact::new(format!("process.{prefix}exit"), format!("signal {name}")),
        Some(Ended::Unknown) => Fact::new(format!("process.{prefix}exit"), "unknown"),
        None => Fact::new(format!("process.{prefix}exit"), "still running"),
    }
}

/// What the recorder saw.
struct Recorded {
    report: TraceReport,
    facts: Vec<Fact>,
    /// Why the facts are not all that the case watches.
    cut: Option<String>,
}

fn report(container: &mut Container, recorder: &str) -> Recorded {
    let none = |why: String| Recorded {
        report: TraceReport {
            recorder: format!("none ({why})"),
            ..TraceReport::default()
        },
        facts: Vec::new(),
        cut: None,
    };
    let trace = match container.take_trace() {
        Some(Ok(Some(trace))) => trace,
        Some(Ok(None)) => return none("nothing was recorded".to_owned()),
        Some(Err(Error::Lost(lost))) => {
            let mut nothing = none("it lost events".to_owned());
            nothing.report.lost = lost;
            return nothing;
        }
        Some(Err(why)) => return none(format!("failed to {why}")),
        None => {
            return none(
                container
                    .unrecorded
                    .clone()
                    .unwrap_or_else(|| "the workload did not end".to_owned()),
            );
        }
    };
    let facts = trace_facts::facts(&trace);
    // Where reading stopped at one, the others say nothing about what is in force.
    let read = trace.filters_unread.is_none().then_some(&trace.filters);
    let filters = read.into_iter().flatten().rev().map(|filter| FilterRecord {
        instructions: filter.len(),
        digest: filter.digest(),
        code: hex(&filter.to_bytes()),
    });
    let report = TraceReport {
        life: 1,
        recorder: recorder.to_owned(),
        calls: trace.calls.iter().map(trace_facts::line).collect(),
        total: trace.total,
        filters: filters.collect(),
        lost: 0,
    };
    Recorded {
        report,
        facts,
        cut: trace_facts::cut(&trace),
    }
}
