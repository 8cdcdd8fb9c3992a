//! SSH keys as age recipients and identities: Ed25519 and RSA (spec/keys.md §1.1, §1.6).
//!
//! A passphrase is asked for when a file is wrapped for this very key, once: every file names its SSH recipients by four
//! bytes of a digest, so an unrelated key in `~/.ssh` never asks.

use super::ssh_container::{self, Container};
use super::to_base64_without_padding;
use crate::keys::{KeyError, Protected, Surroundings};
use age::secrecy::SecretString;
use age::ssh::{EncryptedKey, Identity, ParseRecipientKeyError, Recipient, UnsupportedKey};
use age_core::format::{FileKey, Stanza};
use sha2::{Digest as _, Sha256};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Where an SSH private key comes from.
#[non_exhaustive]
pub enum SshOrigin<'o> {
    /// A file, whose passphrase may be asked for.
    File {
        /// Its path, for messages and questions.
        path: &'o str,
        /// Reads the public key beside it (`PATH.pub`), for a container that has none; the error is a whole reason.
        public: &'o dyn Fn() -> Result<String, String>,
    },
    /// What a command printed; a passphrase is not asked for.
    Command {
        /// The variable that holds the command.
        variable: &'o str,
    },
}

/// Parses a recipient: the first line that is an SSH public key, its fields apart by any white space.
pub(super) fn recipient(text: &str) -> Result<Recipient, KeyError> {
    let mut problem = "ssh: no key found".to_owned();
    for line in text.lines() {
        let mut fields = line.split_whitespace();
        let (Some(kind), Some(key)) = (fields.next(), fields.next()) else { continue };
        // compat: OpenSSH keeps base64 padding, and so do we; the crate reads keys without it.
        match format!("{kind} {}", key.trim_end_matches('=')).parse() {
            Ok(recipient) => return Ok(recipient),
            Err(ParseRecipientKeyError::RsaModulusTooSmall) => problem = "RSA key size is too small".into(),
            Err(ParseRecipientKeyError::RsaModulusTooLarge) => {
                problem = "RSA key size is too large: at most 4096 bits can be encrypted to".into();
            }
            Err(ParseRecipientKeyError::Unsupported(_)) => {
                problem = "unknown SSH recipient type; expected ssh-ed25519 or ssh-rsa".into();
            }
            Err(_) => {}
        }
    }
    Err(KeyError::Malformed(format!("malformed SSH recipient: {problem}")))
}

/// An SSH private key.
pub(super) struct SshIdentity {
    key: Key,
}

enum Key {
    Clear(Identity),
    Protected(Box<ProtectedKey>),
}

impl SshIdentity {
    /// Reads a private key in any container that the reference takes.
    pub(super) fn parse(text: &[u8], origin: &SshOrigin<'_>, around: &Surroundings) -> Result<SshIdentity, KeyError> {
        let malformed = |reason: &str| {
            KeyError::Malformed(match origin {
                SshOrigin::File { path, .. } => format!("malformed SSH identity in \"{path}\": {reason}"),
                SshOrigin::Command { variable } => {
                    format!("malformed SSH identity returned by running {variable}: \"{reason}\"")
                }
            })
        };
        let lock = match ssh_container::read(text).map_err(|reason| malformed(&reason))? {
            Container::Clear(identity) => return Ok(SshIdentity { key: Key::Clear(identity) }),
            Container::OpenSsh(key) => Lock::OpenSsh(key),
            Container::Pem(pem) => Lock::Pem(pem),
        };
        let (path, public) = match origin {
            SshOrigin::File { path, public } => (*path, public),
            SshOrigin::Command { variable } => {
                return Err(KeyError::Malformed(format!(
                    "the SSH key returned by running {variable} is password protected, which is unsupported. (\"ssh: this \
                     private key is passphrase protected\")"
                )));
            }
        };
        let public = match &lock {
            Lock::OpenSsh(key) => {
                Recipient::try_from(Identity::from(key.clone())).map_err(|_| malformed("ssh: no public key"))?
            }
            Lock::Pem(_) => {
                let text = public().map_err(KeyError::Malformed)?;
                recipient(&text).map_err(|_| KeyError::Malformed(no_public_key(path, "ssh: no key found")))?
            }
        };
        let key = ProtectedKey {
            lock,
            tag: Tag::of(&public),
            path: path.to_owned(),
            opened: Mutex::default(),
            around: around.clone(),
        };
        Ok(SshIdentity { key: Key::Protected(Box::new(key)) })
    }

