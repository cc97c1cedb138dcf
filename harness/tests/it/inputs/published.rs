//! `seccomp --fix` on small profiles of the kinds that are published: those for one runtime, those for none, those that
//! kill, log or allow by default. What cannot be cured is reported in its own words.

use serde_json::{Value, json};

use super::cures::{allow_list, says, seccomp};

/// An allow-list without these calls.
fn without(calls: &[&str]) -> Value {
    let mut profile = allow_list(&["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
    let names = profile["syscalls"][0]["names"].as_array_mut().expect("names");
    names.retain(|name| !calls.iter().any(|call| name == call));
    profile
}

/// Whether a profile allows a call whatever its arguments.
fn allows(profile: &Value, call: &str) -> bool {
    let rules = profile["syscalls"].as_array().expect("rules");
    let allows = |rule: &&Value| {
        let names = rule["names"].as_array().expect("names");
        rule["action"] == "SCMP_ACT_ALLOW" && names.iter().any(|name| name == call)
    };
    rules.iter().any(|rule| allows(&rule))
}

/// One runtime's init sends and accepts under its filter, which a profile made for the others does not allow.
#[test]
fn a_profile_for_one_runtime_is_cured_for_others_where_that_is_asked_for() {
    let profile = without(&["sendmsg", "accept4", "socket", "getdents64"]);
    let Some(ran) = seccomp(&profile, &["--fix", "enosys"]) else {
        return;
    };
    assert_eq!(ran.ends_with(1).stdout, "");
    says(
        &ran,
        &[
            "the profile denies a call of the runtime's own: ",
            "--fix allow allows what runtimes call themselves once the filter is loaded",
            "no cure: a workload does not begin under every runtime",
        ],
    );
    let ran = seccomp(&profile, &["--fix", "allow"]).expect("as above");
    says(
        ran.ends_with(0),
        &["allowed now, to the workload too, since runtimes call them themselves"],
    );
    let cured: Value = serde_json::from_str(&ran.stdout).expect("a profile");
    assert!(allows(&cured, "sendmsg") && allows(&cured, "accept4"), "{cured}");
    assert!(!allows(&cured, "chmod") && !allows(&cured, "mount"), "{cured}");
    // What the author denied by name stays denied.
    let mut denied = profile;
    let rule = json!({"names": ["sendmsg"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13});
    denied["syscalls"].as_array_mut().expect("rules").push(rule);
    let ran = seccomp(&denied, &["--fix", "allow"]).expect("as above");
    assert_eq!(ran.ends_with(1).stdout, "");
    says(&ran, &["sendmsg EACCES", "no cure"]);
}

#[test]
fn a_profile_under_which_nothing_begins_is_opened_only_where_that_is_asked_for() {
    let nothing = json!({"defaultAction": "SCMP_ACT_ERRNO"});
    for (profile, call) in [(without(&["execve"]), "execve"), (nothing, "write")] {
        let Some(ran) = seccomp(&profile, &["--fix", "enosys"]) else {
            return;
        };
        assert_eq!(ran.ends_with(1).stdout, "");
        let why = "no workload begins under any runtime with the profile as it is; in that they agree";
        let denied = format!("{call} EPERM");
        let told = "--fix allow allows what runtimes call themselves once the filter is loaded, here ";
        says(&ran, &[&denied, why, told]);
        let call = denied.as_str();
        let ran = seccomp(&profile, &[]).expect("as above");
        says(&ran, &["did not begin", call]);
        assert!(!ran.stdout.contains("loaded no filter"), "{}", ran.stdout);
    }
}

#[test]
fn a_profile_without_what_every_runtime_needs_is_opened_for_just_that() {
    let told = "no workload begins under the profile as it is: allowed now, to the workload too, ";
    for action in ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"] {
        let mut profile = without(&["execve", "sendmsg"]);
        profile["defaultAction"] = action.into();
        let Some(ran) = seccomp(&profile, &["--fix", "allow"]) else {
            return;
        };
        says(ran.ends_with(0), &[told, "execve"]);
        let cured: Value = serde_json::from_str(&ran.stdout).expect("a profile");
        assert!(allows(&cured, "execve"), "{action}: {cured}");
        assert!(
            !allows(&cured, "chmod") && !allows(&cured, "mount"),
            "{action}: {cured}"
        );
    }
}

/// A process that cannot end spins until its limit, each time that something is tried.
#[test]
fn a_profile_that_is_opened_lets_processes_end() {
    let Some(ran) = seccomp(&without(&["execve", "exit_group"]), &["--fix", "allow"]) else {
        return;
    };
    says(
        ran.ends_with(0),
        &["no workload begins under the profile as it is"],
    );
    let cured: Value = serde_json::from_str(&ran.stdout).expect("a profile");
    assert!(
        allows(&cured, "exit_group") && !allows(&cured, "chmod"),
        "{cured}"
    );
}

/// What a rule denies by name is denied on purpose: nothing is opened against it.
#[test]
fn a_call_that_is_denied_by_name_is_not_allowed_so_that_something_begins() {
    let mut profile = without(&["execve"]);
    let rule = json!({"names": ["execve"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13});
    profile["syscalls"].as_array_mut().expect("rules").push(rule);
    let Some(ran) = seccomp(&profile, &["--fix", "allow"]) else {
        return;
    };
    assert_eq!(ran.ends_with(1).stdout, "");
    says(&ran, &["execve EACCES", "no cure: no workload begins"]);
}

#[test]
fn a_default_action_that_kills_is_cured_like_one_that_answers_an_errno() {
    for action in ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"] {
        let mut profile = without(&[]);
        profile["defaultAction"] = action.into();
        let Some(ran) = seccomp(&profile, &["--fix", "enosys"]) else {
            return;
        };
        let cured: Value = serde_json::from_str(&ran.ends_with(0).stdout).expect("a profile");
        assert_eq!(cured["defaultAction"], "SCMP_ACT_ERRNO");
        assert_eq!(cured["defaultErrnoRet"], 38);
        // What the author knew and did not name is denied as it was.
        let rules = cured["syscalls"].as_array().expect("rules");
        let still = rules
            .iter()
            .find(|rule| rule["action"] == action)
            .expect("a rule that kills");
        assert!(
            still["names"]
                .as_array()
                .expect("names")
                .iter()
                .any(|name| name == "chmod"),
            "{still}"
        );
        assert!(still.get("errnoRet").is_none(), "{still}");
    }
}

#[test]
fn what_needs_no_cure_is_not_what_has_none() {
    let masked = json!([{"names": ["socket"], "action": "SCMP_ACT_ERRNO",
        "args": [{"index": 0, "value": 255, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]}]);
    let deny = json!([{"names": ["mount"], "action": "SCMP_ACT_ERRNO"}]);
    for (action, rules, says_so) in [
        ("SCMP_ACT_ALLOW", &deny, "every runtime answers every call alike"),
        ("SCMP_ACT_LOG", &deny, "needs no cure: "),
        (
            "SCMP_ACT_LOG",
            &masked,
            "left as it was, since it does not come from what the profile does not know",
        ),
    ] {
        let profile =
            json!({"defaultAction": action, "architectures": ["SCMP_ARCH_X86_64"], "syscalls": rules});
        let Some(ran) = seccomp(&profile, &["--fix", "enosys"]) else {
            return;
        };
        says(
            ran.ends_with(0),
            &[says_so, "needs no cure: ", "it is printed as it is"],
        );
        let printed: Value = serde_json::from_str(&ran.stdout).expect("a profile");
        assert_eq!(printed["defaultAction"], action);
    }
}
