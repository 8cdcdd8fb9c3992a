//! `groups add` and `groups delete`.

use std::ffi::OsString;

use clap::{Args, Parser};
use sops_core::metadata::keys::KeyKind;

use super::{Common, Order, words::boolean, words::integer};

/// Add a key group
///
/// With several groups no key alone opens the file: as many groups as the threshold says are needed.
#[derive(Parser, Debug, Default)]
#[command(name = "sops groups add", disable_help_flag = true, args_override_self = true)]
#[command(override_usage = "sops groups add [OPTIONS] -f FILE --age RECIPIENT")]
pub struct GroupsAdd {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The order of the keys.
    #[command(flatten)]
    pub order: Order,
    /// The file.
    #[command(flatten)]
    pub target: GroupsTarget,
    /// Age recipient of the group, comma separated (repeatable)
    #[arg(long)]
    pub age: Vec<String>,
    /// PGP fingerprint of the group (repeatable)
    #[arg(long)]
    pub pgp: Vec<String>,
    /// AWS KMS ARN of the group (repeatable)
    #[arg(long)]
    pub kms: Vec<String>,
    /// GCP KMS resource id of the group (repeatable)
    #[arg(long)]
    pub gcp_kms: Vec<String>,
    /// Huawei Cloud KMS key id of the group, region:uuid (repeatable)
    #[arg(long)]
    pub hckms: Vec<String>,
    /// Azure Key Vault URL of the group (repeatable)
    #[arg(long)]
    pub azure_kv: Vec<String>,
    /// Vault transit key URI of the group (repeatable)
    #[arg(long)]
    pub hc_vault_transit: Vec<String>,
    /// AWS profile of these keys
    #[arg(long)]
    pub aws_profile: Option<String>,
    /// AWS KMS encryption context, k:v,k:v
    #[arg(long)]
    pub encryption_context: Option<String>,
    /// Nothing: groups add takes no argument
    #[arg(hide = true)]
    pub file: Vec<OsString>,
}

impl GroupsAdd {
    /// Returns the given keys in the order of the reference.
    pub fn lists(&self) -> [(KeyKind, &'static str, &[String]); 7] {
        [
            (KeyKind::Pgp, "pgp", &self.pgp),
            (KeyKind::Kms, "kms", &self.kms),
            (KeyKind::GcpKms, "gcp-kms", &self.gcp_kms),
            (KeyKind::HcKms, "hckms", &self.hckms),
            (KeyKind::HcVault, "hc-vault-transit", &self.hc_vault_transit),
            (KeyKind::AzureKv, "azure-kv", &self.azure_kv),
            (KeyKind::Age, "age", &self.age),
        ]
    }
}

/// Remove a key group
///
/// Groups are counted from 0.
#[derive(Parser, Debug, Default)]
#[command(name = "sops groups delete", disable_help_flag = true, args_override_self = true)]
#[command(override_usage = "sops groups delete [OPTIONS] -f FILE INDEX")]
pub struct GroupsDelete {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The order of the keys.
    #[command(flatten)]
    pub order: Order,
    /// The file.
    #[command(flatten)]
    pub target: GroupsTarget,
    /// The number of the group, from 0
    #[arg(value_name = "INDEX")]
    pub file: Vec<OsString>,
}

/// The file whose groups are changed.
#[derive(Args, Debug, Default)]
pub struct GroupsTarget {
    /// The file
    #[arg(long = "file", short = 'f', value_name = "FILE")]
    pub path: Option<OsString>,
    /// Format of the file: yaml, json, dotenv, ini or binary
    #[arg(long)]
    pub input_type: Option<String>,
    /// Write the result to the file
    #[arg(long, short = 'i', value_parser = boolean)]
    pub in_place: Option<bool>,
    /// Number of key groups needed to decrypt
    #[arg(long, value_parser = integer)]
    pub shamir_secret_sharing_threshold: Option<i64>,
}
