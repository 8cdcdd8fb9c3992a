//! Any bytes: no panic; spans on character boundaries, inside the text, members inside their collection, scalars and
//! comments of the source ordered and disjoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::document::PlainDocument;
use sops_core::format::Format;
use sops_core::outline::{NONE, Node};

fuzz_target!(|bytes: &[u8]| {
    let Ok(plain) = PlainDocument::parse(Format::Yaml, bytes) else { return };
    let (source, outline) = (plain.source(), plain.outline());
    let mut spans = Vec::new();
    for (index, item) in outline.items.iter().enumerate() {
        assert!(item.end as usize > index && item.end as usize <= outline.items.len(), "an item ends behind itself");
        assert!(item.parent == NONE || (item.parent as usize) < index, "a parent comes first");
        assert!(source.get(item.span.range()).is_some(), "a span is inside the text, on character boundaries");
        let extra = outline.extra(item);
        assert!(source.get(extra.tag_span.range()).is_some(), "a tag is inside the text, on character boundaries");
        let stands_in_source = extra.alias == NONE && matches!(item.node, Node::Leaf(_) | Node::Comment { .. });
        // A comment may stand behind the header of a block scalar.
        match outline.block(item) {
            Some(block) if stands_in_source => spans.extend([block.header, block.content]),
            _ if stands_in_source => spans.push(item.span),
            _ => {}
        }
    }
    spans.retain(|span| !span.is_empty());
    spans.sort_by_key(|span| span.start);
    assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "scalars and comments are disjoint");
    assert_eq!(plain.bytes(), bytes, "the bytes are kept");
});
