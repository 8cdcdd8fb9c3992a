//! The commands that change an encrypted file.

use std::ffi::{OsStr, OsString};

use clap::{Args, Parser};
use sops_core::metadata::keys::KeyKind;

use super::{Common, Keys, Opening, Order, Selection, Streams, Types, words::boolean, words::integer};

/// Edit a file in an editor
///
/// A file that does not exist begins as an example and is encrypted as `encrypt` would.
#[derive(Parser, Debug, Default)]
#[command(name = "sops edit", disable_help_flag = true, args_override_self = true)]
pub struct Edit {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The name.
    #[command(flatten)]
    pub name: Name,
    /// The formats.
    #[command(flatten)]
    pub types: Types,
    /// How it is opened.
    #[command(flatten)]
    pub opening: Opening,
    /// The master keys of a new file.
    #[command(flatten)]
    pub keys: Keys,
    /// The selection of a new file.
    #[command(flatten)]
    pub selection: Selection,
    /// Show the metadata in the editor
    #[arg(long, short = 's', value_parser = boolean)]
    pub show_master_keys: Option<bool>,
    /// The file
    pub file: Vec<OsString>,
}

/// Set one value
///
/// VALUE is JSON. Other users of the machine can see it on the command line: prefer --value-stdin or --value-file for secrets.
#[derive(Parser, Debug, Default)]
#[command(name = "sops set", disable_help_flag = true, args_override_self = true)]
#[command(override_usage = "sops set [OPTIONS] FILE '[\"db\"][\"password\"]' VALUE")]
pub struct Set {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The name.
    #[command(flatten)]
    pub name: Name,
    /// The formats.
    #[command(flatten)]
    pub types: Types,
    /// How it is opened.
    #[command(flatten)]
    pub opening: Opening,
    /// VALUE is the name of a file that holds the JSON
    #[arg(long, value_parser = boolean)]
    pub value_file: Option<bool>,
    /// The JSON comes from standard input, and there is no VALUE
    #[arg(long, value_parser = boolean)]
    pub value_stdin: Option<bool>,
    /// Leave the file alone where the value is there already
    #[arg(long, value_parser = boolean)]
    pub idempotent: Option<bool>,
    /// Nothing: the reference takes it and does nothing with it
    #[arg(long, value_parser = integer, hide = true)]
    pub shamir_secret_sharing_threshold: Option<i64>,
    /// The file, the path of the value in it, and the value
    pub file: Vec<OsString>,
}

/// Remove one value
#[derive(Parser, Debug, Default)]
#[command(name = "sops unset", disable_help_flag = true, args_override_self = true)]
#[command(override_usage = "sops unset [OPTIONS] FILE '[\"db\"][\"password\"]'")]
pub struct Unset {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The name.
    #[command(flatten)]
    pub name: Name,
    /// The formats.
    #[command(flatten)]
    pub types: Types,
    /// How it is opened.
    #[command(flatten)]
    pub opening: Opening,
    /// A value that is not there is no error
    #[arg(long, value_parser = boolean)]
    pub idempotent: Option<bool>,
    /// Nothing: the reference takes it and does nothing with it
    #[arg(long, value_parser = integer, hide = true)]
    pub shamir_secret_sharing_threshold: Option<i64>,
    /// The file, and the path of the value in it
    pub file: Vec<OsString>,
}

/// Give a file a new data key
#[derive(Parser, Debug, Default)]
#[command(name = "sops rotate", disable_help_flag = true, args_override_self = true)]
pub struct Rotate {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The streams.
    #[command(flatten)]
    pub streams: Streams,
    /// The formats.
    #[command(flatten)]
    pub types: Types,
    /// How it is opened.
    #[command(flatten)]
    pub opening: Opening,
    /// The changes of keys.
    #[command(flatten)]
    pub changes: KeyChanges,
    /// AWS profile of added keys
    #[arg(long)]
    pub aws_profile: Option<String>,
    /// AWS KMS encryption context of added and removed keys, k:v,k:v
    #[arg(long)]
    pub encryption_context: Option<String>,
    /// The file
    pub file: Vec<OsString>,
}

