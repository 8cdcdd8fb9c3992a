//! Typed reading: a plain document into any type that serde can make.
//!
//! It reads the events of the document, not its text: values have the types that the MAC covers, whatever another YAML
//! reader would make of `yes` or `0o17`. A place is a link to its parent on the stack, so an error knows its tree path and
//! a type that swallows an error leaves nothing behind. Messages say what was found and expected by kind; the words of
//! third parties may repeat a value, so they are dropped.

use crate::document::PlainDocument;
use crate::error::Error;
use crate::outline::Event;
use crate::path::{Step, TreePath};
use crate::value::Value;
use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Unexpected, Visitor};
use std::fmt;
use zeroize::Zeroizing;

/// How deep a type may nest. Only a type that contains itself gets that far, and it is read by recursion.
const MAX_DEPTH: usize = 128;

/// Whole floats up to here are exact, 2⁵³.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

impl PlainDocument {
    /// Reads the only document into a type.
    ///
    /// Types are strict: the text `"5"` is no number. A float without a fraction is an integer too, since that is how the
    /// reference stores the integers of JSON files. A time is the text of RFC 3339 with all it carries, so sealing never
    /// changes it. An enum is the name of a variant, or a mapping with that name as its only key. Comments are left out.
    ///
    /// # Errors
    /// [`Error::Deserialize`] with the tree path if the document does not fit the type, or is not the only one; never with
    /// a value, nor with words of the type's own that could repeat one. [`Error::Limit`] beyond 128 levels.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use sops_core::document::PlainDocument;
    /// use sops_core::format::Format;
    ///
    /// #[derive(Deserialize)]
    /// struct Database {
    ///     host: String,
    ///     port: u16,
    /// }
    ///
    /// let plain = PlainDocument::parse(Format::Yaml, b"host: db.example  # inside\nport: 5432\n")?;
    /// let database: Database = plain.deserialize()?;
    /// assert_eq!((database.host.as_str(), database.port), ("db.example", 5432));
    ///
    /// let error = plain.deserialize::<std::collections::BTreeMap<String, u16>>().unwrap_err();
    /// assert_eq!(error.to_string(), r#"["host"]: found a text, expected u16"#);
    /// # Ok::<(), sops_core::Error>(())
    /// ```
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut documents = self.events();
        if documents.len() != 1 {
            let reason = format!("found {} documents, expected one", documents.len());
            return Err(Error::Deserialize { path: TreePath::default().to_string(), reason });
        }
        let tree = Tree::new(documents.swap_remove(0));
        T::deserialize(Place { tree: &tree, index: 0, depth: 0, around: None }).map_err(Fault::into_error)
    }
}

/// The events of one document without comments, and behind which event each subtree ends.
struct Tree<'a> {
    events: Vec<Event<'a>>,
    next: Vec<usize>,
}

impl<'a> Tree<'a> {
    fn new(mut events: Vec<Event<'a>>) -> Self {
        events.retain(|event| !matches!(event, Event::Comment { .. }));
        let mut next: Vec<usize> = (1..=events.len()).collect();
        let mut open = Vec::new();
        for (index, event) in events.iter().enumerate() {
            match event {
                Event::Map(_) | Event::List(_) => open.push(index),
                Event::End => next[open.pop().unwrap_or(index)] = index + 1,
                Event::Leaf(..) | Event::Comment { .. } => {}
            }
        }
        Tree { events, next }
    }

    fn key(&self, index: usize) -> Option<&str> {
        match self.events.get(index)? {
            Event::Map(key) | Event::List(key) | Event::Leaf(key, _) => key.as_deref(),
            Event::Comment { .. } | Event::End => None,
        }
    }
}

/// A node, and the way to it.
#[derive(Clone, Copy)]
struct Place<'p> {
    tree: &'p Tree<'p>,
    index: usize,
    depth: usize,
    /// The enclosing node, and the position in it if that is a list.
    around: Option<(&'p Place<'p>, Option<usize>)>,
}

