//! What the seccomp crate says about filters, checked against the kernel.
//!
//! | module | what it proves |
//! |---|---|
//! | `answers` | the kernel answers calls as decisions do: real filters, random ones, stacks |
//! | `accept` | the kernel takes exactly the filters that `validate` takes |
//! | `raw` | processes that only load filters and make calls |
//! | `generate`, `support` | random filters and calls, shared with the tests of harness/seccomp |

#![cfg(target_arch = "x86_64")]

mod accept;
mod answers;
#[path = "../../../seccomp/tests/decide/generate.rs"]
mod generate;
mod raw;
#[expect(dead_code, reason = "shared with harness/seccomp, which uses all of it")]
#[path = "../../../seccomp/tests/decide/support.rs"]
mod support;
