//! A cure that is proven before it is printed: loaded under every runtime, read back, and compared again,
//! with each other and with what there was before.

mod begins;
mod judged;
mod opened;
mod words;

use ocidiff_model::record::FilterRecord;
use ocidiff_seccomp::Profile;
use ocidiff_seccomp::cure::{Cure, Cured, NoCure, Of, cure, is_behind_one};
use serde_json::Value;

use super::args::FixArg;
use crate::cells::runner::CellRunner;
use crate::error::Error;
use crate::judge::changes::Change;
use crate::judge::filters::{Filters, native_arch};
use crate::run::readback::{Loaded, Memory, ReadBack};
use begins::{Stopped, own_calls, stopped};
use judged::{judge, unknown_names};
use opened::opened;
use words::Words;

/// How often a cure is tried again: without names that a runtime does not know, or with one more call that a runtime
/// makes itself.
const TRIES: usize = 16;

/// ENOSYS, which libraries take as a sign of an older kernel.
const ENOSYS: u32 = 38;

/// The result.
pub(super) enum Answer {
    /// The cured profile: it does what it is for.
    Cured(Value),
    /// The profile as it was: all runtimes give the same answers, or differ in ways that no profile can change.
    NoNeed(Value),
    /// Why there is no cure.
    NoCure(String),
}

/// What was found out about a cure.
pub(super) struct Proven {
    pub(super) answer: Answer,
    /// What a reader should know.
    pub(super) told: Vec<String>,
}

/// Cures a profile, and proves it.
pub(super) async fn prove(
    runner: &CellRunner,
    profile: &Profile,
    before: &[ReadBack],
    filters: &mut Filters,
    how: FixArg,
) -> Result<Proven, Error> {
    let had: Vec<&[FilterRecord]> = before.iter().filter_map(filters_of).collect();
    if had.is_empty() {
        return match how {
            FixArg::Allow => begun(runner, profile, before).await,
            FixArg::Enosys => Ok(nobody_begins(profile, before, how)),
        };
    }
    let alike = had.len() == before.len() && is_all_alike(filters, &had)?;
    if alike && profile.default_errno_ret == Some(ENOSYS) {
        return Ok(no_need(profile, Vec::new(), words::ALIKE));
    }
    let proven = tried(
        (runner, &mut Memory::default()),
        profile,
        before,
        &had,
        filters,
        how,
    )
    .await?;
    Ok(match proven.answer {
        Answer::NoCure(_) if alike => no_need(profile, proven.told, words::ALIKE),
        _ => proven,
    })
}

/// Cures a profile under which nothing begins: it is opened for what the runtimes call themselves, and cured from there.
async fn begun(runner: &CellRunner, profile: &Profile, before: &[ReadBack]) -> Result<Proven, Error> {
    let mut memory = Memory::default();
    let Some(opened) = opened(runner, &mut memory, profile).await? else {
        return Ok(nobody_begins(profile, before, FixArg::Allow));
    };
    let had: Vec<&[FilterRecord]> = opened.made.iter().filter_map(filters_of).collect();
    let mut filters = Filters::of_profile(opened.profile.clone()).map_err(Error::broken)?;
    for one in &opened.made {
        if let Some(list) = filters_of(one) {
            filters.add(&one.runtime.label, list).map_err(Error::broken)?;
        }
    }
    let alike = had.len() == before.len() && is_all_alike(&mut filters, &had)?;
    let mut proven = tried(
        (runner, &mut memory),
        &opened.profile,
        &opened.made,
        &had,
        &mut filters,
        FixArg::Allow,
    )
    .await?;
    proven.answer = match proven.answer {
        Answer::NoNeed(_) => Answer::Cured(opened.profile.to_json()),
        Answer::NoCure(_) if alike => Answer::Cured(opened.profile.to_json()),
        answer => answer,
    };
    proven.told.insert(0, words::opened(&opened.own));
    Ok(proven)
}

/// Cures a profile under which a workload begins somewhere, and proves it.
async fn tried(
    (runner, memory): (&CellRunner, &mut Memory),
    profile: &Profile,
    before: &[ReadBack],
    had: &[&[FilterRecord]],
    filters: &mut Filters,
    how: FixArg,
) -> Result<Proven, Error> {
    let all_load = had.len() == before.len();
    for one in before.iter().filter(|one| filters_of(one).is_none()) {
        filters.add_like_the_first(&one.runtime.label);
    }
    let mut told = Vec::new();
    let mut of = Of::default();
    for _ in 0..TRIES {
        let cured = match cure(filters.decider(), profile, native_arch(), means(how), &of) {
            Ok(cured) => cured,
            Err(NoCure::Default(_)) if !all_load => return Ok(not_all_load(profile, before)),
            Err(NoCure::Default(action)) => return nothing_to_cure(profile, had, filters, &action),
            Err(error) => return Err(Error::usage(format!("failed to {error}"))),
        };
        let after = memory.read_back(runner, cured.profile.to_json()).await?;
        let stopped = stopped(&after);
        if !stopped.is_empty() {
            if retry_without(&cured, &mut of) || retry_with(how, profile, &stopped, &mut of) {
                continue;
            }
            told.extend(words::stopped(&stopped, how, &own_calls(profile, &stopped)));
            return Ok(Proven {
                answer: Answer::NoCure("a workload does not begin under every runtime".to_owned()),
                told,
            });
        }
        let after = as_before(before, &after);
        let changes = filters.changes(&after).map_err(Error::broken)?;
        let changes = since(changes, had.len());
        let unknown = unknown_names(&changes, &cured);
        if !unknown.is_empty() {
            told.push(words::unknown(&unknown));
            of.except.extend(unknown);
            continue;
        }
        return Ok(proven(&cured, &changes, filters, told));
    }
    told.push("still differs: names are known to some runtimes only".to_owned());
    let answer = Answer::NoCure("the changed profile does not do what it is for".to_owned());
    Ok(Proven { answer, told })
}

