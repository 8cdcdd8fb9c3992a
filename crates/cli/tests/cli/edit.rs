//! `edit` with all that can go wrong around it: editors, signals, other writers. The editors are shell lines.

use crate::world::{ALICE, ALICE_RECIPIENT, SECRET, World, canary};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// An editor that changes one value.
const CHANGES: &str = "sed -i s/5432/6543/";

fn encrypted() -> World {
    let world = World::with_key();
    world.write("f.yaml", SECRET);
    let rule = ["--encrypted-regex", "^(data|stringData)$", "--in-place", "f.yaml"];
    world.succeeds(&[&["encrypt", "--age", ALICE_RECIPIENT.trim()], &rule[..]].concat());
    world
}

fn command(world: &World, editor: &str, args: &[&str]) -> Command {
    let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
    command.env("EDITOR", editor).arg("edit").args(args);
    command
}

/// An editor that is a line of shell, with the private copy as `$1`.
fn shell(line: &str) -> String {
    format!("sh -c \"{}\" editor", line.replace('\\', "\\\\").replace('"', "\\\""))
}

fn edit(world: &World, editor: &str, args: &[&str]) -> Output {
    command(world, editor, args).output().expect("the command starts")
}

/// Expects a failure that prints no value and leaves none anywhere; returns the message.
fn fails(world: &World, editor: &str, args: &[&str], code: i32) -> String {
    let output = edit(world, editor, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{editor}: {stderr}");
    assert_eq!(canary(&output.stderr), None, "{stderr}");
    no_value_is_left(world);
    stderr
}

fn no_value_is_left(world: &World) {
    for path in world.files() {
        let bytes = std::fs::read(&path).expect("a readable file");
        assert_eq!(canary(&bytes), None, "{}", path.display());
    }
    for place in ["run", "tmp"] {
        let folders: Vec<_> = std::fs::read_dir(world.place(place)).expect("a folder").collect();
        assert!(folders.iter().flatten().all(|entry| entry.path().is_file()), "{place}: {folders:?}");
    }
}

/// Returns the file that a message says the edit is kept in.
fn kept(message: &str) -> PathBuf {
    let name = message.split_once("your edit is not lost: ").and_then(|(_, rest)| rest.split_once(" holds it"));
    PathBuf::from(name.unwrap_or_else(|| panic!("no kept file is named: {message}")).0)
}

fn plain(world: &World, path: &Path) -> String {
    String::from_utf8(world.succeeds(&["decrypt", path.to_str().expect("a UTF-8 path")])).expect("UTF-8")
}

fn changed() -> String {
    SECRET.replace("5432", "6543")
}

#[test]
fn only_the_changed_value_gets_a_new_token() {
    let world = encrypted();
    let before = world.text("f.yaml");
    let output = edit(&world, CHANGES, &["f.yaml"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(plain(&world, &world.path("f.yaml")), changed());
    let differs = |(old, new): &(&str, &str)| old != new;
    let after = world.text("f.yaml");
    let lines: Vec<_> = before.lines().zip(after.lines()).filter(differs).map(|(_, new)| new.trim_start()).collect();
    let starts: Vec<_> = lines.iter().map(|line| line.split(':').next().expect("a key")).collect();
    assert!(matches!(starts[..], ["DB_PORT", "mac"] | ["DB_PORT", "lastmodified", "mac"]), "{starts:?}");
    no_value_is_left(&world);
}

#[test]
fn the_editor_works_in_private_and_is_told_no_secret() {
    let world = encrypted();
    let look =
        "stat -c '%a %n' $(dirname $1) $1 > seen; env >> seen; ls -A $(dirname $1) >> seen; sed -i s/5432/6543/ $1";
    let secrets = [("SOPS_AGE_KEY", ALICE), ("AWS_SECRET_ACCESS_KEY", "canary"), ("VAULT_TOKEN", "canary")];
    let mut command = command(&world, &shell(look), &["f.yaml"]);
    let output = command.envs(secrets).env("COLOUR", "blue").output().expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = world.text("seen");
    let first: Vec<_> = seen.lines().take(2).map(|line| line.split(' ').next().expect("a mode")).collect();
    assert_eq!(first, ["700", "600"]);
    assert!(seen.contains("COLOUR=blue") && seen.ends_with("\nf.yaml\n"), "{seen}");
    assert!(!seen.contains("AGE-SECRET-KEY") && !seen.contains("canary"), "{seen}");
    no_value_is_left(&world);
}

#[test]
fn the_private_folder_is_in_memory_where_there_is_no_place_for_the_user() {
    let world = encrypted();
    let editor = shell("echo $1 > seen");
    // Unset, a place that takes nothing, and one that depends on the working directory.
    for variable in [None, Some("/proc"), Some("run")] {
        let mut command = command(&world, &editor, &["f.yaml"]);
        match variable {
            None => command.env_remove("XDG_RUNTIME_DIR"),
            Some(place) => command.env("XDG_RUNTIME_DIR", place),
        };
        assert_eq!(command.output().expect("the command starts").status.code(), Some(200));
        let seen = world.text("seen");
        assert!(seen.starts_with("/dev/shm/sops-edit-"), "{variable:?}: {seen}");
        assert!(!Path::new(seen.trim_end()).parent().expect("a folder").exists(), "{seen}");
    }
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    let world = encrypted();
    let before = world.read("f.yaml");
    for editor in ["false", "no-such-editor", "'open", &shell("echo sk_test_not > $1; exit 3"), &shell("kill -KILL $$")]
    {
        let message = fails(&world, editor, &["f.yaml"], 201);
        assert!(message.contains("Could not run editor"), "{message}");
        assert_eq!(world.read("f.yaml"), before);
    }
    fails(&world, &shell("rm $1"), &["f.yaml"], 2);
    fails(&world, "true", &["f.yaml"], 200);
    assert_eq!(world.read("f.yaml"), before);
}

#[test]
fn an_edit_without_a_person_that_stays_broken_ends() {
    let world = encrypted();
    let before = world.read("f.yaml");
    let garbage = [
        "printf 'sk_test_not: [\\n' > $1",
        "printf '\\377\\376x' > $1",
        ": > $1",
        "printf 'a: 1\\nsops: 2\\n' > $1",
        "printf '1: sk_test_not\\n' > $1",
        "printf 'a: &x 1\\na: 2\\n' > $1",
    ];
    for line in garbage {
        let message = fails(&world, &shell(line), &["f.yaml"], 1);
        assert!(message.contains("Press enter"), "{line}: {message}");
        assert_eq!(world.read("f.yaml"), before, "{line}");
    }
    // Somebody who presses enter for ever is no person either.
    let answers = world.command("yes").stdout(Stdio::piped()).spawn();
    let mut answers = answers.expect("the command starts");
    let mut command = command(&world, &shell("echo \"a: [$(wc -c < rounds)\" > $1; echo >> rounds"), &["f.yaml"]);
    world.write("rounds", "");
    let output = command.stdin(answers.stdout.take().expect("a pipe")).output().expect("the command starts");
    drop(command);
    answers.wait().expect("yes ends when nobody reads");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(world.read("f.yaml"), before);
    no_value_is_left(&world);
}

#[test]
fn a_broken_text_is_given_back_to_the_person() {
    let world = encrypted();
    let editor = shell(
        "[ -e once ] && { grep -q oops $1 && sed -i -e s/5432/6543/ -e /oops/d $1; exit; }; touch once; echo '  oops: [' >> $1",
    );
    let mut command = command(&world, &editor, &["f.yaml"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"\n").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(plain(&world, &world.path("f.yaml")), changed());
}

#[test]
fn a_signal_removes_the_private_copy_and_changes_nothing() {
    let world = encrypted();
    let before = world.read("f.yaml");
    for signal in ["INT", "TERM", "HUP"] {
        // The editor lives on for a moment and saves once more.
        let line = format!("touch edited; kill -{signal} $PPID; sleep 0.3; cat f.yaml > $1");
        let message = fails(&world, &shell(&line), &["f.yaml"], 1);
        assert!(message.contains("User canceled operation"), "{signal}: {message}");
        assert_eq!(world.read("f.yaml"), before, "{signal}");
        std::fs::remove_file(world.path("edited")).expect("the editor ran");
    }
}

#[test]
fn what_a_kill_left_behind_is_told_by_the_next_edit() {
    let world = encrypted();
    let output = edit(&world, &shell("echo $1 > seen; kill -KILL $PPID"), &["f.yaml"]);
    assert_eq!(output.status.code(), None);
    let left = world.text("seen");
    let left = Path::new(left.trim_end()).parent().expect("a folder");
    let output = edit(&world, CHANGES, &["f.yaml"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && message.contains(left.to_str().expect("UTF-8")), "{message}");
    std::fs::remove_dir_all(left).expect("it is still there");
    no_value_is_left(&world);
}

#[test]
fn another_writer_is_never_overwritten_and_the_edit_is_kept() {
    let world = encrypted();
    let before = world.read("f.yaml");
    let other = [&before[..], b"# theirs\n"].concat();
    world.write("other.yaml", &other);
    for line in ["cp other.yaml f.yaml", "cp other.yaml new; mv new f.yaml", "rm f.yaml", "rm f.yaml; mkdir f.yaml"] {
        world.write("f.yaml", &before);
        let editor = shell(&format!("sed -i s/5432/6543/ $1; {line}"));
        let output = edit(&world, &editor, &["f.yaml"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{line}: {message}");
        match line.contains("rm ") {
            false => assert_eq!(world.read("f.yaml"), other, "{line}"),
            true => assert!(!world.path("f.yaml").is_file(), "{line}"),
        }
        let kept = kept(&message);
        assert_eq!(plain(&world, &kept), changed(), "{line}");
        assert_eq!(std::fs::metadata(&kept).expect("a file").permissions().mode() & 0o777, 0o600);
        no_value_is_left(&world);
        let _not_always_there = std::fs::remove_dir(world.path("f.yaml"));
    }
}

#[test]
fn our_own_commands_do_not_wait_for_an_editor_and_are_not_overwritten() {
    let world = encrypted();
    let sops = env!("CARGO_BIN_EXE_sops");
    let set = r#"SOPS set f.yaml '["stringData"]["DB_USER"]' '"other"'"#.replace("SOPS", sops);
    let message = fails(&world, &shell(&format!("sed -i s/5432/6543/ $1; {set}")), &["f.yaml"], 1);
    assert!(message.contains("changed on disk"), "{message}");
    assert_eq!(plain(&world, &kept(&message)), changed());
    assert!(plain(&world, &world.path("f.yaml")).contains("DB_USER: 'other'"));
}

#[test]
fn after_another_writer_the_person_may_go_on_with_both_texts() {
    let world = encrypted();
    let other = [&world.read("f.yaml")[..], b"# theirs\n"].concat();
    world.write("other.yaml", &other);
    let both = "cd $(dirname $1) && grep -q 6543 edited-f.yaml && grep -q theirs f.yaml && sed -i s/5432/6543/ f.yaml";
    let editor =
        shell(&format!("[ -e once ] && {{ {both}; exit; }}; touch once; sed -i s/5432/6543/ $1; cp other.yaml f.yaml"));
    let mut command = command(&world, &editor, &["f.yaml"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"\n").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && message.contains("changed on disk"), "{message}");
    assert_eq!(plain(&world, &world.path("f.yaml")), changed() + "# theirs\n");
    assert!(!kept(&message).exists(), "the edit is in the file, nothing is left to keep: {message}");
    no_value_is_left(&world);
}

#[test]
fn a_person_who_does_not_go_on_is_told_again_where_the_edit_is() {
    let world = encrypted();
    let other = [&world.read("f.yaml")[..], b"# theirs\n"].concat();
    world.write("other.yaml", &other);
    // The second time nothing is changed.
    let editor = shell("[ -e once ] && exit; touch once; sed -i s/5432/6543/ $1; cp other.yaml f.yaml");
    let mut command = command(&world, &editor, &["f.yaml"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"\n").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(200), "{message}");
    let (_, last) = message.split_once("has not changed").expect("the reason");
    assert_eq!(plain(&world, &kept(last)), changed());
    assert_eq!(world.read("f.yaml"), other);
    no_value_is_left(&world);
}

#[test]
fn a_new_file_appears_when_it_is_saved() {
    let world = World::with_key();
    let args = ["--age", ALICE_RECIPIENT.trim(), "new.yaml"];
    let message = fails(&world, "true", &args, 200);
    assert!(message.contains("has not changed") && !world.path("new.yaml").exists(), "{message}");
    assert!(edit(&world, &shell("printf 'k: v\\n' > $1"), &args).status.success());
    assert_eq!(plain(&world, &world.path("new.yaml")), "k: v\n");
}

#[test]
fn a_new_file_that_somebody_else_made_is_left_alone() {
    let world = World::with_key();
    let args = ["--age", ALICE_RECIPIENT.trim(), "new.yaml"];
    let message = fails(&world, &shell("printf 'k: v\\n' > $1; echo theirs > new.yaml"), &args, 1);
    assert_eq!(world.text("new.yaml"), "theirs\n");
    assert_eq!(plain(&world, &kept(&message)), "k: v\n");
}

#[test]
fn an_edit_that_cannot_be_written_is_kept() {
    let world = World::with_key();
    let args = ["--age", ALICE_RECIPIENT.trim(), "there/new.yaml"];
    std::fs::create_dir(world.path("there")).expect("a folder");
    let message = fails(&world, &shell("printf 'k: v\\n' > $1; rmdir there"), &args, 3);
    let kept = kept(&message);
    assert!(kept.starts_with(world.place("run")), "{message}");
    assert_eq!(plain(&world, &kept), "k: v\n");
}

#[test]
fn a_new_file_without_a_folder_is_refused_before_anybody_writes_it() {
    let world = World::with_key();
    world.write("file", "");
    for name in ["none/new.yaml", "file/new.yaml"] {
        let message = fails(&world, &shell("touch ran"), &["--age", ALICE_RECIPIENT.trim(), name], 3);
        assert!(message.contains("Could not open in-place file for writing"), "{message}");
        assert!(!world.path("ran").exists(), "{name}");
        assert_eq!(std::fs::read_dir(world.place("run")).expect("a folder").count(), 0, "{name}");
    }
}

#[test]
fn shown_metadata_are_not_edited() {
    let world = encrypted();
    let before = world.read("f.yaml");
    let bob = crate::world::BOB_RECIPIENT.trim();
    let message =
        fails(&world, &shell(&format!("sed -i 's/recipient: .*/recipient: {bob}/' $1")), &["-s", "f.yaml"], 1);
    assert!(message.contains("shown only"), "{message}");
    fails(&world, &shell("sed -i '/^sops:/,$d' $1"), &["-s", "f.yaml"], 1);
    fails(&world, &shell("sed -i 's/version: 3.*/version: 2.0.0/' $1"), &["-s", "f.yaml"], 202);
    assert_eq!(world.read("f.yaml"), before);
    assert!(edit(&world, CHANGES, &["-s", "f.yaml"]).status.success());
    assert_eq!(plain(&world, &world.path("f.yaml")), changed());
}
