//! Each misspelt name is an error at load, with its line and with what was meant: all at once, without root and without
//! a runtime. What only looks like a slip passes.

use crate::support;

use ocidiff_model::Case;
use ocidiff_model::compared::is_compared;
use ocidiff_model::facts::{self, Compared};
use support::Scene;

/// A file's text, with the line of the slip, and what is reported there.
struct Slip {
    case: &'static str,
    line: usize,
    says: &'static str,
}

const fn slip(case: &'static str, line: usize, says: &'static str) -> Slip {
    Slip { case, line, says }
}

/// Slips in cases.
const CASES: &[Slip] = &[
    // Members, types and words of the config.
    slip("config: {proces: {args: [x]}}", 2, "did you mean `process`?"),
    slip(
        "config:\n  linux: {maskedPath: null, readonlyPath: [/x]}",
        3,
        "did you mean `readonlyPaths`?",
    ),
    slip(
        "config:\n  linux:\n    maskedPath: null",
        4,
        "did you mean `maskedPaths`?",
    ),
    slip("config: {hostnam: null}", 2, "did you mean `hostname`?"),
    slip(
        "config:\n  process:\n    user: {uid: '1000'}",
        4,
        "`uid` takes a whole number",
    ),
    slip(
        "config:\n  process: {user: {uid: -1}}",
        3,
        "`uid` takes a whole number",
    ),
    slip(
        "config:\n  process: {noNewPrivileges: 'yes'}",
        3,
        "`noNewPrivileges` takes true or false",
    ),
    slip(
        "config: {mount+: [{destination: /x}]}",
        2,
        "did you mean `mounts`?",
    ),
    slip(
        "config:\n  mounts+:\n    - {destination: /x, type: tmpfs, source: tmpfs}\n    - {destination: /y, optons: [ro]}",
        5,
        "did you mean `options`?",
    ),
    slip(
        "config: {process: {capabilities: {bounding+: [CAP_CHWON]}}}",
        2,
        "did you mean `CAP_CHOWN`?",
    ),
    slip(
        "config: {process: {rlimits: [{type: RLIMIT_NOFIL, soft: 1, hard: 1}]}}",
        2,
        "did you mean `RLIMIT_NOFILE`?",
    ),
    slip(
        "config: {linux: {namespaces+: [{type: cgrup}]}}",
        2,
        "did you mean `cgroup`?",
    ),
    slip(
        "config: {linux: {seccomp: {defaultAction: SCMP_ACT_ALOW}}}",
        2,
        "did you mean `SCMP_ACT_ALLOW`?",
    ),
    slip(
        "config: {linux: {seccomp: {defaultAction: SCMP_ACT_ALLOW, syscalls: [{names: [fchmodat3], action: SCMP_ACT_KILL}]}}}",
        2,
        "did you mean `fchmodat2`?",
    ),
    slip(
        "config: {linux: {seccomp: {$profile: dokcer-20.10.24}}}",
        2,
        "did you mean `docker-20.10.24`?",
    ),
    slip(
        "config: {linux: {seccomp: {$profil: docker-20.10.24}}}",
        2,
        "unknown member `$profil`",
    ),
    slip(
        "config: {linux: {resources: {pid: {limit: 3}}}}",
        2,
        "did you mean `pids`?",
    ),
    slip("config: {hooks: {prestrat: []}}", 2, "did you mean `prestart`?"),
    // Changes that change nothing.
    slip(
        "config:\n  linux:\n    namespaces-: [{type: netwrok}]",
        4,
        "takes away nothing",
    ),
    slip(
        "config: {mounts-: [{destination: /prok}]}",
        2,
        "takes away nothing",
    ),
    slip(
        "config_text: [{replace: no such text, with: x}]",
        2,
        "does not occur",
    ),
    // The program, and the probe's words.
    slip(
        "config: {process: {args: [/bin/prob, facts]}}",
        2,
        "did you mean `/bin/probe`?",
    ),
    slip("config: {process: {args: [prob, facts]}}", 2, "no program `prob`"),
    slip(
        "config: {process: {args: [/bin/probe, fatcs]}}",
        2,
        "did you mean `facts`?",
    ),
    slip(
        "config: {process: {args: [/bin/probe, facts, umaks]}}",
        2,
        "did you mean `umask`?",
    ),
    slip(
        "config: {process: {args: [/bin/probe, facts, thn, exit, '0']}}",
        2,
        "no topic thn",
    ),
    slip(
        "config: {process: {args: [/bin/probe, call, fchmodat3, '0']}}",
        2,
        "there is no call fchmodat3",
    ),
    slip(
        "config: {process: {args: [/bin/probe, wait-signal, TRM]}}",
        2,
        "there is no signal TRM",
    ),
    slip("config: {process: {args: [/bin/probe, exit]}}", 2, "exit"),
    slip(
        "config: {hooks: {prestart: [{path: '${probe}', args: [probe, hok, '${hooks}/log', a]}]}}",
        2,
        "did you mean `hook`?",
    ),
    slip(
        "steps:\n  - create\n  - start\n  - exec: {process: {args: [/bin/probe, facts, umaks]}}",
        5,
        "did you mean `umask`?",
    ),
    slip(
        "steps:\n  - create\n  - exec: {process: {arg: [x]}}",
        4,
        "did you mean `args`?",
    ),
    slip(
        "steps:\n  - create\n  - update: {resources: {memry: {limit: 1}}}",
        4,
        "did you mean `memory`?",
    ),
    slip(
        "steps:\n  - create\n  - create: {as: second, config: {hostnam: x}}",
        4,
        "did you mean `hostname`?",
    ),
    // Placeholders.
    slip("config: {hostname: '${fr}'}", 2, "did you mean `for`?"),
    slip("config: {hostname: '${for}'}", 2, "is the member of a family"),
    slip(
        "config: {process: {args: [/bin/probe, print, '${bundel}']}}",
        2,
        "did you mean `bundle`?",
    ),
    // Facts.
    slip(
        "expect: {lifecycle.craete.result: ok}",
        2,
        "did you mean `lifecycle.create.result`?",
    ),
    slip("expect: {lifecycle.kill.result: ok}", 2, "has no step `kill`"),
    slip(
        "expect: {lifecycle.create.resutl: ok}",
        2,
        "did you mean `lifecycle.create.result`?",
    ),
    slip(
        "expect:\n  process.exit: 0\n  proc.umaks: '0022'",
        4,
        "did you mean `proc.umask`?",
    ),
    slip("expect: {proc.secnd.umask: '0022'}", 2, "`secnd`"),
    slip("expect: {prozess.exit: 0}", 2, "did you mean `process.exit`?"),
    // Values.
    slip("expect: {process.exit: '0'}", 2, "write 0"),
    slip(
        "expect: {process.exit: {is: 0, or: [signal TRM]}}",
        2,
        "did you mean `signal TERM`?",
    ),
    slip(
        "expect: {lifecycle.create.result: okay}",
        2,
        "`lifecycle.create.result` is never \"okay\"",
    ),
    slip(
        "steps: [create, state]\nexpect: {lifecycle.state.status: creatd}",
        3,
        "did you mean `created`?",
    ),
    slip(
        "expect: {proc.caps.effective: [CAP_KILL, CAP_CHOWN]}",
        2,
        "write [CHOWN, KILL]",
    ),
    slip("expect: {proc.nnp: 'true'}", 2, "write true"),
    slip("expect: {proc.umask: 22}", 2, "write \"22\""),
    slip(
        "expect: {process.exit: {is: 0, requirement: seccomp-default-acton}}",
        2,
        "did you mean `seccomp-default-action`?",
    ),
    slip(
        "watch: {proc: [init.capz.bnd]}",
        2,
        "did you mean `init.caps.bnd`?",
    ),
    slip(
        "watch:\n  cgroup:\n    - pids.max\n    - pids.maxx",
        5,
        "did you mean `pids.max`?",
    ),
    slip("watch: {syscall: [fchmodat3]}", 2, "did you mean `fchmodat2`?"),
    slip("watch: {setup: [oder]}", 2, "did you mean"),
    slip("watch: {mount: [insde]}", 2, "`insde` chooses no fact"),
    slip("watch: {lifecycle: [sttae]}", 2, "sttae"),
    slip(
        "watch: {hook: [prestrat.env]}\nconfig: {hooks: {prestart: [{path: '${probe}', args: [probe, hook, '${hooks}/log', prestart]}]}}",
        2,
        "did you mean `prestart`?",
    ),
    // Steps, machines, clauses.
    slip(
        "steps: [create, start, {kill: {signal: TRM}}]",
        2,
        "did you mean `TERM`?",
    ),
    slip(
        "steps: [create, {start: {signal: TERM}}]",
        2,
        "`signal` is of kill",
    ),
    slip("steps:\n  - create\n  - kil: {}", 4, "did you mean `kill`?"),
    slip("stpes: []", 2, "did you mean `steps`?"),
    slip("needs: {arch: x86}", 2, "did you mean `x86_64`?"),
    slip("needs: {cgroup: v3}", 2, "did you mean `v"),
    slip("needs: {controllers: [pidz]}", 2, "did you mean `pids`?"),
    slip(
        "needs: {capabilities: [CAP_SYS_ADMN]}",
        2,
        "did you mean `CAP_SYS_ADMIN`?",
    ),
    slip("needs: {namespaces: [tme]}", 2, "did you mean `time`?"),
    slip("needs: {recorder: epbf}", 2, "did you mean `ebpf`?"),
    slip("needs: {kernel: '>=7, <6'}", 2, "no version can lie in"),
    slip(
        "requirement: [seccomp-default-acton]",
        2,
        "did you mean `seccomp-default-action`?",
    ),
    slip("rootfs: prob", 2, "did you mean `probe`?"),
    // Families: the position is the member's.
    slip(
        "for:\n  a: {}\n  b: {config: {hostnme: x}}",
        4,
        "did you mean `hostname`?",
    ),
    slip(
        "for:\n  a: {expect: {process.exti: 0}}",
        3,
        "did you mean `process.exit`?",
    ),
    slip(
        "config: {hostname: x}\nfor:\n  a: {config: {process: {args: [/bin/probe, fatcs]}}}",
        4,
        "did you mean `facts`?",
    ),
    slip(
        "for:\n  a: {}\n  b:\n    stepz: [create]",
        5,
        "did you mean `steps`?",
    ),
    // Excuses that excuse nothing.
    slip(
        "invalid: [hostname]\nconfig: {hostname: x}",
        2,
        "`hostname` is wrong on purpose, and it is not",
    ),
    slip(
        "invalid: [hostnam]\nconfig: {hostname: 3}",
        3,
        "`hostname` takes a text",
    ),
];

