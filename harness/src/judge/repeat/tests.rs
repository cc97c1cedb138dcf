//! What several runs result in.

use ocidiff_model::Value;
use ocidiff_model::difference::{Account, How};

use super::*;
use crate::judge::compare::difference;

fn groups(values: &[(&str, i64)]) -> Vec<Group> {
    let group = |(who, value): &(&str, i64)| Group {
        value: Some(Value::Int(*value)),
        runtimes: vec![(*who).to_owned()],
    };
    values.iter().map(group).collect()
}

fn found(standing: Standing, values: &[(&str, i64)]) -> Difference {
    Difference {
        standing,
        ..difference("process.exit", groups(values))
    }
}

fn new(values: &[(&str, i64)]) -> Difference {
    found(Standing::New { runs: 1 }, values)
}

/// The groups of each run.
struct All(Vec<Vec<Group>>);

impl Shown for All {
    fn groups(&self, run: usize, _: &str) -> Vec<Group> {
        self.0[run].clone()
    }
}

fn over_runs(runs: &[Vec<Difference>], rate: Option<f64>) -> Over {
    let agreed = || groups(&[("runc", 0)]);
    let shown = runs
        .iter()
        .map(|run| run.first().map_or_else(agreed, |it| it.groups.clone()));
    let rate = rate.map(|rate| ("process.exit".to_owned(), Rate::try_from(rate).expect("a rate")));
    over(runs, &All(shown.collect()), &rate.into_iter().collect())
}

const DIFFER: [(&str, i64); 2] = [("runc", 0), ("crun", 2)];

#[test]
fn what_shows_each_time_is_new() {
    let run = || vec![new(&DIFFER)];
    let all = over_runs(&[run(), run(), run()], None);
    assert_eq!(all.runs, 3);
    assert_eq!(all.differences[0].standing, Standing::New { runs: 3 });
    assert!(all.differences[0].seen.is_empty());
}

#[test]
fn what_does_not_is_unstable_with_every_way_and_its_count() {
    let run = || vec![new(&DIFFER)];
    let all = over_runs(
        &[run(), vec![], run(), vec![new(&[("runc", 0), ("crun", 3)])]],
        None,
    );
    let difference = &all.differences[0];
    assert_eq!(difference.standing, Standing::Unstable { shown: 3, runs: 4 });
    let ways: Vec<_> = difference
        .seen
        .iter()
        .map(|way| (way.groups.len(), way.times))
        .collect();
    assert_eq!(ways, [(2, 2), (1, 1), (2, 1)]);
}

#[test]
fn what_differs_in_another_way_each_time_shows_each_time() {
    let run = |one, other| vec![new(&[("runc", one), ("crun", other)])];
    let all = over_runs(&[run(1, 2), run(3, 4), run(5, 6)], None);
    let difference = &all.differences[0];
    assert_eq!(difference.standing, Standing::Unstable { shown: 3, runs: 3 });
    assert_eq!(difference.seen.len(), 3);
}

#[test]
fn what_shows_only_later_is_unstable_too() {
    let all = over_runs(&[vec![], vec![new(&DIFFER)]], None);
    assert_eq!(
        all.differences[0].standing,
        Standing::Unstable { shown: 1, runs: 2 }
    );
}

#[test]
fn what_is_written_and_shows_each_time_is_known() {
    let run = || vec![found(Standing::Known, &DIFFER)];
    assert_eq!(
        over_runs(&[run(), run()], None).differences[0].standing,
        Standing::Known
    );
    let gone = || vec![found(Standing::Gone, &[("runc", 0)])];
    assert_eq!(
        over_runs(&[gone(), gone()], None).differences[0].standing,
        Standing::Gone
    );
    assert_eq!(
        over_runs(&[run(), gone()], None).differences[0].standing,
        Standing::Unstable { shown: 1, runs: 2 },
        "not written as a race"
    );
}

