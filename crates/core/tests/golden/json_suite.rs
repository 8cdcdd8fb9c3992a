//! Which texts are JSON: the public parsing test suite, where it is present. What the RFC leaves open is decided by the
//! reference's reader, as `fixtures/json-test-suite.tsv` has it: its verdict and value, and why ours is stricter.
//!
//! Most cases have no object at the top, so each also runs as the value of a key.

use crate::corpus::{Corpus, Tally, corpora, suites};
use sops_core::Error;
use sops_core::format::json::scan;
use sops_core::format::json::write::{self, Indent};

#[test]
fn every_case_of_the_json_test_suite_gets_its_verdict() {
    let Some(suites) = suites() else { return };
    let free = corpora().remove(0).rows("json-test-suite.tsv");
    let cases = cases(&suites);
    for (prefix, count) in [("y_", 95), ("n_", 188), ("i_", 35)] {
        let mut tally = Tally::default();
        let cases: Vec<_> = cases.iter().filter(|(name, _)| name.starts_with(prefix)).collect();
        assert!(cases.len() >= count, "{prefix}: only {} cases", cases.len());
        for (name, bytes) in cases {
            let inside = [b"{\"a\": ", &bytes[..], b"}"].concat();
            let problem = match prefix {
                "y_" => refused(bytes, &inside),
                "n_" => read(bytes).or(read(&inside)).ok().map(|_| "accepted".to_string()),
                _ => differs(&inside, free.iter().find(|row| row[0] == *name)),
            };
            tally.ran(name, problem);
        }
        suites.report("rows", &format!("json-test-suite {prefix}"), tally);
    }
}

fn cases(suites: &Corpus) -> Vec<(String, Vec<u8>)> {
    let folder = suites.path.join("json-test-suite/parsing");
    let entries = std::fs::read_dir(&folder).expect("the suite's folder").map(|entry| entry.expect("an entry"));
    let case = |entry: std::fs::DirEntry| {
        let bytes = std::fs::read(entry.path()).expect("a case");
        (entry.file_name().to_string_lossy().into_owned(), bytes)
    };
    let mut cases: Vec<_> = entries.map(case).collect();
    cases.sort();
    cases
}

/// The text as the reference prints what was read, its line breaks and tabs left out.
fn read(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    let outline = scan::outline(text).map_err(|e| match e {
        Error::Syntax { problem, .. } => problem,
        error => error.to_string(),
    })?;
    let mut out = Vec::new();
    write::tree(&outline.events(text, 0, outline.items.len(), |_| None), Indent::Tab, &mut out);
    out.retain(|b| !matches!(b, b'\n' | b'\t'));
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

fn refused(bytes: &[u8], inside: &[u8]) -> Option<String> {
    let only = "SOPS only supports JSON files with a top-level object";
    let alone = read(bytes).err().filter(|problem| bytes.trim_ascii().starts_with(b"{") || !problem.contains(only));
    alone.or_else(|| read(inside).err())
}

fn differs(inside: &[u8], row: Option<&Vec<String>>) -> Option<String> {
    let Some([_, reference, stricter]) = row.map(Vec::as_slice) else { return Some("not reviewed".to_string()) };
    match (read(inside), stricter.as_str()) {
        (Err(_), "") if reference == "refused" => None,
        (Ok(got), "") if got == *reference => None,
        (Err(_), reason) if !reason.is_empty() && reference != "refused" => None,
        (got, _) => Some(format!("{got:?}, the reference: {reference}")),
    }
}
