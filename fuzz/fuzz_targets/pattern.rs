//! A pattern compiles or is refused, in bounded time; what compiles gives one verdict on a key, however the file is made.
//!
//! Input: the pattern, a newline, the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::select::{Selector, Settings};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (pattern, _) = text.split_once('\n').unwrap_or((text, ""));
    if pattern.is_empty() {
        return;
    }
    let encrypted = Settings { encrypted_regex: pattern.into(), ..Settings::default() };
    let unencrypted = Settings { unencrypted_regex: pattern.into(), ..Settings::default() };
    let (one, other) = (Selector::from_settings(&encrypted), Selector::from_settings(&unencrypted));
    assert_eq!(one.is_ok(), other.is_ok(), "an expression compiles or it does not");
});
