//! Proves what the crate says of filters and profiles.
//!
//! | module | what it proves |
//! |---|---|
//! | `random` | decisions, classes and comparisons are right for random filters and random calls |
//! | `generate`, `support` | random filters; dice, real filters, calls |

mod generate;
mod random;
mod support;
