//! Cases that a fake launches: records by hand, run after run.

use std::sync::Mutex;

use futures_util::FutureExt;
use ocidiff_model::record::{Aside, BundleDigest};
use ocidiff_model::{Finding, Value};

use super::*;
use crate::judge::recognise::tests::{finding, record};
use crate::judge::verdict::tests::{case, known, machine};
use crate::paths::Placed;

/// Hands out the records of one run after the other, the last of them again and again.
struct Runs {
    left: Mutex<Vec<Vec<Record>>>,
    written: Option<Json>,
}

impl Launch for Runs {
    async fn once(&self, _: &Case, _: &Bundle) -> Vec<Record> {
        let mut left = self.left.lock().expect("no other thread");
        if left.len() > 1 {
            left.remove(0)
        } else {
            left[0].clone()
        }
    }

    fn written(&self) -> Option<Json> {
        self.written.clone()
    }
}

/// What a case is judged by, besides its records.
struct Asked {
    case: &'static str,
    known: &'static str,
    findings: Vec<(&'static str, Finding)>,
    origin: Origin,
    tells_gone: bool,
    repeat: u32,
    config: &'static str,
    written: Option<Json>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            case: "steps: [create, start, wait]",
            known: "",
            findings: Vec::new(),
            origin: Origin::Case,
            tells_gone: true,
            repeat: 1,
            config: "{}",
            written: None,
        }
    }
}

impl Asked {
    fn judge(&self) -> Judge {
        let mut corpus = Corpus {
            runtimes: ["runc", "crun", "youki"].map(str::to_owned).to_vec(),
            ..Corpus::default()
        };
        for (id, finding) in &self.findings {
            corpus.findings.0.insert(id.parse().expect(id), finding.clone());
        }
        for id in ["clause-a", "clause-b"] {
            let clause = serde_json::json!({
                "id": id, "level": "must", "since": "1.0.0", "section": "config.md", "says": "s",
            });
            let clause = serde_json::from_value(clause).expect("a clause");
            corpus.requirements.insert(id.to_owned(), clause);
        }
        Judge {
            corpus: Arc::new(corpus),
            machine: machine(),
            tells_gone: self.tells_gone,
            origin: self.origin,
            repeat: self.repeat,
            newest: Newest::default(),
        }
    }

    fn entry(&self) -> Entry {
        Entry {
            case: case(self.case),
            known: known(self.known),
        }
    }

    fn bundle(&self) -> Bundle {
        Bundle {
            layers: Vec::new(),
            placed: Placed::default(),
            configs: BTreeMap::from([(MAIN.to_owned(), self.config.to_owned())]),
            stand_ins: Vec::new(),
            digest: BundleDigest {
                config: "c".into(),
                rootfs: "r".into(),
            },
        }
    }

    fn run(&self, runs: Vec<Vec<Record>>) -> Finished {
        let launch = Runs {
            left: Mutex::new(runs),
            written: self.written.clone(),
        };
        let (judge, entry, bundle) = (self.judge(), self.entry(), self.bundle());
        let run = judge.run(&launch, &entry, &bundle, Instant::now());
        run.now_or_never().expect("the fake does not wait")
    }
}

/// A run in which every step succeeds, and each runtime's program ends with its number.
fn exits(all: &[(&str, &str)]) -> Vec<Record> {
    let of = |(who, exit): &(&str, &str)| {
        let ok = |step: &str| format!("lifecycle.{step}.result");
        record(
            who,
            &[
                (&ok("create"), "ok"),
                (&ok("start"), "ok"),
                (&ok("wait"), "ok"),
                ("process.exit", exit),
            ],
        )
    };
    all.iter().map(of).collect()
}

fn agreed() -> Vec<Record> {
    exits(&[("runc", "0"), ("crun", "0")])
}

fn differing() -> Vec<Record> {
    exits(&[("runc", "0"), ("crun", "1")])
}

fn with(mut records: Vec<Record>, at: usize, outcome: RunOutcome) -> Vec<Record> {
    records[at].outcome = outcome;
    records
}

const WRITTEN: &str = "[{fact: process.exit, values: {runc: 0, crun: 1}}]";

#[test]
fn a_difference_is_run_again_until_it_is_confirmed_or_known() {
    for (known, runs, verdict, count) in [
        ("", vec![agreed()], Verdict::Agree, 1),
        ("", vec![differing()], Verdict::New, 3),
        ("", vec![differing(), agreed()], Verdict::Unstable, 3),
        (WRITTEN, vec![differing()], Verdict::Known, 1),
        (WRITTEN, vec![agreed()], Verdict::Gone, 3),
        (
            WRITTEN,
            vec![exits(&[("runc", "0"), ("crun", "2")])],
            Verdict::New,
            3,
        ),
    ] {
        let asked = Asked {
            known,
            ..Asked::default()
        };
        let report = asked.run(runs).report;
        assert_eq!(
            (report.verdict, report.runs),
            (verdict, count),
            "{known} {verdict:?}"
        );
        assert!(report.bundle.is_some() && report.why.is_none() && !report.twins);
        assert_eq!(report.differences.len(), usize::from(verdict != Verdict::Agree));
    }
}

