//! Owner and mode of a mount point: what the workload's user, and whoever its processes can become, can do with it under
//! each of the two runtimes.

use std::path::Path;

use ocidiff_model::{Impact, Value};
use serde_json::Value as Json;

use crate::paths::plain;
use crate::workload::uses::holds_after_execve;

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

    /// Whom its processes can become, as an entry point does that gives root up: the owners, a member of the groups, and
    /// somebody else. For whom root's modes count, that is everybody but root.
    fn others(&self, config: &Json, nodes: [&Node; 2]) -> Vec<Self> {
        let can = |capability: &str| holds_after_execve(config, self.id, capability);
        let plain = |id: u64, groups: Vec<u64>| Self {
            id,
            groups,
            overrides: false,
        };
        let somebody = u64::MAX;
        let owners = nodes.map(|node| plain(node.owner, Vec::new()));
        let members = nodes.map(|node| plain(somebody, vec![node.group]));
        match () {
            () if can("CAP_SETUID") => owners
                .into_iter()
                .chain(members)
                .chain([plain(somebody, Vec::new())])
                .filter(|user| user.id != 0)
                .collect(),
            () if can("CAP_SETGID") && !self.overrides => {
                let groups = members.into_iter().map(|member| member.groups);
                groups.map(|groups| plain(self.id, groups)).collect()
            }
            () => Vec::new(),
        }
    }
}

/// What the config mounts at a path, the last if there are several.
pub(super) fn mounted_last<'a>(path: &str, config: &'a Json) -> Option<&'a Json> {
    let mounts = config["mounts"].as_array().into_iter().flatten();
    let mut there = mounts.filter(|mount| {
        let at = mount["destination"].as_str();
        at.is_some_and(|at| plain(Path::new(at)) == Path::new(path))
    });
    there.next_back()
}

/// The mode that the config gives to the tmpfs that it mounts there, on which the last option counts.
fn asked(path: &str, config: &Json) -> Option<u32> {
    let last = mounted_last(path, config).filter(|mount| mount["type"] == "tmpfs")?;
    let options = last["options"].as_array().into_iter().flatten();
    let mut modes = options.filter_map(|option| option.as_str()?.strip_prefix("mode="));
    u32::from_str_radix(modes.next_back()?, 8).ok()
}

/// What the bits of an access allow, in words.
fn words(access: u32) -> String {
    let all = [(4, "read"), (2, "written"), (1, "searched")];
    let words = all.iter().filter(|(bit, _)| access & bit != 0);
    words.map(|(_, what)| *what).collect::<Vec<_>>().join(", ")
}

/// Whether everybody can write to it, and remove what belongs to others.
fn is_open(mode: u32) -> bool {
    mode & 0o1002 == 0o002
}

/// Whether the workload's user, and whoever its processes can become, can do the same with it under both.
pub(super) fn is_the_same(from: Option<&Value>, to: Option<&Value>, config: &Json) -> bool {
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return false;
    };
    // Another kind of file, or another device, is another thing.
    let what = |text: &str| -> Vec<String> {
        let words = text.split(' ').enumerate();
        let others = words.filter(|(at, _)| ![1, 2].contains(at));
        others.map(|(_, word)| word.to_owned()).collect()
    };
    let (Some(one), Some(other)) = (Node::read(from), Node::read(to)) else {
        return false;
    };
    if what(from) != what(to) {
        return false;
    }
    let (from, to) = (one, other);
    let user = User::of(config);
    let mut all = user.others(config, [&from, &to]);
    all.push(user);
    all.iter().all(|who| from.access(who) == to.access(who))
}

/// How bad it is at a mount point; `None` if a value is not an owner and mode.
pub(super) fn judge(
    path: &str,
    from: Option<&Value>,
    to: Option<&Value>,
    config: &Json,
) -> Option<(Impact, String)> {
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return None;
    };
    let (from, to) = (Node::read(from)?, Node::read(to)?);
    let user = User::of(config);
    let (now, then) = (from.access(&user), to.access(&user));
    if now & !then != 0 {
        let reason = format!("it could not be {} by its user any more", words(now & !then));
        return Some((Impact::Breaks, reason));
    }
    let others = user.others(config, [&from, &to]);
    if let Some(told) = beyond(path, [&from, &to], &user, &others, config) {
        return Some(told);
    }
    let lost = others.iter().map(|other| from.access(other) & !to.access(other));
    let lost = lost.fold(0, |all, one| all | one);
    if lost != 0 {
        let lost = words(lost);
        let reason =
            format!("it could not be {lost} any more by another user, which its processes can become");
        return Some((Impact::MayBreak, reason));
    }
    let reason = match then == now {
        true => "another owner or mode, with which its user can do the same",
        false => "its user could do more with it",
    };
    Some((Impact::Cosmetic, reason.to_owned()))
}

