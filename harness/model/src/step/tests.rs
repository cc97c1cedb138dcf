//! Steps as they are written, and their labels.

use super::*;

fn parse(yaml: &str) -> Result<Vec<Step>, serde_yaml::Error> {
    serde_yaml::from_str(yaml)
}

#[test]
fn steps_are_names_or_maps_of_one() {
    let steps =
        parse("[create, start, {kill: {signal: TERM}}, wait, {delete: {force: true}}]").expect("parse");
    assert_eq!(steps[2].options.signal.as_deref(), Some("TERM"));
    assert!(steps[4].options.force);
    let printed = serde_yaml::to_string(&steps).expect("print");
    assert_eq!(
        parse(&printed).expect("parse again"),
        steps,
        "print and parse are inverses"
    );
}

#[test]
fn wrong_steps_say_what_to_write() {
    for (yaml, text) in [
        ("[crate]", "unknown step `crate`"),
        ("[{kill: {sginal: TERM}}]", "unknown field `sginal`"),
        ("[{kill: {}, delete: {}}]", "one step per entry"),
    ] {
        let error = parse(yaml).expect_err(yaml).to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn labels_tell_repeated_steps_and_containers_apart() {
    let steps = parse("[create, kill, kill, {create: {as: second}}]").expect("parse");
    assert_eq!(labels(&steps), ["create", "kill", "kill#2", "second.create"]);
    let containers = labels(&steps);
    let containers: Vec<&str> = containers.iter().map(|label| container_of(label)).collect();
    assert_eq!(containers, [MAIN, MAIN, MAIN, "second"]);
}

#[test]
fn what_each_operation_is() {
    let words = |is: fn(Op) -> bool| {
        let all = Op::ALL.into_iter().filter(|op| is(*op));
        all.map(Op::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words(|op| !op.calls_runtime()), "wait await");
    assert_eq!(words(Op::has_hooks), "create start delete run");
    assert_eq!(
        words(Op::is_optional),
        "exec pause resume update run list features",
        "the spec names the others, and waiting is the harness's own"
    );
    for op in Op::ALL {
        assert_eq!(Op::of(op.name()), Some(op));
    }
}

#[test]
fn a_trial_takes_the_workload_away_after_its_seconds_however_it_ends() {
    let steps: Vec<Step> = serde_json::from_value(trial(5)).expect("steps");
    let ops: Vec<Op> = steps.iter().map(|step| step.op).collect();
    assert_eq!(ops, [Op::Create, Op::Start, Op::Wait, Op::Delete]);
    let wait = serde_json::to_value(&steps[2]).expect("JSON");
    assert_eq!(wait, serde_json::json!({"wait": {"limit": 5.0, "expect": "any"}}));
    assert!(steps[3].options.force);
}
