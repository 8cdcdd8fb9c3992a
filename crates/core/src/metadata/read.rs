//! Reading the branch: every layout and every loose type the reference takes, and some it does not (an unquoted time, a
//! missing or odd version, an integral decimal for a threshold).
//!
//! A name is that of a field exactly, else in any case. Of a field that stands twice (JSON) the last counts.

use super::keys::{KeyKind, MasterKey, MasterKeyKind};
use super::{KeyGroup, Metadata, Unknown, VERSION};
use crate::error::Error;
use crate::outline::Event;
use crate::select::Settings;
use crate::value::{Timestamp, Value, canonical_float};
use std::collections::BTreeMap;

/// Deepest nesting of the branch; the format needs five levels.
const MAX_DEPTH: usize = 16;

/// Fields beside the lists of keys.
const FIELDS: [&str; 13] = [
    "encrypted_comment_regex",
    "encrypted_regex",
    "encrypted_suffix",
    "key_groups",
    "lastmodified",
    "mac",
    "mac_only_encrypted",
    "shamir_threshold",
    "spelling",
    "unencrypted_comment_regex",
    "unencrypted_regex",
    "unencrypted_suffix",
    "version",
];

/// The branch as a small tree.
enum Tree {
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Leaf(Value<'static>),
}

fn fault<T>(field: &str, reason: &str) -> Result<T, Error> {
    Err(Error::Metadata { field: field.to_owned(), reason: reason.to_owned() })
}

/// Puts the place of an entry in front of the field of an error.
fn within(place: String, error: Error) -> Error {
    match error {
        Error::Metadata { field, reason } if field.is_empty() => Error::Metadata { field: place, reason },
        Error::Metadata { field, reason } => Error::Metadata { field: format!("{place}.{field}"), reason },
        error => error,
    }
}

impl Metadata {
    /// Reads the events of the branch: its map, the members, the end.
    ///
    /// # Errors
    /// [`Error::Metadata`] with the field; [`Error::SelectorConflict`] for more than one selection rule.
    pub fn read(events: &[Event<'_>]) -> Result<Metadata, Error> {
        let tree = build(events)?;
        let text = |field| tree.text(field);
        let settings = Settings {
            unencrypted_suffix: text("unencrypted_suffix")?,
            encrypted_suffix: text("encrypted_suffix")?,
            unencrypted_regex: text("unencrypted_regex")?,
            encrypted_regex: text("encrypted_regex")?,
            unencrypted_comment_regex: text("unencrypted_comment_regex")?,
            encrypted_comment_regex: text("encrypted_comment_regex")?,
        };
        let last_modified = time("lastmodified", &text("lastmodified")?)?;
        let mut groups = Vec::new();
        let flat = group(&tree)?;
        if !flat.keys.is_empty() {
            groups.push(flat);
        } else {
            for (number, entry) in tree.list("key_groups")?.into_iter().enumerate() {
                let group = group(entry).map_err(|error| within(format!("key_groups[{number}]"), error))?;
                groups.push(KeyGroup { unknown: entry.unknown(is_key_list), ..group });
            }
        }
        if groups.is_empty() {
            return fault("", "No keys found in file");
        }
        let version = text("version")?;
        let version = if version.is_empty() { VERSION.to_owned() } else { version };
        Ok(Metadata {
            groups,
            threshold: tree.integer("shamir_threshold")?,
            settings,
            mac_only_encrypted: tree.boolean("mac_only_encrypted")?,
            last_modified,
            mac: text("mac")?,
            // Nothing depends on it: what is no text is as good as nothing.
            spelling: text("spelling").unwrap_or_default(),
            version,
            unknown: tree.unknown(is_known),
        })
    }
}

fn build(events: &[Event<'_>]) -> Result<Tree, Error> {
    let mut open: Vec<(Option<String>, Tree)> = Vec::new();
    for event in events {
        let (key, node) = match event {
            Event::Comment { .. } => continue,
            Event::Map(key) => {
                open.push((key.as_ref().map(|k| k.to_string()), Tree::Map(Vec::new())));
                if open.len() > MAX_DEPTH {
                    return fault("", "nested too deep");
                }
                continue;
            }
            Event::List(key) => {
                open.push((key.as_ref().map(|k| k.to_string()), Tree::List(Vec::new())));
                if open.len() > MAX_DEPTH {
                    return fault("", "nested too deep");
                }
                continue;
            }
            Event::Leaf(key, value) => (key.as_ref().map(|k| k.to_string()), Tree::Leaf(owned(value))),
            Event::End => match open.pop() {
                Some(closed) => closed,
                None => return fault("", "not a mapping"),
            },
        };
        match open.last_mut() {
            Some((_, Tree::Map(entries))) => entries.push((key.unwrap_or_default(), node)),
            Some((_, Tree::List(elements))) => elements.push(node),
            _ => return Ok(node),
        }
    }
    fault("", "not a mapping")
}

fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(b) => Value::Bool(*b),
        Value::Int(i) => Value::Int(*i),
        Value::Float(f) => Value::Float(*f),
        Value::Time(t) => Value::Time(*t),
        Value::Str(s) => Value::Str(s.to_vec().into()),
    }
}

/// A null in a list of mappings.
static EMPTY: Tree = Tree::Map(Vec::new());

impl Tree {
    /// A field by its exact name, else in any case.
    fn field(&self, name: &str) -> Option<&Tree> {
        let Tree::Map(entries) = self else { return None };
        let exact = entries.iter().rfind(|(k, _)| k == name);
        exact.or_else(|| entries.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))).map(|(_, v)| v)
    }

    fn text(&self, name: &str) -> Result<String, Error> {
        Ok(match self.field(name) {
            None | Some(Tree::Leaf(Value::Null)) => String::new(),
            Some(Tree::Leaf(Value::Str(s))) => String::from_utf8_lossy(s).into_owned(),
            Some(Tree::Leaf(Value::Int(i))) => i.to_string(),
            Some(Tree::Leaf(Value::Float(f))) => canonical_float(*f),
            Some(Tree::Leaf(Value::Bool(b))) => if *b { "1" } else { "0" }.to_owned(),
            Some(Tree::Leaf(Value::Time(t))) => t.whole_seconds(),
            Some(_) => return fault(name, "expected a string"),
        })
    }

    fn integer(&self, name: &str) -> Result<usize, Error> {
        let number = match self.field(name) {
            None | Some(Tree::Leaf(Value::Null)) => 0,
            Some(Tree::Leaf(Value::Int(i))) => *i,
            Some(Tree::Leaf(Value::Float(f))) => *f as i64,
            Some(Tree::Leaf(Value::Bool(b))) => i64::from(*b),
            Some(Tree::Leaf(Value::Str(s))) => match std::str::from_utf8(s).ok().and_then(parse_integer) {
                Some(number) => number,
                None => return fault(name, "expected an integer"),
            },
            Some(_) => return fault(name, "expected an integer"),
        };
        // A negative number means nothing, like 0.
        Ok(usize::try_from(number).unwrap_or(0))
    }

    fn boolean(&self, name: &str) -> Result<bool, Error> {
        match self.field(name) {
            None | Some(Tree::Leaf(Value::Null)) => Ok(false),
            Some(Tree::Leaf(Value::Bool(b))) => Ok(*b),
            Some(Tree::Leaf(Value::Int(i))) => Ok(*i != 0),
            Some(Tree::Leaf(Value::Float(f))) => Ok(*f != 0.0),
            Some(Tree::Leaf(Value::Str(s))) => match &**s {
                b"1" | b"t" | b"T" | b"TRUE" | b"true" | b"True" => Ok(true),
                b"0" | b"f" | b"F" | b"FALSE" | b"false" | b"False" | b"" => Ok(false),
                _ => fault(name, "expected a boolean"),
            },
            Some(_) => fault(name, "expected a boolean"),
        }
    }

    /// A list of mappings; a single mapping counts as a list of one, an empty one as none.
    fn list(&self, name: &str) -> Result<Vec<&Tree>, Error> {
        match self.field(name) {
            None | Some(Tree::Leaf(Value::Null)) => Ok(Vec::new()),
            Some(Tree::Map(entries)) if entries.is_empty() => Ok(Vec::new()),
            Some(map @ Tree::Map(_)) => Ok(vec![map]),
            Some(Tree::List(elements)) => elements
                .iter()
                .map(|element| match element {
                    Tree::Map(_) => Ok(element),
                    Tree::Leaf(Value::Null) => Ok(&EMPTY),
                    _ => fault(name, "expected a list of mappings"),
                })
                .collect(),
            Some(_) => fault(name, "expected a list of mappings"),
        }
    }
}

