//! What a runtime under test cannot reach. Attacks are made by `fakes/malicious.sh`, one per test, and by the
//! worst four that real runtimes have made; before and after, everything outside is examined.

use crate::support;
use crate::support::{contained, events, needs, outside};

use contained::{alone, contained, given, malicious};
use ocidiff_model::Verdict;
use outside::Outside;
use support::Scene;

fn attack(name: &str) {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    let fake = malicious(&scene, &runc, &outside);
    scene.write(
        "cases/attack/it.yaml",
        format!("{{summary: it, config: {{annotations: {{attack: {name}}}}}, steps: [create, {{start: {{limit: 2}}}}, {{wait: {{limit: 1}}}}, {{delete: {{force: true, limit: 2}}}}]}}"),
    );
    let events = contained(
        &scene,
        &mut outside,
        &[given("runc", &runc), given("crun", &fake)],
    );
    let case = events.case("attack/it");
    println!("{}", case.text());
    assert!(
        !case.text().contains("reached"),
        "the attack reached something: {}",
        case.text()
    );
    // The fake leaves a file in the runtime's folder, so that the test knows that it got that far.
    assert!(
        case.verdict() >= Verdict::Unstable,
        "the attack was not made: {}",
        case.text()
    );
}

macro_rules! attacks {
    ($($(#[$ignore:meta])* $name:ident: $attack:literal;)*) => {
        $(#[test] $(#[$ignore])* fn $name() { attack($attack); })*
    };
}

attacks! {
    kill_every_process: "kill-every-process";
    kill_by_a_pid_of_outside: "kill-the-canary";
    kill_every_process_of_the_cgroup: "kill-the-cgroup";
    write_sysctls: "sysctls-of-proc";
    write_sysctls_through_a_new_proc: "sysctls-of-a-new-proc";
    write_sysctls_through_the_cell_s_spare_proc: "sysctls-of-the-cell";
    write_sysfs: "sysfs";
    remove_files: "remove-files";
    write_files: "write-files";
    remove_files_through_proc: "remove-files-through-proc";
    mount_over_everything: "mount-over-everything";
    mount_on_a_shared_tree: "mount-shared";
    unmount_everything: "unmount-everything";
    write_through_a_bind_mount: "bind-and-write";
    write_through_a_remount: "remount-and-write";
    make_cgroups_elsewhere: "cgroups";
    enter_the_namespaces_of_process_one: "namespaces-of-process-one";
    enter_namespaces_through_the_proc_below: "old-proc";
    rename_the_machine: "clock-and-host";
    change_the_network: "network";
    write_shared_memory: "shared-memory";
    write_through_a_remount_of_every_mount: "remount-everything";
    reach_the_machine_s_devices: "devices";
    open_devices_of_its_own_making: "made-devices";
    reach_what_is_mounted_in_sys_and_dev: "submounts";
    write_sysfs_through_a_remount: "remount-sysfs";
    reach_sockets_and_fifos: "sockets";
    raise_the_own_bounds: "bounds";
}

/// youki 0.7.0 with an empty cgroupsPath treats the root cgroup as the container's, and ends everything in it.
#[test]
fn youki_with_an_empty_cgroups_path() {
    let (Some(runc), Some(youki)) = (needs::runtime("runc"), needs::runtime("youki@0.7.0")) else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    scene.write(
        "cases/worst/it.yaml",
        "{summary: it, config: {linux: {cgroupsPath: ''}}, steps: [create, start, {wait: {limit: 2}}, {delete: {force: true}}]}",
    );
    let events = contained(
        &scene,
        &mut outside,
        &[given("runc", &runc), given("youki", &youki)],
    );
    println!("{}", events.case("worst/it").text());
}

/// crun took the id as a path below `--root`, and removed what it led to.
fn crun_with_a_path_for_an_id(version: &str) {
    let selector = format!("crun@{version}");
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime(&selector)) else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    let up = "../".repeat(12);
    let ids = outside
        .folders()
        .map(|folder| format!("{up}{}", folder.display().to_string().trim_start_matches('/')));
    let ids = ids.chain(["..".to_owned(), "../../../x".to_owned(), format!("{up}tmp")]);
    for (index, id) in ids.enumerate() {
        scene.write(
            &format!("cases/worst/id-{index}.yaml"),
            format!("{{summary: it, steps: [create, {{delete: {{force: true, id: '{id}'}}}}, start, {{wait: {{limit: 1}}}}, {{delete: {{force: true}}}}], expect: {{lifecycle.delete.result: error}}}}"),
        );
    }
    scene.write(
        "cases/worst/create.yaml",
        "{summary: it, steps: [{create: {id: ../../../x}}, {delete: {force: true, id: ../../../x}}], \
         expect: {lifecycle.create.result: error, lifecycle.delete.result: error}}",
    );
    let events = contained(
        &scene,
        &mut outside,
        &[given("runc", &runc), given("crun", &crun)],
    );
    for report in events.cases() {
        assert_ne!(report.verdict, Verdict::Broken, "{}", events::Case(report).text());
        println!("{}", events::Case(report).text());
    }
}

#[test]
fn crun_1_8_1_with_a_path_for_an_id() {
    crun_with_a_path_for_an_id("1.8.1");
}

#[test]
fn crun_1_21_with_a_path_for_an_id() {
    crun_with_a_path_for_an_id("1.21");
}

/// crun 0.17 writes sysctls without checking whether the container has a namespace for them; the same goes
/// for a sysctl that no namespace has.
fn sysctls_without_a_namespace(selector: &str, name: &str) {
    let (Some(runc), Some(other)) = (needs::runtime("runc"), needs::runtime(selector)) else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    for (case, sysctl, value, namespace) in [
        ("shmmax", "kernel.shmmax", "123456", "ipc"),
        ("ip-forward", "net.ipv4.ip_forward", "1", "network"),
        ("swappiness", "vm.swappiness", "61", "none"),
        ("lease", "fs.lease-break-time", "46", "none"),
        ("hostname", "kernel.hostname", "attacked", "uts"),
    ] {
        let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| {
            if kind == namespace {
                String::new()
            } else {
                format!("{{type: {kind}}}, ")
            }
        });
        scene.write(
            &format!("cases/worst/{case}.yaml"),
            format!(
                "{{summary: it, config: {{hostname: null, linux: {{sysctl: {{{sysctl}: '{value}'}}, readonlyPaths: [], namespaces: [{}]}}}}}}",
                namespaces.concat().trim_end_matches(", ")
            ),
        );
    }
    let events = contained(&scene, &mut outside, &[given("runc", &runc), given(name, &other)]);
    for report in events.cases() {
        println!("{}", events::Case(report).text());
    }
}

#[test]
fn crun_0_17_writes_sysctls() {
    sysctls_without_a_namespace("crun@0.17", "crun");
}

#[test]
fn crun_writes_sysctls() {
    sysctls_without_a_namespace("crun", "crun");
}

#[test]
fn youki_writes_sysctls() {
    sysctls_without_a_namespace("youki", "youki");
}

/// A workload that writes to what the bundle mounts from the machine writes to the machine.
#[test]
fn a_workload_writes_through_a_bind_mount() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    for (index, folder) in outside.folders().enumerate() {
        for (kind, options) in [("plain", "[rbind, rw]"), ("flags", "[bind, nosuid, nodev]")] {
            scene.write(
                &format!("cases/bind/{kind}-{index}.yaml"),
                format!(
                    "{{summary: it, config: {{mounts+: [{{destination: /mnt, type: bind, source: '{}', options: {options}}}], process: {{args: [/bin/probe, put, /mnt/attacked, text]}}}}, files: {{/mnt/: {{}}}}}}",
                    folder.display()
                ),
            );
        }
    }
    let events = contained(
        &scene,
        &mut outside,
        &[given("runc", &runc), given("crun", &crun)],
    );
    for report in events.cases() {
        println!("{}", events::Case(report).text());
    }
}

