//! INI as the reference reads and writes it, without what it loses on the way.
//!
//! [`scan`] reads: sections, keys, values in five forms, and comments that belong to the key or section below them.
//! [`value`] puts tokens and values into each other's places, [`metadata`] handles the section `[sops]`, [`tree`] writes
//! other formats' trees, [`change`] sets and removes.

mod change;
mod metadata;
mod scan;
mod tree;
mod value;

use super::syntax::{Existing, Source, Syntax};
use crate::error::Error;
use crate::outline::{Event, Outline};
use crate::path::Step;
use crate::splice::Edits;
use crate::value::Value;

/// The format.
pub(crate) struct Ini;

impl Syntax for Ini {
    fn outline(&self, text: &str) -> Result<Outline, Error> {
        scan::outline(text)
    }

    fn metadata_items(&self, source: Source<'_>) -> Result<Vec<u32>, Error> {
        metadata::items(source)
    }

    fn metadata<'a>(&self, source: Source<'a>, items: &[u32]) -> Result<Vec<Event<'a>>, Error> {
        metadata::read(source, items)
    }

    fn write_token(
        &self,
        source: Source<'_>,
        index: usize,
        edits: &mut Edits<'_>,
        token: &mut dyn FnMut(&mut Vec<u8>),
    ) {
        value::write_token(source, index, edits, token);
    }

    fn write_value(
        &self,
        source: Source<'_>,
        index: usize,
        value: &Value<'_>,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        value::write_value(source, index, value, edits)
    }

    fn write_comment(&self, source: Source<'_>, index: usize, text: &[u8], edits: &mut Edits<'_>) {
        value::write_comment(source, index, text, edits);
    }

    fn insert_metadata(
        &self,
        source: Source<'_>,
        metadata: &[Event<'_>],
        existing: Option<Existing<'_>>,
        _indent: Option<usize>,
        edits: &mut Edits<'_>,
    ) {
        metadata::insert(source, metadata, existing, edits);
    }

    fn replace_metadata(&self, existing: Existing<'_>, metadata: &[Event<'_>], edits: &mut Edits<'_>) {
        metadata::replace(existing, metadata, edits);
    }

    fn remove_metadata(&self, source: Source<'_>, items: &[u32], edits: &mut Edits<'_>) {
        metadata::remove(source, items, edits);
    }

    fn tree(&self, events: &[Event<'_>], _indent: Option<usize>, out: &mut Vec<u8>) -> Result<(), Error> {
        tree::write(events, out)
    }

    fn set(&self, source: Source<'_>, path: &[Step], value: &[Event<'_>], edits: &mut Edits<'_>) -> Result<(), Error> {
        change::set(source, path, value, edits)
    }

    fn remove(&self, source: Source<'_>, index: u32, edits: &mut Edits<'_>) {
        change::remove(source, index, edits);
    }
}
