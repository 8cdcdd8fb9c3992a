//! Reading the branch: every layout and every loose type the reference takes, and two it does not (an unquoted time, a
//! missing version).

use super::keys::{KeyKind, MasterKey, MasterKeyKind};
use super::{KeyGroup, Metadata, VERSION};
use crate::error::Error;
use crate::outline::Event;
use crate::select::Settings;
use crate::value::{Timestamp, Value, canonical_float};

/// Deepest nesting of the branch; the format needs five levels.
const MAX_DEPTH: usize = 16;

/// The branch as a small tree.
enum Tree {
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Leaf(Value<'static>),
}

fn fault<T>(field: &str, reason: &str) -> Result<T, Error> {
    Err(Error::Metadata { field: field.to_owned(), reason: reason.to_owned() })
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
            for entry in tree.list("key_groups")? {
                groups.push(group(entry)?);
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
            version,
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

impl Tree {
    /// A field by its exact name, else in any case.
    fn field(&self, name: &str) -> Option<&Tree> {
        let Tree::Map(entries) = self else { return None };
        let exact = entries.iter().find(|(k, _)| k == name);
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
            Some(Tree::List(elements)) if elements.iter().all(|e| matches!(e, Tree::Map(_))) => {
                Ok(elements.iter().collect())
            }
            Some(_) => fault(name, "expected a list of mappings"),
        }
    }
}

/// Decimal, or with the prefixes of Go: `0x2`, a leading `0` for octal; empty is 0.
fn parse_integer(text: &str) -> Option<i64> {
    let trimmed = text.strip_prefix('+').unwrap_or(text);
    match trimmed {
        "" => Some(0),
        _ if trimmed.starts_with("0x") || trimmed.starts_with("0X") => i64::from_str_radix(&trimmed[2..], 16).ok(),
        _ if trimmed.len() > 1 && trimmed.starts_with('0') => i64::from_str_radix(&trimmed[1..], 8).ok(),
        // Older writers wrote "2.000000" into flat formats.
        _ => trimmed
            .split_once('.')
            .map_or(trimmed, |(whole, zeros)| if zeros.bytes().all(|b| b == b'0') { whole } else { trimmed })
            .parse()
            .ok(),
    }
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
        for entry in tree.list(kind.field())? {
            group.keys.push(master_key(kind, entry)?);
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
    Ok(MasterKey { kind, wrapped: text("enc")?, created_at })
}

fn context(entry: &Tree) -> Result<Vec<(String, Option<String>)>, Error> {
    let Some(context @ Tree::Map(entries)) = entry.field("context") else { return Ok(Vec::new()) };
    entries
        .iter()
        .map(|(key, value)| match value {
            Tree::Leaf(Value::Null) => Ok((key.clone(), None)),
            _ => Ok((key.clone(), Some(context.text(key)?))),
        })
        .collect()
}
