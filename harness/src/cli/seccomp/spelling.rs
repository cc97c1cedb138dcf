//! Words of a profile that are nearly valid ones. A runtime ignores a member that it does not know, and a rule without
//! its names applies to nothing: that is not what users want to compare.

use ocidiff_model::near::near;
use ocidiff_reports::first_of;
use ocidiff_seccomp::{Profile, syscall};
use serde_json::Value;

use crate::corpus::names::call_help;
use crate::error::Error;

/// Members of a profile: those from the spec, and those of engines.
const MEMBERS: [&str; 10] = [
    "defaultAction",
    "defaultErrnoRet",
    "defaultErrno",
    "architectures",
    "archMap",
    "flags",
    "listenerPath",
    "listenerMetadata",
    "syscalls",
    "comment",
];
const OF_RULE: [&str; 9] = [
    "names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes",
];
const OF_CONDITION: [&str; 4] = ["index", "value", "valueTwo", "op"];
const ACTIONS: [&str; 9] = [
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_KILL_PROCESS",
];
const OPERATORS: [&str; 7] = [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
];
const PREFIXES: [&str; 2] = ["SCMP_ACT_", "SCMP_CMP_"];
/// How many unknown names are listed.
const MOST: usize = 12;

/// Refuses what is misspelt, with its line. What resembles nothing known stays: runtimes have their own answer to it.
pub(super) fn check(name: &str, text: &str) -> Result<(), Error> {
    let whole: Value = serde_json::from_str(text).unwrap_or_default();
    let profile = whole.pointer("/linux/seccomp").unwrap_or(&whole);
    let found = wrong(profile);
    let [(word, meant), ..] = &found[..] else {
        return Ok(());
    };
    let place = text.find(&format!("\"{word}\"")).map_or(String::new(), |at| {
        let before = &text[..at];
        let column = at - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        format!(":{}:{column}", before.matches('\n').count() + 1)
    });
    Err(Error::usage(format!(
        "{name}{place}: failed to read a profile: `{word}` is not known; did you mean `{meant}`?"
    )))
}

/// What is misspelt, and what was meant.
fn wrong(profile: &Value) -> Vec<(String, &'static str)> {
    let mut found = members(profile, &MEMBERS);
    found.extend(word(&profile["defaultAction"], &ACTIONS));
    for rule in profile["syscalls"].as_array().into_iter().flatten() {
        found.extend(members(rule, &OF_RULE));
        found.extend(word(&rule["action"], &ACTIONS));
        for condition in rule["args"].as_array().into_iter().flatten() {
            found.extend(members(condition, &OF_CONDITION));
            found.extend(word(&condition["op"], &OPERATORS));
        }
    }
    found
}

fn members(of: &Value, known: &[&'static str]) -> Vec<(String, &'static str)> {
    let names = of.as_object().into_iter().flat_map(|members| members.keys());
    names.filter_map(|name| misspelt(name, known)).collect()
}

fn word(value: &Value, known: &[&'static str]) -> Option<(String, &'static str)> {
    misspelt(value.as_str()?, known)
}

/// Upper and lower case are the same to some JSON readers: that is a difference that should show.
fn misspelt(name: &str, known: &[&'static str]) -> Option<(String, &'static str)> {
    if known.iter().any(|one| one.eq_ignore_ascii_case(name)) {
        return None;
    }
    // A prefix that all of them share means nothing.
    let bare = |word: &str| -> String {
        let begins = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix));
        begins.unwrap_or(word).to_owned()
    };
    let all: Vec<String> = known.iter().map(|one| bare(one)).collect();
    let meant = near(&bare(name), all.iter().map(String::as_str))?;
    let at = all.iter().position(|one| one == meant)?;
    Some((name.to_owned(), known[at]))
}

/// A line for names of calls that no kernel has; libraries silently ignore them.
pub(super) fn unknown_names(profile: &Profile) -> Vec<String> {
    let mut names: Vec<&str> = profile
        .syscalls
        .iter()
        .flat_map(|rule| &rule.names)
        .map(String::as_str)
        .filter(|name| !syscall::is_known(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let (nearly, others): (Vec<_>, Vec<_>) = names
        .iter()
        .map(|name| (*name, call_help(name)))
        .partition(|(_, help)| help.is_some());
    let nearly = nearly.into_iter().take(MOST).map(|(name, help)| {
        let help = help.unwrap_or_default();
        format!("no system call is called {name}: {help}")
    });
    let rest = (!others.is_empty()).then(|| {
        let names = first_of(others.iter().map(|(name, _)| name), MOST);
        format!("calls that are not known here, of another architecture or of none: {names}")
    });
    nearly.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_misspelt_is_told_with_what_was_meant() {
        for (profile, expected) in [
            (
                json!({"defaultAction": "SCMP_ACT_ALOW", "syscalls": []}),
                "SCMP_ACT_ALLOW",
            ),
            (
                json!({"defaultAction": "SCMP_ACT_ERRNO", "syscals": []}),
                "syscalls",
            ),
            (
                json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "a", "actoin": "SCMP_ACT_ALLOW"}]}),
                "action",
            ),
            (
                json!({"syscalls": [{"names": [], "args": [{"indx": 0}]}]}),
                "index",
            ),
            (
                json!({"syscalls": [{"names": [], "args": [{"op": "SCMP_CMP_EQU"}]}]}),
                "SCMP_CMP_EQ",
            ),
        ] {
            let found = wrong(&profile);
            assert_eq!(
                found.first().map(|(_, meant)| *meant),
                Some(expected),
                "{profile}"
            );
        }
        let fine = json!({"DefaultAction": "SCMP_ACT_ERRNO", "_note": "x", "version": 2,
            "syscalls": [{"names": ["read"], "action": "scmp_act_allow", "note": ""}, {"action": "MAGIC"}, {"action": "SCMP_ACT_PERHAPS"}]});
        assert_eq!(wrong(&fine), []);
        let error = check(
            "p.json",
            "{\n \"defaultAction\": \"SCMP_ACT_LOG\",\n  \"syscals\": []}",
        )
        .expect_err("misspelt");
        assert!(
            error.to_string().contains("p.json:3:3") && error.to_string().contains("`syscalls`"),
            "{error}"
        );
    }

    #[test]
    fn names_that_nobody_knows_are_told() {
        let profile = |names: &[&str]| {
            let value = json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]});
            serde_json::from_value::<Profile>(value).expect("a profile")
        };
        assert!(unknown_names(&profile(&["read", "arm_fadvise64_64", "socketcall"])).is_empty());
        let told = unknown_names(&profile(&["opennat2", "s390_pci_mmio_read"]));
        assert!(
            told.len() == 2 && told[0].contains("`openat2`") && told[1].contains("s390_pci"),
            "{told:?}"
        );
    }
}
