//! Where age identities are: the environment, files, commands and the usual places, in the order of the reference.
//!
//! Every place is looked at, nothing short-circuits, and whoever is refused learns about each of them: the places that
//! held nothing, and the ones that could not be read. No text of an identity is ever part of that. A place is read once in a
//! run, however many files there are; only commands are asked anew for each recipient, because they are told which.

use std::{
    collections::HashMap,
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use sops_core::keys::{
    KeyError, Surroundings,
    age::{AgeIdentities, SshOrigin},
};
use zeroize::Zeroizing;

use crate::{command_line, environment::Environment, failure::io_text, ui};

/// What the places of this run held, once somebody asked.
#[derive(Default)]
pub struct Store {
    fixed: OnceLock<[Held; 6]>,
    printed: Mutex<HashMap<String, Arc<[Held; 2]>>>,
}

impl Store {
    /// Returns what there is for a recipient.
    pub fn find(&self, recipient: &str, env: &Environment, around: &Surroundings) -> Found {
        let fixed = self.fixed.get_or_init(|| {
            let home = env.get("HOME").map(PathBuf::from);
            let of_home = |name| home.as_ref().map(|home| home_key(&home.join(".ssh").join(name), around));
            [
                ssh_file(env, around),
                of_home("id_ed25519").unwrap_or_else(|| Held::Problem("$HOME is not defined".to_owned())),
                of_home("id_rsa").unwrap_or(Held::Silent),
                variable(env, around),
                file(env, around),
                default_file(env, around),
            ]
        });
        let has_command = COMMANDS.iter().any(|name| env.get(name).is_some());
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = printed
            .entry(if has_command { recipient.to_owned() } else { String::new() })
            .or_insert_with(|| Arc::new([ssh_command(recipient, env, around), command(recipient, env, around)]));
        let [ssh, ed25519, rsa, variable, file, default] = fixed;
        let [ssh_command, command] = &**printed;
        Found::of([ssh, ssh_command, ed25519, rsa, variable, file, command], default)
    }
}

/// What one place held.
enum Held {
    /// Nothing is there, which is worth a word when nothing opens.
    Unused(String),
    /// Nothing is there, and nothing needs to be said.
    Silent,
    /// It was read and holds no identity.
    Empty(String),
    /// It cannot be read or understood; all of it is passed over.
    Problem(String),
    /// It was read and is not understood.
    Malformed(String),
    /// Identities.
    Identities(AgeIdentities),
}

/// What all places held.
#[derive(Default)]
pub struct Found {
    /// The identities, in the order of the places.
    pub identities: AgeIdentities,
    problems: Vec<String>,
    unused: Vec<String>,
}

impl Found {
    /// Unites the places; that the last one has nothing is worth a word only if no other was used.
    fn of(places: [&Held; 7], default: &Held) -> Found {
        let mut found = Found::default();
        let mut empty = Vec::new();
        let is_any_used =
            places.iter().any(|held| matches!(held, Held::Identities(_) | Held::Empty(_) | Held::Malformed(_)));
        let is_said = |held: &&Held| !(is_any_used && matches!(held, Held::Unused(_) | Held::Problem(_)));
        for held in places.into_iter().chain(Some(default).filter(is_said)) {
            match held {
                Held::Silent => {}
                Held::Unused(place) => found.unused.push(place.clone()),
                Held::Empty(place) => empty.push(place.clone()),
                Held::Problem(problem) | Held::Malformed(problem) => found.problems.push(problem.clone()),
                Held::Identities(identities) => found.identities.extend(identities.share()),
            }
        }
        found.unused.extend(empty);
        found
    }

    /// Says what was missing or wrong.
    ///
    /// `. Errors while loading age identities: E; E. Did not find keys in locations 'A', 'B', and 'C'.`
    pub fn suffix(&self) -> String {
        let mut out = String::new();
        if !self.problems.is_empty() {
            out.push_str(". Errors while loading age identities: ");
            out.push_str(&self.problems.join("; "));
        }
        let places: Vec<String> = self.unused.iter().map(|place| format!("'{place}'")).collect();
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
}

/// 1: the file that `SOPS_AGE_SSH_PRIVATE_KEY_FILE` names.
fn ssh_file(env: &Environment, around: &Surroundings) -> Held {
    match env.get(SSH_FILE) {
        None => Held::Unused(SSH_FILE.to_owned()),
        Some(path) => ssh_key(Path::new(path), around),
    }
}

/// 2: what the command in `SOPS_AGE_SSH_PRIVATE_KEY_CMD` prints.
fn ssh_command(recipient: &str, env: &Environment, around: &Surroundings) -> Held {
    let Some(line) = env.get(SSH_COMMAND) else { return Held::Unused(SSH_COMMAND.to_owned()) };
    match command_line::output(&line.to_string_lossy(), recipient, env) {
        Ok(text) => ssh(AgeIdentities::ssh(&text, &SshOrigin::Command { variable: SSH_COMMAND }, around)),
        Err(problem) => Held::Problem(problem),
    }
}

/// 3 and 4: keys in `~/.ssh`. One that cannot be looked at counts as none.
fn home_key(path: &Path, around: &Surroundings) -> Held {
    match path.metadata() {
        Ok(_) => ssh_key(path, around),
        Err(_) => Held::Unused(path.display().to_string()),
    }
}

fn ssh_key(path: &Path, around: &Surroundings) -> Held {
    let shown = path.display().to_string();
    let text = match open(path)
        .map_err(|problem| format!("failed to open file: {problem}"))
        .and_then(|file| read(file, &shown))
    {
        Ok(text) => text,
        Err(problem) => return Held::Problem(problem),
    };
    let public = || {
        let beside = format!("{shown}.pub");
        std::fs::read_to_string(&beside).map_err(|error| {
            format!(
                "failed to obtain public \"{beside}\" key for \"{shown}\" SSH key: open {beside}: {}",
                io_text(&error)
            )
        })
    };
    ssh(AgeIdentities::ssh(&text, &SshOrigin::File { path: &shown, public: &public }, around))
}

fn ssh(parsed: Result<AgeIdentities, KeyError>) -> Held {
    parsed.map_or_else(|error| Held::Problem(error.to_string()), Held::Identities)
}

/// 5: the text of `SOPS_AGE_KEY`, which may hold several identities in a line.
fn variable(env: &Environment, around: &Surroundings) -> Held {
    let Some(value) = env.get(VALUE) else { return Held::Unused(VALUE.to_owned()) };
    let value = value.as_encoded_bytes();
    if AgeIdentities::is_encrypted(value) {
        return parsed(VALUE, value, around);
    }
    let mut text = Zeroizing::new(String::with_capacity(value.len() + 1));
    for line in String::from_utf8_lossy(value).lines().filter(|line| !line.starts_with('#')) {
        for word in line.split_whitespace() {
            // A word that begins with `#` is no comment: it stands for an identity and is none.
            text.push_str(if word.starts_with('#') { "?" } else { word });
            text.push('\n');
        }
    }
    parsed(VALUE, text.as_bytes(), around)
}

/// 6: the file that `SOPS_AGE_KEY_FILE` names.
fn file(env: &Environment, around: &Surroundings) -> Held {
    let Some(path) = env.get(FILE) else { return Held::Unused(FILE.to_owned()) };
    match open(Path::new(path)) {
        Ok(file) => identity_file(FILE, file, around),
        Err(problem) => Held::Problem(format!("failed to open {FILE} file: {problem}")),
    }
}

/// 7: what the command in `SOPS_AGE_KEY_CMD` prints.
fn command(recipient: &str, env: &Environment, around: &Surroundings) -> Held {
    let Some(line) = env.get(COMMAND) else { return Held::Unused(COMMAND.to_owned()) };
    match command_line::output(&line.to_string_lossy(), recipient, env) {
        Ok(text) => parsed(COMMAND, &text, around),
        Err(problem) => Held::Problem(problem),
    }
}

/// 8: the file in the configuration folder.
fn default_file(env: &Environment, around: &Surroundings) -> Held {
    let path = match configuration_folder(env) {
        Ok(folder) => folder.join("sops/age/keys.txt"),
        Err(problem) => return Held::Problem(format!("user config directory could not be determined: {problem}")),
    };
    let shown = path.display().to_string();
    match std::fs::File::open(&path) {
        Ok(file) => {
            warn_about_permissions(&path, &file);
            identity_file(&shown, file, around)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Held::Unused(shown),
        // Whatever else there is, this place was meant to be used.
        Err(error) => Held::Malformed(format!("failed to open file: open {shown}: {}", io_text(&error))),
    }
}

fn identity_file(place: &str, file: std::fs::File, around: &Surroundings) -> Held {
    match read(file, place) {
        Ok(text) => parsed(place, &text, around),
        Err(problem) => Held::Malformed(problem),
    }
}

/// A mistake anywhere in a place discards all of it; the other places still count.
fn parsed(place: &str, text: &[u8], around: &Surroundings) -> Held {
    let identities = if AgeIdentities::is_encrypted(text) {
        AgeIdentities::encrypted(text, place, around).map_err(|error| error.to_string())
    } else {
        let unknown = KeyError::Malformed("unknown identity type".into());
        let identities = std::str::from_utf8(text).map_err(|_| unknown);
        let identities = identities.and_then(|text| AgeIdentities::parse_within(text, around));
        identities.map_err(|error| format!("failed to parse '{place}' age identities: {error}"))
    };
    match identities {
        Ok(identities) if identities.is_empty() => Held::Empty(place.to_owned()),
        Ok(identities) => Held::Identities(identities),
        Err(problem) => Held::Malformed(problem),
    }
}

fn open(path: &Path) -> Result<std::fs::File, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("open {}: {}", path.display(), io_text(&error)))?;
    warn_about_permissions(path, &file);
    Ok(file)
}

/// Reads a file of identities into memory that is zeroed and never grows.
fn read(file: std::fs::File, place: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let failed = |error: &std::io::Error| format!("failed to read '{place}': {}", io_text(error));
    let size = file.metadata().map_err(|error| failed(&error))?.len();
    // A pipe has no size; what outgrows the first buffer is copied by hand.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(size.min(MAX_BYTES)).unwrap_or_default() + 4096));
    let mut file = file.take(MAX_BYTES + 1);
    loop {
        if text.len() == text.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(text.len() * 2));
            larger.extend_from_slice(&text);
            text = larger;
        }
        let room = u64::try_from(text.capacity() - text.len()).unwrap_or(u64::MAX);
        match file.by_ref().take(room).read_to_end(&mut text) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("failed to read '{place}': file too long"));
    }
    Ok(text)
}