/// Bring the master keys up to date with .sops.yaml
#[derive(Parser, Debug, Default)]
#[command(name = "sops updatekeys", disable_help_flag = true, args_override_self = true)]
pub struct UpdateKeys {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The order of the keys.
    #[command(flatten)]
    pub order: Order,
    /// Format of the files: yaml, json, dotenv, ini or binary
    #[arg(long)]
    pub input_type: Option<String>,
    /// Do not ask
    #[arg(long, short = 'y', value_parser = boolean)]
    pub yes: Option<bool>,
    /// The files
    pub file: Vec<OsString>,
}

/// The name of a file that is always written in place.
#[derive(Args, Debug, Default)]
pub struct Name {
    /// Name that decides format and creation rule, instead of the file's
    #[arg(long)]
    pub filename_override: Option<String>,
}

impl Name {
    /// Returns the override, else the file's own name.
    pub fn or(&self, file: &OsStr) -> String {
        let name = self.filename_override.clone().filter(|name| !name.is_empty());
        name.unwrap_or_else(|| file.to_string_lossy().into_owned())
    }
}

/// Master keys to add to or remove from an existing file.
#[derive(Args, Debug, Default)]
pub struct KeyChanges {
    /// Age recipients to add, comma separated
    #[arg(long)]
    pub add_age: Option<String>,
    /// Age recipients to remove, comma separated
    #[arg(long)]
    pub rm_age: Option<String>,
    /// PGP fingerprints to add, comma separated
    #[arg(long)]
    pub add_pgp: Option<String>,
    /// PGP fingerprints to remove, comma separated
    #[arg(long)]
    pub rm_pgp: Option<String>,
    /// AWS KMS ARNs to add, comma separated
    #[arg(long)]
    pub add_kms: Option<String>,
    /// AWS KMS ARNs to remove, comma separated
    #[arg(long)]
    pub rm_kms: Option<String>,
    /// GCP KMS resource ids to add, comma separated
    #[arg(long)]
    pub add_gcp_kms: Option<String>,
    /// GCP KMS resource ids to remove, comma separated
    #[arg(long)]
    pub rm_gcp_kms: Option<String>,
    /// Huawei Cloud KMS key ids to add, comma separated
    #[arg(long)]
    pub add_hckms: Option<String>,
    /// Huawei Cloud KMS key ids to remove, comma separated
    #[arg(long)]
    pub rm_hckms: Option<String>,
    /// Azure Key Vault URLs to add, comma separated
    #[arg(long)]
    pub add_azure_kv: Option<String>,
    /// Azure Key Vault URLs to remove, comma separated
    #[arg(long)]
    pub rm_azure_kv: Option<String>,
    /// Vault transit key URIs to add, comma separated
    #[arg(long)]
    pub add_hc_vault_transit: Option<String>,
    /// Vault transit key URIs to remove, comma separated
    #[arg(long)]
    pub rm_hc_vault_transit: Option<String>,
}

impl KeyChanges {
    /// Returns the given lists of keys in the order of the reference: kind, end of the flag's name, what to add, what to
    /// remove.
    pub fn lists(&self) -> impl Iterator<Item = (KeyKind, &'static str, &str, &str)> {
        let all = [
            (KeyKind::Kms, "kms", &self.add_kms, &self.rm_kms),
            (KeyKind::Pgp, "pgp", &self.add_pgp, &self.rm_pgp),
            (KeyKind::GcpKms, "gcp-kms", &self.add_gcp_kms, &self.rm_gcp_kms),
            (KeyKind::HcKms, "hckms", &self.add_hckms, &self.rm_hckms),
            (KeyKind::AzureKv, "azure-kv", &self.add_azure_kv, &self.rm_azure_kv),
            (KeyKind::HcVault, "hc-vault-transit", &self.add_hc_vault_transit, &self.rm_hc_vault_transit),
            (KeyKind::Age, "age", &self.add_age, &self.rm_age),
        ];
        all.into_iter()
            .map(|(kind, flag, add, remove)| {
                (kind, flag, add.as_deref().unwrap_or_default(), remove.as_deref().unwrap_or_default())
            })
            .filter(|(_, _, add, remove)| !add.is_empty() || !remove.is_empty())
    }

    /// Tells whether any change is asked for.
    pub fn any(&self) -> bool {
        self.lists().next().is_some()
    }
}
