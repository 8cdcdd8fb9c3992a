//! Small texts that broke once, mostly found by fuzzing: each is sealed, and opened to the very bytes.

use crate::library::{self, Arguments};
use sops_core::select::Settings;
use sops_core::value::Value;
use sops_core::{EncryptedDocument, Event, Format, Keyring, PlainDocument, TreePath, keys::age::AgeIdentities};

fn comes_back(text: &str) -> Result<(), String> {
    let sealed = library::encrypt(text.as_bytes(), &Arguments::everything()).map_err(|e| format!("seal: {e}"))?;
    let opened = library::decrypt(&sealed, false).map_err(|e| format!("open: {e}"))?;
    let values = |plain: &_| format!("{:?}", library::values(plain));
    let plain = library::parse(text.as_bytes()).map_err(|e| format!("parse: {e}"))?;
    match values(&opened) == values(&plain) {
        true if opened.bytes() == text.as_bytes() => Ok(()),
        true => Err("other bytes come back".into()),
        false => Err("other values come back".into()),
    }
}

fn all_come_back(texts: &[&str]) {
    let broken = texts.iter().filter_map(|text| Some(format!("{text:?}: {}", comes_back(text).err()?)));
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn blank_lines_with_tabs_at_the_end_stay_in_front_of_the_branch() {
    all_come_back(&[
        "a: 1\n \t ",
        "a: x\n \t\n",
        "a: x\n \t\n\n \n",
        "a: x \t\n",
        "a: 1\n \t\n---\nb: 2\n \t\n",
        "a:\n  b: x\n   \t\n\n",
        "a: x\r\n \t\r\n\r\n",
    ]);
}

#[test]
fn a_literal_without_a_line_break_keeps_its_value_behind_other_documents() {
    let document = "b: |+\n#c7\n---\na_unencrypted: |\n  v";
    let encrypted = library::encrypt(document.as_bytes(), &Arguments::everything()).expect("encrypts");
    assert_eq!(library::decrypt(&encrypted, false).expect("decrypts").source(), document);
}

#[test]
fn a_digit_of_the_persons_own_is_no_mark() {
    for document in
        ["a_unencrypted: |2-\n   v", "a_unencrypted: |2-\n  v", "a_unencrypted: |-2\n  v", "a_unencrypted: |+2\n   v"]
    {
        let encrypted = library::encrypt(document.as_bytes(), &Arguments::everything()).expect("encrypts");
        assert_eq!(library::decrypt(&encrypted, false).expect("decrypts").source(), document);
    }
}

/// dotenv and INI have texts only, but their tokens have types: those of a file that the reference converted or changed,
/// and those of values that were set here.
#[test]
fn types_of_tokens_in_formats_of_texts_stay() {
    let keys = Keyring::new().with(AgeIdentities::parse(library::ALICE).expect("an identity"));
    let leaf = |value: Value<'static>| [Event::Leaf(None, value)];
    for (format, text, section) in
        [(Format::Dotenv, "A=x\nB=y\nC=z\n", ""), (Format::Ini, "[s]\nA = x\nB = y\nC = z\n", r#"["s"]"#)]
    {
        let path = |key: &str| TreePath::parse(&format!("{section}[\"{key}\"]")).expect("a path");
        let mut plain = PlainDocument::parse(format, text.as_bytes()).expect("a text");
        let values = [("A", Value::Int(5)), ("B", Value::Bool(true)), ("D_unencrypted", Value::Float(1.0))];
        for (key, value) in values.clone() {
            plain.set(&path(key), &leaf(value)).expect("it is set");
        }
        let sealer = library::sealer(&Arguments::everything()).expect("a sealer");
        let sealed = sealer.seal(&plain, library::NOW).expect("it is sealed");
        let line = |bytes: &[u8], key: &str| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.lines().find(|line| line.starts_with(key)).expect("a line").to_owned()
        };
        for (key, label) in [("A", "type:int]"), ("B", "type:bool]"), ("C", "type:str]"), ("D_", "1.0")] {
            assert!(line(&sealed, key).ends_with(label), "{}", line(&sealed, key));
        }

        // The MAC verifies, and they are there as they were set; what is clear is a text.
        let (mut plain, sealer) =
            EncryptedDocument::parse(format, &sealed).expect("metadata").open(&keys).expect("opens");
        for (key, value) in &values[..2] {
            assert!(plain.is_at(&path(key), &leaf(value.clone())), "{key}");
        }
        let converted = plain.convert(Format::Yaml, None).expect("YAML");
        let converted = String::from_utf8(converted).expect("UTF-8");
        assert!(converted.contains("A: 5\n") && converted.contains("B: true\n"), "{converted}");
        assert!(converted.contains("D_unencrypted: \"1.0\"\n"), "{converted}");

        if format == Format::Dotenv {
            assert_eq!(plain.extract(&path("B"), format, None).expect("a text"), b"true");
        }

        // Another value changes, and their tokens stay.
        plain.set(&path("C"), &leaf("w".into())).expect("it is set");
        let again = sealer.seal(&plain, library::NOW + 60).expect("it is sealed");
        assert!(["A", "B"].iter().all(|key| line(&sealed, key) == line(&again, key)), "{format:?}");
        assert_ne!(line(&sealed, "C"), line(&again, "C"));
    }
}

/// format.md §15 D37: the selection is the reference's, and it is not silent.
#[test]
fn keys_that_a_rule_for_comments_leaves_clear_in_ini_are_named() {
    let left = |text: &str, settings: Settings| {
        let arguments = Arguments { settings, ..Arguments::everything() };
        let plain = PlainDocument::parse(Format::Ini, text.as_bytes()).expect("INI");
        library::sealer(&arguments).expect("a sealer").left_clear(&plain)
    };
    let text = "[s]\n; secret\na = 1\nb = 2\nc = 3 ; secret\nd = 4\n; secret section\n[t]\ne = 5\nf = 6\n";
    let encrypted = || Settings { encrypted_comment_regex: "secret".into(), ..Settings::default() };
    assert_eq!(left(text, encrypted()), [r#"["s"]["a"]"#, r#"["s"]["c"]"#, r#"["t"]["f"]"#]);
    let unencrypted = Settings { unencrypted_comment_regex: "public".into(), ..Settings::default() };
    assert_eq!(left("; public\na = 1\nb = 2\nc = 3\n", unencrypted), [r#"["DEFAULT"]["b"]"#]);
    let by_key = Settings { encrypted_regex: "^a$".into(), ..Settings::default() };
    assert_eq!(left(text, by_key), [""; 0]);
}

/// The reference trims them, and its tokens are bound to the trimmed key.
#[test]
fn blanks_inside_the_quotes_of_an_ini_key_do_not_count() {
    let plain = |text: &str| PlainDocument::parse(Format::Ini, text.as_bytes()).expect("INI");
    for key in ["\" k \"", "` k\t`", "\"\"\" k\"\"\"", "\"\u{a0}k\""] {
        let path = TreePath::parse(r#"["s"]["k"]"#).expect("a path");
        assert!(plain(&format!("[s]\n{key} = v\n")).contains(&path), "{key}");
    }
    assert!(PlainDocument::parse(Format::Ini, b"[s]\n\" \" = v\n").is_err(), "no key is left");
}

/// As the reference stores them; the texts of the new format would lose the types.
#[test]
fn values_keep_their_types_in_another_format() {
    let yaml = b"a: 5\nb: true\nc: 1.0\nd: 2026-01-02\ne: 5 # c\nf: \"5\"\ng_unencrypted: 1e6\n";
    let yaml = PlainDocument::parse(Format::Yaml, yaml).expect("YAML");
    let keys = Keyring::new().with(AgeIdentities::parse(library::ALICE).expect("an identity"));
    for format in [Format::Json, Format::Dotenv] {
        let plain = yaml.converted(format, None).expect("another format");
        let sealer = library::sealer(&Arguments::everything()).expect("a sealer");
        let sealed = sealer.seal(&plain, library::NOW).expect("it is sealed");
        let text = String::from_utf8_lossy(&sealed).into_owned();
        let labels = text.split(",type:").skip(1).filter_map(|rest| rest.split(']').next());
        let labels: Vec<&str> = labels.filter(|label| *label != "comment").take(6).collect();
        assert_eq!(labels, ["int", "bool", "float", "time", "int", "str"], "{text}");
        let opened =
            EncryptedDocument::parse(format, &sealed).expect("metadata").decrypt(&keys).expect("the MAC verifies");
        assert_eq!(opened.bytes(), plain.bytes());
    }
    let bytes = PlainDocument::parse(Format::Yaml, b"a: {b: !!binary /w==}\n").expect("YAML");
    let error = bytes.converted(Format::Json, None).err().expect("JSON cannot carry it");
    assert!(error.to_string().starts_with(r#"["a"]["b"]: JSON carries text only"#), "{error}");
}

#[test]
fn a_collection_in_a_list_becomes_a_scalar() {
    use sops_core::outline::Event;
    use sops_core::path::TreePath;
    use sops_core::value::Value;
    for (document, wanted) in [
        ("k:\n  - x: a\n  - 42\n", "k:\n  - z\n  - 42\n"),
        ("k:\n- x: |\n    e\n    # f\n- 42\n", "k:\n- z\n- 42\n"),
        ("k:\n- - 1\n  - 2\n\n- 42", "k:\n- z\n\n- 42"),
    ] {
        let mut plain = library::parse(document.as_bytes()).expect("parses");
        let path = TreePath::parse("[\"k\"][0]").expect("a path");
        plain.set(&path, &[Event::Leaf(None, Value::Str(b"z"[..].into()))]).expect("sets");
        assert_eq!(plain.source(), wanted);
    }
}
