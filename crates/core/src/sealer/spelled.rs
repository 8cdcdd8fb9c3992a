//! Whether opening gives back the very text that was sealed, and the record of spellings where it does not.

use super::laid_out::LaidOut;
use super::{Pass, Sealer, Written};
use crate::document::{EncryptedDocument, OpenedItems, PlainDocument};
use crate::error::Error;
use crate::format::Format;
use crate::format::yaml::layout;
use crate::format::yaml::open::Opened;
use crate::format::yaml::seal::{self, float_spelling};
use crate::metadata::Metadata;
use crate::outline::{Item, NONE, Node, Outline, Scalar, Span, Style};
use crate::spelling::{self, Patch, compose};
use crate::splice::{Change, Edits};

/// The kind of objects whose schema forbids unknown members among the metadata.
const STRICT_KIND: &[u8] = b"SopsSecret";

/// Whether the text of a scalar surely comes back: an ordinary word or number, as any writer would write it.
pub(super) fn comes_back(item: &Item, scalar: &Scalar, source: &str) -> bool {
    if item.extra != NONE || seal::needs_space(source, item.span) {
        return false;
    }
    let text = &source.as_bytes()[item.span.range()];
    match scalar {
        Scalar::Null => true,
        Scalar::Bool(_) => matches!(text, b"true" | b"false"),
        Scalar::Int(_) => {
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            digits.iter().all(u8::is_ascii_digit) && (text == b"0" || digits.first().is_some_and(|d| *d != b'0'))
        }
        Scalar::Float(_) | Scalar::Time(_) => false,
        Scalar::Str(value) => {
            let Some(span) = value.span() else { return false };
            let word = &source.as_bytes()[span.range()];
            let is_tame = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b'+' | b'=');
            let place = match item.style {
                // No word of more than five letters means anything.
                Style::Plain => {
                    let is_word = word.len() > 5 && word[0].is_ascii_alphabetic() && !item.in_flow;
                    is_word.then_some(item.span)
                }
                Style::Single | Style::Double => Some(Span { start: item.span.start + 1, end: item.span.end - 1 }),
                Style::Literal | Style::Folded => None,
            };
            place == Some(span) && word.iter().all(is_tame)
        }
    }
}

/// Whether the metadata will stand where something has to give way: a document without a mapping, or a literal that no line
/// break ends.
pub(super) fn is_odd(plain: &PlainDocument) -> bool {
    let outline = plain.outline();
    let is_open = !outline.blocks.is_empty() && !plain.source().ends_with(['\n', '\r']);
    is_open || plain.format() == Format::Yaml && outline.documents.iter().any(|d| d.empty_root)
}

impl Sealer {
    /// The text of the file with the record of spellings, if it needs one.
    pub(super) fn spelled(
        &self,
        plain: &PlainDocument,
        laid_out: &LaidOut<'_>,
        pass: &Pass,
        written: Written,
        metadata: Metadata,
    ) -> Result<String, Error> {
        let Written { text, outline, branches, changes } = written;
        let old = metadata.write();
        let mut file = EncryptedDocument::of_parts(plain, text, outline, branches, metadata, self.selector.clone());
        let opened = imagined(&file, laid_out, pass, &changes);
        let (back, opening) = file.opening_edits(&opened)?.finish_with_changes()?;
        let Some(record) = record(plain, &file, laid_out, &opened, &changes, &back, &opening) else {
            return Ok(file.into_source());
        };
        file.seal_spelling(&record, &self.cipher);
        let new = file.metadata().write();
        let mut edits = Edits::new(file.source(), file.source().len() + record.len() * 4 / 3 + 1024, 1);
        match plain.format().syntax() {
            Some(syntax) => syntax.replace_metadata(file.existing(&old), &new, &mut edits),
            None => file.replace_first_branch(&old, &new, &mut edits),
        }
        let text = edits.finish()?;
        self.check(laid_out, pass, &text)?;
        Ok(text)
    }

    /// Whether a record may be written into this text.
    pub(super) fn may_spell(&self, plain: &PlainDocument) -> bool {
        let (outline, texts) = (plain.outline(), plain.texts());
        let is_strict = |index: u32| {
            let item = &outline.items[index as usize];
            let text = |bytes: &Scalar| matches!(bytes, Scalar::Str(text) if text.bytes(texts) == STRICT_KIND);
            item.key().is_some_and(|k| k.bytes(texts) == b"kind") && matches!(&item.node, Node::Leaf(s) if text(s))
        };
        self.spelling && !outline.documents.iter().any(|d| layout::top_level(outline, d.root).any(is_strict))
    }
}

