//! The white space of a person's own text: what a new entry copies from its neighbours, and what goes when one leaves.
//!
//! Entries come and go with the comma and the white space in front of them (the first one with those behind it), so taking
//! out what was put in gives the very bytes back.

use super::write::{self, Layout};
use crate::format::syntax::Source;
use crate::format::yaml::layout::{line_ending, top_level};
use crate::outline::{Event, Item, NONE, Span};
use crate::splice::Edits;
use zeroize::Zeroizing;

const BREAKS: [char; 2] = ['\n', '\r'];
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

pub(super) fn item(source: Source<'_>, index: u32) -> &Item {
    &source.outline.items[index as usize]
}

/// The entries of a collection.
pub(super) fn children(source: Source<'_>, collection: u32) -> Vec<u32> {
    top_level(source.outline, collection).collect()
}

/// An entry from its key to its end.
pub(super) fn entry_span(source: Source<'_>, entry: u32) -> Span {
    let item = item(source, entry);
    Span { start: item.entry_start, end: item.span.end }
}

/// The white space in front of an entry, up to the comma or the bracket.
pub(super) fn gap<'a>(source: Source<'a>, entry: u32) -> &'a str {
    let before = &source.text[..item(source, entry).entry_start as usize];
    &before[before.trim_end_matches(BLANKS).len()..]
}

/// The white space between a collection's last entry and its closing bracket.
pub(super) fn tail<'a>(source: Source<'a>, collection: u32) -> &'a str {
    let before = &source.text[..item(source, collection).span.end as usize - 1];
    &before[before.trim_end_matches(BLANKS).len()..]
}

/// What stands between two neighbours: the comma, with white space.
pub(super) fn separator<'a>(source: Source<'a>, entry: u32, next: u32) -> &'a str {
    &source.text[item(source, entry).span.end as usize..item(source, next).entry_start as usize]
}

fn is_broken(text: &str) -> bool {
    text.contains(BREAKS)
}

