//! A SOPS-compatible secret encryption library: bytes in, bytes out.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod config;
pub mod crypto;
mod deserialize;
mod digest;
pub mod document;
pub mod error;
pub mod format;
pub mod keys;
pub mod manual;
mod memory;
pub mod metadata;
pub mod outline;
pub mod path;
pub mod pattern;
pub mod sealer;
pub mod select;
mod splice;
pub mod value;
mod walk;

pub use error::Error;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
