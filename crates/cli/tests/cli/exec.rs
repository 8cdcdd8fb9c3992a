//! `exec-env` and `exec-file`: what the command sees, how it ends, and that nothing plain is left behind.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{ALICE_RECIPIENT, World};

const CANARY: &str = "hunter2-canary";
const FLAT: &str = "PASSWORD: hunter2-canary\nCOUNT: 7\nNOTHING: null\n";

fn encrypted() -> World {
    let world = World::with_key();
    world.write("f.yaml", FLAT);
    world.succeeds(&["encrypt", "--age", ALICE_RECIPIENT.trim(), "-i", "f.yaml"]);
    world
}

fn sops(world: &World, args: &[&str]) -> Command {
    let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
    command.args(args);
    command
}

/// Starts a call whose command writes the file `up` when it runs.
fn started(world: &World, command: &mut Command) -> Child {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let end = Instant::now() + Duration::from_secs(20);
    while !world.path("up").exists() {
        assert!(Instant::now() < end, "the command does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn kill(child: &Child, signal: &str) {
    let done = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(done.success());
}

fn nothing_is_left(world: &World) {
    for path in world.files() {
        let text = std::fs::read(&path).expect("a readable file");
        assert!(!String::from_utf8_lossy(&text).contains(CANARY), "{}", path.display());
    }
    for place in ["tmp", "run"] {
        assert_eq!(std::fs::read_dir(world.place(place)).expect("a folder").count(), 0, "{place}");
    }
}

#[test]
fn the_status_is_the_commands() {
    let world = encrypted();
    for verb in ["exec-env", "exec-file"] {
        for code in [0, 1, 3, 128, 255] {
            let output = sops(&world, &[verb, "f.yaml", &format!("exit {code}")]).output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{verb}");
        }
        let output = sops(&world, &[verb, "f.yaml", "kill -KILL $$"]).output().unwrap();
        assert_eq!(output.status.code(), Some(255), "{verb}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("SIGKILL"));
    }
    nothing_is_left(&world);
}

#[test]
fn pristine_passes_the_values_and_nothing_else() {
    let world = encrypted();
    let mut command = sops(&world, &["exec-env", "--pristine", "f.yaml", "tr '\\0' '\\n' </proc/self/environ"]);
    let output = command.env("PARENT", "x").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The shell itself may add its folder.
    let mut names: Vec<&str> = text.lines().filter(|line| !line.starts_with("PWD=")).collect();
    names.sort_unstable();
    assert_eq!(names, ["COUNT=7", "NOTHING=", "PASSWORD=hunter2-canary"]);
}

#[test]
fn a_signal_is_passed_on_and_ends_us_in_the_same_way() {
    for (signal, number) in [("-TERM", 15), ("-HUP", 1), ("-INT", 2), ("-USR1", 10)] {
        for verb in [&["exec-env"][..], &["exec-file", "--no-fifo"], &["exec-file"]] {
            let world = encrypted();
            let args = [verb, &["f.yaml", "touch up; exec sleep 30"]].concat();
            // Without a terminal, as a supervisor runs it.
            let mut child = started(&world, sops(&world, &args).process_group(0));
            kill(&child, signal);
            assert_eq!(child.wait().unwrap().signal(), Some(number), "{verb:?} {signal}");
            nothing_is_left(&world);
        }
    }
}

#[test]
fn a_command_that_handles_the_signal_ends_in_its_own_way() {
    let world = encrypted();
    let line = "trap 'grep -c . {} >last; exit 5' TERM; touch up; while :; do sleep 0.05; done";
    let mut child = started(&world, &mut sops(&world, &["exec-file", "--no-fifo", "f.yaml", line]));
    kill(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(world.text("last"), "3\n", "the file was there until the end");
    nothing_is_left(&world);
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_we_are_to_ignore_is_ignored_by_the_command_too() {
    let world = encrypted();
    let mut command = world.command("/bin/sh");
    let line =
        format!("trap '' HUP; exec {} exec-env f.yaml 'touch up; sleep 1; echo done'", env!("CARGO_BIN_EXE_sops"));
    let mut child = started(&world, command.args(["-c", &line]));
    kill(&child, "-HUP");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_command_has_the_core_limit_that_we_were_started_with() {
    let world = encrypted();
    let sops = env!("CARGO_BIN_EXE_sops");
    let limit = "echo $(ulimit -S -c) $(ulimit -H -c)";
    for call in ["exec-env", "exec-env --same-process", "exec-file"] {
        // Where the system allows no core dumps at all there is nothing to see.
        let line = format!("ulimit -S -c 7 2>/dev/null; {limit}; exec {sops} {call} f.yaml '{limit}'");
        let output = world.command("/bin/sh").args(["-c", &line]).output().expect("the command starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let limits: Vec<&str> = text.lines().collect();
        assert!(limits.len() == 2 && limits[0] == limits[1], "{call}: {limits:?}");
    }
}

#[test]
fn a_killed_run_is_told_about_by_the_next_one() {
    let world = encrypted();
    let line = "touch up; exec sleep 30";
    let mut command = sops(&world, &["exec-file", "--no-fifo", "f.yaml", line]);
    let mut child = started(&world, command.process_group(0));
    // The whole group: the command would outlive us.
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    child.wait().unwrap();
    let output = sops(&world, &["exec-file", "f.yaml", "cat {}"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), FLAT);
    assert!(String::from_utf8_lossy(&output.stderr).contains("left behind"));
}

#[test]
fn a_pipe_serves_every_reader_and_none_is_needed() {
    let world = encrypted();
    let text = world.succeeds(&["exec-file", "f.yaml", "test -p {} && cat {} && cat {}"]);
    assert_eq!(String::from_utf8(text).unwrap(), FLAT.repeat(2));
    for _ in 0..10 {
        world.succeeds(&["exec-file", "f.yaml", "true"]);
    }
    nothing_is_left(&world);
}

#[test]
fn a_command_in_several_words_is_refused_with_the_way_to_write_it() {
    let world = encrypted();
    let message = world.fails(&["exec-env", "f.yaml", "echo", "x"], 1);
    assert!(message.contains("hint: put the command in quotes: sops exec-env FILE '"), "{message}");
    let message = world.fails(&["exec-file", "--filename", "../x", "f.yaml", "touch ran"], 1);
    assert!(message.contains("not a local path"), "{message}");
    assert!(!world.path("ran").exists());
    assert_eq!(world.succeeds(&["exec-env", "--same-process", "f.yaml", "echo $COUNT"]), b"7\n");
    world.fails(&["exec-env", "--same-process", "--background", "f.yaml", "true"], 8);
}
