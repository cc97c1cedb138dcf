//! Profiles as engines keep them, resolved for a container as the engine does it; and everything that can be wrong with
//! a file.

use std::collections::BTreeSet;

use ocidiff_seccomp::Profile;
use ocidiff_seccomp::profile::{For, Source};

fn container(capabilities: &[&str], kernel: (u32, u32)) -> For {
    For {
        goarch: "amd64".to_owned(),
        capabilities: capabilities
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>(),
        kernel,
    }
}

/// The names that the rules have for a container, all in one list.
fn names(rules: &str, container: &For) -> Vec<String> {
    let text = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [], "syscalls": [{rules}]}}"#);
    let (profile, source) = Profile::read(&text, container).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(source, Source::Engine);
    profile.syscalls.into_iter().flat_map(|rule| rule.names).collect()
}

#[test]
fn rules_for_some_containers_only() {
    let none = container(&[], (6, 18));
    let admin = container(&["CAP_SYS_ADMIN", "CAP_BPF"], (6, 18));
    let old = container(&["CAP_SYS_ADMIN"], (4, 7));
    let rows = [
        (r"", [true, true, true]),
        (r#""includes": {"caps": ["CAP_SYS_ADMIN"]}"#, [false, true, true]),
        // All of them.
        (
            r#""includes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}"#,
            [false, true, false],
        ),
        // Any of them.
        (
            r#""excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}"#,
            [true, false, false],
        ),
        (r#""includes": {"arches": ["amd64", "x32"]}"#, [true, true, true]),
        (r#""includes": {"arches": ["s390"]}"#, [false, false, false]),
        (r#""excludes": {"arches": ["s390"]}"#, [true, true, true]),
        (
            r#""excludes": {"arches": ["arm64", "amd64"]}"#,
            [false, false, false],
        ),
        (r#""includes": {"minKernel": "4.8"}"#, [true, true, false]),
        (r#""includes": {"minKernel": "6.18"}"#, [true, true, false]),
        (r#""includes": {"minKernel": "6.19"}"#, [false, false, false]),
        (r#""includes": {"minKernel": "10.0"}"#, [false, false, false]),
        (r#""excludes": {"minKernel": "4.8"}"#, [false, false, true]),
        (
            r#""includes": {"caps": ["CAP_SYS_ADMIN"], "minKernel": "4.8"}"#,
            [false, true, false],
        ),
        (r#""includes": {}, "excludes": {}"#, [true, true, true]),
        (
            r#""includes": null, "excludes": {"caps": null}"#,
            [true, true, true],
        ),
        (
            r#""includes": {"arches": ["amd64"]}, "excludes": {"caps": ["CAP_BPF"]}"#,
            [true, false, true],
        ),
    ];
    for (when, expected) in rows {
        let comma = if when.is_empty() { "" } else { ", " };
        let rule = format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW"{comma}{when}}}"#);
        let found = [&none, &admin, &old].map(|container| !names(&rule, container).is_empty());
        assert_eq!(found, expected, "{when}");
    }
}

#[test]
fn what_comes_out_is_what_a_config_takes() {
    let text = r#"{
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "defaultErrno": "ENOSYS",
        "archMap": [
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}
        ],
        "syscalls": [
            {"name": "read", "action": "SCMP_ACT_ALLOW", "args": [], "comment": "one"},
            {"names": ["clone", "write"], "action": "SCMP_ACT_ERRNO", "errno": "EINVAL",
             "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
            {"names": ["open"], "action": "SCMP_ACT_ERRNO", "errno": "19", "errnoRet": 2},
            {"names": ["close"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2}
        ]
    }"#;
    let (profile, _) = Profile::read(text, &container(&[], (6, 18))).expect("an engine's profile");
    let expected = serde_json::json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["clone", "write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22,
             "args": [{"index": 0, "value": 2_114_060_288, "op": "SCMP_CMP_MASKED_EQ"}]},
            {"names": ["open"], "action": "SCMP_ACT_ERRNO", "errnoRet": 19},
            {"names": ["close"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2}
        ]
    });
    assert_eq!(profile.to_json(), expected);
    // The result is a linux.seccomp object, and stays what it is.
    let again = Profile::read(&expected.to_string(), &container(&[], (6, 18))).expect("an object");
    assert_eq!(again, (profile, Source::Object));
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let rule = |rule: &str| {
        format!(
            "{{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"archMap\": [],\n\"syscalls\": [{{\"action\": \"SCMP_ACT_ERRNO\", {rule}}}]}}"
        )
    };
    let rows = [
        (String::new(), "EOF while parsing a value at line 1 column 0"),
        ("{\n\"defaultAction\": tru}".to_owned(), "line 2 column"),
        ("[]".to_owned(), "no defaultAction"),
        ("7".to_owned(), "no defaultAction"),
        ("{}".to_owned(), "no defaultAction"),
        (r#"{"ociVersion": "1.0.2"}"#.to_owned(), "no linux.seccomp"),
        (r#"{"linux": null}"#.to_owned(), "no linux.seccomp"),
        (r#"{"linux": {"seccomp": null}}"#.to_owned(), "no linux.seccomp"),
        ("{\"linux\":\n 7}".to_owned(), "invalid type: integer `7`, expected struct Linux at line 2 column 2"),
        ("{\"defaultAction\":\n 7}".to_owned(), "invalid type: integer `7`, expected a string at line 2 column 2"),
        (
            "{\"defaultAction\": \"SCMP_ACT_ALLOW\",\n\"syscalls\": [{\"names\": [7]}]}".to_owned(),
            "expected a string at line 2 column",
        ),
        (
            "{\"defaultAction\": \"\",\n\"syscalls\": [{\"args\": [{\"value\": -1}]}]}".to_owned(),
            "invalid value: integer `-1`, expected u64 at line 2 column",
        ),
        (
            "{\"defaultAction\": \"\",\n\"syscalls\": [{\"args\": [{\"value\": 18446744073709551616}]}]}".to_owned(),
            "at line 2 column",
        ),
        (
            "{\"defaultAction\": \"\",\n\"defaultErrnoRet\": \"EPERM\"}".to_owned(),
            "expected u32 at line 2 column",
        ),
        (rule(r#""names": [], "includes": {"caps": "CAP_BPF"}"#), "expected a sequence at line 2 column"),
        (rule(r#""names": ["read"], "name": "write""#), "rule 0 has both name and names"),
        (rule(r#""names": ["read"], "errno": "ENOSUCH""#), "rule 0: no errno has the name ENOSUCH"),
        (rule(r#""names": [], "includes": {"minKernel": "4"}"#), "minKernel \"4\" is not a version"),
        (rule(r#""names": [], "includes": {"minKernel": "4.8.1"}"#), "minKernel \"4.8.1\" is not a version"),
        (rule(r#""names": [], "excludes": {"minKernel": "-1.2"}"#), "minKernel \"-1.2\" is not a version"),
        // Even if another condition has already decided: the engine reads the whole file first.
        (
            rule(r#""names": [], "excludes": {"arches": ["amd64"], "minKernel": "new"}"#),
            "minKernel \"new\" is not a version",
        ),
        (
            r#"{"defaultAction": "", "archMap": [], "defaultErrno": "ENOSUCH"}"#.to_owned(),
            "resolve a profile: defaultErrno: no errno has the name ENOSUCH",
        ),
        (
            r#"{"defaultAction": "", "architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_ARM"}]}"#.to_owned(),
            "both architectures and archMap",
        ),
    ];
    for (text, expected) in rows {
        let error = Profile::read(&text, &container(&[], (6, 18)))
            .expect_err(&text)
            .to_string();
        assert!(error.contains(expected), "{text}\n{error}");
    }
}

#[test]
fn lists_may_be_null_as_go_writes_them() {
    let text = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": null, "flags": null,
        "syscalls": [{"names": null, "action": "SCMP_ACT_LOG", "args": null}]}"#;
    let (profile, source) = Profile::read(text, &container(&[], (6, 18))).expect("an object");
    assert_eq!((profile.syscalls.len(), source), (1, Source::Object));
}
