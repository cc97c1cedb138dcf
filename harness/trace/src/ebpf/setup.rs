//! What runtimes do before the workload: the calls by which they confine it.

use std::collections::HashMap;

use super::execve;
use super::kept::Kept;
use super::layout::{Event, Kind};
use super::task::{failure, pending};
use crate::decode::{Caller, Decoder, Source};
use crate::ordinal::Ordinal;
use crate::record::{Call, CallResult, SetupCall};
use crate::{Pid, arch};

/// How many calls are kept: a runtime makes a few hundred.
const MAX_CALLS: usize = 5_000;
const MAX_STRING: usize = 256;

/// Collects them.
pub(super) struct Setup {
    decoder: Decoder,
    phase: String,
    calls: Vec<SetupCall>,
    processes: HashMap<Pid, u32>,
    /// The text of an execve that has entered and not left yet, by thread.
    entered: HashMap<Pid, Call>,
}

impl Setup {
    pub(super) fn new() -> Self {
        Self {
            decoder: Decoder::new(&["*".to_owned()], MAX_STRING),
            phase: String::new(),
            calls: Vec::new(),
            processes: HashMap::new(),
            entered: HashMap::new(),
        }
    }

    pub(super) fn phase(&mut self, label: &str) {
        label.clone_into(&mut self.phase);
    }

    pub(super) fn take(&mut self) -> Vec<SetupCall> {
        std::mem::take(&mut self.calls)
    }

    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event.kind {
            Kind::Enter => {
                let call = self.words(event);
                self.entered.insert(event.tid, call);
            }
            Kind::Call => {
                let result = match failure(event.ret) {
                    Some(outcome) => outcome.result(),
                    None => CallResult::Value(self.value(event)),
                };
                let mut call = self
                    .entered
                    .remove(&event.tid)
                    .unwrap_or_else(|| self.words(event));
                call.result = result;
                self.keep(event.tgid, call);
            }
            Kind::Exec => {
                let mut call = self
                    .entered
                    .remove(&event.other)
                    .unwrap_or_else(|| self.words(event));
                call.result = CallResult::Value("0".to_owned());
                execve::complete(&mut call, event, MAX_STRING);
                if let (Some(list), Some(last)) =
                    (execve::environment(event, MAX_STRING), call.args.get_mut(2))
                {
                    *last = list;
                }
                self.keep(event.tgid, call);
            }
            Kind::Fork => {
                self.process(Pid::try_from(event.ret).unwrap_or(event.other));
            }
            Kind::End | Kind::Trap => {}
        }
    }

    fn process(&mut self, tgid: Pid) -> u32 {
        let next = u32::try_from(self.processes.len()).unwrap_or(u32::MAX) + 1;
        *self.processes.entry(tgid).or_insert(next)
    }

    fn keep(&mut self, tgid: Pid, mut call: Call) {
        call.process = self.process(tgid);
        if self.calls.len() < MAX_CALLS {
            self.calls.push(SetupCall {
                phase: self.phase.clone(),
                pid: tgid,
                call,
            });
        }
    }

    fn words(&self, event: &Event<'_>) -> Call {
        let call = pending(event);
        let known = |_| None;
        let caller = Caller {
            source: &kept(event),
            known: &known,
        };
        // Which process it belongs to is known when it is kept.
        let nobody = Ordinal {
            process: 0,
            thread: 1,
        };
        let mut line = self.decoder.line(&caller, nobody, &call);
        for arg in &mut line.args {
            if let Some(target) = through_descriptor(arg, &kept(event)) {
                *arg = target;
            }
        }
        line
    }

    fn value(&self, event: &Event<'_>) -> String {
        let (call, known) = (pending(event), |_| None);
        let caller = Caller {
            source: &kept(event),
            known: &known,
        };
        if arch::name(call.arch, call.nr).is_some_and(|name| name.starts_with("clone")) {
            return "a process".to_owned();
        }
        self.decoder.value(&caller, call.arch, call.nr, event.ret)
    }
}

/// `"/proc/self/fd/8"` as what the descriptor refers to: `"</run/bundle/rootfs/proc>"`.
fn through_descriptor(arg: &str, kept: &Kept<'_>) -> Option<String> {
    let path = arg.strip_prefix("\"/proc/")?.strip_suffix('"')?;
    let number = path
        .strip_prefix("self/fd/")
        .or_else(|| path.strip_prefix("thread-self/fd/"))?;
    let (number, rest) = number.split_once('/').unwrap_or((number, ""));
    let target = kept.descriptor(number.parse().ok()?)?;
    let rest = if rest.is_empty() {
        String::new()
    } else {
        format!("/{rest}")
    };
    Some(format!("\"<{target}>{rest}\""))
}

fn kept<'event>(event: &'event Event<'event>) -> Kept<'event> {
    Kept {
        event,
        constants: None,
        // Looking for a constant means reading all mappings of a runtime: too expensive for what it yields.
        live: false,
    }
}
