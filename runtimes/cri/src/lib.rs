//! A small client for CRI v1, the protocol by which the kubelet drives containerd and CRI-O.
//!
//! | module | what it does |
//! |---|---|
//! | [`client`] | the connection: each call with a limit, each bad answer with advice |
//! | [`calls`] | the calls: names on the wire, and answers |
//! | [`pods`] | pods and containers |
//! | [`node`] | what is on the node: handlers, pods, containers, images |
//! | [`import`] | a rootfs as an image on the node, through containerd's own API: CRI can only pull |
//! | [`log`] | what a container printed, from its log file |
//! | [`messages`] | the protocol's messages, generated from `proto/cri.proto` |
//! | [`containerd`] | messages of containerd's own API, generated from `proto/containerd.proto` |

pub mod calls;
pub mod client;
mod error;
pub mod import;
pub mod log;
pub mod node;
pub mod pods;

pub use client::Client;
pub use error::Error;

/// The protocol's messages.
#[expect(
    missing_docs,
    clippy::doc_markdown,
    clippy::all,
    reason = "made by a program: see tests/generated.rs"
)]
pub mod messages {
    include!("generated/cri.rs");
}

/// Messages of containerd's own API.
#[expect(
    missing_docs,
    clippy::all,
    reason = "made by a program: see tests/generated.rs"
)]
pub mod containerd {
    include!("generated/containerd.rs");
}