impl Tree {
    /// The members that are not known, by name.
    fn unknown(&self, is_known: impl Fn(&str) -> bool) -> Unknown {
        let Tree::Map(entries) = self else { return Unknown::default() };
        let fields: BTreeMap<&str, &Tree> = entries.iter().map(|(name, tree)| (name.as_str(), tree)).collect();
        let mut unknown = Unknown::default();
        for (name, tree) in fields.into_iter().filter(|(name, _)| !is_known(name)) {
            tree.flatten(Some(name), &mut unknown.events);
        }
        unknown
    }

    /// Appends the tree as events. Calls itself at most as deep as a branch may nest.
    fn flatten(&self, key: Option<&str>, events: &mut Vec<Event<'static>>) {
        let key = key.map(|key| key.to_owned().into());
        match self {
            Tree::Map(entries) => {
                events.push(Event::Map(key));
                entries.iter().for_each(|(name, tree)| tree.flatten(Some(name), events));
                events.push(Event::End);
            }
            Tree::List(elements) => {
                events.push(Event::List(key));
                elements.iter().for_each(|tree| tree.flatten(None, events));
                events.push(Event::End);
            }
            Tree::Leaf(value) => events.push(Event::Leaf(key, value.clone())),
        }
    }
}

/// The integers of Go, with a sign and the prefixes `0x`, `0o`, `0b` and `0` for octal, and underscores between digits;
/// empty is 0. An integral decimal too: older writers put `2.000000` into flat formats.
fn parse_integer(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (sign, digits) = match text.as_bytes()[0] {
        b'-' | b'+' => text.split_at(1),
        _ => ("", text),
    };
    if let Some((whole, zeros)) = digits.split_once('.') {
        let is_integral = !whole.is_empty() && zeros.bytes().all(|b| b == b'0');
        return whole
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| format!("{sign}{whole}").parse().ok())?
            .filter(|_| is_integral);
    }
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // An underscore stands between digits or behind a prefix.
    let misplaced = digits.ends_with('_') || digits.contains("__") || (radix == 10 && digits.starts_with('_'));
    let digits = digits.replace('_', "");
    if misplaced || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// Tells whether the branch has a field of this name.
