//! What a kustomize plugin does, without its surroundings: a configuration and objects in, objects out.
//!
//! kustomize calls a program in two ways: with a `ResourceList` on standard input (a KRM function), or with the file of a
//! configuration as its argument and objects on standard input (a legacy plugin). The configuration is that of ksops or
//! our own, and whoever calls brings the files and the keys as a [`Host`].

mod config;

use crate::blob::is_binary_envelope;
use crate::error::{Error, Origin};
use crate::objects::not_a_mapping;
use crate::policy::{Limits, Policy};
use crate::stream::{Block, value_at};
use crate::value::{Manifest, subject};
use crate::{Decryptor, Keyring};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub use config::{Config, Reach, Role};
use config::{Entry, SecretFrom};
use serde_json::{Map, Value, json};
use sops_core::{Format, PlainDocument};
use zeroize::Zeroizing;

/// The files and the keys of whoever calls. Its messages hold no values.
pub trait Host {
    /// Reads a file that a configuration names.
    ///
    /// # Errors
    /// A message for people.
    fn read(&mut self, path: &str, reach: &Reach) -> Result<Zeroizing<Vec<u8>>, String>;

    /// Opens an encrypted text; `is_verified` says whether its MAC must fit.
    ///
    /// # Errors
    /// A message for people.
    fn open(&mut self, format: Format, bytes: &[u8], is_verified: bool) -> Result<PlainDocument, String>;
}

/// What a plugin prints, and what it says about it.
#[derive(Debug, Default)]
pub struct Output {
    /// For standard output.
    pub text: Zeroizing<Vec<u8>>,
    /// For standard error; no values.
    pub warnings: Vec<String>,
}

/// Objects of one role's work.
struct Made {
    objects: Vec<Manifest>,
    warnings: Vec<String>,
}

/// Runs as a KRM function: `input` is a `ResourceList`.
///
/// # Errors
/// A message for people.
pub fn function(input: &[u8], host: &mut dyn Host) -> Result<Output, String> {
    let list = crate::stream::parse(input).map_err(|error| format!("the ResourceList cannot be read: {error}"))?;
    let root = list.outline().documents.first().map_or(0, |d| d.root as usize);
    let mut list = Manifest::new(value_at(&list, root).map_err(|error| error.to_string())?);
    if list.get("kind").and_then(Value::as_str) != Some("ResourceList") {
        return Err("expected a ResourceList on standard input".into());
    }
    let config = list.get("functionConfig").filter(|config| !config.is_null()).cloned();
    let items = match list.value_mut().get_mut("items") {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => Vec::new(),
    };
    let (configs, items): (Vec<Value>, Vec<Value>) = items.into_iter().partition(Config::is_one);
    // A generator gets its own configuration as the only item.
    let configs = config.map_or(configs, |config| vec![config]);
    if configs.is_empty() {
        return Err("there is no configuration: neither a functionConfig nor an item of kind ksops".into());
    }
    let mut objects: Vec<Manifest> = items.into_iter().map(Manifest::new).collect();
    let mut output = Output::default();
    let mut results = Vec::new();
    for config in &configs {
        let made = run(config, objects, host)?;
        results.extend(made.warnings.iter().map(|text| json!({"message": text, "severity": "warning"})));
        output.warnings.extend(made.warnings);
        objects = made.objects;
    }
    let version = list.get("apiVersion").cloned().unwrap_or_else(|| json!("config.kubernetes.io/v1"));
    let mut answer = json!({"apiVersion": version, "kind": "ResourceList", "items": Value::Null});
    if let Some(members) = answer.as_object_mut() {
        members.insert("items".into(), objects.into_iter().map(Manifest::into_inner).collect());
        if !results.is_empty() {
            members.insert("results".into(), results.into());
        }
    }
    write(&Manifest::new(answer), &mut output.text)?;
    Ok(output)
}

/// Runs as a legacy plugin: `config` is the text of the configuration; `input` reads the objects, for a role that has some.
///
/// # Errors
/// A message for people.
pub fn legacy(
    config: &[u8],
    input: impl FnOnce() -> Result<Vec<u8>, String>,
    host: &mut dyn Host,
) -> Result<Output, String> {
    let config = crate::stream::read_mapping(config).ok_or("the configuration cannot be read")?;
    let objects = match Config::of(&config).map_err(|error| error.to_string())?.role {
        Role::Generate => Vec::new(),
        Role::Transform | Role::Validate => {
            let input = Zeroizing::new(input()?);
            crate::read_objects(&input, &Limits::default()).map_err(|error| error.to_string())?
        }
    };
    let made = run(&config, objects, host)?;
    let mut output = Output { text: Zeroizing::default(), warnings: made.warnings };
    for object in &made.objects {
        output.text.extend_from_slice(b"---\n");
        write(object, &mut output.text)?;
    }
    Ok(output)
}

fn run(config: &Value, objects: Vec<Manifest>, host: &mut dyn Host) -> Result<Made, String> {
    let config = Config::of(config).map_err(|error| error.to_string())?;
    match config.role {
        Role::Generate => generate(&config, objects, host),
        Role::Transform => transform(objects, host),
        Role::Validate => validate(objects),
    }
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    serde_json::to_writer(&mut *out, value).map_err(|_| "an object cannot be written as JSON".to_owned())?;
    out.push(b'\n');
    Ok(())
}

