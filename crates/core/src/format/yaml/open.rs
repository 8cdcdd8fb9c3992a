//! Plain values back into a person's own text: the style of the token is the style of the value.
//!
//! A quoted, literal or folded token was put there by a writer that keeps styles, so the value takes that style if it
//! can carry it. A plain token is no hint (the reference writes every token plain): its value is written as the
//! reference prints it.

use super::resolve::{self, Resolved};
use super::{layout, write};
use crate::outline::{Block, Item, Node, Outline, Scalar, Span, Style, Tag};
use crate::splice::Edits;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashSet;

/// What became of one item of an encrypted text. Ranges are of [`Opening::plain`].
pub(crate) enum Opened {
    /// Stays as it is.
    Kept,
    /// A string.
    Text(Span),
    /// Any other value, and its plain text.
    Scalar(Scalar, Span),
    /// A comment's text.
    Comment(Span),
    /// A list element that is a comment.
    Element(Span),
}

/// Everything the writer of a decrypted text needs.
pub(crate) struct Opening<'a> {
    pub source: &'a str,
    pub outline: &'a Outline,
    /// One per item.
    pub opened: &'a [Opened],
    pub plain: &'a [u8],
    pub branches: &'a [u32],
    /// Indentation of new text.
    pub indent: usize,
    /// The line ending of the text.
    pub newline: &'static str,
}

impl<'a> Opening<'a> {
    /// The edits that put all values into the text and take the metadata out.
    pub fn edit(&self, edits: &mut Edits<'_>) {
        let removed = self.branch_spans();
        let mut scratch = String::new();
        let mut emptied = HashSet::new();
        for (item, opened) in self.outline.items.iter().zip(self.opened) {
            if matches!(opened, Opened::Kept)
                || self.outline.is_copy(item)
                || removed.iter().any(|(s, _)| within(item, *s))
            {
                continue;
            }
            match opened {
                Opened::Kept => {}
                Opened::Text(range) => {
                    let value = Value::Str(Cow::Borrowed(&self.plain[range.range()]));
                    self.write_value(item, &value, &removed, &mut scratch, edits);
                }
                Opened::Scalar(scalar, spelling) => match self.spelled(scalar, spelling) {
                    Some(text) if self.outline.is_marked(item, self.source) => {
                        let span = Span { start: self.outline.extra(item).tag_span.start, end: item.span.end };
                        edits.replace(span, |out| out.extend_from_slice(text));
                    }
                    _ => self.write_value(
                        item,
                        &scalar.value(self.outline.texts(self.source)),
                        &removed,
                        &mut scratch,
                        edits,
                    ),
                },
                Opened::Comment(range) => {
                    let span = Span { start: item.span.start + 1, end: item.span.end };
                    edits.replace(span, |out| out.extend_from_slice(&self.plain[range.range()]));
                }
                Opened::Element(range) => {
                    let span = Span { start: item.entry_start, end: item.span.end };
                    edits.replace(span, |out| {
                        out.push(b'#');
                        out.extend_from_slice(&self.plain[range.range()]);
                    });
                    if emptied.insert(item.parent) {
                        self.mark_empty_list(item.parent as usize, edits);
                    }
                }
            }
        }
        self.restore_open_block(&removed, edits);
        self.remove_branches(&removed, edits);
    }

    /// The stored text of a float, if it is a spelling of its own and reads back as the same number.
    fn spelled(&self, scalar: &Scalar, spelling: &Span) -> Option<&[u8]> {
        let Scalar::Float(float) = scalar else { return None };
        let text = &self.plain[spelling.range()];
        let same = matches!(resolve::plain(text), Resolved::Float(f) if f.to_bits() == float.to_bits());
        same.then_some(text)
    }

