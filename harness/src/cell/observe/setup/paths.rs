//! Paths in a runtime's calls, and the mounts made with them.

use ocidiff_trace::SetupCall;

use super::arg;
use crate::paths;

/// A path without its quotes; the rootfs's path, descriptors and names made for a single use are replaced by
/// what they are.
pub(super) fn path(call: &SetupCall, at: usize) -> String {
    let text = arg(call, at).trim_matches('"');
    if text == "NULL" {
        return String::new();
    }
    // The recorder says where a path through a descriptor leads.
    let text = match text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((target, rest)) => &format!("{target}{rest}"),
        None => text,
    };
    if let Some(below) = in_rootfs(text) {
        return below;
    }
    for process in ["/proc/self/fd/", "/proc/thread-self/fd/"] {
        if text.starts_with(process) {
            return "(descriptor)".to_owned();
        }
    }
    without_random(text)
}

/// A path in the container's rootfs as `ROOTFS/...`.
fn in_rootfs(path: &str) -> Option<String> {
    let rootfs = format!("{}/rootfs", paths::bundle(ocidiff_model::step::MAIN));
    Some(format!("ROOTFS{}", path.strip_prefix(&rootfs)?))
}

/// `NAME.4PHaUI`, as mkstemp(3) makes it, becomes `NAME.XXXXXX`.
fn without_random(path: &str) -> String {
    const RANDOM: usize = 6;
    match path.rsplit_once('.') {
        Some((name, end))
            if end.len() == RANDOM
                && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && end.bytes().any(|byte| !byte.is_ascii_lowercase()) =>
        {
            format!("{name}.XXXXXX")
        }
        _ => path.to_owned(),
    }
}

/// `mount tmpfs on ROOTFS/dev (tmpfs) MS_NOSUID`, whichever interface it was made with.
pub(super) fn mount(call: &SetupCall) -> Option<String> {
    let words = match call.call.name.as_str() {
        "mount" => {
            let (source, kind) = (path(call, 0), path(call, 2));
            let source = if source.is_empty() { kind.clone() } else { source };
            let kind = if kind.is_empty() {
                kind
            } else {
                format!(" ({kind})")
            };
            format!("mount {source} on {}{kind} {}", path(call, 1), arg(call, 3))
                .replace("mount  on", "mount on")
        }
        "umount2" => format!("umount {} {}", path(call, 0), arg(call, 1)),
        "move_mount" => format!(
            "move_mount {} to {}",
            arg(call, 0),
            place(arg(call, 2), &path(call, 3))
        ),
        "fsopen" => format!("fsopen {}", path(call, 0)),
        "fsconfig" => format!("fsconfig {} {}", arg(call, 1), path(call, 2))
            .trim_end()
            .to_owned(),
        "mount_setattr" => format!(
            "mount_setattr {} {}",
            place(arg(call, 0), &path(call, 1)),
            arg(call, 2)
        ),
        _ => return None,
    };
    Some(words.trim_end().to_owned())
}

/// A path from a folder's descriptor on.
pub(super) fn place(folder: &str, below: &str) -> String {
    let folder = folder.trim_start_matches('<').trim_end_matches('>');
    let folder = in_rootfs(folder).unwrap_or_else(|| folder.to_owned());
    match below {
        "" => folder,
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        below => format!("{}/{below}", folder.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_one_use_are_the_same_each_time() {
        for (path, said) in [
            ("/tmp/some.4PHaUI", "/tmp/some.XXXXXX"),
            ("/etc/host.config", "/etc/host.config"),
            ("/etc/passwd", "/etc/passwd"),
        ] {
            assert_eq!(without_random(path), said);
        }
    }
}
