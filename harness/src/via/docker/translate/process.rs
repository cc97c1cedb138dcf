//! `process`: what runs, and as whom.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Part, Refusal, flag, host, number, only, refuse, security, texts};

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
    user(body, &process["user"])?;
    capabilities(body, &process["capabilities"])?;
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
    let env = texts(env, "process.env")?.unwrap_or_default();
    let mut names = BTreeSet::new();
    for entry in &env {
        match entry.split_once('=') {
            Some((name, _)) if !name.is_empty() && names.insert(name) => {}
            _ => return refuse("the engine changes odd entries of process.env"),
        }
    }
    if !names.contains("PATH") {
        return refuse("the engine adds PATH to process.env");
    }
    body["Env"] = json!(env);
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

fn user(body: &mut Value, user: &Value) -> Part {
    if user.is_null() {
        return refuse("the engine always writes process.user");
    }
    only(user, "process.user", &["uid", "gid", "additionalGids"])?;
    let id = |key: &str| -> Result<i64, Refusal> {
        let found = number(&user[key], &format!("process.user.{key}"))?.unwrap_or(0);
        // As the engine checks it.
        if (0..=i64::from(i32::MAX)).contains(&found) {
            Ok(found)
        } else {
            refuse(format!(
                "process.user.{key} is not a number that the engine takes"
            ))
        }
    };
    body["User"] = format!("{}:{}", id("uid")?, id("gid")?).into();
    let groups: Option<Vec<String>> = match &user["additionalGids"] {
        Value::Null => return Ok(()),
        Value::Array(groups) => groups.iter().map(|gid| Some(gid.as_u64()?.to_string())).collect(),
        _ => None,
    };
    match groups {
        Some(groups) => host(body, "GroupAdd", json!(groups)),
        None => return refuse("process.user.additionalGids is not a list of numbers"),
    }
    Ok(())
}

/// The engine gives one list to all three sets, and nothing to the others.
fn capabilities(body: &mut Value, capabilities: &Value) -> Part {
    const KEYS: [&str; 5] = ["bounding", "effective", "permitted", "inheritable", "ambient"];
    if capabilities.is_null() {
        return refuse("the engine always writes process.capabilities");
    }
    only(capabilities, "process.capabilities", &KEYS)?;
    let set = |key: &str| -> Result<BTreeSet<String>, Refusal> {
        let list = texts(&capabilities[key], &format!("process.capabilities.{key}"))?;
        Ok(list.unwrap_or_default().into_iter().collect())
    };
    if !set("inheritable")?.is_empty() || !set("ambient")?.is_empty() {
        return refuse("the engine has no setting for inheritable and ambient capabilities");
    }
    let bounding = set("bounding")?;
    if set("effective")? != bounding || set("permitted")? != bounding {
        return refuse("the engine gives the same capabilities to all sets");
    }
    let names: Option<Vec<&str>> = bounding.iter().map(|name| name.strip_prefix("CAP_")).collect();
    let Some(names) = names else {
        return refuse("process.capabilities has names that the engine would change");
    };
    host(body, "CapDrop", json!(["ALL"]));
    host(body, "CapAdd", json!(names));
    Ok(())
}

fn rlimits(body: &mut Value, rlimits: &Value) -> Part {
    let Value::Array(all) = rlimits else {
        return if rlimits.is_null() {
            Ok(())
        } else {
            refuse("process.rlimits is not a list")
        };
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
