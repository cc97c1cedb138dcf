use ocidiff_model::difference::{Group, Standing};
use ocidiff_model::{Case, Difference, Op};
use ocidiff_reports::mutants::How;
use ocidiff_runtimes::Manifest;

use super::edit::{Edit, edited};
use super::path::Path;
use super::rule::Mutant;
use super::{Names, load, plan, signs};
use crate::corpus::{Corpus, load_sources};

fn apply(edits: &str, document: &str) -> Option<String> {
    let edits: Vec<Edit> = serde_yaml::from_str(edits).expect("edits");
    edited(&edits, document)
}

#[test]
fn edits_change_what_is_at_their_path_and_nothing_else() {
    for (edits, before, after) in [
        (
            "[{drop: a.b}]",
            r#"{"a":{"b":1,"c":2}}"#,
            Some(r#"{"a":{"c":2}}"#),
        ),
        ("[{drop: a.x}]", r#"{"a":{"b":1}}"#, None),
        (
            "[{drop: 'a[ro]'}]",
            r#"{"a":["rw","ro"]}"#,
            Some(r#"{"a":["rw"]}"#),
        ),
        ("[{drop: 'a[-1]'}]", r#"{"a":[1,2,3]}"#, Some(r#"{"a":[1,2]}"#)),
        ("[{drop: 'a[-1]'}]", r#"{"a":[]}"#, None),
        (
            "[{drop: 'a[t=x]'}]",
            r#"{"a":[{"t":"x"},{"t":"y"}]}"#,
            Some(r#"{"a":[{"t":"y"}]}"#),
        ),
        (
            "[{drop: 'a[mode=1]'}]",
            r#"{"a":["mode=1","mode=2"]}"#,
            Some(r#"{"a":["mode=2"]}"#),
        ),
        ("[{drop: 'a[1]'}]", r#"{"a":[1,2,3]}"#, Some(r#"{"a":[1,3]}"#)),
        (
            "[{drop: 'a[\"x.y\"]'}]",
            r#"{"a":{"x.y":1,"z":2}}"#,
            Some(r#"{"a":{"z":2}}"#),
        ),
        (
            "[{drop: '*.*.b'}]",
            r#"{"a":[{"b":1}],"c":{"d":{"b":2}}}"#,
            Some(r#"{"a":[{}],"c":{"d":{}}}"#),
        ),
        (
            "[{set: a.b, to: 2}]",
            r#"{"a":{"b":1}}"#,
            Some(r#"{"a":{"b":2}}"#),
        ),
        ("[{set: a.b, to: 2}]", r#"{"a":{}}"#, None),
        (
            "[{set: a.b, to: null}]",
            r#"{"a":{"b":1}}"#,
            Some(r#"{"a":{"b":null}}"#),
        ),
        ("[{set: a, to: 2, was: 1}]", r#"{"a":1}"#, Some(r#"{"a":2}"#)),
        ("[{set: a, to: 2, was: 1}]", r#"{"a":3}"#, None),
        ("[{set: a, to: 1}]", r#"{"a":1}"#, None),
        ("[{add: a.b.c, to: 1}]", "{}", Some(r#"{"a":{"b":{"c":1}}}"#)),
        ("[{add: a.b, to: 1}]", r#"{"a":[]}"#, None),
        ("[{push: a.b, to: 1}]", r#"{"a":{}}"#, Some(r#"{"a":{"b":[1]}}"#)),
        ("[{push: a, to: 2}]", r#"{"a":[1]}"#, Some(r#"{"a":[1,2]}"#)),
        ("[{unshift: a, to: 0}]", r#"{"a":[1]}"#, Some(r#"{"a":[0,1]}"#)),
        ("[{unshift: a, to: 0}]", "{}", None),
        ("[{reverse: a}]", r#"{"a":[1,2]}"#, Some(r#"{"a":[2,1]}"#)),
        ("[{reverse: a}]", r#"{"a":[1,1]}"#, None),
        ("[{keep: a, count: 1}]", r#"{"a":[1,2]}"#, Some(r#"{"a":[1]}"#)),
        ("[{plus: a, by: -1}]", r#"{"a":1}"#, Some(r#"{"a":0}"#)),
        ("[{plus: a, by: 1}]", r#"{"a":"1"}"#, None),
        ("[{plus: a, by: 1}]", r#"{"a":9223372036854775807}"#, None),
        (
            "[{move: a, to: b}]",
            r#"{"a":[1],"b":[2]}"#,
            Some(r#"{"b":[2,1]}"#),
        ),
        ("[{move: a, to: b}]", r#"{"b":[2]}"#, None),
        ("[{drop: a}]", "[1]", None),
        ("[{drop: a}]", r#"{"a": "#, None),
        ("[]", r#"{"a":1}"#, None),
    ] {
        assert_eq!(apply(edits, before).as_deref(), after, "{edits} on {before}");
    }
}

#[test]
fn an_edit_is_one_thing_with_what_belongs_to_it() {
    for (edit, why) in [
        ("{}", "one of drop, set"),
        ("{drop: a, set: b, to: 1}", "one of drop, set"),
        ("{set: a}", "lacks `to: VALUE`"),
        ("{drop: a, to: 1}", "belongs to"),
        ("{keep: a}", "lacks `count: NUMBER`"),
        ("{plus: a, by: 1, was: 2}", "belongs to"),
        ("{move: a, to: 1}", "`to: PATH`"),
        ("{push: 'a.*', to: 1}", "names only"),
        ("{dorp: a}", "unknown field `dorp`"),
        ("{drop: ''}", "is not a path"),
        ("{drop: 'a[b'}", "not closed"),
        ("{drop: 'a..b'}", "a name is empty"),
        ("{drop: 'a[]'}", "is empty"),
        ("{drop: .a}", "too much"),
    ] {
        let error = serde_yaml::from_str::<Edit>(edit).expect_err(edit).to_string();
        assert!(error.contains(why), "{edit}: {error}");
    }
    let deep = vec!["a"; 100].join(".");
    assert!(deep.parse::<Path>().is_err(), "a path without end");
}

#[test]
fn an_edit_survives_the_way_to_the_wrapper() {
    let text = "[{set: 'a[\"b.c\"].*[t=x][-1]', to: null, was: 1}, {move: a, to: b}, {keep: a, count: 2}, {drop: a}]";
    let edits: Vec<Edit> = serde_yaml::from_str(text).expect("edits");
    let json = serde_json::to_string(&edits).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Vec<Edit>>(&json).expect("edits"),
        edits,
        "{json}"
    );
}

fn corpus() -> Corpus {
    let sources = load_sources(&[
        (
            "requirements.yaml",
            "[{id: r, level: must, since: '1', section: s, says: x}]",
        ),
        (
            "default-config.yaml",
            "{ociVersion: 1.0.2, process: {args: [a], cwd: /, user: {uid: 0, gid: 0}}, mounts: []}",
        ),
        ("rootfs/probe.yaml", "summary: the probe"),
        (
            "t/expects.yaml",
            "{summary: s, requirement: [r], expect: {process.exit: 0}}",
        ),
        ("t/named.yaml", "{summary: s, requirement: [r]}"),
        ("t/a-neighbour.yaml", "{summary: s}"),
        ("u/other.yaml", "{summary: s}"),
    ]);
    crate::corpus::load(&sources).expect("a corpus")
}

fn loaded(texts: &[(&str, &str)]) -> Result<Vec<Mutant>, String> {
    let manifests = Manifest::load_all(ocidiff_runtimes::BUILT_IN.iter().copied()).expect("manifests");
    let corpus = corpus();
    let names = Names {
        corpus: &corpus,
        manifests: &manifests,
    };
    load(&load_sources(texts), &names).map_err(|error| error.to_string())
}

#[test]
fn a_wrong_mutant_is_refused_with_its_place() {
    for (text, place, why) in [
        (
            "- {name: a, summary: s, brakes: [r]}",
            "m.yaml:1:",
            "unknown field `brakes`",
        ),
        (
            "- {name: a, summary: s, breaks: [rr]}",
            "m.yaml:1:",
            "unknown requirement `rr`",
        ),
        (
            "- {name: a, summary: s, topics: [tt]}",
            "m.yaml:1:",
            "no case lies under `tt`",
        ),
        (
            "- {name: a, summary: s, breaks: [r], over: [rnuc]}",
            "m.yaml:1:",
            "no runtime is called `rnuc`",
        ),
        (
            "- {name: a b, summary: s}",
            "m.yaml:1:",
            "letters, digits and dashes",
        ),
        (
            "- {name: a, summary: s, rule: {config: [{drop: a}]}}",
            "m.yaml:1:",
            "does not say what it breaks",
        ),
        (
            "- name: a\n  summary: s\n  breaks: [r]\n  rule:\n    calls:\n      wait: {exit: 1}\n",
            "m.yaml:6:7",
            "no runtime is called for `wait`",
        ),
        (
            "- name: a\n  summary: s\n  breaks: [r]\n  rule:\n    calls:\n      create: {output: [{drop: a}]}\n",
            "m.yaml:6:7",
            "the container's too",
        ),
        (
            "- name: a\n  summary: s\n  breaks: [r]\n  rule: {calls: {kill: {answer: {}, exit: 1}}}\n",
            "m.yaml:4:",
            "all that happens",
        ),
        (
            "- name: a\n  summary: s\n  breaks: [r]\n  rule: {calls: {kill: {then: [exec]}}}\n",
            "m.yaml:4:",
            "more than an id",
        ),
        (
            "- name: a\n  summary: s\n  rule: {calls: {fly: {}}}\n",
            "m.yaml:3:",
            "unknown word `fly`",
        ),
        (
            "- name: a\n  summary: s\n  rule: {config: [{set: a}]}\n",
            "m.yaml:3:",
            "lacks `to: VALUE`",
        ),
        ("name: a", "m.yaml:1:", "expected a list"),
    ] {
        let error = loaded(&[("m.yaml", text)]).expect_err(text);
        assert!(error.contains(place) && error.contains(why), "{text}: {error}");
    }
    let twice = "[{name: a, summary: s}, {name: a, summary: s}]";
    let error = loaded(&[("m.yaml", twice)]).expect_err("a name that is there twice");
    assert!(error.contains("is there already"), "{error}");
    let huge = format!("- {{name: a, summary: '{}'}}", "x".repeat(2 << 20));
    let error = loaded(&[("m.yaml", &huge)]).expect_err("a file without end");
    assert!(
        error.contains("larger than 1 MiB") && error.len() < 200,
        "{}",
        error.len()
    );
    let long = format!(
        "- {{name: a, summary: s, breaks: [r], rule: {{config: [{{add: a, to: '{}'}}]}}}}",
        "x".repeat(100 << 10)
    );
    let error = loaded(&[("m.yaml", &long)]).expect_err("a rule that fits into no command line");
    assert!(error.contains("larger than 64 KiB"), "{error}");
    let hostile = "- {name: a, summary: s, breaks: [\"\\e[2J\"]}";
    let error = loaded(&[("m.yaml", hostile)]).expect_err("a terminal command");
    assert!(!error.contains('\u{1b}'), "{error:?}");
    let all = [
        ("m.yaml", "- {name: a b, summary: s}"),
        ("n.yaml", "- {name: c d, summary: s}"),
    ];
    let error = loaded(&all).expect_err("two wrong files");
    assert!(
        error.contains("m.yaml") && error.contains("n.yaml"),
        "all errors at once: {error}"
    );
}

#[test]
fn the_cases_that_expect_a_broken_clause_come_first() {
    let mutants =
        loaded(&[("m.yaml", "- {name: a, summary: s, breaks: [r], topics: [t]}")]).expect("a mutant");
    assert_eq!(mutants[0].name, "m/a");
    let corpus = corpus();
    let names = |whole| -> Vec<&str> {
        let found = plan::candidates(&mutants[0], &corpus, whole);
        found
            .iter()
            .map(|candidate| candidate.entry.case.name.as_str())
            .collect()
    };
    assert_eq!(names(false), ["t/expects", "t/named", "t/a-neighbour"]);
    assert_eq!(names(true), ["t/expects", "t/named", "t/a-neighbour", "u/other"]);
}

fn difference(values: &[(&str, i64)], expected: Option<i64>, against: &[&str]) -> Difference {
    let group = |(label, value): &(&str, i64)| Group {
        value: Some((*value).into()),
        runtimes: vec![(*label).to_owned()],
    };
    Difference {
        seen: Vec::new(),
        written: Vec::new(),
        fact: "process.exit".to_owned(),
        groups: values.iter().map(group).collect(),
        standing: Standing::New { runs: 1 },
        expected: expected.map(Into::into),
        requirement: expected.map(|_| "r".to_owned()),
        against: against.iter().map(|label| (*label).to_owned()).collect(),
        impact: None,
        accounts: Vec::new(),
        fixed: Vec::new(),
    }
}

#[test]
fn a_catch_is_worth_what_it_names() {
    let case = Case {
        name: "t/c".to_owned(),
        source: String::new(),
        member: None,
        body: serde_yaml::from_str("{summary: s, requirement: [r]}").expect("a case"),
    };
    let both = [("runc", 0), ("mutant", 1)];
    let of = |found: Difference, breaks: &str| {
        let signs = signs::signs(&[found], &["mutant".to_owned()]);
        signs::catch(&case, &[breaks.to_owned()], signs).map(|catch| (catch.how, catch.names_clause))
    };
    assert_eq!(
        of(difference(&both, Some(0), &["mutant"]), "r"),
        Some((How::Clause, true))
    );
    assert_eq!(
        of(difference(&both, Some(0), &["mutant"]), "other"),
        Some((How::Expectation, false))
    );
    assert_eq!(
        of(difference(&both, None, &[]), "r"),
        Some((How::Difference, true))
    );
    // The real runtime does not do it either: it counts only that they differ, or nothing does.
    assert_eq!(
        of(difference(&both, Some(2), &["runc", "mutant"]), "r"),
        Some((How::Difference, true))
    );
    assert_eq!(
        of(difference(&both[..1], Some(2), &["runc", "mutant"]), "r"),
        None
    );
    let mut known = difference(&both, None, &[]);
    known.standing = Standing::Known;
    assert_eq!(of(known, "r"), None);
}

#[test]
fn only_the_steps_that_a_rule_changes_are_worth_a_try() {
    let step = |op: Op, input: Option<&str>| crate::cell::job::JobStep {
        label: op.name().to_owned(),
        op,
        life: 1,
        container: "main".to_owned(),
        argv: vec!["runc".to_owned()],
        limit_ms: 1,
        input: input.map(|text| ("/in".into(), text.to_owned())),
        stdout: None,
        terminal: false,
    };
    let configs = std::collections::BTreeMap::from([("main".to_owned(), r#"{"hostname":"a"}"#.to_owned())]);
    for (rule, steps, expected) in [
        ("{}", vec![step(Op::Create, None)], true),
        ("{config: [{drop: hostname}]}", vec![step(Op::Create, None)], true),
        (
            "{config: [{drop: domainname}]}",
            vec![step(Op::Create, None)],
            false,
        ),
        ("{config: [{drop: hostname}]}", vec![step(Op::State, None)], false),
        (
            "{process: [{drop: cwd}]}",
            vec![step(Op::Exec, Some(r#"{"cwd":"/"}"#))],
            true,
        ),
        (
            "{process: [{drop: cwd}]}",
            vec![step(Op::Update, Some(r#"{"cwd":"/"}"#))],
            false,
        ),
        ("{calls: {kill: {exit: 1}}}", vec![step(Op::Kill, None)], true),
        ("{calls: {kill: {exit: 1}}}", vec![step(Op::Delete, None)], false),
    ] {
        let text = format!("- {{name: a, summary: s, breaks: [r], rule: {rule}}}");
        let mutants = loaded(&[("m.yaml", &text)]).expect("a mutant");
        assert_eq!(
            plan::touches(&mutants[0].rule, &steps, &configs),
            expected,
            "{rule}"
        );
    }
}
