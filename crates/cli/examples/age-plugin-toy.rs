//! An age plugin for tests, built on the `age-plugin` crate: it "wraps" a file key by turning its bits around, so it
//! protects nothing. `TOY_ASK` says what it asks a person before it does anything.

use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret as _;
use age_plugin::{
    Callbacks, PluginHandler, identity, identity::IdentityPluginV1, recipient, recipient::RecipientPluginV1,
    run_state_machine,
};
use std::collections::{HashMap, HashSet};
use std::io;

fn main() -> io::Result<()> {
    let machine = std::env::args().nth(1).unwrap_or_default();
    match machine.strip_prefix("--age-plugin=") {
        Some(machine) => run_state_machine(machine, Toy),
        None => Err(io::Error::other("this is an age plugin")),
    }
}

struct Toy;

impl PluginHandler for Toy {
    type RecipientV1 = Wrap;
    type IdentityV1 = Unwrap;

    fn recipient_v1(self) -> io::Result<Wrap> {
        Ok(Wrap)
    }

    fn identity_v1(self) -> io::Result<Unwrap> {
        Ok(Unwrap)
    }
}

/// Asks what `TOY_ASK` says; the reason if the answer is not the right one.
fn ask<E>(callbacks: &mut impl Callbacks<E>) -> io::Result<Result<(), String>> {
    let wrong = |what: &str| Ok(Err(format!("wrong answer to {what}")));
    match std::env::var("TOY_ASK").unwrap_or_default().as_str() {
        "message" => {
            let names = ["SOPS_AGE_KEY", "VAULT_TOKEN", "TOY_ASK"];
            let seen: Vec<_> = names.into_iter().filter(|name| std::env::var_os(name).is_some()).collect();
            let _shown = callbacks.message(&format!("sees {}", seen.join(" ")))?;
        }
        "confirm" => match callbacks.confirm("open it?", "open", Some("leave"))? {
            Ok(true) => {}
            _ => return wrong("confirm"),
        },
        "public" => match callbacks.request_public("which drawer?")? {
            Ok(answer) if answer == "top" => {}
            _ => return wrong("request-public"),
        },
        "secret" => match callbacks.request_secret("the word?")? {
            Ok(answer) if answer.expose_secret() == "sesame" => {}
            _ => return wrong("request-secret"),
        },
        "crash" => std::process::exit(3),
        _ => {}
    }
    Ok(Ok(()))
}

fn turned(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().map(|byte| !byte)
}

struct Wrap;

impl RecipientPluginV1 for Wrap {
    fn add_recipient(&mut self, _index: usize, _name: &str, _bytes: &[u8]) -> Result<(), recipient::Error> {
        Ok(())
    }

    fn add_identity(&mut self, _index: usize, _name: &str, _bytes: &[u8]) -> Result<(), recipient::Error> {
        Ok(())
    }

    fn labels(&mut self) -> HashSet<String> {
        HashSet::new()
    }

    fn wrap_file_keys(
        &mut self,
        keys: Vec<FileKey>,
        mut callbacks: impl Callbacks<recipient::Error>,
    ) -> io::Result<Result<Vec<Vec<Stanza>>, Vec<recipient::Error>>> {
        if let Err(message) = ask(&mut callbacks)? {
            return Ok(Err(vec![recipient::Error::Internal { message }]));
        }
        let stanza = |key: FileKey| {
            // A check byte, so that a damaged one is noticed.
            let check = key.expose_secret().iter().fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
            Stanza { tag: "toy".into(), args: vec![check.to_string()], body: turned(key.expose_secret()).collect() }
        };
        Ok(Ok(keys.into_iter().map(|key| vec![stanza(key)]).collect()))
    }
}

struct Unwrap;

impl IdentityPluginV1 for Unwrap {
    fn add_identity(&mut self, _index: usize, _name: &str, _bytes: &[u8]) -> Result<(), identity::Error> {
        Ok(())
    }

    fn unwrap_file_keys(
        &mut self,
        files: Vec<Vec<Stanza>>,
        mut callbacks: impl Callbacks<identity::Error>,
    ) -> io::Result<HashMap<usize, Result<FileKey, Vec<identity::Error>>>> {
        let mut keys = HashMap::new();
        for (number, stanzas) in files.into_iter().enumerate() {
            let Some(stanza) = stanzas.into_iter().find(|stanza| stanza.tag == "toy") else { continue };
            let key = match ask(&mut callbacks)? {
                Err(message) => Err(vec![identity::Error::Internal { message }]),
                Ok(()) => FileKey::try_init_with_mut(|key| match stanza.body.len() == key.len() {
                    true => {
                        key.iter_mut().zip(turned(&stanza.body)).for_each(|(to, from)| *to = from);
                        Ok(())
                    }
                    false => Err(vec![identity::Error::Internal { message: "malformed stanza".into() }]),
                }),
            };
            keys.insert(number, key);
        }
        Ok(keys)
    }
}
