//! Master keys: all seven kinds as plain data, in every build.

use super::Unknown;
use crate::value::Timestamp;

/// What wraps the data key, with the wrapped key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKey {
    /// Which kind, and what names the key.
    pub kind: MasterKeyKind,
    /// The wrapped key as the key source returned it; empty before wrapping.
    pub wrapped: String,
    /// When it was wrapped; age entries have none.
    pub created_at: Option<Timestamp>,
    /// Fields of the entry that the reference does not know, as they were read.
    pub unknown: Unknown,
}

/// The kinds of master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeyKind {
    /// An age recipient.
    Age {
        /// `age1…` or an SSH public key.
        recipient: String,
    },
    /// A PGP key.
    Pgp {
        /// Fingerprint.
        fingerprint: String,
    },
    /// An AWS KMS key.
    Kms {
        /// ARN.
        arn: String,
        /// Role to assume.
        role: String,
        /// Profile.
        aws_profile: String,
        /// Encryption context; a value may be null.
        context: Vec<(String, Option<String>)>,
    },
    /// A GCP KMS key.
    GcpKms {
        /// Resource identifier.
        resource_id: String,
    },
    /// An Azure Key Vault key.
    AzureKv {
        /// Vault address.
        vault_url: String,
        /// Key name.
        name: String,
        /// Key version.
        version: String,
    },
    /// A HashiCorp Vault transit key.
    HcVault {
        /// Vault address.
        vault_address: String,
        /// Path of the engine.
        engine_path: String,
        /// Key name.
        key_name: String,
    },
    /// A Huawei Cloud KMS key.
    HcKms {
        /// `region:uuid`.
        key_id: String,
    },
}

/// The name of a kind, as `--decryption-order` and metadata use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `age`
    Age,
    /// `pgp`
    Pgp,
    /// `kms`
    Kms,
    /// `gcp_kms`
    GcpKms,
    /// `azure_kv`
    AzureKv,
    /// `hc_vault`
    HcVault,
    /// `hckms`
    HcKms,
}

impl KeyKind {
    /// All kinds, in the byte order of their field names.
    pub const ALL: [KeyKind; 7] =
        [KeyKind::Age, KeyKind::AzureKv, KeyKind::GcpKms, KeyKind::HcVault, KeyKind::HcKms, KeyKind::Kms, KeyKind::Pgp];

    /// The order inside a group after reading.
    pub(crate) const READING: [KeyKind; 7] =
        [KeyKind::Kms, KeyKind::GcpKms, KeyKind::HcKms, KeyKind::AzureKv, KeyKind::HcVault, KeyKind::Pgp, KeyKind::Age];

    /// The fields of an entry.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            KeyKind::Age => &["enc", "recipient"],
            KeyKind::AzureKv => &["created_at", "enc", "name", "vault_url", "version"],
            KeyKind::GcpKms => &["created_at", "enc", "resource_id"],
            KeyKind::HcVault => &["created_at", "enc", "engine_path", "key_name", "vault_address"],
            KeyKind::HcKms => &["created_at", "enc", "key_id"],
            KeyKind::Kms => &["arn", "aws_profile", "context", "created_at", "enc", "role"],
            KeyKind::Pgp => &["created_at", "enc", "fp"],
        }
    }

    /// The field of the metadata.
    pub fn field(self) -> &'static str {
        match self {
            KeyKind::Age => "age",
            KeyKind::Pgp => "pgp",
            KeyKind::Kms => "kms",
            KeyKind::GcpKms => "gcp_kms",
            KeyKind::AzureKv => "azure_kv",
            KeyKind::HcVault => "hc_vault",
            KeyKind::HcKms => "hckms",
        }
    }
}

impl MasterKey {
    /// A key without a wrapped key yet.
    pub fn new(kind: MasterKeyKind) -> MasterKey {
        MasterKey { kind, wrapped: String::new(), created_at: None, unknown: Unknown::default() }
    }

    /// The kind.
    pub fn kind(&self) -> KeyKind {
        match self.kind {
            MasterKeyKind::Age { .. } => KeyKind::Age,
            MasterKeyKind::Pgp { .. } => KeyKind::Pgp,
            MasterKeyKind::Kms { .. } => KeyKind::Kms,
            MasterKeyKind::GcpKms { .. } => KeyKind::GcpKms,
            MasterKeyKind::AzureKv { .. } => KeyKind::AzureKv,
            MasterKeyKind::HcVault { .. } => KeyKind::HcVault,
            MasterKeyKind::HcKms { .. } => KeyKind::HcKms,
        }
    }

    /// How the key is shown to people.
    pub fn display(&self) -> String {
        match &self.kind {
            MasterKeyKind::Age { recipient } => recipient.clone(),
            MasterKeyKind::Pgp { fingerprint } => fingerprint.clone(),
            MasterKeyKind::Kms { arn, role, aws_profile, context } => display_kms(arn, role, aws_profile, context),
            MasterKeyKind::GcpKms { resource_id } => resource_id.clone(),
            MasterKeyKind::AzureKv { vault_url, name, version } => format!("{vault_url}/keys/{name}/{version}"),
            MasterKeyKind::HcVault { vault_address, engine_path, key_name } => {
                format!("{vault_address}/v1/{engine_path}/keys/{key_name}")
            }
            MasterKeyKind::HcKms { key_id } => key_id.clone(),
        }
    }
}

/// `ARN+ROLE|CONTEXT|PROFILE` without the parts that are not there; CONTEXT stays, empty, in front of a profile.
fn display_kms(arn: &str, role: &str, profile: &str, context: &[(String, Option<String>)]) -> String {
    let mut text = arn.to_owned();
    if !role.is_empty() {
        text.push('+');
        text.push_str(role);
    }
    if !context.is_empty() || !profile.is_empty() {
        let mut context: Vec<_> = context.iter().collect();
        context.sort();
        let pairs: Vec<String> =
            context.iter().map(|(name, value)| format!("{name}:{}", value.as_deref().unwrap_or_default())).collect();
        text.push('|');
        text.push_str(&pairs.join(","));
    }
    if !profile.is_empty() {
        text.push('|');
        text.push_str(profile);
    }
    text
}
