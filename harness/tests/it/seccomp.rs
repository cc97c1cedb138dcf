//! `ocidiff seccomp`, end to end: real runtimes load real profiles.

use crate::support;
use crate::support::needs;

use std::fs;
use std::path::Path;

use ocidiff_model::filter::ProfileReport;
use support::{Ran, Scene};

/// The runtimes that `make test` installs, as arguments; `None` if one is missing.
fn three() -> Option<Vec<String>> {
    let mut args = Vec::new();
    for name in ["runc", "crun", "youki"] {
        let path = needs::runtime(name)?;
        args.extend(["--runtime".to_owned(), format!("{name}={}", path.display())]);
    }
    Some(args)
}

fn seccomp(scene: &Scene, args: &[&str], runtimes: &[String]) -> Ran {
    let runtimes = runtimes.iter().map(String::as_str);
    let args: Vec<&str> = ["seccomp"]
        .into_iter()
        .chain(args.iter().copied())
        .chain(runtimes)
        .collect();
    scene.run(&args)
}

fn report(ran: &Ran) -> ProfileReport {
    serde_json::from_str(&ran.stdout).expect("the JSON of a report")
}

/// What a runtime's filter answers to a call, according to the rows in which the runtimes differ.
fn answer<'r>(report: &'r ProfileReport, call: &str, runtime: &str) -> Option<&'r str> {
    let row = report
        .rows
        .iter()
        .find(|row| row.calls.starts_with("x86_64 ") && row.named.iter().any(|named| named.name == call))?;
    let answer = row
        .answers
        .iter()
        .find(|answer| answer.runtimes.iter().any(|label| label == runtime))?;
    Some(&answer.action)
}

#[test]
fn the_difference_behind_the_story_is_seen_without_running_it() {
    let Some(runtimes) = three() else { return };
    let scene = Scene::new();
    let ran = seccomp(&scene, &["docker-20.10.24", "--json"], &runtimes);
    ran.ends_with(1).leaves_nothing();
    let told = report(&ran);
    for (runtime, action) in [
        ("runc", "ERRNO(ENOSYS)"),
        ("crun", "ERRNO(EPERM)"),
        ("youki", "ERRNO(EPERM)"),
    ] {
        assert_eq!(answer(&told, "fchmodat2", runtime), Some(action), "{runtime}");
    }
    let first = &told.rows[0];
    let tar = first
        .hits
        .iter()
        .any(|hit| hit.syscall == "fchmodat2" && hit.who.contains("tar"));
    assert!(tar, "rows that hit someone come first: {first:#?}");
    let since = first.named.iter().find(|named| named.name == "fchmodat2");
    assert_eq!(since.and_then(|named| named.since.as_deref()), Some("6.6"));
    // The same for people.
    let text = seccomp(&scene, &["docker-20.10.24"], &runtimes);
    let text = &text.ends_with(1).stdout;
    for part in [
        "450..",
        "fchmodat2 (Linux 6.6)",
        "default action ERRNO(EPERM)",
        "a stub of the runtime's own",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn filters_that_are_equal_are_proven_equal() {
    let Some(runtimes) = three() else { return };
    let scene = Scene::new();
    scene.write(
        "one.json",
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": ["mkdirat"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 2, "value": 448, "op": "SCMP_CMP_EQ"}]}]}"#,
    );
    let ran = seccomp(&scene, &["one.json", "--json"], &runtimes);
    let told = report(ran.ends_with(0));
    assert!(told.rows.is_empty());
    assert!(
        told.runtimes
            .iter()
            .all(|one| one.instructions.len() == 1 && one.why_none.is_none())
    );
}

#[test]
fn a_refusal_is_a_result() {
    let Some(runtimes) = three() else { return };
    let scene = Scene::new();
    // crun rejects a profile in which an action that takes no errno has one; the others do not check.
    scene.write(
        "refused.json",
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdirat"], "action": "SCMP_ACT_KILL", "errnoRet": 5}]}"#,
    );
    let ran = seccomp(&scene, &["refused.json", "--json"], &runtimes);
    let told = report(ran.ends_with(1));
    let why: Vec<bool> = told.runtimes.iter().map(|one| one.why_none.is_some()).collect();
    assert_eq!(why, [false, true, false], "{told:#?}");
    // An unknown action is refused by all: in that they agree.
    scene.write("unknown.json", r#"{"defaultAction": "SCMP_ACT_PERHAPS"}"#);
    let ran = seccomp(&scene, &["unknown.json", "--json"], &runtimes);
    let told = report(ran.ends_with(0));
    assert!(
        told.runtimes.iter().all(|one| one.why_none.is_some()),
        "{told:#?}"
    );
}

#[test]
fn every_format_of_a_profile_is_read() {
    let Some(runtimes) = three() else { return };
    let scene = Scene::new();
    let rule = r#"{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}"#;
    let seccomp_object = format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}"#);
    scene.write(
        "config.json",
        format!(r#"{{"ociVersion": "1.0.2", "linux": {{"seccomp": {seccomp_object}}}}}"#),
    );
    scene.write("object.json", &seccomp_object);
    // With CAP_SYS_ADMIN the rule does not apply, so nothing is denied.
    scene.write(
        "engine.json",
        format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}}],
            "syscalls": [{}]}}"#,
            rule.replacen('{', r#"{"excludes": {"caps": ["CAP_SYS_ADMIN"]}, "includes": {"minKernel": "4.8"}, "#, 1)
        ),
    );
    let instructions = |file: &str, more: &[&str]| -> usize {
        let args: Vec<&str> = [file, "--json"].iter().chain(more).copied().collect();
        let ran = seccomp(&scene, &args, &runtimes);
        report(ran.ends_with(0)).runtimes[1].instructions[0]
    };
    let config = instructions("config.json", &[]);
    assert_eq!(config, instructions("object.json", &[]));
    let denied = instructions("engine.json", &[]);
    assert!(denied > config, "it has one architecture more");
    assert!(denied > instructions("engine.json", &["--caps", "sys_admin,CAP_CHOWN"]));
    assert!(denied > instructions("engine.json", &["--kernel", "4.7"]));
}

