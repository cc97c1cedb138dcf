//! The program under test.

use std::path::PathBuf;

/// The static file that OCIDIFF_DIST names, or the one that cargo built. The static one is what is shipped, and it is
/// optimised: `make test` takes it, since unoptimised programs took nearly all the time of the tests.
pub(crate) fn binary() -> PathBuf {
    let dist = std::env::var_os("OCIDIFF_DIST").map(PathBuf::from);
    dist.filter(|file| file.is_file())
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_ocidiff").into())
}
