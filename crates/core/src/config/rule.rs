//! One creation rule: does it match, and which keys and which selection does it ask for.

use serde::Deserialize;
use serde_yaml::Value;

use crate::{Error, metadata::keys::MasterKey, pattern::Pattern, select::Settings};

/// What a matching rule asks for.
pub struct Creation<'c> {
    rule: &'c Rule,
    /// The selection, at most one setting.
    pub settings: Settings,
    /// How many key groups are needed; 0 for all.
    pub threshold: u32,
    /// Whether the MAC covers encrypted values only.
    pub mac_only_encrypted: bool,
}

/// A creation rule as it is written.
#[derive(Deserialize)]
pub(super) struct Rule {
    path_regex: Option<String>,
    // The reference looks at the type of these only when the rule is used.
    age: Option<Value>,
    pgp: Option<Value>,
    kms: Option<Value>,
    gcp_kms: Option<Value>,
    azure_keyvault: Option<Value>,
    hc_vault_transit_uri: Option<Value>,
    hckms: Option<Vec<String>>,
    key_groups: Option<Vec<KeyGroup>>,
    shamir_threshold: Option<u32>,
    unencrypted_suffix: Option<String>,
    encrypted_suffix: Option<String>,
    unencrypted_regex: Option<String>,
    encrypted_regex: Option<String>,
    unencrypted_comment_regex: Option<String>,
    encrypted_comment_regex: Option<String>,
    mac_only_encrypted: Option<bool>,
}

/// A key group as it is written.
#[derive(Deserialize)]
struct KeyGroup {
    merge: Option<Vec<KeyGroup>>,
    age: Option<Vec<String>>,
    pgp: Option<Vec<Value>>,
    kms: Option<Vec<Value>>,
    gcp_kms: Option<Vec<Value>>,
    hckms: Option<Vec<Value>>,
    azure_keyvault: Option<Vec<Value>>,
    hc_vault: Option<Vec<Value>>,
}

impl Rule {
    /// Tells whether the rule is for this path.
    pub(super) fn matches(&self, path: &str) -> Result<bool, Error> {
        match self.path_regex.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(true),
            Some(text) => is_match(text, path),
        }
    }

    /// Reads the selection and the numbers; keys are read when they are needed.
    pub(super) fn creation(&self) -> Result<Creation<'_>, Error> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let settings = Settings {
            unencrypted_suffix: text(&self.unencrypted_suffix),
            encrypted_suffix: text(&self.encrypted_suffix),
            unencrypted_regex: text(&self.unencrypted_regex),
            encrypted_regex: text(&self.encrypted_regex),
            unencrypted_comment_regex: text(&self.unencrypted_comment_regex),
            encrypted_comment_regex: text(&self.encrypted_comment_regex),
        };
        if set_count(&settings) > 1 {
            return Err(Error::Selector {
                setting: "creation_rules",
                reason: "cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, \
                         unencrypted_regex, encrypted_comment_regex, or unencrypted_comment_regex for the same rule"
                    .to_owned(),
            });
        }
        Ok(Creation {
            rule: self,
            settings,
            threshold: self.shamir_threshold.unwrap_or(0),
            mac_only_encrypted: self.mac_only_encrypted.unwrap_or(false),
        })
    }
}

impl Creation<'_> {
    /// Returns the key groups. A flat rule has one, which may be empty.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a field of the wrong type, [`Error::Wrap`] for a recipient that is none,
    /// [`Error::Unsupported`] for kinds of key that are not built in: none is ever left out silently.
    pub fn groups(&self) -> Result<Vec<Vec<MasterKey>>, Error> {
        match self.rule.key_groups.as_deref() {
            None | Some([]) => Ok(vec![self.flat_group()?]),
            Some(groups) => groups.iter().map(group).collect(),
        }
    }

    fn flat_group(&self) -> Result<Vec<MasterKey>, Error> {
        let rule = self.rule;
        let others = [
            ("pgp", &rule.pgp),
            ("kms", &rule.kms),
            ("gcp_kms", &rule.gcp_kms),
            ("azure_keyvault", &rule.azure_keyvault),
            ("hc_vault_transit_uri", &rule.hc_vault_transit_uri),
        ];
        for (field, value) in others {
            if !texts(field, value.as_ref())?.is_empty() {
                return Err(unsupported(field));
            }
        }
        if rule.hckms.as_ref().is_some_and(|keys| !keys.is_empty()) {
            return Err(unsupported("hckms"));
        }
        recipients(&texts("age", rule.age.as_ref())?)
    }
}

