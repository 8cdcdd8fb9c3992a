//! Kills, and fails, every command that writes in place at every system call: the file is always the old one or the new
//! one, whole.
//!
//! A run is traced first; then it is run again once per system call and occurrence, with `strace` injecting a signal or
//! an error there. Counters of `strace` are per name, so the loop is over names and occurrences.

use crate::world::{ALICE_RECIPIENT, BOB_RECIPIENT, SECRET, World, canary};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A command that writes `f.yaml` in place.
struct Verb {
    name: &'static str,
    args: &'static [&'static str],
    /// What the file holds before.
    old: fn() -> Vec<u8>,
    /// Whether the new file is plain; else it is encrypted and decrypts to `new`.
    makes_plain: bool,
    new: fn() -> String,
}

const ENCRYPT: Verb = Verb {
    name: "encrypt",
    args: &["encrypt", "--in-place", "--encrypted-regex", "^(data|stringData)$"],
    old: || SECRET.into(),
    makes_plain: false,
    new: || SECRET.into(),
};
const DECRYPT: Verb = Verb {
    name: "decrypt",
    args: &["decrypt", "--in-place"],
    old: encrypted,
    makes_plain: true,
    new: || SECRET.into(),
};
const EDIT: Verb = Verb { name: "edit", args: &["edit"], old: encrypted, makes_plain: false, new: changed };
const SET: Verb = Verb { name: "set", args: &["set"], old: encrypted, makes_plain: false, new: changed };
const UNSET: Verb = Verb { name: "unset", args: &["unset"], old: encrypted, makes_plain: false, new: without_port };
const ROTATE: Verb =
    Verb { name: "rotate", args: &["rotate", "-i"], old: encrypted, makes_plain: false, new: || SECRET.into() };
const UPDATEKEYS: Verb =
    Verb { name: "updatekeys", args: &["updatekeys", "-y"], old: encrypted, makes_plain: false, new: || SECRET.into() };

const KILL: &str = "signal=SIGKILL";
const STOP: &str = "signal=SIGTERM";
const FULL: &str = "error=ENOSPC";
const BROKEN: &str = "error=EIO";

#[test]
fn a_kill_while_encrypting_leaves_the_old_or_the_new_file() {
    every_call(&ENCRYPT, KILL);
}

#[test]
fn a_kill_while_decrypting_leaves_the_old_or_the_new_file() {
    every_call(&DECRYPT, KILL);
}

#[test]
fn a_kill_while_editing_leaves_the_old_or_the_new_file() {
    every_call(&EDIT, KILL);
}

#[test]
fn a_signal_while_editing_leaves_the_old_or_the_new_file_and_nothing_else() {
    every_call(&EDIT, STOP);
}

#[test]
fn a_kill_while_setting_leaves_the_old_or_the_new_file() {
    every_call(&SET, KILL);
}

#[test]
fn a_kill_while_unsetting_leaves_the_old_or_the_new_file() {
    every_call(&UNSET, KILL);
}

#[test]
fn a_kill_while_rotating_leaves_the_old_or_the_new_file() {
    every_call(&ROTATE, KILL);
}

#[test]
fn a_kill_while_updating_keys_leaves_the_old_or_the_new_file() {
    every_call(&UPDATEKEYS, KILL);
}

#[test]
fn a_full_disk_while_encrypting_leaves_the_old_or_the_new_file() {
    every_call(&ENCRYPT, FULL);
}

#[test]
fn an_input_output_error_while_decrypting_leaves_the_old_or_the_new_file() {
    every_call(&DECRYPT, BROKEN);
}

#[test]
fn a_full_disk_while_editing_leaves_the_old_or_the_new_file() {
    every_call(&EDIT, FULL);
}

#[test]
fn an_input_output_error_while_setting_leaves_the_old_or_the_new_file() {
    every_call(&SET, BROKEN);
}

#[test]
fn a_full_disk_while_unsetting_leaves_the_old_or_the_new_file() {
    every_call(&UNSET, FULL);
}

#[test]
fn an_input_output_error_while_rotating_leaves_the_old_or_the_new_file() {
    every_call(&ROTATE, BROKEN);
}

#[test]
fn a_full_disk_while_updating_keys_leaves_the_old_or_the_new_file() {
    every_call(&UPDATEKEYS, FULL);
}

fn encrypted() -> Vec<u8> {
    let world = World::with_key();
    world.write("f.yaml", SECRET);
    world.succeeds(&[ENCRYPT.args, &["--age", ALICE_RECIPIENT.trim(), "f.yaml"]].concat());
    world.read("f.yaml")
}

fn changed() -> String {
    SECRET.replace("5432", "6543")
}

fn without_port() -> String {
    SECRET.lines().filter(|l| !l.contains("DB_PORT")).map(|l| format!("{l}\n")).collect()
}

