//! Changes of a plain text: one value set, one entry removed, and nothing else touched.

use super::layout::{self, New, Slot, children, item};
use super::write;
use crate::error::Error;
use crate::format::syntax::Source;
use crate::format::yaml::change::{Change, wrapped};
use crate::outline::{Event, NONE, Node};
use crate::path::{Step, display_keys};
use crate::splice::Edits;
use crate::value::Value;

/// Refuses a value that JSON has no text for, with the reason.
///
/// The reference writes bytes that are no UTF-8 as U+FFFD, which loses them.
fn carried(value: &Value<'_>) -> Result<(), &'static str> {
    match value {
        Value::Float(number) if !number.is_finite() => Err("JSON has no number for this value, which is not finite"),
        Value::Str(text) if std::str::from_utf8(text).is_err() => Err("JSON carries text only, and this is not UTF-8"),
        _ => Ok(()),
    }
}

fn not_carried(keys: &[&[u8]], problem: &str) -> Error {
    Error::Tree { line: 0, path: display_keys(keys.iter().copied()), problem: problem.to_owned() }
}

/// The keys that lead to an item, outermost first.
fn keys_of(source: Source<'_>, mut index: u32) -> Vec<&[u8]> {
    let texts = source.outline.texts(source.text);
    let mut keys = Vec::new();
    while index != NONE {
        let item = item(source, index);
        keys.extend(item.key().map(|key| key.bytes(texts)));
        index = item.parent;
    }
    keys.reverse();
    keys
}

/// Replaces a leaf by a value.
pub(super) fn write_value(
    source: Source<'_>,
    index: u32,
    value: &Value<'_>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    carried(value).map_err(|problem| not_carried(&keys_of(source, index), problem))?;
    edits.replace(item(source, index).span, |out| write::scalar(value, out));
    Ok(())
}

/// Sets the value at a path; what is missing on the way is made, and a list grows by one element at most.
pub(super) fn set(source: Source<'_>, path: &[Step], value: &[Event<'_>], edits: &mut Edits<'_>) -> Result<(), Error> {
    let leaves = value.iter().filter_map(|event| match event {
        Event::Leaf(_, value) => Some(value),
        _ => None,
    });
    if let Some(problem) = leaves.map(carried).find_map(Result::err) {
        let keys: Vec<&[u8]> = path.iter().filter_map(|step| key_of(step).map(str::as_bytes)).collect();
        return Err(not_carried(&keys, problem));
    }
    let found = Change { source: source.text, outline: source.outline }.find(path)?;
    let rest = &path[found.steps..];
    let has_entries = item(source, found.index).end > found.index + 1;
    match (rest.first(), &item(source, found.index).node) {
        (None, _) => replace(source, found.index, value, edits),
        (Some(step @ Step::Key(_)), Node::Map) | (Some(step @ Step::Index(_)), Node::List) if has_entries => {
            append(source, found.index, key_of(step), &wrapped(&rest[1..], value), edits);
            Ok(())
        }
        // compat: a scalar in the way becomes what the path asks for. An empty collection is filled the same way.
        _ => replace(source, found.index, &wrapped(rest, value), edits),
    }
}

fn key_of(step: &Step) -> Option<&str> {
    match step {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    }
}

fn replace(source: Source<'_>, index: u32, value: &[Event<'_>], edits: &mut Edits<'_>) -> Result<(), Error> {
    if item(source, index).parent == NONE && !matches!(value.first(), Some(Event::Map(_))) {
        return Err(not_carried(&[], "the top level of JSON must stay an object"));
    }
    let layout = layout::in_place(source, index);
    edits.replace(item(source, index).span, |out| write::write(value, &layout, out));
    Ok(())
}

fn append(source: Source<'_>, collection: u32, key: Option<&str>, value: &[Event<'_>], edits: &mut Edits<'_>) {
    let children = children(source, collection);
    let (layout, separator) = layout::beside(source, &children);
    let text = layout::entry(key, value, &layout);
    let new = Slot::New(New { text, separator });
    let slots: Vec<Slot> = children.into_iter().map(Slot::Kept).chain([new]).collect();
    layout::arrange(source, collection, &slots, edits);
}

/// Removes an entry or element.
pub(super) fn remove(source: Source<'_>, index: u32, edits: &mut Edits<'_>) {
    let collection = item(source, index).parent;
    if collection == NONE {
        return;
    }
    let others = children(source, collection).into_iter().filter(|child| *child != index);
    layout::arrange(source, collection, &others.map(Slot::Kept).collect::<Vec<_>>(), edits);
}
