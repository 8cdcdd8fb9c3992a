//! The promise: whatever is encrypted comes back byte for byte. Documents of all formats, as they stand and with random
//! changes: lines and pieces exchanged, doubled, left out, odd spellings put in.
//!
//! `SOPS_BYTES_COUNT` changed documents (4,000 by default) from `SOPS_BYTES_SEED` on (1 by default).

use crate::case::Case;
use crate::corpus::{Tally, corpora, suites};
use crate::library::{self, Arguments};
use sops_core::document::{EncryptedDocument, PlainDocument};
use sops_core::error::Error;
use sops_core::format::Format;
use sops_core::sealer::Sealer;

const FORMATS: [(Format, &str); 4] =
    [(Format::Yaml, "yaml"), (Format::Json, "json"), (Format::Dotenv, "env"), (Format::Ini, "ini")];

/// Pieces that have broken something, or could.
const PIECES: &[&str] = &[
    "0x1F",
    "0o17",
    "1_000",
    "1.10",
    "1e3",
    "-0",
    "-0.0",
    "0.10",
    ".5",
    "+1",
    "1.",
    "2024-01-01",
    "12:30",
    "yes",
    "y",
    "~",
    "null",
    "Null",
    "TRUE",
    ".inf",
    "-.INF",
    ".nan",
    "99999999999999999999",
    "1e400",
    "!!int ",
    "!!str ",
    "!x ",
    "! ",
    "&x ",
    "*x",
    "*x ",
    "<<: *x",
    "<<: [*x, *y]",
    "<<:\n  - *x",
    "&y ",
    "*y",
    ">\n  a\n  b\n",
    ">-\n  a\n\n   b\n",
    "|\n  a\n",
    "|+\n  a\n\n",
    "|2-\n   a\n",
    ">1\n  a\n",
    "'it''s'",
    "\"a\\nb\"",
    "\"\\u0041\"",
    "\"\\/\"",
    "\"a\n  b\"",
    "'a\n\n  b'",
    "\"a\\\n  b\"",
    "a\n  b",
    "{a: 1, b: [x, 'y']}",
    "[1, 0x2, *x]",
    "{}",
    "[]",
    "# c",
    " # c",
    "\n# c\n",
    "\t",
    "\r\n",
    "\n",
    "\n\n",
    "---\n",
    "...\n",
    "--- # c\n",
    "%YAML 1.1\n---\n",
    "- ",
    "-\n",
    "? a\n: b\n",
    "? ",
    ": ",
    ":",
    ",",
    "=",
    ";",
    "export ",
    "`x`",
    "'x' y",
    "\"x\" y",
    "\"\"\"",
    "\\",
    "\\n",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "[s]\n",
    "a = 1\n",
    "a=1\n",
    "A=1\n",
    "\"a\": 1",
    "{\"a\": 1.0}",
    "{\"a\": \"\\u00e9\\ud83d\\ude00\"}",
    "ENC[",
    "sops",
];

/// A small generator: tests repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end.max(1)
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// A changed text.
    fn change(&mut self, text: &mut String, other: &str) {
        let at = self.place(text);
        match self.below(8) {
            0 => {
                let mut end = at + self.below(12).min(text.len() - at);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.replace_range(at..end.max(at), "");
            }
            1 => text.insert_str(at, line(self, other)),
            2 | 3 => text.insert_str(at, PIECES[self.below(PIECES.len())]),
            4 => {
                // In the place of a value.
                let ends: Vec<usize> = text.match_indices(": ").map(|(i, m)| i + m.len()).collect();
                if let Some(from) = ends.get(self.below(ends.len())) {
                    let end = text[*from..].find('\n').map_or(text.len(), |i| from + i);
                    text.replace_range(*from..end, PIECES[self.below(PIECES.len())].trim_end_matches('\n'));
                }
            }
            5 => {
                let from = text[..at].rfind('\n').map_or(0, |i| i + 1);
                let line = line(self, text).to_string();
                text.insert_str(from, &line);
            }
            6 => {
                let from = text[..at].rfind('\n').map_or(0, |i| i + 1);
                let end = text[at..].find('\n').map_or(text.len(), |i| at + i + 1);
                text.replace_range(from..end, "");
            }
            _ => text.insert_str(at, ["\n", " ", "  ", "\t", "\r"][self.below(5)]),
        }
    }
}

