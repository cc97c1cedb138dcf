//! A profile under which no workload begins: what the runtimes call themselves before that, and no rule names, is
//! allowed call by call, until one begins. What is not needed for that is taken back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ocidiff_seccomp::Profile;
use ocidiff_seccomp::profile::Rule;

use super::begins::{denied_calls, own_calls, stopped, unnamed};
use super::{TRIES, filters_of};
use crate::cells::runner::CellRunner;
use crate::error::Error;
use crate::run::readback::{Memory, ReadBack};

/// How long it is tried: a runtime that is refused what it waits with may wait until its limit, each time.
const LONGEST: Duration = Duration::from_secs(30);
/// Calls by which a process ends and comes back from a signal: what is refused them may begin, and then spins until its
/// limit.
const ENDS: [&str; 4] = ["exit", "exit_group", "rt_sigaction", "rt_sigreturn"];
/// Default actions that end a process.
const KILLS: [&str; 4] = [
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_TRAP",
];

/// Such a profile, opened no further than that.
pub(super) struct Opened {
    /// It, with one more rule.
    pub(super) profile: Profile,
    /// What the runtimes make of it.
    pub(super) made: Vec<ReadBack>,
    /// The calls that the rule allows.
    pub(super) own: BTreeSet<String>,
}

impl Opened {
    async fn with(
        (runner, memory): (&CellRunner, &mut Memory),
        profile: &Profile,
        own: BTreeSet<String>,
    ) -> Result<Self, Error> {
        let profile = allowing(profile, &own);
        let made = memory.read_back(runner, profile.to_json()).await?;
        Ok(Self { profile, made, own })
    }

    /// Under how many runtimes a workload begins.
    fn begins(&self) -> usize {
        self.made.iter().filter(|one| filters_of(one).is_some()).count()
    }
}

/// Opens a profile under which nothing begins; `None` if what it denies is denied by a rule, or is not known in time.
pub(super) async fn opened(
    runner: &CellRunner,
    memory: &mut Memory,
    profile: &Profile,
) -> Result<Option<Opened>, Error> {
    let until = Instant::now() + LONGEST;
    let soft = softened(profile);
    let ends = unnamed(&soft, ENDS.iter().copied());
    let mut own = ends.clone();
    for _ in 0..TRIES {
        let tried = Opened::with((runner, memory), &soft, own.clone()).await?;
        let more = match soft == *profile {
            true => own_calls(&tried.profile, &stopped(&tried.made)),
            // A call that a runtime can do without when it is refused ends it here.
            false => denied_calls(&tried.profile, &tried.made),
        };
        if more.is_empty() {
            break;
        }
        if Instant::now() > until {
            return Ok(None);
        }
        own.extend(more);
    }
    if own == ends {
        return Ok(None);
    }
    let opened = Opened::with((runner, memory), profile, own).await?;
    match opened.begins() {
        0 => Ok(None),
        _ => least((runner, memory), profile, opened, until).await.map(Some),
    }
}

/// The profile with a default action that answers an errno, if it has one that kills: a call that ends its process is
/// not seen.
fn softened(profile: &Profile) -> Profile {
    let mut profile = profile.clone();
    if KILLS.contains(&profile.default_action.as_str()) {
        "SCMP_ACT_ERRNO".clone_into(&mut profile.default_action);
        profile.default_errno_ret = None;
    }
    profile
}

/// Some runtimes go on without a call that is denied: what nobody needs in order to begin is not allowed, as far as there
/// is time to try.
async fn least(
    (runner, memory): (&CellRunner, &mut Memory),
    profile: &Profile,
    mut opened: Opened,
    until: Instant,
) -> Result<Opened, Error> {
    let own = opened.own.clone();
    for call in own.iter().filter(|call| !ENDS.contains(&call.as_str())) {
        if Instant::now() > until {
            break;
        }
        let mut own = opened.own.clone();
        own.remove(call);
        let without = Opened::with((runner, memory), profile, own).await?;
        if without.begins() >= opened.begins() {
            opened = without;
        }
    }
    Ok(opened)
}

/// The profile with a rule that allows these calls; with no call, as it is.
fn allowing(profile: &Profile, own: &BTreeSet<String>) -> Profile {
    let mut profile = profile.clone();
    if !own.is_empty() {
        profile.syscalls.push(Rule {
            names: own.iter().cloned().collect(),
            action: "SCMP_ACT_ALLOW".to_owned(),
            errno_ret: None,
            args: Vec::new(),
        });
    }
    profile
}
