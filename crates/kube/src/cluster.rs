//! Types of Kubernetes: Secrets (`k8s-openapi`), dynamic objects and a client (`kube`).

use crate::decryptor::Decryptor;
use crate::error::{Error, ErrorKind, Origin};
use crate::keyring::{ImportOptions, Imported, Keyring};
use crate::objects::Outcome;
use crate::value::Manifest;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;
use std::collections::BTreeMap;

impl Keyring {
    /// Reads the entries of a decryption Secret: `data`, which is what the API server keeps.
    ///
    /// # Errors
    /// Those of [`Keyring::from_entries`].
    pub fn from_secret(secret: &Secret, options: &ImportOptions) -> Result<Imported, Error> {
        let empty = BTreeMap::new();
        Keyring::from_map(secret.data.as_ref().unwrap_or(&empty), options)
    }

    /// Reads the entries of the `data` of a Secret.
    ///
    /// # Errors
    /// Those of [`Keyring::from_entries`].
    pub fn from_map(data: &BTreeMap<String, ByteString>, options: &ImportOptions) -> Result<Imported, Error> {
        Keyring::from_entries(data.iter().map(|(name, value)| (name.as_str(), value.0.as_slice())), options)
    }
}

/// An object as JSON, changed by `work`, and back.
fn through_json<T: serde_like::Both>(
    object: &mut T,
    work: impl FnOnce(&mut Value) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let broken = |_| Error::new(ErrorKind::Internal, "an object does not survive JSON");
    let mut value = Manifest::new(serde_json::to_value(&*object).map_err(broken)?);
    let outcome = work(value.value_mut())?;
    *object = serde_json::from_value(value.into_inner()).map_err(|_| {
        // Its text could hold a value.
        Error::new(ErrorKind::ValueInvalid, "the decrypted object does not fit its type")
    })?;
    Ok(outcome)
}

/// What can be written as JSON and read again.
mod serde_like {
    /// Both directions.
    pub trait Both: serde::Serialize + serde::de::DeserializeOwned {}
    impl<T: serde::Serialize + serde::de::DeserializeOwned> Both for T {}
}

impl Decryptor {
    /// Decrypts the files inside a Secret. A typed Secret has no `sops` block.
    ///
    /// # Errors
    /// Those of [`Decryptor::decrypt_value`]; the Secret is as before then.
    pub fn decrypt_secret(&self, secret: &mut Secret) -> Result<Outcome, Error> {
        through_json(secret, |value| self.decrypt_value(value, &Origin::default()))
    }
}

#[cfg(feature = "kube")]
impl Decryptor {
    /// Decrypts an object that may carry a `sops` block.
    ///
    /// # Errors
    /// Those of [`Decryptor::decrypt_value`]; the object is as before then.
    pub fn decrypt_dynamic(&self, object: &mut kube::core::DynamicObject) -> Result<Outcome, Error> {
        through_json(object, |value| self.decrypt_value(value, &Origin::default()))
    }
}

/// Reads the decryption Secret of a namespace.
///
/// # Errors
/// [`ErrorKind::SecretNotFound`], [`ErrorKind::Io`] for any other answer of the server (its text is dropped), and those of
/// [`Keyring::from_secret`].
#[cfg(feature = "kube")]
pub async fn load_keyring(
    client: kube::Client,
    namespace: &str,
    name: &str,
    options: &ImportOptions,
) -> Result<Imported, Error> {
    let secrets = kube::Api::<Secret>::namespaced(client, namespace);
    let place = format!("{namespace}/{name}");
    match secrets.get_opt(name).await {
        Ok(Some(secret)) => Keyring::from_secret(&secret, &options.clone().of_secret(namespace, name)),
        Ok(None) => {
            let text = format!("the decryption Secret {place} does not exist");
            Err(Error::new(ErrorKind::SecretNotFound, text).in_flux(format!("secrets \"{name}\" not found")))
        }
        Err(kube::Error::Api(status)) => {
            let text = format!("the decryption Secret {place} cannot be read: status {}", status.code);
            Err(Error::new(ErrorKind::Io, text))
        }
        Err(_) => Err(Error::new(ErrorKind::Io, format!("the decryption Secret {place} cannot be read: no answer"))),
    }
}
