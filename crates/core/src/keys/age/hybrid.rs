//! Hybrid post-quantum recipients (`age1pq1…`, stanza `mlkem768x25519`), which the age crate has not yet.
//!
//! HPKE in base mode with the key encapsulation MLKEM768-X25519 ("X-Wing"), HKDF-SHA256 and ChaCha20-Poly1305. HPKE, ML-KEM,
//! X25519 and SHA-3 are crates; ours is the combination of the two shared secrets. Drop this module for
//! `hpke::kem::XWing` when age stands on a release that has it. Source: spec/keys.md §2.3; vectors in the age kit of CCTV.

use age_core::format::{FileKey, Stanza};
use age_core::primitives::{bech32_decode, bech32_encode, hpke_open, hpke_seal};
use age_core::secrecy::ExposeSecret;
use hpke::kem::SharedSecret;
use hpke::{Deserializable, HpkeError, Serializable};
use ml_kem::kem::{Decapsulate, Encapsulate};
use ml_kem::{Ciphertext, EncodedSizeUser, KemCore, MlKem768};
use rand_age::rngs::OsRng;
use rand_age::{CryptoRng, RngCore};
use sha3::digest::generic_array::typenum::{Sum, U32};
use sha3::digest::{Digest, ExtendableOutput, OutputSizeUser, Update, XofReader};
use sha3::{Sha3_256, Shake256};
use std::collections::HashSet;
use x25519_dalek::{PublicKey as X25519Public, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

/// Whom to wrap for: an encapsulation key of 1,184 bytes and an X25519 share of 32.
pub(super) struct Recipient(PublicKey);

/// What unwraps: a seed of 32 bytes, expanded.
pub(super) struct Identity(PrivateKey);

impl Recipient {
    /// Parses `age1pq1…`; `None` for what is none.
    pub(super) fn parse(text: &str) -> Option<Recipient> {
        public_bytes(text).and_then(|bytes| PublicKey::from_bytes(&bytes).ok()).map(Recipient)
    }
}

impl Identity {
    /// Parses `AGE-SECRET-KEY-PQ-1…`; `None` for what is none.
    pub(super) fn parse(text: &str) -> Option<Identity> {
        let seed = bech32_decode(
            text,
            |_| (),
            |hrp| if hrp.as_str() == "AGE-SECRET-KEY-PQ-" { Ok(()) } else { Err(()) },
            |_, bytes| {
                let mut seed = Zeroizing::new([0; 32]);
                let mut bytes = bytes.into_iter();
                for byte in seed.iter_mut() {
                    *byte = bytes.next().ok_or(())?;
                }
                if bytes.next().is_some() { Err(()) } else { Ok(seed) }
            },
        );
        seed.ok().map(|seed| Identity(PrivateKey::expand(seed)))
    }

    /// The recipient of this identity.
    pub(super) fn recipient(&self) -> String {
        bech32_encode(bech32::Hrp::parse_unchecked(HRP), &self.public_bytes())
    }

    /// Whether this is the identity of a recipient.
    pub(super) fn is_of(&self, recipient: &str) -> bool {
        recipient.starts_with(PREFIX) && public_bytes(recipient) == Some(self.public_bytes())
    }

    fn public_bytes(&self) -> Vec<u8> {
        let mut own = vec![0; PUBLIC_BYTES];
        XWing::sk_to_pk(&self.0).write_exact(&mut own);
        own
    }

    /// Unwraps the file key; `None` if the stanza is somebody else's, which only the AEAD tells.
    ///
    /// # Errors
    /// A stanza of this type that cannot be one.
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<Option<FileKey>, String> {
        if stanza.tag != STANZA {
            return Ok(None);
        }
        let malformed = || "invalid mlkem768x25519 recipient block".to_owned();
        let [share] = &stanza.args[..] else { return Err(malformed()) };
        let encapsulated = super::base64_without_padding(share).and_then(|bytes| Encapsulated::from_bytes(&bytes).ok());
        let encapsulated = encapsulated.filter(|_| stanza.body.len() == 32).ok_or_else(malformed)?;
        if is_zero(self.0.scalar.diffie_hellman(&encapsulated.share).as_bytes()) {
            return Err(malformed());
        }
        let Ok(plain) = hpke_open::<XWing>(&encapsulated, &self.0, INFO, &stanza.body) else { return Ok(None) };
        let plain = Zeroizing::new(plain);
        let key = FileKey::try_init_with_mut(|key| {
            if plain.len() != key.len() {
                return Err(malformed());
            }
            key.copy_from_slice(&plain);
            Ok(())
        });
        key.map(Some)
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let (encapsulated, body) = hpke_seal::<XWing, _>(&self.0, INFO, file_key.expose_secret(), &mut OsRng);
        let mut bytes = vec![0; ENCAPSULATED_BYTES];
        encapsulated.write_exact(&mut bytes);
        let args = vec![super::to_base64_without_padding(&bytes)];
        Ok((vec![Stanza { tag: STANZA.into(), args, body }], HashSet::from([LABEL.to_owned()])))
    }
}

fn public_bytes(text: &str) -> Option<Vec<u8>> {
    let hrp = |hrp: &str| if hrp == HRP { Ok(()) } else { Err(()) };
    let bytes = bech32_decode(text, |_| (), |found| hrp(found.as_str()), |_, bytes| Ok(bytes.collect::<Vec<u8>>()));
    bytes.ok().filter(|bytes| bytes.len() == PUBLIC_BYTES)
}

fn is_zero(bytes: &[u8; 32]) -> bool {
    bytes.iter().fold(0, |any, byte| any | byte) == 0
}

/// The key encapsulation, for HPKE.
struct XWing;

#[derive(Clone)]
struct PrivateKey {
    seed: Zeroizing<[u8; 32]>,
    decapsulation: <MlKem768 as KemCore>::DecapsulationKey,
    scalar: StaticSecret,
}

#[derive(Clone, Debug, PartialEq)]
struct PublicKey {
    encapsulation: <MlKem768 as KemCore>::EncapsulationKey,
    share: X25519Public,
}

#[derive(Clone)]
struct Encapsulated {
    ciphertext: Ciphertext<MlKem768>,
    share: X25519Public,
}

impl PrivateKey {
    /// SHAKE-256 of the seed: 64 bytes for ML-KEM (d ‖ z), 32 for X25519.
    fn expand(seed: Zeroizing<[u8; 32]>) -> PrivateKey {
        let mut stream = Shake256::default().chain(seed.as_slice()).finalize_xof();
        let mut draw = || {
            let mut bytes = Zeroizing::new([0; 32]);
            stream.read(&mut *bytes);
            bytes
        };
        let (mut d, mut z) = ((*draw()).into(), (*draw()).into());
        let (decapsulation, _) = MlKem768::generate_deterministic(&d, &z);
        let scalar = StaticSecret::from(*draw());
        d.zeroize();
        z.zeroize();
        PrivateKey { seed, decapsulation, scalar }
    }
}

impl PartialEq for PrivateKey {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.seed.ct_eq(&*other.seed).into()
    }
}

