//! Data from others: read within limits, and written out without leaving its place.
//!
//! ocidiff runs as root and reads bundles, cases, packages and events of strangers. A program that does so has two
//! ways to do harm without intending to: to wait or grow without end, and to follow a path out of the folder that it
//! was meant for.
//!
//! | module | what it has |
//! |---|---|
//! | [`limit`] | how limits are raised, and how that is explained |
//! | [`read`] | regular files only, up to a size |
//! | [`yaml`] | what a YAML text would become, before it becomes that |
//! | [`said`] | what a parser says, in the words of the files |
//! | [`root`] | [`Root`]: paths that are resolved as a container would resolve them |
//! | [`at`] | entries of a folder that is open: nothing is followed |
//! | [`copy`] | trees, within limits |
//! | [`mountinfo`] | the kernel's mount table |

#![forbid(unsafe_code)]

pub mod at;
pub mod copy;
pub mod limit;
pub mod mountinfo;
pub mod read;
pub mod root;
pub mod said;
pub mod yaml;

pub use limit::{VARIABLE, raised};
pub use read::{ReadError, read_bytes, read_text};
pub use root::Root;
pub use said::in_plain_words;
