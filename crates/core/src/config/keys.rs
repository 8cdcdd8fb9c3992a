//! The master keys of a creation rule: as they are written, and as data once the rule is used.
//!
//! compat: the reference looks at the shape of everything when it loads a configuration, but at the content of flat key
//! fields only when their rule is used. So a mistake in another rule stops nobody from decrypting.

use std::collections::HashSet;

use super::node::{Entry, Fields, Node, Place};
use super::notation::{self, Aws};
use super::unknown::{Section, Unknown};
use crate::Error;
use crate::keys::KeyError;
use crate::metadata::keys::{KeyKind, MasterKey, MasterKeyKind};

/// The keys of a rule as they are written.
pub(super) enum Written {
    /// One group, a field for each kind.
    Flat(Vec<Field>),
    /// `key_groups`, merged groups in their places.
    Groups(Vec<Group>),
}

/// A flat field.
pub(super) struct Field {
    kind: KeyKind,
    name: &'static str,
    /// Lists of keys; the wrong type is an error of the rule, not of the configuration.
    lists: Result<Vec<Entry>, Error>,
}

/// An entry of `key_groups`.
pub(super) struct Group {
    keys: Vec<Key>,
    /// Whether every list of keys in it is written with dashes.
    is_block: bool,
}

/// A key of a group.
enum Key {
    /// A text.
    Text(KeyKind, Entry),
    /// A mapping.
    Mapping(MasterKeyKind, Place),
}

/// The kinds in the order of their keys, with the names of their fields in a rule and in a group.
const KINDS: [(KeyKind, &str, &str); 7] = [
    (KeyKind::Age, "age", "age"),
    (KeyKind::Pgp, "pgp", "pgp"),
    (KeyKind::Kms, "kms", "kms"),
    (KeyKind::GcpKms, "gcp_kms", "gcp_kms"),
    (KeyKind::HcKms, "hckms", "hckms"),
    (KeyKind::AzureKv, "azure_keyvault", "azure_keyvault"),
    (KeyKind::HcVault, "hc_vault_transit_uri", "hc_vault"),
];

impl Written {
    /// Takes the fields of a rule that name keys. With key groups the flat ones are ignored.
    pub(super) fn take(fields: &mut Fields<'_>, unknown: &mut Vec<Unknown>) -> Result<Written, Error> {
        let mut flat = Vec::new();
        for (kind, name, _) in KINDS {
            let Some(node) = fields.take(name) else { continue };
            // This one has a type in the reference, and a wrong one breaks the configuration.
            let lists = if kind == KeyKind::HcKms { Ok(node.texts()?) } else { lists(node) };
            flat.push(Field { kind, name, lists });
        }
        let groups = fields.take("key_groups").map(|node| node.list("key groups")).transpose()?.unwrap_or_default();
        if groups.is_empty() {
            return Ok(Written::Flat(flat));
        }
        Ok(Written::Groups(groups.into_iter().map(|node| Group::read(node, unknown)).collect::<Result<_, _>>()?))
    }

    /// Tells whether no key is written at all.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Written::Flat(fields) => fields.iter().all(|field| field.lists.as_ref().is_ok_and(Vec::is_empty)),
            Written::Groups(groups) => groups.iter().all(|group| group.keys.is_empty()),
        }
    }

    /// Returns how many key groups there are, if a dash too many could have made them.
    pub(super) fn accidental_groups(&self) -> Option<usize> {
        match self {
            Written::Groups(groups) if groups.len() > 1 && groups.iter().all(|group| group.is_block) => {
                Some(groups.len())
            }
            _ => None,
        }
    }

    /// Returns the key groups as data; `aws` is for flat fields, as keys in groups carry their own.
    ///
    /// # Errors
    /// [`Error::Syntax`] with the place of what is no key.
    pub(super) fn groups(&self, aws: Aws<'_>) -> Result<Vec<Vec<MasterKey>>, Error> {
        match self {
            Written::Flat(fields) => {
                let groups = fields.iter().map(|field| field.keys(aws)).collect::<Result<Vec<_>, _>>()?;
                Ok(vec![groups.into_iter().flatten().collect()])
            }
            Written::Groups(groups) => groups.iter().map(Group::keys).collect(),
        }
    }
}

/// Reads a comma-separated text (empty parts dropped) or a list of texts, each of which may be comma-separated too.
fn lists(node: Node<'_>) -> Result<Vec<Entry>, Error> {
    if let Ok(entry) = node.strict_text("") {
        let parts = entry.text.split(',').map(str::trim).filter(|part| !part.is_empty());
        return Ok(parts.map(|part| Entry { text: part.to_owned(), place: entry.place }).collect());
    }
    if node.nulls().next().is_some() {
        return node.expected("no null in the list of keys");
    }
    let elements = node.list("keys, or a text with commas")?;
    let mut lists = elements
        .into_iter()
        .map(|element| element.strict_text("a text in the list of keys"))
        .collect::<Result<Vec<Entry>, _>>()?;
    // compat: the reference joins the elements, and one empty text joins to no keys at all; beside others it is an error.
    if let [only] = &lists[..]
        && only.text.is_empty()
    {
        lists.clear();
    }
    Ok(lists)
}

