//! One identity of any kind, and the grammar of identity files (spec/keys.md §1.4).

use super::{encrypted::EncryptedFile, hybrid};
use crate::keys::{KeyError, Surroundings};
use age::x25519;
use age_core::format::{FileKey, Stanza};
use std::str::FromStr as _;

/// What unwraps. Zeroed when dropped.
pub(super) enum Identity {
    X25519(x25519::Identity),
    Hybrid(Box<hybrid::Identity>),
    Encrypted(EncryptedFile),
    #[cfg(feature = "age-ssh")]
    Ssh(super::ssh::SshIdentity),
    #[cfg(feature = "age-plugin")]
    Plugin(super::plugin::Identity),
}

/// The lines of an identity file that hold identities: `#` in the first column starts a comment.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

impl Identity {
    /// Parses a line of an identity file. Its text is never repeated.
    pub(super) fn parse(line: &str, around: &Surroundings) -> Result<Identity, KeyError> {
        if line.starts_with("AGE-PLUGIN-") {
            return plugin(line, around);
        }
        Identity::parse_native(line)
    }

    /// Parses a line that asks nobody and starts nothing.
    pub(super) fn parse_native(line: &str) -> Result<Identity, KeyError> {
        let identity = if line.starts_with("AGE-SECRET-KEY-PQ-1") {
            hybrid::Identity::parse(line).map(|identity| Identity::Hybrid(Box::new(identity)))
        } else if line.starts_with("AGE-SECRET-KEY-1") {
            x25519::Identity::from_str(line).ok().map(Identity::X25519)
        } else {
            return Err(KeyError::Malformed("unknown identity type".into()));
        };
        identity.ok_or_else(|| KeyError::Malformed(format!("malformed secret key: {}", bech32_problem(line))))
    }

    /// Whether it asks nobody and starts nothing.
    pub(super) fn is_native(&self) -> bool {
        matches!(self, Identity::X25519(_) | Identity::Hybrid(_))
    }

    /// Its recipient; none for what must be opened or asked first.
    pub(super) fn recipient(&self) -> Option<String> {
        match self {
            Identity::X25519(identity) => Some(identity.to_public().to_string()),
            Identity::Hybrid(identity) => Some(identity.recipient()),
            _ => None,
        }
    }

    /// Whether it is the identity of a recipient, as far as that costs little to tell.
    pub(super) fn is_of(&self, recipient: &str) -> bool {
        match self {
            Identity::X25519(identity) => identity.to_public().to_string() == recipient,
            Identity::Hybrid(identity) => identity.is_of(recipient),
            _ => false,
        }
    }

    /// Unwraps the file key from one of the stanzas of a file; `None` if none is for this identity.
    ///
    /// # Errors
    /// Why it should have worked and did not.
    pub(super) fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, String> {
        match self {
            Identity::X25519(identity) => match age::Identity::unwrap_stanzas(identity, stanzas) {
                None => Ok(None),
                Some(Ok(key)) => Ok(Some(key)),
                Some(Err(_)) => Err("invalid X25519 recipient block".into()),
            },
            Identity::Hybrid(identity) => stanzas
                .iter()
                .map(|stanza| identity.unwrap(stanza))
                .find(|key| !matches!(key, Ok(None)))
                .unwrap_or(Ok(None)),
            Identity::Encrypted(file) => file.unwrap(stanzas),
            #[cfg(feature = "age-ssh")]
            Identity::Ssh(identity) => identity.unwrap(stanzas),
            #[cfg(feature = "age-plugin")]
            Identity::Plugin(identity) => identity.unwrap(stanzas),
        }
    }
}

#[cfg(feature = "age-plugin")]
fn plugin(line: &str, around: &Surroundings) -> Result<Identity, KeyError> {
    let malformed = || KeyError::Malformed(format!("invalid identity encoding: {}", bech32_problem(line)));
    super::plugin::Identity::parse(line, around).map(Identity::Plugin).ok_or_else(malformed)
}

#[cfg(not(feature = "age-plugin"))]
fn plugin(_line: &str, _around: &Surroundings) -> Result<Identity, KeyError> {
    Err(KeyError::Unsupported("identities of age plugins in this build".into()))
}

/// Where a Bech32 text stops being one, in the words of the reference: positions, and the one character that cannot be.
fn bech32_problem(text: &str) -> String {
    let bytes = text.as_bytes();
    let Some(separator) = text.rfind('1') else { return "separator '1' at invalid position: pos=-1".into() };
    if separator == 0 || separator + 7 > text.len() {
        return format!("separator '1' at invalid position: pos={separator}, len={}", text.len());
    }
    let (prefix, data) = bytes.split_at(separator);
    // Each part is counted from its own beginning.
    let at = |position: usize, byte: u8| format!("s[{position}]={byte}");
    if let Some((position, byte)) = prefix.iter().enumerate().find(|(_, byte)| !(33..=126).contains(*byte)) {
        return format!("invalid character human-readable part: {}", at(position, *byte));
    }
    let is_known = |byte: u8| b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(&byte.to_ascii_lowercase());
    match data.iter().enumerate().skip(1).find(|(_, byte)| !is_known(**byte)) {
        Some((position, byte)) => format!("invalid character data part: {}", at(position - 1, *byte)),
        None => "invalid checksum".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_identity_is_described_by_positions() {
        assert_eq!(bech32_problem("AGE-SECRET-KEY-1QQQ"), "separator '1' at invalid position: pos=15, len=19");
        assert_eq!(bech32_problem("A 1QQQQQQQ"), "invalid character human-readable part: s[1]=32");
        assert_eq!(bech32_problem("A1QQQQQQQ "), "invalid character data part: s[7]=32");
        assert_eq!(bech32_problem("A1QQQQQQQ"), "invalid checksum");
    }
}
