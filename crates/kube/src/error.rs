//! What went wrong, for whom, and where; never a value, a token or key material.
//!
//! One type with closed data: the kind decides class and reason (one table below), the origin says where. What
//! the Flux controller would have said is kept beside it, for products that take its place.

use std::fmt;
use std::time::Duration;

/// Where something is: a file, a document in it, an object, a place in that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The path below the root, never one of the host; or a reference as it is written.
    pub file: Option<String>,
    /// The document of a stream, from 0.
    pub document: Option<usize>,
    /// `namespace/name Kind`.
    pub object: Option<String>,
    /// `stringData.password`, `data["app.yaml"]`.
    pub key_path: Option<String>,
}

impl Origin {
    /// A place in a file.
    pub fn file(path: impl Into<String>) -> Origin {
        Origin { file: Some(path.into()), ..Origin::default() }
    }

    /// The same, in one document.
    pub(crate) fn at_document(&self, index: usize) -> Origin {
        Origin { document: Some(index), ..self.clone() }
    }

    /// The same, in one object.
    pub(crate) fn at_object(&self, object: Option<String>) -> Origin {
        Origin { object: object.or_else(|| self.object.clone()), ..self.clone() }
    }

    /// The same, at a key path.
    pub(crate) fn at_path(&self, path: impl Into<String>) -> Origin {
        Origin { key_path: Some(path.into()), ..self.clone() }
    }

    /// Fills in what is not known yet.
    fn or(self, outer: &Origin) -> Origin {
        Origin {
            file: self.file.or_else(|| outer.file.clone()),
            document: self.document.or(outer.document),
            object: self.object.or_else(|| outer.object.clone()),
            key_path: self.key_path.or_else(|| outer.key_path.clone()),
        }
    }
}

impl fmt::Display for Origin {
    /// `deploy/db.yaml: document 1: app/db Secret: data.user`, control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = self.document.map(|index| format!("document {index}"));
        let parts = [self.file.as_deref(), document.as_deref(), self.object.as_deref(), self.key_path.as_deref()];
        for (index, part) in parts.into_iter().flatten().enumerate() {
            if index > 0 {
                f.write_str(": ")?;
            }
            f.write_str(&escaped(part))?;
        }
        Ok(())
    }
}

/// A name from a file, safe for a log line.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The decryption Secret does not exist (reported by the embedding program).
    SecretNotFound,
    /// The source has no artifact yet (reported by the embedding program).
    SourceNotReady,
    /// An entry of the decryption Secret cannot be used.
    KeyImport {
        /// Its name.
        entry: String,
    },
    /// The keyring holds no key at all.
    NoKeys,
    /// No key of the keyring opens it.
    NoMatchingKey {
        /// The public names of the keys that would open it.
        wanted: Vec<String>,
        /// The public names of the keys that are there.
        have: Vec<String>,
    },
    /// Too few key groups could be opened.
    ThresholdNotMet {
        /// How many are needed.
        need: usize,
        /// How many were opened.
        got: usize,
        /// How many there are.
        groups: usize,
    },
    /// A key service did not answer.
    KeyServiceUnavailable,
    /// A key service refused.
    KeyServiceDenied,
    /// The text cannot be read.
    Parse,
    /// The `sops` block cannot be used.
    Metadata,
    /// A conversion that does not exist.
    UnsupportedFormat,
    /// A value cannot be opened.
    CiphertextInvalid,
    /// The MAC differs.
    MacMismatch {
        /// Whether it covers encrypted values only.
        only_encrypted: bool,
    },
    /// There is no MAC.
    MacMissing,
    /// The selection rule looks at comments, which are gone.
    SelectorNeedsComments,
    /// Kind or name of an object are ciphertext.
    IdentityEncrypted,
    /// A decrypted value that the API server would refuse.
    ValueInvalid,
    /// A file that is referred to is not there.
    NotFound,
    /// Ciphertext would be applied as it is.
    ResidualCiphertext,
    /// A `sops` block would be applied as it is.
    UndecryptedSops,
    /// The policy forbids it.
    PolicyDenied {
        /// The rule.
        rule: &'static str,
    },
    /// A limit was exceeded.
    LimitExceeded {
        /// Which.
        which: &'static str,
    },
    /// A path that leaves the root.
    PathEscape,
    /// A link, directory, pipe or device where a file is expected.
    IrregularFile,
    /// The caller gave up.
    Cancelled,
    /// The time is over.
    DeadlineExceeded,
    /// A read or write did not work.
    Io,
    /// A bug in this library.
    Internal,
}

/// What a reconciler does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Try again after this time at the earliest.
    Retry(Duration),
    /// Wait until something else exists.
    WaitForDependency,
    /// Someone must change the source, the Secret or the object.
    UserError,
    /// It is not allowed.
    Denied,
    /// A bug here.
    Bug,
}

impl Class {
    /// The name without its time.
    pub fn name(self) -> &'static str {
        match self {
            Class::Retry(_) => "Retry",
            Class::WaitForDependency => "WaitForDependency",
            Class::UserError => "UserError",
            Class::Denied => "Denied",
            Class::Bug => "Bug",
        }
    }
}

const SOON: Class = Class::Retry(Duration::from_secs(5));
const LATER: Class = Class::Retry(Duration::from_secs(300));

