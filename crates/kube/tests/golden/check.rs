//! Comparisons: objects by value, errors by kind and place, and no value anywhere in a text.

use crate::case::Case;
use serde_json::Value;
use sops_kube::{Error, Outcome};

/// Fails with both sides.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, wanted {wanted:?}"))
}

/// Objects by value; line breaks in base64 do not count, numbers are equal by value.
pub fn objects(found: &[Value], wanted: &Value, is_ordered: bool) -> Result<(), String> {
    let wanted = wanted.as_array().expect("a list of objects");
    let text = |value: &Value| sorted(&normal(value)).to_string();
    let (mut found, mut wanted): (Vec<String>, Vec<String>) =
        (found.iter().map(text).collect(), wanted.iter().map(text).collect());
    if !is_ordered {
        found.sort();
        wanted.sort();
    }
    same("objects", found, wanted)
}

fn normal(value: &Value) -> Value {
    let mut value = value.clone();
    for member in ["data", "binaryData"] {
        for entry in value.get_mut(member).and_then(Value::as_object_mut).into_iter().flat_map(|m| m.values_mut()) {
            if let Some(text) = entry.as_str().filter(|text| crate::check::is_base64(text)) {
                *entry = text.replace('\n', "").into();
            }
        }
    }
    value
}

/// With keys in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: std::collections::BTreeMap<&String, Value> =
                members.iter().map(|(k, v)| (k, sorted(v))).collect();
            Value::Object(members.into_iter().map(|(k, v)| (k.clone(), v)).collect())
        }
        Value::Array(elements) => elements.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n'))
}

pub fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Untouched => "untouched",
        Outcome::SkippedByAnnotation => "skipped",
        Outcome::Decrypted { .. } => "decrypted",
        Outcome::NestedDecrypted { .. } => "nested",
        _ => "unknown",
    }
}

/// Outcomes; as a set where objects are one.
pub fn outcomes(case: &Case, policy: &str, found: &[Outcome], is_ordered: bool) -> Result<(), String> {
    if case.get(policy, "outcomes").is_none() {
        return Ok(());
    }
    let mut found: Vec<String> = found.iter().map(|o| outcome(o).to_owned()).collect();
    let mut wanted = case.list(policy, "outcomes");
    if !is_ordered {
        found.sort();
        wanted.sort();
    }
    same("outcomes", found, wanted)
}

/// No text holds a value.
pub fn no_canary(case: &Case, texts: &[String]) -> Result<(), String> {
    for canary in case.canaries() {
        if let Some(text) = texts.iter().find(|text| text.contains(&canary)) {
            return Err(format!("a value stands in: {text}"));
        }
    }
    Ok(())
}

pub fn texts_of(error: &Error) -> Vec<String> {
    vec![error.to_string(), format!("{error:?}"), error.report(), error.flux_text(), format!("{:?}", error.origin())]
}

/// An error, against what the case says of it.
pub fn error(case: &Case, policy: &str, error: &Error) -> Result<(), String> {
    no_canary(case, &texts_of(error))?;
    if case.text(policy, "result") != Some("error") {
        return Err(format!("refused: {error:?}"));
    }
    if let Some(wanted) = case.text(policy, "error") {
        same("kind", error.kind().name(), wanted).map_err(|e| format!("{e} ({error})"))?;
    }
    if let Some(wanted) = case.text(policy, "class") {
        same("class", error.class().name(), wanted)?;
    }
    if let Some(wanted) = case.text(policy, "reason") {
        same("reason", error.reason(), wanted)?;
    }
    for named in [case.text(policy, "place"), case.text(policy, "entry")].into_iter().flatten() {
        if !error.to_string().contains(named) {
            return Err(format!("place: {named} is not named in: {error}"));
        }
    }
    for text in [case.text(policy, "flux_text"), case.text(policy, "flux_cause")].into_iter().flatten() {
        if !error.flux_text().contains(text) {
            return Err(format!("flux text: {text:?} is not in {:?}", error.flux_text()));
        }
    }
    Ok(())
}
