//! OpenPGP keys through the `gpg` program, for whoever asks for that in code.
//!
//! The program is named by an absolute path and sees nothing of our environment; its home is a private directory with the
//! keys of one keyring, made when a key first needs it and removed with the keyring, agent included. Its words are dropped.

use sops_core::keys::{CallContext, KeyError, KeyPart, KeySource};
use sops_core::metadata::keys::{KeyKind, MasterKey};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The `gpg` program and a place for its private home.
#[derive(Clone, Debug)]
pub struct GpgProgram {
    /// Its absolute path.
    pub program: PathBuf,
    /// Where its home is made, on tmpfs best; a short path, for the socket of its agent stands in it.
    pub scratch: PathBuf,
}

const TIME: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 1 << 20;

/// The keys of one entry.
pub(super) struct PgpKeys {
    gpg: GpgProgram,
    ring: Zeroizing<Vec<u8>>,
    home: OnceLock<Option<Home>>,
}

impl PgpKeys {
    pub fn new(gpg: GpgProgram, ring: &[u8]) -> PgpKeys {
        PgpKeys { gpg, ring: Zeroizing::new(ring.to_vec()), home: OnceLock::new() }
    }
}

impl KeySource for PgpKeys {
    fn kind(&self) -> KeyKind {
        KeyKind::Pgp
    }

    fn wrap(&self, _: &MasterKey, _: &KeyPart, _: &CallContext) -> Result<String, KeyError> {
        Err(KeyError::Unsupported("encrypting".into()))
    }

    fn unwrap(&self, key: &MasterKey, _: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        let home = self.home.get_or_init(|| Home::with(&self.gpg, &self.ring)).as_ref();
        let home =
            home.ok_or_else(|| KeyError::Failed("gpg does not take the keys of the decryption Secret".into()))?;
        match home.run(&["--quiet", "--decrypt"], key.wrapped.as_bytes()) {
            Some(part) if !part.is_empty() => Ok(Some(KeyPart::new(part.to_vec()))),
            _ => Err(KeyError::Failed("gpg has no secret key for it, or one with a passphrase".into())),
        }
    }
}

/// A private home of `gpg`.
struct Home {
    program: PathBuf,
    path: PathBuf,
}

impl Home {
    /// Makes a home and imports a key ring.
    fn with(gpg: &GpgProgram, ring: &[u8]) -> Option<Home> {
        // Nobody can guess the name, and if someone did, making it fails.
        let chance = std::collections::hash_map::RandomState::new().build_hasher().finish();
        let path = gpg.scratch.join(format!("sops-{chance:016x}"));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).ok().filter(|()| gpg.program.is_absolute())?;
        let home = Home { program: gpg.program.clone(), path };
        home.run(&["--import"], ring).map(|_| home)
    }

    /// Runs the program and returns what it printed, if it ended well and in time.
    fn run(&self, arguments: &[&str], input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut command = bare(&self.program, &self.path);
        command.args(["--batch", "--no-tty", "--pinentry-mode", "error"]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (mut stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let _closed_early = stdin.write_all(input);
            });
            let reader = scope.spawn(move || {
                let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
                stdout.take(MAX_OUTPUT).read_to_end(&mut bytes).ok().map(|_| bytes)
            });
            let started = Instant::now();
            let is_good = loop {
                match child.try_wait() {
                    Ok(Some(status)) => break status.success(),
                    Ok(None) if started.elapsed() < TIME => std::thread::sleep(Duration::from_millis(2)),
                    _ => {
                        let _gone = child.kill().and_then(|()| child.wait());
                        break false;
                    }
                }
            };
            reader.join().ok().flatten().filter(|_| is_good)
        })
    }
}

/// A program with nothing but a home.
fn bare(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("GNUPGHOME", home).env("HOME", home).env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Drop for Home {
    fn drop(&mut self) {
        let _no_agent = bare(&self.program.with_file_name("gpgconf"), &self.path).args(["--kill", "all"]).status();
        let _gone = std::fs::remove_dir_all(&self.path);
    }
}
