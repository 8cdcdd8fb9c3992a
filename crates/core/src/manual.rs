//! The manual: what files hold, what protects them, and where this library differs from the reference.
//!
//! * [`file_format`], tokens, paths, MAC, metadata, comments.
//! * [`configuration`], `.sops.yaml`.
//! * [`keys`], who can open a file, and where the command looks for what opens it.
//! * [`spelling`], what tokens cannot carry, and how it comes back all the same.
//! * [`integrity`], what a file protects and what it does not, with a test for each line.
//! * [`differences`], where this library differs from the reference, and why.

pub mod configuration;
pub mod differences;
pub mod file_format;
pub mod integrity;
pub mod keys;
pub mod spelling;
