//! The tables: one fact of the reference per row.

use crate::cases::wrong_blame;
use crate::corpus::{Tally, corpora};
use crate::library::{self, Arguments};
use crate::tokens::{self, Expected};
use crate::values;
use serde_json::Value;
use sops_core::Error;
use sops_core::document::TreePath;
use sops_core::format::Format;

pub fn json_text(cell: &str) -> String {
    serde_json::from_str(cell).unwrap_or_else(|e| panic!("{cell}: {e}"))
}

/// Returns a text of a JSON row, empty where it is absent.
pub fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

#[test]
fn scalars_have_the_type_and_the_canonical_bytes_of_the_reference() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.rows("yaml/scalars.tsv") {
            let [text, label, canonical] = row.as_slice() else { panic!("{row:?}") };
            let document = format!("k: {}\n", json_text(text));
            let leaf = library::parse(document.as_bytes()).map(|plain| library::first_leaf(&plain));
            let problem = match (label.as_str(), leaf) {
                ("error", Err(_)) => None,
                // What is only refused on the way into a token.
                ("error", Ok(_)) => library::encrypt(document.as_bytes(), &Arguments::everything())
                    .is_ok()
                    .then(|| "accepted".to_string()),
                (_, Err(error)) => Some(error.to_string()),
                (_, Ok(None)) => Some("no scalar".into()),
                (_, Ok(Some((got, bytes)))) => (got != label || bytes != json_text(canonical).as_bytes())
                    .then(|| format!("{got} {:?}, expected {label} {canonical}", String::from_utf8_lossy(&bytes))),
            };
            corpus.judge(&mut tally, &format!("yaml/scalars.tsv {text}"), problem);
        }
        corpus.report("rows", "yaml/scalars.tsv", tally);
    }
}

#[test]
fn new_strings_are_spelled_as_the_reference_spells_them() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.rows("yaml/emit.tsv") {
            let [value, spelling] = row.as_slice() else { panic!("{row:?}") };
            let (value, spelling) = (json_text(value), json_text(spelling));
            let (name, got) = (format!("{value:?}"), library::spell(&value));
            // Not copied: `null` for three values that start with a tab, headers like `|4-`, which hold at the root alone;
            // nor literals whose lines U+2028 and U+2029 end, nor the tag in front of `<<`.
            let is_literal_of_more_breaks = spelling.starts_with('|') && value.contains(['\u{2028}', '\u{2029}']);
            let is_copied = !matches!(spelling.as_str(), "null\n" | "!!merge <<\n")
                && !spelling.starts_with("|4")
                && !is_literal_of_more_breaks;
            let problem = match got {
                Err(error) => Some(error.to_string()),
                Ok(got) if is_copied => (got != spelling).then(|| format!("{got:?}, expected {spelling:?}")),
                Ok(got) => {
                    let back = library::parse(format!("k: {got}").as_bytes()).map(|plain| library::first_leaf(&plain));
                    (back != Ok(Some(("str", value.into_bytes())))).then(|| format!("{got:?} is another value"))
                }
            };
            corpus.judge(&mut tally, &format!("yaml/emit.tsv {name}"), problem);
        }
        corpus.report("rows", "yaml/emit.tsv", tally);
    }
}

#[test]
fn selections_are_printed_as_the_reference_prints_them() {
    let table = "yaml/extract.tsv";
    for corpus in corpora().into_iter().filter(|corpus| corpus.path.join(table).is_file()) {
        let mut tally = Tally::default();
        for row in corpus.rows(table) {
            let [document, path, expected] = row.as_slice() else { panic!("{row:?}") };
            let tree_path = TreePath::parse(path).expect("a tree path");
            let printed = library::parse(json_text(document).as_bytes())
                .and_then(|plain| plain.extract(&tree_path, Format::Yaml, 0))
                .map(|text| String::from_utf8_lossy(&text).into_owned());
            let expected = Ok(json_text(expected));
            let problem = (printed != expected).then(|| format!("{printed:?}, expected {expected:?}"));
            corpus.judge(&mut tally, &format!("{table} {document} {path}"), problem);
        }
        corpus.report("rows", table, tally);
    }
}