fn is_known(name: &str) -> bool {
    FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name)) || is_key_list(name)
}

/// Tells whether a group has a field of this name.
fn is_key_list(name: &str) -> bool {
    KeyKind::ALL.iter().any(|kind| kind.field().eq_ignore_ascii_case(name))
}

fn time(field: &str, text: &str) -> Result<Timestamp, Error> {
    match Timestamp::parse_rfc3339(text) {
        Some(time) => Ok(time),
        None => fault(field, "expected a time such as \"2006-01-02T15:04:05Z\""),
    }
}

fn group(tree: &Tree) -> Result<KeyGroup, Error> {
    let mut group = KeyGroup::default();
    for kind in KeyKind::READING {
        for (number, entry) in tree.list(kind.field())?.into_iter().enumerate() {
            let key = master_key(kind, entry);
            group.keys.push(key.map_err(|error| within(format!("{}[{number}]", kind.field()), error))?);
        }
    }
    Ok(group)
}

fn master_key(kind: KeyKind, entry: &Tree) -> Result<MasterKey, Error> {
    let text = |field| entry.text(field);
    let created_at = match kind {
        KeyKind::Age => None,
        _ => Some(time("created_at", &text("created_at")?)?),
    };
    let unknown = entry.unknown(|name| kind.fields().iter().any(|known| known.eq_ignore_ascii_case(name)));
    let kind = match kind {
        KeyKind::Age => MasterKeyKind::Age { recipient: text("recipient")? },
        KeyKind::Pgp => MasterKeyKind::Pgp { fingerprint: text("fp")? },
        KeyKind::Kms => MasterKeyKind::Kms {
            arn: text("arn")?,
            role: text("role")?,
            aws_profile: text("aws_profile")?,
            context: context(entry)?,
        },
        KeyKind::GcpKms => MasterKeyKind::GcpKms { resource_id: text("resource_id")? },
        KeyKind::AzureKv => {
            MasterKeyKind::AzureKv { vault_url: text("vault_url")?, name: text("name")?, version: text("version")? }
        }
        KeyKind::HcVault => MasterKeyKind::HcVault {
            vault_address: text("vault_address")?,
            engine_path: text("engine_path")?,
            key_name: text("key_name")?,
        },
        KeyKind::HcKms => match text("key_id")? {
            key_id if key_id.contains(':') => MasterKeyKind::HcKms { key_id },
            _ => return fault("key_id", "invalid key ID format: expected 'region:key-uuid'"),
        },
    };
    Ok(MasterKey { kind, wrapped: text("enc")?, created_at, unknown })
}

fn context(entry: &Tree) -> Result<Vec<(String, Option<String>)>, Error> {
    let (context, entries) = match entry.field("context") {
        None | Some(Tree::Leaf(Value::Null)) => return Ok(Vec::new()),
        Some(Tree::List(elements)) if elements.is_empty() => return Ok(Vec::new()),
        Some(context @ Tree::Map(entries)) => (context, entries),
        Some(_) => return fault("context", "expected a mapping"),
    };
    let names: std::collections::BTreeSet<&String> = entries.iter().map(|(name, _)| name).collect();
    let value = |name: &String| match context.field(name) {
        None | Some(Tree::Leaf(Value::Null)) => Ok(None),
        Some(_) => context.text(name).map(Some).map_err(|error| within("context".into(), error)),
    };
    names.into_iter().map(|name| Ok((name.clone(), value(name)?))).collect()
}
