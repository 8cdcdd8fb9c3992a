//! The record of spellings: what it gives back, and what an attacker without the data key can do with it, which is nothing.

use crate::library::{self, Arguments};
use sops_core::document::{EncryptedDocument, PlainDocument};
use sops_core::format::Format;
use sops_core::metadata::keys::MasterKey;
use sops_core::outline::Node;
use sops_core::sealer::Sealer;

const DOCUMENT: &str = "a: 0x1\nb: 1\nc: >\n  two\n  lines\nd: &d {x: 0o7, z: 2}\ne: *d\nf: \"\\u0041\"\n";

fn sealer() -> Sealer {
    library::sealer(&Arguments::everything()).expect("a test recipient")
}

fn seal(sealer: &Sealer, document: &str, now: i64) -> String {
    let plain = library::parse(document.as_bytes()).expect("parses");
    String::from_utf8(sealer.seal(&plain, now).expect("seals")).expect("UTF-8")
}

fn open(encrypted: &str) -> PlainDocument {
    library::decrypt(encrypted.as_bytes(), false).expect("opens")
}

/// Paths, types and texts.
fn values(plain: &PlainDocument) -> String {
    format!("{:?}", library::values(plain))
}

/// The line of the record.
fn record(encrypted: &str) -> &str {
    encrypted.lines().find(|line| line.trim_start().starts_with("spelling: ENC[")).expect("a record")
}

fn without_record(encrypted: &str) -> String {
    encrypted.replace(&format!("{}\n", record(encrypted)), "")
}

#[test]
fn it_gives_back_what_tokens_cannot_carry() {
    let encrypted = seal(&sealer(), DOCUMENT, library::NOW);
    assert_eq!(open(&encrypted).source(), DOCUMENT);
    let names: Vec<&str> =
        encrypted.lines().filter_map(|l| l.strip_prefix("    ")?.split_once(':')).map(|l| l.0).collect();
    assert!(names.windows(2).any(|pair| pair == ["mac", "spelling"]), "byte order: {names:?}");
}

#[test]
fn it_is_absent_where_nothing_needs_it_or_nobody_wants_it() {
    let ordinary = "a: 1\nb: 'x y'\nc: |\n  two\n  lines\nd: 1.10\ne: yes\n";
    assert!(!seal(&sealer(), ordinary, library::NOW).contains("spelling"));
    assert!(!seal(&sealer().without_spelling(), DOCUMENT, library::NOW).contains("spelling"));
    let strict = format!("kind: SopsSecret\n{DOCUMENT}");
    assert!(!seal(&sealer(), &strict, library::NOW).contains("spelling"));
    let documents = format!("{DOCUMENT}---\n{DOCUMENT}");
    let encrypted = seal(&sealer(), &documents, library::NOW);
    assert_eq!(encrypted.matches("spelling: ENC[").count(), 1, "the first document has it for all");
    assert_eq!(open(&encrypted).source(), documents);
}

#[test]
fn removed_or_altered_it_changes_no_value() {
    let encrypted = seal(&sealer(), DOCUMENT, library::NOW);
    let wanted = values(&open(&encrypted));
    let line = record(&encrypted);
    let data = line.find("data:").expect("data") + 7;
    let other = if line.as_bytes()[data] == b'A' { "B" } else { "A" };
    let altered = format!("{}{other}{}", &line[..data], &line[data + 1..]);
    for changed in [
        without_record(&encrypted),
        encrypted.replace(line, &altered),
        encrypted.replace(line, "    spelling: ENC[AES256_GCM,data:,iv:,tag:,type:str]"),
        encrypted.replace(line, "    spelling: a text"),
        encrypted.replace(line, "    spelling: [1, {a: 2}]"),
        encrypted.replace(line, "    spelling: 7"),
    ] {
        let plain = open(&changed);
        assert_eq!(values(&plain), wanted);
        assert!(plain.source().starts_with("a: 1\n"), "{}", plain.source());
    }
}

#[test]
fn another_states_record_is_of_no_use() {
    let sealer = sealer();
    let encrypted = seal(&sealer, DOCUMENT, library::NOW);
    // Of an earlier state, of another document with the same key, of the same document a second later.
    let changed = DOCUMENT.replace("b: 1", "b: 5");
    for (other, now) in [(changed.as_str(), library::NOW), (DOCUMENT, library::NOW + 1)] {
        let other = seal(&sealer, other, now);
        let exchanged = other.replace(record(&other), record(&encrypted));
        let plain = open(&exchanged);
        assert_eq!(values(&plain), values(&open(&other)));
        assert!(plain.source().starts_with("a: 1\n"), "{}", plain.source());
    }
}

