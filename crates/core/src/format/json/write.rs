//! A tree as JSON text, spelled as the reference spells it: what `--output-type json` prints.
//!
//! Other JSON writers are close but not equal: escapes, the switch to exponents and the final newline are those of the
//! reference, and `fixtures/json-output.tsv` holds it to them. Comments are left out, JSON has none. Keys are
//! written as they come, duplicates included. Events are a flat list, so nesting costs no stack.

use crate::error::Error;
use crate::outline::Event;
use crate::path::display_keys;
use crate::value::{Value, positional, scientific};
use std::borrow::Cow;
use std::io::Write;

/// The white space of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indent {
    /// One tab, the default.
    Tab,
    /// That many spaces; with 0 lines still break.
    Spaces(usize),
    /// No white space at all.
    Compact,
}

/// How new text is laid out where other text stands around it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The line break and the indentation of the outermost line; `None`: all on one line.
    pub line: Option<String>,
    /// The white space of one level.
    pub unit: String,
    /// Whether a blank stands behind colons, and behind commas on one line.
    pub is_spaced: bool,
    /// Whether a float is written so that it reads back as one: `1.0`, where the reference prints `1`.
    pub is_typed: bool,
}

impl Layout {
    fn document(indent: Indent) -> Layout {
        let unit = match indent {
            Indent::Tab => "\t".to_owned(),
            Indent::Spaces(width) => " ".repeat(width),
            Indent::Compact => return Layout { line: None, unit: String::new(), is_spaced: false, is_typed: false },
        };
        Layout { line: Some("\n".to_owned()), unit, is_spaced: true, is_typed: false }
    }
}

