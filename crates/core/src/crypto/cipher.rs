//! The data key, and the cipher that seals and opens values with it: AES-256-GCM with IVs of 32 bytes.

use super::token::{self, Token};
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

/// What stands behind the data up to the label of the type: IV and tag have a fixed length.
const MIDDLE: &[u8; 83] = b",iv:............................................,tag:........................,type:";

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

    /// The length of the token of so many bytes, or a little more.
    pub fn token_len(plain: usize) -> usize {
        token::PREFIX.len() + base64::encoded_len(plain) + MIDDLE.len() + "comment]".len()
    }

    /// Appends the token of `plain` to `out`.
    ///
    /// # Panics
    /// Beyond the 64 GiB that GCM can encrypt, which [`crate::outline::Span`] rules out.
    pub fn seal(&self, plain: &[u8], aad: &[u8], iv: &[u8; 32], kind: Kind, out: &mut Vec<u8>) {
        let length = base64::encoded_len(plain.len());
        out.reserve(Cipher::token_len(plain.len()));
        out.extend_from_slice(token::PREFIX);
        let data = out.len();
        out.resize(data + length - plain.len(), 0);
        let from = out.len();
        out.extend_from_slice(plain);
        let tag = self.cipher.encrypt_inout_detached(&Nonce::from(*iv), aad, (&mut out[from..]).into());
        let Ok(tag) = tag else { unreachable!("a text of less than 4 GiB is within the limit of GCM") };
        base64::encode_at_end(&mut out[data..], plain.len());
        let mut middle = *MIDDLE;
        base64::encode(iv, &mut middle[4..]);
        base64::encode(&tag, &mut middle[53..]);
        out.extend_from_slice(&middle);
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
        let mut usual = [0; 33];
        let mut other = Vec::new();
        let iv = match token.iv.len() == 44 && base64::decode_small(token.iv, &mut usual) == Some(32) {
            true => &usual[..32],
            false => {
                base64::decode(token.iv, &mut other)?;
                &other
            }
        };
        base64::decode(token.tag, out)?;
        // The tag follows the data, wherever the boundary between the two texts was.
        let split = out.len().checked_sub(16).filter(|s| *s >= from).ok_or(LeafCause::Authentication)?;
        let tag = Tag::try_from(&out[split..]).map_err(|_| LeafCause::Authentication)?;
        out.truncate(split);
        self.decrypt(iv, aad, &mut out[from..], &tag)?;
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
