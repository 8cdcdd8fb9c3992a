//! Destination rules: where `publish` sends a file. Data only; nothing is sent here.

use super::node::{Entry, Fields, Node, Place};
use super::rule::{self, CreationRule};
use super::unknown::{Section, Unknown};
use crate::Error;

/// A destination rule.
pub struct DestinationRule {
    /// Where it stands.
    pub place: Place,
    /// What is done to the file first, if anything; its own path expression has no meaning.
    pub recreation: Option<CreationRule>,
    /// Whether the last extension of the name is left out.
    pub omit_extensions: bool,
    path_regex: Option<Entry>,
    destinations: Vec<Destination>,
}

/// A place to publish to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Amazon S3.
    S3 {
        /// Bucket.
        bucket: String,
        /// What stands in front of the name.
        prefix: String,
    },
    /// Google Cloud Storage.
    Gcs {
        /// Bucket.
        bucket: String,
        /// What stands in front of the name.
        prefix: String,
    },
    /// HashiCorp Vault, key/value secrets.
    Vault {
        /// Address; empty for that of the environment.
        address: String,
        /// Path in the mount, with a slash at the end.
        path: String,
        /// Mount, with a slash at the end.
        mount: String,
        /// 1 or 2.
        version: u8,
    },
}

impl DestinationRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a field of the wrong type.
    pub(super) fn read(number: usize, node: Node<'_>, unknown: &mut Vec<Unknown>) -> Result<DestinationRule, Error> {
        let mut fields = node.fields()?;
        let recreation = fields.take("recreation_rule").filter(|node| !node.is_null());
        let rule = DestinationRule {
            place: node.place(),
            recreation: recreation.map(|node| CreationRule::read(number, node, unknown)).transpose()?,
            omit_extensions: fields.boolean("omit_extensions")?,
            path_regex: fields.text("path_regex")?,
            destinations: destinations(&mut fields)?,
        };
        unknown.extend(Unknown::of(Section::Destination, fields));
        Ok(rule)
    }

    /// Tells whether the rule is for this path, which is taken as it was typed.
    ///
    /// # Errors
    /// [`Error::Syntax`] for an expression that does not compile; the reference lets it match nothing.
    pub fn matches(&self, path: &str) -> Result<bool, Error> {
        rule::matches(self.path_regex.as_ref(), path)
    }

    /// Returns the destination.
    ///
    /// # Errors
    /// [`Error::Syntax`] where there is none, or more than one.
    pub fn destination(&self) -> Result<&Destination, Error> {
        match &self.destinations[..] {
            [one] => Ok(one),
            [] => Err(self.place.error("no destination configured for this file")),
            _ => Err(self.place.error(
                "more than one destinations were found in a single destination rule, you can only use one per rule",
            )),
        }
    }
}

fn destinations(fields: &mut Fields<'_>) -> Result<Vec<Destination>, Error> {
    let mut text = |name| Ok::<_, Error>(fields.text(name)?.map(|entry| entry.text).unwrap_or_default());
    let with_slash = |text: String| if text.ends_with('/') { text } else { text + "/" };
    let mut found = Vec::new();
    let (bucket, prefix) = (text("s3_bucket")?, text("s3_prefix")?);
    if !bucket.is_empty() {
        found.push(Destination::S3 { bucket, prefix });
    }
    let (bucket, prefix) = (text("gcs_bucket")?, text("gcs_prefix")?);
    if !bucket.is_empty() {
        found.push(Destination::Gcs { bucket, prefix });
    }
    let (address, path, mount) = (text("vault_address")?, text("vault_path")?, text("vault_kv_mount_name")?);
    // compat: any other number is 2.
    let version = if fields.integer("vault_kv_version")? == Some(1) { 1 } else { 2 };
    if !path.is_empty() {
        let mount = with_slash(if mount.is_empty() { "secret".to_owned() } else { mount });
        found.push(Destination::Vault { address, path: with_slash(path), mount, version });
    }
    Ok(found)
}
