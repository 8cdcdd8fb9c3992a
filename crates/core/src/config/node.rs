//! The text of a configuration as nodes that know where they stand.
//!
//! It is read by the same scanner as documents: it follows the reference, has a place for everything and expands aliases
//! within limits. What documents do not have is done here: merge keys, and the loose types of the reference's decoder.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::Error;
use crate::format::yaml::{layout, read};
use crate::outline::{Item, NONE, Node as Kind, Outline, Scalar, Span, Text};

/// Where something stands in a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// 1-based line.
    pub line: u32,
    /// 1-based column in characters.
    pub column: u32,
    /// Bytes of [`super::Config::source`]; those of the alias for what an alias stands for.
    pub span: Span,
}

impl Place {
    /// Returns the error of what stands here.
    pub(super) fn error(self, problem: impl Into<String>) -> Error {
        Error::Syntax { line: self.line, column: self.column, problem: problem.into() }
    }
}

/// A text and its place.
#[derive(Clone)]
pub(super) struct Entry {
    /// What is written there.
    pub(super) text: String,
    /// Where.
    pub(super) place: Place,
}

/// A configuration that is read but not understood yet.
pub(super) struct Source {
    pub(super) text: String,
    outline: Outline,
    /// Where each line starts.
    lines: Vec<u32>,
}

impl Source {
    /// Reads a text. One without any document (nothing, or comments alone) has none.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Tree`], [`Error::Limit`].
    pub(super) fn read(bytes: &[u8]) -> Result<Source, Error> {
        let (_, text) = read::decode(Cow::Borrowed(bytes))?;
        let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let outline = if text.split(['\n', '\r']).all(is_blank) { Outline::default() } else { read::settings(&text)? };
        let breaks = text.match_indices('\n').map(|(at, _)| at as u32 + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Ok(Source { text, outline, lines })
    }

    /// Returns the root of the first document, which is all that the reference looks at.
    pub(super) fn root(&self) -> Option<Node<'_>> {
        let document = self.outline.documents.first()?;
        Some(Node { source: self, index: document.root as usize }).filter(|_| !document.empty_root)
    }

    /// Returns the place of the second document, if there is one.
    pub(super) fn second_document(&self) -> Option<Place> {
        self.outline.documents.get(1).map(|document| self.place(Span { start: document.start, end: document.end }))
    }

    fn place(&self, span: Span) -> Place {
        // The first line starts at 0, so there is always one at or before `span.start`.
        let line = self.lines.partition_point(|start| *start <= span.start);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start as usize..span.start as usize).unwrap_or_default();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place { line: count(line), column: count(before.chars().count()).saturating_add(1), span }
    }
}

/// One node: a mapping, a list or a scalar.
#[derive(Clone, Copy)]
pub(super) struct Node<'s> {
    source: &'s Source,
    index: usize,
}

