//! A disk without room: the error names the file and the reason, the file is as it was, and nothing is left beside it.
//!
//! A real one, 64 KiB in memory, in a mount namespace of its own; where the machine allows none, the test says so and is
//! skipped. `/dev/full` is the same for what is printed.

use crate::differential::say;
use crate::world::{ALICE_RECIPIENT, SECRET, World, canary};
use std::fs::File;
use std::path::Path;
use std::process::Output;

/// Mounts the disk, fills it, runs the command; then makes room and runs it again.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=64k tmpfs "$DISK" && cd "$DISK" || exit 125
cp "$FILE" f.yaml && { cat /dev/zero >filler; } 2>"$OUT/filling"
"$@" >"$OUT/stdout" 2>"$OUT/stderr"
echo $? >"$OUT/code"
cp f.yaml "$OUT/f.yaml" && ls -A >"$OUT/listing"
rm filler && "$@" >/dev/null && echo yes >"$OUT/works-with-room"
"#;

/// Runs a command on `f.yaml` on a full disk; `None` where there cannot be one.
fn on_a_full_disk(world: &World, file: &Path, args: &[&str]) -> Option<World> {
    let outcome = World::new();
    for namespace in ["-rm", "-m"] {
        let mut command = world.command("/usr/bin/env");
        command.args(["unshare", namespace, "sh", "-c", SCRIPT, "sh", env!("CARGO_BIN_EXE_sops")]).args(args);
        command.env("DISK", world.place("tmp")).env("FILE", file).env("OUT", outcome.place("work"));
        let _ = command.output();
        if outcome.path("code").exists() {
            return Some(outcome);
        }
    }
    None
}

#[test]
fn a_full_disk_is_an_error_and_the_file_stays() {
    let world = World::with_key();
    world.write("plain.yaml", SECRET);
    let selected = ["encrypt", "--age", ALICE_RECIPIENT.trim(), "--encrypted-regex", "^(data|stringData)$"];
    world.write("encrypted.yaml", world.succeeds(&[&selected[..], &["plain.yaml"]].concat()));
    let rows: [(&str, Vec<&str>); 6] = [
        ("plain.yaml", [&selected[..], &["--in-place", "f.yaml"]].concat()),
        ("encrypted.yaml", vec!["decrypt", "--in-place", "f.yaml"]),
        ("encrypted.yaml", vec!["set", "f.yaml", r#"["stringData"]["DB_USER"]"#, r#""another""#]),
        ("encrypted.yaml", vec!["unset", "f.yaml", r#"["stringData"]["DB_USER"]"#]),
        ("encrypted.yaml", vec!["rotate", "--in-place", "f.yaml"]),
        ("encrypted.yaml", vec!["decrypt", "--output", "new.yaml", "f.yaml"]),
    ];
    for (file, args) in rows {
        let Some(outcome) = on_a_full_disk(&world, &world.path(file), &args) else {
            return say("skipped: full disk, this machine allows no mount namespace");
        };
        let stderr = outcome.text("stderr");
        let target = if args.contains(&"new.yaml") { "new.yaml" } else { "f.yaml" };
        assert_eq!(stderr, format!("error: {target}: nothing was changed: no space left on device\n"), "{args:?}");
        assert_eq!(outcome.text("code"), "1\n", "{args:?}");
        assert_eq!(outcome.read("stdout"), b"", "{args:?}");
        assert!(outcome.read("f.yaml") == world.read(file), "{args:?}: the file is as it was");
        assert_eq!(outcome.text("listing"), "f.yaml\nfiller\n", "{args:?}: nothing is left beside it");
        assert!(outcome.path("works-with-room").exists(), "{args:?}: the disk was the only reason");
    }
}

#[test]
fn a_full_standard_output_is_an_error() {
    let world = World::with_key();
    world.write("plain.yaml", SECRET);
    let encrypt = ["encrypt", "--age", ALICE_RECIPIENT.trim(), "plain.yaml"];
    world.write("f.yaml", world.succeeds(&encrypt));
    let before = world.read("f.yaml");
    let run = |args: &[&str]| -> Output {
        let full = File::options().write(true).open("/dev/full").expect("a device that is always full");
        world.command(env!("CARGO_BIN_EXE_sops")).args(args).stdout(full).output().expect("the command starts")
    };
    let rows: [&[&str]; 6] = [
        &encrypt,
        &["decrypt", "f.yaml"],
        &["decrypt", "--extract", r#"["kind"]"#, "f.yaml"],
        &["decrypt", "--output", "/dev/full", "f.yaml"],
        &["rotate", "f.yaml"],
        &["filestatus", "f.yaml"],
    ];
    for args in rows {
        let output = run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.ends_with(": no space left on device\n"), "{args:?}: {stderr}");
        assert_eq!(canary(&output.stderr), None, "{args:?}");
        assert!(world.read("f.yaml") == before, "{args:?}: the file is as it was");
    }
}
