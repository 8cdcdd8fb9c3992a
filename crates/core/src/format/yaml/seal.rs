//! Tokens into a person's own text: which spans change, and to what.

use super::{layout, write};
use crate::outline::{Item, NONE, Node, Outline, Scalar, Span, Style, Tag, Text};
use crate::splice::Edits;
use crate::value::{Value, short_float};

/// In front of a token: the value stood plain, as it is.
pub(crate) const MARK: &[u8] = b"! ";

/// What the sealing pass decided for one item: the range of its token in the token text, or nothing.
pub(crate) type Sealed = Option<(u32, u32)>;

/// Everything the writer of an encrypted text needs.
pub(crate) struct Sealing<'a> {
    pub source: &'a str,
    pub outline: &'a Outline,
    /// One per item.
    pub sealed: &'a [Sealed],
    pub tokens: &'a [u8],
    pub indent: usize,
}

impl Sealing<'_> {
    fn token(&self, index: usize) -> Option<&[u8]> {
        self.sealed[index].map(|(from, to)| &self.tokens[from as usize..to as usize])
    }

    /// The edits that put all tokens into the text.
    pub fn edits(&self) -> Edits {
        let mut edits = Edits::default();
        let count = self.sealed.iter().filter(|s| s.is_some()).count();
        edits.reserve(count + 2, self.tokens.len() + count * 2 + 1024);
        for (index, item) in self.outline.items.iter().enumerate() {
            if item.alias != NONE {
                continue;
            }
            if let Some(token) = self.token(index) {
                self.write_token(item, token, &mut edits);
            }
        }
        self.end_open_block(&mut edits);
        edits.sort();
        self.expand_aliases(&mut edits);
        edits
    }

    /// A clear block scalar at the end of the file, without a final line break: the branch would add one to its value,
    /// so its header says that there is none.
    fn end_open_block(&self, edits: &mut Edits) {
        let last = self.outline.items.iter().enumerate().rev().find(|(_, i)| i.block != NONE && i.alias == NONE);
        let Some((index, item)) = last else { return };
        let block = self.outline.blocks[item.block as usize];
        let text = &self.source[block.content.range()];
        let open = block.content.end as usize == self.source.len() && !text.is_empty() && !text.ends_with(['\n', '\r']);
        if !open || block.chomp < 0 || self.sealed[index].is_some() {
            return;
        }
        let indicator = &self.source[block.header.range()][..1];
        let digit = block.indent as i64 - i64::from(item.column);
        let header = match digit {
            // The digit is the mark by which decryption knows that the header was another one.
            1..=9 if block.chomp == 0 => format!("{indicator}{digit}-"),
            1..=9 => format!("{indicator}-{digit}"),
            _ => format!("{indicator}-"),
        };
        edits.replace(block.header, |out| out.extend_from_slice(header.as_bytes()));
    }

    fn write_token(&self, item: &Item, token: &[u8], edits: &mut Edits) {
        if matches!(item.node, Node::Comment { .. }) {
            let span = Span { start: item.span.start + 1, end: item.span.end };
            edits.replace(span, |out| out.extend_from_slice(token));
            return;
        }
        let mut span = item.span;
        if item.tag == Tag::MustGo && !item.tag_span.is_empty() {
            let source = self.source.as_bytes();
            let mut end = item.tag_span.end as usize;
            while matches!(source.get(end), Some(b' ' | b'\t')) {
                end += 1;
            }
            if end >= span.start as usize {
                span.start = item.tag_span.start;
                if item.style == Style::Literal || item.style == Style::Folded {
                    edits.replace(Span { start: item.tag_span.start, end: item.span.start }, |_| ());
                }
            } else {
                edits.replace(Span::new(item.tag_span.start as usize, end), |_| ());
            }
        }
        match item.style {
            Style::Literal | Style::Folded => self.write_block_token(item, token, edits),
            Style::Single => quoted(span, b'\'', token, edits),
            Style::Double => quoted(span, b'"', token, edits),
            Style::Plain if item.in_flow => {
                edits.replace(span, |out| {
                    // A quoted token may touch the colon of a quoted key.
                    let before = span.start.checked_sub(1).map(|at| self.source.as_bytes()[at as usize]);
                    if before != Some(b':') && needs_space(self.source, span) {
                        out.push(b' ');
                    }
                    if self.needs_mark(item) {
                        out.extend_from_slice(MARK);
                    }
                    out.push(b'"');
                    out.extend_from_slice(token);
                    out.push(b'"');
                });
            }
            Style::Plain => {
                edits.replace(span, |out| {
                    if needs_space(self.source, span) {
                        out.push(b' ');
                    }
                    if self.needs_mark(item) {
                        out.extend_from_slice(MARK);
                    }
                    out.extend_from_slice(token);
                });
            }
        }
    }

    /// Whether the token of a plain scalar says so by a mark: the non-specific tag, which readers ignore.
    ///
    /// In a flow collection the token has to be quoted, so a string that stood plain is marked. Elsewhere what the
    /// reference would print in quotes is (a bare `yes`, `12:30`), and a float whose spelling the token carries.
    fn needs_mark(&self, item: &Item) -> bool {
        match &item.node {
            Node::Leaf(Scalar::Str(Text::Source(text))) if item.tag_span.is_empty() => {
                item.in_flow || write::is_quoted_by_reference(&self.source[text.range()])
            }
            Node::Leaf(Scalar::Str(_)) => item.in_flow && item.tag_span.is_empty(),
            Node::Leaf(scalar @ Scalar::Float(_)) => float_spelling(item, &scalar.value(""), self.source).is_some(),
            _ => false,
        }
    }

    fn write_block_token(&self, item: &Item, token: &[u8], edits: &mut Edits) {
        let block = self.outline.blocks[item.block as usize];
        let text = &self.source[block.content.range()];
        let kept = text.len() - text.trim_end_matches(['\n', '\r']).len();
        let last_break = if text.ends_with("\r\n") { 2 } else { usize::from(kept > 0) };
        let end = block.content.end as usize - last_break;
        let span = Span::new(block.content.start as usize, end.max(block.content.start as usize));
        edits.replace(span, |out| {
            out.extend(std::iter::repeat_n(b' ', block.indent as usize));
            out.extend_from_slice(token);
        });
    }

    /// Replaces each alias whose copy, or whose anchor, holds a token: its uses have other paths.
    fn expand_aliases(&self, edits: &mut Edits) {
        let aliases = &self.outline.aliases;
        let touched: Vec<bool> = aliases.iter().map(|a| !a.target.is_empty() && edits.touches(a.target)).collect();
        for (alias, target_changes) in aliases.iter().zip(touched) {
            if alias.is_key {
                if target_changes {
                    let item = &self.outline.items[alias.item as usize];
                    let key = item.key.as_ref().map_or(&b""[..], |k| k.bytes(self.source));
                    let mut text = String::new();
                    write::double_quoted(key, &mut text);
                    edits.replace(alias.span, |out| out.extend_from_slice(text.as_bytes()));
                }
                continue;
            }
            let first = alias.item as usize;
            let end = self.outline.items[first].end as usize;
            let has_token = self.sealed[first..end].iter().any(Option::is_some);
            if has_token || target_changes {
                self.expand(alias, first, end, edits);
            }
        }
    }

    fn expand(&self, alias: &crate::outline::Alias, first: usize, end: usize, edits: &mut Edits) {
        let events = self.outline.events(self.source, first, end, |index| self.token(index));
        let mut text = String::new();
        let item = &self.outline.items[first];
        let in_list = item.key.is_none();
        if alias.in_flow {
            write::flow(&events, &mut text);
        } else {
            let newline = layout::line_ending(self.source);
            let options = write::Options { indent: self.indent, line_ending: newline };
            if in_list {
                write::block_in_list(&events, item.column as usize, &options, &mut text);
            } else {
                write::block(&events, item.column as usize, &options, &mut text);
            }
        }
        let mut text = text.trim_start_matches(' ').trim_end_matches(['\n', '\r']);
        let mut span = alias.span;
        if text.starts_with(['\n', '\r']) {
            // Not even a blank may stay in front of the line break.
            while span.start > 0 && self.source.as_bytes()[span.start as usize - 1] == b' ' {
                span.start -= 1;
            }
        } else {
            text = text.trim_start();
        }
        edits.replace(span, |out| out.extend_from_slice(text.as_bytes()));
    }
}

/// The spelling of a float that a token can carry: readers take any decimal, and hash its canonical form.
pub(crate) fn float_spelling<'a>(item: &Item, value: &Value<'_>, source: &'a str) -> Option<&'a [u8]> {
    let Value::Float(float) = value else { return None };
    if item.style != Style::Plain || item.alias != NONE || !item.tag_span.is_empty() {
        return None;
    }
    let text = &source[item.span.range()];
    let decimal = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    (decimal && text != short_float(*float)).then_some(text.as_bytes())
}

fn quoted(span: Span, quote: u8, token: &[u8], edits: &mut Edits) {
    edits.replace(span, |out| {
        out.push(quote);
        out.extend_from_slice(token);
        out.push(quote);
    });
}

/// Whether a plain token would touch the `:`, dash or anchor in front of it.
fn needs_space(source: &str, span: Span) -> bool {
    let before = span.start.checked_sub(1).map(|at| source.as_bytes()[at as usize]);
    before.is_some_and(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'[' | b'{'))
}
