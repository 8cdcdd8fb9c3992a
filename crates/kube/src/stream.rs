//! Reading manifests: a stream of YAML or one JSON document, with every limit applied before anyone else sees it.
//!
//! The reader is the one of the core: it keeps order and comments, and decides like the reference what a number is.
//! `serde_json` values are made from it at the end.

use crate::error::{Error, ErrorKind, Origin};
use crate::policy::Limits;
use crate::value::push_key;
use serde_json::{Map, Number, Value};
use sops_core::outline::{Item, NONE, Node, Outline, Scalar, Style};
use sops_core::{Error as CoreError, Format, PlainDocument};

/// A stream that was read and is within the limits.
pub(crate) struct Stream {
    /// Its text and outline.
    pub plain: PlainDocument,
    /// Its documents in order, empty ones left out.
    pub documents: Vec<Document>,
}

/// One document of a stream.
pub(crate) struct Document {
    /// Its place among all documents, from 0.
    pub index: usize,
    /// What it says.
    pub value: Value,
    /// Its `sops` entry.
    pub block: Block,
}

/// What a `sops` entry at the top is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// There is none.
    None,
    /// A mapping without any member that SOPS knows: a field of a resource.
    Foreign,
    /// Text or a list.
    NotAMapping,
    /// Metadata.
    Metadata,
}

/// The members that make a mapping metadata.
const KNOWN: [&str; 11] =
    ["mac", "lastmodified", "version", "age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms", "key_groups"];

impl Block {
    /// What the `sops` member of an object is.
    pub fn of(value: &Value) -> Block {
        match value.get("sops") {
            None | Some(Value::Null) => Block::None,
            Some(Value::Object(members)) => {
                let is_known = |name: &String| KNOWN.iter().any(|k| k.eq_ignore_ascii_case(name));
                if members.keys().any(is_known) { Block::Metadata } else { Block::Foreign }
            }
            Some(_) => Block::NotAMapping,
        }
    }
}

impl Stream {
    /// Reads a stream.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`], [`ErrorKind::Parse`].
    pub fn read(bytes: &[u8], limits: &Limits, origin: &Origin) -> Result<Stream, Error> {
        limits.check_file(bytes.len() as u64)?;
        let plain = match parse(bytes) {
            // No document at all is a stream without documents.
            Err(CoreError::Empty) => parse(b"{}"),
            other => other,
        };
        let plain = plain.map_err(unreadable)?;
        check_outline(plain.outline(), limits)?;
        let mut documents = Vec::new();
        for (index, document) in plain.outline().documents.iter().enumerate() {
            if document.empty_root {
                continue;
            }
            let value = value_at(&plain, document.root as usize).map_err(|e| e.at(&origin.at_document(index)))?;
            if value.as_object().is_some_and(Map::is_empty) {
                continue;
            }
            documents.push(Document { index, block: Block::of(&value), value });
        }
        Ok(Stream { plain, documents })
    }

    /// The text of one document without its marker.
    pub fn text_of(&self, index: usize) -> &str {
        let span = self.plain.outline().documents.get(index).map(|d| d.start as usize..d.end as usize);
        span.and_then(|span| self.plain.source().get(span)).unwrap_or_default()
    }
}

/// JSON where it is JSON, YAML otherwise.
pub(crate) fn parse(bytes: &[u8]) -> Result<PlainDocument, CoreError> {
    if is_json_like(bytes)
        && let Ok(plain) = PlainDocument::parse(Format::Json, bytes)
    {
        return Ok(plain);
    }
    PlainDocument::parse(Format::Yaml, bytes)
}