#[test]
fn it_stays_with_its_value_when_equal_values_change_places() {
    let encrypted = seal(&sealer(), DOCUMENT, library::NOW);
    let mut lines: Vec<&str> = encrypted.lines().collect();
    lines.swap(0, 1);
    let plain = open(&(lines.join("\n") + "\n"));
    assert!(!plain.source().contains("b: 0x1"), "{}", plain.source());
    assert!(plain.source().starts_with("b: 1\na: "), "{}", plain.source());
}

#[test]
fn it_never_hides_a_clear_value_that_was_changed() {
    let arguments = Arguments { mac_only_encrypted: true, ..Arguments::matching("^x$") };
    let sealer = library::sealer(&arguments).expect("a test recipient");
    let document = "d: &d {x: 0o7, z: 2}\ne: *d\n";
    let encrypted = seal(&sealer, document, library::NOW);
    assert_eq!(open(&encrypted).source(), document);
    let (before, after) = encrypted.rsplit_once("z: 2").expect("the copy");
    let plain = open(&format!("{before}z: 3{after}"));
    let found: Vec<i64> = plain
        .outline()
        .items
        .iter()
        .filter_map(|item| match &item.node {
            Node::Leaf(sops_core::outline::Scalar::Int(number)) => Some(*number),
            _ => None,
        })
        .collect();
    assert_eq!(found, [7, 2, 7, 3], "{}", plain.source());
    assert!(plain.source().starts_with("d: &d {x: 0o7, z: 2}\n"), "the other entry stays: {}", plain.source());
}

#[test]
fn it_never_hides_a_key_or_comment_that_was_changed() {
    let arguments = Arguments { mac_only_encrypted: true, ..Arguments::matching("^x$") };
    let sealer = library::sealer(&arguments).expect("a test recipient");
    let document = "d: &d\n  x: 0o7\n  m:\n    z: 2\ne: *d\n";
    let encrypted = seal(&sealer, document, library::NOW);
    assert_eq!(open(&encrypted).source(), document);
    let (before, after) = encrypted.rsplit_once("m:\n").expect("the copy");
    for change in ["n:\n", "m: # added\n"] {
        let plain = open(&format!("{before}{change}{after}"));
        assert!(plain.source().contains(change) && !plain.source().contains("*d"), "{}", plain.source());
    }
}

#[test]
fn new_keys_keep_it_and_new_values_write_it_anew() {
    let encrypted = seal(&sealer(), DOCUMENT, library::NOW);
    let file = EncryptedDocument::parse(Format::Yaml, encrypted.as_bytes()).expect("parses");
    let recipient = MasterKey::age(&Arguments::everything().recipients[0]).expect("a recipient");
    let rewrapped = file.rewrapped(vec![vec![recipient]], 0, &library::keyring()).expect("wraps");
    let rewrapped = String::from_utf8(rewrapped).expect("UTF-8");
    assert_eq!(record(&rewrapped), record(&encrypted));
    assert_eq!(open(&rewrapped).source(), DOCUMENT);

    let (plain, sealer) = library::open(encrypted.as_bytes()).expect("opens");
    let changed = plain.source().replace("b: 1\n", "b: 2\n");
    let again = seal(&sealer, &changed, library::NOW + 60);
    assert_ne!(record(&again), record(&encrypted));
    assert_eq!(open(&again).source(), changed);
}

#[test]
fn a_formatted_file_keeps_what_still_fits() {
    let encrypted =
        seal(&sealer(), "m:\n    a: 0x1\n    c: >\n      two\n      lines\n    f: \"\\u0041\"\n", library::NOW);
    // Indented by two, as formatters do.
    let (document, branch) = encrypted.split_once("sops:").expect("a branch");
    let formatted = format!("{}sops:{branch}", document.replace("\n    ", "\n  "));
    let plain = open(&formatted);
    assert!(
        plain.source().contains("  a: 0x1\n") && plain.source().contains("  f: \"\\u0041\"\n"),
        "{}",
        plain.source()
    );
}
