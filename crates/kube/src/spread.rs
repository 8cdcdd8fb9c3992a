//! Where decrypted values may turn up after a build: replacements, variables, charts and hashes can copy one into an object
//! that is no Secret.

use crate::error::{Error, ErrorKind, Origin};
use crate::value::{TOKEN, visit};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::fmt;

/// Digests of the values that were decrypted, for [`Decryptor::finish_build`](crate::Decryptor::finish_build).
#[derive(Clone, Default)]
pub struct SecretValues(HashSet<[u8; 32]>);

/// Shorter values turn up by chance.
const LEAST: usize = 8;

impl SecretValues {
    /// Takes in what stands in place of each token, without recursion.
    pub(crate) fn take(&mut self, sealed: &Value, plain: &Value) {
        let mut open = vec![(sealed, plain)];
        while let Some((sealed, plain)) = open.pop() {
            match (sealed, plain) {
                (Value::String(token), Value::String(text)) if token.starts_with(TOKEN) && text.len() >= LEAST => {
                    self.0.insert(Sha256::digest(text).into());
                }
                (Value::Array(sealed), Value::Array(plain)) => open.extend(sealed.iter().zip(plain)),
                (Value::Object(sealed), Value::Object(plain)) => {
                    open.extend(sealed.iter().filter_map(|(key, value)| Some((value, plain.get(key)?))));
                }
                _ => {}
            }
        }
    }

    pub(crate) fn extend(&mut self, other: SecretValues) {
        self.0.extend(other.0);
    }

    /// The first place of an object where one of the values stands.
    pub(crate) fn find_in(&self, object: &Value) -> Option<Error> {
        if self.0.is_empty() {
            return None;
        }
        let looked = visit(object, |path, value| match value.as_str() {
            Some(text) if text.len() >= LEAST && self.0.contains(&<[u8; 32]>::from(Sha256::digest(text))) => {
                let kind = ErrorKind::PolicyDenied { rule: "escaped-value" };
                Err(Error::new(kind, "a decrypted value stands outside of a Secret")
                    .at(&Origin::default().at_path(path)))
            }
            _ => Ok(()),
        });
        looked.err()
    }
}

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretValues({})", self.0.len())
    }
}
