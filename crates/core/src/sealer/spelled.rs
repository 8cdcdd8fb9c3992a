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
use std::borrow::Cow;

/// The kind of objects whose schema forbids unknown members among the metadata.
const STRICT_KIND: &[u8] = b"SopsSecret";

/// What stands for the record until it is known.
const PLACEHOLDER: &str = "ENC[AES256_GCM,data:,iv:,tag:,type:str]";

/// Whether the text of a scalar surely comes back: an ordinary word, number or literal, as any writer would write it.
pub(super) fn comes_back(item: &Item, scalar: &Scalar, laid_out: &LaidOut<'_>) -> bool {
    let (source, is_yaml) = (&*laid_out.source, laid_out.format == Format::Yaml);
    if item.extra != NONE {
        return is_yaml && is_ordinary_literal(item, laid_out);
    }
    let text = &source.as_bytes()[item.span.range()];
    if is_yaml && item.style == Style::Plain && seal::needs_space(source, item.span) {
        return false;
    }
    match scalar {
        Scalar::Null => true,
        Scalar::Bool(_) => matches!(text, b"true" | b"false"),
        Scalar::Int(_) => {
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            digits.iter().all(u8::is_ascii_digit) && (text == b"0" || digits.first().is_some_and(|d| *d != b'0'))
        }
        // In YAML a token carries the spelling of a decimal.
        Scalar::Float(_) => is_yaml && item.style == Style::Plain && seal::is_decimal(text),
        Scalar::Time(_) => false,
        Scalar::Str(value) => {
            let inside = Span { start: item.span.start + 1, end: item.span.end.saturating_sub(1) };
            match item.style {
                // No word of more than five letters means anything.
                Style::Plain => {
                    let is_word = text.len() > 5 && text[0].is_ascii_alphabetic() && !item.in_flow;
                    is_word && value.span() == Some(item.span) && text.iter().all(|b| is_tame(*b))
                }
                Style::Double if is_yaml || laid_out.format == Format::Json => {
                    value.span() == Some(inside) && text[1..text.len() - 1].iter().all(|b| is_tame(*b))
                }
                Style::Single if is_yaml => text.iter().all(|b| is_tame(*b) || *b == b'\''),
                _ => false,
            }
        }
    }
}

/// Bytes that no writer quotes or escapes.
fn is_tame(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'+' | b'=')
}

/// Whether a literal is written as every writer writes it: no digit, no blank line, one line break at its end.
fn is_ordinary_literal(item: &Item, laid_out: &LaidOut<'_>) -> bool {
    let extra = laid_out.outline.extra(item);
    let Some(block) = laid_out.outline.block(item).filter(|_| item.style == Style::Literal) else { return false };
    let text = &laid_out.source.as_bytes()[block.content.range()];
    let mut lines = text.split(|b| *b == b'\n');
    let indent = block.indent as usize;
    let is_line =
        |line: &[u8]| line.len() > indent && !line[indent..].trim_ascii().is_empty() && !line.ends_with(b"\r");
    let starts_at_indent = |line: &[u8]| line.get(indent).is_some_and(|b| !matches!(b, b' ' | b'\t'));
    (extra.tag_span.is_empty() && extra.alias == NONE && block.digit == 0 && block.chomp <= 0)
        && text.ends_with(b"\n")
        && lines.next_back() == Some(b"")
        && lines.clone().next().is_some_and(starts_at_indent)
        && lines.all(is_line)
        && text.is_ascii()
}

