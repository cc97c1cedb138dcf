//! Mutants: real runtimes with one fault each, which the corpus must find. The proof that cases can fail.
//!
//! | file    | what it does                                                    |
//! |---------|-----------------------------------------------------------------|
//! | `rule`  | a mutant as data                                                |
//! | `path`, `edit` | changes to a JSON document                               |
//! | `check` | rules that cannot do what they say                              |
//! | `load`  | reads mutants from `runtimes/mutants/*.yaml`                    |
//! | `wrap`  | what is called in place of a runtime, inside the cell           |
//! | `plan`  | which cases are tried for a mutant, most likely first            |
//! | `signs` | how a case catches it                                           |

mod check;
pub mod edit;
pub mod load;
pub(crate) mod path;
pub mod plan;
pub mod rule;
mod script;
pub mod signs;
pub mod wrap;

pub use load::{Names, load};
pub use rule::Mutant;

#[cfg(test)]
mod tests;
