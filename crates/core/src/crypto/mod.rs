//! Tokens, the value cipher and the MAC. The primitives come from reviewed crates; here is only their SOPS dress.

mod base64;
pub mod cipher;
mod gcm;
pub mod mac;
pub mod shamir;
pub mod token;
