//! Which cgroup controllers a case cannot do without, judging by what it sets and by its steps. Without them, a runtime
//! fails or sets nothing, for a reason that is not its own.

use ocidiff_model::fact::watched;
use ocidiff_model::names::{CGROUP_SETTINGS, version_of_setting};
use ocidiff_model::{Case, CgroupVersion, Channel, Op};
use serde_json::Value;

/// The first thing that the case needs to see the settings of cgroups that it watches or expects something of: where
/// they cannot be there, every runtime would show nothing, and all would agree.
pub(super) fn unseen(case: &Case, cgroup: CgroupVersion, controllers: &[String]) -> Option<String> {
    case.body.asked(Channel::Cgroup).find_map(|path| {
        let chosen: Vec<&str> = CGROUP_SETTINGS
            .into_iter()
            .filter(|name| path != "*" && watched(Channel::Cgroup, path, name))
            .collect();
        let missing = |name: &&str| match version_of_setting(name).filter(|version| *version != cgroup) {
            Some(version) => Some(format!("needs cgroup {}", version.name())),
            None => {
                let controller = name
                    .split('.')
                    .next()
                    .filter(|controller| *controller != "cgroup")?;
                let is_there = controllers.iter().any(|there| there == controller);
                (!is_there).then(|| format!("needs the cgroup controller {controller}"))
            }
        };
        let all: Option<Vec<String>> = chosen.iter().map(missing).collect();
        let first = all?.into_iter().next()?;
        Some(format!("{first} (for cgroup.{path})"))
    })
}

/// Members of `linux.resources`, and the controller that they are about in v1 and in v2. For devices that is a
/// hierarchy in v1, and a program in v2.
const OF_MEMBERS: [(&str, &str, Option<&str>); 4] = [
    ("memory", "memory", Some("memory")),
    ("pids", "pids", Some("pids")),
    ("blockIO", "blkio", Some("io")),
    ("devices", "devices", None),
];

/// Members of `cpu` that belong to the cpuset controller.
const OF_CPUSET: [&str; 2] = ["cpus", "mems"];

/// Controllers for which the case sets something.
pub(super) fn used(case: &Case, cgroup: CgroupVersion) -> Vec<&'static str> {
    let steps = &case.body.steps;
    let of_steps = steps.iter().flat_map(|step| {
        let config = step
            .options
            .config
            .as_ref()
            .map(|config| &config["linux"]["resources"]);
        config.into_iter().chain(&step.options.resources)
    });
    let mut found: Vec<&str> = std::iter::once(&case.body.config["linux"]["resources"])
        .chain(of_steps)
        .flat_map(|resources| of(resources, cgroup))
        .collect();
    let freezes = |op: Op| matches!(op, Op::Pause | Op::Resume);
    if cgroup == CgroupVersion::V1 && steps.iter().any(|step| freezes(step.op)) {
        found.push("freezer");
    }
    found
}

fn of(resources: &Value, cgroup: CgroupVersion) -> Vec<&'static str> {
    let is_set = |value: &Value| match value {
        Value::Null => false,
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let mut found: Vec<&str> = OF_MEMBERS
        .iter()
        .filter(|(member, ..)| is_set(&resources[member]))
        .filter_map(|(_, first, second)| match cgroup {
            CgroupVersion::V1 => Some(*first),
            CgroupVersion::V2 => *second,
        })
        .collect();
    for (member, value) in resources["cpu"].as_object().into_iter().flatten() {
        if is_set(value) {
            found.push(if OF_CPUSET.contains(&member.as_str()) {
                "cpuset"
            } else {
                "cpu"
            });
        }
    }
    found
}
