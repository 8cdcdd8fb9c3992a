//! AES-256-GCM opening with an IV of any length, put together from the same crates that `aes-gcm` is made of.
//!
//! `aes-gcm` fixes the length of the IV at compile time. We write 32 bytes and open those with it; this is for the IVs
//! of other writers, which the reference takes at any length. Source: NIST SP 800-38D §7.1, §7.2.

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{BlockCipherEncrypt, InnerIvInit, StreamCipherCore};
use aes_gcm::{Error, Tag};
use ghash::{Block, GHash, Key, universal_hash::UniversalHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Opens `text` in place; on an error it is untouched.
///
/// # Errors
/// If the tag is not that of the text, or the IV is empty.
pub(super) fn open(aes: &Aes256, iv: &[u8], aad: &[u8], text: &mut [u8], tag: &Tag) -> Result<(), Error> {
    if iv.is_empty() {
        return Err(Error);
    }
    let mut hash_key = Key::default();
    aes.encrypt_block(&mut hash_key);
    let ghash = GHash::new(&hash_key);
    hash_key.zeroize();

    let mut counter = ctr::CtrCore::<_, ctr::flavors::Ctr32BE>::inner_iv_init(aes, &first_counter(&ghash, iv));
    let mut mask = Block::default();
    counter.write_keystream_block(&mut mask);
    let mut expected = hash(ghash, aad, text);
    expected.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    if !bool::from(expected.as_slice().ct_eq(tag.as_slice())) {
        return Err(Error);
    }
    counter.apply_keystream_partial(text.into());
    Ok(())
}

/// J₀: the IV itself and a counter of 1 for 12 bytes, else the hash of the IV.
fn first_counter(ghash: &GHash, iv: &[u8]) -> Block {
    if iv.len() == 12 {
        let mut block = Block::default();
        block[..12].copy_from_slice(iv);
        block[15] = 1;
        return block;
    }
    hash(ghash.clone(), &[], iv)
}

/// GHASH over both texts, each padded with zeros to whole blocks, and their lengths in bits.
fn hash(mut ghash: GHash, first: &[u8], second: &[u8]) -> Block {
    ghash.update_padded(first);
    ghash.update_padded(second);
    let mut lengths = Block::default();
    lengths[..8].copy_from_slice(&(first.len() as u64 * 8).to_be_bytes());
    lengths[8..].copy_from_slice(&(second.len() as u64 * 8).to_be_bytes());
    ghash.update(&[lengths]);
    ghash.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes_gcm::aead::array::ArraySize;
    use aes_gcm::aead::{AeadInOut, KeyInit};
    use aes_gcm::aes::cipher::consts::{U1, U12, U13, U16, U24, U32, U64, U100};
    use aes_gcm::{AesGcm, Nonce};
    use proptest::prelude::*;

    /// Seals with the crate, opens here, then with one bit of the tag changed.
    fn agrees<N: ArraySize>(key: [u8; 32], iv: u8, aad: &[u8], plain: &[u8]) -> bool {
        let aes = Aes256::new(&key.into());
        let (mut text, mut nonce) = (plain.to_vec(), Nonce::<N>::default());
        nonce.iter_mut().enumerate().for_each(|(i, byte)| *byte = iv.wrapping_mul(i as u8 | 1));
        let cipher = AesGcm::<Aes256, N>::from(aes.clone());
        let mut tag = cipher.encrypt_inout_detached(&nonce, aad, (&mut text[..]).into()).expect("short");
        let sealed = text.clone();
        tag[0] ^= 1;
        let refused = open(&aes, &nonce, aad, &mut text, &tag).is_err() && text == sealed;
        tag[0] ^= 1;
        refused && open(&aes, &nonce, aad, &mut text, &tag).is_ok() && text == plain
    }

    proptest! {
        #[test]
        fn it_opens_what_the_crate_seals(key: [u8; 32], iv: u8, aad: Vec<u8>, plain: Vec<u8>) {
            prop_assert!(agrees::<U1>(key, iv, &aad, &plain));
            prop_assert!(agrees::<U12>(key, iv, &aad, &plain));
            prop_assert!(agrees::<U13>(key, iv, &aad, &plain));
            prop_assert!(agrees::<U16>(key, iv, &aad, &plain));
            prop_assert!(agrees::<U24>(key, iv, &aad, &plain));
            prop_assert!(agrees::<U32>(key, iv, &aad, &plain));
            prop_assert!(agrees::<U64>(key, iv, &aad, &plain));
            prop_assert!(agrees::<U100>(key, iv, &aad, &plain));
        }
    }
}
