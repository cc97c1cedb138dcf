//! `applies` of findings: what no config can hold, and what nearly every config has.

use super::errors;

fn told(applies: &str, rest: &str) -> String {
    let text = format!(
        "{{title: runc does it, affects: '*', kind: design, impact: cosmetic, applies: {{config: {applies}}}, {rest}cause: c}}"
    );
    errors(&[("findings/runc/a.yaml", &text)]).join("\n")
}

#[test]
fn a_condition_is_checked_as_a_config_is() {
    for (applies, expected) in [
        (
            "{linux: {namespaces: [{type: mnt}]}}",
            "`mnt` is not a value of `type`",
        ),
        (
            "{linux: {namespaces: [{type: 'mnt*'}]}}",
            "`mnt*` is not a value of `type`",
        ),
        ("{linux: {namespaces: {type: pid}}}", "`namespaces` takes a list"),
        (
            "{linux: {namespaces: [[{type: pid}]]}}",
            "`namespaces` takes a map",
        ),
        ("{linux: {devices: [{type: z}]}}", "`z` is not a value of `type`"),
        (
            "{process: {oomScoreAdj: '5'}}",
            "`oomScoreAdj` takes a whole number",
        ),
        (
            "{process: {oomScoreAdj: '5*'}}",
            "`oomScoreAdj` takes a whole number",
        ),
        (
            "{process: {oomScoreAdj: {$any: [1, x]}}}",
            "`oomScoreAdj` takes a whole number",
        ),
        (
            "{process: {noNewPrivileges: {$not: 'true'}}}",
            "`noNewPrivileges` takes true or false",
        ),
        ("{process: {args: sh}}", "`args` takes a list"),
        (
            "{process: {user: {uid: -1}}}",
            "`uid` takes a whole number from 0",
        ),
        ("{process: root}", "`process` takes a map"),
        (
            "{hooks: {prestart: [{timeout: x}]}}",
            "`timeout` takes a whole number",
        ),
        ("{hooks: {'*': [{timeout: x}]}}", "`timeout` takes a whole number"),
        ("{hooks: {createRuntim: ['*']}}", "did you mean `createRuntime`?"),
        ("{hooks: {fooHook: ['*']}}", "unknown member `fooHook`"),
        ("{hooks: {'crete*': ['*']}}", "unknown member `crete*`"),
        ("{linux: {sysctl: {a.b: 1}}}", "`a.b` takes a text"),
        (
            "{linux: {seccomp: {syscalls: [{names: [mkdri]}]}}}",
            "did you mean `mkdir`?",
        ),
        ("{mounts: {$twice: destnation}}", "did you mean `destination`?"),
        ("{process: {args: {$twice: x}}}", "takes no maps"),
    ] {
        let told = told(applies, "");
        assert!(told.contains(expected), "{applies}: {told}");
    }
}

#[test]
fn what_stands_for_any_value_and_what_is_wrong_on_purpose_can_be_asked_for() {
    for (applies, rest) in [
        (
            "{process: {oomScoreAdj: '*', terminal: null, args: ['*'], env: [], cwd: 'a*'}}",
            "",
        ),
        (
            "{process: {oomScoreAdj: '**', args: {'*': '*'}, user: {uid: {$above: -1}}}}",
            "",
        ),
        (
            "{hooks: {$any: [{'create*': [{env: null}]}, {'p*': ['*']}, ['*'], '**']}}",
            "",
        ),
        (
            "{linux: {sysctl: {'net.*': '*'}, resources: {memory: {limit: {$not: {$below: 5}}}}}}",
            "",
        ),
        ("{'A*': '*', process: {user: {'U*': '*'}}}", ""),
        (
            "{linux: {namespaces: [{type: mnt}]}}",
            "invalid: [linux.namespaces.type], ",
        ),
        ("{linux: {timeOffsets: {tai: '*'}}}", "invalid: ['linux.*'], "),
        (
            "{process: {capabilities: {'*': ['cap_*']}}}",
            "invalid: ['process.capabilities.*'], ",
        ),
    ] {
        assert_eq!(told(applies, rest), "", "{applies}");
    }
    let dead = told("{hostname: x}", "invalid: [hostnam], ");
    assert!(
        dead.contains("`invalid` says that `hostnam` is wrong on purpose, and it is not"),
        "{dead}"
    );
    let mounted = told("{}", "shows: [{fact: 'mount.*', is: x, mounted: {type: 5}}], ");
    assert!(mounted.contains("`type` takes a text"), "{mounted}");
    assert!(
        mounted.contains("if the finding is about that, write `invalid: [mounts.type]`"),
        "{mounted}"
    );
}

