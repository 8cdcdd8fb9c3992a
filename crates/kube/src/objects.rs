//! One object after the build: encrypted files inside it, what is left over, what the API server would refuse.
//!
//! Two sets of rules: ours, which expect every `sops` block to be gone, and Flux's, which open the whole object here.

use crate::blob::entry_origin;
use crate::decryptor::{Decryptor, Integrity};
use crate::detect::{Found, encrypted_file, flux_format};
use crate::error::{Error, ErrorKind, Origin};
use crate::policy::{Fixups, Nested, Verdict, judge};
use crate::spread::SecretValues;
use crate::stream::{Block, value_at};
use crate::value::{Manifest, TOKEN, flux_name, is_kind, subject, visit, wipe};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sops_core::Format;
use zeroize::Zeroizing;

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was encrypted.
    Untouched,
    /// The annotation says to leave it.
    SkippedByAnnotation,
    /// Its values were decrypted.
    Decrypted {
        /// What the MAC said.
        integrity: Integrity,
        /// How many values of its file were encrypted.
        fields: usize,
    },
    /// Files inside it were decrypted, or looked like encrypted ones.
    NestedDecrypted {
        /// The places of those that were decrypted; none where an entry has the marker of an encrypted file and is none.
        keys: Vec<String>,
    },
}

/// Objects that are ready to be applied.
#[derive(Debug, Default)]
pub struct Finished {
    /// The objects, in their order.
    pub objects: Vec<Manifest>,
    /// What became of each.
    pub outcomes: Vec<Outcome>,
    /// What the policy warns about.
    pub warnings: Vec<Error>,
}

/// The annotation that leaves an object alone.
const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// Whether the annotation says to leave an object alone.
pub(crate) fn is_disabled(value: &Value) -> bool {
    let annotations = value.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let value = annotations.and_then(|annotations| annotations.get(DECRYPT)).and_then(Value::as_str);
    value.is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
}

impl Decryptor {
    /// Takes what a build made to what can be applied: files inside objects are decrypted, nothing encrypted is left over,
    /// and no value is one that the API server would refuse. All objects or none.
    ///
    /// # Errors
    /// The first that is wrong, with its object and place.
    pub fn finish_objects(&self, objects: Vec<Manifest>, origin: &Origin) -> Result<Finished, Error> {
        self.finish_build(objects, &SecretValues::default(), origin)
    }

    /// Like [`Decryptor::finish_objects`], and looks whether a value that was decrypted before the build stands outside of a
    /// Secret now.
    ///
    /// # Errors
    /// Those of [`Decryptor::finish_objects`].
    pub fn finish_build(
        &self,
        objects: Vec<Manifest>,
        values: &SecretValues,
        origin: &Origin,
    ) -> Result<Finished, Error> {
        crate::guard(|| {
            let mut finished = Finished::default();
            for mut object in objects {
                let place = origin.at_object(subject(&object));
                let outcome = self.finish(object.value_mut(), &mut finished.warnings).map_err(|e| e.at(&place))?;
                if !is_secret(&object)
                    && let Some(error) = values.find_in(&object)
                {
                    judge(self.policy().escaped_value, || error.at(&place), &mut finished.warnings)?;
                }
                finished.outcomes.push(outcome);
                finished.objects.push(object);
            }
            Ok(finished)
        })
    }

    fn finish(&self, value: &mut Value, warnings: &mut Vec<Error>) -> Result<Outcome, Error> {
        match self.policy().is_flux {
            true => self.open_as_flux(value),
            false => self.finish_strictly(value, warnings),
        }
    }

    /// Whether the policy leaves an object alone.
    pub(crate) fn is_skipped(&self, value: &Value) -> bool {
        self.policy().honour_disable_annotation && is_disabled(value)
    }

    /// Our rules for an object whose block is gone.
    pub(crate) fn finish_strictly(&self, value: &mut Value, warnings: &mut Vec<Error>) -> Result<Outcome, Error> {
        if self.is_skipped(value) {
            return Ok(Outcome::SkippedByAnnotation);
        }
        self.refuse_left_over_block(value, warnings)?;
        let entries = self.open_entries(value)?;
        self.refuse_left_over_tokens(value, warnings)?;
        self.check_secret(value, warnings)?;
        Ok(match entries {
            Some(keys) => Outcome::NestedDecrypted { keys },
            None => Outcome::Untouched,
        })
    }

