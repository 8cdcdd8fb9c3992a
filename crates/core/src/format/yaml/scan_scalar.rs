//! Scalars: plain, quoted and block, with the reference's folding, escapes and indentation rules.
//!
//! Text that stands in the source verbatim is a span; only folded, escaped or re-indented text is copied.

use super::scan::{Scanner, Token, TokenKind, may_break};
use crate::error::Error;
use crate::outline::{Block, Span, Style};

/// Bytes that may end a plain scalar or need a closer look, in block and in flow context.
const PLAIN_STOP: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    let stops: &[u8] = b" \t\n\r:\xC2\xE2";
    while i < stops.len() {
        table[stops[i] as usize] = 1;
        i += 1;
    }
    let flow: &[u8] = b",?[]{}";
    i = 0;
    while i < flow.len() {
        table[flow[i] as usize] = 2;
        i += 1;
    }
    table
};

/// The white space between two runs of a folded scalar.
#[derive(Default)]
struct Fold {
    blanks: Option<Span>,
    leading: Option<Span>,
    trailing: Vec<u8>,
}

impl Fold {
    /// Takes one line break.
    fn push_break(&mut self, src: &[u8], span: Span) {
        match self.leading {
            None => {
                self.blanks = None;
                self.leading = Some(span);
            }
            Some(_) => push_break(&mut self.trailing, src, span),
        }
    }

    /// Appends what the white space folds to.
    fn finish(self, src: &[u8], escaped: bool, out: &mut Vec<u8>) {
        match self.leading {
            Some(leading) if is_kept_break(src, leading) => {
                push_break(out, src, leading);
                out.extend_from_slice(&self.trailing);
            }
            Some(_) if self.trailing.is_empty() => out.push(b' '),
            Some(_) => out.extend_from_slice(&self.trailing),
            None if escaped => out.extend_from_slice(&self.trailing),
            None => {
                if let Some(blanks) = self.blanks {
                    out.extend_from_slice(&src[blanks.range()]);
                }
            }
        }
    }
}

/// U+2028 and U+2029 are kept as themselves.
fn is_kept_break(src: &[u8], span: Span) -> bool {
    src[span.start as usize] == 0xE2
}

fn push_break(out: &mut Vec<u8>, src: &[u8], span: Span) {
    if is_kept_break(src, span) {
        out.extend_from_slice(&src[span.range()]);
    } else {
        out.push(b'\n');
    }
}

