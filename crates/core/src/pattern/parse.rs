//! The grammar of Go's `regexp/syntax` with the flags `Perl`.

use super::PatternError;

/// Deepest nesting, as in the reference.
const MAX_DEPTH: usize = 1000;
/// Largest repetition count, nested ones multiplied.
const MAX_REPEAT: u32 = 1000;

/// A parsed pattern; flags are resolved into the nodes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ast {
    Empty,
    Literal(char),
    /// A literal in either case.
    Folded(char),
    Class(Class),
    /// `.`; whether it matches a newline.
    Any(bool),
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    Boundary(bool),
    Group(Box<Ast>),
    Repeat {
        inner: Box<Ast>,
        least: u32,
        most: Option<u32>,
    },
    Concat(Vec<Ast>),
    Alternate(Vec<Ast>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Class {
    pub negated: bool,
    pub folded: bool,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Range(u32, u32),
    /// ASCII ranges, possibly negated.
    Ranges(bool, &'static [(u32, u32)]),
    /// `\p{name}`, possibly negated.
    Unicode(bool, String),
}

const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
const SPACE: &[(u32, u32)] = &[(9, 10), (12, 13), (32, 32)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];

fn posix(name: &str) -> Option<&'static [(u32, u32)]> {
    Some(match name {
        "alnum" => &[(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)],
        "alpha" => &[(0x41, 0x5A), (0x61, 0x7A)],
        "ascii" => &[(0, 0x7F)],
        "blank" => &[(9, 9), (32, 32)],
        "cntrl" => &[(0, 0x1F), (0x7F, 0x7F)],
        "digit" => DIGIT,
        "graph" => &[(0x21, 0x7E)],
        "lower" => &[(0x61, 0x7A)],
        "print" => &[(0x20, 0x7E)],
        "punct" => &[(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
        "space" => &[(9, 13), (32, 32)],
        "upper" => &[(0x41, 0x5A)],
        "word" => WORD,
        "xdigit" => &[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)],
        _ => return None,
    })
}

fn perl(letter: char) -> Option<Part> {
    Some(match letter {
        'd' => Part::Ranges(false, DIGIT),
        'D' => Part::Ranges(true, DIGIT),
        's' => Part::Ranges(false, SPACE),
        'S' => Part::Ranges(true, SPACE),
        'w' => Part::Ranges(false, WORD),
        'W' => Part::Ranges(true, WORD),
        _ => return None,
    })
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    flags: Flags,
    names: Vec<&'a str>,
}

type Parsed<T> = Result<T, PatternError>;

pub(super) fn parse(source: &str) -> Parsed<Ast> {
    let mut parser = Parser { source, at: 0, flags: Flags::default(), names: Vec::new() };
    let ast = parser.alternation(0)?;
    if parser.at < source.len() {
        return parser.error("unexpected )");
    }
    if !fits(&ast, MAX_REPEAT) {
        return parser.error("invalid repeat count");
    }
    Ok(ast)
}

/// Whether nested repetitions stay within the limit.
fn fits(ast: &Ast, limit: u32) -> bool {
    match ast {
        Ast::Repeat { inner, least, most } => {
            let count = most.unwrap_or(*least);
            match count {
                0 => most.is_some() || fits(inner, limit),
                _ => count <= limit && fits(inner, limit / count),
            }
        }
        Ast::Group(inner) => fits(inner, limit),
        Ast::Concat(parts) | Ast::Alternate(parts) => parts.iter().all(|p| fits(p, limit)),
        _ => true,
    }
}

impl<'a> Parser<'a> {
    fn error<T>(&self, problem: &str) -> Parsed<T> {
        Err(PatternError { at: self.at, problem: problem.to_owned() })
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn alternation(&mut self, depth: usize) -> Parsed<Ast> {
        if depth > MAX_DEPTH {
            return self.error("expression nests too deeply");
        }
        let mut branches = vec![self.concatenation(depth)?];
        while self.take("|") {
            branches.push(self.concatenation(depth)?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Ast::Alternate(branches) })
    }

    fn concatenation(&mut self, depth: usize) -> Parsed<Ast> {
        let mut parts: Vec<Ast> = Vec::new();
        // Whether the last part can be repeated, and whether it just was.
        let mut repeatable = false;
        let mut repeated = false;
        while let Some(c) = self.peek() {
            match c {
                '|' | ')' => break,
                '*' | '+' | '?' | '{' => {
                    let start = self.at;
                    let Some((least, most)) = self.repetition()? else {
                        parts.push(self.literal('{'));
                        (repeatable, repeated) = (true, false);
                        continue;
                    };
                    if !repeatable {
                        self.at = start;
                        return self.error("missing argument to repetition operator");
                    }
                    self.take("?");
                    if repeated {
                        self.at = start;
                        return self.error("invalid nested repetition operator");
                    }
                    let inner = Box::new(parts.pop().unwrap_or(Ast::Empty));
                    parts.push(Ast::Repeat { inner, least, most });
                    repeated = true;
                }
                '(' => {
                    if let Some(part) = self.group(depth)? {
                        parts.push(part);
                        (repeatable, repeated) = (true, false);
                    }
                }
                '\\' if self.rest().starts_with("\\Q") => {
                    self.at += 2;
                    let quoted = self.rest();
                    let end = quoted.find("\\E").unwrap_or(quoted.len());
                    let literals: Vec<Ast> = quoted[..end].chars().map(|c| self.literal(c)).collect();
                    if !literals.is_empty() {
                        parts.extend(literals);
                        (repeatable, repeated) = (true, false);
                    }
                    self.at = (self.at + end + 2).min(self.source.len());
                }
                _ => {
                    parts.push(self.atom(c)?);
                    (repeatable, repeated) = (true, false);
                }
            }
        }
        Ok(match parts.len() {
            0 => Ast::Empty,
            1 => parts.remove(0),
            _ => Ast::Concat(parts),
        })
    }

    fn literal(&self, c: char) -> Ast {
        if self.flags.fold && c.is_alphabetic() { Ast::Folded(c) } else { Ast::Literal(c) }
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`; `None` for a brace that is a literal, which is consumed.
    fn repetition(&mut self) -> Parsed<Option<(u32, Option<u32>)>> {
        let counts = match self.next() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            _ => {
                let body = self.rest();
                let Some((text, length)) = body.find('}').map(|end| (&body[..end], end + 1)) else { return Ok(None) };
                let number = |text: &str| {
                    let canonical = text.len() == 1 || !text.starts_with('0');
                    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                    (digits && canonical).then(|| text.parse::<u32>().unwrap_or(u32::MAX))
                };
                let parsed = match text.split_once(',') {
                    None => number(text).map(|n| (n, Some(n))),
                    Some((least, "")) => number(least).map(|n| (n, None)),
                    Some((least, most)) => number(least).zip(number(most)).map(|(l, m)| (l, Some(m))),
                };
                let Some((least, most)) = parsed else { return Ok(None) };
                if least > MAX_REPEAT || most.is_some_and(|m| m > MAX_REPEAT || m < least) {
                    return self.error("invalid repeat count");
                }
                self.at += length;
                (least, most)
            }
        };
        Ok(Some(counts))
    }

    /// A group; `None` for flags that hold from here on.
    fn group(&mut self, depth: usize) -> Parsed<Option<Ast>> {
        self.at += 1;
        let outer = self.flags;
        if self.take("?") {
            if self.rest().starts_with("P<") || self.rest().starts_with('<') {
                self.name()?;
            } else if !self.group_flags()? {
                return Ok(None);
            }
        }
        let inner = self.alternation(depth + 1)?;
        if !self.take(")") {
            return self.error("missing closing )");
        }
        self.flags = outer;
        Ok(Some(Ast::Group(Box::new(inner))))
    }

    fn name(&mut self) -> Parsed<()> {
        self.take("P");
        self.take("<");
        let Some(end) = self.rest().find('>') else { return self.error("invalid named capture") };
        let name = &self.rest()[..end];
        let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !valid || self.names.contains(&name) {
            return self.error("invalid or duplicate name of a named capture");
        }
        self.names.push(name);
        self.at += end + 1;
        Ok(())
    }

    /// `i m s U` and `-`; returns whether a group follows (`:`) or the flags just hold (`)`).
    fn group_flags(&mut self) -> Parsed<bool> {
        let mut flags = self.flags;
        let (mut value, mut any) = (true, false);
        loop {
            match self.next() {
                Some('i') => flags.fold = value,
                Some('m') => flags.multi_line = value,
                Some('s') => flags.dot_newline = value,
                Some('U') => {}
                Some('-') if value => {
                    value = false;
                    any = false;
                    continue;
                }
                Some(end @ (':' | ')')) if value || any => {
                    self.flags = flags;
                    return Ok(end == ':');
                }
                _ => return self.error("invalid or unsupported group syntax (look-around is not available in RE2)"),
            }
            any = true;
        }
    }

    fn atom(&mut self, c: char) -> Parsed<Ast> {
        match c {
            '[' => self.class(),
            '\\' => self.escaped(),
            _ => {
                self.next();
                Ok(match c {
                    '^' if self.flags.multi_line => Ast::LineStart,
                    '^' => Ast::TextStart,
                    '$' if self.flags.multi_line => Ast::LineEnd,
                    '$' => Ast::TextEnd,
                    '.' => Ast::Any(self.flags.dot_newline),
                    c => self.literal(c),
                })
            }
        }
    }

    fn escaped(&mut self) -> Parsed<Ast> {
        let letter = self.rest().chars().nth(1);
        let simple = match letter {
            Some('A') => Some(Ast::TextStart),
            Some('z') => Some(Ast::TextEnd),
            Some('b') => Some(Ast::Boundary(true)),
            Some('B') => Some(Ast::Boundary(false)),
            _ => None,
        };
        if let Some(ast) = simple {
            self.at += 2;
            return Ok(ast);
        }
        if let Some(part) = self.class_escape()? {
            return Ok(Ast::Class(Class { negated: false, folded: self.flags.fold, parts: vec![part] }));
        }
        let code = self.escape()?;
        Ok(match char::from_u32(code) {
            Some(c) => self.literal(c),
            None => Ast::Class(Class::default()),
        })
    }

    /// `\d`, `\pN`, `\p{Name}` and the like.
    fn class_escape(&mut self) -> Parsed<Option<Part>> {
        let mut chars = self.rest().chars();
        chars.next();
        let Some(letter) = chars.next() else { return Ok(None) };
        if let Some(part) = perl(letter) {
            self.at += 2;
            return Ok(Some(part));
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(None);
        }
        self.at += 2;
        let mut negated = letter == 'P';
        let Some(first) = self.next() else { return self.error("invalid character class range") };
        let mut name = first.to_string();
        if first == '{' {
            let Some(end) = self.rest().find('}') else { return self.error("invalid character class range") };
            name = self.rest()[..end].to_owned();
            self.at += end + 1;
            if let Some(inner) = name.strip_prefix('^') {
                negated = !negated;
                name = inner.to_owned();
            }
        }
        // Only names, not the `key=value` forms of the crate.
        let plain =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b' ' | b'-'));
        if !plain || regex_syntax::parse(&format!("\\p{{{name}}}")).is_err() {
            return self.error("invalid character class range");
        }
        Ok(Some(Part::Unicode(negated, name)))
    }

    /// An escape that stands for one character.
    fn escape(&mut self) -> Parsed<u32> {
        self.at += 1;
        let Some(c) = self.next() else { return self.error("trailing backslash at end of expression") };
        let octal = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        match c {
            '1'..='7' if octal(self.peek()).is_none() => {
                self.error("invalid escape sequence (no back references in RE2)")
            }
            '0'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = octal(self.peek()) else { break };
                    code = code * 8 + digit;
                    self.next();
                }
                Ok(code)
            }
            'x' => self.hex(),
            'a' => Ok(7),
            'f' => Ok(12),
            'n' => Ok(10),
            'r' => Ok(13),
            't' => Ok(9),
            'v' => Ok(11),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(u32::from(c)),
            _ => self.error("invalid escape sequence"),
        }
    }

    fn hex(&mut self) -> Parsed<u32> {
        let digits = if self.take("{") {
            let Some(end) = self.rest().find('}') else { return self.error("invalid escape sequence") };
            let digits = &self.rest()[..end];
            self.at += end + 1;
            digits
        } else {
            let Some(digits) = self.rest().get(..2) else { return self.error("invalid escape sequence") };
            self.at += 2;
            digits
        };
        let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u32::from_str_radix(digits, 16) {
            Ok(code) if valid && code <= 0x10_FFFF => Ok(code),
            _ => self.error("invalid escape sequence"),
        }
    }

    fn class(&mut self) -> Parsed<Ast> {
        let start = self.at;
        self.at += 1;
        let negated = self.take("^");
        let mut class = Class { negated, folded: self.flags.fold, parts: Vec::new() };
        let mut first = true;
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                self.at = start;
                return self.error("missing closing ]");
            }
            if rest.starts_with(']') && !first {
                self.at += 1;
                return Ok(Ast::Class(class));
            }
            first = false;
            if let Some(end) = rest.strip_prefix("[:").and_then(|r| r.find(":]")) {
                let name = &rest[2..2 + end];
                let (negated, name) = match name.strip_prefix('^') {
                    Some(name) => (true, name),
                    None => (false, name),
                };
                let Some(ranges) = posix(name) else { return self.error("invalid character class range") };
                class.parts.push(Part::Ranges(negated, ranges));
                self.at += end + 4;
                continue;
            }
            if rest.starts_with('\\')
                && let Some(part) = self.class_escape()?
            {
                class.parts.push(part);
                continue;
            }
            let low = self.class_char()?;
            let mut high = low;
            let rest = self.rest();
            if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
                self.at += 1;
                high = self.class_char()?;
                if high < low {
                    return self.error("invalid character class range");
                }
            }
            class.parts.push(Part::Range(low, high));
        }
    }

    fn class_char(&mut self) -> Parsed<u32> {
        if self.peek() == Some('\\') {
            return self.escape();
        }
        match self.next() {
            Some(c) => Ok(u32::from(c)),
            None => self.error("missing closing ]"),
        }
    }
}
