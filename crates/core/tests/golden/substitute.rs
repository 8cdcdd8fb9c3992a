//! The property that splicing stands on, checked without an oracle: put a token over the span of one scalar, and exactly
//! that leaf changes; put the old text back, and the old bytes are there.
//!
//! It runs over every scalar of every fixture and, where it is present, of the YAML test suite.

use crate::case::Case;
use crate::corpus::{Corpus, Tally, corpora, suites};
use crate::library;
use sops_core::document::PlainDocument;
use sops_core::outline::{Item, Node, Style, Tag};

const TOKEN: &str = "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]";

#[test]
fn a_token_over_any_scalar_of_a_fixture_changes_exactly_that_leaf() {
    let corpus = corpora().remove(0);
    let mut tally = Tally::default();
    for area in ["yaml", "mac", "select", "metadata", "field"] {
        for case in corpus.cases(area).iter().map(|dir| Case::read(dir)) {
            for name in ["input.yaml", "encrypted.yaml"] {
                let Some(Ok(text)) = case.file(name).map(String::from_utf8) else { continue };
                run(&format!("{area}/{}/{name}", case.name()), &text, &mut tally);
            }
        }
    }
    corpus.report("rows", "substitution", tally);
}

#[test]
fn a_token_over_any_scalar_of_the_yaml_test_suite_changes_exactly_that_leaf() {
    let Some(suites) = suites() else { return };
    let mut tally = Tally::default();
    for (name, text) in yaml_test_suite(&suites) {
        run(&name, &text, &mut tally);
        // Most cases have no mapping at the root: the same text as the value of a key.
        let inside: String =
            text.split_inclusive('\n').map(|l| if l == "\n" { l.into() } else { format!("  {l}") }).collect();
        run(&format!("{name} below a key"), &format!("key:\n{inside}"), &mut tally);
    }
    suites.report("rows", "substitution", tally);
}

/// The cases of the suite: name and text, its visible glyphs translated.
fn yaml_test_suite(suites: &Corpus) -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(suites.path.join("yaml-test-suite")).expect("the suite's folder") {
        let name = entry.expect("a directory entry").file_name().to_string_lossy().into_owned();
        let file = suites.text(&format!("yaml-test-suite/{name}"));
        let list: serde_yaml::Value = serde_yaml::from_str(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (number, case) in list.as_sequence().expect("a list of cases").iter().enumerate() {
            let text = case.get("yaml").and_then(|y| y.as_str()).map(translated);
            cases.extend(text.map(|text| (format!("{name}#{number}"), text)));
        }
    }
    assert!(cases.len() >= 400, "the suite has {} cases", cases.len());
    cases.sort();
    cases
}

/// The suite writes blanks, tabs, line breaks and marks as visible characters.
fn translated(text: &str) -> String {
    let text = text.replace('␣', " ").replace('⇔', "\u{FEFF}").replace('←', "\r").replace(['↵', '—'], "");
    let text = text.replace('»', "\t");
    text.strip_suffix("∎\n").map(String::from).unwrap_or(text)
}

fn run(name: &str, text: &str, tally: &mut Tally) {
    let before = match library::parse(text.as_bytes()) {
        Err(_) => return tally.skipped("not accepted"),
        Ok(before) if before.source().len() != text.len() => return tally.skipped("a byte order mark"),
        Ok(before) => before,
    };
    // Where an alias copies a leaf, more than one leaf changes.
    if !before.outline().aliases.is_empty() {
        return tally.skipped("aliases");
    }
    // Each scalar costs a parse of the whole text, so long texts are sampled.
    let step = 1 + before.outline().items.len() / 200;
    for (index, item) in before.outline().items.iter().enumerate().step_by(step) {
        let is_scalar = matches!(item.node, Node::Leaf(_)) && !item.span.is_empty();
        match is_scalar {
            false => continue,
            true if before.outline().extra(item).tag == Tag::MustGo => tally.skipped("a tag that must go"),
            true => tally.ran(name, problem(text, &before, index)),
        }
    }
}

fn problem(text: &str, before: &PlainDocument, index: usize) -> Option<String> {
    let item = &before.outline().items[index];
    let place = format!("line {}", text[..item.span.start as usize].matches('\n').count() + 1);
    // A block scalar keeps its line break: what follows it stands in a line of its own.
    let end =
        if before.outline().block(item).is_none() || !text[item.span.range()].ends_with('\n') { "" } else { "\n" };
    // As the writer does: plain stays plain outside flow collections. A scalar may stand right behind its anchor.
    let quote = if item.style == Style::Plain && !item.in_flow { "" } else { "'" };
    let before_it = text[..item.span.start as usize].chars().next_back();
    let blank = if before_it.is_none_or(|c| c.is_whitespace() || "[{,:-".contains(c)) { "" } else { " " };
    let new = format!("{blank}{quote}{TOKEN}{quote}{end}");
    let mut changed = text.to_string();
    changed.replace_range(item.span.range(), &new);
    let after = match library::parse(changed.as_bytes()) {
        Ok(after) => after,
        Err(error) => return Some(format!("{place}: with a token: {error}")),
    };
    // Line breaks inside the old scalar go, so comments behind it may attach elsewhere: nodes only.
    let position = before.outline().items[..index].iter().filter(|i| !is_comment(i)).count();
    let mut expected = nodes(before);
    expected[position].1 = TOKEN.as_bytes().to_vec();
    if nodes(&after) != expected {
        return Some(format!("{place}: more or less than this leaf changes"));
    }
    changed.replace_range(item.span.start as usize..item.span.start as usize + new.len(), &text[item.span.range()]);
    (changed != text).then(|| format!("{place}: the old text does not come back"))
}

fn is_comment(item: &Item) -> bool {
    matches!(item.node, Node::Comment { .. })
}

/// Key and value of every node in order; a collection is its bracket.
fn nodes(plain: &PlainDocument) -> Vec<(Option<Vec<u8>>, Vec<u8>)> {
    let describe = |item: &Item| {
        let key = item.key().map(|k| k.bytes(plain.texts()).to_vec());
        let value = match &item.node {
            Node::Leaf(scalar) => scalar.value(plain.texts()).canonical().to_vec(),
            Node::Map => b"{".to_vec(),
            _ => b"[".to_vec(),
        };
        (key, value)
    };
    plain.outline().items.iter().filter(|i| !is_comment(i)).map(describe).collect()
}