#[test]
fn a_cure_is_printed_once_it_is_proven() {
    let Some(runtimes) = three() else { return };
    let scene = Scene::new();
    let ran = seccomp(&scene, &["docker-20.10.24", "--fix", "enosys"], &runtimes);
    ran.ends_with(0).leaves_nothing();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases/profiles/docker-20.10.24-cured.json");
    let shipped = fs::read_to_string(shipped).expect("the shipped cure");
    assert!(
        ran.stdout == shipped,
        "cases/profiles/docker-20.10.24-cured.json is not what --fix enosys prints"
    );
    // What was denied on purpose stays denied in the same way; only youki's fault with masks is left.
    scene.write("cured.json", &ran.stdout);
    let told = report(seccomp(&scene, &["cured.json", "--json"], &runtimes).ends_with(1));
    for row in &told.rows {
        assert!(row.calls.contains(" clone["), "{}", row.calls);
    }
    // Without youki nothing is left at all.
    let two = &runtimes[..4];
    let told = report(seccomp(&scene, &["cured.json", "--json"], two).ends_with(0));
    assert!(told.rows.is_empty());
    let allow = seccomp(&scene, &["docker-20.10.24", "--fix", "allow"], two);
    assert!(
        allow.ends_with(0).stderr.contains("allowed now: fchmodat2"),
        "{}",
        allow.stderr
    );
}

/// What runtimes and a usual program need.
const USUAL: &str = "read write close fstat newfstatat mmap munmap mprotect brk execve exit_group exit fork clone wait4 \
    rt_sigaction rt_sigprocmask rt_sigreturn openat open arch_prctl set_tid_address set_robust_list prlimit64 \
    getrandom readlink readlinkat getcwd futex lseek fcntl gettid getpid prctl capset capget setuid setgid \
    setgroups access uname vfork chdir fchdir getuid geteuid getgid getegid epoll_ctl getdents64 nanosleep \
    madvise sigaltstack epoll_pwait eventfd2 tgkill sched_getaffinity sched_yield dup3 stat lstat fchown ioctl \
    setsid umask keyctl epoll_create1 pipe2 fstatfs statfs sendmsg recvmsg socket connect accept accept4 getppid \
    unlink kill sendto recvfrom poll ppoll getrlimit setresuid setresgid statx";

