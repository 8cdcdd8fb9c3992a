//! age: recipients and identities of every kind that people hold.
//!
//! One age file holds the data key for one recipient, armored, as the reference stores it. Which kind a recipient or an
//! identity is, its first characters tell; each kind has a module. Identities that need a person or a program
//! ([`Surroundings`]) do not bother anybody before their turn comes: X25519 and hybrid ones are tried first.

mod encrypted;
mod hybrid;
mod identity;
#[cfg(feature = "age-plugin")]
mod plugin;
mod recipient;
#[cfg(feature = "age-ssh")]
mod ssh;
#[cfg(feature = "age-ssh")]
mod ssh_container;

#[cfg(feature = "age-ssh")]
pub use ssh::SshOrigin;

use super::{CallContext, KeyError, KeyPart, KeySource, Surroundings};
use crate::metadata::keys::{KeyKind, MasterKey, MasterKeyKind};
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use identity::Identity;
use recipient::Recipient;
use std::cell::RefCell;
use std::io::{Read, Write};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Wraps for recipients that need no program, and holds no identity.
pub struct AgeRecipients;

impl MasterKey {
    /// An age recipient without a wrapped key yet.
    ///
    /// # Errors
    /// [`KeyError`] if it is no recipient that can be used; the text itself is not repeated.
    pub fn age(text: &str) -> Result<MasterKey, KeyError> {
        Recipient::parse(text)?;
        Ok(MasterKey::new(MasterKeyKind::Age { recipient: text.to_owned() }))
    }
}

impl KeySource for AgeRecipients {
    fn kind(&self) -> KeyKind {
        KeyKind::Age
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, _call: &CallContext) -> Result<String, KeyError> {
        wrap(key, part, &Surroundings::default())
    }

    fn unwrap(&self, _key: &MasterKey, _call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        Ok(None)
    }
}

/// Wraps for a recipient of any kind; that of a plugin starts the program.
///
/// # Errors
/// [`KeyError`] if the recipient cannot be used.
pub fn wrap(key: &MasterKey, part: &KeyPart, around: &Surroundings) -> Result<String, KeyError> {
    let MasterKeyKind::Age { recipient } = &key.kind else {
        return Err(KeyError::Unsupported("keys of another kind".into()));
    };
    let recipient = Recipient::parse(recipient)?.within(around);
    let failed = |_| KeyError::Failed("the age file cannot be written".into());
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&*recipient)).map_err(|error| {
        let reason = match error {
            age::EncryptError::Io(error) => error.to_string(),
            _ => "the recipient cannot be used".into(),
        };
        KeyError::Failed(format!(
            "failed to create writer for encrypting sops data key with age: failed to wrap key for recipient #0: {reason}"
        ))
    })?;
    let mut armored = Vec::new();
    let armor = ArmoredWriter::wrap_output(&mut armored, Format::AsciiArmor).map_err(failed)?;
    let mut writer = encryptor.wrap_output(armor).map_err(failed)?;
    writer.write_all(part.expose()).map_err(failed)?;
    writer.finish().and_then(|armor| armor.finish()).map_err(failed)?;
    let armored = String::from_utf8(armored).map_err(|_| KeyError::Failed("the age file is not text".into()))?;
    // The crate ends lines as the platform does, the format with LF.
    Ok(armored.replace("\r\n", "\n"))
}

/// Identities that unwrap. Zeroed when the last holder drops them.
#[derive(Default)]
pub struct AgeIdentities(Vec<Arc<Identity>>);

impl AgeIdentities {
    /// Parses an identity file: one identity a line, comments and empty lines between. Plugins are not asked.
    ///
    /// # Errors
    /// [`KeyError`] for a line that is no identity; never its text.
    pub fn parse(text: &str) -> Result<AgeIdentities, KeyError> {
        AgeIdentities::parse_within(text, &Surroundings::default())
    }

    /// Parses an identity file whose plugins may be started.
    ///
    /// # Errors
    /// Those of [`AgeIdentities::parse`].
    pub fn parse_within(text: &str, around: &Surroundings) -> Result<AgeIdentities, KeyError> {
        let identities: Result<_, _> =
            identity::lines(text).map(|line| Identity::parse(line, around).map(Arc::new)).collect();
        Ok(AgeIdentities(identities?))
    }

    /// Takes an identity file that is an age file itself, armored or not. It is opened when it is first needed.
    ///
    /// # Errors
    /// Armor that cannot be read.
    pub fn encrypted(file: &[u8], place: &str, around: &Surroundings) -> Result<AgeIdentities, KeyError> {
        let file = encrypted::EncryptedFile::new(file, place, around)?;
        Ok(AgeIdentities(vec![Arc::new(Identity::Encrypted(file))]))
    }

