//! Plain objects, which are wiped when they are dropped, and places in them.
//!
//! What cannot be wiped: copies that `serde`, an HTTP client, TLS or the allocator make. Whoever takes an object out with
//! [`Manifest::into_inner`] has such a copy.

use serde_json::Value;
use std::fmt;
use std::ops::Deref;
use zeroize::Zeroize as _;

/// A plain object. Its texts are zeroed when it is dropped; `Debug` shows kind and name only.
#[derive(Clone, PartialEq)]
pub struct Manifest(Value);

impl Manifest {
    /// Wraps an object.
    pub fn new(value: Value) -> Manifest {
        Manifest(value)
    }

    /// Takes the object out; it is not wiped any more.
    pub fn into_inner(mut self) -> Value {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn value_mut(&mut self) -> &mut Value {
        &mut self.0
    }
}

impl Deref for Manifest {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Drop for Manifest {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = subject(&self.0).map(|name| crate::error::escaped(&name));
        write!(f, "Manifest({})", name.as_deref().unwrap_or("no identity"))
    }
}

/// Zeroes every text of a value, without recursion.
pub(crate) fn wipe(value: &mut Value) {
    let mut open = vec![std::mem::take(value)];
    while let Some(value) = open.pop() {
        match value {
            Value::String(mut text) => text.zeroize(),
            Value::Array(elements) => open.extend(elements),
            Value::Object(members) => open.extend(members.into_iter().map(|(_, value)| value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Group, kind, namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectId {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// `Secret`.
    pub kind: String,
    /// The namespace, empty if none is written.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectId {
    /// The identity of an object; `None` if a part is missing.
    pub fn of(value: &Value) -> Option<ObjectId> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let metadata = value.get("metadata");
        Some(ObjectId {
            api_version: text(value.get("apiVersion"))?,
            kind: text(value.get("kind"))?,
            namespace: text(metadata.and_then(|m| m.get("namespace"))).unwrap_or_default(),
            name: text(metadata.and_then(|m| m.get("name")))?,
        })
    }
}

/// `namespace/name Kind` for messages; no name that is ciphertext.
pub(crate) fn subject(value: &Value) -> Option<String> {
    let id = ObjectId::of(value)?;
    let is_plain = |text: &str| !text.starts_with(TOKEN);
    if ![&id.kind, &id.namespace, &id.name].into_iter().all(|part| is_plain(part)) {
        return None;
    }
    Some(match id.namespace.is_empty() {
        true => format!("{} {}", id.name, id.kind),
        false => format!("{}/{} {}", id.namespace, id.name, id.kind),
    })
}

/// `namespace/name` as Flux writes it.
pub(crate) fn flux_name(value: &Value) -> String {
    let part = |name: &str| value.pointer(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    format!("{}/{}", part("/metadata/namespace"), part("/metadata/name"))
}

/// How every token starts.
pub(crate) const TOKEN: &str = "ENC[AES256_GCM,";

pub(crate) fn is_kind(value: &Value, api_version: &str, kind: &str) -> bool {
    value.get("kind").and_then(Value::as_str) == Some(kind)
        && value.get("apiVersion").and_then(Value::as_str) == Some(api_version)
}

/// Appends a key to a place: `a.b`, `a["b.c"]`.
pub(crate) fn push_key(path: &mut String, key: &str) {
    let is_plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if is_plain {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        path.push_str("[\"");
        path.push_str(key);
        path.push_str("\"]");
    }
}

/// A place as the core prints it (`["a"]["b.c"]`) in the words of this crate.
pub(crate) fn place_of(core_path: &str) -> String {
    use sops_core::path::{Step, TreePath};
    let Ok(path) = TreePath::parse(core_path) else { return core_path.to_owned() };
    let mut place = String::new();
    for step in path.steps() {
        match step {
            Step::Key(key) => push_key(&mut place, key),
            Step::Index(index) => place.push_str(&format!("[{index}]")),
        }
    }
    place
}

/// A place and the value there.
pub(crate) type Member<'v> = (String, &'v Value);

/// Visits every value of an object with its place, without recursion; stops at the first error.
pub(crate) fn visit<E>(value: &Value, mut visitor: impl FnMut(&str, &Value) -> Result<(), E>) -> Result<(), E> {
    let mut open: Vec<Member<'_>> = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        visitor(&path, value)?;
        match value {
            Value::Array(elements) => {
                open.extend(elements.iter().enumerate().rev().map(|(i, v)| (format!("{path}[{i}]"), v)));
            }
            Value::Object(members) => open.extend(members.iter().rev().map(|(key, value)| {
                let mut path = path.clone();
                push_key(&mut path, key);
                (path, value)
            })),
            _ => {}
        }
    }
    Ok(())
}
