//! INI text → outline, as the reference reads it.
//!
//! compat: the rules are those of the reference's INI library as observed (format.md §8.3); they have no better
//! justification. What that library loses on reading stands in the outline all the same, because it must not stay clear
//! in an encrypted file: the earlier values of a repeated key and what follows a closing quote are dropped comments *with
//! a key* (judged and bound like that key's value), a comment at the end is one of the last section.

use crate::crypto::token;
use crate::error::Error;
use crate::format::flat::Builder;
use crate::outline::{Extra, NONE, Node, Outline, Span, Style, Tag, Text};
use crate::value::Kind;
use std::borrow::Cow;
use std::collections::HashMap;

pub(super) const TRIPLE: &str = "\"\"\"";
const MARK: char = '\u{FEFF}';

/// Reads a text.
pub(super) fn outline(text: &str) -> Result<Outline, Error> {
    let mut builder = Builder::new(text)?;
    let mut scanner = Scanner::new(text);
    scanner.next = if text.starts_with(MARK) { MARK.len_utf8() } else { 0 };
    let mut section = Section::new(Text::source(Span::default()), Span::new(scanner.next, scanner.next));
    section.is_implicit = true;
    let mut pending: Vec<Span> = Vec::new();
    while let Some(line) = scanner.line() {
        let fault = |problem: &str| {
            Err(Error::Syntax { line: line_number(text, line.start), column: 0, problem: problem.into() })
        };
        let span = trimmed(text, line);
        let content = &text[span.range()];
        if content.is_empty() {
            continue;
        }
        if content.starts_with(['#', ';']) {
            pending.push(span);
        } else if content.starts_with('[') {
            let Some(close) = content.rfind(']') else { return fault("unclosed section: expected ]") };
            if close == 1 {
                return fault("empty section name");
            }
            let name = Span::new(span.start as usize + 1, span.start as usize + close);
            if &text[name.range()] == "sops" {
                // What stands above the metadata belongs to what was there before them.
                section.dropped.extend((!pending.is_empty()).then(|| std::mem::take(&mut pending)));
            }
            section.close(text, &mut builder);
            section = Section::new(Text::source(name), span);
            let behind = Span { start: name.end + 1, end: span.end };
            pending.extend(tail(text, behind).map(|(_, tail)| tail));
            section.comment = std::mem::take(&mut pending);
        } else {
            let (key, behind) = match key(text, span, scanner.has_break(line)) {
                Ok(found) => found,
                Err(problem) => return fault(problem),
            };
            let Some(value) = scanner.value(Span { start: behind, end: line.end }) else {
                return fault("missing closing key quote: a value that starts with a quote does not end");
            };
            pending.extend(value.tail);
            section.content_end = scanner.content_end();
            let comment = std::mem::take(&mut pending);
            section.add(text, key, Entry { name: None, key, start: span.start, value, comment, shadows: Vec::new() });
        }
    }
    section.dropped.extend((!pending.is_empty()).then_some(pending));
    section.close(text, &mut builder);
    Ok(builder.finish())
}

fn line_number(text: &str, at: u32) -> u32 {
    text.as_bytes().iter().take(at as usize).filter(|b| **b == b'\n').count() as u32 + 1
}

fn trimmed(text: &str, span: Span) -> Span {
    let content = &text[span.range()];
    let start = span.start as usize + content.len() - content.trim_start().len();
    Span::new(start, start + content.trim().len())
}

/// Splits at the first comment marker: what stands in front of it and the comment, both trimmed.
fn tail(text: &str, span: Span) -> Option<(Span, Span)> {
    let at = span.start as usize + text[span.range()].find(['#', ';'])?;
    let (before, tail) = (Span { start: span.start, end: at as u32 }, Span { start: at as u32, end: span.end });
    Some((trimmed(text, before), trimmed(text, tail)))
}

/// The key of a trimmed line, and where its delimiter ends.
fn key(text: &str, line: Span, has_break: bool) -> Result<(Span, u32), &'static str> {
    let content = &text[line.range()];
    let quote = match content.as_bytes() {
        _ if content.starts_with(TRIPLE) && content.len() + usize::from(has_break) > 6 => TRIPLE,
        [b'"', ..] => "\"",
        [b'`', ..] => "`",
        _ => "",
    };
    let start = line.start as usize;
    let (name, from) = match quote {
        "" => (None, 0),
        quote => {
            let inner = &content[quote.len()..];
            let Some(close) = inner.find(quote) else { return Err("missing closing key quote") };
            // compat: blanks inside the quotes do not count either.
            let name = trimmed(text, Span::new(start + quote.len(), start + quote.len() + close));
            (Some(name), close + 2 * quote.len())
        }
    };
    let Some(delimiter) = content[from..].find(['=', ':']).map(|at| from + at) else {
        return Err("key-value delimiter not found: expected KEY = VALUE");
    };
    let name = name.unwrap_or_else(|| trimmed(text, Span::new(start, start + delimiter)));
    match name.is_empty() {
        true => Err("empty key name"),
        false => Ok((name, (start + delimiter + 1) as u32)),
    }
}