    /// Whether a text is an identity file for [`AgeIdentities::encrypted`], by its first bytes.
    pub fn is_encrypted(text: &[u8]) -> bool {
        text.starts_with(b"age-encryption") || text.starts_with(b"-----BEGIN AGE")
    }

    /// Reads an SSH private key; a passphrase is asked for when a file is wrapped for this very key.
    ///
    /// # Errors
    /// What is no SSH key, or one of a kind that age does not use, in the reference's words.
    #[cfg(feature = "age-ssh")]
    pub fn ssh(text: &[u8], origin: &SshOrigin<'_>, around: &Surroundings) -> Result<AgeIdentities, KeyError> {
        Ok(AgeIdentities(vec![Arc::new(Identity::Ssh(ssh::SshIdentity::parse(text, origin, around)?))]))
    }

    /// Draws an identity: its secret text, and its recipient.
    pub fn generate_text() -> (Zeroizing<String>, String) {
        let identity = age::x25519::Identity::generate();
        (Zeroizing::new(identity.to_string().expose_secret().to_owned()), identity.to_public().to_string())
    }

    /// Adds the identities of another place.
    pub fn extend(&mut self, other: AgeIdentities) {
        self.0.extend(other.0);
    }

    /// The same identities again, for another set. Nothing secret is copied.
    pub fn share(&self) -> AgeIdentities {
        AgeIdentities(self.0.clone())
    }

    /// How many there are; an encrypted identity file is one.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The recipients of the X25519 and hybrid identities, in their order; of other kinds none is told.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().filter_map(|identity| identity.recipient()).collect()
    }

    /// In the order to try: those that ask nobody first, and among them the one whose recipient is recorded, because a
    /// wrong one costs as much as the right one.
    fn ordered(&self, recorded: &str) -> Vec<&Identity> {
        let mut identities: Vec<&Identity> = self.0.iter().map(|identity| &**identity).collect();
        if identities.len() > 1 {
            identities.sort_by_cached_key(|identity| (!identity.is_native(), !identity.is_of(recorded)));
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

    /// # Errors
    /// [`KeyError::Malformed`] for a wrapped key that is damaged behind its header, where no identity can help.
    fn unwrap(&self, key: &MasterKey, _call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        let MasterKeyKind::Age { recipient } = &key.kind else { return Ok(None) };
        if self.0.is_empty() {
            return Ok(None);
        }
        let file = without_armor(&key.wrapped).map_err(|reason| reader_failure(&reason))?;
        open(&file, &self.ordered(recipient)).map(|part| Some(KeyPart(part)))
    }
}

/// An age file without its armor, as far as that could be read.
struct Dearmored {
    bytes: Vec<u8>,
    /// What is wrong with the rest.
    problem: Option<String>,
}

/// Opens an age file with the first identity that can.
fn open(file: &Dearmored, identities: &[&Identity]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let damaged =
        |reason: &str| KeyError::Malformed(format!("failed to copy age decrypted data into bytes.Buffer: {reason}"));
    let unreadable =
        |reason: String| reader_failure(&format!("failed to read header: {}", file.problem.clone().unwrap_or(reason)));
    let decryptor = age::Decryptor::new_buffered(file.bytes.as_slice())
        .map_err(|error| unreadable(header_problem(&file.bytes, &error)))?;
    if !has_whole_stanzas(&file.bytes) {
        return Err(unreadable("parsing age header: malformed".into()));
    }
    let trial = Trial { identities, problem: RefCell::default() };
    let mut reader = decryptor.decrypt(std::iter::once(&trial as &dyn age::Identity)).map_err(|error| {
        reader_failure(&match (trial.problem.take(), error) {
            (Some(reason), _) => reason,
            (None, age::DecryptError::NoMatchingKeys) if identities.len() == 1 => {
                "identity did not match any of the recipients: incorrect identity for recipient block".into()
            }
            (None, age::DecryptError::NoMatchingKeys) => "no identity matched any of the recipients".into(),
            (None, age::DecryptError::InvalidMac) => "bad header MAC".into(),
            (None, _) => "the age file cannot be opened".into(),
        })
    })?;
    // The plain text is shorter than the file, so this never grows and leaves no copy.
    let mut part = Zeroizing::new(Vec::with_capacity(file.bytes.len()));
    let read = reader.read_to_end(&mut part);
    if let Some(problem) = &file.problem {
        return Err(damaged(problem));
    }
    read.map_err(|_| damaged("failed to decrypt and authenticate payload chunk"))?;
    Ok(part)
}

/// Tries identities one after the other and remembers why it stopped: the crate's errors carry no text of ours.
struct Trial<'i> {
    identities: &'i [&'i Identity],
    problem: RefCell<Option<String>>,
}

