//! A cure that is proven before it is printed: loaded under every runtime, read back, and compared again,
//! with each other and with what there was before.

use std::collections::BTreeSet;

use ocidiff_model::record::FilterRecord;
use ocidiff_seccomp::cure::{Cure, Cured, NoCure, cure, is_behind_one};
use ocidiff_seccomp::{Action, Profile};
use serde_json::Value;

use super::super::args::FixArg;
use crate::cells::runner::CellRunner;
use crate::error::Error;
use crate::judge::filters::{Change, Filters, Scope, native_arch};
use crate::run::readback::{Loaded, ReadBack, read_back};

/// How often names that a runtime does not know are left out, and the cure is tried again.
const TRIES: usize = 4;

/// What was found out about a cure.
pub(super) struct Proven {
    /// The cured profile, if it does what it is for.
    pub(super) profile: Option<Value>,
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
    let how = match how {
        FixArg::Enosys => Cure::Enosys,
        FixArg::Allow => Cure::Allow,
    };
    let had = before
        .iter()
        .filter(|one| matches!(one.loaded, Loaded::Filters(_)))
        .count();
    for one in before {
        if !matches!(one.loaded, Loaded::Filters(_)) {
            filters.add_like_the_first(&one.runtime.label);
        }
    }
    let mut except = BTreeSet::new();
    let mut told = Vec::new();
    for _ in 0..TRIES {
        let cured = match cure(filters.decider(), profile, native_arch(), how, &except) {
            Ok(cured) => cured,
            Err(NoCure::Default(action)) => return Ok(nothing_to_cure(profile, before, filters, &action)),
            Err(error) => return Err(Error::usage(format!("failed to {error}"))),
        };
        let after = read_back(runner, &cured.profile.to_json()).await?;
        let after = match taken(before, &after) {
            Ok(after) => after,
            // A library that cannot tell calls behind socketcall apart takes no two answers for one of them.
            Err(_) if cured.completed.iter().any(|name| is_behind_one(name)) => {
                except.extend(cured.completed.iter().filter(|name| is_behind_one(name)).cloned());
                continue;
            }
            Err(refused) => {
                told.extend(refused);
                return Ok(Proven { profile: None, told });
            }
        };
        let mut changes = filters.changes(&after).map_err(Error::broken)?;
        // Who takes a filter only now was not changed by it.
        for change in &mut changes {
            change
                .answers
                .iter_mut()
                .skip(had)
                .for_each(|pair| pair.0 = pair.1);
        }
        let unknown = unknown_names(&changes, &cured);
        if !unknown.is_empty() {
            told.push(format!(
                "left to the default action, ENOSYS, since not every runtime knows them: {}",
                unknown.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            ));
            except.extend(unknown);
            continue;
        }
        let who: Vec<&str> = filters.runtimes().collect();
        let judged = judge(&changes, &cured);
        told.extend(summary(&cured));
        let mut tell = |what: &str, list: &[&Change]| {
            told.extend(
                list.iter()
                    .map(|change| format!("{what}: {}", said(change, &who))),
            );
        };
        tell(
            "left as it was, since it does not come from what the profile does not know",
            &judged.left,
        );
        tell("left, since no kernel has such numbers", &judged.nobodys);
        tell(
            "left: programs of another architecture, whose calls libraries do not tell apart",
            &judged.foreign,
        );
        tell("still differs", &judged.differ);
        tell("changed, but must not be", &judged.wrong);
        let proven = judged.differ.is_empty() && judged.wrong.is_empty();
        return Ok(Proven {
            profile: proven.then(|| cured.profile.to_json()),
            told,
        });
    }
    told.push("still differs: names are known to some runtimes only".to_owned());
    Ok(Proven { profile: None, told })
}

/// What is let through or killed by default has no errno to be changed: such a profile is fine as it is, if all answer alike.
fn nothing_to_cure(profile: &Profile, before: &[ReadBack], filters: &mut Filters, action: &str) -> Proven {
    let after: Vec<&[FilterRecord]> = before
        .iter()
        .filter_map(|one| match &one.loaded {
            Loaded::Filters(list) => Some(list.as_slice()),
            _ => None,
        })
        .collect();
    let mut told = vec![format!(
        "its default action is {action}: there is no errno of it to be changed"
    )];
    if after.len() < before.len() {
        told.push("not every runtime loads it as it is".to_owned());
        return Proven { profile: None, told };
    }
    let who: Vec<String> = filters.runtimes().map(str::to_owned).collect();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let changes = filters.changes(&after).unwrap_or_default();
    let differ = changes
        .iter()
        .filter(|change| change.differs() && change.scope == Scope::Native && !change.named.is_empty());
    let differ: Vec<String> = differ
        .map(|change| format!("differs: {}", said(change, &who)))
        .collect();
    let profile = differ.is_empty().then(|| profile.to_json());
    if profile.is_some() {
        told.push("every runtime answers the machine's own calls alike: it is printed as it is".to_owned());
    }
    told.extend(differ);
    Proven { profile, told }
}