    /// Looks for blocks and ciphertext in an object, and changes nothing.
    pub(crate) fn refuse_left_over(&self, value: &Value) -> Result<(), Error> {
        if self.is_skipped(value) {
            return Ok(());
        }
        self.refuse_left_over_block(value, &mut Vec::new())?;
        self.refuse_left_over_tokens(value, &mut Vec::new())
    }

    fn refuse_left_over_block(&self, value: &Value, warnings: &mut Vec<Error>) -> Result<(), Error> {
        if value.get("sops").is_none_or(Value::is_null) {
            return Ok(());
        }
        if Block::of(value) == Block::Metadata && has_encrypted_identity(value) {
            let text = "kind or name are ciphertext: decrypt the file before the build";
            return Err(Error::new(ErrorKind::IdentityEncrypted, text));
        }
        let left_over = || {
            let text = "a field `sops` would be applied: it was not decrypted before the build";
            Error::new(ErrorKind::UndecryptedSops, text)
                .hinted("refer to the encrypted file from the kustomization, or opt out with the annotation")
        };
        judge(self.policy().undecrypted_sops, left_over, warnings)
    }

    /// Decrypts the files inside an object and returns their places; `None` if no entry has the marker of one.
    fn open_entries(&self, value: &mut Value) -> Result<Option<Vec<String>>, Error> {
        let members: &[(&str, bool)] = match self.policy().nested {
            Nested::Off => &[],
            Nested::SecretData if is_secret(value) => &[("data", true)],
            Nested::AllStringMaps if is_secret(value) => &[("data", true), ("stringData", false)],
            Nested::AllStringMaps if is_kind(value, "v1", "ConfigMap") => &[("data", false), ("binaryData", true)],
            Nested::SecretData | Nested::AllStringMaps => &[],
        };
        let mut keys: Option<Vec<String>> = None;
        for (member, is_base64) in members {
            let Some(Value::Object(entries)) = value.get_mut(*member) else { continue };
            for (key, entry) in entries.iter_mut() {
                let origin = entry_origin(member, key);
                match self.open_entry(key, entry, *is_base64).map_err(|error| error.at(&origin))? {
                    Entry::Other => {}
                    Entry::Marked => keys = keys.or_else(|| Some(Vec::new())),
                    Entry::Opened => keys.get_or_insert_default().extend(origin.key_path),
                }
            }
        }
        Ok(keys)
    }

    fn open_entry(&self, key: &str, entry: &mut Value, is_base64: bool) -> Result<Entry, Error> {
        let Value::String(text) = &*entry else { return Ok(Entry::Other) };
        let bytes = match is_base64 {
            true => match decode(text) {
                Some(bytes) => bytes,
                None => return Ok(Entry::Other),
            },
            false => Zeroizing::new(text.as_bytes().to_vec()),
        };
        let format = match encrypted_file(&bytes, None, self.limits()) {
            Found::Plain if flux_format(&bytes).is_some() => return Ok(Entry::Marked),
            Found::Plain => return Ok(Entry::Other),
            Found::Encrypted(format) => format,
            Found::TooMuch(error) => return Err(error),
        };
        let blob = self.decrypt_entry(key, &bytes, format)?;
        *entry = match (is_base64, std::str::from_utf8(&blob.bytes)) {
            (true, _) => Value::String(STANDARD.encode(&*blob.bytes)),
            (false, Ok(text)) => Value::String(text.to_owned()),
            (false, Err(_)) => {
                return Err(Error::new(
                    ErrorKind::ValueInvalid,
                    "the decrypted file is not UTF-8: use data, or binaryData",
                ));
            }
        };
        Ok(Entry::Opened)
    }

    /// Looks for ciphertext anywhere, into base64 too.
    pub(crate) fn refuse_left_over_tokens(&self, value: &Value, warnings: &mut Vec<Error>) -> Result<(), Error> {
        if self.policy().residual_ciphertext == Verdict::Allow {
            return Ok(());
        }
        let encoded = encoded_member(value);
        visit(value, |path, value| {
            let Value::String(text) = value else { return Ok(()) };
            let is_encoded = encoded.is_some_and(|member| path.starts_with(member) && path.len() > member.len());
            let is_token = text.starts_with(TOKEN)
                || is_encoded && decode(text).is_some_and(|bytes| bytes.starts_with(TOKEN.as_bytes()));
            if !is_token {
                return Ok(());
            }
            let left_over = || {
                Error::new(ErrorKind::ResidualCiphertext, "ciphertext would be applied as it is")
                    .at(&Origin::default().at_path(path))
            };
            judge(self.policy().residual_ciphertext, left_over, warnings)
        })
    }

