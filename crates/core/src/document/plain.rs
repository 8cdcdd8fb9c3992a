//! A clear text: read, looked at, converted.

use crate::error::Error;
use crate::format::yaml::read::Encoding;
use crate::format::yaml::{layout, write};
use crate::format::{Format, json};
use crate::outline::{Document, Event, Item, NONE, Node, Outline, Scalar, Span, Style, Text, Texts};
use crate::path::{Step, TreePath};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Clear source text with its outline. The text is zeroed when the document is dropped.
pub struct PlainDocument {
    pub(super) format: Format,
    /// Empty for the binary format, whose bytes are the text of the only leaf.
    pub(super) source: Zeroizing<String>,
    pub(super) outline: Outline,
    pub(super) encoding: Encoding,
    pub(super) warnings: Vec<String>,
}

impl PlainDocument {
    /// Parses a plain file. Bytes that are given away are not copied.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Tree`], [`Error::Limit`] with the place; [`Error::Empty`] for zero bytes.
    pub fn parse<'b>(format: Format, bytes: impl Into<Cow<'b, [u8]>>) -> Result<Self, Error> {
        if format == Format::Binary {
            return Ok(PlainDocument::binary(bytes.into().into_owned()));
        }
        let (encoding, source) = format.decode(bytes.into())?;
        let source = Zeroizing::new(source);
        let outline = format.outline(&source)?;
        Ok(PlainDocument { format, source, outline, encoding, warnings: Vec::new() })
    }

    /// Any bytes: the value of the only key, `data`.
    pub(crate) fn binary(bytes: Vec<u8>) -> Self {
        let data = Text::made(0..bytes.len());
        let key = Text::made(bytes.len()..bytes.len() + DATA.len());
        let mut made = Zeroizing::new(bytes);
        made.extend_from_slice(DATA);
        let item = |node, parent, end, key: Option<Text>| {
            let mut item = Item {
                node,
                key: data,
                parent,
                end,
                span: Span::default(),
                entry_start: 0,
                column: 0,
                extra: NONE,
                style: Style::Double,
                in_flow: true,
            };
            item.set_key(key);
            item
        };
        let items = vec![item(Node::Map, NONE, 2, None), item(Node::Leaf(Scalar::Str(data)), 0, 2, Some(key))];
        let document = Document { root: 0, start: 0, end: 0, flow_root: true, empty_root: false, column: 0 };
        let outline = Outline { items, documents: vec![document], made, ..Outline::default() };
        PlainDocument {
            format: Format::Binary,
            source: Zeroizing::default(),
            outline,
            encoding: Encoding::Utf8,
            warnings: Vec::new(),
        }
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What tells one document from another: the text, or the bytes of a binary one.
    pub(crate) fn content(&self) -> &[u8] {
        match self.format {
            Format::Binary => &self.outline.made[..self.outline.made.len() - DATA.len()],
            _ => self.source.as_bytes(),
        }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        match self.format {
            Format::Binary => self.content().to_vec(),
            _ => self.encoding.encode(self.source.to_string()),
        }
    }

    /// The bytes of the file, without a copy of the text.
    pub fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        if self.format == Format::Binary {
            let length = self.content().len();
            let mut bytes = std::mem::take(&mut self.outline.made);
            bytes.truncate(length);
            return bytes;
        }
        Zeroizing::new(self.encoding.encode(std::mem::take(&mut self.source)))
    }

    /// The decoded text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where the texts of the outline lie.
    pub fn texts(&self) -> Texts<'_> {
        self.outline.texts(&self.source)
    }

    /// The outline of [`PlainDocument::source`].
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The encoding of the file.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What a person should know: comments that stayed encrypted or clear. No values.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Each document as events: a root map, its members, the end.
    pub fn events(&self) -> Vec<Vec<Event<'_>>> {
        let outline = &self.outline;
        let documents = outline.documents.iter().map(|d| d.root as usize);
        documents.map(|root| outline.events(&self.source, root, outline.items[root].end as usize, |_| None)).collect()
    }

    /// Returns one part of the first document, as the reference prints it: a string raw, anything else as a document of
    /// `format`; without an `indent` with the format's default.
    ///
    /// # Errors
    /// [`Error::Path`] if nothing is there; [`Error::Tree`] for a number that the format lacks.
    pub fn extract(&self, path: &TreePath, format: Format, indent: Option<usize>) -> Result<Vec<u8>, Error> {
        let index = self.find(path)?;
        let item = &self.outline.items[index];
        if let Node::Leaf(Scalar::Str(text)) = &item.node {
            return Ok(text.bytes(self.texts()).to_vec());
        }
        let events = self.outline.events(&self.source, index, item.end as usize, |_| None);
        match format {
            Format::Yaml => {
                // compat: lists are always indented by 4.
                let indent = indent.filter(|indent| *indent > 0 && matches!(item.node, Node::Map)).unwrap_or(4);
                Ok(yaml_text(&events, indent))
            }
            Format::Json => {
                json::write::check(&events)?;
                Ok(json_text(&events, json_indent(indent)))
            }
            // compat: no blank anywhere, and no line break behind it.
            Format::Ini if !matches!(item.node, Node::Map) => {
                json::write::check(&events)?;
                Ok(json_text(&events, json::write::Indent::Compact))
            }
            Format::Dotenv if !matches!(item.node, Node::Map) => {
                let text = match events.first() {
                    // The reference refuses a typed value of a dotenv file, which is a text there all the same.
                    Some(Event::Leaf(_, value)) if self.format == Format::Dotenv => value.text(),
                    _ => None,
                };
                let problem = || "the dotenv store only supports emitting strings".into();
                text.map(|text| text.to_vec()).ok_or_else(|| Error::Tree {
                    line: 0,
                    path: path.to_string(),
                    problem: problem(),
                })
            }
            Format::Binary if !matches!(item.node, Node::Map) => {
                let problem = "Binary files are not structured and extracting a single value is not possible".into();
                Err(Error::Tree { line: 0, path: path.to_string(), problem })
            }
            other => written(other, &events, indent),
        }
    }

    pub(super) fn find(&self, path: &TreePath) -> Result<usize, Error> {
        let missing =
            |reason: String| Error::Path { reason: format!("error truncating tree: {reason}"), malformed: false };
        let mut index = self.outline.documents.first().map_or(0, |d| d.root as usize);
        for step in path.steps() {
            let item = &self.outline.items[index];
            let mut members = layout::top_level(&self.outline, index as u32);
            let found = match (step, &item.node) {
                (Step::Key(key), Node::Map) => members
                    .find(|m| {
                        let member = &self.outline.items[*m as usize];
                        member.key().is_some_and(|k| k.bytes(self.texts()) == key.as_bytes())
                    })
                    .ok_or_else(|| missing(format!("component ['{key}'] not found"))),
                (Step::Key(key), _) => {
                    Err(missing(format!("component ['{key}'] not found: its parent is not a mapping")))
                }
                (Step::Index(at), Node::List) => {
                    members.nth(*at).ok_or_else(|| missing(format!("component [{at}] accesses out of bounds")))
                }
                (Step::Index(at), _) => {
                    Err(missing(format!("component [{at}] is integer, but tree part is not a slice")))
                }
            };
            index = found? as usize;
        }
        Ok(index)
    }

    /// Returns the first document in another format, all of them in YAML; without an `indent` with the format's default.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a format that is not built in; [`Error::Tree`] for a number that the format lacks.
    pub fn convert(&self, to: Format, indent: Option<usize>) -> Result<Vec<u8>, Error> {
        if to == self.format {
            return Ok(self.bytes());
        }
        if to == Format::Yaml {
            let documents = self.events().into_iter().flatten().collect::<Vec<_>>();
            return Ok(yaml_text(&documents, indent.filter(|i| *i > 0).unwrap_or(4)));
        }
        match self.events().first() {
            Some(events) => written(to, events, indent),
            None => Ok(Vec::new()),
        }
    }

    /// How many documents there are; only YAML has more than one.
    pub fn documents(&self) -> usize {
        self.outline.documents.len()
    }
}

