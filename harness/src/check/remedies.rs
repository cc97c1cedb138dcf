//! What of a finding's remedy helps in the direction of a move: one about the runtime that is left behind ends with the
//! move, so that another version of it helps nobody who moves.

use ocidiff_model::FindingId;
use ocidiff_model::finding::{Finding as Known, Kind};
use ocidiff_model::pattern::Pattern;
use serde_json::{Map, Value as Json, json};

use super::from_to::Move;

/// Separates what an operator can do in another way.
const OR: &str = ", or ";

/// What can be seen of a finding of the runtime that is left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The other runtime fails.
    Failing,
    /// It does what the config asks for.
    Done,
    /// That was not tried: either of the two.
    Untried,
    /// Nothing that is worse than now.
    Harmless,
}

/// What to do about a finding: its own remedy, or what is to be changed in a config of which the runtime that is left
/// behind does not know a member, or takes what the other refuses.
pub(super) fn of(
    id: &FindingId,
    known: &Known,
    config: &Json,
    step: Move<'_>,
    shown: Shown,
) -> Option<String> {
    let own = || helpful(id, known, step);
    if known.is_of(id, step.to) {
        return own();
    }
    match (shown, unknown_member(known, config)) {
        // The member counts for the first time: other ways to have the same do not mend what is wrong with it.
        (Shown::Failing | Shown::Untried, Some(_)) => in_config(known, config, step),
        (Shown::Failing, None) => own().or_else(|| in_config(known, config, step)),
        (Shown::Done, Some(member)) => own().or_else(|| {
            let from = &step.from.name;
            Some(format!(
                "Leave {member} out of the config, since {from} ignores it."
            ))
        }),
        _ => own(),
    }
}

/// What of its remedy helps whoever makes the move.
pub(super) fn helpful(id: &FindingId, known: &Known, step: Move<'_>) -> Option<String> {
    let remedy = known.remedy.as_deref()?;
    if known.is_of(id, step.to) {
        return Some(remedy.to_owned());
    }
    let whole = remedy.strip_suffix('.').unwrap_or(remedy);
    let rest: Vec<&str> = whole.split(OR).filter(|way| !takes_a_version(way)).collect();
    (!rest.is_empty()).then(|| format!("{}.", capitalised(&rest.join(OR))))
}

