//! PGP through the `gpg` program, which has what a library has not: agent, smart cards, pinentry, trust.
//!
//! The program is found and started when a key needs it, never before. A data key reaches it through a pipe and comes back
//! through one; nothing secret is ever an argument. Source: spec/keys.md §3.

use super::program::Program;
use super::{CallContext, KeyError, KeyPart, KeySource, Surroundings};
use crate::metadata::keys::{KeyKind, MasterKey, MasterKeyKind};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The `gpg` program, with what it is started in.
pub struct Gpg {
    /// Its name, found through `PATH`, or its path.
    pub program: OsString,
    /// All it sees of an environment: `PATH`, `HOME`, `GNUPGHOME`, `GPG_TTY` and whatever else it honours. The person is
    /// asked for passphrases of old key rings only; `gpg` asks for its own.
    pub around: Surroundings,
    /// Where key rings are.
    pub home: PathBuf,
}

impl KeySource for Gpg {
    fn kind(&self) -> KeyKind {
        KeyKind::Pgp
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, _call: &CallContext) -> Result<String, KeyError> {
        let MasterKeyKind::Pgp { fingerprint } = &key.kind else {
            return Err(KeyError::Unsupported("keys of another kind".into()));
        };
        let native = match native::wrap(&self.home, fingerprint, part) {
            Ok(wrapped) => return Ok(wrapped),
            Err(reason) => reason,
        };
        let arguments: Vec<&str> = ENCRYPT
            .iter()
            .map(|argument| match *argument {
                "{key}" => fingerprint,
                "{trusted}" => trusted(fingerprint),
                argument => argument,
            })
            .collect();
        let text = self.run(&arguments, part.expose()).map_err(|reason| failure("encrypt", &native, &reason))?;
        match std::str::from_utf8(&text).map(str::trim).unwrap_or_default() {
            "" => Err(failure("encrypt", &native, "no text returned")),
            armored => Ok(armored.to_owned()),
        }
    }

    fn unwrap(&self, key: &MasterKey, _call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        if key.kind() != KeyKind::Pgp {
            return Ok(None);
        }
        let native = match native::unwrap(&self.home, &key.wrapped, &self.around) {
            Ok(part) => return Ok(Some(KeyPart(part))),
            Err(reason) => reason,
        };
        match self.run(&["-d"], key.wrapped.as_bytes()) {
            Ok(part) if part.is_empty() => Err(failure("decrypt", &native, "zero bytes returned")),
            Ok(part) => Ok(Some(KeyPart(part))),
            Err(reason) => Err(failure("decrypt", &native, &reason)),
        }
    }
}

impl Gpg {
    /// Runs it, and returns what it printed or why it did not.
    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, String> {
        let program = Program::find(&self.program, &self.around.variables)?;
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let output = program
            .run(&arguments, Some(input), MAX_BYTES)
            .map_err(|error| format!("exec: \"{}\": {}", self.program.to_string_lossy(), super::system_text(&error)))?;
        match output.status.success() {
            true => Ok(output.stdout),
            // Its own words tell what is wrong with the agent, the card or the key; what it printed may be a data key.
            false if output.stderr.trim().is_empty() => Err(output.status.to_string()),
            false => Err(output.stderr.trim().to_owned()),
        }
    }
}

/// Key rings of GnuPG before 2.1, which the reference reads itself before it starts `gpg`: here they are left to `gpg`.
#[cfg(not(feature = "pgp-native"))]
mod native {
    use super::{KeyPart, Surroundings};
    use std::path::Path;
    use zeroize::Zeroizing;

    pub(super) fn wrap(_home: &Path, fingerprint: &str, _part: &KeyPart) -> Result<String, String> {
        Err(format!("key with fingerprint '{fingerprint}' is not available in keyring"))
    }

    pub(super) fn unwrap(home: &Path, _wrapped: &str, _around: &Surroundings) -> Result<Zeroizing<Vec<u8>>, String> {
        let rings = ["secring.gpg", "pubring.gpg"].map(|name| home.join(name));
        Err(match rings.iter().find(|ring| ring.exists()) {
            Some(ring) => format!("{} is left to gpg: reading it is not built in", ring.display()),
            None => super::no_keyring(home),
        })
    }
}

#[cfg(feature = "pgp-native")]
use super::pgp_native as native;

/// compat: the second of the two places is named.
pub(super) fn no_keyring(home: &std::path::Path) -> String {
    format!("could not load secring: open {}: no such file or directory", home.join("pubring.gpg").display())
}

