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
            Kind::Float => Value::Float(parse_float(text()?)?),
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

/// Shortest digits without an exponent: `1`, `0.0000001`, `NaN`, `+Inf`, `-Inf`.
pub(crate) fn canonical_float(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        positional(&scientific(value))
    }
}

/// The reference's spelling in files: an exponent below 1e-4 and from 1e+06 on; no fraction for integral values.
pub(crate) fn short_float(value: f64) -> String {
    let scientific = scientific(value);
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(e) if !(-4..21).contains(&e) => format!("{digits}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs()),
        Ok(e) if e >= 6 => format!("{digits}e+{e:02}"),
        _ => positional(&scientific),
    }
}

/// The shortest digits that read back as the same double, of those the nearest, of two equally near the even: `-1.5e-7`.
///
/// compat: the formatter of the standard library goes up from the middle: `1700000000000000.25` ends in `3` there and in `2`
/// in the reference. Rounding to a number of digits has the right rule, but may leave the double at a power of two.
pub(crate) fn scientific(value: f64) -> String {
    let shortest = format!("{value:e}");
    let digits = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let nearest = format!("{value:.*e}", digits.saturating_sub(1));
    if nearest.parse() == Ok(value) { nearest } else { shortest }
}

/// Writes [`scientific`] digits without an exponent: `1e3` as `1000`, `-1.5e-2` as `-0.015`.
pub(crate) fn positional(scientific: &str) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific.to_owned() };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.chars().filter(char::is_ascii_digit);
    let mut out = String::from(sign);
    if exponent < 0 {
        out.push_str("0.");
        out.extend((exponent + 1..0).map(|_| '0').chain(digits));
        return out;
    }
    let whole = usize::try_from(exponent).unwrap_or(0) + 1;
    let mut count = 0;
    for digit in digits {
        if count == whole {
            out.push('.');
        }
        out.push(digit);
        count += 1;
    }
    out.extend(std::iter::repeat_n('0', whole.saturating_sub(count)));
    out
}

fn parse_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let lower = unsigned.to_ascii_lowercase();
    let magnitude = match lower.as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => return Some(f64::NAN),
        hex if hex.starts_with("0x") => parse_hex_float(&hex[2..].replace('_', ""))?,
        decimal => {
            let plain = decimal.replace('_', "");
            let shape = plain.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'+' | b'-'));
            let value: f64 = if shape { plain.parse().ok()? } else { return None };
            if value.is_infinite() {
                return None;
            }
            value
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() + fraction.len() > 30 {
        return None;
    }
    let digits = u128::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let value = digits as f64 * 2f64.powi(exponent.saturating_sub(4 * fraction.len() as i32));
    value.is_finite().then_some(value)
}

