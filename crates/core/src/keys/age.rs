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
    let malformed = || KeyError::Malformed("not a valid age recipient; expected age1 and 58 further characters".into());
    if !text.starts_with("age1") {
        return Err(malformed());
    }
    x25519::Recipient::from_str(text).map_err(|_| malformed())
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
        let armored = String::from_utf8(armored).map_err(|_| KeyError::Failed("the age file is not text".into()))?;
        // The crate ends lines as the platform does, the format with LF.
        Ok(armored.replace("\r\n", "\n"))
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

    /// The public recipient of each identity, in their order.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|identity| identity.to_public().to_string()).collect()
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

/// The armored file without the blank lines that the reference takes in front of it (at most 1,024 bytes). Nothing for
/// text without the begin line, which the crate would read as a binary file.
fn armored(text: &str) -> Option<&str> {
    let start = text.find("-----BEGIN AGE ENCRYPTED FILE-----").filter(|start| *start <= 1024)?;
    let (before, armored) = text.split_at(start);
    (before.trim().is_empty() && (before.is_empty() || before.ends_with('\n'))).then_some(armored)
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
        let unreadable = |()| KeyError::Failed("the stored age file cannot be read".into());
        let armored = armored(&key.wrapped).ok_or_else(|| unreadable(()))?;
        let armor = ArmoredReader::new(armored.as_bytes());
        let decryptor = age::Decryptor::new_buffered(armor).map_err(|_| unreadable(()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn identities() -> (AgeIdentities, String, Zeroizing<String>) {
        let (secret, recipient) = AgeIdentities::generate_text();
        (AgeIdentities::parse(&secret).expect("an identity"), recipient, secret)
    }

    fn wrapped(recipient: &str) -> MasterKey {
        let mut key = MasterKey::age(recipient).expect("a recipient");
        let part = KeyPart::new(b"a part of thirty-two bytes or so".to_vec());
        key.wrapped = AgeRecipients.wrap(&key, &part, &CallContext::default()).expect("wraps");
        key
    }

    fn opens(identities: &AgeIdentities, key: &MasterKey) -> Result<bool, KeyError> {
        let part = identities.unwrap(key, &CallContext::default())?;
        Ok(part.expect("not none").expose() == b"a part of thirty-two bytes or so")
    }

    #[test]
    fn what_is_wrapped_is_armored_as_the_reference_stores_it_and_opens() {
        let (identities, recipient, _) = identities();
        let key = wrapped(&recipient);
        assert!(key.wrapped.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
        assert!(key.wrapped.ends_with("-----END AGE ENCRYPTED FILE-----\n") && !key.wrapped.contains('\r'));
        assert_eq!(opens(&identities, &key), Ok(true));
    }

    #[test]
    fn the_recorded_recipient_is_a_hint_only() {
        let ((mut identities, recipient, _), (others, other, _)) = (identities(), identities());
        identities.extend(others);
        for recorded in [recipient.as_str(), &other, "garbage", ""] {
            let mut key = wrapped(&recipient);
            key.kind = MasterKeyKind::Age { recipient: recorded.to_owned() };
            assert_eq!(opens(&identities, &key), Ok(true), "{recorded}");
        }
        assert_eq!(identities.ordered(&other)[0].to_public().to_string(), other);
    }

    /// The reference's strictness (spec/keys.md §1.2).
    #[test]
    fn armor_is_read_as_strictly_as_by_the_reference() {
        let (identities, recipient, _) = identities();
        let good = wrapped(&recipient);
        let read = |text: String| opens(&identities, &MasterKey { wrapped: text, ..good.clone() });
        let text = &good.wrapped;
        for accepted in
            [format!("\n  \n{text}"), text.replace('\n', "\r\n"), text.trim_end().into(), format!("{text} \n")]
        {
            assert_eq!(read(accepted), Ok(true));
        }
        let (indented, literal) = (format!(" {text}"), text.replace('\n', "\\n"));
        let far = format!("{}{text}", "\n".repeat(1025));
        for refused in [indented, literal, far, format!("\u{feff}{text}"), format!("{text}x"), String::new()] {
            assert!(read(refused).is_err());
        }
        let mut binary = Vec::new();
        ArmoredReader::new(text.as_bytes()).read_to_end(&mut binary).expect("armor");
        assert!(read(String::from_utf8_lossy(&binary).into_owned()).is_err());
    }

    #[test]
    fn identity_files_have_comments_blank_lines_and_any_line_end() {
        let ((_, first, a), (_, second, b)) = (identities(), identities());
        let text = format!("# created: today\r\n\r\n{}\r\n# public key: x\n{}", *a, *b);
        let identities = AgeIdentities::parse(&text).expect("two identities");
        assert_eq!(identities.recipients(), [first, second]);
        assert!(AgeIdentities::parse("# nothing\n").expect("a file of comments").is_empty());
    }

    #[test]
    fn no_error_repeats_a_line_of_an_identity_file_or_a_secret_given_as_a_recipient() {
        let (_, _, secret) = identities();
        let broken = format!("# x\n{}X", *secret);
        for text in
            [&broken, "\nAGE-PLUGIN-CANARY-1QQQ", "\nAGE-SECRET-KEY-PQ-1CANARY", "\n-----BEGIN CANARY", "\ncanary"]
        {
            let error = AgeIdentities::parse(text).map(drop).unwrap_err().to_string();
            assert!(error.contains("line 2: "), "{error}");
            assert!(!error.to_lowercase().contains("canary") && !error.contains(&secret[20..]), "{error}");
        }
        for text in [
            &*secret as &str,
            &secret.to_lowercase(),
            "AGE1CANARY",
            "age1canary1qqq",
            "ssh-rsa canary",
            "age1pq1canary",
        ] {
            let error = MasterKey::age(text).map(drop).unwrap_err().to_string();
            assert!(
                !error.to_lowercase().contains("canary") && !error.contains(&text[20.min(text.len() - 3)..]),
                "{error}"
            );
        }
    }
}
