//! The probe from outside, unprivileged.

mod actions;
mod common;
mod facts;
mod hook;
mod listen;
