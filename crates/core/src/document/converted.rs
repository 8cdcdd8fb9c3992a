//! A document in another format, as something to seal.
//!
//! Its text alone would lose types that the format has no words for, and bytes that it has no place for.

use super::PlainDocument;
use super::change::typed;
use crate::error::Error;
use crate::format::Format;
use crate::outline::{NONE, Node, Outline, Scalar};
use crate::path::display_keys;
use crate::value::Value;

impl PlainDocument {
    /// Returns the first document in another format, all of them in YAML; without an `indent` with the format's default.
    /// Values keep their types: a number in dotenv becomes a token of a number.
    ///
    /// # Errors
    /// Those of [`PlainDocument::convert`] and [`PlainDocument::parse`]; [`Error::Tree`] for a text that is not UTF-8, which JSON
    /// would change.
    ///
    /// ```
    /// # use sops_core::{Format, PlainDocument};
    /// let yaml = PlainDocument::parse(Format::Yaml, b"port: 5432\ntls: true\n")?;
    /// let dotenv = yaml.converted(Format::Dotenv, None)?;
    /// assert_eq!(dotenv.bytes(), b"port=5432\ntls=true\n");
    /// assert_eq!(dotenv.convert(Format::Yaml, None)?, yaml.bytes());
    /// # Ok::<(), sops_core::Error>(())
    /// ```
    pub fn converted(&self, to: Format, indent: Option<usize>) -> Result<PlainDocument, Error> {
        let mut plain = PlainDocument::parse(to, self.convert(to, indent)?)?;
        for (was, is) in leaves(&self.outline).into_iter().zip(leaves(&plain.outline)) {
            let Node::Leaf(scalar) = &self.outline.items[was].node else { continue };
            let value = scalar.value(self.outline.texts(&self.source));
            if let (Format::Json, Value::Str(text)) = (to, &value)
                && std::str::from_utf8(text).is_err()
            {
                let problem = "JSON carries text only, and this is not UTF-8".into();
                return Err(Error::Tree { line: 0, path: self.path_of(was), problem });
            }
            let Node::Leaf(found) = &plain.outline.items[is].node else { continue };
            let found = found.value(plain.outline.texts(&plain.source));
            let typed = typed(&value).filter(|_| says_nothing_else(&found, &to.clear(value)));
            if let Some(scalar) = typed {
                plain.outline.items[is].node = Node::Leaf(scalar);
            }
        }
        Ok(plain)
    }

    fn path_of(&self, mut index: usize) -> String {
        let mut keys = Vec::new();
        while let Some(item) = self.outline.items.get(index) {
            keys.extend(item.key().map(|key| key.bytes(self.outline.texts(&self.source))));
            index = if item.parent == NONE { usize::MAX } else { item.parent as usize };
        }
        display_keys(keys.into_iter().rev())
    }
}

/// Whether what was read is the value, but for its type.
pub(super) fn says_nothing_else(found: &Value<'_>, wanted: &Value<'_>) -> bool {
    match (found, wanted) {
        (Value::Int(found), Value::Float(wanted)) => {
            *found as f64 == *wanted && !(*found == 0 && wanted.is_sign_negative())
        }
        _ => found.same(wanted),
    }
}

/// The values of the first document, or of all: in the order of the text.
fn leaves(outline: &Outline) -> Vec<usize> {
    let is_leaf = |index: &usize| matches!(&outline.items[*index].node, Node::Leaf(scalar) if !is_null(scalar));
    (0..outline.items.len()).filter(is_leaf).collect()
}

fn is_null(scalar: &Scalar) -> bool {
    matches!(scalar, Scalar::Null)
}
