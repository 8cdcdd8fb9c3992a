//! The scanner: text → tokens and comment records, both with byte positions.
//!
//! A classic two-stage YAML 1.1 scanner, since that is what the reference reads with; where YAML 1.2 differs, the
//! reference decides (`manual::differences`). Tokens are made a window at a time, always [`AHEAD`] of the parser: a
//! comment is attached with the knowledge of the two tokens around it. Nothing recurses.

use super::comments::Record;
use super::nodes::scalar_span;
use crate::error::Error;
use crate::outline::{Block, NONE, Span, Style, Text};
use zeroize::Zeroizing;

/// Deepest nesting of flow or of block collections, as in the reference.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// Most bytes of text, as written or unescaped.
pub(crate) const MAX_TEXT: usize = i32::MAX as usize;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    StreamEnd,
    Directive,
    DocStart,
    DocEnd,
    MapStart,
    SeqStart,
    BlockEnd,
    Key,
    Value,
    Entry,
    FlowSeqStart,
    FlowSeqEnd,
    FlowMapStart,
    FlowMapEnd,
    Comma,
    Alias,
    Anchor,
    Tag,
    Scalar,
    /// A line `key: value`: [`TokenKind::Key`], a scalar, [`TokenKind::Value`] and another scalar in one. Start and end are
    /// those of the key, text and style those of the value.
    Pair,
    /// A line `- value`: [`TokenKind::Entry`] and a scalar in one. Start and end are those of the dash, text and style
    /// those of the value.
    Element,
}

/// A token with the place of its first character.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub start: u32,
    pub end: u32,
    /// 0-based.
    pub line: u32,
    /// 0-based, in characters.
    pub column: u32,
    /// Index into [`Scanned::directives`] for directives, else [`NONE`].
    pub data: u32,
    /// A scalar's text and style.
    pub text: Text,
    pub style: Style,
}

impl Token {
    /// A token without text.
    pub fn new(kind: TokenKind, start: usize, end: usize, line: u32, column: u32) -> Token {
        let Span { start, end } = Span::new(start, end);
        let text = Text::source(Span { start, end });
        Token { kind, start, end, line, column, data: NONE, text, style: Style::Plain }
    }

    /// Where its last scalar starts: that of a whole line is its value.
    pub fn last_start(&self) -> u32 {
        match self.kind {
            TokenKind::Pair | TokenKind::Element => scalar_span(self.text, self.style).start,
            _ => self.start,
        }
    }
}

/// How many tokens the parser may look at in one step, and how many are made at a time.
pub(crate) const AHEAD: usize = 64;
const WINDOW: usize = 512;

/// A directive line.
#[derive(Clone, Debug)]
pub(crate) enum Directive {
    Version,
    Tag { handle: Span, prefix: Span },
}

/// What the scanner found so far.
#[derive(Default)]
pub(crate) struct Scanned {
    /// The tokens that are not parsed yet.
    pub tokens: Vec<Token>,
    /// How many tokens were parsed and dropped.
    dropped: usize,
    pub ended: bool,
    /// Texts that differ from the source.
    pub made: Zeroizing<Vec<u8>>,
    pub blocks: Vec<Block>,
    pub directives: Vec<Directive>,
    pub records: Vec<Record>,
    /// The comments, one per line, `#` included.
    pub pieces: Vec<Span>,
}

/// Where a key would start if a colon follows.
#[derive(Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub possible: bool,
    pub required: bool,
    /// Counted from the start of the stream.
    token: usize,
    start: u32,
    line: u32,
    column: u32,
}

pub(crate) struct Scanner<'a> {
    pub(super) src: &'a [u8],
    /// Whether there is an [`is_exotic`] byte: then runs are scanned byte by byte.
    pub(super) exotic: bool,
    /// Whether whole lines are taken at once; the tests compare with the long way.
    by_lines: bool,
    pub(super) pos: usize,
    pub(super) line: u32,
    pub(super) column: u32,
    /// Line breaks consumed since the last character that was not a blank.
    pub(super) gap: u32,
    pub(super) flow_level: usize,
    pub(super) indent: i32,
    indents: Vec<i32>,
    pub(super) key_allowed: bool,
    pub(super) keys: Vec<SimpleKey>,
    pub(super) out: Scanned,
}

impl<'a> Scanner<'a> {
    pub fn new(src: &'a str, by_lines: bool) -> Self {
        let exotic = src.as_bytes().chunks(256).any(|chunk| chunk.iter().fold(false, |found, b| found | is_exotic(*b)));
        Scanner {
            src: src.as_bytes(),
            exotic,
            by_lines,
            pos: 0,
            line: 0,
            column: 0,
            gap: 0,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            out: Scanned::default(),
        }
    }

