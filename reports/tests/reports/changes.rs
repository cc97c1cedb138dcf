//! What changed between versions of one runtime: fixed, broke, changed; better or worse; in order of the versions.

use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::finding::{Card, Impacts, Kind};
use ocidiff_model::{Event, Impact, RuntimeId, Value, Verdict};
use ocidiff_reports::changes::{Changes, Direction, NotVersions, What, render};
use ocidiff_reports::{Format, Style, render as report};

use crate::story::{agree, case, difference, run, some};

const OLD: &str = "crun@1.8.1";
const MID: &str = "crun@1.21";
const NEW: &str = "crun@1.28";

fn card(kind: Kind, violates: Option<&str>, races: bool) -> Card {
    Card {
        title: "crun does it".into(),
        versions: "<2".into(),
        kind,
        impact: Impacts {
            entering: Impact::Security,
            leaving: Impact::MayBreak,
        },
        races,
        violates: violates.map(str::to_owned),
        cause: "why".into(),
        link: Vec::new(),
        reported: None,
        remedy: None,
    }
}

/// A known case in which a fact has these values under the versions, for these reasons.
fn known(
    name: &str,
    fact: &str,
    of: &[(&[&str], Option<Value>)],
    because: &[(&str, &str, Card)],
) -> CaseReport {
    let mut case = case(name, Verdict::Known);
    let mut one = difference(fact, of, Standing::Known);
    for (who, id, card) in because {
        let id: ocidiff_model::FindingId = id.parse().expect("an id");
        one.accounts.push(Account {
            who: (*who).to_owned(),
            because: vec![id.clone()],
            how: How::Written,
        });
        case.findings.insert(id, card.clone());
    }
    case.differences.push(one);
    case
}

/// A run under versions, in the order in which they were named, which is not their own.
pub(crate) fn versions(names: &[&str], cases: Vec<CaseReport>) -> Vec<Event> {
    let mut events = run(cases);
    if let Some(Event::RunStarted { runtimes, .. }) = events.first_mut() {
        *runtimes = names
            .iter()
            .map(|label| {
                let (name, version) = label.split_once('@').expect("a version");
                Participant {
                    runtime: RuntimeId {
                        name: name.into(),
                        version: version.parse().expect("a version"),
                        label: (*label).to_owned(),
                    },
                    reference: false,
                    origin: "store".into(),
                }
            })
            .collect();
    }
    events
}

fn bug(clause: Option<&str>) -> Card {
    card(Kind::Bug, clause, false)
}

fn three(name: &str, values: [i64; 3], because: &[(&str, &str, Card)]) -> CaseReport {
    let of: Vec<(&[&str], Option<Value>)> = vec![
        (&[OLD], some(values[0])),
        (&[MID], some(values[1])),
        (&[NEW], some(values[2])),
    ];
    let mut case = known(name, "process.exit", &of, because);
    // Equal values are one group.
    let groups = &mut case.differences[0].groups;
    let mut merged: Vec<ocidiff_model::Group> = Vec::new();
    for group in groups.drain(..) {
        match merged.iter_mut().find(|other| other.value == group.value) {
            Some(other) => other.runtimes.extend(group.runtimes),
            None => merged.push(group),
        }
    }
    *groups = merged;
    case
}

fn turns(changes: &Changes, id: &str) -> Vec<(What, String, Direction)> {
    let row = changes
        .findings
        .iter()
        .find(|row| row.id.as_str() == id)
        .expect(id);
    let turns = row.turns.iter();
    turns
        .map(|turn| (turn.what, turn.to.clone(), turn.direction))
        .collect()
}

