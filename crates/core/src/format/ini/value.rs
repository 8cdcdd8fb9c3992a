//! Values and comments into the places of tokens, and back.
//!
//! The quotes around a token are those of its value, and a token without quotes says nothing: its value is written as the
//! reference prints it. No form has escapes, so whatever is written is read again before it goes into the text.

use super::metadata::{content_start, line_ending};
use super::scan::{BARE, FOLD, Scanner, TRIPLE, bare_token, folded_token, is_bare, pieces, text_start};
use super::tree::comment_line;
use crate::error::Error;
use crate::format::flat::cannot_carry;
use crate::format::syntax::Source;
use crate::outline::{Item, Node, Span, Style};
use crate::splice::Edits;
use crate::value::Value;
use zeroize::Zeroizing;

/// A text that is zeroed when dropped.
pub(super) type Secret = Zeroizing<String>;

/// Puts a token into the place of a leaf's or a comment's text.
pub(super) fn write_token(
    source: Source<'_>,
    index: usize,
    edits: &mut Edits<'_>,
    token: &mut dyn FnMut(&mut Vec<u8>),
) {
    let Some(item) = source.outline.items.get(index) else { return };
    match (&item.node, item.key(), item.style) {
        (Node::Comment { .. }, None, _) => seal_comment(source, index, edits, token),
        (Node::Comment { .. }, Some(_), _) => edits.replace(item.span, |out| token(out)),
        (_, _, Style::Folded) => seal_folded(source.text, item, edits, token),
        _ => {
            let inner = inner(source.text, item);
            let is_multi_line = source.text[inner.range()].contains('\n');
            let line = source.text[item.span.end as usize..].split('\n').next().unwrap_or("");
            edits.replace(inner, |out| {
                token(out);
                // What follows the quote is a comment only behind a value of several lines. Readers ignore the second one.
                out.extend((is_multi_line && !line.trim().is_empty()).then_some(b'\n'));
                let has_backtick = item.style == Style::Plain && source.text[inner.range()].contains(BARE);
                out.extend_from_slice(if has_backtick { BARE } else { "" }.as_bytes());
            });
        }
    }
}

/// The value without its quotes.
fn inner(text: &str, item: &Item) -> Span {
    let quote = match item.style {
        Style::Single | Style::Double => 1,
        Style::Literal => literal_quote(text, item.span).len() as u32,
        _ => 0,
    };
    Span { start: item.span.start + quote, end: item.span.end - quote }
}

fn literal_quote(text: &str, span: Span) -> &'static str {
    if text[span.range()].starts_with('`') { "`" } else { TRIPLE }
}

/// The pieces of a value with continuation lines, and whether the last has a backslash too.
fn folds(text: &str, span: Span) -> (Vec<Span>, bool) {
    let mut pieces = Vec::new();
    let mut start = span.start as usize;
    let mut goes_on = false;
    for line in text[span.range()].split('\n') {
        let content = line.trim();
        let at = start + line.len() - line.trim_start().len();
        goes_on = content.ends_with('\\');
        pieces.push(Span::new(at, at + content.len() - usize::from(goes_on)));
        start += line.len() + 1;
    }
    (pieces, goes_on)
}

fn seal_folded(text: &str, item: &Item, edits: &mut Edits<'_>, token: &mut dyn FnMut(&mut Vec<u8>)) {
    let (pieces, goes_on) = folds(text, item.span);
    let last = pieces.len() - 1;
    for (position, piece) in pieces.iter().enumerate() {
        edits.replace(*piece, |out| match position {
            0 => {
                token(out);
                for (position, piece) in pieces[..last].iter().enumerate() {
                    out.push(if position == 0 { b' ' } else { b',' });
                    out.extend_from_slice(piece.len().to_string().as_bytes());
                }
            }
            _ if position == last && !goes_on => out.extend_from_slice(FOLD.as_bytes()),
            _ => {}
        });
    }
}

