//! Values of a document as a flat list, from JSON text and from the library's events, to compare the two.
//!
//! Flat, because cases nest deeper than a recursive reader goes.

use sops_core::outline::Event;
use sops_core::value::Value;
use std::borrow::Cow;

/// One piece of a JSON text; numbers are normalised.
#[derive(Debug, Clone, PartialEq)]
pub enum Flat {
    /// `{` or `[`.
    Open(char),
    /// `}` or `]`.
    Close,
    /// The key of the next value.
    Key(String),
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// `true`, `false` or `null`.
    Word(&'static str),
}

/// Reads a JSON text.
pub fn from_json(text: &str) -> Vec<Flat> {
    let (mut flat, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '{' | '[' => push(&mut flat, Flat::Open(first), 1),
            '}' | ']' => push(&mut flat, Flat::Close, 1),
            ',' => 1,
            '"' => {
                let len = string_length(rest);
                let value: String = serde_json::from_str(&rest[..len]).expect("a JSON text");
                let is_key = rest[len..].trim_start().starts_with(':');
                let len = if is_key { len + rest[len..].find(':').expect("just seen") + 1 } else { len };
                push(&mut flat, if is_key { Flat::Key(value) } else { Flat::Text(value) }, len)
            }
            't' => push(&mut flat, Flat::Word("true"), 4),
            'f' => push(&mut flat, Flat::Word("false"), 5),
            'n' => push(&mut flat, Flat::Word("null"), 4),
            _ => {
                let len = rest.find([',', '}', ']', '\n', ' ']).unwrap_or(rest.len());
                push(&mut flat, number(&rest[..len]), len)
            }
        };
        rest = rest[len..].trim_start();
    }
    flat
}

fn push(flat: &mut Vec<Flat>, piece: Flat, len: usize) -> usize {
    flat.push(piece);
    len
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    });
    end.expect("a closed JSON text") + 2
}

fn number(text: &str) -> Flat {
    match text.parse::<i64>() {
        Ok(int) => Flat::Int(int),
        Err(_) => float(text.parse().unwrap_or_else(|_| panic!("{text} is no JSON number"))),
    }
}

/// JSON does not tell `1.0` from `1`.
fn float(float: f64) -> Flat {
    let int = float as i64;
    if int as f64 == float && int != i64::MAX { Flat::Int(int) } else { Flat::Float(float) }
}

/// Reads the events of one document; comments are no values.
pub fn from_events(events: &[Event<'_>]) -> Vec<Flat> {
    let mut flat = Vec::new();
    for event in events {
        match event {
            Event::Map(key) => open(&mut flat, key, Flat::Open('{')),
            Event::List(key) => open(&mut flat, key, Flat::Open('[')),
            Event::Leaf(key, value) => open(&mut flat, key, scalar(value)),
            Event::Comment { .. } => {}
            Event::End => flat.push(Flat::Close),
        }
    }
    flat
}

fn open(flat: &mut Vec<Flat>, key: &Option<Cow<'_, str>>, piece: Flat) {
    flat.extend(key.iter().map(|k| Flat::Key(k.to_string())));
    flat.push(piece);
}

fn scalar(value: &Value<'_>) -> Flat {
    match value {
        Value::Null => Flat::Word("null"),
        Value::Bool(true) => Flat::Word("true"),
        Value::Bool(false) => Flat::Word("false"),
        Value::Int(i) => Flat::Int(*i),
        Value::Float(f) => float(*f),
        Value::Time(_) => Flat::Text(String::from_utf8_lossy(&value.canonical()).into_owned()),
        Value::Str(text) => Flat::Text(String::from_utf8_lossy(text).into_owned()),
    }
}

/// Says where two lists differ.
pub fn difference(got: &[Flat], expected: &[Flat]) -> Option<String> {
    let at = got.iter().zip(expected).position(|(g, e)| g != e);
    match at {
        Some(at) => Some(format!("value {at}: {:?}, expected {:?}", got[at], expected[at])),
        None if got.len() != expected.len() => Some(format!("{} values, expected {}", got.len(), expected.len())),
        None => None,
    }
}

/// Writes a text as a double-quoted YAML scalar.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => quoted.push_str(&format!("\\U{:08X}", c as u32)),
        }
    }
    quoted + "\""
}

#[test]
fn json_text_and_events_flatten_alike() {
    let events = [
        Event::Map(None),
        Event::Leaf(Some("a\"b".into()), Value::Float(1.0)),
        Event::Comment { text: b" c"[..].into(), inline: false },
        Event::List(Some("l".into())),
        Event::Leaf(None, Value::Float(0.5)),
        Event::Leaf(None, Value::Str(b"x"[..].into())),
        Event::End,
        Event::End,
    ];
    assert_eq!(from_events(&events), from_json("{\n  \"a\\\"b\" : 1, \"l\": [0.5,\"x\"]\n}\n"));
}
