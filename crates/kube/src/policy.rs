//! What is accepted, and how much of it.
//!
//! Three presets: what Flux does, what we recommend, and what a cluster with hostile tenants wants. Limits hold under each
//! of them and are applied while reading, before a build sees the text.

use crate::error::{Error, ErrorKind};
use crate::key_policy::KeyPolicy;
use std::time::Duration;

/// What happens to something that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Allow,
    /// It passes with a warning.
    Warn,
    /// It is an error.
    Deny,
}

/// What is asked of the MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacPolicy {
    /// It must cover all values.
    RequireAll,
    /// It must be there, over all values or the encrypted ones.
    RequireAny,
    /// Nothing, like Flux.
    Ignore,
}

/// Where encrypted files inside objects are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nested {
    /// `data` of Secrets.
    SecretData,
    /// `data` and `stringData` of Secrets, `data` and `binaryData` of ConfigMaps.
    AllStringMaps,
    /// Nowhere.
    Off,
}

/// What is mended on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixups {
    /// Nothing: what the API server would refuse is an error.
    None,
    /// Numbers and booleans under `stringData` become text.
    StringifyScalars,
}

/// What selection rules must and must not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectorPolicy {
    /// Refuses files whose `apiVersion`, `kind` or `metadata` are encrypted.
    pub plain_identity: bool,
    /// Refuses anchors, aliases, tags and merge keys in encrypted manifests, which readers understand differently.
    pub plain_syntax: bool,
}

/// What is accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// What is asked of the MAC.
    pub mac: MacPolicy,
    /// A v1 Secret with values and without a block.
    pub unencrypted_secret: Verdict,
    /// Ciphertext that is left over.
    pub residual_ciphertext: Verdict,
    /// A `sops` field that is left over.
    pub undecrypted_sops: Verdict,
    /// A decrypted Secret value without a character.
    pub empty_secret_value: Verdict,
    /// Plain documents in a stream with encrypted ones.
    pub mixed_streams: Verdict,
    /// Whether `kustomize.toolkit.fluxcd.io/decrypt: disabled` counts.
    pub honour_disable_annotation: bool,
    /// A decrypted value of eight characters or more that stands outside a Secret after the build.
    pub escaped_value: Verdict,
    /// Where encrypted files inside objects are looked for.
    pub nested: Nested,
    /// What is mended on the way.
    pub fixups: Fixups,
    /// What selection rules must and must not do.
    pub selectors: SelectorPolicy,
    /// Which master keys may be used.
    pub keys: KeyPolicy,
    /// Whether Flux's rules hold where they differ: formats by name, one object at a time, its order of steps.
    pub(crate) is_flux: bool,
}

impl Policy {
    /// What Flux does: no MAC, formats by name, no look at what is left over beside its guard for Secrets.
    pub fn flux_compat() -> Policy {
        Policy {
            mac: MacPolicy::Ignore,
            residual_ciphertext: Verdict::Allow,
            undecrypted_sops: Verdict::Allow,
            nested: Nested::SecretData,
            is_flux: true,
            ..Policy::recommended()
        }
    }

    /// Verified before the build; nothing encrypted is left over.
    pub fn recommended() -> Policy {
        Policy {
            mac: MacPolicy::RequireAny,
            unencrypted_secret: Verdict::Allow,
            residual_ciphertext: Verdict::Deny,
            undecrypted_sops: Verdict::Deny,
            empty_secret_value: Verdict::Allow,
            mixed_streams: Verdict::Allow,
            honour_disable_annotation: true,
            escaped_value: Verdict::Allow,
            nested: Nested::AllStringMaps,
            fixups: Fixups::None,
            selectors: SelectorPolicy::default(),
            keys: KeyPolicy::default(),
            is_flux: false,
        }
    }

    /// For hostile tenants: every Secret encrypted, allow-lists mandatory, one way to write a manifest.
    pub fn locked_down(keys: KeyPolicy) -> Policy {
        Policy {
            unencrypted_secret: Verdict::Deny,
            empty_secret_value: Verdict::Deny,
            mixed_streams: Verdict::Deny,
            escaped_value: Verdict::Deny,
            honour_disable_annotation: false,
            selectors: SelectorPolicy { plain_identity: true, plain_syntax: true },
            keys: KeyPolicy { is_mandatory: true, ..keys },
            ..Policy::recommended()
        }
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::recommended()
    }
}

/// How much is accepted. Sizes are in bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// One file or stream.
    pub file: u64,
    /// All files of a tree.
    pub total_bytes: u64,
    /// Files of a tree.
    pub files: usize,
    /// Documents of a stream.
    pub documents_per_file: usize,
    /// Nested mappings and lists.
    pub depth: usize,
    /// Nodes once aliases are written out.
    pub nodes_after_aliases: usize,
    /// Aliases of a stream.
    pub aliases: usize,
    /// One scalar.
    pub scalar: usize,
    /// Wrapped keys of a file.
    pub master_keys_per_file: usize,
    /// Key groups of a file.
    pub key_groups: usize,
    /// Calls of one decryptor to key services.
    pub remote_calls: usize,
    /// A regular expression of a file.
    pub pattern: usize,
    /// A whole tree.
    pub wall_clock: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            file: 5 << 20,
            total_bytes: 64 << 20,
            files: 10_000,
            documents_per_file: 1_000,
            depth: 100,
            nodes_after_aliases: 1_000_000,
            aliases: 10_000,
            scalar: 4 << 20,
            master_keys_per_file: 100,
            key_groups: 16,
            remote_calls: 500,
            pattern: 64 << 10,
            wall_clock: Duration::from_secs(60),
        }
    }
}

impl Limits {
    pub(crate) fn check_file(&self, size: u64) -> Result<(), Error> {
        if size <= self.file {
            return Ok(());
        }
        let text = format!("cannot decrypt file with size ({size} bytes) exceeding limit ({})", self.file);
        Err(Error::limit("size of a file in bytes", self.file).in_flux(text))
    }
}

/// A thing that a policy has a verdict on: an error, or a warning.
pub(crate) fn judge(verdict: Verdict, error: impl FnOnce() -> Error, warnings: &mut Vec<Error>) -> Result<(), Error> {
    match verdict {
        Verdict::Allow => Ok(()),
        Verdict::Warn => {
            warnings.push(error());
            Ok(())
        }
        Verdict::Deny => Err(error()),
    }
}

/// The refusal of a rule of the policy.
pub(crate) fn denied(rule: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::PolicyDenied { rule }, message)
}
