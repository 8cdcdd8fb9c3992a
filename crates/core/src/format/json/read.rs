//! One JSON text as a value: what `set` takes.

use crate::error::Error;
use crate::outline::Event;
use crate::value::Value;
use serde::de::DeserializeSeed;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Reads one JSON text; the order of keys is kept, whole numbers are exact.
///
/// # Errors
/// [`Error::Syntax`] for anything else, for a key that occurs twice, and for whole numbers beyond 64 bits. The text
/// is not part of the error.
///
/// ```
/// # use sops_core::format::json::read;
/// assert_eq!(read::value(r#"{"port": 5432, "tls": true}"#)?.len(), 4);
/// assert!(read::value("hunter2").is_err());
/// # Ok::<(), sops_core::Error>(())
/// ```
pub fn value(text: &str) -> Result<Vec<Event<'static>>, Error> {
    let mut events = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Node { key: None, events: &mut events }.deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        Ok(()) => Ok(events),
        Err(error) => {
            let (line, column) = (error.line() as u32, error.column() as u32);
            Err(Error::Syntax { line, column, problem: "not valid JSON".into() })
        }
    }
}

struct Node<'e> {
    key: Option<Cow<'static, str>>,
    events: &'e mut Vec<Event<'static>>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Node<'_> {
    fn leaf(self, value: Value<'static>) {
        self.events.push(Event::Leaf(self.key, value));
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.leaf(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.leaf(Value::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.leaf(Value::Int(value));
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        let value = i64::try_from(value).map_err(|_| E::custom("a whole number beyond 64 bits"))?;
        self.leaf(Value::Int(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.leaf(Value::Float(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.leaf(Value::Str(Cow::Owned(value.as_bytes().to_vec())));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.events.push(Event::List(self.key));
        while elements.next_element_seed(Node { key: None, events: self.events })?.is_some() {}
        self.events.push(Event::End);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.events.push(Event::Map(self.key));
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("a key occurs twice"));
            }
            members.next_value_seed(Node { key: Some(key.into()), events: self.events })?;
        }
        self.events.push(Event::End);
        Ok(())
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

    #[test]
    fn errors_do_not_show_the_text() {
        for text in ["hunter2", "{\"a\": hunter2}", "18446744073709551615", "{\"a\":1,\"a\":2}", "1 2", ""] {
            let error = value(text).err().expect("an error").to_string();
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