/// `Use NAME 1.2 or newer`, `Use NAME from 1.2 on`.
fn takes_a_version(way: &str) -> bool {
    let mut words = way.split_whitespace();
    let uses = words.next().is_some_and(|word| word.eq_ignore_ascii_case("use"));
    let mut rest = words.skip(1).skip_while(|word| *word == "from");
    let is_version =
        |word: &str| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.');
    uses && rest.next().is_some_and(is_version)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// What of the config is to be changed if what one runtime takes is refused by the other: the members that the finding
/// is about.
fn in_config(known: &Known, config: &Json, step: Move<'_>) -> Option<String> {
    let applies = known.applies.as_ref()?.config.as_ref()?.value();
    let mut found = Vec::new();
    members(applies.as_object()?, config, "", &mut found);
    found.dedup();
    let all = found.join(" or ");
    let to = &step.to.name;
    (!found.is_empty()).then(|| format!("Write {all} in the config as {to} takes it, or leave it out."))
}

/// The whole member of a config that a runtime does not know, if that is what the finding is about.
pub(super) fn unknown_member(known: &Known, config: &Json) -> Option<String> {
    let applies = known.applies.as_ref()?.config.as_ref()?.value();
    let mut found = Vec::new();
    members(applies.as_object()?, config, "", &mut found);
    let [only] = &found[..] else { return None };
    let condition = applies.pointer(&format!("/{}", only.replace('.', "/")))?;
    let is_whole = *condition == "*" || *condition == json!({"*": "*"});
    (is_whole && known.kind == Kind::Missing).then(|| only.clone())
}

/// The members of a config that the conditions name and that it has.
fn members(conditions: &Map<String, Json>, config: &Json, at: &str, found: &mut Vec<String>) {
    let any = conditions.get("$any").and_then(Json::as_array);
    let holds = |one: &&Json| {
        serde_json::from_value::<Pattern>((*one).clone()).is_ok_and(|pattern| pattern.fits(config))
    };
    for one in any
        .into_iter()
        .flatten()
        .filter(holds)
        .filter_map(Json::as_object)
    {
        members(one, config, at, found);
    }
    for (name, condition) in conditions.iter().filter(|(name, _)| *name != "$any") {
        let below = config.get(name).filter(|there| !there.is_null());
        let path = format!("{at}{name}");
        match (below, condition.as_object()) {
            (Some(below), Some(more)) => members(more, below, &format!("{path}."), found),
            (Some(_), None) => found.push(path),
            (None, _) if !at.is_empty() && (name.starts_with('$') || name == "*") => {
                found.push(at.trim_end_matches('.').to_owned());
            }
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::from_to::who;

    fn known(remedy: &str, config: &Json) -> Known {
        let known = json!({"title": "old does not know it", "affects": "<1.2", "kind": "missing", "impact": "may-break",
            "applies": {"config": config}, "cause": "Nothing reads it.", "remedy": remedy});
        serde_json::from_value(known).expect("a finding")
    }

    #[test]
    fn another_version_of_the_runtime_that_is_left_behind_is_no_remedy() {
        let id: FindingId = "old/x".parse().expect("an id");
        let (old, new, other) = (who("old", "1.1"), who("old", "1.3"), who("other", "1.1"));
        for (remedy, left) in [
            ("Use old 1.2 or newer.", None),
            ("Use old 1.2 or newer where it is needed.", None),
            ("Use old from 1.2 on for those.", None),
            (
                "Use old 1.2 or newer, or bind it with taskset.",
                Some("Bind it with taskset."),
            ),
            (
                "Do not count on it, or use old 1.2 or newer.",
                Some("Do not count on it."),
            ),
            ("Use a path below /dev.", Some("Use a path below /dev.")),
            ("Write names, or none.", Some("Write names, or none.")),
        ] {
            let known = known(remedy, &json!({"hostname": "*"}));
            let told = |from, to| helpful(&id, &known, Move { from, to });
            assert_eq!(told(&old, &other).as_deref(), left, "{remedy}");
            assert_eq!(told(&old, &new).as_deref(), left, "{remedy}");
            assert_eq!(told(&other, &old).as_deref(), Some(remedy));
        }
    }

    #[test]
    fn a_member_that_begins_to_count_is_written_well_or_left_out() {
        let config = json!({"linux": {"personality": {"domain": "LINUX32"}}});
        let id: FindingId = "old/does-not-know-it".parse().expect("an id");
        let (old, other) = (who("old", "1.1"), who("other", "1.1"));
        let there = Move {
            from: &old,
            to: &other,
        };
        let (well, out) = (
            "Write linux.personality in the config as other takes it, or leave it out.",
            "Leave linux.personality out of the config, since old ignores it.",
        );
        let (version, way) = (
            "Use old 1.2 or newer.",
            "Use old 1.2 or newer, or start it by setarch.",
        );
        let by_setarch = Some("Start it by setarch.");
        for (remedy, shown, told) in [
            (way, Shown::Failing, Some(well)),
            (way, Shown::Untried, Some(well)),
            (way, Shown::Done, by_setarch),
            (way, Shown::Harmless, by_setarch),
            (version, Shown::Done, Some(out)),
            (version, Shown::Harmless, None),
        ] {
            let known = known(remedy, &json!({"linux": {"personality": "*"}}));
            assert_eq!(
                unknown_member(&known, &config).as_deref(),
                Some("linux.personality")
            );
            let found = of(&id, &known, &config, there, shown);
            assert_eq!(found.as_deref(), told, "{remedy} {shown:?}");
            let back = Move {
                from: &other,
                to: &old,
            };
            assert_eq!(of(&id, &known, &config, back, shown).as_deref(), Some(remedy));
        }
    }

    #[test]
    fn the_members_that_are_to_be_changed_are_named() {
        let config =
            json!({"process": {"scheduler": {"policy": "FIFO"}}, "linux": {"timeOffsets": {"boottime": {}}}});
        let (old, other) = (who("old", "1.1"), who("other", "1.1"));
        for (applies, told) in [
            (json!({"process": {"scheduler": "*"}}), Some("process.scheduler")),
            (
                json!({"linux": {"$any": [{"namespaces": [{"type": "time"}]}, {"timeOffsets": "*"}]}}),
                Some("linux.timeOffsets"),
            ),
            (
                json!({"process": {"scheduler": {"policy": {"$not": "SCHED_*"}}}}),
                Some("process.scheduler.policy"),
            ),
            (json!({"hostname": null}), None),
        ] {
            let step = Move {
                from: &old,
                to: &other,
            };
            let found = in_config(&known("x", &applies), &config, step);
            let expected =
                told.map(|what| format!("Write {what} in the config as other takes it, or leave it out."));
            assert_eq!(found, expected, "{applies}");
        }
    }
}
