//! What every key source has to keep, as a suite that runs against any of them.
//!
//! For the tests of key sources, here and in other crates: a source that conforms can be put into a
//! [`Keyring`](super::Keyring) and nothing else of this library needs to know about it.

use super::{CallContext, KeyError, KeyKind, KeyPart, KeySource};
use crate::metadata::keys::{MasterKey, MasterKeyKind};

/// Checks a source with a key that it can wrap for and unwrap, and a `stranger` of the same kind that cannot unwrap it.
///
/// A data key (32 bytes) and a share of one (33) come back as they were. What is stored differs each time, is text, and does
/// not hold them. What is damaged, of another kind, or for somebody else gives an error or nothing, and never another part;
/// no message repeats one. Threads may share a source.
///
/// # Errors
/// The first rule that is broken, in a sentence.
pub fn conforms(source: &dyn KeySource, key: &MasterKey, stranger: &dyn KeySource) -> Result<(), String> {
    let call = CallContext::default();
    if source.kind() != key.kind() || stranger.kind() != key.kind() {
        return Err("the source is not of the kind of the key".into());
    }
    for length in [32, 33] {
        let part = KeyPart::new(CANARY.iter().copied().cycle().take(length).collect());
        let wrapped = wrap(source, key, &part)?;
        if wrapped.wrapped == wrap(source, key, &part)?.wrapped {
            return Err("the same part is wrapped to the same text twice".into());
        }
        opens(source, &wrapped, &part)?;
        std::thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| opens(source, &wrapped, &part)));
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err("a thread panicked".into())))
        })?;
        refuses(stranger, &wrapped, "for somebody else")?;
        for damaged in damaged(&wrapped.wrapped) {
            refuses(source, &MasterKey { wrapped: damaged, ..key.clone() }, "damaged")?;
        }
    }
    let other = MasterKey { kind: another_kind(key.kind()), ..key.clone() };
    refuses(source, &other, "of another kind")?;
    match source.wrap(&other, &KeyPart::new(CANARY.to_vec()), &call) {
        Ok(_) => Err("it wraps for a key of another kind".into()),
        Err(error) => is_discreet(&error),
    }
}

fn wrap(source: &dyn KeySource, key: &MasterKey, part: &KeyPart) -> Result<MasterKey, String> {
    let wrapped =
        source.wrap(key, part, &CallContext::default()).map_err(|error| format!("it does not wrap: {error}"))?;
    if wrapped.is_empty() || wrapped.contains('\0') || wrapped.contains('\r') {
        return Err("what is stored is not text, or its lines do not end with LF".into());
    }
    if secrets().any(|secret| wrapped.contains(&secret)) {
        return Err("what is stored holds the part".into());
    }
    Ok(MasterKey { wrapped, ..key.clone() })
}

fn opens(source: &dyn KeySource, key: &MasterKey, part: &KeyPart) -> Result<(), String> {
    match source.unwrap(key, &CallContext::default()) {
        Ok(Some(found)) if found.expose() == part.expose() => Ok(()),
        Ok(Some(_)) => Err("another part comes back".into()),
        Ok(None) => Err("it does not know its own key".into()),
        Err(error) => Err(format!("it does not unwrap: {error}")),
    }
}

fn refuses(source: &dyn KeySource, key: &MasterKey, what: &str) -> Result<(), String> {
    match source.unwrap(key, &CallContext::default()) {
        Ok(Some(_)) => Err(format!("it unwraps what is {what}")),
        Ok(None) => Ok(()),
        Err(error) => is_discreet(&error),
    }
}

fn is_discreet(error: &KeyError) -> Result<(), String> {
    let text = error.to_string();
    match secrets().any(|secret| text.contains(&secret)) {
        true => Err("a message repeats the part".into()),
        false if text.is_empty() => Err("a message is empty".into()),
        false => Ok(()),
    }
}

/// The part as it could be printed: as it is, in hexadecimal, in base64 at any of its three offsets.
fn secrets() -> impl Iterator<Item = String> {
    use base64::Engine as _;
    let encoded = |skip: usize| {
        let bytes: Vec<u8> = CANARY.iter().copied().skip(skip).take(12).collect();
        base64::prelude::BASE64_STANDARD_NO_PAD.encode(bytes)
    };
    let hex: String = CANARY.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let plain = String::from_utf8_lossy(CANARY).into_owned();
    [plain, hex.to_uppercase(), hex].into_iter().chain((0..3).map(encoded))
}