    /// Undoes what `seal` did to the header of a clear block scalar at the end of a file without a final line break.
    fn restore_open_block(&self, removed: &[(Span, bool)], edits: &mut Edits<'_>) {
        let Some((branch, _)) = removed.last().filter(|(s, _)| s.end as usize == self.source.len()) else { return };
        let ends_here = |i: &&Item| !self.outline.is_copy(i) && i.span.start < branch.start;
        let mut items = self.outline.items.iter().rev().filter(ends_here);
        let Some(block) = items.find_map(|i| self.outline.block(i)) else { return };
        let header = &self.source[block.header.range()];
        let restored = match header.as_bytes() {
            [indicator, b'1'..=b'9', b'-'] => vec![*indicator],
            [indicator, b'-', b'1'..=b'9'] => vec![*indicator, b'+'],
            _ => return,
        };
        let content = &self.source[block.content.range()];
        let clear = !content.trim_start().starts_with("ENC[");
        // Without the digit the first line tells the indentation: a person's own digit may say something else.
        let first = content.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let is_mark = first.len() - first.trim_start_matches(' ').len() == block.indent as usize;
        if is_mark && clear && block.content.end > branch.start && block.content.start < branch.start {
            edits.replace(block.header, |out| out.extend_from_slice(&restored));
        }
    }

    fn branch_spans(&self) -> Vec<(Span, bool)> {
        let outline = self.outline;
        let mut spans = Vec::new();
        for branch in self.branches {
            let root = outline.items[*branch as usize].parent;
            if let Some(document) = outline.documents.iter().find(|d| d.root == root) {
                spans.push(layout::branch_span(self.source, outline, document, *branch));
            }
        }
        spans
    }

    /// Removes the branches; comments that stand on a branch's own lines but belong to the person stay.
    fn remove_branches(&self, removed: &[(Span, bool)], edits: &mut Edits<'_>) {
        let newline = self.newline;
        for ((span, alone), branch) in removed.iter().zip(self.branches) {
            let item = &self.outline.items[*branch as usize];
            let inside = *branch as usize..item.end as usize;
            let mut text = Vec::new();
            for (index, comment) in self.outline.items.iter().enumerate() {
                if inside.contains(&index) || !matches!(comment.node, Node::Comment { .. }) || !within(comment, *span) {
                    continue;
                }
                text.extend_from_slice(newline.as_bytes());
                text.push(b'#');
                match &self.opened[index] {
                    Opened::Comment(range) => text.extend_from_slice(&self.plain[range.range()]),
                    _ => text.extend_from_slice(&self.source.as_bytes()[comment.span.range()][1..]),
                }
            }
            if *alone {
                text.extend_from_slice(b"{}");
            }
            edits.replace(*span, |out| out.extend_from_slice(&text));
        }
    }

    /// Replaces a scalar by a value, in its own style if that can carry it.
    pub fn write_value(
        &self,
        item: &Item,
        value: &Value<'_>,
        removed: &[(Span, bool)],
        scratch: &mut String,
        edits: &mut Edits<'_>,
    ) {
        scratch.clear();
        let extra = self.outline.extra(item);
        if let Some(block) = self.outline.block(item) {
            return self.write_block_value(item, block, value, removed, scratch, edits);
        }
        let place = self.place(item);
        let mut span = item.span;
        let marked = self.outline.is_marked(item, self.source);
        if marked {
            span.start = extra.tag_span.start;
        }
        let fits = match (value, item.style) {
            (Value::Str(text), _) if marked => write::plain_as_it_is(text, item.in_flow, scratch),
            (Value::Str(text), Style::Double) if self.put_inside(item, text, edits) => return,
            (Value::Str(text), Style::Single) => write::single_quoted(text, scratch),
            (Value::Str(text), Style::Double) => write::double_quoted_raw(text, scratch),
            (Value::Str(text), Style::Plain) if extra.tag == Tag::Stays && !extra.tag_span.is_empty() => {
                write::plain_under_tag(text, item.in_flow, scratch)
            }
            _ => false,
        };
        if !fits {
            scratch.clear();
            write::scalar(value, &place, scratch);
        }
        self.put(span, scratch, edits);
    }

    /// Replaces only the token in a double-quoted scalar that has escaped line breaks around it.
    fn put_inside(&self, item: &Item, text: &[u8], edits: &mut Edits<'_>) -> bool {
        let source = &self.source[item.span.range()];
        let Some(start) = source.find("ENC[").filter(|s| *s > 1) else { return false };
        let Some(length) = source[start..].find(']') else { return false };
        let end = start + length + 1;
        let folds = |text: &str| {
            let mut rest = text;
            while let Some(tail) = rest.strip_prefix('\\') {
                rest = tail.trim_start_matches([' ', '\t', '\n', '\r']);
            }
            rest.is_empty()
        };
        let mut quoted = String::new();
        if !folds(&source[1..start])
            || !folds(&source[end..source.len() - 1])
            || !write::double_quoted_raw(text, &mut quoted)
        {
            return false;
        }
        let base = item.span.start as usize;
        let inner = &quoted[1..quoted.len() - 1];
        edits.replace(Span::new(base + start, base + end), |out| out.extend_from_slice(inner.as_bytes()));
        true
    }

