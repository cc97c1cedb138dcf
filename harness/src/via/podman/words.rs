//! From the body of Docker's API to the words of `podman create`: the settings are the same, spelt differently. What
//! Podman would add by itself is switched off.

use ocidiff_engines::commands::Words;
use serde_json::Value;

use crate::via::express::{Refusal, refuse};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Options, and the program's arguments.
    pub words: Words,
    /// A seccomp profile of the case's own, which Podman reads from a file.
    pub profile: Option<String>,
    /// The container's hostname.
    pub hostname: String,
}

/// What is the same for every case.
const ALWAYS: [&str; 11] = [
    "--network=none",
    "--ipc=private",
    "--uts=private",
    "--pid=private",
    "--log-driver=k8s-file",
    "--restart=no",
    "--unsetenv-all",
    "--http-proxy=false",
    "--no-hosts",
    "--read-only-tmpfs=false",
    "--no-healthcheck",
];

/// Settings of HostConfig that take their value as it is.
const PLAIN: [(&str, &str); 16] = [
    ("OomScoreAdj", "--oom-score-adj"),
    ("ReadonlyRootfs", "--read-only"),
    ("CgroupnsMode", "--cgroupns"),
    ("Memory", "--memory"),
    ("MemoryReservation", "--memory-reservation"),
    ("MemorySwap", "--memory-swap"),
    ("MemorySwappiness", "--memory-swappiness"),
    ("CpuShares", "--cpu-shares"),
    ("CpuQuota", "--cpu-quota"),
    ("CpuPeriod", "--cpu-period"),
    ("CpuRealtimeRuntime", "--cpu-rt-runtime"),
    ("CpuRealtimePeriod", "--cpu-rt-period"),
    ("CpusetCpus", "--cpuset-cpus"),
    ("CpusetMems", "--cpuset-mems"),
    ("BlkioWeight", "--blkio-weight"),
    ("OomKillDisable", "--oom-kill-disable"),
];

/// Lists in HostConfig, with an option for each item.
const LISTS: [(&str, &str); 4] = [
    ("GroupAdd", "--group-add"),
    ("CapDrop", "--cap-drop"),
    ("CapAdd", "--cap-add"),
    ("DeviceCgroupRules", "--device-cgroup-rule"),
];

