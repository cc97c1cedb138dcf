//! What a case asks for and nobody looks at: an expectation of it would be neither met nor missed, and a watch would
//! compare nothing.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use ocidiff_model::compared::{is_compared, is_of_create};
use ocidiff_model::facts::{self, From};
use ocidiff_model::merge::merge;
use ocidiff_model::step::{MAIN, labels};
use ocidiff_model::{Case, Channel, Op, Watch, fact, life};
use serde_json::Value;

use super::facts::Names;
use super::place::Place;
use super::program::Root;
use super::slip::Slip;
use crate::corpus::Corpus;
use crate::corpus::configs::process_of;
use crate::corpus::diagnostic::Diagnostic;

/// Everything that a case expects and watches, although nobody looks at it.
pub(super) fn case(place: Place<'_>, config: &Value, corpus: &Corpus, names: &Names) -> Vec<Diagnostic> {
    let case = place.case;
    let look = Look {
        lived: Lived::of(case),
        config,
        corpus,
        names,
        root: OnceCell::new(),
    };
    let expected = case.body.expect.keys().filter_map(|path| {
        let (message, help) = look.expected(path)?;
        Some(place.at(&["expect", path], message, help))
    });
    let watched = case.body.watch.iter().flat_map(|(channel, watch)| {
        let paths = Watch::paths(watch).iter().enumerate();
        paths.filter_map(|(index, path)| {
            let (message, help) = look.watched(*channel, path)?;
            Some(place.at(&["watch", channel.name(), &index.to_string()], message, help))
        })
    });
    expected.chain(watched).collect()
}

/// Why nobody looks at a fact of a case: its container does not have that life, or no step shows it.
pub(super) fn fact(case: &Case, path: &str) -> Option<Slip> {
    let of = facts::find(path).and_then(|found| found.of);
    Lived::of(case).unshown(Channel::of(path)?, path, of)
}

/// What is looked at in a case's runs.
struct Look<'a> {
    lived: Lived<'a>,
    config: &'a Value,
    corpus: &'a Corpus,
    /// The other containers and processes.
    names: &'a Names,
    /// What is known about the main container's files, once it is asked for.
    root: OnceCell<Root>,
}

impl Look<'_> {
    /// Why an expected fact is not looked at.
    fn expected(&self, path: &str) -> Option<Slip> {
        let channel = Channel::of(path)?;
        let of = facts::find(path).and_then(|found| found.of);
        self.lived
            .unshown(channel, path, of)
            .or_else(|| self.uncompared_call(channel, path))
            .or_else(|| self.unasked(path))
    }

    /// Why nothing that a watched path can choose is looked at.
    fn watched(&self, channel: Channel, path: &str) -> Option<Slip> {
        let mut all = self.lived.case.body.watched(channel).iter();
        if channel == Channel::Syscall && all.all(|word| word == fact::ONLY) {
            let help = "name the calls beside it: `syscall: [only, openat]`".to_owned();
            return Some((format!("`{path}` leaves out all calls"), Some(help)));
        }
        let whole = format!("{channel}.{path}");
        let (life, first) = life::life_of(&whole);
        let wanted = (life > 1).then_some(life);
        let ofs: BTreeSet<Option<&str>> = facts::chosen(channel, path, &self.names.others)
            .iter()
            .map(|found| found.of)
            .chain((path == fact::ONLY).then_some(None))
            .collect();
        let slip = |of: &Option<&str>| {
            let lived = &self.lived;
            lived
                .unlived(&whole, *of, life)
                .or_else(|| lived.unseen(channel, &whole, &format!("{first}."), &lived.taken(*of, wanted)))
        };
        // One suitable reading is enough.
        let slips: Vec<Option<Slip>> = ofs.iter().map(slip).collect();
        if slips.iter().any(Option::is_none) {
            return None;
        }
        slips.into_iter().flatten().next()
    }

    /// Calls are kept where a case watches them.
    fn uncompared_call(&self, channel: Channel, path: &str) -> Option<Slip> {
        if channel != Channel::Syscall || is_compared(self.lived.case, path) {
            return None;
        }
        let call = fact::call_of(path.trim_start_matches("syscall."));
        let help = format!("write `watch: {{syscall: [{call}]}}`");
        Some((format!("no calls of `{call}` are recorded"), Some(help)))
    }

    /// A fact of the probe for which the process does not ask it.
    fn unasked(&self, path: &str) -> Option<Slip> {
        let found = facts::find(path).filter(|found| found.kind.from == From::Inside)?;
        // A text edit can change the words, too.
        if !self.lived.case.body.config_text.is_empty() || path.contains("${") {
            return None;
        }
        let name = name(path, found.of)?;
        let can_report = match found.of {
            // Most of what is expected is about this one.
            None => self.root().can_report(&self.config["process"], &name),
            Some(of) => {
                let (config, process) = self.process(of)?;
                Root::of(self.lived.case, &config, self.corpus).can_report(&process, &name)
            }
        };
        if can_report {
            return None;
        }
        let help = "`/bin/probe help` prints what it reports when asked".to_owned();
        Some((format!("the probe is not asked for `{path}`"), Some(help)))
    }

    fn root(&self) -> &Root {
        self.root
            .get_or_init(|| Root::of(self.lived.case, self.config, self.corpus))
    }

    /// The config of another container, or of the one that an exec'ed process is in, and the process.
    fn process(&self, of: &str) -> Option<(Value, Value)> {
        let steps = &self.lived.case.body.steps;
        let labels = labels(steps);
        let step = labels.iter().zip(steps).find_map(|(label, step)| match step.op {
            Op::Exec => (label == of).then_some(step),
            Op::Create | Op::Run => (step.container() == of).then_some(step),
            _ => None,
        })?;
        let mut config = self.config.clone();
        if let Some(extra) = &step.options.config {
            merge(&mut config, extra).ok()?;
        }
        let process = process_of(step, &config);
        Some((config, process))
    }
}

