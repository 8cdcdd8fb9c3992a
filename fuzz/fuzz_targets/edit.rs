//! Two documents: the first is sealed, opened, changed into the second and sealed again. Every value that is in both keeps
//! its token, and what comes out opens to the second document.
//!
//! Input: a place and how many bytes to cut there (two bytes each), what to put there up to a byte 0xFF, then the first
//! document; so the second is the first with one change, or any other one where everything is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::keys::age::{AgeIdentities, AgeRecipients};
use sops_core::metadata::keys::MasterKey;
use sops_core::outline::{Item, NONE, Node, Scalar};
use sops_core::sealer::Recipe;
use sops_core::select::Selector;
use sops_core::value::Kind;
use sops_core::{EncryptedDocument, Error, Format, Keyring, PlainDocument, Sealer};
use std::collections::HashMap;
use std::sync::LazyLock;

static KEYS: LazyLock<Keyring> = LazyLock::new(|| {
    let identities = AgeIdentities::parse(include_str!("../../fixtures/keys/alice.agekey"));
    Keyring::new().with(identities.expect("a test identity")).with(AgeRecipients)
});
static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
    let recipient = MasterKey::age(include_str!("../../fixtures/keys/alice.recipient").trim());
    let recipe = Recipe {
        groups: vec![vec![recipient.expect("a test recipient")]],
        threshold: 0,
        selector: Selector::default_suffix(),
        mac_only_encrypted: false,
        allow_nothing: true,
        indent: None,
    };
    Sealer::create(recipe, &KEYS).expect("a sealer")
});
const NOW: i64 = 1_780_272_000;

/// A value by path, type, canonical bytes and, for a float, which may keep its spelling, its text.
type Leaf = (Vec<u8>, Option<Kind>, Vec<u8>, String);

fn leaves(plain: &PlainDocument) -> Vec<Leaf> {
    let (texts, items) = (plain.texts(), &plain.outline().items);
    let leaf = |item: &Item| {
        let Node::Leaf(scalar) = &item.node else { return None };
        let (mut path, mut at) = (item.key().map(|k| k.bytes(texts).to_vec()).unwrap_or_default(), item.parent);
        while at != NONE {
            path.extend(items[at as usize].key().map(|k| [b":", k.bytes(texts)].concat()).unwrap_or_default());
            at = items[at as usize].parent;
        }
        let spelling = if matches!(scalar, Scalar::Float(_)) { &plain.source()[item.span.range()] } else { "" };
        let value = scalar.value(texts);
        Some((path, value.kind(), value.canonical().to_vec(), spelling.to_owned()))
    };
    items.iter().filter_map(leaf).collect()
}

/// The tokens of every value of a file, given the values of its plain text.
fn tokens(file: &[u8], leaves: &[Leaf]) -> HashMap<Leaf, Vec<Vec<u8>>> {
    let stored = PlainDocument::parse(Format::Yaml, file).expect("an encrypted file is YAML");
    let (texts, items) = (stored.texts(), &stored.outline().items);
    let mut found: HashMap<Leaf, Vec<Vec<u8>>> = HashMap::new();
    let (mut index, mut leaves) = (0, leaves.iter());
    while let Some(item) = items.get(index) {
        let is_root_entry = items.get(item.parent as usize).is_some_and(|root| root.parent == NONE);
        if is_root_entry && item.key().is_some_and(|key| key.bytes(texts) == b"sops") {
            index = item.end as usize;
            continue;
        }
        index += 1;
        let Node::Leaf(scalar) = &item.node else { continue };
        let leaf = leaves.next().expect("as many values in the file as in its plain text");
        if let Scalar::Str(text) = scalar
            && text.bytes(texts).starts_with(b"ENC[")
        {
            let token = text.bytes(texts).split(|b| *b == b'\n').next().unwrap_or_default();
            found.entry(leaf.clone()).or_default().push(token.to_vec());
        }
    }
    assert!(leaves.next().is_none(), "as many values in the plain text as in the file");
    found
}

fn open(file: &[u8]) -> (PlainDocument, Sealer) {
    let opened = EncryptedDocument::parse(Format::Yaml, file).and_then(|file| file.open(&KEYS));
    opened.unwrap_or_else(|error| panic!("what was sealed opens: {error}"))
}

/// Seals; `None` for a document that is no plain one.
fn seal(sealer: &Sealer, plain: &PlainDocument) -> Option<Vec<u8>> {
    match sealer.seal(plain, NOW) {
        Ok(file) => Some(file),
        Err(Error::AlreadyEncrypted | Error::ReservedKey | Error::Tree { .. }) => None,
        // A comment beside an alias may attach elsewhere once it is written out, which the check refuses.
        Err(Error::Reparse { .. }) if !plain.outline().aliases.is_empty() => None,
        Err(error) => panic!("a plain document is sealed: {error}"),
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&[at, at_high, cut, cut_high], rest)) = input.split_first_chunk::<4>() else { return };
    let Some(border) = rest.iter().position(|b| *b == 0xff) else { return };
    let (new, first) = (&rest[..border], &rest[border + 1..]);
    let at = usize::from(u16::from_le_bytes([at, at_high])).min(first.len());
    let cut = usize::from(u16::from_le_bytes([cut, cut_high])).min(first.len() - at);
    let second = [&first[..at], new, &first[at + cut..]].concat();
    let Ok(first) = PlainDocument::parse(Format::Yaml, first) else { return };
    let Ok(second) = PlainDocument::parse(Format::Yaml, second) else { return };

    let Some(file) = seal(&SEALER, &first) else { return };
    let (opened, sealer) = open(&file);
    assert!(seal(&sealer, &opened).as_ref() == Some(&file), "the same text is the same file");
    let before = leaves(&opened);
    let Some(changed) = seal(&sealer, &second) else { return };
    let after = leaves(&open(&changed).0);

    let without_spelling = |leaves: &[Leaf]| -> Vec<Leaf> {
        leaves.iter().map(|(path, kind, value, _)| (path.clone(), *kind, value.clone(), String::new())).collect()
    };
    assert!(without_spelling(&before) == without_spelling(&leaves(&first)), "it opens to the first document");
    let wanted = leaves(&second);
    assert!(without_spelling(&after) == without_spelling(&wanted), "it opens to the second document");
    // A float without a fraction reads back as an integer and keeps its token as one.
    let opened = PlainDocument::parse(Format::Yaml, opened.bytes()).expect("what was opened is a plain document");
    let (old, new) = (tokens(&file, &leaves(&opened)), tokens(&changed, &wanted));
    for (leaf, tokens) in &new {
        let Some(old) = old.get(leaf) else { continue };
        let kept = tokens.iter().filter(|token| old.contains(token)).count();
        assert!(kept == old.len().min(tokens.len()), "an unchanged value keeps its token");
    }
});
