//! SOPS manifests for a reconciler: bytes and objects in, plain objects out; verified before the build.
//!
//! No async runtime, no Kubernetes types, no environment, no global state; no process and no thread unless the options of an
//! import name a `gpg` program. Errors say what, where
//! and for whom, and never contain a value.
//!
//! ```
//! use sops_kube::{Decryptor, ImportOptions, Keyring, Origin, Policy};
//! # let (identity, _) = sops_core::keys::age::AgeIdentities::generate_text();
//!
//! // The entries of the decryption Secret, as the API server keeps them.
//! let entries = [("age.agekey", identity.as_bytes())];
//! let imported = Keyring::from_entries(entries, &ImportOptions::recommended().of_secret("flux-system", "sops-age"))?;
//! let decryptor = Decryptor::new(imported.keyring, Policy::recommended());
//! let set = decryptor.decrypt_manifests(b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n", &Origin::default())?;
//! assert_eq!(set.docs[0].value["kind"], "ConfigMap");
//! # Ok::<(), sops_kube::Error>(())
//! ```
//!
//! # Where things are
//!
//! | module | what |
//! | --- | --- |
//! | [`keyring`] | [`Keyring`] from the entries of a decryption Secret, with a report on each |
//! | [`Decryptor`] | streams, objects, files inside objects, trees; all or nothing |
//! | [`tree`] | files decrypted before a build reads them, looked up by handle ([`directory`]) |
//! | [`policy`], [`key_policy`] | what is accepted, how much of it, from which keys |
//! | [`error`](mod@error) | [`Error`]: kind, class, reason, place; what Flux would say |
//! | [`cache`], [`service`] | data keys that were opened before; key services that you bring |
//! | [`plugin`] | what a kustomize plugin does |
//! | features `k8s-openapi`, `kube` | typed Secrets, dynamic objects, the keyring of a Secret in a cluster |
//! | [`manual`] | for users of Flux, for authors of controllers, the threat model |
#![warn(missing_docs)]
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod blob;
pub mod cache;
#[cfg(feature = "k8s-openapi")]
mod cluster;
mod decryptor;
mod detect;
#[cfg(unix)]
pub mod directory;
pub mod error;
mod inspect;
pub mod key_policy;
pub mod keyring;
mod manifests;
#[cfg(unix)]
pub mod manual;
mod objects;
mod openpgp;
pub mod plugin;
pub mod policy;
pub mod service;
mod spread;
mod stream;
#[cfg(unix)]
pub mod tree;
mod value;

pub use blob::{DecryptedBlob, OutputFormat};
pub use cache::DataKeyCache;
#[cfg(feature = "kube")]
pub use cluster::load_keyring;
pub use decryptor::{Decryptor, Integrity};
#[cfg(unix)]
pub use directory::{DirHandle, Links};
pub use error::{Class, Error, ErrorKind, Origin};
pub use inspect::{InspectedBlock, Inspection, mask};
pub use keyring::{ImportOptions, Imported, Keyring};
pub use manifests::{GroupReport, ManifestDoc, ManifestSet, read_objects};
pub use objects::{Finished, Outcome};
pub use policy::{Limits, Policy};
pub use sops_core::Format;
pub use spread::SecretValues;
#[cfg(unix)]
pub use tree::{Target, TreeOptions, TreeReport};
pub use value::{Manifest, ObjectId};

/// The last resort at the boundary: a bug becomes an error of the one who met it.
pub(crate) fn guard<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a bug in this library; nothing was returned")))
}
