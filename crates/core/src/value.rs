//! Typed scalars and their canonical bytes.
//!
//! One byte form serves as the plain text of a token *and* as the input of the MAC, so it lives in one place:
//! [`Value::canonical`]. Everything a format reads becomes a [`Value`] or an error.

use std::borrow::Cow;

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

/// A calendar time with nanoseconds and the offset it was written with.
///
/// The fields are those of the text (local time), not converted to UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
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
