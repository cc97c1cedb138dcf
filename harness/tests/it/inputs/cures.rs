//! `seccomp` and `seccomp --fix` on small profiles with the correct results written down: a cure is printed only if
//! every runtime loads it, and plain allow-lists have one.

use serde_json::{Value, json};

use super::needs;
use super::support::{Ran, Scene};

/// What a call recorder lists for a usual program.
const NAMES: &str = "read write close fstat newfstatat mmap munmap mprotect brk execve exit_group exit fork clone wait4 \
    rt_sigaction rt_sigprocmask rt_sigreturn openat open arch_prctl set_tid_address set_robust_list prlimit64 \
    getrandom readlink readlinkat getcwd futex lseek fcntl gettid getpid prctl capset capget setuid setgid \
    setgroups access uname vfork chdir fchdir getuid geteuid getgid getegid epoll_ctl getdents64 nanosleep madvise \
    sigaltstack epoll_pwait eventfd2 tgkill sched_getaffinity sched_yield dup3 stat lstat fchown ioctl setsid \
    umask keyctl epoll_create1 pipe2 fstatfs statfs sendmsg recvmsg socket connect accept accept4 getppid unlink \
    kill sendto recvfrom poll ppoll getrlimit setresuid setresgid statx";

pub(super) fn allow_list(architectures: &[&str]) -> Value {
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    json!({"defaultAction": "SCMP_ACT_ERRNO", "architectures": architectures,
           "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]})
}

/// Runs `seccomp` on a profile under each runtime that `make test` installs.
pub(super) fn seccomp(profile: &Value, more: &[&str]) -> Option<Ran> {
    let scene = Scene::new();
    scene.write("p.json", profile.to_string());
    let mut args = vec!["seccomp".to_owned(), "p.json".to_owned()];
    args.extend(more.iter().map(|&one| one.to_owned()));
    for name in ["runc", "crun", "youki"] {
        args.extend([
            "--runtime".to_owned(),
            format!("{name}={}", needs::runtime(name)?.display()),
        ]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = scene.run(&args);
    ran.leaves_nothing();
    Some(ran)
}

fn fix(profile: &Value) -> Option<Ran> {
    seccomp(profile, &["--fix", "enosys"])
}

#[track_caller]
pub(super) fn says(ran: &Ran, parts: &[&str]) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for part in parts {
        assert!(said.contains(part), "no `{part}` in:\n{said}");
    }
}

/// Input 06: what no runtime loads is not a cure.
#[test]
fn a_cure_under_which_nothing_begins_is_not_printed() {
    let denies = json!({"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["chmod"], "action": "SCMP_ACT_ALLOW"}]});
    let Some(ran) = fix(&denies) else { return };
    assert_eq!(ran.ends_with(1).stdout, "");
    says(
        &ran,
        &[
            "runc does not begin a workload",
            "crun does not begin a workload",
            "youki",
        ],
    );
}

/// Input 06: an errno that an action does not take is left out, since some runtimes refuse it.
#[test]
fn a_rule_that_some_refuse_is_cured_too() {
    let mut profile = allow_list(&[]);
    profile["syscalls"][0]["errnoRet"] = json!(0);
    let Some(ran) = seccomp(&profile, &[]) else { return };
    says(
        ran.ends_with(1),
        &[
            "crun     refused it",
            "the same answer under both that loaded one",
        ],
    );
    let ran = fix(&profile).expect("as above");
    says(ran.ends_with(0), &["errnoRet is left out"]);
    let cured: Value = serde_json::from_str(&ran.stdout).expect("a profile");
    assert!(cured["syscalls"][0].get("errnoRet").is_none(), "{cured}");
}

/// Input 13: numbers that no kernel has, and other architectures, are reported and do no harm.
#[test]
fn a_plain_allow_list_has_a_cure() {
    for (architectures, parts) in [
        (&["SCMP_ARCH_X86_64"][..], &["no kernel has such numbers"][..]),
        (&["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], &["i386 semget"]),
        (&["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], &["x32 "]),
    ] {
        let Some(ran) = fix(&allow_list(architectures)) else {
            return;
        };
        says(ran.ends_with(0), parts);
        let cured: Value = serde_json::from_str(&ran.stdout).expect("a profile");
        assert_eq!(cured["defaultErrnoRet"], 38);
        let denied = cured["syscalls"]
            .as_array()
            .expect("rules")
            .iter()
            .filter(|rule| rule["action"] == "SCMP_ACT_ERRNO");
        let names: Vec<&Value> = denied
            .filter_map(|rule| rule["names"].as_array())
            .flatten()
            .collect();
        assert!(
            !names.iter().any(|name| **name == "socketcall" || **name == "ipc"),
            "{names:?}"
        );
        assert!(names.iter().any(|name| **name == "chmod"), "{names:?}");
    }
}

/// What the author allows by name may get through where a runtime has not let anything through that is newer than the
/// rest.
#[test]
fn what_a_profile_allows_by_name_may_be_allowed_by_its_cure() {
    let newer = "semget semctl shmget shmctl shmat shmdt msgget msgsnd msgrcv msgctl";
    let mut profile = allow_list(&["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
    let names = profile["syscalls"][0]["names"].as_array_mut().expect("names");
    names.extend(newer.split_whitespace().map(Value::from));
    for how in ["enosys", "allow"] {
        let Some(ran) = seccomp(&profile, &["--fix", how]) else {
            return;
        };
        let cured: Value = serde_json::from_str(&ran.ends_with(0).stdout).expect("a profile");
        assert!(
            cured["syscalls"].as_array().is_some_and(|rules| rules.len() > 1),
            "{how}"
        );
    }
    let ran = seccomp(&profile, &["--fix", "allow"]).expect("as above");
    says(&ran, &["allowed now: openat2"]);
}

/// Input 14: a profile with an agent is loaded with one of our agents.
#[test]
fn a_profile_that_asks_an_agent_is_compared() {
    let profile = |call: &str| {
        json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/no-agent.sock",
               "syscalls": [{"names": [call], "action": "SCMP_ACT_NOTIFY"}]})
    };
    let Some(ran) = seccomp(&profile("mkdir"), &[]) else {
        return;
    };
    says(ran.ends_with(0), &["the same answer under all of them"]);
    // One of them needs the call itself to pass on the filter.
    let ran = seccomp(&profile("sendmsg"), &[]).expect("as above");
    says(
        ran.ends_with(1),
        &["both that loaded one", "create did not end", "(sendmsg)"],
    );
}
