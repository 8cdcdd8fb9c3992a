//! The manual: how to live with encrypted files, what they hold, what protects them, and where this library and its command
//! differ from the reference.
//!
//! * [`working_life`], editing, setting, rotating, sharing: what each command does to a file, and what it leaves alone.
//! * [`selection`], which values and comments are encrypted.
//! * [`configuration`], `.sops.yaml`.
//! * [`keys`], who can open a file, and where the command looks for what opens it.
//! * [`command`], streams, hints, exit statuses.
//! * [`formats`], YAML, JSON, dotenv, INI and binary, a page for each.
//! * [`file_format`], tokens, paths, MAC, metadata.
//! * [`spelling`], what tokens cannot carry, and how it comes back all the same.
//! * [`integrity`], what a file protects and what it does not, with a test for each line.
//! * [`differences`], where this library differs from the reference, and why.

pub mod command;
pub mod configuration;
pub mod differences;
pub mod file_format;
pub mod formats;
pub mod integrity;
pub mod keys;
pub mod selection;
pub mod spelling;
pub mod working_life;
