//! `set`, `unset`, `rotate` and `updatekeys`: their mistakes tell nothing, and nothing gets lost between two of them.

use crate::world::{ALICE_RECIPIENT, BOB, BOB_RECIPIENT, World};
use std::io::{Read, Write};
use std::process::Stdio;

const PLAIN: &str = "\
name: demo # a comment
db:
    user: admin
    port: 5432
hosts:
    # first
    - alpha
    - beta
";

/// No message may hold this.
const CANARY: &str = "hunter2canary";

fn encrypted(recipients: &[&str]) -> World {
    let world = World::with_key();
    world.write("f.yaml", PLAIN);
    let recipients: Vec<_> = recipients.iter().map(|r| r.trim()).collect();
    world.succeeds(&["encrypt", "--in-place", "--age", &recipients.join(","), "f.yaml"]);
    world
}

fn plain(world: &World) -> String {
    String::from_utf8(world.succeeds(&["decrypt", "f.yaml"])).expect("UTF-8")
}

#[test]
fn set_keeps_integers_exact_and_the_rest_as_it_is() {
    let world = encrypted(&[ALICE_RECIPIENT]);
    for number in ["9007199254740993", "-9223372036854775808", "9223372036854775807"] {
        world.succeeds(&["set", "f.yaml", r#"["db"]["port"]"#, number]);
        assert_eq!(plain(&world), PLAIN.replace("5432", number));
    }
    let before = world.read("f.yaml");
    world.succeeds(&["set", "--idempotent", "f.yaml", r#"["db"]["port"]"#, "9223372036854775807"]);
    assert_eq!(world.read("f.yaml"), before);
    for number in ["18446744073709551615", "18446744073709551616"] {
        world.fails(&["set", "f.yaml", r#"["db"]["port"]"#, number], 7);
    }
    // A float without a fraction has no spelling of its own in the reference.
    world.succeeds(&["set", "f.yaml", r#"["db"]["port"]"#, "5.0"]);
    assert_eq!(plain(&world), PLAIN.replace("5432", "5"));
    world.succeeds(&["set", "f.yaml", r#"["db_unencrypted"]"#, "5.0"]);
    assert!(plain(&world).ends_with("db_unencrypted: 5\n"));
    world.succeeds(&["unset", "f.yaml", r#"["db_unencrypted"]"#]);
    world.succeeds(&["unset", "f.yaml", r#"["db"]["port"]"#]);
    assert_eq!(plain(&world), PLAIN.replace("    port: 5432\n", ""));
}

#[test]
fn a_value_may_come_from_a_file_or_standard_input() {
    let world = encrypted(&[ALICE_RECIPIENT]);
    world.write("v.json", " \"from a file\"\n");
    world.succeeds(&["set", "--value-file", "f.yaml", r#"["name"]"#, "v.json"]);
    assert_eq!(plain(&world), PLAIN.replace("demo", "from a file"));
    let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
    command.args(["set", "f.yaml", r#"["name"]"#, "--value-stdin"]).stdin(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(b"\"piped\"").expect("it reads");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(plain(&world), PLAIN.replace("demo", "piped"));
}

#[test]
fn a_mistake_changes_nothing_and_tells_no_value() {
    let world = encrypted(&[ALICE_RECIPIENT]);
    let before = world.read("f.yaml");
    let text = format!("\"{CANARY}\"");
    world.write("v.json", format!("{{\"a\": {text}, {CANARY}"));
    world.write("bytes", [CANARY.as_bytes(), b"\xff"].concat());
    let cases: &[(&[&str], i32)] = &[
        (&["set", "f.yaml", r#"["name"]"#, CANARY], 7),
        (&["set", "f.yaml", r#"["name"]"#, &format!("{text} {text}")], 7),
        (&["set", "f.yaml", r#"["name"]"#, &format!("{{\"{CANARY}\": 1, \"{CANARY}\": 2}}")], 7),
        (&["set", "f.yaml", r#"["name"]"#, &format!("'{CANARY}'")], 7),
        (&["set", "--value-file", "f.yaml", r#"["name"]"#, "v.json"], 7),
        (&["set", "--value-file", "f.yaml", r#"["name"]"#, "bytes"], 7),
        (&["set", "--value-file", "f.yaml", r#"["name"]"#, "none.json"], 1),
        (&["set", "f.yaml", r#"["hosts"]["x"]"#, &text], 1),
        (&["set", "f.yaml", r#"["hosts"][-1]"#, &text], 1),
        (&["set", "f.yaml", r#"["db"][0]"#, &text], 1),
        (&["set", "f.yaml", "name", &text], 7),
        (&["set", "f.yaml", "", &text], 7),
        (&["set", "f.yaml", r#"["sops"]["mac"]"#, &text], 203),
        (&["set", "none.yaml", r#"["name"]"#, &text], 2),
        (&["set", "f.yaml", r#"["name"]"#], 100),
        (&["--set", &format!("[\"name\"] {CANARY}"), "f.yaml"], 7),
        (&["--set", &format!("[\"name\"]{text}"), "f.yaml"], 7),
        (&["unset", "f.yaml", r#"["name"]["x"]"#], 1),
        (&["unset", "--idempotent", "f.yaml", r#"["name"]["x"]"#], 1),
        (&["unset", "f.yaml", r#"["hosts"]["x"]"#], 1),
        (&["unset", "f.yaml", r#"["hosts"][2]"#], 1),
        (&["unset", "f.yaml", r#"["hosts"][-1]"#], 1),
        (&["unset", "f.yaml", "[]"], 7),
        (&["rotate", "-i", "--add-age", CANARY, "f.yaml"], 1),
        (&["rotate", "-i", "--rm-age", ALICE_RECIPIENT.trim(), "f.yaml"], 1),
    ];
    for (args, code) in cases {
        let message = world.fails(args, *code);
        assert!(!message.contains(CANARY), "{args:?}: {message}");
        assert_eq!(world.read("f.yaml"), before, "{args:?}");
    }
    world.succeeds(&["unset", "--idempotent", "f.yaml", r#"["hosts"][2]"#]);
    world.succeeds(&["unset", "--idempotent", "f.yaml", r#"["none"]["x"]"#]);
    assert_eq!(world.read("f.yaml"), before);
}

#[test]
fn a_path_into_a_single_value_takes_its_place_and_comments_do_not_count() {
    let world = encrypted(&[ALICE_RECIPIENT]);
    world.succeeds(&["set", "f.yaml", r#"["db"]["user"]["first"]"#, r#""admin""#]);
    world.succeeds(&["set", "f.yaml", r#"["hosts"][0]"#, r#""gamma""#]);
    let expected = PLAIN.replace("user: admin", "user:\n        first: admin").replace("alpha", "gamma");
    assert_eq!(plain(&world), expected);
}

#[test]
fn rotate_removes_every_copy_of_a_key() {
    let world = encrypted(&[ALICE_RECIPIENT, BOB_RECIPIENT, BOB_RECIPIENT]);
    let copies = |world: &World| world.text("f.yaml").matches(BOB_RECIPIENT.trim()).count();
    assert_eq!(copies(&world), 2);
    let before = world.text("f.yaml");
    world.succeeds(&["rotate", "-i", "--rm-age", BOB_RECIPIENT.trim(), "f.yaml"]);
    assert_eq!((copies(&world), plain(&world).as_str()), (0, PLAIN));
    let tokens = before.lines().filter(|line| line.contains("ENC["));
    assert!(tokens.clone().count() > 5 && tokens.into_iter().all(|line| !world.text("f.yaml").contains(line)));
    world.place_identity(BOB);
    world.fails(&["decrypt", "f.yaml"], 128);
}

#[test]
fn rotate_adds_a_key_once_and_names_those_that_nobody_asked_for() {
    let world = encrypted(&[ALICE_RECIPIENT]);
    world.succeeds(&["rotate", "-i", "--add-age", BOB_RECIPIENT.trim(), "f.yaml"]);
    world.succeeds(&["rotate", "-i", "--add-age", BOB_RECIPIENT.trim(), "f.yaml"]);
    assert_eq!(world.text("f.yaml").matches(BOB_RECIPIENT.trim()).count(), 1);
    world.write(".sops.yaml", format!("creation_rules:\n  - age: {ALICE_RECIPIENT}"));
    let output = world.sops(&["rotate", "--output", "out.yaml", "f.yaml"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && message.contains(BOB_RECIPIENT.trim()), "{message}");
    assert!(!message.contains(ALICE_RECIPIENT.trim()), "{message}");
    assert_ne!(world.read("out.yaml"), world.read("f.yaml"));
}

#[test]
fn a_value_set_while_a_person_thinks_about_keys_is_kept() {
    let world = encrypted(&[ALICE_RECIPIENT]);
    let rule = format!("creation_rules:\n  - age: {},{}\n", ALICE_RECIPIENT.trim(), BOB_RECIPIENT.trim());
    world.write(".sops.yaml", &rule);
    let answered = |meanwhile: &[&str]| {
        let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
        command.args(["updatekeys", "f.yaml"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let (mut shown, mut byte) = (Vec::new(), [0]);
        let stdout = child.stdout.as_mut().expect("a pipe");
        while !shown.ends_with(b"(y/n):") {
            stdout.read_exact(&mut byte).expect("it asks");
            shown.push(byte[0]);
        }
        world.succeeds(meanwhile);
        child.stdin.take().expect("a pipe").write_all(b"y\n").expect("it reads");
        child.wait_with_output().expect("it ends")
    };
    let output = answered(&["set", "f.yaml", r#"["name"]"#, r#""other""#]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    world.place_identity(BOB);
    assert_eq!(plain(&world), PLAIN.replace("demo", "other"));

    // Keys that changed meanwhile are others than those that were shown.
    world.write(".sops.yaml", format!("creation_rules:\n  - age: {}\n", BOB_RECIPIENT.trim()));
    let output = answered(&["--config", "/dev/null", "rotate", "-i", "--rm-age", ALICE_RECIPIENT.trim(), "f.yaml"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && message.contains("changed on disk"), "{message}");
}

#[test]
fn of_many_writers_none_is_lost() {
    const WRITERS: usize = 16;
    const ROUNDS: usize = 50;
    let world = encrypted(&[ALICE_RECIPIENT]);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let world = &world;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    world.succeeds(&["set", "f.yaml", &format!(r#"["w{writer}"]["r{round}"]"#), &round.to_string()]);
                }
            });
        }
    });
    let json = world.succeeds(&["decrypt", "--output-type", "json", "f.yaml"]);
    let values: serde_yaml::Value = serde_yaml::from_slice(&json).expect("JSON");
    for writer in 0..WRITERS {
        for round in 0..ROUNDS {
            let found = values.get(format!("w{writer}")).and_then(|map| map.get(format!("r{round}")));
            assert_eq!(found.and_then(|v| v.as_u64()), Some(round as u64), "w{writer} r{round}");
        }
    }
}
