//! A keyring from the entries of a decryption Secret, and a report of what became of each entry.
//!
//! The name of an entry decides what it is, as for Flux: `*.agekey`, `*.asc` and four exact names. Everything else is
//! ignored, but not in silence: an entry that looks like a key under a wrong name is the most frequent mistake there is.

mod age;
mod cloud;
mod gpg;

use crate::error::{Error, ErrorKind};
pub use gpg::GpgProgram;
use sha2::{Digest as _, Sha256};
use sops_core::keys::{CallContext, KeyError, KeyPart, KeySource};
use sops_core::metadata::keys::{KeyKind, MasterKey};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode {
    /// As Flux reads them: blanks around a line are an error, other entries are ignored in silence.
    FluxCompat,
    /// Byte order marks and blanks are dropped; ignored entries are reported with a hint.
    Recommended,
    /// Like `Recommended`, and an unknown entry is an error.
    Strict,
}

/// How entries are read, and what is refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportOptions {
    /// How entries are read.
    pub mode: ImportMode,
    /// The `namespace/name` of the Secret, for messages.
    pub secret: String,
    /// Further names that hold age identities, such as `keys.txt`.
    pub extra_age_names: Vec<String>,
    /// Takes cloud entries that make the identity of the node or a program of the writer's choice do the work.
    pub allow_scoped_identities: bool,
    /// The program that opens what is encrypted to an OpenPGP key. Without one such keys are known by name only: nothing is
    /// ever started that code did not ask for.
    pub gpg: Option<GpgProgram>,
    /// The size of an entry.
    pub max_entry_bytes: usize,
    /// The number of entries.
    pub max_entries: usize,
}

impl ImportOptions {
    /// As we recommend.
    pub fn recommended() -> ImportOptions {
        ImportOptions {
            mode: ImportMode::Recommended,
            secret: String::new(),
            extra_age_names: Vec::new(),
            allow_scoped_identities: false,
            gpg: None,
            max_entry_bytes: 1 << 20,
            max_entries: 64,
        }
    }

    /// As Flux.
    pub fn flux() -> ImportOptions {
        ImportOptions { mode: ImportMode::FluxCompat, allow_scoped_identities: true, ..ImportOptions::recommended() }
    }

    /// Names the Secret for messages.
    pub fn of_secret(mut self, namespace: &str, name: &str) -> ImportOptions {
        self.secret = format!("{namespace}/{name}");
        self
    }
}

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        ImportOptions::recommended()
    }
}

/// Why an entry may have been meant as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Its content is an age identity: the name must end in `.agekey`.
    LooksLikeAgeIdentity,
    /// Its content is an OpenPGP key: the name must end in `.asc`.
    LooksLikePgpKey,
    /// Its name is almost this one.
    NearMissName(&'static str),
}

impl Hint {
    /// The name, as it stands in this enum.
    pub fn name(self) -> &'static str {
        match self {
            Hint::LooksLikeAgeIdentity => "LooksLikeAgeIdentity",
            Hint::LooksLikePgpKey => "LooksLikePgpKey",
            Hint::NearMissName(_) => "NearMissName",
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hint::LooksLikeAgeIdentity => f.write_str("looks like an age identity, its name must end in .agekey"),
            Hint::LooksLikePgpKey => f.write_str("looks like an OpenPGP key, its name must end in .asc"),
            Hint::NearMissName(name) => write!(f, "is ignored, its name must be {name}"),
        }
    }
}

/// An entry that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedEntry {
    /// Its name.
    pub name: String,
    /// The public names of its keys: age recipients, fingerprints; none for tokens and credentials.
    pub recipients: Vec<String>,
}

/// An entry that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredEntry {
    /// Its name.
    pub name: String,
    /// Why it may have been meant as a key.
    pub hint: Option<Hint>,
}

/// What someone should know about an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportWarning {
    /// Nothing in it opens anything.
    Empty,
}

