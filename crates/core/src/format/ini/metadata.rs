//! The section `[sops]`: where it goes, and how it leaves again without a trace.
//!
//! It is put behind the last line that is not blank, after a blank line, in the text's own line ending, and without a line
//! break of its own. So what stands behind it, be it nothing, goes on as before, and taking it out gives the very bytes
//! back. Newlines in a value are `\n`; the raw layout of two releases of the reference is read all the same.

use super::tree::{Entry, write_entries};
use super::value::spelled;
use crate::error::Error;
use crate::format::flat::{self, Field};
use crate::format::syntax::{Existing, Source};
use crate::outline::{Event, Node, Outline, Scalar, Span};
use crate::splice::Edits;
use std::borrow::Cow;
use std::collections::HashMap;

const NAME: &[u8] = b"sops";

/// The sections of a text, in order.
pub(super) fn sections(outline: &Outline) -> impl Iterator<Item = u32> {
    let items = outline.items.iter().enumerate().skip(1);
    items.filter(|(_, item)| item.parent == 0 && matches!(item.node, Node::Map)).map(|(index, _)| index as u32)
}

/// The keys of a section: index, name and value.
pub(super) fn leaves<'a>(source: Source<'a>, section: u32) -> impl Iterator<Item = (usize, &'a [u8], &'a [u8])> {
    let texts = source.outline.texts(source.text);
    let end = source.outline.items.get(section as usize).map_or(0, |item| item.end as usize);
    let items = source.outline.items.iter().enumerate().take(end).skip(section as usize + 1);
    items.filter_map(move |(index, item)| match (&item.node, item.key()) {
        (Node::Leaf(Scalar::Str(text)), Some(key)) => Some((index, key.bytes(texts), text.bytes(texts))),
        _ => None,
    })
}

/// The section with the metadata.
///
/// # Errors
/// [`Error::Metadata`] for two of them.
pub(super) fn items(source: Source<'_>) -> Result<Vec<u32>, Error> {
    let found: Vec<u32> = sections(source.outline).filter(|index| name(source, *index) == NAME).collect();
    match found.len() {
        0 | 1 => Ok(found),
        _ => Err(Error::Metadata { field: String::new(), reason: "Found duplicate sops entry".into() }),
    }
}

pub(super) fn name(source: Source<'_>, section: u32) -> &[u8] {
    let key = source.outline.items.get(section as usize).and_then(|item| item.key());
    key.map_or(b"", |key| key.bytes(source.outline.texts(source.text)))
}

/// The metadata as events.
///
/// # Errors
/// [`Error::NotEncrypted`] for a section without keys; [`Error::Metadata`] for names that do not fit together.
pub(super) fn read<'a>(source: Source<'a>, items: &[u32]) -> Result<Vec<Event<'a>>, Error> {
    let mut fields = Vec::new();
    for section in items {
        for (_, name, value) in leaves(source, *section) {
            fields.push((std::str::from_utf8(name).unwrap_or_default(), unescaped(value)));
        }
    }
    if fields.is_empty() {
        return Err(Error::NotEncrypted);
    }
    flat::unflatten(fields)
}

fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    if !flat::contains(value, b"\\n") {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, tail)) = rest.split_first() {
        let is_newline = *first == b'\\' && tail.first() == Some(&b'n');
        out.push(if is_newline { b'\n' } else { *first });
        rest = if is_newline { &tail[1..] } else { tail };
    }
    Cow::Owned(out)
}

fn escaped(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace('\n', "\\n")
}

/// The lines of the metadata, as the reference writes them.
pub(super) fn write(metadata: &[Event<'_>], newline: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"[sops]");
    let fields = flat::flatten(metadata);
    let entries = fields.into_iter().map(|Field { name, text }| {
        let text = escaped(&text);
        let value = spelled(&text, "").unwrap_or_else(|| text.into());
        Entry { name, value, comments: Vec::new() }
    });
    out.extend_from_slice(newline.as_bytes());
    write_entries(&entries.collect::<Vec<_>>(), newline, out);
    out.truncate(out.len() - newline.len());
}

/// What a text's lines end with.
pub(super) fn line_ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Where the text begins: behind its byte order mark.
pub(super) fn content_start(text: &str) -> usize {
    text.len() - text.strip_prefix('\u{FEFF}').unwrap_or(text).len()
}

/// Where the last line that is not blank ends, in front of its line break; the start if there is none.
pub(super) fn content_end(text: &str) -> usize {
    let start = content_start(text);
    let last = start + text[start..].trim_end().len();
    if last == start {
        return start;
    }
    let end = last + text[last..].find('\n').unwrap_or(text.len() - last);
    text[..end].trim_end_matches('\r').len()
}

/// Puts lines behind the end of a line, after a blank one, or in front of everything.
pub(super) fn put(text: &str, at: usize, block: &[u8], edits: &mut Edits<'_>) {
    let newline = line_ending(text).as_bytes();
    let start = content_start(text);
    edits.replace(Span::new(at, at), |out| {
        if at > start {
            out.extend_from_slice(newline);
            out.extend_from_slice(newline);
        }
        out.extend_from_slice(block);
        if at <= start {
            out.extend_from_slice(newline);
            if content_end(text) > start {
                out.extend_from_slice(newline);
            }
        }
    });
}

/// The text of the metadata: that of the old ones with other values, if the names are the same.
fn block(existing: Option<Existing<'_>>, metadata: &[Event<'_>], newline: &str) -> Vec<u8> {
    if let Some(existing) = existing
        && let Some(item) = existing.items.first().and_then(|index| existing.source.outline.items.get(*index as usize))
        && let Some(changes) = changes(existing, metadata)
    {
        let mut edits = Edits::within(existing.source.text, item.span);
        apply(existing, &changes, &mut edits);
        if let Ok(text) = edits.finish() {
            return text.into_bytes();
        }
    }
    let mut out = Vec::new();
    write(metadata, newline, &mut out);
    out
}

