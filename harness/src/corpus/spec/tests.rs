use super::*;
use serde_json::json;

use std::collections::BTreeSet;

fn told(config: &Value) -> Vec<String> {
    let say = |wrong: Wrong| {
        format!(
            "{}: {}{}",
            wrong.path(),
            wrong.message,
            wrong.help.map_or_else(String::new, |help| format!(" ({help})"))
        )
    };
    check("config", config, &[]).into_iter().map(say).collect()
}

#[test]
fn the_table_can_be_read_and_every_type_is_there() {
    let types: BTreeMap<String, Type> = serde_yaml::from_str(include_str!("spec.yaml")).expect("spec.yaml");
    fn names<'t>(of: &'t Type, all: &mut Vec<&'t str>) {
        match of {
            Type::Named(name) => all.push(name),
            Type::Words(_) => {}
            Type::Members(members) => members.types.values().for_each(|of| names(of, all)),
        }
    }
    let mut all = Vec::new();
    types.values().for_each(|of| names(of, &mut all));
    for name in all {
        let plain = name.trim_start_matches("list of ").trim_start_matches("map of ");
        let own = [
            "any", "text", "bool", "call", "version", "access", "i32", "i64", "u16", "u32", "u64",
        ];
        assert!(own.contains(&plain) || types.contains_key(plain), "{name}");
    }
}

#[test]
fn the_hooks_are_those_that_conditions_can_stand_for() {
    let Some(Type::Members(members)) = TYPES.get("hooks") else {
        panic!("hooks have members");
    };
    let names: BTreeSet<&str> = members.types.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(ocidiff_model::names::HOOKS));
}

#[test]
fn what_the_spec_has_is_right() {
    for good in [
        json!({"process": {"cwd": "/", "execCPUAffinity": {"initial": "0"}, "user": {"uid": 0, "gid": 0, "umask": 18}}}),
        json!({"linux": {"netDevices": {"eth0": {"name": "c0"}}, "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0"}}}),
        json!({"mounts": [{"destination": "/x", "uidMappings": [{"containerID": 0, "hostID": 1, "size": 2}]}]}),
        json!({"linux": {"intelRdt": {"enableMonitoring": true, "schemata": ["MB:0=1"]}, "sysctl": {"a.b": "1"}}}),
        json!({"linux": {"seccomp": {"$profile": "p", "syscalls+": [{"names": ["mkdir"], "action": "SCMP_ACT_LOG"}]}}}),
        json!({"process": {"cwd": "/", "user": {"uid": 0, "gid": 0}, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 18446744073709551615_u64, "hard": 1}]}}),
        json!({"linux": {"devices": [{"type": "p", "path": "/dev/fifo"}, {"type": "u", "path": "/dev/x", "major": 1, "minor": 3}]}}),
        json!({"annotations": {"any.thing": "x"}, "windows": {"whatever": 1}}),
    ] {
        let mut good = good;
        good["ociVersion"] = json!("1.3.0");
        assert_eq!(told(&good), Vec::<String>::new(), "{good}");
    }
}