/// The key of a line, if it is one with a key.
pub(super) fn read_key(line: &str) -> Option<String> {
    let mut scanner = Scanner::new(line);
    let first = scanner.line()?;
    let span = trimmed(line, first);
    let content = &line[span.range()];
    if content.starts_with(['#', ';', '[']) || scanner.next != line.len() {
        return None;
    }
    let (name, _) = key(line, span, scanner.has_break(first)).ok()?;
    Some(line[name.range()].to_owned()).filter(|name| name != "-")
}

/// A value as it stands in the text.
pub(super) struct Value {
    /// The pieces of its text: several only for a value with continuation lines.
    pub pieces: Vec<Span>,
    /// Quotes included.
    pub span: Span,
    /// `Literal` for `"""` and backticks, `Folded` for continuation lines.
    pub style: Style,
    /// What follows a closing quote and is no comment.
    pub junk: Option<Span>,
    /// The comment behind it.
    pub tail: Option<Span>,
}

/// The lines of a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    next: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Scanner { text, next: 0 }
    }

    /// The next line, without its LF.
    pub fn line(&mut self) -> Option<Span> {
        let start = self.next;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let end = rest.find('\n').map_or(self.text.len(), |at| start + at);
        self.next = end + 1;
        Some(Span::new(start, end))
    }

    /// Where the lines that were read end, in front of the last line break.
    fn content_end(&self) -> usize {
        let end = self.next.saturating_sub(1).min(self.text.len());
        self.text[..end].trim_end_matches('\r').len()
    }

    fn has_break(&self, line: Span) -> bool {
        self.text.len() > line.end as usize
    }

    /// Reads the value that starts in `rest`, the rest of the line behind the delimiter, and the lines it goes on in.
    /// `None` for a quote that does not close.
    pub fn value(&mut self, rest: Span) -> Option<Value> {
        let text = self.text;
        let start = rest.end as usize - text[rest.range()].trim_start().len();
        let content = &text[start..rest.end as usize];
        if content.starts_with(TRIPLE) && content.len() + usize::from(self.has_break(rest)) > 3 {
            return self.quoted(TRIPLE, start, rest.end as usize);
        }
        if content.starts_with('`') {
            return self.quoted("`", start, rest.end as usize);
        }
        let span = trimmed(text, rest);
        if text[span.range()].ends_with('\\') {
            return Some(self.continued(span));
        }
        Some(plain(text, rest, span))
    }

    fn quoted(&mut self, quote: &str, start: usize, end: usize) -> Option<Value> {
        let text = self.text;
        let inner = start + quote.len();
        let found = |close: usize| Value {
            pieces: vec![Span::new(inner, close)],
            span: Span::new(start, close + quote.len()),
            style: Style::Literal,
            junk: None,
            tail: None,
        };
        let filled = |span: Span| Some(span).filter(|span| !span.is_empty());
        if let Some(close) = text[inner..end].rfind(quote).map(|at| inner + at) {
            let mut value = found(close);
            value.junk = filled(trimmed(text, Span::new(value.span.end as usize, end)));
            return Some(value);
        }
        loop {
            let line = self.line()?;
            let content = &text[line.range()];
            let Some(close) = content.rfind(quote).map(|at| line.start as usize + at) else { continue };
            if content.trim_end().ends_with('\\') {
                continue;
            }
            let mut value = found(close);
            let behind = Span { start: value.span.end, end: line.end };
            let (junk, tail) = match tail(text, behind) {
                Some((junk, tail)) => (junk, Some(tail)),
                None => (trimmed(text, behind), None),
            };
            (value.junk, value.tail) = (filled(junk), tail);
            return Some(value);
        }
    }

    fn continued(&mut self, first: Span) -> Value {
        let text = self.text;
        let mut pieces = vec![Span { start: first.start, end: first.end - 1 }];
        let mut span = first;
        while let Some(line) = self.line() {
            let line = trimmed(text, line);
            if line.is_empty() {
                break;
            }
            span.end = line.end;
            let goes_on = text[line.range()].ends_with('\\');
            pieces.push(Span { start: line.start, end: line.end - u32::from(goes_on) });
            if !goes_on {
                break;
            }
        }
        Value { pieces, span, style: Style::Folded, junk: None, tail: None }
    }
}

