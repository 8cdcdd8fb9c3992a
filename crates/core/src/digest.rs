//! A fast digest for comparisons inside this library: it guards against mistakes, not against an attacker.

/// A digest of 64 bits. Whoever wants two texts with the same one can make them: where that matters, equal digests are
/// followed by a comparison of the texts.
pub(crate) fn fast_digest(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |state: u64, word: u64| (state ^ word).wrapping_mul(ODD).rotate_left(29);
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    // Four lanes, so that no multiplication waits for another.
    let mut lanes = [bytes.len() as u64, 1, 2, 3];
    let mut chunks = bytes.chunks_exact(32);
    for chunk in &mut chunks {
        for (lane, bytes) in lanes.iter_mut().zip(chunk.chunks_exact(8)) {
            *lane = mix(*lane, word(bytes));
        }
    }
    let mut rest = chunks.remainder().chunks_exact(8);
    let mut state = lanes.into_iter().fold(0, mix);
    for bytes in &mut rest {
        state = mix(state, word(bytes));
    }
    let state = mix(state, word(rest.remainder()));
    state ^ state >> 32
}
