//! Base64 as tokens use it: standard alphabet, padded. Reading is as lax as the reference's: CR and LF inside are skipped,
//! bits that fall off the end may be set; padding is required.
//!
//! The engine picks its instruction set at run time; from 1 KiB on it is several times faster than the portable one,
//! with which the tests compare it.

use crate::error::LeafCause;
use base64::Engine as _;
use base64::engine::GeneralPurposeConfig;
use std::sync::LazyLock;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::standard(CONFIG));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG));

/// Returns the length of the text of `bytes` bytes.
pub(super) fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Appends the text of `bytes`.
#[expect(clippy::expect_used, reason = "the buffer is sized by the rule of padded base64")]
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    out.resize(from + encoded_len(bytes.len()), 0);
    ENGINE.encode_slice(bytes, &mut out[from..]).expect("the buffer fits");
}

/// Appends what `text` means. On an error `out` is as before.
///
/// # Errors
/// [`LeafCause::Encoding`]
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), LeafCause> {
    if decode_strict(text, out).is_ok() {
        return Ok(());
    }
    if !text.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        return Err(LeafCause::Encoding);
    }
    let stripped: Vec<u8> = text.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    decode_strict(&stripped, out)
}

fn decode_strict(text: &[u8], out: &mut Vec<u8>) -> Result<(), LeafCause> {
    let from = out.len();
    out.resize(from + text.len().div_ceil(4) * 3, 0);
    let decoded = ENGINE.decode_slice(text, &mut out[from..]);
    out.truncate(from + *decoded.as_ref().unwrap_or(&0));
    decoded.map(drop).map_err(|_| LeafCause::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::GeneralPurpose;
    use proptest::prelude::*;

    const PORTABLE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG);

    fn decoded(text: &[u8]) -> Option<Vec<u8>> {
        let mut out = b"before".to_vec();
        let result = decode(text, &mut out);
        assert!(out.starts_with(b"before") && (result.is_ok() || out.len() == 6));
        result.ok().map(|()| out.split_off(6))
    }

    proptest! {
        #[test]
        fn both_engines_agree(bytes in proptest::collection::vec(any::<u8>(), 0..700), at: usize, with: u8) {
            let mut text = Vec::new();
            encode(&bytes, &mut text);
            prop_assert!(text == PORTABLE.encode(&bytes).as_bytes());
            prop_assert_eq!(decoded(&text), Some(bytes));
            if !text.is_empty() {
                let at = at % text.len();
                text[at] = with;
                if !matches!(with, b'\r' | b'\n') {
                    prop_assert_eq!(decoded(&text), PORTABLE.decode(&text).ok());
                }
                text.truncate(at);
                prop_assert_eq!(decoded(&text), PORTABLE.decode(&text).ok());
            }
        }
    }

    #[test]
    fn line_breaks_are_skipped_and_padding_is_required() {
        assert_eq!(decoded(b"YW\r\nJj\n").as_deref(), Some(&b"abc"[..]));
        assert_eq!(decoded(b"YQ\r==").as_deref(), Some(&b"a"[..]));
        assert_eq!(decoded(b"YR==").as_deref(), Some(&b"a"[..]), "trailing bits");
        for wrong in [&b"YQ"[..], b"YQ=", b"YQ==YQ==", b"YQ== ", b"Y", b"=", b"YQ\r=\n"] {
            assert_eq!(decoded(wrong), None);
        }
    }
}
