//! Bytes → checked text → outline.
//!
//! The encoding goes by the byte order mark alone, as in the reference. Positions count in the decoded text; the mark and
//! the encoding are kept beside it and put back by [`Encoding::encode`].

use super::convert::Keys;
use super::{convert, parse};
use crate::error::Error;
use crate::outline::Outline;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// How the bytes of a file carry its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8 without a mark.
    #[default]
    Utf8,
    /// UTF-8 with a byte order mark.
    Utf8Mark,
    /// UTF-16, little endian, with a mark.
    Utf16Le,
    /// UTF-16, big endian, with a mark.
    Utf16Be,
}

impl Encoding {
    /// Puts text back into the file's encoding.
    pub fn encode(self, text: String) -> Vec<u8> {
        match self {
            Encoding::Utf8 => text.into_bytes(),
            Encoding::Utf8Mark => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Encoding::Utf16Le => {
                let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
                units.flat_map(u16::to_le_bytes).collect()
            }
            Encoding::Utf16Be => {
                let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
                units.flat_map(u16::to_be_bytes).collect()
            }
        }
    }
}

/// Decodes and checks a file's bytes.
///
/// # Errors
/// [`Error::Syntax`] for invalid encodings and control characters; [`Error::Limit`] from 4 GiB on.
pub fn decode(bytes: Cow<'_, [u8]>) -> Result<(Encoding, String), Error> {
    if bytes.len() >= u32::MAX as usize / 2 {
        return Err(Error::Limit { what: "size of the text in bytes", max: u64::from(u32::MAX / 2) });
    }
    let utf16 = |convert: fn([u8; 2]) -> u16| {
        let tail = &bytes[2..];
        let text = char::decode_utf16(tail.chunks_exact(2).map(|c| convert([c[0], c[1]])))
            .collect::<Result<String, _>>()
            .ok()
            .filter(|_| tail.len().is_multiple_of(2));
        text.ok_or_else(|| syntax("invalid UTF-16"))
    };
    let (encoding, text) = match &*bytes {
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, utf16(u16::from_le_bytes)?),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, utf16(u16::from_be_bytes)?),
        [0xEF, 0xBB, 0xBF, rest @ ..] => (Encoding::Utf8Mark, utf8(rest.to_vec())?),
        _ => (Encoding::Utf8, utf8(bytes.into_owned())?),
    };
    check_characters(&text)?;
    Ok((encoding, text))
}

fn syntax(problem: &str) -> Error {
    Error::Syntax { line: 0, column: 0, problem: problem.to_owned() }
}

/// Takes bytes that have to be UTF-8.
///
/// # Errors
/// [`Error::Syntax`] with the line.
pub(crate) fn utf8(bytes: Vec<u8>) -> Result<String, Error> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let bytes = Zeroizing::new(error.into_bytes());
            let valid = bytes.utf8_chunks().next().map_or("", |c| c.valid()).as_bytes();
            let line = valid.iter().filter(|b| **b == b'\n').count() as u32 + 1;
            Err(Error::Syntax { line, column: 0, problem: "invalid UTF-8".into() })
        }
    }
}

/// Refuses what may not stand raw in a stream: NUL, controls, DEL, C1, U+FFFE and U+FFFF.
fn check_characters(text: &str) -> Result<(), Error> {
    let bytes = text.as_bytes();
    let suspicious = |b: u8| b < 9 || b == 11 || b == 12 || (14..32).contains(&b) || b == 127 || b == 0xC2 || b == 0xEF;
    // Whole chunks without an early end: this compiles to vector instructions.
    if !bytes.chunks(256).any(|chunk| chunk.iter().fold(false, |found, b| found | suspicious(*b))) {
        return Ok(());
    }
    for (at, c) in text.char_indices() {
        let allowed = matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..);
        if !allowed {
            let line = bytes[..at].iter().filter(|b| **b == b'\n').count() as u32 + 1;
            return Err(Error::Syntax { line, column: 0, problem: "control characters are not allowed".into() });
        }
    }
    Ok(())
}

/// Reads a checked text. The text of zero bytes is [`Error::Empty`].
///
/// # Errors
/// [`Error::Syntax`], [`Error::Tree`] and [`Error::Limit`], each with its place.
pub fn outline(text: &str) -> Result<Outline, Error> {
    if text.is_empty() {
        return Err(Error::Empty);
    }
    convert::convert(text, parse::parse(text)?, Keys::Texts)
}

/// Reads a checked text that is not to be encrypted, such as a configuration: what only tokens cannot carry, keys and
/// integers of any sort, is no error.
///
/// # Errors
/// Those of [`outline`].
pub(crate) fn settings(text: &str) -> Result<Outline, Error> {
    convert::convert(text, parse::parse(text)?, Keys::Any)
}
