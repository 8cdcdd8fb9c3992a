use super::keys::MasterKeyKind;
use super::*;
use crate::document::PlainDocument;
use crate::error::Error;
use crate::format::Format;
use crate::outline::Event;
use crate::value::Value;

const TIME: &str = "2026-01-02T03:04:05Z";

fn read(yaml: &str) -> Result<Metadata, Error> {
    let plain = PlainDocument::parse(Format::Yaml, yaml.as_bytes()).expect("YAML");
    Metadata::read(&plain.events()[0])
}

fn fault(yaml: &str) -> String {
    read(yaml).map(drop).expect_err(yaml).to_string()
}

/// Keys, layout and leaves, one a line.
fn lines(events: &[Event<'_>]) -> String {
    let (mut text, mut depth) = (String::new(), 0);
    for event in events {
        let (key, rest) = match event {
            Event::Map(key) => (key, "{".to_owned()),
            Event::List(key) => (key, "[".to_owned()),
            Event::Leaf(key, Value::Null) => (key, "null".to_owned()),
            Event::Leaf(key, value) => (key, String::from_utf8_lossy(&value.canonical()).into_owned()),
            Event::Comment { .. } => continue,
            Event::End => {
                depth -= 1;
                continue;
            }
        };
        let name = key.as_ref().map(|key| format!("{key} ")).unwrap_or_default();
        text += &format!("{}{name}{rest}\n", "  ".repeat(depth));
        depth += usize::from(matches!(event, Event::Map(_) | Event::List(_)));
    }
    text
}

#[test]
fn every_kind_of_key_is_written_with_its_fields_in_byte_order() {
    let yaml = format!(
        "version: 3.9.4\nlastmodified: '{TIME}'\nmac: m\nage: [{{recipient: r, enc: e}}]\n\
         kms: [{{role: ro, enc: e, created_at: '{TIME}', arn: a, context: {{z: 1, b: ~}}}}]\n\
         gcp_kms: {{resource_id: g, created_at: '{TIME}', enc: e}}\n\
         hckms: [{{key_id: 'r:u', created_at: '2026-01-02T05:04:05.9+02:00', enc: e}}]\n\
         azure_kv: [{{vault_url: v, name: n, version: w, created_at: '{TIME}', enc: e}}]\n\
         hc_vault: [{{vault_address: v, engine_path: p, key_name: k, created_at: '{TIME}', enc: e}}]\n\
         pgp: [{{fp: f, created_at: '{TIME}', enc: e}}]\n"
    );
    let metadata = read(&yaml).expect("reads");
    let expected = format!(
        "{{\n  age [\n    {{\n      enc e\n      recipient r\n  \
         azure_kv [\n    {{\n      created_at {TIME}\n      enc e\n      name n\n      vault_url v\n      version w\n  \
         gcp_kms [\n    {{\n      created_at {TIME}\n      enc e\n      resource_id g\n  \
         hc_vault [\n    {{\n      created_at {TIME}\n      enc e\n      engine_path p\n      key_name k\n      \
         vault_address v\n  \
         hckms [\n    {{\n      created_at 2026-01-02T05:04:05+02:00\n      enc e\n      key_id r:u\n  \
         kms [\n    {{\n      arn a\n      aws_profile \n      context {{\n        b null\n        z 1\n      \
         created_at {TIME}\n      enc e\n      role ro\n  \
         lastmodified {TIME}\n  mac m\n  \
         pgp [\n    {{\n      created_at {TIME}\n      enc e\n      fp f\n  version 3.9.4\n"
    );
    assert_eq!(lines(&metadata.write()), expected);
    let shown: Vec<String> = metadata.groups[0].keys.iter().map(|key| key.display()).collect();
    assert_eq!(shown, ["a+ro|b:,z:1", "g", "r:u", "v/keys/n/w", "v/v1/p/keys/k", "f", "r"]);
}

#[test]
fn several_groups_are_written_below_key_groups() {
    let yaml = format!(
        "lastmodified: '{TIME}'\nshamir_threshold: 2\nkey_groups:\n- age: [{{recipient: r, enc: e}}]\n- pgp: [{{fp: f, \
         created_at: '{TIME}', enc: e}}]\n"
    );
    let expected = format!(
        "{{\n  key_groups [\n    {{\n      age [\n        {{\n          enc e\n          recipient r\n      hc_vault [\n    \
         {{\n      age [\n      hc_vault [\n      pgp [\n        {{\n          created_at {TIME}\n          enc e\n          \
         fp f\n  lastmodified {TIME}\n  mac \n  shamir_threshold 2\n  version 3.13.2\n"
    );
    assert_eq!(lines(&read(&yaml).expect("reads").write()), expected);
}

#[test]
fn unknown_fields_are_kept_in_their_places() {
    let yaml = format!(
        "zeta: [1, {{a: b}}]\n# gone\nVERSION: 3.1.0\nlastmodified: '{TIME}'\nattention: text\nage: [{{enc: e, x: y}}]\nmb: ~\n"
    );
    let expected = format!(
        "{{\n  age [\n    {{\n      enc e\n      recipient \n      x y\n  attention text\n  lastmodified {TIME}\n  mac \n  mb null\n  \
         version 3.1.0\n  zeta [\n    1\n    {{\n      a b\n"
    );
    assert_eq!(lines(&read(&yaml).expect("reads").write()), expected);
}

#[test]
fn unknown_fields_of_a_key_are_kept_in_their_places() {
    let yaml = format!(
        "lastmodified: '{TIME}'\nshamir_threshold: 2\nkey_groups:\n- age: [{{recipient: r, created_at: '{TIME}', ENC: e, \
         plugin: {{z: 1, a: [~]}}}}]\n- pgp: [{{note: n, fp: f, created_at: '{TIME}', Arn: a, enc: e}}]\n"
    );
    let expected = format!(
        "{{\n  key_groups [\n    {{\n      age [\n        {{\n          created_at {TIME}\n          enc e\n          plugin \
         {{\n            z 1\n            a [\n              null\n          recipient r\n      hc_vault [\n    {{\n      \
         age [\n      hc_vault [\n      pgp [\n        {{\n          Arn a\n          created_at {TIME}\n          enc e\n          \
         fp f\n          note n\n  lastmodified {TIME}\n  mac \n  shamir_threshold 2\n  version 3.13.2\n"
    );
    let metadata = read(&yaml).expect("reads");
    assert_eq!(lines(&metadata.write()), expected);
    let (age, pgp) = (&metadata.groups[0].keys[0], &metadata.groups[1].keys[0]);
    assert_eq!(format!("{:?} {:?}", age.unknown, pgp.unknown), "[\"created_at\", \"plugin\"] [\"Arn\", \"note\"]");
    assert_ne!(age.unknown, pgp.unknown);
    assert_eq!(Metadata::read(&metadata.write()).expect("reads").groups, metadata.groups);
}

#[test]
fn unknown_fields_of_a_group_are_kept_in_their_places() {
    let yaml = format!(
        "lastmodified: '{TIME}'\nkey_groups:\n- {{age: [{{recipient: r, enc: e}}], future_kms: [{{id: i}}], Name: n}}\n- age: [{{enc: \
         e}}]\n"
    );
    let metadata = read(&yaml).expect("reads");
    assert!(lines(&metadata.write()).contains("    {\n      Name n\n      age [\n"), "{}", lines(&metadata.write()));
    assert!(lines(&metadata.write()).contains("      future_kms [\n        {\n          id i\n      hc_vault [\n"));
    assert_eq!(Metadata::read(&metadata.write()).expect("reads").groups, metadata.groups);
}

#[test]
fn the_display_of_a_kms_key_is_that_of_the_reference() {
    let shown = |role: &str, aws_profile: &str, context: &[(&str, &str)]| {
        let context = context.iter().map(|(name, value)| (name.to_string(), Some(value.to_string()))).collect();
        let kind = MasterKeyKind::Kms { arn: "A".into(), role: role.into(), aws_profile: aws_profile.into(), context };
        MasterKey::new(kind).display()
    };
    assert_eq!(shown("", "", &[]), "A");
    assert_eq!(shown("R", "", &[]), "A+R");
    assert_eq!(shown("", "P", &[]), "A||P");
    assert_eq!(shown("", "", &[("b", "2"), ("a", "1")]), "A|a:1,b:2");
    assert_eq!(shown("R", "P", &[("a-b", "2"), ("a", "1")]), "A+R|a:1,a-b:2|P");
}

/// Executed with the reference, but for the decimals.
#[test]
fn thresholds_are_read_as_go_reads_integers() {
    let threshold = |text: &str| {
        let yaml = format!("lastmodified: '{TIME}'\nage: [{{enc: e}}]\nshamir_threshold: {text}\n");
        read(&yaml).map(|metadata| metadata.threshold).ok()
    };
    for two in ["2", "'2'", "2.0", "2.7", "'0b10'", "'0o2'", "'02'", "'+2'", "'0_2'", "'0x_2'", "'0X2'", "'2.000000'"] {
        assert_eq!(threshold(two), Some(2), "{two}");
    }
    for none in ["~", "''", "false", "-1", "'-1'", "'-0x2'", "'0.0'"] {
        assert_eq!(threshold(none), Some(0), "{none}");
    }
    for wrong in
        ["two", "' 2'", "'09'", "'2.5'", "'.0'", "'2e0'", "'99999999999999999999'", "'1__0'", "'_1'", "'0x-2'", "[]"]
    {
        assert_eq!(threshold(wrong), None, "{wrong}");
    }
}

#[test]
fn an_error_names_the_place_and_never_the_text() {
    let pgp = |entry: &str| fault(&format!("lastmodified: '{TIME}'\npgp: [{entry}]\n"));
    let expected_time = "expected a time such as \"2006-01-02T15:04:05Z\"";
    assert_eq!(pgp("{fp: x}"), format!("sops metadata: pgp[0].created_at: {expected_time}"));
    assert_eq!(pgp("~"), format!("sops metadata: pgp[0].created_at: {expected_time}"));
    assert_eq!(pgp("canary"), "sops metadata: pgp: expected a list of mappings");
    let nested = format!("lastmodified: '{TIME}'\nkey_groups: [{{age: []}}, {{age: [{{enc: [canary]}}]}}]\n");
    assert_eq!(fault(&nested), "sops metadata: key_groups[1].age[0].enc: expected a string");
    assert_eq!(fault("lastmodified: canary\n"), format!("sops metadata: lastmodified: {expected_time}"));
    assert_eq!(fault(&format!("lastmodified: '{TIME}'\nage: []\n")), "sops metadata: No keys found in file");
}

#[test]
fn of_a_field_that_stands_twice_the_last_counts() {
    let leaf =
        |key: &'static str, text: &'static str| Event::Leaf(Some(key.into()), Value::Str(text.as_bytes().into()));
    let (list, map) = (Event::List(Some("age".into())), || Event::Map(None));
    let events = [
        map(),
        leaf("lastmodified", "canary"),
        leaf("lastmodified", TIME),
        list,
        map(),
        leaf("enc", "e"),
        Event::End,
        Event::End,
        Event::End,
    ];
    assert_eq!(Metadata::read(&events).expect("reads").last_modified.whole_seconds(), TIME);
}