    /// What was found; the tokens are dropped.
    pub fn finish(self) -> Scanned {
        Scanned { tokens: Vec::new(), ..self.out }
    }
}

impl Scanner<'_> {
    /// Drops the first `parsed` tokens and makes the next window of them.
    ///
    /// # Errors
    /// [`Error::Syntax`] at the first place that the reference's scanner refuses; [`Error::Limit`] beyond 10,000 levels.
    pub fn refill(&mut self, parsed: usize) -> Result<(), Error> {
        self.out.tokens.drain(..parsed);
        self.out.dropped += parsed;
        while !self.out.ended && (self.out.tokens.len() < WINDOW || self.may_insert_early()) {
            for _ in 0..AHEAD / 2 {
                self.out.ended = self.next()?;
                if self.out.ended {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether a `:` could still put a key in front of tokens that the parser may look at.
    fn may_insert_early(&self) -> bool {
        let limit = self.out.dropped + self.out.tokens.len().saturating_sub(AHEAD);
        self.keys.iter().any(|k| self.may_be_key(k) && k.token <= limit)
    }

    fn may_be_key(&self, key: &SimpleKey) -> bool {
        key.possible && key.line == self.line && key.column + 1024 >= self.column
    }

    /// The byte `ahead` bytes after the position, 0 at the end (NUL never occurs in a checked text).
    pub(super) fn at(&self, ahead: usize) -> u8 {
        self.src.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// The length of the line break at `at`, 0 if there is none.
    pub(super) fn break_len(&self, at: usize) -> usize {
        break_len(self.src, at)
    }

    pub(super) fn is_break(&self, ahead: usize) -> bool {
        self.break_len(self.pos + ahead) > 0
    }

    pub(super) fn is_end(&self) -> bool {
        self.pos >= self.src.len()
    }

    /// Blank, break or end.
    pub(super) fn is_blankz(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t' | 0) || self.is_break(ahead)
    }

    /// Consumes ASCII characters that are not blanks.
    pub(super) fn skip(&mut self, count: usize) {
        self.pos += count;
        self.column += count as u32;
        self.gap = 0;
    }

    pub(super) fn skip_blank(&mut self) {
        self.pos += 1;
        self.column += 1;
    }

    /// Consumes the bytes up to `end`, which are on this line.
    pub(super) fn skip_to(&mut self, end: usize) {
        let bytes = &self.src[self.pos..end];
        self.column += if bytes.is_ascii() { bytes.len() } else { char_count(bytes) } as u32;
        self.pos = end;
        self.gap = 0;
    }

    pub(super) fn skip_break(&mut self) {
        self.pos += self.break_len(self.pos);
        self.line += 1;
        self.column = 0;
        self.gap += 1;
    }

    /// The end of the line that `from` stands on, its break excluded.
    pub(super) fn line_end(&self, from: usize) -> usize {
        if !self.exotic {
            return memchr::memchr(b'\n', &self.src[from..]).map_or(self.src.len(), |i| from + i);
        }
        let mut at = from;
        while at < self.src.len() && (!may_break(self.src[at]) || self.break_len(at) == 0) {
            at += 1;
        }
        at
    }

    pub(super) fn error<T>(&self, problem: &str) -> Result<T, Error> {
        Err(Error::Syntax { line: self.line + 1, column: self.column + 1, problem: problem.to_owned() })
    }

    fn push(&mut self, kind: TokenKind, start: usize, line: u32, column: u32) {
        self.out.tokens.push(Token::new(kind, start, self.pos, line, column));
    }

    /// Pushes a token of one ASCII character and consumes it.
    fn push_char(&mut self, kind: TokenKind, length: usize) {
        let (start, line, column) = (self.pos, self.line, self.column);
        self.skip(length);
        self.push(kind, start, line, column);
    }

    /// Makes the next token or tokens; returns whether the stream has ended.
    fn next(&mut self) -> Result<bool, Error> {
        let skipped_from = self.pos;
        self.skip_to_token(skipped_from)?;
        if self.flow_level == 0 {
            self.unroll(self.column as i32, skipped_from);
        }
        if self.is_end() {
            self.fetch_stream_end()?;
            return Ok(true);
        }
        if self.by_lines && self.whole_line()? {
            return Ok(false);
        }
        self.fetch()?;
        let newest = self.out.tokens.last().map_or(TokenKind::StreamEnd, |t| t.kind);
        if !matches!(newest, TokenKind::Directive | TokenKind::DocStart | TokenKind::DocEnd | TokenKind::Entry) {
            self.line_comment();
        }
        Ok(false)
    }

    fn fetch(&mut self) -> Result<(), Error> {
        let c = self.at(0);
        if self.column == 0 {
            if c == b'%' {
                return self.fetch_directive();
            }
            if self.is_document_indicator() {
                return self.fetch_document_indicator();
            }
        }
        match c {
            b'[' => self.fetch_flow_start(TokenKind::FlowSeqStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMapStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSeqEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMapEnd),
            b',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.push_char(TokenKind::Comma, 1);
                Ok(())
            }
            b'-' if self.is_blankz(1) => self.fetch_entry(),
            b'?' if self.flow_level > 0 || self.is_blankz(1) => self.fetch_key(),
            b':' if self.flow_level > 0 || self.is_blankz(1) => self.fetch_value(),
            b'*' => self.fetch_anchor(TokenKind::Alias),
            b'&' => self.fetch_anchor(TokenKind::Anchor),
            b'!' => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_tag()
            }
            b'|' | b'>' if self.flow_level == 0 => {
                self.remove_key()?;
                self.key_allowed = true;
                self.scan_block_scalar()
            }
            b'\'' | b'"' => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_quoted()
            }
            b'#' | b'%' | b'@' | b'`' | b'|' | b'>' | b'\t' => {
                self.error("found character that cannot start any token")
            }
            _ => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_plain()
            }
        }
    }

    /// Skips white space, breaks and comments in front of the next token.
    fn skip_to_token(&mut self, from: usize) -> Result<(), Error> {
        let from_line = self.line;
        loop {
            let spaces = self.src[self.pos..].iter().take_while(|b| **b == b' ').count();
            self.pos += spaces;
            self.column += spaces as u32;
            while self.at(0) == b' ' || (self.at(0) == b'\t' && (self.flow_level > 0 || !self.key_allowed)) {
                self.skip_blank();
            }
            if self.at(0) == b'#' {
                self.own_line_comments(from, from_line);
            }
            if !may_break(self.at(0)) || !self.is_break(0) {
                return Ok(());
            }
            self.skip_break();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    pub(super) fn is_document_indicator(&self) -> bool {
        self.column == 0
            && matches!((self.at(0), self.at(1), self.at(2)), (b'-', b'-', b'-') | (b'.', b'.', b'.'))
            && self.is_blankz(3)
    }

    // Simple keys and indentation.

    fn save_key(&mut self) -> Result<(), Error> {
        if !self.key_allowed {
            return Ok(());
        }
        self.remove_key()?;
        let required = self.flow_level == 0 && self.indent == self.column as i32;
        let key = SimpleKey {
            possible: true,
            required,
            token: self.out.dropped + self.out.tokens.len(),
            start: self.pos as u32,
            line: self.line,
            column: self.column,
        };
        if let Some(slot) = self.keys.last_mut() {
            *slot = key;
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Result<(), Error> {
        if let Some(key) = self.keys.last_mut() {
            if key.possible && key.required {
                let (line, column) = (key.line + 1, key.column + 1);
                return Err(Error::Syntax {
                    line,
                    column,
                    problem: "could not find expected ':' after this key".into(),
                });
            }
            key.possible = false;
        }
        Ok(())
    }

    /// Opens a block collection if `column` is deeper than the current one; its token goes in front of token `before`.
    pub(super) fn roll(
        &mut self,
        column: u32,
        before: Option<usize>,
        kind: TokenKind,
        start: u32,
        line: u32,
    ) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent >= column as i32 {
            return Ok(());
        }
        if self.indents.len() >= MAX_DEPTH {
            return Err(Error::Limit { what: "nesting of block collections", max: MAX_DEPTH as u64 });
        }
        self.indents.push(self.indent);
        self.indent = column as i32;
        let token = Token::new(kind, start as usize, start as usize, line, column);
        match before {
            Some(at) => self.out.tokens.insert(at - self.out.dropped, token),
            None => self.out.tokens.push(token),
        }
        Ok(())
    }

    /// Closes the block collections deeper than `column`. `from` is where the white space in front began.
    fn unroll(&mut self, column: i32, from: usize) {
        if self.indent <= column {
            return;
        }
        let mut offset = (from as u32).saturating_sub(1);
        while self.indent > column {
            offset = self.block_end_offset(self.indent, offset);
            let at = offset as usize;
            self.out.tokens.push(Token::new(TokenKind::BlockEnd, at, at, self.line, self.column));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    // Tokens.

    fn fetch_stream_end(&mut self) -> Result<(), Error> {
        if self.column != 0 {
            self.column = 0;
            self.line += 1;
        }
        if self.flow_level > 0 {
            return self.error("the text ends inside a flow collection");
        }
        self.unroll(-1, self.pos);
        self.remove_key()?;
        self.key_allowed = false;
        self.push(TokenKind::StreamEnd, self.pos, self.line, self.column);
        Ok(())
    }

    fn fetch_document_indicator(&mut self) -> Result<(), Error> {
        if self.flow_level > 0 {
            return self.error("found unexpected document indicator inside a flow collection");
        }
        self.unroll(-1, self.pos);
        self.remove_key()?;
        self.key_allowed = false;
        let kind = if self.at(0) == b'-' { TokenKind::DocStart } else { TokenKind::DocEnd };
        self.push_char(kind, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), Error> {
        self.save_key()?;
        if self.flow_level >= MAX_DEPTH {
            return Err(Error::Limit { what: "nesting of flow collections", max: MAX_DEPTH as u64 });
        }
        self.keys.push(SimpleKey::default());
        self.flow_level += 1;
        self.key_allowed = true;
        self.push_char(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), Error> {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.keys.pop();
        }
        self.key_allowed = false;
        self.push_char(kind, 1);
        Ok(())
    }

    fn fetch_entry(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return self.error("block sequence entries are not allowed in this context");
            }
            self.roll(self.column, None, TokenKind::SeqStart, self.pos as u32, self.line)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.push_char(TokenKind::Entry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return self.error("mapping keys are not allowed in this context");
            }
            self.roll(self.column, None, TokenKind::MapStart, self.pos as u32, self.line)?;
        }
        self.remove_key()?;
        self.key_allowed = self.flow_level == 0;
        self.push_char(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Error> {
        let key = self.keys.last().copied().unwrap_or_default();
        if self.may_be_key(&key) {
            let at = key.start as usize;
            let token = Token::new(TokenKind::Key, at, at, key.line, key.column);
            self.out.tokens.insert(key.token - self.out.dropped, token);
            self.roll(key.column, Some(key.token), TokenKind::MapStart, key.start, key.line)?;
            if let Some(slot) = self.keys.last_mut() {
                slot.possible = false;
            }
            self.key_allowed = false;
        } else {
            self.remove_key()?;
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return self.error("mapping values are not allowed in this context");
                }
                self.roll(self.column, None, TokenKind::MapStart, self.pos as u32, self.line)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.push_char(TokenKind::Value, 1);
        Ok(())
    }

    fn fetch_anchor(&mut self, kind: TokenKind) -> Result<(), Error> {
        self.save_key()?;
        self.key_allowed = false;
        let (start, line, column) = (self.pos, self.line, self.column);
        self.skip(1);
        let name = self.pos;
        while matches!(self.at(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-') {
            self.skip(1);
        }
        let ends = self.is_blankz(0) || matches!(self.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if self.pos == name || !ends {
            return self.error("did not find expected alphabetic or numeric character in an anchor or alias name");
        }
        self.push(kind, start, line, column);
        Ok(())
    }

    /// Pushes a scalar whose text stands in the source.
    pub(super) fn push_scalar(&mut self, text: Span, token: Token) {
        self.out.tokens.push(Token { text: Text::source(text), ..token });
    }

    /// Pushes a scalar whose text was put together at the end of [`Scanned::made`], from `made` on.
    pub(super) fn push_made(&mut self, made: usize, mut token: Token) -> Result<(), Error> {
        let end = self.out.made.len();
        if end >= MAX_TEXT {
            return Err(Error::Limit { what: "size of the text in bytes", max: MAX_TEXT as u64 });
        }
        token.text = Text::made(made..end);
        self.out.tokens.push(token);
        Ok(())
    }

    fn scan_tag(&mut self) -> Result<(), Error> {
        let (start, line, column) = (self.pos, self.line, self.column);
        self.skip(1);
        if self.at(0) == b'<' {
            self.skip(1);
            let uri = self.pos;
            self.skip_uri()?;
            if self.pos == uri || self.at(0) != b'>' {
                return self.error("did not find the expected tag URI and '>'");
            }
            self.skip(1);
        } else {
            self.skip_uri()?;
        }
        if !self.is_blankz(0) {
            return self.error("did not find expected whitespace or line break after a tag");
        }
        self.push(TokenKind::Tag, start, line, column);
        Ok(())
    }

    fn skip_uri(&mut self) -> Result<(), Error> {
        loop {
            match self.at(0) {
                b'%' => {
                    if !(self.at(1).is_ascii_hexdigit() && self.at(2).is_ascii_hexdigit()) {
                        return self.error("did not find URI escaped octet in a tag");
                    }
                    self.skip(3);
                }
                b'0'..=b'9'
                | b'A'..=b'Z'
                | b'a'..=b'z'
                | b'_'
                | b'-'
                | b';'
                | b'/'
                | b'?'
                | b':'
                | b'@'
                | b'&'
                | b'='
                | b'+'
                | b'$'
                | b','
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'['
                | b']' => self.skip(1),
                _ => return Ok(()),
            }
        }
    }

    fn fetch_directive(&mut self) -> Result<(), Error> {
        if self.flow_level > 0 {
            return self.error("found unexpected directive inside a flow collection");
        }
        self.unroll(-1, self.pos);
        self.remove_key()?;
        self.key_allowed = false;
        let (start, line, column) = (self.pos, self.line, self.column);
        self.skip(1);
        let name = self.word();
        let directive = match &self.src[name.range()] {
            b"YAML" => self.version_directive()?,
            b"TAG" => self.tag_directive()?,
            b"" => return self.error("could not find expected directive name"),
            _ => return self.error("found unknown directive name"),
        };
        let end = self.pos;
        self.skip_blanks();
        if self.at(0) == b'#' {
            // Of no node, as the reference drops it; it is a comment to encrypt all the same.
            let end = self.line_end(self.pos);
            self.out.pieces.push(Span::new(self.pos, end));
            self.skip_to(end);
        }
        if !self.is_end() && !self.is_break(0) {
            return self.error("did not find expected comment or line break after a directive");
        }
        if !self.is_end() {
            self.skip_break();
        }
        let data = self.out.directives.len() as u32;
        self.out.directives.push(directive);
        let token = Token::new(TokenKind::Directive, start, end, line, column);
        self.out.tokens.push(Token { data, ..token });
        Ok(())
    }

    /// Consumes a run of anything but blanks, breaks and `#` behind letters or digits.
    fn word(&mut self) -> Span {
        let start = self.pos;
        while matches!(self.at(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-') {
            self.skip(1);
        }
        Span::new(start, self.pos)
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.at(0), b' ' | b'\t') {
            self.skip_blank();
        }
    }

    fn version_directive(&mut self) -> Result<Directive, Error> {
        self.skip_blanks();
        let start = self.pos;
        while matches!(self.at(0), b'0'..=b'9' | b'.') {
            self.skip(1);
        }
        match &self.src[start..self.pos] {
            b"1.1" => Ok(Directive::Version),
            _ => self.error("found incompatible YAML document: only %YAML 1.1 can be read by the reference"),
        }
    }

    fn tag_directive(&mut self) -> Result<Directive, Error> {
        self.skip_blanks();
        let start = self.pos;
        while matches!(self.at(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-' | b'!') {
            self.skip(1);
        }
        let handle = Span::new(start, self.pos);
        let text = &self.src[handle.range()];
        if text.first() != Some(&b'!') || text.last() != Some(&b'!') || !matches!(self.at(0), b' ' | b'\t') {
            return self.error("did not find expected tag handle and white space");
        }
        self.skip_blanks();
        let start = self.pos;
        self.skip_uri()?;
        let prefix = Span::new(start, self.pos);
        if prefix.is_empty() || !self.is_blankz(0) {
            return self.error("did not find expected tag prefix");
        }
        Ok(Directive::Tag { handle, prefix })
    }
}

/// A tab, or what a line break other than LF can begin with.
pub(super) fn is_exotic(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\r' | 0xC2 | 0xE2)
}

/// Whether a line break can begin with this byte.
pub(crate) fn may_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2)
}

/// The length of the line break at `at`: LF, CR, CRLF, U+0085, U+2028, U+2029; 0 if there is none.
pub(crate) fn break_len(src: &[u8], at: usize) -> usize {
    match src.get(at) {
        Some(b'\n') => 1,
        Some(b'\r') => 1 + usize::from(src.get(at + 1) == Some(&b'\n')),
        Some(0xC2) if src.get(at + 1) == Some(&0x85) => 2,
        Some(0xE2) if src.get(at + 1) == Some(&0x80) && matches!(src.get(at + 2), Some(0xA8 | 0xA9)) => 3,
        _ => 0,
    }
}

fn char_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| (**b & 0xC0) != 0x80).count()
}
