//! A file that the reference wrote, with a few bytes changed: what opens has the very bytes that the MAC covers.
//!
//! The MAC hashes the canonical bytes of all values one after the other, so that is what must not change. Input: triples of
//! a place (two bytes) and a new byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::document::{EncryptedDocument, PlainDocument};
use sops_core::format::Format;
use sops_core::keys::{Keyring, age::AgeIdentities};
use sops_core::outline::Node;
use std::sync::LazyLock;

const FILE: &[u8] = include_bytes!("../../fixtures/mac/tamper.yaml");
static KEYS: LazyLock<Keyring> = LazyLock::new(|| {
    let identities = AgeIdentities::parse(include_str!("../../fixtures/keys/alice.agekey"));
    Keyring::new().with(identities.expect("a test identity"))
});
static COVERED: LazyLock<Vec<u8>> = LazyLock::new(|| covered(&open(FILE).expect("the untouched file opens")));

fn open(file: &[u8]) -> Option<PlainDocument> {
    EncryptedDocument::parse(Format::Yaml, file).ok()?.decrypt(&KEYS).ok()
}

fn covered(plain: &PlainDocument) -> Vec<u8> {
    let leaf = |node: &Node| match node {
        Node::Leaf(scalar) => scalar.value(plain.texts()).canonical().to_vec(),
        _ => Vec::new(),
    };
    plain.outline().items.iter().flat_map(|item| leaf(&item.node)).collect()
}

fuzz_target!(|changes: &[u8]| {
    let mut file = FILE.to_vec();
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        file[place] = change[2];
    }
    if let Some(plain) = open(&file) {
        assert!(covered(&plain) == *COVERED, "text that the MAC does not cover came out");
    }
});
