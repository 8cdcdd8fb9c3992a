use super::*;
use std::collections::HashMap;

/// Files by name; each opens to itself.
struct Shelf(HashMap<&'static str, &'static str>);

impl Host for Shelf {
    fn read(&mut self, path: &str, _: &Reach) -> Result<Zeroizing<Vec<u8>>, String> {
        let text = self.0.get(path).ok_or_else(|| format!("{path}: not there"))?;
        Ok(Zeroizing::new(text.as_bytes().to_vec()))
    }

    fn open(&mut self, format: Format, bytes: &[u8], _: bool) -> Result<PlainDocument, String> {
        PlainDocument::parse(format, bytes).map_err(|error| error.to_string())
    }
}

fn shelf() -> Shelf {
    Shelf(HashMap::from([
        ("s.yaml", "kind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {a: b}\n"),
        ("x.env", "A=1\nB=two words\n"),
        ("c/y.yaml", "y: 1\n"),
    ]))
}

fn list(config: &str, items: &str) -> String {
    format!(
        r#"{{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "functionConfig": {config}, "items": {items}}}"#
    )
}

const GENERATOR: &str = r#"{"kind": "ksops", "files": ["s.yaml"], "secretFrom": [{"metadata": {"name": "f"}, "type": "t", "files": ["c/y.yaml", "k=c/y.yaml"], "envs": ["x.env"], "binaryFiles": ["c/y.yaml"]}]}"#;

fn items(output: &Output) -> Value {
    let list: Value = serde_json::from_slice(&output.text).expect("JSON");
    assert_eq!(list["kind"], "ResourceList");
    list["items"].clone()
}

#[test]
fn a_generator_makes_its_objects_in_the_order_of_the_configuration_and_keeps_what_is_there() {
    let input = list(GENERATOR, &format!(r#"[{GENERATOR}, {{"kind": "ConfigMap"}}]"#));
    let output = function(input.as_bytes(), &mut shelf()).expect("runs");
    let wanted = json!([
        {"kind": "ConfigMap"},
        {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}, "stringData": {"a": "b"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "f"}, "type": "t",
         "data": {"y.yaml": "eTogMQo="},
         "stringData": {"y.yaml": "y: 1\n", "k": "y: 1\n", "A": "1", "B": "two words"}},
    ]);
    assert_eq!(items(&output), wanted);
    let alone = list("null", &format!("[{GENERATOR}]"));
    assert_eq!(items(&function(alone.as_bytes(), &mut shelf()).expect("runs")).as_array().map(Vec::len), Some(2));
    let legacy = legacy(GENERATOR.as_bytes(), || Err("nothing is read".into()), &mut shelf()).expect("runs");
    assert_eq!(crate::read_objects(&legacy.text, &Limits::default()).expect("objects").len(), 2);
}

#[test]
fn a_transformer_must_admit_that_it_cannot_verify() {
    let object = r#"[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "stringData": {"a": "b"}}]"#;
    let config = r#"{"kind": "EncryptedResources", "role": "transform"}"#;
    let error = function(list(config, object).as_bytes(), &mut shelf()).expect_err("not admitted");
    assert!(error.contains("integrity: unverified"), "{error}");
    let config = r#"{"kind": "EncryptedResources", "role": "transform", "integrity": "unverified"}"#;
    let output = function(list(config, object).as_bytes(), &mut shelf()).expect("runs");
    assert_eq!(items(&output), serde_json::from_str::<Value>(object).expect("JSON"));
}

#[test]
fn a_validator_names_the_object_with_ciphertext_and_echoes_the_others() {
    let config = r#"{"kind": "EncryptedResources", "role": "validate"}"#;
    let good = r#"[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "data": {"a": "Yg=="}}]"#;
    let output = function(list(config, good).as_bytes(), &mut shelf()).expect("valid");
    assert_eq!(items(&output), serde_json::from_str::<Value>(good).expect("JSON"));
    for bad in [
        r#"[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "sops": {"mac": "x"}}]"#,
        r#"[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "stringData": {"a": "ENC[AES256_GCM,x"}}]"#,
        r#"[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "data": {"a": "RU5DW0FFUzI1Nl9HQ00seA=="}}]"#,
    ] {
        let error = function(list(config, bad).as_bytes(), &mut shelf()).expect_err("invalid");
        assert!(error.starts_with("n Secret: "), "{error}");
    }
}

#[test]
fn what_is_no_configuration_or_no_list_is_refused() {
    for (input, text) in [
        (r#"{"kind": "X"}"#.to_owned(), "expected a ResourceList"),
        (list("null", "[]"), "there is no configuration"),
        (list(r#"{"kind": "X"}"#, "[]"), "neither ksops nor EncryptedResources"),
        (list(r#"{"kind": "ksops"}"#, "[]"), "missing the required 'files' or 'secretFrom'"),
        (list(r#"{"kind": "ksops", "files": "x"}"#, "[]"), "files: expected a list of paths"),
        (list(r#"{"kind": "ksops", "files": ["no.yaml"]}"#, "[]"), "no.yaml: not there"),
        ("[".to_owned(), "cannot be read"),
    ] {
        let error = function(input.as_bytes(), &mut shelf()).expect_err(text);
        assert!(error.contains(text), "{error}");
    }
}
