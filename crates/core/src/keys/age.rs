//! age with X25519 keys: recipients `age1…`, identities `AGE-SECRET-KEY-1…`.
//!
//! One age file holds the data key for one recipient, armored, as the reference stores it.

use super::{CallContext, KeyError, KeyPart, KeySource};
use crate::metadata::keys::{KeyKind, MasterKey, MasterKeyKind};
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::ExposeSecret;
use age::x25519;
use std::io::{Read, Write};
use std::str::FromStr;
use zeroize::Zeroizing;

/// Wraps for any X25519 recipient; needs no secret.
pub struct AgeRecipients;

/// Parses a recipient.
fn recipient(text: &str) -> Result<x25519::Recipient, KeyError> {
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return Err(KeyError::Malformed("this is a secret identity; name its public recipient (age1…) instead".into()));
    }
    if text.starts_with("ssh-") {
        return Err(KeyError::Unsupported("SSH recipients".into()));
    }
    if text.starts_with("age1pq1") {
        return Err(KeyError::Unsupported("post-quantum recipients".into()));
    }
    if text.strip_prefix("age1").is_some_and(|rest| rest.contains('1')) {
        return Err(KeyError::Unsupported("recipients of age plugins".into()));
    }
    x25519::Recipient::from_str(text)
        .map_err(|_| KeyError::Malformed("not a valid age recipient; expected age1 and 58 further characters".into()))
}

impl MasterKey {
    /// An age recipient without a wrapped key yet.
    ///
    /// # Errors
    /// [`KeyError`] if it is no recipient that can be used; the text itself is not repeated.
    pub fn age(text: &str) -> Result<MasterKey, KeyError> {
        recipient(text)?;
        Ok(MasterKey::new(MasterKeyKind::Age { recipient: text.to_owned() }))
    }
}

impl KeySource for AgeRecipients {
    fn kind(&self) -> KeyKind {
        KeyKind::Age
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, _call: &CallContext) -> Result<String, KeyError> {
        let MasterKeyKind::Age { recipient: text } = &key.kind else {
            return Err(KeyError::Unsupported("keys of another kind".into()));
        };
        let recipient = recipient(text)?;
        let failed = |_| KeyError::Failed("the age file cannot be written".into());
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            .map_err(|_| KeyError::Failed("the recipient cannot be used".into()))?;
        let mut armored = Vec::new();
        let armor = ArmoredWriter::wrap_output(&mut armored, Format::AsciiArmor).map_err(failed)?;
        let mut writer = encryptor.wrap_output(armor).map_err(failed)?;
        writer.write_all(part.expose()).map_err(failed)?;
        writer.finish().and_then(|armor| armor.finish()).map_err(failed)?;
        String::from_utf8(armored).map_err(|_| KeyError::Failed("the age file is not text".into()))
    }

    fn unwrap(&self, _key: &MasterKey, _call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        Ok(None)
    }
}

/// Identities that unwrap. Zeroed when dropped.
#[derive(Default)]
pub struct AgeIdentities(Vec<x25519::Identity>);

impl AgeIdentities {
    /// Parses an identity file: one identity a line, comments and blank lines between.
    ///
    /// # Errors
    /// [`KeyError`] with the line's number; never its text.
    pub fn parse(text: &str) -> Result<AgeIdentities, KeyError> {
        let mut identities = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = number + 1;
            if line.starts_with("AGE-PLUGIN-") {
                return Err(KeyError::Unsupported(format!("line {number}: identities of age plugins")));
            }
            if line.starts_with("AGE-SECRET-KEY-PQ-") {
                return Err(KeyError::Unsupported(format!("line {number}: post-quantum identities")));
            }
            if line.starts_with("-----BEGIN") || line.starts_with("age-encryption.org/") {
                return Err(KeyError::Unsupported(format!("line {number}: SSH and encrypted identities")));
            }
            let identity = x25519::Identity::from_str(line).map_err(|_| {
                KeyError::Malformed(format!("line {number}: not an age identity; expected AGE-SECRET-KEY-1…"))
            })?;
            identities.push(identity);
        }
        Ok(AgeIdentities(identities))
    }

    /// Draws an identity: its secret text, and its recipient.
    pub fn generate_text() -> (Zeroizing<String>, String) {
        let identity = x25519::Identity::generate();
        (Zeroizing::new(identity.to_string().expose_secret().to_owned()), identity.to_public().to_string())
    }

    /// Adds the identities of another file.
    pub fn extend(&mut self, other: AgeIdentities) {
        self.0.extend(other.0);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The identity whose recipient is recorded goes first: a wrong one costs as much as the right one.
    fn ordered(&self, recorded: &str) -> Vec<&x25519::Identity> {
        let mut identities: Vec<&x25519::Identity> = self.0.iter().collect();
        if identities.len() > 1 {
            identities.sort_by_key(|i| i.to_public().to_string() != recorded);
        }
        identities
    }
}

impl KeySource for AgeIdentities {
    fn kind(&self) -> KeyKind {
        KeyKind::Age
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, call: &CallContext) -> Result<String, KeyError> {
        AgeRecipients.wrap(key, part, call)
    }

    fn unwrap(&self, key: &MasterKey, _call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        let MasterKeyKind::Age { recipient } = &key.kind else { return Ok(None) };
        if self.0.is_empty() {
            return Ok(None);
        }
        let unreadable = |_| KeyError::Failed("the stored age file cannot be read".into());
        let decryptor = age::Decryptor::new_buffered(ArmoredReader::new(key.wrapped.as_bytes())).map_err(unreadable)?;
        let identities = self.ordered(recipient);
        let mut reader =
            decryptor.decrypt(identities.into_iter().map(|i| i as &dyn age::Identity)).map_err(|error| {
                KeyError::Failed(match error {
                    age::DecryptError::NoMatchingKeys => "no identity matched any of the recipients".into(),
                    _ => "the stored age file cannot be opened".into(),
                })
            })?;
        let mut part = Zeroizing::new(Vec::with_capacity(64));
        reader.read_to_end(&mut part).map_err(|_| KeyError::Failed("the stored age file is damaged".into()))?;
        Ok(Some(KeyPart(part)))
    }
}