impl Field {
    fn keys(&self, aws: Aws<'_>) -> Result<Vec<MasterKey>, Error> {
        let lists = self.lists.as_ref().map_err(Clone::clone)?;
        let keys = lists.iter().map(|list| {
            notation::keys(self.kind, &list.text, aws).map_err(|error| misread(list.place, self.name, &error))
        });
        Ok(keys.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

fn misread(place: Place, field: &str, error: &KeyError) -> Error {
    place.error(format!("{field}: {error}"))
}

impl Group {
    /// Reads a group. Merged groups come first, depth first, with a stack of our own.
    fn read(node: Node<'_>, unknown: &mut Vec<Unknown>) -> Result<Group, Error> {
        let mut group = Group { keys: Vec::new(), is_block: true };
        let mut waiting = vec![Waiting::Whole(node)];
        while let Some(next) = waiting.pop() {
            match next {
                Waiting::Whole(node) => {
                    let mut fields = node.fields()?;
                    let merged = fields.take("merge").map(|node| node.list("key groups")).transpose()?;
                    waiting.push(Waiting::Own(fields));
                    waiting.extend(merged.unwrap_or_default().into_iter().rev().map(Waiting::Whole));
                }
                Waiting::Own(fields) => group.read_own(fields, unknown)?,
            }
        }
        Ok(group)
    }

    fn read_own(&mut self, mut fields: Fields<'_>, unknown: &mut Vec<Unknown>) -> Result<(), Error> {
        for (kind, _, name) in KINDS {
            let Some(node) = fields.take(name) else { continue };
            self.is_block &= node.is_null() || node.is_block_list();
            match kind {
                KeyKind::Age | KeyKind::Pgp | KeyKind::HcVault => {
                    self.keys.extend(node.texts()?.into_iter().map(|entry| Key::Text(kind, entry)));
                }
                _ => {
                    for element in node.list("mappings")? {
                        let mut fields = element.fields()?;
                        self.keys.push(Key::Mapping(mapping(kind, &mut fields)?, element.place()));
                        unknown.extend(Unknown::of(Section::Key, fields));
                    }
                }
            }
        }
        unknown.extend(Unknown::of(Section::Group, fields));
        Ok(())
    }

    fn keys(&self) -> Result<Vec<MasterKey>, Error> {
        let mut keys = Vec::new();
        for key in &self.keys {
            match key {
                // compat: of age alone each text may be a list, and an empty one names nobody.
                Key::Text(KeyKind::Age, entry) if entry.text.is_empty() => {}
                Key::Text(KeyKind::Age, entry) => keys.extend(
                    notation::keys(KeyKind::Age, &entry.text, Aws::default())
                        .map_err(|error| misread(entry.place, "age", &error))?,
                ),
                Key::Text(kind, entry) => keys.push(
                    notation::key(*kind, &entry.text, Aws::default())
                        .map_err(|error| misread(entry.place, kind.field(), &error))?,
                ),
                Key::Mapping(kind, place) => keys.push(
                    notation::checked(kind.clone())
                        .map(MasterKey::new)
                        .map_err(|error| place.error(error.to_string()))?,
                ),
            }
        }
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert((key.kind(), key.display())));
        Ok(keys)
    }
}

/// What a group still has to read.
enum Waiting<'s> {
    Whole(Node<'s>),
    Own(Fields<'s>),
}

/// Reads a key that is a mapping. Fields that are missing are empty.
fn mapping(kind: KeyKind, fields: &mut Fields<'_>) -> Result<MasterKeyKind, Error> {
    let mut text = |name| Ok::<_, Error>(fields.text(name)?.map(|entry| entry.text).unwrap_or_default());
    Ok(match kind {
        KeyKind::Kms => MasterKeyKind::Kms {
            arn: text("arn")?,
            role: text("role")?,
            aws_profile: text("aws_profile")?,
            context: context(fields)?,
        },
        KeyKind::AzureKv => {
            MasterKeyKind::AzureKv { vault_url: text("vaultUrl")?, name: text("key")?, version: text("version")? }
        }
        KeyKind::HcKms => MasterKeyKind::HcKms { key_id: text("key_id")? },
        _ => MasterKeyKind::GcpKms { resource_id: text("resource_id")? },
    })
}

/// Reads an encryption context; a null value counts as absent (the reference crashes).
fn context(fields: &mut Fields<'_>) -> Result<notation::Context, Error> {
    let Some(node) = fields.take("context") else { return Ok(Vec::new()) };
    let (pairs, _) = node.fields()?.rest();
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_null());
    pairs.map(|(name, value)| Ok((name, Some(value.text("a text")?.text)))).collect()
}
