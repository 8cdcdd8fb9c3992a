//! Plain text → type, as the reference decides it.
//!
//! compat: a mixture of YAML 1.1 and 1.2 (`yes` is a string, `0777` is octal, `08` is a float, `1_000` is a thousand).

use crate::outline::Style;
use crate::value::Timestamp;

/// What a scalar's text means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolved {
    /// Null.
    Null,
    /// Boolean.
    Bool(bool),
    /// Signed 64-bit integer.
    Int(i64),
    /// An integer from 2⁶³ to 2⁶⁴ − 1, which SOPS cannot carry.
    Uint(u64),
    /// Double.
    Float(f64),
    /// Time.
    Time(Timestamp),
    /// The text itself.
    Str,
}

/// The tags of `tag:yaml.org,2002:` that have a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreTag {
    /// `!!str`
    Str,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!bool`
    Bool,
    /// `!!null`
    Null,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
}

impl CoreTag {
    /// The tag of that short name.
    pub fn from_name(name: &str) -> Option<CoreTag> {
        Some(match name {
            "str" => CoreTag::Str,
            "int" => CoreTag::Int,
            "float" => CoreTag::Float,
            "bool" => CoreTag::Bool,
            "null" => CoreTag::Null,
            "timestamp" => CoreTag::Timestamp,
            "binary" => CoreTag::Binary,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            CoreTag::Str => "!!str",
            CoreTag::Int => "!!int",
            CoreTag::Float => "!!float",
            CoreTag::Bool => "!!bool",
            CoreTag::Null => "!!null",
            CoreTag::Timestamp => "!!timestamp",
            CoreTag::Binary => "!!binary",
        }
    }
}

/// The value of a scalar with an explicit core tag.
#[derive(Clone, Debug, PartialEq)]
pub enum TaggedValue {
    /// A string: the scalar's text.
    Same,
    /// A string: these bytes.
    Bytes(Vec<u8>),
    /// Any other value.
    Value(Resolved),
}

/// Resolves an untagged plain scalar.
pub fn plain(text: &[u8]) -> Resolved {
    resolve(text, true)
}

fn resolve(text: &[u8], with_time: bool) -> Resolved {
    let Some(first) = text.first() else { return Resolved::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match word(text) {
            Resolved::Str => dotted(text),
            found => found,
        },
        b'+' | b'-' | b'0'..=b'9' => match word(text) {
            Resolved::Str => number(text, with_time),
            found => found,
        },
        _ => Resolved::Str,
    }
}

fn word(text: &[u8]) -> Resolved {
    match text {
        b"~" | b"null" | b"Null" | b"NULL" => Resolved::Null,
        b"true" | b"True" | b"TRUE" => Resolved::Bool(true),
        b"false" | b"False" | b"FALSE" => Resolved::Bool(false),
        b".inf" | b".Inf" | b".INF" | b"+.inf" | b"+.Inf" | b"+.INF" => Resolved::Float(f64::INFINITY),
        b"-.inf" | b"-.Inf" | b"-.INF" => Resolved::Float(f64::NEG_INFINITY),
        b".nan" | b".NaN" | b".NAN" => Resolved::Float(f64::NAN),
        _ => Resolved::Str,
    }
}

/// A float that starts with a dot: single underscores only between digits.
fn dotted(text: &[u8]) -> Resolved {
    let groups = |part: &[u8]| {
        !part.is_empty() && part.split(|b| *b == b'_').all(|g| !g.is_empty() && g.iter().all(u8::is_ascii_digit))
    };
    let body = &text[1..];
    let (fraction, exponent) = match body.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let exponent_fits = exponent.is_none_or(|e| groups(e.strip_prefix(b"+").or(e.strip_prefix(b"-")).unwrap_or(e)));
    if !groups(fraction) || !exponent_fits {
        return Resolved::Str;
    }
    float(&without_underscores(text))
}

fn without_underscores(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| *b != b'_').collect()
}

/// Only these bytes occur in numbers and times.
fn may_be_number(text: &[u8]) -> bool {
    text.iter().all(|b| {
        matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'_' | b'+' | b'-' | b'.' | b',' | b':' | b' ' | b'x' | b'X' | b'o' | b'O' | b'T' | b't' | b'Z')
    })
}

fn number(text: &[u8], with_time: bool) -> Resolved {
    if !may_be_number(text) {
        return Resolved::Str;
    }
    let Ok(whole) = std::str::from_utf8(text) else { return Resolved::Str };
    if with_time && let Some(time) = Timestamp::parse_yaml(whole) {
        return Resolved::Time(time);
    }
    let owned;
    let plain = if text.contains(&b'_') {
        owned = whole.replace('_', "");
        owned.as_str()
    } else {
        whole
    };
    if let Some(found) = integer(plain) {
        return found;
    }
    if is_float(plain.as_bytes()) {
        match float(plain.as_bytes()) {
            Resolved::Str => {}
            found => return found,
        }
    }
    signed_behind_prefix(plain).unwrap_or(Resolved::Str)
}

/// The radix of an unsigned text and its digits.
fn radix(text: &str) -> (u32, &str) {
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    }
}

fn integer(text: &str) -> Option<Resolved> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = radix(unsigned);
    if digits.is_empty() || !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
        return None;
    }
    let signed = unsigned.len() != text.len();
    match u64::from_str_radix(digits, radix) {
        Ok(value) if negative && value <= 1 << 63 => Some(Resolved::Int((value as i64).wrapping_neg())),
        Ok(_) if negative => None,
        Ok(value) if value < 1 << 63 => Some(Resolved::Int(value as i64)),
        Ok(value) if !signed => Some(Resolved::Uint(value)),
        _ => None,
    }
}

/// compat: a sign *behind* the prefix: `0b-1`, `0o-17`, `0b+1`.
fn signed_behind_prefix(text: &str) -> Option<Resolved> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (radix, rest) = match rest.strip_prefix("0b") {
        Some(rest) => (2, rest),
        None => (8, rest.strip_prefix("0o")?),
    };
    if negative {
        // "-" is put in front of the rest, so a second sign does not parse.
        return rest
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| i64::from_str_radix(&format!("-{rest}"), radix).ok().map(Resolved::Int))?;
    }
    i64::from_str_radix(rest, radix).ok().map(Resolved::Int)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &[u8]) -> bool {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let fraction = digits(at);
        if whole == 0 && fraction == 0 {
            return false;
        }
        at += fraction;
    } else if whole == 0 {
        return false;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == text.len()
}

/// A double, or a string if it overflows.
fn float(text: &[u8]) -> Resolved {
    match std::str::from_utf8(text).ok().and_then(|t| t.parse::<f64>().ok()) {
        Some(value) if value.is_finite() => Resolved::Float(value),
        _ => Resolved::Str,
    }
}

/// Resolves a scalar with an explicit core tag, whatever its quotes.
///
/// # Errors
/// What does not fit what; never the text itself.
pub fn tagged(tag: CoreTag, text: &[u8], _style: Style) -> Result<TaggedValue, String> {
    match tag {
        CoreTag::Str => return Ok(TaggedValue::Same),
        CoreTag::Binary => return binary(text),
        _ => {}
    }
    let resolved = resolve(text, tag == CoreTag::Timestamp);
    let found = match resolved {
        Resolved::Null => CoreTag::Null,
        Resolved::Bool(_) => CoreTag::Bool,
        Resolved::Int(_) | Resolved::Uint(_) => CoreTag::Int,
        Resolved::Float(_) => CoreTag::Float,
        Resolved::Time(_) => CoreTag::Timestamp,
        Resolved::Str => CoreTag::Str,
    };
    match (tag, resolved) {
        (CoreTag::Float, Resolved::Int(i)) => Ok(TaggedValue::Value(Resolved::Float(i as f64))),
        _ if found == tag => Ok(TaggedValue::Value(resolved)),
        _ => Err(format!("cannot decode a {} as a {}", found.name(), tag.name())),
    }
}

fn binary(text: &[u8]) -> Result<TaggedValue, String> {
    use base64::Engine;
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let plain: Vec<u8> = text.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    engine.decode(plain).map(TaggedValue::Bytes).map_err(|_| "!!binary value contains invalid base64 data".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_reference_and_not_one_standard() {
        for (text, wanted) in [
            ("0777", Resolved::Int(511)),
            ("08", Resolved::Float(8.0)),
            ("1_000", Resolved::Int(1000)),
            ("0b-1", Resolved::Int(-1)),
            ("-0o17", Resolved::Int(-15)),
            ("18446744073709551615", Resolved::Uint(u64::MAX)),
            ("-9223372036854775808", Resolved::Int(i64::MIN)),
            ("+9223372036854775808", Resolved::Float(9_223_372_036_854_775_808.0)),
            ("yes", Resolved::Str),
            ("12:30", Resolved::Str),
            ("0o8", Resolved::Str),
        ] {
            assert_eq!(plain(text.as_bytes()), wanted, "{text}");
        }
    }
}
