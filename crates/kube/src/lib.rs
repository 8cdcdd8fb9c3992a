//! SOPS manifests for a reconciler: bytes and objects in, plain objects out; verified before the build.
//!
//! No async runtime, no Kubernetes types, no environment, no process, no global state, no threads. Errors say what, where
//! and for whom, and never contain a value.
#![warn(missing_docs)]
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod blob;
pub mod cache;
mod decryptor;
mod detect;
#[cfg(unix)]
pub mod directory;
pub mod error;
pub mod key_policy;
pub mod keyring;
mod manifests;
mod objects;
mod openpgp;
pub mod plugin;
pub mod policy;
pub mod service;
mod stream;
#[cfg(unix)]
pub mod tree;
mod value;

pub use blob::{DecryptedBlob, OutputFormat};
pub use cache::DataKeyCache;
pub use decryptor::{Decryptor, Integrity};
#[cfg(unix)]
pub use directory::{DirHandle, Links};
pub use error::{Class, Error, ErrorKind, Origin};
pub use keyring::{ImportOptions, Imported, Keyring};
pub use manifests::{GroupReport, ManifestDoc, ManifestSet, read_objects};
pub use objects::{Finished, Outcome};
pub use policy::{Limits, Policy};
pub use sops_core::Format;
#[cfg(unix)]
pub use tree::{Target, TreeOptions, TreeReport};
pub use value::{Manifest, ObjectId};

/// The last resort at the boundary: a bug becomes an error of the one who met it.
pub(crate) fn guard<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a bug in this library; nothing was returned")))
}