#[test]
fn what_a_library_does_not_know_cannot_be_kept_and_is_told() {
    let Some(runtimes) = three() else { return };
    let scene = Scene::new();
    // Older than the newest call that the profile names, and newer than the libraries of these runtimes.
    let names: Vec<&str> = USUAL.split_whitespace().chain(["file_setattr"]).collect();
    let rule = serde_json::json!({"names": names, "action": "SCMP_ACT_ALLOW"});
    let profile = serde_json::json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]});
    scene.write("new.json", profile.to_string());
    let ran = seccomp(&scene, &["new.json", "--fix", "enosys"], &runtimes[..4]);
    let told = &ran.ends_with(0).stderr;
    let line = told
        .lines()
        .find(|line| line.contains("not every runtime knows them"));
    assert!(line.is_some_and(|line| line.contains("file_getattr")), "{told}");
    assert!(
        !ran.stdout.contains("file_getattr") && ran.stdout.contains("\"reboot\""),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_cannot_be_cured_is_told_and_not_printed() {
    let Some(runtimes) = three() else { return };
    let scene = Scene::new();
    scene.write("allow.json", r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#);
    let ran = seccomp(&scene, &["allow.json", "--fix", "enosys"], &runtimes);
    let ran = ran.ends_with(0);
    assert!(
        ran.stderr
            .contains("needs no cure: every runtime answers every call alike"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("it is printed as it is"), "{}", ran.stderr);
    // Nothing begins under it.
    scene.write(
        "nothing.json",
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["chmod"], "action": "SCMP_ACT_ALLOW"}]}"#,
    );
    let ran = seccomp(&scene, &["nothing.json", "--fix", "enosys"], &runtimes);
    assert!(ran.ends_with(1).stdout.is_empty());
    assert!(
        ran.stderr
            .contains("the profile denies a call of the runtime's own"),
        "{}",
        ran.stderr
    );
}

#[test]
fn errors_say_where_and_what_to_do() {
    let scene = Scene::new();
    let long = format!("{{\"defaultAction\": \"{}\"}}", "x".repeat(1 << 20));
    for (text, part) in [
        (
            "{\n  \"defaultAction\": 3\n}",
            "bad.json:2:20: failed to read a profile: expected a text, not the number `3`",
        ),
        ("{\n  \"defaultAction\": ", "bad.json:2:"),
        ("[]", "it has no defaultAction"),
        ("{\"ociVersion\": \"1.0.2\"}", "has no linux.seccomp"),
        (
            "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"a\"], \"archMap\": [{\"architecture\": \"b\"}]}",
            "both architectures and archMap",
        ),
        (
            "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"x\"], \"name\": \"y\", \"action\": \"a\"}]}",
            "rule 0 has both name and names",
        ),
        (&long, "root"),
    ] {
        scene.write("bad.json", text);
        let ran = scene.run(&["seccomp", "bad.json", "--runtime", "nobody=/nowhere"]);
        assert!(ran.ends_with(2).stdout.is_empty());
        // The last one is read, and fails later, because of its runtime or for lack of root.
        assert!(
            part == "root" || ran.stderr.contains(part),
            "{part}: {}",
            ran.stderr
        );
    }
    let ran = scene.run(&["seccomp", "docker-20.10"]);
    assert!(
        ran.ends_with(2).stderr.contains("docker-20.10.24\n"),
        "{}",
        ran.stderr
    );
    let ran = scene.run(&["seccomp", "docker-20.10.24", "--kernel", "new"]);
    assert!(ran.ends_with(2).stderr.contains("X.Y"), "{}", ran.stderr);
}
