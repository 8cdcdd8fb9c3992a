//! Key sources: the one joint where a data key is wrapped and unwrapped.
//!
//! The set of *kinds* is closed by the file format, the set of *implementations* is open: [`KeySource`] is used as an
//! object. A [`Keyring`] tries its sources and returns the data key or a report of everything that was tried.

#[cfg(feature = "age")]
pub mod age;
mod person;
#[cfg(feature = "pgp")]
pub mod pgp;
#[cfg(feature = "pgp-native")]
mod pgp_native;
#[cfg(any(feature = "pgp", feature = "age-plugin"))]
pub mod program;
pub mod testing;

pub use person::{Nobody, Person, Protected, Surroundings, Variables};

use crate::crypto::cipher::DataKey;
use crate::crypto::shamir;
use crate::error::{Error, GroupReport, KeyReport};
use crate::metadata::keys::{KeyKind, MasterKey};
use crate::metadata::{KeyGroup, Metadata};
use crate::value::Timestamp;
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
pub struct Keyring {
    sources: Vec<Box<dyn KeySource>>,
    order: Vec<KeyKind>,
    call: CallContext,
    now: Option<Timestamp>,
}

impl Default for Keyring {
    fn default() -> Self {
        Keyring {
            sources: Vec::new(),
            order: vec![KeyKind::Age, KeyKind::Pgp],
            call: CallContext::default(),
            now: None,
        }
    }
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

    /// Tries keys of these kinds first when a data key is recovered, in this order; other kinds follow as they stand in
    /// the file. Without this call: age, then PGP.
    pub fn in_order(mut self, kinds: &[KeyKind]) -> Keyring {
        self.order = kinds.to_vec();
        self
    }

    /// Says what time it is, for the metadata of keys that are new. Without this call they get the time of the file's MAC.
    pub fn at(mut self, unix_seconds: i64) -> Keyring {
        self.now = Some(Timestamp::from_unix_seconds(unix_seconds));
        self
    }

    /// Wraps the data key for every key of every group, and returns the threshold that was used: `threshold`, or for
    /// several groups and 0 all of them. With several groups each gets one share.
    ///
    /// # Errors
    /// [`Error::Wrap`] with the first key that cannot be used; [`Error::Split`] for a threshold that is none.
    pub(crate) fn wrap_groups(&self, groups: &mut [KeyGroup], threshold: usize, key: &DataKey) -> Result<usize, Error> {
        if let [group] = groups {
            self.wrap_group(group, &KeyPart::new(key.expose().to_vec()))?;
            return Ok(threshold);
        }
        let threshold = if threshold == 0 { groups.len() } else { threshold };
        let shares = shamir::split(key.expose(), groups.len(), threshold)
            .map_err(|error| Error::Split { reason: error.to_string() })?;
        for (group, share) in groups.iter_mut().zip(shares) {
            self.wrap_group(group, &KeyPart(share))?;
        }
        Ok(threshold)
    }

    fn wrap_group(&self, group: &mut KeyGroup, part: &KeyPart) -> Result<(), Error> {
        for master in &mut group.keys {
            let fail = |reason: String, master: &MasterKey| Error::Wrap { key: master.display(), reason };
            let Some(source) = self.sources.iter().find(|s| s.kind() == master.kind()) else {
                return Err(fail(not_built_in(master.kind()), master));
            };
            master.wrapped = source.wrap(master, part, &self.call).map_err(|error| fail(error.to_string(), master))?;
            // An age entry has no such field.
            if master.kind() != KeyKind::Age {
                master.created_at = master.created_at.or(self.now);
            }
        }
        Ok(())
    }

    /// Recovers the data key: from any key of the only group, or from the shares of enough groups.
    ///
    /// Groups are tried in the order of the file, until there are as many shares as the threshold asks for (at least
    /// two). A file without a threshold is given all it has.
    ///
    /// # Errors
    /// [`Error::DataKey`] with every key that was tried and why it did not work; [`Error::Combine`] for shares that
    /// belong together in no way.
    pub fn recover(&self, metadata: &Metadata) -> Result<DataKey, Error> {
        let mut report = KeyReport { groups: Vec::new(), threshold: metadata.threshold };
        if let [group] = &metadata.groups[..] {
            let mut data_key = None;
            report.groups.push(self.try_group(group, |part| {
                data_key = Some(data_key_of(part.expose())?);
                Ok(())
            }));
            return data_key.ok_or(Error::DataKey(report));
        }
        let enough = match metadata.threshold {
            0 => metadata.groups.len(),
            threshold => threshold.max(2),
        };
        let mut shares = Vec::new();
        for group in &metadata.groups {
            if shares.len() >= enough {
                break;
            }
            report.groups.push(self.try_group(group, |part| {
                shares.push(part.0);
                Ok(())
            }));
        }
        if shares.len() < metadata.threshold {
            return Err(Error::DataKey(report));
        }
        let data_key = shamir::combine(&shares).map_err(|error| error.to_string());
        data_key.and_then(|bytes| data_key_of(&bytes)).map_err(|reason| Error::Combine { reason })
    }

    /// Tries the keys of a group until `take` takes a part.
    fn try_group(&self, group: &KeyGroup, mut take: impl FnMut(KeyPart) -> Result<(), String>) -> GroupReport {
        let mut tried = GroupReport::default();
        for master in self.in_decryption_order(group) {
            match self.unwrap(master).and_then(&mut take) {
                Ok(()) => {
                    tried.recovered = true;
                    break;
                }
                Err(reason) => tried.keys.push((master.display(), reason)),
            }
        }
        tried
    }

    fn unwrap(&self, master: &MasterKey) -> Result<KeyPart, String> {
        let mut reason = not_built_in(master.kind());
        for source in self.sources.iter().filter(|s| s.kind() == master.kind()) {
            match source.unwrap(master, &self.call) {
                Ok(Some(part)) if part.expose().is_empty() => reason = "the key source returned an empty key".into(),
                Ok(Some(part)) => return Ok(part),
                Ok(None) => reason = format!("no key source for {} has a key for it", master.kind().field()),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(reason)
    }

    fn in_decryption_order<'g>(&self, group: &'g KeyGroup) -> Vec<&'g MasterKey> {
        let mut keys: Vec<&MasterKey> = group.keys.iter().collect();
        keys.sort_by_key(|k| self.order.iter().position(|kind| *kind == k.kind()).unwrap_or(self.order.len()));
        keys
    }
}

/// A system error as one lower-case phrase, without its number.
#[cfg(any(feature = "pgp", feature = "age-plugin"))]
fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn not_built_in(kind: KeyKind) -> String {
    format!("no key source for {} is built in", kind.field())
}

fn data_key_of(bytes: &[u8]) -> Result<DataKey, String> {
    DataKey::from_bytes(bytes).map_err(|_| format!("the recovered data key has {} bytes, 32 are needed", bytes.len()))
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

#[cfg(test)]
mod tests;