/// Tells whoever sits at a terminal that others can read an identity.
fn warn_about_permissions(path: &Path, file: &std::fs::File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o077 != 0) {
            let text = format!("{} holds an identity and others can read it: chmod 600 it", path.display());
            if std::io::stderr().is_terminal() { ui::warn(&text) } else { ui::note(&text) }
        }
    }
    #[cfg(not(unix))]
    let _there_are_no_modes = (path, file);
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

const SSH_FILE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_FILE";
const SSH_COMMAND: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";
const VALUE: &str = "SOPS_AGE_KEY";
const FILE: &str = "SOPS_AGE_KEY_FILE";
const COMMAND: &str = "SOPS_AGE_KEY_CMD";
const COMMANDS: [&str; 2] = [SSH_COMMAND, COMMAND];
const MAX_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Found {
        let env = Environment::of(variables, Path::new("/"));
        Store::default().find("age1x", &env, &Surroundings::default())
    }

    #[test]
    fn whoever_has_nothing_learns_every_place() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(
            found(&[("HOME", home)]).suffix(),
            format!(
                ". Did not find keys in locations 'SOPS_AGE_SSH_PRIVATE_KEY_FILE', 'SOPS_AGE_SSH_PRIVATE_KEY_CMD', \
                 '{home}/.ssh/id_ed25519', '{home}/.ssh/id_rsa', 'SOPS_AGE_KEY', 'SOPS_AGE_KEY_FILE', \
                 'SOPS_AGE_KEY_CMD', and '{home}/.config/sops/age/keys.txt'."
            )
        );
    }

    #[test]
    fn a_missing_default_file_is_not_named_when_another_place_was_used() {
        let text = found(&[("HOME", "/none"), ("SOPS_AGE_KEY", "# nothing here")]).suffix();
        assert!(!text.contains("keys.txt"), "{text}");
        assert!(text.ends_with("'SOPS_AGE_KEY_CMD', and 'SOPS_AGE_KEY'."), "{text}");
    }

    #[test]
    fn without_a_home_that_is_the_problem() {
        let text = found(&[]).suffix();
        assert_eq!(text.matches("$HOME is not defined").count(), 1, "{text}");
        assert!(text.contains("neither $XDG_CONFIG_HOME nor $HOME are defined"), "{text}");
        assert!(!text.contains(".ssh"), "{text}");
    }

    #[test]
    fn a_place_that_cannot_be_read_is_a_problem() {
        let text = found(&[("HOME", "/none"), ("SOPS_AGE_KEY_FILE", "/none/keys"), ("SOPS_AGE_KEY_CMD", "")]).suffix();
        assert!(
            text.contains("failed to open SOPS_AGE_KEY_FILE file: open /none/keys: no such file or directory"),
            "{text}"
        );
        assert!(text.contains("failed to execute command : empty command"), "{text}");
    }

    #[test]
    fn a_malformed_identity_is_not_repeated() {
        for text in ["AGE-SECRET-KEY-1CANARY", "CANARY", "AGE-PLUGIN-CANARY-1", "AGE-SECRET-KEY-PQ-1CANARY"] {
            let text = found(&[("HOME", "/none"), ("SOPS_AGE_KEY", text)]).suffix();
            assert!(text.contains("SOPS_AGE_KEY") && !text.contains("CANARY"), "{text}");
        }
    }

    #[test]
    fn the_variable_may_hold_several_in_a_line_and_a_comment_begins_a_line() {
        let (first, second) = (AgeIdentities::generate_text().0, AgeIdentities::generate_text().0);
        let count = |text: &str| found(&[("SOPS_AGE_KEY", text)]).identities.len();
        assert_eq!(count(&format!("# c\n{}  {}\n\n", *first, *second)), 2);
        assert_eq!(count(&format!("{} # c\n", *first)), 0);
    }

    #[test]
    fn places_are_read_once_and_commands_once_for_each_recipient() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("keys.sh");
        std::fs::write(&script, "echo $SOPS_AGE_RECIPIENT >> calls; cat key").unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, AgeIdentities::generate_text().0.as_bytes()).unwrap();
        let line = format!("sh -c 'cd {}; . ./keys.sh'", folder.path().display());
        let key_path = key.to_str().unwrap();
        let variables =
            [("PATH", "/usr/bin:/bin"), ("SOPS_AGE_KEY_CMD", line.as_str()), ("SOPS_AGE_KEY_FILE", key_path)];
        let env = Environment::of(&variables, Path::new("/"));
        let (store, around) = (Store::default(), Surroundings::default());
        for recipient in ["a", "b", "a", "a"] {
            assert_eq!(store.find(recipient, &env, &around).identities.len(), 2);
            let _already_read = std::fs::remove_file(folder.path().join("key.moved"));
        }
        std::fs::remove_file(&key).unwrap();
        assert_eq!(store.find("a", &env, &around).identities.len(), 2);
        assert_eq!(std::fs::read_to_string(folder.path().join("calls")).unwrap(), "a\nb\n");
    }
}
