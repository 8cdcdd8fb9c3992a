//! A fast digest for comparisons inside this library: it guards against mistakes, not against an attacker.

/// A digest of 64 bits. Whoever wants two texts with the same one can make them: where that matters, equal digests are
/// followed by a comparison of the texts.
pub(crate) fn fast_digest(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |state: u64, word: u64| (state ^ word).wrapping_mul(ODD).rotate_left(29);
    // Four lanes, so that no multiplication waits for another.
    let mut lanes = [1, 2, 3, 4];
    let (chunks, rest) = bytes.as_chunks::<32>();
    for chunk in chunks {
        for (lane, word) in lanes.iter_mut().zip(chunk.as_chunks::<8>().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let mut state = lanes.into_iter().fold(bytes.len() as u64, mix);
    for word in rest.as_chunks::<8>().0 {
        state = mix(state, u64::from_le_bytes(*word));
    }
    // The last eight bytes, however many of them were taken already.
    let last = match bytes.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let state = mix(state, last);
    state ^ state >> 32
}

#[cfg(test)]
mod tests {
    use super::fast_digest;
    use std::collections::HashSet;

    #[test]
    fn every_byte_and_the_length_count() {
        let mut seen = HashSet::new();
        for length in 0..100 {
            let mut text = vec![0; length];
            assert!(seen.insert(fast_digest(&text)), "{length} zeros");
            for at in 0..length {
                text[at] = 1;
                assert!(seen.insert(fast_digest(&text)), "{length} bytes, byte {at}");
                text[at] = 0;
            }
        }
    }
}
