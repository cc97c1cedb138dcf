//! What can be seen from outside the container, each channel in its own file.

pub(crate) mod cgroup;
mod few;
pub(crate) mod file;
pub(crate) mod hook;
pub(crate) mod leftover;
pub(crate) mod lifecycle;
pub(crate) mod mount;
pub(crate) mod printed;
pub(crate) mod proc;
pub(crate) mod setup;
pub(crate) mod stdio;