fn seal_comment(source: Source<'_>, index: usize, edits: &mut Edits<'_>, token: &mut dyn FnMut(&mut Vec<u8>)) {
    let text = source.text;
    let pieces = pieces(source.outline, index);
    if let ([piece], Some(header)) = (&pieces[..], header_line(source, index)) {
        // The last `]` of the line ends the name of the section, so no token can stand there: it gets a line above.
        let start = text_start(text, *piece);
        edits.replace(Span { start: header, end: header }, |out| {
            out.extend_from_slice(&text.as_bytes()[piece.start as usize..start as usize]);
            token(out);
            out.extend_from_slice(line_ending(text).as_bytes());
        });
        edits.replace(Span { start: piece.start + 1, end: piece.end }, |_| ());
        return;
    }
    for (position, piece) in pieces.into_iter().enumerate() {
        if position == 0 {
            let start = text_start(text, piece);
            edits.replace(Span { start, end: piece.end }, |out| {
                out.extend(is_bare(text, piece).then_some(b' '));
                token(out);
            });
        } else if !is_bare(text, piece) {
            edits.replace(Span { start: piece.start + 1, end: piece.end }, |_| ());
        }
    }
}

/// Where the line of a section's header starts, if the last line of the comment stands behind it.
fn header_line(source: Source<'_>, index: usize) -> Option<u32> {
    let section = source.outline.items.get(index)?.parent as usize;
    if index != section + 1 {
        return None;
    }
    let section = source.outline.items.get(section)?.span;
    let last = pieces(source.outline, index).last().copied()?;
    let between = source.text.get(section.start as usize..last.start as usize)?;
    let is_header = between.starts_with('[') && !between.contains('\n');
    let above = &source.text[..section.start as usize];
    is_header.then(|| above.rfind('\n').map_or(content_start(above), |at| at + 1) as u32)
}

/// Replaces a leaf by a value.
///
/// # Errors
/// [`Error::Tree`] for a value that INI cannot carry.
pub(super) fn write_value(
    source: Source<'_>,
    index: usize,
    value: &Value<'_>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let texts = source.outline.texts(source.text);
    let refuse = |problem: &str| Err(cannot_carry(texts, source.text, source.outline, index, problem));
    let Some(item) = source.outline.items.get(index) else { return refuse("no such item") };
    let text = match text_of(value) {
        Ok(text) => text,
        Err(problem) => return refuse(problem),
    };
    // Only what follows on this line and the next can change how a value is read.
    let behind = &source.text[item.span.end as usize..];
    let context: usize = behind.split_inclusive('\n').take(2).map(str::len).sum();
    let context = &behind[..context];
    let own = match item.style {
        Style::Single => Some(quoted("'", &text)),
        Style::Double => Some(quoted("\"", &text)),
        Style::Literal => Some(quoted(literal_quote(source.text, item.span), &text)),
        Style::Folded => unfolded(source.text, item, &text),
        Style::Plain => bare_token(source.text, item.span).map(|_| quoted("", &text)),
    };
    match own.filter(|own| reads_back(own, context, &text)).or_else(|| spelled(&text, context)) {
        Some(written) => {
            edits.replace(item.span, |out| out.extend_from_slice(written.as_bytes()));
            Ok(())
        }
        None => refuse(CANNOT),
    }
}

pub(super) const CANNOT: &str =
    "INI has no way to write this value (a closing quote, a comment sign or a backslash inside it is in the way)";

/// The text of a value that may stand in an INI file.
pub(super) fn text_of(value: &Value<'_>) -> Result<Secret, &'static str> {
    let Some(text) = value.text() else { return Err("INI has no null; remove the entry or make it a text") };
    match std::str::from_utf8(&text) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err("the value is not UTF-8; use the binary format for it"),
    }
}

fn quoted(quote: &str, text: &str) -> Secret {
    let mut out = Zeroizing::new(String::with_capacity(text.len() + 6));
    out.push_str(quote);
    out.push_str(text);
    out.push_str(quote);
    out
}

/// A value as the reference writes it; where that would be read as another one, in any form that is not.
pub(super) fn spelled(text: &str, context: &str) -> Option<Secret> {
    let first = if text.contains(['\n', '`']) {
        TRIPLE
    } else if text.contains(['#', ';']) {
        "`"
    } else if text.trim() != text {
        "\""
    } else {
        ""
    };
    let mut forms = [first, "", "\"", "`", TRIPLE, "'"].into_iter().map(|quote| quoted(quote, text));
    forms.find(|form| reads_back(form, context, text))
}

/// Whether a spelling, with what follows it, is read as the value and nothing more.
fn reads_back(written: &str, context: &str, wanted: &str) -> bool {
    let mut text = Zeroizing::new(String::with_capacity(written.len() + context.len()));
    text.push_str(written);
    text.push_str(context);
    let mut scanner = Scanner::new(&text);
    let line = scanner.line().unwrap_or_default();
    let Some(value) = scanner.value(line) else { return false };
    let mut rest = wanted;
    let is_wanted = value.pieces.iter().all(|piece| match rest.strip_prefix(&text[piece.range()]) {
        Some(tail) => {
            rest = tail;
            true
        }
        None => false,
    });
    // An empty value stands where its place is.
    let is_whole = value.span.end as usize == written.len() || (written.is_empty() && value.span.is_empty());
    is_wanted && rest.is_empty() && is_whole
}

