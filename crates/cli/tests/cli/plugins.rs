//! Plugins of age, in both directions, with one that is built on the `age-plugin` crate (`examples/age-plugin-toy.rs`).

use crate::typing::on_a_terminal;
use crate::world::World;
use sops_core::keys::age::{AgeIdentities, AgeRecipients, wrap};
use sops_core::keys::{CallContext, KeyError, KeyPart, KeySource, Surroundings, testing};
use sops_core::metadata::keys::{KeyKind, MasterKey};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

const RECIPIENT: &str = "age1toy1w3jhxaqgqlcys";
const IDENTITY: &str = "AGE-PLUGIN-TOY-1W3JHXAQJ683GX";

/// The folder of the plugin, which `cargo test` builds unless it is told what to test.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_sops")).parent()?.join("examples");
    let found = folder.join("age-plugin-toy").is_file().then_some(folder);
    if found.is_none() {
        say("skipped: the plugin is not built: cargo build --examples");
    }
    found
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("standard output");
}

struct Plugged {
    world: World,
    path: String,
}

impl Plugged {
    fn new() -> Option<Plugged> {
        let path = format!("{}:/usr/bin:/bin", folder()?.display());
        let world = World::new();
        world.write("a.yaml", "password: hunter2\n");
        Some(Plugged { world, path })
    }

    fn sops(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = self.world.command(env!("CARGO_BIN_EXE_sops"));
        command.args(args).env("PATH", &self.path).env("SOPS_AGE_KEY", IDENTITY);
        command.envs(variables.iter().copied()).output().expect("the command starts")
    }

    fn encrypted(&self) {
        let output = self.sops(&["encrypt", "-i", "--age", RECIPIENT, "a.yaml"], &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Decrypts with a person at a terminal; whether it opened, and what the terminal showed.
    fn asked(&self, ask: &str, question: &str, answer: &str) -> Option<(bool, String)> {
        let variables = [("PATH", self.path.as_str()), ("SOPS_AGE_KEY", IDENTITY), ("TOY_ASK", ask), ("HOME", "home")];
        let variables = variables.map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
        let args = ["decrypt", "a.yaml"].map(String::from);
        let folder = self.world.path("");
        let program = Path::new(env!("CARGO_BIN_EXE_sops"));
        let (output, shown) = on_a_terminal(&folder, variables, program, &args, question.as_bytes(), &[answer.into()])?;
        Some((output.status.success() && output.stdout == b"password: hunter2\n", shown))
    }
}

#[test]
fn a_plugin_wraps_and_unwraps_and_its_messages_are_shown() {
    let Some(plugged) = Plugged::new() else { return };
    plugged.encrypted();
    let quiet = plugged.sops(&["decrypt", "a.yaml"], &[]);
    assert_eq!((quiet.stdout.as_slice(), quiet.stderr.as_slice()), (b"password: hunter2\n".as_slice(), b"".as_slice()));
    let told = plugged.sops(&["decrypt", "a.yaml"], &[("TOY_ASK", "message"), ("VAULT_TOKEN", "canary")]);
    assert_eq!(told.stdout, b"password: hunter2\n");
    // Our secrets are not in its environment, the rest is.
    assert_eq!(String::from_utf8_lossy(&told.stderr), "age: toy plugin: sees TOY_ASK\n");
}

#[test]
fn a_plugin_asks_on_the_terminal_and_only_there() {
    let Some(plugged) = Plugged::new() else { return };
    plugged.encrypted();
    for (ask, question, right, wrong) in [
        ("confirm", "open it? [1: open, 2: leave]", "1", "2"),
        ("public", "which drawer?", "top\n", "bottom\n"),
        ("secret", "the word?", "sesame\n", "canary\n"),
    ] {
        let Some((is_open, shown)) = plugged.asked(ask, question, right) else {
            return say("skipped: script is not installed, so there is no terminal to type on");
        };
        assert!(is_open, "{ask}: {shown}");
        assert!(ask != "secret" || !shown.contains("sesame"), "a secret is shown: {shown}");
        let (is_open, shown) = plugged.asked(ask, question, wrong).expect("a terminal");
        assert!(!is_open, "{ask}: {shown}");
        let mut alone = plugged.world.command("/usr/bin/setsid");
        alone.args(["--wait", env!("CARGO_BIN_EXE_sops"), "decrypt", "a.yaml"]).env("PATH", &plugged.path);
        let alone = alone.env("SOPS_AGE_KEY", IDENTITY).env("TOY_ASK", ask).output().expect("setsid runs");
        let stderr = String::from_utf8_lossy(&alone.stderr).into_owned();
        assert!(alone.status.code() == Some(128) && stderr.contains("toy plugin: wrong answer"), "{ask}: {stderr}");
    }
}

#[test]
fn a_plugin_that_dies_or_is_missing_says_so() {
    let Some(plugged) = Plugged::new() else { return };
    plugged.encrypted();
    let died = plugged.sops(&["decrypt", "a.yaml"], &[("TOY_ASK", "crash")]);
    assert!(String::from_utf8_lossy(&died.stderr).contains("toy plugin: it ended before it was done"));
    plugged.world.write("b.yaml", "a: b\n");
    let missing = plugged.sops(&["encrypt", "--age", RECIPIENT, "b.yaml"], &[("PATH", "/usr/bin:/bin")]);
    assert_eq!((missing.status.code(), missing.stdout.as_slice()), (Some(1), b"".as_slice()));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("\"toy\" plugin not found"));
}

/// A source whose recipient and identity belong to a plugin.
struct Plugin(Surroundings);

impl KeySource for Plugin {
    fn kind(&self) -> KeyKind {
        KeyKind::Age
    }

    fn wrap(&self, key: &MasterKey, part: &KeyPart, _call: &CallContext) -> Result<String, KeyError> {
        wrap(key, part, &self.0)
    }

    fn unwrap(&self, key: &MasterKey, call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        AgeIdentities::parse_within(IDENTITY, &self.0)?.unwrap(key, call)
    }
}

#[test]
fn a_plugin_conforms() {
    let Some(folder) = folder() else { return };
    let variables = Arc::new(vec![("PATH".into(), folder.into_os_string())]);
    let source = Plugin(Surroundings { variables, ..Surroundings::default() });
    let key = MasterKey::age(RECIPIENT).expect("a recipient");
    assert_eq!(testing::conforms(&source, &key, &AgeRecipients), Ok(()));
}
