//! What is written in another shape than is read, and names that mean something else.

use ocidiff_model::Catalogue;

use super::errors;

/// What an error says only if it names our code.
const OF_THE_CODE: [&str; 12] = [
    "struct",
    "untagged",
    "unit value",
    "variant",
    "did not match",
    "sequence",
    "invalid type",
    "invalid value",
    "expected u",
    "expected i",
    "boolean",
    "a string",
];

/// Values of every shape.
const SHAPES: [&str; 9] = ["null", "5", "-5", "1.5", "true", "text", "[5]", "[[x]]", "{x: 5}"];

#[track_caller]
fn names_no_code(written: &str, told: &str) {
    let lines = told
        .lines()
        .filter(|line| !line.contains(" | ") && !line.contains("= help"));
    for line in lines {
        for word in OF_THE_CODE {
            assert!(!line.contains(word), "{written}: `{word}` in {line}");
        }
    }
}

/// The text with each of its values, one after the other, in every shape.
fn bent(text: &str) -> Vec<String> {
    let whole: serde_json::Value = serde_yaml::from_str(text).expect(text);
    let mut places = Vec::new();
    collect(&whole, String::new(), &mut places);
    let shapes = |place: &String| {
        SHAPES.map(|shape| {
            let mut bent = whole.clone();
            *bent.pointer_mut(place).expect(place) = serde_yaml::from_str(shape).expect(shape);
            serde_json::to_string(&bent).expect("JSON")
        })
    };
    places.iter().flat_map(shapes).collect()
}

/// A pointer to each value.
fn collect(value: &serde_json::Value, place: String, places: &mut Vec<String>) {
    let below = |key: &str| format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        serde_json::Value::Object(map) => map
            .iter()
            .for_each(|(key, inner)| collect(inner, below(key), places)),
        serde_json::Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, inner)| collect(inner, below(&at.to_string()), places));
        }
        _ => {}
    }
    places.push(place);
}

const CASE: &str = "{summary: s, requirement: [r], needs: {arch: x, kernel: '>=5', cgroup: v1, controllers: [pids], cpus: 1},
  rootfs: {image: x, layers: [/a]}, files: {/x: {text: hi, zeros: 5, mode: '0644', uid: 1, tar: {a: {probe: true}}}}, config: {hostname: x},
  config_text: [{replace: a, with: b}], invalid: [x], config_file: c, repeat: 2, for: {a: {summary: t}, b: {}},
  caller: {nice: 5, umask: '0077', limits: {core: {soft: 0, hard: 0}}, scheduler: {policy: SCHED_OTHER}, ignored: [INT]},
  steps: [create, {kill: {signal: TERM, limit: 5}}, {exec: {process: {args: [a]}}}, {await: {stdout: x}}],
  watch: {proc: [umask], filter: false}, expect: {process.exit: 0, process.stdout: {is: [a], or: [[b]], requirement: r}}}";

const KNOWN: &str = "[{for: [a], when: {cgroup: v1, kernel: '>=5'}, rate: 0.5, facts: {process.exit: runc/a, process.stdout: [runc/a],
  lifecycle.create.result: [{because: [runc/a], who: [runc], shows: ok, reason: r}, {otherwise: error}]}}]";

const FINDING: &str = "{title: t, affects: '*', seen: '*', kind: bug, impact: {entering: breaks, leaving: cosmetic}, races: true, unshown: u,
  violates: r, allows: r, applies: {config: {hostname: x}, steps: [exec], when: {cgroup: v1}}, invalid: [x], cause: c,
  shows: [refuses, {fact: process.exit, is: 1, instead: {one-of: [2]}, where: {process.exit: {above: 5}}, others: {process.exit: {any: true}}},
    {fact: 'mount.*', listed: linux.maskedPaths, mounted: {type: x}, has: x}, {fact: process.exit, absent: true}],
  links: {source: ['a/b#1'], fixed: [], discussed: []}, reported: 'a/b#1', searched: 2026-11, remedy: r}";

#[test]
fn an_error_in_a_file_of_the_corpus_names_no_type_of_the_code() {
    for (name, text) in [
        ("t/a.yaml", CASE),
        ("t/a.known.yaml", KNOWN),
        ("findings/runc/a.yaml", FINDING),
        (
            "rootfs/x.yaml",
            "{summary: s, files: {/x: {text: a}}, packages: [{name: a}]}",
        ),
        (
            "requirements.yaml",
            "[{id: r, level: must, since: '1', section: s, says: x}]",
        ),
    ] {
        for bent in bent(text) {
            let case = ("t/a.yaml", "summary: s");
            let told = match name {
                "t/a.known.yaml" => errors(&[case, (name, &bent)]),
                _ => errors(&[(name, &bent)]),
            };
            names_no_code(&format!("{name}: {bent}"), &told.join("\n"));
        }
    }
}

#[test]
fn an_error_in_another_file_names_no_type_of_the_code() {
    let matrix = "{runtimes: {a: [runc, crun]}, kernels: [host], plans: {p: {exclude: [{runtimes: a}], include: [{runtimes: a, kernel: host}]}}}";
    for bent in bent(matrix) {
        let told = crate::matrix::MatrixFile::parse("m.yaml", &bent).err();
        names_no_code(&bent, &told.map_or_else(String::new, |error| error.to_string()));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ignore.yaml");
    for bent in bent("[{finding: runc/a, reason: r, until: 2026-12-31}]") {
        std::fs::write(&path, &bent).expect("a file");
        let told = crate::judge::ignore::read(&path, &Catalogue::default()).err();
        names_no_code(&bent, &told.map_or_else(String::new, |error| error.to_string()));
    }
    let manifest = include_str!("../../../../../runtimes/runc.yaml");
    for bent in bent(manifest) {
        let told = ocidiff_runtimes::Manifest::parse("runc.yaml", &bent).err();
        names_no_code(&bent, &told.map_or_else(String::new, |error| error.to_string()));
    }
}

#[test]
fn a_condition_that_is_none_says_what_one_is() {
    let finding = "title: t\naffects: '*'\nkind: bug\nimpact: cosmetic\ncause: c\nshows:\n  - {fact: process.exit, is: 1, where: {process.exitt: 5}}\n";
    let told = errors(&[("findings/runc/a.yaml", finding)]).join("\n");
    assert!(
        told.contains("expected a condition such as {is: VALUE}, not the number `5`"),
        "{told}"
    );
}

#[test]
fn a_name_that_would_be_a_pattern_is_refused() {
    for name in ["*", "a*", "a?", "[a]", "a]", "a,b"] {
        let case = format!("{{summary: 's ${{for}}', for: [x, {name:?}]}}");
        let told = errors(&[("t/a.yaml", &case)]).join("\n");
        assert!(
            told.contains("is for patterns of names") && told.contains("1:"),
            "{name}: {told}"
        );
        let file = format!("t/{name}.yaml");
        let told = errors(&[(&file, "{summary: s}")]).join("\n");
        assert!(
            told.contains("is for patterns of names, and this is the name of a case"),
            "{name}: {told}"
        );
    }
    assert_eq!(
        errors(&[(
            "t/a.yaml",
            "{summary: 's ${for}', for: ['net.ipv4.x', 'a b', '+1', 'a=b']}"
        )]),
        Vec::<String>::new()
    );
}