#[test]
fn comments_are_sealed_where_the_reference_attaches_them() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.rows("yaml/comments.tsv") {
            let [document, expected] = row.as_slice() else { panic!("{row:?}") };
            let expected: Vec<(String, String, String)> = serde_json::from_str(expected).expect("a list of tokens");
            let expected: Vec<_> = expected.into_iter().map(|(a, l, t)| (a, l, t.into_bytes())).collect();
            let bytes = json_text(document).into_bytes();
            let problem = match (library::encrypt(&bytes, &Arguments::everything()), library::parse(&bytes)) {
                (Ok(encrypted), Ok(plain)) => {
                    let attached = first_difference(library::walk(&plain), expected.clone());
                    let dropped = library::dropped_comments(&plain);
                    let sealed = tokens::open(&encrypted).and_then(|opened| opened.compare(&expected, dropped));
                    attached.or(sealed.err())
                }
                (Err(error), _) | (_, Err(error)) => Some(error.to_string()),
            };
            corpus.judge(&mut tally, &format!("yaml/comments.tsv {document}"), problem);
        }
        corpus.report("rows", "yaml/comments.tsv", tally);
    }
}

/// Compares values in order, then comments in order: the table has the order of the text, where an inline comment follows
/// what it belongs to.
fn first_difference(walked: Vec<Expected>, expected: Vec<Expected>) -> Option<String> {
    let apart = |tokens: Vec<Expected>| -> Vec<Expected> {
        let (comments, values): (Vec<_>, Vec<_>) = tokens.into_iter().partition(|t| t.1 == "comment");
        [values, comments].concat()
    };
    let (walked, expected) = (apart(walked), apart(expected));
    let at = (0..walked.len().max(expected.len())).find(|&i| walked.get(i) != expected.get(i))?;
    let print =
        |token: Option<&Expected>| token.map(|(aad, label, text)| format!("{aad} {label} {}", text.escape_ascii()));
    Some(format!("{:?}, expected {:?}", print(walked.get(at)), print(expected.get(at))))
}

#[test]
fn what_the_reference_refuses_is_refused() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.rows("yaml/reject.tsv") {
            let accepted = library::encrypt(json_text(&row[0]).as_bytes(), &Arguments::everything()).is_ok();
            corpus.judge(
                &mut tally,
                &format!("yaml/reject.tsv {}", row[0]),
                (accepted != (row[1] == "0")).then(|| format!("accepted: {accepted}")),
            );
        }
        corpus.report("rows", "yaml/reject.tsv", tally);
    }
}

#[test]
fn patterns_match_as_in_the_reference() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.rows("select/regex.tsv") {
            let [_, pattern, key, verdict, _] = row.as_slice() else { panic!("{row:?}") };
            let mut arguments = Arguments { allow_nothing: true, ..Arguments::everything() };
            // An empty rule counts as not set.
            arguments.settings.encrypted_regex = match json_text(pattern) {
                empty if empty.is_empty() => "(?:)".into(),
                pattern => pattern,
            };
            let document = format!("? {}\n: value\n", values::quoted(&json_text(key)));
            let got = match library::encrypt(document.as_bytes(), &arguments) {
                Ok(encrypted) if encrypted.starts_with(document.as_bytes()) => "no".to_string(),
                Ok(_) => "yes".to_string(),
                Err(Error::Selector { .. }) => "invalid".to_string(),
                Err(error) => error.to_string(),
            };
            corpus.judge(
                &mut tally,
                &format!("select/regex.tsv {pattern} on {key}"),
                (got != *verdict).then(|| format!("{got}, expected {verdict}")),
            );
        }
        corpus.report("rows", "select/regex.tsv", tally);
    }
}

#[test]
fn digests_are_those_of_the_reference() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.elements("mac/digests.json") {
            if field(&row, "format") != "yaml" {
                tally.skipped("another format");
                continue;
            }
            let args: Vec<String> = serde_json::from_value(row["args"].clone()).expect("a list of texts");
            let arguments = Arguments::parse(&args).expect("arguments that are built in");
            let arguments = Arguments { recipients: Arguments::everything().recipients, ..arguments };
            let problem = match library::encrypt(field(&row, "document").as_bytes(), &arguments) {
                Err(error) => Some(error.to_string()),
                Ok(encrypted) => {
                    let digest = tokens::open(&encrypted).map(|o| o.digest());
                    (digest != Ok(Some(field(&row, "digest").to_string()))).then(|| "another digest".to_string())
                }
            };
            corpus.judge(&mut tally, &format!("mac/digests.json {}", field(&row, "id")), problem);
        }
        corpus.report("rows", "mac/digests.json", tally);
    }
}

