//! A call between its entry and what came of it.

use crate::record::Arch;

/// A call that has been entered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) arch: Arch,
    pub(crate) nr: u32,
    pub(crate) args: [u64; 6],
    /// Its index among the calls that are kept.
    pub(crate) index: Option<usize>,
}

impl Pending {
    /// Whether this is the same call made again.
    pub(crate) fn repeats(&self, earlier: &Self) -> bool {
        (self.arch, self.nr, self.args) == (earlier.arch, earlier.nr, earlier.args)
    }
}
