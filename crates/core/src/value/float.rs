//! Doubles: the digits the reference prints for them.

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

/// Reads the text of a token.
pub(super) fn parse(text: &str) -> Option<f64> {
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
