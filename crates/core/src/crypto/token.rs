//! `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`
//!
//! The reference reads a token with the expression
//! `^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]`, greedy, where `.` is no newline. The same groups are found
//! here from the right, in linear time: a regular expression costs more than the decryption.

use crate::value::Kind;

/// A parsed token. The three fields are base64 text.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) iv: &'a [u8],
    pub(crate) tag: &'a [u8],
    label: &'a [u8],
}

impl Token<'_> {
    /// The type label, `None` if it is unknown.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_label(self.label)
    }
}

/// How every token starts.
pub(super) const PREFIX: &[u8] = b"ENC[AES256_GCM,data:";

/// Parses a token; text behind its last `]` on the first line, and further lines, are ignored.
pub fn parse(text: &[u8]) -> Option<Token<'_>> {
    let token = parse_allow_empty(text)?;
    (!token.data.is_empty()).then_some(token)
}

/// Like [`parse`], but `data:` may be empty: only we write such tokens, for empty comments in lists.
pub fn parse_allow_empty(text: &[u8]) -> Option<Token<'_>> {
    let body = text.strip_prefix(PREFIX)?;
    let line = memchr::memchr(b'\n', body).map_or(body, |end| &body[..end]);
    let end = memchr::memrchr(b']', line)?;
    // Each group takes as much as it can and leaves the others at least one character, so separators count from the right.
    let (rest, label) = split_last(&line[..end], b",type:")?;
    let (rest, tag) = split_last(rest, b",tag:")?;
    let (data, iv) = split_last(rest, b",iv:")?;
    Some(Token { data, iv, tag, label })
}

/// Splits at the last `separator` that something follows.
fn split_last<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut end = text.len().checked_sub(separator.len())?;
    loop {
        // All separators start with a comma, of which base64 has none.
        let at = memchr::memrchr(b',', &text[..end])?;
        if text[at..].starts_with(separator) {
            return Some((&text[..at], &text[at + separator.len()..]));
        }
        end = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_behind_the_bracket_is_ignored() {
        let token = parse(b"ENC[AES256_GCM,data:YQ==,iv:Yg==,tag:Yw==,type:str]garbage\nmore]").expect("a token");
        assert_eq!((token.data, token.iv, token.tag), (&b"YQ=="[..], &b"Yg=="[..], &b"Yw=="[..]));
        assert_eq!(token.kind(), Some(Kind::Str));
    }

    #[test]
    fn groups_are_greedy_and_never_empty() {
        assert!(parse(b"ENC[AES256_GCM,data:,iv:Yg==,tag:Yw==,type:str]").is_none());
        assert!(parse_allow_empty(b"ENC[AES256_GCM,data:,iv:Yg==,tag:Yw==,type:comment]").is_some());
        assert!(parse(b" ENC[AES256_GCM,data:YQ==,iv:Yg==,tag:Yw==,type:str]").is_none());
        let token = parse(b"ENC[AES256_GCM,data:YQ==,iv:Yg==,tag:Yw==,type:str]]").expect("a token");
        assert!(token.kind().is_none());
    }
}