/// A value on one line, without a quote that takes everything: a comment may follow.
fn plain(text: &str, rest: Span, span: Span) -> Value {
    let (span, tail) = match tail(text, span) {
        Some((value, tail)) => (value, Some(tail)),
        None => (span, None),
    };
    let content = &text[span.range()];
    let mut value = Value { pieces: vec![span], span, style: Style::Plain, junk: None, tail };
    if content.is_empty() {
        let behind = rest.start as usize;
        let at = behind + usize::from(text[rest.range()].starts_with([' ', '\t']));
        value.span = Span::new(at, at);
        value.pieces = vec![value.span];
        return value;
    }
    for (quote, style) in [('\'', Style::Single), ('"', Style::Double)] {
        let inner = content.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if inner.is_some_and(|inner| !inner.contains(quote)) {
            value.style = style;
            value.pieces = vec![Span { start: span.start + 1, end: span.end - 1 }];
        }
    }
    value
}

struct Entry {
    /// The number of a key `-`.
    name: Option<String>,
    key: Span,
    start: u32,
    value: Value,
    comment: Vec<Span>,
    /// Earlier values of the key, and what follows their quotes.
    shadows: Vec<Span>,
}

/// The section that is being read; its items are made when it ends, because a later value takes an earlier one's place.
struct Section<'a> {
    name: Text,
    is_implicit: bool,
    header: Span,
    content_end: usize,
    comment: Vec<Span>,
    entries: Vec<Entry>,
    places: HashMap<Cow<'a, str>, usize>,
    dashes: usize,
    dropped: Vec<Vec<Span>>,
}

impl<'a> Section<'a> {
    fn new(name: Text, header: Span) -> Self {
        Section {
            name,
            is_implicit: false,
            header,
            content_end: header.end as usize,
            comment: Vec::new(),
            entries: Vec::new(),
            places: HashMap::new(),
            dashes: 0,
            dropped: Vec::new(),
        }
    }

    fn add(&mut self, text: &'a str, key: Span, mut entry: Entry) {
        let mut name = Cow::Borrowed(&text[key.range()]);
        if name == "-" {
            self.dashes += 1;
            name = Cow::Owned(format!("#{}", self.dashes));
            entry.name = Some(name.to_string());
        }
        let fresh = self.entries.len();
        let place = *self.places.entry(name).or_insert(fresh);
        match self.entries.get_mut(place) {
            None => self.entries.push(entry),
            Some(earlier) => {
                std::mem::swap(earlier, &mut entry);
                let lost = entry.value.junk.map_or(entry.value.span, |junk| Span { end: junk.end, ..entry.value.span });
                earlier.shadows = entry.shadows;
                earlier.shadows.extend((!lost.is_empty()).then_some(lost));
                self.dropped.extend((!entry.comment.is_empty()).then_some(entry.comment));
            }
        }
    }

    fn close(self, text: &str, builder: &mut Builder<'_>) {
        let name = if self.is_implicit { builder.make(&[b"DEFAULT"]) } else { self.name };
        let span = Span::new(self.header.start as usize, self.content_end.max(self.header.end as usize));
        let map = builder.push(Node::Map, Some(name), 0, span, span.start as usize);
        comment(text, builder, map, &self.comment, false);
        for entry in self.entries {
            let key = match &entry.name {
                Some(name) => builder.make(&[name.as_bytes()]),
                None => Text::source(entry.key),
            };
            let value = &entry.value;
            let node = Builder::leaf(value_text(text, builder, value));
            let leaf = builder.push(node, Some(key), map, value.span, entry.start as usize);
            if let Some(item) = builder.outline.items.get_mut(leaf as usize) {
                item.style = value.style;
            }
            for span in value.junk.iter().chain(&entry.shadows) {
                let node = Node::Comment { text: Text::source(*span), inline: true, dropped: true };
                builder.push(node, Some(key), map, *span, span.start as usize);
            }
            comment(text, builder, map, &entry.comment, false);
        }
        for pieces in self.dropped {
            comment(text, builder, map, &pieces, true);
        }
        let end = builder.outline.items.len() as u32;
        if let Some(item) = builder.outline.items.get_mut(map as usize) {
            item.end = end;
        }
    }
}

fn value_text(text: &str, builder: &mut Builder<'_>, value: &Value) -> Text {
    if let [piece] = value.pieces[..] {
        let token = bare_token(text, piece).filter(|_| value.style == Style::Plain);
        return Text::source(token.unwrap_or(piece));
    }
    if let Some((token, _)) = folded_token(text, &value.pieces) {
        return Text::source(token);
    }
    let pieces: Vec<&[u8]> = value.pieces.iter().map(|piece| text[piece.range()].as_bytes()).collect();
    builder.make(&pieces)
}

/// What follows a token whose value stood without the quotes that the reference would give it. Readers ignore it.
pub(super) const BARE: &str = "`";