impl Scanner<'_> {
    fn take_break(&mut self) -> Span {
        let start = self.pos;
        self.skip_break();
        Span::new(start, self.pos)
    }

    pub(super) fn scan_plain(&mut self) -> Result<(), Error> {
        let (start, line, column) = (self.pos, self.line, self.column);
        let indent = self.indent + 1;
        let mut end = self.pos;
        let mut made: Option<usize> = None;
        let mut multiline = false;
        loop {
            if self.is_document_indicator() || self.at(0) == b'#' {
                break;
            }
            let run = self.pos;
            let run_end = self.plain_run_end();
            if run_end == run {
                break;
            }
            if made.is_some() {
                self.out.made.extend_from_slice(&self.src[run..run_end]);
            }
            self.skip_to(run_end);
            end = run_end;
            if !matches!(self.at(0), b' ' | b'\t') && !self.is_break(0) {
                multiline = false;
                break;
            }
            let (fold, crossed) = self.plain_white_space(indent)?;
            multiline = crossed;
            if self.flow_level == 0 && (self.column as i32) < indent || self.is_end() {
                break;
            }
            // Nothing follows: the white space is not part of the scalar, so it is not folded in yet.
            if self.at(0) == b'#' || self.is_document_indicator() || self.plain_run_end() == self.pos {
                break;
            }
            if made.is_none() && crossed {
                made = Some(self.out.made.len());
                self.out.made.extend_from_slice(&self.src[start..end]);
            }
            if made.is_some() {
                fold.finish(self.src, false, &mut self.out.made);
            }
        }
        if multiline {
            self.key_allowed = true;
        }
        let token = Token::new(TokenKind::Scalar, start, end, line, column);
        match made {
            Some(made) => self.push_made(made, token),
            None => {
                self.push_scalar(Span::new(start, end), token);
                Ok(())
            }
        }
    }

    /// Where the run of plain characters at the position ends.
    fn plain_run_end(&self) -> usize {
        let src = self.src;
        let in_flow = self.flow_level > 0;
        let mut at = self.pos;
        if !in_flow && !self.exotic {
            // Only a blank ends a run, and the colon in front of it.
            let end = memchr::memchr2(b' ', b'\n', &src[at..]).map_or(src.len(), |i| at + i);
            return if end > at && src[end - 1] == b':' { end - 1 } else { end };
        }
        while let Some(&byte) = src.get(at) {
            let class = PLAIN_STOP[byte as usize];
            if class == 2 && in_flow {
                break;
            }
            if class == 1 {
                match byte {
                    b':' => {
                        let next = src.get(at + 1).copied().unwrap_or(0);
                        if matches!(next, b' ' | b'\t' | 0) || may_break(next) && self.break_len(at + 1) > 0 {
                            break;
                        }
                    }
                    0xC2 | 0xE2 => {
                        if self.break_len(at) > 0 {
                            break;
                        }
                    }
                    _ => break,
                }
            }
            at += 1;
        }
        at
    }

    /// Consumes blanks and breaks behind a run; returns them and whether a line ended.
    fn plain_white_space(&mut self, indent: i32) -> Result<(Fold, bool), Error> {
        let mut fold = Fold::default();
        loop {
            if matches!(self.at(0), b' ' | b'\t') {
                if fold.leading.is_some() {
                    if self.at(0) == b'\t' && (self.column as i32) < indent {
                        return self.error("found a tab character that violates indentation");
                    }
                    self.skip_blank();
                } else {
                    let start = self.pos;
                    while matches!(self.at(0), b' ' | b'\t') {
                        self.skip_blank();
                    }
                    fold.blanks = Some(Span::new(start, self.pos));
                }
            } else if may_break(self.at(0)) && self.is_break(0) {
                let span = self.take_break();
                fold.push_break(self.src, span);
            } else {
                let crossed = fold.leading.is_some();
                return Ok((fold, crossed));
            }
        }
    }

    pub(super) fn scan_quoted(&mut self) -> Result<(), Error> {
        let (start, line, column) = (self.pos, self.line, self.column);
        let quote = self.at(0);
        let single = quote == b'\'';
        self.skip(1);
        let style = if single { Style::Single } else { Style::Double };
        if let Some(end) = self.simple_quoted_end(quote) {
            let text = Span::new(self.pos, end);
            self.skip_to(end);
            self.skip(1);
            let token = Token::new(TokenKind::Scalar, start, self.pos, line, column);
            self.push_scalar(text, Token { style, ..token });
            return Ok(());
        }
        let made = self.out.made.len();
        loop {
            if self.is_document_indicator() {
                return self.error("found unexpected document indicator in a quoted scalar");
            }
            if self.is_end() {
                let (line, column) = (line + 1, column + 1);
                let problem = "found unexpected end of stream in this quoted scalar".into();
                return Err(Error::Syntax { line, column, problem });
            }
            let escaped_break = self.quoted_run(single)?;
            if self.at(0) == quote {
                break;
            }
            self.quoted_white_space(escaped_break);
        }
        self.skip(1);
        let token = Token::new(TokenKind::Scalar, start, self.pos, line, column);
        self.push_made(made, Token { style, ..token })
    }

    /// The closing quote, if it stands on this line with nothing escaped in front.
    fn simple_quoted_end(&self, quote: u8) -> Option<usize> {
        let src = self.src;
        let mut at = self.pos;
        loop {
            match *src.get(at)? {
                b if b == quote => {
                    let doubled = quote == b'\'' && src.get(at + 1) == Some(&b'\'');
                    return (!doubled).then_some(at);
                }
                b'\\' if quote == b'"' => return None,
                b'\n' | b'\r' => return None,
                0xC2 | 0xE2 if self.break_len(at) > 0 => return None,
                _ => at += 1,
            }
        }
    }

    /// Consumes non-blank characters; returns whether an escaped line break ended the run.
    fn quoted_run(&mut self, single: bool) -> Result<bool, Error> {
        let quote = if single { b'\'' } else { b'"' };
        while !self.is_blankz(0) {
            let c = self.at(0);
            if single && c == b'\'' && self.at(1) == b'\'' {
                self.out.made.push(b'\'');
                self.skip(2);
            } else if c == quote {
                return Ok(false);
            } else if !single && c == b'\\' && self.is_break(1) {
                self.skip(1);
                self.skip_break();
                return Ok(true);
            } else if !single && c == b'\\' {
                self.escape()?;
            } else {
                let from = self.pos;
                let mut at = from + 1;
                while self
                    .src
                    .get(at)
                    .is_some_and(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b'\'' | b'"' | b'\\' | 0xC2 | 0xE2))
                {
                    at += 1;
                }
                self.out.made.extend_from_slice(&self.src[from..at]);
                self.skip_to(at);
            }
        }
        Ok(false)
    }

    fn escape(&mut self) -> Result<(), Error> {
        let digits = match self.at(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            other => {
                let Some(c) = simple_escape(other) else {
                    return self.error("found unknown escape character in a double-quoted scalar");
                };
                self.out.made.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                self.skip(2);
                return Ok(());
            }
        };
        self.skip(2);
        let mut code = 0u32;
        for _ in 0..digits {
            let Some(digit) = char::from(self.at(0)).to_digit(16) else {
                return self.error("did not find expected hexadecimal number in an escape");
            };
            code = code.wrapping_mul(16).wrapping_add(digit);
            self.skip(1);
        }
        let Some(c) = char::from_u32(code) else {
            return self.error("found invalid Unicode character escape code");
        };
        self.out.made.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn quoted_white_space(&mut self, escaped_break: bool) {
        let mut fold = Fold::default();
        let mut broken = escaped_break;
        loop {
            if matches!(self.at(0), b' ' | b'\t') {
                let start = self.pos;
                self.skip_blanks();
                if !broken {
                    fold.blanks = Some(Span::new(start, self.pos));
                }
            } else if self.is_break(0) {
                let span = self.take_break();
                if broken {
                    match (escaped_break, fold.leading) {
                        (true, _) => push_break(&mut fold.trailing, self.src, span),
                        _ => fold.push_break(self.src, span),
                    }
                } else {
                    fold.push_break(self.src, span);
                    broken = true;
                }
            } else {
                break;
            }
        }
        fold.finish(self.src, escaped_break, &mut self.out.made);
    }

    pub(super) fn scan_block_scalar(&mut self) -> Result<(), Error> {
        let (start, line, column) = (self.pos, self.line, self.column);
        let literal = self.at(0) == b'|';
        self.skip(1);
        let (chomp, digit) = self.block_indicators()?;
        let header = Span::new(start, self.pos);
        self.skip_blanks();
        if self.at(0) == b'#' {
            self.take_line_comment(start as u32);
        }
        if !self.is_end() && !self.is_break(0) {
            return self.error("did not find expected comment or line break after a block scalar header");
        }
        if !self.is_end() {
            self.skip_break();
        }
        let content_start = self.pos;
        let mut indent = if digit > 0 { self.indent.max(0) + i32::from(digit) } else { 0 };
        let made = self.out.made.len();
        let mut trailing = Vec::new();
        // End of the last text line, and of the blank lines behind it.
        let mut blank_end = self.block_breaks(&mut indent, &mut trailing)?;
        let mut text_end = content_start;
        let mut leading: Option<Span> = None;
        let mut leading_blank = false;
        while self.column as i32 == indent && !self.is_end() {
            let trailing_blank = matches!(self.at(0), b' ' | b'\t');
            if let Some(span) = leading.take() {
                if !literal && !is_kept_break(self.src, span) && !leading_blank && !trailing_blank {
                    if trailing.is_empty() {
                        self.out.made.push(b' ');
                    }
                } else {
                    push_break(&mut self.out.made, self.src, span);
                }
            }
            self.out.made.append(&mut trailing);
            leading_blank = trailing_blank;
            let end = self.line_end(self.pos);
            self.out.made.extend_from_slice(&self.src[self.pos..end]);
            self.skip_to(end);
            if !self.is_end() {
                leading = Some(self.take_break());
            }
            text_end = self.pos;
            blank_end = self.block_breaks(&mut indent, &mut trailing)?;
        }
        if chomp >= 0
            && let Some(span) = leading
        {
            push_break(&mut self.out.made, self.src, span);
        }
        if chomp > 0 {
            self.out.made.append(&mut trailing);
        }
        let end = if chomp > 0 { blank_end.max(text_end) } else { text_end };
        let content = Span::new(content_start, end.max(content_start));
        self.out.blocks.push(Block { header, content, indent: indent as u32, digit, chomp });
        let style = if literal { Style::Literal } else { Style::Folded };
        let token = Token::new(TokenKind::Scalar, start, end.max(header.end as usize), line, column);
        self.push_made(made, Token { style, ..token })
    }

    /// Chomping and indentation indicators in either order.
    fn block_indicators(&mut self) -> Result<(i8, u8), Error> {
        let (mut chomp, mut digit) = (0, 0);
        for _ in 0..2 {
            match self.at(0) {
                b'+' if chomp == 0 => chomp = 1,
                b'-' if chomp == 0 => chomp = -1,
                b'0' if digit == 0 => return self.error("found an indentation indicator equal to 0"),
                c @ b'1'..=b'9' if digit == 0 => digit = c - b'0',
                _ => break,
            }
            self.skip(1);
        }
        Ok((chomp, digit))
    }

    /// Consumes indentation and blank lines; settles an automatic indentation. Returns where the last blank line ends.
    fn block_breaks(&mut self, indent: &mut i32, breaks: &mut Vec<u8>) -> Result<usize, Error> {
        let mut deepest = 0;
        let mut end = self.pos;
        loop {
            while (*indent == 0 || (self.column as i32) < *indent) && self.at(0) == b' ' {
                self.skip_blank();
            }
            deepest = deepest.max(self.column as i32);
            if (*indent == 0 || (self.column as i32) < *indent) && self.at(0) == b'\t' {
                return self.error("found a tab character where an indentation space is expected");
            }
            if !self.is_break(0) {
                break;
            }
            let span = self.take_break();
            push_break(breaks, self.src, span);
            end = self.pos;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(end)
    }
}

fn simple_escape(byte: u8) -> Option<char> {
    Some(match byte {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0B',
        b'f' => '\x0C',
        b'r' => '\r',
        b'e' => '\x1B',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