/// The indentation of the line on which something starts.
fn indentation(text: &str, at: u32) -> &str {
    let before = &text[..at as usize];
    let line = &before[before.rfind(BREAKS).map_or(0, |at| at + 1)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The line break and the indentation at the end of a gap; `None` if the entry continues a line.
fn own_line(source: Source<'_>, gap: &str) -> Option<String> {
    let at = gap.rfind(BREAKS)?;
    Some(format!("{}{}", line_ending(source.text), &gap[at + 1..]))
}

/// The white space of one level: how much deeper the first entry with a line of its own stands than what it is in.
fn unit(source: Source<'_>) -> Option<&str> {
    let items = source.outline.items.iter().enumerate().skip(1);
    let gaps = items.map(|(index, item)| (item, gap(source, index as u32)));
    let (first, gap) = gaps.into_iter().find(|(_, gap)| is_broken(gap))?;
    let parent = source.outline.items.get(first.parent as usize)?;
    let own = &gap[gap.rfind(BREAKS)? + 1..];
    own.strip_prefix(indentation(source.text, parent.entry_start))
}

/// Whether no blank stands behind colons.
fn is_tight(source: Source<'_>) -> bool {
    let first = source.outline.items.iter().find(|item| item.key().is_some());
    first.is_some_and(|item| source.text[..item.span.start as usize].ends_with(':'))
}

fn layout(source: Source<'_>, line: Option<String>) -> Layout {
    Layout { line, unit: unit(source).unwrap_or("\t").to_owned(), is_spaced: !is_tight(source), is_typed: true }
}

/// What stands in front of the bracket of a collection that closes on a line of its own.
pub(super) fn closing_line(source: Source<'_>, collection: u32) -> String {
    format!("{}{}", line_ending(source.text), indentation(source.text, item(source, collection).entry_start))
}

/// How a value is laid out that takes the place of `index`.
pub(super) fn in_place(source: Source<'_>, index: u32) -> Layout {
    let item = item(source, index);
    let old = &source.text[item.span.range()];
    let has_entries = item.end > index + 1;
    let is_open = match has_entries {
        true => is_broken(old),
        false => item.parent == NONE || is_broken(gap(source, index)),
    };
    layout(source, is_open.then(|| closing_line(source, index)))
}

/// How a new last entry of a collection is laid out that has entries, and what separates it from its neighbour.
pub(super) fn beside(source: Source<'_>, children: &[u32]) -> (Layout, String) {
    let gap = children.last().map_or("", |last| gap(source, *last));
    let layout = layout(source, own_line(source, gap));
    let separator = match &layout.line {
        Some(line) => format!(",{line}"),
        None if children.len() > 1 => format!(",{gap}"),
        None => (if layout.is_spaced { ", " } else { "," }).to_owned(),
    };
    (layout, separator)
}

/// How new metadata are laid out: on one line in a text of one line, else on lines of their own. `indent` is the number of
/// spaces that was asked for.
pub(super) fn of_metadata(source: Source<'_>, root: u32, indent: Option<usize>) -> (Layout, String) {
    let children = children(source, root);
    let text = &source.text[item(source, root).span.range()];
    let (mut layout, mut separator) = beside(source, &children);
    // Programs look for `"mac": "ENC[`.
    layout.is_spaced = true;
    if let Some(width) = indent {
        layout.unit = " ".repeat(width);
    }
    if layout.line.is_none() && (is_broken(text) || text == "{}") {
        let neighbour = children.iter().rev().find_map(|child| own_line(source, gap(source, *child)));
        let line = neighbour.unwrap_or_else(|| closing_line(source, root) + &layout.unit);
        separator = format!(",{line}");
        layout.line = Some(line);
    }
    (layout, separator)
}

/// An entry as text; without a key the element of a list.
pub(super) fn entry(key: Option<&str>, value: &[Event<'_>], layout: &Layout) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::new());
    if let Some(key) = key {
        write::key(key, layout, &mut text);
    }
    write::write(value, layout, &mut text);
    text
}

/// One entry of a collection as it is to be.
pub(super) enum Slot {
    /// One that is there.
    Kept(u32),
    /// A new one.
    New(New),
}

/// A new entry.
pub(super) struct New {
    /// Key and value.
    pub text: Zeroizing<Vec<u8>>,
    /// What stands between it and its neighbour, comma included.
    pub separator: String,
}

/// Gives a collection that has entries these ones: some of its own, in their order, and new ones.
pub(super) fn arrange(source: Source<'_>, collection: u32, slots: &[Slot], edits: &mut Edits<'_>) {
    let children = children(source, collection);
    let (Some(&first), Some(&last)) = (children.first(), children.last()) else { return };
    if slots.is_empty() {
        return edits.replace(emptied(source, collection, first, last), |_| ());
    }
    let mut old = children.iter().copied();
    let mut sibling: Option<u32> = None;
    let mut before: Option<&Slot> = None;
    let mut at = item(source, first).entry_start;
    let mut pending = Zeroizing::new(Vec::new());
    for slot in slots {
        match slot {
            Slot::New(new) => {
                if before.is_some() {
                    pending.extend_from_slice(new.separator.as_bytes());
                }
                pending.extend_from_slice(&new.text);
            }
            Slot::Kept(child) => {
                sibling = old.by_ref().take_while(|c| c != child).last().or(sibling);
                match (before, sibling) {
                    (Some(_), Some(sibling)) => {
                        pending.extend_from_slice(separator(source, sibling, *child).as_bytes());
                    }
                    (Some(Slot::New(new)), None) => pending.extend_from_slice(new.separator.as_bytes()),
                    _ => {}
                }
                let entry = item(source, *child);
                exchange(source, Span { start: at, end: entry.entry_start }, &pending, edits);
                pending.clear();
                at = entry.span.end;
                sibling = Some(*child);
            }
        }
        before = Some(slot);
    }
    exchange(source, Span { start: at, end: item(source, last).span.end }, &pending, edits);
}

/// What goes with the last entry: the white space around it, unless it stands right behind the bracket.
fn emptied(source: Source<'_>, collection: u32, first: u32, last: u32) -> Span {
    let end = item(source, last).span.end;
    match gap(source, first) {
        "" => Span { start: item(source, first).entry_start, end },
        _ => Span { start: item(source, collection).span.start + 1, end: item(source, collection).span.end - 1 },
    }
}

fn exchange(source: Source<'_>, span: Span, text: &[u8], edits: &mut Edits<'_>) {
    if &source.text.as_bytes()[span.range()] != text {
        edits.replace(span, |out| out.extend_from_slice(text));
    }
}
