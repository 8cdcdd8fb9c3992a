//! A SOPS-compatible secret encryption library: bytes in, bytes out.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

pub mod crypto;
pub mod error;
pub mod format;
pub mod outline;
pub mod path;
pub mod value;

pub use error::Error;
