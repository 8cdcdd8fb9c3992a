//! The member `sops`: where it goes, how it leaves again, and how one that is there changes.
//!
//! An existing one is spliced like the rest of the text: the change is the difference between two canonical forms of the
//! metadata, so a field that did not change stays as somebody spelled and laid it out, and so do unknown fields.

use super::layout::{self, New, Slot, children, item};
use super::write;
use crate::error::Error;
use crate::format::syntax::{Existing, Source};
use crate::format::yaml::branch::{counterparts, inner, is_same_metadata, key_of};
use crate::metadata::members;
use crate::outline::{Event, Node, Span};
use crate::splice::Edits;
use std::collections::{HashMap, HashSet};
use zeroize::Zeroizing;

const KEY: &str = "sops";

/// The root object.
const ROOT: u32 = 0;

/// The member that holds the metadata, if there is one.
///
/// # Errors
/// [`Error::Metadata`] if it is not a mapping, or stands twice.
pub(super) fn find(source: Source<'_>) -> Result<Option<u32>, Error> {
    let texts = source.outline.texts(source.text);
    let is_metadata = |i: &u32| item(source, *i).key().is_some_and(|key| key.bytes(texts) == KEY.as_bytes());
    let mut found = children(source, ROOT).into_iter().filter(is_metadata);
    let fault = |reason: &str| Err(Error::Metadata { field: String::new(), reason: reason.to_owned() });
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => fault("found a duplicate sops entry"),
        (Some(index), None) if !matches!(item(source, index).node, Node::Map) => {
            fault("found a sops entry that is not a mapping")
        }
        (found, _) => Ok(found),
    }
}

