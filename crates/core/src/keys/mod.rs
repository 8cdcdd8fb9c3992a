//! Key sources: the one joint where a data key is wrapped and unwrapped.
//!
//! The set of *kinds* is closed by the file format, the set of *implementations* is open: [`KeySource`] is used as an
//! object. A [`Keyring`] tries its sources and returns the data key or a report of everything that was tried.

#[cfg(feature = "age")]
pub mod age;

use crate::crypto::cipher::DataKey;
use crate::error::{Error, GroupReport, KeyReport};
use crate::metadata::keys::{KeyKind, MasterKey};
use crate::metadata::{KeyGroup, Metadata};
use zeroize::Zeroizing;

/// The data key, or one share of it. Zeroed when dropped.
pub struct KeyPart(Zeroizing<Vec<u8>>);

impl KeyPart {
    /// Takes the bytes.
    pub fn new(bytes: Vec<u8>) -> KeyPart {
        KeyPart(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Why a key source could not do its work. Never carries key material.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A recipient or identity that cannot be read.
    Malformed(String),
    /// A kind or form that is not built in.
    Unsupported(String),
    /// Tried, and it did not work.
    Failed(String),
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyError::Malformed(reason) | KeyError::Failed(reason) => f.write_str(reason),
            KeyError::Unsupported(what) => write!(f, "not supported yet: {what}"),
        }
    }
}

impl std::error::Error for KeyError {}

/// What a call carries beside the key: for sources that reach over a network.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallContext {
    /// Give up after this time.
    pub deadline: Option<std::time::Duration>,
    /// On whose behalf.
    pub tenant: Option<String>,
}

/// Code that can wrap and unwrap for one kind of master key.
pub trait KeySource: Send + Sync {
    /// The kind it serves.
    fn kind(&self) -> KeyKind;

    /// Wraps `part` for `key`; returns the text that is stored.
    ///
    /// # Errors
    /// [`KeyError`] if the key cannot be used.
    fn wrap(&self, key: &MasterKey, part: &KeyPart, call: &CallContext) -> Result<String, KeyError>;

    /// Unwraps what is stored for `key`; `None` if this source holds nothing that could.
    ///
    /// # Errors
    /// [`KeyError`] if it should have worked and did not.
    fn unwrap(&self, key: &MasterKey, call: &CallContext) -> Result<Option<KeyPart>, KeyError>;
}

/// An ordered set of key sources.
#[derive(Default)]
pub struct Keyring {
    sources: Vec<Box<dyn KeySource>>,
    call: CallContext,
}

impl Keyring {
    /// An empty keyring.
    pub fn new() -> Keyring {
        Keyring::default()
    }

    /// Adds a source.
    pub fn with(mut self, source: impl KeySource + 'static) -> Keyring {
        self.sources.push(Box::new(source));
        self
    }

    /// Wraps the data key for every key of every group.
    ///
    /// # Errors
    /// [`Error::Wrap`] with the first key that cannot be used.
    pub(crate) fn wrap_groups(&self, groups: &mut [KeyGroup], _threshold: usize, key: &DataKey) -> Result<(), Error> {
        let [group] = groups else {
            return Err(Error::Unsupported { what: "more than one key group".into() });
        };
        let part = KeyPart::new(key.expose().to_vec());
        for master in &mut group.keys {
            let fail = |reason: String, master: &MasterKey| Error::Wrap { key: master.display(), reason };
            let Some(source) = self.sources.iter().find(|s| s.kind() == master.kind()) else {
                return Err(fail(format!("no key source for {} is built in", master.kind().field()), master));
            };
            master.wrapped = source.wrap(master, &part, &self.call).map_err(|error| fail(error.to_string(), master))?;
        }
        Ok(())
    }

    /// Recovers the data key.
    ///
    /// # Errors
    /// [`Error::DataKey`] with every key that was tried and why it did not work.
    pub fn recover(&self, metadata: &Metadata) -> Result<DataKey, Error> {
        if metadata.groups.len() > 1 {
            return Err(Error::Unsupported { what: "files with more than one key group".into() });
        }
        let mut report = KeyReport { groups: Vec::new(), threshold: metadata.threshold };
        for group in &metadata.groups {
            let mut tried = GroupReport::default();
            for master in in_decryption_order(group) {
                match self.unwrap(master) {
                    Ok(part) => return DataKey::from_bytes(part.expose()),
                    Err(reason) => tried.keys.push((master.display(), reason)),
                }
            }
            report.groups.push(tried);
        }
        Err(Error::DataKey(report))
    }

    fn unwrap(&self, master: &MasterKey) -> Result<KeyPart, String> {
        let mut reason = None;
        for source in self.sources.iter().filter(|s| s.kind() == master.kind()) {
            match source.unwrap(master, &self.call) {
                Ok(Some(part)) => return Ok(part),
                Ok(None) => {}
                Err(error) => reason = Some(error.to_string()),
            }
        }
        Err(reason.unwrap_or_else(|| format!("no key source for {} has a key for it", master.kind().field())))
    }
}

/// age first, then PGP, then the others as they stand.
fn in_decryption_order(group: &KeyGroup) -> Vec<&MasterKey> {
    let mut keys: Vec<&MasterKey> = group.keys.iter().collect();
    keys.sort_by_key(|k| match k.kind() {
        KeyKind::Age => 0,
        KeyKind::Pgp => 1,
        _ => 2,
    });
    keys
}

#[cfg(not(feature = "age"))]
impl MasterKey {
    /// An age recipient without a wrapped key yet. This build has no age source, so its text is not looked at.
    ///
    /// # Errors
    /// None in this build.
    pub fn age(text: &str) -> Result<MasterKey, KeyError> {
        Ok(MasterKey::new(crate::metadata::keys::MasterKeyKind::Age { recipient: text.to_owned() }))
    }
}
