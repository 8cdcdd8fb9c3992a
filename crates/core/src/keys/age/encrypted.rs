//! Identity files that are age files themselves, protected by a passphrase (spec/keys.md §1.5).
//!
//! One such file is one identity. It is opened when it is first tried, and stays open: the passphrase is asked for once.

use super::identity::{Identity, lines};
use super::{Dearmored, without_armor};
use crate::keys::{KeyError, Protected, Surroundings};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// The file, and what it holds once it was opened.
pub(super) struct EncryptedFile {
    file: Vec<u8>,
    place: String,
    digest: [u8; 32],
    opened: Mutex<Option<Vec<Identity>>>,
    around: Surroundings,
}

impl EncryptedFile {
    /// Takes the file, armored or not; only the armor is looked at.
    pub(super) fn new(file: &[u8], place: &str, around: &Surroundings) -> Result<EncryptedFile, KeyError> {
        let damaged = |reason: &str| KeyError::Malformed(format!("failed to read '{place}': {reason}"));
        let file = match std::str::from_utf8(file) {
            Ok(text) if text.starts_with("-----") => match without_armor(text).map_err(|reason| damaged(&reason))? {
                Dearmored { problem: Some(problem), .. } => return Err(damaged(&problem)),
                Dearmored { bytes, .. } => bytes,
            },
            _ => file.to_vec(),
        };
        let digest = Sha256::digest(&file).into();
        Ok(EncryptedFile { file, place: place.to_owned(), digest, opened: Mutex::default(), around: around.clone() })
    }

    /// Unwraps with the identities inside.
    pub(super) fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, String> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let identities = match &mut *opened {
            Some(identities) => identities,
            none => none.insert(self.open()?),
        };
        for identity in identities.iter() {
            if let Some(key) = identity.unwrap(stanzas)? {
                return Ok(Some(key));
            }
        }
        self.around.person.warn(&format!("encrypted identity '{}' didn't match file's recipients", self.place));
        Ok(None)
    }

    fn open(&self) -> Result<Vec<Identity>, String> {
        let failed = |reason: &str| format!("failed to decrypt identity file: {reason}");
        let file = Locked::parse(&self.file).map_err(failed)?;
        let protected = Protected::IdentityFile { place: &self.place, digest: &self.digest };
        let passphrase = self.around.person.passphrase(protected);
        let passphrase = passphrase.map_err(|reason| failed(&format!("could not read passphrase: {reason}")))?;
        if passphrase.is_empty() {
            return Err(failed("passphrase can't be empty"));
        }
        let text = file.open(&passphrase).map_err(|refusal| match refusal {
            Refusal::Passphrase => {
                self.around.person.was_wrong(protected);
                "incorrect passphrase".to_owned()
            }
            Refusal::Work(required) => {
                failed(&format!("its scrypt work factor is {required}, at most {MAX_WORK_FACTOR} is accepted"))
            }
            Refusal::Damaged => failed("it is damaged"),
        })?;
        let text = std::str::from_utf8(&text).map_err(|_| failed("it holds no text"))?;
        let identities: Result<Vec<_>, _> = lines(text).map(Identity::parse_native).collect();
        match identities {
            Ok(identities) if identities.is_empty() => Err(failed("no identities found")),
            Ok(identities) => Ok(identities),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

/// An age file whose only recipient is a passphrase.
pub(super) struct Locked<'f> {
    decryptor: age::Decryptor<&'f [u8]>,
    size: usize,
}

/// Why it stays locked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Passphrase,
    Work(u8),
    Damaged,
}

impl<'f> Locked<'f> {
    pub(super) fn parse(file: &'f [u8]) -> Result<Locked<'f>, &'static str> {
        let decryptor = age::Decryptor::new_buffered(file).map_err(|_| "it is damaged")?;
        match decryptor.is_scrypt() {
            true => Ok(Locked { decryptor, size: file.len() }),
            false => Err("it is not protected by a passphrase"),
        }
    }

    pub(super) fn open(self, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase));
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        let opened = self.decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity));
        let mut reader = opened.map_err(|error| match error {
            age::DecryptError::ExcessiveWork { required, .. } => Refusal::Work(required),
            age::DecryptError::DecryptionFailed => Refusal::Passphrase,
            _ => Refusal::Damaged,
        })?;
        let mut text = Zeroizing::new(Vec::with_capacity(self.size));
        reader.read_to_end(&mut text).map_err(|_| Refusal::Damaged)?;
        Ok(text)
    }
}

const MAX_WORK_FACTOR: u8 = 22;
