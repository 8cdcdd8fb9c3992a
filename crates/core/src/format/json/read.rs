//! One JSON text as a value: what `set` takes.

use super::scan;
use crate::error::Error;
use crate::outline::{Event, NONE, Outline};
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashSet;

/// Reads one JSON text; the order of keys is kept, whole numbers are exact.
///
/// # Errors
/// [`Error::Syntax`] for anything else, for a key that occurs twice, and for whole numbers beyond 64 bits, which the
/// reference rounds; [`Error::Limit`] for more than 10,000 levels or 2 GiB. The text is not part of the error.
///
/// ```
/// # use sops_core::format::json::read;
/// assert_eq!(read::value(r#"{"port": 5432, "tls": true}"#)?.len(), 4);
/// assert!(read::value("hunter2").is_err());
/// assert!(read::value("18446744073709551616").is_err());
/// # Ok::<(), sops_core::Error>(())
/// ```
pub fn value(text: &str) -> Result<Vec<Event<'static>>, Error> {
    let outline = scan::value(text)?;
    check_keys(&outline, text)?;
    let events = outline.events(text, 0, outline.items.len(), |_| None);
    Ok(events.into_iter().map(owned).collect())
}

/// compat: the reference takes keys that stand twice, and readers of its file see one of them.
fn check_keys(outline: &Outline, text: &str) -> Result<(), Error> {
    let texts = outline.texts(text);
    let mut seen = HashSet::new();
    for item in outline.items.iter().filter(|item| item.parent != NONE) {
        let Some(key) = item.key() else { continue };
        if !seen.insert((item.parent, key.bytes(texts))) {
            return Err(scan::syntax_error(text, item.entry_start as usize, "a key occurs twice".into()));
        }
    }
    Ok(())
}

fn owned(event: Event<'_>) -> Event<'static> {
    let key = |key: Option<Cow<'_, str>>| key.map(|key| Cow::Owned(key.into_owned()));
    match event {
        Event::Map(name) => Event::Map(key(name)),
        Event::List(name) => Event::List(key(name)),
        Event::Leaf(name, value) => Event::Leaf(key(name), owned_value(value)),
        Event::Comment { text, inline } => Event::Comment { text: Cow::Owned(text.into_owned()), inline },
        Event::End => Event::End,
    }
}

fn owned_value(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(value) => Value::Bool(value),
        Value::Int(value) => Value::Int(value),
        Value::Float(value) => Value::Float(value),
        Value::Time(value) => Value::Time(value),
        Value::Str(text) => Value::Str(Cow::Owned(text.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_whole_numbers_are_exact() {
        let events = value(r#" {"b": 9007199254740993, "a": [null, 1.5, "x"]} "#).expect("JSON");
        let keys: Vec<_> = events
            .iter()
            .filter_map(|e| match e {
                Event::Map(k) | Event::List(k) | Event::Leaf(k, _) => k.as_deref(),
                _ => None,
            })
            .collect();
        assert_eq!(keys, ["b", "a"]);
        assert!(matches!(events[1], Event::Leaf(_, Value::Int(9_007_199_254_740_993))));
        assert!(matches!(events[4], Event::Leaf(None, Value::Float(f)) if f == 1.5));
    }

    /// The type a number of 2⁶³ and above would get decides whether its digits stay: none may come back changed.
    #[test]
    fn whole_numbers_beyond_64_bits_are_refused_wherever_they_stand() {
        for text in
            ["9223372036854775808", "-9223372036854775809", "[18446744073709551616]", "{\"a\": 1180591620717411303424}"]
        {
            let error = value(text).err().expect("an error").to_string();
            assert!(error.contains("a whole number beyond 64 bits"), "{error}");
        }
        for text in ["9223372036854775807", "-9223372036854775808", "1e20", "18446744073709551616.0"] {
            assert_eq!(value(text).expect("JSON").len(), 1, "{text}");
        }
    }

    #[test]
    fn errors_say_where_and_do_not_show_the_text() {
        for (text, place) in [
            ("hunter2", "line 1, column 1: expected a value"),
            ("{\"a\": hunter2}", "line 1, column 7: expected a value"),
            ("{\"a\":1,\n\"a\":2}", "line 2, column 1: a key occurs twice"),
            ("{\"a\":1,\"\\u0061\":2}", "line 1, column 8: a key occurs twice"),
            ("1 hunter2", "line 1, column 3: expected the end of the text behind the value"),
            ("", "line 1, column 1: unexpected end of the text, expected a value"),
        ] {
            assert_eq!(value(text).err().expect("an error").to_string(), place);
        }
    }

    #[test]
    fn equal_keys_of_different_objects_are_no_duplicates() {
        assert_eq!(value(r#" [{"a": {"a": 1}}, {"a": 2}] "#).expect("JSON").len(), 10);
    }

    #[test]
    fn nesting_costs_no_stack() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(value(&nested(10_000)).expect("JSON").len(), 20_000);
        assert!(matches!(value(&nested(10_001)), Err(Error::Limit { .. })));
    }
}