/// What the files of a configuration hold, behind the objects that are there, in the order of the configuration.
fn generate(config: &Config, mut objects: Vec<Manifest>, host: &mut dyn Host) -> Result<Made, String> {
    for path in &config.files {
        let format = match Format::from_path(path) {
            Format::Binary => Format::Json,
            format => format,
        };
        let text = plain(path, format, config, host)?.into_bytes();
        let found = crate::read_objects(&text, &Limits::default()).map_err(|error| format!("{path}: {error}"))?;
        objects.extend(found);
    }
    for secret in &config.secrets {
        objects.push(secret_of(secret, config, host)?);
    }
    Ok(Made { objects, warnings: Vec::new() })
}

/// A file of the configuration, decrypted and verified.
fn plain(path: &str, format: Format, config: &Config, host: &mut dyn Host) -> Result<PlainDocument, String> {
    let bytes = host.read(path, &config.reach)?;
    host.open(format, &bytes, true).map_err(|text| format!("{path}: {text}"))
}

fn secret_of(secret: &SecretFrom, config: &Config, host: &mut dyn Host) -> Result<Manifest, String> {
    let (mut data, mut texts) = (Map::new(), Map::new());
    for Entry { key, path } in &secret.files {
        let bytes = plain(path, format_of(path, config, host)?, config, host)?.into_bytes();
        let text =
            std::str::from_utf8(&bytes).map_err(|_| format!("{path}: is not UTF-8: name it under binaryFiles"))?;
        texts.insert(key.clone(), Value::String(text.to_owned()));
    }
    for Entry { key, path } in &secret.binary_files {
        let bytes = plain(path, format_of(path, config, host)?, config, host)?.into_bytes();
        data.insert(key.clone(), Value::String(STANDARD.encode(&*bytes)));
    }
    for path in &secret.envs {
        let document = plain(path, Format::Dotenv, config, host)?;
        let root = document.outline().documents.first().map_or(0, |d| d.root as usize);
        match value_at(&document, root).map_err(|error| format!("{path}: {error}"))? {
            Value::Object(members) => texts.extend(members),
            _ => return Err(format!("{path}: no variables")),
        }
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": secret.metadata});
    if let Some(members) = object.as_object_mut() {
        members.extend(secret.kind.clone().map(|kind| ("type".to_owned(), Value::String(kind))));
        members.extend((!data.is_empty()).then_some(("data".to_owned(), Value::Object(data))));
        members.extend((!texts.is_empty()).then_some(("stringData".to_owned(), Value::Object(texts))));
    }
    Ok(Manifest::new(object))
}

/// The format of a file for an entry: by its name; a file whose name says nothing may still be no binary one.
fn format_of(path: &str, config: &Config, host: &mut dyn Host) -> Result<Format, String> {
    let format = Format::from_path(path);
    if format != Format::Binary {
        return Ok(format);
    }
    let bytes = host.read(path, &config.reach)?;
    let is_envelope = PlainDocument::parse(Format::Json, &bytes[..]).is_ok_and(|plain| is_binary_envelope(&plain));
    Ok(if is_envelope { Format::Binary } else { Format::Json })
}

/// Opens objects that still carry a block. Their MAC cannot be verified: order and comments are gone.
fn transform(objects: Vec<Manifest>, host: &mut dyn Host) -> Result<Made, String> {
    let mut made = Made { objects: Vec::new(), warnings: Vec::new() };
    for object in objects {
        let name = subject(&object).unwrap_or_else(|| "an object".to_owned());
        match Block::of(&object) {
            Block::None | Block::Foreign => made.objects.push(object),
            Block::NotAMapping => return Err(format!("{name}: {}", not_a_mapping())),
            Block::Metadata => {
                let mut text = Zeroizing::new(Vec::new());
                write(&object, &mut text)?;
                let plain = host.open(Format::Json, &text, false).map_err(|text| format!("{name}: {text}"))?;
                let value = value_at(&plain, 0).map_err(|error| format!("{name}: {error}"))?;
                made.objects.push(Manifest::new(value));
                made.warnings
                    .push(format!("{name}: decrypted without a look at its MAC, which spans the file it is from"));
            }
        }
    }
    refuse_left_over(&made.objects)?;
    Ok(made)
}

/// Passes objects on if nothing encrypted is left in them.
fn validate(objects: Vec<Manifest>) -> Result<Made, String> {
    refuse_left_over(&objects)?;
    Ok(Made { objects, warnings: Vec::new() })
}

fn refuse_left_over(objects: &[Manifest]) -> Result<(), String> {
    let policy = Policy { honour_disable_annotation: true, ..Policy::recommended() };
    let looker = Decryptor::new(Keyring::default(), policy);
    for object in objects {
        let refused = |error: Error| error.at(&Origin::default().at_object(subject(object))).to_string();
        looker.refuse_left_over(object).map_err(refused)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