impl Timestamp {
    /// Parses RFC 3339 as the reference does: `YYYY-MM-DDThh:mm:ss[.frac](Z|±hh:mm)`.
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let digits = |range: std::ops::Range<usize>| number(bytes.get(range)?);
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        // compat: the hour may have one digit ("2006-01-02T5:04:05Z").
        let shifted;
        let (bytes, digits): (&[u8], &dyn Fn(std::ops::Range<usize>) -> Option<u32>) = if bytes.get(12) == Some(&b':') {
            shifted = format!("{}0{}", text.get(..11)?, text.get(11..)?);
            return Timestamp::parse_rfc3339(&shifted);
        } else {
            (bytes, &digits)
        };
        if separators.iter().any(|(at, c)| bytes.get(*at) != Some(c)) {
            return None;
        }
        let (date, time) =
            ((digits(0..4)?, digits(5..7)?, digits(8..10)?), (digits(11..13)?, digits(14..16)?, digits(17..19)?));
        let (nanosecond, rest) = fraction(text.get(19..)?)?;
        Timestamp::checked(date, time, nanosecond, offset(rest)?)
    }

    /// Parses the forms of YAML that the reference takes for a time.
    pub fn parse_yaml(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
            return None;
        }
        let year = number(&bytes[..4])?;
        let (month, rest) = short(&text[5..])?;
        let (day, rest) = short(rest.strip_prefix('-')?)?;
        let date = (year, month, day);
        if rest.is_empty() {
            return Timestamp::checked(date, (0, 0, 0), 0, 0);
        }
        let spaced = rest.starts_with(' ');
        let rest = if spaced { rest.trim_start_matches(' ') } else { rest.strip_prefix(['T', 't'])? };
        let (hour, rest) = short(rest)?;
        let (minute, rest) = short(rest.strip_prefix(':')?)?;
        let (second, rest) = short(rest.strip_prefix(':')?)?;
        let (nanosecond, rest) = fraction(rest)?;
        let offset = if spaced { rest.is_empty().then_some(0)? } else { offset(rest)? };
        Timestamp::checked(date, (hour, minute, second), nanosecond, offset)
    }

    fn checked(
        date: (u32, u32, u32),
        time: (u32, u32, u32),
        nanosecond: u32,
        offset_minutes: i16,
    ) -> Option<Timestamp> {
        let (year, month, day) = date;
        let (hour, minute, second) = time;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(Timestamp {
            year: year as u16,
            month: month as u8,
            day: day as u8,
            hour: hour as u8,
            minute: minute as u8,
            second: second as u8,
            nanosecond,
            offset_minutes,
        })
    }

    /// Whether the offset can be written: below 24 hours.
    pub fn is_printable(&self) -> bool {
        self.offset_minutes.unsigned_abs() < 24 * 60
    }

    /// RFC 3339 with the fraction's trailing zeros removed; `Z` for offset 0.
    pub fn canonical(&self) -> String {
        let mut text = self.date_time();
        if self.nanosecond > 0 {
            let fraction = format!("{:09}", self.nanosecond);
            text.push('.');
            text.push_str(fraction.trim_end_matches('0'));
        }
        text.push_str(&self.zone());
        text
    }

    /// RFC 3339 with whole seconds, the form of `lastmodified` and `created_at`.
    pub fn whole_seconds(&self) -> String {
        self.date_time() + &self.zone()
    }

    fn date_time(&self) -> String {
        let Timestamp { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }

    fn zone(&self) -> String {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.unsigned_abs();
        if minutes == 0 { "Z".into() } else { format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60) }
    }

    /// The UTC time of seconds since 1970.
    pub fn from_unix_seconds(seconds: i64) -> Timestamp {
        // Civil date from days, after Howard Hinnant's "chrono-compatible low-level date algorithms".
        let days = seconds.div_euclid(86_400) + 719_468;
        let rest = seconds.rem_euclid(86_400);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Timestamp {
            year: year.clamp(0, 9999) as u16,
            month: month as u8,
            day: day as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
            nanosecond: 0,
            offset_minutes: 0,
        }
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(bytes.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')))
}

/// One or two digits.
fn short(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((number(&text.as_bytes()[..length])?, &text[length..]))
}

/// A fraction of a second, cut to nanoseconds.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return None;
    }
    let mut nanos = number(&rest.as_bytes()[..length.min(9)])?;
    for _ in length.min(9)..9 {
        nanos *= 10;
    }
    Some((nanos, &rest[length..]))
}

/// `Z` or `±hh:mm`, in minutes.
fn offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let (hours, minutes) = (number(&bytes[1..3])?, number(&bytes[4..6])?);
    if hours > 24 || minutes > 60 {
        return None;
    }
    let total = (hours * 60 + minutes) as i16;
    match bytes[0] {
        b'+' => Some(total),
        b'-' => Some(-total),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spelled by the reference (Go SOPS 3.13.2), whose MAC is over these very bytes.
    #[test]
    fn floats_between_two_shortest_spellings_take_the_even_digit() {
        let (micros, negative, power) = (1.7e15 + 0.25, -735_980_468_866_263.0 - 0.25, 2.0f64.powi(-25));
        assert_eq!(canonical_float(micros), "1700000000000000.2");
        assert_eq!(canonical_float(negative), "-735980468866263.2");
        assert_eq!(canonical_float(power), "0.000000029802322387695312");
        assert_eq!(short_float(power), "2.9802322387695312e-08");
        assert_eq!(short_float(micros), "1.7000000000000002e+15");
    }

    /// Below a power of two the next double is nearer than above: the nearest digits may be those of another.
    #[test]
    fn the_digits_read_back_next_to_powers_of_two() {
        for exponent in -1074..1024 {
            let power = 2.0f64.powi(exponent);
            for value in [power, power.next_up(), power.next_down(), -power] {
                assert_eq!(scientific(value).parse(), Ok(value));
                assert_eq!(positional(&scientific(value)).parse(), Ok(value));
                assert!(scientific(value).len() <= format!("{value:e}").len());
            }
        }
    }

    #[test]
    fn positional_digits_have_no_exponent() {
        for (scientific, expected) in [
            ("0e0", "0"),
            ("-0e0", "-0"),
            ("1e0", "1"),
            ("1e3", "1000"),
            ("1.25e1", "12.5"),
            ("1.25e2", "125"),
            ("-1.25e3", "-1250"),
            ("1e-1", "0.1"),
            ("-1.5e-2", "-0.015"),
            ("5e-7", "0.0000005"),
        ] {
            assert_eq!(positional(scientific), expected);
        }
    }
}
