//! Which kind a recipient is: its first characters decide, and the first test that holds (spec/keys.md §1.1).

use super::hybrid;
use crate::keys::{KeyError, Surroundings};
use age::x25519;
use std::str::FromStr as _;

/// A recipient of a kind that is built in.
pub(super) enum Recipient {
    X25519(x25519::Recipient),
    Hybrid(Box<hybrid::Recipient>),
    #[cfg(feature = "age-ssh")]
    Ssh(age::ssh::Recipient),
    #[cfg(feature = "age-plugin")]
    Plugin(super::plugin::Name, String),
}

impl Recipient {
    /// Parses a recipient; the text is not repeated in errors, because it may be a secret in the wrong place.
    pub(super) fn parse(text: &str) -> Result<Recipient, KeyError> {
        let malformed = |reason: &str| Err(KeyError::Malformed(reason.to_owned()));
        let upper = text.to_ascii_uppercase();
        if upper.starts_with("AGE-SECRET-KEY-") || upper.starts_with("AGE-PLUGIN-") {
            return malformed("this is a secret identity; name its public recipient (age1…) instead");
        }
        if text.starts_with("age1pq1") {
            let parsed = hybrid::Recipient::parse(text).map(|recipient| Recipient::Hybrid(Box::new(recipient)));
            return parsed.map_or_else(|| malformed("not a valid post-quantum age recipient"), Ok);
        }
        if text.strip_prefix("age1").is_some_and(|rest| rest.contains('1')) {
            return plugin(text);
        }
        if text.starts_with("age1") {
            let parsed = x25519::Recipient::from_str(text).map(Recipient::X25519);
            return parsed.or_else(|_| malformed("not a valid age recipient; expected age1 and 58 further characters"));
        }
        if text.starts_with("ssh-") {
            return ssh(text);
        }
        malformed("not a valid age recipient; expected age1…, ssh-ed25519 … or ssh-rsa …")
    }

    /// What the age crate wraps with.
    pub(super) fn within(self, around: &Surroundings) -> Box<dyn age::Recipient> {
        let _only_plugins_need_it = around;
        match self {
            Recipient::X25519(recipient) => Box::new(recipient),
            Recipient::Hybrid(recipient) => recipient,
            #[cfg(feature = "age-ssh")]
            Recipient::Ssh(recipient) => Box::new(recipient),
            #[cfg(feature = "age-plugin")]
            Recipient::Plugin(name, text) => Box::new(super::plugin::Recipient::new(name, text, around.clone())),
        }
    }
}

#[cfg(feature = "age-plugin")]
fn plugin(text: &str) -> Result<Recipient, KeyError> {
    let name = super::plugin::Name::of_recipient(text);
    let malformed = || KeyError::Malformed("not a valid recipient of an age plugin; expected age1NAME1…".into());
    name.map(|name| Recipient::Plugin(name, text.to_owned())).ok_or_else(malformed)
}

#[cfg(not(feature = "age-plugin"))]
fn plugin(_text: &str) -> Result<Recipient, KeyError> {
    Err(KeyError::Unsupported("recipients of age plugins in this build".into()))
}

#[cfg(feature = "age-ssh")]
fn ssh(text: &str) -> Result<Recipient, KeyError> {
    super::ssh::recipient(text).map(Recipient::Ssh)
}

#[cfg(not(feature = "age-ssh"))]
fn ssh(_text: &str) -> Result<Recipient, KeyError> {
    Err(KeyError::Unsupported("SSH recipients in this build".into()))
}
