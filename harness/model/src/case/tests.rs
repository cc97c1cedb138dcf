//! Cases as they are written, and what a family makes of them.

use super::*;
use crate::members::members;

fn cases(yaml: &str) -> Vec<Case> {
    let file: CaseFile = serde_yaml::from_str(yaml).expect("parse");
    members("topic/name", "cases/topic/name.yaml", &file).expect("members")
}

#[test]
fn a_file_says_only_what_it_is_about() {
    let all = cases("summary: nothing special");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].body.rootfs.recipe(), Some("probe"));
    assert_eq!(all[0].body.steps.len(), 4);
    assert_eq!(all[0].topic(), "topic");
}

#[test]
fn one_that_says_nothing_is_as_the_empty_file() {
    let all = cases("summary: s");
    assert_eq!(all[0].body, CaseFile::new("s"));
}

#[test]
fn a_list_makes_a_family_by_its_names() {
    let all =
        cases("{summary: 'ends by ${for}', for: [TERM, HUP], config: {process: {args: [x, '${for}']}}}");
    assert_eq!(all[1].name, "topic/name[HUP]");
    assert_eq!(all[1].file_name(), "topic/name");
    assert_eq!(all[1].body.summary, "ends by HUP");
    assert_eq!(all[1].body.config["process"]["args"][1], "HUP");
}

#[test]
fn a_name_of_a_family_can_be_a_number() {
    let all = cases("{summary: 'ends with ${for}', for: [0, 137]}");
    let names = all
        .iter()
        .map(|case| (case.name.as_str(), case.body.summary.as_str()));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            ("topic/name[0]", "ends with 0"),
            ("topic/name[137]", "ends with 137")
        ]
    );
}

#[test]
fn a_map_makes_a_family_by_what_its_members_change() {
    let all = cases(
        "{summary: s, config: {hostname: a, linux: null}, for: {one: {expect: {process.exit: 3}}, two: {config: {hostname: null}}}}",
    );
    assert_eq!(all[0].body.expect["process.exit"].is, Value::Int(3));
    assert_eq!(
        all[1].body.config["hostname"],
        serde_json::Value::Null,
        "null must reach the default config"
    );
    assert_eq!(all[1].body.config["linux"], serde_json::Value::Null);
}

#[test]
fn unknown_keys_and_wrong_expectations_are_refused() {
    for (yaml, text) in [
        ("{summary: s, rootfz: x}", "unknown field `rootfz`"),
        (
            "{summary: s, expect: {a: {iz: 1}}}",
            "unknown field `iz`, expected one of `is`, `or`, `requirement`",
        ),
        ("{summary: s, for: 3}", "`for` takes"),
        ("{summary: s, for: [true]}", "`for` takes"),
    ] {
        let error = serde_yaml::from_str::<CaseFile>(yaml)
            .expect_err(yaml)
            .to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn what_a_file_leaves_out_is_the_default() {
    let case = &cases("summary: s")[0].body;
    assert_eq!(case.config_file, "config.json");
    assert_eq!(case.config, serde_json::json!({}));
}

#[test]
fn paths_are_watched_unless_it_says_false() {
    let watch = |yaml: &str| serde_yaml::from_str::<Watch>(yaml);
    assert_eq!(watch("[/etc, /dev]").expect("a list").paths(), ["/etc", "/dev"]);
    let not = watch("false").expect("the word");
    assert!(not.paths().is_empty());
    assert_eq!(
        serde_json::to_value(&not).expect("text"),
        serde_json::json!(false)
    );
    assert!(watch("true").is_err());
}

#[test]
fn other_values_can_be_as_good() {
    let of = |yaml: &str| serde_yaml::from_str::<Expectation>(yaml);
    let both = of("{is: 0, or: [1, max]}").expect("an expectation");
    assert_eq!((both.is.line(), both.or.len()), ("0".to_owned(), 2));
    assert!(of("{or: [1]}").is_err());
}

#[test]
fn an_expectation_rests_on_its_own_clause_or_on_the_only_one_of_its_case() {
    let of = |yaml: &str| {
        let case = &cases(yaml)[0];
        case.requirement_of(&case.body.expect["process.exit"])
    };
    for (yaml, wanted) in [
        ("{summary: s, expect: {process.exit: 0}}", None),
        (
            "{summary: s, requirement: [a], expect: {process.exit: 0}}",
            Some("a"),
        ),
        (
            "{summary: s, requirement: [a, b], expect: {process.exit: 0}}",
            None,
        ),
        (
            "{summary: s, requirement: [a, b], expect: {process.exit: {is: 0, requirement: b}}}",
            Some("b"),
        ),
        (
            "{summary: s, requirement: [a], expect: {process.exit: {is: 0, requirement: b}}}",
            Some("b"),
        ),
    ] {
        assert_eq!(of(yaml).as_deref(), wanted, "{yaml}");
    }
}

#[test]
fn an_expectation_accepts_its_value_and_the_others_in_their_order() {
    for (yaml, wanted) in [
        ("7", &[7][..]),
        ("{is: 7, requirement: r}", &[7]),
        ("{is: 7, or: [8, 9]}", &[7, 8, 9]),
    ] {
        let expectation: Expectation = serde_yaml::from_str(yaml).expect(yaml);
        let wanted: Vec<Value> = wanted.iter().map(|value| Value::Int(*value)).collect();
        assert!(expectation.values().eq(&wanted), "{yaml}");
    }
}
