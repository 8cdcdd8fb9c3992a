//! Doubles: the digits the reference prints for them, and the spellings it reads.

use std::fmt::Write;
use zeroize::Zeroizing;

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

/// Whether the reference's spelling in files reads back as an integer.
pub(crate) fn prints_as_int(value: f64) -> bool {
    value.is_finite() && short_float(value).bytes().all(|b| b.is_ascii_digit() || b == b'-')
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
    // No two of so few digits are the same double.
    if digits <= 15 {
        return shortest;
    }
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

/// Reads a double as Go's [`strconv.ParseFloat`](https://pkg.go.dev/strconv#ParseFloat) does: Go's decimal and hexadecimal
/// literals with a sign, `inf` and `infinity` with a sign, `nan` without one, the words in any case.
///
/// The nearest double, of two equally near the even one. What is too large is refused, what is too small is 0.
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    if text.eq_ignore_ascii_case(b"nan") {
        return Some(f64::NAN);
    }
    let (is_negative, unsigned) = signed(text);
    let magnitude = match unsigned {
        [b'0', b'x' | b'X', digits @ ..] => Literal::split(digits, 16, b'p')?.hexadecimal()?,
        [b'0'..=b'9' | b'.', ..] => Literal::split(unsigned, 10, b'e')?.decimal()?,
        _ if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") => f64::INFINITY,
        _ => return None,
    };
    Some(if is_negative { -magnitude } else { magnitude })
}

/// Takes one sign off.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// A literal without sign and prefix, in its parts: runs of digits with single underscores between them.
struct Literal<'t> {
    whole: &'t [u8],
    fraction: &'t [u8],
    exponent: Option<i32>,
}

impl<'t> Literal<'t> {
    fn split(text: &'t [u8], radix: u32, mark: u8) -> Option<Literal<'t>> {
        let (mantissa, exponent) = match text.iter().position(|byte| byte.eq_ignore_ascii_case(&mark)) {
            Some(at) => (&text[..at], Some(exponent(&text[at + 1..])?)),
            None => (text, None),
        };
        let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
        let (whole, fraction) = (&mantissa[..point], mantissa.get(point + 1..).unwrap_or_default());
        // A prefix counts as a digit: an underscore may follow it.
        let whole = match whole {
            [b'_', rest @ ..] if radix == 16 && !rest.is_empty() => rest,
            whole => whole,
        };
        let fits = |part: &[u8]| part.is_empty() || is_run(part, radix);
        let has_digits = !whole.is_empty() || !fraction.is_empty();
        (has_digits && fits(whole) && fits(fraction)).then_some(Literal { whole, fraction, exponent })
    }

    /// The digits in front of the point and behind it, without underscores.
    fn digits(&self) -> (impl Iterator<Item = u8>, impl Iterator<Item = u8>) {
        let without = |part: &'t [u8]| part.iter().copied().filter(|byte| *byte != b'_');
        (without(self.whole), without(self.fraction))
    }

    fn decimal(&self) -> Option<f64> {
        // Room for everything, so that no copy of a part stays behind.
        let mut plain = Zeroizing::new(String::with_capacity(self.whole.len() + self.fraction.len() + 8));
        let (whole, fraction) = self.digits();
        plain.extend(whole.map(char::from));
        plain.push('.');
        plain.extend(fraction.map(char::from));
        // Writing to a string cannot fail.
        let _ = write!(plain, "e{}", self.exponent.unwrap_or(0));
        plain.parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn hexadecimal(&self) -> Option<f64> {
        let mut exponent = self.exponent?;
        let (mut bits, mut is_inexact) = (0_u64, false);
        let (whole, fraction) = self.digits();
        let places = whole.map(|digit| (digit, 0)).chain(fraction.map(|digit| (digit, 4)));
        for (digit, weight) in places {
            let digit = char::from(digit).to_digit(16)?;
            // Digits that no longer fit move the point and leave a trace for rounding.
            if bits >> 60 == 0 {
                bits = bits << 4 | u64::from(digit);
                exponent = exponent.saturating_sub(weight);
            } else {
                is_inexact |= digit != 0;
                exponent = exponent.saturating_add(4 - weight);
            }
        }
        nearest(bits, is_inexact, exponent)
    }
}

/// Tells whether a text is digits, with single underscores between them.
fn is_run(text: &[u8], radix: u32) -> bool {
    let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| char::from(*byte).is_digit(radix));
    text.split(|byte| *byte == b'_').all(is_digits)
}

/// Reads an exponent, of which the first five digits count.
///
/// compat: so they do in Go. To a double more of them make no difference, unless it has a hundred thousand digits.
fn exponent(text: &[u8]) -> Option<i32> {
    let (is_negative, digits) = signed(text);
    if !is_run(digits, 10) {
        return None;
    }
    let mut value = 0;
    for digit in digits.iter().filter(|byte| **byte != b'_') {
        if value < 10_000 {
            value = value * 10 + i32::from(digit - b'0');
        }
    }
    Some(if is_negative { -value } else { value })
}

/// Half of the last bit that is kept.
const HALF: u64 = 1 << 63;

/// The double nearest to `bits · 2^exponent`; `is_inexact`: something smaller than the last bit is missing.
fn nearest(bits: u64, is_inexact: bool, exponent: i32) -> Option<f64> {
    if bits == 0 {
        return Some(0.0);
    }
    let shift = bits.leading_zeros();
    let bits = bits << shift;
    // Of the leading bit. Below the least normal exponent a double has fewer bits.
    let leading = exponent.saturating_add(63 - shift as i32);
    if leading > 1023 {
        return None;
    }
    let precision = (53 + leading.saturating_add(1022).min(0)).max(-1);
    let (kept, rest) = match 64 - precision {
        dropped @ ..=63 => (bits >> dropped, bits << (64 - dropped)),
        64 => (0, bits),
        _ => return Some(0.0),
    };
    let rounds_up = rest > HALF || rest == HALF && (is_inexact || kept & 1 == 1);
    // Above the subnormals the leading bit is not stored: it adds one to the exponent, as does a carry.
    let stored = (leading + 1022).max(0) as u64;
    let value = f64::from_bits((stored << 52) + kept + u64::from(rounds_up));
    value.is_finite().then_some(value)
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
