//! [`Decryptor`]: a keyring, a policy and limits; and how one encrypted text is opened with them.

use crate::cache::DataKeyCache;
use crate::error::{Error, ErrorKind};
use crate::keyring::Keyring;
use crate::policy::{Limits, MacPolicy, Policy, denied};
use crate::service::{CallCtx, Guarded, KeyService, Noticed, Served};
use crate::stream;
use crate::value::{TOKEN, place_of};
use sops_core::error::{KeyReport, MacCause};
use sops_core::metadata::Metadata;
use sops_core::outline::{Node, Scalar};
use sops_core::{EncryptedDocument, Error as CoreError, Format, PlainDocument};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// What the MAC said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Integrity {
    /// It covers all values, and is right.
    VerifiedAll,
    /// It covers the encrypted values, and is right: plain ones may have been changed.
    VerifiedEncryptedOnly,
    /// Nobody looked at it: the policy ignores it.
    Unverified,
}

/// Opens what is encrypted. Clones are cheap; there is no state beside the cache and a count of calls.
#[derive(Clone)]
pub struct Decryptor {
    keyring: Keyring,
    policy: Arc<Policy>,
    limits: Arc<Limits>,
    cache: Option<Arc<DataKeyCache>>,
    context: CallCtx,
    services: Vec<Arc<dyn KeyService>>,
    calls: Arc<AtomicUsize>,
}

impl Decryptor {
    /// With the default limits and without a cache.
    pub fn new(keyring: Keyring, policy: Policy) -> Decryptor {
        Decryptor {
            keyring,
            policy: Arc::new(policy),
            limits: Arc::default(),
            cache: None,
            context: CallCtx::default(),
            services: Vec::new(),
            calls: Arc::default(),
        }
    }

    /// With other limits.
    pub fn with_limits(mut self, limits: Limits) -> Decryptor {
        self.limits = Arc::new(limits);
        self
    }

    /// With a cache of data keys. The tenant of [`Decryptor::with_context`] is part of its keys.
    pub fn with_cache(mut self, cache: Arc<DataKeyCache>) -> Decryptor {
        self.cache = Some(cache);
        self
    }

    /// With a tenant, a deadline, a way to cancel.
    pub fn with_context(mut self, context: CallCtx) -> Decryptor {
        self.context = context;
        self
    }

    /// With a key service. The policy's allow-lists decide for which keys it is asked.
    pub fn with_key_service(mut self, service: Arc<dyn KeyService>) -> Decryptor {
        self.services.push(service);
        self
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The keyring.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) fn cache(&self) -> Option<&DataKeyCache> {
        self.cache.as_deref()
    }

    pub(crate) fn context(&self) -> &CallCtx {
        &self.context
    }

    /// Opens an encrypted text.
    ///
    /// # Errors
    /// In this order: text and metadata, limits and policy, keys, values, MAC.
    pub(crate) fn open(&self, format: Format, text: &[u8]) -> Result<Opened, Error> {
        self.check_time()?;
        let file = EncryptedDocument::parse(format, text).map_err(|error| unreadable(error, format))?;
        let metadata = file.metadata();
        self.check_metadata(metadata)?;
        if self.keyring.is_empty() && self.services.is_empty() {
            return Err(self.keyring.no_keys().in_flux("cannot get sops data key: no identity was imported"));
        }
        let noticed = Arc::new(Noticed::default());
        let keys = self.core_keyring(&noticed);
        let is_verified = self.policy.mac != MacPolicy::Ignore;
        let opened = match is_verified {
            true => file.decrypt(&keys),
            false => file.decrypt_ignoring_mac(&keys),
        };
        let plain = opened.map_err(|error| match error {
            CoreError::DataKey(report) => {
                noticed.error(self.limits.remote_calls).unwrap_or_else(|| self.no_key(metadata, report))
            }
            // A file without a threshold is given all parts there are, which do not fit together if one is missing.
            CoreError::Combine { .. } if noticed.opened() < needed(metadata) => {
                threshold_not_met(metadata, noticed.opened())
            }
            other => closed(other, metadata),
        })?;
        let integrity = match (is_verified, metadata.mac_only_encrypted) {
            (false, _) => Integrity::Unverified,
            (true, false) => Integrity::VerifiedAll,
            (true, true) => Integrity::VerifiedEncryptedOnly,
        };
        let last_modified = metadata.last_modified.whole_seconds();
        Ok(Opened { plain, integrity, last_modified })
    }