    /// Checks what the API server would refuse, before it prints the value in its refusal.
    pub(crate) fn check_secret(&self, value: &mut Value, warnings: &mut Vec<Error>) -> Result<(), Error> {
        if !is_secret(value) {
            return Ok(());
        }
        let is_decrypted_empty = |text: &str| text.is_empty();
        for member in ["data", "stringData"] {
            let entries = match value.get_mut(member) {
                None | Some(Value::Null) => continue,
                Some(Value::Object(entries)) => entries,
                Some(_) => {
                    let origin = Origin::default().at_path(member);
                    return Err(Error::new(ErrorKind::ValueInvalid, "expected a mapping").at(&origin));
                }
            };
            for (key, entry) in entries.iter_mut() {
                self.check_entry(member == "data", entry).map_err(|error| error.at(&entry_origin(member, key)))?;
                if entry.as_str().is_some_and(is_decrypted_empty) {
                    let empty = || {
                        crate::policy::denied("empty-secret-value", "the value is empty").at(&entry_origin(member, key))
                    };
                    judge(self.policy().empty_secret_value, empty, warnings)?;
                }
            }
        }
        Ok(())
    }

    fn check_entry(&self, is_base64: bool, entry: &mut Value) -> Result<(), Error> {
        let invalid = |text: &str| Err(Error::new(ErrorKind::ValueInvalid, text));
        match &*entry {
            Value::Null => Ok(()),
            Value::String(text) if is_base64 && decode(text).is_none() => invalid("the value is not base64"),
            Value::String(_) => Ok(()),
            Value::Bool(_) | Value::Number(_) if !is_base64 && self.policy().fixups == Fixups::StringifyScalars => {
                *entry = Value::String(entry.to_string());
                Ok(())
            }
            Value::Bool(_) | Value::Number(_) => invalid("the value is no text: quote it, and encrypt it again"),
            Value::Array(_) | Value::Object(_) => invalid("the value is no text"),
        }
    }

    /// Flux's rules: the whole object, else the entries of a Secret, else nothing; then the guard.
    pub(crate) fn open_as_flux(&self, value: &mut Value) -> Result<Outcome, Error> {
        if self.is_skipped(value) {
            return Ok(Outcome::SkippedByAnnotation);
        }
        let (name, kind) = (flux_name(value), kind_of(value).to_owned());
        let mac = value.get("sops").and_then(|block| block.get("mac")).and_then(Value::as_str);
        if mac.is_some_and(|mac| !mac.is_empty()) {
            return self.open_whole(value).map_err(|error| {
                error.of_flux_subject(&format!("failed to decrypt and format '{name}' {kind} data:"))
            });
        }
        let mut keys = Vec::new();
        if kind == "Secret"
            && let Some(Value::Object(entries)) = value.get_mut("data")
        {
            keys = self.open_entries_as_flux(entries, &name)?;
        }
        if is_kind(value, "v1", "Secret") && value.get("sops").is_some() {
            let text = "is SOPS encrypted, configuring decryption is required for this secret to be reconciled";
            let error = Error::new(ErrorKind::UndecryptedSops, "a Secret with a field `sops` would be applied");
            return Err(error.in_flux(format!("Secret/{name} {text}")));
        }
        Ok(match keys.is_empty() {
            true => Outcome::Untouched,
            false => Outcome::NestedDecrypted { keys },
        })
    }

