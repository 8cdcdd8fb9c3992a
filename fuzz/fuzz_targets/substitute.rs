//! The property that splicing stands on: put a token over the span of one scalar, and exactly that leaf changes; put the
//! old text back, and the old bytes are there.
//!
//! Input: one byte that chooses the leaf, then the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_core::document::PlainDocument;
use sops_core::format::Format;
use sops_core::outline::{Item, NONE, Node, Style, Tag};

const TOKEN: &str = "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]";

fuzz_target!(|input: &[u8]| {
    let Some((&choice, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(before) = PlainDocument::parse(Format::Yaml, text.as_bytes()) else { return };
    // A byte order mark stands in front of the source; an alias copies the leaf it names.
    if before.source().len() != text.len() || !before.outline().aliases.is_empty() {
        return;
    }
    let is_plain_place = |item: &Item| {
        let extra = before.outline().extra(item);
        matches!(item.node, Node::Leaf(_)) && !item.span.is_empty() && extra.tag != Tag::MustGo && extra.block == NONE
    };
    let places: Vec<usize> =
        (0..before.outline().items.len()).filter(|&i| is_plain_place(&before.outline().items[i])).collect();
    let Some(&chosen) = places.get(choice as usize % places.len().max(1)) else { return };

    let span = before.outline().items[chosen].span;
    // As the writer does it: a plain scalar's token is plain, since a line of blanks with a tab may follow; a quoted scalar
    // may not touch the anchor or tag in front of it, nor may a token.
    let chosen_item = &before.outline().items[chosen];
    let touches = text[..span.start as usize].ends_with(|c: char| !c.is_whitespace() && !"[{,:-".contains(c));
    let quote = if chosen_item.style == Style::Plain && !chosen_item.in_flow { "" } else { "'" };
    let token = format!("{}{quote}{TOKEN}{quote}", if touches { " " } else { "" });
    let mut changed = text.to_string();
    changed.replace_range(span.range(), &token);
    let after = PlainDocument::parse(Format::Yaml, changed.as_bytes()).expect("a token fits where a scalar stood");

    // Line breaks inside the old scalar go, so comments behind it may attach elsewhere: nodes only.
    let nodes = |plain: &PlainDocument| -> Vec<(Option<Vec<u8>>, Vec<u8>)> {
        let is_node = |item: &&Item| !matches!(item.node, Node::Comment { .. });
        let describe = |item: &Item| {
            let key = item.key().map(|k| k.bytes(plain.texts()).to_vec());
            let value = match &item.node {
                Node::Leaf(scalar) => scalar.value(plain.texts()).canonical().to_vec(),
                Node::Map => b"{".to_vec(),
                _ => b"[".to_vec(),
            };
            (key, value)
        };
        plain.outline().items.iter().filter(is_node).map(describe).collect()
    };
    let is_before = |item: &Item| !matches!(item.node, Node::Comment { .. });
    let position = before.outline().items[..chosen].iter().filter(|item| is_before(item)).count();
    let mut expected = nodes(&before);
    expected[position].1 = TOKEN.as_bytes().to_vec();
    assert!(nodes(&after) == expected, "exactly the chosen leaf changes");

    changed.replace_range(span.start as usize..span.start as usize + token.len(), &text[span.range()]);
    assert_eq!(changed, text);
});