impl<'s> Node<'s> {
    fn item(self) -> &'s Item {
        &self.source.outline.items[self.index]
    }

    fn kind(self) -> &'s Kind {
        &self.item().node
    }

    fn bytes(self, text: Text) -> &'s [u8] {
        text.bytes(self.source.outline.texts(&self.source.text))
    }

    /// Returns where it stands.
    pub(super) fn place(self) -> Place {
        self.source.place(self.item().span)
    }

    /// Tells whether it is a null.
    pub(super) fn is_null(self) -> bool {
        matches!(self.kind(), Kind::Leaf(Scalar::Null))
    }

    /// Tells whether it is a list that is written as a block, with dashes.
    pub(super) fn is_block_list(self) -> bool {
        matches!(self.kind(), Kind::List) && !self.item().in_flow
    }

    /// Returns the error of a wrong type, which names the field.
    pub(super) fn expected<T>(self, what: &str) -> Result<T, Error> {
        let mut index = self.index as u32;
        while let Some(item) = self.source.outline.items.get(index as usize) {
            if let Some(key) = item.key() {
                let field = String::from_utf8_lossy(self.bytes(key));
                return Err(self.place().error(format!("{field}: expected {what}")));
            }
            index = item.parent;
        }
        Err(self.place().error(format!("expected {what}")))
    }

    fn members(self) -> impl Iterator<Item = Node<'s>> {
        let source = self.source;
        layout::top_level(&source.outline, self.index as u32).map(move |index| Node { source, index: index as usize })
    }

    /// Returns the elements of a list, nulls left out; a null is an empty list.
    ///
    /// # Errors
    /// [`Error::Syntax`] for anything else.
    pub(super) fn list(self, of: &str) -> Result<Vec<Node<'s>>, Error> {
        match self.kind() {
            Kind::List => Ok(self.members().filter(|element| !element.is_null()).collect()),
            _ if self.is_null() => Ok(Vec::new()),
            _ => self.expected(&format!("a list of {of}")),
        }
    }

    /// Returns the elements of a list that are null.
    pub(super) fn nulls(self) -> impl Iterator<Item = Node<'s>> {
        let is_list = matches!(self.kind(), Kind::List);
        self.members().filter(move |element| is_list && element.is_null())
    }

    /// Returns the elements of a list of texts.
    ///
    /// # Errors
    /// [`Error::Syntax`] for anything else.
    pub(super) fn texts(self) -> Result<Vec<Entry>, Error> {
        self.list("texts")?.into_iter().map(|element| element.text("a text")).collect()
    }

    /// Returns a scalar as it is written: `12` and `true` count as texts.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a mapping or list.
    pub(super) fn text(self, expected: &str) -> Result<Entry, Error> {
        let text = match self.kind() {
            Kind::Leaf(Scalar::Str(text)) => String::from_utf8_lossy(self.bytes(*text)).into_owned(),
            Kind::Leaf(Scalar::Null) => String::new(),
            Kind::Leaf(_) => match self.spelling() {
                Some(spelling) => spelling.to_owned(),
                None => return self.expected(&format!("{expected}: put it in quotes where the anchor stands")),
            },
            _ => return self.expected(expected),
        };
        Ok(Entry { text, place: self.place() })
    }

    /// Returns a scalar that is a text by its type too: neither `12` nor `true`.
    ///
    /// # Errors
    /// [`Error::Syntax`] for anything else.
    pub(super) fn strict_text(self, expected: &str) -> Result<Entry, Error> {
        match self.kind() {
            Kind::Leaf(Scalar::Str(_)) => self.text(expected),
            _ => self.expected(expected),
        }
    }

    /// Returns the text of a scalar in the source. `None` deep inside what an alias stands for: the outline does not say
    /// where that is written.
    fn spelling(self) -> Option<&'s str> {
        let outline = &self.source.outline;
        let alias = outline.extra(self.item()).alias;
        let span = match outline.aliases.get(alias as usize) {
            Some(alias) if alias.item as usize == self.index => alias.target,
            None if alias == NONE => self.item().span,
            _ => return None,
        };
        self.source.text.get(span.range())
    }

    /// Returns an integer; `2.0` is one.
    ///
    /// # Errors
    /// [`Error::Syntax`] for anything else but null.
    pub(super) fn integer(self) -> Result<Option<i64>, Error> {
        match self.kind() {
            Kind::Leaf(Scalar::Null) => Ok(None),
            Kind::Leaf(Scalar::Int(number)) => Ok(Some(*number)),
            // The reference cuts fractions off. A number of groups that is not whole is a mistake.
            Kind::Leaf(Scalar::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Ok(Some(*number as i64))
            }
            _ => self.expected("an integer"),
        }
    }

    /// Returns a boolean.
    ///
    /// compat: the reference's decoder takes the words of YAML 1.1 here, quoted or not, but no quoted `true`.
    ///
    /// # Errors
    /// [`Error::Syntax`] for anything else but null.
    pub(super) fn boolean(self) -> Result<Option<bool>, Error> {
        let word = match self.kind() {
            Kind::Leaf(Scalar::Null) => return Ok(None),
            Kind::Leaf(Scalar::Bool(value)) => return Ok(Some(*value)),
            Kind::Leaf(Scalar::Str(text)) => self.bytes(*text),
            _ => b"",
        };
        match word {
            b"y" | b"Y" | b"yes" | b"Yes" | b"YES" | b"on" | b"On" | b"ON" => Ok(Some(true)),
            b"n" | b"N" | b"no" | b"No" | b"NO" | b"off" | b"Off" | b"OFF" => Ok(Some(false)),
            _ => self.expected("true or false"),
        }
    }

    /// Returns the fields of a mapping with those that it merges; a null has none.
    ///
    /// A field of its own beats a merged one wherever it stands; of merged mappings the first counts.
    ///
    /// # Errors
    /// [`Error::Syntax`] for anything else.
    pub(super) fn fields(self) -> Result<Fields<'s>, Error> {
        let mut fields = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting = vec![self];
        while let Some(node) = waiting.pop() {
            if !matches!(node.kind(), Kind::Map) {
                if node.is_null() {
                    continue;
                }
                return node.expected("a mapping");
            }
            let (merges, own): (Vec<Node<'s>>, Vec<Node<'s>>) = node.members().partition(|member| member.is_merge());
            for member in own {
                let name = member.name();
                if seen.insert(name.clone()) {
                    fields.push((name, member));
                }
            }
            for merge in merges {
                match merge.kind() {
                    Kind::List => waiting.extend(merge.list("mappings")?.into_iter().rev()),
                    _ => waiting.push(merge),
                }
            }
        }
        Ok(Fields { fields, asked: Vec::new() })
    }

    /// Returns the key of a member of a mapping.
    fn name(self) -> String {
        let key = self.item().key().map(|key| String::from_utf8_lossy(self.bytes(key)).into_owned());
        key.unwrap_or_default()
    }

    /// Tells whether a member of a mapping is a merge key: `<<` without quotes.
    fn is_merge(self) -> bool {
        let Some(key) = self.item().key().filter(|key| self.bytes(*key) == b"<<") else { return false };
        let before = key.span().and_then(|span| self.source.text.as_bytes().get((span.start as usize).wrapping_sub(1)));
        key.span().is_some() && !matches!(before, Some(b'"' | b'\''))
    }
}

