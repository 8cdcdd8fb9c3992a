//! Just enough OpenPGP (RFC 9580) to say which secret keys an entry holds: armor, packet headers, fingerprints.
//!
//! Nothing is decrypted here and no secret is looked at beyond its length.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

const SECRET_KEY: u8 = 5;
const PUBLIC_KEY: u8 = 6;

/// Returns the fingerprints of the primary secret keys; `None` if it is no key ring.
pub(crate) fn secret_keys(entry: &[u8]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut any = false;
    for ring in rings(entry)? {
        let mut rest = &ring[..];
        while !rest.is_empty() {
            let (tag, body, after) = packet(rest)?;
            rest = after;
            any |= tag == SECRET_KEY || tag == PUBLIC_KEY;
            if tag == SECRET_KEY {
                found.push(fingerprint(body)?);
            }
        }
    }
    any.then_some(found)
}

/// The binary key rings of an entry: each armored block, or the whole of it.
fn rings(entry: &[u8]) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let Some(text) = std::str::from_utf8(entry).ok().filter(|t| t.contains("-----BEGIN PGP ")) else {
        return Some(vec![Zeroizing::new(entry.to_vec())]);
    };
    let blocks = text.split("-----BEGIN PGP ").skip(1);
    blocks.map(|block| dearmor(block.split("-----END PGP ").next()?)).collect()
}

fn dearmor(block: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(String::with_capacity(block.len()));
    let lines = block.lines().skip(1).map(str::trim).filter(|l| !l.is_empty());
    // Headers have a colon, the checksum starts with an equals sign.
    for line in lines.filter(|l| !l.contains(':') && !l.starts_with('=')) {
        body.push_str(line);
    }
    STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
}

/// Tag and body of the first packet, and what follows.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&header, rest) = bytes.split_first()?;
    if header & 0x80 == 0 {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
    let (tag, length, rest) = if header & 0x40 != 0 {
        let (&first, after) = rest.split_first()?;
        let (length, after) = match first {
            0..=191 => (usize::from(first), after),
            192..=223 => (usize::from(first - 192) * 256 + usize::from(*after.first()?) + 192, after.get(1..)?),
            255 => (number(after.get(..4)?), after.get(4..)?),
            // Partial lengths are for data, not for keys.
            _ => return None,
        };
        (header & 0x3F, length, after)
    } else {
        let size = match header & 3 {
            3 => return None,
            n => 1usize << n,
        };
        (header >> 2 & 0x0F, number(rest.get(..size)?), rest.get(size..)?)
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

/// The fingerprint of a version 4 key.
fn fingerprint(body: &[u8]) -> Option<String> {
    let public = body.get(..public_length(body)?)?;
    let length = u16::try_from(public.len()).ok()?;
    let digest = Sha1::new().chain_update([0x99]).chain_update(length.to_be_bytes()).chain_update(public).finalize();
    Some(digest.iter().map(|b| format!("{b:02X}")).collect())
}

/// How long the public part of a version 4 secret key is.
fn public_length(body: &[u8]) -> Option<usize> {
    if *body.first()? != 4 {
        return None;
    }
    let at = 6;
    match *body.get(5)? {
        1..=3 => mpis(body, at, 2),
        16 => mpis(body, at, 3),
        17 => mpis(body, at, 4),
        19 | 22 => mpis(body, counted(body, at)?, 1),
        18 => counted(body, mpis(body, counted(body, at)?, 1)?),
        25 | 27 => Some(at + 32),
        26 => Some(at + 56),
        28 => Some(at + 57),
        _ => None,
    }
}

/// Behind so many multi-precision integers.
fn mpis(body: &[u8], mut at: usize, count: usize) -> Option<usize> {
    for _ in 0..count {
        let bits = body.get(at..at.checked_add(2)?)?;
        at += 2 + (usize::from(bits[0]) << 8 | usize::from(bits[1])).div_ceil(8);
    }
    Some(at)
}

/// Behind bytes with their count in front.
fn counted(body: &[u8], at: usize) -> Option<usize> {
    Some(at + 1 + usize::from(*body.get(at)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version 4 EdDSA packet with no real key in it.
    fn ring() -> Vec<u8> {
        let mut body = vec![4, 0, 0, 0, 1, 22, 9];
        body.extend([0x2B, 6, 1, 4, 1, 0xDA, 0x47, 0x0F, 1]);
        body.extend([1, 7, 0x40]);
        body.extend([7; 32]);
        body.extend([0; 5]);
        let mut ring = vec![0x94, body.len() as u8];
        ring.extend(&body);
        ring
    }

    #[test]
    fn a_secret_key_has_a_fingerprint_in_armor_and_without() {
        let binary = secret_keys(&ring()).expect("a key ring");
        assert_eq!(binary.len(), 1);
        assert_eq!(binary[0].len(), 40);
        let armored = format!(
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: x\n\n{}\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n",
            STANDARD.encode(ring())
        );
        assert_eq!(secret_keys(armored.as_bytes()), Some(binary));
    }

    #[test]
    fn any_cut_or_changed_ring_is_no_key_and_no_panic() {
        let good = ring();
        assert_eq!(secret_keys(b"not a key\n"), None);
        assert_eq!(secret_keys(b""), None);
        for end in 1..good.len() {
            assert_eq!(secret_keys(&good[..end]), None);
        }
        for index in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[index] ^= 1 << bit;
                let _no_panic = secret_keys(&bad);
            }
        }
    }
}