    fn open_entries_as_flux(&self, entries: &mut Map<String, Value>, name: &str) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        for (key, entry) in entries.iter_mut() {
            let Some(bytes) = entry.as_str().and_then(decode) else { continue };
            let Some(format) = flux_format(&bytes) else { continue };
            let origin = entry_origin("data", key);
            let subject = format!("failed to decrypt and format '{name}' Secret field '{key}':");
            let blob = self.decrypt_entry(key, &bytes, format);
            let blob = blob.map_err(|error| error.at(&origin).of_flux_subject(&subject))?;
            *entry = Value::String(STANDARD.encode(&*blob.bytes));
            keys.extend(origin.key_path);
        }
        Ok(keys)
    }

    /// Opens an object that carries its own block. Its keys are in the order of the map, which need not be that of the file.
    pub(crate) fn open_whole(&self, value: &mut Value) -> Result<Outcome, Error> {
        let text = serde_json::to_vec(value)
            .map_err(|_| Error::new(ErrorKind::Internal, "an object cannot be written as JSON"))?;
        let opened = self.open(Format::Json, &Zeroizing::new(text))?;
        let mut fields = 0;
        visit::<()>(value, |_, value| {
            fields += usize::from(value.as_str().is_some_and(|text| text.starts_with(TOKEN)));
            Ok(())
        })
        .unwrap_or_default();
        let plain = value_at(&opened.plain, 0)?;
        wipe(value);
        *value = plain;
        Ok(Outcome::Decrypted { integrity: opened.integrity, fields })
    }

    /// Decrypts one object in place. It has no comments and its keys are in the order of the map: a MAC over a file with
    /// another order cannot verify here; decrypt the file before the build where it must.
    ///
    /// # Errors
    /// As [`Decryptor::decrypt_manifests`]; [`ErrorKind::SelectorNeedsComments`] for a file whose comments decide. The
    /// object is as before then.
    pub fn decrypt_value(&self, value: &mut Value, origin: &Origin) -> Result<Outcome, Error> {
        crate::guard(|| {
            let place = origin.at_object(subject(value));
            let mut copy = Manifest::new(value.clone());
            let outcome = self.decrypt_object(copy.value_mut()).map_err(|error| error.at(&place))?;
            wipe(value);
            *value = copy.into_inner();
            Ok(outcome)
        })
    }

    fn decrypt_object(&self, value: &mut Value) -> Result<Outcome, Error> {
        if self.policy().is_flux {
            return self.open_as_flux(value);
        }
        if self.is_skipped(value) {
            return Ok(Outcome::SkippedByAnnotation);
        }
        let mut whole = None;
        match Block::of(value) {
            Block::None | Block::Foreign => {}
            Block::NotAMapping => return Err(not_a_mapping()),
            Block::Metadata => {
                let rules = ["encrypted_comment_regex", "unencrypted_comment_regex"];
                let has_rule = |rule: &&str| value.pointer(&format!("/sops/{rule}")).is_some_and(|v| v != "");
                if rules.iter().any(has_rule) {
                    let text = "the selection rule looks at comments, which an object does not have";
                    return Err(Error::new(ErrorKind::SelectorNeedsComments, text));
                }
                whole = Some(self.open_whole(value)?);
            }
        }
        let finished = self.finish_strictly(value, &mut Vec::new())?;
        Ok(whole.unwrap_or(finished))
    }
}

/// What an entry was.
enum Entry {
    /// No encrypted file.
    Other,
    /// No encrypted file either, but it has the marker of one.
    Marked,
    /// An encrypted file, opened.
    Opened,
}

/// A `sops` entry that is text or a list.
pub(crate) fn not_a_mapping() -> Error {
    let text = "a field `sops` that is not a mapping";
    Error::new(ErrorKind::Metadata, text).at(&Origin::default().at_path("sops"))
}

/// The kind, wherever it comes from.
fn kind_of(value: &Value) -> &str {
    value.get("kind").and_then(Value::as_str).unwrap_or_default()
}

fn is_secret(value: &Value) -> bool {
    is_kind(value, "v1", "Secret")
}

/// The member whose values are base64.
fn encoded_member(value: &Value) -> Option<&'static str> {
    match kind_of(value) {
        "Secret" => Some("data"),
        "ConfigMap" => Some("binaryData"),
        _ => None,
    }
}

fn has_encrypted_identity(value: &Value) -> bool {
    let parts = ["/apiVersion", "/kind", "/metadata/name"];
    parts.iter().any(|part| value.pointer(part).and_then(Value::as_str).is_some_and(|text| text.starts_with(TOKEN)))
}

/// Standard base64 with line breaks anywhere, as the API server takes it.
pub(crate) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = match text.contains(['\n', '\r']) {
        false => STANDARD.decode(text),
        true => STANDARD.decode(&*Zeroizing::new(text.replace(['\n', '\r'], ""))),
    };
    bytes.ok().map(Zeroizing::new)
}