impl age::Identity for Trial<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let stanza = Stanza { tag: stanza.tag.clone(), args: stanza.args.clone(), body: stanza.body.clone() };
        self.unwrap_stanzas(&[stanza])
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, age::DecryptError>> {
        let stop = |reason: String| {
            self.problem.replace(Some(reason));
            Some(Err(age::DecryptError::DecryptionFailed))
        };
        if stanzas.len() > MAX_STANZAS {
            return stop(format!("more than {MAX_STANZAS} recipients"));
        }
        for (number, identity) in self.identities.iter().enumerate() {
            match identity.unwrap(stanzas) {
                Ok(None) => {}
                Ok(Some(key)) => return Some(Ok(key)),
                // compat: the first identity that fails ends it, so that a wrong passphrase is not asked for again.
                Err(reason) => {
                    return stop(match self.identities.len() - number - 1 {
                        0 => reason,
                        1 => format!("{reason} (1 identity was not tried)"),
                        left => format!("{reason} ({left} identities were not tried)"),
                    });
                }
            }
        }
        None
    }
}

fn reader_failure(reason: &str) -> KeyError {
    KeyError::Failed(format!("failed to create reader for decrypting sops data key with age: {reason}"))
}

/// Whether the body of every stanza ends with a short line, which the crate does not ask for: its own early versions wrote
/// none.
fn has_whole_stanzas(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').skip(1);
    let mut line = lines.next();
    while let Some(start) = line {
        if !start.starts_with(b"-> ") {
            return start.starts_with(b"---");
        }
        let end = lines.find(|line| line.len() != 64);
        if end.is_none_or(|end| end.starts_with(b"-")) {
            return false;
        }
        line = lines.next();
    }
    false
}

/// What is wrong with a header; only an unknown version is quoted, which is no secret.
fn header_problem(bytes: &[u8], error: &age::DecryptError) -> String {
    let intro = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let intro = intro.get(..64).unwrap_or(intro);
    match error {
        age::DecryptError::UnknownFormat => {
            format!("parsing age header: unexpected intro: \"{}\\n\"", intro.escape_ascii())
        }
        _ => "parsing age header: malformed".into(),
    }
}

/// Takes the armor off, after the blank lines that the reference takes in front of it (at most 1,024 bytes).
///
/// # Errors
/// A text without the begin line, which the crate would read as a binary file; one that is too large.
fn without_armor(text: &str) -> Result<Dearmored, String> {
    let start = text.find(BEGIN).filter(|start| *start <= 1024).filter(|start| {
        let before = text.get(..*start).unwrap_or_default();
        before.trim().is_empty() && (before.is_empty() || before.ends_with('\n'))
    });
    let armored =
        start.and_then(|start| text.get(start..)).ok_or("failed to read header: invalid armor: invalid first line")?;
    if armored.len() > MAX_BYTES {
        return Err(format!("failed to read header: invalid armor: more than {MAX_BYTES} bytes"));
    }
    let mut bytes = Vec::with_capacity(armored.len());
    Ok(match ArmoredReader::new(armored.as_bytes()).read_to_end(&mut bytes) {
        Ok(_) => Dearmored { bytes, problem: None },
        // A header that is whole is looked at first: whom the file is for is worth more than where it is damaged.
        Err(_) => Dearmored {
            bytes: whole_lines(armored).flat_map(|line| BASE64_STANDARD_NO_PAD.decode(line).ok()).flatten().collect(),
            problem: Some(format!("invalid armor: {}", armor_problem(armored))),
        },
    })
}

/// The lines of armor that are as they should be, up to the last one, which is shorter.
fn whole_lines(armored: &str) -> impl Iterator<Item = &str> {
    let mut is_last = false;
    armored.lines().skip(1).map_while(move |line| {
        let is_whole = !is_last && line.len() <= 64 && !line.starts_with('-');
        is_last = line.len() < 64;
        is_whole.then(|| line.trim_end_matches('='))
    })
}

/// What is wrong with armor, in the words of the reference where it has some.
fn armor_problem(armored: &str) -> String {
    let mut lines = armored.lines().skip(1).skip_while(|line| line.len() == 64 && !line.starts_with('-')).peekable();
    // The last line of base64 is shorter, unless there is none.
    lines.next_if(|line| *line != END && !line.is_empty());
    match lines.next().unwrap_or_default() {
        END if lines.any(|line| !line.trim().is_empty()) => "trailing data after armored file".into(),
        END => "malformed base64".into(),
        line if line.len() <= 64 && line.is_ascii() => format!("invalid closing line: {line:?}"),
        _ => "invalid closing line".into(),
    }
}

fn base64_without_padding(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD_NO_PAD.decode(text).ok()
}

fn to_base64_without_padding(bytes: &[u8]) -> String {
    BASE64_STANDARD_NO_PAD.encode(bytes)
}

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";

/// Far above what a data key needs; a plugin recipient may write several.
const MAX_STANZAS: usize = 256;

/// The largest identity file that is read.
const MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod kit;
#[cfg(test)]
mod tests;
