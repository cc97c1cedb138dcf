//! The steps of a run, one after the other, and what is seen after each.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use ocidiff_model::record::CallResult;
use ocidiff_model::step::MAIN;
use ocidiff_model::{Fact, Op, StepRecord, life};
use ocidiff_trace::EbpfRecorder;
use rustix::fs::{Mode, OFlags};

use super::call::{self, Call};
use super::console::Console;
use super::container::Container;
use super::job::{Job, JobStep, Message};
use super::observe::{self, hook::Hooks, leftover::Before};
use super::pump::{Pump, StreamId};
use crate::paths;

/// How much of a runtime's own text is kept, in bytes.
const TEXT: usize = 4096;
/// What a runtime can do is a document of some kilobytes, and is read.
const FEATURES: usize = 128 * 1024;

/// A life of a container: its name, and how many times it has been made.
pub(super) type Life = (String, u32);

/// A run that is under way.
pub(crate) struct Run<'a> {
    pub(super) job: &'a Job,
    pub(super) pump: Pump,
    pub(super) containers: BTreeMap<Life, Container>,
    pub(super) hooks: Hooks,
    pub(super) before: Before,
    pub(super) recorder: Option<EbpfRecorder>,
    ran: bool,
    pub(super) tell: &'a mut dyn FnMut(Message),
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        job: &'a Job,
        recorder: Option<EbpfRecorder>,
        tell: &'a mut dyn FnMut(Message),
    ) -> Self {
        Self {
            job,
            pump: Pump::new(job.stream_cap),
            containers: BTreeMap::new(),
            hooks: Hooks::default(),
            before: Before::look(),
            recorder,
            ran: false,
            tell,
        }
    }

    /// Takes every step; returns whether the workload ran.
    ///
    /// # Errors
    /// The harness's or the machine's fault: a program that cannot be started.
    pub(crate) fn take_steps(mut self) -> io::Result<bool> {
        let mut gone = Vec::new();
        for step in &self.job.steps {
            if gone.contains(&step.life()) && step.op != Op::Create {
                continue;
            }
            if let Some(recorder) = &self.recorder {
                recorder.phase(&step.label);
            }
            let result = self.take(step)?;
            let hooks = self.hooks.look(step.op, &step.label);
            self.facts(hooks);
            // Without the container, the steps that are about it show nothing more.
            if step.op == Op::Create && result != CallResult::Ok {
                gone.push(step.life());
            }
        }
        self.finish();
        Ok(self.ran)
    }

    pub(super) fn facts(&mut self, facts: Vec<Fact>) {
        if !facts.is_empty() {
            (self.tell)(Message::Facts(facts));
        }
    }

    /// Facts of a life of a container.
    pub(super) fn facts_in(&mut self, life: u32, mut facts: Vec<Fact>) {
        life::give_life(&mut facts, life);
        self.facts(facts);
    }

    fn take(&mut self, step: &JobStep) -> io::Result<CallResult> {
        let (result, exit, text, seconds) = match step.op {
            Op::Wait => self.wait(step),
            Op::Await => self.wait_for_text(step),
            _ if step.argv.is_empty() => (
                CallResult::Error,
                None,
                "the runtime has no such step".to_owned(),
                0.0,
            ),
            _ => self.call(step)?,
        };
        let record = StepRecord {
            label: step.label.clone(),
            op: step.op,
            argv: step.argv.clone(),
            result: result.clone(),
            exit,
            text,
            seconds,
        };
        let mut facts = vec![Fact::new(
            format!("lifecycle.{}.result", step.label),
            result.value(),
        )];
        if step.op.calls_runtime() {
            if let Some(exit) = exit {
                facts.push(Fact::new(
                    format!("lifecycle.{}.exit", step.label),
                    i64::from(exit),
                ));
            }
            if result != CallResult::Ok {
                let class = observe::lifecycle::class(&record.text);
                facts.push(Fact::new(format!("lifecycle.{}.error", step.label), class));
            }
        }
        (self.tell)(Message::Step(record));
        self.facts(facts);
        Ok(result)
    }

    fn call(&mut self, step: &JobStep) -> io::Result<(CallResult, Option<i32>, String, f64)> {
        if let Some((path, text)) = &step.input {
            fs::write(path, text)?;
        }
        let limit = Duration::from_millis(step.limit_ms);
        let console = if step.terminal {
            Some(Console::listen(&step.container)?)
        } else {
            None
        };
        let call = call::run(&mut self.pump, &step.argv, &self.job.env, limit)?;
        let most = if step.op == Op::Features { FEATURES } else { TEXT };
        let text = self.text(&call, most);
        match step.op {
            Op::Create => self.created(step, &call, console.as_ref()),
            Op::Start if call.result == CallResult::Ok => self.started(step),
            Op::State => self.show_state(step, &call),
            Op::Exec | Op::Run => self.show_output(step, &call),
            Op::List | Op::Features if call.result == CallResult::Ok => self.show_answer(step, &call),
            _ => {}
        }
        // A run has many calls, and each may print up to the cap.
        if step.op != Op::Create {
            [call.stdout, call.stderr]
                .into_iter()
                .for_each(|id| self.pump.mute(id));
        }
        Ok((call.result, call.exit, text, call.seconds))
    }

    /// What the runtime itself printed, stderr first.
    fn text(&self, call: &Call, most: usize) -> String {
        let of = |id| String::from_utf8_lossy(self.pump.stream(id).kept()).into_owned();
        let mut text = of(call.stderr) + &of(call.stdout);
        if text.len() > most {
            let end = (0..=most)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            text.truncate(end);
            text.push_str(" ...");
        }
        text
    }

    fn created(&mut self, step: &JobStep, call: &Call, console: Option<&Console>) {
        let mut container = Container::new();
        if call.result == CallResult::Ok {
            let streams = [call.stdout, call.stderr].map(|id| {
                let stream = self.pump.stream(id);
                (stream.kept(), stream.lost())
            });
            let facts = observe::printed::create(&format!("lifecycle.{}", step.label), streams);
            self.facts(facts);
        }
        // From here on, what is printed is the container's own.
        [call.stdout, call.stderr]
            .into_iter()
            .for_each(|id| self.pump.forget(id));
        container.streams = Some([call.stdout, call.stderr]);
        let (pid, what) = read_pid(&step.container, &self.pump);
        if let Some(console) = console {
            let master = console.master().and_then(|master| self.pump.add(master).ok());
            let what = if master.is_some() { "sent" } else { "missing" };
            self.facts(vec![Fact::new(
                format!("lifecycle.{}.terminal", step.label),
                what,
            )]);
            // What the container prints comes from its terminal; that includes stderr.
            if let (Some(master), Some([stdout, _])) = (master, &mut container.streams) {
                *stdout = master;
            }
        }
        if call.result == CallResult::Ok {
            self.facts(vec![Fact::new(
                format!("lifecycle.{}.pid_file", step.label),
                what,
            )]);
            if let Some(pid) = pid {
                let facts = observe::proc::created(pid.as_raw(), &prefix_of(&step.container));
                self.facts_in(step.life, facts);
                container.pid = Some(pid);
                self.pump.look_after(pid);
            }
            match &self.job.record {
                Some(record) if step.container == MAIN => {
                    container.record(&mut self.pump, record, self.recorder.as_ref());
                }
                _ => container.unrecorded = Some("not asked for".to_owned()),
            }
        }
        self.containers.insert(step.life(), container);
    }

    fn started(&mut self, step: &JobStep) {
        self.ran |= step.container == MAIN;
    }

    fn show_state(&mut self, step: &JobStep, call: &Call) {
        if call.result != CallResult::Ok {
            return;
        }
        let printed = String::from_utf8_lossy(self.pump.stream(call.stdout).kept()).into_owned();
        let pid = self
            .containers
            .get(&step.life())
            .and_then(|container| container.pid)
            .map(Pid::as_raw);
        let prefix = format!("lifecycle.{}", step.label);
        self.facts(observe::lifecycle::state(&prefix, &printed, &step.container, pid));
    }

    fn show_answer(&mut self, step: &JobStep, call: &Call) {
        let prefix = format!("lifecycle.{}", step.label);
        let printed = String::from_utf8_lossy(self.pump.stream(call.stdout).kept());
        let facts = if step.op == Op::List {
            observe::printed::list(&prefix, &printed)
        } else {
            observe::printed::features(&prefix, &printed)
        };
        self.facts(facts);
    }

    /// exec and run: what is printed comes from the process, mixed with the runtime's own words.
    fn show_output(&mut self, step: &JobStep, call: &Call) {
        self.ran |= step.op == Op::Run && step.container == MAIN;
        // A label counts the times that a process was exec'ed.
        let (prefix, life) = if step.op == Op::Run {
            (prefix_of(&step.container), step.life)
        } else {
            (format!("{}.", step.label), 1)
        };
        let output = [call.stdout, call.stderr];
        self.output(&prefix, life, output);
    }

    pub(super) fn output(&mut self, prefix: &str, life: u32, streams: [StreamId; 2]) {
        let mut facts = Vec::new();
        let mut unread_of = Vec::new();
        let mut printed = observe::stdio::Printed::by(prefix);
        for (name, id) in ["stdout", "stderr"].into_iter().zip(streams) {
            let stream = self.pump.stream(id);
            let unread = stream.unread();
            let (found, lines) = printed.read(stream.kept(), stream.lost().as_ref());
            facts.extend(found);
            let path = format!("process.{prefix}{name}");
            unread_of
                .extend(unread.map(|why| format!("{path} {why}: let the workload print less before them")));
            facts.push(Fact::new(path, lines));
        }
        for why in unread_of {
            (self.tell)(Message::Broken(why));
        }
        self.facts_in(life, facts);
    }

    fn wait(&mut self, step: &JobStep) -> (CallResult, Option<i32>, String, f64) {
        let started = Instant::now();
        let Some(container) = self.containers.get(&step.life()) else {
            return (
                CallResult::Error,
                None,
                "there is no such container".to_owned(),
                0.0,
            );
        };
        let in_time = container.wait(&mut self.pump, started + Duration::from_millis(step.limit_ms));
        let result = if in_time {
            CallResult::Ok
        } else {
            CallResult::Timeout
        };
        (result, None, String::new(), started.elapsed().as_secs_f64())
    }

    fn wait_for_text(&mut self, step: &JobStep) -> (CallResult, Option<i32>, String, f64) {
        let started = Instant::now();
        let wanted = step.stdout.clone().unwrap_or_default();
        let Some(Some([stdout, _])) = self.containers.get(&step.life()).map(|found| found.streams) else {
            return (
                CallResult::Error,
                None,
                "there is no such container".to_owned(),
                0.0,
            );
        };
        let deadline = started + Duration::from_millis(step.limit_ms);
        let found = self.pump.until(None, deadline, |pump| {
            pump.drain();
            String::from_utf8_lossy(pump.stream(stdout).kept()).contains(&wanted)
        });
        if let Some(cut) = self.pump.stream(stdout).cut().filter(|_| !found) {
            (self.tell)(Message::Broken(format!(
                "{} waited for `{wanted}`, and what the container printed {cut}: let it print less before that",
                step.label
            )));
        }
        let result = if found {
            CallResult::Ok
        } else {
            CallResult::Timeout
        };
        (result, None, String::new(), started.elapsed().as_secs_f64())
    }
}

/// What comes between the channel and the rest in paths of a container's facts.
pub(super) fn prefix_of(container: &str) -> String {
    if container == MAIN {
        String::new()
    } else {
        format!("{container}.")
    }
}

/// The pid that the runtime wrote, if there is a process with that number.
fn read_pid(container: &str, pump: &Pump) -> (Option<Pid>, &'static str) {
    // A fifo must not block us, and an endless file must not fill our memory.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::open(paths::pid_file(container), flags, Mode::empty()) else {
        return (None, "missing");
    };
    let mut bytes = [0_u8; 64];
    let count = rustix::io::read(&file, &mut bytes).unwrap_or(0);
    let (pid, is_plain) = observe::lifecycle::pid(&bytes[..count]);
    match pid.map(Pid::from_raw) {
        Some(pid) if !is_somebody(pid, pump) => (None, "pid of nobody"),
        Some(pid) if is_plain => (Some(pid), "pid"),
        Some(pid) => (Some(pid), "pid and more"),
        None => (None, "garbage"),
    }
}

/// Whether there is a process with this number, or was a moment ago.
fn is_somebody(pid: Pid, pump: &Pump) -> bool {
    pump.was_here(pid) || fs::exists(format!("/proc/{pid}")).unwrap_or(false)
}