/// What nobody looks at: it would be neither met nor missed, and agree.
const UNLOOKED: &[Slip] = &[
    slip(
        "steps: [run]\nwatch: {syscall: [openat]}",
        3,
        "`syscall.openat` is not looked at unless the container is created and then started",
    ),
    slip(
        "steps: [run]\nwatch: {syscall: [openat]}\nexpect:\n  syscall.openat(/dta): (absent)",
        5,
        "`syscall.openat(/dta)` is not looked at",
    ),
    slip(
        "steps: [run]\nexpect: {filter.count: (absent)}",
        3,
        "`filter.count` is not looked at",
    ),
    slip(
        "steps: [run]\nwatch:\n  mount: [/proc]\n  proc: [init.caps]",
        4,
        "`mount./proc` is not looked at",
    ),
    slip(
        "steps: [run]\nwatch:\n  mount: [inside./proc]\n  cgroup: [pids.max]",
        5,
        "`cgroup.pids.max` is not looked at",
    ),
    slip(
        "steps: [create, start, {create: {as: b}}, wait, delete, {run: {as: c}}]\nwatch:\n  syscall: [mkdir]\n  filter: [b.count]",
        5,
        "`b.count` chooses no fact",
    ),
    slip(
        "steps: [{create: {as: b}}, {start: {as: b}}, run]\nwatch: {filter: [count]}",
        3,
        "`filter.count` is not looked at",
    ),
    slip(
        "steps: [create, delete]\nexpect: {process.exit: 0}",
        3,
        "`process.exit` is not looked at if no step starts the main container",
    ),
    slip(
        "steps: [run]\nexpect: {proc.created.umask: (absent)}",
        3,
        "`proc.created.umask` is not looked at unless the main container is created",
    ),
    slip(
        "steps: [create, start, {run: {as: b}}, wait, delete]\nwatch:\n  proc: [created, b.created.umask]",
        4,
        "`proc.b.created.umask` is not looked at unless `b` is created",
    ),
    slip(
        "steps: [create, start, {run: {as: b}}, wait, delete]\nexpect:\n  process.b.stdout: []\n  process.b.exit: 0",
        5,
        "`process.b.exit` is not looked at of a container that is run",
    ),
    slip(
        "steps: [{run: {as: b}}]\nexpect:\n  process.b.stdout: []\n  process.stdout: []",
        5,
        "`process.stdout` is not looked at if no step starts the main container",
    ),
    slip(
        "steps: [create, {create: {as: b}}, start, wait, delete]\nexpect: {process.b.stdout: []}",
        3,
        "`process.b.stdout` is not looked at if no step starts `b`",
    ),
    slip(
        "expect: {process.exit#2: 0}",
        2,
        "`process.exit#2` is not looked at: `main` is made once",
    ),
    slip(
        "steps: [create, start, wait, delete, create, start, wait, delete]\nwatch:\n  proc: [init.umask#2, init.umask#3]",
        4,
        "`proc.init.umask#3` is not looked at: `main` is made 2 times",
    ),
    slip(
        "steps: [create, start, wait, delete, create, delete]\nexpect:\n  process.exit: 0\n  process.exit#2: 0",
        5,
        "`process.exit#2` is not looked at if no step starts the main container",
    ),
    slip(
        "steps: [run, {run: {config: {hostname: x}}}]",
        2,
        "`main` is made before from another config",
    ),
    slip("watch: {syscall: [only]}", 2, "`only` leaves out all calls"),
    slip(
        "watch: {filter: false, proc: [init.caps]}",
        2,
        "`proc.init.caps` is not looked at if `filter` is false",
    ),
    slip(
        "config: {process: {args: [/bin/probe, facts, umask]}}\nexpect: {proc.uts.hostname: (absent)}",
        3,
        "the probe is not asked for `proc.uts.hostname`",
    ),
    slip(
        "config: {process: {args: [/bin/probe, facts, umask]}}\nexpect: {mount.inside./proc: (absent)}",
        3,
        "the probe is not asked for `mount.inside./proc`",
    ),
    slip(
        "steps: [create, start, {exec: {process: {args: [/bin/probe, mkdir, /x]}}}, wait, delete]\nexpect: {proc.exec.mkdir./y: (absent)}",
        3,
        "the probe is not asked for `proc.exec.mkdir./y`",
    ),
    slip(
        "steps: [create, start, {run: {as: b, config: {process: {args: [/bin/probe, exec, /bin/probe, facts, ids]}}}}]\nexpect: {proc.b.umask: (absent)}",
        3,
        "the probe is not asked for `proc.b.umask`",
    ),
];

