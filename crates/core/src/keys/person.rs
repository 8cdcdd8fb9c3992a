//! The person behind a key: what only a person has (a passphrase, a touch, an answer) is asked for here.
//!
//! The core has no terminal. Whoever embeds it brings a [`Person`], or [`Nobody`].

use std::sync::Arc;
use zeroize::Zeroizing;

/// Environment variables of a program.
pub type Variables = Vec<(std::ffi::OsString, std::ffi::OsString)>;

/// What a passphrase protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protected<'a> {
    /// An identity file that is an age file itself.
    IdentityFile {
        /// Where it was found: a variable or a path.
        place: &'a str,
        /// SHA-256 of the age file without its armor, to remember a passphrase by.
        digest: &'a [u8; 32],
    },
    /// An SSH private key.
    SshKey {
        /// Its path.
        path: &'a str,
    },
    /// A PGP key in an old key ring.
    PgpKey {
        /// The last eight digits of the id of its sub-key for encryption.
        id: &'a str,
    },
}

/// Somebody who can be asked and told. Nothing is asked before it is needed; without more nobody listens and nobody answers.
pub trait Person: Send + Sync {
    /// Asks for a passphrase.
    ///
    /// # Errors
    /// Why there is no answer; the text becomes part of a message.
    fn passphrase(&self, of: Protected<'_>) -> Result<Zeroizing<String>, String>;

    /// Tells that a passphrase was wrong, for whoever remembers it.
    fn was_wrong(&self, of: Protected<'_>) {
        let _nobody_remembers = of;
    }

    /// Warns about something that is no error.
    fn warn(&self, _text: &str) {}

    /// Shows a message of a plugin, for example that a key wants to be touched.
    fn message(&self, _plugin: &str, _text: &str) {}

    /// Asks for a choice between `yes` and `no`; one answer only where `no` is `None`. `None`: nobody can be asked.
    fn confirm(&self, _plugin: &str, _text: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    /// Asks for a value that may be seen; `None`: nobody can be asked.
    fn public_value(&self, _plugin: &str, _text: &str) -> Option<String> {
        None
    }

    /// Asks for a value that nobody may see; `None`: nobody can be asked.
    fn secret_value(&self, _plugin: &str, _text: &str) -> Option<Zeroizing<String>> {
        None
    }
}

/// Nobody is there: every question fails.
pub struct Nobody;

impl Person for Nobody {
    fn passphrase(&self, _of: Protected<'_>) -> Result<Zeroizing<String>, String> {
        Err("nobody can be asked".into())
    }
}

/// What key sources may need from outside the core.
#[derive(Clone)]
pub struct Surroundings {
    /// Whom to ask.
    pub person: Arc<dyn Person>,
    /// The environment of programs that hold keys, and where they are found (`PATH`).
    pub variables: Arc<Variables>,
}

impl Default for Surroundings {
    /// Nobody to ask, and no program.
    fn default() -> Self {
        Surroundings { person: Arc::new(Nobody), variables: Arc::default() }
    }
}
