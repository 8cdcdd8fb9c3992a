//! The cases: decrypt what the reference wrote, encrypt what it was given.

use crate::case::Case;
use crate::corpus::{Tally, corpora};
use crate::library::{self, Arguments};
use crate::{tokens, values};
use sops_core::error::{Error, LeafCause, MacCause};

#[test]
fn yaml_cases_open_and_come_back() {
    run("yaml");
}

#[test]
fn a_comment_on_the_line_of_a_directive_is_encrypted() {
    let documents = [
        "%YAML 1.1 # canary\n---\na: 1\n",
        "a: 1\n...\n%TAG !e! tag:x,2000: # canary\n---\nb: 1\n",
        "%YAML 1.1# canary\n---\n",
    ];
    for document in documents {
        let encrypted = library::encrypt(document.as_bytes(), &Arguments::everything()).expect(document);
        assert!(!String::from_utf8_lossy(&encrypted).contains("canary"), "{document}");
        assert_eq!(library::decrypt(&encrypted, false).expect(document).source(), document);
    }
}

#[test]
fn mac_cases_open_and_come_back() {
    run("mac");
}

#[test]
fn select_cases_open_and_come_back() {
    run("select");
}

#[test]
fn metadata_cases_open_and_come_back() {
    run("metadata");
}

#[test]
fn field_cases_open_and_come_back() {
    run("field");
}

fn run(area: &str) {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for dir in corpus.cases(area) {
            let case = Case::read(&dir);
            match needs(&case) {
                Some(reason) => tally.skipped(&reason),
                None => {
                    let problems = opens(&case).into_iter().chain(comes_back(&case, area));
                    corpus.judge(&mut tally, &format!("{area}/{}", case.name()), problems);
                }
            }
        }
        corpus.report("cases", area, tally);
    }
}

/// Says what a case needs that is not built in.
fn needs(case: &Case) -> Option<String> {
    if case.text("ours.skip").is_some() {
        return Some("by its own word".into());
    }
    if case.file("input.yaml").or(case.file("encrypted.yaml")).is_none() {
        return Some("another format".into());
    }
    if case.list("keys").iter().any(|k| k != "keys/alice.agekey") {
        return Some("another kind of key".into());
    }
    if case.list("decrypt.args").iter().any(|a| a != "--ignore-mac") {
        return Some("a flag of `decrypt` that is not built in".into());
    }
    Arguments::parse(&case.list("encrypt.args")).err()
}

/// Step 1: what the reference wrote has its exit, its values and its text.
fn opens(case: &Case) -> Vec<String> {
    let (Some(encrypted), true) = (case.file("encrypted.yaml"), case.has("decrypt")) else { return Vec::new() };
    let ignore_mac = !case.list("decrypt.args").is_empty();
    let want = case.exit("ours.decrypt_exit").or(case.exit("decrypt.exit")).unwrap_or(0);
    let plain = match library::decrypt(&encrypted, ignore_mac) {
        Err(error) if want == 0 => return vec![format!("decrypt: {error}")],
        Err(error) => return wrong_blame(&error, want).into_iter().map(|w| format!("decrypt: {w}")).collect(),
        Ok(_) if want != 0 => return vec![format!("decrypt: opens, expected exit {want}")],
        Ok(plain) => plain,
    };
    let mut problems = Vec::new();
    if let Some(expected) = case.file("value.json") {
        let expected = values::from_json(&String::from_utf8_lossy(&expected));
        problems.extend(values::difference(&library::values(&plain), &expected).map(|d| format!("decrypt: {d}")));
    }
    let name = case.text("ours.decrypts_to").or(case.text("ours.decrypted"));
    let differs = name.is_none() && case.flag("ours.text_differs") == Some(true);
    match case.file(name.unwrap_or("decrypted.yaml")) {
        Some(expected) if !differs => problems.extend(text_difference("decrypt", &plain.bytes(), &expected)),
        _ => {}
    }
    problems
}