/// What opening the file would find, without opening it.
fn imagined(file: &EncryptedDocument, laid_out: &LaidOut<'_>, pass: &Pass, changes: &[Change]) -> OpenedItems {
    let (outline, intended) = (file.outline(), &*laid_out.outline);
    let texts = intended.texts(&laid_out.source);
    let mut opened = OpenedItems::new(outline.items.len(), laid_out.source.len());
    let mut leaves = laid_out.leaves();
    let comments = Comments::new(intended);
    let mut index = 0;
    while index < outline.items.len() {
        let item = &outline.items[index];
        if file.branches().contains(&(index as u32)) {
            index = item.end as usize;
            continue;
        }
        let from = opened.plain.len();
        match &item.node {
            Node::Leaf(_) => {
                let Some(at) = leaves.next().filter(|at| pass.seals[*at].is_sealed()) else {
                    index += 1;
                    continue;
                };
                let source = &intended.items[at];
                let Node::Leaf(scalar) = &source.node else { break };
                let value = scalar.value(texts);
                match float_spelling(source, intended.extra(source), &value, &laid_out.source) {
                    Some(spelling) => opened.plain.extend_from_slice(spelling),
                    None => value.write_canonical(&mut opened.plain),
                }
                let range = Span::new(from, opened.plain.len());
                opened.items[index] = match scalar {
                    Scalar::Str(_) => Opened::Text(range),
                    scalar => Opened::Scalar(scalar.clone(), range),
                };
            }
            Node::Comment { .. } => {
                let inside = |c: &&Change| c.result.start >= item.span.start && c.result.end <= item.span.end;
                let first = changes.partition_point(|c| c.result.start < item.span.start);
                let change = changes.get(first).filter(inside);
                let at = change.and_then(|c| comments.at(intended, c.source.start));
                if let Some(Node::Comment { text, .. }) = at.map(|at| &intended.items[at].node) {
                    opened.plain.extend_from_slice(text.bytes(texts));
                    opened.items[index] = Opened::Comment(Span::new(from, opened.plain.len()));
                }
            }
            Node::Map | Node::List => {}
        }
        index += 1;
    }
    opened
}

/// The comments of a text by their place.
struct Comments(Vec<usize>);

impl Comments {
    fn new(outline: &Outline) -> Comments {
        let is_comment = |i: &usize| {
            let item = &outline.items[*i];
            matches!(item.node, Node::Comment { .. }) && !outline.is_copy(item)
        };
        let mut places: Vec<usize> = (0..outline.items.len()).filter(is_comment).collect();
        places.sort_by_key(|i| outline.items[*i].span.start);
        Comments(places)
    }

    fn at(&self, outline: &Outline, place: u32) -> Option<usize> {
        let behind = self.0.partition_point(|i| outline.items[*i].span.start <= place);
        self.0.get(behind.checked_sub(1)?).copied().filter(|i| outline.items[*i].span.end >= place)
    }
}

/// The record of what opening would not give back; `None` if there is nothing, or nothing to name it by.
fn record(
    plain: &PlainDocument,
    file: &EncryptedDocument,
    laid_out: &LaidOut<'_>,
    opened: &OpenedItems,
    changes: &[Change],
    back: &str,
    opening: &[Change],
) -> Option<Vec<u8>> {
    let source = plain.source();
    if back == source {
        return None;
    }
    let sealing: Vec<Change> = match laid_out.changes.is_empty() {
        true => changes.to_vec(),
        false => {
            let hunks = compose(&laid_out.changes, changes);
            hunks.iter().map(|h| Change { source: h.source, result: h.result }).collect()
        }
    };
    let patches: Vec<Patch<'_>> = compose(&sealing, opening)
        .iter()
        .filter(|h| file.is_beside_metadata(h.middle))
        .filter_map(|h| Some((h, source.get(h.source.range())?)))
        .filter(|(h, text)| back.get(h.result.range()) != Some(text))
        .map(|(h, text)| Patch { span: h.middle, text })
        .collect();
    if patches.is_empty() {
        return None;
    }
    let anchors = file.anchors(opened);
    let path = |anchor: usize| anchors.items.get(anchor).map_or(Vec::new(), |index| file.binding_path(*index));
    spelling::encode(&patches, &anchors.spans, path)
}
