//! Tokens, the value cipher and the MAC. The primitives come from reviewed crates; here is only their SOPS dress.

pub mod cipher;
pub mod mac;
pub mod token;
