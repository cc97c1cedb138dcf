//! `linux.seccomp`: an engine's own file expresses the same in almost the same words.

use serde_json::Value;

use super::security;
use crate::via::express::{Part, only, refuse};

/// Adds it; without a profile, the engine is told to load none.
pub(super) fn add(body: &mut Value, profile: &Value) -> Part {
    if profile.is_null() {
        security(body, "seccomp=unconfined".to_owned());
        return Ok(());
    }
    if crate::corpus::config::is_engines_own(profile) {
        return Ok(());
    }
    only(
        profile,
        "linux.seccomp",
        &["defaultAction", "defaultErrnoRet", "architectures", "syscalls"],
    )?;
    if !profile["defaultAction"].is_string() {
        return refuse("linux.seccomp has no default action");
    }
    let rules = match &profile["syscalls"] {
        Value::Null => &Vec::new(),
        Value::Array(rules) => rules,
        _ => return refuse("linux.seccomp.syscalls is not a list"),
    };
    for rule in rules {
        only(
            rule,
            "linux.seccomp.syscalls",
            &["names", "action", "errnoRet", "args"],
        )?;
        let arguments = rule["args"].as_array().into_iter().flatten();
        for argument in arguments {
            only(
                argument,
                "linux.seccomp.syscalls.args",
                &["index", "value", "valueTwo", "op"],
            )?;
        }
    }
    security(body, format!("seccomp={profile}"));
    Ok(())
}
