//! Where the metadata will stand: the text that is sealed.

use crate::document::{PlainDocument, without_spelling};
use crate::error::Error;
use crate::format::Format;
use crate::format::yaml::layout::{self, Branch, Place};
use crate::format::yaml::read;
use crate::format::yaml::seal::Sealing;
use crate::outline::{Document, Event, NONE, Node, Outline};
use crate::splice::{Change, Edits};
use crate::value::Value;
use std::borrow::Cow;

/// The plain text with room for the metadata: comments attach as they will in the encrypted text.
pub(super) struct LaidOut<'a> {
    pub format: Format,
    pub source: Cow<'a, str>,
    pub outline: Cow<'a, Outline>,
    /// Placeholder branches, none if the plain text is used as it is.
    pub branches: Vec<u32>,
    /// From the plain text to this one.
    pub changes: Vec<Change>,
}

impl<'a> LaidOut<'a> {
    pub fn new(plain: &'a PlainDocument, places: &[Place]) -> Result<Self, Error> {
        let (format, source, outline) = (plain.format(), plain.source(), plain.outline());
        // An entry of that name that could not be metadata would be taken for one all the same.
        let found = format.metadata_items(source, outline).map_err(|_| Error::AlreadyEncrypted)?;
        if let Some(branch) = found.first() {
            if format != Format::Yaml {
                return Err(Error::AlreadyEncrypted);
            }
            let first = outline.documents.first().map_or(NONE, |d| d.root);
            let in_first = outline.items[*branch as usize].parent == first;
            return Err(if in_first { Error::AlreadyEncrypted } else { Error::ReservedKey });
        }
        let is_plain = |(index, document): (usize, &Document)| match places.get(index) {
            None | Some(Place::Last) => !has_trailing_comment(outline, document.root),
            Some(_) => !outline.items.iter().any(|i| matches!(i.node, Node::Comment { .. })),
        };
        if format != Format::Yaml || outline.documents.iter().enumerate().all(is_plain) {
            return Ok(LaidOut {
                format,
                source: Cow::Borrowed(source),
                outline: Cow::Borrowed(outline),
                branches: Vec::new(),
                changes: Vec::new(),
            });
        }
        let placeholder = [Event::Map(None), Event::Leaf(Some(Cow::Borrowed("x")), Value::Int(0)), Event::End];
        let mut edits = Edits::new(source, source.len() + 64, 1);
        for (index, document) in outline.documents.iter().enumerate() {
            let place = places.get(index).cloned().unwrap_or_default();
            let branch = Branch { events: &placeholder, written: None, indent: 4, place };
            layout::insert_branch(source, outline, document, &branch, &mut edits);
        }
        // The placeholder ends the line of a literal that no line break ends.
        Sealing::new(source, outline).end_open_block(|_| false, &mut edits);
        let (text, changes) = edits.finish_with_changes()?;
        let outline = read::outline(&text)?;
        let branches = layout::branches(&outline, &text);
        Ok(LaidOut { format, source: Cow::Owned(text), outline: Cow::Owned(outline), branches, changes })
    }

    pub fn skipped(&self) -> Vec<std::ops::Range<usize>> {
        self.branches.iter().map(|b| *b as usize..self.outline.items[*b as usize].end as usize).collect()
    }

    /// The values, in walk order.
    pub fn leaves(&self) -> impl Iterator<Item = usize> {
        let skipped = self.skipped();
        let items = &self.outline.items;
        (0..items.len())
            .filter(move |i| !skipped.iter().any(|s| s.contains(i)))
            .filter(|i| matches!(items[*i].node, Node::Leaf(_)))
    }

    pub fn write_branches(
        &self,
        events: &[Event<'_>],
        written: &[Option<String>],
        places: &[Place],
        indent: usize,
        edits: &mut Edits<'_>,
    ) {
        let further = without_spelling(events);
        for (index, document) in self.outline.documents.iter().enumerate() {
            let branch = Branch {
                events: if index == 0 { events } else { &further },
                written: written.get(index).cloned().flatten(),
                indent,
                place: places.get(index).cloned().unwrap_or_default(),
            };
            match self.branches.get(index) {
                None => layout::insert_branch(&self.source, &self.outline, document, &branch, edits),
                Some(at) => layout::replace_branch(&self.source, &self.outline, document, *at, &branch, edits),
            }
        }
    }
}

/// Whether a comment follows the last value of a document, or one the reference drops stands anywhere.
fn has_trailing_comment(outline: &Outline, root: u32) -> bool {
    let items = &outline.items[root as usize..outline.items[root as usize].end as usize];
    let last = items.iter().filter(|i| matches!(i.node, Node::Leaf(_))).map(|i| i.span.start).max().unwrap_or(0);
    items.iter().any(|i| match i.node {
        Node::Comment { dropped, .. } => dropped || i.span.start >= last,
        _ => false,
    })
}
