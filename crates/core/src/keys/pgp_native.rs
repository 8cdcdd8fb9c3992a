//! Key rings of GnuPG before 2.1 (`secring.gpg`, `pubring.gpg`), read without `gpg`.
//!
//! For machines without the program, or where it is too new for these files. The OpenPGP is the `pgp` crate's, without what
//! is off there by default: packets without integrity are refused. Source: spec/keys.md §3.1.

use super::{KeyPart, Protected, Surroundings, pgp};
use ::pgp::composed::{
    DecryptionOptions, Deserializable as _, Esk, Message, MessageBuilder, SignedPublicKey, SignedSecretKey, TheRing,
};
use ::pgp::crypto::sym::SymmetricKeyAlgorithm;
use ::pgp::types::{KeyDetails as _, Password};
use rand_age::rngs::OsRng;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zeroize::Zeroizing;

/// Wraps for the primary key of exactly this fingerprint in `pubring.gpg`.
pub(super) fn wrap(home: &Path, fingerprint: &str, part: &KeyPart) -> Result<String, String> {
    let missing = || format!("key with fingerprint '{fingerprint}' is not available in keyring");
    let ring = File::open(home.join("pubring.gpg")).map_err(|_| missing())?;
    let keys = SignedPublicKey::from_bytes_many(BufReader::new(ring)).map_err(|_| missing())?;
    let is_meant = |key: &SignedPublicKey| format!("{:X}", key.fingerprint()) == fingerprint;
    let key = keys.filter_map(Result::ok).find(is_meant).ok_or_else(missing)?;
    let failed = |_| format!("the key with fingerprint '{fingerprint}' cannot be encrypted to");
    key.verify_bindings().map_err(failed)?;
    let mut message =
        MessageBuilder::from_bytes("", part.expose().to_vec()).seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
    let subkey = key.public_subkeys.iter().rev().find(|subkey| subkey.algorithm().can_encrypt());
    match subkey {
        Some(subkey) => message.encrypt_to_key(OsRng, subkey),
        None => message.encrypt_to_key(OsRng, &key.primary_key),
    }
    .map_err(failed)?;
    let armored = message.to_armored_string(OsRng, Default::default()).map_err(failed)?;
    Ok(armored.replace("\r\n", "\n").trim_end().to_owned())
}

/// Unwraps with the first secret key of `secring.gpg`, else of `pubring.gpg`, that the message is for.
pub(super) fn unwrap(home: &Path, wrapped: &str, around: &Surroundings) -> Result<Zeroizing<Vec<u8>>, String> {
    let ring = ["secring.gpg", "pubring.gpg"].into_iter().find_map(|name| File::open(home.join(name)).ok());
    let ring = ring.ok_or_else(|| pgp::no_keyring(home))?;
    let failed = |reason: &str| format!("reading PGP message failed: {reason}");
    let keys = SignedSecretKey::from_bytes_many(BufReader::new(ring));
    let keys: Vec<SignedSecretKey> = keys.map(|keys| keys.filter_map(Result::ok).collect()).unwrap_or_default();
    let message =
        || Message::from_armor(wrapped.as_bytes()).map(|(message, _)| message).map_err(|_| failed("malformed"));
    let Message::Encrypted { esk, .. } = message()? else { return Err(failed("it is not encrypted")) };
    let meant = keys.iter().find_map(|key| Some((key, subkey_for(key, &esk)?)));
    let (key, id) = meant.ok_or_else(|| failed("openpgp: incorrect key"))?;
    if let Some(part) = open(message()?, key, &Password::empty()) {
        return Ok(part);
    }
    let protected = Protected::PgpKey { id: &id };
    for _ in 0..MAX_QUESTIONS {
        let passphrase = around.person.passphrase(protected).map_err(|reason| failed(&reason))?;
        if let Some(part) = open(message()?, key, &Password::from(passphrase.as_bytes())) {
            return Ok(part);
        }
        around.person.was_wrong(protected);
    }
    Err(failed("function passphrasePrompt called too many times"))
}

/// The end of the id of the key or sub-key that the message names; `None` if it names neither.
fn subkey_for(key: &SignedSecretKey, esk: &[Esk]) -> Option<String> {
    let ids = key.secret_subkeys.iter().map(|subkey| subkey.legacy_key_id()).chain([key.legacy_key_id()]);
    let is_named = |id: &::pgp::types::KeyId| {
        esk.iter().any(|esk| matches!(esk, Esk::PublicKeyEncryptedSessionKey(session) if session.id().ok() == Some(id)))
    };
    let id = ids.into_iter().find(is_named)?;
    let digits = id.to_string().to_uppercase();
    Some(digits.get(digits.len().saturating_sub(8)..).unwrap_or_default().to_owned())
}

fn open(message: Message<'_>, key: &SignedSecretKey, password: &Password) -> Option<Zeroizing<Vec<u8>>> {
    let ring = TheRing {
        secret_keys: vec![key],
        key_passwords: vec![password],
        // What GnuPG 2.3 writes for keys that ask for it.
        decrypt_options: DecryptionOptions::new().enable_gnupg_aead(),
        ..TheRing::default()
    };
    let (mut message, _) = message.decrypt_the_ring(ring, true).ok()?;
    if message.is_compressed() {
        message = message.decompress().ok()?;
    }
    message.as_data_vec().ok().map(Zeroizing::new)
}

const MAX_QUESTIONS: usize = 3;
