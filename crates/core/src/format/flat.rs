//! What dotenv and INI share: metadata as flat names, and outlines of lines.
//!
//! Both formats know only names and texts, so a nested field becomes one entry per leaf: its name is the names on the way
//! to it, with `__map_` in front of a member and `__list_` in front of a position. The way back is strict, because a
//! half-read list of master keys would be written back as a whole one.

use super::yaml::MAX_TEXT;
use crate::error::Error;
use crate::outline::{Document, Event, Item, NONE, Node, Outline, Scalar, Span, Style, Text, Texts};
use crate::path::display_keys;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, btree_map};
use zeroize::Zeroizing;

const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// One line of flattened metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The name, without the prefix of dotenv.
    pub name: String,
    /// The value, newlines included.
    pub text: Vec<u8>,
}

struct Level {
    /// The length of the name outside the collection.
    outside: usize,
    /// The next position of a list.
    next: Option<usize>,
}

/// Flattens a tree: one field per leaf, in the order of the tree.
///
/// compat: the reference writes a null as `<nil>` (format.md §15 D28); it is left out here.
pub(crate) fn flatten(events: &[Event<'_>]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut open: Vec<Level> = Vec::new();
    let mut name = String::new();
    for event in events {
        let key = match event {
            Event::Map(key) | Event::List(key) | Event::Leaf(key, _) => key.as_deref().unwrap_or(""),
            Event::Comment { .. } => continue,
            Event::End => {
                name.truncate(open.pop().map_or(0, |level| level.outside));
                continue;
            }
        };
        if matches!(event, Event::Leaf(_, Value::Null)) {
            continue;
        }
        let outside = name.len();
        let is_nested = open.len() > 1;
        match open.last_mut().map(|level| &mut level.next) {
            None => {}
            Some(Some(next)) => {
                name.push_str(LIST);
                name.push_str(&next.to_string());
                *next += 1;
            }
            Some(None) => {
                name.push_str(if is_nested { MAP } else { "" });
                name.push_str(key);
            }
        }
        match event {
            Event::Leaf(_, value) => {
                let text = value.text().map(|text| text.to_vec()).unwrap_or_default();
                fields.push(Field { name: name.clone(), text });
                name.truncate(outside);
            }
            Event::List(_) => open.push(Level { outside, next: Some(0) }),
            _ => open.push(Level { outside, next: None }),
        }
    }
    fields
}

/// Refuses fields that would come back changed: those with a backslash in front of an `n`, which both formats read as a
/// line break (format.md §15 D27), and those that `fits` refuses.
///
/// # Errors
/// [`Error::Metadata`] with the field.
pub(crate) fn check(metadata: &[Event<'_>], fits: impl Fn(&[u8]) -> bool) -> Result<(), Error> {
    for Field { name, text } in flatten(metadata) {
        let reason = if contains(&text, b"\\n") {
            "a backslash followed by n comes back as a line break from this format; write it another way"
        } else if !fits(&text) {
            "this format cannot carry the text of the field"
        } else {
            continue;
        };
        return Err(Error::Metadata { field: name, reason: reason.into() });
    }
    Ok(())
}

/// A node of metadata on the way back; children by index.
#[derive(Default)]
enum Branch<'a> {
    #[default]
    New,
    Leaf(Cow<'a, [u8]>),
    Map(BTreeMap<&'a str, usize>),
    List(BTreeMap<i64, usize>),
}

enum Rest<'a> {
    Map(btree_map::IntoIter<&'a str, usize>),
    List(btree_map::IntoIter<i64, usize>),
}

fn fault<T>(reason: String) -> Result<T, Error> {
    Err(Error::Metadata { field: String::new(), reason })
}

/// Puts flat fields together again: a root map with its members sorted by name.
///
/// # Errors
/// [`Error::Metadata`] for names that do not fit together, in the words of the reference.
pub(crate) fn unflatten<'a>(fields: Vec<(&'a str, Cow<'a, [u8]>)>) -> Result<Vec<Event<'a>>, Error> {
    let mut nodes = vec![Branch::Map(BTreeMap::new())];
    for (name, text) in fields {
        let (key, mut rest) = split_key(name);
        let mut at = member(&mut nodes, 0, key)?;
        while let Some((separator, tail)) = rest {
            let (key, next) = split_key(tail);
            at = match separator {
                MAP => member(&mut nodes, at, key)?,
                _ => element(&mut nodes, at, position(key))?,
            };
            rest = next;
        }
        match nodes.get_mut(at) {
            Some(node @ Branch::New) => *node = Branch::Leaf(text),
            Some(Branch::Leaf(_)) => return fault(format!("Error while unflattening \"{name}\": Duplicate value")),
            _ => return mismatch(),
        }
    }
    emit(nodes)
}

fn mismatch<T>() -> Result<T, Error> {
    fault("Error while unflattening: Type mismatch".into())
}

/// Splits a name at its first separator.
fn split_key(name: &str) -> (&str, Option<(&'static str, &str)>) {
    let mut from = 0;
    while let Some(at) = name[from..].find("__").map(|at| from + at) {
        for separator in [MAP, LIST] {
            if let Some(tail) = name[at..].strip_prefix(separator) {
                return (&name[..at], Some((separator, tail)));
            }
        }
        from = at + 1;
    }
    (name, None)
}

/// compat: a position that is no number counts as 0.
fn position(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(i64::MAX)
}

fn member<'a>(nodes: &mut Vec<Branch<'a>>, parent: usize, key: &'a str) -> Result<usize, Error> {
    let fresh = nodes.len();
    if let Some(node @ Branch::New) = nodes.get_mut(parent) {
        *node = Branch::Map(BTreeMap::new());
    }
    let Some(Branch::Map(members)) = nodes.get_mut(parent) else { return mismatch() };
    let child = *members.entry(key).or_insert(fresh);
    if child == fresh {
        nodes.push(Branch::New);
    }
    Ok(child)
}

fn element(nodes: &mut Vec<Branch<'_>>, parent: usize, position: i64) -> Result<usize, Error> {
    let fresh = nodes.len();
    if let Some(node @ Branch::New) = nodes.get_mut(parent) {
        *node = Branch::List(BTreeMap::new());
    }
    let Some(Branch::List(elements)) = nodes.get_mut(parent) else { return mismatch() };
    let child = *elements.entry(position).or_insert(fresh);
    if child == fresh {
        nodes.push(Branch::New);
    }
    Ok(child)
}

fn emit<'a>(mut nodes: Vec<Branch<'a>>) -> Result<Vec<Event<'a>>, Error> {
    let mut events = Vec::with_capacity(nodes.len() * 2);
    let mut open: Vec<Rest<'a>> = Vec::new();
    let mut next: Option<(Option<&'a str>, usize)> = Some((None, 0));
    loop {
        match next {
            Some((key, index)) => {
                let key = key.map(Cow::Borrowed);
                match nodes.get_mut(index).map(std::mem::take) {
                    Some(Branch::Leaf(text)) => events.push(Event::Leaf(key, Value::Str(text))),
                    Some(Branch::Map(members)) => {
                        events.push(Event::Map(key));
                        open.push(Rest::Map(members.into_iter()));
                    }
                    Some(Branch::List(elements)) => {
                        if !elements.keys().zip(0..).all(|(position, wanted)| *position == wanted) {
                            return fault("Error while unflattening: Incomplete list".into());
                        }
                        events.push(Event::List(key));
                        open.push(Rest::List(elements.into_iter()));
                    }
                    Some(Branch::New) | None => {}
                }
            }
            None => {
                events.push(Event::End);
                open.pop();
            }
        }
        next = match open.last_mut() {
            None => return Ok(events),
            Some(Rest::Map(members)) => members.next().map(|(key, index)| (Some(key), index)),
            Some(Rest::List(elements)) => elements.next().map(|(_, index)| (None, index)),
        };
    }
}

/// Whether `needle` occurs.
pub(crate) fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

/// [`Error::Tree`] for an item.
pub(crate) fn cannot_carry(texts: Texts<'_>, source: &str, outline: &Outline, index: usize, problem: &str) -> Error {
    let Some(item) = outline.items.get(index) else { return refused("", problem) };
    let line = source.as_bytes().iter().take(item.entry_start as usize).filter(|b| **b == b'\n').count() as u32 + 1;
    let parent = outline.items.get(item.parent as usize).and_then(Item::key);
    let path = display_keys([parent, item.key()].into_iter().flatten().map(|key| key.bytes(texts)));
    Error::Tree { line, path, problem: problem.to_owned() }
}

/// [`Error::Tree`] for a key, or for the whole.
pub(crate) fn refused(key: &str, problem: &str) -> Error {
    let path = display_keys(std::iter::once(key.as_bytes()).filter(|key| !key.is_empty()));
    Error::Tree { line: 0, path, problem: problem.to_owned() }
}

/// Makes an outline of one document.
pub(crate) struct Builder<'a> {
    source: &'a str,
    /// The outline so far; the root is its first item.
    pub outline: Outline,
}

impl<'a> Builder<'a> {
    /// An outline with an empty root.
    ///
    /// # Errors
    /// [`Error::Limit`] from 2 GiB on.
    pub fn new(source: &'a str) -> Result<Self, Error> {
        if source.len() >= MAX_TEXT {
            return Err(Error::Limit { what: "size of the text in bytes", max: MAX_TEXT as u64 });
        }
        let mut builder = Builder { source, outline: Outline::default() };
        builder.push(Node::Map, None, NONE, Span::new(0, source.len()), 0);
        Ok(builder)
    }

    /// Appends an item without members; returns its index.
    pub fn push(&mut self, node: Node, key: Option<Text>, parent: u32, span: Span, entry: usize) -> u32 {
        let index = self.outline.items.len() as u32;
        let mut item = Item {
            node,
            key: Text::source(span),
            parent,
            end: index + 1,
            span,
            entry_start: entry as u32,
            column: 0,
            extra: NONE,
            style: Style::Plain,
            in_flow: false,
        };
        item.set_key(key);
        self.outline.items.push(item);
        index
    }

    /// A string leaf.
    pub fn leaf(text: Text) -> Node {
        Node::Leaf(Scalar::Str(text))
    }

    /// A text that does not stand in the source.
    pub fn make(&mut self, pieces: &[&[u8]]) -> Text {
        let made = &mut self.outline.made;
        let length = made.len() + pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if made.capacity() < length {
            // A vector that grows by itself would leave its texts behind.
            let mut larger = Zeroizing::new(Vec::with_capacity(length.max(self.source.len() + 16).max(2 * made.len())));
            larger.extend_from_slice(made);
            *made = larger;
        }
        let from = made.len();
        pieces.iter().for_each(|piece| made.extend_from_slice(piece));
        Text::made(from..made.len())
    }

    /// The outline; the last members end with it.
    pub fn finish(mut self) -> Outline {
        let end = self.outline.items.len() as u32;
        if let Some(root) = self.outline.items.first_mut() {
            root.end = end;
        }
        self.outline.documents.push(Document {
            root: 0,
            start: 0,
            end: self.source.len() as u32,
            flow_root: false,
            empty_root: end == 1,
            column: 0,
        });
        self.outline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&'static str, &'static str)]) -> Result<Vec<Event<'static>>, Error> {
        unflatten(fields.iter().map(|(name, text)| (*name, Cow::Borrowed(text.as_bytes()))).collect())
    }

    fn flat(fields: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let events = read(fields).expect("the names fit together");
        let text = |f: Field| (f.name, String::from_utf8(f.text).expect("text"));
        flatten(&events).into_iter().map(text).collect()
    }

    #[test]
    fn flat_names_come_back_in_the_order_of_the_tree() {
        let fields = [
            ("pgp__list_10__map_fp", "k"),
            ("version", "3"),
            ("a__map_b__list_0__list_0", "deep"),
            ("pgp__list_0__map_fp", "a"),
        ];
        let with = (1..10).map(|i| (&*Box::leak(format!("pgp__list_{i}__map_fp").into_boxed_str()), "x"));
        let all: Vec<_> = fields.into_iter().chain(with).collect();
        let names: Vec<String> = flat(&all).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.first().map(String::as_str), Some("a__map_b__list_0__list_0"));
        assert_eq!(names.get(10).map(String::as_str), Some("pgp__list_9__map_fp"));
        assert_eq!(names.get(11).map(String::as_str), Some("pgp__list_10__map_fp"));
        assert_eq!(names.last().map(String::as_str), Some("version"));
    }

    #[test]
    fn names_that_do_not_fit_together_are_refused_in_the_words_of_the_reference() {
        let reason = |fields: &[(&'static str, &'static str)]| match read(fields) {
            Err(Error::Metadata { reason, .. }) => reason,
            _ => "read".into(),
        };
        assert_eq!(reason(&[("a", "1"), ("a", "2")]), "Error while unflattening \"a\": Duplicate value");
        for fields in [
            [("a", "1"), ("a__map_b", "2")],
            [("a__map_b", "1"), ("a", "2")],
            [("a__list_0", "1"), ("a__map_b", "2")],
            [("a__map_b", "1"), ("a__list_0", "2")],
        ] {
            assert_eq!(reason(&fields), "Error while unflattening: Type mismatch", "{fields:?}");
        }
        for fields in
            [[("a__list_1", "1"), ("b", "")], [("a__list_0", "1"), ("a__list_2", "2")], [("a__list_-1", ""), ("b", "")]]
        {
            assert_eq!(reason(&fields), "Error while unflattening: Incomplete list", "{fields:?}");
        }
    }

    #[test]
    fn a_position_that_is_no_number_counts_as_0() {
        assert_eq!(flat(&[("a__list_x", "1")]), [("a__list_0".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn fields_that_would_come_back_changed_are_refused() {
        let check = |text: &'static str| check(&read(&[("a__map_b", text)]).expect("one field"), |text| text != b"no");
        assert_eq!(check("x\ny"), Ok(()));
        for text in ["^\\name$", "no"] {
            assert!(matches!(check(text), Err(Error::Metadata { field, .. }) if field == "a__map_b"), "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let name: &str = Box::leak(format!("a{}", "__map_b__list_0".repeat(20_000)).into_boxed_str());
        assert_eq!(flat(&[(name, "1")])[0].0, name);
    }

    #[test]
    fn values_that_are_no_strings_have_the_texts_of_the_reference() {
        let text = |value: Value<'_>| value.text().map(|t| String::from_utf8(t.to_vec()).expect("text"));
        for (value, wanted) in [
            (1.0, "1.0"),
            (1e6, "1E+06"),
            (2e-10, "2E-10"),
            (-2e10, "-2E+10"),
            (200_000.0, "200000.0"),
            (0.5, "0.5"),
            (1234567.5, "1.2345675E+06"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text(Value::Float(value)).as_deref(), Some(wanted));
        }
        assert_eq!(text(Value::Bool(true)).as_deref(), Some("true"));
        assert_eq!(text(Value::Int(-5)).as_deref(), Some("-5"));
        assert_eq!(text(Value::Null), None);
    }
}
