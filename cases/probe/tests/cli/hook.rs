//! The probe as a hook.

use crate::common::run_with_input;

#[test]
fn each_hook_adds_a_line() {
    let file = std::env::temp_dir().join(format!("ocidiff-probe-hook-{}", std::process::id()));
    let name = file.to_string_lossy().into_owned();
    let first = run_with_input(&["hook", &name, "createRuntime"], b"{\"status\":\"creating\"}");
    let second = run_with_input(&["hook", &name, "--exit", "3"], b"");
    let text = std::fs::read_to_string(&file);
    let _ = std::fs::remove_file(&file);
    let text = text.expect("the file is made");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains(r#""state":"{\"status\":\"creating\"}""#),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains(r#","createRuntime"]"#), "{}", lines[0]);
    assert!(
        lines[0].contains(r#""stdio":["pipe","pipe","pipe"]"#),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(r#""state":"""#), "{}", lines[1]);
    for member in [
        "args", "env", "cwd", "umask", "uid", "gid", "pid", "nspid", "ns.mnt", "ns.pid",
    ] {
        assert!(
            lines.iter().all(|line| line.contains(&format!("\"{member}\":"))),
            "{member}"
        );
    }
    assert_eq!((first.status.code(), second.status.code()), (Some(0), Some(3)));
}

#[test]
fn a_state_larger_than_is_kept_is_cut() {
    let file = std::env::temp_dir().join(format!("ocidiff-probe-large-{}", std::process::id()));
    let name = file.to_string_lossy().into_owned();
    let mut child = crate::common::probe()
        .args(["hook", &name])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the probe starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // The hook ends before it has read everything: a broken pipe is expected.
    let _ = std::io::Write::write_all(&mut pipe, &[b'x'; 200_000]);
    assert_eq!(child.wait().expect("the probe ends").code(), Some(0));
    let text = std::fs::read_to_string(&file);
    let _ = std::fs::remove_file(&file);
    assert_eq!(text.expect("the file is made").matches('x').count() >> 16, 1);
}
