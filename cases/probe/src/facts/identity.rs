//! The identity of the process and what it was given.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::{status, text};
use crate::parse::{number, status as fields};
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{fs, task};

pub(super) fn args(words: &Words, report: &mut Report) {
    report.fact("args", words.args().to_vec());
    report.fact("exe", fs::read_link("/proc/self/exe"));
}

pub(super) fn env(words: &Words, report: &mut Report) {
    report.fact("env", words.env().to_vec());
}

pub(super) fn cwd(_: &Words, report: &mut Report) {
    report.fact("cwd", fs::cwd());
    report.fact("root", fs::stat("/").map(|stat| super::io::describe(&stat)));
}

pub(super) fn ids(_: &Words, report: &mut Report) {
    let named = [
        (task::user_ids(), ["ids.uid", "ids.euid", "ids.suid"]),
        (task::group_ids(), ["ids.gid", "ids.egid", "ids.sgid"]),
    ];
    for (ids, names) in named {
        for (index, name) in names.into_iter().enumerate() {
            report.fact(name, ids.map(|ids| ids[index]));
        }
    }
    report.fact("ids.fsuid", task::fs_user_id());
    report.fact("ids.fsgid", task::fs_group_id());
    report.fact(
        "ids.groups",
        task::groups().map(|ids| ids.iter().map(u32::to_string).collect::<Vec<_>>()),
    );
}

/// From the status file if there is one, since the call can only query by setting.
pub(super) fn umask(_: &Words, report: &mut Report) {
    report.fact("umask", current_umask().map(|mask| format!("{mask:04o}")));
}

pub(crate) fn current_umask() -> crate::sys::Result<u32> {
    if let Some(mask) = status()
        .ok()
        .and_then(|text| number::mode(fields::field(&text, "Umask")?))
    {
        return Ok(mask);
    }
    let mask = task::umask(0)?;
    task::umask(mask)?;
    Ok(mask)
}

pub(super) fn session(_: &Words, report: &mut Report) {
    let pid = task::id(libc::SYS_getpid);
    let (group, session) = (task::process_group(), task::session());
    report.fact("session.pid", pid);
    report.fact("session.ppid", task::id(libc::SYS_getppid));
    report.fact("session.pgid", group);
    report.fact("session.sid", session);
    report.fact("session.leader", session.map(|id| Ok(id) == pid));
    report.fact("session.group_leader", group.map(|id| Ok(id) == pid));
    let stat = text("/proc/self/stat");
    report.fact(
        "session.tty",
        stat.and_then(|stat| fields::terminal(&stat).ok_or(super::NO_FIELD))
            .map(|tty| tty != 0),
    );
}

pub(super) fn uts(_: &Words, report: &mut Report) {
    let names = task::uname();
    let mut tell = |name: &str, field: fn(&libc::utsname) -> &[libc::c_char; 65]| {
        report.fact(name, names.map(|names| c_text(field(&names))));
    };
    tell("uts.hostname", |names| &names.nodename);
    tell("uts.domainname", |names| &names.domainname);
    tell("uts.machine", |names| &names.machine);
    tell("uts.sysname", |names| &names.sysname);
    tell("uts.release", |names| &names.release);
}

fn c_text(field: &[libc::c_char]) -> Vec<u8> {
    field
        .iter()
        .map(|c| *c as u8)
        .take_while(|byte| *byte != 0)
        .collect()
}

pub(super) fn keyring(_: &Words, report: &mut Report) {
    report.fact("keyring.session", task::session_keyring());
}

pub(super) fn label(_: &Words, report: &mut Report) {
    for name in ["current", "exec"] {
        report.fact(format!("label.{name}"), text(&format!("/proc/self/attr/{name}")));
    }
}