impl Eq for PrivateKey {}

impl Eq for PublicKey {}

impl Serializable for PrivateKey {
    type OutputSize = U32;

    fn write_exact(&self, out: &mut [u8]) {
        out.copy_from_slice(&*self.seed);
    }
}

impl Deserializable for PrivateKey {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let seed = bytes.try_into().map_err(|_| HpkeError::IncorrectInputLength(32, bytes.len()))?;
        Ok(PrivateKey::expand(Zeroizing::new(seed)))
    }
}

impl Serializable for PublicKey {
    type OutputSize = Sum<<<MlKem768 as KemCore>::EncapsulationKey as EncodedSizeUser>::EncodedSize, U32>;

    fn write_exact(&self, out: &mut [u8]) {
        write_two(out, &self.encapsulation.as_bytes(), &self.share);
    }
}

impl Deserializable for PublicKey {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let (encoded, share) = split(bytes, PUBLIC_BYTES)?;
        let encoded = encoded.try_into().map_err(|_| HpkeError::ValidationError)?;
        let encapsulation = <MlKem768 as KemCore>::EncapsulationKey::from_bytes(&encoded);
        // The crate reduces coefficients silently; a key that is not canonical is none.
        if encapsulation.as_bytes() != encoded {
            return Err(HpkeError::ValidationError);
        }
        Ok(PublicKey { encapsulation, share })
    }
}

impl Serializable for Encapsulated {
    type OutputSize = Sum<<MlKem768 as KemCore>::CiphertextSize, U32>;

    fn write_exact(&self, out: &mut [u8]) {
        write_two(out, &self.ciphertext, &self.share);
    }
}

impl Deserializable for Encapsulated {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let (ciphertext, share) = split(bytes, ENCAPSULATED_BYTES)?;
        Ok(Encapsulated { ciphertext: ciphertext.try_into().map_err(|_| HpkeError::ValidationError)?, share })
    }
}

/// `first ‖ share`.
fn write_two(out: &mut [u8], first: &[u8], share: &X25519Public) {
    let (head, tail) = out.split_at_mut(first.len());
    head.copy_from_slice(first);
    tail.copy_from_slice(share.as_bytes());
}

fn split(bytes: &[u8], length: usize) -> Result<(&[u8], X25519Public), HpkeError> {
    match bytes.split_last_chunk::<32>() {
        Some((first, share)) if bytes.len() == length => Ok((first, (*share).into())),
        _ => Err(HpkeError::IncorrectInputLength(length, bytes.len())),
    }
}

impl hpke::Kem for XWing {
    type PublicKey = PublicKey;
    type PrivateKey = PrivateKey;
    type EncappedKey = Encapsulated;
    type NSecret = <Sha3_256 as OutputSizeUser>::OutputSize;
    const KEM_ID: u16 = 0x647a;

    fn sk_to_pk(key: &PrivateKey) -> PublicKey {
        PublicKey { encapsulation: key.decapsulation.encapsulation_key().clone(), share: (&key.scalar).into() }
    }