#[test]
fn a_finding_is_fixed_broke_or_changed_in_a_version() {
    let events = versions(
        &[NEW, OLD, MID],
        vec![
            three("a/fixed", [1, 0, 0], &[(OLD, "crun/fixed", bug(Some("clause")))]),
            three("a/broke", [0, 0, 1], &[(NEW, "crun/broke", bug(None))]),
            three(
                "a/back",
                [1, 0, 1],
                &[(OLD, "crun/back", bug(None)), (NEW, "crun/back", bug(None))],
            ),
            three(
                "a/meant",
                [0, 1, 1],
                &[
                    (MID, "crun/meant", card(Kind::Design, None, false)),
                    (NEW, "crun/meant", card(Kind::Design, None, false)),
                ],
            ),
            three(
                "a/race",
                [0, 1, 0],
                &[(MID, "crun/race", card(Kind::Bug, None, true))],
            ),
            three(
                "a/same",
                [1, 1, 1],
                &[
                    (OLD, "crun/same", bug(None)),
                    (MID, "crun/same", bug(None)),
                    (NEW, "crun/same", bug(None)),
                ],
            ),
            agree("a/agree"),
        ],
    );
    let changes = Changes::of(&events).expect("versions");
    assert_eq!(changes.versions, ["1.8.1", "1.21", "1.28"]);
    let (better, worse) = (Direction::Better, Direction::Worse);
    let of = |id| turns(&changes, id);
    let at = |what, version: &str, direction| (what, version.to_owned(), direction);
    assert_eq!(of("crun/fixed"), [at(What::Fixed, "1.21", better)]);
    assert_eq!(of("crun/broke"), [at(What::Broke, "1.28", worse)]);
    assert_eq!(of("crun/meant"), [at(What::Changed, "1.21", Direction::Neither)]);
    assert_eq!(
        of("crun/back"),
        [at(What::Fixed, "1.21", better), at(What::Broke, "1.28", worse)]
    );
    let told = |id: &str| changes.findings.iter().any(|row| row.id.as_str() == id);
    assert!(!told("crun/same") && !told("crun/race"));
    assert_eq!(changes.races, ["a/race"]);
    assert_eq!((changes.cases, changes.differing), (7, 4));
}

#[test]
fn what_goes_in_some_cases_only_is_not_fixed() {
    let of = |name: &str, value| {
        let because: Vec<(&str, &str, Card)> = match value {
            0 => vec![(OLD, "crun/it", bug(None))],
            _ => vec![(OLD, "crun/it", bug(None)), (NEW, "crun/it", bug(None))],
        };
        let of: Vec<(&[&str], Option<Value>)> = match value {
            0 => vec![(&[OLD], some(1)), (&[NEW], some(0))],
            _ => vec![(&[OLD, NEW], some(1))],
        };
        known(name, "process.exit", &of, &because)
    };
    let changes =
        Changes::of(&versions(&[OLD, NEW], vec![of("a/gone", 0), of("a/stays", 1)])).expect("versions");
    assert_eq!(turns(&changes, "crun/it")[0].0, What::Changed);
    assert_eq!(changes.findings[0].shows, [2, 1]);
}

/// Messages differ in wording between versions; if the known file accepts any, that is not a change.
#[test]
fn values_that_are_left_open_are_no_change() {
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some("a")), (&[NEW], some("b"))];
    let mut case = known("a/words", "process.stderr", &of, &[]);
    case.differences[0].written = [OLD, NEW].map(|who| (who.to_owned(), Value::from("*"))).to_vec();
    let changes = Changes::of(&versions(&[OLD, NEW], vec![case])).expect("versions");
    assert_eq!(
        (
            changes.left_open.len(),
            changes.unexplained.len(),
            changes.differing
        ),
        (1, 0, 0)
    );
}

#[test]
fn a_clause_that_another_finding_still_violates_is_not_met() {
    let because = [
        (OLD, "crun/first", bug(Some("clause"))),
        (NEW, "crun/second", bug(Some("clause"))),
    ];
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some(1)), (&[NEW], some(2))];
    let changes = Changes::of(&versions(
        &[OLD, NEW],
        vec![known("a/it", "process.exit", &of, &because)],
    ))
    .expect("versions");
    // The one is gone, and what came with the other was as bad before.
    for (id, what) in [("crun/first", What::Fixed), ("crun/second", What::Changed)] {
        let turn = &turns(&changes, id)[0];
        assert_eq!((turn.0, turn.2), (what, Direction::Neither), "{id}");
    }
}

/// A case that ends in another step under the version in the middle says nothing of it.
#[test]
fn a_finding_goes_away_once() {
    let it = || bug(Some("clause"));
    let all = three("a/all", [1, 0, 0], &[(OLD, "crun/it", it())]);
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some(1)), (&[NEW], some(0))];
    let apart = known("a/apart", "proc.umask", &of, &[(OLD, "crun/it", it())]);
    let names = [OLD, MID, NEW];
    let changes = Changes::of(&versions(&names, vec![all, apart.clone()])).expect("versions");
    let fixed = |version: &str| [(What::Fixed, version.to_owned(), Direction::Better)];
    assert_eq!(turns(&changes, "crun/it"), fixed("1.21"));
    let changes = Changes::of(&versions(&names, vec![apart])).expect("versions");
    assert_eq!(turns(&changes, "crun/it"), fixed("1.28"));
}

