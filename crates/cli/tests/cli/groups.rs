//! `groups`: every change leaves a file that the keys of enough groups open, or no change at all.

use crate::world::{ALICE, ALICE_RECIPIENT, BOB, BOB_RECIPIENT, World};

const PLAIN: &str = "a: one\nb: 2\n";

fn encrypted() -> World {
    let world = World::with_key();
    world.write("f.yaml", PLAIN);
    world.succeeds(&["encrypt", "--age", ALICE_RECIPIENT.trim(), "-i", "f.yaml"]);
    world
}

#[test]
fn a_second_group_is_needed_from_then_on_and_values_keep_their_tokens() {
    let world = encrypted();
    let token = |text: &str| text.lines().next().map(str::to_owned);
    let before = token(&world.text("f.yaml"));
    let printed = world.succeeds(&["groups", "add", "-f", "f.yaml", "--age", BOB_RECIPIENT.trim()]);
    assert!(!world.text("f.yaml").contains("key_groups"), "without -i the file stays");
    world.succeeds(&["groups", "add", "-i", "-f", "f.yaml", "--age", BOB_RECIPIENT.trim()]);
    let text = world.text("f.yaml");
    assert!(text.contains("shamir_threshold: 2") && String::from_utf8_lossy(&printed).contains("shamir_threshold: 2"));
    assert_eq!(token(&text), before);
    world.fails(&["decrypt", "f.yaml"], 128);
    world.place_identity(&format!("{ALICE}\n{BOB}"));
    assert_eq!(world.succeeds(&["decrypt", "f.yaml"]), PLAIN.as_bytes());

    let message = world.fails(&["groups", "delete", "-i", "-f", "f.yaml", "1"], 1);
    assert!(message.contains("impossible to satisfy") && message.contains("--shamir-secret-sharing-threshold 1"));
    assert_eq!(world.text("f.yaml"), text);
    let one = ["--shamir-secret-sharing-threshold", "1", "1"];
    world.succeeds(&[&["groups", "delete", "-i", "-f", "f.yaml"][..], &one].concat());
    world.place_identity(ALICE);
    assert_eq!(world.succeeds(&["decrypt", "f.yaml"]), PLAIN.as_bytes());
}

#[test]
fn a_group_that_cannot_be_used_is_refused_and_the_file_stays() {
    let world = encrypted();
    let before = world.text("f.yaml");
    let add = ["groups", "add", "-i", "-f", "f.yaml"];
    let several = ["--age", BOB_RECIPIENT.trim(), "--shamir-secret-sharing-threshold"];
    for (rest, word) in [
        (&[][..], "no key"),
        (&["--age", "AGE-SECRET-KEY-1CANARY"], "--age"),
        (&["--kms", "arn:aws:kms:eu-west-1:1:key/x"], "arn:aws:kms:eu-west-1:1:key/x"),
        (&[several.as_slice(), &["1"]].concat(), "threshold must be at least 2"),
        (&[several.as_slice(), &["3"]].concat(), "impossible to satisfy"),
        (&[several.as_slice(), &["-1"]].concat(), "small positive number"),
        (&["x", "--age", BOB_RECIPIENT.trim()], "no positional"),
    ] {
        let message = world.fails(&[&add[..], rest].concat(), 1);
        assert!(message.contains(word) && !message.contains("CANARY"), "{rest:?}: {message}");
        assert_eq!(world.text("f.yaml"), before, "{rest:?}");
    }
    for (index, word) in [("0", "last key group"), ("1", "no key group 1"), ("x", "expected a number")] {
        let message = world.fails(&["groups", "delete", "-i", "-f", "f.yaml", index], 1);
        assert!(message.contains(word), "{index}: {message}");
    }
    assert_eq!(world.text("f.yaml"), before);
    assert!(world.fails(&["groups", "add", "--age", BOB_RECIPIENT.trim()], 2).contains("-f FILE"));
}