    /// Stops when the caller or the clock says so.
    pub(crate) fn check_time(&self) -> Result<(), Error> {
        if self.context.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        match self.context.deadline {
            Some(deadline) if std::time::Instant::now() >= deadline => {
                Err(Error::new(ErrorKind::DeadlineExceeded, "the time is over"))
            }
            _ => Ok(()),
        }
    }

    fn core_keyring(&self, noticed: &Arc<Noticed>) -> sops_core::Keyring {
        let mut keys = sops_core::Keyring::new();
        for (_, source) in self.keyring.sources() {
            keys = keys.with(Guarded { source: source.clone(), noticed: noticed.clone(), decryptor: self.clone() });
        }
        for service in &self.services {
            let (service, calls, noticed) = (service.clone(), self.calls.clone(), noticed.clone());
            keys = keys.with(Served { service, calls, noticed, decryptor: self.clone() });
        }
        keys
    }

    fn check_metadata(&self, metadata: &Metadata) -> Result<(), Error> {
        let limits = &self.limits;
        let keys: usize = metadata.groups.iter().map(|group| group.keys.len()).sum();
        if keys > limits.master_keys_per_file {
            return Err(Error::limit("wrapped keys of a file", limits.master_keys_per_file as u64));
        }
        if metadata.groups.len() > limits.key_groups {
            return Err(Error::limit("key groups of a file", limits.key_groups as u64));
        }
        let settings = &metadata.settings;
        let patterns = [
            &settings.encrypted_regex,
            &settings.unencrypted_regex,
            &settings.encrypted_comment_regex,
            &settings.unencrypted_comment_regex,
        ];
        if patterns.iter().any(|pattern| pattern.len() > limits.pattern) {
            return Err(Error::limit("size of a pattern in bytes", limits.pattern as u64));
        }
        if self.policy.mac == MacPolicy::RequireAll && metadata.mac_only_encrypted {
            return Err(denied("mac", "the MAC covers encrypted values only, the policy asks for one over all"));
        }
        let mut all = metadata.groups.iter().flat_map(|group| &group.keys);
        match all.clone().next().is_some() && all.all(|key| self.policy.keys.check(key).is_err()) {
            true => Err(denied("keys", "the policy allows none of the keys that this file is encrypted to")),
            false => Ok(()),
        }
    }

    fn no_key(&self, metadata: &Metadata, report: KeyReport) -> Error {
        let tried = report.groups.iter().flat_map(|group| &group.keys);
        let details: Vec<String> = tried.map(|(key, reason)| format!("{key}: {reason}")).collect();
        let flux = format!("cannot get sops data key: {}", details.join("; "));
        let groups = metadata.groups.len();
        if groups > 1 {
            let got = report.groups.iter().filter(|group| group.recovered).count();
            return threshold_not_met(metadata, got).detailed(details).in_flux(flux);
        }
        let keys = metadata.groups.iter().flat_map(|group| &group.keys);
        let wanted: Vec<String> = keys.map(|key| key.display()).collect();
        let have = self.keyring.recipients().to_vec();
        let some = |names: &[String]| {
            let shown: Vec<String> = names.iter().take(5).map(|name| shortened(name)).collect();
            match names.len() {
                0 => "none".to_owned(),
                count if count > shown.len() => format!("{} and {} more", shown.join(", "), count - shown.len()),
                _ => shown.join(", "),
            }
        };
        let message = format!("no key opens it: it is encrypted to {}; the keyring has {}", some(&wanted), some(&have));
        let is_here = wanted.iter().any(|key| have.iter().any(|other| other.eq_ignore_ascii_case(key)));
        let message = match is_here {
            true => format!("{message}: the key that is there cannot be used here, see the report"),
            false => message,
        };
        Error::new(ErrorKind::NoMatchingKey { wanted, have }, message)
            .detailed(details)
            .hinted("add the identity to the decryption Secret, or `sops updatekeys` with its recipient")
            .in_flux(flux)
    }
}