#[test]
fn what_does_not_show_is_not_gone_where_something_else_wrote_the_config() {
    let asked = Asked {
        known: WRITTEN,
        tells_gone: false,
        ..Asked::default()
    };
    assert_eq!(asked.run(vec![agreed()]).report.verdict, Verdict::Agree);
    assert_eq!(asked.run(vec![differing()]).report.verdict, Verdict::Known);
}

#[test]
fn a_case_is_run_as_often_as_it_or_the_user_says() {
    for (case, repeat, runs) in [
        ("steps: [create, start, wait]\nrepeat: 4", 1, 4),
        ("steps: [create, start, wait]\nrepeat: 4", 6, 6),
        ("steps: [create, start, wait]", 2, 2),
    ] {
        let asked = Asked {
            case,
            repeat,
            ..Asked::default()
        };
        assert_eq!(asked.run(vec![agreed()]).report.runs, runs, "{case} {repeat}");
    }
}

#[test]
fn a_run_that_the_machine_failed_says_nothing_whichever_it_is() {
    let broken = || with(differing(), 1, RunOutcome::Broken("no memory".into()));
    for runs in [
        vec![broken()],
        vec![differing(), broken()],
        vec![differing(), differing(), broken()],
    ] {
        let finished = Asked::default().run(runs);
        assert_eq!(finished.report.verdict, Verdict::Broken);
        assert_eq!(finished.report.why.as_deref(), Some("crun: no memory"));
        assert!(finished.report.differences.is_empty() && finished.records.len() == 2);
    }
}

#[test]
fn where_fewer_than_two_support_it_nothing_is_compared() {
    let refuses = RunOutcome::Unsupported("no cgroup v1".into());
    let report = Asked::default()
        .run(vec![with(differing(), 1, refuses.clone())])
        .report;
    assert_eq!(report.verdict, Verdict::Unsupported);
    assert_eq!(report.why.as_deref(), Some("crun: no cgroup v1"));
    assert_eq!(
        report.unsupported,
        [("crun".to_owned(), "no cgroup v1".to_owned())]
    );

    let three = exits(&[("runc", "0"), ("crun", "1"), ("youki", "0")]);
    let report = Asked::default().run(vec![with(three, 1, refuses)]).report;
    assert_eq!((report.verdict, report.unsupported.len()), (Verdict::Agree, 1));
    assert_eq!(report.why, None);
}

#[test]
fn a_refusal_is_a_difference_where_the_bundle_is_the_users() {
    let refuses = |outcome: fn(String) -> RunOutcome| {
        let refused = record("crun", &[("lifecycle.create.result", "error")]);
        let mut records = agreed();
        records[1] = refused;
        with(records, 1, outcome("not supported".into()))
    };
    let partly = |why| {
        RunOutcome::Partly(Aside {
            lives: vec!["main".into()],
            why,
        })
    };
    for outcome in [RunOutcome::Unsupported as fn(String) -> RunOutcome, partly] {
        let of = |origin| {
            Asked {
                origin,
                ..Asked::default()
            }
            .run(vec![refuses(outcome)])
            .report
        };
        assert_eq!(of(Origin::Given).verdict, Verdict::New);
        assert!(of(Origin::Given).unsupported.is_empty());
        assert_eq!(of(Origin::Case).unsupported.len(), 1);
    }
    // It was not even called: that is no answer.
    let mut unasked = refuses(RunOutcome::Unsupported);
    unasked[1].steps.clear();
    let asked = Asked {
        origin: Origin::Given,
        ..Asked::default()
    };
    assert_eq!(asked.run(vec![unasked]).report.verdict, Verdict::Unsupported);
}