/// The fields of a mapping, taken one by one; what nobody asks for is unknown.
pub(super) struct Fields<'s> {
    fields: Vec<(String, Node<'s>)>,
    asked: Vec<&'static str>,
}

impl<'s> Fields<'s> {
    /// Takes a field.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Node<'s>> {
        self.asked.push(name);
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Takes a field that is a text; an empty one counts as absent.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a mapping or list.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<Entry>, Error> {
        let entry = self.take(name).map(|node| node.text("a text")).transpose()?;
        Ok(entry.filter(|entry| !entry.text.is_empty()))
    }

    /// Takes a field that is an integer.
    ///
    /// # Errors
    /// [`Error::Syntax`] for another type.
    pub(super) fn integer(&mut self, name: &'static str) -> Result<Option<i64>, Error> {
        self.take(name).map_or(Ok(None), Node::integer)
    }

    /// Takes a field that is a boolean; an absent one is false.
    ///
    /// # Errors
    /// [`Error::Syntax`] for another type.
    pub(super) fn boolean(&mut self, name: &'static str) -> Result<bool, Error> {
        Ok(self.take(name).map_or(Ok(None), Node::boolean)?.unwrap_or(false))
    }

    /// Returns what nobody asked for, and the names that were asked for.
    pub(super) fn rest(self) -> (Vec<(String, Node<'s>)>, Vec<&'static str>) {
        (self.fields, self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::read(text.as_bytes()).unwrap()
    }

    fn field(text: &str, read: impl Fn(Node<'_>) -> Result<String, Error>) -> String {
        let source = source(text);
        let node = source.root().unwrap().fields().unwrap().take("k").unwrap();
        read(node).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn a_text_without_a_document_has_no_root() {
        for text in ["", "\n", "# only\r\n  # comments\r\n", "null\n", "---\n", "~", "\u{feff}# c\n"] {
            assert!(source(text).root().is_none(), "{text:?}");
        }
        assert!(source("{}").root().is_some());
        assert!(source("a: 1\n---\nb: 2\n").second_document().is_some());
    }

    #[test]
    fn a_scalar_is_a_text_as_it_is_written() {
        let text = |text: &str| field(text, |node| Ok(node.text("a text")?.text));
        for spelling in ["1.50", "0777", "true", "2020-01-01", "0x1F"] {
            assert_eq!(text(&format!("k: {spelling} # c\n")), spelling);
            assert_eq!(text(&format!("a: &a {spelling}\nk: *a\n")), spelling);
        }
        assert_eq!(text("k: !!binary eWFtbA==\n"), "yaml");
        assert!(text("k: [a]\n").ends_with("k: expected a text"));
        assert!(field("k: 5\n", |node| Ok(node.strict_text("a text")?.text)).contains("expected"));
    }

    #[test]
    fn what_an_alias_copies_is_never_guessed() {
        let text = "a: &a {k: 012}\n<<: *a\n";
        assert!(field(text, |node| Ok(node.text("a text")?.text)).contains("put it in quotes"));
    }

    #[test]
    fn booleans_are_those_of_the_reference() {
        let boolean = |word: &str| field(&format!("k: {word}\n"), |node| Ok(format!("{:?}", node.boolean()?)));
        for word in ["true", "yes", "On", "\"y\""] {
            assert_eq!(boolean(word), "Some(true)", "{word}");
        }
        assert_eq!((boolean("no"), boolean("~")), ("Some(false)".into(), "None".into()));
        for word in ["\"true\"", "1", "yEs", "''", "[]"] {
            assert!(boolean(word).ends_with("k: expected true or false"), "{word}");
        }
    }

    #[test]
    fn an_integer_is_whole() {
        let integer = |word: &str| field(&format!("k: {word}\n"), |node| Ok(format!("{:?}", node.integer()?)));
        assert_eq!(
            (integer("0x2"), integer("2.0"), integer("-1")),
            ("Some(2)".into(), "Some(2)".into(), "Some(-1)".into())
        );
        for word in ["2.5", "\"2\"", "true", "99999999999999999999"] {
            assert!(integer(word).contains("expected an integer"), "{word}");
        }
    }

    #[test]
    fn own_fields_beat_merged_ones_and_the_first_of_these_counts() {
        let text = "x: &x {k: x, l: x}\ny: &y {<<: *x, k: y, m: y}\nz: &z {m: z, \"<<\": quoted}\nr:\n  <<: [*y, *z]\n  l: own\n";
        let source = source(text);
        let mut fields = source.root().unwrap().fields().unwrap().take("r").unwrap().fields().unwrap();
        let mut text = |name| fields.text(name).unwrap().map(|entry| entry.text);
        assert_eq!([text("k"), text("l"), text("m"), text("<<")].map(Option::unwrap), ["y", "own", "y", "quoted"]);
    }

    #[test]
    fn keys_and_integers_of_any_sort_may_stand_beside_what_is_read() {
        let source = source("keys:\n  - &users:\n    - &u x\n1: 18446744073709551615\n~: [2, {true: y}]\nk: *u\n");
        let mut fields = source.root().unwrap().fields().unwrap();
        assert_eq!(fields.text("k").unwrap().unwrap().text, "x");
        let names: Vec<String> = fields.rest().0.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["keys", "1", "~"]);
    }

    #[test]
    fn an_error_names_field_line_and_column() {
        let source = source("a:\n  - b: [x, {c: d}]\n");
        let mut fields = source.root().unwrap().fields().unwrap();
        let element = fields.take("a").unwrap().list("mappings").unwrap()[0];
        let error = element.fields().unwrap().take("b").unwrap().texts().err().unwrap();
        assert_eq!(error.to_string(), "line 2, column 12: b: expected a text");
    }
}
