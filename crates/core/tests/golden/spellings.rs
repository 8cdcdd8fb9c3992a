//! Spellings of typed plain texts: what Go's `strconv` and `time` take, and what they take it for.

use crate::corpus::{Tally, corpora};
use crate::values::quoted;
use sops_core::document::EncryptedDocument;
use sops_core::format::Format;
use sops_core::value::{Kind, Value};

#[test]
fn typed_texts_are_read_as_go_reads_them() {
    let table = "go-spellings.tsv";
    for corpus in corpora().into_iter().filter(|corpus| corpus.path.join(table).is_file()) {
        let mut tally = Tally::default();
        for row in corpus.rows(table) {
            let [label, text, canonical] = row.as_slice() else { panic!("{row:?}") };
            let text: String = serde_json::from_str(text).expect("a JSON text");
            let got = match label.as_str() {
                "threshold" => threshold(&text),
                label => typed(label, &text),
            };
            let expected = match canonical.as_str() {
                "error" => None,
                // A negative threshold means nothing.
                negative if label == "threshold" && negative.starts_with('-') => Some("0".to_string()),
                canonical => Some(canonical.to_string()),
            };
            let problem = (got != expected).then(|| format!("{got:?}, expected {expected:?}"));
            corpus.judge(&mut tally, &format!("{table} {label} {text:?}"), problem);
        }
        corpus.report("rows", table, tally);
    }
}

fn typed(label: &str, text: &str) -> Option<String> {
    let kind = Kind::from_label(label.as_bytes()).expect("a label");
    let value = Value::from_plaintext(kind, text.as_bytes().to_vec())?;
    Some(String::from_utf8(value.canonical().to_vec()).expect("canonical bytes are ASCII"))
}

fn threshold(text: &str) -> Option<String> {
    let time = "lastmodified: \"2026-01-02T03:04:05Z\"";
    let file = format!("sops:\n  age: [{{enc: e}}]\n  {time}\n  shamir_threshold: {}\n", quoted(text));
    let document = EncryptedDocument::parse(Format::Yaml, file.as_bytes()).ok()?;
    Some(document.metadata().threshold.to_string())
}
