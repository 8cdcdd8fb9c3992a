//! A pattern compiles or is refused, in bounded time and stack; one that compiles gives one verdict on a key, however it
//! is run.
//!
//! Input: the pattern, a newline, the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::pattern::Pattern;

/// Never matches, and is so large that a pattern beside it is run in another way.
const NEVER: &str = r"[^\x{0}-\x{10FFFF}]{999}";

fuzz_target!(|input: &[u8]| {
    let (pattern, key) = input.split_at(input.iter().position(|b| *b == b'\n').unwrap_or(input.len()));
    let key = key.get(1..65).or(key.get(1..)).unwrap_or_default();
    let Ok(pattern) = std::str::from_utf8(pattern) else { return };
    let Ok(alone) = Pattern::parse(pattern) else { return };
    // What quotes without an end would quote what is put behind it; what is as high as it may be gets no higher.
    if let (Ok(beside), false) = (Pattern::parse(&format!("{NEVER}|(?:{pattern})")), pattern.contains("\\Q")) {
        assert_eq!(beside.is_match(key), alone.is_match(key), "one verdict");
    }
});