/// Appends one document, with a final newline.
///
/// `events` is a `Map`, its members, `End`. Numbers that [`check`] refuses come out as what no JSON reader takes.
///
/// Linear in the text written, which deep nesting makes quadratic in the depth.
pub fn tree(events: &[Event<'_>], indent: Indent, out: &mut Vec<u8>) {
    write(events, &Layout::document(indent), out);
    out.push(b'\n');
}

/// Appends a selection (`--extract`): one scalar, list or mapping, the first event's key left out.
///
/// compat: a mapping is a document and ends with a newline; a list or scalar does not.
///
/// A string is written in quotes. The reference prints a selected string raw, in every format: that is for the
/// caller to see to.
pub fn value(events: &[Event<'_>], indent: Indent, out: &mut Vec<u8>) {
    write(events, &Layout::document(indent), out);
    if let Some(Event::Map(_)) = events.iter().find(|event| !matches!(event, Event::Comment { .. })) {
        out.push(b'\n');
    }
}

/// Deepest nesting that is written.
///
/// compat: JSON readers, Go's among them, refuse more.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// Refuses what JSON cannot carry: numbers that are not finite, more than 10,000 levels.
///
/// # Errors
/// [`Error::Tree`] with the path of the first number, without line; [`Error::Limit`] for the levels.
pub fn check(events: &[Event<'_>]) -> Result<(), Error> {
    // Per open collection: its key, if it has one.
    let mut open: Vec<Option<&str>> = Vec::new();
    for event in events {
        match event {
            Event::Map(key) | Event::List(key) => {
                open.push(key.as_deref());
                if open.len() > MAX_DEPTH {
                    return Err(Error::Limit { what: "nesting of JSON", max: MAX_DEPTH as u64 });
                }
            }
            Event::End => {
                open.pop();
            }
            Event::Leaf(key, Value::Float(number)) if !number.is_finite() => {
                let keys = open.iter().copied().chain([key.as_deref()]).flatten();
                let problem = "JSON has no number for this value, which is not finite".into();
                return Err(Error::Tree { line: 0, path: display_keys(keys.map(str::as_bytes)), problem });
            }
            Event::Leaf(..) | Event::Comment { .. } => {}
        }
    }
    Ok(())
}

/// An open collection.
struct Open {
    close: u8,
    has_entries: bool,
}

/// Appends a value, the first event's key left out.
pub(crate) fn write(events: &[Event<'_>], layout: &Layout, out: &mut Vec<u8>) {
    let mut open: Vec<Open> = Vec::new();
    for event in events {
        match event {
            Event::Comment { .. } => {}
            Event::Map(key) => {
                entry(key, &mut open, layout, out);
                out.push(b'{');
                open.push(Open { close: b'}', has_entries: false });
            }
            Event::List(key) => {
                entry(key, &mut open, layout, out);
                out.push(b'[');
                open.push(Open { close: b']', has_entries: false });
            }
            Event::Leaf(key, value) => {
                entry(key, &mut open, layout, out);
                let from = out.len();
                scalar(value, out);
                let is_float = layout.is_typed && matches!(value, Value::Float(_));
                if is_float && !out[from..].iter().any(|b| matches!(b, b'.' | b'e')) {
                    out.extend_from_slice(b".0");
                }
            }
            Event::End => {
                let Some(closed) = open.pop() else { continue };
                if closed.has_entries {
                    new_line(open.len(), layout, out);
                }
                out.push(closed.close);
            }
        }
    }
}

/// Writes what stands in front of a value: comma, line break, key.
fn entry(key: &Option<Cow<'_, str>>, open: &mut [Open], layout: &Layout, out: &mut Vec<u8>) {
    let depth = open.len();
    let Some(parent) = open.last_mut() else { return };
    if std::mem::replace(&mut parent.has_entries, true) {
        out.push(b',');
        out.extend((layout.line.is_none() && layout.is_spaced).then_some(b' '));
    }
    new_line(depth, layout, out);
    if parent.close == b'}' {
        self::key(key.as_deref().unwrap_or_default(), layout, out);
    }
}

/// Appends a key and its colon.
pub(crate) fn key(key: &str, layout: &Layout, out: &mut Vec<u8>) {
    string(key.as_bytes(), out);
    out.push(b':');
    out.extend(layout.is_spaced.then_some(b' '));
}

fn new_line(depth: usize, layout: &Layout, out: &mut Vec<u8>) {
    let Some(line) = &layout.line else { return };
    out.extend_from_slice(line.as_bytes());
    let levels = if layout.unit.is_empty() { 0 } else { depth };
    for _ in 0..levels {
        out.extend_from_slice(layout.unit.as_bytes());
    }
}

/// Appends a single value.
pub(crate) fn scalar(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Float(number) => float(*number, out),
        Value::Int(_) => value.write_canonical(out),
        // The canonical bytes of a time are ASCII without anything to escape.
        Value::Time(_) => {
            out.push(b'"');
            value.write_canonical(out);
            out.push(b'"');
        }
        Value::Str(text) => string(text, out),
    }
}

/// Writes the shortest digits that read back as the same double; with an exponent below 1e-6 and from 1e21 on, as in
/// [ECMAScript](https://tc39.es/ecma262/#sec-numeric-types-number-tostring), but zero keeps its sign.
fn float(number: f64, out: &mut Vec<u8>) {
    let digits = scientific(number);
    let magnitude = number.abs();
    match digits.split_once('e') {
        Some((mantissa, exponent)) if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) => {
            out.extend_from_slice(mantissa.as_bytes());
            out.extend_from_slice(if exponent.starts_with('-') { b"e" } else { b"e+" });
            out.extend_from_slice(exponent.as_bytes());
        }
        _ => out.extend_from_slice(positional(&digits).as_bytes()),
    }
}

/// Writes a text in quotes.
///
/// compat: `<`, `>`, `&` and the two Unicode line separators are escaped, as for HTML and JavaScript; each byte that is no
/// UTF-8 becomes the escape `\ufffd`, while a U+FFFD of the text stays as it is.
fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((at, special)) = rest.char_indices().find(|(_, c)| is_escaped(*c)) {
            let (plain, behind) = rest.split_at(at);
            out.extend_from_slice(plain.as_bytes());
            escape(special, out);
            rest = &behind[special.len_utf8()..];
        }
        out.extend_from_slice(rest.as_bytes());
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}

fn is_escaped(c: char) -> bool {
    matches!(c, '\0'..='\x1F' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

fn escape(c: char, out: &mut Vec<u8>) {
    let short = match c {
        '"' | '\\' => c,
        '\x08' => 'b',
        '\x0C' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => 'u',
    };
    // Writing to a vector cannot fail.
    let _ = match short {
        'u' => write!(out, "\\u{:04x}", u32::from(c)),
        short => write!(out, "\\{short}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(key: &'static str, value: Value<'static>) -> Event<'static> {
        Event::Leaf(Some(key.into()), value)
    }

    fn printed(events: &[Event<'_>], indent: Indent) -> String {
        let mut out = Vec::new();
        tree(events, indent, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn selected(events: &[Event<'_>]) -> String {
        let mut out = Vec::new();
        value(events, Indent::Tab, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// As the reference writes `{"a":1,"b":{},"a":2}` back.
    #[test]
    fn duplicate_keys_stay() {
        let events = [
            Event::Map(None),
            leaf("a", Value::Int(1)),
            Event::Map(Some("b".into())),
            Event::End,
            leaf("a", Value::Int(2)),
            Event::End,
        ];
        assert_eq!(printed(&events, Indent::Tab), "{\n\t\"a\": 1,\n\t\"b\": {},\n\t\"a\": 2\n}\n");
        assert_eq!(printed(&events, Indent::Spaces(0)), "{\n\"a\": 1,\n\"b\": {},\n\"a\": 2\n}\n");
    }

    #[test]
    fn only_a_selected_mapping_ends_with_a_newline() {
        assert_eq!(selected(&[Event::Map(None), leaf("a", Value::Null), Event::End]), "{\n\t\"a\": null\n}\n");
        assert_eq!(selected(&[Event::Map(Some("left out".into())), Event::End]), "{}\n");
        assert_eq!(selected(&[Event::List(None), Event::Map(None), Event::End, Event::End]), "[\n\t{}\n]");
        assert_eq!(selected(&[Event::List(Some("left out".into())), Event::End]), "[]");
        assert_eq!(selected(&[leaf("left out", Value::Float(1e21))]), "1e+21");
        assert_eq!(selected(&[]), "");
    }

    #[test]
    fn a_collection_of_comments_alone_is_empty() {
        let comment = || Event::Comment { text: b" c"[..].into(), inline: false };
        let events = [
            Event::Map(None),
            comment(),
            Event::List(Some("l".into())),
            comment(),
            Event::End,
            comment(),
            Event::End,
            comment(),
        ];
        assert_eq!(printed(&events, Indent::Tab), "{\n\t\"l\": []\n}\n");
    }

    #[test]
    fn depth_costs_no_stack() {
        let depth = 100_000;
        let mut events = vec![Event::List(None); depth];
        events.extend(vec![Event::End; depth]);
        let mut out = Vec::new();
        value(&events, Indent::Spaces(0), &mut out);
        // Two brackets a level, and a line break between any two but the innermost.
        assert_eq!(out.len(), 4 * depth - 2);
    }

    /// The reference: "exceeded max depth".
    #[test]
    fn more_than_ten_thousand_levels_are_refused() {
        let nested = |depth: usize| {
            let mut events = vec![Event::List(None); depth];
            events.extend(vec![Event::End; depth]);
            check(&events)
        };
        assert_eq!(nested(10_000), Ok(()));
        assert_eq!(nested(10_001), Err(Error::Limit { what: "nesting of JSON", max: 10_000 }));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_by_path() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let events = [
                Event::Map(None),
                Event::Map(Some("closed".into())),
                Event::End,
                Event::List(Some("a".into())),
                Event::Map(None),
                leaf("b", Value::Float(number)),
                Event::End,
                Event::End,
                Event::End,
            ];
            let error = check(&events).unwrap_err();
            let text = "[\"a\"][\"b\"]: JSON has no number for this value, which is not finite";
            assert_eq!(error.to_string(), text);
        }
        assert_eq!(check(&[Event::Map(None), leaf("a", Value::Float(f64::MAX)), Event::End]), Ok(()));
    }
}
