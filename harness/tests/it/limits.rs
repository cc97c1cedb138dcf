//! Machines and shells that provide too little: each command ends with a documented status and one sentence that says
//! what to do, and where there is enough, the results are the same as anywhere.

use crate::support;
use crate::support::{corpus, events, needs, story};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use corpus::{scene, words};
use events::Events;
use ocidiff_model::Verdict;
use support::{Output, Ran, Scene};

/// How long a command may take that cannot do anything.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs the program after other words: `prlimit --nofile=64:64`.
fn behind(scene: &Scene, prefix: &[&str], args: &[&str]) -> Ran {
    let plain = scene.command(args);
    let mut command = Command::new(prefix[0]);
    command.args(&prefix[1..]).arg(plain.get_program()).args(args);
    command
        .current_dir(scene.path())
        .stdin(std::process::Stdio::null());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command);
    output.wait(child, LIMIT)
}

/// In a private mount namespace, after a script.
fn after(scene: &Scene, script: &str, args: &[&str]) -> Ran {
    let script = format!("mount --make-rprivate / && {script} && exec \"$@\"");
    behind(scene, &["unshare", "--mount", "sh", "-c", &script, "sh"], args)
}

/// Every command that runs containers.
fn commands(runtimes: &[String; 4]) -> Vec<Vec<&str>> {
    let with = |args: &[&'static str]| args.iter().copied().chain(words(runtimes)).collect();
    vec![
        with(&["run", "some", "--cases", "cases"]),
        with(&["run", "--bundle", "bundle"]),
        vec![
            "check",
            "--from",
            &runtimes[1],
            "--to",
            &runtimes[3],
            "--bundle",
            "bundle",
        ],
        with(&["seccomp", "docker-20.10.24"]),
        with(&["control", "some/story", "--cases", "cases"]),
        with(&["explain", "--run", "some/story", "--cases", "cases"]),
        with(&["show", "some/story", "--cases", "cases"]),
        with(&["accept", "some/story", "--cases", "cases"]),
        with(&["mutants", "hostname/*"]),
    ]
}

/// One sentence, with exit status 3, that contains these words.
#[track_caller]
fn is_told(ran: &Ran, what: &str, has: &[&str]) {
    ran.ends_with(3).leaves_nothing();
    let said: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("ocidiff: "))
        .collect();
    assert_eq!(said.len(), 1, "{what} says this: {said:#?}");
    for word in has {
        assert!(said[0].contains(word), "{what}: no `{word}` in: {}", said[0]);
    }
    assert!(!said[0].contains("a bug in ocidiff"), "{what}: {}", said[0]);
    assert!(!ran.stdout.contains(" agree"), "{what}: {}", ran.stdout);
}

const CAPABILITIES: [&str; 11] = [
    "sys_admin",
    "sys_ptrace",
    "mknod",
    "net_admin",
    "setpcap",
    "sys_chroot",
    "audit_write",
    "setuid",
    "chown",
    "dac_override",
    "kill",
];

#[test]
fn a_capability_that_is_missing() {
    let Some((scene, runtimes)) = scene() else { return };
    let commands = commands(&runtimes);
    for (index, name) in CAPABILITIES.into_iter().enumerate() {
        let bounding = format!("-{name}");
        let prefix = ["setpriv", "--bounding-set", &bounding, "--inh-caps=-all"];
        // Each with `run` and one other.
        for args in [&commands[0], &commands[1 + index % (commands.len() - 1)]] {
            let has = [format!("CAP_{}", name.to_uppercase()), "--privileged".to_owned()];
            is_told(
                &behind(&scene, &prefix, args),
                name,
                &has.each_ref().map(String::as_str),
            );
        }
    }
}

/// A process that may raise them does, and then they are not limits.
fn may_raise_limits() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> 24 & 1 == 1)
}

#[test]
fn limits_that_are_too_low() {
    if may_raise_limits() {
        needs::skips::skipped("ocidiff has CAP_SYS_RESOURCE here and raises its limits");
        return;
    }
    let Some((scene, runtimes)) = scene() else { return };
    for (limit, words) in [
        ("--nofile=64:64", ["64 open files", "ulimit -n"]),
        ("--nofile=20:20", ["20 open files", "ulimit -n"]),
        ("--as=67108864", ["address space", "ulimit -v"]),
        ("--as=536870912", ["address space", "ulimit -v"]),
        ("--data=67108864", ["data", "ulimit -d"]),
        ("--fsize=1048576", ["in a file", "ulimit -f"]),
    ] {
        let all = commands(&runtimes);
        // All of them with the first.
        let chosen = if limit == "--nofile=64:64" {
            &all[..]
        } else {
            &all[2..4]
        };
        for args in chosen {
            let what = format!("{limit} {}", args[0]);
            is_told(&behind(&scene, &["prlimit", limit], args), &what, &words);
        }
    }
}

/// The same as anywhere: the story differs in its one fact, and the other case not at all.
fn shows_the_same(scene: &Scene, what: &str, run: impl FnOnce(&[&str]) -> Ran, runtimes: &[String; 4]) {
    scene.write("cases/some/plain.yaml", "{summary: it}");
    let args = [
        "run", "some", "--cases", "cases", "--jobs", "2", "--json", "shown",
    ];
    let ran = run(&[&args[..], &words(runtimes)].concat());
    assert_eq!(ran.status, Some(1), "{what}: {ran:#?}");
    ran.leaves_nothing();
    let events = Events::read(&scene.path().join("shown"));
    assert_eq!(events.case("some/plain").verdict(), Verdict::Agree, "{what}");
    let story = events
        .cases()
        .find(|case| case.case == "some/story")
        .expect("the story");
    // What the profile makes of the call shows in three places.
    let own = ["syscall.denied", "filter.departures", story::FACT];
    let others = story
        .differences
        .iter()
        .filter(|one| !own.contains(&one.fact.as_str()));
    assert_eq!(others.count(), 0, "{what}: {story:#?}");
}

