//! Any `sops` branch: reading never panics, and what was read is written so that it reads as the same.
//!
//! Input: YAML text whose first document is the branch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::document::PlainDocument;
use sops_core::format::Format;
use sops_core::metadata::Metadata;
use sops_core::outline::Event;

/// Events as bytes that can be compared.
fn bytes(events: &[Event<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        match event {
            Event::Map(key) => out.extend(format!("map {key:?}\n").bytes()),
            Event::List(key) => out.extend(format!("list {key:?}\n").bytes()),
            Event::Leaf(key, value) => {
                out.extend(format!("leaf {key:?} {:?} ", value.kind()).bytes());
                out.extend_from_slice(&value.canonical());
                out.push(b'\n');
            }
            Event::Comment { .. } => {}
            Event::End => out.extend(b"end\n"),
        }
    }
    out
}

fuzz_target!(|text: &[u8]| {
    let Ok(plain) = PlainDocument::parse(Format::Yaml, text) else { return };
    let documents = plain.events();
    let Some(Ok(metadata)) = documents.first().map(|branch| Metadata::read(branch)) else { return };
    // A group without keys is read, to be reported, but never written.
    if metadata.groups.iter().any(|group| group.keys.is_empty()) {
        return;
    }
    let written = metadata.write();
    let Ok(again) = Metadata::read(&written) else { panic!("what is written can be read") };
    assert!(bytes(&again.write()) == bytes(&written), "parse and print are inverse");
});
