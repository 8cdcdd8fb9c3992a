//! The corpus of the adapter: every ciphertext was written by the reference, every expected object read by it. Cases are
//! found in the folder, or in the one that `SOPS_KUBE_CASES` names; none is known by its name here.

mod case;
mod check;
mod kinds;
mod threats;
mod trees;

use case::Case;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/kube");
    let folder = std::env::var_os("SOPS_KUBE_CASES").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The count of `fixtures/COUNTS`; none in a package.
fn least(area: &str) -> usize {
    let counts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/COUNTS");
    let counts = std::fs::read_to_string(counts).unwrap_or_default();
    let count = counts.lines().find_map(|line| line.strip_prefix(area)?.trim().parse().ok());
    count.unwrap_or(0)
}

/// Why a case differs, if it is known to.
fn difference(case: &str) -> Option<String> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/DIFFERENCES");
    let list = std::fs::read_to_string(list).unwrap_or_default();
    list.lines().find_map(|line| Some(line.strip_prefix("kube/")?.strip_prefix(case)?.strip_prefix(": ")?.to_owned()))
}

/// Prints past the capture of the test harness.
pub fn say(text: &str) {
    let _printed = writeln!(std::io::stdout().lock(), "{text}");
}

#[test]
fn cases_of_the_corpus_hold_under_both_policies() {
    let Some(folder) = folder() else {
        return say("skipped kube: no corpus beside the repository, no SOPS_KUBE_CASES");
    };
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("case.toml").is_file())
        .collect();
    dirs.sort();
    let (mut ran, mut differ, mut failures, mut builds_skipped) = (0, 0, Vec::new(), 0);
    for dir in dirs {
        let case = Case::read(&dir);
        let checked = match case.kind() {
            "krm" => continue,
            kind => kinds::check(kind, &case, &mut builds_skipped),
        };
        ran += 1;
        match (checked, difference(&case.name())) {
            (Ok(()), None) => {}
            (Err(_), Some(_)) => differ += 1,
            (Ok(()), Some(_)) => {
                failures.push(format!("{}: no difference any more: take it off the list", case.name()))
            }
            (Err(error), None) => failures.push(format!("{}: {error}", case.name())),
        }
    }
    if builds_skipped > 0 {
        say(&format!("skipped kube: {builds_skipped} builds, there is no kubectl"));
    }
    say(&format!("cases kube: {ran}, failed {}, {differ} differ as fixtures/DIFFERENCES says", failures.len()));
    assert!(failures.is_empty(), "{} of {ran} failed:\n{}", failures.len(), failures.join("\n"));
    if std::env::var_os("SOPS_KUBE_CASES").is_none() {
        assert!(ran >= least("cases kube "), "fewer cases than before: {ran}");
    }
}

/// The objects of a stream, as they are.
pub fn objects_of(bytes: &[u8]) -> Vec<Value> {
    let objects = sops_kube::read_objects(bytes, &sops_kube::Limits::default()).expect("a stream");
    objects.into_iter().map(sops_kube::Manifest::into_inner).collect()
}

/// Bytes from base64.
pub fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text.replace('\n', "")).expect("base64")
}
