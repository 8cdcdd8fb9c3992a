//! What is called for each kind of case.

use crate::case::Case;
use crate::check;
use serde_json::{Value, json};
use sops_kube::keyring::{GpgProgram, Hint, ImportOptions, ImportWarning, Imported};
use sops_kube::{Decryptor, Error, Format, Manifest, Origin, Outcome, OutputFormat, Policy};
use std::time::{Duration, Instant};

pub const POLICIES: [&str; 2] = ["flux-compat", "recommended"];

/// Runs a case under both policies.
pub fn check(kind: &str, case: &Case, builds_skipped: &mut usize) -> Result<(), String> {
    let needs_gpg = kind == "stream" && case.entries().iter().any(|(name, _)| name.ends_with(".asc"));
    if needs_gpg && !std::path::Path::new(GPG).exists() {
        crate::say("skipped kube: a case that needs gpg");
        return Ok(());
    }
    for policy in POLICIES {
        let result = match kind {
            "keyring" => keyring(case, policy),
            "stream" => stream(case, policy),
            "objects" => objects(case, policy),
            "tree" => crate::trees::tree(case, policy, builds_skipped),
            other => Err(format!("unknown kind {other}")),
        };
        result.map_err(|error| format!("{policy}: {error}"))?;
    }
    Ok(())
}

const GPG: &str = "/usr/bin/gpg";

pub fn decryptor(case: &Case, policy: &str) -> Result<Decryptor, Error> {
    let (mut options, rules) = match policy {
        "recommended" => (ImportOptions::recommended(), Policy::recommended()),
        _ => (ImportOptions::flux(), Policy::flux_compat()),
    };
    options.gpg = Some(GpgProgram { program: GPG.into(), scratch: std::env::temp_dir() });
    Ok(Decryptor::new(case.keyring(options)?.keyring, rules))
}

fn keyring(case: &Case, policy: &str) -> Result<(), String> {
    let options = if policy == "recommended" { ImportOptions::recommended() } else { ImportOptions::flux() };
    let Imported { keyring, report } = match case.keyring(options) {
        Ok(imported) => imported,
        Err(error) => return check::error(case, policy, &error),
    };
    check::same("result", "ok", case.text(policy, "result").unwrap_or_default())?;
    let used: serde_json::Map<String, Value> =
        report.used.iter().map(|e| (e.name.clone(), json!(e.recipients))).collect();
    let hint = |hint: &Option<Hint>| json!(hint.map_or("", Hint::name));
    let ignored: serde_json::Map<String, Value> =
        report.ignored.iter().map(|e| (e.name.clone(), hint(&e.hint))).collect();
    check::same("used", &Value::Object(used), case.get(policy, "used").expect("used"))?;
    check::same("ignored", &Value::Object(ignored), case.get(policy, "ignored").expect("ignored"))?;
    let warning = |warning: &ImportWarning| match warning {
        ImportWarning::Empty => "Empty".to_owned(),
        _ => "unknown".to_owned(),
    };
    check::same("warnings", report.warnings.iter().map(warning).collect(), case.list(policy, "warnings"))?;
    check::no_canary(case, &[format!("{keyring:?}{report:?}")])
}

fn stream(case: &Case, policy: &str) -> Result<(), String> {
    let input = case.file("input.yaml").or_else(|| case.file("input.json")).expect("an input");
    let decryptor = decryptor(case, policy).map_err(|e| format!("import: {e}"))?;
    let started = Instant::now();
    let result = decryptor.decrypt_manifests(&input, &Origin::default());
    if case.text(policy, "error") == Some("LimitExceeded") && started.elapsed() > Duration::from_secs(10) {
        return Err("a limit took too long".into());
    }
    let set = match result {
        Ok(set) => set,
        Err(error) => return check::error(case, policy, &error),
    };
    check::same("result", "ok", case.text(policy, "result").unwrap_or_default())?;
    check::no_canary(case, &[format!("{set:?}")])?;
    if let Some(wanted) = case.get(policy, "markers") {
        check::same("markers", &json!(markers(&decryptor, &input)?), wanted)?;
    }
    let outcomes: Vec<Outcome> = set.docs.iter().map(|doc| doc.outcome.clone()).collect();
    let is_ordered = policy == "recommended";
    check::outcomes(case, policy, &outcomes, is_ordered)?;
    let found: Vec<Value> = set.docs.into_iter().map(|doc| doc.value.into_inner()).collect();
    check::objects(&found, &case.json(case.text(policy, "objects").expect("objects")), is_ordered)
}

/// How many markers of image automation stand behind a value after decryption.
fn markers(decryptor: &Decryptor, input: &[u8]) -> Result<usize, String> {
    let blob =
        decryptor.decrypt_blob(input, Format::Yaml, OutputFormat::As(Format::Yaml)).map_err(|e| e.to_string())?;
    let text = String::from_utf8(blob.bytes.to_vec()).expect("text");
    let lines = text.lines().filter(|line| line.contains("# {\"$imagepolicy\"") && !line.trim_start().starts_with('#'));
    Ok(lines.count())
}

fn objects(case: &Case, policy: &str) -> Result<(), String> {
    let input: Vec<Value> = serde_json::from_value(case.json("input.json")).expect("a list");
    finish(case, policy, input)
}

/// What follows a build.
pub fn finish(case: &Case, policy: &str, objects: Vec<Value>) -> Result<(), String> {
    let decryptor = decryptor(case, policy).map_err(|e| format!("import: {e}"))?;
    let objects = objects.into_iter().map(Manifest::new).collect();
    let finished = match decryptor.finish_objects(objects, &Origin::default()) {
        Ok(finished) => finished,
        Err(error) => {
            check::no_canary(case, &check::texts_of(&error))?;
            return match case.text(policy, "build_error") {
                Some(text) if error.flux_text().contains(text) => Ok(()),
                Some(text) => Err(format!("flux text: {text:?} is not in {:?}", error.flux_text())),
                None => check::error(case, policy, &error),
            };
        }
    };
    check::same("result", "ok", case.text(policy, "result").unwrap_or_default())?;
    check::same("build_error", None, case.text(policy, "build_error"))?;
    check::no_canary(case, &[format!("{finished:?}")])?;
    check::outcomes(case, policy, &finished.outcomes, false)?;
    let found: Vec<Value> = finished.objects.into_iter().map(Manifest::into_inner).collect();
    check::objects(&found, &case.json(case.text(policy, "objects").expect("objects")), false)
}