/// The containers of a case, with their lives.
struct Lived<'a> {
    case: &'a Case,
    /// The life of its container that each step is in.
    lives: Vec<u32>,
}

impl<'a> Lived<'a> {
    fn of(case: &'a Case) -> Self {
        Self {
            case,
            lives: life::lives(&case.body.steps),
        }
    }

    /// Why no run shows the fact.
    fn unshown(&self, channel: Channel, path: &str, of: Option<&str>) -> Option<Slip> {
        let (life, first) = life::life_of(path);
        self.unlived(path, of, life)
            .or_else(|| self.unseen(channel, path, first, &self.taken(of, Some(life))))
    }

    /// A life that the container does not have: `process.exit#2` of one that is made once.
    fn unlived(&self, path: &str, of: Option<&str>, life: u32) -> Option<Slip> {
        let name = self.container_of(of);
        let steps = self.case.body.steps.iter();
        let is_exec = of.is_some_and(|of| of != name);
        let made = steps.filter(|step| step.op.makes_container() && step.container() == name);
        let lives = if is_exec { 1 } else { made.count() };
        (life > 1 && life as usize > lives).then(|| {
            let help = "`#2` at its end is for a container that is made a second time".to_owned();
            let what = if is_exec { of.unwrap_or(name) } else { name };
            let times = if lives == 1 {
                "once".to_owned()
            } else {
                format!("{lives} times")
            };
            (
                format!("`{path}` is not looked at: `{what}` is made {times}"),
                Some(help),
            )
        })
    }

    /// The container that `of` names, or that the exec'ed process of that label is in.
    fn container_of<'p>(&self, of: Option<&'p str>) -> &'p str {
        facts::container_of(of, |name| {
            self.case.body.steps.iter().any(|step| step.container() == name)
        })
    }

    /// The steps of a container, in one of its lives or in all.
    fn taken(&self, of: Option<&str>, life: Option<u32>) -> Taken {
        let name = self.container_of(of);
        let is_exec = of.is_some_and(|of| of != name);
        let steps = self.case.body.steps.iter().zip(&self.lives);
        let of_it = steps.filter(|(step, _)| step.container() == name);
        let in_life = of_it.filter(|(_, in_life)| is_exec || life.is_none_or(|life| life == **in_life));
        Taken {
            container: name.to_owned(),
            is_exec,
            ops: in_life.map(|(step, _)| step.op).collect(),
        }
    }

    /// Why a fact is not looked at; `shown` is how the case has it, `path` how the first life's is called.
    fn unseen(&self, channel: Channel, shown: &str, path: &str, taken: &Taken) -> Option<Slip> {
        let says = |why: &str, help: &str| {
            Some((format!("`{shown}` is not looked at {why}"), Some(help.to_owned())))
        };
        let name = match taken.container.as_str() {
            MAIN => "the main container".to_owned(),
            other => format!("`{other}`"),
        };
        let is_of_run = !matches!(
            channel,
            Channel::Lifecycle | Channel::Leftover | Channel::Hook | Channel::Engine
        );
        let is_started = taken.has(Op::Start) || taken.has(Op::Run);
        if is_of_run && !is_started {
            return says(&format!("if no step starts {name}"), "add a `start` to `steps`");
        }
        let is_recorded = taken.has(Op::Create) && taken.has(Op::Start);
        let is_of_recorder = channel == Channel::Syscall || fact::is_of_visit(path);
        if is_of_recorder && !is_recorded {
            let help = "`run` steps are not recorded: take `create` and `start`";
            return says("unless the container is created and then started", help);
        }
        if is_of_create(path) && !taken.has(Op::Create) {
            let help = "`run` leaves no moment to look: take `create` and `start`";
            return says(&format!("unless {name} is created"), help);
        }
        let is_end = channel == Channel::Process && path.ends_with(".exit");
        if is_end && !taken.is_exec && !taken.has(Op::Create) {
            return says("of a container that is run", "the status is `lifecycle.run.exit`");
        }
        if !self.case.body.is_visited() && fact::is_of_visit(path) {
            return says("if `filter` is false", "take `filter: false` out of `watch`");
        }
        None
    }
}

/// The steps that are taken with a container.
struct Taken {
    container: String,
    /// Whether it is about a process that is exec'ed in it.
    is_exec: bool,
    ops: Vec<Op>,
}

impl Taken {
    fn has(&self, op: Op) -> bool {
        self.ops.contains(&op)
    }
}

/// What the probe calls the fact.
fn name(path: &str, of: Option<&str>) -> Option<String> {
    let (channel, rest) = path.split_once('.')?;
    let rest = of.map_or(Some(rest), |of| rest.strip_prefix(of)?.strip_prefix('.'))?;
    let rest = rest.strip_prefix("inside.").unwrap_or(rest);
    // `mkdir./a#2` is the second of `mkdir./a`, and `mkdir./a#1#2` the first of another life.
    let rest = facts::without_counts(rest);
    let is_own = match channel {
        "mount" => rest.starts_with('/'),
        "cgroup" => !rest.starts_with("cgroupfs"),
        _ => false,
    };
    Some(if is_own {
        format!("{channel}.{rest}")
    } else {
        rest.to_owned()
    })
}
