//! Steps of a case, and how each ended under crun.

use ocidiff_runtimes::BUILT_IN;

use super::*;

fn case(steps: &str) -> Case {
    Case {
        name: "t/c".to_owned(),
        source: String::new(),
        member: None,
        body: serde_yaml::from_str(&format!("{{summary: s, steps: {steps}}}")).expect(steps),
    }
}

/// What is put aside: `main`, `main, second`, `everything`, or nothing; `refused` are the labels of steps that end with
/// crun's words for a version that it does not know.
fn aside(steps: &str, refused: &[&str], cgroups: &str) -> String {
    let case = case(steps);
    let manifests = Manifest::load_all(BUILT_IN.iter().copied()).expect("manifests");
    let crun = manifests
        .iter()
        .find(|manifest| manifest.name == "crun")
        .expect("crun");
    let taken = labels(&case.body.steps).into_iter().zip(&case.body.steps);
    let taken: Vec<StepRecord> = taken
        .map(|(label, step)| {
            let is_refused = refused.contains(&label.as_str());
            StepRecord {
                label,
                op: step.op,
                argv: Vec::new(),
                result: if is_refused {
                    CallResult::Error
                } else {
                    CallResult::Ok
                },
                exit: None,
                text: if is_refused {
                    "unknown version specified".to_owned()
                } else {
                    String::new()
                },
                seconds: 0.0,
            }
        })
        .collect();
    let config = |name: &str| {
        let path = cgroups.replace("NAME", name);
        format!("{{\"ociVersion\": \"1.9.0\", \"linux\": {{\"cgroupsPath\": \"{path}\"}}}}")
    };
    let names = case.body.steps.iter().map(Step::container);
    let configs = names.map(|name| (name.to_owned(), config(name))).collect();
    match of(crun, &case, &configs, &taken) {
        None => String::new(),
        Some(RunOutcome::Partly(aside)) => aside.lives.join(", "),
        Some(RunOutcome::Unsupported(_)) => "everything".to_owned(),
        Some(other) => format!("{other:?}"),
    }
}

#[test]
fn what_a_runtime_does_not_support_takes_along_only_what_depends_on_it() {
    let two = "[create, start, wait, {create: {as: second}}, {start: {as: second}}]";
    let again = "[create, start, wait, delete, create, start, wait]";
    for (steps, refused, expected) in [
        ("[create, start]", &[][..], ""),
        ("[create, start]", &["create"], "everything"),
        ("[run]", &["run"], "everything"),
        (two, &["create"], "main"),
        (two, &["second.create"], "second"),
        (two, &["create", "second.create"], "everything"),
        (again, &["create"], "main"),
        (again, &["create#2"], "main#2"),
        // The first life was to be there still.
        ("[create, create, start]", &["create"], "everything"),
        ("[run, run]", &["run"], "main"),
        // The second one is called by the id of the first, so that it is refused where that is there.
        (
            "[create, {create: {as: second, id: main}}, start]",
            &["create"],
            "everything",
        ),
        (
            "[create, {create: {as: second, id: main}}, start]",
            &["second.create"],
            "everything",
        ),
        // An agent that waits for the main container waits in vain.
        (
            "[{create: {as: agent}}, {start: {as: agent}}, create, start, {wait: {as: agent}}]",
            &["create"],
            "everything",
        ),
        (
            "[{create: {as: agent}}, {start: {as: agent}}, create, start, {wait: {as: agent}}]",
            &["agent.create"],
            "agent",
        ),
    ] {
        assert_eq!(aside(steps, refused, "/NAME"), expected, "{steps} {refused:?}");
    }
    assert_eq!(aside(two, &["create"], "/same"), "everything");
}
