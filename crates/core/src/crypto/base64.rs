//! Base64 as tokens use it: standard alphabet, padded. Reading is as lax as the reference's: CR and LF inside are skipped,
//! bits that fall off the end may be set; padding is required.
//!
//! The engine picks its instruction set at run time; from 1 KiB on it is several times faster than the portable one.
//! Most texts are an IV, a tag or a short value, where its calls cost more than the work: those go through two tables here.
//! The tests compare all three.

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

/// Fewer bytes than this are encoded and decoded by the tables.
const SMALL: usize = 256;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The two characters of twelve bits.
static PAIRS: [[u8; 2]; 4096] = {
    let mut table = [[0; 2]; 4096];
    let mut bits = 0;
    while bits < table.len() {
        table[bits] = [ALPHABET[bits >> 6], ALPHABET[bits & 63]];
        bits += 1;
    }
    table
};

/// The six bits of a character at each place of a group, [`INVALID`] for one that has none.
static SEXTETS: [[u32; 256]; 4] = {
    let mut tables = [[INVALID; 256]; 4];
    let mut bits = 0;
    while bits < ALPHABET.len() {
        let mut place = 0;
        while place < tables.len() {
            tables[place][ALPHABET[bits] as usize] = (bits as u32) << (18 - 6 * place);
            place += 1;
        }
        bits += 1;
    }
    tables
};

const INVALID: u32 = 1 << 31;

/// Returns the length of the text of `bytes` bytes.
pub(super) const fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Writes the text of `bytes` to the front of `out`, which has room for [`encoded_len`] of them.
#[expect(clippy::expect_used, reason = "the callers size their buffers by the rule of padded base64")]
pub(super) fn encode(bytes: &[u8], out: &mut [u8]) {
    if bytes.len() >= SMALL {
        ENGINE.encode_slice(bytes, out).expect("the buffer fits");
        return;
    }
    let groups = bytes.chunks_exact(3);
    let rest = groups.remainder();
    let mut quads = out.chunks_exact_mut(4);
    for (group, quad) in groups.zip(&mut quads) {
        let bits = usize::from(group[0]) << 16 | usize::from(group[1]) << 8 | usize::from(group[2]);
        quad[..2].copy_from_slice(&PAIRS[bits >> 12]);
        quad[2..].copy_from_slice(&PAIRS[bits & 0xFFF]);
    }
    let (bits, length) = match rest {
        [] => return,
        [a] => (usize::from(*a) << 16, 2),
        [a, b, ..] => (usize::from(*a) << 16 | usize::from(*b) << 8, 3),
    };
    if let Some(quad) = quads.next() {
        quad[..2].copy_from_slice(&PAIRS[bits >> 12]);
        quad[2..].copy_from_slice(&PAIRS[bits & 0xFFF]);
        quad[length..].fill(b'=');
    }
}

/// Encodes bytes where they lie: they are the end of `region`, whose length is the [`encoded_len`] of theirs.
///
/// The text grows from the front and never reaches a byte that is not read yet, so no second buffer is needed.
pub(super) fn encode_at_end(region: &mut [u8], length: usize) {
    let from = region.len() - length;
    let mut small = [0; SMALL];
    match small.get_mut(..length) {
        Some(bytes) => {
            bytes.copy_from_slice(&region[from..]);
            encode(bytes, region);
        }
        None => encode_long_at_end(region, from),
    }
}

fn encode_long_at_end(region: &mut [u8], mut from: usize) {
    // A multiple of three: only the last text is padded.
    let mut chunk = [0; 12 << 10];
    let mut to = 0;
    while from < region.len() {
        let take = chunk.len().min(region.len() - from);
        let bytes = &mut chunk[..take];
        bytes.copy_from_slice(&region[from..from + take]);
        encode(bytes, &mut region[to..]);
        from += take;
        to += encoded_len(take);
    }
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
    let decoded = match decode_small(text, &mut out[from..]) {
        Some(length) => Ok(length),
        None => ENGINE.decode_slice(text, &mut out[from..]).map_err(|_| LeafCause::Encoding),
    };
    out.truncate(from + *decoded.as_ref().unwrap_or(&0));
    decoded.map(drop)
}

/// Decodes a short text of whole groups, the last one padded or not; `None` for any other, which may be valid too.
///
/// Returns the number of bytes; `out` has room for those of all groups.
pub(super) fn decode_small(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (groups, rest) = text.as_chunks::<4>();
    let (last, full) = groups.split_last().filter(|_| rest.is_empty() && text.len() < SMALL)?;
    let (out, _) = out.as_chunks_mut::<3>();
    let mut out = out.iter_mut();
    let mut found = 0;
    for (group, bytes) in full.iter().zip(&mut out) {
        let bits = sextets(group);
        [_, bytes[0], bytes[1], bytes[2]] = bits.to_be_bytes();
        found |= bits;
    }
    let (padded, padding) = match last {
        [a, b, b'=', b'='] => ([*a, *b, b'A', b'A'], 2),
        [a, b, c, b'='] => ([*a, *b, *c, b'A'], 1),
        all => (*all, 0),
    };
    let bits = sextets(&padded);
    let bytes = out.next()?;
    [_, bytes[0], bytes[1], bytes[2]] = bits.to_be_bytes();
    ((found | bits) & INVALID == 0).then(|| text.len() / 4 * 3 - padding)
}

/// The 24 bits of four characters, [`INVALID`] among them if one has none.
fn sextets(group: &[u8; 4]) -> u32 {
    let [a, b, c, d] = group.map(usize::from);
    SEXTETS[0][a] | SEXTETS[1][b] | SEXTETS[2][c] | SEXTETS[3][d]
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

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut text = vec![0; encoded_len(bytes.len())];
        let from = text.len() - bytes.len();
        text[from..].copy_from_slice(bytes);
        encode_at_end(&mut text, bytes.len());
        text
    }

    #[test]
    fn long_texts_are_encoded_where_they_lie() {
        for length in [12 << 10, (12 << 10) + 1, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 7 % 251) as u8).collect();
            assert!(encoded(&bytes) == PORTABLE.encode(&bytes).as_bytes(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn all_ways_agree(bytes in proptest::collection::vec(any::<u8>(), 0..700), at: usize, with: u8) {
            let mut text = encoded(&bytes);
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
