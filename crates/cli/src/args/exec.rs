//! The commands that run another program.

use std::ffi::OsString;

use clap::{Args, Parser};

use super::{Common, Order, words::boolean};

/// Run a command with the values in its environment
///
/// COMMAND is one line for /bin/sh: quote it. The top level of the file must be flat.
#[derive(Parser, Debug, Default)]
#[command(name = "sops exec-env", disable_help_flag = true, args_override_self = true)]
#[command(override_usage = "sops exec-env [OPTIONS] FILE 'COMMAND ARGUMENT…'")]
pub struct ExecEnv {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The order of the keys.
    #[command(flatten)]
    pub order: Order,
    /// How the command runs.
    #[command(flatten)]
    pub exec: Exec,
    /// Format of the file: yaml, json, dotenv, ini or binary
    #[arg(long)]
    pub input_type: Option<String>,
    /// Pass on nothing of our own environment
    #[arg(long, value_parser = boolean)]
    pub pristine: Option<bool>,
    /// Replace this process by the command
    #[arg(long, value_parser = boolean)]
    pub same_process: Option<bool>,
    /// The file, and the command
    pub file: Vec<OsString>,
}

/// Run a command with the plain text in a file
///
/// COMMAND is one line for /bin/sh: quote it. Each {} in it becomes the path of the plain text.
#[derive(Parser, Debug, Default)]
#[command(name = "sops exec-file", disable_help_flag = true, args_override_self = true)]
#[command(override_usage = "sops exec-file [OPTIONS] FILE 'COMMAND {}'")]
pub struct ExecFile {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The order of the keys.
    #[command(flatten)]
    pub order: Order,
    /// How the command runs.
    #[command(flatten)]
    pub exec: Exec,
    /// The formats.
    #[command(flatten)]
    pub types: super::Types,
    /// Write a file instead of a named pipe, for commands that seek or look at its size
    #[arg(long, value_parser = boolean)]
    pub no_fifo: Option<bool>,
    /// Name of the file or pipe
    #[arg(long)]
    pub filename: Option<OsString>,
    /// The file, and the command
    pub file: Vec<OsString>,
}

/// How the command runs.
#[derive(Args, Debug, Default)]
pub struct Exec {
    /// Run it as this user
    #[arg(long)]
    pub user: Option<String>,
    /// Start it and do not wait (deprecated)
    #[arg(long, value_parser = boolean)]
    pub background: Option<bool>,
}