fn is_json_like(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

/// A text that cannot be read.
pub(crate) fn unreadable(error: CoreError) -> Error {
    let kind = match error {
        CoreError::Limit { what, max } => return Error::limit(what, max),
        _ => ErrorKind::Parse,
    };
    let text = error.to_string();
    Error::new(kind, text.clone()).in_flux(format!("kustomize build failed: {text}"))
}

/// The first document of a small text, if it is a mapping.
pub(crate) fn read_mapping(bytes: &[u8]) -> Option<Value> {
    let plain = parse(bytes).ok()?;
    check_outline(plain.outline(), &Limits::default()).ok()?;
    let root = plain.outline().documents.first().filter(|d| !d.empty_root)?.root;
    value_at(&plain, root as usize).ok()
}

/// Applies the limits to an outline.
pub(crate) fn check_outline(outline: &Outline, limits: &Limits) -> Result<(), Error> {
    let documents = outline.documents.iter().filter(|d| !d.empty_root).count();
    if documents > limits.documents_per_file {
        return Err(Error::limit("documents of a stream", limits.documents_per_file as u64));
    }
    if outline.aliases.len() > limits.aliases {
        return Err(Error::limit("aliases of a stream", limits.aliases as u64));
    }
    if outline.items.len() > limits.nodes_after_aliases {
        return Err(Error::limit("nodes of a stream", limits.nodes_after_aliases as u64));
    }
    let mut depths = vec![0usize; outline.items.len()];
    for (index, item) in outline.items.iter().enumerate() {
        let around = if item.parent == NONE { 0 } else { depths.get(item.parent as usize).copied().unwrap_or(0) };
        let depth = around + usize::from(matches!(item.node, Node::Map | Node::List));
        if depth > limits.depth {
            return Err(Error::limit("levels of nesting", limits.depth as u64));
        }
        depths[index] = depth;
        if item.span.len() > limits.scalar && item.is_leaf() {
            return Err(Error::limit("size of a value in bytes", limits.scalar as u64));
        }
    }
    Ok(())
}

/// The value of an item and of everything in it.
///
/// # Errors
/// [`ErrorKind::Parse`] for a key that stands twice, [`ErrorKind::ValueInvalid`] for what JSON lacks.
pub(crate) fn value_at(plain: &PlainDocument, first: usize) -> Result<Value, Error> {
    let outline = plain.outline();
    let Some(root) = outline.items.get(first) else { return Ok(Value::Null) };
    let mut builder = Builder { open: Vec::new(), done: Value::Null };
    for (index, item) in outline.items.iter().enumerate().take(root.end as usize).skip(first) {
        builder.close(index)?;
        let key = item.key().map(|key| String::from_utf8_lossy(key.bytes(plain.texts())).into_owned());
        match &item.node {
            Node::Comment { .. } => {}
            Node::Map => builder.open.push((item.end as usize, key, Value::Object(Map::new()))),
            Node::List => builder.open.push((item.end as usize, key, Value::Array(Vec::new()))),
            Node::Leaf(scalar) => {
                let value =
                    scalar_value(plain, item, scalar).map_err(|error| error.at(&builder.place(key.as_deref())))?;
                builder.put(key, value)?;
            }
        }
    }
    builder.close(usize::MAX)?;
    Ok(builder.done)
}

/// Collections that are still open: where they end, their key, what they hold.
struct Builder {
    open: Vec<(usize, Option<String>, Value)>,
    done: Value,
}

impl Builder {
    /// Closes what ends in front of an item.
    fn close(&mut self, index: usize) -> Result<(), Error> {
        while self.open.last().is_some_and(|(end, ..)| *end <= index) {
            if let Some((_, key, value)) = self.open.pop() {
                self.put(key, value)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, key: Option<String>, value: Value) -> Result<(), Error> {
        match self.open.last_mut() {
            None => self.done = value,
            Some((_, _, Value::Array(elements))) => elements.push(value),
            Some((_, _, Value::Object(members))) => {
                let key = key.unwrap_or_default();
                if members.contains_key(&key) {
                    let error = Error::new(ErrorKind::Parse, "a key stands twice")
                        .in_flux("kustomize build failed: mapping key already defined");
                    return Err(error.at(&self.place(Some(&key))));
                }
                members.insert(key, value);
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn place(&self, key: Option<&str>) -> Origin {
        let mut path = String::new();
        for key in self.open.iter().filter_map(|(_, key, _)| key.as_deref()).chain(key) {
            push_key(&mut path, key);
        }
        Origin::default().at_path(path)
    }
}

fn scalar_value(plain: &PlainDocument, item: &Item, scalar: &Scalar) -> Result<Value, Error> {
    let invalid = |text: &str| Err(Error::new(ErrorKind::ValueInvalid, text));
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(*value),
        Scalar::Int(value) => Value::Number((*value).into()),
        Scalar::Float(value) => match number(*value) {
            Some(number) => Value::Number(number),
            None => return invalid("a number that JSON lacks"),
        },
        // Kubernetes has no times: the text counts as it is written.
        Scalar::Time(time) => {
            let written = plain.source().get(item.span.range()).filter(|_| item.style == Style::Plain);
            let is_copy = plain.outline().is_copy(item);
            Value::String(written.filter(|_| !is_copy).map_or_else(|| time.canonical(), str::to_owned))
        }
        Scalar::Str(text) => match std::str::from_utf8(text.bytes(plain.texts())) {
            Ok(text) => Value::String(text.to_owned()),
            Err(_) => return invalid("the value is not UTF-8"),
        },
    })
}

/// A number as JSON has it; a whole one is an integer.
fn number(value: f64) -> Option<Number> {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= MAX_EXACT {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}