/// Slips in known files of a family of `a` and `b`.
const KNOWN: &[Slip] = &[
    slip(
        "- facts: {proc.umaksss: [{because: runc/enosys-stub, shows: 1}, {otherwise: 2}]}",
        1,
        "did you mean `proc.umask`?",
    ),
    slip(
        "- facts:\n    process.exit: [{because: unexplained, who: [cron], shows: 1}, {otherwise: 2}]",
        2,
        "did you mean `crun`?",
    ),
    slip(
        "- facts:\n    process.exit: [{because: unexplained, who: [cron >=1], shows: 1}, {otherwise: 2}]",
        2,
        "did you mean `crun`?",
    ),
    slip(
        "- facts:\n    process.exit: [{because: unexplained, who: [\"crun >=2, <1\"], shows: 1}, {otherwise: 2}]",
        2,
        "no version can lie in",
    ),
    slip(
        "- for: [a, c]\n  facts: {process.exit: [{because: runc/enosys-stub, shows: 1}, {otherwise: 2}]}",
        1,
        "has no member `c`",
    ),
    slip(
        "- for: [a, \"c*\"]\n  facts: {process.exit: [{because: runc/enosys-stub, shows: 1}, {otherwise: 2}]}",
        1,
        "has no member `c*`",
    ),
    slip(
        "- facts:\n    process.exit: [{because: unexplained, who: [crun 1.2l], shows: 1}, {otherwise: 2}]",
        2,
        "is not a version",
    ),
    slip(
        "- facts:\n    process.exit: [{because: runc/enosys-stb, shows: 1}, {otherwise: 2}]",
        2,
        "did you mean `runc/enosys-stub`?",
    ),
    slip(
        "- facts:\n    process.exit: [{because: unexplained, shows: 1}, {otherwise: 2}]",
        2,
        "say in `who` which runtimes have the value",
    ),
    slip(
        "- facts:\n    process.exit: [{because: [runc/enosys-stub, youki/exec-without-filter], shows: 1}, {otherwise: 2}]",
        2,
        "are findings of two runtimes",
    ),
    slip(
        "- facts:\n    process.exit: [{because: runc/enosys-stub, shows: 1}]",
        2,
        "do not end with `otherwise`",
    ),
    slip(
        "- facts:\n    process.exit: [{otherwise: 1}, {because: runc/enosys-stub, shows: 1}]",
        2,
        "do not end with `otherwise`",
    ),
    slip(
        "- facts:\n    process.exit: [{otherwise: \"*\"}]",
        2,
        "without a reason",
    ),
    slip(
        "- facts: {process.exit: [{because: runc/enosys-stub, shows: 1}, {otherwise: 2}]}\n  when: {cgroup: v3}",
        2,
        "unknown word `v3`",
    ),
    slip(
        "- facts: {process.exit: [{because: runc/enosys-stub, shows: 1}, {otherwise: 2}]}\n  when: {arch: x86}",
        2,
        "did you mean `x86_64`?",
    ),
    slip(
        "- facts: {process.exit: [{because: runc/enosys-stub, shows: 1}, {otherwise: 2}]}\n  when: {via: dokcer}",
        2,
        "did you mean `docker`?",
    ),
    slip(
        "- facts: {process.exit: [{because: runc/enosys-stub, shows: 1}, {otherwise: 2}]}\n  when: {kernel: '>6, <5'}",
        2,
        "no version can lie in",
    ),
    slip(
        "- facts:\n    process.exit: [{because: runc/enosys-stub, shows: '1'}, {otherwise: 2}]",
        2,
        "write 1",
    ),
    slip(
        "- facts: {lifecycle.kill.result: [{because: runc/enosys-stub, shows: error}, {otherwise: ok}]}",
        1,
        "has no step `kill`",
    ),
];

