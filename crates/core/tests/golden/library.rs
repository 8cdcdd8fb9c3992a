//! The library as these tests use it, in one place.

use crate::tokens::Expected;
use crate::values::{self, Flat};
use sops_core::Error;
use sops_core::document::{EncryptedDocument, PlainDocument};
use sops_core::format::Format;
use sops_core::keys::{Keyring, age::AgeIdentities, age::AgeRecipients};
use sops_core::metadata::keys::MasterKey;
use sops_core::outline::{Item, Node, Scalar};
use sops_core::path::TreePath;
use sops_core::sealer::{Recipe, Sealer};
use sops_core::select::{Selector, Settings};

/// The identity that opens every case. A published test key.
pub const ALICE: &str = include_str!("../../../../fixtures/keys/alice.agekey");
/// Its recipient.
pub const ALICE_RECIPIENT: &str = include_str!("../../../../fixtures/keys/alice.recipient");
/// 2026-06-01T00:00:00Z.
pub const NOW: i64 = 1_780_272_000;

/// What a case's arguments ask for.
#[derive(Default)]
pub struct Arguments {
    /// The age recipients.
    pub recipients: Vec<String>,
    /// The rules as written.
    pub settings: Settings,
    /// `--mac-only-encrypted`.
    pub mac_only_encrypted: bool,
    /// `--allow-nothing-encrypted`.
    pub allow_nothing: bool,
}

impl Arguments {
    /// Reads the arguments of a case, or says which one is not built in.
    pub fn parse(args: &[String]) -> Result<Arguments, String> {
        let mut parsed = Arguments::default();
        let mut args = args.iter().flat_map(|a| match a.split_once('=') {
            Some((name, value)) if a.starts_with("--") => vec![name.to_string(), value.to_string()],
            _ => vec![a.clone()],
        });
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or(format!("{name} has no value"));
            match name.as_str() {
                "--age" => parsed.recipients.extend(value()?.split(',').map(String::from)),
                "--encrypted-regex" => parsed.settings.encrypted_regex = value()?,
                "--unencrypted-regex" => parsed.settings.unencrypted_regex = value()?,
                "--encrypted-suffix" => parsed.settings.encrypted_suffix = value()?,
                "--unencrypted-suffix" => parsed.settings.unencrypted_suffix = value()?,
                "--encrypted-comment-regex" => parsed.settings.encrypted_comment_regex = value()?,
                "--unencrypted-comment-regex" => parsed.settings.unencrypted_comment_regex = value()?,
                "--mac-only-encrypted" => parsed.mac_only_encrypted = true,
                _ => return Err(format!("{name} is not built in")),
            }
        }
        Ok(parsed)
    }

    /// Arguments that encrypt what a pattern matches to the test key.
    pub fn matching(pattern: &str) -> Arguments {
        let settings = Settings { encrypted_regex: pattern.to_string(), ..Settings::default() };
        Arguments { settings, allow_nothing: true, ..Arguments::everything() }
    }

    /// Arguments that encrypt everything to the test key.
    pub fn everything() -> Arguments {
        Arguments { recipients: vec![ALICE_RECIPIENT.trim().to_string()], ..Arguments::default() }
    }
}

/// The test identity.
pub fn keyring() -> Keyring {
    Keyring::new().with(AgeIdentities::parse(ALICE).expect("a test identity")).with(AgeRecipients)
}

/// Parses a plain text.
pub fn parse(plain: &[u8]) -> Result<PlainDocument, Error> {
    PlainDocument::parse(Format::Yaml, plain)
}

/// Encrypts a plain text.
pub fn encrypt(plain: &[u8], arguments: &Arguments) -> Result<Vec<u8>, Error> {
    sealer(arguments)?.seal(&parse(plain)?, NOW)
}

/// What seals a new file.
pub fn sealer(arguments: &Arguments) -> Result<Sealer, Error> {
    let mut settings = arguments.settings.clone();
    if settings == Settings::default() {
        settings.unencrypted_suffix = "_unencrypted".to_string();
    }
    let age = |r: &String| MasterKey::age(r).expect("a recipient");
    let recipe = Recipe {
        groups: vec![arguments.recipients.iter().map(age).collect()],
        threshold: 0,
        selector: Selector::from_settings(&settings)?,
        mac_only_encrypted: arguments.mac_only_encrypted,
        allow_nothing: arguments.allow_nothing,
        indent: None,
    };
    Sealer::create(recipe, &keyring())
}

