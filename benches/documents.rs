//! What happens inside one call, without the start of a process: scan a text, seal it, open it again.
//!
//! `cargo bench -p sops-benches`. Whole processes against the reference are timed elsewhere; these numbers are for
//! comparing two versions of this code on one machine. `open` and `seal` each hold one age operation, which is all of
//! the small document's time.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sops_core::document::{EncryptedDocument, PlainDocument};
use sops_core::format::Format;
use sops_core::keys::{Keyring, age::AgeIdentities, age::AgeRecipients};
use sops_core::metadata::keys::MasterKey;
use sops_core::sealer::{Recipe, Sealer};
use sops_core::select::{Selector, Settings};
use std::fmt::Write;

const ALICE: &str = include_str!("../fixtures/keys/alice.agekey");
const ALICE_RECIPIENT: &str = include_str!("../fixtures/keys/alice.recipient");
const SECRET: &str = include_str!("../fixtures/demo/my-secret.yaml");
const NOW: i64 = 1_780_272_000;

/// Sections of ten leaves: texts, numbers, booleans, a comment each.
fn leaves(count: usize) -> String {
    let mut text = String::new();
    for section in 0..count / 10 {
        writeln!(text, "# section {section}\nsection{section}:").expect("a String takes anything");
        for leaf in 0..10 {
            let value = match leaf {
                0 => section.to_string(),
                1 => "true".to_string(),
                2 => format!("\"quoted {section}\""),
                _ => format!("value-{leaf} of section {section}"),
            };
            writeln!(text, "    key{leaf}: {value}").expect("a String takes anything");
        }
    }
    text
}

fn keyring() -> Keyring {
    Keyring::new().with(AgeIdentities::parse(ALICE).expect("a test identity")).with(AgeRecipients)
}

fn seal(plain: &PlainDocument, keys: &Keyring) -> Vec<u8> {
    let settings = Settings { unencrypted_suffix: "_unencrypted".into(), ..Settings::default() };
    let recipe = Recipe {
        groups: vec![vec![MasterKey::age(ALICE_RECIPIENT.trim()).expect("a test recipient")]],
        threshold: 0,
        selector: Selector::from_settings(&settings).expect("the default rule"),
        mac_only_encrypted: false,
        allow_nothing: false,
        indent: None,
    };
    Sealer::create(recipe, keys).and_then(|sealer| sealer.seal(plain, NOW)).expect("the text can be sealed")
}

fn parse(text: &str) -> PlainDocument {
    PlainDocument::parse(Format::Yaml, text.as_bytes()).expect("the text is YAML")
}

fn documents(criterion: &mut Criterion) {
    let keys = keyring();
    for (name, text) in [("secret", SECRET.to_string()), ("1k", leaves(1_000)), ("100k", leaves(100_000))] {
        let plain = parse(&text);
        let encrypted = seal(&plain, &keys);
        let mut group = criterion.benchmark_group("yaml");
        group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(10);
        group.bench_function(BenchmarkId::new("scan", name), |b| b.iter(|| parse(&text)));
        group.bench_function(BenchmarkId::new("seal", name), |b| b.iter(|| seal(&plain, &keys)));
        group.bench_function(BenchmarkId::new("open", name), |b| {
            b.iter(|| EncryptedDocument::parse(Format::Yaml, &encrypted).and_then(|file| file.decrypt(&keys)));
        });
        group.finish();
    }
}

criterion_group!(benches, documents);
criterion_main!(benches);