fn means(how: FixArg) -> Cure {
    match how {
        FixArg::Enosys => Cure::Enosys,
        FixArg::Allow => Cure::Allow,
    }
}

fn filters_of(one: &ReadBack) -> Option<&[FilterRecord]> {
    match &one.loaded {
        Loaded::Filters(list) => Some(list),
        _ => None,
    }
}

/// A library that cannot distinguish calls behind socketcall does not accept two answers for one of them.
fn retry_without(cured: &Cured, of: &mut Of) -> bool {
    let behind: Vec<&String> = cured
        .completed
        .iter()
        .filter(|name| is_behind_one(name))
        .collect();
    let any = !behind.is_empty();
    of.except.extend(behind.into_iter().cloned());
    any
}

/// What a runtime needs itself is allowed if that was asked for: the profile is made for a workload that begins, as it
/// does under others.
fn retry_with(how: FixArg, profile: &Profile, stopped: &[Stopped<'_>], of: &mut Of) -> bool {
    let known = of.own.len();
    if how == FixArg::Allow {
        of.own.extend(own_calls(profile, stopped));
    }
    of.own.len() > known
}

/// The filters of the cured profile, those of runtimes that accepted the earlier profile first.
fn as_before<'a>(before: &[ReadBack], after: &'a [ReadBack]) -> Vec<&'a [FilterRecord]> {
    let had = |one: &&ReadBack| {
        let mut same = before.iter().filter(|before| before.runtime == one.runtime);
        same.any(|before| filters_of(before).is_some())
    };
    let (first, newly): (Vec<&ReadBack>, Vec<&ReadBack>) = after.iter().partition(had);
    first.into_iter().chain(newly).filter_map(filters_of).collect()
}

/// A runtime that accepts a filter only now was not changed by it.
fn since(mut changes: Vec<Change>, had: usize) -> Vec<Change> {
    for change in &mut changes {
        let newly = change.answers.iter_mut().skip(had);
        newly.for_each(|pair| pair.0 = pair.1);
    }
    changes
}

fn proven(cured: &Cured, changes: &[Change], filters: &Filters, mut told: Vec<String>) -> Proven {
    let words = Words::of(filters);
    let judged = judge(changes, cured);
    told.extend(words::summary(cured));
    told.extend(words.lines(words::LEFT, &judged.left));
    told.extend(words.lines(words::UNHEARD, &judged.unheard));
    told.extend(words.lines("left, since no kernel has such numbers", &judged.nobodys));
    told.extend(words.lines(words::FOREIGN, &judged.foreign));
    told.extend(words.lines("still differs", &judged.differ));
    told.extend(words.lines("changed, but must not be", &judged.wrong));
    let answer = match judged.differ.is_empty() && judged.wrong.is_empty() {
        true => Answer::Cured(cured.profile.to_json()),
        false => Answer::NoCure("the changed profile does not do what it is for".to_owned()),
    };
    Proven { answer, told }
}

/// Whether all runtimes give the same answer to every call.
fn is_all_alike(filters: &mut Filters, had: &[&[FilterRecord]]) -> Result<bool, Error> {
    let changes = filters.changes(had).map_err(Error::broken)?;
    Ok(!changes.iter().any(Change::differs))
}

fn no_need(profile: &Profile, told: Vec<String>, why: &str) -> Proven {
    let told = told
        .into_iter()
        .chain([format!("needs no cure: {why}; it is printed as it is")]);
    Proven {
        told: told.collect(),
        answer: Answer::NoNeed(profile.to_json()),
    }
}

/// What the author meant to run cannot be seen from a profile under which nothing runs.
fn nobody_begins(profile: &Profile, before: &[ReadBack], how: FixArg) -> Proven {
    let stopped = stopped(before);
    Proven {
        told: words::stopped(&stopped, how, &own_calls(profile, &stopped)),
        answer: Answer::NoCure(
            "no workload begins under any runtime with the profile as it is; in that they agree".to_owned(),
        ),
    }
}

fn not_all_load(profile: &Profile, before: &[ReadBack]) -> Proven {
    Proven {
        told: words::stopped(&stopped(before), FixArg::Enosys, &Default::default()),
        answer: Answer::NoCure(format!(
            "its default action {} has no answer to be changed, and not every runtime begins under it",
            profile.default_action
        )),
    }
}

/// What is let through by default needs no answer for unknown calls. What differs then has another cause, or is a
/// fault.
fn nothing_to_cure(
    profile: &Profile,
    had: &[&[FilterRecord]],
    filters: &mut Filters,
    action: &str,
) -> Result<Proven, Error> {
    let changes = filters.changes(had).map_err(Error::broken)?;
    let differ: Vec<&Change> = changes.iter().filter(|change| change.differs()).collect();
    let words = Words::of(filters);
    let told = words.lines(words::LEFT, &differ);
    let why = match differ.is_empty() {
        true => words::ALIKE.to_owned(),
        false => format!("its default action is {action}, which answers alike what it does not know"),
    };
    Ok(no_need(profile, told, &why))
}
