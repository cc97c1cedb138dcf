//! `process`: what runs, and as which user.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{host, security};
use crate::via::express::{self, Capabilities, Part, env_of, flag, number, only, refuse, texts, user};

const KEYS: [&str; 9] = [
    "terminal",
    "user",
    "args",
    "env",
    "cwd",
    "noNewPrivileges",
    "capabilities",
    "rlimits",
    "oomScoreAdj",
];

/// Adds all of it.
pub(super) fn add(body: &mut Value, process: &Value) -> Part {
    only(process, "process", &KEYS)?;
    args(body, &process["args"])?;
    env(body, &process["env"])?;
    cwd(body, &process["cwd"])?;
    add_user(body, &process["user"])?;
    add_capabilities(body, &process["capabilities"])?;
    rlimits(body, &process["rlimits"])?;
    if flag(process, "terminal", "process.terminal")? == Some(true) {
        body["Tty"] = true.into();
    }
    if flag(process, "noNewPrivileges", "process.noNewPrivileges")? == Some(true) {
        security(body, "no-new-privileges".to_owned());
    }
    if let Some(score) = number(&process["oomScoreAdj"], "process.oomScoreAdj")? {
        host(body, "OomScoreAdj", score);
    }
    Ok(())
}

fn args(body: &mut Value, args: &Value) -> Part {
    match texts(args, "process.args")?.as_deref() {
        Some([program, rest @ ..]) if !program.is_empty() => {
            body["Entrypoint"] = json!([program]);
            body["Cmd"] = json!(rest);
            Ok(())
        }
        _ => refuse("the engine wants a program in process.args"),
    }
}

fn env(body: &mut Value, env: &Value) -> Part {
    body["Env"] = json!(env_of(env)?);
    Ok(())
}

fn cwd(body: &mut Value, cwd: &Value) -> Part {
    match cwd.as_str() {
        Some(path) if path.starts_with('/') => {
            body["WorkingDir"] = path.into();
            Ok(())
        }
        _ => refuse("the engine makes process.cwd absolute"),
    }
}

fn add_user(body: &mut Value, process: &Value) -> Part {
    let all = user(process)?;
    body["User"] = format!("{}:{}", all.uid, all.gid).into();
    if !process["additionalGids"].is_null() {
        let groups: Vec<String> = all.groups.iter().map(i64::to_string).collect();
        host(body, "GroupAdd", json!(groups));
    }
    Ok(())
}

fn add_capabilities(body: &mut Value, capabilities: &Value) -> Part {
    let Capabilities(names) = Capabilities::of(capabilities)?;
    host(body, "CapDrop", json!(["ALL"]));
    host(body, "CapAdd", json!(names));
    Ok(())
}

fn rlimits(body: &mut Value, rlimits: &Value) -> Part {
    let Some(all) = express::list(rlimits, "process.rlimits")? else {
        return Ok(());
    };
    let mut limits = Vec::new();
    let mut seen = BTreeSet::new();
    for limit in all {
        only(limit, "process.rlimits", &["type", "soft", "hard"])?;
        let name = limit["type"]
            .as_str()
            .and_then(|name| name.strip_prefix("RLIMIT_"));
        let Some(name) = name.filter(|name| seen.insert(*name)) else {
            return refuse("process.rlimits has types that the engine does not take");
        };
        let value = |key: &str| match limit[key].as_u64() {
            Some(u64::MAX) => Ok(-1),
            Some(value) => i64::try_from(value)
                .or_else(|_| refuse("a value of process.rlimits is larger than the engine takes")),
            None => refuse("a value of process.rlimits is not a number"),
        };
        limits.push(json!({"Name": name.to_lowercase(), "Soft": value("soft")?, "Hard": value("hard")?}));
    }
    host(body, "Ulimits", limits);
    Ok(())
}
