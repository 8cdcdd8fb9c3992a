//! Kills, and fails, the command at every system call of an in-place write: the file is always the old one or the new
//! one, whole.
//!
//! A run is traced first; then it is run again once per system call and occurrence, with `strace` injecting a signal or
//! an error there. Counters of `strace` are per name, so the loop is over names and occurrences.

use crate::world::{ALICE_RECIPIENT, SECRET, World, canary};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const ENCRYPT: [&str; 4] = ["encrypt", "--in-place", "--encrypted-regex", "^(data|stringData)$"];
const DECRYPT: [&str; 2] = ["decrypt", "--in-place"];

#[test]
fn a_kill_while_encrypting_leaves_the_old_or_the_new_file() {
    every_call(&ENCRYPT, SECRET.as_bytes(), "signal=SIGKILL");
}

#[test]
fn a_kill_while_decrypting_leaves_the_old_or_the_new_file() {
    every_call(&DECRYPT, &encrypted(), "signal=SIGKILL");
}

#[test]
fn a_full_disk_while_encrypting_leaves_the_old_or_the_new_file() {
    every_call(&ENCRYPT, SECRET.as_bytes(), "error=ENOSPC");
}

#[test]
fn an_input_output_error_while_decrypting_leaves_the_old_or_the_new_file() {
    every_call(&DECRYPT, &encrypted(), "error=EIO");
}

fn encrypted() -> Vec<u8> {
    let world = World::with_key();
    world.write("f.yaml", SECRET);
    world.succeeds(&[&ENCRYPT[..], &["--age", ALICE_RECIPIENT.trim(), "f.yaml"]].concat());
    world.read("f.yaml")
}

fn every_call(verb: &[&str], old: &[u8], fault: &str) {
    let world = World::with_key();
    if !strace_works(&world) {
        say(&format!("skipped: {} with {fault}: strace is absent or may not trace", verb[0]));
        return;
    }
    let is_encrypting = verb == ENCRYPT;
    let (mut points, mut changed, mut left) = (0, 0, 0);
    for (call, times) in calls(&world, verb, old) {
        for nth in 1..=times {
            reset(&world, old);
            let what = format!("{call} no. {nth}, {fault}");
            let inject = format!("inject={call}:{fault}:when={nth}");
            let output = traced(&world, &["-e", &inject], verb).output().expect("strace starts");
            assert_eq!(canary(&output.stderr), None, "{what}: a value in a message");
            points += 1;
            let now = world.read("f.yaml");
            if now != old {
                changed += 1;
                assert!(is_new(&world, &now, is_encrypting), "{what}: the file is torn");
            }
            left += check_leftovers(&world, &what, is_encrypting);
        }
    }
    assert!(changed > 0, "no point was behind the replacement");
    say(&format!(
        "torn {} {fault}: {points} points, {changed} behind the replacement, {left} left-over files, 0 torn",
        verb[0]
    ));
}

/// Traces one run and returns how often it makes each system call.
fn calls(world: &World, verb: &[&str], old: &[u8]) -> BTreeMap<String, usize> {
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

fn traced(world: &World, options: &[&str], verb: &[&str]) -> std::process::Command {
    let mut command = world.command("strace");
    command.args(["-f", "-qq"]).args(options);
    if !options.contains(&"-o") {
        command.args(["-o", "/dev/null"]);
    }
    command.arg(env!("CARGO_BIN_EXE_sops")).args(verb);
    if verb == ENCRYPT {
        command.args(["--age", ALICE_RECIPIENT.trim()]);
    }
    command.arg("f.yaml");
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

/// The new file of `decrypt` is the plain text; that of `encrypt` has other random bytes each time and decrypts to it.
fn is_new(world: &World, now: &[u8], is_encrypting: bool) -> bool {
    if !is_encrypting {
        return now == SECRET.as_bytes();
    }
    world.write("now.yaml", now);
    let plain = world.succeeds(&["decrypt", "now.yaml"]);
    std::fs::remove_file(world.path("now.yaml")).expect("just written");
    plain == SECRET.as_bytes()
}

/// Everything but the file itself and the identity.
fn leftovers(world: &World) -> Vec<PathBuf> {
    let expected = |p: &PathBuf| p.ends_with("work/f.yaml") || p.ends_with("sops/age/keys.txt");
    world.files().into_iter().filter(|p| !expected(p)).collect()
}

/// A temporary file beside the target may stay behind a kill. It holds what the target was to hold, so a plain value only
/// when decrypting, and is the owner's alone.
fn check_leftovers(world: &World, what: &str, is_encrypting: bool) -> usize {
    let found = leftovers(world);
    for path in &found {
        let name = path.display();
        assert_eq!(path.parent(), world.path("f.yaml").parent(), "{what}: {name} is not beside the target");
        let bytes = std::fs::read(path).expect("a readable file");
        assert!(!is_encrypting || canary(&bytes).is_none(), "{what}: a plain value in {name}");
        let mode = std::fs::metadata(path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{what}: {name} is open to others");
    }
    found.len()
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("standard output");
}