/// Whether a scalar that is not ordinary will most likely need the record; a wrong guess costs time, nothing else.
pub(super) fn needs_record(item: &Item, scalar: &Scalar, source: &str) -> bool {
    let text = &source[item.span.range()];
    match (scalar, item.style) {
        (Scalar::Str(_), Style::Literal) => false,
        (Scalar::Str(_), Style::Folded) => true,
        (Scalar::Str(_), Style::Double) => text.contains(['\\', '\n']),
        (Scalar::Str(value), Style::Single | Style::Plain) => value.span().is_none() && text.contains('\n'),
        (Scalar::Null, _) => false,
        _ => true,
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
        let is_expected = !metadata.spelling.is_empty();
        let mut file = EncryptedDocument::of_parts(plain, text, outline, branches, metadata, self.selector.clone());
        let record = record(plain, &file, laid_out, pass, changes)?;
        if record.is_none() && !is_expected {
            return Ok(file.into_source());
        }
        file.seal_spelling(record.as_deref(), &self.cipher);
        if let Some(place) = placeholder(&file).filter(|_| record.is_some()) {
            // A token for a token on the same line: nothing else can read differently.
            let token = file.metadata().spelling.clone();
            let mut text = file.into_source();
            text.replace_range(place.range(), &token);
            return Ok(text);
        }
        let new = file.metadata().write();
        let size = file.source().len() + file.metadata().spelling.len() + 1024;
        let mut edits = Edits::new(file.source(), size, 1);
        match plain.format().syntax() {
            Some(syntax) => syntax.replace_metadata(file.existing(&old), &new, &mut edits),
            None => file.replace_first_branch(&old, &new, &mut edits),
        }
        let text = edits.finish()?;
        self.check(laid_out, pass, &text)?;
        Ok(text)
    }

    /// What stands in the metadata for a record that will most likely be needed.
    pub(super) fn expected_record(&self, plain: &PlainDocument, pass: &Pass) -> String {
        match plain.format() == Format::Yaml && pass.needs_record && self.may_spell(plain) {
            true => PLACEHOLDER.to_owned(),
            false => String::new(),
        }
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

/// Where the placeholder of the record stands.
fn placeholder(file: &EncryptedDocument) -> Option<Span> {
    let (source, outline) = (file.source(), file.outline());
    let is_field = |index: &u32| {
        let key = outline.items[*index as usize].key();
        key.is_some_and(|key| key.bytes(outline.texts(source)) == b"spelling")
    };
    let field = layout::top_level(outline, *file.branches().first()?).find(is_field)?;
    let span = outline.items[field as usize].span;
    let at = source[span.range()].find(PLACEHOLDER)? + span.start as usize;
    Some(Span::new(at, at + PLACEHOLDER.len()))
}

/// What opening the file would find, without opening it.
struct Imagined {
    /// Values and comments whose text may not come back; the others are left as they are.
    opened: OpenedItems,
    /// The items of all encrypted values.
    values: Vec<u32>,
    /// Where tokens begin whose texts surely come back.
    settled: Vec<u32>,
}

fn imagined(file: &EncryptedDocument, laid_out: &LaidOut<'_>, pass: &Pass, changes: &[Change]) -> Imagined {
    let (outline, intended) = (file.outline(), &*laid_out.outline);
    let texts = intended.texts(&laid_out.source);
    let mut opened = OpenedItems::new(outline.items.len(), 0);
    let (mut values, mut settled) = (Vec::new(), Vec::new());
    let mut leaves = laid_out.leaves();
    let comments = Comments::new(intended, file.format());
    let mut index = 0;
    while index < outline.items.len() {
        let item = &outline.items[index];
        if file.branches().binary_search(&(index as u32)).is_ok() {
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
                values.push(index as u32);
                let source = &intended.items[at];
                let Node::Leaf(scalar) = &source.node else { break };
                if comes_back(source, scalar, laid_out) {
                    let start = match outline.block(item) {
                        Some(block) => block.content.start,
                        None if outline.is_marked(item, file.source()) => outline.extra(item).tag_span.start,
                        None => item.span.start,
                    };
                    settled.push(start);
                    index += 1;
                    continue;
                }
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
            Node::Comment { .. } if file.format() == Format::Yaml => settled.push(item.span.start + 1),
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
    settled.sort_unstable();
    Imagined { opened, values, settled }
}

/// The comments of a text by their place.
struct Comments(Vec<usize>);

impl Comments {
    fn new(outline: &Outline, format: Format) -> Comments {
        if format == Format::Yaml {
            return Comments(Vec::new());
        }
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
    pass: &Pass,
    changes: Vec<Change>,
) -> Result<Option<Vec<u8>>, Error> {
    let source = plain.source();
    let Imagined { opened, values, settled } = imagined(file, laid_out, pass, &changes);
    let sealing: Vec<Change> = match laid_out.changes.is_empty() {
        true => changes,
        false => {
            let hunks = compose(&laid_out.changes, &changes);
            hunks.iter().map(|h| Change { source: h.source, result: h.result }).collect()
        }
    };
    let mut edits = file.edit_opening(&opened, Edits::apart(file.source(), opened.items.len() / 8))?;
    let pieces: Vec<(Span, &[u8])> = edits.pieces().collect();
    // Where the result lies does not matter here.
    let opening: Vec<Change> = pieces.iter().map(|(span, _)| Change { source: *span, result: *span }).collect();
    let mut patches = Vec::new();
    for hunk in compose(&sealing, &opening) {
        let is_settled = hunk.second.0 == hunk.second.1 && settled.binary_search(&hunk.middle.start).is_ok();
        if is_settled || !file.is_beside_metadata(hunk.middle) {
            continue;
        }
        let Some(text) = source.get(hunk.source.range()) else { continue };
        if written(file.source(), hunk.middle, &pieces[hunk.second.0..hunk.second.1]) != text.as_bytes() {
            patches.push(Patch { span: hunk.middle, text });
        }
    }
    if patches.is_empty() {
        return Ok(None);
    }
    let anchors = file.anchors(values.into_iter());
    let path = |anchor: usize| anchors.items.get(anchor).map_or(Vec::new(), |index| file.binding_path(*index));
    Ok(spelling::encode(&patches, &anchors.spans, path))
}

/// What a part of a text becomes.
fn written<'p>(text: &'p str, part: Span, pieces: &[(Span, &'p [u8])]) -> Cow<'p, [u8]> {
    if let [(span, piece)] = pieces
        && *span == part
    {
        return Cow::Borrowed(piece);
    }
    let (bytes, mut at, mut out) = (text.as_bytes(), part.start, Vec::new());
    for (span, piece) in pieces {
        out.extend_from_slice(&bytes[at as usize..span.start.max(at) as usize]);
        out.extend_from_slice(piece);
        at = span.end;
    }
    out.extend_from_slice(&bytes[at as usize..part.end.max(at) as usize]);
    Cow::Owned(out)
}
