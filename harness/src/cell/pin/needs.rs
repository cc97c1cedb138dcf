//! What cannot be pinned, set or read on this machine, found before anything runs: it becomes a need of the cases that
//! look at it.

use std::fs;

use ocidiff_model::caller::Limit;
use ocidiff_model::{Caller, Case};
use rustix::process::{Resource, getpriority_process, getrlimit};

use super::limits::PINNED;
use crate::machine::names::capability_number;

/// An attribute that cells inherit from the process that started the harness, and that cannot be reset, or that the
/// harness may not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpinned {
    /// Why, and what to do: follows "needs ".
    pub why: String,
    /// Which of a case's facts, watched paths, probe words and attributes of the caller are about it.
    marks: &'static [&'static str],
}

impl Unpinned {
    /// A sentence for people, printed once before anything runs.
    #[must_use]
    pub fn told(&self) -> String {
        format!("cases that look at it are skipped: they need {}", self.why)
    }

    /// Whether the case looks at the attribute.
    #[must_use]
    pub fn concerns(&self, case: &Case) -> bool {
        let body = &case.body;
        let says = |text: &str| self.marks.iter().any(|mark| text.contains(mark));
        let watched = body.watch.values().flat_map(|watch| watch.paths());
        let args = body.config["process"]["args"].as_array().into_iter().flatten();
        let caller = serde_json::to_value(&body.caller).unwrap_or_default();
        let mut set = caller.as_object().into_iter().flat_map(serde_json::Map::keys);
        body.expect.keys().any(|path| says(path))
            || set.any(|name| says(name))
            || watched.into_iter().any(|path| says(path))
            || args.filter_map(|arg| arg.as_str()).any(says)
    }
}

/// The process as the harness was started.
struct Started {
    status: String,
}

impl Started {
    fn has(&self, capability: &str) -> bool {
        let mask = u64::from_str_radix(self.of("CapEff:"), 16).unwrap_or(0);
        capability_number(capability).is_some_and(|bit| mask >> bit & 1 == 1)
    }

    fn of(&self, key: &str) -> &str {
        let found = self.status.lines().find_map(|line| line.strip_prefix(key));
        found.unwrap_or_default().trim()
    }
}

/// What cells cannot be given alike on this machine.
#[must_use]
pub(crate) fn unpinned() -> Vec<Unpinned> {
    let started = Started {
        status: fs::read_to_string("/proc/self/status").unwrap_or_default(),
    };
    let mut found = Vec::new();
    found.extend(niceness(&started));
    found.extend(out_of_memory());
    if started.of("NoNewPrivs:") == "1" {
        found.push(Unpinned {
            why: "a caller without no_new_privs, which cannot be taken back; start ocidiff without it"
                .to_owned(),
            marks: &["nnp", "no_new_privs", "NoNewPrivileges"],
        });
    }
    let securebits = rustix::thread::capabilities_secure_bits().map_or(0, |bits| bits.bits());
    if securebits != 0 && !started.has("SETPCAP") {
        found.push(Unpinned {
            why: format!(
                "a caller without securebits, and they are {securebits:#x}; resetting them takes CAP_SETPCAP"
            ),
            marks: &["caps", "securebits"],
        });
    }
    if !started.has("SYS_RESOURCE") {
        found.extend(limits());
    }
    if !started.has("SYS_NICE") {
        found.push(Unpinned {
            why: "CAP_SYS_NICE, without which nobody reads the timer slack of another process".to_owned(),
            marks: &["timerslack_ns"],
        });
    }
    found
}

/// The capability that it takes to give a runtime's caller what a case wants, if the harness does not have it. What
/// cells have before that is pinned, or [`unpinned`].
#[must_use]
pub(crate) fn lacking_for(caller: &Caller, has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let needs =
        |capability: &'static str, is_needed: bool| (is_needed && !has(capability)).then_some(capability);
    let is_raised = |(name, limit): (&String, &Limit)| {
        let pinned = PINNED.iter().find(|(known, ..)| known == name);
        pinned.is_some_and(|(.., hard)| limit.hard > *hard)
    };
    needs("CAP_SYS_NICE", caller.nice.is_some_and(|nice| nice < 0))
        .or_else(|| needs("CAP_SYS_RESOURCE", caller.limits.iter().any(is_raised)))
        .or_else(|| {
            let is_low = caller.oom_score_adj.is_some_and(|adj| adj < 0 && !may_have(adj));
            needs("CAP_SYS_RESOURCE", is_low)
        })
}

