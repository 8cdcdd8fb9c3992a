//! The story of the README: a key, a Secret, encrypted in place, decrypted again; and how each step can fail.

use crate::world::{ALICE, ALICE_RECIPIENT, SECRET, World, canary};

const RULE: [&str; 2] = ["--encrypted-regex", "^(data|stringData)$"];

fn encrypt_in_place(world: &World, recipient: &str) {
    let args = [&["encrypt", "--age", recipient], &RULE[..], &["--in-place", "my-secret.yaml"]].concat();
    assert_eq!(world.succeeds(&args), b"");
}

fn encrypted() -> World {
    let world = World::with_key();
    world.write("my-secret.yaml", SECRET);
    encrypt_in_place(&world, ALICE_RECIPIENT.trim());
    world
}

#[test]
fn a_secret_is_encrypted_in_place_and_comes_back_byte_for_byte() {
    let world = World::new();
    world.write("my-secret.yaml", SECRET);
    assert!(world.sops(&["keygen", "--output", "keys.txt"]).status.success());
    let keys = world.text("keys.txt");
    let recipient = keys.lines().find_map(|l| l.strip_prefix("# public key: ")).expect("an age-keygen file");
    encrypt_in_place(&world, recipient);

    let text = world.text("my-secret.yaml");
    assert_eq!(canary(text.as_bytes()), None);
    let clear = SECRET.split("stringData:").next().expect("text in front of the values");
    assert!(text.starts_with(clear), "text outside encrypted values stays: {text}");
    assert!(text.contains("encrypted_regex: ^(data|stringData)$"), "{text}");
    assert!(text.contains(&format!("recipient: {recipient}")), "{text}");

    world.place_identity(&keys);
    assert_eq!(String::from_utf8_lossy(&world.succeeds(&["decrypt", "my-secret.yaml"])), SECRET);
    assert_eq!(world.text("my-secret.yaml"), text, "decrypt without --in-place touches nothing");
    world.succeeds(&["decrypt", "--in-place", "my-secret.yaml"]);
    assert_eq!(world.text("my-secret.yaml"), SECRET);
}

#[test]
fn the_old_spelling_does_the_same() {
    let world = World::with_key();
    world.write("my-secret.yaml", SECRET);
    world.succeeds(&["-e", "-i", "--age", ALICE_RECIPIENT.trim(), RULE[0], RULE[1], "my-secret.yaml"]);
    assert_eq!(canary(&world.read("my-secret.yaml")), None);
    world.succeeds(&["-d", "-i", "my-secret.yaml"]);
    assert_eq!(world.text("my-secret.yaml"), SECRET);
}

#[test]
fn one_value_can_be_taken_out() {
    let world = encrypted();
    let value = world.succeeds(&["decrypt", "--extract", r#"["stringData"]["DB_PORT"]"#, "my-secret.yaml"]);
    assert_eq!(String::from_utf8_lossy(&value), "5432");
}

#[test]
fn filestatus_tells_plain_from_encrypted() {
    let world = encrypted();
    world.write("plain.yaml", SECRET);
    let status = |file| String::from_utf8(world.succeeds(&["filestatus", file])).expect("JSON");
    assert_eq!(status("my-secret.yaml").trim_end(), r#"{"encrypted":true}"#);
    assert_eq!(status("plain.yaml").trim_end(), r#"{"encrypted":false}"#);
}

#[test]
fn keygen_keeps_an_existing_file_and_writes_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let made = world.sops(&["keygen", "--output", "keys.txt"]);
    assert!(made.status.success());
    assert!(!String::from_utf8_lossy(&made.stderr).contains("AGE-SECRET-KEY"), "only the public half is shown");
    let first = world.text("keys.txt");
    assert_eq!(std::fs::metadata(world.path("keys.txt")).expect("a file").permissions().mode() & 0o777, 0o600);
    let output = world.sops(&["keygen", "--output", "keys.txt"]);
    assert!(!output.status.success());
    assert_eq!(world.text("keys.txt"), first);
}

#[test]
fn without_the_key_nothing_opens_and_the_file_stays() {
    let world = encrypted();
    let before = world.read("my-secret.yaml");
    world.place_identity(include_str!("../../../../fixtures/keys/bob.agekey"));
    let message = world.fails(&["decrypt", "--in-place", "my-secret.yaml"], 128);
    assert!(message.contains("age1"), "says which key is needed: {message}");
    assert!(!message.contains("AGE-SECRET-KEY"), "{message}");
    assert_eq!(world.read("my-secret.yaml"), before);
}

#[test]
fn a_clear_value_that_was_changed_is_noticed() {
    let world = encrypted();
    let text = world.text("my-secret.yaml").replace("namespace: payments", "namespace: attacker");
    world.write("my-secret.yaml", &text);
    let message = world.fails(&["decrypt", "--in-place", "my-secret.yaml"], 51);
    assert_eq!(canary(message.as_bytes()), None);
    assert!(!message.contains("attacker"), "{message}");
    assert_eq!(world.text("my-secret.yaml"), text);
    let anyway = world.sops(&["decrypt", "--ignore-mac", "my-secret.yaml"]);
    assert!(anyway.status.success(), "--ignore-mac insists");
}

#[test]
fn an_encrypted_value_that_was_moved_is_noticed() {
    let world = encrypted();
    let text = world.text("my-secret.yaml");
    let token = |key: &str| {
        let line = text.lines().find(|l| l.trim_start().starts_with(key)).expect("a line with the key");
        let start = line.find("ENC[").expect("a token");
        line[start..=line.find(']').expect("a token's end")].to_string()
    };
    let (host, user) = (token("DB_HOST:"), token("DB_USER:"));
    world.write("my-secret.yaml", text.replace(&host, "@").replace(&user, &host).replace('@', &user));
    let message = world.fails(&["decrypt", "my-secret.yaml"], 25);
    assert!(message.contains("DB_"), "names the place: {message}");
    assert!(!message.contains("ENC["), "{message}");
}

#[test]
fn what_is_encrypted_is_not_encrypted_again_and_what_is_plain_is_not_decrypted() {
    let world = encrypted();
    let before = world.read("my-secret.yaml");
    world.fails(&["encrypt", "--age", ALICE_RECIPIENT.trim(), "--in-place", "my-secret.yaml"], 203);
    assert_eq!(world.read("my-secret.yaml"), before);
    world.write("plain.yaml", SECRET);
    let message = world.fails(&["decrypt", "--in-place", "plain.yaml"], 1);
    assert_eq!(canary(message.as_bytes()), None);
    assert_eq!(world.text("plain.yaml"), SECRET);
}

#[test]
fn broken_yaml_is_refused_without_a_word_of_it() {
    let world = World::with_key();
    let broken = format!("{SECRET}  oops: \"no end sk_test_not");
    world.write("broken.yaml", &broken);
    let message = world.fails(&["encrypt", "--age", ALICE_RECIPIENT.trim(), "--in-place", "broken.yaml"], 2);
    assert_eq!(canary(message.as_bytes()), None);
    assert!(message.contains("line"), "says where: {message}");
    assert_eq!(world.text("broken.yaml"), broken);
}

#[test]
fn a_key_from_the_environment_is_enough() {
    let world = encrypted();
    world.place_identity("");
    let sops = env!("CARGO_BIN_EXE_sops");
    let output = world.command(sops).args(["decrypt", "my-secret.yaml"]).env("SOPS_AGE_KEY", ALICE).output();
    assert_eq!(String::from_utf8_lossy(&output.expect("the command starts").stdout), SECRET);
}
