//! Text → outline, in one pass: [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259) to the letter, every byte accounted for.
//!
//! Other JSON readers give values; splicing needs to know where each of them stands, so this is a lexer of our own. Where
//! the RFC leaves a choice the reference's reader decides: keys that stand twice are kept, lone surrogate escapes become
//! U+FFFD, integers beyond 64 bits are floats. Where the reference loses text without a word (what follows the object,
//! what is cut off) this is an error. Linear in the text; nesting costs no stack.

use super::write::MAX_DEPTH;
use crate::error::Error;
use crate::format::yaml::MAX_TEXT;
use crate::outline::{Document, Item, NONE, Node, Outline, Scalar, Span, Style, Text};

/// Reads a text: one object, and nothing but white space around it.
///
/// Spans of strings cover the quotes; an entry starts with its key.
///
/// # Errors
/// [`Error::Syntax`] with line, column and what was expected, never the text itself; [`Error::Limit`] for more than 10,000
/// levels or 2 GiB.
///
/// ```
/// # use sops_core::format::json::scan;
/// assert_eq!(scan::outline("{\"a\": [1, 2]}")?.items.len(), 4);
/// assert!(scan::outline("[1, 2]").is_err());
/// # Ok::<(), sops_core::Error>(())
/// ```
pub fn outline(text: &str) -> Result<Outline, Error> {
    Scanner::new(text, Top::Object)?.run()
}

/// Reads a text of one value of any kind, and nothing but white space around it. Whole numbers beyond 64 bits are refused:
/// who types one means its digits.
///
/// # Errors
/// Those of [`outline`].
pub(super) fn value(text: &str) -> Result<Outline, Error> {
    Scanner::new(text, Top::Value)?.run()
}

/// What stands at the top.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    /// An object: a file.
    Object,
    /// Any value: what somebody typed.
    Value,
}

/// Where a problem is and what it is; the position becomes line and column only when it is reported.
struct Fault {
    at: usize,
    problem: Problem,
}

