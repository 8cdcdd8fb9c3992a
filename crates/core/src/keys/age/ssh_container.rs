//! The containers that SSH private keys come in, brought to the two that the age crate reads.
//!
//! `OPENSSH PRIVATE KEY` and `RSA PRIVATE KEY` (PKCS#1) are the crate's business. Ours are PKCS#8, which is re-encoded, and
//! PKCS#1 with a passphrase as OpenSSL wrote it (`Proc-Type: 4,ENCRYPTED`). All of it in memory that is zeroed.

use super::ssh::unsupported;
use age::ssh::{EncryptedKey, Identity};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cbc::cipher::{BlockDecryptMut as _, KeyIvInit as _, block_padding::Pkcs7};
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

/// A private key, clear or behind a passphrase.
pub(super) enum Container {
    Clear(Identity),
    OpenSsh(EncryptedKey),
    Pem(EncryptedPem),
}

/// Reads the first PEM block of a text.
///
/// # Errors
/// The reason in the reference's words; never a part of the text.
pub(super) fn read(text: &[u8]) -> Result<Container, String> {
    let no_key = || "ssh: no key found".to_owned();
    let block = Block::find(text).ok_or_else(no_key)?;
    match block.label {
        "RSA PRIVATE KEY" if block.is_encrypted() => block.encrypted().map(Container::Pem).ok_or_else(no_key),
        "RSA PRIVATE KEY" => clear(pem(block.label, &block.body)?),
        "OPENSSH PRIVATE KEY" => {
            match bcrypt_rounds(&block.body) {
                Some(rounds) if rounds > MAX_BCRYPT_ROUNDS => {
                    return Err(format!("ssh: {rounds} rounds of bcrypt, at most {MAX_BCRYPT_ROUNDS} are accepted"));
                }
                _ => {}
            }
            clear(pem(block.label, &block.body)?)
        }
        "PRIVATE KEY" => pkcs8(&block.body),
        "EC PRIVATE KEY" => Err("unsupported SSH identity type: *ecdsa.PrivateKey".into()),
        "DSA PRIVATE KEY" => Err("unsupported SSH identity type: *dsa.PrivateKey".into()),
        label if label.ends_with("PRIVATE KEY") => Err(format!("ssh: unsupported key type \"{label}\"")),
        _ => Err(no_key()),
    }
}

fn clear(pem: Zeroizing<String>) -> Result<Container, String> {
    match Identity::from_buffer(pem.as_bytes(), None) {
        Ok(Identity::Encrypted(key)) => Ok(Container::OpenSsh(key)),
        Ok(Identity::Unsupported(key)) => Err(unsupported(&key)),
        Ok(identity) => Ok(Container::Clear(identity)),
        Err(_) => Err("ssh: malformed private key".into()),
    }
}

/// A PEM block: label, headers, and the decoded body.
struct Block<'t> {
    label: &'t str,
    headers: Vec<(&'t str, &'t str)>,
    body: Zeroizing<Vec<u8>>,
}

impl<'t> Block<'t> {
    fn find(text: &'t [u8]) -> Option<Block<'t>> {
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.lines().map(str::trim_end);
        let label = lines.find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))?;
        let mut headers = Vec::new();
        let mut encoded = Zeroizing::new(String::with_capacity(text.len()));
        for line in lines {
            if let Some(end) = line.strip_prefix("-----END ") {
                if end.strip_suffix("-----") != Some(label) {
                    return None;
                }
                let mut body = Zeroizing::new(vec![0; encoded.len()]);
                let length = BASE64_STANDARD.decode_slice(encoded.as_bytes(), &mut body).ok()?;
                body.truncate(length);
                return Some(Block { label, headers, body });
            }
            match line.split_once(": ") {
                Some(header) => headers.push(header),
                None => encoded.push_str(line),
            }
        }
        None
    }

    fn header(&self, name: &str) -> Option<&'t str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn is_encrypted(&self) -> bool {
        self.header("Proc-Type").is_some_and(|value| value.ends_with("ENCRYPTED"))
    }

    fn encrypted(self) -> Option<EncryptedPem> {
        let (cipher, iv) = self.header("DEK-Info")?.split_once(',')?;
        let cipher = PemCipher::ALL.into_iter().find(|known| known.name() == cipher)?;
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let iv: Option<Vec<u8>> = iv
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(high)? << 4 | digit(low)?),
                _ => None,
            })
            .collect();
        let iv = iv.filter(|iv| iv.len() == cipher.block_bytes())?;
        Some(EncryptedPem { cipher, iv, body: self.body })
    }
}

