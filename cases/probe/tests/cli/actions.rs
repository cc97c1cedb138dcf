//! What the probe does when asked. Needs no privileges.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use crate::common::{fact, lines, probe, run, told};

/// A folder of our own, removed at the end.
struct Folder(String);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ocidiff-probe-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path.to_string_lossy().into_owned())
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn calls_give_a_value_an_error_or_ok() {
    let (lines, status) = told(&[
        "call", "getpid", "--", "umask", "0o27", "--", "umask", "0", "--", "openat", "AT_FDCWD", "/nope",
        "0", "--", "openat", "AT_FDCWD", "/", "0", "--", "read", "-1", "buf", "1", "--", "#9999", "--",
        "fork",
    ]);
    let umask = &lines[1];
    assert!(umask.starts_with(r#"{"fact":"call.umask","value":"#), "{umask}");
    assert_eq!(
        [&lines[..1], &lines[2..]].concat(),
        [
            fact("call.getpid", "\"ok\""),
            fact("call.umask", (0o27).to_string()),
            fact("call.openat", "\"ENOENT\""),
            fact("call.openat", "\"ok\""),
            fact("call.read", "\"EBADF\""),
            fact("call.#9999", "\"ENOSYS\""),
            fact("call.fork", "\"ok\""),
        ]
    );
    assert_eq!(status, Some(0));
}

#[test]
fn files_are_made_read_and_removed() {
    let folder = Folder::new("files");
    let [file, link, sub] = ["f", "l", "d"].map(|name| folder.path(name));
    let (lines, status) = told(&[
        "call", "umask", "0", "then", "put", &file, "hi", "640", "then", "read", &file, "then", "write",
        &file, "ho!", "then", "read", &file, "2", "then", "symlink", "f", &link, "then", "stat", &file,
        &link, "then", "mkdir", &sub, "2750", "then", "chmod", &sub, "1700", "then", "list", &folder.0,
        "then", "peek", &sub, &file, "then", "rename", &file, &link, "then", "open", &file, "then", "rmdir",
        &sub, "then", "unlink", &link, "then", "list", &folder.0,
    ]);
    let values: Vec<&str> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(r#","value":"#)?.1.strip_suffix('}'))
        .collect();
    let owner = values[5]
        .trim_matches('"')
        .strip_prefix("file 0640 ")
        .expect("an owner")
        .to_owned();
    let link_told = format!("\"link 0777 {owner} -> f\"");
    assert_eq!(values[..4], ["2", "\"hi\"", "3", "\"ho\""]);
    assert_eq!(values[6], link_told);
    let expected = [
        "\"ok\"",
        "\"ok\"",
        r#"["d","f","l"]"#,
        "\"empty-dir\"",
        "\"readable\"",
        "\"ok\"",
        "\"ENOENT\"",
    ];
    assert_eq!(values[7..14], expected);
    assert_eq!(values[14..], ["\"ok\"", "\"ok\"", "[]"]);
    assert_eq!(status, Some(0));
}

#[test]
fn strict_makes_a_failed_action_the_status() {
    assert_eq!(
        told(&["open", "/nope"]),
        (vec![fact("open./nope", "\"ENOENT\"")], Some(0))
    );
    assert_eq!(told(&["--strict", "open", "/nope"]).1, Some(1));
    assert_eq!(told(&["--strict", "open", "/"]).1, Some(0));
}

#[test]
fn exit_ends_the_chain() {
    assert_eq!(
        told(&["print", "a  b", "c", "then", "exit", "7", "then", "print", "no"]),
        (vec!["a  b c".into()], Some(7))
    );
}

#[test]
fn wrong_use_is_two_and_says_what() {
    for (words, text) in [
        (&[][..], "an action is missing"),
        (&["print", "a", "then", "nonsense"], "no action \"nonsense\""),
        (&["facts", "nonsense"], "no topic nonsense"),
        (&["call", "nonsense"], "no call nonsense"),
        (&["open"], "PATH is missing"),
        (&["open", "/", "bogus"], "no flag"),
        (&["list", "/", "/"], "too many"),
        (&["exit", "256"], "from 0 to 255"),
        (&["signal", "NOPE"], "no signal NOPE"),
        (&["sleep", "x"], "seconds"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            message.starts_with("probe: ") && message.contains(text),
            "{message}"
        );
    }
}

#[test]
fn a_signal_to_itself_ends_it() {
    let output = run(&["facts", "cwd", "then", "signal", "TERM", "then", "print", "no"]);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM));
    assert_eq!(lines(&output.stdout).len(), 2);
}

#[test]
fn a_waited_for_signal_is_told() {
    let mut child = probe()
        .args(["wait-signal", "HUP", "USR1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the probe starts");
    let mut reader = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut reader, &mut line).expect("a line");
    assert_eq!(line.trim_end(), fact("wait-signal", "\"waiting\""));
    assert_eq!(told(&["signal", "USR1", &child.id().to_string()]).1, Some(0));
    line.clear();
    std::io::BufRead::read_line(&mut reader, &mut line).expect("a line");
    assert_eq!(line.trim_end(), fact("wait-signal", "\"USR1\""));
    assert_eq!(child.wait().expect("the probe ends").code(), Some(0));
}

#[test]
fn exec_goes_on_in_another_program() {
    let program = probe().get_program().to_string_lossy().into_owned();
    let (lines, status) = told(&[
        "print", "first", "then", "exec", &program, "print", "a", "then", "exit", "4",
    ]);
    assert_eq!(lines, ["first", "a"]);
    assert_eq!(status, Some(4));
    assert_eq!(told(&["exec", "/nope"]).0, [fact("exec./nope", "\"ENOENT\"")]);
}

#[test]
fn loads_are_as_large_as_asked() {
    assert_eq!(run(&["flood", "100001"]).stdout.len(), 100_001);
    assert_eq!(told(&["spin", "1000"]).0, [fact("spin", "1000")]);
    assert_eq!(told(&["openloop", "100"]).0, [fact("openloop", "100")]);
}
