//! The YAML test suite against the live reference: what is accepted, and the values.
//!
//! Needs `SOPS_REFERENCE` and the suite beside the repository. Each case runs as it is and as the value of a key, because
//! most have no mapping at the root. Reviewed differences stand in `suite-differences.txt`, one name and reason a line.

use crate::differential::same;
use crate::world::{ALICE_RECIPIENT, World};
use std::io::Write;
use std::path::Path;

const REVIEWED: &str = include_str!("suite-differences.txt");

#[test]
fn the_yaml_test_suite_has_the_verdicts_and_values_of_the_reference() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/yaml-test-suite");
    let (Some(reference), true) = (std::env::var_os("SOPS_REFERENCE"), suite.is_dir()) else {
        say("skipped: yaml-test-suite, SOPS_REFERENCE is not set or the suite is absent");
        return;
    };
    let world = World::with_key();
    let (mut ran, mut failures) = (0, Vec::new());
    for (name, text) in cases(&suite) {
        let inside: String =
            text.split_inclusive('\n').map(|l| if l == "\n" { l.into() } else { format!("  {l}") }).collect();
        for (name, text) in [(name.clone(), text), (format!("{name}-below-a-key"), format!("key:\n{inside}"))] {
            ran += 1;
            let is_reviewed = REVIEWED.lines().any(|l| l.split_whitespace().next() == Some(&name));
            match compare(&world, Path::new(&reference), &text) {
                Err(difference) if !is_reviewed => failures.push(format!("{name}: {difference}")),
                Ok(()) if is_reviewed => failures.push(format!("{name}: no difference any more, take it off the list")),
                _ => {}
            }
        }
    }
    say(&format!("yaml-test-suite: {ran} texts, {} differ", failures.len()));
    assert!(failures.is_empty(), "{} of {ran} differ:\n{}", failures.len(), failures.join("\n"));
}

fn compare(world: &World, reference: &Path, text: &str) -> Result<(), String> {
    world.write("plain.yaml", text);
    let args = ["--encrypt", "--age", ALICE_RECIPIENT.trim(), "plain.yaml"];
    let theirs = world.command(reference).args(args).output().expect("the reference starts");
    let ours = world.sops(&args);
    match (theirs.status.success(), ours.status.success()) {
        (false, false) => return Ok(()),
        (true, true) => {}
        (theirs, _) => return Err(if theirs { "refused by us" } else { "refused by the reference" }.into()),
    }
    world.write("theirs.yaml", &theirs.stdout);
    world.write("ours.yaml", &ours.stdout);
    let json = ["--decrypt", "--output-type", "json"];
    let values = |file| world.command(reference).args(json).arg(file).output().expect("the reference starts");
    let expected = values("theirs.yaml");
    if !expected.status.success() {
        return Ok(());
    }
    let (theirs_of_ours, ours_of_theirs) = (values("ours.yaml"), world.sops(&[&json[..], &["theirs.yaml"]].concat()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let expected = text(&expected.stdout);
    same("the reference's values of our file", &text(&theirs_of_ours.stdout), &expected)?;
    same("our values of the reference's file", &text(&ours_of_theirs.stdout), &expected)
}

/// The cases of the suite: name and text, its visible glyphs translated.
fn cases(suite: &Path) -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(suite).expect("the suite's folder") {
        let path = entry.expect("a directory entry").path();
        let file = std::fs::read_to_string(&path).expect("a readable file");
        let list: serde_yaml::Value = serde_yaml::from_str(&file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_stem().expect("a file name").to_string_lossy().into_owned();
        for (number, case) in list.as_sequence().expect("a list of cases").iter().enumerate() {
            let text = case.get("yaml").and_then(|y| y.as_str()).map(translated);
            cases.extend(text.map(|text| (format!("{name}#{number}"), text)));
        }
    }
    assert!(cases.len() >= 400, "the suite has {} cases", cases.len());
    cases.sort();
    cases
}

/// The suite writes blanks, tabs, line breaks and marks as visible characters.
fn translated(text: &str) -> String {
    let text = text.replace('␣', " ").replace('⇔', "\u{FEFF}").replace('←', "\r").replace(['↵', '—'], "");
    let text = text.replace('»', "\t");
    text.strip_suffix("∎\n").map(String::from).unwrap_or(text)
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("standard output");
}