/// The only key of a binary file.
pub(crate) const DATA: &[u8] = b"data";

fn yaml_text(events: &[Event<'_>], indent: usize) -> Vec<u8> {
    let mut out = String::new();
    write::tree(events, &write::Options { indent, line_ending: "\n" }, &mut out);
    out.into_bytes()
}

fn json_text(events: &[Event<'_>], indent: json::write::Indent) -> Vec<u8> {
    let mut out = Vec::new();
    json::write::value(events, indent, &mut out);
    out
}

/// A tree as a text of a format other than YAML.
fn written(format: Format, events: &[Event<'_>], indent: Option<usize>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    match (format, format.syntax()) {
        (Format::Json, _) => {
            json::write::check(events)?;
            json::write::tree(events, json_indent(indent), &mut out);
        }
        (Format::Binary, _) => out.extend_from_slice(binary_data(events)?),
        (_, syntax) => {
            if let Some(syntax) = syntax {
                syntax.tree(events, indent, &mut out)?;
            }
        }
    }
    Ok(out)
}

/// The bytes of a tree that is a binary file.
fn binary_data<'e>(events: &'e [Event<'_>]) -> Result<&'e [u8], Error> {
    let problem = |text: &str| Error::Tree { line: 0, path: "the root".into(), problem: text.into() };
    let is_data = |key: &Option<Cow<'_, str>>| key.as_deref().map(str::as_bytes) == Some(DATA);
    let mut members = events.iter().skip(1).filter(|e| !matches!(e, Event::Comment { .. }));
    match members.find(|e| matches!(e, Event::Leaf(key, _) | Event::Map(key) | Event::List(key) if is_data(key))) {
        Some(Event::Leaf(_, crate::value::Value::Str(data))) => Ok(data),
        Some(_) => Err(problem("error emitting binary store: 'data' key in tree does not have a string value")),
        None => Err(problem("error emitting binary store: no binary data found in tree")),
    }
}

fn json_indent(indent: Option<usize>) -> json::write::Indent {
    indent.map_or(json::write::Indent::Tab, json::write::Indent::Spaces)
}