/// From 1.21 on crun keeps compiled filters under `--root`, and finds one again without looking at errnoRet.
#[test]
fn crun_s_filter_cache_does_not_last() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun@1.21")) else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    let seccomp = |errno: u8| {
        format!(
            "{{summary: it, config: {{process: {{args: [/bin/probe, call, mkdir, 's:/x', '0o755']}}, linux: {{seccomp: {{defaultAction: SCMP_ACT_ALLOW, syscalls: [{{names: [mkdir], action: SCMP_ACT_ERRNO, errnoRet: {errno}}}]}}}}}}, expect: {{proc.call.mkdir: {}}}}}",
            if errno == 38 { "ENOSYS" } else { "EROFS" }
        )
    };
    for errno in [38, 30, 38] {
        scene.write("cases/cache/it.yaml", seccomp(errno));
        let events = contained(
            &scene,
            &mut outside,
            &[given("runc", &runc), given("crun", &crun)],
        );
        let case = events.case("cache/it");
        // That there is a cache shows; what was in the previous run's cache does not.
        assert_eq!(
            case.shows("crun", "proc.call.mkdir"),
            None,
            "errno {errno}: {}",
            case.text()
        );
        assert_ne!(
            case.verdict(),
            Verdict::Violation,
            "errno {errno}: {}",
            case.text()
        );
    }
}