/// Step 2: what we encrypt holds the reference's tokens, opens here to its values, and to the very bytes we were given.
fn comes_back(case: &Case, area: &str) -> Vec<String> {
    let (Some(input), true) = (case.file("input.yaml"), case.has("encrypt")) else { return Vec::new() };
    let arguments = Arguments::parse(&case.list("encrypt.args")).expect("checked before");
    let want = case.exit("ours.encrypt_exit").or(case.exit("encrypt.exit")).unwrap_or(0);
    let encrypted = match library::encrypt(&input, &arguments) {
        Err(error) if want == 0 => return vec![format!("encrypt: {error}")],
        Err(_) => return Vec::new(),
        Ok(_) if want != 0 => return vec![format!("encrypt: accepted, expected exit {want}")],
        Ok(encrypted) => encrypted,
    };
    // Where the reference cannot read its own file and the case does not say otherwise, ours is not asked for.
    let unreadable = case.exit("decrypt.exit").unwrap_or(0) != 0 && !case.has("ours.decrypt_exit");
    if area != "yaml" && unreadable {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let has_token = |file: &[u8]| tokens::text(file).contains("ENC[");
    if case.file("encrypted.yaml").is_some_and(|file| has_token(&file)) && !has_token(&encrypted) {
        problems.push("encrypt: nothing was encrypted".into());
    }
    if let Some(leaves) = case.file("leaves.tsv").filter(|_| !case.has("ours.value")) {
        let dropped = library::parse(&input).map_or(0, |p| library::dropped_comments(&p));
        let compared = tokens::open(&encrypted).and_then(|o| o.compare(&expected_tokens(&leaves), dropped));
        problems.extend(compared.err());
    }
    let ignore_mac = !case.list("decrypt.args").is_empty();
    let plain = match library::decrypt(&encrypted, ignore_mac) {
        Err(error) => return vec![format!("own file: {error}")],
        Ok(plain) => plain,
    };
    // Outside the YAML area `value.json` may be what the reference makes of a comment; there the bytes decide.
    if let Some(expected) = case.file(case.text("ours.value").unwrap_or("value.json")).filter(|_| area == "yaml") {
        let expected = values::from_json(&String::from_utf8_lossy(&expected));
        problems.extend(values::difference(&library::values(&plain), &expected).map(|d| format!("own file: {d}")));
    }
    problems.extend(text_difference("own file", &plain.bytes(), &input));
    // What tokens can carry needs no record of spellings.
    if case.flag("ours.lossless") == Some(true) && tokens::text(&encrypted).contains("spelling: ENC[") {
        problems.push("own file: it has a record of spellings".into());
    }
    problems
}

/// Reads `leaves.tsv`: AAD, label, plain text as a JSON text or `base64:…`. A key may hold line breaks, as it is.
fn expected_tokens(table: &[u8]) -> Vec<tokens::Expected> {
    use base64::Engine;
    let table = String::from_utf8_lossy(table).into_owned();
    let (mut rows, mut pending) = (Vec::new(), String::new());
    for line in table.split('\n').skip(1) {
        pending += line;
        let mut cells = pending.rsplitn(3, '\t');
        if let (Some(text), Some(label), Some(aad)) = (cells.next(), cells.next(), cells.next()) {
            let text = match text.strip_prefix("base64:") {
                Some(coded) => base64::engine::general_purpose::STANDARD.decode(coded).expect("base64"),
                None => serde_json::from_str::<String>(text).expect("a JSON text").into_bytes(),
            };
            rows.push((aad.to_string(), label.to_string(), text));
            pending.clear();
        } else if !pending.is_empty() {
            pending.push('\n');
        }
    }
    rows
}

/// Says where two texts differ, by line: fixtures hold no secrets.
fn text_difference(what: &str, got: &[u8], expected: &[u8]) -> Option<String> {
    if got == expected {
        return None;
    }
    let (got, expected) = (String::from_utf8_lossy(got), String::from_utf8_lossy(expected));
    let (got, expected): (Vec<&str>, Vec<&str>) = (got.split('\n').collect(), expected.split('\n').collect());
    let at = (0..).find(|&i| got.get(i) != expected.get(i)).expect("they differ");
    Some(format!("{what}: line {}: {:?}, expected {:?}", at + 1, got.get(at), expected.get(at)))
}

/// Says whether an error blames something other than the reference's exit code does.
pub fn wrong_blame(error: &Error, exit: i64) -> Option<String> {
    let fits = match exit {
        25 => matches!(error, Error::Leaf { .. }),
        51 => matches!(error, Error::Mac(MacCause::Missing | MacCause::Unreadable | MacCause::Mismatch)),
        128 => matches!(error, Error::DataKey(_) | Error::Combine { .. }),
        _ => !matches!(error, Error::Leaf { cause: LeafCause::Authentication, .. } | Error::Mac(MacCause::Mismatch)),
    };
    (!fits).then(|| format!("expected exit {exit}, got: {error}"))
}

#[test]
fn the_judge_of_tokens_accepts_what_the_reference_wrote() {
    let corpus = corpora().remove(0);
    let mut judged = 0;
    for case in corpus.cases("yaml").iter().map(|dir| Case::read(dir)).filter(|c| c.has("encrypt")) {
        if let (Some(encrypted), Some(leaves)) = (case.file("encrypted.yaml"), case.file("leaves.tsv")) {
            let opened = tokens::open(&encrypted);
            let compared = opened.and_then(|o| o.compare(&expected_tokens(&leaves), 0));
            assert_eq!(compared, Ok(()), "{}", case.name());
            judged += 1;
        }
    }
    assert!(judged > 150, "{judged}");
}

#[test]
fn a_comment_behind_an_alias_does_not_join_one_of_its_copy() {
    let document = "y: &y\n  - 1 # c\nu:\n  - *y # d\n  - *y\n";
    let encrypted = library::encrypt(document.as_bytes(), &Arguments::everything()).expect("encrypts");
    let plain = library::decrypt(&encrypted, false).expect("decrypts");
    assert_eq!(plain.source(), document);
    let sealer = library::sealer(&Arguments::everything()).expect("a recipient").without_spelling();
    let parsed = library::parse(document.as_bytes()).expect("parses");
    let plain = library::decrypt(&sealer.seal(&parsed, library::NOW).expect("seals"), false).expect("decrypts");
    assert_eq!(plain.source(), "y: &y\n  - 1 # c\nu:\n  - - 1 # c\n  # d\n  - - 1 # c\n");
}
