//! The grammar of Go's `regexp/syntax` with the flags `Perl`.
//!
//! Open groups stand on a stack of their own, and what the reference limits (the height, repetitions multiplied, the
//! size when all is spelled out) is known of every part as soon as it is made.

use super::class;
use super::tree::{Look, Node, NodeId, Tree};
use super::{Parsed, PatternError};
use regex_syntax::hir::ClassUnicode;
use std::collections::BTreeMap;

/// Largest height, as in the reference.
const MAX_HEIGHT: usize = 1000;
/// Largest repetition count, nested ones multiplied.
const MAX_COPIES: u32 = 1000;
/// Largest size in instructions, as in the reference: 128 MiB of 40 bytes each.
const MAX_SIZE: u64 = (128 << 20) / 40;
/// Most ends of ranges in all classes together, as in the reference: 128 MiB of 4 bytes each.
const MAX_ENDS: usize = (128 << 20) / 4;

/// Parses a pattern, in time linear in its length.
pub(super) fn parse(source: &str) -> Parsed<Tree> {
    let mut parser = Parser { source, ..Parser::default() };
    while let Some(c) = parser.peek() {
        parser.item(c)?;
    }
    if !parser.outer.is_empty() {
        return parser.error("missing closing )");
    }
    let whole = parser.alternation()?;
    let Parser { nodes, sets, .. } = parser;
    Ok(Tree { nodes, sets, root: whole.node, height: whole.height, size: whole.size })
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
}

/// What a part is to the reference where its height is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Char,
    Set,
    /// Characters in sequence: one literal.
    Literal,
    Concat,
    Alternate,
    Other,
}

/// A node and what is limited about it.
#[derive(Clone, Copy)]
struct Part {
    node: NodeId,
    kind: Kind,
    height: usize,
    size: u64,
    /// How often its innermost part is repeated.
    copies: u32,
}

/// A group that is open, or the whole pattern.
#[derive(Default)]
struct Group {
    captures: bool,
    /// The flags that hold again behind it.
    flags: Flags,
    /// The alternatives before the last `|`.
    branches: Vec<Part>,
    /// The alternative being read.
    parts: Vec<Part>,
}

