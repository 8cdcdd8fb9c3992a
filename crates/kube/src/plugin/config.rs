//! The configuration of a plugin: the schema of ksops, and our own kind with the same members and three more.
//!
//! | member | in | meaning |
//! | --- | --- | --- |
//! | `files` | both | encrypted manifests |
//! | `secretFrom` | both | Secrets made from encrypted files: `metadata`, `type`, `files`, `binaryFiles`, `envs` |
//! | `role` | ours | `generate` (default), `transform`, `validate` |
//! | `integrity` | ours | `unverified`: what a transformer must say, for it cannot verify |
//! | `root` | ours | how far paths may climb, such as `../..`; without it they stay below the working directory |

use crate::error::{Error, ErrorKind, Origin};
use serde_json::{Map, Value};

/// What a plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Makes objects of encrypted files.
    Generate,
    /// Decrypts objects that are there.
    Transform,
    /// Refuses objects with anything encrypted.
    Validate,
}

/// Where the files of a configuration may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere, as for ksops.
    Anywhere,
    /// Below this directory, which is given relative to the working directory.
    Beneath(String),
}

/// A configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the plugin does.
    pub role: Role,
    /// Where its files may be.
    pub reach: Reach,
    pub(super) files: Vec<String>,
    pub(super) secrets: Vec<SecretFrom>,
}

/// A Secret to be made of files.
#[derive(Clone, Debug)]
pub(super) struct SecretFrom {
    pub metadata: Map<String, Value>,
    pub kind: Option<String>,
    pub files: Vec<Entry>,
    pub binary_files: Vec<Entry>,
    pub envs: Vec<String>,
}

/// `key=path`, or a path whose last part is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: String,
    pub path: String,
}

/// The name of our own kind.
pub(super) const OUR_KIND: &str = "EncryptedResources";

fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::Parse, text)
}

fn kind(value: &Value) -> &str {
    value.get("kind").and_then(Value::as_str).unwrap_or_default()
}

impl Config {
    /// Whether an object is a configuration.
    pub fn is_one(value: &Value) -> bool {
        matches!(kind(value), "ksops" | OUR_KIND)
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// [`ErrorKind::Parse`] with the member.
    pub fn of(value: &Value) -> Result<Config, Error> {
        if !Config::is_one(value) {
            return Err(invalid("the kind of the configuration is neither ksops nor EncryptedResources"));
        }
        let is_ours = kind(value) == OUR_KIND;
        let text = |member: &str| value.get(member).and_then(Value::as_str);
        let role = match text("role").filter(|_| is_ours) {
            None | Some("generate") => Role::Generate,
            Some("transform") if text("integrity") == Some("unverified") => Role::Transform,
            Some("transform") => {
                return Err(invalid(
                    "a transformer cannot verify what it decrypts: say integrity: unverified, or use a generator",
                ));
            }
            Some("validate") => Role::Validate,
            Some(_) => return Err(invalid("role: expected generate, transform or validate")),
        };
        let files = texts(value, "files")?;
        let secrets = match value.get("secretFrom") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(secrets)) => secrets.iter().map(secret).collect::<Result<_, _>>()?,
            Some(_) => return Err(invalid("secretFrom: expected a list")),
        };
        if role == Role::Generate && files.is_empty() && secrets.is_empty() {
            return Err(invalid("missing the required 'files' or 'secretFrom' key in the ksops manifests"));
        }
        let reach = match is_ours {
            false => Reach::Anywhere,
            true => Reach::Beneath(text("root").unwrap_or(".").to_owned()),
        };
        Ok(Config { role, reach, files, secrets })
    }
}

fn texts(value: &Value, member: &str) -> Result<Vec<String>, Error> {
    let error = || invalid("expected a list of paths").at(&Origin::default().at_path(member));
    match value.get(member) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(elements)) => {
            elements.iter().map(|e| e.as_str().map(str::to_owned).ok_or_else(error)).collect()
        }
        Some(_) => Err(error()),
    }
}

fn entries(value: &Value, member: &str) -> Result<Vec<Entry>, Error> {
    let entry = |text: String| match text.split_once('=') {
        Some((key, path)) => Entry { key: key.to_owned(), path: path.to_owned() },
        None => Entry { key: text.rsplit('/').next().unwrap_or(&text).to_owned(), path: text },
    };
    Ok(texts(value, member)?.into_iter().map(entry).collect())
}

fn secret(value: &Value) -> Result<SecretFrom, Error> {
    let metadata = value.get("metadata").and_then(Value::as_object).cloned();
    Ok(SecretFrom {
        metadata: metadata.ok_or_else(|| invalid("secretFrom: metadata is missing"))?,
        kind: value.get("type").and_then(Value::as_str).map(str::to_owned),
        files: entries(value, "files")?,
        binary_files: entries(value, "binaryFiles")?,
        envs: texts(value, "envs")?,
    })
}
