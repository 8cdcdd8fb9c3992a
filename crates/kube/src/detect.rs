//! Which bytes are an encrypted file, and of which format.
//!
//! Markers are a cheap filter, as others use them; then the text is read and must hold metadata. The order is fixed.

use crate::policy::Limits;
use crate::stream::{Block, check_outline};
use serde_json::Value;
use sops_core::{Error as CoreError, Event, Format, PlainDocument};

/// The bytes that Flux looks for, anywhere.
pub(crate) fn flux_marker(format: Format) -> &'static [u8] {
    match format {
        Format::Json | Format::Binary => b"\"mac\": \"ENC[",
        Format::Yaml => b"mac: ENC[",
        Format::Dotenv => b"sops_mac=ENC[",
        Format::Ini => b"[sops]",
    }
}

pub(crate) fn contains(bytes: &[u8], marker: &[u8]) -> bool {
    bytes.windows(marker.len()).any(|window| window == marker)
}

/// The format that Flux sees in the bytes of an entry.
pub(crate) fn flux_format(bytes: &[u8]) -> Option<Format> {
    let formats = [Format::Dotenv, Format::Json, Format::Yaml, Format::Ini];
    formats.into_iter().find(|format| contains(bytes, flux_marker(*format)))
}

/// The format that a file name or the key of an entry means to Flux: case counts.
pub(crate) fn format_of_name(name: &str) -> Format {
    match name.ends_with(".dockerconfigjson") {
        true => Format::Json,
        false => Format::from_path(name),
    }
}

/// What bytes are.
pub(crate) enum Found {
    /// No encrypted file.
    Plain,
    /// An encrypted file.
    Encrypted(Format),
    /// A limit was exceeded while looking.
    TooMuch(crate::error::Error),
}

/// Tells whether bytes are an encrypted file. The format of the name is tried first, then the others in a fixed order.
pub(crate) fn encrypted_file(bytes: &[u8], named: Option<Format>, limits: &Limits) -> Found {
    let order = [Format::Dotenv, Format::Json, Format::Yaml, Format::Ini];
    // A binary file is JSON.
    let named = named.map(|format| if format == Format::Binary { Format::Json } else { format });
    for format in named.into_iter().chain(order) {
        if !has_marker(bytes, format) {
            continue;
        }
        match holds_metadata(bytes, format, limits) {
            Ok(true) => return Found::Encrypted(format),
            Ok(false) => {}
            Err(error) => return Found::TooMuch(error),
        }
    }
    Found::Plain
}

/// Whether the name of the metadata stands where it must.
fn has_marker(bytes: &[u8], format: Format) -> bool {
    let mut lines = bytes.split(|b| *b == b'\n');
    match format {
        Format::Dotenv => lines.any(|l| l.starts_with(b"sops_")),
        Format::Ini => lines.any(|l| l.trim_ascii().starts_with(b"[sops")),
        Format::Yaml => contains(bytes, b"sops") && bytes.contains(&b':'),
        Format::Json | Format::Binary => {
            bytes.trim_ascii_start().first() == Some(&b'{') && contains(bytes, b"\"sops\"")
        }
    }
}

/// Whether a text of that format holds metadata with a member that SOPS knows.
fn holds_metadata(bytes: &[u8], format: Format, limits: &Limits) -> Result<bool, crate::error::Error> {
    let plain = match PlainDocument::parse(format, bytes) {
        Ok(plain) => plain,
        Err(CoreError::Limit { what, max }) => return Err(crate::error::Error::limit(what, max)),
        Err(_) => return Ok(false),
    };
    check_outline(plain.outline(), limits)?;
    Ok(plain.events().iter().any(|document| match format {
        Format::Dotenv => members(document, 1).any(|key| is_flat_metadata(key.strip_prefix("sops_"))),
        Format::Ini => section(document).any(|key| is_flat_metadata(Some(key))),
        _ => section(document).any(is_metadata),
    }))
}

fn is_metadata(key: &str) -> bool {
    let value = serde_json::json!({"sops": {key: Value::Null}});
    Block::of(&value) == Block::Metadata
}

/// `age__list_0__map_enc` is part of `age`.
fn is_flat_metadata(key: Option<&str>) -> bool {
    key.and_then(|key| key.split("__").next()).is_some_and(is_metadata)
}

/// The keys of the members at a depth.
fn members<'e>(events: &'e [Event<'_>], wanted: usize) -> impl Iterator<Item = &'e str> {
    let mut depth = 0usize;
    events.iter().filter_map(move |event| {
        let at = depth;
        let key = match event {
            Event::Map(key) | Event::List(key) => {
                depth += 1;
                key.as_deref()
            }
            Event::End => {
                depth = depth.saturating_sub(1);
                None
            }
            Event::Leaf(key, _) => key.as_deref(),
            Event::Comment { .. } => None,
        };
        key.filter(|_| at == wanted)
    })
}

/// The keys of the members of the top-level mapping `sops`.
fn section<'e>(events: &'e [Event<'_>]) -> impl Iterator<Item = &'e str> {
    let mut depth = 0usize;
    let start = events.iter().position(|event| {
        let is_sops = depth == 1 && matches!(event, Event::Map(Some(key)) if key == "sops");
        match event {
            Event::Map(_) | Event::List(_) => depth += 1,
            Event::End => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_sops
    });
    let rest = start.map_or(&[][..], |start| events.get(start..).unwrap_or_default());
    let mut depth = 0usize;
    let end = rest.iter().position(|event| {
        match event {
            Event::Map(_) | Event::List(_) => depth += 1,
            Event::End => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    members(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default(), 1)
}
