//! What the format protects and what it does not: one test per line of `sops_core::manual::integrity`, named there.
//!
//! The tests of what is *not* given change a file by hand and show that it opens. They are no wishes: a reader that refused
//! such a file would refuse files of the reference, or could not tell it from one.

use crate::library::{self, ALICE, ALICE_RECIPIENT, Arguments};
use sops_core::error::{LeafCause, MacCause};
use sops_core::metadata::keys::MasterKey;
use sops_core::outline::Event;
use sops_core::path::TreePath;
use sops_core::{EncryptedDocument, Error, Format, Keyring};

const BOB: &str = include_str!("../../../../fixtures/keys/bob.agekey");
const BOB_RECIPIENT: &str = include_str!("../../../../fixtures/keys/bob.recipient");

fn sealed(plain: &str) -> String {
    sealed_for(plain, &Arguments::everything())
}

fn sealed_for(plain: &str, arguments: &Arguments) -> String {
    String::from_utf8(library::encrypt(plain.as_bytes(), arguments).expect("it is encrypted")).expect("UTF-8")
}

fn opened(file: &str) -> Result<String, Error> {
    library::decrypt(file.as_bytes(), false).map(|plain| plain.source().to_owned())
}

/// The token behind a text that stands once.
fn token<'a>(file: &'a str, behind: &str) -> &'a str {
    let (_, rest) = file.split_once(behind).unwrap_or_else(|| panic!("{behind:?} stands in the file"));
    &rest[..=rest.find(']').expect("a token ends with a bracket")]
}

fn swapped(file: &str, one: &str, other: &str) -> String {
    file.replace(one, "\0").replace(other, one).replace('\0', other)
}

/// Replaces what must be there.
fn replaced(file: &str, old: &str, new: &str) -> String {
    assert!(file.contains(old), "{old:?} stands in the file");
    file.replacen(old, new, 1)
}

