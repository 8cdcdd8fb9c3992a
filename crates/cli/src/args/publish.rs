//! `publish`.

use std::ffi::OsString;

use clap::Parser;

use super::{Common, Order, words::boolean};

/// Publish an encrypted file
///
/// The destination rules of .sops.yaml say where to. Vault gets the plain values; its address and token come from VAULT_ADDR
/// and VAULT_TOKEN.
#[derive(Parser, Debug, Default)]
#[command(name = "sops publish", disable_help_flag = true, args_override_self = true)]
pub struct Publish {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The order of the keys.
    #[command(flatten)]
    pub order: Order,
    /// Do not ask
    #[arg(long, short = 'y', value_parser = boolean)]
    pub yes: Option<bool>,
    /// Leave the last extension of the name out
    #[arg(long, value_parser = boolean)]
    pub omit_extensions: Option<bool>,
    /// Publish every file of a folder
    #[arg(long, value_parser = boolean)]
    pub recursive: Option<bool>,
    /// The file, or a folder with --recursive
    pub file: Vec<OsString>,
}