impl<'p> Place<'p> {
    fn event(&self) -> Option<&'p Event<'p>> {
        self.tree.events.get(self.index)
    }

    fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut place = self;
        while let Some((around, position)) = place.around {
            steps.push(match position {
                Some(position) => Step::Index(position),
                None => Step::Key(place.tree.key(place.index).unwrap_or_default().to_owned()),
            });
            place = around;
        }
        steps.reverse();
        TreePath::from(steps).to_string()
    }

    /// Gives an error this place, unless it knows a deeper one.
    fn located<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|fault| Fault { path: fault.path.or_else(|| Some(self.path())), ..fault })
    }

    fn members(&'p self, is_list: bool) -> Result<Members<'p>, Fault> {
        if self.depth >= MAX_DEPTH {
            return self.located(Err(Fault { is_too_deep: true, ..Fault::new(String::new()) }));
        }
        Ok(Members { around: self, next: self.index + 1, position: is_list.then_some(0), entry: None })
    }

    /// Visits a mapping or list; members that the type leaves unread are an error.
    fn collection<'de, V: Visitor<'de>>(&'p self, is_list: bool, visitor: V) -> Result<V::Value, Fault> {
        let mut members = self.members(is_list)?;
        let value = if is_list { visitor.visit_seq(&mut members) } else { visitor.visit_map(&mut members) };
        let value = self.located(value)?;
        match members.has_more() {
            true => self.located(Err(Fault::new("found more elements than expected"))),
            false => Ok(value),
        }
    }

    fn any<'de, V: Visitor<'de>>(&self, visitor: V, is_float: bool) -> Result<V::Value, Fault> {
        match self.event() {
            Some(Event::Map(_)) => self.collection(false, visitor),
            Some(Event::List(_)) => self.collection(true, visitor),
            Some(Event::Leaf(_, value)) => self.located(visit(value, visitor, is_float)),
            Some(Event::Comment { .. } | Event::End) | None => self.located(Err(Fault::new("found nothing"))),
        }
    }
}

fn visit<'de, V: Visitor<'de>>(value: &Value<'_>, visitor: V, is_float: bool) -> Result<V::Value, Fault> {
    match value {
        Value::Null => visitor.visit_unit(),
        Value::Bool(value) => visitor.visit_bool(*value),
        Value::Int(value) => match u64::try_from(*value) {
            Ok(value) => visitor.visit_u64(value),
            Err(_) => visitor.visit_i64(*value),
        },
        Value::Float(value) if !is_float && is_whole(*value) => visit(&Value::Int(*value as i64), visitor, false),
        Value::Float(value) => visitor.visit_f64(*value),
        Value::Time(time) => visitor.visit_str(&Zeroizing::new(time.canonical())),
        Value::Str(text) => match std::str::from_utf8(text) {
            Ok(text) => visitor.visit_str(text),
            Err(_) => visitor.visit_bytes(text),
        },
    }
}

fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() <= MAX_EXACT && !(value == 0.0 && value.is_sign_negative())
}

impl<'de> Deserializer<'de> for Place<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.any(visitor, false)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.any(visitor, true)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.any(visitor, true)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.event() {
            Some(Event::Leaf(_, Value::Null)) => self.located(visitor.visit_none()),
            _ => self.located(visitor.visit_some(self)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.located(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let variant = match self.event() {
            Some(Event::Leaf(_, Value::Str(name))) => match std::str::from_utf8(name) {
                Ok(name) => Variant { name, value: None },
                Err(_) => return self.located(Err(Fault::new("found bytes, expected the name of a variant"))),
            },
            Some(Event::Map(_)) => {
                let mut members = self.members(false)?;
                let value = members.step().filter(|_| !members.has_more());
                let entry =
                    value.and_then(|value| Some(Variant { name: self.tree.key(value.index)?, value: Some(value) }));
                let Some(variant) = entry else {
                    return self.located(Err(Fault::new("expected one entry with the name of a variant")));
                };
                return self.located(visitor.visit_enum(variant));
            }
            _ => return self.located(Err(Fault::new("expected the name of a variant"))),
        };
        self.located(visitor.visit_enum(variant))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier
    }
}

/// The members of a mapping or list that are still to be read.
struct Members<'p> {
    around: &'p Place<'p>,
    next: usize,
    /// The next position of a list.
    position: Option<usize>,
    /// The entry whose key was read.
    entry: Option<Place<'p>>,
}