/// A version that fails because of another finding does not show whether the first one is still there.
#[test]
fn what_another_finding_hides_is_not_fixed() {
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some("ok")), (&[NEW], some("error"))];
    let because = [(OLD, "crun/takes", bug(None)), (NEW, "crun/fails", bug(None))];
    let case = known("a/it", "lifecycle.create.result", &of, &because);
    let changes = Changes::of(&versions(&[OLD, NEW], vec![case])).expect("versions");
    let ids: Vec<&str> = changes.findings.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["crun/fails"]);
    assert_eq!(turns(&changes, "crun/fails")[0].0, What::Broke);
}

/// Where a known file accepts any value, a version that does what is expected does not show the finding.
#[test]
fn a_version_that_meets_the_clause_is_better_and_does_not_show_it() {
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some("ok")), (&[MID, NEW], some("error"))];
    let mild = Card {
        impact: Impacts {
            entering: Impact::MayBreak,
            leaving: Impact::MayBreak,
        },
        ..card(Kind::Missing, None, false)
    };
    let because = [(OLD, "crun/it", mild.clone()), (MID, "crun/it", mild)];
    let mut case = known("a/it", "lifecycle.create.result", &of, &because);
    let one = &mut case.differences[0];
    one.written = vec![(MID.to_owned(), Value::from("*"))];
    one.against = vec![OLD.to_owned()];
    one.requirement = Some("clause".to_owned());
    let changes = Changes::of(&versions(&[OLD, MID, NEW], vec![case])).expect("versions");
    let row = &changes.findings[0];
    assert_eq!(row.shows, [1, 0, 0]);
    assert_eq!(row.turns[0].impact, Some(Impact::MayBreak));
    assert!(row.turns[0].why.contains(&"clause is met".to_owned()), "{row:?}");
    let better = [(What::Fixed, "1.21".to_owned(), Direction::Better)];
    assert_eq!(turns(&changes, "crun/it"), better);
}

/// A finding that shows in a case under both versions does not change if another one hid a part of it.
#[test]
fn a_finding_that_stays_is_not_changed_by_another_that_goes() {
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some(5)), (&[NEW], some(0))];
    let taken = || bug(Some("clause"));
    let because = [(OLD, "crun/first", taken()), (NEW, "crun/taken", taken())];
    let mut case = known("a/it", "process.exit", &of, &because);
    let both: Vec<(&[&str], Option<Value>)> = vec![(&[OLD, NEW], some("ok"))];
    let because = [(OLD, "crun/taken", taken()), (NEW, "crun/taken", taken())];
    case.differences
        .extend(known("a/it", "lifecycle.create.result", &both, &because).differences);
    let changes = Changes::of(&versions(&[OLD, NEW], vec![case])).expect("versions");
    let ids: Vec<&str> = changes.findings.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["crun/first"]);
    assert_eq!(turns(&changes, "crun/first")[0].0, What::Fixed);
}

/// What shows in another way under both is as much as the finding says, whatever the table of facts says of the fact.
#[test]
fn the_impact_is_that_of_the_finding() {
    let words = || Card {
        impact: Impacts {
            entering: Impact::Cosmetic,
            leaving: Impact::Cosmetic,
        },
        ..card(Kind::Wording, None, false)
    };
    let because = [(OLD, "crun/words", words()), (NEW, "crun/words", words())];
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some("a")), (&[NEW], some("b"))];
    let case = known("a/it", "process.stderr", &of, &because);
    let changes = Changes::of(&versions(&[OLD, NEW], vec![case])).expect("versions");
    let turn = &changes.findings[0].turns[0];
    assert_eq!((turn.what, turn.impact), (What::Changed, Some(Impact::Cosmetic)));
}

