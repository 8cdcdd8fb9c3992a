//! An existing `sops` branch is spliced like the rest of the text: only the fields that change, in its own indentation and
//! quotes; unknown fields and comments stay.
//!
//! The change is the difference between two canonical forms of the metadata, the one that was read and the one that is to
//! be written, so a field that a person spelled in another way stays as it is.

use super::layout::{self, top_level};
use super::open::Opening;
use super::write;
use crate::metadata::members;
use crate::outline::{Event, Item, Node, Outline, Scalar, Span};
use crate::splice::Edits;
use crate::value::Value;
use std::collections::{HashMap, VecDeque};

/// One branch in its source text.
pub(crate) struct Branch<'a> {
    pub source: &'a str,
    pub outline: &'a Outline,
    /// The item of the branch.
    pub index: u32,
    /// The line ending of the text.
    pub newline: &'static str,
}

/// The form of the branch is beyond splicing: it is written anew.
pub(crate) struct WriteAnew;

type Done = Result<(), WriteAnew>;

impl Branch<'_> {
    /// The text of the entry, from its key on, with what differs between `old` and `new` replaced.
    pub fn changed(&self, old: &[Event<'_>], new: &[Event<'_>]) -> Result<String, WriteAnew> {
        let span = layout::entry_span(self.source, self.item(self.index));
        let mut edits = Edits::within(self.source, span);
        self.splice(old, new, &mut edits)?;
        self.leave_comments(span, &mut edits);
        edits.finish().map_err(|_| WriteAnew)
    }

    /// Like [`Branch::changed`], for a text whose values stay: so do all comments.
    pub fn rekeyed(&self, old: &[Event<'_>], new: &[Event<'_>]) -> Result<String, WriteAnew> {
        let span = layout::entry_span(self.source, self.item(self.index));
        let mut edits = Edits::within(self.source, span);
        self.splice(old, new, &mut edits)?;
        edits.finish().map_err(|_| WriteAnew)
    }

    /// Comments on the lines of the branch that belong to the document went to the plain text.
    fn leave_comments(&self, span: Span, edits: &mut Edits<'_>) {
        let inside = self.index as usize..self.item(self.index).end as usize;
        for (index, item) in self.outline.items.iter().enumerate() {
            let is_theirs = matches!(item.node, Node::Comment { .. }) && !inside.contains(&index);
            if is_theirs && item.span.start >= span.start && item.span.end <= span.end {
                let start = self.source[..item.span.start as usize].trim_end_matches([' ', '\t']).len();
                edits.replace(Span::new(start, item.span.end as usize), |_| ());
            }
        }
    }

    /// Replaces what differs between `old` and `new`, two branches as events.
    pub fn splice(&self, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) -> Done {
        if self.outline.items[self.index as usize..self.item(self.index).end as usize]
            .iter()
            .any(|i| self.outline.is_copy(i))
        {
            return Err(WriteAnew);
        }
        self.node(self.index, old, new, edits)
    }

    fn item(&self, index: u32) -> &Item {
        &self.outline.items[index as usize]
    }

    fn children(&self, index: u32) -> Vec<u32> {
        top_level(self.outline, index).collect()
    }

    fn child(&self, index: u32, key: &str) -> Option<u32> {
        let texts = self.outline.texts(self.source);
        let has_key = |i: &u32| self.item(*i).key().is_some_and(|k| k.bytes(texts) == key.as_bytes());
        top_level(self.outline, index).find(has_key)
    }

    /// Brings one node from `old` to `new`.
    fn node(&self, index: u32, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) -> Done {
        let item = self.item(index);
        match (&item.node, old.first(), new.first()) {
            _ if same(old, new) => Ok(()),
            (Node::Map, Some(Event::Map(_)), Some(Event::Map(_))) => self.map(index, inner(old), inner(new), edits),
            (Node::List, Some(Event::List(_)), Some(Event::List(_))) => self.list(index, inner(old), inner(new), edits),
            (Node::Leaf(_), Some(Event::Leaf(..)), Some(Event::Leaf(_, value))) => {
                self.leaf(item, value, edits);
                Ok(())
            }
            _ => Err(WriteAnew),
        }
    }

    fn leaf(&self, item: &Item, value: &Value<'_>, edits: &mut Edits<'_>) {
        let opening = Opening {
            source: self.source,
            outline: self.outline,
            opened: &[],
            plain: &[],
            branches: &[],
            indent: self.step(item.parent).unwrap_or(4),
            newline: self.newline,
        };
        opening.write_value(item, value, &[], &mut String::new(), edits);
    }

    /// How much deeper the entries of a mapping stand than the mapping itself; `None` if the writer would not put new ones
    /// beside them.
    fn step(&self, map: u32) -> Option<usize> {
        let item = self.item(map);
        let first = self.children(map).first().map(|c| self.item(*c).column)?;
        let step = first.checked_sub(item.column).filter(|s| *s > 0)? as usize;
        (!item.in_flow && (item.column as usize / step + 1) * step == first as usize).then_some(step)
    }

    fn map(&self, index: u32, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) -> Done {
        let (old, new) = (members(old), members(new));
        for was in &old {
            let key = key_of(was);
            if !new.iter().any(|n| key_of(n) == key) {
                let child = self.child(index, key).ok_or(WriteAnew)?;
                self.remove(index, child, edits)?;
            }
        }
        for is in &new {
            let key = key_of(is);
            let child = self.child(index, key);
            match (child, old.iter().find(|o| key_of(o) == key)) {
                (Some(child), Some(was)) => self.node(child, was, is, edits)?,
                // Null or empty: the reader took it for nothing.
                (Some(child), None) => self.put_in_place_of(index, child, is, edits)?,
                (None, None) => self.insert(index, key, is, edits)?,
                (None, Some(_)) => return Err(WriteAnew),
            }
        }
        Ok(())
    }

    /// The lines of an entry, with their last line break.
    fn lines(&self, child: u32) -> Result<Span, WriteAnew> {
        let entry = self.item(child).entry_start as usize;
        let start = self.source[..entry].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let end = layout::entry_end(self.source, self.outline, child);
        // What stands in front of it on its line is not its own.
        if !self.source[start..entry].trim_matches(' ').is_empty() {
            return Err(WriteAnew);
        }
        Ok(Span::new(start, end))
    }

    fn remove(&self, map: u32, child: u32, edits: &mut Edits<'_>) -> Done {
        if self.item(map).in_flow {
            return Err(WriteAnew);
        }
        let lines = self.lines(child)?;
        let before = self.source[..lines.start as usize].len() - trim_break(&self.source[..lines.start as usize]).len();
        edits.replace(Span { start: lines.start - before as u32, end: lines.end }, |_| ());
        Ok(())
    }

    fn member_text(&self, map: u32, member: &[Event<'_>]) -> Result<String, WriteAnew> {
        let step = self.step(map).ok_or(WriteAnew)?;
        let events: Vec<Event<'_>> =
            std::iter::once(Event::Map(None)).chain(member.iter().cloned()).chain([Event::End]).collect();
        let mut text = String::new();
        let options = write::Options { indent: step, line_ending: self.newline };
        write::block(&events, self.item(map).column as usize, &options, &mut text);
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        Ok(text.trim_start_matches(['\n', '\r']).to_owned())
    }

    fn put_in_place_of(&self, map: u32, child: u32, member: &[Event<'_>], edits: &mut Edits<'_>) -> Done {
        let empty = match &self.item(child).node {
            Node::Leaf(Scalar::Null) => true,
            Node::Leaf(Scalar::Str(text)) => text.bytes(self.outline.texts(self.source)).is_empty(),
            Node::Map | Node::List => self.children(child).is_empty(),
            _ => false,
        };
        if !empty {
            return Err(WriteAnew);
        }
        let text = self.member_text(map, member)?;
        edits.replace(self.lines(child)?, |out| out.extend_from_slice(text.as_bytes()));
        Ok(())
    }

    /// Puts a member where the order of the keys wants it.
    fn insert(&self, map: u32, key: &str, member: &[Event<'_>], edits: &mut Edits<'_>) -> Done {
        let text = self.member_text(map, member)?;
        let texts = self.outline.texts(self.source);
        let is_before = |i: &&u32| self.item(**i).key().is_some_and(|k| k.bytes(texts) < key.as_bytes());
        let children = self.children(map);
        match children.iter().rfind(is_before) {
            Some(previous) => {
                let at = layout::entry_end(self.source, self.outline, *previous);
                edits.replace(Span::new(at, at), |out| {
                    out.extend_from_slice(self.newline.as_bytes());
                    out.extend_from_slice(text.as_bytes());
                });
            }
            None => {
                let lines = self.lines(*children.first().ok_or(WriteAnew)?)?;
                edits.replace(Span { end: lines.start, ..lines }, |out| {
                    out.extend_from_slice(text.as_bytes());
                    out.extend_from_slice(self.newline.as_bytes());
                });
            }
        }
        Ok(())
    }

    /// A list of master keys or groups: elements that name the same keys are the same one.
    fn list(&self, index: u32, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) -> Done {
        let (old, new) = (members(old), members(new));
        let children = self.children(index);
        if children.len() != old.len() {
            return Err(WriteAnew);
        }
        let is_group = |element: &&[Event<'_>]| element.iter().any(|e| matches!(e, Event::List(Some(_))));
        if old.iter().chain(&new).any(is_group) {
            // Groups go by their position.
            if old.len() != new.len() {
                return Err(WriteAnew);
            }
            let pairs = children.iter().zip(old.iter().zip(&new));
            return pairs.into_iter().try_for_each(|(child, (was, is))| self.node(*child, was, is, edits));
        }
        let found = counterparts(&old, &new);
        let mut is_gone = vec![true; old.len()];
        let mut added = Vec::new();
        for (is, found) in new.iter().zip(found) {
            match found {
                Some(i) => {
                    is_gone[i] = false;
                    self.node(children[i], old[i], is, edits)?;
                }
                None => added.push(*is),
            }
        }
        if added.len() == new.len() {
            return Err(WriteAnew);
        }
        for (child, _) in children.iter().zip(&is_gone).filter(|(_, is_gone)| **is_gone) {
            self.remove(index, *child, edits)?;
        }
        if added.is_empty() {
            return Ok(());
        }
        let last = *children.last().ok_or(WriteAnew)?;
        let lines = self.lines(last)?;
        let dash = self.item(last).entry_start - lines.start;
        if self.item(index).in_flow || !self.source[self.item(last).entry_start as usize..].starts_with('-') {
            return Err(WriteAnew);
        }
        edits.replace(Span { start: lines.end, end: lines.end }, |out| {
            for element in &added {
                let mut text = String::new();
                let options = write::Options { indent: 2, line_ending: self.newline };
                write::block_in_list(element, dash as usize, &options, &mut text);
                out.extend_from_slice(self.newline.as_bytes());
                out.extend(std::iter::repeat_n(b' ', dash as usize));
                out.extend_from_slice(b"- ");
                out.extend_from_slice(text.trim().as_bytes());
            }
        });
        Ok(())
    }
}

fn trim_break(text: &str) -> &str {
    text.strip_suffix("\r\n").or(text.strip_suffix(['\n', '\r'])).unwrap_or(text)
}

/// What is inside a mapping or list.
pub(crate) fn inner<'e, 'v>(events: &'e [Event<'v>]) -> &'e [Event<'v>] {
    events.get(1..events.len() - 1).unwrap_or_default()
}

pub(crate) fn key_of<'e>(member: &'e [Event<'_>]) -> &'e str {
    match member.first() {
        Some(Event::Map(Some(key)) | Event::List(Some(key)) | Event::Leaf(Some(key), _)) => key,
        _ => "",
    }
}

pub(crate) fn same(a: &[Event<'_>], b: &[Event<'_>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_event(a, b))
}

/// Whether two canonical forms of metadata are the same.
pub(crate) fn is_same_metadata(a: &[Event<'_>], b: &[Event<'_>]) -> bool {
    same(a, b)
}

fn same_event(a: &Event<'_>, b: &Event<'_>) -> bool {
    match (a, b) {
        (Event::Map(a), Event::Map(b)) | (Event::List(a), Event::List(b)) => a == b,
        (Event::Leaf(a, x), Event::Leaf(b, y)) => a == b && x.same(y),
        (Event::Comment { text: a, .. }, Event::Comment { text: b, .. }) => a == b,
        (Event::End, Event::End) => true,
        _ => false,
    }
}

/// For each new element of a list the place of the old one that names the same keys; each old one is taken once. Linear.
pub(crate) fn counterparts(old: &[&[Event<'_>]], new: &[&[Event<'_>]]) -> Vec<Option<usize>> {
    let mut places: HashMap<Vec<&[u8]>, VecDeque<usize>> = HashMap::with_capacity(old.len());
    for (place, element) in old.iter().enumerate() {
        places.entry(identity(element)).or_default().push_back(place);
    }
    new.iter().map(|element| places.get_mut(&identity(element))?.pop_front()).collect()
}

/// The strings of an element that name its keys: all but the wrapped key and its time.
fn identity<'e>(element: &'e [Event<'_>]) -> Vec<&'e [u8]> {
    let mut found = Vec::new();
    for event in element {
        match event {
            Event::Leaf(Some(key), _) if matches!(&**key, "enc" | "created_at") => {}
            Event::Leaf(_, Value::Str(text)) => found.push(&**text),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key<'a>(recipient: &'a str, enc: &'a str) -> Vec<Event<'a>> {
        let field = |name: &'static str, text: &'a str| Event::Leaf(Some(name.into()), text.into());
        vec![Event::Map(None), field("enc", enc), field("recipient", recipient), Event::End]
    }

    #[test]
    fn elements_are_found_by_their_keys_each_once() {
        let old = [key("a", "1"), key("b", "2"), key("a", "3")];
        let new = [key("a", "4"), key("c", "5"), key("a", "6"), key("a", "7"), key("b", "8")];
        let [old, new] = [&old[..], &new].map(|list| list.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert_eq!(counterparts(&old, &new), [Some(0), None, Some(2), None, Some(1)]);
    }

    /// In time that grows with the list, not with its square: this one would take minutes.
    #[test]
    fn a_long_list_turned_round_is_found() {
        let names: Vec<String> = (0..100_000).map(|number| format!("age1{number}")).collect();
        let elements: Vec<Vec<Event<'_>>> = names.iter().map(|name| key(name, "x")).collect();
        let old: Vec<&[Event<'_>]> = elements.iter().map(Vec::as_slice).collect();
        let new: Vec<&[Event<'_>]> = old.iter().rev().copied().collect();
        assert!(counterparts(&old, &new).into_iter().eq((0..100_000).rev().map(Some)));
    }
}
