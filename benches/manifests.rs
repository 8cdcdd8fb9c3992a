//! A thousand encrypted Secrets, as a reconciler meets them: each of its own file, with its own data key.
//!
//! `cargo bench -p sops-benches --bench manifests`. Three numbers: opening and verifying all of them, the same with files
//! inside, and the floor: unwrapping the data keys and opening the values, without reading, MAC and checks. The first may
//! be 1.5 times the floor.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sops_core::config::Config;
use sops_core::crypto::{cipher::Cipher, token};
use sops_core::keys::age::{AgeIdentities, AgeRecipients};
use sops_core::{EncryptedDocument, Format, PlainDocument, Sealer};
use sops_kube::{Decryptor, ImportOptions, Keyring, Origin, Policy};

const COUNT: usize = 1000;

struct World {
    identity: String,
    files: Vec<Vec<u8>>,
}

fn world() -> World {
    let (identity, recipient) = AgeIdentities::generate_text();
    let config = format!("creation_rules: [{{age: {recipient}, encrypted_regex: '^(data|stringData)$'}}]");
    let config = Config::parse(config.as_bytes()).expect("a configuration");
    let keys = sops_core::Keyring::new().with(AgeRecipients);
    let file = |n: usize| {
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s{n}\n  namespace: app\ntype: Opaque\nstringData:\n  user: user{n}\n  \
             password: password of {n}\n  url: https://db.example/{n}\n"
        );
        let recipe = config.recipe_for("x.yaml").expect("readable").expect("a rule");
        let plain = PlainDocument::parse(Format::Yaml, text.as_bytes()).expect("plain");
        Sealer::create(recipe, &keys).expect("a sealer").seal(&plain, 1_780_272_000).expect("seals")
    };
    World { identity: identity.to_string(), files: (0..COUNT).map(file).collect() }
}

/// The AAD of a value, and its ciphertext.
type Token = (Vec<u8>, Vec<u8>);

/// What cannot be saved: the data key of each file, and its values.
fn floor(keys: &sops_core::Keyring, files: &[(EncryptedDocument, Vec<Token>)]) -> usize {
    let mut plain = Vec::new();
    for (file, tokens) in files {
        let cipher = Cipher::new(&keys.recover(file.metadata()).expect("a key"));
        for (aad, text) in tokens {
            let token = token::parse(text).expect("a token");
            cipher.open(&token, aad, &mut plain).expect("opens");
        }
    }
    plain.len()
}

fn tokens(file: &[u8]) -> Vec<Token> {
    let text = std::str::from_utf8(file).expect("text");
    let values = text.lines().filter_map(|line| line.trim().split_once(": "));
    let values = values.filter(|(key, value)| value.starts_with("ENC[") && *key != "mac");
    values.map(|(key, value)| (format!("stringData:{key}:").into_bytes(), value.as_bytes().to_vec())).collect()
}

fn manifests(criterion: &mut Criterion) {
    let world = world();
    let entries = [("age.agekey", world.identity.as_bytes())];
    let keyring = Keyring::from_entries(entries, &ImportOptions::recommended()).expect("imports").keyring;
    let decryptor = Decryptor::new(keyring, Policy::recommended());
    let mut group = criterion.benchmark_group("1000 Secrets");
    group.throughput(Throughput::Elements(COUNT as u64)).sample_size(10);
    group.bench_function("decrypt_manifests", |bencher| {
        bencher.iter(|| {
            let open =
                |file: &Vec<u8>| decryptor.decrypt_manifests(file, &Origin::default()).expect("opens").docs.len();
            world.files.iter().map(open).sum::<usize>()
        });
    });
    let keys = sops_core::Keyring::new().with(AgeIdentities::parse(&world.identity).expect("an identity"));
    let parse = |file: &Vec<u8>| EncryptedDocument::parse(Format::Yaml, file.as_slice()).expect("parses");
    let files: Vec<_> = world.files.iter().map(|file| (parse(file), tokens(file))).collect();
    group.bench_function("floor: age and cipher", |bencher| bencher.iter(|| floor(&keys, &files)));
    group.finish();
}

criterion_group!(benches, manifests);
criterion_main!(benches);