#[test]
fn a_fact_says_which_value_confines_less() {
    for (from, to, direction) in [
        (
            ["KILL"].as_slice(),
            ["KILL", "CHOWN"].as_slice(),
            Direction::Worse,
        ),
        (&["KILL", "CHOWN"], &["KILL"], Direction::Better),
        (&["KILL"], &["CHOWN"], Direction::Mixed),
    ] {
        let list = |names: &[&str]| some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let mut case = case("caps/it", Verdict::New);
        case.differences.push(difference(
            "proc.caps.effective",
            &[(&[OLD], list(from)), (&[NEW], list(to))],
            Standing::New { runs: 3 },
        ));
        let changes = Changes::of(&versions(&[OLD, NEW], vec![case])).expect("versions");
        let [one] = &changes.unexplained[..] else {
            panic!("{changes:?}")
        };
        assert_eq!((one.direction, one.case.case.as_str()), (direction, "caps/it"));
        let text = render(Format::Terminal, &changes, &Style::default()).expect("drawn");
        assert!(text.contains("NOT EXPLAINED  caps/it  1.8.1 to 1.28"), "{text}");
        assert!(changes.counts().contains("1 case is not explained"), "{text}");
    }
}

/// Long values, names and lists are wrapped; a case is one, and several are several.
#[test]
fn lines_fit_and_numbers_agree_with_their_words() {
    let long = |end: &str| some(format!("{} {end}", "word ".repeat(30)));
    let of: Vec<(&[&str], Option<Value>)> =
        vec![(&[OLD], long("a")), (&[MID], long("b")), (&[NEW], long("a"))];
    let id = format!("crun/{}", "a-long-name".repeat(4));
    let because = [(MID, id.as_str(), bug(Some("clause")))];
    let name = format!("mounts/{}", "it".repeat(30));
    let differs = known(&name, "mount.inside./sys/firmware/efi/efivars", &of, &because);
    let changes = |cases| Changes::of(&versions(&[OLD, MID, NEW], cases)).expect("versions");
    let text = render(
        Format::Terminal,
        &changes(vec![differs.clone()]),
        &Style::default(),
    )
    .expect("drawn");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    assert!(text.contains("1 of 1 case differs"), "{text}");
    assert!(
        changes(vec![agree("a/b")])
            .counts()
            .starts_with("0 of 1 cases differ ")
    );
    assert!(
        changes(vec![differs, agree("a/b")])
            .counts()
            .starts_with("1 of 2 cases differs ")
    );
}

#[test]
fn versions_of_several_runtimes_or_of_one_alone_are_refused() {
    let two = |names: &[&str]| Changes::of(&versions(names, vec![agree("a/b")]));
    assert!(matches!(two(&["runc@1.1.5", NEW]), Err(NotVersions::Several(_))));
    assert!(matches!(two(&[NEW]), Err(NotVersions::One(_))));
    let twice = [versions(&[OLD, NEW], vec![]), versions(&[OLD, NEW], vec![])].concat();
    assert!(matches!(Changes::of(&twice), Err(NotVersions::Merged)));
}

#[test]
fn every_format_has_the_findings_and_is_harmless() {
    let mut evil = bug(None);
    evil.title = "a\u{1b}[2J|<script>`x`".into();
    let of: Vec<(&[&str], Option<Value>)> = vec![(&[OLD], some("\u{1b}]0;x\u{7}")), (&[NEW], some("|<b>"))];
    let mut cases = vec![known("a/it", "process.exit", &of, &[(NEW, "crun/it", evil)])];
    let mut unsupported = case("a/no", Verdict::Unsupported);
    unsupported.unsupported.push((OLD.into(), "no such step".into()));
    cases.push(unsupported);
    let events = versions(&[OLD, NEW], cases);
    let changes = Changes::of(&events).expect("versions");
    for format in [Format::Terminal, Format::Markdown, Format::Json] {
        let text = render(format, &changes, &Style::default()).expect("drawn");
        for word in ["crun/it", "1.8.1", "1.28", "broke", "a/it", "no such step"] {
            assert!(text.contains(word), "{format}: {word} not in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{format}");
        assert!(format != Format::Markdown || !text.contains("<script>"), "{text}");
    }
    assert!(render(Format::Junit, &changes, &Style::default()).is_err());
    // A run of several versions ends like this by itself.
    let text = report(Format::Terminal, &events, &Style::default()).expect("drawn");
    assert!(
        text.contains("broke in 1.28") && !text.contains("known a/it"),
        "{text}"
    );
}
