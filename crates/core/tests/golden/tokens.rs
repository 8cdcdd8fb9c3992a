//! Reads tokens without the library: age and AES-GCM from their crates, the rest by hand.
//!
//! So what we wrote is judged by something that does not share our mistakes.

use crate::library::ALICE;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::consts::U32;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A token as it stands in a text.
pub struct Token {
    data: Vec<u8>,
    iv: Vec<u8>,
    tag: Vec<u8>,
    /// Its type label.
    pub label: String,
}

/// An encrypted text, taken apart.
pub struct Opened {
    cipher: AesGcm<Aes256, U32>,
    /// The tokens of all leaves and comments in the order of the text, metadata left out.
    pub tokens: Vec<Token>,
    mac: Option<Token>,
    last_modified: String,
}

/// Takes an encrypted text apart with the test identity.
pub fn open(encrypted: &str) -> Opened {
    // The metadata stands last: the document's own text may hold such keys too. The tables of expected tokens leave out
    // every value of a key `mac`, wherever it stands.
    let after = |mark: &str| encrypted.rsplit_once(mark).map(|(_, rest)| rest);
    let mac = after("mac: ENC[AES256_GCM,").and_then(|t| Token::parse(t.split(']').next()?));
    let leaves = encrypted.replace("mac: ENC[AES256_GCM,", "mac: ");
    let tokens = texts(&leaves, "ENC[AES256_GCM,", "]").filter_map(Token::parse).collect();
    let last_modified = after("lastmodified: \"").and_then(|t| t.split('"').next()).unwrap_or_default();
    let key = data_key(encrypted).expect("the test identity opens the file");
    let cipher = AesGcm::<Aes256, U32>::new_from_slice(&key).expect("a key of 32 bytes");
    Opened { cipher, tokens, mac, last_modified: last_modified.to_string() }
}

/// Wraps a data key for the test identity, as the text of `enc`.
pub fn wrap(key: &[u8]) -> String {
    age::encrypt_and_armor(&identity().to_public(), key).expect("age encrypts")
}

fn identity() -> age::x25519::Identity {
    ALICE.lines().find(|l| l.starts_with("AGE-SECRET-KEY-")).expect("an identity").parse().expect("an identity")
}

fn data_key(encrypted: &str) -> Option<Vec<u8>> {
    let (begin, end) = ("-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----");
    texts(encrypted, begin, end).find_map(|body| {
        let lines: Vec<&str> = body.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        age::decrypt(&identity(), format!("{begin}\n{}\n{end}\n", lines.join("\n")).as_bytes()).ok()
    })
}

/// The texts between two marks.
fn texts<'a>(text: &'a str, begin: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(begin).skip(1).filter_map(move |rest| rest.split_once(end).map(|(inside, _)| inside))
}

impl Token {
    /// Reads `data:…,iv:…,tag:…,type:…`.
    fn parse(inside: &str) -> Option<Token> {
        let field = |name: &str| inside.split(',').find_map(|part| part.strip_prefix(name));
        let bytes = |name: &str| STANDARD.decode(field(name)?).ok();
        let label = field("type:")?.to_string();
        Some(Token { data: bytes("data:")?, iv: bytes("iv:")?, tag: bytes("tag:")?, label })
    }
}

impl Opened {
    /// Opens a token at a path; `None` if it is not authentic there.
    pub fn plain(&self, token: &Token, aad: &str) -> Option<Vec<u8>> {
        let sealed = [token.data.as_slice(), &token.tag].concat();
        let nonce = Nonce::<U32>::try_from(token.iv.as_slice()).ok()?;
        self.cipher.decrypt(&nonce, Payload { msg: &sealed, aad: aad.as_bytes() }).ok()
    }

    /// Returns the digest inside the `mac` field.
    pub fn digest(&self) -> Option<String> {
        String::from_utf8(self.plain(self.mac.as_ref()?, &self.last_modified)?).ok()
    }

    /// Compares with the expected tokens (AAD, label, plain text), in order. As many comments may stand in between as
    /// the reference would have dropped.
    pub fn compare(&self, expected: &[(String, String, Vec<u8>)], dropped: usize) -> Result<(), String> {
        let (mut next, mut extra) = (0, 0);
        for (at, token) in self.tokens.iter().enumerate() {
            let meets = expected.get(next).is_some_and(|(aad, label, text)| {
                *label == token.label && self.plain(token, aad).as_deref() == Some(text.as_slice())
            });
            match meets {
                true => next += 1,
                false if token.label == "comment" && extra < dropped => extra += 1,
                false => {
                    let what = expected
                        .get(next)
                        .map_or("the end".into(), |(a, l, t)| format!("{a:?} {l} {:?}", String::from_utf8_lossy(t)));
                    return Err(format!("token {at} ({}) is not {what}", token.label));
                }
            }
        }
        if next < expected.len() {
            return Err(format!("{next} tokens, expected {}: {:?} is missing", expected.len(), expected[next].0));
        }
        Ok(())
    }
}
