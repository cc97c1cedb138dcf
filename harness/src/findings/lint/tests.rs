use super::*;

const GOOD: &str = "title: crun does a
affects: \"<1.2\"
kind: bug
impact: {entering: security, leaving: cosmetic}
applies: {config: {linux: {seccomp: \"*\"}}}
shows:
  - {fact: process.exit, is: 0, instead: {above: 0}}
cause: It forgets a.
links:
  source: [containers/crun@1.1:src/a.c#L3]
searched: 2026-11
";
const KNOWN: &str = "- facts:\n    process.exit: [{because: crun/a, shows: 0}, {otherwise: 2}]\n";

fn linted(files: &[(&str, &str)]) -> Vec<String> {
    let sources = crate::corpus::load_sources(files);
    lint(&sources).iter().map(ToString::to_string).collect()
}

fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replace(old, new)
}

#[test]
fn a_good_catalogue_has_nothing_to_mend() {
    let found = linted(&[("findings/crun/a.yaml", GOOD), ("t/a.known.yaml", KNOWN)]);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn each_slip_is_told() {
    let long = "because of this and that ".repeat(25);
    for (finding, known, expected) in [
        (GOOD.to_owned(), "[]\n".to_owned(), "no known file names `crun/a`"),
        (
            GOOD.to_owned(),
            format!(
                "{KNOWN}    process.signal: [{{because: unexplained, who: [crun], shows: 1}}, {{otherwise: 2}}]\n"
            ),
            "`process.signal` is unexplained",
        ),
        (
            with("searched: 2026-11\n", ""),
            KNOWN.to_owned(),
            "says whether upstream has heard",
        ),
        (
            with("searched: 2026-11", "reported: no"),
            KNOWN.to_owned(),
            "without `searched`, the month of the search",
        ),
        (
            with("crun does a", "it does a"),
            KNOWN.to_owned(),
            "the title does not begin with crun",
        ),
        (
            with("It forgets a.", "As for crun/b."),
            KNOWN.to_owned(),
            "says \"as for\"",
        ),
        (
            with("It forgets a.", "It forgets. No thread found."),
            KNOWN.to_owned(),
            "says \"no thread found\"",
        ),
        (
            with("It forgets a.", &long),
            KNOWN.to_owned(),
            "at most 500 are read",
        ),
        (
            with("It forgets a.", &long),
            KNOWN.to_owned(),
            "at most 160 are read",
        ),
        (
            with("kind: bug", "kind:   bug"),
            KNOWN.to_owned(),
            ":3:1: it is not in canonical form",
        ),
        (
            with("kind: bug", "kind: bug   # really"),
            KNOWN.to_owned(),
            "the comment in line 3 would be lost",
        ),
    ] {
        let found = linted(&[("findings/crun/a.yaml", &finding), ("t/a.known.yaml", &known)]).join("\n");
        assert!(found.contains(expected), "{expected} not in\n{found}");
    }
}

#[test]
fn a_sentence_stands_once() {
    let sentence = "It reads the number as text, and what is after it is forgotten by all that follow.";
    let first = with("It forgets a.", sentence);
    let second = with("It forgets a.", &format!("Here too. {sentence}"));
    let both = KNOWN.replace("crun/a", "[crun/a, crun/b]");
    let found = linted(&[
        ("findings/crun/a.yaml", &first),
        ("findings/crun/b.yaml", &second),
        ("t/a.known.yaml", &both),
    ]);
    let told = found.join("\n");
    assert!(told.contains("b.yaml:8:1: \"It reads the number"), "{told}");
    assert!(
        told.contains("stands in cases/findings/crun/a.yaml already"),
        "{told}"
    );
}

#[test]
fn what_is_written_reads_back() {
    for (text, name) in [
        (with("kind: bug", "# inner #1 is content\nkind: bug"), "findings/crun/a.yaml"),
        (format!("# Head.\n\n{}", with("cause: It forgets a.", "cause: |\n  It  forgets #12\n\n  and more.\n")), "findings/crun/a.yaml"),
        (with("title: crun does a", "title: 'crun: does \"a\" # b'"), "findings/crun/a.yaml"),
        ("# Head.\n- facts: {process.stdout: [{because: crun/a, shows: ['a, b', \"x: 'y'\", '- z', 'null', '1']}, {otherwise: '*', reason: 'a: b # c'}]}\n".to_owned(), "t/a.known.yaml"),
        ("- {facts: {process.exit: crun/a, 'proc.#1': [crun/a, runc/b]}}\n".to_owned(), "t/a.known.yaml"),
        (with("shows:\n  - {fact: process.exit, is: 0, instead: {above: 0}}\n", "shows: [refuses, {fact: process.exit, is: 1}, accepts, {fact: 'lifecycle.*{create,run}.result', is: ok, instead: error, where: {process.exit: {is: 2}}}]\n"), "findings/crun/a.yaml"),
        (with("{entering: ", "{leaving: cosmetic, entering: ").replace(", leaving: cosmetic}", "}"), "findings/crun/a.yaml"),
        (with("kind: bug\n", "kind: bug\nraces: true\n").replace("{entering: breaks, leaving: cosmetic}", "breaks"), "findings/crun/a.yaml"),
        ("- {for: [a], when: {cgroup: v1, kernel: '>=6.6'}, rate: 0.05, facts: {process.exit: [{because: [crun/a], who: ['crun <1'], shows: true}, {otherwise: (absent)}]}}\n".to_owned(), "t/a.known.yaml"),
    ] {
        let sources = crate::corpus::load_sources(&[(name, &text)]);
        let written = Written::of(name, &sources[name]).expect(&text);
        let inner = text.contains("# inner");
        match form_of(&text, &written) {
            Form::Other(new) if !inner => {
                let sources = crate::corpus::load_sources(&[(name, &new)]);
                let again = Written::of(name, &sources[name]).expect(&new);
                assert_eq!(form_of(&new, &again), Form::Good, "{new}");
                assert_eq!(text.starts_with('#'), new.starts_with("# Head.\n"), "{new}");
            }
            Form::Kept(_) if inner => {}
            other => panic!("{other:?} of\n{text}"),
        }
    }
}
