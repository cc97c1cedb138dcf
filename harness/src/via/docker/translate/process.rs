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

/// An environment that an engine writes as it is.
pub(in crate::via) fn env_of(env: &Value) -> Result<Vec<String>, Refusal> {
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
    Ok(env)
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

/// Whom a process runs as.
pub(in crate::via) struct User {
    pub(in crate::via) uid: i64,
    pub(in crate::via) gid: i64,
    pub(in crate::via) groups: Vec<i64>,
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

/// A user that engines take.
pub(in crate::via) fn user(user: &Value) -> Result<User, Refusal> {
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
    let groups: Option<Vec<i64>> = match &user["additionalGids"] {
        Value::Null => Some(Vec::new()),
        Value::Array(groups) => groups
            .iter()
            .map(|gid| gid.as_i64().filter(|gid| *gid >= 0))
            .collect(),
        _ => None,
    };
    let Some(groups) = groups else {
        return refuse("process.user.additionalGids is not a list of numbers");
    };
    Ok(User {
        uid: id("uid")?,
        gid: id("gid")?,
        groups,
    })
}

/// What an engine can give: one list for all three sets, and nothing for the others; names without `CAP_`.
pub(in crate::via) struct Capabilities(pub(in crate::via) Vec<String>);

impl Capabilities {
    pub(in crate::via) fn of(capabilities: &Value) -> Result<Self, Refusal> {
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
        let names = bounding
            .iter()
            .map(|name| name.strip_prefix("CAP_").map(str::to_owned));
        let names: Option<Vec<String>> = names.collect();
        names.map_or_else(
            || refuse("process.capabilities has names that the engine would change"),
            |names| Ok(Self(names)),
        )
    }
}

fn add_capabilities(body: &mut Value, capabilities: &Value) -> Part {
    let Capabilities(names) = Capabilities::of(capabilities)?;
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
