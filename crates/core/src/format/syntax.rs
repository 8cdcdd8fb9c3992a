//! What a format other than YAML does: the private seam between the pipeline and JSON, dotenv and INI.
//!
//! YAML has aliases, block scalars and comments that attach by layout, so sealing and opening it is a business of its own
//! (`yaml::seal`, `yaml::open`); everything else goes through these methods.

use crate::error::Error;
use crate::outline::{Event, Outline};
use crate::splice::Edits;
use crate::value::Value;

/// A text and its outline.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The text.
    pub text: &'a str,
    /// Its outline: one document; walk order is source order.
    pub outline: &'a Outline,
}

/// Metadata as they stand in an encrypted text.
#[derive(Clone, Copy)]
pub(crate) struct Existing<'a> {
    /// The encrypted text.
    pub source: Source<'a>,
    /// What [`Syntax::metadata_items`] found there.
    pub items: &'a [u32],
    /// Their canonical form (`Metadata::write`).
    pub events: &'a [Event<'a>],
}

/// One format.
pub(crate) trait Syntax: Sync {
    /// Reads a text. Spans of leaves cover quotes; spans of comments go from the introducer to the end of the text.
    ///
    /// # Errors
    /// [`Error::Syntax`] with line, column and what was expected, never the text itself.
    fn outline(&self, text: &str) -> Result<Outline, Error>;

    /// The items that hold the metadata, whole subtrees (JSON: the member `sops`; INI: the section; dotenv: each entry). None
    /// for a plain text.
    ///
    /// # Errors
    /// [`Error::Metadata`] for an entry `sops` that cannot be metadata, or for two of them.
    fn metadata_items(&self, source: Source<'_>) -> Result<Vec<u32>, Error>;

    /// The metadata as events: a root `Map`, its members, `End`.
    ///
    /// # Errors
    /// [`Error::Metadata`] for flattened names that do not fit together.
    fn metadata<'a>(&self, source: Source<'a>, items: &[u32]) -> Result<Vec<Event<'a>>, Error>;

    /// Replaces a leaf or a comment's text by the token that `token` appends.
    fn write_token(&self, source: Source<'_>, index: usize, edits: &mut Edits<'_>, token: &mut dyn FnMut(&mut Vec<u8>));

    /// Replaces a leaf by a value, in the style of the leaf where that can carry it.
    ///
    /// # Errors
    /// [`Error::Tree`] for a value that the format cannot carry.
    fn write_value(
        &self,
        source: Source<'_>,
        index: usize,
        value: &Value<'_>,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error>;

    /// Replaces a comment's text.
    fn write_comment(&self, source: Source<'_>, index: usize, text: &[u8], edits: &mut Edits<'_>);

    /// Puts metadata into a plain text, as the reference would write them; where `existing` is there, with its text, spacing
    /// and place as far as they still fit.
    fn insert_metadata(
        &self,
        source: Source<'_>,
        metadata: &[Event<'_>],
        existing: Option<Existing<'_>>,
        indent: Option<usize>,
        edits: &mut Edits<'_>,
    );

    /// Exchanges the metadata of an encrypted text in place.
    fn replace_metadata(&self, existing: Existing<'_>, metadata: &[Event<'_>], edits: &mut Edits<'_>);

    /// Takes the metadata out of an encrypted text, so that what is left is what [`Syntax::insert_metadata`] was given.
    fn remove_metadata(&self, source: Source<'_>, items: &[u32], edits: &mut Edits<'_>);

    /// Writes a tree as the reference does: one document, a root `Map`, its members, `End`. Metadata are a member `sops`.
    ///
    /// # Errors
    /// [`Error::Tree`] for what the format cannot carry.
    fn tree(&self, events: &[Event<'_>], indent: Option<usize>, out: &mut Vec<u8>) -> Result<(), Error>;

    /// Sets the value at a place: replaces the leaf or collection `found` leads to, or adds what is missing on the way.
    ///
    /// # Errors
    /// [`Error::Path`], [`Error::Tree`].
    fn set(
        &self,
        source: Source<'_>,
        path: &[crate::path::Step],
        value: &[Event<'_>],
        edits: &mut Edits<'_>,
    ) -> Result<(), Error>;

    /// Removes the entry or element `index` with its lines.
    fn remove(&self, source: Source<'_>, index: u32, edits: &mut Edits<'_>);
}
