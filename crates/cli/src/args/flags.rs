//! Flags that several commands share, in groups.

use std::ffi::OsString;

use clap::Args;

use super::words::{boolean, integer};

/// Flags that any command takes.
#[derive(Args, Debug, Default)]
pub struct Common {
    /// Configuration file; no search for .sops.yaml [$SOPS_CONFIG]
    #[arg(long)]
    pub config: Option<OsString>,
    /// Spaces of new YAML and JSON text
    #[arg(long, value_parser = integer)]
    pub indent: Option<i64>,
    /// Do not keep how values are written where a token cannot (0x1F, folded text, aliases)
    #[arg(long, value_parser = boolean)]
    pub no_spelling: Option<bool>,
    /// Say more on standard error
    #[arg(long, value_parser = boolean)]
    pub verbose: Option<bool>,
    /// Say nothing on standard error but failures
    #[arg(long, value_parser = boolean)]
    pub quiet: Option<bool>,
    /// Use the key sources of this process (default true) [$SOPS_ENABLE_LOCAL_KEYSERVICE]
    #[arg(long, value_parser = boolean)]
    pub enable_local_keyservice: Option<bool>,
    /// Also ask this key service, PROTOCOL://ADDRESS (repeatable) [$SOPS_KEYSERVICE]
    #[arg(long)]
    pub keyservice: Vec<String>,
}

/// Where the result goes.
#[derive(Args, Debug, Default)]
pub struct Streams {
    /// Write the result to the input file
    #[arg(long, short = 'i', value_parser = boolean)]
    pub in_place: Option<bool>,
    /// Write the result to this file
    #[arg(long)]
    pub output: Option<OsString>,
    /// Name that decides format and creation rule, instead of the file's
    #[arg(long)]
    pub filename_override: Option<String>,
    /// Whether a flag stands between the files.
    #[arg(skip)]
    pub are_files_apart: bool,
}

/// Formats.
#[derive(Args, Debug, Default)]
pub struct Types {
    /// Format of the input: yaml, json, dotenv, ini or binary
    #[arg(long)]
    pub input_type: Option<String>,
    /// Format of the output
    #[arg(long)]
    pub output_type: Option<String>,
}

/// Master keys of a new file.
#[derive(Args, Debug, Default)]
pub struct Keys {
    /// Age recipients, comma separated [$SOPS_AGE_RECIPIENTS]
    #[arg(long, short = 'a')]
    pub age: Option<String>,
    /// PGP fingerprints, comma separated [$SOPS_PGP_FP]
    #[arg(long, short = 'p')]
    pub pgp: Option<String>,
    /// AWS KMS ARNs, comma separated [$SOPS_KMS_ARN]
    #[arg(long, short = 'k')]
    pub kms: Option<String>,
    /// AWS profile of these keys
    #[arg(long)]
    pub aws_profile: Option<String>,
    /// AWS KMS encryption context, k:v,k:v
    #[arg(long)]
    pub encryption_context: Option<String>,
    /// GCP KMS resource ids, comma separated [$SOPS_GCP_KMS_IDS]
    #[arg(long)]
    pub gcp_kms: Option<String>,
    /// Huawei Cloud KMS key ids, region:uuid, comma separated [$SOPS_HUAWEICLOUD_KMS_IDS]
    #[arg(long)]
    pub hckms: Option<String>,
    /// Azure Key Vault URLs, comma separated [$SOPS_AZURE_KEYVAULT_URLS]
    #[arg(long)]
    pub azure_kv: Option<String>,
    /// Vault transit key URIs, comma separated [$SOPS_VAULT_URIS]
    #[arg(long)]
    pub hc_vault_transit: Option<String>,
    /// Number of key groups needed to decrypt
    #[arg(long, value_parser = integer)]
    pub shamir_secret_sharing_threshold: Option<i64>,
}

/// What a new file encrypts; at most one of the six.
#[derive(Args, Debug, Default)]
pub struct Selection {
    /// Leave keys with this suffix in clear
    #[arg(long)]
    pub unencrypted_suffix: Option<String>,
    /// Encrypt only keys with this suffix
    #[arg(long)]
    pub encrypted_suffix: Option<String>,
    /// Leave keys that match in clear
    #[arg(long)]
    pub unencrypted_regex: Option<String>,
    /// Encrypt only keys that match
    #[arg(long)]
    pub encrypted_regex: Option<String>,
    /// Leave values below a matching comment in clear
    #[arg(long)]
    pub unencrypted_comment_regex: Option<String>,
    /// Encrypt only values below a matching comment
    #[arg(long)]
    pub encrypted_comment_regex: Option<String>,
    /// Compute the MAC over encrypted values only
    #[arg(long, value_parser = boolean)]
    pub mac_only_encrypted: Option<bool>,
    /// Go on where the selection encrypts nothing
    #[arg(long, value_parser = boolean)]
    pub allow_nothing_encrypted: Option<bool>,
}

/// How a file is opened.
#[derive(Args, Debug, Default)]
pub struct Opening {
    /// Do not verify the MAC
    #[arg(long, value_parser = boolean)]
    pub ignore_mac: Option<bool>,
    /// The order of the keys.
    #[command(flatten)]
    pub order: Order,
}

/// Which keys are tried first.
#[derive(Args, Clone, Debug, Default)]
pub struct Order {
    /// Kinds of master key in the order to try, comma separated [$SOPS_DECRYPTION_ORDER]
    #[arg(long)]
    pub decryption_order: Option<String>,
}
