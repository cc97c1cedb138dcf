//! Which config a finding is about, and what its signs leave.

use crate::corpus::configs::Configs;
use crate::judge::recognise::tests::{record, said, said_where};

#[test]
fn a_finding_applies_to_a_fact_by_the_config_of_its_container() {
    let quota = [(
        "a/quota",
        "applies: {config: {linux: {quota: {$below: 0}}}}, shows: [refuses]",
    )];
    let steps = "[create, {create: {as: second}}]";
    let of = |quota: i32| serde_json::json!({"linux": {"quota": quota}});
    for (main, second, fact, is_explained) in [
        (-1, 1, "lifecycle.create.result", true),
        (-1, 1, "lifecycle.second.create.result", false),
        (1, -1, "lifecycle.create.result", false),
        (1, -1, "lifecycle.second.create.result", true),
    ] {
        let records = [("a", "error"), ("b", "ok")].map(|(label, result)| record(label, &[(fact, result)]));
        let configs = Configs::of(steps, &[("main", of(main)), ("second", of(second))]);
        let told = said_where(&quota, &records, &[fact], None, &configs);
        let expected = if is_explained {
            "a: a/quota (Recognised)"
        } else {
            ""
        };
        assert_eq!(told, [expected], "{fact} with {main} and {second}");
    }
}

#[test]
fn items_that_no_sign_names_leave_a_list_unexplained() {
    let left_out = [
        ("a/x", "shows: [{fact: filter.departures, has: x}]"),
        (
            "a/y",
            "shows: [{fact: filter.departures, has: y}, {fact: filter.departures, has: z}]",
        ),
    ];
    for (departs, others, expected) in [
        ("[x]", "[]", "a: a/x (Recognised)"),
        ("[x, b]", "[b]", "a: a/x (Recognised)"),
        ("[x, b]", "[]", ""),
        ("[x]", "[b]", ""),
        ("[x, y, z]", "[]", "a: a/x (Recognised), a: a/y (Recognised)"),
    ] {
        let of = |label: &str, value: &str| record(label, &[("filter.departures", value)]);
        let told = said(
            &left_out,
            &[of("a", departs), of("b", others)],
            &["filter.departures"],
        );
        assert_eq!(told, [expected], "{departs} and {others}");
    }
}