/// What became of each entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Entries that were used, sorted by name.
    pub used: Vec<UsedEntry>,
    /// Entries that were not, sorted by name.
    pub ignored: Vec<IgnoredEntry>,
    /// What someone should know.
    pub warnings: Vec<ImportWarning>,
}

/// A keyring, and what became of each entry.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The keyring.
    pub keyring: Keyring,
    /// What became of each entry.
    pub report: ImportReport,
}

impl Imported {
    /// Returns the keyring, unless nothing in it opens anything.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeys`], with the entries that look like a key under a wrong name.
    pub fn require_non_empty(self) -> Result<Keyring, Error> {
        match self.report.warnings.contains(&ImportWarning::Empty) {
            true => Err(self.keyring.no_keys()),
            false => Ok(self.keyring),
        }
    }
}

/// An entry that is kept as it is, for a key source that the embedding program brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloudEntry {
    /// `sops.vault-token`
    VaultToken,
    /// `sops.aws-kms`
    AwsKms,
    /// `sops.azure-kv`
    AzureKv,
    /// `sops.gcp-kms`
    GcpKms,
}

impl CloudEntry {
    const ALL: [CloudEntry; 4] = [CloudEntry::VaultToken, CloudEntry::AwsKms, CloudEntry::AzureKv, CloudEntry::GcpKms];

    /// The exact name of the entry.
    pub fn name(self) -> &'static str {
        match self {
            CloudEntry::VaultToken => "sops.vault-token",
            CloudEntry::AwsKms => "sops.aws-kms",
            CloudEntry::AzureKv => "sops.azure-kv",
            CloudEntry::GcpKms => "sops.gcp-kms",
        }
    }
}

/// Keys of one tenant. Clones share them; they are zeroed with the last one. `Debug` shows public names only.
#[derive(Clone, Default)]
pub struct Keyring(Arc<Inner>);

#[derive(Default)]
struct Inner {
    sources: Vec<(KeyKind, Arc<dyn KeySource>)>,
    /// The public name of every key.
    recipients: Vec<String>,
    cloud: BTreeMap<CloudEntry, Arc<Zeroizing<Vec<u8>>>>,
    /// Entries that were not used, with the reason why they look like a key.
    misnamed: Vec<(String, Hint)>,
}