    fn derive_keypair(seed: &[u8]) -> (PrivateKey, PublicKey) {
        // Not used: seeds come from identities. Any input of any length gives a key pair.
        let seed: [u8; 32] = Sha3_256::digest(seed).into();
        let key = PrivateKey::expand(Zeroizing::new(seed));
        let public = Self::sk_to_pk(&key);
        (key, public)
    }

    fn decap(
        key: &PrivateKey,
        sender: Option<&PublicKey>,
        from: &Encapsulated,
    ) -> Result<SharedSecret<Self>, HpkeError> {
        if sender.is_some() {
            return Err(HpkeError::DecapError);
        }
        let mut lattice = key.decapsulation.decapsulate(&from.ciphertext).map_err(|()| HpkeError::DecapError)?;
        let curve = key.scalar.diffie_hellman(&from.share);
        let secret = combine(&lattice, curve.as_bytes(), &from.share, &(&key.scalar).into());
        lattice.zeroize();
        Ok(secret)
    }

    fn encap<R: CryptoRng + RngCore>(
        to: &PublicKey,
        sender: Option<(&PrivateKey, &PublicKey)>,
        random: &mut R,
    ) -> Result<(SharedSecret<Self>, Encapsulated), HpkeError> {
        if sender.is_some() {
            return Err(HpkeError::EncapError);
        }
        let (ciphertext, mut lattice) = to.encapsulation.encapsulate(random).map_err(|()| HpkeError::EncapError)?;
        let ephemeral = StaticSecret::random_from_rng(random);
        let share = X25519Public::from(&ephemeral);
        let secret = combine(&lattice, ephemeral.diffie_hellman(&to.share).as_bytes(), &share, &to.share);
        lattice.zeroize();
        Ok((secret, Encapsulated { ciphertext, share }))
    }
}

/// SHA3-256 of both shared secrets, both X25519 shares and the label.
fn combine(lattice: &[u8], curve: &[u8], share: &X25519Public, public: &X25519Public) -> SharedSecret<XWing> {
    let mut hash = Sha3_256::default();
    for part in [lattice, curve, share.as_bytes(), public.as_bytes(), b"\\.//^\\"] {
        Update::update(&mut hash, part);
    }
    SharedSecret(hash.finalize())
}

/// What a recipient begins with, in front of the separator.
const HRP: &str = "age1pq";
const PREFIX: &str = "age1pq1";
const STANZA: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const LABEL: &str = "postquantum";
const PUBLIC_BYTES: usize = 1216;
const ENCAPSULATED_BYTES: usize = 1120;

use hpke::Kem as _;

#[cfg(test)]
mod tests {
    use super::*;
    use age::Recipient as _;

    const IDENTITY: &str = "AGE-SECRET-KEY-PQ-1LN5FSKXXNWX78QH4NAHEFLEFCLMK9HWMGRP2D5PUHUCANU8WM2PQ84EEDS";

    fn public(identity: &Identity) -> Recipient {
        Recipient(XWing::sk_to_pk(&identity.0))
    }

    #[test]
    fn an_identity_tells_its_recipient() {
        let identity = Identity::parse(IDENTITY).expect("an identity");
        let text = identity.recipient();
        assert!(text.starts_with(PREFIX) && Recipient::parse(&text).is_some() && identity.is_of(&text));
    }

    #[test]
    fn what_is_wrapped_for_a_recipient_its_identity_unwraps_and_no_other() {
        let identity = Identity::parse(IDENTITY).expect("an identity");
        let other = Identity(PrivateKey::expand(Zeroizing::new([7; 32])));
        let key = FileKey::new(Box::new([9; 16]));
        let (stanzas, labels) = public(&identity).wrap_file_key(&key).expect("wraps");
        assert!(labels.contains("postquantum") && stanzas.len() == 1);
        let unwrapped = identity.unwrap(&stanzas[0]).expect("well formed").expect("its own");
        assert_eq!(unwrapped.expose_secret(), key.expose_secret());
        assert!(other.unwrap(&stanzas[0]).expect("well formed").is_none());
    }

    #[test]
    fn a_stanza_that_cannot_be_one_is_an_error() {
        let identity = Identity::parse(IDENTITY).expect("an identity");
        let good = || public(&identity).wrap_file_key(&FileKey::new(Box::new([9; 16]))).expect("wraps").0.remove(0);
        let mut short = good();
        short.body.pop();
        let mut two = good();
        two.args.push("x".into());
        let mut padded = good();
        padded.args[0].push('=');
        for stanza in [short, two, padded] {
            assert!(identity.unwrap(&stanza).is_err());
        }
        assert!(identity.unwrap(&Stanza { tag: "X25519".into(), ..good() }).is_ok_and(|key| key.is_none()));
    }

    #[test]
    fn recipients_and_identities_that_are_none_are_refused() {
        assert!(Recipient::parse("age1pq1qqqq").is_none() && Identity::parse(&IDENTITY.to_lowercase()).is_none());
        let mut bytes = vec![0xff; PUBLIC_BYTES];
        assert!(PublicKey::from_bytes(&bytes).is_err(), "coefficients that are not reduced");
        bytes.truncate(PUBLIC_BYTES - 1);
        assert!(PublicKey::from_bytes(&bytes).is_err());
    }
}