#[test]
fn what_is_enough_makes_no_difference() {
    let Some((scene, runtimes)) = scene() else { return };
    for limit in [
        "--nofile=64:4096",
        "--nofile=256:256",
        "--nproc=10:10",
        "--as=2147483648",
    ] {
        shows_the_same(
            &scene,
            limit,
            |args| behind(&scene, &["prlimit", limit], args),
            &runtimes,
        );
    }
    for (what, prefix) in [
        ("TMPDIR that is not there", &["env", "TMPDIR=/nonexistent"][..]),
        ("no HOME", &["env", "-u", "HOME"]),
    ] {
        shows_the_same(&scene, what, |args| behind(&scene, prefix, args), &runtimes);
    }
    for script in [
        "mount --bind /run /run && mount -o remount,bind,ro /run",
        "mount -t tmpfs tmpfs /sys/kernel",
    ] {
        shows_the_same(&scene, script, |args| after(&scene, script, args), &runtimes);
    }
}

/// Without a place for what is installed.
#[test]
fn no_home_at_all() {
    let Some((scene, runtimes)) = scene() else { return };
    for args in commands(&runtimes).into_iter().chain([vec!["runtimes"]]) {
        let ran = behind(&scene, &["env", "-u", "HOME", "-u", "OCIDIFF_HOME"], &args);
        // As cron and systemd start it: the user's entry in /etc/passwd says where the store is.
        ran.leaves_nothing();
        assert_ne!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("OCIDIFF_HOME"), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn places_that_are_missing_or_read_only() {
    let Some((scene, runtimes)) = scene() else { return };
    let read_only_cgroups =
        "for m in $(awk '$3 ~ /cgroup/ {print $2}' /proc/mounts); do mount -o remount,bind,ro $m; done";
    let read_only = "for d in /run /tmp; do mount --bind $d $d && mount -o remount,bind,ro $d; done";
    for (script, has) in [
        ("umount -R -l /sys/fs/cgroup", "mount one there"),
        (read_only_cgroups, "/sys/fs/cgroup must be there and writable"),
        ("umount -l /proc", "mount /proc"),
        (read_only, "set TMPDIR"),
        ("umount -R -l /sys", "no cgroup hierarchy"),
    ] {
        for args in commands(&runtimes) {
            is_told(
                &after(&scene, script, &args),
                &format!("{} after {script}", args[0]),
                &[has],
            );
        }
    }
    for (script, args) in [
        ("umount -l /proc", vec!["clean"]),
        ("umount -l /proc", vec!["runtimes"]),
        ("umount -R -l /sys/fs/cgroup", vec!["clean"]),
    ] {
        let has = if script.ends_with("proc") {
            "mount /proc"
        } else {
            "mount one there"
        };
        is_told(
            &after(&scene, script, &args),
            &format!("{args:?} after {script}"),
            &[has],
        );
    }
}

/// A cgroup for the test alone, in the hierarchy that has the controller; removed with this value.
struct Cgroup(PathBuf);

impl Cgroup {
    fn with(controller: &str, values: &[(&str, &str)]) -> Option<Self> {
        let name = format!("ocidiff-limits.{}", std::process::id());
        let homes = [
            format!("/sys/fs/cgroup/{controller}"),
            "/sys/fs/cgroup".to_owned(),
        ];
        for home in homes
            .iter()
            .map(Path::new)
            .filter(|home| home.join("cgroup.procs").exists())
        {
            let made = Self(home.join(&name));
            fs::create_dir_all(&made.0).ok()?;
            let file = values.iter().find(|(file, _)| made.0.join(file).exists());
            if let Some((file, value)) = file {
                fs::write(made.0.join(file), value).expect("set the bound");
                return Some(made);
            }
        }
        needs::skips::skipped(&format!(
            "no cgroup with the controller {controller} can be made here"
        ));
        None
    }

    fn run(&self, scene: &Scene, args: &[&str]) -> Ran {
        let script = format!("echo $$ >{}/cgroup.procs && exec \"$@\"", self.0.display());
        behind(scene, &["sh", "-c", &script, "sh"], args)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn few_processes() {
    let Some((scene, runtimes)) = scene() else { return };
    for bound in ["1", "2", "3", "5", "8", "12"] {
        let Some(cgroup) = Cgroup::with("pids", &[("pids.max", bound)]) else {
            return;
        };
        for args in &commands(&runtimes)[..4] {
            let ran = cgroup.run(&scene, args);
            ran.leaves_nothing();
            assert!(
                !ran.stderr.contains("panicked"),
                "pids.max {bound}: {}",
                ran.stderr
            );
            assert!(matches!(ran.status, Some(1..=3)), "pids.max {bound}: {ran:#?}");
            if ran.status != Some(1) {
                let is_said = ran.stderr.contains("pids.max") || ran.stderr.contains("os error 11");
                assert!(is_said, "pids.max {bound}: {ran:#?}");
            }
        }
    }
    let Some(cgroup) = Cgroup::with("pids", &[("pids.max", "24")]) else {
        return;
    };
    shows_the_same(&scene, "pids.max 24", |args| cgroup.run(&scene, args), &runtimes);
}

#[test]
fn little_memory() {
    let Some((scene, runtimes)) = scene() else { return };
    let bound = "67108864";
    let files = [("memory.limit_in_bytes", bound), ("memory.max", bound)];
    let Some(cgroup) = Cgroup::with("memory", &files) else {
        return;
    };
    shows_the_same(&scene, "64 MiB", |args| cgroup.run(&scene, args), &runtimes);
}
