//! The data key, and the cipher that seals and opens values with it: AES-256-GCM with IVs of 32 bytes.

use super::token::Token;
use crate::error::{Error, LeafCause};
use crate::value::Kind;
use aes_gcm::aead::array::ArraySize;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::consts::{U1, U8, U12, U16, U24, U32, U64};
use aes_gcm::{AesGcm, Key, Nonce, Tag};
use base64::Engine;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use rand::Rng;
use zeroize::{Zeroize, Zeroizing};

/// Decodes as the reference does: padding required, trailing bits accepted.
const DECODER: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The 32 random bytes that encrypt a file's values. Zeroed when dropped.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// Draws a key from the operating system.
    ///
    /// # Panics
    /// If the operating system has no randomness, which leaves nothing safe to do.
    #[expect(clippy::expect_used, reason = "without randomness there is nothing safe to return")]
    pub fn generate() -> DataKey {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).expect("the operating system has randomness");
        DataKey(key)
    }

    /// Takes recovered bytes.
    ///
    /// # Errors
    /// [`Error::Metadata`] unless there are 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<DataKey, Error> {
        let mut key = Zeroizing::new([0; 32]);
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
        append_base64(buffer, out);
        out.extend_from_slice(b",iv:");
        append_base64(iv, out);
        out.extend_from_slice(b",tag:");
        append_base64(&tag, out);
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
        decode_base64(token.data, out)?;
        let mut iv = Vec::with_capacity(36);
        decode_base64(token.iv, &mut iv)?;
        decode_base64(token.tag, out)?;
        // The tag follows the data, wherever the boundary between the two texts was.
        let split = out.len().checked_sub(16).filter(|s| *s >= from).ok_or(LeafCause::Authentication)?;
        let tag = Tag::try_from(&out[split..]).map_err(|_| LeafCause::Authentication)?;
        out.truncate(split);
        self.decrypt(&iv, aad, &mut out[from..], &tag)?;
        token.kind().ok_or(LeafCause::UnknownType)
    }

    fn decrypt(&self, iv: &[u8], aad: &[u8], text: &mut [u8], tag: &Tag) -> Result<(), LeafCause> {
        match iv.len() {
            32 => {
                let nonce = Nonce::try_from(iv).map_err(|_| LeafCause::Encoding)?;
                let result = self.cipher.decrypt_inout_detached(&nonce, aad, text.into(), tag);
                result.map_err(|_| LeafCause::Authentication)
            }
            1 => self.decrypt_sized::<U1>(iv, aad, text, tag),
            8 => self.decrypt_sized::<U8>(iv, aad, text, tag),
            12 => self.decrypt_sized::<U12>(iv, aad, text, tag),
            16 => self.decrypt_sized::<U16>(iv, aad, text, tag),
            24 => self.decrypt_sized::<U24>(iv, aad, text, tag),
            64 => self.decrypt_sized::<U64>(iv, aad, text, tag),
            _ => self.decrypt_other(iv, aad, text, tag),
        }
    }

    fn decrypt_sized<N: ArraySize>(&self, iv: &[u8], aad: &[u8], text: &mut [u8], tag: &Tag) -> Result<(), LeafCause> {
        let cipher = AesGcm::<Aes256, N>::from(self.aes.clone());
        let nonce = Nonce::<N>::try_from(iv).map_err(|_| LeafCause::Encoding)?;
        cipher.decrypt_inout_detached(&nonce, aad, text.into(), tag).map_err(|_| LeafCause::Authentication)
    }

    /// IVs of any other length (no known writer makes them).
    fn decrypt_other(&self, iv: &[u8], aad: &[u8], text: &mut [u8], tag: &Tag) -> Result<(), LeafCause> {
        macro_rules! sizes {
            ($($length:literal => $size:ident),* $(,)?) => {{
                use aes_gcm::aes::cipher::consts::{$($size),*};
                match iv.len() {
                    $($length => self.decrypt_sized::<$size>(iv, aad, text, tag),)*
                    _ => Err(LeafCause::Encoding),
                }
            }};
        }
        sizes!(
            2 => U2, 3 => U3, 4 => U4, 5 => U5, 6 => U6, 7 => U7, 9 => U9, 10 => U10, 11 => U11, 13 => U13, 14 => U14,
            15 => U15, 17 => U17, 18 => U18, 19 => U19, 20 => U20, 21 => U21, 22 => U22, 23 => U23, 25 => U25, 26 => U26,
            27 => U27, 28 => U28, 29 => U29, 30 => U30, 31 => U31, 33 => U33, 34 => U34, 36 => U36, 40 => U40, 48 => U48,
            56 => U56, 96 => U96, 100 => U100, 128 => U128, 256 => U256,
        )
    }
}

#[expect(clippy::expect_used, reason = "the buffer is sized by the engine's own rule")]
fn append_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    out.resize(from + bytes.len().div_ceil(3) * 4, 0);
    base64::engine::general_purpose::STANDARD.encode_slice(bytes, &mut out[from..]).expect("the buffer fits");
}

/// Appends what base64 text means. CR and LF inside are skipped.
fn decode_base64(text: &[u8], out: &mut Vec<u8>) -> Result<(), LeafCause> {
    let from = out.len();
    out.resize(from + text.len() / 4 * 3 + 3, 0);
    if let Ok(length) = DECODER.decode_slice(text, &mut out[from..]) {
        out.truncate(from + length);
        return Ok(());
    }
    out.truncate(from);
    if !text.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        return Err(LeafCause::Encoding);
    }
    let stripped: Vec<u8> = text.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    DECODER.decode_vec(stripped, out).map_err(|_| LeafCause::Encoding)
}