/// What looks like a slip and is not one.
const RIGHT: &[&str] = &[
    "config: {hostname: proces, domainname: '${container}'}",
    "config: {annotations: {maskedPath: x}, linux: {sysctl: {net.core.somaxconn: '7'}}}",
    "config: {linux: {netDevices: {eth9: {name: c0}}, memoryPolicy: {mode: MPOL_LOCAL}, timeOffsets: {boottime: {secs: 1}}}}",
    "config: {linux: {intelRdt: {enableMonitoring: true}}, process: {execCPUAffinity: {initial: '0'}}}",
    "config: {linux: {maskedPaths: null, rootfsPropagation: slave, personality: {domain: LINUX32}}}",
    "config: {linux: {namespaces-: [{type: network}], namespaces+: [{type: cgroup}]}}",
    "config: {linux: {seccomp: {$profile: docker-20.10.24, defaultErrnoRet: 38}}}",
    "config: {process: {args: [probe, facts, umask, then, call, '#452', '0', then, exit, '3']}}",
    "config: {process: {args: [/bin/../bin/probe, exec, /bin/probe, facts, ids]}}",
    "files: {/opt/tool: {probe: true}}\nconfig: {process: {args: [/opt/tool, facts, uts]}}",
    "config: {process: {args: [/data/anything]}, mounts+: [{destination: /data, type: bind, source: /usr, options: [rbind]}]}",
    "rootfs: debian-busybox\nconfig: {process: {args: [/bin/sh, -c, 'x=1; echo ${x}']}}",
    "files: {/script: {text: 'echo ${fr}'}}",
    "steps: [create, start, {kill: {signal: SIGRTMIN+3}}, {kill: {signal: '9'}}, wait, state, delete]\nexpect: {lifecycle.kill#2.result: ok, lifecycle.state.status: stopped}",
    "steps: [create, start, {exec: {process: {args: [/bin/probe, facts, umask], env: null}}}, wait]\nexpect: {proc.exec.umask: '0022'}\nwatch: {process: [exec], proc: [exec.ids]}",
    "steps: [create, start, {create: {as: second, config: {hostname: x, process: {args: [/bin/probe, facts, umask]}}}}, {start: {as: second}}]\nexpect: {lifecycle.second.start.result: ok, proc.second.umask: '0022'}",
    "watch: {syscall: [only, openat], mount: [/, inside], cgroup: ['*'], proc: [init.caps, init.rlimit.nofile, fd], file: [/tmp/x]}",
    "watch: {setup: [order], lifecycle: [create.error], filter: false}",
    "needs: {arch: x86_64, cgroup: v2, controllers: [memory], kernel: '>=6, <6.1', namespaces: [time], recorder: ebpf, capabilities: [CAP_MKNOD]}",
    "invalid: [hostname, proces]\nconfig: {hostname: 3, proces: {}}",
    "invalid: [process.args, kill.signal]\nconfig: {process: {args: [/nope]}}\nsteps: [create, {kill: {signal: TRM}}]",
    "invalid: ['linux.*']\nconfig: {linux: {maskedPath: [], devices: [{type: x, path: /dev/x}]}}",
    "steps: [run]\nwatch: {mount: [inside./proc], proc: ['*'], setup: [mounts]}\nexpect: {lifecycle.run.exit: 0, file./x: (absent)}",
    "config: {process: {args: [/bin/probe, facts, rlimits, mounts, then, exec, /bin/probe, call, mkdir, /x, --, getpid]}}\nexpect: {proc.rlimit.core: x, mount.inside./a: x, proc.call.getpid: x, proc.exec./bin/probe: (absent)}",
    "rootfs: busybox\nconfig: {process: {args: [/bin/sh, -c, /bin/probe facts umask]}}\nexpect: {proc.umask: '0022'}",
    "watch: {syscall: [openat]}\nconfig: {process: {args: [/bin/probe, call, fchmodat2]}}\nexpect: {proc.call.fchmodat2: EPERM, 'syscall.openat(/etc/x)': ENOENT, cgroup.memory.oom.group: 0, mount./data: x, file./a.b/c: removed}",
    "config: {hooks: {prestart: [{path: '${probe}', args: [probe, hook, '${hooks}/log', first]}]}}\nexpect: {hook.first.state.pid: set}\nwatch: {hook: [first.env, order]}",
];