#[test]
fn a_race_that_is_written_is_known_where_it_shows_and_gone_only_if_that_is_too_unlikely() {
    let shows = || vec![found(Standing::Known, &DIFFER)];
    let gone = || vec![found(Standing::Gone, &[("runc", 0)])];
    let race = |runs: &[Vec<Difference>], rate| over_runs(runs, Some(rate)).differences;
    assert_eq!(
        race(&[gone(), gone(), shows()], 0.05)[0].standing,
        Standing::Known
    );
    assert!(race(&[gone(), gone(), gone()], 0.05).is_empty(), "by chance");
    assert_eq!(race(&[gone(), gone(), gone()], 0.95)[0].standing, Standing::Gone);
    let other = vec![new(&[("runc", 0), ("crun", 7)])];
    assert!(
        matches!(
            race(&[other, shows()], 0.05)[0].standing,
            Standing::Unstable { .. }
        ),
        "another value is not that race"
    );
}

#[test]
fn what_varies_and_is_explained_alike_each_time_is_known() {
    let told = |values: &[(&str, i64)], id: &str| {
        let mut known = found(Standing::Known, values);
        known.accounts = vec![Account {
            who: "crun".to_owned(),
            because: vec![id.parse().expect(id)],
            how: How::Recognised,
        }];
        vec![known]
    };
    let other = [("runc", 0), ("crun", 3)];
    let standing = |runs: &[Vec<Difference>]| over_runs(runs, None).differences[0].standing.clone();
    assert_eq!(
        standing(&[
            told(&DIFFER, "crun/a"),
            told(&other, "crun/a"),
            told(&DIFFER, "crun/a")
        ]),
        Standing::Known
    );
    for unstable in [
        [told(&DIFFER, "crun/a"), told(&other, "crun/b")],
        [told(&DIFFER, "crun/a"), vec![new(&other)]],
        [told(&DIFFER, "crun/a"), vec![]],
        [
            vec![found(Standing::Known, &DIFFER)],
            vec![found(Standing::Known, &other)],
        ],
    ] {
        assert!(
            matches!(standing(&unstable), Standing::Unstable { .. }),
            "{unstable:?}"
        );
    }
}

/// Three runs: runc and crun as given, and youki, which shows something else each time.
fn with_a_third(values: [(&str, i64); 2], change: impl Fn(&mut Difference)) -> Over {
    let runs: Vec<Vec<Difference>> = (0..3)
        .map(|run| {
            let mut one = new(&[values[0], values[1], ("youki", run)]);
            change(&mut one);
            vec![one]
        })
        .collect();
    over_runs(&runs, None)
}

#[test]
fn what_lasts_is_new_though_a_third_value_varies() {
    let all = with_a_third([("runc", 7), ("crun", 9)], |_| ());
    assert_eq!(all.differences[0].standing, Standing::New { runs: 3 });
    assert_eq!(all.differences[0].seen.len(), 3, "each way is told");
    let all = with_a_third([("runc", 7), ("crun", 7)], |_| ());
    assert_eq!(
        all.differences[0].standing,
        Standing::New { runs: 3 },
        "youki never shows 7"
    );
    let all = with_a_third([("runc", 2), ("crun", 2)], |_| ());
    assert_eq!(
        all.differences[0].standing,
        Standing::Unstable { shown: 3, runs: 3 },
        "youki shows 2 in one run"
    );
}

#[test]
fn who_never_does_what_is_expected_is_accused_and_nobody_else() {
    let all = with_a_third([("runc", 2), ("crun", 2)], |one| {
        one.against = vec!["crun".to_owned()];
        if one.groups[2].value == Some(Value::Int(1)) {
            one.against.push("youki".to_owned());
        }
    });
    assert_eq!(all.differences[0].standing, Standing::New { runs: 3 });
    assert_eq!(all.differences[0].against, ["crun"]);
}

#[test]
fn who_never_shows_what_is_written_is_off() {
    let written = |who: &str, value: Value| (who.to_owned(), value);
    let all = with_a_third([("runc", 7), ("crun", 7)], |one| {
        one.written = vec![written("runc", 7.into()), written("crun", 8.into())];
    });
    assert_eq!(all.differences[0].standing, Standing::New { runs: 3 });
    let all = with_a_third([("runc", 7), ("crun", 8)], |one| {
        one.written = vec![written("runc", 7.into()), written("crun", 8.into())];
    });
    assert_eq!(
        all.differences[0].standing,
        Standing::Unstable { shown: 3, runs: 3 }
    );
}
