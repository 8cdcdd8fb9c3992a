//! A program that keeps its configuration in an encrypted file, with nothing but the public library: no files, no
//! environment, no command.
//!
//! It prints one line per thing that held, and ends with an error at the first that did not.

use serde::Deserialize;
use sops_core::config::Config;
use sops_core::keys::age::{AgeIdentities, AgeRecipients};
use sops_core::keys::{CallContext, KeyError, KeyPart, KeySource};
use sops_core::metadata::keys::{KeyKind, MasterKey, MasterKeyKind};
use sops_core::sealer::Recipe;
use sops_core::select::Selector;
use sops_core::value::Timestamp;
use sops_core::{EncryptedDocument, Error, Event, Format, Keyring, PlainDocument, Sealer, TreePath};
use std::error::Error as StdError;

type Outcome = Result<(), Box<dyn StdError>>;

const PLAIN: &str = "\
# What the service needs.
database:
    host: db.example   # inside
    password: \"s3cret\"
    ports: [5432, 5433]
debug_unencrypted: false
";

/// 2026-06-01T00:00:00Z: the library has no clock.
const NOW: i64 = 1_780_272_000;

#[derive(Deserialize)]
struct Service {
    database: Database,
    debug_unencrypted: bool,
}

#[derive(Deserialize)]
struct Database {
    host: String,
    password: String,
    ports: Vec<u16>,
}

fn main() -> Outcome {
    let (identity, recipient) = AgeIdentities::generate_text();
    let keys = || -> Result<Keyring, KeyError> {
        Ok(Keyring::new().with(AgeIdentities::parse(&identity)?).with(AgeRecipients))
    };
    let recipe = recipe(MasterKey::age(&recipient)?);
    let sealed = Sealer::create(recipe, &keys()?)?.seal(&PlainDocument::parse(Format::Yaml, PLAIN.as_bytes())?, NOW)?;
    step("sealed", !contains(&sealed, "s3cret") && EncryptedDocument::is_encrypted(Format::Yaml, &sealed[..])?)?;

    let opened = EncryptedDocument::parse(Format::Yaml, &sealed[..])?.decrypt(&keys()?)?;
    step("the very bytes came back", opened.bytes() == PLAIN.as_bytes())?;

    let service: Service = opened.deserialize()?;
    let database = &service.database;
    let fits = database.host == "db.example" && database.password == "s3cret" && database.ports == [5432, 5433];
    step("deserialized", fits && !service.debug_unencrypted)?;

    let changed = change(&sealed, &keys()?)?;
    let unchanged = tokens(&sealed).iter().filter(|token| tokens(&changed).contains(token)).count();
    step("one value and the MAC have new tokens", unchanged == tokens(&sealed).len() - 2)?;

    let rotated = rotate(&changed, &keys()?)?;
    step("no token survives a rotation", !tokens(&changed).iter().any(|token| tokens(&rotated).contains(token)))?;
    let expected = PLAIN.replace("s3cret", "hunter3");
    let file = EncryptedDocument::parse(Format::Yaml, &rotated[..])?;
    step("the change is there", file.decrypt(&keys()?)?.bytes() == expected.as_bytes())?;

    refusals(&rotated, &keys()?)?;
    from_configuration(&recipient, &keys()?)?;
    with_a_key_source_of_its_own()
}

fn recipe(key: MasterKey) -> Recipe {
    Recipe {
        groups: vec![vec![key]],
        threshold: 0,
        selector: Selector::default_suffix(),
        mac_only_encrypted: false,
        allow_nothing: false,
        indent: None,
    }
}