impl Keyring {
    /// Reads the entries of a decryption Secret: all of them, or nothing.
    ///
    /// Entries are read in the order of their names. No environment, no home directory, no program, no network.
    ///
    /// # Errors
    /// [`ErrorKind::KeyImport`] with the first entry that cannot be used; [`ErrorKind::LimitExceeded`].
    pub fn from_entries<'e>(
        entries: impl IntoIterator<Item = (&'e str, &'e [u8])>,
        options: &ImportOptions,
    ) -> Result<Imported, Error> {
        let entries: BTreeMap<&str, &[u8]> = entries.into_iter().collect();
        if entries.len() > options.max_entries {
            return Err(Error::limit("entries of the decryption Secret", options.max_entries as u64));
        }
        let mut inner = Inner::default();
        let mut report = ImportReport::default();
        for (name, value) in entries {
            if value.len() > options.max_entry_bytes {
                return Err(Error::limit("size of an entry in bytes", options.max_entry_bytes as u64));
            }
            match inner.import(name, value, options).map_err(|fault| fault.into_error(name, options))? {
                Some(recipients) => report.used.push(UsedEntry { name: name.to_owned(), recipients }),
                None => report.ignored.push(inner.ignored(name, value, options)?),
            }
        }
        if inner.is_empty() && options.mode != ImportMode::FluxCompat {
            report.warnings.push(ImportWarning::Empty);
        }
        Ok(Imported { keyring: Keyring(Arc::new(inner)), report })
    }

    /// A keyring of one key source of the embedding program, with the public names of its keys.
    pub fn of_source(source: impl KeySource + 'static, recipients: Vec<String>) -> Keyring {
        let source: Arc<dyn KeySource> = Arc::new(source);
        Keyring(Arc::new(Inner { sources: vec![(source.kind(), source)], recipients, ..Inner::default() }))
    }

    /// Both keyrings; entries of this one go first.
    pub fn merge(&self, other: &Keyring) -> Keyring {
        let mut inner = Inner {
            sources: self.0.sources.clone(),
            recipients: self.0.recipients.clone(),
            cloud: other.0.cloud.clone(),
            misnamed: [self.0.misnamed.clone(), other.0.misnamed.clone()].concat(),
        };
        inner.sources.extend(other.0.sources.iter().cloned());
        inner.recipients.extend(other.0.recipients.iter().filter(|r| !self.0.recipients.contains(r)).cloned());
        inner.cloud.extend(self.0.cloud.iter().map(|(entry, value)| (*entry, value.clone())));
        Keyring(Arc::new(inner))
    }

    /// The public name of every key: age recipients, PGP fingerprints.
    pub fn recipients(&self) -> &[String] {
        &self.0.recipients
    }

    /// The kinds of key that can be used.
    pub fn kinds(&self) -> Vec<KeyKind> {
        KeyKind::ALL.into_iter().filter(|kind| self.0.sources.iter().any(|(k, _)| k == kind)).collect()
    }

    /// An entry for a key source of the embedding program.
    pub fn cloud_entry(&self, entry: CloudEntry) -> Option<&[u8]> {
        self.0.cloud.get(&entry).map(|value| value.as_slice())
    }

    /// A hash of the public names and of what no public name stands for: what a cache and a watcher compare.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut recipients: Vec<&str> = self.0.recipients.iter().map(String::as_str).collect();
        recipients.sort_unstable();
        for recipient in recipients {
            hash.update(recipient.as_bytes());
            hash.update([0]);
        }
        for (entry, value) in &self.0.cloud {
            hash.update(entry.name().as_bytes());
            hash.update(Sha256::digest(value.as_slice()));
        }
        hash.finalize().into()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn sources(&self) -> &[(KeyKind, Arc<dyn KeySource>)] {
        &self.0.sources
    }

    pub(crate) fn no_keys(&self) -> Error {
        let message = "the decryption Secret holds no key";
        let misnamed = self.0.misnamed.iter();
        let misnamed: Vec<String> = misnamed.map(|(name, hint)| format!("the entry {name} {hint}")).collect();
        let message = match misnamed.is_empty() {
            true => message.to_owned(),
            false => format!("{message}: {}", misnamed.join("; ")),
        };
        Error::new(ErrorKind::NoKeys, message).hinted("store the identity under a name that ends in .agekey")
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("recipients", &self.0.recipients).finish_non_exhaustive()
    }
}

/// Why an entry cannot be used: for our words, and in those of Flux.
struct Fault {
    reason: String,
    flux: String,
}

impl Fault {
    fn new(reason: impl Into<String>, flux: impl Into<String>) -> Fault {
        Fault { reason: reason.into(), flux: flux.into() }
    }

    fn into_error(self, entry: &str, options: &ImportOptions) -> Error {
        let secret = &options.secret;
        let flux = format!("failed to import '{entry}' data from sops decryption Secret '{secret}': {}", self.flux);
        let secret = if secret.is_empty() { "the decryption Secret" } else { secret };
        let message = format!("{secret}: the entry {entry} cannot be used: {}", self.reason);
        Error::new(ErrorKind::KeyImport { entry: entry.to_owned() }, message).in_flux(flux)
    }
}

