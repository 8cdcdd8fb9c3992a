//! Any bytes as INI: no panic; spans inside the text, on character boundaries, ordered and disjoint; members inside their
//! collection; the bytes are kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::document::PlainDocument;
use sops_core::format::Format;
use sops_core::outline::{NONE, Node};

fuzz_target!(|bytes: &[u8]| {
    let Ok(plain) = PlainDocument::parse(Format::Ini, bytes) else { return };
    let (source, outline) = (plain.source(), plain.outline());
    let mut spans = Vec::new();
    for (index, item) in outline.items.iter().enumerate() {
        assert!(item.end as usize > index && item.end as usize <= outline.items.len(), "an item ends behind itself");
        assert!(item.parent == NONE || (item.parent as usize) < index, "a parent comes first");
        assert!(source.get(item.span.range()).is_some(), "a span is inside the text, on character boundaries");
        assert!(item.entry_start <= item.span.start, "an entry starts in front of its value");
        if matches!(item.node, Node::Leaf(_) | Node::Comment { .. }) {
            spans.push(item.span);
        }
    }
    spans.retain(|span| !span.is_empty());
    spans.sort_by_key(|span| span.start);
    assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "values and comments are disjoint");
    assert_eq!(plain.bytes(), bytes, "the bytes are kept");
});