fn every_call(verb: &Verb, fault: &str) {
    let world = World::with_key();
    if !strace_works(&world) {
        say(&format!("skipped: {} with {fault}: strace is absent or may not trace", verb.name));
        return;
    }
    let rule = format!("creation_rules:\n  - age: {},{}\n", ALICE_RECIPIENT.trim(), BOB_RECIPIENT.trim());
    world.write("rules.yaml", rule);
    let old = (verb.old)();
    let (mut points, mut changed, mut left) = (0, 0, 0);
    for (call, times) in calls(&world, verb, &old) {
        for nth in 1..=times {
            reset(&world, &old);
            let what = format!("{call} no. {nth}, {fault}");
            let inject = format!("inject={call}:{fault}:when={nth}");
            let output = traced(&world, &["-e", &inject], verb).output().expect("strace starts");
            assert_eq!(canary(&output.stderr), None, "{what}: a value in a message");
            points += 1;
            let now = world.read("f.yaml");
            match now == old {
                true => assert!(!output.status.success(), "{what}: success, and nothing happened"),
                false => {
                    changed += 1;
                    assert!(fault != STOP || output.status.success(), "{what}: it says that nothing happened");
                    assert!(is_new(&world, verb, &now), "{what}: the file is torn");
                }
            }
            // Out of memory is an abort: no more to be done about it than about a kill.
            let is_killed = output.status.code().is_none() && fault != STOP;
            let found = check_leftovers(&world, &what, verb, is_killed);
            assert!(fault != STOP || found == 0, "{what}: something was left behind");
            left += found;
        }
    }
    assert!(changed > 0, "no point was behind the replacement");
    say(&format!(
        "torn {} {fault}: {points} points, {changed} behind the replacement, {left} left-over files, 0 torn",
        verb.name
    ));
}

/// Traces one run and returns how often it makes each system call.
fn calls(world: &World, verb: &Verb, old: &[u8]) -> BTreeMap<String, usize> {
    reset(world, old);
    let trace = world.path("trace");
    let output = traced(world, &["-o", trace.to_str().expect("a UTF-8 path")], verb).output().expect("strace starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut calls = BTreeMap::new();
    for line in world.text("trace").lines() {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let name = line.split('(').next().unwrap_or_default();
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            *calls.entry(name.to_string()).or_insert(0) += 1;
        }
    }
    std::fs::remove_file(trace).expect("the trace is there");
    // These are over before there is anything to tear, or end the process anyway.
    for name in ["execve", "exit", "exit_group"] {
        calls.remove(name);
    }
    assert!(calls.contains_key("write"), "the trace is readable: {calls:?}");
    calls
}

/// Only the command itself is traced, not its editor.
fn traced(world: &World, options: &[&str], verb: &Verb) -> std::process::Command {
    let mut command = world.command("strace");
    command.arg("-qq").args(options);
    if !options.contains(&"-o") {
        command.args(["-o", "/dev/null"]);
    }
    command.arg(env!("CARGO_BIN_EXE_sops")).args(verb.args);
    match verb.name {
        "encrypt" => command.args(["--age", ALICE_RECIPIENT.trim(), "f.yaml"]),
        "edit" => command.env("EDITOR", "sed -i 's/5432/6543/'").arg("f.yaml"),
        "set" => command.args(["f.yaml", r#"["stringData"]["DB_PORT"]"#, r#""6543""#]),
        "unset" => command.args(["f.yaml", r#"["stringData"]["DB_PORT"]"#]),
        "updatekeys" => command.args(["--config", "rules.yaml", "f.yaml"]),
        _ => command.arg("f.yaml"),
    };
    command
}

fn strace_works(world: &World) -> bool {
    let probe = world.command("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    probe.is_ok_and(|output| output.status.success())
}

/// Lays the old file anew and removes what the last run left.
fn reset(world: &World, old: &[u8]) {
    for path in leftovers(world) {
        std::fs::remove_file(path).expect("a left-over file");
    }
    world.write("f.yaml", old);
    let owner_only = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(world.path("f.yaml"), owner_only).expect("our own file");
}

/// An encrypted file has other random bytes each time; what it decrypts to does not.
fn is_new(world: &World, verb: &Verb, now: &[u8]) -> bool {
    if verb.makes_plain {
        return now == (verb.new)().as_bytes();
    }
    world.write("now.yaml", now);
    let plain = world.succeeds(&["decrypt", "now.yaml"]);
    std::fs::remove_file(world.path("now.yaml")).expect("our own file");
    String::from_utf8_lossy(&plain) == (verb.new)()
}

/// Everything but the files themselves and the identity.
fn leftovers(world: &World) -> Vec<PathBuf> {
    let expected = ["work/f.yaml", "work/rules.yaml", "sops/age/keys.txt"];
    world.files().into_iter().filter(|path| !expected.iter().any(|name| path.ends_with(name))).collect()
}

/// After a kill a temporary file beside the target may stay behind. It holds what the target was to hold, so a plain value
/// only when decrypting, and is the owner's alone. The private folder of the editor may stay too: nobody else can enter it.
/// After an error nothing stays but an edit that could not be written, encrypted.
fn check_leftovers(world: &World, what: &str, verb: &Verb, is_killed: bool) -> usize {
    let found = leftovers(world);
    for path in &found {
        let name = path.display();
        let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        let folder = path.parent().expect("a folder");
        let is_private = is_killed && folder.parent().is_some_and(|run| run.ends_with("run")) && mode(folder) == 0o700;
        let is_beside = Some(folder) == world.path("f.yaml").parent();
        assert!(is_private || is_beside, "{what}: {name} was left behind");
        let bytes = std::fs::read(path).expect("a readable file");
        assert!(is_private || verb.makes_plain || canary(&bytes).is_none(), "{what}: a plain value in {name}");
        assert_eq!(mode(path) & 0o077, 0, "{what}: {name} is open to others");
    }
    found.len()
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("standard output");
}