/// The text without a half, without anything, and with one letter changed at the start, in the middle and near the end.
fn damaged(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut all = vec![String::new(), letters.iter().take(letters.len() / 2).collect()];
    // Behind the armor's begin line, where there is one: what follows is what a source has to look after.
    let start = letters.iter().position(|letter| *letter == '\n').map_or(0, |at| at + 2);
    let end = letters.len().saturating_sub(48).max(start);
    for at in [start, start + (end - start) / 2, end] {
        let changed = letters.iter().enumerate().map(|(index, letter)| match *letter {
            'A' if index == at => 'B',
            _ if index == at => 'A',
            letter => letter,
        });
        all.push(changed.collect());
    }
    all.retain(|damaged| damaged != text);
    all
}

fn another_kind(kind: KeyKind) -> MasterKeyKind {
    match kind {
        KeyKind::GcpKms => MasterKeyKind::HcKms { key_id: "region:key".into() },
        _ => MasterKeyKind::GcpKms { resource_id: "projects/p/locations/l/keyRings/r/cryptoKeys/k".into() },
    }
}

const CANARY: &[u8; 16] = b"canary in a mine";

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// Wraps as hexadecimal text with a number in front and a checksum behind; `fault` breaks one rule.
    struct Hex {
        fault: &'static str,
        number: AtomicU8,
    }

    impl Hex {
        fn sum(number: u8, mask: u8, part: &[u8]) -> u32 {
            let bytes = [number, mask].into_iter().chain(part.iter().copied());
            bytes.fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
        }
    }

    impl KeySource for Hex {
        fn kind(&self) -> KeyKind {
            KeyKind::GcpKms
        }

        fn wrap(&self, key: &MasterKey, part: &KeyPart, _call: &CallContext) -> Result<String, KeyError> {
            if key.kind() != self.kind() && self.fault != "kind" {
                return Err(KeyError::Unsupported("keys of another kind".into()));
            }
            let number = if self.fault == "same" { 7 } else { self.number.fetch_add(1, Ordering::Relaxed) };
            let mask = if self.fault == "plain" { 0 } else { number | 0x80 };
            let sum = Hex::sum(number, mask, part.expose());
            let body: String = part.expose().iter().map(|byte| format!("{:02x}", byte ^ mask)).collect();
            Ok(format!("{number:02x}{mask:02x}{body}{sum:08x}"))
        }

        fn unwrap(&self, key: &MasterKey, _call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
            if key.kind() != self.kind() || self.fault == "stranger" {
                return Ok(None);
            }
            let bytes: Option<Vec<u8>> = key
                .wrapped
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
                .collect();
            let no_text = || KeyError::Failed("no text of mine".into());
            let bytes = bytes.filter(|bytes| bytes.len() > 6).ok_or_else(no_text)?;
            let (number, mask, (body, sum)) = (bytes[0], bytes[1], bytes[2..].split_at(bytes.len() - 6));
            let part: Vec<u8> = body.iter().map(|byte| byte ^ mask).collect();
            if Hex::sum(number, mask, &part).to_be_bytes() != sum && self.fault != "checks" {
                let told = match self.fault {
                    "tells" => String::from_utf8_lossy(CANARY).into_owned(),
                    _ => "damaged".into(),
                };
                return Err(KeyError::Failed(told));
            }
            Ok(Some(KeyPart::new(part)))
        }
    }

    fn verdict(fault: &'static str) -> Result<(), String> {
        let hex = |fault| Hex { fault, number: AtomicU8::new(0) };
        let key = MasterKey::new(MasterKeyKind::GcpKms { resource_id: "k".into() });
        conforms(&hex(fault), &key, &hex("stranger"))
    }

    #[test]
    fn a_source_that_keeps_every_rule_conforms_and_a_broken_rule_is_found() {
        assert_eq!(verdict(""), Ok(()));
        for (fault, text) in [
            ("same", "the same part is wrapped to the same text twice"),
            ("plain", "what is stored holds the part"),
            ("kind", "it wraps for a key of another kind"),
            ("checks", "it unwraps what is damaged"),
            ("tells", "a message repeats the part"),
            ("stranger", "it does not know its own key"),
        ] {
            assert_eq!(verdict(fault), Err(text.into()));
        }
    }
}