#[test]
fn every_token_is_bound_to_the_path_of_its_value() {
    let file = sealed("a: one\nb:\n    a: two\n");
    let moved = swapped(&file, token(&file, "\na: ".trim_start()), token(&file, "    a: "));
    let cause = LeafCause::Authentication;
    assert_eq!(opened(&moved), Err(Error::Leaf { path: r#"["a"]"#.into(), cause }));
}

#[test]
fn the_mac_binds_the_order_and_the_number_of_values() {
    let file = sealed("l:\n    - one\n    - two\nc_unencrypted: x\n");
    let (one, rest) = (token(&file, "- "), file.split_once("- ").expect("a list").1);
    let two = token(rest, "- ");
    let mismatch = Err(Error::Mac(MacCause::Mismatch));
    assert_eq!(opened(&swapped(&file, one, two)), mismatch, "another order");
    assert_eq!(opened(&replaced(&file, &format!("    - {two}\n"), "")), mismatch, "one value less");
    assert_eq!(opened(&replaced(&file, "sops:\n", "d_unencrypted: y\nsops:\n")), mismatch, "one value more");
    let other = |file: &str| opened(&replaced(file, "c_unencrypted: x", "c_unencrypted: y"));
    assert_eq!(other(&file), mismatch, "another clear value");
    let only_encrypted = Arguments { mac_only_encrypted: true, ..Arguments::everything() };
    assert!(other(&sealed_for("a: one\nc_unencrypted: x\n", &only_encrypted)).is_ok(), "not in this MAC");
}

#[test]
fn the_mac_is_bound_to_the_time_of_the_last_change() {
    let file = sealed("a: one\n");
    let later = replaced(&file, "lastmodified: \"2026-06-01T00:00:00Z\"", "lastmodified: \"2026-06-01T00:00:01Z\"");
    assert_eq!(opened(&later), Err(Error::Mac(MacCause::Unreadable)));
}

#[test]
fn lengths_types_and_keys_of_clear_values_are_in_no_mac() {
    let file = sealed("a: one\nb_unencrypted: \"23\"\n");
    for other in ["b_unencrypted: 23", "c_unencrypted: \"23\"", "b_unencrypted: \"2\"\nc_unencrypted: 3"] {
        let changed = replaced(&file, "b_unencrypted: \"23\"", other);
        assert_eq!(opened(&changed), Ok(format!("a: one\n{other}\n")), "this cannot be noticed");
    }
}

#[test]
fn a_key_with_a_colon_has_the_path_of_nested_keys() {
    let file = sealed("\"a:b\": one\n");
    let nested = replaced(&file, "\"a:b\": ", "a:\n    b: ");
    assert_eq!(opened(&nested), Ok("a:\n    b: one\n".into()));
}

#[test]
fn elements_of_a_list_have_one_path() {
    let file = sealed("l:\n    - one\n    - two\n");
    let rest = file.split_once("- ").expect("a list").1;
    let changed = swapped(&file, token(&file, "- "), token(rest, "- "));
    assert_eq!(opened(&changed), Err(Error::Mac(MacCause::Mismatch)), "only the MAC notices");
    let plain = library::decrypt(changed.as_bytes(), true).expect("without the MAC nothing does");
    assert_eq!(plain.source(), "l:\n    - two\n    - one\n");
}

#[test]
fn no_message_shows_a_digest() {
    let file = sealed("a: one\nb_unencrypted: x\n");
    let changed = replaced(&file, "b_unencrypted: x", "b_unencrypted: y");
    let error = opened(&changed).expect_err("a mismatch");
    let shown = format!("{error} {error:?} {:?}", error.hint());
    let longest = shown.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
    assert!(longest < Some(16), "{shown}");
}

#[test]
fn empty_texts_and_nulls_stay_clear_and_comments_are_in_no_mac() {
    let file = sealed("# first\na: one # second\nb: \"\"\nc: null\nd: {}\n");
    assert!(file.contains("b: \"\"\nc: null\nd: {}\n"), "nothing to encrypt");
    let comment = format!("#{}\n", token(&file, "#"));
    for changed in
        [replaced(&file, &comment, ""), replaced(&file, "c: null\nd: {}\n", ""), replaced(&file, &comment, "# new\n")]
    {
        assert!(opened(&changed).is_ok(), "this cannot be noticed");
    }
    let warned = library::decrypt(replaced(&file, &comment, "# new\n").as_bytes(), false).expect("it opens");
    assert!(!warned.warnings().is_empty(), "a clear comment among encrypted ones is named");
    assert!(opened(&replaced(&file, "c: null", "c: x")).is_err(), "a value in the place of null is noticed");
}

#[test]
fn recipients_and_rules_are_not_authenticated() {
    let file = sealed("a: one\n");
    let entry = "    lastmodified:";
    let added = format!("        - enc: nothing yet\n          recipient: {}\n{entry}", BOB_RECIPIENT.trim());
    let added = replaced(&file, entry, &added);
    let (plain, mut sealer) = library::open(added.as_bytes()).expect("an added recipient is not noticed");
    sealer.rotate(&keys(ALICE)).expect("a new data key for all recipients");
    let rotated = sealer.seal(&plain, library::NOW).expect("a sealed file");
    let stolen = library::decrypt_with(&rotated, BOB).expect("the added recipient can read what is written next");
    assert_eq!(stolen.source(), "a: one\n");
    for (old, new) in [("version: 3.13.2", "version: 3.7.0"), ("suffix: _unencrypted", "suffix: _clear")] {
        assert!(opened(&replaced(&file, old, new)).is_ok(), "{new} is not noticed");
    }
    // A rule that would leave an encrypted value clear, or the other way round, is noticed by the values themselves.
    assert!(opened(&replaced(&file, "unencrypted_suffix: _unencrypted", "encrypted_suffix: _x")).is_err());
}

#[test]
fn an_older_file_opens_as_it_did() {
    let older = sealed("a: one\n");
    let (mut plain, sealer) = library::open(older.as_bytes()).expect("it opens");
    set(&mut plain, "two");
    let newer = sealer.seal(&plain, library::NOW + 60).expect("a newer file");
    assert!(library::decrypt(&newer, false).is_ok());
    assert_eq!(opened(&older), Ok("a: one\n".into()), "nothing in a file says that there is a newer one");
}

#[test]
fn lengths_show_and_so_does_what_did_not_change() {
    let file = sealed("a: four\nb: four\nc: eleven bytes\n");
    let data = |token: &str| token.split("data:").nth(1).and_then(|rest| rest.find(',')).expect("data");
    assert_eq!(data(token(&file, "a: ")), data(token(&file, "b: ")), "as long as the value, in base64");
    assert!(data(token(&file, "c: ")) > data(token(&file, "a: ")));
    let (mut plain, sealer) = library::open(file.as_bytes()).expect("it opens");
    set(&mut plain, "five");
    let newer = String::from_utf8(sealer.seal(&plain, library::NOW + 60).expect("a newer file")).expect("UTF-8");
    assert_eq!(token(&newer, "b: "), token(&file, "b: "));
    assert_ne!(token(&newer, "a: "), token(&file, "a: "));
}

#[test]
fn who_was_removed_without_a_rotation_still_knows_the_data_key() {
    let both = Arguments {
        recipients: vec![ALICE_RECIPIENT.trim().into(), BOB_RECIPIENT.trim().into()],
        ..Arguments::default()
    };
    let older = sealed_for("a: one\n", &both);
    let (mut plain, mut sealer) = library::open(older.as_bytes()).expect("it opens");
    assert_eq!(sealer.remove_keys(|key| key.display() == BOB_RECIPIENT.trim()), 1);
    set(&mut plain, "two");
    sealer.rewrap(&keys(ALICE)).expect("wrapped for who is left");
    let newer = sealer.seal(&plain, library::NOW + 60).expect("a newer file");
    assert!(matches!(library::decrypt_with(&newer, BOB), Err(Error::DataKey(_))), "no key for Bob in this file");
    let with_old_keys = with_keys_of(&newer, &older);
    let read = library::decrypt_with(&with_old_keys, BOB).expect("the older file's key opens the newer values");
    assert_eq!(read.source(), "a: two\n");

    sealer.rotate(&keys(ALICE)).expect("a new data key");
    let rotated = sealer.seal(&plain, library::NOW + 120).expect("a rotated file");
    assert!(library::decrypt_with(&with_keys_of(&rotated, &older), BOB).is_err(), "a rotation ends that");
    assert!(library::decrypt_with(older.as_bytes(), BOB).is_ok(), "but not for what was written before");
}

#[test]
fn every_line_of_the_manual_has_its_test() {
    let manual = include_str!("../../src/manual/integrity.rs");
    let named: Vec<&str> = manual.split("(test `").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    let tests: Vec<&str> = include_str!("integrity.rs")
        .split("#[test]\nfn ")
        .skip(1)
        .filter_map(|rest| rest.split('(').next())
        .filter(|name| *name != "every_line_of_the_manual_has_its_test")
        .collect();
    assert_eq!(named, tests, "the manual names these tests, in this order");
}

fn set(plain: &mut sops_core::PlainDocument, value: &str) {
    let path = TreePath::parse("[\"a\"]").expect("a path");
    plain.set(&path, &[Event::Leaf(None, value.into())]).expect("a change");
}

fn keys(identities: &str) -> Keyring {
    use sops_core::keys::age::{AgeIdentities, AgeRecipients};
    Keyring::new().with(AgeIdentities::parse(identities).expect("test identities")).with(AgeRecipients)
}

/// The file with the wrapped keys of another one.
fn with_keys_of(file: &[u8], other: &str) -> Vec<u8> {
    let groups = EncryptedDocument::parse(Format::Yaml, other.as_bytes()).expect("a file").metadata().groups.clone();
    let mut text = String::from_utf8(file.to_vec()).expect("UTF-8");
    let is_bob = |key: &&MasterKey| key.display() == BOB_RECIPIENT.trim();
    let bob = groups.iter().flat_map(|group| &group.keys).find(is_bob).expect("Bob's key");
    let lines: Vec<String> = bob.wrapped.lines().map(|line| format!("            {line}\n")).collect();
    let entry = format!("        - enc: |\n{}          recipient: {}\n", lines.concat(), BOB_RECIPIENT.trim());
    let at = text.find("    lastmodified:").expect("metadata");
    text.insert_str(at, &entry);
    text.into_bytes()
}