#[derive(Default)]
struct Parser<'a> {
    source: &'a str,
    at: usize,
    flags: Flags,
    nodes: Vec<Node>,
    sets: Vec<ClassUnicode>,
    /// Ends of ranges in all of them.
    ends: usize,
    /// The properties asked for, and whether in either case: to look one up costs more than anything else here.
    properties: BTreeMap<(&'a str, bool), ClassUnicode>,
    group: Group,
    /// The groups around it, the innermost last.
    outer: Vec<Group>,
    /// Whether a repetition was read last.
    repeated: bool,
    /// Whether no `:]` is left, so that no `[:` has to look for it.
    no_posix_class: bool,
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

    /// Takes what stands before `end`, and `end`.
    fn take_until(&mut self, end: &str) -> Option<&'a str> {
        let (text, _) = self.rest().split_once(end)?;
        self.at += text.len() + end.len();
        Some(text)
    }

    /// Reads one operator or atom that starts with `c`.
    fn item(&mut self, c: char) -> Parsed<()> {
        let after_repetition = std::mem::take(&mut self.repeated);
        match c {
            '(' => self.open(),
            ')' => self.close(),
            '|' => {
                self.at += 1;
                let branch = self.concatenation()?;
                self.group.branches.push(branch);
                Ok(())
            }
            '*' | '+' | '?' | '{' => match self.repetition()? {
                Some((least, most)) => self.repeat(least, most, after_repetition),
                None => self.character(),
            },
            '[' => self.class(),
            '\\' if self.take("\\Q") => {
                let quoted = self.take_until("\\E").unwrap_or_else(|| {
                    let rest = self.rest();
                    self.at = self.source.len();
                    rest
                });
                quoted.chars().try_for_each(|c| self.literal(u32::from(c)))
            }
            '\\' => self.escaped(),
            '^' | '$' => {
                self.at += 1;
                self.push(Node::Look(match (c, self.flags.multi_line) {
                    ('^', false) => Look::TextStart,
                    ('^', true) => Look::LineStart,
                    (_, false) => Look::TextEnd,
                    (_, true) => Look::LineEnd,
                }))
            }
            '.' => {
                self.at += 1;
                let all_but_newline = [('\0', '\x09'), ('\x0B', char::MAX)];
                let all = [('\0', char::MAX)];
                self.set(class::set(if self.flags.dot_newline { &all } else { &all_but_newline }))
            }
            _ => self.character(),
        }
    }

    fn character(&mut self) -> Parsed<()> {
        self.next().map_or(Ok(()), |c| self.literal(u32::from(c)))
    }

    /// Adds a code point, in either case if so flagged. No text has a surrogate.
    fn literal(&mut self, code: u32) -> Parsed<()> {
        match char::from_u32(code) {
            Some(c) if self.flags.fold => {
                self.set(class::folded(class::set(&[(c, c)])))?;
                if let Some(part) = self.group.parts.last_mut() {
                    part.kind = Kind::Char;
                }
                Ok(())
            }
            Some(c) => self.push(Node::Char(c)),
            None => self.set(ClassUnicode::empty()),
        }
    }

    fn set(&mut self, set: ClassUnicode) -> Parsed<()> {
        let node = self.set_node(set)?;
        self.push(node)
    }

    fn set_node(&mut self, set: ClassUnicode) -> Parsed<Node> {
        self.ends += 2 * set.ranges().len();
        if self.ends > MAX_ENDS {
            return self.error("expression too large");
        }
        Ok(match set.ranges() {
            [one] if one.start() == one.end() => Node::Char(one.start()),
            _ => {
                if self.sets.last() != Some(&set) {
                    self.sets.push(set);
                }
                Node::Set(self.sets.len() as u32 - 1)
            }
        })
    }

    /// Adds a node without parts to the alternative being read.
    fn push(&mut self, node: Node) -> Parsed<()> {
        let kind = match node {
            Node::Char(_) => Kind::Char,
            Node::Set(_) => Kind::Set,
            _ => Kind::Other,
        };
        let part = self.part(node, Part { node: 0, kind, height: 1, size: 1, copies: 1 })?;
        self.group.parts.push(part);
        Ok(())
    }

    /// Adds a node to the tree.
    fn part(&mut self, node: Node, part: Part) -> Parsed<Part> {
        self.nodes.push(node);
        self.limited(Part { node: self.nodes.len() - 1, size: part.size.max(1), ..part })
    }

    fn limited(&self, part: Part) -> Parsed<Part> {
        match part {
            Part { height, .. } if height > MAX_HEIGHT => self.error("expression nests too deeply"),
            Part { size, .. } if size > MAX_SIZE => self.error("expression too large"),
            part => Ok(part),
        }
    }

    /// Completes the alternative being read.
    fn concatenation(&mut self) -> Parsed<Part> {
        let parts = std::mem::take(&mut self.group.parts);
        let is_literal = parts.iter().all(|p| matches!(p.kind, Kind::Char | Kind::Literal));
        match parts.as_slice() {
            [] => self.part(Node::Empty, Part { node: 0, kind: Kind::Other, height: 1, size: 1, copies: 1 }),
            &[one] => Ok(one),
            _ => {
                let whole = together(&parts, Kind::Concat);
                let whole = if is_literal { Part { kind: Kind::Literal, height: 1, ..whole } } else { whole };
                self.part(Node::Concat(parts.iter().map(|p| p.node).collect()), whole)
            }
        }
    }

    /// Completes the alternatives of the innermost group.
    fn alternation(&mut self) -> Parsed<Part> {
        let last = self.concatenation()?;
        let mut branches = std::mem::take(&mut self.group.branches);
        branches.push(last);
        if let &[one] = branches.as_slice() {
            return Ok(one);
        }
        if let Some(set) = self.alternative_characters(&branches) {
            let node = self.set_node(set)?;
            return self.part(node, Part { node: 0, kind: Kind::Set, height: 1, size: 1, copies: 1 });
        }
        let whole = together(&branches, Kind::Alternate);
        let size = whole.size.saturating_add(branches.len() as u64 - 1);
        self.part(Node::Alternate(branches.iter().map(|b| b.node).collect()), Part { size, ..whole })
    }

    /// `a|b` as `[ab]`, unless it is large: what nests would be copied again and again.
    fn alternative_characters(&self, branches: &[Part]) -> Option<ClassUnicode> {
        let mut ranges = Vec::new();
        for branch in branches {
            match &self.nodes[branch.node] {
                _ if !matches!(branch.kind, Kind::Char | Kind::Set) || ranges.len() > 64 => return None,
                Node::Char(c) => ranges.push((*c, *c)),
                Node::Set(set) => ranges.extend(class::ranges(&self.sets[*set as usize])),
                _ => return None,
            }
        }
        Some(class::set(&ranges))
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`; `None` for a brace that is a literal, which is left.
    fn repetition(&mut self) -> Parsed<Option<(u32, Option<u32>)>> {
        let rest = &self.rest()[1..];
        let (least, most, rest) = match self.peek() {
            Some('*') => (0, None, rest),
            Some('+') => (1, None, rest),
            Some('?') => (0, Some(1), rest),
            _ => match counts(rest) {
                Some(counts) => counts,
                None => return Ok(None),
            },
        };
        if most.unwrap_or(least) > MAX_COPIES || most.is_some_and(|m| m < least) {
            return self.error("invalid repeat count");
        }
        self.at = self.source.len() - rest.len();
        Ok(Some((least, most)))
    }

    fn repeat(&mut self, least: u32, most: Option<u32>, after_repetition: bool) -> Parsed<()> {
        self.take("?");
        if after_repetition {
            return self.error("invalid nested repetition operator");
        }
        let Some(inner) = self.group.parts.pop() else {
            return self.error("missing argument to repetition operator");
        };
        let count = most.unwrap_or(least);
        // What is there no time at all is not counted.
        let copies = if most == Some(0) { 1 } else { inner.copies.saturating_mul(count.max(1)) };
        if copies > MAX_COPIES {
            return self.error("invalid repeat count");
        }
        let all = inner.size.saturating_mul(u64::from(count));
        let size = match most {
            None if least == 0 => inner.size + 2,
            None => all.saturating_add(1),
            Some(most) => all.saturating_add(u64::from(most - least)),
        };
        let whole = Part { node: 0, kind: Kind::Other, height: inner.height + 1, size, copies };
        let part = self.part(Node::Repeat { inner: inner.node, least, most }, whole)?;
        self.group.parts.push(part);
        self.repeated = true;
        Ok(())
    }

    /// `(` and what may follow it; flags alone just hold from here on.
    fn open(&mut self) -> Parsed<()> {
        self.at += 1;
        let mut group = Group { captures: true, flags: self.flags, ..Group::default() };
        if self.take("?") {
            if self.take("P<") || self.take("<") {
                let name = self.take_until(">").unwrap_or_default();
                if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    return self.error("invalid named capture");
                }
            } else if self.group_flags()? {
                group.captures = false;
            } else {
                return Ok(());
            }
        }
        self.outer.push(std::mem::replace(&mut self.group, group));
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
                // Which of two matches is taken is not asked.
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

    fn close(&mut self) -> Parsed<()> {
        let Some(outer) = self.outer.pop() else { return self.error("unexpected )") };
        self.at += 1;
        let mut whole = self.alternation()?;
        if self.group.captures {
            whole =
                self.limited(Part { kind: Kind::Other, height: whole.height + 1, size: whole.size + 2, ..whole })?;
        }
        self.flags = self.group.flags;
        self.group = outer;
        self.group.parts.push(whole);
        Ok(())
    }

    /// A backslash outside of a class.
    fn escaped(&mut self) -> Parsed<()> {
        let look = match self.rest().chars().nth(1) {
            Some('A') => Some(Look::TextStart),
            Some('z') => Some(Look::TextEnd),
            Some('b') => Some(Look::Boundary),
            Some('B') => Some(Look::NoBoundary),
            _ => None,
        };
        if let Some(look) = look {
            self.at += 2;
            return self.push(Node::Look(look));
        }
        match self.class_escape()? {
            Some(set) => self.set(set),
            None => {
                let code = self.escape()?;
                self.literal(code)
            }
        }
    }

    /// `\d`, `\pN`, `\p{Name}`, `\p{^Name}` and the like, in either case if so flagged.
    fn class_escape(&mut self) -> Parsed<Option<ClassUnicode>> {
        let Some(letter) = self.rest().chars().nth(1) else { return Ok(None) };
        if let Some((set, negated)) = class::perl(letter) {
            self.at += 2;
            return Ok(Some(self.cased(set, negated)));
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(None);
        }
        self.at += 2;
        let rest = self.rest();
        let name = match self.next() {
            Some('{') => self.take_until("}").unwrap_or_default(),
            Some(c) => &rest[..c.len_utf8()],
            None => "",
        };
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let Some(set) = self.property(name) else { return self.error("invalid character class range") };
        Ok(Some(if negated != (letter == 'P') { class::negated(set) } else { set }))
    }

    fn property(&mut self, name: &'a str) -> Option<ClassUnicode> {
        let key = (name, self.flags.fold);
        if let Some(set) = self.properties.get(&key) {
            return Some(set.clone());
        }
        let set = class::unicode(name, self.flags.fold)?;
        self.properties.insert(key, set.clone());
        Some(set)
    }

    fn cased(&self, set: ClassUnicode, negated: bool) -> ClassUnicode {
        let set = if self.flags.fold { class::folded(set) } else { set };
        if negated { class::negated(set) } else { set }
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
        let digits = if self.take("{") { self.take_until("}") } else { self.rest().get(..2).inspect(|_| self.at += 2) };
        let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) if code <= u32::from(char::MAX) => Ok(code),
            _ => self.error("invalid escape sequence"),
        }
    }

    fn class(&mut self) -> Parsed<()> {
        self.at += 1;
        let negated = self.take("^");
        // What is still to be folded, and what is not.
        let (mut ranges, mut sets) = (Vec::new(), ClassUnicode::empty());
        let mut is_first = true;
        while is_first || !self.take("]") {
            is_first = false;
            let set = match self.posix_class()? {
                None if self.rest().starts_with('\\') => self.class_escape()?,
                set => set,
            };
            if let Some(set) = set {
                sets.union(&set);
                continue;
            }
            let low = self.class_character()?;
            let mut high = low;
            let rest = self.rest();
            if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
                self.at += 1;
                high = self.class_character()?;
                if high < low {
                    return self.error("invalid character class range");
                }
            }
            ranges.extend(class::between(low, high + 1));
        }
        let mut set = class::set(&ranges);
        if self.flags.fold {
            set = class::folded(set);
        }
        set.union(&sets);
        self.set(if negated { class::negated(set) } else { set })
    }

    /// `[:name:]`, `[:^name:]`.
    fn posix_class(&mut self) -> Parsed<Option<ClassUnicode>> {
        if self.no_posix_class || !self.rest().starts_with("[:") {
            return Ok(None);
        }
        self.at += 2;
        let Some(name) = self.take_until(":]") else {
            self.at -= 2;
            self.no_posix_class = true;
            return Ok(None);
        };
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        match class::posix(name) {
            Some(set) => Ok(Some(self.cased(set, negated))),
            None => self.error("invalid character class range"),
        }
    }

    fn class_character(&mut self) -> Parsed<u32> {
        match self.peek() {
            Some('\\') => self.escape(),
            Some(_) => Ok(self.next().map_or(0, u32::from)),
            None => self.error("missing closing ]"),
        }
    }
}

/// What is limited about several parts; those of the same kind count as spread out.
fn together(parts: &[Part], kind: Kind) -> Part {
    let height = parts.iter().map(|p| p.height - usize::from(p.kind == kind)).max().unwrap_or(0) + 1;
    let size = parts.iter().fold(0u64, |sum, p| sum.saturating_add(p.size));
    let copies = parts.iter().map(|p| p.copies).max().unwrap_or(1);
    Part { node: 0, kind, height, size, copies }
}

/// `n}`, `n,}` or `n,m}` behind a brace, and what is left.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (least, rest) = count(text)?;
    let Some(rest) = rest.strip_prefix(',') else { return Some((least, Some(least), rest.strip_prefix('}')?)) };
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((least, None, rest));
    }
    let (most, rest) = count(rest)?;
    Some((least, Some(most), rest.strip_prefix('}')?))
}

/// A number without leading zeros, and what is left.
fn count(text: &str) -> Option<(u32, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let is_number = !digits.is_empty() && (digits.len() == 1 || !digits.starts_with('0'));
    is_number.then(|| (digits.parse().unwrap_or(u32::MAX), rest))
}