#[test]
fn what_most_configs_have_does_not_narrow_a_sign_that_takes_every_value() {
    for (sign, applies) in [
        ("{fact: process.exit, any: true}", "{process: {args: {$not: []}}}"),
        (
            "{fact: process.exit, any: true}",
            "{process: {args: [{$any: ['*']}]}}",
        ),
        ("{fact: process.exit, any: true}", "{linux: {resources: {}}}"),
        ("{fact: process.exit, above: -1}", "{hostname: '*'}"),
        ("{fact: process.exit, any: true}", "{annotations: null}"),
        ("{fact: process.exit, any: true}", "{domainname: null}"),
        ("{fact: process.exit, any: true}", "{linux: {seccomp: null}}"),
        (
            "{fact: process.exit, any: true}",
            "{process: {terminal: {$not: true}}}",
        ),
        (
            "{fact: process.exit, any: true}",
            "{root: {readonly: {$not: true}}}",
        ),
    ] {
        let told = told(applies, &format!("shows: [{sign}], "));
        assert!(
            told.contains("would explain whatever differs"),
            "{applies}: {told}"
        );
    }
}

#[test]
fn a_sign_says_what_a_fact_can_have_in_its_list() {
    for (sign, expected) in [
        (
            "{fact: hook.createRuntim.args, is: [a]}",
            "did you mean `hook.createRuntime.args`?",
        ),
        (
            "{fact: 'hook.crete*.env', is: []}",
            "there is no fact `hook.crete*.env`",
        ),
        ("{fact: 'hook.{prestart,post}.cwd', is: /}", "there is no fact"),
        (
            "{fact: syscall.denied, has: 'mkdri *'}",
            "did you mean `mkdir *`?",
        ),
        (
            "{fact: syscall.denied, has: 'mkdir EPRM'}",
            "did you mean `mkdir EPERM`?",
        ),
        ("{fact: syscall.denied, is: ['mkdir ENOENT']}", "is never"),
        (
            "{fact: syscall.denied, matches: 'mkdri*'}",
            "no value of `syscall.denied` matches",
        ),
        (
            "{fact: proc.init.signals.ign, has: SIGPIPE}",
            "did you mean `PIPE`?",
        ),
        (
            "{fact: 'proc*.signals.{ignored,ign}', lacks: PIPES}",
            "did you mean `PIPE`?",
        ),
        (
            "{fact: filter.departures, has: 'rules left out for *'}",
            "did you mean `rule left out for`?",
        ),
        (
            "{fact: filter.unlisted, is: ['evry call: ALLOW [x32]']}",
            "is never",
        ),
    ] {
        let told = told("{hostname: x}", &format!("shows: [{sign}], "));
        assert!(told.contains(expected), "{sign}: {told}");
    }
    for sign in [
        "{fact: 'hook.*.env', is: []}",
        "{fact: 'hook.post*.env', is: []}",
        "{fact: 'hook.prestart.env#2', is: []}",
        "{fact: syscall.denied, has: 'syscall_* ENOSYS'}",
        "{fact: syscall.denied, has: 'open* EP*'}",
        "{fact: syscall.denied, has: 'mk*'}",
        "{fact: syscall.denied, matches: '* SIGSYS'}",
        "{fact: syscall.denied, is: []}",
        "{fact: 'proc.*signals.*', has: RT34}",
        "{fact: proc.signals.blocked, is: [HUP, 'RT*']}",
        "{fact: filter.departures, has: 'conditions *: ERRNO*'}",
        "{fact: filter.departures, has: 'newer than the profile: ERRNO(ENOSYS)*'}",
    ] {
        assert_eq!(told("{hostname: x}", &format!("shows: [{sign}], ")), "", "{sign}");
    }
    for month in ["2026-13", "2026-1", "2026", "11-2026", "2026-11-05"] {
        let told = told("{hostname: x}", &format!("searched: '{month}', "));
        assert!(told.contains(&format!("`{month}` is not a month")), "{told}");
    }
}
