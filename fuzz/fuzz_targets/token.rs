//! What is sealed parses and opens to itself, and to nothing once it is altered; any other text is refused without a panic.
//!
//! Input: a byte for the kind, one for what to alter, 32 for the IV, then AAD and plain text up to a newline each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::crypto::cipher::{Cipher, DataKey};
use sops_core::crypto::token;
use sops_core::value::Kind;
use std::sync::LazyLock;

const KINDS: [Kind; 7] = [Kind::Str, Kind::Int, Kind::Float, Kind::Bool, Kind::Time, Kind::Comment, Kind::Bytes];
static CIPHER: LazyLock<Cipher> = LazyLock::new(|| Cipher::new(&DataKey::from_bytes(&[0x66; 32]).expect("32 bytes")));

fn open(text: &[u8], aad: &[u8]) -> Option<(Kind, Vec<u8>)> {
    let token = token::parse_allow_empty(text)?;
    let mut plain = b"in front".to_vec();
    match CIPHER.open(&token, aad, &mut plain) {
        Ok(kind) => Some((kind, plain.split_off(8))),
        Err(_) => {
            assert_eq!(plain, b"in front", "an error leaves nothing behind");
            None
        }
    }
}

fuzz_target!(|input: &[u8]| {
    assert!(open(input, b"").is_none(), "an arbitrary text is not authentic");
    let Some((&[kind, alter], rest)) = input.split_first_chunk::<2>() else { return };
    let Some((iv, rest)) = rest.split_first_chunk::<32>() else { return };
    let kind = KINDS[kind as usize % KINDS.len()];
    let (aad, plain) = rest.split_at(rest.iter().position(|b| *b == b'\n').unwrap_or(0));

    let mut text = Vec::new();
    CIPHER.seal(plain, aad, iv, kind, &mut text);
    assert!(text.is_ascii() && !text.contains(&b'\n'), "a token is one line of ASCII");
    assert!(open(&text, aad) == Some((kind, plain.to_vec())), "open(seal(x)) = x");
    assert!(open(&text, &[aad, b"x"].concat()).is_none(), "a token is bound to its place");

    // A changed character is refused, or means the same bytes (unused bits of base64), or only relabels the type.
    let at = alter as usize % text.len();
    text[at] = if text[at] == b'A' { b'B' } else { b'A' };
    assert!(open(&text, aad).is_none_or(|(_, opened)| opened == plain), "an altered token opens to another text");
});