/// A value in the lines that its token kept.
fn unfolded(source: &str, item: &Item, text: &str) -> Option<Secret> {
    let (pieces, _) = folds(source, item.span);
    let mut lengths = match pieces.len() {
        1 => Vec::new(),
        _ => folded_token(source, &pieces)?.1,
    };
    lengths.push(text.len().checked_sub(lengths.iter().try_fold(0usize, |sum, length| sum.checked_add(*length))?)?);
    let mut out = Zeroizing::new(String::with_capacity(item.span.len() + text.len()));
    let (mut at, mut from) = (item.span.start as usize, 0);
    for (piece, length) in pieces.iter().zip(lengths) {
        out.push_str(source.get(at..piece.start as usize)?);
        out.push_str(text.get(from..from + length)?);
        (at, from) = (piece.end as usize, from + length);
    }
    out.push_str(source.get(at..item.span.end as usize)?);
    Some(out)
}

/// Replaces a comment's text, line by line where it has as many as there are.
pub(super) fn write_comment(source: Source<'_>, index: usize, text: &[u8], edits: &mut Edits<'_>) {
    let Some(item) = source.outline.items.get(index) else { return };
    if item.key().is_some() {
        return edits.replace(item.span, |out| out.extend_from_slice(text));
    }
    let text = String::from_utf8_lossy(text);
    let pieces = pieces(source.outline, index);
    let lines: Vec<&str> = text.split('\n').collect();
    let first = item.span;
    let start = text_start(source.text, first);
    let prefix_end = first.start + source.text[first.start as usize..start as usize].trim_end().len() as u32;
    let bare = pieces.len().saturating_sub(lines.len());
    if bare > 0 && text.starts_with(['#', ';']) {
        // The text begins below lines without any.
        edits.replace(Span { start: prefix_end, end: first.end }, |_| ());
        for (piece, line) in pieces.iter().skip(bare).zip(lines) {
            edits.replace(*piece, |out| line_of_comment(line.trim_end(), out));
        }
        return;
    }
    if let ([token, tail], [line], Some(header)) = (&pieces[..], &lines[..], header_line(source, index)) {
        // Back from the line above the header.
        edits.replace(Span { start: token.start, end: header.max(token.end) }, |_| ());
        edits.replace(*tail, |out| {
            out.extend_from_slice(&source.text.as_bytes()[token.start as usize..start as usize]);
            out.extend_from_slice(line.as_bytes());
        });
        return;
    }
    let is_block = lines.len() > pieces.len();
    let head = lines.first().copied().unwrap_or("");
    let from = if head.trim().is_empty() { prefix_end } else { start };
    edits.replace(Span { start: from, end: first.end }, |out| {
        let is_last = pieces.len() == 1 && !is_block;
        out.extend_from_slice(if is_last { head } else { head.trim_end() }.as_bytes());
        if is_block {
            further_lines(source.text, first, &lines[1..], out);
        }
    });
    if !is_block {
        for (piece, line) in pieces.iter().zip(lines).skip(1) {
            edits.replace(*piece, |out| line_of_comment(line.trim_end(), out));
        }
    }
}

fn line_of_comment(line: &str, out: &mut Vec<u8>) {
    if !line.starts_with(['#', ';']) {
        out.extend_from_slice(if line.is_empty() { b";" } else { b"; " });
    }
    out.extend_from_slice(line.as_bytes());
}

/// The lines of a comment that had one line in the encrypted text, as the reference writes them. A comment behind a value
/// has to stay on its line.
fn further_lines(source: &str, first: Span, lines: &[&str], out: &mut Vec<u8>) {
    let line = source[..first.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let indent = &source[line..first.start as usize];
    let is_alone = indent.trim_start_matches('\u{FEFF}').trim().is_empty();
    let newline = line_ending(source);
    for line in lines {
        match is_alone {
            true => {
                out.extend_from_slice(newline.as_bytes());
                out.extend_from_slice(indent.trim_start_matches('\u{FEFF}').as_bytes());
                comment_line(line, out);
            }
            false => {
                out.push(b' ');
                out.extend_from_slice(line.as_bytes());
            }
        }
    }
}
