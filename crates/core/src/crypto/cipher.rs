//! The data key, and the cipher that seals and opens values with it: AES-256-GCM with IVs of 32 bytes.

use super::token::Token;
use super::{base64, gcm};
use crate::error::{Error, LeafCause};
use crate::value::Kind;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::consts::U32;
use aes_gcm::{AesGcm, Key, Nonce, Tag};
use rand::Rng;
use zeroize::{Zeroize, Zeroizing};

/// The 32 random bytes that encrypt a file's values. Zeroed when dropped.
///
/// They stay in one place of the heap: moving the key copies no secret.
pub struct DataKey(Box<Zeroizing<[u8; 32]>>);

impl DataKey {
    /// Draws a key from the operating system.
    ///
    /// # Panics
    /// If the operating system has no randomness, which leaves nothing safe to do.
    #[expect(clippy::expect_used, reason = "without randomness there is nothing safe to return")]
    pub fn generate() -> DataKey {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        getrandom::fill(&mut key[..]).expect("the operating system has randomness");
        DataKey(key)
    }

    /// Takes recovered bytes.
    ///
    /// # Errors
    /// [`Error::Metadata`] unless there are 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<DataKey, Error> {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        if bytes.len() != key.len() {
            let reason = format!("the recovered data key has {} bytes, 32 are needed", bytes.len());
            return Err(Error::Metadata { field: String::new(), reason });
        }
        key.copy_from_slice(bytes);
        Ok(DataKey(key))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// IVs from a generator that the operating system seeds.
pub struct IvSource(rand::rngs::ThreadRng);

impl IvSource {
    /// A source of this thread.
    pub fn new() -> IvSource {
        IvSource(rand::rng())
    }

    /// Draws an IV.
    pub fn draw(&mut self) -> [u8; 32] {
        let mut iv = [0; 32];
        self.0.fill_bytes(&mut iv);
        iv
    }
}

impl Default for IvSource {
    fn default() -> Self {
        IvSource::new()
    }
}

/// What a token has beside the data: IV, tag and the words between them.
const OVERHEAD: usize = 128;

/// The value cipher of one file: the key is expanded once.
pub struct Cipher {
    cipher: AesGcm<Aes256, U32>,
    aes: Aes256,
}

impl Cipher {
    /// Expands a key.
    pub fn new(key: &DataKey) -> Cipher {
        let key = Key::<Aes256>::from(*key.expose());
        let aes = Aes256::new(&key);
        Cipher { cipher: AesGcm::from(aes.clone()), aes }
    }

    /// Appends the token of `plain` to `out`.
    ///
    /// # Panics
    /// Beyond the 64 GiB that GCM can encrypt, which [`crate::outline::Span`] rules out.
    pub fn seal(&self, plain: &[u8], aad: &[u8], iv: &[u8; 32], kind: Kind, out: &mut Vec<u8>) {
        out.reserve(base64::encoded_len(plain.len()) + OVERHEAD);
        out.extend_from_slice(b"ENC[AES256_GCM,data:");
        let mut small = [0u8; 256];
        let mut large;
        let buffer: &mut [u8] = match small.get_mut(..plain.len()) {
            Some(buffer) => buffer,
            None => {
                large = vec![0; plain.len()];
                &mut large
            }
        };
        buffer.copy_from_slice(plain);
        let nonce = Nonce::from(*iv);
        let tag = self.cipher.encrypt_inout_detached(&nonce, aad, (&mut *buffer).into());
        let Ok(tag) = tag else { unreachable!("a text of less than 4 GiB is within the limit of GCM") };
        base64::encode(buffer, out);
        out.extend_from_slice(b",iv:");
        base64::encode(iv, out);
        out.extend_from_slice(b",tag:");
        base64::encode(&tag, out);
        out.extend_from_slice(b",type:");
        out.extend_from_slice(kind.label().as_bytes());
        out.push(b']');
    }

    /// Opens a token and appends its plain text to `out`. On an error `out` is as before.
    ///
    /// # Errors
    /// [`LeafCause::Encoding`], [`LeafCause::Authentication`], [`LeafCause::UnknownType`].
    pub fn open(&self, token: &Token<'_>, aad: &[u8], out: &mut Vec<u8>) -> Result<Kind, LeafCause> {
        let from = out.len();
        let result = self.open_at(token, aad, out, from);
        if result.is_err() {
            out[from..].zeroize();
            out.truncate(from);
        }
        result
    }

    fn open_at(&self, token: &Token<'_>, aad: &[u8], out: &mut Vec<u8>, from: usize) -> Result<Kind, LeafCause> {
        base64::decode(token.data, out)?;
        let mut iv = Vec::with_capacity(36);
        base64::decode(token.iv, &mut iv)?;
        base64::decode(token.tag, out)?;
        // The tag follows the data, wherever the boundary between the two texts was.
        let split = out.len().checked_sub(16).filter(|s| *s >= from).ok_or(LeafCause::Authentication)?;
        let tag = Tag::try_from(&out[split..]).map_err(|_| LeafCause::Authentication)?;
        out.truncate(split);
        self.decrypt(&iv, aad, &mut out[from..], &tag)?;
        token.kind().ok_or(LeafCause::UnknownType)
    }

    fn decrypt(&self, iv: &[u8], aad: &[u8], text: &mut [u8], tag: &Tag) -> Result<(), LeafCause> {
        let result = match <&[u8; 32]>::try_from(iv) {
            Ok(iv) => self.cipher.decrypt_inout_detached(&Nonce::from(*iv), aad, text.into(), tag),
            Err(_) if iv.is_empty() => return Err(LeafCause::Encoding),
            Err(_) => gcm::open(&self.aes, iv, aad, text, tag),
        };
        result.map_err(|_| LeafCause::Authentication)
    }
}
