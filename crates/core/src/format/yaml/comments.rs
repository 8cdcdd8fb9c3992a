//! Comments: the records the scanner makes of them, and where the blocks around them end.
//!
//! Each comment becomes an item of a container, and the container's path is what an encrypted comment is bound to. So
//! attachment must be the reference's, quirks included: a list comment left of the dashes jumps forward, a comment line
//! of a CRLF file behaves as if a blank line followed, a comment at the end of the file goes by its column.
//!
//! compat: the rules are those of the reference's YAML library as observed; they have no better justification.

use super::scan::{Scanner, TokenKind};
use crate::outline::Span;

/// Which slot of a node a comment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// Lines above.
    Head,
    /// The same line.
    Line,
    /// Lines below.
    Foot,
}

/// A run of comment lines with the token it is delivered to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub kind: RecordKind,
    /// Delivered to the first token whose offset is not smaller.
    pub anchor: u32,
    start: u32,
    column: u32,
    from: u32,
    to: u32,
    /// The lines: a range of [`super::scan::Scanned::pieces`].
    pub pieces: (u32, u32),
}

/// White space the reference looks through in search of a comment.
const LOOK_AHEAD: usize = 511;

struct Chunk {
    start: u32,
    column: u32,
    line: i64,
    first_piece: u32,
}

impl Scanner<'_> {
    /// After a token: a comment on the rest of the line becomes a LINE record.
    pub(super) fn line_comment(&mut self) {
        if self.gap > 0 {
            return;
        }
        let mut at = self.pos;
        while at - self.pos <= LOOK_AHEAD && matches!(self.src.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        if self.src.get(at) != Some(&b'#') {
            return;
        }
        let Some((newest, others)) = self.out.tokens.split_last() else { return };
        let first = self.src.get(newest.start as usize).copied();
        let shifted = (first == Some(b':') && self.flow_level == 0) || (first == Some(b',') && self.flow_level > 0);
        let anchor = match others.last() {
            Some(previous) if shifted => previous.last_start(),
            _ => newest.start,
        };
        while self.pos < at {
            self.skip_blank();
        }
        self.take_line_comment(anchor);
    }

    /// Consumes the comment at the position as a LINE record.
    pub(super) fn take_line_comment(&mut self, anchor: u32) {
        let end = self.line_end(self.pos);
        let piece = self.out.pieces.len() as u32;
        self.out.pieces.push(Span::new(self.pos, end));
        self.out.records.push(Record {
            kind: RecordKind::Line,
            anchor,
            start: self.pos as u32,
            column: self.column,
            from: 0,
            to: 0,
            pieces: (piece, piece + 1),
        });
        self.skip_to(end);
    }

    /// At a `#` in front of the next token: makes HEAD and FOOT records of the comment lines up to the next content.
    pub(super) fn own_line_comments(&mut self, skipped_from: usize, from_line: u32) {
        let tokens = &self.out.tokens;
        let mut previous = tokens.last();
        if previous.is_some_and(|t| t.kind == TokenKind::Comma) && tokens.len() > 1 {
            previous = tokens.get(tokens.len() - 2);
        }
        let after_value = previous.is_some_and(|t| t.kind == TokenKind::Value);
        let least = self.indent.max(0) as u32;
        let mut pristine = self.gap <= 1;
        let footline = if from_line == 0 {
            -1
        } else {
            let beside = i64::from(self.gap == 0 && self.column >= 2);
            i64::from(self.line) - i64::from(self.gap) + 1 + beside
        };
        let mut anchor = previous.map_or(0, |t| t.last_start());
        let mut from = skipped_from as u32;
        let mut line = i64::from(self.line);
        let mut blank = false;
        let mut chunk: Option<Chunk> = None;

        // `at` and `column` run ahead of the position, which stays behind the last comment taken.
        let mut at = self.pos;
        let mut column = self.column;
        loop {
            let blanks = at;
            while matches!(self.src.get(at), Some(b' ' | b'\t')) && at - blanks <= LOOK_AHEAD {
                at += 1;
                column += 1;
            }
            let byte = self.src.get(at).copied();
            let bracket = self.flow_level > 0 && matches!(byte, Some(b']' | b'}'));
            if byte.is_none() || bracket || self.break_len(at) > 0 {
                if bracket || !blank {
                    let closes = bracket
                        || pristine
                            && chunk.as_ref().is_none_or(|c| (c.line == footline && !after_value) || c.column < least);
                    if closes && let Some(c) = chunk.take() {
                        let foot_anchor = if c.column < least { c.start } else { anchor };
                        self.push_record(RecordKind::Foot, c, foot_anchor, from, at as u32);
                        anchor = at as u32;
                        from = at as u32;
                    }
                }
                if bracket || byte.is_none() {
                    break;
                }
                pristine = false;
                blank = true;
                line += 1;
                at += self.break_len(at);
                column = 0;
                continue;
            }
            if chunk.as_ref().is_some_and(|c| column < least && column != c.column)
                && let Some(c) = chunk.take()
            {
                self.push_record(RecordKind::Foot, c, anchor, from, at as u32);
                anchor = at as u32;
                from = at as u32;
            }
            if byte != Some(b'#') {
                break;
            }
            let piece = self.out.pieces.len() as u32;
            if chunk.is_none() {
                chunk = Some(Chunk { start: at as u32, column, line, first_piece: piece });
            }
            blank = false;
            // Consume up to the comment's end, counting the true lines.
            while self.pos < at {
                if self.is_break(0) {
                    self.skip_break();
                } else {
                    self.skip_blank();
                }
            }
            line = i64::from(self.line);
            let end = self.line_end(at);
            self.out.pieces.push(Span::new(at, end));
            self.skip_to(end);
            // compat: one character is skipped, so the LF of a CRLF is seen as a blank line.
            at = end;
            column = self.column;
            if at < self.src.len() {
                at += match self.src[at] {
                    0xC2 => 2,
                    0xE2 => 3,
                    _ => 1,
                };
                column = 0;
            }
        }
        if let Some(c) = chunk {
            let start = c.start;
            self.push_record(RecordKind::Head, c, start, from, (at as u32).saturating_sub(1));
        }
    }

    fn push_record(&mut self, kind: RecordKind, chunk: Chunk, anchor: u32, from: u32, to: u32) {
        let pieces = (chunk.first_piece, self.out.pieces.len() as u32);
        let (start, column) = (chunk.start, chunk.column);
        self.out.records.push(Record { kind, anchor, start, column, from, to, pieces });
    }

    /// The offset of the BLOCK-END of the level at `indent`: in front of the comments that follow the block, but behind
    /// those in the block's own column.
    pub(super) fn block_end_offset(&self, indent: i32, offset: u32) -> u32 {
        let mut result = offset;
        let mut stop = offset;
        for record in self.out.records.iter().rev() {
            if record.to < stop {
                break;
            }
            if record.column as i32 == indent {
                result = record.start;
            }
            stop = record.from;
        }
        result
    }
}
