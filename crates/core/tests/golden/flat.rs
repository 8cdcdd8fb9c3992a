//! dotenv and INI: which values, in which order, the reference makes of a text.

use crate::corpus::{Tally, corpora};
use crate::tables::field;
use serde_json::Value;
use sops_core::document::PlainDocument;
use sops_core::format::Format;
use sops_core::outline::{Event, Node};

/// The members of a JSON object in order, duplicates included; objects inside as lists of their own.
fn sections(plain: &PlainDocument) -> Vec<(String, Vec<(String, String)>)> {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for event in plain.events().iter().flatten() {
        match event {
            Event::Map(Some(name)) => sections.push((name.to_string(), Vec::new())),
            Event::Leaf(Some(key), value) => {
                let text = String::from_utf8_lossy(&value.canonical()).into_owned();
                sections.last_mut().expect("a section").1.push((key.to_string(), text));
            }
            _ => {}
        }
    }
    sections
}

fn wanted(row: &Value) -> Vec<(String, Vec<(String, String)>)> {
    serde_json::from_value(row["sections"].clone()).expect("sections")
}

#[test]
fn ini_texts_read_as_the_reference_reads_them() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.elements("ini/reading.json") {
            let problem = match PlainDocument::parse(Format::Ini, field(&row, "text").as_bytes()) {
                Ok(_) if row["error"].is_string() => Some("is read, the reference refuses it".to_string()),
                Ok(plain) => (sections(&plain) != wanted(&row)).then(|| format!("{:?}", sections(&plain))),
                Err(_) if row["error"].is_string() => None,
                Err(error) => Some(error.to_string()),
            };
            corpus.judge(&mut tally, &format!("ini/reading.json {}", field(&row, "id")), problem);
        }
        corpus.report("rows", "ini/reading.json", tally);
    }
}

#[test]
fn errors_of_lines_name_the_line_and_never_its_text() {
    for (format, text) in [
        (Format::Dotenv, "A=1\nhunter2"),
        (Format::Dotenv, "A=1\nhunter2\r\n"),
        (Format::Ini, "a=1\nhunter2"),
        (Format::Ini, "a=1\n[hunter2"),
        (Format::Ini, "a=1\nb=\"\"\"hunter2\n"),
        (Format::Ini, "a=1\n=hunter2\n"),
        (Format::Ini, "a=1\n[]hunter2\n"),
    ] {
        let error = PlainDocument::parse(format, text.as_bytes()).err().expect("an error").to_string();
        assert!(error.starts_with("line 2") && !error.contains("hunter"), "{error}");
    }
}

#[test]
fn what_the_reference_loses_is_marked_as_such() {
    let text = "a=1\na=2\n[s]\nb=`x` y\n; end\n";
    let plain = PlainDocument::parse(Format::Ini, text.as_bytes()).expect("an INI text");
    let outline = plain.outline();
    let lost = outline.items.iter().filter(|item| matches!(item.node, Node::Comment { dropped: true, .. }));
    let lost: Vec<&str> = lost.map(|item| &text[item.span.range()]).collect();
    assert_eq!(lost, ["1", "y", "; end"]);
}
