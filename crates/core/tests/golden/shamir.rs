//! Key groups: shares that others split, and files whose data key is shared among groups.

use crate::case::Case;
use crate::cases::wrong_blame;
use crate::corpus::{Tally, corpora};
use crate::library;
use crate::tables::{bytes_from_hex, field};
use crate::values;
use sops_core::crypto::shamir;

#[test]
fn shares_of_another_implementation_combine() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for (number, row) in corpus.elements("shamir/combine.json").into_iter().enumerate() {
            let parts: Vec<Vec<u8>> = row["parts"]
                .as_array()
                .expect("parts")
                .iter()
                .map(|p| bytes_from_hex(p.as_str().expect("hex")))
                .collect();
            // Rows without a threshold are shares of no known split: only all of them count.
            let threshold = row["threshold"].as_u64().map_or(parts.len(), |t| usize::try_from(t).expect("a small one"));
            let secret = bytes_from_hex(field(&row, "secret"));
            let mut problems = Vec::new();
            // Any run of `threshold` shares, all of them, and their reverse.
            let mut reversed = parts.clone();
            reversed.reverse();
            for some in parts.windows(threshold).chain([&parts[..], &reversed[..]]) {
                match shamir::combine(some) {
                    Ok(combined) if *combined == secret => {}
                    Ok(_) => problems.push(format!("{} shares: another secret", some.len())),
                    Err(error) => problems.push(error.to_string()),
                }
            }
            if threshold > 2 && shamir::combine(&parts[..threshold - 1]).is_ok_and(|combined| *combined == secret) {
                problems.push("fewer shares than the threshold are enough".into());
            }
            corpus.judge(&mut tally, &format!("shamir/combine.json {number}"), problems);
        }
        corpus.report("rows", "shamir/combine.json", tally);
    }
}

/// The files are YAML, or JSON on one line, which is YAML too.
#[test]
fn files_with_key_groups_open() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for dir in corpus.cases("shamir") {
            let case = Case::read(&dir);
            let json = case.file("encrypted.json").filter(|text| !text.starts_with(b"{\n\t"));
            let Some(encrypted) = case.file("encrypted.yaml").or(json) else {
                tally.skipped("another format, or nothing to open");
                continue;
            };
            let identities: String = case.list("keys").iter().map(|key| corpus.text(key)).collect();
            let want = case.exit("decrypt.exit").unwrap_or(0);
            let problems = match library::decrypt_with(&encrypted, &identities) {
                Ok(_) if want != 0 => vec![format!("opens, expected exit {want}")],
                Err(error) if want == 0 => vec![error.to_string()],
                Err(error) => wrong_blame(&error, want).into_iter().chain(wrong_text(&case, &error)).collect(),
                Ok(plain) => {
                    let expected =
                        values::from_json(&String::from_utf8_lossy(&case.file("value.json").expect("values")));
                    let text = case.file("decrypted.yaml").filter(|text| *text != plain.bytes());
                    let text = text.map(|_| "another text".to_string());
                    values::difference(&library::values(&plain), &expected).into_iter().chain(text).collect()
                }
            };
            corpus.judge(&mut tally, &format!("shamir/{}", case.name()), problems);
        }
        corpus.report("cases", "shamir", tally);
    }
}

/// What the reference says in one line, we say too.
fn wrong_text(case: &Case, error: &sops_core::Error) -> Option<String> {
    let wanted = case.text("decrypt.stderr").filter(|text| text.starts_with("could not get data key"))?;
    (wanted.trim_end() != error.to_string()).then(|| format!("says: {error}"))
}
