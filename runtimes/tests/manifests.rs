//! The built-in manifests write the command lines that each runtime expects, and bad manifests are reported with the
//! position of the error.

use ocidiff_model::Op;
use ocidiff_runtimes::{BUILT_IN, Call, CallError, Flag, Manifest, ManifestErrors, Var, Version};

fn manifest(name: &str) -> Manifest {
    let all = Manifest::load_all(BUILT_IN.iter().copied()).expect("the built-in manifests are good");
    all.into_iter()
        .find(|manifest| manifest.name == name)
        .expect("there is a manifest of the name")
}

fn version(text: &str) -> Version {
    Version::parse(text).expect("a version")
}

/// The command line with all words, as one text.
fn line(name: &str, at: &str, call: &Call) -> String {
    let words = manifest(name)
        .command(call, &version(at))
        .expect("the call can be written");
    words
        .iter()
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn call(step: Op) -> Call {
    let call = Call::new(step, "/r").id("c");
    match step {
        Op::Create | Op::Run => call.with(Var::Bundle, "/b").with(Var::PidFile, "/p"),
        Op::Kill => call.with(Var::Signal, "TERM").flag(Flag::All),
        Op::Delete => call.flag(Flag::Force),
        Op::Exec => call
            .with(Var::Process, "/j")
            .with(Var::PidFile, "/p")
            .flag(Flag::Detach),
        Op::Update => call.with(Var::Resources, "/u"),
        _ => call,
    }
}

const TABLE: [(Op, &str); 12] = [
    (Op::Create, "--root /r create --bundle /b --pid-file /p c"),
    (Op::Start, "--root /r start c"),
    (Op::State, "--root /r state c"),
    (Op::Kill, "--root /r kill --all c TERM"),
    (Op::Delete, "--root /r delete --force c"),
    (Op::Exec, "--root /r exec --pid-file /p --detach --process /j c"),
    (Op::Pause, "--root /r pause c"),
    (Op::Resume, "--root /r resume c"),
    (Op::Update, "--root /r update --resources /u c"),
    (Op::Run, "--root /r run --bundle /b --pid-file /p c"),
    (Op::Features, "--root /r features"),
    (Op::List, "--root /r list"),
];

#[test]
fn every_step_of_runc_crun_and_youki() {
    for (name, at) in [("runc", "1.1.5"), ("crun", "1.21"), ("youki", "0.7.0")] {
        for (step, want) in TABLE {
            assert_eq!(line(name, at, &call(step)), want, "{name} {step}");
        }
    }
}

#[test]
fn every_step_of_runsc() {
    for (step, want) in TABLE {
        if matches!(step, Op::Update | Op::Features) {
            assert!(!manifest("runsc").has(step, &version("20240729.0")));
        } else {
            assert_eq!(line("runsc", "20240729.0", &call(step)), want, "{step}");
        }
    }
}

#[test]
fn a_step_is_there_from_its_first_version_on() {
    let (runc, crun) = (manifest("runc"), manifest("crun"));
    assert!(!runc.has(Op::Features, &version("1.0.0-rc93")) && runc.has(Op::Features, &version("1.1.5")));
    assert!(!crun.has(Op::Features, &version("1.8.1")) && crun.has(Op::Features, &version("1.21")));
    let err = crun
        .command(&call(Op::Features), &version("1.8.1"))
        .expect_err("1.8.1 has no features");
    assert_eq!(
        err,
        CallError::NoStep {
            runtime: "crun".to_owned(),
            step: Op::Features
        }
    );
}

#[test]
fn words_go_where_options_go_and_a_kill_needs_no_signal() {
    let raw = Call::new(Op::Kill, "/r").id("..").raw(["--odd"]);
    assert_eq!(line("crun", "1.8.1", &raw), "--root /r kill --odd ..");
    let json = Call::new(Op::List, "/r").flag(Flag::Json);
    assert_eq!(line("runc", "1.1.5", &json), "--root /r list --format json");
}

#[test]
fn what_a_call_lacks_and_what_a_step_lacks_are_errors() {
    let at = version("1.1.5");
    let no_id = manifest("runc")
        .command(&Call::new(Op::Start, "/r"), &at)
        .expect_err("no id");
    assert!(no_id.to_string().contains("no `id`"), "{no_id}");
    let odd = manifest("runc")
        .command(&call(Op::Start).flag(Flag::Force), &at)
        .expect_err("no such option");
    assert!(odd.to_string().contains("no option `force`"), "{odd}");
}

#[test]
fn refusals_are_known() {
    assert!(
        manifest("crun")
            .refusal("2026 error: unknown version specified\n", Some("1.2.0"))
            .is_some()
    );
    assert!(manifest("crun").refusal("Permission denied", None).is_none());
    for older in ["1.0.2", "1.o.2", "2.o", ""] {
        let said = manifest("crun")
            .refusal("unknown version specified", Some(older))
            .map(str::to_owned);
        assert_eq!(said, None, "{older} is not newer than crun");
    }
}

#[test]
fn versions_are_read_from_real_output() {
    let table = [
        (
            "runc",
            "runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\n",
            "1.1.5",
        ),
        (
            "runc",
            "runc version 1.0.0~rc93+ds1\ncommit: x\nspec: 1.0.2-dev\n",
            "1.0.0-rc93",
        ),
        (
            "runc",
            "runc version 1.3.6+ds1\nspec: 1.2.1\ngo: go1.26\n",
            "1.3.6",
        ),
        (
            "crun",
            "crun version 1.8.1\ncommit: f8a0\nrundir: /run/crun\nspec: 1.0.0\n+SYSTEMD\n",
            "1.8.1",
        ),
        ("crun", "crun version 0.17\nspec: 1.0.0\n", "0.17"),
        (
            "youki",
            "youki version: 0.7.0\ncommit: 0.7.0-VERGEN_IDEMPOTENT_OUTPUT\nspec: 1.1.0\n",
            "0.7.0",
        ),
        (
            "runsc",
            "runsc version 0.0~20240729.0\nspec: 1.1.0-rc.1\n",
            "20240729.0",
        ),
        (
            "runsc",
            "runsc version release-20240729.0\nspec: 1.1.0-rc.1\n",
            "20240729.0",
        ),
    ];
    for (name, output, want) in table {
        assert_eq!(
            manifest(name).read_version(output),
            Some(version(want)),
            "{name}: {output}"
        );
    }
    assert_eq!(manifest("runc").read_version("crun version 1.8.1"), None);
}

fn runc_with(old: &str, new: &str) -> String {
    let text = BUILT_IN[0].1;
    assert!(text.contains(old), "the sample text is in runc.yaml");
    text.replacen(old, new, 1)
}

fn error_of(text: &str) -> String {
    Manifest::parse("runc.yaml", text)
        .expect_err("the manifest is bad")
        .to_string()
}

/// The position of a text in another, as in an error.
fn place(text: &str, what: &str) -> String {
    let at = text.find(what).expect("the text is there");
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = at - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
    format!("runc.yaml:{line}:{column}: ")
}

#[test]
fn errors_name_file_line_and_column() {
    let table = [
        ("order: 1", "ordre: 1", "ordre", "unknown field `ordre`"),
        ("    start: {", "    begin: {", "begin", "unknown word `begin`"),
        (
            "\"${root}\"",
            "\"${rot}\"",
            "\"${rot}\"",
            "unknown variable `rot`",
        ),
        ("\"${root}\"", "\"${root\"", "\"${root\"", "does not close it"),
        (
            "force: [--force]",
            "froce: [--force]",
            "froce",
            "unknown word `froce`",
        ),
        (
            "default: 1.1.5",
            "default: newest",
            "newest",
            "`newest` is not a version",
        ),
        (
            "'^runc version",
            "'^runc (version",
            "'^runc (",
            "not a regular expression",
        ),
        (
            "name: runc",
            "name: [runc]",
            "[runc]",
            "expected a text, not a list",
        ),
    ];
    for (old, new, at, why) in table {
        let text = runc_with(old, new);
        let err = error_of(&text);
        assert!(
            err.contains(&place(&text, at)) && err.contains(why),
            "{new}: {err}"
        );
    }
}

#[test]
fn the_name_is_the_files_and_no_required_step_is_missing() {
    let text = runc_with("name: runc", "name: runk");
    assert!(
        error_of(&text).contains("runc.yaml:2:1: the name is `runk`"),
        "{}",
        error_of(&text)
    );
    let text = runc_with("    state: {args: [state, \"${options}\", \"${id}\"]}\n", "");
    assert!(
        error_of(&text).contains("the step `state` is missing"),
        "{}",
        error_of(&text)
    );
}

#[test]
fn all_errors_of_all_files_are_told() {
    let ManifestErrors(errors) =
        Manifest::load_all([("a.yaml", "name: 1"), ("b.yaml", "nome: b")]).expect_err("both are bad");
    assert_eq!(errors.len(), 2);
}