/// A PKCS#1 key behind a passphrase, as OpenSSL before 3 wrote it.
pub(super) struct EncryptedPem {
    cipher: PemCipher,
    iv: Vec<u8>,
    body: Zeroizing<Vec<u8>>,
}

impl EncryptedPem {
    /// Opens it; `None` for a wrong passphrase, which padding and structure tell.
    pub(super) fn decrypt(&self, passphrase: &str) -> Option<Identity> {
        let key = self.derive_key(passphrase)?;
        let mut body = self.body.clone();
        let length = self.cipher.decrypt(&key, &self.iv, &mut body)?;
        body.truncate(length);
        match clear(pem("RSA PRIVATE KEY", &body).ok()?).ok()? {
            Container::Clear(identity) => Some(identity),
            _ => None,
        }
    }

    /// D₁ ‖ D₂ ‖ … with Dᵢ = MD5(Dᵢ₋₁ ‖ passphrase ‖ first eight bytes of the IV).
    fn derive_key(&self, passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
        let salt = self.iv.get(..8)?;
        let mut key = Zeroizing::new(Vec::with_capacity(48));
        let mut previous = Zeroizing::new(Vec::with_capacity(16));
        while key.len() < self.cipher.key_bytes() {
            let digest = Zeroizing::new(<[u8; 16]>::from(
                Md5::new().chain_update(&*previous).chain_update(passphrase).chain_update(salt).finalize(),
            ));
            previous.clear();
            previous.extend_from_slice(&*digest);
            key.extend_from_slice(&*digest);
        }
        key.truncate(self.cipher.key_bytes());
        Some(key)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PemCipher {
    Des,
    TripleDes,
    Aes128,
    Aes192,
    Aes256,
}

impl PemCipher {
    const ALL: [PemCipher; 5] =
        [PemCipher::Des, PemCipher::TripleDes, PemCipher::Aes128, PemCipher::Aes192, PemCipher::Aes256];

    fn name(self) -> &'static str {
        match self {
            PemCipher::Des => "DES-CBC",
            PemCipher::TripleDes => "DES-EDE3-CBC",
            PemCipher::Aes128 => "AES-128-CBC",
            PemCipher::Aes192 => "AES-192-CBC",
            PemCipher::Aes256 => "AES-256-CBC",
        }
    }

    fn key_bytes(self) -> usize {
        match self {
            PemCipher::Des => 8,
            PemCipher::Aes128 => 16,
            PemCipher::TripleDes | PemCipher::Aes192 => 24,
            PemCipher::Aes256 => 32,
        }
    }

    fn block_bytes(self) -> usize {
        match self {
            PemCipher::Des | PemCipher::TripleDes => 8,
            _ => 16,
        }
    }

    /// Decrypts in place and returns the length without padding.
    fn decrypt(self, key: &[u8], iv: &[u8], body: &mut [u8]) -> Option<usize> {
        macro_rules! cbc {
            ($cipher:ty) => {
                cbc::Decryptor::<$cipher>::new_from_slices(key, iv).ok()?.decrypt_padded_mut::<Pkcs7>(body).ok()?.len()
            };
        }
        Some(match self {
            PemCipher::Des => cbc!(des::Des),
            PemCipher::TripleDes => cbc!(des::TdesEde3),
            PemCipher::Aes128 => cbc!(aes_ssh::Aes128),
            PemCipher::Aes192 => cbc!(aes_ssh::Aes192),
            PemCipher::Aes256 => cbc!(aes_ssh::Aes256),
        })
    }
}

/// PKCS#8: `SEQUENCE { version, SEQUENCE { algorithm, … }, OCTET STRING key, … }`.
fn pkcs8(der: &[u8]) -> Result<Container, String> {
    let (algorithm, key) = pkcs8_parts(der).ok_or("ssh: malformed private key")?;
    match algorithm {
        OID_RSA => clear(pem("RSA PRIVATE KEY", key)?),
        OID_ED25519 => {
            let seed = element(key, OCTET_STRING).and_then(|(seed, _)| <&[u8; 32]>::try_from(seed).ok());
            clear(pem("OPENSSH PRIVATE KEY", &openssh_ed25519(seed.ok_or("ssh: malformed private key")?))?)
        }
        OID_EC => Err("unsupported SSH identity type: *ecdsa.PrivateKey".into()),
        _ => Err("unsupported SSH identity type".into()),
    }
}

fn pkcs8_parts(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (outer, _) = element(der, SEQUENCE)?;
    let (_version, rest) = element(outer, INTEGER)?;
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (algorithm, _parameters) = element(algorithm, OBJECT_IDENTIFIER)?;
    let (key, _attributes) = element(rest, OCTET_STRING)?;
    Some((algorithm, key))
}

/// Splits off one DER element with this tag: its content, and what follows.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first().filter(|(first, _)| **first == tag)?;
    let _tag = first;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The OpenSSH container of an Ed25519 key without a passphrase.
fn openssh_ed25519(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let expanded = Zeroizing::new(<[u8; 64]>::from(<sha2::Sha512 as sha2::Digest>::digest(seed)));
    let mut scalar = Zeroizing::new([0; 32]);
    scalar.copy_from_slice(expanded.get(..32).unwrap_or(&[0; 32]));
    let public = curve25519_dalek::EdwardsPoint::mul_base_clamped(*scalar).compress().to_bytes();
    let mut private = Zeroizing::new(Vec::with_capacity(256));
    private.extend_from_slice(&[0; 8]);
    let mut pair = Zeroizing::new([0; 64]);
    for (to, from) in pair.iter_mut().zip(seed.iter().chain(&public)) {
        *to = *from;
    }
    for part in [b"ssh-ed25519".as_slice(), &public, &*pair, b""] {
        string(&mut private, part);
    }
    let padding = (8 - private.len() % 8) % 8;
    private.extend((1..).take(padding));
    let mut blob = Vec::with_capacity(64);
    string(&mut blob, b"ssh-ed25519");
    string(&mut blob, &public);
    let mut out = Zeroizing::new(Vec::with_capacity(512));
    out.extend_from_slice(OPENSSH_MAGIC);
    for part in [b"none".as_slice(), b"none", b""] {
        string(&mut out, part);
    }
    out.extend_from_slice(&1u32.to_be_bytes());
    string(&mut out, &blob);
    string(&mut out, &private);
    out
}

/// The SSH data type: length in four bytes, then the bytes.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// How many rounds of bcrypt a passphrase takes; `None` without a passphrase, and for what the crate will refuse.
fn bcrypt_rounds(body: &[u8]) -> Option<u32> {
    let rest = body.strip_prefix(OPENSSH_MAGIC)?;
    let (_cipher, rest) = take_string(rest)?;
    let (function, rest) = take_string(rest)?;
    let (options, _) = take_string(rest).filter(|_| function == b"bcrypt")?;
    let (_salt, rounds) = take_string(options)?;
    rounds.first_chunk().map(|rounds| u32::from_be_bytes(*rounds))
}

fn take_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn pem(label: &str, der: &[u8]) -> Result<Zeroizing<String>, String> {
    let mut encoded = Zeroizing::new(vec![0; der.len().div_ceil(3) * 4]);
    let length = BASE64_STANDARD.encode_slice(der, &mut encoded).map_err(|_| "ssh: malformed private key")?;
    let mut text = Zeroizing::new(String::with_capacity(length + length / 64 + 128));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in encoded.get(..length).unwrap_or_default().chunks(if label.starts_with("OPENSSH") { 70 } else { 64 }) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    Ok(text)
}

const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";
const MAX_BCRYPT_ROUNDS: u32 = 2048;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