/// Some whole line.
fn line<'t>(random: &mut Random, text: &'t str) -> &'t str {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.get(random.below(lines.len())).copied().unwrap_or_default()
}

/// All plain texts there are of a format.
fn documents(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for corpus in corpora() {
        for area in ["yaml", "json", "dotenv", "ini", "field", "select", "mac"] {
            if corpus.path.join(area).is_dir() {
                let inputs = corpus.cases(area).into_iter().map(|dir| Case::read(&dir));
                found.extend(inputs.filter_map(|case| case.file(&format!("input.{name}"))));
            }
        }
        let tables = ["yaml/comments.tsv", "yaml/emit.tsv"];
        for table in tables.iter().filter(|t| name == "yaml" && corpus.path.join(t).is_file()) {
            found.extend(corpus.rows(table).iter().map(|row| crate::tables::json_text(&row[0]).into_bytes()));
        }
        let real = corpus.path.join("field/real/plain");
        for entry in std::fs::read_dir(real).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|e| e == name || name == "yaml" && e == "yml") {
                found.push(std::fs::read(entry.path()).expect("a readable file"));
            }
        }
    }
    if let Some(suite) = suites().filter(|_| name == "yaml") {
        let folder = std::fs::read_dir(suite.path.join("yaml-test-suite")).into_iter().flatten().flatten();
        found.extend(folder.filter_map(|entry| std::fs::read(entry.path().join("in.yaml")).ok()));
    }
    found.sort();
    found.into_iter().filter_map(|bytes| String::from_utf8(bytes).ok()).filter(|text| text.len() < 4000).collect()
}

/// What is wrong with a text on its way there and back; `Err` if it is refused.
fn there_and_back(sealer: &Sealer, format: Format, text: &str) -> Result<Option<String>, Error> {
    let plain = PlainDocument::parse(format, text.as_bytes())?;
    let sealed = sealer.seal(&plain, library::NOW)?;
    let file = EncryptedDocument::parse(format, &sealed[..])?;
    Ok(match file.decrypt(&library::keyring()) {
        Err(error) => Some(format!("open: {error}")),
        Ok(back) if back.bytes() != text.as_bytes() => Some("another text comes back".into()),
        Ok(_) => None,
    })
}

#[test]
fn whatever_is_encrypted_comes_back() {
    let number = |name, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (count, seed): (usize, u64) = (number("SOPS_BYTES_COUNT", 4000) as usize, number("SOPS_BYTES_SEED", 1));
    let sealer = library::sealer(&Arguments::everything()).expect("a test recipient");
    let only_some = library::sealer(&Arguments::matching("^a|^b|key|data")).expect("a test recipient");
    let mut tally = Tally::default();
    for (format, name) in FORMATS {
        let documents = documents(name);
        assert!(documents.len() > 20, "{name}: {}", documents.len());
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for number in 0..documents.len() + count / FORMATS.len() {
            let mut text = documents[number % documents.len()].clone();
            if number >= documents.len() {
                text = documents[random.below(documents.len())].clone();
                for _ in 0..=random.below(3) {
                    let other = documents[random.below(documents.len())].as_str();
                    random.change(&mut text, other);
                }
            }
            let sealer = if random.below(3) == 0 { &only_some } else { &sealer };
            match there_and_back(sealer, format, &text) {
                // A few in a hundred thousand; nothing is written then.
                Err(Error::Reparse { .. }) => tally.skipped("refused by the check"),
                Err(_) => tally.skipped("refused"),
                Ok(problem) => tally.ran(&format!("{name} {text:?}"), problem),
            }
        }
    }
    corpora()[0].report("rows", "bytes", tally);
}
