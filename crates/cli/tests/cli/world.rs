//! One hermetic place for a test: a home, a working directory, and nothing of the machine's environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The Secret of the README.
pub const SECRET: &str = include_str!("../../../../fixtures/demo/my-secret.yaml");
/// Values of [`SECRET`] that `^(data|stringData)$` encrypts, and that must appear nowhere else.
pub const CANARIES: [&str; 5] = ["p4ss: with a colon", "sk_test_not", "it''s quoted", "retries: 3", "bm90IGEg"];
/// A published test key.
pub const ALICE: &str = include_str!("../../../../fixtures/keys/alice.agekey");
/// Its recipient.
pub const ALICE_RECIPIENT: &str = include_str!("../../../../fixtures/keys/alice.recipient");

/// Another one.
pub const BOB: &str = include_str!("../../../../fixtures/keys/bob.agekey");
/// Its recipient.
pub const BOB_RECIPIENT: &str = include_str!("../../../../fixtures/keys/bob.recipient");

/// A scratch directory with a home of its own.
pub struct World {
    root: TempDir,
}

impl World {
    /// Makes an empty world.
    pub fn new() -> World {
        let root = TempDir::with_prefix("sops-test-").expect("a scratch directory");
        for dir in ["home", "work", "tmp", "run"] {
            std::fs::create_dir(root.path().join(dir)).expect("a scratch directory");
        }
        World { root }
    }

    /// Makes a world whose home holds the test identity at the default place.
    pub fn with_key() -> World {
        let world = World::new();
        world.place_identity(ALICE);
        world
    }

    /// Puts an identity file at the default place.
    pub fn place_identity(&self, text: &str) {
        let dir = self.root.path().join("home/.config/sops/age");
        std::fs::create_dir_all(&dir).expect("a configuration directory");
        std::fs::write(dir.join("keys.txt"), text).expect("an identity file");
    }

    /// Returns the path of a file in the working directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    /// Returns one of the world's folders: `home`, `work`, `tmp` or `run`.
    pub fn place(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file in the working directory.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("a file is written");
    }

    /// Returns a file of the working directory.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Returns a file of the working directory as text.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("the file is UTF-8")
    }

    /// Returns any program, run in this world.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("TZ", "UTC").env("LANG", "C.UTF-8");
        command.env("HOME", self.root.path().join("home")).env("TMPDIR", self.root.path().join("tmp"));
        // In memory on a real machine; here it is looked through.
        command.env("XDG_RUNTIME_DIR", self.root.path().join("run"));
        command.current_dir(self.root.path().join("work")).stdin(Stdio::null());
        command
    }

    /// Runs our command.
    pub fn sops(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_sops")).args(args).output().expect("the command starts")
    }

    /// Runs our command, expects success and silence on standard error, and returns what it printed.
    pub fn succeeds(&self, args: &[&str]) -> Vec<u8> {
        let output = self.sops(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {}: {stderr}", output.status);
        assert_eq!(stderr, "", "{args:?}: success is silent on standard error");
        output.stdout
    }

    /// Runs our command, expects this exit code and nothing on standard output, and returns the message.
    pub fn fails(&self, args: &[&str], code: i32) -> String {
        let output = self.sops(args);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}: failure prints nothing on standard output");
        assert_ne!(stderr, "", "{args:?}: failure says why");
        stderr
    }

    /// Returns every regular file of the world.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut found, mut dirs) = (Vec::new(), vec![self.root.path().to_path_buf()]);
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).expect("a readable directory") {
                let path = entry.expect("a directory entry").path();
                if path.is_dir() { dirs.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

/// Returns the first canary in a text.
pub fn canary(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    CANARIES.into_iter().find(|c| text.contains(c))
}