impl<'p> Members<'p> {
    fn has_more(&self) -> bool {
        !matches!(self.around.tree.events.get(self.next), None | Some(Event::End))
    }

    fn step(&mut self) -> Option<Place<'p>> {
        if !self.has_more() {
            return None;
        }
        let around = self.around;
        let place = Place {
            tree: around.tree,
            index: self.next,
            depth: around.depth + 1,
            around: Some((around, self.position)),
        };
        self.next = around.tree.next.get(self.next).copied().unwrap_or(usize::MAX);
        self.position = self.position.map(|position| position + 1);
        Some(place)
    }
}

impl<'de> de::SeqAccess<'de> for &mut Members<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.step().map(|place| place.located(seed.deserialize(place))).transpose()
    }
}

impl<'de> de::MapAccess<'de> for &mut Members<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.entry = self.step();
        let Some(place) = &self.entry else { return Ok(None) };
        let key = place.tree.key(place.index).unwrap_or_default();
        place.located(seed.deserialize(Name(key))).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        match self.entry.take() {
            Some(place) => place.located(seed.deserialize(place)),
            None => Err(Fault::new("the type asks for a value before its key")),
        }
    }
}

/// A key, or the name of a variant.
struct Name<'p>(&'p str);

impl<'de> Deserializer<'de> for Name<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(Variant { name: self.0, value: None })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// A variant of an enum, and what it holds.
struct Variant<'p> {
    name: &'p str,
    value: Option<Place<'p>>,
}

impl<'de, 'p> de::EnumAccess<'de> for Variant<'p> {
    type Error = Fault;
    type Variant = Variant<'p>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        Ok((seed.deserialize(Name(self.name))?, self))
    }
}

impl Variant<'_> {
    fn value(&self) -> Result<Place<'_>, Fault> {
        self.value.ok_or_else(|| Fault::new("found the name of a variant alone, expected what it holds too"))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.value.map_or(Ok(()), <()>::deserialize)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let place = self.value()?;
        place.located(seed.deserialize(place))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.value()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.value()?.deserialize_any(visitor)
    }
}

/// Why a document does not fit a type: kinds and names of the type, never a value.
#[derive(Debug)]
struct Fault {
    path: Option<String>,
    reason: String,
    is_too_deep: bool,
}

impl Fault {
    fn new(reason: impl Into<String>) -> Fault {
        Fault { path: None, reason: reason.into(), is_too_deep: false }
    }

    fn into_error(self) -> Error {
        match self.is_too_deep {
            true => Error::Limit { what: "levels of a document that is read into a type", max: MAX_DEPTH as u64 },
            false => Error::Deserialize { path: self.path.unwrap_or_default(), reason: self.reason },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Fault {
        Fault::new("the type refuses what stands there")
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        Fault::new(format!("found {}, expected {expected}", kind(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        Fault::new(format!("found {} that does not fit, expected {expected}", kind(found)))
    }

    fn invalid_length(_: usize, expected: &dyn de::Expected) -> Fault {
        Fault::new(format!("found another length, expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Fault {
        Fault::new(format!("found an unknown variant, expected {}", names(expected)))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Fault {
        Fault::new(format!("found an unknown field, expected {}", names(expected)))
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::new(format!("the field {field} is missing"))
    }

    fn duplicate_field(field: &'static str) -> Fault {
        Fault::new(format!("the field {field} is there twice"))
    }
}

fn names(expected: &[&str]) -> String {
    match expected {
        [] => "none".to_owned(),
        names => names.join(" or "),
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a mapping",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests;