/// A token with [`BARE`] behind it, without that.
pub(super) fn bare_token(text: &str, piece: Span) -> Option<Span> {
    let content = text[piece.range()].strip_suffix(BARE)?;
    token::parse(content.as_bytes()).filter(|_| content.ends_with(']'))?;
    Some(Span { start: piece.start, end: piece.end - BARE.len() as u32 })
}

/// What stands in the last line of a token with continuation lines.
pub(super) const FOLD: &str = "-";

/// A token that keeps the lines of the value it holds: `ENC[…] 4,4\`, a line with `\` for each piece, and `-` in the last.
/// The numbers are the lengths of all pieces but the last. Readers ignore what follows a token.
pub(super) fn folded_token(text: &str, pieces: &[Span]) -> Option<(Span, Vec<usize>)> {
    let (first, others) = pieces.split_first()?;
    let content = &text[first.range()];
    let length = content.rfind(']')? + 1;
    token::parse(content.as_bytes())?;
    let (last, middle) = others.split_last()?;
    let is_kept = middle.iter().all(|piece| piece.is_empty()) && (last.is_empty() || &text[last.range()] == FOLD);
    let numbers: Option<Vec<usize>> = content[length..].strip_prefix(' ')?.split(',').map(|n| n.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| is_kept && numbers.len() == others.len())?;
    Some((Span::new(first.start as usize, first.start as usize + length), numbers))
}

/// Makes the item of a comment: one for all its lines, as in the reference.
fn comment(text: &str, builder: &mut Builder<'_>, map: u32, pieces: &[Span], dropped: bool) {
    let Some(first) = pieces.first().copied() else { return };
    let last = pieces.len() - 1;
    let from = pieces.iter().position(|piece| !is_bare(text, *piece));
    let made = match from {
        None => Text::source(Span { start: first.end, end: first.end }),
        Some(0) if last == 0 || is_token(text, pieces) => {
            Text::source(Span { start: text_start(text, first), end: first.end })
        }
        Some(from) => {
            let mut parts: Vec<&[u8]> = Vec::with_capacity(2 * pieces.len());
            for (position, piece) in pieces.iter().enumerate().skip(from) {
                let start = if position == 0 { text_start(text, *piece) } else { piece.start } as usize;
                // The white space at the end of a line is part of the text, but for the last line.
                let end = match position == last {
                    true => piece.end as usize,
                    false => text[start..].find('\n').map_or(text.len(), |at| start + at),
                };
                parts.push(&text.as_bytes()[start..end]);
                parts.extend((position < last).then_some(&b"\n"[..]));
            }
            builder.make(&parts)
        }
    };
    let node = Node::Comment { text: made, inline: false, dropped };
    let index = builder.push(node, None, map, first, first.start as usize);
    if last == 0 {
        return;
    }
    let extras = &mut builder.outline.extras;
    let chain = extras.len() as u32;
    for (position, piece) in pieces.iter().enumerate().skip(1) {
        let next = if position == last { NONE } else { extras.len() as u32 + 1 };
        extras.push(Extra { tag_span: *piece, tag: Tag::None, block: next, alias: NONE });
    }
    if let Some(item) = builder.outline.items.get_mut(index as usize) {
        item.extra = chain;
    }
}

/// The lines of a comment: the first is the item's span, the others are chained through its extras.
pub(super) fn pieces(outline: &Outline, index: usize) -> Vec<Span> {
    let Some(item) = outline.items.get(index) else { return Vec::new() };
    let mut pieces = vec![item.span];
    let mut next = item.extra;
    while let Some(extra) = outline.extras.get(next as usize) {
        pieces.push(extra.tag_span);
        next = extra.block;
    }
    pieces
}

/// Whether a line of a comment has no text.
pub(super) fn is_bare(text: &str, piece: Span) -> bool {
    text_start(text, piece) == piece.end
}

/// Behind the markers and blanks at the start of a comment: any number of them, all of one kind.
pub(super) fn text_start(text: &str, piece: Span) -> u32 {
    let content = &text[piece.range()];
    let marker = if content.starts_with(';') { ';' } else { '#' };
    piece.end - content.trim_start_matches([marker, ' ']).len() as u32
}

/// Whether a comment is a token in its first line, the others emptied by [`super::Ini`].
fn is_token(text: &str, pieces: &[Span]) -> bool {
    let Some((first, others)) = pieces.split_first() else { return false };
    let content = &text.as_bytes()[text_start(text, *first) as usize..first.end as usize];
    content.ends_with(b"]")
        && token::parse(content).is_some_and(|token| token.kind() == Some(Kind::Comment))
        && others.iter().all(|piece| piece.len() == 1)
}