/// The words for a body of [`crate::via::docker::translate::body`]; `config` is what it was made from, `default` the
/// corpus's default config.
///
/// # Errors
/// The first part that Podman has no option for.
pub fn of(body: &Value, config: &Value, default: &Value) -> Result<Body, Refusal> {
    if body.get("Domainname").is_some() {
        return refuse("the engine has no setting for domainname");
    }
    let host = &body["HostConfig"];
    let mut options: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut add = |option: &str, value: String| options.push(format!("{option}={value}"));
    for item in items(&body["Env"]) {
        add("--env", text(item));
    }
    for (member, option) in [
        ("WorkingDir", "--workdir"),
        ("User", "--user"),
        ("Hostname", "--hostname"),
    ] {
        add(option, text(&body[member]));
    }
    add("--entrypoint", body["Entrypoint"].to_string());
    if body["Tty"] == true {
        add("--tty", "true".to_owned());
    }
    for (member, option) in PLAIN {
        if let Some(value) = host.get(member) {
            add(option, text(value));
        }
    }
    for (member, option) in LISTS {
        for item in items(&host[member]) {
            add(option, text(item));
        }
    }
    // If nothing is specified there is no limit, as in the config.
    add(
        "--pids-limit",
        host.get("PidsLimit").map_or_else(|| "-1".to_owned(), text),
    );
    for (place, mounted) in members(&host["Tmpfs"]) {
        add("--tmpfs", format!("{place}:{}", text(mounted)));
    }
    for (name, value) in members(&host["Sysctls"]) {
        add("--sysctl", format!("{name}={}", text(value)));
    }
    for device in items(&host["Devices"]) {
        let of = |member: &str| text(&device[member]);
        add(
            "--device",
            format!(
                "{}:{}:{}",
                of("PathOnHost"),
                of("PathInContainer"),
                of("CgroupPermissions")
            ),
        );
    }
    limits(host, &mut options);
    options.extend(paths(&config["linux"], &default["linux"])?);
    let profile = security(host, &mut options);
    let args: Vec<String> = items(&body["Cmd"]).map(text).collect();
    if options.iter().chain(&args).any(|word| word.contains('\0')) {
        return refuse("no argument of a command holds a NUL byte");
    }
    Ok(Body {
        words: Words { options, args },
        profile,
        hostname: text(&body["Hostname"]),
    })
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The caller's own limits, if the case has none: Podman would raise some, which not every user may do.
fn limits(host: &Value, options: &mut Vec<String>) {
    let all: Vec<String> = items(&host["Ulimits"])
        .map(|one| {
            let name = one["Name"].as_str().unwrap_or_default();
            format!("--ulimit={name}={}:{}", one["Soft"], one["Hard"])
        })
        .collect();
    if all.is_empty() {
        options.push("--ulimit=host".to_owned());
    }
    options.extend(all);
}

/// Masked and read-only paths: Podman's own, neither of the two, or its own plus further masked ones.
fn paths(linux: &Value, default: &Value) -> Result<Vec<String>, Refusal> {
    let list = |linux: &Value, member: &str| -> Vec<String> {
        let all = items(&linux[member]).filter_map(Value::as_str);
        all.map(str::to_owned).collect()
    };
    let [masked, readonly] = ["maskedPaths", "readonlyPaths"].map(|member| list(linux, member));
    let [own_masked, own_readonly] = ["maskedPaths", "readonlyPaths"].map(|member| list(default, member));
    if masked.is_empty() && readonly.is_empty() {
        return Ok(vec!["--security-opt=unmask=ALL".to_owned()]);
    }
    let (more, kept): (Vec<&String>, Vec<&String>) =
        masked.iter().partition(|path| !own_masked.contains(path));
    if kept.len() != own_masked.len() || readonly != own_readonly {
        return refuse("the engine masks and protects its own paths, or none");
    }
    if more.iter().any(|path| path.contains(':')) {
        return refuse("the engine takes no colon in a masked path");
    }
    let more: Vec<&str> = more.into_iter().map(String::as_str).collect();
    Ok(match more[..] {
        [] => Vec::new(),
        _ => vec![format!("--security-opt=mask={}", more.join(":"))],
    })
}

/// Adds the security options, and returns the profile, which needs a file.
fn security(host: &Value, options: &mut Vec<String>) -> Option<String> {
    let mut profile = None;
    for option in items(&host["SecurityOpt"]).filter_map(Value::as_str) {
        match option.strip_prefix("seccomp=") {
            Some(text) if text.starts_with('{') => profile = Some(text.to_owned()),
            _ => options.push(format!("--security-opt={option}")),
        }
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn default() -> Value {
        json!({"linux": {"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"]}})
    }

    fn words(body: Value, config: &Value) -> Result<Vec<String>, String> {
        let mut whole = json!({"Entrypoint": ["/bin/x"], "Cmd": ["a", "b"], "Env": ["A=1"], "WorkingDir": "/",
            "User": "0:0", "Hostname": "h", "HostConfig": {}});
        ocidiff_model::merge::merge(&mut whole, &body).expect("a merge");
        let body = of(&whole, config, &default()).map_err(|why| why.to_string())?;
        assert_eq!(body.words.args, ["a", "b"]);
        let options = body.words.options.into_iter().skip(ALWAYS.len());
        Ok(options.chain(body.profile).collect())
    }

    #[test]
    fn a_body_is_spelt_in_podmans_words() {
        let usual = |more: &[&str]| {
            let plain = [
                "--env=A=1",
                "--workdir=/",
                "--user=0:0",
                "--hostname=h",
                "--entrypoint=[\"/bin/x\"]",
            ];
            let all = plain.iter().chain(more);
            Ok(all.map(|word| (*word).to_owned()).collect::<Vec<String>>())
        };
        for (host, more) in [
            (json!({}), &["--pids-limit=-1", "--ulimit=host"][..]),
            (
                json!({"Memory": 1, "PidsLimit": 5, "ReadonlyRootfs": true, "CapDrop": ["ALL"], "CapAdd": ["CHOWN"]}),
                &[
                    "--read-only=true",
                    "--memory=1",
                    "--cap-drop=ALL",
                    "--cap-add=CHOWN",
                    "--pids-limit=5",
                    "--ulimit=host",
                ],
            ),
            (
                json!({"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": -1}], "Tmpfs": {"/t": "rw,size=1k"},
                    "Sysctls": {"kernel.msgmax": "8"}, "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"],
                    "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}]}),
                &[
                    "--pids-limit=-1",
                    "--tmpfs=/t:rw,size=1k",
                    "--sysctl=kernel.msgmax=8",
                    "--device=/dev/null:/dev/x:rwm",
                    "--ulimit=nofile=1:-1",
                    "--security-opt=no-new-privileges",
                    "--security-opt=seccomp=unconfined",
                ],
            ),
            (
                json!({"SecurityOpt": ["seccomp={}"]}),
                &["--pids-limit=-1", "--ulimit=host", "{}"],
            ),
        ] {
            assert_eq!(
                words(json!({"HostConfig": host}), &default()),
                usual(more),
                "{host}"
            );
        }
        let nul = words(json!({"Env": ["A=\0"]}), &default());
        assert_eq!(nul, Err("no argument of a command holds a NUL byte".to_owned()));
        let refused = words(json!({"Domainname": "d"}), &default());
        assert_eq!(
            refused,
            Err("the engine has no setting for domainname".to_owned())
        );
    }

    #[test]
    fn masked_paths_are_the_engines_own_none_or_more() {
        let linux = |masked: &[&str], readonly: &[&str]| json!({"linux": {"maskedPaths": masked, "readonlyPaths": readonly}});
        for (config, expected) in [
            (linux(&["/proc/kcore"], &["/proc/sys"]), Some(None)),
            (linux(&[], &[]), Some(Some("--security-opt=unmask=ALL"))),
            (
                linux(&["/proc/kcore", "/a", "/b"], &["/proc/sys"]),
                Some(Some("--security-opt=mask=/a:/b")),
            ),
            (linux(&["/proc/kcore", "/a:b"], &["/proc/sys"]), None),
            (linux(&["/a"], &["/proc/sys"]), None),
            (linux(&["/proc/kcore"], &[]), None),
        ] {
            let told = words(json!({}), &config);
            let expected = expected.map(|more| more.map(str::to_owned));
            assert_eq!(
                told.ok()
                    .map(|all| all.into_iter().find(|word| word.contains("mask="))),
                expected,
                "{config}"
            );
        }
    }
}
