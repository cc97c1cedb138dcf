//! Known files that cannot mean what they say.

use super::errors;

const FINDING: &str = "{title: runc does it, affects: '*', kind: design, impact: cosmetic, cause: c, \
                       shows: [{fact: 'lifecycle.exec*.exit', is: 255}, {fact: 'mount.*', any: true, listed: linux.maskedPaths}]}";

const CASE: &str = "{summary: 's ${for}', for: [a, b, c], steps: [create, start, exec, wait], watch: {mount: [/x]}, \
                    config: {linux: {maskedPaths: [/x]}}}";

fn told(known: &str) -> String {
    errors(&[
        ("findings/runc/a.yaml", FINDING),
        ("t/a.yaml", CASE),
        ("t/a.known.yaml", known),
    ])
    .join("\n")
}

#[test]
fn a_finding_is_named_in_a_fact_that_it_can_show_in() {
    for (fact, expected) in [
        ("lifecycle.exec.exit", ""),
        ("mount./x", ""),
        (
            "process.exit",
            "a.known.yaml:2:5: `runc/a` does not show in `process.exit`: its `shows` are about `lifecycle.exec*.exit`, `mount.*`",
        ),
        (
            "lifecycle.exec.result",
            "does not show in `lifecycle.exec.result`",
        ),
        (
            "lifecycle.start.result",
            "does not show in `lifecycle.start.result`",
        ),
        ("mount./x/y", "the config does not have it at this path"),
    ] {
        for said in ["runc/a", "[runc/a]"] {
            let told = told(&format!("- facts:\n    {fact}: {said}\n"));
            assert!(
                told.contains(expected) && told.is_empty() == expected.is_empty(),
                "{fact}: {told}"
            );
        }
    }
}

#[test]
fn a_fact_is_written_once_for_the_same_cases_and_machines() {
    let again = "lifecycle.exec.exit: [{because: runc/a, shows: 99}, {otherwise: 1}]";
    for (first, second, clash) in [
        ("", "", true),
        ("for: [a, b]", "for: [b]", true),
        ("for: [b]", "", true),
        ("for: [a]", "for: [b]", false),
        ("when: {cgroup: v1}", "", true),
        ("when: {cgroup: v1}", "when: {cgroup: v2}", false),
        ("when: {kernel: '>=6.6'}", "when: {kernel: '<6.7'}", true),
        ("when: {kernel: '>=6.6'}", "when: {kernel: '<6.6'}", false),
        ("when: {via: docker}", "", false),
        ("when: {via: docker}", "when: {via: '*'}", true),
        (
            "for: [a], when: {cgroup: v1}",
            "for: [b], when: {cgroup: v1}",
            false,
        ),
        ("rate: 0.5", "", true),
    ] {
        let head = |said: &str| {
            if said.is_empty() {
                String::new()
            } else {
                format!("{said}, ")
            }
        };
        let known = format!(
            "- {{{}facts: {{lifecycle.exec.exit: runc/a}}}}\n- {{{}facts: {{{again}}}}}\n",
            head(first),
            head(second)
        );
        let told = told(&known);
        let expected = if clash {
            "`lifecycle.exec.exit` is already written in line 1, for the same cases"
        } else {
            ""
        };
        assert!(
            told.contains(expected) && told.is_empty() != clash,
            "{known}: {told}"
        );
        assert!(!clash || told.contains("a.known.yaml:2:"), "{told}");
    }
}

#[test]
fn a_fact_of_a_life_or_container_that_there_is_not_is_refused_as_in_the_case() {
    for (steps, fact, expected) in [
        (
            "",
            "process.exit#2",
            "`process.exit#2` is not looked at: `main` is made once",
        ),
        ("", "proc.umask#1#2", "`main` is made once"),
        ("create, start, wait, delete, create, start", "process.exit#2", ""),
        (
            "create, start, wait, delete, create, start",
            "process.exit#3",
            "`main` is made 2 times",
        ),
        (
            "create, start, {create: {as: b, config: {}}}",
            "process.b.exit#2",
            "`b` is made once",
        ),
        (
            "create, start, {create: {as: b, config: {}}}",
            "process.b.exit",
            "if no step starts `b`",
        ),
        (
            "create, start, exec, wait",
            "process.exec.exit#2",
            "`exec` is made once",
        ),
        (
            "create, delete",
            "process.exit",
            "if no step starts the main container",
        ),
        ("run", "process.exit", "of a container that is run"),
    ] {
        let case = match steps {
            "" => "{summary: s}".to_owned(),
            steps => format!("{{summary: s, steps: [{steps}]}}"),
        };
        let known =
            format!("- facts: {{{fact}: [{{because: runc/a, who: [runc], shows: 1}}, {{otherwise: 0}}]}}\n");
        let known = known.replace(fact, &format!("\"{fact}\""));
        let told = errors(&[
            ("findings/runc/a.yaml", FINDING),
            ("t/a.yaml", &case),
            ("t/a.known.yaml", &known),
        ])
        .join("\n");
        assert!(
            told.contains(expected) && told.is_empty() == expected.is_empty(),
            "{steps}: {fact}: {told}"
        );
    }
}
