//! The key sources of this process, and in which order they are tried.
//!
//! Sources are made when a command starts and look at nothing until a key needs them: no file is read, no program started
//! and nobody asked before.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use sops_core::keys::{CallContext, KeyError, KeyPart, KeySource, Keyring, Surroundings, age, pgp::Gpg};
use sops_core::metadata::keys::{KeyKind, MasterKey};

use crate::{
    args::{Common, Order},
    change::now,
    environment::Environment,
    exit_code::Code,
    failure::Failure,
    person::AtTerminal,
    user,
};

/// Returns the keyring of this process.
///
/// # Errors
/// A remote key service, which is not built yet; a kind that the order names twice (112).
pub fn open(flags: &Common, order: &Order, env: &Environment) -> Result<Keyring, Failure> {
    let keys = match decryption_order(order, env)? {
        Some(kinds) => Keyring::new().in_order(&kinds),
        None => Keyring::new(),
    };
    if !has_local(flags, env)? {
        return Ok(keys);
    }
    Ok(local(keys, env))
}

/// Adds the sources of this machine.
fn local(keys: Keyring, env: &Environment) -> Keyring {
    keys.at(now()).with(LocalAge { env: env.clone() }).with(LocalPgp { env: env.clone() })
}

fn surroundings(env: &Environment) -> Surroundings {
    Surroundings { person: Arc::new(AtTerminal::new(env)), variables: Arc::new(env.for_key_programs()) }
}

/// The PGP keys of this machine, through the `gpg` program; nothing is started before a key needs it.
struct LocalPgp {
    env: Environment,
}

impl LocalPgp {
    fn gpg(&self) -> Gpg {
        let folder = |name: &str| self.env.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = folder("GNUPGHOME")
            .or_else(|| user::home().or_else(|| folder("HOME")).map(|home| home.join(".gnupg")))
            .unwrap_or_default();
        let program = self.env.get("SOPS_GPG_EXEC").filter(|program| !program.is_empty());
        Gpg { program: program.unwrap_or("gpg".as_ref()).to_owned(), around: surroundings(&self.env), home }
    }
}

impl KeySource for LocalPgp {
    fn kind(&self) -> KeyKind {
        KeyKind::Pgp
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, call: &CallContext) -> Result<String, KeyError> {
        self.gpg().wrap(key, part, call)
    }

    fn unwrap(&self, key: &MasterKey, call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        self.gpg().unwrap(key, call)
    }
}

/// The age identities of this machine.
struct LocalAge {
    env: Environment,
}

impl KeySource for LocalAge {
    fn kind(&self) -> KeyKind {
        KeyKind::Age
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, _call: &CallContext) -> Result<String, KeyError> {
        age::wrap(key, part, &surroundings(&self.env))
    }

    fn unwrap(&self, key: &MasterKey, call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        let found = self.env.identities.find(&key.display(), &self.env, &surroundings(&self.env));
        let reason = match found.identities.unwrap(key, call) {
            Ok(Some(part)) => return Ok(Some(part)),
            Ok(None) => "failed to load age identities".to_owned(),
            // The wrapped key is damaged: no other identity would help.
            Err(error @ KeyError::Malformed(_)) => return Err(error),
            Err(error) => error.to_string(),
        };
        Err(KeyError::Failed(reason + &found.suffix()))
    }
}

/// Returns the keyring for a new file: it wraps and has no identities, so no place is looked at.
pub fn for_wrapping(env: &Environment) -> Keyring {
    local(Keyring::new(), env)
}

/// Tells whether the key sources of this process may be used.
///
/// # Errors
/// A remote key service, which is not built yet.
pub fn has_local(flags: &Common, env: &Environment) -> Result<bool, Failure> {
    let named = !flags.keyservice.is_empty() || env.text("SOPS_KEYSERVICE").is_some();
    if named {
        return Err(Failure::new(
            Code::Generic,
            "not supported yet: remote key services (--keyservice, SOPS_KEYSERVICE)",
        ));
    }
    let variable = env.boolean("SOPS_ENABLE_LOCAL_KEYSERVICE").map_err(|text| Failure::new(Code::Generic, text))?;
    Ok(flags.enable_local_keyservice.or(variable).unwrap_or(true))
}

/// Refuses a kind that is named twice.
///
/// # Errors
/// Exit 112.
pub fn check_order(order: &Order, env: &Environment) -> Result<(), Failure> {
    decryption_order(order, env).map(|_| ())
}

/// Returns the kinds to try first; `None` where nothing is said. Which kinds exist is not checked: the reference takes any
/// word.
fn decryption_order(order: &Order, env: &Environment) -> Result<Option<Vec<KeyKind>>, Failure> {
    let order = order.decryption_order.clone().or_else(|| env.text("SOPS_DECRYPTION_ORDER")).unwrap_or_default();
    if order.is_empty() {
        return Ok(None);
    }
    let mut seen = HashSet::new();
    if let Some(kind) = order.split(',').find(|kind| !seen.insert(*kind)) {
        let text = format!("Duplicate decryption key type: {kind}");
        return Err(Failure::bare(Code::DuplicateDecryptionKeyType, text));
    }
    let named = |word: &str| KeyKind::ALL.into_iter().find(|kind| kind.field() == word);
    Ok(Some(order.split(',').filter_map(named).collect()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_order_of_the_flag_beats_the_variable_and_unknown_kinds_are_ignored() {
        let env = Environment::of(&[("SOPS_DECRYPTION_ORDER", "age")], Path::new("/"));
        let kinds = |text: Option<&str>| {
            let order = Order { decryption_order: text.map(str::to_owned) };
            decryption_order(&order, &env).map_err(|failure| failure.code as u8)
        };
        assert_eq!(kinds(Some("pgp,what,hckms")), Ok(Some(vec![KeyKind::Pgp, KeyKind::HcKms])));
        assert_eq!(kinds(Some("")), Ok(None));
        assert_eq!(kinds(None), Ok(Some(vec![KeyKind::Age])));
        assert_eq!(kinds(Some("x,x")), Err(112));
    }
}