/// Opens a file for changes.
pub fn open(encrypted: &[u8]) -> Result<(PlainDocument, Sealer), Error> {
    EncryptedDocument::parse(Format::Yaml, encrypted)?.open(&keyring())
}

/// Decrypts a file that the test identity opens.
pub fn decrypt(encrypted: &[u8], ignore_mac: bool) -> Result<PlainDocument, Error> {
    let file = EncryptedDocument::parse(Format::Yaml, encrypted)?;
    if ignore_mac { file.decrypt_ignoring_mac(&keyring()) } else { file.decrypt(&keyring()) }
}

/// Decrypts a file with the identities of these key files.
pub fn decrypt_with(encrypted: &[u8], identities: &str) -> Result<PlainDocument, Error> {
    let keys = Keyring::new().with(AgeIdentities::parse(identities).expect("test identities"));
    EncryptedDocument::parse(Format::Yaml, encrypted)?.decrypt(&keys)
}

/// Returns the values of the first document, in order.
pub fn values(plain: &PlainDocument) -> Vec<Flat> {
    plain.events().into_iter().next().map(|events| values::from_events(&events)).unwrap_or_default()
}

/// Returns the type label and the canonical bytes of the first scalar.
pub fn first_leaf(plain: &PlainDocument) -> Option<(&'static str, Vec<u8>)> {
    let scalar = plain.outline().items.iter().find_map(|item| match &item.node {
        Node::Leaf(scalar) => Some(scalar),
        _ => None,
    })?;
    Some((label(scalar), scalar.value(plain.texts()).canonical().to_vec()))
}

fn label(scalar: &Scalar) -> &'static str {
    match scalar {
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Int(_) => "int",
        Scalar::Float(_) => "float",
        Scalar::Time(_) => "time",
        Scalar::Str(_) => "str",
    }
}

/// Returns what the reference would encrypt without a rule, in the order of the text, with the path it would authenticate:
/// comments where it attaches them; nulls, empty texts and what stands below `…_unencrypted` left out.
pub fn walk(plain: &PlainDocument) -> Vec<Expected> {
    let (texts, items) = (plain.texts(), &plain.outline().items);
    let path = |mut index: u32| {
        let mut keys = Vec::new();
        while let Some(item) = items.get(index as usize) {
            keys.extend(item.key().map(|key| String::from_utf8_lossy(key.bytes(texts)).into_owned()));
            index = item.parent;
        }
        keys.reverse();
        keys
    };
    let mut walked = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let (keys, label, text) = match &item.node {
            Node::Comment { text, dropped: false, .. } => (path(item.parent), "comment", text.bytes(texts).to_vec()),
            Node::Leaf(scalar) => (path(index as u32), label(scalar), scalar.value(texts).canonical().to_vec()),
            _ => continue,
        };
        if !text.is_empty() && label != "null" && !keys.iter().any(|key| key.ends_with("_unencrypted")) {
            walked.push((place(items, index), (keys.join(":") + ":", label.to_string(), text)));
        }
    }
    walked.sort_by_key(|(place, _)| *place);
    walked.into_iter().map(|(_, token)| token).collect()
}

/// Where an item stands in the text: an inline comment behind the value that follows it in the tree.
fn place(items: &[Item], index: usize) -> (usize, bool) {
    let is_comment = |item: &Item| matches!(item.node, Node::Comment { .. });
    match items[index].node {
        Node::Comment { inline: true, .. } => {
            let value = items[index..].iter().find(|item| !is_comment(item));
            (value.map_or(items.len(), |value| value.end as usize), false)
        }
        _ => (index, true),
    }
}

/// Returns the number of comments that the reference has no token for: those it would drop, and empty ones, which it turns
/// into empty texts inside lists.
pub fn dropped_comments(plain: &PlainDocument) -> usize {
    let is_dropped = |node: &Node| match node {
        Node::Comment { text, dropped, .. } => *dropped || text.bytes(plain.texts()).is_empty(),
        _ => false,
    };
    plain.outline().items.iter().filter(|i| is_dropped(&i.node)).count()
}

/// Returns what the tree writer makes of `k: TEXT` behind `k: `, with indentation 4.
pub fn spell(value: &str) -> Result<String, Error> {
    // A part that is a mapping is printed by the tree writer.
    let plain = parse(format!("part:\n  k: {}\n", values::quoted(value)).as_bytes())?;
    let part = plain.extract(&TreePath::parse("[\"part\"]")?, Format::Yaml, None)?;
    let text = String::from_utf8(part).expect("YAML is UTF-8");
    Ok(text.strip_prefix("k: ").unwrap_or(&text).to_string())
}