/// What could be done with it that could not be done before, and that the config does not ask for.
fn beyond(
    path: &str,
    [from, to]: [&Node; 2],
    user: &User,
    others: &[User],
    config: &Json,
) -> Option<(Impact, String)> {
    let asked = asked(path, config);
    // What is asked for, to which nobody has lost anything if there is more now.
    let limit = asked.map(|mode| Node { mode, ..*to });
    let gained = |who: &User| {
        let meant = limit.as_ref().map_or(0, |limit| limit.access(who));
        to.access(who) & !from.access(who) & !meant
    };
    let of_others = others.iter().map(gained).fold(0, |all, one| all | one);
    let opens = is_open(to.mode) && !is_open(from.mode);
    match (asked, gained(user) | of_others) {
        (Some(mode), 1..) => {
            let reason = format!("the config asks for the mode {mode:04o}; others could do more with it");
            Some((Impact::Security, reason))
        }
        (Some(mode), _) if is_open(mode) => None,
        (None, 1..) if of_others != 0 && !opens => {
            let gained = words(of_others);
            let reason = format!("it could be {gained} by another user, which its processes can become");
            Some((Impact::MayBreak, reason))
        }
        // A user whom the config does not name could write to it.
        _ if opens => {
            let reason = "every user in the container could write to it".to_owned();
            Some((Impact::MayBreak, reason))
        }
        _ => None,
    }
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
            judge("/data", Some(&Value::from(from)), Some(&Value::from(to)), config).map(|(impact, _)| impact)
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
        let same = |from: &str, to: &str, config: &Json| {
            is_the_same(Some(&Value::from(from)), Some(&Value::from(to)), config)
        };
        let both = json!({"process": {"user": {"uid": 0, "gid": 0}, "capabilities": {"bounding": ["CAP_DAC_OVERRIDE", "CAP_SETUID"]}}});
        assert!(same("dir 1777 0:0", "dir 0755 0:0", &root));
        assert!(!same("dir 1777 0:0", "dir 0755 0:0", &both), "whom it can become");
        assert!(!same("dir 0755 0:0", "dir 1777 0:0", &user), "it can do more");
        assert!(!same("ENOENT", "ENOENT", &root), "what is not there");
        assert!(
            !same("char 0666 0:0 1:3", "char 0666 0:0 1:7", &root),
            "another device"
        );
        assert!(!same("dir 0755 0:0", "file 0755 0:0", &root), "another kind");
        assert_eq!(told("ENOENT", "dir 0777 0:0", &user), None);
    }

    #[test]
    fn it_matters_what_whoever_root_becomes_can_do() {
        let config = |capabilities: &[&str], options: &[&str]| {
            json!({
                "process": {"user": {"uid": 0, "gid": 0}, "capabilities": {"bounding": capabilities}},
                "mounts": [{"destination": "/data/", "type": "tmpfs", "options": options}],
            })
        };
        let told = |from: &str, to: &str, config: &Json| {
            let told = judge("/data", Some(&Value::from(from)), Some(&Value::from(to)), config);
            told.map(|(impact, _)| impact)
        };
        let usual: &[&str] = &["CAP_DAC_OVERRIDE", "CAP_SETGID", "CAP_SETUID"];
        let (public, private, plain) = ("dir 1777 0:0", "dir 0700 0:0", "dir 0755 0:0");
        for (capabilities, options, from, to, impact) in [
            (usual, &["mode=1777"][..], public, plain, Impact::MayBreak),
            // What is asked for at last.
            (usual, &["mode=1777"], plain, public, Impact::Cosmetic),
            (usual, &["mode=0700"], plain, private, Impact::MayBreak),
            (usual, &["mode=0700"], private, plain, Impact::Security),
            (
                usual,
                &["mode=1777", "mode=700"],
                private,
                plain,
                Impact::Security,
            ),
            // It is as little what was asked for as before.
            (usual, &["mode=0700"], public, plain, Impact::MayBreak),
            (
                usual,
                &["mode=0750"],
                "dir 0750 0:5",
                "dir 0700 0:5",
                Impact::MayBreak,
            ),
            (
                usual,
                &["mode=0700", "uid=5"],
                "dir 0700 5:0",
                "dir 0500 5:0",
                Impact::MayBreak,
            ),
            (usual, &[], plain, public, Impact::MayBreak),
            (usual, &[], public, plain, Impact::MayBreak),
            (usual, &[], "dir 1777 0:65534", public, Impact::Cosmetic),
            (
                &["CAP_DAC_OVERRIDE"],
                &["mode=0700"],
                private,
                plain,
                Impact::Cosmetic,
            ),
            (
                &["CAP_DAC_OVERRIDE", "CAP_SETGID"],
                &[],
                public,
                plain,
                Impact::Cosmetic,
            ),
            (&[], &["mode=1777"], public, plain, Impact::Cosmetic),
        ] {
            let config = config(capabilities, options);
            assert_eq!(
                told(from, to, &config),
                Some(impact),
                "{capabilities:?} {options:?}: {from}, {to}"
            );
        }
        let user = json!({"process": {"user": {"uid": 1000, "gid": 1000}},
            "mounts": [{"destination": "/data", "type": "tmpfs", "options": ["mode=0700"]}]});
        assert_eq!(
            told(private, plain, &user),
            Some(Impact::Security),
            "its user reads it"
        );
    }
}