fn niceness(started: &Started) -> Option<Unpinned> {
    let nice = getpriority_process(None).unwrap_or(0);
    let is_idle = ocidiff_trace::process::scheduler() & 0xff == super::IDLE;
    // RLIMIT_NICE: 20 allows a nice value of 0.
    let allowed = started.has("SYS_NICE") || getrlimit(Resource::Nice).current.unwrap_or(u64::MAX) >= 20;
    ((nice > 0 || is_idle) && !allowed).then(|| Unpinned {
        why: format!("a nice of 0, and ocidiff's is {nice}; lowering it takes CAP_SYS_NICE, or start it without nice and chrt"),
        marks: &["sched", "nice"],
    })
}

fn out_of_memory() -> Option<Unpinned> {
    let adj = fs::read_to_string("/proc/self/oom_score_adj").ok()?;
    (!may_have(0)).then(|| Unpinned {
        why: format!(
            "an oom_score_adj of 0, and ocidiff's is {}; lowering it takes CAP_SYS_RESOURCE",
            adj.trim()
        ),
        marks: &["oom"],
    })
}

/// Whether the process may have this oom_score_adj: that depends on which process raised it, so it is tried, and put
/// back.
fn may_have(adj: i32) -> bool {
    let before = fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
    let may = super::write("oom_score_adj", &adj.to_string()).is_ok();
    let _ = super::write("oom_score_adj", before.trim());
    may
}

fn limits() -> Option<Unpinned> {
    let low: Vec<String> = PINNED
        .iter()
        .filter_map(|(name, resource, _, wanted)| {
            let hard = getrlimit(*resource).maximum.unwrap_or(u64::MAX);
            let told = |value: u64| match value {
                u64::MAX => "unlimited".to_owned(),
                value => value.to_string(),
            };
            (hard < *wanted).then(|| format!("{name} {} (is {hard})", told(*wanted)))
        })
        .collect();
    (!low.is_empty()).then(|| Unpinned {
        why: format!(
            "hard limits of {}; raising them takes CAP_SYS_RESOURCE, or start ocidiff from a shell with higher ones",
            low.join(", ")
        ),
        marks: &["rlimit", "limits"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cases_that_look_at_it_are_concerned() {
        let sched = Unpinned {
            why: String::new(),
            marks: &["sched", "nice"],
        };
        for (yaml, expected) in [
            ("{summary: s}", false),
            ("{summary: s, expect: {proc.sched.nice: 0}}", true),
            ("{summary: s, watch: {proc: [init.sched]}}", true),
            (
                "{summary: s, config: {process: {args: [/bin/probe, facts, sched]}}}",
                true,
            ),
            ("{summary: s, caller: {scheduler: idle}}", true),
            ("{summary: s, caller: {umask: '0077'}}", false),
            (
                "{summary: nice, config: {process: {args: [/bin/probe, facts, env]}}}",
                false,
            ),
        ] {
            let case = Case {
                name: "t/c".to_owned(),
                source: String::new(),
                member: None,
                body: serde_yaml::from_str(yaml).expect(yaml),
            };
            assert_eq!(sched.concerns(&case), expected, "{yaml}");
        }
    }

    #[test]
    fn what_a_case_wants_of_the_caller_may_take_a_capability() {
        let nice = Some("CAP_SYS_NICE");
        let resource = Some("CAP_SYS_RESOURCE");
        for (yaml, expected) in [
            ("{nice: -5}", nice),
            (
                "{nice: 5, scheduler: idle, io_priority: {class: idle}, timer_slack: 1}",
                None,
            ),
            ("{oom_score_adj: 500}", None),
            ("{limits: {nofile: {soft: 1, hard: 20000}}}", None),
            ("{limits: {nofile: {soft: 1, hard: 20001}}}", resource),
        ] {
            let caller: Caller = serde_yaml::from_str(yaml).expect(yaml);
            assert_eq!(lacking_for(&caller, |_| false), expected, "{yaml}");
            assert_eq!(lacking_for(&caller, |_| true), None, "{yaml}");
        }
        let low: Caller = serde_yaml::from_str("{oom_score_adj: -1000}").expect("a caller");
        let is_needed = !may_have(-1000);
        assert_eq!(lacking_for(&low, |_| false), resource.filter(|_| is_needed));
    }
}
