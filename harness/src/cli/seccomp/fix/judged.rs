//! What a change of a profile results in, class of calls by class of calls: what is unchanged, what still differs, what
//! must not be.

use std::collections::BTreeSet;

use ocidiff_seccomp::Action;
use ocidiff_seccomp::cure::{Cured, is_behind_one};

use crate::judge::changes::{Change, Scope};

/// Names that the cure added and that some runtime does not know: its library leaves out their rule, so that runtimes
/// differ, or the default action answers what was denied on purpose.
pub(super) fn unknown_names(changes: &[Change], cured: &Cured) -> BTreeSet<String> {
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

/// Whether a call that was refused returns ENOSYS now.
fn becomes_enosys((before, after): (Action, Action)) -> bool {
    before != after && after == Action::ENOSYS && is_refusal(before)
}

/// Whether a call does not get through, whatever it returns.
fn is_refusal(action: Action) -> bool {
    !matches!(
        action,
        Action::Allow | Action::Log | Action::Trace(_) | Action::UserNotif | Action::Errno(0)
    )
}

/// Changes, by what they mean for the proof.
pub(super) struct Judged<'c> {
    /// Runtimes differ as they did before: a profile cannot help there.
    pub(super) left: Vec<&'c Change>,
    /// The profile allows them by name, and runtimes that do not know them answer ENOSYS: no profile can tell them.
    pub(super) unheard: Vec<&'c Change>,
    /// Numbers that no kernel has.
    pub(super) nobodys: Vec<&'c Change>,
    /// Calls of other architectures, refused by all before and after.
    pub(super) foreign: Vec<&'c Change>,
    /// Runtimes differ, and the change caused that or did not fix it.
    pub(super) differ: Vec<&'c Change>,
    /// Runtimes agree, but on something that was not asked for.
    pub(super) wrong: Vec<&'c Change>,
}

pub(super) fn judge<'c>(changes: &'c [Change], cured: &Cured) -> Judged<'c> {
    let mut judged = Judged {
        left: Vec::new(),
        unheard: Vec::new(),
        nobodys: Vec::new(),
        foreign: Vec::new(),
        differ: Vec::new(),
        wrong: Vec::new(),
    };
    for change in changes {
        // What one runtime answered with ENOSYS before is what the cure is meant to achieve.
        let meant = change.answers.iter().any(|(before, _)| *before == Action::ENOSYS);
        // What is behind socketcall and ipc is as it was.
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
        // Whether it is let through or refused, there is nothing behind it.
        if change.scope == Scope::Nobody {
            judged.nobodys.push(change);
        } else if multiplexed
            || refused && change.scope == Scope::Foreign && (meant || !change.is_as_before())
        {
            judged.foreign.push(change);
        } else if change.differs() {
            match () {
                () if is_unheard_of(change, cured) => judged.unheard.push(change),
                () if change.is_as_before() && !meant => judged.left.push(change),
                () => judged.differ.push(change),
            }
        } else {
            judged.wrong.push(change);
        }
    }
    judged
}

/// Whether a rule allows a call whatever its arguments.
fn is_allowed_by_name(cured: &Cured, name: &str) -> bool {
    let mut rules = cured.profile.syscalls.iter();
    rules.any(|rule| {
        rule.action == "SCMP_ACT_ALLOW" && rule.args.is_empty() && rule.names.iter().any(|one| one == name)
    })
}

/// Whether calls that the profile allows by name get through where they are known, and ENOSYS elsewhere, as under a kernel
/// that does not have them.
fn is_unheard_of(change: &Change, cured: &Cured) -> bool {
    let by_name = |name: &String| is_allowed_by_name(cured, name);
    let kept = |(before, after): &(Action, Action)| match *after {
        Action::Allow => before == after,
        after => after == Action::ENOSYS && is_refusal(*before),
    };
    !change.named.is_empty() && change.named.iter().all(by_name) && change.answers.iter().all(kept)
}

/// Whether a call may change like this: to ENOSYS if it was refused, and not on purpose; to ALLOW if it is one of those
/// that should be allowed.
fn is_wanted((before, after): (Action, Action), change: &Change, cured: &Cured) -> bool {
    // A call that the author allows by name, and that a runtime did not let through, now behaves as intended.
    let is_allowed =
        |name: &str| cured.allowed.iter().any(|allowed| allowed == name) || is_allowed_by_name(cured, name);
    let behind =
        || !change.behind.is_empty() && change.behind.iter().all(|name| name.is_some_and(is_allowed));
    let named = || !change.named.is_empty() && change.named.iter().all(|name| is_allowed(name));
    let allowed = || named() || behind();
    let on_purpose = |name: &String| cured.denied.contains(&name.as_str()) || cured.completed.contains(name);
    before == after
        || (becomes_enosys((before, after)) && !change.named.iter().any(on_purpose))
        || (after == Action::Allow && allowed())
}

#[cfg(test)]
mod tests {
    use ocidiff_seccomp::Profile;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_profile_allows_and_a_runtime_does_not_know_is_left_to_enosys() {
        let profile = json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
            "syscalls": [{"names": ["mseal", "read"], "action": "SCMP_ACT_ALLOW"}]});
        let profile: Profile = serde_json::from_value(profile).expect("a profile");
        let cured = Cured {
            profile,
            denied: Vec::new(),
            completed: Vec::new(),
            changed: Vec::new(),
            allowed: Vec::new(),
            own: Vec::new(),
            without_errno: Vec::new(),
        };
        let (allow, eperm, enosys) = (Action::Allow, Action::Errno(1), Action::ENOSYS);
        let known = (allow, allow);
        for (named, other, is_left) in [
            ("mseal", (eperm, enosys), true),
            ("mseal", (enosys, enosys), true),
            // It got through before, or is refused in another way.
            ("mseal", (allow, enosys), false),
            ("mseal", (eperm, eperm), false),
            // No rule allows it.
            ("mount", (eperm, enosys), false),
        ] {
            let changes = [Change {
                calls: "x86_64 462".to_owned(),
                named: vec![named.to_owned()],
                behind: Vec::new(),
                scope: Scope::Native,
                answers: vec![known, other],
            }];
            let judged = judge(&changes, &cured);
            assert_eq!(judged.unheard.len() == 1, is_left, "{named} {other:?}");
        }
    }
}
