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

/// An expected token: AAD, type label, plain text.
pub type Expected = (String, String, Vec<u8>);

/// An encrypted text, taken apart.
pub struct Opened {
    cipher: AesGcm<Aes256, U32>,
    /// The tokens of all leaves and comments in the order of the text, metadata left out.
    pub tokens: Vec<Token>,
    mac: Option<Token>,
    last_modified: String,
}

/// Takes an encrypted file apart with the test identity.
pub fn open(encrypted: &[u8]) -> Result<Opened, String> {
    let encrypted = text(encrypted);
    // The metadata stands last: the document's own text may hold such keys too. The tables of expected tokens leave out
    // every value of a key `mac`, wherever it stands.
    let after = |mark: &str| encrypted.rsplit_once(mark).map(|(_, rest)| rest);
    let mac = after("mac: ENC[AES256_GCM,").and_then(|t| Token::parse(t.split(']').next()?));
    let is_mac = |at: usize| {
        let before = encrypted[..at].trim_end_matches([' ', '!', '\'', '"', ':']);
        before.ends_with("mac") || before.ends_with("spelling")
    };
    let starts = encrypted.match_indices("ENC[AES256_GCM,").filter(|(at, _)| !is_mac(*at));
    let bodies = starts.filter_map(|(at, mark)| encrypted[at + mark.len()..].split(']').next());
    let tokens = bodies.filter_map(Token::parse).collect();
    let last_modified = after("lastmodified: \"").and_then(|t| t.split('"').next()).unwrap_or_default();
    let key = data_key(&encrypted).ok_or("the test identity does not open the file")?;
    let cipher = AesGcm::<Aes256, U32>::new_from_slice(&key).expect("a key of 32 bytes");
    Ok(Opened { cipher, tokens, mac, last_modified: last_modified.to_string() })
}

/// Decodes UTF-8, or UTF-16 with a byte order mark.
pub fn text(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| bytes[2..].chunks_exact(2).map(|c| from([c[0], c[1]])).collect::<Vec<_>>();
    match bytes {
        [0xFF, 0xFE, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
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
    // In a flow mapping the text stands on one line, with its line breaks escaped.
    let encrypted = encrypted.replace("\\n", "\n");
    texts(&encrypted, begin, end).find_map(|body| {
        let lines: Vec<&str> = body.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty()).collect();
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

    /// Compares with the expected tokens (AAD, label, plain text): values in order, comments by number, because they stay
    /// where they stand here. As many more comments may be there as the reference would have dropped.
    pub fn compare(&self, expected: &[Expected], dropped: usize) -> Result<(), String> {
        let (comments, values): (Vec<_>, Vec<_>) = self.tokens.iter().partition(|t| t.label == "comment");
        let (expected_comments, expected_values): (Vec<_>, Vec<_>) = expected.iter().partition(|e| e.1 == "comment");
        for (token, (aad, label, text)) in values.iter().zip(&expected_values) {
            let opens = self
                .plain(token, aad)
                .is_some_and(|plain| plain == *text || label == "float" && same_float(&plain, text));
            if token.label != *label || !opens {
                return Err(format!(
                    "a token ({}) is not {aad:?} {label} {:?}",
                    token.label,
                    String::from_utf8_lossy(text)
                ));
            }
        }
        if values.len() != expected_values.len() {
            return Err(format!("{} tokens, expected {}", values.len(), expected_values.len()));
        }
        let most = expected_comments.len() + dropped;
        if !(expected_comments.len()..=most).contains(&comments.len()) {
            return Err(format!("{} comments, expected {} to {most}", comments.len(), expected_comments.len()));
        }
        Ok(())
    }
}

/// A float keeps the spelling that the person gave it inside its token.
fn same_float(one: &[u8], other: &[u8]) -> bool {
    let value = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
    value(one).is_some() && value(one) == value(other)
}
