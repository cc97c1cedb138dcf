//! Whose output shows what is explained.

use crate::judge::recognise::tests::{record, said};

#[test]
fn an_output_is_explained_by_what_differs_in_the_process_that_prints_it() {
    let umask = [("a/umask", "shows: [{fact: 'proc*.umask*', is: 77, instead: 22}]")];
    for (output, fact, is_explained) in [
        ("process.stdout", "proc.umask", true),
        ("process.stdout", "proc.second.umask", false),
        ("process.stdout", "proc.exec.umask", false),
        ("process.stdout", "proc.umask#1#2", false),
        ("process.stdout#2", "proc.umask#1#2", true),
        ("process.second.stdout", "proc.second.umask", true),
        ("process.second.stdout", "proc.umask", false),
        ("process.exec.stdout", "proc.exec.umask", true),
        ("process.stderr", "proc.umask", false),
    ] {
        let of = |label: &str, value: &str| {
            let printed = format!("[umask {value}]");
            record(label, &[(fact, value), (output, printed.as_str())])
        };
        let told = said(&umask, &[of("a", "77"), of("b", "22")], &[fact, output]);
        let expected = if is_explained { "a: a/umask (Follows)" } else { "" };
        assert_eq!(told, ["a: a/umask (Recognised)", expected], "{output} by {fact}");
    }
}
