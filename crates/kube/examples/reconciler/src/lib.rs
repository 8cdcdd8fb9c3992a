//! A reference controller: source, decrypt, build, apply, prune. It links `sops-kube` and shows how; see its README.
#![forbid(unsafe_code)]

pub mod api;
mod apply;
mod failure;
pub mod metrics;
pub mod pass;
mod render;
mod source;
mod unpack;

pub use source::scratch;
