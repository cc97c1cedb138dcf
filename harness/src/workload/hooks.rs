//! A workload's hooks: none is run, and what that leaves open is said.

use std::path::Path;

use ocidiff_model::names::{HOOKS, is_alike};
use serde_json::{Map, Value};

use super::UNCHECKED;
use crate::bundle::hooks;

/// Hooks without which a container does not come up.
const NEEDED: [&str; 3] = ["prestart", "createRuntime", "createContainer"];

/// Takes the hooks out of a config, and says what is left out; whether they may set up its network.
pub(super) fn take(all: &mut Map<String, Value>, changes: &mut Vec<String>) -> bool {
    let taken = hooks::take(all);
    let own = taken.get("hooks").filter(|hooks| are_any(hooks));
    if let Some(hooks) = own {
        changes.push("its hooks are not run".to_owned());
        changes.extend(missing(hooks));
    }
    let odd = taken.iter().find_map(|(name, hooks)| odd(name, hooks));
    let may_set_up = own.is_some_and(|hooks| may_set_up_network(hooks, all.get("process")));
    changes.extend(odd.map(|name| {
        format!("{UNCHECKED}{name} is written in other capitals, and not all runtimes run its hooks")
    }));
    may_set_up
}

/// Whether a hook runs before the workload, and with what it takes to bring an interface up: those outside of the
/// container have it. Under a name in other capitals, not every runtime runs it, and none that does leaves it to the hook.
fn may_set_up_network(hooks: &Value, process: Option<&Value>) -> bool {
    let is_there = |kind: &str| {
        hooks
            .get(kind)
            .is_some_and(|list| list.as_array().is_none_or(|list| !list.is_empty()))
    };
    let bounding = process.and_then(|process| process["capabilities"]["bounding"].as_array());
    let is_admin = bounding.is_some_and(|list| list.iter().any(|one| one == "CAP_NET_ADMIN"));
    !hooks.is_object() || NEEDED.into_iter().any(is_there) || is_admin && is_there("startContainer")
}

/// Whether there is a hook that the spec names, or what cannot be read as hooks; no runtime runs others.
fn are_any(hooks: &Value) -> bool {
    hooks.as_object().is_none_or(|kinds| {
        let mut named = kinds.iter().filter(|(kind, _)| HOOKS.contains(&kind.as_str()));
        named.any(|(_, list)| list.as_array().is_none_or(|list| !list.is_empty()))
    })
}

/// The name in other capitals than the spec has, if runtimes that read names without regard to case find hooks there.
fn odd(name: &str, hooks: &Value) -> Option<&'static str> {
    let kinds = hooks.as_object().into_iter().flatten();
    let mut filled = kinds.filter(|(_, list)| list.as_array().is_none_or(|list| !list.is_empty()));
    filled.find_map(|(kind, _)| {
        let meant = HOOKS.into_iter().find(|hook| is_alike(kind, hook))?;
        (name != "hooks" || kind != meant).then_some(if name == "hooks" { meant } else { "hooks" })
    })
}

/// Which kind of hook cannot be run here; not its path, which a captured case must not give away.
fn missing(hooks: &Value) -> Option<String> {
    let is_missing = |path: &str| !path.starts_with('/') || !Path::new(path).exists();
    let member = NEEDED.iter().find(|member| {
        let hooks = hooks[**member].as_array().into_iter().flatten();
        hooks.filter_map(|hook| hook["path"].as_str()).any(is_missing)
    })?;
    Some(format!("{UNCHECKED}its {member} hook is not on this machine"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_runtime_runs_is_no_hook_and_what_some_run_is_not_checked() {
        let hook = json!([{"path": "/bin/sh"}]);
        let odd = |name: &str| format!("{UNCHECKED}{name} is written in other capitals");
        for (config, expected) in [
            (
                json!({"hooks": {"poststop": hook}}),
                "its hooks are not run".to_owned(),
            ),
            (json!({"hooks": {"fooHook": hook, "poststop": []}}), String::new()),
            (json!({"hooks": {}}), String::new()),
            (json!({"hooks": 5}), "its hooks are not run".to_owned()),
            (json!({"hooks": {"Prestart": hook}}), odd("prestart")),
            (json!({"hooks": {"Prestart": []}}), String::new()),
            (json!({"Hooks": {"prestart": hook}}), odd("hooks")),
            (json!({"hoo\u{212a}s": {"prestart": hook}}), odd("hooks")),
            (json!({"Hooks": {"fooHook": hook}}), String::new()),
        ] {
            let mut all = config.as_object().cloned().expect("a map");
            let mut changes = Vec::new();
            take(&mut all, &mut changes);
            assert!(all.is_empty(), "{config}: a hook would be run");
            let said = changes.join("\n");
            assert!(said.starts_with(&expected), "{config}: {said}");
            assert_eq!(said.is_empty(), expected.is_empty(), "{config}");
        }
    }

    #[test]
    fn only_a_hook_that_can_bring_an_interface_up_before_the_workload_sets_up_its_network() {
        let hook = json!([{"path": "/bin/true"}]);
        let may = |hooks: Value, capability: &str| {
            let process = json!({"capabilities": {"bounding": [capability]}});
            let config = json!({"hooks": hooks, "process": process});
            take(&mut config.as_object().cloned().expect("a map"), &mut Vec::new())
        };
        for (kind, plain, admin) in [
            ("prestart", true, true),
            ("createRuntime", true, true),
            ("createContainer", true, true),
            ("startContainer", false, true),
            ("poststart", false, false),
            ("poststop", false, false),
            ("preStart", false, false),
        ] {
            assert_eq!(may(json!({kind: hook}), "CAP_KILL"), plain, "{kind}");
            assert_eq!(
                may(json!({kind: hook}), "CAP_NET_ADMIN"),
                admin,
                "{kind} with CAP_NET_ADMIN"
            );
            assert!(!may(json!({kind: []}), "CAP_NET_ADMIN"), "no {kind}");
        }
    }
}
