//! The five formats: a closed set, matched in one place.

pub(crate) mod dotenv;
pub(crate) mod flat;
pub(crate) mod ini;
pub mod json;
#[cfg(test)]
mod laws;
pub(crate) mod syntax;
pub mod yaml;

use crate::error::Error;
use crate::outline::Outline;
use crate::value::Value;
use std::borrow::Cow;
use syntax::{Source, Syntax};
use yaml::read::{self, Encoding};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// dotenv.
    Dotenv,
    /// INI.
    Ini,
    /// Any bytes.
    Binary,
}

impl Format {
    /// The format of that name: `yaml json dotenv ini binary`.
    pub fn from_name(name: &str) -> Option<Format> {
        Some(match name {
            "yaml" => Format::Yaml,
            "json" => Format::Json,
            "dotenv" => Format::Dotenv,
            "ini" => Format::Ini,
            "binary" => Format::Binary,
            _ => return None,
        })
    }

    /// The format that a path's ending means; anything unknown is binary.
    pub fn from_path(path: &str) -> Format {
        let ends = |suffix: &str| path.ends_with(suffix);
        if ends(".yaml") || ends(".yml") {
            Format::Yaml
        } else if ends(".json") {
            Format::Json
        } else if ends(".env") {
            Format::Dotenv
        } else if ends(".ini") {
            Format::Ini
        } else {
            Format::Binary
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Yaml => "yaml",
            Format::Json => "json",
            Format::Dotenv => "dotenv",
            Format::Ini => "ini",
            Format::Binary => "binary",
        }
    }
}

impl Format {
    /// The methods of a format other than YAML. Encrypted binary files are JSON.
    pub(crate) fn syntax(self) -> Option<&'static dyn Syntax> {
        match self {
            Format::Yaml => None,
            Format::Json | Format::Binary => Some(&json::Json),
            Format::Dotenv => Some(&dotenv::Dotenv),
            Format::Ini => Some(&ini::Ini),
        }
    }

    /// What a value is once it stands in a clear text: dotenv and INI have nothing but texts, JSON has no times.
    pub(crate) fn clear(self, value: Value<'_>) -> Value<'_> {
        match (self, &value) {
            (_, Value::Str(_) | Value::Null) => value,
            (Format::Dotenv | Format::Ini, typed) | (Format::Json, typed @ Value::Time(_)) => {
                Value::Str(Cow::Owned(typed.text().unwrap_or_default().to_vec()))
            }
            _ => value,
        }
    }

    /// Decodes the bytes of a text.
    ///
    /// # Errors
    /// [`Error::Syntax`] for an encoding or characters that the format does not have.
    pub(crate) fn decode(self, bytes: Cow<'_, [u8]>) -> Result<(Encoding, String), Error> {
        if self == Format::Yaml {
            return read::decode(bytes);
        }
        let (encoding, bytes) = match &*bytes {
            [0xEF, 0xBB, 0xBF, rest @ ..] if self == Format::Ini => (Encoding::Utf8Mark, rest.to_vec()),
            _ => (Encoding::Utf8, bytes.into_owned()),
        };
        if bytes.len() >= yaml::MAX_TEXT {
            return Err(Error::Limit { what: "size of the text in bytes", max: yaml::MAX_TEXT as u64 });
        }
        Ok((encoding, read::utf8(bytes)?))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Tree`], [`Error::Limit`] with the place.
    pub(crate) fn outline(self, text: &str) -> Result<Outline, Error> {
        match self.syntax() {
            Some(syntax) => syntax.outline(text),
            None => read::outline(text),
        }
    }

    /// The items that hold the metadata of an encrypted text, whole subtrees; none in a plain one.
    ///
    /// # Errors
    /// [`Error::Metadata`] for an entry that cannot hold them.
    pub(crate) fn metadata_items(self, text: &str, outline: &Outline) -> Result<Vec<u32>, Error> {
        match self.syntax() {
            Some(syntax) => syntax.metadata_items(Source { text, outline }),
            None => Ok(yaml::layout::branches(outline, text)),
        }
    }
}
