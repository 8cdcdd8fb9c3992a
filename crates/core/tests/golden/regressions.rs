//! Small texts that broke once, mostly found by fuzzing: each is sealed, and opened to the very bytes.

use crate::library::{self, Arguments};

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
