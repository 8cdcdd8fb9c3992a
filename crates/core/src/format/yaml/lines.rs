//! Whole lines at once: most lines of most files are `key: value` or `- value`, and need none of the scanner's doubts.
//!
//! Each way here makes what [`Scanner`] would make of the same bytes token by token, or makes nothing and leaves the line to
//! it. What is taken is decided by the bytes of the line and the first of the next one alone.

use super::scan::{Scanner, Token, TokenKind, is_exotic};
use crate::error::Error;
use crate::outline::{Span, Style, Text};

/// Longer keys are left to the scanner, which has a limit.
const LONGEST_KEY: usize = 1000;

/// What stands behind `key: ` or `- `.
enum Rest {
    /// A scalar that ends with its line. Where the next line starts, and the column of its first character.
    Scalar { text: Span, style: Style, next: usize, column: u32 },
    /// The start of something else.
    Other,
    /// Nothing, a comment, or too little to tell.
    Unclear,
}

impl Scanner<'_> {
    /// Takes a line of a block collection, or its key; returns whether it did.
    ///
    /// # Errors
    /// [`Error::Limit`] beyond 10,000 levels.
    pub(super) fn whole_line(&mut self) -> Result<bool, Error> {
        let is_required = |key: &super::scan::SimpleKey| key.possible && key.required;
        if self.flow_level > 0 || !self.key_allowed || self.keys.last().is_some_and(is_required) {
            return Ok(false);
        }
        match self.src[self.pos..] {
            [b'-', b' ', ..] => self.element_line(),
            _ => self.pair_line(),
        }
    }

    fn pair_line(&mut self) -> Result<bool, Error> {
        let (src, start) = (self.src, self.pos);
        let length = src[start..].iter().take_while(|b| IN_KEY[**b as usize]).count();
        let colon = start + length;
        if !(1..LONGEST_KEY).contains(&length) || src[start] == b'-' || !src[colon..].starts_with(b": ") {
            return Ok(false);
        }
        let (line, at) = (self.line, self.column);
        let rest = self.rest(colon + 2);
        if matches!(rest, Rest::Unclear) {
            return Ok(false);
        }
        self.roll(at, None, TokenKind::MapStart, start as u32, line)?;
        self.forget_key();
        match rest {
            Rest::Scalar { text, style, next, column } if column as i32 <= self.indent => {
                let text = Text::source(text);
                self.out.tokens.push(Token { text, style, ..Token::new(TokenKind::Pair, start, colon, line, at) });
                self.start_line(next, column);
            }
            _ => {
                let behind = at + length as u32;
                self.out.tokens.extend([
                    Token::new(TokenKind::Key, start, start, line, at),
                    Token::new(TokenKind::Scalar, start, colon, line, at),
                    Token::new(TokenKind::Value, colon, colon + 1, line, behind),
                ]);
                self.key_allowed = false;
                self.pos = colon + 2;
                self.column = behind + 2;
                self.gap = 0;
            }
        }
        Ok(true)
    }

    fn element_line(&mut self) -> Result<bool, Error> {
        let (dash, line, at) = (self.pos, self.line, self.column);
        let Rest::Scalar { text, style, next, column } = self.rest(dash + 2) else { return Ok(false) };
        if column as i32 > self.indent.max(at as i32) {
            return Ok(false);
        }
        self.roll(at, None, TokenKind::SeqStart, dash as u32, line)?;
        self.forget_key();
        let text = Text::source(text);
        self.out.tokens.push(Token { text, style, ..Token::new(TokenKind::Element, dash, dash + 1, line, at) });
        self.start_line(next, column);
        Ok(true)
    }

    /// A key that could have been one is none: this line is not its colon.
    fn forget_key(&mut self) {
        if let Some(key) = self.keys.last_mut() {
            key.possible = false;
        }
    }

    /// Goes to the first character of the next line.
    fn start_line(&mut self, pos: usize, column: u32) {
        self.pos = pos;
        self.line += 1;
        self.column = column;
        self.gap = 1;
    }

    /// Looks at what starts at `from`, up to the first character of the next line.
    fn rest(&self, from: usize) -> Rest {
        let src = self.src;
        let Some(&first) = src.get(from) else { return Rest::Unclear };
        if matches!(first, b' ' | b'\n' | b'#') || is_exotic(first) {
            return Rest::Unclear;
        }
        let Some(end) = memchr::memchr(b'\n', &src[from..]).map(|i| from + i) else { return Rest::Other };
        let text = &src[from..end];
        if self.exotic && text.iter().fold(false, |found, b| found | is_exotic(*b)) {
            return Rest::Other;
        }
        let (text, style) = match first {
            b'\'' if is_quoted(text, b'\'') => (Span::new(from + 1, end - 1), Style::Single),
            b'"' if is_quoted(text, b'"') => (Span::new(from + 1, end - 1), Style::Double),
            _ if starts_plain(text) && is_plain(text) => (Span::new(from, end), Style::Plain),
            _ => return Rest::Other,
        };
        // A blank or a comment may follow the scalar in the next line, or the end: the scanner knows.
        let column = src[end + 1..].iter().take_while(|b| **b == b' ').count();
        let next = end + 1 + column;
        match src.get(next) {
            Some(b) if !matches!(b, b'\n' | b'#') && !is_exotic(*b) => {
                Rest::Scalar { text, style, next, column: column as u32 }
            }
            _ => Rest::Other,
        }
    }
}