impl ErrorKind {
    /// Name, class, reason of a condition, exit code of the command: the one table.
    fn row(&self) -> (&'static str, Class, &'static str, i32) {
        use Class::{Bug, Denied, UserError, WaitForDependency};
        match self {
            ErrorKind::SecretNotFound => ("SecretNotFound", WaitForDependency, "DecryptionSecretNotFound", 1),
            ErrorKind::SourceNotReady => ("SourceNotReady", WaitForDependency, "ArtifactFailed", 1),
            ErrorKind::KeyImport { .. } => ("KeyImport", UserError, "DecryptionKeyInvalid", 1),
            ErrorKind::NoKeys => ("NoKeys", UserError, "DecryptionKeyMissing", 128),
            ErrorKind::NoMatchingKey { .. } => ("NoMatchingKey", UserError, "DecryptionKeyMissing", 128),
            ErrorKind::ThresholdNotMet { .. } => ("ThresholdNotMet", UserError, "DecryptionKeyMissing", 128),
            ErrorKind::KeyServiceUnavailable => ("KeyServiceUnavailable", SOON, "KeyServiceUnavailable", 128),
            ErrorKind::KeyServiceDenied => ("KeyServiceDenied", LATER, "KeyServiceDenied", 128),
            ErrorKind::Parse => ("Parse", UserError, "ManifestInvalid", 1),
            ErrorKind::Metadata => ("Metadata", UserError, "ManifestInvalid", 1),
            ErrorKind::UnsupportedFormat => ("UnsupportedFormat", UserError, "ManifestInvalid", 4),
            ErrorKind::CiphertextInvalid => ("CiphertextInvalid", UserError, "DecryptionFailed", 25),
            ErrorKind::MacMismatch { .. } => ("MacMismatch", UserError, "IntegrityCheckFailed", 51),
            ErrorKind::MacMissing => ("MacMissing", UserError, "IntegrityCheckFailed", 51),
            ErrorKind::SelectorNeedsComments => ("SelectorNeedsComments", UserError, "ManifestInvalid", 1),
            ErrorKind::IdentityEncrypted => ("IdentityEncrypted", UserError, "ManifestInvalid", 1),
            ErrorKind::ValueInvalid => ("ValueInvalid", UserError, "ManifestInvalid", 1),
            ErrorKind::NotFound => ("NotFound", UserError, "ManifestInvalid", 100),
            ErrorKind::ResidualCiphertext => ("ResidualCiphertext", UserError, "DecryptionIncomplete", 1),
            ErrorKind::UndecryptedSops => ("UndecryptedSops", UserError, "DecryptionIncomplete", 1),
            ErrorKind::PolicyDenied { .. } => ("PolicyDenied", Denied, "PolicyViolation", 1),
            ErrorKind::LimitExceeded { .. } => ("LimitExceeded", Denied, "LimitExceeded", 1),
            ErrorKind::PathEscape => ("PathEscape", Denied, "PathNotAllowed", 2),
            ErrorKind::IrregularFile => ("IrregularFile", Denied, "PathNotAllowed", 2),
            ErrorKind::Cancelled => ("Cancelled", SOON, "Progressing", 1),
            ErrorKind::DeadlineExceeded => ("DeadlineExceeded", SOON, "Progressing", 1),
            ErrorKind::Io => ("Io", SOON, "IoError", 2),
            ErrorKind::Internal => ("Internal", Bug, "InternalError", 1),
        }
    }

    /// The name, as it stands in this enum.
    pub fn name(&self) -> &'static str {
        self.row().0
    }
}

/// What went wrong, and where.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    origin: Origin,
    message: String,
    hint: Option<String>,
    details: Vec<String>,
    flux: String,
}

impl Error {
    /// An error of a kind with a message: lower case, no full stop, no text from a value.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let message = message.into();
        let flux = message.clone();
        Error(Box::new(Inner { kind, origin: Origin::default(), message, hint: None, details: Vec::new(), flux }))
    }

    /// A limit that was exceeded.
    pub(crate) fn limit(which: &'static str, max: u64) -> Error {
        Error::new(ErrorKind::LimitExceeded { which }, format!("{which}: more than {max}"))
    }

    /// Fills in where it is, as far as that is not known yet.
    pub fn at(mut self, outer: &Origin) -> Error {
        self.0.origin = std::mem::take(&mut self.0.origin).or(outer);
        self
    }

    /// Says what to do.
    pub(crate) fn hinted(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Lines for the long report.
    pub(crate) fn detailed(mut self, details: Vec<String>) -> Error {
        self.0.details = details;
        self
    }

    /// What Flux would say.
    pub(crate) fn in_flux(mut self, text: impl Into<String>) -> Error {
        self.0.flux = text.into();
        self
    }

    /// Puts a subject in front of what Flux would say.
    pub(crate) fn of_flux_subject(mut self, subject: &str) -> Error {
        self.0.flux = format!("{subject} {}", self.0.flux);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// What a reconciler does about it.
    pub fn class(&self) -> Class {
        self.0.kind.row().1
    }

    /// The reason of a condition, in CamelCase.
    pub fn reason(&self) -> &'static str {
        self.0.kind.row().2
    }

    /// The exit code that the command has for it.
    pub fn exit_code(&self) -> i32 {
        self.0.kind.row().3
    }

    /// One imperative sentence, where there is something to do.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What the Flux controller says in its place, for products that replace it.
    pub fn flux_text(&self) -> String {
        escaped(&self.0.flux)
    }

    /// Several lines: the message, what was tried, what to do.
    pub fn report(&self) -> String {
        let mut out = self.to_string();
        for detail in &self.0.details {
            out.push_str("\n  ");
            out.push_str(&escaped(detail));
        }
        if let Some(hint) = self.hint() {
            out.push_str("\nhint: ");
            out.push_str(hint);
        }
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.origin != Origin::default() {
            write!(f, "{}: ", self.0.origin)?;
        }
        f.write_str(&escaped(&self.0.message))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({self})", self.0.kind.name())
    }
}

impl std::error::Error for Error {}