impl Inner {
    fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.cloud.is_empty()
    }

    /// Takes an entry; `None` if its name is that of no key.
    fn import(&mut self, name: &str, value: &[u8], options: &ImportOptions) -> Result<Option<Vec<String>>, Fault> {
        let extension = name.rfind('.').map_or("", |dot| &name[dot..]);
        if extension == ".agekey" || options.extra_age_names.iter().any(|n| n == name) {
            return self.import_age(value, options).map(Some);
        }
        if extension == ".asc" {
            return self.import_pgp(value, options).map(Some);
        }
        let Some(entry) = CloudEntry::ALL.into_iter().find(|e| e.name() == name) else { return Ok(None) };
        let value = cloud::read(entry, value, options)?;
        self.cloud.insert(entry, Arc::new(value));
        Ok(Some(Vec::new()))
    }

    fn import_age(&mut self, value: &[u8], options: &ImportOptions) -> Result<Vec<String>, Fault> {
        let identities = age::read(value, options)?;
        let recipients = identities.recipients();
        let is_known = recipients.len() == identities.len() && recipients.iter().all(|r| self.recipients.contains(r));
        if !is_known {
            self.recipients
                .extend(recipients.iter().filter(|r| !self.recipients.contains(r)).cloned().collect::<Vec<_>>());
            self.sources.push((KeyKind::Age, Arc::new(identities)));
        }
        Ok(recipients)
    }

    fn import_pgp(&mut self, value: &[u8], options: &ImportOptions) -> Result<Vec<String>, Fault> {
        let Some(fingerprints) = crate::openpgp::secret_keys(value) else {
            return Err(Fault::new("it is no OpenPGP key ring", "failed to import"));
        };
        if !fingerprints.is_empty() {
            self.recipients.extend(fingerprints.iter().cloned());
            let source: Arc<dyn KeySource> = match &options.gpg {
                Some(gpg) => Arc::new(gpg::PgpKeys::new(gpg.clone(), value)),
                None => Arc::new(NoProgram),
            };
            self.sources.push((KeyKind::Pgp, source));
        }
        Ok(fingerprints)
    }

    fn ignored(&mut self, name: &str, value: &[u8], options: &ImportOptions) -> Result<IgnoredEntry, Error> {
        let hint = match options.mode {
            ImportMode::FluxCompat => None,
            ImportMode::Recommended | ImportMode::Strict => hint(name, value),
        };
        if options.mode == ImportMode::Strict {
            let reason = hint.map_or_else(|| "its name is that of no key".to_owned(), |h| h.to_string());
            return Err(Fault::new(reason, "unknown entry").into_error(name, options));
        }
        self.misnamed.extend(hint.map(|hint| (name.to_owned(), hint)));
        Ok(IgnoredEntry { name: name.to_owned(), hint })
    }
}

fn hint(name: &str, value: &[u8]) -> Option<Hint> {
    let lines = || value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    if lines().any(|l| l.starts_with(b"AGE-SECRET-KEY-") || l.starts_with(b"AGE-PLUGIN-")) {
        return Some(Hint::LooksLikeAgeIdentity);
    }
    if lines().any(|l| l.starts_with(b"-----BEGIN PGP PRIVATE KEY")) {
        return Some(Hint::LooksLikePgpKey);
    }
    if crate::openpgp::secret_keys(value).is_some_and(|keys| !keys.is_empty()) {
        return Some(Hint::LooksLikePgpKey);
    }
    let name = name.to_ascii_lowercase();
    let near = |entry: &CloudEntry| {
        let extension = entry.name().trim_start_matches("sops.");
        name.replace(['_', '.'], "-").contains(extension)
    };
    CloudEntry::ALL.into_iter().find(near).map(|entry| Hint::NearMissName(entry.name()))
}

/// OpenPGP keys that are known by name, and no program that could use them.
struct NoProgram;

impl KeySource for NoProgram {
    fn kind(&self) -> KeyKind {
        KeyKind::Pgp
    }

    fn wrap(&self, _: &MasterKey, _: &KeyPart, _: &CallContext) -> Result<String, KeyError> {
        Err(KeyError::Unsupported("encrypting".into()))
    }

    fn unwrap(&self, _: &MasterKey, _: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        Err(KeyError::Unsupported("OpenPGP keys, without a gpg program in the options of the import".into()))
    }
}

#[cfg(test)]
mod tests;
