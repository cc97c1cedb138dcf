//! What a case asks for and nobody looks at: an expectation of it would be neither met nor missed, and a watch would
//! compare nothing.

use std::cell::OnceCell;

use ocidiff_model::compared::is_compared;
use ocidiff_model::facts::{self, From};
use ocidiff_model::merge::merge;
use ocidiff_model::step::{MAIN, labels};
use ocidiff_model::{Case, Channel, Op, Watch, fact};
use serde_json::Value;

use super::place::Place;
use super::program::Root;
use super::slip::Slip;
use crate::corpus::Corpus;
use crate::corpus::diagnostic::Diagnostic;

/// Everything that a case expects and watches, although nobody looks at it.
pub(super) fn case(place: Place<'_>, config: &Value, corpus: &Corpus) -> Vec<Diagnostic> {
    let case = place.case;
    let look = Look {
        case,
        config,
        corpus,
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

/// What is looked at in a case's runs.
struct Look<'a> {
    case: &'a Case,
    config: &'a Value,
    corpus: &'a Corpus,
    /// What is known about the main container's files, once it is asked for.
    root: OnceCell<Root>,
}

impl Look<'_> {
    /// Why an expected fact is not looked at.
    fn expected(&self, path: &str) -> Option<Slip> {
        let channel = Channel::of(path)?;
        self.unseen(channel, path)
            .or_else(|| self.uncompared_call(channel, path))
            .or_else(|| self.unasked(path))
    }

    /// Why nothing that a watched path can choose is looked at.
    fn watched(&self, channel: Channel, path: &str) -> Option<Slip> {
        let mut all = self.case.body.watched(channel).iter();
        if channel == Channel::Syscall && all.all(|word| word == fact::ONLY) {
            let help = "name the calls beside it: `syscall: [only, openat]`".to_owned();
            return Some((format!("`{path}` leaves out all calls"), Some(help)));
        }
        self.unseen(channel, &format!("{channel}.{path}."))
    }

    fn unseen(&self, channel: Channel, path: &str) -> Option<Slip> {
        let shown = path.trim_end_matches('.');
        let takes = |op: Op| {
            let mut steps = self.case.body.steps.iter();
            steps.any(|step| step.op == op && step.container() == MAIN)
        };
        let is_of_run = !matches!(channel, Channel::Lifecycle | Channel::Leftover | Channel::Hook);
        let runs = self.case.body.steps.iter().any(|step| step.op == Op::Run);
        if is_of_run && !takes(Op::Start) && !runs {
            let help = "add a `start` to `steps`".to_owned();
            return Some((
                format!("`{shown}` is not looked at if no step starts the main container"),
                Some(help),
            ));
        }
        let is_recorded = takes(Op::Create) && takes(Op::Start);
        let is_of_recorder = channel == Channel::Syscall || fact::is_of_visit(path);
        if is_of_recorder && !is_recorded {
            let help = "`run` steps are not recorded: take `create` and `start`".to_owned();
            return Some((
                format!("`{shown}` is not looked at unless the container is created and then started"),
                Some(help),
            ));
        }
        if !self.case.body.is_visited() && fact::is_of_visit(path) {
            let help = "take `filter: false` out of `watch`".to_owned();
            return Some((
                format!("`{shown}` is not looked at if `filter` is false"),
                Some(help),
            ));
        }
        None
    }

    /// Calls are kept where a case watches them.
    fn uncompared_call(&self, channel: Channel, path: &str) -> Option<Slip> {
        if channel != Channel::Syscall || is_compared(self.case, path) {
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
        if !self.case.body.config_text.is_empty() || path.contains("${") {
            return None;
        }
        let name = name(path, found.of)?;
        let can_report = match found.of {
            // Most of what is expected is about this one.
            None => self.root().can_report(&self.config["process"], &name),
            Some(of) => {
                let (config, process) = self.process(of)?;
                Root::of(self.case, &config, self.corpus).can_report(&process, &name)
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
            .get_or_init(|| Root::of(self.case, self.config, self.corpus))
    }

    /// The config of another container, or of the one that an exec'ed process is in, and the process.
    fn process(&self, of: &str) -> Option<(Value, Value)> {
        let steps = &self.case.body.steps;
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
        let mut process = config["process"].clone();
        if let Some(exec) = &step.options.process {
            merge(&mut process, exec).ok()?;
        }
        Some((config, process))
    }
}

/// What the probe calls the fact.
fn name(path: &str, of: Option<&str>) -> Option<String> {
    let (channel, rest) = path.split_once('.')?;
    let rest = of.map_or(Some(rest), |of| rest.strip_prefix(of)?.strip_prefix('.'))?;
    let rest = rest.strip_prefix("inside.").unwrap_or(rest);
    // `mkdir./a#2` is the second of `mkdir./a`, and `call.#83` is a call.
    let counted = rest.rsplit_once('#').filter(|(before, count)| {
        !before.ends_with('.') && !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())
    });
    let rest = counted.map_or(rest, |(before, _)| before);
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