    /// Replaces a scalar by text that may be a block: its lines go behind the line's comment.
    fn put(&self, span: Span, text: &str, edits: &mut Edits<'_>) {
        let Some(first) = memchr::memchr2(b'\n', b'\r', text.as_bytes()) else {
            edits.replace(span, |out| out.extend_from_slice(text.as_bytes()));
            return;
        };
        let (header, lines) = text.split_at(first);
        let lines = strip_break(lines);
        edits.replace(span, |out| out.extend_from_slice(header.as_bytes()));
        let bytes = self.source.as_bytes();
        let mut end = span.end as usize;
        while end < bytes.len() && super::scan::break_len(bytes, end) == 0 {
            end += 1;
        }
        edits.replace(Span::new(end, end), |out| out.extend_from_slice(lines.as_bytes()));
    }

    pub fn place(&self, item: &Item) -> write::Place {
        let in_list = item.key().is_none();
        let column = item.column as usize;
        let content_column = if in_list { column + 2 } else { (column / self.indent.max(1) + 1) * self.indent.max(1) };
        write::Place {
            content_column,
            in_flow: item.in_flow,
            is_key: false,
            parent_column: column,
            line_ending: self.newline,
        }
    }

    fn write_block_value(
        &self,
        item: &Item,
        block: &Block,
        value: &Value<'_>,
        removed: &[(Span, bool)],
        scratch: &mut String,
        edits: &mut Edits<'_>,
    ) {
        let newline = self.newline;
        let text = &self.source[block.content.range()];
        let last_break = text.len() - strip_break(text).len();
        let content = Span::new(block.content.start as usize, block.content.end as usize - last_break);
        let at_end = last_break == 0
            || removed.iter().any(|(span, _)| {
                span.end as usize == self.source.len() && span.start + last_break as u32 == block.content.end
            });
        if let Value::Str(text) = value {
            let folded = item.style == Style::Folded;
            if write::block_lines(text, folded, block, at_end, newline, scratch) {
                edits.replace(content, |out| out.extend_from_slice(scratch.as_bytes()));
                return;
            }
        }
        scratch.clear();
        write::scalar(value, &self.place(item), scratch);
        let first = scratch.find(['\n', '\r']).unwrap_or(scratch.len());
        let (header, lines) = scratch.split_at(first);
        edits.replace(block.header, |out| out.extend_from_slice(header.as_bytes()));
        // The break in front of the content goes with it when the new text has one line.
        let content_start = content.start as usize;
        let before = content_start - (content_start - strip_break_len(&self.source[..content_start]));
        let lines = strip_break(lines);
        edits.replace(Span::new(before, content.end as usize), |out| out.extend_from_slice(lines.as_bytes()));
    }

    /// A list whose elements were all comments would be null: it becomes `[]` in front of them.
    fn mark_empty_list(&self, list: usize, edits: &mut Edits<'_>) {
        let item = &self.outline.items[list];
        let members = list + 1..item.end as usize;
        let only_comments = members
            .map(|i| (&self.outline.items[i].node, &self.opened[i]))
            .all(|(node, opened)| matches!(node, Node::Comment { .. }) || matches!(opened, Opened::Element(_)));
        if !only_comments {
            return;
        }
        let bytes = self.source.as_bytes();
        let mut at = item.span.start as usize;
        while at > 0 && matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b'\r') {
            at -= 1;
        }
        edits.replace(Span::new(at, at), |out| out.extend_from_slice(b" []"));
    }
}

fn within(item: &Item, span: Span) -> bool {
    item.span.start >= span.start && item.span.end <= span.end && !item.span.is_empty()
}

/// The text without its last line break.
fn strip_break(text: &str) -> &str {
    &text[..strip_break_len(text)]
}

fn strip_break_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes {
        [.., b'\r', b'\n'] => text.len() - 2,
        [.., b'\n' | b'\r'] => text.len() - 1,
        _ => text.len(),
    }
}
