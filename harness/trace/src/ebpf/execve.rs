//! An execve that succeeded: what the kernel took, in place of what could not be read when it entered.

use super::layout::{ARGUMENTS, ENVIRONMENT, Event, FILENAME};
use crate::decode::words;
use crate::record::Call;

/// Completes the arguments. What the caller had not touched yet was only `ptr` at that point.
pub(super) fn complete(call: &mut Call, event: &Event<'_>, max_string: usize) {
    let path_at = usize::from(call.name == "execveat");
    let [path, arguments, environment] = match call.args.get_mut(path_at..path_at + 3) {
        Some([path, arguments, environment]) => [path, arguments, environment],
        _ => return,
    };
    if path == "ptr"
        && let Some(name) = event.chunk(FILENAME)
    {
        let name = words::text(name, max_string);
        *path = format!("\"{name}\"");
        call.subject = Some(name);
    }
    if arguments.contains("ptr")
        && let Some(block) = event.chunk(ARGUMENTS)
    {
        *arguments = words::list(block, max_string);
    }
    if environment != "NULL" {
        *environment = format!("[{} strings]", event.args[1]);
    }
}

/// The environment itself.
pub(super) fn environment(event: &Event<'_>, max_string: usize) -> Option<String> {
    Some(words::list(event.chunk(ENVIRONMENT)?, max_string))
}
