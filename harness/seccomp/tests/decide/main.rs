//! Proves what the crate says about filters and profiles.
//!
//! | module | what it proves |
//! |---|---|
//! | `table` | handwritten filters answer what `table.txt` says |
//! | `random` | decisions, classes and comparisons are right for random filters and random calls |
//! | `mutation` | no change of an instruction of a real filter is overlooked |
//! | `written` | a profile means what the spec says it means |
//! | `engine` | an engine's file is resolved as the engine does it, and mistakes in a file are reported |
//! | `summary` | where a filter is not what its profile says is reported by reason and class of calls |
//! | `assemble`, `generate`, `support` | the table's reader; random filters; dice, real filters, calls |

mod assemble;
mod engine;
mod generate;
mod mutation;
mod random;
mod summary;
mod support;
mod table;
mod written;
