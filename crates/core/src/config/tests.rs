//! The configuration as a whole: what is refused and where, which rule a path has, and what is said about it.

use super::*;

const ALICE: &str = include_str!("../../../../fixtures/keys/alice.recipient");
const BOB: &str = include_str!("../../../../fixtures/keys/bob.recipient");

fn text(text: &str) -> String {
    text.replace("$A", ALICE.trim()).replace("$B", BOB.trim())
}

fn config(source: &str) -> Config {
    Config::parse(text(source).as_bytes()).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn fails(source: &str) -> String {
    Config::parse(text(source).as_bytes()).err().map(|error| error.to_string()).unwrap_or_default()
}

/// The error of using the rule for `a.yaml`.
fn cannot_be_used(source: &str) -> String {
    config(source).recipe_for("a.yaml").err().map(|error| error.to_string()).unwrap_or_default()
}

/// The keys of the rule for `a.yaml`, by group.
fn keys(source: &str) -> Vec<Vec<String>> {
    let config = config(source);
    let rule = config.rule_for("a.yaml").unwrap().expect("a rule");
    let groups = rule.groups(&[]).unwrap_or_else(|error| panic!("{source}: {error}"));
    groups.iter().map(|group| group.iter().map(|key| key.display()).collect()).collect()
}

fn warnings(source: &str) -> Vec<String> {
    config(source).warnings_for("a.yaml").iter().map(Warning::to_string).collect()
}

#[test]
fn an_empty_configuration_has_no_rules_and_an_empty_list_has() {
    for source in ["", "# nothing\n", "---\n", "null\n", "{}\n", "creation_rules:\n", "stores: {}\n"] {
        assert!(!config(source).has_rules(), "{source}");
    }
    let config = config("creation_rules: []\n");
    assert!(config.has_rules() && config.recipe_for("a.yaml").unwrap().is_none());
}

#[test]
fn a_wrong_shape_is_an_error_at_its_field() {
    for (source, wanted) in [
        ("- a\n", "line 1, column 1: the document is a list; its root must be a mapping"),
        ("creation_rules:\n  age: $A\n", "line 2, column 3: creation_rules: expected a list of creation rules"),
        ("creation_rules: \"\"\n", "line 1, column 17: creation_rules: expected a list of creation rules"),
        ("creation_rules:\n  - abc\n", "line 2, column 5: creation_rules: expected a mapping"),
        ("creation_rules:\n  - path_regex: [a]\n", "line 2, column 17: path_regex: expected a text"),
        ("creation_rules:\n  - hckms: region:uuid\n", "line 2, column 12: hckms: expected a list of texts"),
        (
            "creation_rules:\n  - key_groups: {age: [$A]}\n",
            "line 2, column 17: key_groups: expected a list of key groups",
        ),
        ("creation_rules:\n  - key_groups:\n    - age: $A\n", "line 3, column 12: age: expected a list of texts"),
        ("creation_rules:\n  - key_groups:\n    - merge: [abc]\n", "line 3, column 15: merge: expected a mapping"),
        ("creation_rules:\n  - key_groups:\n    - kms: [arn]\n", "line 3, column 13: kms: expected a mapping"),
        ("creation_rules:\n  - shamir_threshold: canary\n", "line 2, column 23: shamir_threshold: expected an integer"),
        (
            "creation_rules:\n  - mac_only_encrypted: \"true\"\n",
            "line 2, column 25: mac_only_encrypted: expected true or false",
        ),
        ("creation_rules:\n  - aws_profile: []\n", "line 2, column 18: aws_profile: expected a text"),
        ("stores:\n  yaml:\n    indent: x\n", "line 3, column 13: indent: expected an integer"),
        ("stores: {ini: 5}\n", "line 1, column 15: ini: expected a mapping"),
        (
            "destination_rules:\n  - recreation_rule: {key_groups: 5}\n",
            "line 2, column 35: key_groups: expected a list of key groups",
        ),
        ("creation_rules: []\ncreation_rules: []\n", "line 2, column 1: mapping key already defined in this mapping"),
    ] {
        assert_eq!(fails(source), wanted, "{source}");
    }
    for source in ["creation_rules: [\n", "a: *unknown\n", "\tb: c\n", "creation_rules:\n  - <<: 5\n"] {
        assert!(fails(source).starts_with("line "), "{source}: {}", fails(source));
    }
}

#[test]
fn keys_of_the_wrong_type_are_an_error_of_their_rule() {
    for (field, wanted) in [
        ("age: 5", "age: expected a list of keys, or a text with commas"),
        ("kms: {a: b}", "kms: expected a list of keys, or a text with commas"),
        ("pgp: true", "pgp: expected a list of keys, or a text with commas"),
        ("age: [5]", "age: expected a text in the list of keys"),
        ("gcp_kms: [[a]]", "gcp_kms: expected a text in the list of keys"),
        ("age: [null]", "age: expected no null in the list of keys"),
    ] {
        let source = format!("creation_rules:\n- path_regex: b\n  {field}\n- age: $A\n");
        assert_eq!(keys(&source), [[ALICE.trim()]], "{field}");
        let text = cannot_be_used(&source.replace("path_regex: b", "path_regex: a"));
        assert!(text.starts_with("line 3, ") && text.ends_with(wanted), "{field}: {text}");
    }
}

#[test]
fn what_is_no_key_is_an_error_at_its_place_that_does_not_repeat_it() {
    for (field, wanted) in [
        ("age: canary", "line 2, column 8: age: not a valid age recipient"),
        ("age: [$A, \"$B,\"]", "age: an entry is empty"),
        ("azure_keyvault: https://canary", "azure_keyvault: could not parse"),
        ("hc_vault_transit_uri: canary", "hc_vault_transit_uri: missing scheme"),
        ("hckms: [canary]", "hckms: invalid key ID format"),
        ("key_groups: [{hckms: [{key_id: canary}]}]", "invalid key ID format"),
        ("key_groups: [{hc_vault: [\"\"]}]", "hc_vault: an entry is empty"),
        ("key_groups: [{azure_keyvault: [{vault_url: https://canary}]}]", "vaultUrl or key is missing"),
        ("key_groups: [{kms: [{role: canary}]}]", "arn is missing"),
        ("key_groups: [{gcp_kms: [{}]}]", "resource_id is missing"),
        ("pgp: AGE-SECRET-KEY-1CANARY", "pgp: this is a secret identity"),
    ] {
        let text = cannot_be_used(&format!("creation_rules:\n- {field}\n"));
        assert!(text.starts_with("line 2, ") && text.contains(wanted), "{field}: {text}");
        assert!(!text.to_ascii_lowercase().contains("canary"), "{text}");
    }
}

#[test]
fn a_selection_that_cannot_be_used_is_an_error_at_its_place() {
    let text = cannot_be_used("creation_rules:\n- age: $A\n  encrypted_regex: '('\n");
    assert!(text.starts_with("line 3, column 20: encrypted_regex: not a valid RE2 expression"), "{text}");
    let text = cannot_be_used("creation_rules:\n- encrypted_suffix: a\n  unencrypted_comment_regex: b\n");
    assert!(
        text.starts_with("line 3, column 30: cannot use more than one of") && text.ends_with("for the same rule"),
        "{text}"
    );
    let text = cannot_be_used("creation_rules:\n- age: $A\n  shamir_threshold: -1\n");
    assert_eq!(text, "line 3, column 21: shamir_threshold: expected a small positive number");
}

#[test]
fn an_expression_that_does_not_compile_stops_every_path() {
    let config = config("creation_rules:\n- age: $A\n- path_regex: '('\n  age: $B\n");
    let text = config.rule_for("a.yaml").err().unwrap().to_string();
    assert!(text.starts_with("line 3, column 15: path_regex: can not compile regexp"), "{text}");
    let verdicts: Vec<bool> = config.judge("a").map(|(_, verdict)| matches!(verdict, Verdict::Invalid(_))).collect();
    assert_eq!(verdicts, [false, true]);
}

#[test]
fn the_first_rule_that_matches_is_used() {
    let config = config("creation_rules:\n- path_regex: ^b/\n  age: $A\n- path_regex: a\\.yaml$\n- age: $B\n");
    let number = |path| config.rule_for(path).unwrap().map(|rule| rule.number);
    assert_eq!((number("b/a.yaml"), number("c/a.yaml"), number("x")), (Some(1), Some(2), Some(3)));
    let verdicts: Vec<bool> = config.judge("b/a.yaml").map(|(_, v)| matches!(v, Verdict::Matches)).collect();
    assert_eq!(verdicts, [true, true, true]);
}

#[test]
fn all_kinds_of_flat_keys_make_one_group_in_the_order_of_the_reference() {
    let source = "creation_rules:\n- hc_vault_transit_uri: https://v/v1/a/keys/k\n  azure_keyvault: [https://v/keys/k/q]\n  \
                  hckms: [\"r:k\"]\n  gcp_kms: g\n  kms: \"k+arn:r, l\"\n  aws_profile: p\n  pgp: |\n    AB CD,\n    EF\n  age: \" , $A,,$A \"\n";
    let (alice, wanted) = (ALICE.trim(), ["ABCD", "\nEF", "k+arn:r||p", "l||p", "g", "r:k", "https://v/keys/k/q"]);
    let mut wanted: Vec<&str> = wanted.iter().map(|key| key.trim()).collect();
    wanted.splice(0..0, [alice, alice]);
    wanted.push("https://v/v1/a/keys/k");
    assert_eq!(keys(source), [wanted]);
}

#[test]
fn an_encryption_context_is_for_flat_keys_only() {
    let shown = |source: &str| {
        let config = config(source);
        let context = notation::encryption_context("a:b").unwrap();
        config.rule_for("x").unwrap().unwrap().groups(&context).unwrap()[0][0].display()
    };
    assert_eq!(shown("creation_rules:\n- kms: k\n"), "k|a:b");
    assert_eq!(shown("creation_rules:\n- key_groups: [{kms: [{arn: k, context: {c: 1, d: }}]}]\n"), "k|c:1");
}

#[test]
fn a_key_group_has_merged_groups_first_and_each_key_once() {
    let source = "creation_rules:\n- age: unused\n  key_groups:\n  - merge:\n    - merge: [{pgp: [X]}]\n      pgp: [\"Y Z\"]\n    - age: [\"$B\"]\n    \
                  age: [\"$A,$B\", \"\", null]\n    kms:\n    - {arn: \"k l\", role: r, aws_profile: p, context: {b: c, a: 2}}\n    - {arn: k}\n    - {arn: k}\n  - \
                  hc_vault: [https://v/v1/a/keys/k]\n    azure_keyvault: [{vaultUrl: https://v, key: k, version: 012}]\n    hckms: [{key_id: \"r:k\"}]\n    \
                  gcp_kms: [{resource_id: a b}]\n    pgp: [123, X]\n";
    let first = ["X", "YZ", BOB.trim(), ALICE.trim(), "k l+r|a:2,b:c|p", "k"];
    let second = ["123", "X", "ab", "r:k", "https://v/keys/k/012", "https://v/v1/a/keys/k"];
    assert_eq!(keys(source), [first, second]);
}

#[test]
fn no_key_groups_are_flat_and_an_empty_group_stays() {
    assert_eq!(keys("creation_rules:\n- age: $A\n  key_groups: []\n"), [[ALICE.trim()]]);
    assert_eq!(keys("creation_rules:\n- key_groups: [{}]\n"), [[""; 0]]);
    assert_eq!(keys("creation_rules:\n- path_regex: a\n"), [[""; 0]]);
    assert_eq!(keys("creation_rules:\n- age: $A\n  kms: [\"\"]\n  pgp: \" , \"\n"), [[ALICE.trim()]]);
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let source = "keys: [&alice $A, &bob $B]\nbase: &base {encrypted_regex: ^a$, age: *bob}\ncreation_rules:\n- <<: *base\n  age: [*alice]\n";
    assert_eq!(keys(source), [[ALICE.trim()]]);
    let recipe = config(source).recipe_for("a.yaml").unwrap().unwrap();
    assert_eq!(recipe.selector.settings().encrypted_regex, "^a$");
}

#[test]
fn a_misspelled_field_is_warned_about_with_the_name_that_was_meant() {
    let source = "keys: [a]\ncreation-rules: []\nstores:\n  toml: {x: 1}\n  yaml: {ident: 2}\ncreation_rules:\n- age: $A\n  encrypted-regex: ^a$\n  \
                  note: 1\n  name: prod\n- path_regex: none\n  key_groups:\n  - hc_vault_transit_uri: [x]\n    kms: [{arn: k, profile: p}]\n";
    assert_eq!(
        warnings(source),
        [
            "line 2: the field \"creation-rules\" is unknown and has no effect; did you mean \"creation_rules\"?",
            "line 5: the field \"ident\" of stores is unknown and has no effect; did you mean \"indent\"?",
            "line 8: the field \"encrypted-regex\" of a creation rule is unknown and has no effect; did you mean \"encrypted_regex\"?",
            "line 9: the field \"note\" of a creation rule is unknown and has no effect",
            "line 13: the field \"hc_vault_transit_uri\" of a key group is unknown and has no effect; did you mean \"hc_vault\"?",
            "line 14: the field \"profile\" of a key is unknown and has no effect; did you mean \"aws_profile\"?",
        ]
    );
    let config = config(source);
    assert_eq!(config.unknown().len(), 8);
    let field = config.unknown().iter().find(|field| field.name == "note").unwrap();
    assert_eq!((field.section, &config.source()[field.place.span.range()]), (Section::Rule, "1"));
}

#[test]
fn a_second_match_that_selects_something_else_is_warned_about() {
    let rules = |second: &str| {
        format!("creation_rules:\n- path_regex: a\\.yaml$\n  age: $A\n  encrypted_regex: ^a$\n- {second}\n  age: $B\n")
    };
    for second in
        ["path_regex: yaml$", "path_regex: yaml$\n  encrypted_regex: ^b$", "path_regex: a.*\n  encrypted_suffix: ^a$"]
    {
        assert_eq!(
            warnings(&rules(second)),
            ["line 5: rule 2 matches too, and what it selects has no effect: rule 1 comes first"]
        );
    }
    for silent in [
        "path_regex: b",
        "encrypted_regex: ^b$",
        "path_regex: .*",
        "path_regex: .",
        "path_regex: yaml$\n  encrypted_regex: ^a$",
    ] {
        assert_eq!(warnings(&rules(silent)), [""; 0], "{silent}");
    }
}

#[test]
fn a_rule_without_keys_in_front_of_another_is_warned_about() {
    assert_eq!(
        warnings("creation_rules:\n- encrypted_regex: ^pw$\n- age: $A\n"),
        ["line 2: rule 1 is used and has no keys; rule 2 is not looked at"]
    );
    assert_eq!(warnings("creation_rules:\n- path_regex: a\n"), [""; 0]);
}

#[test]
fn groups_that_a_dash_too_many_makes_are_warned_about() {
    let groups =
        |fields: &str| format!("creation_rules:\n- {fields}key_groups:\n  - age:\n    - $A\n  - age:\n    - $B\n");
    let found = warnings(&groups(""));
    assert!(found.len() == 1 && found[0].starts_with("line 2: 2 of 2 groups are needed to decrypt"), "{found:?}");
    assert_eq!(warnings(&groups("shamir_threshold: 2\n  ")), [""; 0]);
    assert_eq!(warnings("creation_rules:\n- key_groups:\n  - age: [$A]\n  - age: [$B]\n"), [""; 0]);
}

#[test]
fn what_is_not_looked_at_is_warned_about() {
    assert_eq!(
        warnings("creation_rules:\n-\n- age: $A\n---\ncreation_rules: 5\n"),
        ["line 2: this creation rule is empty and ignored", "line 4: only the first document is looked at"]
    );
}

#[test]
fn the_indentation_of_stores_is_read() {
    let config = config("stores:\n  yaml:\n    indent: 2\n  json: {indent: -1}\n  dotenv:\n  toml: {x: 1}\n");
    assert_eq!(config.stores, Stores { yaml: Some(2), json: Some(-1), json_binary: None });
}

#[test]
fn destination_rules_are_read_and_matched_as_typed() {
    let config = config(
        "destination_rules:\n- {path_regex: ^s3/, s3_bucket: b, s3_prefix: p/, omit_extensions: yes, recreation_rule: {age: $A}}\n\
         - {path_regex: ^gcs/, gcs_bucket: b}\n- {path_regex: ^v1/, vault_path: a, vault_kv_mount_name: kv, vault_kv_version: 1}\n\
         - {path_regex: ^v2/, vault_path: a/, vault_kv_version: 3}\n- {path_regex: ^two/, s3_bucket: a, gcs_bucket: b}\n- {path_regex: ^none/}\n",
    );
    let rule = |path| config.destination_for(path).unwrap().unwrap();
    let s3 = rule("s3/a");
    assert_eq!(s3.destination(), Ok(&Destination::S3 { bucket: "b".into(), prefix: "p/".into() }));
    assert!(s3.omit_extensions && s3.recreation.as_ref().is_some_and(|rule| !rule.has_no_keys()));
    assert_eq!(rule("gcs/a").destination(), Ok(&Destination::Gcs { bucket: "b".into(), prefix: String::new() }));
    let vault = |mount: &str, version| Destination::Vault {
        address: String::new(),
        path: "a/".into(),
        mount: mount.into(),
        version,
    };
    assert_eq!(rule("v1/a").destination(), Ok(&vault("kv/", 1)));
    assert_eq!(rule("v2/a").destination(), Ok(&vault("secret/", 2)));
    assert!(rule("two/a").destination().err().unwrap().to_string().contains("more than one destinations"));
    assert!(rule("none/a").destination().err().unwrap().to_string().contains("no destination configured"));
    assert!(config.destination_for("./s3/a").unwrap().is_none());
}

#[test]
fn bytes_of_any_encoding_and_line_ending_are_read() {
    let source = text("creation_rules:\r\n- age: $A\r\n");
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(source.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let mark = [b"\xEF\xBB\xBF", source.as_bytes()].concat();
    for bytes in [source.as_bytes(), &utf16, &mark, source.replace("\r\n", "\r").as_bytes()] {
        let config = Config::parse(bytes).unwrap();
        assert_eq!(config.recipe_for("a").unwrap().unwrap().groups[0].len(), 1);
    }
    assert!(Config::parse(b"creation_rules: []\n# \xE9\n").err().unwrap().to_string().contains("invalid UTF-8"));
}
