//! Shamir's secret sharing as the reference does it: over GF(2⁸) with the polynomial 0x11B, each byte of the secret on its
//! own, a share being one byte per secret byte and its x behind them.
//!
//! Arithmetic has no tables and no branches on secrets. x comes from a share's last byte, never from its position, so
//! shares of any tool combine. Source: spec/format.md §12.2; vectors in `fixtures/` and the larger corpus.

use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Why a secret cannot be split, or shares do not combine. The texts are the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShamirError {
    /// Fewer shares asked for than are needed.
    FewerPartsThanThreshold,
    /// More than 255 shares: x is one byte and never 0.
    TooManyParts,
    /// A threshold below 2.
    ThresholdTooSmall,
    /// A secret without bytes.
    EmptySecret,
    /// Fewer than two shares to combine.
    TooFewParts,
    /// A share of less than two bytes.
    PartTooShort,
    /// Shares of different lengths.
    UnequalParts,
    /// Two shares with the same x.
    DuplicatePart,
}

impl fmt::Display for ShamirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ShamirError::FewerPartsThanThreshold => "parts cannot be less than threshold",
            ShamirError::TooManyParts => "parts cannot exceed 255",
            ShamirError::ThresholdTooSmall => "threshold must be at least 2",
            ShamirError::EmptySecret => "cannot split an empty secret",
            ShamirError::TooFewParts => "less than two parts cannot be used to reconstruct the secret",
            ShamirError::PartTooShort => "parts must be at least two bytes",
            ShamirError::UnequalParts => "all parts must be the same length",
            ShamirError::DuplicatePart => "duplicate part detected",
        })
    }
}

impl std::error::Error for ShamirError {}

/// Splits `secret` into `parts` shares of which any `threshold` combine to it; share i has x = i + 1.
///
/// # Errors
/// The first four of [`ShamirError`].
///
/// # Panics
/// If the operating system has no randomness, which leaves nothing safe to do.
#[expect(clippy::expect_used, reason = "without randomness there is nothing safe to return")]
pub fn split(secret: &[u8], parts: usize, threshold: usize) -> Result<Vec<Zeroizing<Vec<u8>>>, ShamirError> {
    if parts < threshold {
        return Err(ShamirError::FewerPartsThanThreshold);
    }
    let last_x = u8::try_from(parts).map_err(|_| ShamirError::TooManyParts)?;
    if threshold < 2 {
        return Err(ShamirError::ThresholdTooSmall);
    }
    if secret.is_empty() {
        return Err(ShamirError::EmptySecret);
    }
    let mut shares: Vec<_> = (0..parts).map(|_| Zeroizing::new(Vec::with_capacity(secret.len() + 1))).collect();
    // The highest coefficient comes first (Horner); the secret's byte is the constant term.
    let mut coefficients = Zeroizing::new(vec![0; threshold - 1]);
    for byte in secret {
        getrandom::fill(&mut coefficients).expect("the operating system has randomness");
        for (share, x) in shares.iter_mut().zip(1..=last_x) {
            let value = coefficients.iter().fold(0, |value, coefficient| multiply(value, x) ^ coefficient);
            share.push(multiply(value, x) ^ byte);
        }
    }
    for (share, x) in shares.iter_mut().zip(1..=last_x) {
        share.push(x);
    }
    Ok(shares)
}

/// Combines all the shares given: Lagrange interpolation at 0. Too few or wrong shares give a wrong secret, which only
/// what it opens can tell.
///
/// # Errors
/// The last four of [`ShamirError`].
pub fn combine(parts: &[impl AsRef<[u8]>]) -> Result<Zeroizing<Vec<u8>>, ShamirError> {
    let [first, _, ..] = parts else { return Err(ShamirError::TooFewParts) };
    let length = first.as_ref().len();
    if length < 2 {
        return Err(ShamirError::PartTooShort);
    }
    let mut points = Vec::with_capacity(parts.len());
    for part in parts {
        let Some((x, values)) = part.as_ref().split_last().filter(|(_, values)| values.len() + 1 == length) else {
            return Err(ShamirError::UnequalParts);
        };
        if points.iter().any(|(other, _)| other == x) {
            return Err(ShamirError::DuplicatePart);
        }
        points.push((*x, values));
    }
    let mut secret = Zeroizing::new(vec![0; length - 1]);
    for (x, values) in &points {
        let mut weight = 1;
        for (other, _) in points.iter().filter(|(other, _)| other != x) {
            weight = multiply(weight, multiply(*other, invert(other ^ x)));
        }
        for (byte, value) in secret.iter_mut().zip(*values) {
            *byte ^= multiply(weight, *value);
        }
        weight.zeroize();
    }
    Ok(secret)
}

/// The product in GF(2⁸), in constant time.
fn multiply(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in 0..8 {
        product ^= a & (b >> bit & 1).wrapping_neg();
        a = (a << 1) ^ (0x1b & (a >> 7).wrapping_neg());
    }
    product
}

/// The inverse as a²⁵⁴; 0 for 0.
fn invert(a: u8) -> u8 {
    let mut power = a;
    for _ in 0..6 {
        power = multiply(multiply(power, power), a);
    }
    multiply(power, power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
        assert_eq!(invert(0), 0);
        assert_eq!(multiply(0x53, 0xca), 1, "the example of FIPS 197");
    }

    #[test]
    fn any_shares_that_reach_the_threshold_give_the_secret_and_fewer_do_not() {
        let secret = *b"0123456789abcdef0123456789abcdef";
        let shares = split(&secret, 5, 3).expect("a split");
        assert!(shares.iter().zip(1..).all(|(share, x)| share.len() == 33 && share[32] == x));
        for (a, b, c) in [(0, 1, 2), (4, 2, 0), (1, 3, 4)] {
            let some = [&shares[a][..], &shares[b], &shares[c]];
            assert_eq!(combine(&some).expect("three shares")[..], secret);
            assert_ne!(combine(&some[..2]).expect("two shares")[..], secret);
        }
        assert_eq!(combine(&shares).expect("all shares")[..], secret);
    }

    #[test]
    fn what_cannot_be_split_or_combined_says_why() {
        let split = |secret: &[u8], parts, threshold| split(secret, parts, threshold).map(drop).unwrap_err();
        assert_eq!(split(b"x", 2, 3), ShamirError::FewerPartsThanThreshold);
        assert_eq!(split(b"x", 256, 2), ShamirError::TooManyParts);
        assert_eq!(split(b"x", 3, 1), ShamirError::ThresholdTooSmall);
        assert_eq!(split(b"", 3, 2), ShamirError::EmptySecret);
        let combine = |parts: &[&[u8]]| combine(parts).map(drop).unwrap_err();
        assert_eq!(combine(&[b"ab"]), ShamirError::TooFewParts);
        assert_eq!(combine(&[b"a", b"b"]), ShamirError::PartTooShort);
        assert_eq!(combine(&[b"ab", b"abc"]), ShamirError::UnequalParts);
        assert_eq!(combine(&[b"ab", b""]), ShamirError::UnequalParts);
        assert_eq!(combine(&[b"ax", b"bx"]), ShamirError::DuplicatePart);
    }
}