/// The filters of the cured profile, those of runtimes that took the profile before first; who does not take it.
fn taken<'a>(before: &[ReadBack], after: &'a [ReadBack]) -> Result<Vec<&'a [FilterRecord]>, Vec<String>> {
    let (mut filters, mut refused, mut newly) = (Vec::new(), Vec::new(), Vec::new());
    for one in after {
        let label = &one.runtime.label;
        let had = before
            .iter()
            .any(|before| before.runtime == one.runtime && matches!(before.loaded, Loaded::Filters(_)));
        match &one.loaded {
            Loaded::Filters(list) if had => filters.push(list.as_slice()),
            Loaded::Filters(list) => newly.push(list.as_slice()),
            Loaded::Refused(said) => {
                refused.push(format!("{label} does not take the changed profile: {said}"));
            }
            Loaded::NotBegun(said) => {
                refused.push(format!(
                    "{label}: the workload does not begin under the changed profile: {said}"
                ));
            }
            Loaded::Nothing => refused.push(format!("{label} loads nothing for the changed profile")),
        }
    }
    if filters.is_empty() && refused.is_empty() {
        refused.push(
            "no runtime took the profile as it was: there is nothing to hold a cure against".to_owned(),
        );
    }
    filters.extend(newly);
    if refused.is_empty() {
        Ok(filters)
    } else {
        Err(refused)
    }
}

/// Names that the cure added and that some runtime does not know: its library leaves their rule out, so that runtimes differ, or the
/// default action answers what was denied on purpose.
fn unknown_names(changes: &[Change], cured: &Cured) -> BTreeSet<String> {
    let denied = |name: &String| cured.denied.contains(&name.as_str());
    let mut unknown = BTreeSet::new();
    for change in changes {
        if change.differs() && !change.is_as_before() {
            let added = change
                .named
                .iter()
                .filter(|name| denied(name) || cured.allowed.contains(name));
            unknown.extend(added.cloned());
        } else if change.answers.iter().any(|pair| becomes_enosys(*pair)) {
            unknown.extend(change.named.iter().filter(|name| denied(name)).cloned());
        }
    }
    unknown
}

/// Whether a call that was refused answers ENOSYS now.
fn becomes_enosys((before, after): (Action, Action)) -> bool {
    before != after && after == Action::ENOSYS && matches!(before, Action::Errno(_))
}

/// Whether a call does not get through, however it is told so.
fn is_refusal(action: Action) -> bool {
    !matches!(
        action,
        Action::Allow | Action::Log | Action::Trace(_) | Action::UserNotif | Action::Errno(0)
    )
}

/// Changes by what they mean for the proof.
struct Judged<'c> {
    /// Runtimes differ as they did before: no profile can help there.
    left: Vec<&'c Change>,
    /// Numbers that no kernel has.
    nobodys: Vec<&'c Change>,
    /// Calls of other architectures, refused by all before and after.
    foreign: Vec<&'c Change>,
    /// Runtimes differ, and the change did it or did not mend it.
    differ: Vec<&'c Change>,
    /// Runtimes agree, but on what nobody asked for.
    wrong: Vec<&'c Change>,
}

fn judge<'c>(changes: &'c [Change], cured: &Cured) -> Judged<'c> {
    let mut judged = Judged {
        left: Vec::new(),
        nobodys: Vec::new(),
        foreign: Vec::new(),
        differ: Vec::new(),
        wrong: Vec::new(),
    };
    for change in changes {
        // What one runtime answered with ENOSYS before is what the cure is for.
        let meant = change.answers.iter().any(|(before, _)| *before == Action::ENOSYS);
        // What stands behind socketcall and ipc is as it was.
        let multiplexed = change.scope == Scope::Foreign
            && change.is_as_before()
            && !change.named.is_empty()
            && change.named.iter().all(|name| is_behind_one(name));
        let refused = change
            .answers
            .iter()
            .all(|(before, after)| is_refusal(*before) && is_refusal(*after));
        let fine = !change.differs() && change.answers.iter().all(|pair| is_wanted(*pair, change, cured));
        if fine {
            continue;
        }
        if refused && change.scope == Scope::Nobody {
            judged.nobodys.push(change);
        } else if multiplexed
            || refused && change.scope == Scope::Foreign && (meant || !change.is_as_before())
        {
            judged.foreign.push(change);
        } else if change.differs() {
            if change.is_as_before() && !meant {
                judged.left.push(change);
            } else {
                judged.differ.push(change);
            }
        } else {
            judged.wrong.push(change);
        }
    }
    judged
}

/// Whether a call may change so: to ENOSYS if it was refused, and not on purpose; to ALLOW if it is one of those that were to
/// be allowed.
fn is_wanted((before, after): (Action, Action), change: &Change, cured: &Cured) -> bool {
    let allowed = || !change.named.is_empty() && change.named.iter().all(|name| cured.allowed.contains(name));
    let on_purpose = |name: &String| cured.denied.contains(&name.as_str()) || cured.completed.contains(name);
    before == after
        || (becomes_enosys((before, after)) && !change.named.iter().any(on_purpose))
        || (after == Action::Allow && allowed())
}

fn said(change: &Change, who: &[&str]) -> String {
    let answers: Vec<String> = who
        .iter()
        .zip(&change.answers)
        .map(|(who, (before, after))| match before == after {
            true => format!("{who} {after}"),
            false => format!("{who} {after} (was {before})"),
        })
        .collect();
    format!("{}: {}", change.calls, answers.join(", "))
}

fn summary(cured: &Cured) -> Vec<String> {
    let mut lines = vec![format!(
        "calls that the profile does not know answer ENOSYS; {} that it denied on purpose stay denied as they were",
        cured.denied.len() + cured.completed.len()
    )];
    if !cured.changed.is_empty() {
        lines.push(format!(
            "denied with ENOSYS where their conditions do not hold, since these cannot be turned round: {}",
            cured.changed.join(", ")
        ));
    }
    if !cured.without_errno.is_empty() {
        lines.push(format!(
            "errnoRet is left out of rules whose action takes none, since some runtimes refuse it: {} calls",
            cured.without_errno.len()
        ));
    }
    if !cured.allowed.is_empty() {
        lines.push(format!("allowed now: {}", cured.allowed.join(", ")));
    }
    lines
}
