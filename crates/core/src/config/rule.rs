//! One creation rule: does it match, and which keys and which selection does it ask for.

use super::keys::Written;
use super::node::{Entry, Fields, Node, Place};
use super::notation::Aws;
use super::unknown::{Section, Unknown};
use crate::Error;
use crate::metadata::keys::MasterKey;
use crate::pattern::Pattern;
use crate::sealer::Recipe;
use crate::select::{Selector, Settings};

/// A creation rule.
pub struct CreationRule {
    /// Its position in the list, counted from 1; for the rule of a destination that of the destination rule.
    pub number: usize,
    /// Where it stands.
    pub place: Place,
    /// Whether the MAC covers encrypted values only.
    pub mac_only_encrypted: bool,
    path_regex: Option<Entry>,
    keys: Written,
    aws_profile: String,
    threshold: Option<(i64, Place)>,
    selection: Vec<(&'static str, Entry)>,
}

/// The six settings, of which a rule may use one.
const SELECTION: [&str; 6] = [
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];

impl CreationRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a field of the wrong type.
    pub(super) fn read(number: usize, node: Node<'_>, unknown: &mut Vec<Unknown>) -> Result<CreationRule, Error> {
        let mut fields = node.fields()?;
        // A label for people: `config explain` will show it.
        fields.take("name");
        let rule = CreationRule {
            number,
            place: node.place(),
            mac_only_encrypted: fields.boolean("mac_only_encrypted")?,
            path_regex: fields.text("path_regex")?,
            keys: Written::take(&mut fields, unknown)?,
            aws_profile: fields.text("aws_profile")?.map(|entry| entry.text).unwrap_or_default(),
            threshold: threshold(&mut fields)?,
            selection: selection(&mut fields)?,
        };
        unknown.extend(Unknown::of(Section::Rule, fields));
        Ok(rule)
    }

    /// Tells whether the rule is for this path.
    ///
    /// # Errors
    /// [`Error::Syntax`] for an expression that does not compile.
    pub fn matches(&self, path: &str) -> Result<bool, Error> {
        matches(self.path_regex.as_ref(), path)
    }

    /// Tells whether the rule is for every path, so that it is a default behind other rules and no oversight.
    pub fn is_default(&self) -> bool {
        // What matches even texts that are no path, with and without folders, matches every path.
        ["\0", "\0/\0"].iter().all(|path| matches!(self.matches(path), Ok(true)))
    }

    /// Tells whether the rule names no key at all.
    pub fn has_no_keys(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the key groups. A flat rule has one, which may be empty; the encryption context is for its AWS keys.
    ///
    /// Kinds of key whose source is not built in are data like any other.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a field of the wrong type and for a text that is no key, with its place.
    pub fn groups(&self, context: &[(String, Option<String>)]) -> Result<Vec<Vec<MasterKey>>, Error> {
        self.keys.groups(Aws { profile: &self.aws_profile, context })
    }

    /// Returns how many key groups are needed; 0 for all.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a number that cannot be one.
    pub fn threshold(&self) -> Result<u32, Error> {
        let Some((number, place)) = self.threshold else { return Ok(0) };
        u32::try_from(number).map_err(|_| place.error("shamir_threshold: expected a small positive number"))
    }

    /// Returns the selection, at most one setting.
    ///
    /// # Errors
    /// [`Error::Syntax`] for two settings, and for an expression that does not compile.
    pub fn settings(&self) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        if let [_, (_, second), ..] = &self.selection[..] {
            return Err(second.place.error(
                "cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, \
                 unencrypted_regex, encrypted_comment_regex, or unencrypted_comment_regex for the same rule",
            ));
        }
        for (name, entry) in &self.selection {
            if name.ends_with("_regex") {
                Pattern::parse(&entry.text).map_err(|error| entry.place.error(format!("{name}: {error}")))?;
            }
            let slot = match *name {
                "unencrypted_suffix" => &mut settings.unencrypted_suffix,
                "encrypted_suffix" => &mut settings.encrypted_suffix,
                "unencrypted_regex" => &mut settings.unencrypted_regex,
                "encrypted_regex" => &mut settings.encrypted_regex,
                "unencrypted_comment_regex" => &mut settings.unencrypted_comment_regex,
                _ => &mut settings.encrypted_comment_regex,
            };
            slot.clone_from(&entry.text);
        }
        Ok(settings)
    }

    /// Returns all that the rule asks for.
    ///
    /// # Errors
    /// Those of [`CreationRule::groups`], [`CreationRule::threshold`] and [`CreationRule::settings`].
    pub fn recipe(&self) -> Result<Recipe, Error> {
        Ok(Recipe {
            groups: self.groups(&[])?,
            threshold: self.threshold()?,
            selector: Selector::from_settings(&self.settings()?)?,
            mac_only_encrypted: self.mac_only_encrypted,
            allow_nothing: false,
            indent: None,
        })
    }

    /// Tells whether another rule selects the same, going by the text.
    pub(super) fn selects_like(&self, other: &CreationRule) -> bool {
        let texts = |rule: &CreationRule| -> Vec<(&str, String)> {
            rule.selection.iter().map(|(name, entry)| (*name, entry.text.clone())).collect()
        };
        texts(self) == texts(other)
    }

    /// Returns the number of key groups that may be an accident: they have no threshold, so all are needed, and a dash
    /// too many makes one. Groups with a list in brackets are not counted as one: nobody puts a dash there by mistake.
    pub(super) fn accidental_groups(&self) -> Option<usize> {
        self.keys.accidental_groups().filter(|_| self.threshold.is_none())
    }
}

/// Takes the number of groups that are needed; 0 is none.
fn threshold(fields: &mut Fields<'_>) -> Result<Option<(i64, Place)>, Error> {
    let Some(node) = fields.take("shamir_threshold") else { return Ok(None) };
    Ok(node.integer()?.filter(|number| *number != 0).map(|number| (number, node.place())))
}

/// Takes the settings that are given.
fn selection(fields: &mut Fields<'_>) -> Result<Vec<(&'static str, Entry)>, Error> {
    let mut given = Vec::new();
    for name in SELECTION {
        given.extend(fields.text(name)?.map(|entry| (name, entry)));
    }
    Ok(given)
}

/// Matches a path, unanchored, with an expression in the reference's dialect; no expression matches everything.
pub(super) fn matches(path_regex: Option<&Entry>, path: &str) -> Result<bool, Error> {
    let Some(entry) = path_regex else { return Ok(true) };
    let pattern = Pattern::parse(&entry.text);
    let pattern = pattern.map_err(|error| entry.place.error(format!("path_regex: can not compile regexp: {error}")))?;
    Ok(pattern.is_match(path.as_bytes()))
}
