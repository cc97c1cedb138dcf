//! Runtimes as data: a manifest says how a runtime is found, installed and called.
//!
//! Nothing here runs a container or calls a runtime ([`Ask`] does): this crate finds programs, has them asked for
//! their versions, installs them into a store and writes their command lines. Container engines have a separate crate,
//! `ocidiff-engines`.

mod ask;
mod call;
mod facts;
mod find;
mod install;
pub mod kernels;
mod machine;
mod manifest;
pub mod packages;
mod process;
mod refusal;
mod select;
mod store;
mod template;
mod text;
mod unpack;

pub use ask::{Answer, Ask, End, LIMIT, Nobody};
pub use call::{Call, Flag, Var};
pub use facts::ProgramError;
pub use find::{Found, Origin, Runtime, find_all, find_in, is_same_program, program_on_path, registered};
pub use install::{
    AptError, Available, Event, InstallError, JobError, Offer, Outcome, Request, available, build,
    cargo_home, install,
};
pub use machine::Machine;
pub use manifest::{
    BUILT_IN, CgroupNeed, CrateSource, DebianSource, Install, Manifest, ManifestError, ManifestErrors, Needs,
    SourceBuild, VersionCall, is_manifest,
};
pub use ocidiff_model::version::{Version, VersionError};
pub use refusal::Refusal;
pub use select::{SelectError, Selector, Which, find_manifest, select};
pub use store::{Installed, InstalledPackage, Store, StoreError};
pub use template::CallError;
pub use text::Pattern;
pub use unpack::UnpackError;