#[test]
fn everything_that_it_does_not_have_is_told_at_once() {
    let config = json!({
        "proces": {},
        "hostname": 3,
        "ociVersion": "1.3.0",
        "process": {"cwd": "/", "user": {"uid": -1, "gid": 4294967296_u64}, "capabilities": {"bounding": ["CAP_CHWON"]}, "rlimits": [{"type": "RLIMIT_NOFIL", "soft": 1, "hard": 1}]},
        "mounts": [{"destination": "/", "option": []}],
        "linux": {"maskedPath": [], "namespaces": {"type": "pid"}, "seccomp": {"defaultAction": "SCMP_ACT_ALOW", "syscalls": [{"names": ["mkdri"], "action": "SCMP_ACT_LOG"}]}},
    });
    let mut found = told(&config);
    found.sort();
    let mut expected = vec![
        "proces: unknown member `proces` (did you mean `process`?)",
        "hostname: `hostname` takes a text",
        "process.user.uid: `uid` takes a whole number from 0 to 4294967295",
        "process.user.gid: `gid` takes a whole number from 0 to 4294967295",
        "process.capabilities.bounding: `CAP_CHWON` is not a value of `bounding` (did you mean `CAP_CHOWN`?)",
        "process.rlimits.type: `RLIMIT_NOFIL` is not a value of `type` (did you mean `RLIMIT_NOFILE`?)",
        "mounts.option: unknown member `option` (did you mean `options`?)",
        "linux.maskedPath: unknown member `maskedPath` (did you mean `maskedPaths`?)",
        "linux.namespaces: `namespaces` takes a list",
        "linux.seccomp.defaultAction: `SCMP_ACT_ALOW` is not a value of `defaultAction` (did you mean `SCMP_ACT_ALLOW`?)",
        "linux.seccomp.syscalls.names: unknown system call `mkdri` (did you mean `mkdir`?)",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn what_a_map_must_have_is_missed() {
    let config = json!({
        "process": {"user": {"uid": 0}, "rlimits": [{"type": "RLIMIT_CORE", "soft": 1}]},
        "mounts": [{"type": "tmpfs"}],
        "hooks": {"poststop": [{"args": ["x"]}]},
        "linux": {
            "devices": [{"path": "/dev/x", "type": "c", "minor": 1}, {"path": "/dev/y", "type": "p"}],
            "seccomp": {"syscalls": [{"names": ["mkdir"], "args": [{"index": 0}]}]},
        },
    });
    let paths = |config: &Value| {
        check("config", config, &[])
            .iter()
            .map(Wrong::path)
            .collect::<BTreeSet<_>>()
    };
    let expected = [
        "ociVersion",
        "process.cwd",
        "process.user.gid",
        "process.rlimits.hard",
        "mounts.destination",
        "hooks.poststop.path",
        "linux.devices.major",
        "linux.seccomp.defaultAction",
        "linux.seccomp.syscalls.action",
        "linux.seccomp.syscalls.args.op",
        "linux.seccomp.syscalls.args.value",
    ];
    assert_eq!(paths(&config), expected.map(str::to_owned).into());
    // What a profile contains is not available here.
    let profile = json!({"ociVersion": "1.3.0", "linux": {"seccomp": {"$profile": "p", "syscalls+": []}}});
    assert_eq!(paths(&profile), BTreeSet::new());
}

#[test]
fn what_is_taken_away_is_a_member_too() {
    let told = |patch: Value| check_removed(&patch).iter().map(Wrong::path).collect::<Vec<_>>();
    assert_eq!(
        told(json!({"hostname": null, "linux": {"maskedPaths": null, "sysctl": {"any": null}}})),
        Vec::<String>::new()
    );
    assert_eq!(
        told(json!({"hostnam": null, "linux": {"maskedPath": null}})),
        ["hostnam", "linux.maskedPath"]
    );
}

#[test]
fn conditions_speak_of_members_that_there_are() {
    let told = |pattern: Value| {
        check_pattern(&pattern)
            .iter()
            .map(Wrong::path)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(
            json!({"linux": {"seccomp": "*", "sysctl": {"net.*": "*"}}, "mounts": [{"options": {"$not": ["ro"]}}]})
        ),
        Vec::<String>::new()
    );
    assert_eq!(told(json!({"linux": {"seccmp": "*"}})), ["linux.seccmp"]);
    assert_eq!(
        told(json!({"mounts": [{"$any": [{"typ": "x"}]}]})),
        ["mounts.typ"]
    );
}

/// Members that the oci-spec crate does not have: they were in the spec until 1.2.
const NOT_IN_THE_CRATE: &[&str] = &["linux.intelRdt.enableCMT", "linux.intelRdt.enableMBM"];

/// A value of a type, with every member that it can have.
fn sample(of: &Type) -> Value {
    let name = match of {
        Type::Words(words) => return Value::from(words[words.len() - 1].as_str()),
        Type::Members(members) => {
            let all = members.types.iter().map(|(name, of)| (name.clone(), sample(of)));
            return all.filter(|(_, value)| !value.is_null()).collect();
        }
        Type::Named(name) => name.as_str(),
    };
    let inner = |name: &str| sample(&Type::Named(name.to_owned()));
    if let Some(of) = name.strip_prefix("list of ") {
        return Value::Array(vec![inner(of)]);
    }
    if let Some(of) = name.strip_prefix("map of ") {
        return json!({"name": inner(of)});
    }
    match name {
        // For another platform.
        "any" => Value::Null,
        "text" => json!("0"),
        "call" => json!("mkdir"),
        "version" => json!("1.0.2"),
        "access" => json!("rwm"),
        "bool" => json!(true),
        number if number.starts_with(['i', 'u']) && number.len() == 3 => json!(1),
        name => sample(&TYPES[name]),
    }
}

/// The members of a value by the names that lead to them.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| members(item, path, found)),
        Value::Object(map) => {
            for (key, inner) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                members(inner, &path, found);
                found.insert(path);
            }
        }
        _ => {}
    }
}

/// Two readings of the spec: the table's and the crate's.
#[test]
fn the_crate_of_the_spec_has_the_same_members_and_types() {
    let whole = sample(&TYPES["config"]);
    assert_eq!(told(&whole), Vec::<String>::new());
    let read: oci_spec::runtime::Spec = serde_json::from_value(whole.clone()).expect("the crate reads it");
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    members(&whole, "", &mut ours);
    members(&serde_json::to_value(read).expect("JSON"), "", &mut theirs);
    let lost: Vec<&String> = ours.difference(&theirs).collect();
    assert_eq!(lost, NOT_IN_THE_CRATE, "the table has what the crate does not");
    let added: Vec<&String> = theirs.difference(&ours).collect();
    assert_eq!(
        added,
        Vec::<&String>::new(),
        "the crate has what the table does not"
    );
}

/// The crate can read what the table considers right.
#[test]
fn the_crate_of_the_spec_reads_every_config_that_is_right() {
    let sources = crate::corpus::files::built_in("cases");
    let corpus = crate::corpus::load(&sources).expect("the corpus");
    let mut refused = Vec::new();
    for entry in corpus
        .entries
        .iter()
        .filter(|entry| entry.case.body.config_text.is_empty())
    {
        let text = crate::corpus::config::text(&entry.case, &corpus, "main", None).expect("a config");
        let config: Value = serde_json::from_str(&text).expect("JSON");
        if !check("config", &config, &[]).is_empty() {
            continue;
        }
        let read = serde_json::from_value::<oci_spec::runtime::Spec>(config);
        // Lists of CPUs are for the runtimes to check, and an engine's own profile is not available here. The crate
        // requires a user, which the spec does not, and spells one flag of the scheduler differently.
        let spared = |error: &str| {
            [
                "missing field `defaultAction`",
                "missing field `user`",
                "execCPUAffinity",
                "SCHED_FLAG_RESET_ON_FORK",
            ]
            .iter()
            .any(|part| error.contains(part))
        };
        if let Some(error) = read
            .err()
            .map(|error| error.to_string())
            .filter(|error| !spared(error))
        {
            refused.push(format!("{}: {error}", entry.case.name));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
