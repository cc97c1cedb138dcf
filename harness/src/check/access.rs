//! Owner and mode of a mount point: what the workload's user can do with it under each of the two runtimes.

use ocidiff_model::{Impact, Value};
use serde_json::Value as Json;

/// `dir 0755 0:0`.
struct Node {
    mode: u32,
    owner: u64,
    group: u64,
}

impl Node {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ').skip(1);
        let mode = u32::from_str_radix(parts.next()?, 8).ok()?;
        let (owner, group) = parts.next()?.split_once(':')?;
        Some(Self {
            mode,
            owner: owner.parse().ok()?,
            group: group.parse().ok()?,
        })
    }

    /// Read, write and search as bits.
    fn access(&self, user: &User) -> u32 {
        let shift = match () {
            () if user.overrides => return 0o7,
            () if user.id == self.owner => 6,
            () if user.groups.contains(&self.group) => 3,
            () => 0,
        };
        self.mode >> shift & 0o7
    }
}

struct User {
    id: u64,
    groups: Vec<u64>,
    /// Whether it can override modes.
    overrides: bool,
}

impl User {
    fn of(config: &Json) -> Self {
        let user = &config["process"]["user"];
        let number = |member: &str| user[member].as_u64().unwrap_or(0);
        let more = user["additionalGids"].as_array().into_iter().flatten();
        Self {
            id: number("uid"),
            groups: more.filter_map(Json::as_u64).chain([number("gid")]).collect(),
            overrides: holds_after_execve(config, number("uid"), "CAP_DAC_OVERRIDE"),
        }
    }
}

/// Whether the program has a capability: at its execve the kernel gives root what is in the bounding or the inheritable set, and
/// every other user what is ambient (capabilities(7)), whatever was effective before.
fn holds_after_execve(config: &Json, uid: u64, capability: &str) -> bool {
    let sets: &[&str] = if uid == 0 {
        &["bounding", "inheritable"]
    } else {
        &["ambient"]
    };
    sets.iter().any(|set| {
        let list = config["process"]["capabilities"][set].as_array();
        list.is_some_and(|list| list.iter().any(|one| one == capability))
    })
}

/// How bad it is; `None` if a value is not an owner and mode.
pub(super) fn judge(from: Option<&Value>, to: Option<&Value>, config: &Json) -> Option<(Impact, String)> {
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return None;
    };
    let (from, to) = (Node::read(from)?, Node::read(to)?);
    let user = User::of(config);
    let (now, then) = (from.access(&user), to.access(&user));
    let lost: Vec<&str> = [(4, "read"), (2, "written"), (1, "searched")]
        .into_iter()
        .filter(|(bit, _)| now & !then & bit != 0)
        .map(|(_, what)| what)
        .collect();
    if !lost.is_empty() {
        let reason = format!("it could not be {} by its user any more", lost.join(", "));
        return Some((Impact::Breaks, reason));
    }
    // A user whom the config does not name could write to it.
    if to.mode & 0o002 > from.mode & 0o002 && to.mode & 0o1000 == 0 {
        return Some((
            Impact::MayBreak,
            "every user in the container could write to it".to_owned(),
        ));
    }
    if then != now {
        return Some((Impact::Cosmetic, "its user could do more with it".to_owned()));
    }
    Some((
        Impact::Cosmetic,
        "another owner or mode, with which its user can do the same".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_matters_what_its_user_can_do() {
        let user = json!({"process": {"user": {"uid": 1000, "gid": 1000, "additionalGids": [5]}}});
        let root = json!({"process": {"user": {"uid": 0, "gid": 0}, "capabilities": {"bounding": ["CAP_DAC_OVERRIDE"]}}});
        let lost = json!({"process": {"user": {"uid": 1000, "gid": 0}, "capabilities": {"effective": ["CAP_DAC_OVERRIDE"], "bounding": ["CAP_DAC_OVERRIDE"]}}});
        let ambient = json!({"process": {"user": {"uid": 1000, "gid": 1000}, "capabilities": {"ambient": ["CAP_DAC_OVERRIDE"]}}});
        let told = |from: &str, to: &str, config: &Json| {
            judge(Some(&Value::from(from)), Some(&Value::from(to)), config).map(|(impact, _)| impact)
        };
        for (from, to, config, impact) in [
            ("dir 1777 0:0", "dir 0755 0:0", &user, Impact::Breaks),
            ("dir 1777 0:0", "dir 0755 0:0", &root, Impact::Cosmetic),
            ("dir 1777 0:0", "dir 0700 0:0", &lost, Impact::Breaks),
            ("dir 1777 0:0", "dir 0700 0:0", &ambient, Impact::Cosmetic),
            ("dir 0755 0:0", "dir 1777 0:0", &user, Impact::Cosmetic),
            ("dir 0775 0:5", "dir 0755 0:5", &user, Impact::Breaks),
            ("dir 0700 1000:0", "dir 0700 0:0", &user, Impact::Breaks),
            ("dir 1777 0:65534", "dir 1777 0:0", &user, Impact::Cosmetic),
            ("dir 0755 0:0", "dir 0777 0:0", &root, Impact::MayBreak),
        ] {
            assert_eq!(told(from, to, config), Some(impact), "{from} {to}");
        }
        assert_eq!(told("ENOENT", "dir 0777 0:0", &user), None);
    }
}
