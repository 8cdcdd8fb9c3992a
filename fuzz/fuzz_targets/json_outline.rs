//! Any text: no panic; spans on character boundaries, inside the text and inside their collection, entries in order and
//! disjoint, and nothing but white space, commas and brackets between them; a token fits over any scalar.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::format::json::scan;
use sops_core::outline::{NONE, Node};

const TOKEN: &str = "\"ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]\"";

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    let Ok(outline) = scan::outline(source) else { return };
    // What no entry covers: from the root's first byte on.
    let mut at = 0;
    let mut open = Vec::new();
    for (index, item) in outline.items.iter().enumerate() {
        while let Some(&(end, close)) = open.last()
            && end <= index
        {
            open.pop();
            assert_blank(&source[at..close], ",");
            at = close;
        }
        assert!(item.end as usize > index && item.end as usize <= outline.items.len(), "an item ends behind itself");
        assert!(item.parent == NONE || (item.parent as usize) < index, "a parent comes first");
        assert_eq!(item.parent == NONE, index == 0, "one root");
        let text = source.get(item.span.range()).expect("a span is inside the text, on character boundaries");
        assert!(item.entry_start <= item.span.start && item.entry_start as usize >= at, "entries are in order");
        assert_blank(&source[at..item.entry_start as usize], ",{[");
        let key = source.get(item.entry_start as usize..item.span.start as usize).expect("a key is inside the text");
        assert_eq!(item.key().is_some(), key.starts_with('"') && key.trim_end().ends_with(':'), "a key and its colon");
        match &item.node {
            Node::Map | Node::List => {
                let brackets = if matches!(item.node, Node::Map) { ('{', '}') } else { ('[', ']') };
                assert!(text.starts_with(brackets.0) && text.ends_with(brackets.1), "a collection is in brackets");
                open.push((item.end as usize, item.span.end as usize));
                at = item.span.start as usize;
            }
            _ => at = item.span.end as usize,
        }
    }
    for (_, close) in open.into_iter().rev() {
        assert_blank(&source[at..close], ",{[");
        at = close;
    }
    assert_blank(&source[at..], "");
    let leaves: Vec<usize> = (0..outline.items.len()).filter(|index| outline.items[*index].is_leaf()).collect();
    let Some(&chosen) = leaves.get(bytes.len() % leaves.len().max(1)) else { return };
    let span = outline.items[chosen].span;
    let mut changed = source.to_string();
    changed.replace_range(span.range(), TOKEN);
    let after = scan::outline(&changed).expect("a token fits where a scalar stood");
    let events = |text, outline: &sops_core::outline::Outline, range: std::ops::Range<usize>| {
        let nodes = outline.items[range].iter().map(|item| {
            let key = item.key().map(|key| key.bytes(outline.texts(text)).to_vec());
            let value = match &item.node {
                Node::Leaf(scalar) => scalar.value(outline.texts(text)).canonical().to_vec(),
                Node::Map => b"{".to_vec(),
                _ => b"[".to_vec(),
            };
            (key, value)
        });
        nodes.collect::<Vec<_>>()
    };
    let mut expected = events(source, &outline, 0..outline.items.len());
    expected[chosen].1 = TOKEN.trim_matches('"').as_bytes().to_vec();
    assert!(events(&changed, &after, 0..after.items.len()) == expected, "exactly the chosen leaf changes");
});

fn assert_blank(text: &str, other: &str) {
    let is_layout = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '}' | ']') || other.contains(c);
    assert!(text.chars().all(is_layout), "nothing but layout between entries");
}