/// The long key id for `--trusted-key`: the last 16 characters, 17 where a `!` forces a sub-key; a shorter text as it is.
fn trusted(fingerprint: &str) -> &str {
    let length = if fingerprint.ends_with('!') { 17 } else { 16 };
    let start = fingerprint.char_indices().rev().nth(length - 1).map_or(0, |(at, _)| at);
    fingerprint.get(start..).unwrap_or(fingerprint)
}

/// compat: the words of the reference, which tries a library of its own first.
fn failure(doing: &str, native: &str, gpg: &str) -> KeyError {
    KeyError::Failed(format!(
        "could not {doing} data key with PGP key: github.com/ProtonMail/go-crypto/openpgp error: {native}; GnuPG binary error: \
         failed to {doing} sops data key with pgp: {gpg}"
    ))
}

const ENCRYPT: [&str; 9] = [
    "--no-default-recipient",
    "--yes",
    "--encrypt",
    "-a",
    "-r",
    "{key}",
    "--trusted-key",
    "{trusted}",
    "--no-encrypt-to",
];

/// A wrapped key has a few kilobytes.
const MAX_BYTES: usize = 64 << 10;

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn stub(script: &str) -> (Gpg, std::path::PathBuf) {
        use std::os::unix::fs::PermissionsExt as _;
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sops-gpg-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let program = folder.join("gpg");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a program");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let variables = vec![("PATH".into(), "/usr/bin:/bin".into()), ("OUT".into(), folder.clone().into())];
        let around = Surroundings { variables: variables.into(), ..Surroundings::default() };
        (Gpg { program: program.into(), around, home: "/none".into() }, folder)
    }

    fn key(fingerprint: &str) -> MasterKey {
        MasterKey::new(MasterKeyKind::Pgp { fingerprint: fingerprint.into() })
    }

    fn refusal(gpg: &Gpg, key: &MasterKey) -> String {
        gpg.unwrap(key, &CallContext::default()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn the_arguments_are_those_of_the_reference_and_the_data_key_is_none_of_them() {
        let (gpg, folder) = stub("for a; do echo \"$a\" >> $OUT/args; done; cat > $OUT/in; printf '\\n armor \\n'");
        let wrapped = gpg.wrap(
            &key("E6CC5C182DA25EF513A7751648FE9BCAADF6A47D"),
            &KeyPart::new(b"canary".to_vec()),
            &CallContext::default(),
        );
        assert_eq!(wrapped, Ok("armor".to_owned()));
        let arguments = std::fs::read_to_string(folder.join("args")).expect("arguments");
        let expected = "--no-default-recipient --yes --encrypt -a -r E6CC5C182DA25EF513A7751648FE9BCAADF6A47D \
                        --trusted-key 48FE9BCAADF6A47D --no-encrypt-to";
        assert_eq!(arguments.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        assert_eq!(std::fs::read(folder.join("in")).expect("input"), b"canary");
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn the_trusted_key_is_the_end_of_the_fingerprint() {
        assert_eq!(trusted("F9793DAF716864A069F217B157D4A024E616061F!"), "57D4A024E616061F!");
        assert_eq!(trusted("0xE6CC5C182DA25EF5"), "E6CC5C182DA25EF5");
        assert_eq!((trusted("AADF6A47D"), trusted(""), trusted("ü@example.org")), ("AADF6A47D", "", "ü@example.org"));
    }

    #[test]
    fn no_bytes_are_no_data_key() {
        let (gpg, folder) = stub("exit 0");
        assert!(refusal(&gpg, &key("F")).ends_with("failed to decrypt sops data key with pgp: zero bytes returned"));
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_refusal_repeats_what_gpg_says_and_not_what_it_prints() {
        let (gpg, folder) = stub("echo canary; echo ' no key ' >&2; exit 2");
        let text = refusal(&gpg, &key("F"));
        assert!(text.ends_with(": no key") && !text.contains("canary"), "{text}");
        assert!(text.contains("could not load secring: open /none/pubring.gpg: no such file"), "{text}");
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_missing_program_is_named() {
        let gpg = Gpg { program: "no-gpg-here".into(), around: Surroundings::default(), home: "/none".into() };
        let text = refusal(&gpg, &key("F"));
        assert!(text.ends_with("exec: \"no-gpg-here\": executable file not found in $PATH"), "{text}");
        let gpg = Gpg { program: "/none/gpg".into(), ..gpg };
        assert!(refusal(&gpg, &key("F")).ends_with("exec: \"/none/gpg\": no such file or directory"));
    }
}
