//! A tree as JSON, spelled as the reference spells it.

use crate::outline::Event;
use crate::value::Value;

/// The white space of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indent {
    /// One tab.
    Tab,
    /// That many spaces.
    Spaces(usize),
}

/// Appends one document, with a final newline. Comments are left out.
pub fn tree(events: &[Event<'_>], indent: Indent, out: &mut Vec<u8>) {
    value(events, indent, out);
    out.push(b'\n');
}

/// Appends one value without a final newline.
pub fn value(events: &[Event<'_>], indent: Indent, out: &mut Vec<u8>) {
    // Per open collection: whether it is a mapping, and whether an entry was written.
    let mut open: Vec<(bool, bool)> = Vec::new();
    for event in events {
        let key = match event {
            Event::Comment { .. } => continue,
            Event::End => {
                if let Some((map, any)) = open.pop() {
                    if any {
                        newline(open.len(), indent, out);
                    }
                    out.push(if map { b'}' } else { b']' });
                }
                continue;
            }
            Event::Map(key) | Event::List(key) | Event::Leaf(key, _) => key,
        };
        let depth = open.len();
        if let Some((map, any)) = open.last_mut() {
            if std::mem::replace(any, true) {
                out.push(b',');
            }
            let map = *map;
            newline(depth, indent, out);
            if map {
                string(key.as_deref().unwrap_or_default().as_bytes(), out);
                out.extend_from_slice(b": ");
            }
        }
        match event {
            Event::Map(_) => {
                out.push(b'{');
                open.push((true, false));
            }
            Event::List(_) => {
                out.push(b'[');
                open.push((false, false));
            }
            Event::Leaf(_, value) => scalar(value, out),
            Event::Comment { .. } | Event::End => {}
        }
    }
}

fn newline(depth: usize, indent: Indent, out: &mut Vec<u8>) {
    out.push(b'\n');
    match indent {
        Indent::Tab => out.extend(std::iter::repeat_n(b'\t', depth)),
        Indent::Spaces(count) => out.extend(std::iter::repeat_n(b' ', depth * count)),
    }
}

fn scalar(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Int(_) => value.write_canonical(out),
        Value::Float(f) => float(*f, out),
        Value::Time(t) => string(t.canonical().as_bytes(), out),
        Value::Str(s) => string(s, out),
    }
}

/// Exponents below 1e-6 and from 1e21 on, as Go's encoder writes them.
fn float(value: f64, out: &mut Vec<u8>) {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        let text = match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            _ => text,
        };
        out.extend_from_slice(text.as_bytes());
    } else {
        out.extend_from_slice(value.to_string().as_bytes());
    }
}

fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\x08' => out.extend_from_slice(b"\\b"),
                '\x0C' => out.extend_from_slice(b"\\f"),
                // compat: what HTML would read is escaped too.
                '\0'..='\x1F' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
                }
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}
