//! Where secrets of key sources must not be: arguments, environments of helpers, messages, a terminal that nobody closed.

use crate::typing::on_a_terminal;
use crate::world::{ALICE, ALICE_RECIPIENT, World};
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Variables with secrets that no program which holds keys has a use for.
const SECRETS: [&str; 11] = [
    "SOPS_AGE_KEY",
    "VAULT_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_PASSWORD",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
];

fn program(world: &World, name: &str, script: &str) -> PathBuf {
    let path = world.path(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a program");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("standard output");
}

#[test]
fn gpg_gets_the_data_key_through_a_pipe_and_none_of_our_secrets() {
    let world = World::new();
    world.write("a.yaml", "password: hunter2\n");
    // It "encrypts" by keeping what it got, and notes what it was started with.
    let gpg = program(&world, "gpg-stub", "env > seen.env; echo \"$@\" > seen.args; cat > seen.in; echo armor");
    let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
    command.args(["encrypt", "--pgp", "E6CC5C182DA25EF513A7751648FE9BCAADF6A47D", "a.yaml"]);
    command.env("SOPS_GPG_EXEC", gpg).env("GPG_TTY", "kept").envs(SECRETS.map(|name| (name, "canary")));
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let environment = world.text("seen.env");
    assert!(environment.contains("GPG_TTY=kept") && environment.contains("HOME="), "{environment}");
    assert!(!environment.contains("canary"), "{environment}");
    let (data_key, arguments) = (world.read("seen.in"), world.read("seen.args"));
    assert_eq!(data_key.len(), 32);
    assert!(!arguments.windows(8).any(|window| data_key.windows(8).any(|part| part == window)));
}

#[test]
fn a_command_for_identities_sees_everything_but_our_identities() {
    let world = World::new();
    world.write("a.yaml", "password: hunter2\n");
    world.succeeds(&["encrypt", "-i", "--age", ALICE_RECIPIENT.trim(), "a.yaml"]);
    world.write("key", ALICE);
    program(&world, "print-key", "env > seen.env; cat key; echo canary-of-stderr >&2");
    let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
    command
        .args(["decrypt", "a.yaml"])
        .env("SOPS_AGE_KEY_CMD", "./print-key --token hush")
        .envs(SECRETS.map(|name| (name, "# canary")));
    let output = command.output().expect("the command starts");
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (b"password: hunter2\n".as_slice(), b"".as_slice())
    );
    let environment = world.text("seen.env");
    assert!(
        environment.contains("VAULT_TOKEN=# canary")
            && environment.contains(&format!("SOPS_AGE_RECIPIENT={}", ALICE_RECIPIENT.trim()))
    );
    assert!(!environment.contains("SOPS_AGE_KEY="), "{environment}");
}

#[test]
fn an_identity_file_that_others_can_read_is_named_to_whoever_wants_to_know() {
    let world = World::with_key();
    world.write("a.yaml", "password: hunter2\n");
    world.succeeds(&["encrypt", "-i", "--age", ALICE_RECIPIENT.trim(), "a.yaml"]);
    let path = world.place("home").join(".config/sops/age/keys.txt");
    let told = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        world.succeeds(&["decrypt", "a.yaml"]);
        let output = world.sops(&["--verbose", "decrypt", "a.yaml"]);
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).contains("others can read it: chmod 600")
    };
    assert!(told(0o644) && told(0o620) && !told(0o600));
}

#[test]
fn the_terminal_echoes_again_however_a_question_ends() {
    let world = World::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/keys");
    world.write("a.yaml", "password: hunter2\n");
    let recipient = std::fs::read_to_string(fixtures.join("dave.recipient")).expect("a recipient");
    world.succeeds(&["encrypt", "-i", "--age", recipient.trim(), "a.yaml"]);
    world.write("key", std::fs::read(fixtures.join("encrypted.age")).expect("an identity file"));
    let decrypt = format!("{} decrypt a.yaml", env!("CARGO_BIN_EXE_sops"));
    for (command, typed, is_open) in [
        (decrypt.clone(), "correct horse\n", true),
        (decrypt.clone(), "wrong\n", false),
        // Ctrl-C, for the whole group of the terminal.
        (decrypt.clone(), "\u{3}", false),
        (format!("timeout --foreground -s TERM 2 {decrypt}"), "half", false),
    ] {
        let script = format!("trap '' INT; (trap - INT; exec {command}) > out; stty -a");
        let home = world.place("home");
        let variables = [("PATH", "/usr/bin:/bin"), ("SOPS_AGE_KEY_FILE", "key")];
        let variables = variables.map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
        let variables = variables.into_iter().chain([(OsStr::new("HOME"), home.as_os_str())]);
        let args = ["-c".to_owned(), script];
        let Some((output, shown)) =
            on_a_terminal(&world.path(""), variables, Path::new("/bin/sh"), &args, b"':", &[typed.into()])
        else {
            return say("skipped: script is not installed, so there is no terminal to type on");
        };
        let modes = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(modes.contains(" echo ") && modes.contains(" icanon "), "{typed:?}: {modes}");
        assert!(!shown.contains("horse") && !shown.contains("wrong") && !shown.contains("half"), "{shown}");
        assert_eq!(world.read("out") == b"password: hunter2\n", is_open, "{typed:?}: {shown}");
    }
}
