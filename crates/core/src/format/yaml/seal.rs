//! Tokens into a person's own text: which spans change, and to what.

use super::{layout, write};
use crate::outline::{Alias, Extra, Item, Node, Outline, Scalar, Span, Style, Tag, Texts};
use crate::splice::Edits;
use crate::value::{Value, short_float};
use std::collections::HashMap;

/// In front of a token: the value stood plain, as it is.
pub(crate) const MARK: &[u8] = b"! ";

/// The writer of an encrypted text.
pub(crate) struct Sealing<'a> {
    source: &'a str,
    outline: &'a Outline,
    texts: Texts<'a>,
}

impl<'a> Sealing<'a> {
    pub fn new(source: &'a str, outline: &'a Outline) -> Self {
        Sealing { source, outline, texts: outline.texts(source) }
    }

    /// What is left once every token is in its place: `tokens` has those of the copies that aliases make, `is_sealed`
    /// tells which items got one.
    pub fn finish(
        &self,
        tokens: &HashMap<usize, Vec<u8>>,
        is_sealed: impl Fn(usize) -> bool,
        indent: usize,
        edits: &mut Edits<'_>,
    ) {
        self.end_open_block(&is_sealed, edits);
        self.expand_aliases(tokens, indent, edits);
    }

    /// A clear block scalar at the end of the file, without a final line break: the branch would add one to its value,
    /// so its header says that there is none.
    pub fn end_open_block(&self, is_sealed: impl Fn(usize) -> bool, edits: &mut Edits<'_>) {
        if self.outline.blocks.is_empty() || self.source.ends_with(['\n', '\r']) {
            return;
        }
        let blocks = self.outline.items.iter().enumerate().rev().filter(|(_, i)| !self.outline.is_copy(i));
        let last = blocks.filter_map(|(index, i)| self.outline.block(i).map(|b| (index, i, b))).next();
        let Some((index, item, block)) = last else { return };
        let text = &self.source[block.content.range()];
        let open = block.content.end as usize == self.source.len() && !text.is_empty() && !text.ends_with(['\n', '\r']);
        if !open || block.chomp < 0 || is_sealed(index) {
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

    /// Puts the token that `token` appends in the place of an item.
    pub fn write_token(&self, item: &Item, edits: &mut Edits<'_>, token: impl FnOnce(&mut Vec<u8>)) {
        if matches!(item.node, Node::Comment { .. }) {
            let span = Span { start: item.span.start + 1, end: item.span.end };
            edits.replace(span, token);
            return;
        }
        let extra = self.outline.extra(item);
        let mut span = item.span;
        if extra.tag == Tag::MustGo && !extra.tag_span.is_empty() {
            span = self.remove_tag(item, extra.tag_span, edits);
        }
        let quote = match item.style {
            Style::Literal | Style::Folded => return self.write_block_token(item, edits, token),
            Style::Single => Some(b'\''),
            Style::Double => Some(b'"'),
            Style::Plain if item.in_flow => Some(b'"'),
            Style::Plain => None,
        };
        edits.replace(span, |out| {
            if item.style == Style::Plain {
                // A quoted token may touch the colon of a quoted key.
                let before = span.start.checked_sub(1).map(|at| self.source.as_bytes()[at as usize]);
                if needs_space(self.source, span) && !(item.in_flow && before == Some(b':')) {
                    out.push(b' ');
                }
                if self.needs_mark(item, extra) {
                    out.extend_from_slice(MARK);
                }
            }
            out.extend(quote);
            token(out);
            out.extend(quote);
        });
    }

    /// Takes a tag out that a token cannot have; returns what is left to replace.
    fn remove_tag(&self, item: &Item, tag: Span, edits: &mut Edits<'_>) -> Span {
        let source = self.source.as_bytes();
        let mut end = tag.end as usize;
        while matches!(source.get(end), Some(b' ' | b'\t')) {
            end += 1;
        }
        let is_block = matches!(item.style, Style::Literal | Style::Folded);
        if end >= item.span.start as usize && !is_block {
            return Span { start: tag.start, end: item.span.end };
        }
        let gap = if is_block && end >= item.span.start as usize { item.span.start } else { end as u32 };
        edits.replace(Span { start: tag.start, end: gap }, |_| ());
        item.span
    }

    /// Whether the token of a plain scalar says so by a mark: the non-specific tag, which readers ignore.
    ///
    /// In a flow collection the token has to be quoted, so a string that stood plain is marked. Elsewhere what the
    /// reference would print in quotes is (a bare `yes`, `12:30`), and a float whose spelling the token carries.
    fn needs_mark(&self, item: &Item, extra: Extra) -> bool {
        match &item.node {
            Node::Leaf(Scalar::Str(text)) if extra.tag_span.is_empty() => {
                let quoted = |span: Span| write::is_quoted_by_reference(&self.source[span.range()]);
                item.in_flow || text.span().is_some_and(quoted)
            }
            Node::Leaf(scalar @ Scalar::Float(_)) => {
                float_spelling(item, extra, &scalar.value(self.texts), self.source).is_some()
            }
            _ => false,
        }
    }

    fn write_block_token(&self, item: &Item, edits: &mut Edits<'_>, token: impl FnOnce(&mut Vec<u8>)) {
        let Some(block) = self.outline.block(item) else { return };
        let text = &self.source[block.content.range()];
        // Blank lines stay: comments behind them attach by them. Readers ignore what follows a token.
        let trimmed = text.trim_end_matches([' ', '\t', '\n', '\r']).len();
        let mut end = trimmed + text[trimmed..].find(['\n', '\r']).unwrap_or(text.len() - trimmed);
        if trimmed == 0 {
            end = text.len() - if text.ends_with("\r\n") { 2 } else { usize::from(text.ends_with(['\n', '\r'])) };
        }
        let start = block.content.start as usize;
        let span = Span::new(start, start + end);
        edits.replace(span, |out| {
            out.extend(std::iter::repeat_n(b' ', block.indent as usize));
            token(out);
        });
    }

    /// Replaces each alias whose copy, or whose anchor, holds a token: its uses have other paths.
    fn expand_aliases(&self, tokens: &HashMap<usize, Vec<u8>>, indent: usize, edits: &mut Edits<'_>) {
        let aliases = &self.outline.aliases;
        let touched: Vec<bool> = aliases.iter().map(|a| !a.target.is_empty() && edits.touches(a.target)).collect();
        for (alias, target_changes) in aliases.iter().zip(touched) {
            if alias.is_key {
                if target_changes {
                    self.expand_key(alias, edits);
                }
                continue;
            }
            let first = alias.item as usize;
            let end = self.outline.items[first].end as usize;
            let has_token = !tokens.is_empty() && (first..end).any(|i| tokens.contains_key(&i));
            if has_token || target_changes {
                self.expand(alias, tokens, indent, edits);
            }
        }
    }

    /// Writes a key out that is an alias.
    pub fn expand_key(&self, alias: &Alias, edits: &mut Edits<'_>) {
        let key = self.outline.items[alias.item as usize].key().map_or(&b""[..], |k| k.bytes(self.texts));
        let mut text = String::new();
        write::double_quoted(key, &mut text);
        edits.replace(alias.span, |out| out.extend_from_slice(text.as_bytes()));
    }

    /// Writes an alias out, with the tokens of its copy.
    pub fn expand(&self, alias: &Alias, tokens: &HashMap<usize, Vec<u8>>, indent: usize, edits: &mut Edits<'_>) {
        let token = |index| tokens.get(&index).map(Vec::as_slice);
        let item = &self.outline.items[alias.item as usize];
        let events = self.outline.events(self.source, alias.item as usize, item.end as usize, token);
        let mut text = String::new();
        let in_list = item.key().is_none();
        if alias.in_flow {
            write::flow(&events, &mut text);
        } else {
            let newline = layout::line_ending(self.source);
            let options = write::Options { indent, line_ending: newline };
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
        let behind = &self.source[span.end as usize..];
        let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let is_block = text.contains('\n') || !alias.in_flow && !matches!(item.node, Node::Leaf(_));
        let own_line = is_block && behind[blanks..].starts_with('#');
        edits.replace(Span { end: span.end + if own_line { blanks as u32 } else { 0 }, ..span }, |out| {
            out.extend_from_slice(text.as_bytes());
            if own_line {
                // The comment behind the alias would become one of the last line's.
                out.extend_from_slice(layout::line_ending(self.source).as_bytes());
                out.extend(std::iter::repeat_n(b' ', item.column as usize));
            }
        });
    }
}

/// The spelling of a float that a token can carry: readers take any decimal, and hash its canonical form.
pub(crate) fn float_spelling<'a>(item: &Item, extra: Extra, value: &Value<'_>, source: &'a str) -> Option<&'a [u8]> {
    let Value::Float(float) = value else { return None };
    if item.style != Style::Plain || extra != Extra::NOTHING {
        return None;
    }
    let text = &source[item.span.range()];
    (is_decimal(text.as_bytes()) && text != short_float(*float)).then_some(text.as_bytes())
}

/// Whether a float is written with the characters of decimals alone.
pub(crate) fn is_decimal(text: &[u8]) -> bool {
    text.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
}

/// Whether a plain token would touch the `:`, dash or anchor in front of it.
pub(crate) fn needs_space(source: &str, span: Span) -> bool {
    let before = span.start.checked_sub(1).map(|at| source.as_bytes()[at as usize]);
    before.is_some_and(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'[' | b'{'))
}