/// Where the member stands, and what separates it from its neighbours.
enum Place<'a> {
    /// Behind the last member.
    Last { separator: &'a str },
    /// In front of the first one.
    First { separator: &'a str },
    /// Behind that member, counted among those with the same key.
    After { key: &'a [u8], number: usize, separator: &'a str },
    /// There is no other member: the white space around it.
    Alone { gap: &'a str, tail: &'a str },
}

fn place(source: Source<'_>, branch: u32) -> Place<'_> {
    let siblings = children(source, ROOT);
    let position = siblings.iter().position(|s| *s == branch).unwrap_or(0);
    let previous = position.checked_sub(1).map(|p| siblings[p]);
    match (previous, siblings.get(position + 1)) {
        (None, None) => Place::Alone { gap: layout::gap(source, branch), tail: layout::tail(source, ROOT) },
        (None, Some(next)) => Place::First { separator: layout::separator(source, branch, *next) },
        (Some(previous), None) => Place::Last { separator: layout::separator(source, previous, branch) },
        (Some(previous), Some(_)) => {
            let texts = source.outline.texts(source.text);
            let key = |i: u32| item(source, i).key().map_or(&b""[..], |key| key.bytes(texts));
            let number = siblings[..position].iter().filter(|s| key(**s) == key(previous)).count();
            Place::After { key: key(previous), number, separator: layout::separator(source, previous, branch) }
        }
    }
}

/// Puts the member into a plain text: as it was before, where there is an existing one, else as the last one.
pub(super) fn insert(
    source: Source<'_>,
    metadata: &[Event<'_>],
    existing: Option<Existing<'_>>,
    indent: Option<usize>,
    edits: &mut Edits<'_>,
) {
    let existing = existing.and_then(|e| Some((e, *e.items.first()?)));
    let (layout, fresh) = layout::of_metadata(source, ROOT, indent);
    let text = match existing {
        Some((existing, index)) => changed(existing, index, metadata),
        None => layout::entry(Some(KEY), metadata, &layout),
    };
    let place = existing.map(|(existing, index)| place(existing.source, index));
    let siblings = children(source, ROOT);
    if siblings.is_empty() {
        return insert_alone(source, &text, place, &fresh, edits);
    }
    let end = siblings.len();
    let (at, separator) = match place {
        None | Some(Place::Alone { .. }) => (end, &*fresh),
        Some(Place::Last { separator }) => (end, separator),
        Some(Place::First { separator }) => (0, separator),
        Some(Place::After { key, number, separator }) => {
            let texts = source.outline.texts(source.text);
            let has_key = |i: &&u32| item(source, **i).key().is_some_and(|k| k.bytes(texts) == key);
            let same = siblings.iter().filter(has_key).nth(number.saturating_sub(1));
            (siblings.iter().position(|s| Some(s) == same).map_or(end, |p| p + 1), separator)
        }
    };
    let mut slots: Vec<Slot> = siblings.into_iter().map(Slot::Kept).collect();
    slots.insert(at, Slot::New(New { text, separator: separator.to_owned() }));
    layout::arrange(source, ROOT, &slots, edits);
}

/// Puts the member into an object that has no other. White space of the object stays behind it.
fn insert_alone(source: Source<'_>, text: &[u8], place: Option<Place<'_>>, fresh: &str, edits: &mut Edits<'_>) {
    let start = item(source, ROOT).span.start;
    let is_bare = item(source, ROOT).span.len() == 2;
    let own_line = (fresh.trim_start_matches(','), layout::closing_line(source, ROOT));
    let (gap, tail) = match &place {
        Some(Place::Alone { gap, tail }) if is_bare && !gap.is_empty() => (*gap, *tail),
        Some(Place::Alone { .. }) => ("", ""),
        _ if is_bare => (own_line.0, &*own_line.1),
        _ => ("", ""),
    };
    edits.replace(Span { start: start + 1, end: start + 1 }, |out| {
        out.extend_from_slice(gap.as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(tail.as_bytes());
    });
}

/// The text of an existing member, from its key on, with what differs from `metadata` replaced.
fn changed(existing: Existing<'_>, index: u32, metadata: &[Event<'_>]) -> Zeroizing<Vec<u8>> {
    let source = existing.source;
    let mut edits = Edits::within(source.text, layout::entry_span(source, index));
    node(source, index, existing.events, metadata, &mut edits);
    match edits.finish() {
        Ok(text) => Zeroizing::new(text.into_bytes()),
        Err(_) => layout::entry(Some(KEY), metadata, &layout::in_place(source, index)),
    }
}

/// Exchanges the metadata in place.
pub(super) fn replace(existing: Existing<'_>, metadata: &[Event<'_>], edits: &mut Edits<'_>) {
    if let Some(&index) = existing.items.first() {
        node(existing.source, index, existing.events, metadata, edits);
    }
}

/// Brings one node from `old` to `new`. Where its form in the text is not the canonical one it is written anew.
///
/// Recursion ends with the depth of what the metadata know: groups, keys, their fields.
fn node(source: Source<'_>, index: u32, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) {
    match (&item(source, index).node, old.first(), new.first()) {
        _ if is_same_metadata(old, new) => {}
        (Node::Map, Some(Event::Map(_)), Some(Event::Map(_))) => map(source, index, inner(old), inner(new), edits),
        (Node::List, Some(Event::List(_)), Some(Event::List(_))) => list(source, index, old, new, edits),
        _ => write_anew(source, index, new, edits),
    }
}

fn write_anew(source: Source<'_>, index: u32, new: &[Event<'_>], edits: &mut Edits<'_>) {
    let layout = layout::in_place(source, index);
    edits.replace(item(source, index).span, |out| write::write(new, &layout, out));
}

/// The members of a mapping as the reader looks for them.
struct Fields<'a> {
    members: Vec<(u32, &'a [u8])>,
    exact: HashMap<&'a [u8], u32>,
}

impl<'a> Fields<'a> {
    fn new(source: Source<'a>, children: &[u32]) -> Self {
        let texts = source.outline.texts(source.text);
        let key = |i: u32| item(source, i).key().map_or(&b""[..], |key| key.bytes(texts));
        let members: Vec<_> = children.iter().map(|child| (*child, key(*child))).collect();
        let exact = members.iter().map(|(child, key)| (*key, *child)).collect();
        Fields { members, exact }
    }

    /// The last of that name, else one that differs in case.
    fn find(&self, name: &str) -> Option<u32> {
        let exact = self.exact.get(name.as_bytes()).copied();
        let similar = || self.members.iter().find(|(_, key)| key.eq_ignore_ascii_case(name.as_bytes()));
        exact.or_else(|| similar().map(|(child, _)| *child))
    }
}

fn map(source: Source<'_>, index: u32, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) {
    let by_key = |list| members(list).into_iter().map(|member| (key_of(member), member)).collect::<HashMap<_, _>>();
    let (old, is_there) = (by_key(old), by_key(new));
    let children = children(source, index);
    let fields = Fields::new(source, &children);
    let (layout, separator) = layout::beside(source, &children);
    let gone = old.keys().filter(|key| !is_there.contains_key(*key));
    let gone: HashSet<u32> = gone.filter_map(|key| fields.find(key)).collect();
    // Each with its key.
    let staying = fields.members.iter().filter(|(child, _)| !gone.contains(child));
    let mut slots: Vec<(Slot, &[u8])> = staying.map(|(child, key)| (Slot::Kept(*child), *key)).collect();
    for is in members(new) {
        let key = key_of(is);
        // Of unknown fields with one name, too, the last one counts.
        if is_there.get(key).is_some_and(|last| !std::ptr::eq(*last, is)) {
            continue;
        }
        match (fields.find(key), old.get(key)) {
            (Some(child), Some(was)) => node(source, child, was, is, edits),
            // The reader took what is there for nothing.
            (Some(child), None) => write_anew(source, child, is, edits),
            // A field that the reader filled in, and that is still so.
            (None, Some(was)) if is_same_metadata(was, is) => {}
            (None, _) => {
                let at = slots.iter().rposition(|(_, k)| *k < key.as_bytes()).map_or(0, |at| at + 1);
                let new = New { text: layout::entry(Some(key), is, &layout), separator: separator.clone() };
                slots.insert(at, (Slot::New(new), key.as_bytes()));
            }
        }
    }
    let slots: Vec<Slot> = slots.into_iter().map(|(slot, _)| slot).collect();
    layout::arrange(source, index, &slots, edits);
}

/// A list of master keys or groups: elements that name the same keys are the same one, groups go by their position.
fn list(source: Source<'_>, index: u32, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) {
    let (was, is) = (members(inner(old)), members(inner(new)));
    let children = children(source, index);
    let is_group = |element: &&[Event<'_>]| element.iter().any(|e| matches!(e, Event::List(Some(_))));
    let has_groups = was.iter().chain(&is).any(is_group);
    if children.len() != was.len() || has_groups && was.len() != is.len() {
        return write_anew(source, index, new, edits);
    }
    if has_groups {
        let pairs = children.iter().zip(was.into_iter().zip(is));
        return pairs.for_each(|(child, (was, is))| node(source, *child, was, is, edits));
    }
    let mut stays = vec![false; was.len()];
    let (mut kept, mut added) = (Vec::new(), Vec::new());
    for (element, place) in is.iter().zip(counterparts(&was, &is)) {
        match place {
            Some(place) => {
                stays[place] = true;
                kept.push((place, *element));
            }
            None => added.push(*element),
        }
    }
    if kept.is_empty() {
        return write_anew(source, index, new, edits);
    }
    let (layout, separator) = layout::beside(source, &children);
    let staying = children.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(child, _)| Slot::Kept(*child));
    let coming = added
        .into_iter()
        .map(|element| Slot::New(New { text: layout::entry(None, element, &layout), separator: separator.clone() }));
    let slots: Vec<Slot> = staying.chain(coming).collect();
    for (place, element) in kept {
        node(source, children[place], was[place], element, edits);
    }
    layout::arrange(source, index, &slots, edits);
}