/// The table matches what the comparison does.
#[test]
fn the_table_of_facts_says_what_is_compared() {
    let body = serde_json::from_value(serde_json::json!({"summary": "s"})).expect("a case");
    let case = Case {
        name: "t/c".to_owned(),
        source: String::new(),
        member: None,
        body,
    };
    for kind in facts::kinds() {
        for path in kind.examples() {
            let always = kind.compared == Compared::Always;
            assert_eq!(is_compared(&case, &path), always, "{path}");
        }
    }
}

fn profile(scene: &Scene) {
    // A folder of cases is laid over the standard recipes and profiles.
    scene.write(
        "cases/rootfs/debian-busybox.yaml",
        format!(
            "summary: s\npackages: [{{name: a, version: '1', sha256: {}}}]\n",
            "b".repeat(64)
        ),
    );
}

/// Each slip in a case file of its own.
fn told_in_cases(slips: &[Slip]) {
    let scene = Scene::new();
    let file = |index: usize| format!("cases/t/slip-{index}.yaml");
    for (index, slip) in slips.iter().enumerate() {
        scene.write(&file(index), format!("summary: s\n{}\n", slip.case));
    }
    told(&scene, slips, file);
}

#[test]
fn every_slip_in_a_case_is_told_with_its_line_and_what_was_meant() {
    told_in_cases(CASES);
}