#[test]
fn tampering_has_the_verdict_of_the_reference() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        let base = corpus.text("mac/tamper.yaml");
        let untouched = library::values(&library::decrypt(base.as_bytes(), false).expect("the untouched file opens"));
        for row in corpus.elements("mac/tamper.cases.json") {
            if field(&row, "base") != "tamper.yaml" {
                tally.skipped("another format");
                continue;
            }
            let altered = base.replacen(field(&row, "find"), field(&row, "replace"), 1);
            let ignore_mac = row["args"].as_array().is_some_and(|a| !a.is_empty());
            let exit = row["ours"]["exit"].as_i64().or(row["exit"].as_i64()).unwrap_or(0);
            let problem = match library::decrypt(altered.as_bytes(), ignore_mac) {
                Ok(_) if exit != 0 => Some(format!("opens, expected exit {exit}")),
                // Values, not text: quotes and spellings of clear values are the user's own here.
                Ok(plain) => {
                    let same = values::difference(&library::values(&plain), &untouched);
                    same.filter(|_| row["same_plain_text"] == true)
                }
                Err(error) if exit == 0 => Some(error.to_string()),
                Err(error) => wrong_blame(&error, exit),
            };
            corpus.judge(
                &mut tally,
                &format!(
                    "mac/tamper.cases.json {} ({} {})",
                    field(&row, "id"),
                    field(&row, "kind"),
                    field(&row, "leaf")
                ),
                problem,
            );
        }
        corpus.report("rows", "mac/tamper.cases.json", tally);
    }
}

#[test]
fn texts_in_encrypted_positions_open_as_in_the_reference() {
    let wrapped = tokens::wrap(&[0x66; 32]).lines().map(|l| format!("            {l}\n")).collect::<String>();
    let metadata = format!(
        "sops:\n    age:\n        - recipient: {}\n          enc: |\n{wrapped}    lastmodified: \"2026-06-01T00:00:00Z\"\n    \
         mac: ENC[AES256_GCM,data:AA==,iv:AA==,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]\n    version: 3.13.2\n",
        library::ALICE_RECIPIENT.trim(),
    );
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.elements("cipher/opening.json") {
            let file = format!("foo: {}\n{metadata}", values::quoted(field(&row, "text")));
            let verdict = if row["ours"].is_null() { &row } else { &row["ours"] };
            let opens = if row["ours"].is_null() { &row["opens"] } else { &row["ours"] };
            let refused = !verdict["error"].is_null();
            let problem = match library::decrypt(file.as_bytes(), true) {
                Err(_) if refused => None,
                Err(error) => Some(error.to_string()),
                Ok(_) if refused => Some("opens".to_string()),
                Ok(plain) => {
                    let (label, bytes) = library::first_leaf(&plain).unwrap_or(("nothing", Vec::new()));
                    let expected = match opens["canonical"].as_str() {
                        Some(text) => text.as_bytes().to_vec(),
                        None => bytes_from_hex(field(opens, "canonical_hex")),
                    };
                    // A whole float is printed as the reference prints it, and reads back as an integer.
                    let (label, bytes) = match (field(opens, "type"), label, field(opens, "canonical")) {
                        ("float", "int", "-0") => ("float", b"-0".to_vec()),
                        ("float", "int", _) => ("float", bytes),
                        _ => (label, bytes),
                    };
                    (label != field(opens, "type") || bytes != expected)
                        .then(|| format!("{label} {:?}, expected {opens}", String::from_utf8_lossy(&bytes)))
                }
            };
            corpus.judge(
                &mut tally,
                &format!("cipher/opening.json {} ({})", field(&row, "id"), field(&row, "note")),
                problem,
            );
        }
        corpus.report("rows", "cipher/opening.json", tally);
    }
}

/// Returns the bytes of a hexadecimal text.
pub fn bytes_from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex digits")).collect()
}