#[test]
fn what_fails_everywhere_is_judged_by_where_it_comes_from() {
    let fails = || {
        ["runc", "crun"]
            .map(|who| record(who, &[("lifecycle.create.result", "error")]))
            .to_vec()
    };
    for (origin, verdict, why) in [
        (
            Origin::Case,
            Verdict::Broken,
            Some("no runtime does this: create"),
        ),
        (Origin::Given, Verdict::Broken, Some("nobody starts it")),
        (Origin::Control, Verdict::Agree, None),
        (Origin::Engine, Verdict::Agree, None),
    ] {
        let report = Asked {
            origin,
            ..Asked::default()
        }
        .run(vec![fails()])
        .report;
        assert_eq!(report.verdict, verdict, "{origin:?}");
        let said = report.why.unwrap_or_default();
        assert_eq!(
            said.starts_with(why.unwrap_or_default()),
            why.is_some() || said.is_empty(),
            "{said}"
        );
        let failures = if verdict == Verdict::Broken { 0 } else { 2 };
        assert_eq!(report.failures.len(), failures, "{origin:?}");
    }
    let control = Asked {
        origin: Origin::Control,
        ..Asked::default()
    };
    let idle = control
        .judge()
        .idle(&control.entry(), &control.bundle(), &fails());
    assert!(idle.expect("a reason").starts_with("no runtime does this"));
    assert_eq!(
        control
            .judge()
            .idle(&control.entry(), &control.bundle(), &agreed()),
        None
    );
}

#[test]
fn a_watch_for_which_no_runtime_shows_anything_is_misspelt() {
    let case = "steps: [create, start, wait]\nwatch: {file: [/nothing]}";
    let of = |tells_gone, records| {
        let asked = Asked {
            case,
            tells_gone,
            ..Asked::default()
        };
        asked.run(vec![records]).report.why
    };
    let why = of(true, agreed());
    assert_eq!(
        why.as_deref(),
        Some("it watches file./nothing, which no runtime shows")
    );
    assert_eq!(of(false, agreed()), None);
    // What a single one does not show, another may.
    let alone = with(agreed(), 1, RunOutcome::Unsupported("no".into()));
    assert_eq!(of(true, alone).as_deref(), Some("crun: no"));
}

#[test]
fn what_a_finding_accounts_for_is_known_and_accuses_its_runtime() {
    let sign = "shows: [{fact: process.exit, is: 1, instead: 0}]";
    let accusing = format!("violates: clause-a, {sign}");
    let asked = |rest: &str| Asked {
        findings: vec![("crun/x", finding(rest))],
        ..Asked::default()
    };
    let report = asked(&accusing).run(vec![differing()]).report;
    let found = &report.differences[0];
    assert_eq!((report.verdict, report.runs), (Verdict::Known, 1));
    assert_eq!(found.requirement.as_deref(), Some("clause-a"));
    assert_eq!(found.against, ["crun"]);
    assert!(found.impact.is_some());
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.requirements.len(), 1);

    let report = asked(sign).run(vec![differing()]).report;
    assert_eq!(
        (report.verdict, report.differences[0].requirement.as_deref()),
        (Verdict::Known, None)
    );
    assert!(report.differences[0].against.is_empty() && report.requirements.is_empty());

    // What is written outweighs what resembles it.
    let off = Asked {
        known: "[{fact: process.exit, values: {runc: 0, crun: 7}}]",
        ..asked(sign)
    };
    assert_eq!(off.run(vec![differing()]).report.verdict, Verdict::New);
}

#[test]
fn whether_a_finding_applies_is_asked_of_the_config_that_the_runtimes_were_given() {
    let asked = |written: Option<Json>| Asked {
        findings: vec![(
            "crun/x",
            finding("applies: {config: {a: 1}}, shows: [{fact: process.exit, is: 1, instead: 0}]"),
        )],
        written,
        ..Asked::default()
    };
    for (written, verdict) in [
        (None, Verdict::New),
        (Some(serde_json::json!({"a": 1})), Verdict::Known),
        (Some(serde_json::json!({"a": 2})), Verdict::New),
    ] {
        let report = asked(written.clone()).run(vec![differing()]).report;
        assert_eq!(report.verdict, verdict, "{written:?}");
    }
}

#[test]
fn what_is_known_to_show_in_some_runs_only_is_not_unstable() {
    let sign = "shows: [{fact: process.exit, is: 1, instead: 0}]";
    for (rest, origin, verdict) in [
        (format!("races: true, {sign}"), Origin::Case, Verdict::Known),
        (sign.to_owned(), Origin::Case, Verdict::Unstable),
        // A runtime differs from itself only by a race.
        (format!("races: true, {sign}"), Origin::Control, Verdict::Known),
        (sign.to_owned(), Origin::Control, Verdict::Unstable),
    ] {
        let asked = Asked {
            findings: vec![("crun/x", finding(&rest))],
            origin,
            repeat: 3,
            ..Asked::default()
        };
        let report = asked.run(vec![differing(), agreed()]).report;
        assert_eq!(report.verdict, verdict, "{rest} {origin:?}");
    }
}

