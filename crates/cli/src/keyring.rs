//! Where identities are: the environment, files, commands and the usual places, in the order of the reference.
//!
//! Every place is looked at, nothing short-circuits, and whoever is refused learns about each of them: the places that
//! held nothing, and the ones that could not be read. No text of an identity is ever part of that.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use sops_core::keys::{CallContext, KeyError, KeyPart, KeySource, Keyring, age::AgeIdentities, age::AgeRecipients};
use sops_core::metadata::keys::{KeyKind, MasterKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    args::{Common, Order},
    command_line,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, io_text},
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
    Ok(keys.with(LocalAge { env: env.clone(), found: OnceLock::new() }))
}

/// The age identities of this machine, looked for when a key is first needed.
struct LocalAge {
    env: Environment,
    found: OnceLock<Found>,
}

impl KeySource for LocalAge {
    fn kind(&self) -> KeyKind {
        KeyKind::Age
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, call: &CallContext) -> Result<String, KeyError> {
        AgeRecipients.wrap(key, part, call)
    }

    fn unwrap(&self, key: &MasterKey, call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        let found = self.found.get_or_init(|| Found::gather(&key.display(), &self.env));
        let mut damaged = None;
        for identities in &found.identities {
            match identities.unwrap(key, call) {
                Ok(Some(part)) => return Ok(Some(part)),
                Ok(None) => {}
                Err(error) => damaged = Some(error),
            }
        }
        match damaged {
            Some(error @ KeyError::Malformed(_)) => Err(error),
            _ => Err(KeyError::Failed(found.reason())),
        }
    }
}

/// Returns the keyring for a new file: it wraps and has no identities, so no place is looked at.
pub fn for_wrapping() -> Keyring {
    Keyring::new().with(AgeRecipients)
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
        return Err(Failure::new(Code::DuplicateDecryptionKeyType, text));
    }
    let named = |word: &str| KeyKind::ALL.into_iter().find(|kind| kind.field() == word);
    Ok(Some(order.split(',').filter_map(named).collect()))
}

/// What the places held.
#[derive(Default)]
pub struct Found {
    /// The identities, one set per place.
    pub identities: Vec<AgeIdentities>,
    unused: Vec<String>,
    empty: Vec<String>,
    problems: Vec<String>,
    is_any_place_used: bool,
    count: usize,
}

impl Found {
    /// Looks at every place; `recipient` is what commands are told.
    pub fn gather(recipient: &str, env: &Environment) -> Found {
        let mut found = Found::default();
        found.ssh(env);
        found.variable(
            "SOPS_AGE_KEY",
            env.get("SOPS_AGE_KEY")
                .map(|value| Ok(Zeroizing::new(one_per_line(&value.to_string_lossy()).into_bytes()))),
        );
        found.variable("SOPS_AGE_KEY_FILE", env.get("SOPS_AGE_KEY_FILE").map(|path| read(Path::new(path))));
        found.variable(
            "SOPS_AGE_KEY_CMD",
            env.get("SOPS_AGE_KEY_CMD").map(|line| command_line::output(&line.to_string_lossy(), recipient, env)),
        );
        found.default_file(env);
        found
    }

    /// Says why a key did not open with what was found, in the words of the reference.
    pub fn reason(&self) -> String {
        let what = match self.count {
            0 => "failed to load age identities",
            1 => {
                "failed to create reader for decrypting sops data key with age: identity did not match any of the \
                 recipients: incorrect identity for recipient block"
            }
            _ => {
                "failed to create reader for decrypting sops data key with age: no identity matched any of the recipients"
            }
        };
        what.to_owned() + &self.suffix()
    }

    /// Says what was missing or wrong.
    ///
    /// `. Errors while loading age identities: E; E. Did not find keys in locations 'A', 'B', and 'C'.`
    fn suffix(&self) -> String {
        let mut out = String::new();
        if !self.problems.is_empty() {
            out.push_str(". Errors while loading age identities: ");
            out.push_str(&self.problems.join("; "));
        }
        let places: Vec<String> = self.unused.iter().chain(&self.empty).map(|place| format!("'{place}'")).collect();
        match places.as_slice() {
            [] => {}
            [one] => out.push_str(&format!(". Did not find keys in location {one}.")),
            [one, two] => out.push_str(&format!(". Did not find keys in locations {one} and {two}.")),
            [most @ .., last] => {
                out.push_str(&format!(". Did not find keys in locations {}, and {last}.", most.join(", ")));
            }
        }
        out
    }

    /// SSH keys are looked for so that the report is complete; they cannot be used yet.
    fn ssh(&mut self, env: &Environment) {
        for name in ["SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"] {
            match env.get(name) {
                Some(_) => self.problems.push(format!("{name}: SSH identities are not supported yet")),
                None => self.unused.push(name.to_owned()),
            }
        }
        let Some(home) = env.get("HOME").map(PathBuf::from) else {
            self.problems.push("$HOME is not defined".to_owned());
            return;
        };
        for name in ["id_ed25519", "id_rsa"] {
            let path = home.join(".ssh").join(name);
            let shown = path.display().to_string();
            if path.exists() {
                self.problems.push(format!("{shown}: SSH identities are not supported yet"));
            } else {
                self.unused.push(shown);
            }
        }
    }

    fn variable(&mut self, name: &str, text: Option<Result<Zeroizing<Vec<u8>>, String>>) {
        match text {
            None => self.unused.push(name.to_owned()),
            Some(Err(problem)) => self.problems.push(format!("{name}: {problem}")),
            Some(Ok(text)) => {
                self.is_any_place_used = true;
                self.parse(name, &text);
            }
        }
    }