impl fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryptor").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}

/// A name that fits into a line: hybrid recipients have two thousand characters.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// How many key groups are needed: without a number all of them.
fn needed(metadata: &Metadata) -> usize {
    if metadata.threshold == 0 { metadata.groups.len() } else { metadata.threshold }
}

fn threshold_not_met(metadata: &Metadata, got: usize) -> Error {
    let (need, groups) = (needed(metadata), metadata.groups.len());
    let message = format!("{got} of {groups} key groups could be opened, {need} are needed");
    let error = Error::new(ErrorKind::ThresholdNotMet { need, got, groups }, message.clone());
    error.in_flux(format!("cannot get sops data key: {message}"))
}

/// A text that was opened.
pub(crate) struct Opened {
    pub plain: PlainDocument,
    pub integrity: Integrity,
    pub last_modified: String,
}

/// How Flux calls a format.
pub(crate) fn flux_format_name(format: Format) -> &'static str {
    match format {
        Format::Yaml => "YAML",
        Format::Json => "JSON",
        Format::Ini => "INI",
        Format::Dotenv => "dotenv",
        Format::Binary => "binary",
    }
}

/// A text that does not load.
fn unreadable(error: CoreError, format: Format) -> Error {
    let flux = format!("failed to load encrypted {} data: {error}", flux_format_name(format));
    let error = match error {
        CoreError::Metadata { .. }
        | CoreError::NotEncrypted
        | CoreError::SelectorConflict
        | CoreError::Selector { .. } => Error::new(ErrorKind::Metadata, error.to_string()),
        other => stream::unreadable(other),
    };
    error.in_flux(flux)
}

/// A text that does not open, for another reason than its keys.
fn closed(error: CoreError, metadata: &Metadata) -> Error {
    let text = error.to_string();
    match error {
        CoreError::Leaf { path, cause } => {
            let origin = crate::error::Origin::default().at_path(place_of(&path));
            let flux = "error decrypting sops tree: Error walking tree: Could not decrypt value";
            let error = Error::new(ErrorKind::CiphertextInvalid, cause.to_string()).in_flux(format!("{flux}: {cause}"));
            error.hinted("restore the file from version control").at(&origin)
        }
        CoreError::Combine { .. } => {
            Error::new(ErrorKind::CiphertextInvalid, text.clone()).in_flux(format!("cannot get sops data key: {text}"))
        }
        CoreError::Mac(MacCause::Missing) => Error::new(ErrorKind::MacMissing, "the file has no MAC")
            .in_flux("failed to verify sops data integrity: no MAC"),
        CoreError::Mac(_) => mac_mismatch(metadata.mac_only_encrypted),
        CoreError::Limit { what, max } => Error::limit(what, max),
        CoreError::Tree { .. } => Error::new(ErrorKind::UnsupportedFormat, text),
        _ => Error::new(ErrorKind::Internal, text),
    }
}

fn mac_mismatch(only_encrypted: bool) -> Error {
    // Every encrypted value opened before the MAC was compared.
    let message = match only_encrypted {
        false => {
            "MAC mismatch: each encrypted value is genuine, but values were added, removed, reordered or blanked, or a \
             plain field was changed outside sops"
        }
        true => "MAC mismatch: each encrypted value is genuine, but some were added, removed, reordered or blanked",
    };
    let hint = match only_encrypted {
        false => "restore the file; if a tool changes plain fields (an image tag), encrypt with mac_only_encrypted",
        true => "restore the file from version control",
    };
    let flux = "failed to verify sops data integrity: expected mac to match";
    Error::new(ErrorKind::MacMismatch { only_encrypted }, message).hinted(hint).in_flux(flux)
}

/// How many values of a text are ciphertext.
pub(crate) fn count_tokens(plain: &PlainDocument) -> usize {
    let texts = plain.texts();
    let is_token = |node: &Node| match node {
        Node::Leaf(Scalar::Str(text)) => text.bytes(texts).starts_with(TOKEN.as_bytes()),
        _ => false,
    };
    plain.outline().items.iter().filter(|item| is_token(&item.node)).count()
}