enum Problem {
    Expected(&'static str),
    Refused(String),
    TooDeep,
}

/// Boxed, so that results stay small.
type Scan<T> = Result<T, Box<Fault>>;

/// An open collection.
struct Open {
    item: u32,
    close: u8,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    top: Top,
    outline: Outline,
    open: Vec<Open>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, top: Top) -> Result<Scanner<'a>, Error> {
        if text.len() >= MAX_TEXT {
            return Err(Error::Limit { what: "size of the text in bytes", max: MAX_TEXT as u64 });
        }
        Ok(Scanner { text, bytes: text.as_bytes(), at: 0, top, outline: Outline::default(), open: Vec::new() })
    }

    fn run(mut self) -> Result<Outline, Error> {
        match self.document() {
            Ok(()) => {
                let end = self.bytes.len() as u32;
                let document = Document { root: 0, start: 0, end, flow_root: true, empty_root: false, column: 0 };
                self.outline.documents.push(document);
                Ok(self.outline)
            }
            Err(fault) => Err(self.error(*fault)),
        }
    }

    fn document(&mut self) -> Scan<()> {
        match self.top {
            Top::Object => self.root()?,
            Top::Value => {
                self.skip_blank();
                self.value(None, self.at, NONE)?;
            }
        }
        // One item more than commas, but texts may be full of them.
        let commas = memchr::memchr_iter(b',', self.bytes).count();
        self.outline.items.reserve(commas.min(self.bytes.len() / 8) + 8);
        let mut is_first = true;
        while let Some(&Open { item, close }) = self.open.last() {
            self.skip_blank();
            if self.peek() == Some(close) {
                self.at += 1;
                self.close(item);
                is_first = false;
                continue;
            }
            if !is_first {
                self.expect(b',', if close == b'}' { "a comma or }" } else { "a comma or ]" })?;
                self.skip_blank();
            }
            let entry_start = self.at;
            let key = if close == b'}' { Some(self.key()?) } else { None };
            is_first = self.value(key, entry_start, item)?;
        }
        self.skip_blank();
        match self.peek() {
            // compat: the reference ignores what follows, and loses it on the next write.
            Some(_) if self.top == Top::Object => Err(self.fault("the end of the text behind the object")),
            Some(_) => Err(self.fault("the end of the text behind the value")),
            None => Ok(()),
        }
    }

    /// The opening brace of the whole.
    fn root(&mut self) -> Scan<()> {
        if self.text.starts_with('\u{FEFF}') {
            return Err(self.refused("a byte order mark stands in front of the object; JSON has none".into()));
        }
        self.skip_blank();
        if self.peek() == Some(b'{') {
            self.at += 1;
            self.open_collection(Node::Map, None, self.at - 1, NONE, b'}')?;
            return Ok(());
        }
        let start = self.at;
        let Some(first) = self.peek() else {
            return Err(self.refused("EOF: the text is empty, expected an object, starting with '{'".into()));
        };
        let only = "SOPS only supports JSON files with a top-level object (starting with '{'), not";
        if first == b'[' {
            let wrap = "To encrypt this file, wrap it in an object, e.g., {\"data\": [...]}";
            return Err(self.refused(format!("{only} arrays or other types. Got delimiter [ instead. {wrap}")));
        }
        // compat: the reference prints the value, which may be the secret.
        let kind = match self.scalar(first)? {
            Scalar::Null => "null",
            Scalar::Bool(_) => "a value of type bool",
            Scalar::Int(_) => "a value of type int",
            Scalar::Float(_) => "a value of type float64",
            Scalar::Time(_) | Scalar::Str(_) => "a value of type string",
        };
        self.at = start;
        Err(self.refused(format!("{only} other JSON types. Got {kind} instead")))
    }

    /// A key and its colon, up to the value.
    fn key(&mut self) -> Scan<Text> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("a key in double quotes"));
        }
        let key = self.string()?;
        self.skip_blank();
        self.expect(b':', "a colon")?;
        self.skip_blank();
        Ok(key)
    }

    /// A value, or the bracket that opens one; returns whether it was a bracket.
    fn value(&mut self, key: Option<Text>, entry_start: usize, parent: u32) -> Scan<bool> {
        let start = self.at;
        let (node, close) = match self.peek() {
            Some(b'{') => (Node::Map, b'}'),
            Some(b'[') => (Node::List, b']'),
            Some(first) => {
                let style = if first == b'"' { Style::Double } else { Style::Plain };
                let node = Node::Leaf(self.scalar(first)?);
                let span = Span::new(start, self.at);
                self.push(node, key, span, entry_start, parent, style);
                return Ok(false);
            }
            None => return Err(self.fault("a value")),
        };
        self.at += 1;
        self.open_collection(node, key, entry_start, parent, close)?;
        Ok(true)
    }

    fn open_collection(
        &mut self,
        node: Node,
        key: Option<Text>,
        entry_start: usize,
        parent: u32,
        close: u8,
    ) -> Scan<()> {
        if self.open.len() == MAX_DEPTH {
            return Err(Box::new(Fault { at: self.at, problem: Problem::TooDeep }));
        }
        let item = self.outline.items.len() as u32;
        // The end of the span is settled by the closing bracket.
        self.push(node, key, Span::new(self.at - 1, self.at), entry_start, parent, Style::Plain);
        self.open.push(Open { item, close });
        Ok(())
    }

    fn close(&mut self, item: u32) {
        self.open.pop();
        let end = self.outline.items.len() as u32;
        if let Some(item) = self.outline.items.get_mut(item as usize) {
            item.span.end = self.at as u32;
            item.end = end;
        }
    }

    fn push(&mut self, node: Node, key: Option<Text>, span: Span, entry_start: usize, parent: u32, style: Style) {
        let end = self.outline.items.len() as u32 + 1;
        let mut item = Item {
            node,
            key: Text::source(span),
            parent,
            end,
            span,
            entry_start: entry_start as u32,
            column: 0,
            extra: NONE,
            style,
            in_flow: true,
        };
        item.set_key(key);
        self.outline.items.push(item);
    }

    fn scalar(&mut self, first: u8) -> Scan<Scalar> {
        match first {
            b'"' => Ok(Scalar::Str(self.string()?)),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Scalar::Bool(true)),
            b'f' => self.word("false", Scalar::Bool(false)),
            b'n' => self.word("null", Scalar::Null),
            _ => Err(self.fault("a value")),
        }
    }

    fn word(&mut self, word: &'static str, value: Scalar) -> Scan<Scalar> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// compat: a literal of digits alone is an integer if it fits 64 bits; anything else is a float.
    fn number(&mut self) -> Scan<Scalar> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            // A leading zero stands alone.
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            is_integer = false;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
            is_integer = false;
        }
        let literal = &self.text[start..self.at];
        if let (true, Ok(number)) = (is_integer, literal.parse::<i64>()) {
            return Ok(Scalar::Int(number));
        }
        if is_integer && self.top == Top::Value {
            self.at = start;
            return Err(self.refused("a whole number beyond 64 bits, of which a float would lose digits".into()));
        }
        match literal.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Scalar::Float(number)),
            _ => {
                self.at = start;
                Err(self.refused("the number is out of the range of a double".into()))
            }
        }
    }

    fn digits(&mut self) -> Scan<()> {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        if count == 0 {
            return Err(self.fault("a digit"));
        }
        self.at += count;
        Ok(())
    }

    /// A string: verbatim in the source, or made if it has an escape.
    fn string(&mut self) -> Scan<Text> {
        self.at += 1;
        let start = self.at;
        self.run_to_special()?;
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(Text::source(Span::new(start, self.at - 1)));
        }
        if self.outline.made.capacity() == 0 {
            // No text grows by being read, so secrets never move to a larger buffer.
            self.outline.made.reserve_exact(self.bytes.len() - start);
        }
        let from = self.outline.made.len();
        let mut copied = start;
        loop {
            self.outline.made.extend_from_slice(&self.bytes[copied..self.at]);
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(Text::made(from..self.outline.made.len()));
            }
            let char = self.escape()?;
            self.outline.made.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            copied = self.at;
            self.run_to_special()?;
        }
    }

    /// Goes to the next quote or backslash, which exists.
    fn run_to_special(&mut self) -> Scan<()> {
        let mut words = self.bytes[self.at..].chunks_exact(8);
        for word in words.by_ref() {
            let word = word.try_into().map_or(0, u64::from_le_bytes);
            match specials(word) {
                0 => self.at += 8,
                found => {
                    self.at += found.trailing_zeros() as usize / 8;
                    return self.at_special();
                }
            }
        }
        let is_special = |b: &u8| matches!(*b, b'"' | b'\\' | 0..0x20);
        self.at += words.remainder().iter().position(is_special).unwrap_or(words.remainder().len());
        self.at_special()
    }

    fn at_special(&self) -> Scan<()> {
        match self.peek() {
            Some(b'"' | b'\\') => Ok(()),
            Some(_) => Err(self.refused("a control character stands in a string; expected an escape like \\n".into())),
            None => Err(self.fault("the closing quote of a string")),
        }
    }

    fn escape(&mut self) -> Scan<char> {
        let char = match self.bytes.get(self.at + 1) {
            Some(b'u') => return self.unicode_escape(),
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(*b),
            Some(b'b') => '\x08',
            Some(b'f') => '\x0C',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => {
                return Err(
                    self.refused("not an escape of JSON; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u".into())
                );
            }
        };
        self.at += 2;
        Ok(char)
    }

    /// compat: a surrogate without its other half becomes U+FFFD.
    fn unicode_escape(&mut self) -> Scan<char> {
        let Some(unit) = self.unit(self.at) else {
            return Err(self.refused("expected four hexadecimal digits behind \\u".into()));
        };
        self.at += 6;
        let second = if matches!(unit, 0xD800..0xDC00) { self.unit(self.at) } else { None };
        if let Some(low @ 0xDC00..0xE000) = second {
            self.at += 6;
            let code = 0x10000 + ((u32::from(unit) - 0xD800) << 10) + (u32::from(low) - 0xDC00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The UTF-16 unit of an escape `\uXXXX`, if one stands there.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit: u16, b| Some(unit << 4 | char::from(*b).to_digit(16)? as u16))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Scan<()> {
        if self.peek() != Some(byte) {
            return Err(self.fault(expected));
        }
        self.at += 1;
        Ok(())
    }

    #[cold]
    fn fault(&self, expected: &'static str) -> Box<Fault> {
        Box::new(Fault { at: self.at, problem: Problem::Expected(expected) })
    }

    #[cold]
    fn refused(&self, problem: String) -> Box<Fault> {
        Box::new(Fault { at: self.at, problem: Problem::Refused(problem) })
    }

    fn error(&self, fault: Fault) -> Error {
        let problem = match fault.problem {
            Problem::TooDeep => return Error::Limit { what: "nesting of JSON", max: MAX_DEPTH as u64 },
            Problem::Refused(problem) => problem,
            Problem::Expected(what) if fault.at == self.bytes.len() => {
                format!("unexpected end of the text, expected {what}")
            }
            Problem::Expected(what) => format!("expected {what}"),
        };
        syntax_error(self.text, fault.at, problem)
    }
}

/// The error for a problem at a byte of the text, which starts a character.
pub(super) fn syntax_error(text: &str, at: usize, problem: String) -> Error {
    let before = &text[..at];
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let breaks = |b: &[u8], at: usize| b[at] == b'\n' || b[at] == b'\r' && b.get(at + 1) != Some(&b'\n');
    let lines = (0..before.len()).filter(|at| breaks(text.as_bytes(), *at)).count();
    let (line, column) = (lines as u32 + 1, before[line_start..].chars().count() as u32 + 1);
    Error::Syntax { line, column, problem }
}

/// The lowest bit that is set belongs to the first of eight bytes that is a quote, a backslash or below 0x20; 0 if none is.
///
/// A byte that is zero loses its top bit to the subtraction; borrows only reach the bytes behind it.
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    const TOPS: u64 = ONES * 0x80;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (equal(b'"') | equal(b'\\') | below(word, 0x20)) & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each item as depth, key and value, in short.
    fn shape(text: &str) -> Vec<String> {
        let outline = outline(text).expect("JSON");
        let texts = outline.texts(text);
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let describe = |item: &Item| {
            let key = item.key().map_or(String::new(), |k| show(k.bytes(texts)) + "=");
            let value = match &item.node {
                Node::Leaf(Scalar::Null) => "null".into(),
                Node::Leaf(Scalar::Int(i)) => format!("int {i}"),
                Node::Leaf(Scalar::Float(f)) => format!("float {f:?}"),
                Node::Leaf(scalar) => show(&scalar.value(texts).canonical()),
                Node::Map => "{".into(),
                _ => "[".into(),
            };
            format!("{key}{value}")
        };
        outline.items.iter().map(describe).collect()
    }

    fn problem(text: &str) -> String {
        outline(text).err().unwrap_or_else(|| panic!("{text} was accepted")).to_string()
    }

    #[test]
    fn numbers_are_typed_by_their_literal() {
        let text =
            "{\"a\": [0, -0, -0.0, 1.0, 1e3, 9223372036854775807, 9223372036854775808, -9223372036854775808, 1e-400]}";
        let expected = [
            "{",
            "a=[",
            "int 0",
            "int 0",
            "float -0.0",
            "float 1.0",
            "float 1000.0",
            "int 9223372036854775807",
            "float 9.223372036854776e18",
            "int -9223372036854775808",
            "float 0.0",
        ];
        assert_eq!(shape(text), expected);
    }

    #[test]
    fn escapes_are_read_and_lone_surrogates_replaced() {
        let text = r#"{"a\u0062": "\"\\\/\b\f\n\r\t\u00e9", "s": ["\ud83d\ude00", "\ud800", "\udc00x", "\ud83d\u0041", "\ude00\ud83d", "\ud800\ud83d\ude00"]}"#;
        let expected = [
            "{",
            "ab=\"\\/\u{8}\u{c}\n\r\té",
            "s=[",
            "😀",
            "\u{fffd}",
            "\u{fffd}x",
            "\u{fffd}A",
            "\u{fffd}\u{fffd}",
            "\u{fffd}😀",
        ];
        assert_eq!(shape(text), expected);
    }

    #[test]
    fn spans_cover_quotes_and_entries_start_with_their_key() {
        let text = " { \"a\" : \"x\\n\" ,\r\n\"b\":[ 1 , {} ] } ";
        let outline = outline(text).expect("JSON");
        let spans: Vec<_> = outline.items.iter().map(|i| &text[i.span.range()]).collect();
        assert_eq!(spans, [text.trim(), "\"x\\n\"", "[ 1 , {} ]", "1", "{}"]);
        let entries: Vec<_> =
            outline.items.iter().map(|i| &text[i.entry_start as usize..i.span.start as usize]).collect();
        assert_eq!(entries, ["", "\"a\" : ", "\"b\":", "", ""]);
        let links: Vec<_> = outline.items.iter().map(|i| (i.parent, i.end)).collect();
        assert_eq!(links, [(NONE, 5), (0, 2), (0, 5), (2, 4), (2, 5)]);
        assert!(outline.items.iter().all(|i| i.in_flow));
    }

    /// At every place of an eight-byte word, and behind one.
    #[test]
    fn every_byte_of_a_string_is_looked_at() {
        for byte in 0..=0xFF_u8 {
            for at in 0..20 {
                let mut word = [b'!'; 24];
                word[at] = byte;
                let is_special = matches!(byte, b'"' | b'\\' | 0..0x20);
                let words = word.chunks_exact(8).map(|w| specials(u64::from_le_bytes(w.try_into().expect("eight"))));
                let found = words.enumerate().find(|(_, found)| *found != 0);
                assert_eq!(
                    found.map(|(i, f)| i * 8 + f.trailing_zeros() as usize / 8),
                    is_special.then_some(at),
                    "{byte}"
                );
            }
        }
        for length in 0..20 {
            let text = format!("{{\"a\": \"{}\"}}", "é".repeat(length));
            assert_eq!(shape(&text), ["{", &format!("a={}", "é".repeat(length))]);
            assert!(outline(&text.replace('}', "\u{1f}}").replace("\"\u{1f}", "\u{1f}\"")).is_err());
        }
    }

    #[test]
    fn keys_that_stand_twice_are_kept_in_order() {
        assert_eq!(shape("{\"a\":1,\"b\":{},\"a\":2}"), ["{", "a=int 1", "b={", "a=int 2"]);
    }

    #[test]
    fn only_an_object_may_stand_at_the_top() {
        let only = "SOPS only supports JSON files with a top-level object (starting with '{'), not";
        for (text, rest) in [
            (
                "[1]",
                "arrays or other types. Got delimiter [ instead. To encrypt this file, wrap it in an object, e.g., {\"data\": [...]}",
            ),
            (" 42", "other JSON types. Got a value of type int instead"),
            ("4.5", "other JSON types. Got a value of type float64 instead"),
            ("\"hunter2\"", "other JSON types. Got a value of type string instead"),
            ("true", "other JSON types. Got a value of type bool instead"),
            ("null", "other JSON types. Got null instead"),
        ] {
            let problem = problem(text);
            assert!(problem.ends_with(&format!("{only} {rest}")), "{text}: {problem}");
        }
        for text in ["", " \n"] {
            assert!(problem(text).contains("EOF"));
        }
        assert!(problem("\u{FEFF}{}").contains("byte order mark"));
    }

    #[test]
    fn every_truncation_is_refused() {
        let text = r#"{"k": 1, "a": [[1, -2.5e3], {"b": "x\u00e9\n"}, true, null]}"#;
        assert!(outline(text).is_ok());
        for end in 0..text.len() {
            assert!(outline(&text[..end]).is_err(), "{}", &text[..end]);
        }
    }

    #[test]
    fn errors_say_where_and_what_was_expected_and_show_no_text() {
        for (text, expected) in [
            ("{\"a\": hunter2}", "line 1, column 7: expected a value"),
            ("{\n\"a\" 1}", "line 2, column 5: expected a colon"),
            ("{\r\n\r\n\"é\": 1 2}", "line 3, column 8: expected a comma or }"),
            ("{\"a\": [1", "line 1, column 9: unexpected end of the text, expected a comma or ]"),
            ("{\"a\": 1,}", "line 1, column 9: expected a key in double quotes"),
            ("{\"a\": 01}", "line 1, column 8: expected a comma or }"),
            ("{\"a\": -}", "line 1, column 8: expected a digit"),
            ("{\"a\": 1E400}", "line 1, column 7: the number is out of the range of a double"),
            (
                "{\"a\": \"\t\"}",
                "line 1, column 8: a control character stands in a string; expected an escape like \\n",
            ),
            ("{} hunter2", "line 1, column 4: expected the end of the text behind the object"),
            ("{}\0", "line 1, column 3: expected the end of the text behind the object"),
        ] {
            assert_eq!(problem(text), expected);
        }
    }

    #[test]
    fn ten_thousand_levels_are_read_and_no_more() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert_eq!(outline(&nested(10_000)).expect("JSON").items.len(), 10_000);
        let limit = Error::Limit { what: "nesting of JSON", max: 10_000 };
        assert_eq!(outline(&nested(10_001)).err(), Some(limit.clone()));
        assert_eq!(outline(&format!("{{\"a\":{}", "[".repeat(1_000_000))).err(), Some(limit));
    }
}
