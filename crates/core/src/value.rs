//! Typed scalars and their canonical bytes.
//!
//! One byte form serves as the plain text of a token *and* as the input of the MAC, so it lives in one place:
//! [`Value::canonical`]. Everything a format reads becomes a [`Value`] or an error.

mod float;
mod time;

pub(crate) use float::{canonical_float, positional, scientific, short_float};
use std::borrow::Cow;
pub use time::Timestamp;

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
            Value::Float(f) => out.extend_from_slice(canonical_float(*f).as_bytes()),
            Value::Time(t) => out.extend_from_slice(t.canonical().as_bytes()),
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
    /// The accepted spellings are the reference's, which are those of Go's `strconv` and RFC 3339.
    pub fn from_plaintext(kind: Kind, bytes: Vec<u8>) -> Option<Value<'static>> {
        let text = || std::str::from_utf8(&bytes).ok();
        Some(match kind {
            Kind::Str | Kind::Bytes | Kind::Comment => Value::Str(Cow::Owned(bytes)),
            Kind::Int => Value::Int(parse_int(text()?)?),
            Kind::Float => Value::Float(float::parse(text()?)?),
            Kind::Bool => match text()? {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => Value::Bool(true),
                "0" | "f" | "F" | "FALSE" | "false" | "False" => Value::Bool(false),
                _ => return None,
            },
            Kind::Time => Value::Time(Timestamp::parse_rfc3339(text()?)?),
        })
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

fn parse_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