/// The values that differ, by item; `None` if the names do.
fn changes(existing: Existing<'_>, metadata: &[Event<'_>]) -> Option<Vec<(usize, Vec<u8>)>> {
    let fields = |events: &[Event<'_>]| -> HashMap<Vec<u8>, Vec<u8>> {
        flat::flatten(events).into_iter().map(|field| (field.name.into_bytes(), field.text)).collect()
    };
    let (old, new) = (fields(existing.events), fields(metadata));
    let mut changes = Vec::new();
    let mut count = 0;
    for section in existing.items {
        for (index, name, _) in leaves(existing.source, *section) {
            let text = new.get(name)?;
            count += 1;
            if old.get(name) != Some(text) {
                changes.push((index, text.clone()));
            }
        }
    }
    (count == new.len()).then_some(changes)
}

fn apply(existing: Existing<'_>, changes: &[(usize, Vec<u8>)], edits: &mut Edits<'_>) {
    for (index, text) in changes {
        if let Some(item) = existing.source.outline.items.get(*index) {
            let text = escaped(text);
            let written = spelled(&text, "").unwrap_or_else(|| text.into());
            edits.replace(item.span, |out| out.extend_from_slice(written.as_bytes()));
        }
    }
}

/// Puts the metadata into a plain text.
pub(super) fn insert(
    source: Source<'_>,
    metadata: &[Event<'_>],
    existing: Option<Existing<'_>>,
    edits: &mut Edits<'_>,
) {
    let block = block(existing, metadata, line_ending(source.text));
    let at = existing.and_then(|existing| place(source, existing)).unwrap_or_else(|| content_end(source.text));
    put(source.text, at, &block, edits);
}

/// Where the metadata go if they were not the last section; `None` for the end.
fn place(source: Source<'_>, existing: Existing<'_>) -> Option<usize> {
    let section = *existing.items.first()?;
    let all: Vec<u32> = sections(existing.source.outline).collect();
    let position = all.iter().position(|index| *index == section)?;
    if position + 1 == all.len() {
        return None;
    }
    let before = name(existing.source, *all.get(position.checked_sub(1)?)?);
    let nth = all[..position].iter().filter(|index| name(existing.source, **index) == before).count();
    let here = sections(source.outline).filter(|index| name(source, *index) == before).nth(nth - 1)?;
    source.outline.items.get(here as usize).map(|item| item.span.end as usize)
}

/// Exchanges the metadata.
pub(super) fn replace(existing: Existing<'_>, metadata: &[Event<'_>], edits: &mut Edits<'_>) {
    if let Some(changes) = changes(existing, metadata) {
        return apply(existing, &changes, edits);
    }
    let text = existing.source.text;
    if let Some(item) = existing.items.first().and_then(|index| existing.source.outline.items.get(*index as usize)) {
        let block = block(None, metadata, line_ending(text));
        edits.replace(item.span, |out| out.extend_from_slice(&block));
    }
}

/// Takes the metadata out.
pub(super) fn remove(source: Source<'_>, items: &[u32], edits: &mut Edits<'_>) {
    let text = source.text;
    for item in items.iter().filter_map(|index| source.outline.items.get(*index as usize)) {
        let start = content_start(text);
        let above = &text[start..item.span.start as usize];
        let blank = above.trim_end_matches([' ', '\t']);
        let above = if blank.is_empty() || blank.ends_with('\n') { blank } else { above };
        let span = if above.is_empty() {
            let behind = &text[item.span.end as usize..];
            let mut rest = without_break(behind, str::strip_prefix);
            if !rest.trim().is_empty() {
                rest = without_break(rest, str::strip_prefix);
            }
            Span::new(start, text.len() - rest.len())
        } else {
            let above = without_break(without_break(above, str::strip_suffix), str::strip_suffix);
            Span::new(start + above.len(), item.span.end as usize)
        };
        edits.replace(span, |_| ());
    }
}

fn without_break<'t>(text: &'t str, strip: fn(&'t str, &'static str) -> Option<&'t str>) -> &'t str {
    strip(text, "\r\n").or_else(|| strip(text, "\n")).unwrap_or(text)
}
