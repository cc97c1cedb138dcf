//! What a reader sees first.

use ocidiff_model::difference::Standing;
use ocidiff_model::{Event, Impact, Verdict};
use ocidiff_reports::{Run, Style, terminal};

use crate::story;

fn names(cases: &[&ocidiff_model::event::CaseReport]) -> Vec<String> {
    cases.iter().map(|case| case.case.clone()).collect()
}

#[test]
fn what_confines_less_comes_first_where_all_is_known_and_the_setgid_story_next() {
    let events = story::all_known();
    assert_eq!(
        names(&Run::of(&events).known()),
        [
            "mounts/masked-paths",
            "seccomp/tar-setgid",
            "lifecycle/kill-stopped",
            "capabilities/ambient",
            "lifecycle/bad-version"
        ]
    );
    let text = terminal::render(&events, &Style::default());
    let first = text.split("\n\n").nth(1).expect("a first difference");
    for part in ["mounts/masked-paths", "security", "runc, crun EACCES", "remedy"] {
        assert!(first.contains(part), "{part} is missing in:\n{first}");
    }
    let story = text.lines().find(|line| line.contains("seccomp/tar-setgid"));
    assert!(
        story.is_some_and(|line| line.contains("process.exit  runc 0")),
        "{text}"
    );
}

#[test]
fn a_remedy_outweighs_a_different_end_and_that_outweighs_links() {
    let mut no_remedy = story::breaks("a/no-remedy", 9);
    no_remedy
        .findings
        .values_mut()
        .for_each(|card| card.remedy = None);
    let mut same_end = story::breaks("a/same-end", 9);
    same_end.differences[0].fact = "proc.umask".into();
    let events = story::run(vec![
        no_remedy,
        same_end,
        story::breaks("b/one", 1),
        story::breaks("a/one", 1),
        story::breaks("a/two", 2),
    ]);
    assert_eq!(
        names(&Run::of(&events).known()),
        ["a/two", "a/one", "b/one", "a/same-end", "a/no-remedy"]
    );
}

#[test]
fn what_fails_comes_first_by_verdict() {
    let events = story::whole();
    let run = Run::of(&events);
    let verdicts: Vec<_> = run.told_whole().iter().map(|case| case.verdict).collect();
    use Verdict::{Broken, Gone, New, Unexpected, Unstable, Violation};
    assert_eq!(verdicts, [New, Gone, Violation, Unexpected, Broken, Unstable]);
}

#[test]
fn a_case_is_told_the_same_alone_and_in_the_report() {
    let events = story::whole();
    let style = Style::default();
    let whole = terminal::render(&events, &style);
    for case in Run::of(&events).told_whole() {
        assert!(whole.contains(&terminal::case(case, &style)), "{}", case.case);
    }
    assert!(whole.starts_with(&terminal::header(&events[0], &style)));
    assert_eq!(terminal::case(&story::agree("a/b"), &style), "");
    assert_eq!(
        terminal::case(&story::skipped("a/b", "needs cgroup v2"), &style),
        "skipped a/b  needs cgroup v2\n"
    );
}

#[test]
fn an_interrupted_run_says_so_everywhere() {
    let mut events = story::all_known();
    events.truncate(4);
    let run = Run::of(&events);
    assert!(run.interrupted && run.unfinished);
    let style = Style::default();
    for format in ocidiff_reports::Format::ALL {
        if format == ocidiff_reports::Format::Sarif {
            continue;
        }
        let text = ocidiff_reports::render(format, &events, &style).expect("render");
        let told = text
            .to_lowercase()
            .contains("interrupted: 3 of 7 cases have a verdict");
        assert_eq!(told, format != ocidiff_reports::Format::Json, "{format}:\n{text}");
    }
}

#[test]
fn unstable_fails_in_junit_only_where_the_run_was_strict() {
    let mut events = story::run(vec![story::unstable()]);
    let junit = |events: &[Event]| ocidiff_reports::junit::render(events).expect("render");
    assert!(!junit(&events).contains("<failure"));
    if let Some(Event::RunFinished { exit, .. }) = events.last_mut() {
        *exit = ocidiff_model::ExitStatus::Differs;
    }
    assert!(junit(&events).contains("<failure"));
}

#[test]
fn runs_of_several_machines_are_counted_together() {
    let mut events = story::all_known();
    events.extend(story::whole());
    let run = Run::of(&events);
    assert_eq!(run.counts.total(), 22);
    assert_eq!(run.runtimes(), 3);
    assert!(!run.interrupted);
    assert_eq!(
        terminal::render(&events, &Style::default())
            .matches("(reference)")
            .count(),
        2
    );
}

#[test]
fn the_fact_that_matters_most_stands_for_the_case() {
    let mut case = story::breaks("a/b", 0);
    let mut lesser = case.differences[0].clone();
    lesser.fact = "lifecycle.create.error".into();
    lesser.impact = Some(Impact::Cosmetic);
    case.differences.insert(0, lesser);
    assert_eq!(
        terminal::case(&case, &Style::default()),
        "known a/b  breaks     process.exit  runc 0 · crun, youki 1  +1 more fact  crun/it\n"
    );
}

#[test]
fn long_values_and_many_facts_are_cut() {
    let mut case = story::new_list();
    let long = story::some("x".repeat(500));
    for number in 0..30 {
        let fact = format!("file./tmp/{number}");
        let groups: [(&[&str], _); 2] = [(&["runc"], long.clone()), (&["crun"], None)];
        case.differences
            .push(story::difference(&fact, &groups, Standing::New { runs: 2 }));
    }
    let text = terminal::case(&case, &Style::default());
    assert!(text.contains("xxx...\n"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    assert!(text.contains("+20 more facts"), "{text}");
    assert!(text.lines().count() < 80, "{text}");
}
