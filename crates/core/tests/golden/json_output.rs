//! What `--output-type json` prints, byte for byte: of whole documents and of selections.

use crate::corpus::{Tally, corpora};
use crate::library;
use sops_core::Error;
use sops_core::document::{PlainDocument, TreePath};
use sops_core::format::Format;
use sops_core::format::json::write::{self, Indent};

#[test]
fn json_is_spelled_as_the_reference_spells_it() {
    let table = "json-output.tsv";
    for corpus in corpora().into_iter().filter(|corpus| corpus.path.join(table).is_file()) {
        let mut tally = Tally::default();
        for row in corpus.rows(table) {
            let [document, path, indent, exit, expected] = row.as_slice() else { panic!("{row:?}") };
            let [text, expected] =
                [document, expected].map(|cell| serde_json::from_str::<String>(cell).expect("a JSON text"));
            let problem = match library::parse(text.as_bytes()) {
                Err(error) => Some(error.to_string()),
                Ok(plain) if exit != "0" => refusal(&plain, path),
                Ok(plain) => difference(&print(&plain, path, indent), &expected),
            };
            corpus.judge(&mut tally, &format!("{table} {document} {path} {indent}"), problem);
        }
        corpus.report("rows", table, tally);
    }
}

fn refusal(plain: &PlainDocument, path: &str) -> Option<String> {
    let printed = match path {
        "" => plain.convert(Format::Json, None),
        path => plain.extract(&TreePath::parse(path).expect("a tree path"), Format::Json, None),
    };
    (!matches!(printed, Err(Error::Tree { .. }))).then(|| "accepted".to_string())
}

/// An empty or negative indentation is the default.
fn print(plain: &PlainDocument, path: &str, indent: &str) -> Vec<u8> {
    let width: Option<usize> = indent.parse().ok();
    if path.is_empty() {
        let mut out = Vec::new();
        write::tree(&plain.events()[0], width.map_or(Indent::Tab, Indent::Spaces), &mut out);
        return out;
    }
    let path = TreePath::parse(path).expect("a tree path");
    plain.extract(&path, Format::Json, width).expect("a selection")
}

fn difference(got: &[u8], expected: &str) -> Option<String> {
    (got != expected.as_bytes()).then(|| format!("{:?}, expected {expected:?}", String::from_utf8_lossy(got)))
}
