//! The configuration from outside: what each mistake looks like, and who wins.

use crate::world::{ALICE_RECIPIENT, World};

const BOB_RECIPIENT: &str = include_str!("../../../../fixtures/keys/bob.recipient");
const PGP: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

/// A world with a plain file and a configuration.
fn configured(config: &str) -> World {
    let world = World::with_key();
    let config = config.replace("$A", ALICE_RECIPIENT.trim()).replace("$B", BOB_RECIPIENT.trim());
    world.write(".sops.yaml", config);
    world.write("a.yaml", "a: one\nb: two\n");
    world
}

/// Encrypts, expects success, and returns what was printed and the warnings.
fn encrypted(world: &World, args: &[&str]) -> (String, String) {
    let output = world.sops(&[&["encrypt"], args, &["a.yaml"]].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_file_line_and_column() {
    for (config, wanted) in [
        ("creation_rules:\n  - age: [$A\n", "error: .sops.yaml: error loading config: line "),
        (
            "creation_rules:\n  - path_regex: [a]\n",
            ".sops.yaml: error loading config: line 2, column 17: path_regex: expected a text",
        ),
        ("creation_rules:\n  - age: 5\n", "error: .sops.yaml: line 2, column 10: age: expected a list of keys"),
        (
            "creation_rules:\n  - age: $A\n    encrypted_regex: '('\n",
            "error: .sops.yaml: line 3, column 22: encrypted_regex: not a valid",
        ),
        (
            "creation_rules:\n  - age: $A\n  - path_regex: '('\n",
            "error: .sops.yaml: line 3, column 17: path_regex: can not compile regexp",
        ),
        ("creation_rules:\n  - encrypted_regex: a\n    encrypted_suffix: b\n", "for the same rule"),
        (
            "creation_rules:\n  - path_regex: x\n",
            "error: .sops.yaml: error loading config: no matching creation rules found",
        ),
    ] {
        let message = configured(config).fails(&["encrypt", "--in-place", "a.yaml"], 1);
        assert!(message.contains(wanted), "{config}: {message}");
    }
}

#[test]
fn a_mistake_in_a_rule_stops_nobody_from_decrypting_and_a_broken_file_does() {
    let world = configured("creation_rules:\n  - age: $A\n");
    world.write("e.yaml", encrypted(&world, &[]).0);
    world.write(".sops.yaml", "creation_rules:\n  - path_regex: '('\n    age: 5\n    encrypted-regex: x\n");
    assert_eq!(world.succeeds(&["decrypt", "e.yaml"]), b"a: one\nb: two\n");
    world.write(".sops.yaml", "creation_rules: 5\n");
    let message = world.fails(&["decrypt", "e.yaml"], 1);
    assert!(message.contains("line 1, column 17: creation_rules: expected a list of creation rules"), "{message}");
}

#[test]
fn a_misspelled_field_is_warned_about_once() {
    let world = configured("creation_rules:\n  - age: $A\n    encrypted-regex: ^b$\n");
    let expected = "warning: .sops.yaml: line 3: the field \"encrypted-regex\" of a creation rule is unknown and has no effect; \
                    did you mean \"encrypted_regex\"?\n";
    for verb in ["encrypt", "-e"] {
        let output = world.sops(&[verb, "a.yaml"]);
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected, "{verb}");
    }
}

#[test]
fn a_second_rule_that_selects_something_else_is_warned_about() {
    let world = configured(
        "creation_rules:\n  - path_regex: a\n    age: $A\n    encrypted_regex: ^a$\n  - path_regex: yaml$\n    age: $A\n",
    );
    let (text, warnings) = encrypted(&world, &[]);
    assert!(text.contains("b: two\n"), "the first rule selects: {text}");
    assert!(warnings.starts_with("warning: .sops.yaml: line 5: rule 2 matches too"), "{warnings}");
}

#[test]
fn warnings_about_keys_are_for_those_of_the_rule() {
    let world = configured("creation_rules:\n  - encrypted_regex: ^a$\n  - age: $A\n");
    let message = world.fails(&["encrypt", "a.yaml"], 1);
    assert!(
        message.contains("rule 1 is used and has no keys") && message.contains("empty key group provided"),
        "{message}"
    );
    assert_eq!(encrypted(&world, &["--age", ALICE_RECIPIENT.trim()]).1, "");
}

#[test]
fn keys_of_flags_replace_those_of_the_rule_and_its_threshold_stays() {
    let world = configured("creation_rules:\n  - pgp: unused\n    shamir_threshold: 2\n    encrypted_suffix: a\n");
    let (text, warnings) = encrypted(&world, &["--age", BOB_RECIPIENT.trim()]);
    assert!(text.contains(&format!("recipient: {BOB_RECIPIENT}")) && text.contains("shamir_threshold: 2"), "{text}");
    assert!(text.contains("encrypted_suffix: a") && !text.contains("pgp:") && warnings.is_empty(), "{text}{warnings}");
    let message = world.fails(&["encrypt", "--age", BOB_RECIPIENT.trim(), "--encrypted-regex", "x", "a.yaml"], 8);
    assert!(message.contains("cannot use more than one of"), "{message}");
}

#[test]
fn a_key_whose_source_is_not_built_in_fails_when_it_is_wrapped_and_the_file_stays() {
    let world = configured(&format!("creation_rules:\n  - age: $A\n    pgp: {PGP}\n"));
    let before = world.text("a.yaml");
    let message = world.fails(&["encrypt", "--in-place", "a.yaml"], 1);
    assert!(message.contains(&format!("failed to encrypt new data key with master key \"{PGP}\"")), "{message}");
    assert_eq!(world.text("a.yaml"), before);
}

#[test]
fn an_encryption_context_is_for_flat_keys_of_the_rule_too() {
    let world = configured("creation_rules:\n  - kms: arn\n    aws_profile: p\n");
    for verb in ["encrypt", "-e"] {
        let message = world.fails(&[verb, "--encryption-context", "a:b", "a.yaml"], 1);
        assert!(message.contains("master key \"arn|a:b|p\""), "{message}");
    }
    world.fails(&["encrypt", "--encryption-context", "a", "a.yaml"], 6);
}

#[test]
fn the_misnamed_configuration_is_mentioned_once() {
    let world = configured("creation_rules:\n  - age: $A\n");
    std::fs::create_dir(world.path("x")).expect("a directory");
    world.write("x/.sops.yml", "");
    let run = |args: &[&str]| {
        world.command(env!("CARGO_BIN_EXE_sops")).args(args).current_dir(world.path("x")).output().expect("it starts")
    };
    for verb in ["encrypt", "-e"] {
        let output = run(&[verb, "../a.yaml"]);
        let expected = "warning: ignoring \".sops.yml\" when searching for config file; the config file must be called \
                        \".sops.yaml\"; using \"../.sops.yaml\" instead\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected, "{verb}");
    }
    let output = run(&["--config", "/dev/null", "encrypt", "--age", ALICE_RECIPIENT.trim(), "../a.yaml"]);
    assert!(output.status.success() && output.stderr.is_empty());
}