#[test]
fn an_entry_with_a_rate_may_be_missing_from_a_run() {
    let asked = Asked {
        known: WRITTEN,
        ..Asked::default()
    };
    let mut entry = asked.entry();
    entry.known.0[0].rate = Some(Rate::try_from(0.5).expect("a rate"));
    let launch = Runs {
        left: Mutex::new(vec![agreed()]),
        written: None,
    };
    let (judge, bundle) = (asked.judge(), asked.bundle());
    let run = judge.run(&launch, &entry, &bundle, Instant::now()).now_or_never();
    assert_eq!(
        run.expect("the fake does not wait").report.verdict,
        Verdict::Agree
    );
}

#[test]
fn each_runtime_shows_its_own_of_the_findings_that_an_entry_names_for_all() {
    let id = |text: &str| text.parse::<FindingId>().expect(text);
    let account = |who: &str, ids: &[&str]| Account {
        who: who.to_owned(),
        because: ids.iter().copied().map(id).collect(),
        how: ocidiff_model::difference::How::Written,
    };
    let mut found = vec![crate::judge::compare::difference("process.exit", Vec::new())];
    found[0].accounts = vec![
        account("runc", &["runc/a", "crun/b", "libseccomp/c"]),
        account("crun@1.8 (local)", &["runc/a", "crun/b"]),
        account("youki", &["runc/a", "crun/b"]),
    ];
    Asked::default().judge().own(&mut found);
    let left: Vec<&[FindingId]> = found[0]
        .accounts
        .iter()
        .map(|account| &*account.because)
        .collect();
    assert_eq!(left[0], [id("runc/a"), id("libseccomp/c")]);
    assert_eq!(left[1], [id("crun/b")]);
    // Of a runtime that has none of its own, nothing is taken.
    assert_eq!(left[2], [id("runc/a"), id("crun/b")]);
}

#[test]
fn what_was_found_without_a_case_is_explained_even_of_one_that_refuses() {
    let asked = Asked {
        findings: vec![(
            "crun/x",
            finding("shows: [{fact: process.exit, is: 1, instead: 0}]"),
        )],
        ..Asked::default()
    };
    let groups = |value: i64, who: &str| ocidiff_model::Group {
        value: Some(Value::Int(value)),
        runtimes: vec![who.to_owned()],
    };
    let explained = |outcome: RunOutcome| {
        let mut found = vec![crate::judge::compare::difference(
            "process.exit",
            vec![groups(0, "runc"), groups(1, "crun")],
        )];
        let records = with(differing(), 1, outcome);
        asked
            .judge()
            .explain(&asked.entry().case, "{}", &records, &mut found);
        found[0].accounts.len()
    };
    assert_eq!(explained(RunOutcome::Complete), 1);
    assert_eq!(explained(RunOutcome::Unsupported("no".into())), 1);
    assert_eq!(explained(RunOutcome::Broken("no memory".into())), 0);
}

#[test]
fn two_programs_that_claim_to_be_the_same_are_twins() {
    let report = Asked::default()
        .run(vec![exits(&[("crun", "0"), ("crun@2", "0")])])
        .report;
    assert!(report.twins);
}

#[test]
fn a_finding_is_about_its_own_runtime_and_the_steps_that_it_names() {
    let sign = "shows: [{fact: process.exit, is: 1, instead: 0}]";
    let kills = format!("applies: {{steps: [kill]}}, {sign}");
    for (rest, case, runs, verdict) in [
        (
            sign,
            "steps: [create, start, wait]",
            exits(&[("runc", "1"), ("crun", "0")]),
            Verdict::New,
        ),
        (&*kills, "steps: [create, start, wait]", differing(), Verdict::New),
        (
            &*kills,
            "steps: [create, start, {kill: {signal: KILL}}, wait]",
            differing(),
            Verdict::Known,
        ),
    ] {
        let asked = Asked {
            findings: vec![("crun/x", finding(rest))],
            case,
            ..Asked::default()
        };
        assert_eq!(asked.run(vec![runs]).report.verdict, verdict, "{rest} {case}");
    }
}

#[test]
fn filters_that_depart_from_the_profile_are_explained() {
    use crate::judge::filters::tests::{CONFIG, as_written, open};
    let runs = |departs: bool| {
        let mut records = agreed();
        for (record, filter) in records.iter_mut().zip([as_written(), open()]) {
            let filters = [filter];
            if departs {
                record.facts.extend(filters::facts(CONFIG, &filters));
            }
            record.filters = filters.to_vec();
        }
        records
    };
    let asked = Asked {
        config: CONFIG,
        ..Asked::default()
    };
    let report = asked.run(vec![runs(true)]).report;
    assert_eq!((report.verdict, report.filters.len()), (Verdict::New, 1));
    assert!(asked.run(vec![runs(false)]).report.filters.is_empty());
}
