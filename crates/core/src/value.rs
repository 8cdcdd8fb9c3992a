//! Typed scalars and their canonical bytes.
//!
//! One byte form serves as the plain text of a token *and* as the input of the MAC, so it lives in one place:
//! [`Value::canonical`]. Everything a format reads becomes a [`Value`] or an error.

mod float;
mod time;

pub(crate) use float::{canonical_float, positional, prints_as_int, scientific, short_float};
use std::borrow::Cow;
pub use time::Timestamp;
use zeroize::{Zeroize, Zeroizing};

/// A typed scalar.
#[derive(Clone)]
pub enum Value<'a> {
    /// Null: never encrypted, contributes nothing to the MAC.
    Null,
    /// A boolean; canonical bytes `True` or `False`.
    Bool(bool),
    /// A signed 64-bit integer; canonical bytes are its decimal digits.
    Int(i64),
    /// A double; canonical bytes are the shortest digits that round-trip, without an exponent.
    Float(f64),
    /// A point in time with its offset; canonical bytes are RFC 3339 with up to nine fractional digits.
    Time(Timestamp),
    /// Text, normally UTF-8; canonical bytes are the text itself.
    Str(Cow<'a, [u8]>),
}

/// The type label in a token: `str int float bool time comment bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `str`
    Str,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `bool`
    Bool,
    /// `time`
    Time,
    /// `comment`
    Comment,
    /// `bytes`: read, never written.
    Bytes,
}

impl Kind {
    /// The label in a token.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Str => "str",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Bool => "bool",
            Kind::Time => "time",
            Kind::Comment => "comment",
            Kind::Bytes => "bytes",
        }
    }

    /// The kind a label means.
    pub fn from_label(label: &[u8]) -> Option<Kind> {
        Some(match label {
            b"str" => Kind::Str,
            b"int" => Kind::Int,
            b"float" => Kind::Float,
            b"bool" => Kind::Bool,
            b"time" => Kind::Time,
            b"comment" => Kind::Comment,
            b"bytes" => Kind::Bytes,
            _ => return None,
        })
    }
}

impl<'a> Value<'a> {
    /// The type label; `None` for null, which is never encrypted.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Time(_) => Kind::Time,
            Value::Str(_) => Kind::Str,
        })
    }

    /// Appends the canonical bytes: what is encrypted and hashed. Nothing for null.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => {}
            Value::Bool(b) => out.extend_from_slice(if *b { b"True" } else { b"False" }),
            Value::Int(i) => write_int(*i, out),
            Value::Float(f) => out.extend_from_slice(Zeroizing::new(canonical_float(*f)).as_bytes()),
            Value::Time(t) => out.extend_from_slice(Zeroizing::new(t.canonical()).as_bytes()),
            Value::Str(s) => out.extend_from_slice(s),
        }
    }

    /// The canonical bytes.
    pub fn canonical(&self) -> Cow<'_, [u8]> {
        match self {
            Value::Str(s) => Cow::Borrowed(s),
            _ => {
                let mut out = Vec::new();
                self.write_canonical(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// The text of a value where everything is text: in dotenv, in INI and in the environment of a command. `None` for null,
    /// which has none.
    ///
    /// Unlike the canonical bytes: booleans are `true` and `false`, floats have an exponent below 1E-04 and from 1E+06 on,
    /// else one decimal at least (compat: Go's `G`). Times keep the fraction that the reference cuts off.
    ///
    /// ```
    /// # use sops_core::value::Value;
    /// let text = |value: Value<'_>| value.text().map(|text| String::from_utf8_lossy(&text).into_owned());
    /// assert_eq!(text(Value::Float(1e6)).as_deref(), Some("1E+06"));
    /// assert_eq!(text(Value::Float(5.0)).as_deref(), Some("5.0"));
    /// assert_eq!(text(Value::Bool(true)).as_deref(), Some("true"));
    /// assert_eq!(text(Value::Null), None);
    /// ```
    pub fn text(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(match self {
            Value::Null => return None,
            Value::Bool(b) => if *b { "true" } else { "false" }.into(),
            Value::Float(f) if !f.is_finite() => canonical_float(*f).into_bytes(),
            Value::Float(f) => {
                let mut text = short_float(*f).to_ascii_uppercase();
                if !text.contains(['.', 'E']) {
                    text.push_str(".0");
                }
                text.into_bytes()
            }
            other => other.canonical().into_owned(),
        }))
    }

    /// Whether both have one type and the same canonical bytes.
    pub fn same(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            _ => self.kind().is_some() && self.kind() == other.kind() && self.canonical() == other.canonical(),
        }
    }

    /// Types the plain text of a token. `None` if it does not fit the label.
    ///
    /// The accepted spellings are the reference's, which are those of Go's `strconv` and RFC 3339. Unless they become the
    /// value, the bytes are zeroed.
    pub fn from_plaintext(kind: Kind, mut bytes: Vec<u8>) -> Option<Value<'static>> {
        Value::take_plaintext(kind, &mut bytes)
    }

    /// Takes the bytes: what is left of them is empty and zeroed.
    fn take_plaintext(kind: Kind, bytes: &mut Vec<u8>) -> Option<Value<'static>> {
        let value = match kind {
            Kind::Str | Kind::Bytes | Kind::Comment => Some(Value::Str(Cow::Owned(std::mem::take(bytes)))),
            Kind::Int => parse_int(bytes).map(Value::Int),
            Kind::Float => float::parse(bytes).map(Value::Float),
            Kind::Bool => parse_bool(bytes).map(Value::Bool),
            Kind::Time => std::str::from_utf8(bytes)
                .ok()
                .and_then(Timestamp::parse_rfc3339)
                // compat: read, but without canonical bytes ("timezone hour outside of range").
                .filter(Timestamp::is_printable)
                .map(Value::Time),
        };
        bytes.zeroize();
        value
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Str(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

fn write_int(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Reads decimal digits with a sign, as Go's `strconv.Atoi` does.
fn parse_int(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a boolean, as Go's `strconv.ParseBool` does.
fn parse_bool(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"t" | b"T" | b"TRUE" | b"true" | b"True" => Some(true),
        b"0" | b"f" | b"F" | b"FALSE" | b"false" | b"False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_that_does_not_become_the_value_is_zeroed() {
        let texts = [
            (Kind::Int, "42"),
            (Kind::Int, "canary"),
            (Kind::Float, "1.5"),
            (Kind::Float, "canary"),
            (Kind::Bool, "true"),
            (Kind::Bool, "canary"),
            (Kind::Time, "2026-01-02T03:04:05Z"),
            (Kind::Time, "2026-01-02T03:04:05+24:00"),
        ];
        for (kind, text) in texts {
            let mut bytes = text.as_bytes().to_vec();
            let value = Value::take_plaintext(kind, &mut bytes);
            assert!(bytes.is_empty(), "{text}: cleared");
            assert_eq!(value.is_some(), !text.contains("canary") && !text.contains("+24"), "{text}");
        }
    }
}