/// Opens, sets one value, seals.
fn change(file: &[u8], keys: &Keyring) -> Result<Vec<u8>, Error> {
    let (mut plain, sealer) = EncryptedDocument::parse(Format::Yaml, file)?.open(keys)?;
    let path = TreePath::parse(r#"["database"]["password"]"#)?;
    plain.set(&path, &[Event::Leaf(None, "hunter3".into())])?;
    sealer.seal(&plain, NOW + 60)
}

/// Gives the file a new data key.
fn rotate(file: &[u8], keys: &Keyring) -> Result<Vec<u8>, Error> {
    let (plain, mut sealer) = EncryptedDocument::parse(Format::Yaml, file)?.open(keys)?;
    sealer.rotate(keys)?;
    sealer.seal(&plain, NOW + 120)
}

/// Nothing comes back for others, or from a file that somebody touched; no message repeats a value.
fn refusals(file: &[u8], keys: &Keyring) -> Outcome {
    let stranger = Keyring::new().with(AgeIdentities::parse(&AgeIdentities::generate_text().0)?);
    let error = EncryptedDocument::parse(Format::Yaml, file)?.decrypt(&stranger).err();
    step("a stranger is refused", matches!(error, Some(Error::DataKey(_))))?;
    let touched = String::from_utf8(file.to_vec())?.replace("debug_unencrypted: false", "debug_unencrypted: true");
    let error = EncryptedDocument::parse(Format::Yaml, touched.as_bytes())?.decrypt(keys).err();
    step("a touched file is refused", matches!(error, Some(Error::Mac(_))))?;
    let plain = EncryptedDocument::parse(Format::Yaml, file)?.decrypt(keys)?;
    let error = plain.deserialize::<std::collections::BTreeMap<String, bool>>().err();
    let message = error.map(|error| error.to_string()).unwrap_or_default();
    step("a wrong type is refused by its place", message == r#"["database"]: found a mapping, expected a boolean"#)
}

/// What `.sops.yaml` asks for, given as text.
fn from_configuration(recipient: &str, keys: &Keyring) -> Outcome {
    let text =
        format!("creation_rules:\n  - path_regex: ^prod/\n    encrypted_regex: ^password$\n    age: {recipient}\n");
    let recipe = Config::parse(text.as_bytes())?.recipe_for("prod/db.yaml")?.ok_or("a rule matches")?;
    let plain = PlainDocument::parse(Format::Yaml, PLAIN.as_bytes())?;
    let sealed = Sealer::create(recipe, keys)?.seal(&plain, NOW)?;
    step(
        "the rule decides what is sealed",
        contains(&sealed, "host: db.example   # inside") && !contains(&sealed, "s3cret"),
    )
}

/// A key source for a kind that the library has no code for. This one hides nothing.
struct Vault;

impl KeySource for Vault {
    fn kind(&self) -> KeyKind {
        KeyKind::GcpKms
    }

    fn wrap(&self, _: &MasterKey, part: &KeyPart, _: &CallContext) -> Result<String, KeyError> {
        Ok(part.expose().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn unwrap(&self, key: &MasterKey, _: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        let digits = |at: usize| key.wrapped.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..key.wrapped.len()).step_by(2).map(digits).collect();
        bytes.map(|bytes| Some(KeyPart::new(bytes))).ok_or(KeyError::Failed("not hexadecimal".into()))
    }
}

fn with_a_key_source_of_its_own() -> Outcome {
    let keys = Keyring::new().with(Vault);
    let mut key = MasterKey::new(MasterKeyKind::GcpKms { resource_id: "projects/p/keys/k".into() });
    key.created_at = Some(Timestamp::from_unix_seconds(NOW));
    let plain = PlainDocument::parse(Format::Yaml, PLAIN.as_bytes())?;
    let sealed = Sealer::create(recipe(key), &keys)?.seal(&plain, NOW)?;
    let opened = EncryptedDocument::parse(Format::Yaml, sealed)?.decrypt(&keys)?;
    step("a key source of its own serves", opened.bytes() == plain.bytes())
}

fn tokens(file: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(file);
    let token = |rest: &str| rest.split_once(']').map(|(token, _)| token.to_owned());
    text.split("ENC[").skip(1).filter_map(token).collect()
}

fn contains(file: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(file).contains(text)
}

fn step(what: &str, held: bool) -> Outcome {
    match held {
        true => {
            println!("held: {what}");
            Ok(())
        }
        false => Err(format!("did not hold: {what}").into()),
    }
}