    /// Unwraps the stanza that is for this key.
    pub(super) fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, String> {
        match &self.key {
            Key::Clear(identity) => unwrap(identity, stanzas),
            Key::Protected(key) if !stanzas.iter().any(|stanza| key.tag.is_on(stanza)) => Ok(None),
            Key::Protected(key) => key.unwrap(stanzas),
        }
    }
}

fn unwrap(identity: &Identity, stanzas: &[Stanza]) -> Result<Option<FileKey>, String> {
    match age::Identity::unwrap_stanzas(identity, stanzas) {
        None => Ok(None),
        Some(Ok(key)) => Ok(Some(key)),
        Some(Err(_)) => Err("invalid SSH recipient block: failed to decrypt file key".into()),
    }
}

/// The reason when the public key beside a private one cannot be had.
pub(super) fn no_public_key(path: &str, reason: &str) -> String {
    format!("failed to obtain public \"{path}.pub\" key for \"{path}\" SSH key: {reason}")
}

/// What opens with a passphrase.
enum Lock {
    OpenSsh(EncryptedKey),
    Pem(ssh_container::EncryptedPem),
}

struct ProtectedKey {
    lock: Lock,
    tag: Tag,
    path: String,
    opened: Mutex<Option<Identity>>,
    around: Surroundings,
}

impl ProtectedKey {
    fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, String> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = match &mut *opened {
            Some(identity) => identity,
            none => none.insert(self.open()?),
        };
        unwrap(identity, stanzas)
    }

    fn open(&self) -> Result<Identity, String> {
        let protected = Protected::SshKey { path: &self.path };
        let passphrase: Zeroizing<String> = self.around.person.passphrase(protected).map_err(|reason| {
            format!("failed to obtain passphrase: could not read passphrase for \"{}\": {reason}", self.path)
        })?;
        let identity = match &self.lock {
            Lock::OpenSsh(key) => key.decrypt(SecretString::from(passphrase.as_str())).ok().map(Identity::from),
            Lock::Pem(pem) => pem.decrypt(&passphrase),
        };
        let identity = identity.ok_or_else(|| {
            self.around.person.was_wrong(protected);
            "failed to decrypt SSH key file: x509: decryption password incorrect".to_owned()
        })?;
        match Recipient::try_from(identity.clone()).map(|public| Tag::of(&public) == self.tag) {
            Ok(false) => Err("mismatched private and public SSH key".into()),
            _ => Ok(identity),
        }
    }
}

/// How a stanza names its SSH recipient.
#[derive(PartialEq, Eq)]
struct Tag {
    kind: &'static str,
    digest: String,
}

impl Tag {
    fn of(public: &Recipient) -> Tag {
        let (kind, blob) = match public {
            Recipient::SshRsa(blob, _) => ("ssh-rsa", blob),
            Recipient::SshEd25519(blob, _) => ("ssh-ed25519", blob),
        };
        let digest = Sha256::digest(blob);
        Tag { kind, digest: to_base64_without_padding(digest.get(..4).unwrap_or_default()) }
    }

    fn is_on(&self, stanza: &Stanza) -> bool {
        stanza.tag == self.kind && stanza.args.first() == Some(&self.digest)
    }
}

/// What is to be said of a key that age does not use.
pub(super) fn unsupported(key: &UnsupportedKey) -> String {
    match key {
        UnsupportedKey::Type(kind) if kind.starts_with("ecdsa-") => {
            "unsupported SSH identity type: *ecdsa.PrivateKey".into()
        }
        UnsupportedKey::Type(kind) => format!("unsupported SSH identity type: {kind}"),
        UnsupportedKey::Hardware(kind) => format!("unsupported SSH identity type: {kind}, which is in hardware"),
        UnsupportedKey::EncryptedSsh(cipher) => format!("ssh: unknown cipher \"{cipher}\""),
        _ => "ssh: unsupported encryption".into(),
    }
}