/// Reads a comma-separated text (empty parts dropped) or a list of texts.
fn texts(field: &str, value: Option<&Value>) -> Result<Vec<String>, Error> {
    let wrong = |expected: &str| Error::Syntax { line: 0, column: 0, problem: format!("{field}: expected {expected}") };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => {
            Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
        }
        Some(Value::Sequence(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong("texts in the list")))
            .collect(),
        Some(_) => Err(wrong("a text or a list of texts")),
    }
}

/// Each item may itself be a comma-separated list.
fn recipients(items: &[String]) -> Result<Vec<MasterKey>, Error> {
    let parts = items.iter().flat_map(|item| item.split(',')).map(str::trim);
    parts.map(|part| MasterKey::age(part).map_err(|error| invalid(&error.to_string()))).collect()
}

/// Reads a key group: merged groups first, then its own keys, each key once.
fn group(group: &KeyGroup) -> Result<Vec<MasterKey>, Error> {
    let mut items: Vec<String> = Vec::new();
    // Depth first with a stack of our own: merged groups come before the keys of the group that merges them.
    let mut stack = vec![(group, false)];
    while let Some((group, is_merged)) = stack.pop() {
        if !is_merged {
            stack.push((group, true));
            stack.extend(group.merge.iter().flatten().rev().map(|inner| (inner, false)));
            continue;
        }
        let others = [
            ("pgp", &group.pgp),
            ("kms", &group.kms),
            ("gcp_kms", &group.gcp_kms),
            ("hckms", &group.hckms),
            ("azure_keyvault", &group.azure_keyvault),
            ("hc_vault", &group.hc_vault),
        ];
        if let Some((field, _)) = others.iter().find(|(_, keys)| keys.as_ref().is_some_and(|keys| !keys.is_empty())) {
            return Err(unsupported(field));
        }
        items.extend(group.age.iter().flatten().flat_map(|item| item.split(',')).map(|part| part.trim().to_owned()));
    }
    let mut seen = std::collections::HashSet::new();
    items.retain(|item| seen.insert(item.clone()));
    recipients(&items)
}

/// Returns one warning for each field of a creation rule that has no meaning, in the order of the file.
pub(super) fn unknown_fields(file: &Value) -> Vec<String> {
    let rules = file.get("creation_rules").and_then(Value::as_sequence).into_iter().flatten();
    let mut out = Vec::new();
    for (number, rule) in rules.enumerate() {
        let fields = rule.as_mapping().into_iter().flatten().filter_map(|(key, _)| key.as_str());
        for field in fields.filter(|field| !FIELDS.contains(field)) {
            out.push(format!("creation rule {}: the field {field:?} is unknown and has no effect", number + 1));
        }
    }
    out
}

/// Returns how many of the six settings are given.
pub(crate) fn set_count(settings: &Settings) -> usize {
    let all = [
        &settings.unencrypted_suffix,
        &settings.encrypted_suffix,
        &settings.unencrypted_regex,
        &settings.encrypted_regex,
        &settings.unencrypted_comment_regex,
        &settings.encrypted_comment_regex,
    ];
    all.iter().filter(|text| !text.is_empty()).count()
}

fn unsupported(field: &str) -> Error {
    Error::Unsupported { what: format!("keys of the kind {field}") }
}

fn invalid(reason: &str) -> Error {
    Error::Syntax { line: 0, column: 0, problem: format!("age: {reason}") }
}

/// Matches a path, unanchored, with an expression in the reference's dialect.
fn is_match(expression: &str, path: &str) -> Result<bool, Error> {
    match Pattern::parse(expression) {
        Ok(pattern) => Ok(pattern.is_match(path.as_bytes())),
        Err(error) => Err(Error::Selector { setting: "path_regex", reason: error.to_string() }),
    }
}

const FIELDS: [&str; 18] = [
    "path_regex",
    "age",
    "pgp",
    "kms",
    "gcp_kms",
    "azure_keyvault",
    "hc_vault_transit_uri",
    "hckms",
    "aws_profile",
    "key_groups",
    "shamir_threshold",
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
    "mac_only_encrypted",
];
