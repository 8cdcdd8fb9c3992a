//! JSON as the reference reads and writes it: [`scan`] is the way in, `layout`, `change` and `branch` say which bytes of a
//! person's own text change, [`mod@write`] makes new text.

mod branch;
mod change;
mod layout;
pub mod read;
pub mod scan;
pub mod write;

use super::syntax::{Existing, Source, Syntax};
use crate::error::Error;
use crate::outline::{Event, Node, Outline, Scalar};
use crate::path::Step;
use crate::splice::Edits;
use crate::value::Value;
use write::Indent;

/// JSON. It has no comments.
pub(crate) struct Json;

impl Syntax for Json {
    fn outline(&self, text: &str) -> Result<Outline, Error> {
        scan::outline(text)
    }

    fn metadata_items(&self, source: Source<'_>) -> Result<Vec<u32>, Error> {
        branch::find(source).map(Vec::from_iter)
    }

    fn metadata<'a>(&self, source: Source<'a>, items: &[u32]) -> Result<Vec<Event<'a>>, Error> {
        let Some(&index) = items.first() else { return Err(Error::NotEncrypted) };
        let end = layout::item(source, index).end;
        Ok(source.outline.events(source.text, index as usize, end as usize, |_| None))
    }

    fn write_token(
        &self,
        source: Source<'_>,
        index: usize,
        edits: &mut Edits<'_>,
        token: &mut dyn FnMut(&mut Vec<u8>),
    ) {
        let item = layout::item(source, index as u32);
        // Null is never a token, and a collection has none.
        if !matches!(item.node, Node::Leaf(Scalar::Null) | Node::Map | Node::List) {
            edits.replace(item.span, |out| {
                out.push(b'"');
                token(out);
                out.push(b'"');
            });
        }
    }

    fn write_value(
        &self,
        source: Source<'_>,
        index: usize,
        value: &Value<'_>,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        change::write_value(source, index as u32, value, edits)
    }

    fn write_comment(&self, _: Source<'_>, _: usize, _: &[u8], _: &mut Edits<'_>) {}

    fn insert_metadata(
        &self,
        source: Source<'_>,
        metadata: &[Event<'_>],
        existing: Option<Existing<'_>>,
        indent: Option<usize>,
        edits: &mut Edits<'_>,
    ) {
        branch::insert(source, metadata, existing, indent, edits);
    }

    fn replace_metadata(&self, existing: Existing<'_>, metadata: &[Event<'_>], edits: &mut Edits<'_>) {
        branch::replace(existing, metadata, edits);
    }

    fn remove_metadata(&self, source: Source<'_>, items: &[u32], edits: &mut Edits<'_>) {
        items.iter().for_each(|index| change::remove(source, *index, edits));
    }

    fn tree(&self, events: &[Event<'_>], indent: Option<usize>, out: &mut Vec<u8>) -> Result<(), Error> {
        write::check(events)?;
        write::tree(events, indent.map_or(Indent::Tab, Indent::Spaces), out);
        Ok(())
    }

    fn set(&self, source: Source<'_>, path: &[Step], value: &[Event<'_>], edits: &mut Edits<'_>) -> Result<(), Error> {
        change::set(source, path, value, edits)
    }

    fn remove(&self, source: Source<'_>, index: u32, edits: &mut Edits<'_>) {
        change::remove(source, index, edits);
    }
}

#[cfg(test)]
mod tests;