/// Whether a line's rest is one quoted scalar without an escape.
fn is_quoted(text: &[u8], quote: u8) -> bool {
    let inside = match text {
        [_, inside @ .., last] if *last == quote => inside,
        _ => return false,
    };
    match quote {
        b'"' => memchr::memchr2(b'"', b'\\', inside).is_none(),
        _ => memchr::memchr(quote, inside).is_none(),
    }
}

/// Whether a plain scalar can start like this.
fn starts_plain(text: &[u8]) -> bool {
    match text {
        [b'-' | b'?' | b':', second, ..] => STARTS_PLAIN[*second as usize],
        [first, ..] => STARTS_PLAIN[*first as usize],
        [] => false,
    }
}

/// Whether a line's rest has nothing that ends a plain scalar: a blank in front of `#` or the end, a colon in front of a blank
/// or the end.
fn is_plain(text: &[u8]) -> bool {
    if matches!(text, [.., b' ' | b':']) {
        return false;
    }
    memchr::memchr_iter(b' ', text).all(|at| text[at - 1] != b':' && text[at + 1] != b'#')
}

/// What a key is made of that needs no look at its surroundings.
static IN_KEY: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'-' | b'.' | b'/');
        byte += 1;
    }
    table
};

/// What no indicator starts with.
static STARTS_PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x21;
    while byte < 256 {
        table[byte] = !matches!(
            byte as u8,
            b'-' | b'?'
                | b':'
                | b','
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'#'
                | b'&'
                | b'*'
                | b'!'
                | b'|'
                | b'>'
                | b'\''
                | b'"'
                | b'%'
                | b'@'
                | b'`'
        );
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use crate::format::yaml::convert::{Keys, convert};
    use crate::format::yaml::parse::parse_with;
    use proptest::prelude::*;

    /// Ends and starts of lines, and what may stand between them.
    const PIECES: &[&str] = &[
        "a: b\n",
        "key: x y\n",
        "k: 'it'\n",
        "k: \"x\"\n",
        "k: \"a\\tb\"\n",
        "k: 'it''s'\n",
        "- a\n",
        "- 'b'\n",
        "- k: v\n",
        "-   w\n",
        "a:\n",
        "b: |\n",
        "text\n",
        "c: >-\n",
        "# comment\n",
        " # c\n",
        "d: 1 # c\n",
        "e: 0x1F\n",
        "f: yes\n",
        "1: x\n",
        "g: a: b\n",
        "h: x #y\n",
        "i: x#y\n",
        "j: :x\n",
        "l: -x\n",
        "m: - x\n",
        "n: ?x\n",
        "o: &x y\n",
        "p: *x\n",
        "q: !!str 1\n",
        "r: [a, b]\n",
        "s: {a: 1}\n",
        "t: x \n",
        "u: x:\n",
        "v: 'x'y\n",
        "w: \u{20ac}\n",
        "x: \u{85}\n",
        "y: \t1\n",
        "z:\tb\n",
        "? a\n",
        ": b\n",
        "---\n",
        "...\n",
        "aa: b\r\n",
        "\n",
        "\n\n",
        "\t\n",
        "  ",
        "    ",
        "  ",
        "- ",
        "k: ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        "\"",
        "end: z",
    ];

    fn both(text: &str) -> [String; 2] {
        [true, false].map(|by_lines| {
            let outline = parse_with(text, by_lines).and_then(|parsed| convert(text, parsed, Keys::Texts));
            format!("{outline:?}")
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn whole_lines_are_what_their_tokens_are(pieces in proptest::collection::vec(0..PIECES.len(), 1..14)) {
            let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
            let [fast, slow] = both(&text);
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn a_nested_document_is_the_same_line_by_line() {
        let text = "a:\n  b: c\n  # head\n  d: e\n\n  # foot\n\nf:\n- g\n- h # line\n- i: j\n  k: l\nm: n\n";
        let [fast, slow] = both(text);
        assert_eq!(fast, slow);
    }
}
