//! The record of spellings of an opened file: applied where the result says the very same.

use super::{EncryptedDocument, OpenedItems};
use crate::crypto::cipher::{Cipher, IvSource};
use crate::crypto::token;
use crate::digest::fast_digest;
use crate::format::Format;
use crate::format::yaml::layout;
use crate::format::yaml::open::Opened;
use crate::metadata::Metadata;
use crate::outline::{Document, Node, Outline, Span};
use crate::spelling::{self, Patch};
use crate::value::Kind;
use crate::walk::Walker;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How many readings of the text a record is worth that fits only in parts.
const MAX_READINGS: usize = 48;

impl Metadata {
    /// What the record of spellings is bound to: one state of the file.
    fn spelling_aad(&self) -> Vec<u8> {
        format!("sops spelling:{}:{}", self.last_modified.whole_seconds(), self.mac).into_bytes()
    }

    /// Puts a record in; time and MAC are there already.
    pub(super) fn seal_spelling(&mut self, record: &[u8], cipher: &Cipher) {
        let mut token = Vec::with_capacity(record.len() * 4 / 3 + 160);
        cipher.seal(record, &self.spelling_aad(), &IvSource::new().draw(), Kind::Str, &mut token);
        self.spelling = String::from_utf8_lossy(&token).into_owned();
    }
}

/// What a record names parts of a text by.
pub(crate) struct Anchors {
    pub spans: Vec<Span>,
    pub items: Vec<u32>,
}

impl EncryptedDocument {
    /// The record of spellings, if there is one that belongs to this state of the file.
    pub(super) fn spelling_record(&self, cipher: &Cipher) -> Option<Zeroizing<Vec<u8>>> {
        let token = token::parse(self.metadata.spelling.as_bytes())?;
        let mut record = Zeroizing::new(Vec::new());
        let kind = cipher.open(&token, &self.metadata.spelling_aad(), &mut record).ok()?;
        (kind == Kind::Str).then_some(record)
    }

    /// By what a record names parts of the text, in order: the encrypted values, and in YAML the metadata of each document
    /// as they are taken out.
    pub(crate) fn anchors(&self, values: impl Iterator<Item = u32>) -> Anchors {
        let mut anchors: Vec<(Span, u32)> = values.map(|i| (self.outline.items[i as usize].span, i)).collect();
        if self.format == Format::Yaml {
            let branch = |d: &Document| {
                let index = self.branch_of(d)?;
                Some((layout::branch_span(&self.source, &self.outline, d, index).0, index))
            };
            anchors.extend(self.outline.documents.iter().filter_map(branch));
        }
        anchors.sort_by_key(|(span, _)| span.start);
        let (spans, items) = anchors.into_iter().unzip();
        Anchors { spans, items }
    }

    /// Whether a part of the text holds the metadata of a document as a whole or not at all.
    pub(crate) fn is_beside_metadata(&self, part: Span) -> bool {
        self.branches.iter().map(|b| self.outline.items[*b as usize].span).all(|branch| {
            part.end <= branch.start || branch.end <= part.start || part.start <= branch.start && branch.end <= part.end
        })
    }

    /// The path of an item, as bytes that no other path has.
    pub(crate) fn binding_path(&self, index: u32) -> Vec<u8> {
        let mut path = Vec::new();
        for key in self.keys_of(index as usize) {
            path.extend_from_slice(&(key.len() as u64).to_le_bytes());
            path.extend_from_slice(key);
        }
        path
    }

    /// The plain text with the spellings of a record, as far as they say what was decrypted; `None` if none does.
    pub(super) fn spelled(&self, opened: &OpenedItems, record: &[u8]) -> Option<(Zeroizing<String>, Outline)> {
        let is_value = |item: &Opened| matches!(item, Opened::Text(_) | Opened::Scalar(..));
        let values = (0..).zip(&opened.items).filter(|(_, o)| is_value(o)).map(|(index, _)| index);
        let anchors = self.anchors(values);
        let path = |anchor: usize| anchors.items.get(anchor).map_or(Vec::new(), |index| self.binding_path(*index));
        let is_char_boundary = |at: u32| self.source.is_char_boundary(at as usize);
        let fits = |patch: &Patch<'_>| {
            let Span { start, end } = patch.span;
            is_char_boundary(start) && is_char_boundary(end) && self.is_beside_metadata(patch.span)
        };
        let mut patches = spelling::decode(record, &anchors.spans, path)?;
        patches.retain(fits);
        self.read_spelled(opened, &patches).or_else(|| {
            let mut readings = MAX_READINGS;
            self.read_spelled(opened, &self.fitting(opened, &patches, &mut readings))
        })
    }

    /// The patches that fit, each half of them on its own.
    fn fitting<'p>(&self, opened: &OpenedItems, patches: &[Patch<'p>], readings: &mut usize) -> Vec<Patch<'p>> {
        if patches.is_empty() || *readings == 0 {
            return Vec::new();
        }
        *readings -= 1;
        if self.read_spelled(opened, patches).is_some() {
            return patches.to_vec();
        }
        let (first, second) = patches.split_at(patches.len() / 2);
        if first.is_empty() {
            return Vec::new();
        }
        let mut fitting = self.fitting(opened, first, readings);
        fitting.extend(self.fitting(opened, second, readings));
        fitting
    }

    /// The plain text with these patches, if every value reads back with its path, type and text, and every comment.
    fn read_spelled(&self, opened: &OpenedItems, patches: &[Patch<'_>]) -> Option<(Zeroizing<String>, Outline)> {
        if patches.is_empty() {
            return None;
        }
        let (text, outline) = self.plain_text(opened, patches).ok()?;
        let texts = outline.texts(&text);
        let found = shape(&text, &outline, self, &[], |index| match &outline.items[index].node {
            Node::Comment { text, .. } => Some(text.bytes(texts)),
            _ => None,
        });
        let wanted = shape(&self.source, &self.outline, self, &self.branches, |index| {
            match (&opened.items[index], &self.outline.items[index].node) {
                (Opened::Comment(range) | Opened::Element(range), _) => Some(&opened.plain[range.range()]),
                (_, Node::Comment { text, .. }) => Some(text.bytes(self.texts())),
                _ => None,
            }
        });
        (found == wanted).then_some((text, outline))
    }
}

/// A digest of the paths of all values, in order, that nobody can meet with other paths, and one of all comments, whatever
/// their order: no comment is authenticated.
fn shape<'a>(
    source: &str,
    outline: &Outline,
    file: &EncryptedDocument,
    branches: &[u32],
    comment: impl Fn(usize) -> Option<&'a [u8]>,
) -> ([u8; 32], u64) {
    let (mut paths, mut comments) = (Sha256::new(), 0_u64);
    let walker = Walker::new(source, outline, file.selector());
    let _infallible: Result<(), ()> = walker.run(
        branches,
        |_| false,
        |step| {
            match comment(step.index) {
                // Where a comment stands decides whether the blanks behind it are its own, and whether an empty one counts.
                Some(text) if text.trim_ascii().is_empty() => {}
                Some(text) => comments = comments.wrapping_add(fast_digest(text.trim_ascii())),
                None => {
                    paths.update((step.aad.len() as u64).to_le_bytes());
                    paths.update(step.aad);
                }
            }
            Ok(())
        },
    );
    (paths.finalize().into(), comments)
}
