//! The nodes in /dev.

use alloc::vec::Vec;

use super::io;
use crate::json::Value;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, fs};

/// What programs need below /dev's own directories.
const DEEPER: [&[u8]; 1] = [b"pts/ptmx"];

pub(super) fn all(_: &Words, report: &mut Report) {
    let names = fs::list("/dev");
    report.fact("dev", names.clone());
    let deeper = DEEPER.into_iter().map(<[u8]>::to_vec);
    for name in names.unwrap_or_default().into_iter().chain(deeper) {
        let path = [b"/dev/", name.as_slice()].concat();
        report.fact([b"dev.", name.as_slice()].concat(), node(&path));
    }
}

/// `char 0666 0:0 1:3`, `link 0777 0:0 -> /proc/self/fd`.
pub(crate) fn node(path: &[u8]) -> Value {
    let describe = || -> sys::Result<Vec<u8>> {
        let stat = fs::stat(path)?;
        let mut text = io::describe(&stat).into_bytes();
        if stat.st_mode & libc::S_IFMT == libc::S_IFLNK {
            text.extend_from_slice(b" -> ");
            text.extend_from_slice(&fs::read_link(path)?);
        }
        Ok(text)
    };
    describe().into()
}