    /// The file in the configuration folder. That it does not exist is worth a word only if nothing else was found.
    fn default_file(&mut self, env: &Environment) {
        let path = match configuration_folder(env) {
            Ok(folder) => folder.join("sops/age/keys.txt"),
            Err(problem) => {
                if !self.is_any_place_used {
                    self.problems.push(format!("user config directory could not be determined: {problem}"));
                }
                return;
            }
        };
        let shown = path.display().to_string();
        match path.try_exists() {
            Ok(false) if self.is_any_place_used => {}
            Ok(false) => self.unused.push(shown),
            _ => match read(&path) {
                Ok(text) => self.parse(&shown, &text),
                Err(problem) => self.problems.push(format!("failed to open file: {problem}")),
            },
        }
    }

    /// A mistake anywhere in a place discards all of it; the other places still count.
    fn parse(&mut self, place: &str, text: &[u8]) {
        if text.starts_with(b"age-encryption") || text.starts_with(b"-----BEGIN AGE") {
            self.problems.push(format!("'{place}': identity files protected by a passphrase are not supported yet"));
            return;
        }
        let Ok(text) = std::str::from_utf8(text) else {
            self.problems.push(format!("failed to parse '{place}' age identities: not UTF-8 text"));
            return;
        };
        let count = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        if count == 0 {
            self.empty.push(place.to_owned());
            return;
        }
        match AgeIdentities::parse(text) {
            Ok(identities) => {
                self.count += count;
                self.identities.push(identities);
            }
            Err(error) => self.problems.push(format!("failed to parse '{place}' age identities: {error}")),
        }
    }
}

/// `SOPS_AGE_KEY` may hold several identities in a line.
fn one_per_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        for word in line.split_whitespace() {
            out.push_str(word);
            out.push('\n');
        }
    }
    out
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    use std::io::Read as _;
    let failed = |error: &std::io::Error| format!("{}: {}", path.display(), io_text(error));
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > MAX_BYTES {
        text.zeroize();
        return Err(format!("{}: file too long", path.display()));
    }
    Ok(text)
}

/// Returns the folder of the user's configuration.
fn configuration_folder(env: &Environment) -> Result<PathBuf, &'static str> {
    let folder = |name: &str| env.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        return folder("AppData").ok_or("%AppData% is not defined");
    }
    match folder("XDG_CONFIG_HOME") {
        Some(path) if cfg!(target_os = "macos") || path.is_absolute() => return Ok(path),
        Some(_) => return Err("path in $XDG_CONFIG_HOME is relative"),
        None => {}
    }
    match folder("HOME") {
        Some(home) if cfg!(target_os = "macos") => Ok(home.join("Library/Application Support")),
        Some(home) => Ok(home.join(".config")),
        None if cfg!(target_os = "macos") => Err("$HOME is not defined"),
        None => Err("neither $XDG_CONFIG_HOME nor $HOME are defined"),
    }
}

const MAX_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(variables: &[(&str, &str)]) -> Found {
        Found::gather("age1x", &Environment::of(variables, Path::new("/")))
    }

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

    #[test]
    fn whoever_has_nothing_learns_every_place() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let text = gather(&[("HOME", home)]).reason();
        assert_eq!(
            text,
            format!(
                "failed to load age identities. Did not find keys in locations 'SOPS_AGE_SSH_PRIVATE_KEY_FILE', 'SOPS_AGE_SSH_PRIVATE_KEY_CMD', \
                 '{home}/.ssh/id_ed25519', '{home}/.ssh/id_rsa', 'SOPS_AGE_KEY', 'SOPS_AGE_KEY_FILE', \
                 'SOPS_AGE_KEY_CMD', and '{home}/.config/sops/age/keys.txt'."
            )
        );
    }

    #[test]
    fn a_missing_default_file_is_not_named_when_another_place_was_used() {
        let text = gather(&[("HOME", "/none"), ("SOPS_AGE_KEY", "# nothing here")]).suffix();
        assert!(!text.contains("keys.txt"), "{text}");
        assert!(text.ends_with("'SOPS_AGE_KEY_CMD', and 'SOPS_AGE_KEY'."), "{text}");
    }

    #[test]
    fn without_a_home_that_is_the_problem() {
        let text = gather(&[]).suffix();
        assert!(text.contains("$HOME is not defined"), "{text}");
        assert!(text.contains("neither $XDG_CONFIG_HOME nor $HOME are defined"), "{text}");
        assert!(!text.contains(".ssh"), "{text}");
    }

    #[test]
    fn a_place_that_cannot_be_read_is_a_problem() {
        let text = gather(&[("HOME", "/none"), ("SOPS_AGE_KEY_FILE", "/none/keys"), ("SOPS_AGE_KEY_CMD", "")]).suffix();
        assert!(text.contains("SOPS_AGE_KEY_FILE: /none/keys: no such file or directory"), "{text}");
        assert!(text.contains("SOPS_AGE_KEY_CMD: failed to execute the command: it is empty"), "{text}");
    }

    #[test]
    fn a_malformed_identity_is_not_repeated() {
        let text = gather(&[("HOME", "/none"), ("SOPS_AGE_KEY", "AGE-SECRET-KEY-1CANARY")]).suffix();
        assert!(text.contains("SOPS_AGE_KEY") && !text.contains("CANARY"), "{text}");
    }

    #[test]
    fn the_variable_may_hold_several_in_a_line() {
        assert_eq!(one_per_line("# c\nA  B\n\n C\n"), "A\nB\nC\n");
    }
}
