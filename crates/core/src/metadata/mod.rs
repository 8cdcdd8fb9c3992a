//! The `sops` branch: a typed view of it, read leniently and written canonically.

pub mod keys;
mod read;
mod unknown;
mod write;

pub(crate) use unknown::members;

use crate::select::Settings;
use crate::value::Timestamp;
use keys::MasterKey;
pub use unknown::Unknown;

/// The format version that files say they have: that of the reference.
pub const VERSION: &str = "3.13.2";

/// Keys that recover one part of the data key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyGroup {
    /// The keys; any one of them is enough.
    pub keys: Vec<MasterKey>,
    /// Fields of a group that the reference does not know, as they were read.
    pub unknown: Unknown,
}

impl KeyGroup {
    /// A group of these keys.
    pub fn new(keys: Vec<MasterKey>) -> KeyGroup {
        KeyGroup { keys, unknown: Unknown::default() }
    }
}

/// The typed `sops` branch.
#[derive(Clone)]
pub struct Metadata {
    /// Key groups; one for most files.
    pub groups: Vec<KeyGroup>,
    /// How many groups are needed; 0 if it is not written.
    pub threshold: usize,
    /// The six selection rules, as written.
    pub settings: Settings,
    /// Whether the MAC covers encrypted values only.
    pub mac_only_encrypted: bool,
    /// The time of the last change; the MAC is bound to it.
    pub last_modified: Timestamp,
    /// The sealed MAC; empty if there is none.
    pub mac: String,
    /// The sealed record of how values were written, where tokens cannot carry it ([`crate::manual::spelling`]); empty if
    /// nothing needs it.
    pub spelling: String,
    /// The version of the writer.
    pub version: String,
    /// Fields that the reference does not know, as they were read; they are written again in their places.
    pub unknown: Unknown,
}

impl Metadata {
    /// Metadata of a new file, without a MAC.
    pub fn new(groups: Vec<KeyGroup>, threshold: usize) -> Metadata {
        Metadata {
            groups,
            threshold,
            settings: Settings::default(),
            mac_only_encrypted: false,
            last_modified: Timestamp::from_unix_seconds(0),
            mac: String::new(),
            spelling: String::new(),
            version: VERSION.to_owned(),
            unknown: Unknown::default(),
        }
    }

    /// Gives keys that nobody dated the time of the MAC; age entries have no such field.
    pub(crate) fn date_keys(&mut self) {
        let now = self.last_modified;
        let keys = self.groups.iter_mut().flat_map(|group| &mut group.keys);
        for key in keys.filter(|key| key.kind() != keys::KeyKind::Age) {
            key.created_at.get_or_insert(now);
        }
    }
}