#[test]
fn what_nobody_looks_at_is_an_error() {
    told_in_cases(UNLOOKED);
}

#[test]
fn every_slip_in_a_known_file_is_told_with_its_line_and_what_was_meant() {
    let scene = Scene::new();
    for (index, slip) in KNOWN.iter().enumerate() {
        scene.write(
            &format!("cases/t/k{index}.yaml"),
            "summary: s ${for}\nfor: [a, b]\n",
        );
        scene.write(
            &format!("cases/t/k{index}.known.yaml"),
            format!("{}\n", slip.case),
        );
    }
    told(&scene, KNOWN, |index| format!("cases/t/k{index}.known.yaml"));
}

#[track_caller]
fn told(scene: &Scene, slips: &[Slip], file: impl Fn(usize) -> String) {
    let ran = scene.run(&["list", "--cases", "cases"]);
    ran.ends_with(2).within(60);
    assert_eq!(ran.stdout, "", "an error is not a result");
    let text = ran.stderr.trim_start_matches("ocidiff: ");
    // An error with the line of the file and the help below it.
    let mut errors: Vec<String> = Vec::new();
    for line in text.lines() {
        match errors.last_mut() {
            Some(error) if !line.starts_with("cases/") => *error = format!("{error}\n{line}"),
            _ => errors.push(line.to_owned()),
        }
    }
    let mut missing = Vec::new();
    for (index, slip) in slips.iter().enumerate() {
        let place = format!("{}:{}:", file(index), slip.line);
        let says = |error: &&String| error.starts_with(&place) && error.contains(slip.says);
        if !errors.iter().any(|error| says(&error)) {
            let own = format!("{}:", file(index));
            let said: Vec<&String> = errors.iter().filter(|error| error.starts_with(&own)).collect();
            missing.push(format!(
                "{}\n  wanted line {}: {}\n  said {said:?}",
                slip.case, slip.line, slip.says
            ));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
}

#[test]
fn what_only_looks_like_a_slip_passes() {
    let scene = Scene::new();
    profile(&scene);
    for (index, case) in RIGHT.iter().enumerate() {
        scene.write(
            &format!("cases/t/right-{index}.yaml"),
            format!("summary: s\n{case}\n"),
        );
    }
    let ran = scene.run(&["list", "--cases", "cases"]);
    assert_eq!(ran.stderr, "");
    ran.ends_with(0);
}

#[test]
fn the_table_of_facts_can_be_listed_without_root() {
    let scene = Scene::new();
    let all = scene.run(&["facts"]);
    all.ends_with(0);
    assert!(all.stdout.contains("proc.caps.{effective"), "{}", all.stdout);
    let one = scene.run(&["facts", "proc.exec.umask"]);
    one.ends_with(0);
    assert!(one.stdout.starts_with("proc.umask\n"), "{}", one.stdout);
    let json = scene.run(&["facts", "leftover", "--format", "json"]);
    json.ends_with(0);
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert!(rows.as_array().is_some_and(|rows| rows.len() == 3), "{rows}");
    let none = scene.run(&["facts", "proc.umaks"]);
    none.ends_with(2);
    assert!(
        none.stderr.contains("did you mean `proc.umask`?"),
        "{}",
        none.stderr
    );
}
