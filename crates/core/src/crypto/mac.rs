//! The MAC: SHA-512 over the canonical bytes of all values, sealed with the data key.

use super::cipher::{Cipher, IvSource};
use super::token;
use crate::error::MacCause;
use crate::value::{Kind, Timestamp};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// SHA-256 of `sops`, hashed first where only encrypted values count.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b,
    0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// The running digest.
///
/// A second digest over the plain text as it was stored is kept once the two differ: files of the 1.x era hashed floats
/// as `1.0`.
pub struct Mac {
    digest: Sha512,
    raw: Option<Sha512>,
}

impl Mac {
    /// Starts; `only_encrypted` is the setting `mac_only_encrypted`.
    pub fn new(only_encrypted: bool) -> Mac {
        let mut digest = Sha512::new();
        if only_encrypted {
            digest.update(ONLY_ENCRYPTED);
        }
        Mac { digest, raw: None }
    }

    /// Takes the canonical bytes of one value.
    pub fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        if let Some(raw) = &mut self.raw {
            raw.update(bytes);
        }
    }

    /// Takes one opened value: its canonical bytes and the plain text it was stored as.
    pub fn update_opened(&mut self, canonical: &[u8], stored: &[u8]) {
        if canonical != stored && self.raw.is_none() {
            self.raw = Some(self.digest.clone());
        }
        self.digest.update(canonical);
        if let Some(raw) = &mut self.raw {
            raw.update(stored);
        }
    }
}

fn hex(digest: Sha512) -> Zeroizing<[u8; 128]> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let bytes = digest.finalize();
    let mut text = Zeroizing::new([0; 128]);
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// The token of a finished MAC, bound to `last_modified`.
pub fn seal(cipher: &Cipher, mac: Mac, last_modified: &Timestamp) -> String {
    let mut out = Vec::with_capacity(320);
    let aad = last_modified.whole_seconds();
    cipher.seal(&*hex(mac.digest), aad.as_bytes(), &IvSource::new().draw(), Kind::Str, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Compares a finished MAC with the stored token.
///
/// # Errors
/// [`MacCause::Unreadable`] if the token does not open, [`MacCause::Mismatch`] if it differs.
pub fn verify(cipher: &Cipher, mac: Mac, stored: &str, last_modified: &Timestamp) -> Result<(), MacCause> {
    let token = token::parse(stored.as_bytes()).ok_or(MacCause::Unreadable)?;
    let mut wanted = Zeroizing::new(Vec::with_capacity(160));
    let aad = last_modified.whole_seconds();
    let kind = cipher.open(&token, aad.as_bytes(), &mut wanted).map_err(|_| MacCause::Unreadable)?;
    if kind != Kind::Str {
        return Err(MacCause::Mismatch);
    }
    let raw = mac.raw.is_some_and(|raw| bool::from(hex(raw).as_slice().ct_eq(&wanted)));
    if bool::from(hex(mac.digest).as_slice().ct_eq(&wanted)) || raw {
        return Ok(());
    }
    Err(MacCause::Mismatch)
}
