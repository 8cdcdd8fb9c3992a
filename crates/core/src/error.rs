//! Everything that can go wrong, grouped by whose fault it is.
//!
//! An error names a place (line and column, or a tree path) and what was expected there. It never carries a value, a
//! token, a digest or key material: the types here have no field for one.

use std::fmt;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The text cannot be read.
    Syntax {
        /// 1-based line, 0 if unknown.
        line: u32,
        /// 1-based column in characters, 0 if unknown.
        column: u32,
        /// What is wrong or was expected, without text from the file.
        problem: String,
    },
    /// The text reads well but holds something that SOPS cannot carry (a key that is not a string, an integer beyond
    /// 64 bits).
    Tree {
        /// 1-based line, 0 if unknown.
        line: u32,
        /// Where, as printed by the tree path.
        path: String,
        /// What and what to do.
        problem: String,
    },
    /// The file has no document at all (zero bytes).
    Empty,
    /// The file has no `sops` branch.
    NotEncrypted,
    /// The plain text has a top-level `sops` entry.
    AlreadyEncrypted,
    /// A later document has a top-level `sops` entry, which the metadata needs.
    ReservedKey,
    /// The `sops` branch cannot be used.
    Metadata {
        /// The field, or empty for the whole branch.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// One leaf cannot be opened.
    Leaf {
        /// Its tree path.
        path: String,
        /// Why.
        cause: LeafCause,
    },
    /// The MAC is missing, cannot be opened, or differs.
    Mac(MacCause),
    /// The data key cannot be recovered; what was tried stands in the report.
    DataKey(KeyReport),
    /// The data key could not be wrapped for a recipient.
    Wrap {
        /// The master key as displayed.
        key: String,
        /// Why.
        reason: String,
    },
    /// The data key cannot be split for that many key groups.
    Split {
        /// Why.
        reason: String,
    },
    /// The parts of the data key were recovered and do not give one.
    Combine {
        /// Why.
        reason: String,
    },
    /// There is no key to encrypt to.
    NoRecipients,
    /// A selection rule cannot be used.
    Selector {
        /// The setting.
        setting: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// More than one selection rule.
    SelectorConflict,
    /// An explicit selection rule that would encrypt nothing.
    NothingSelected {
        /// The setting.
        setting: &'static str,
    },
    /// A path that is not in the document, or does not parse.
    Path {
        /// Why.
        reason: String,
        /// Whether the path itself does not parse.
        malformed: bool,
    },
    /// The document does not fit the type it is read into.
    Deserialize {
        /// The tree path, empty for the root.
        path: String,
        /// What was found and expected, by kind.
        reason: String,
    },
    /// A configured limit was exceeded.
    Limit {
        /// Which.
        what: &'static str,
        /// The maximum.
        max: u64,
    },
    /// The written result, read again, is not what was meant. A bug in this library; nothing is returned.
    Reparse {
        /// Where.
        path: String,
        /// What differs.
        reason: String,
    },
    /// Not done yet.
    Unsupported {
        /// What.
        what: String,
    },
}

/// Why a leaf cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeafCause {
    /// Altered, or moved here from another key.
    Authentication,
    /// Clear text where a token was expected.
    NotAToken,
    /// A token of a malformed kind: bad base64.
    Encoding,
    /// An unknown type label.
    UnknownType,
    /// The plain text does not fit the type label.
    TypeMismatch,
    /// A value labelled as a comment.
    CommentAsValue,
}

/// Why the MAC is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacCause {
    /// The file has none.
    Missing,
    /// It cannot be opened: it was altered, or `lastmodified` was.
    Unreadable,
    /// It differs from the values.
    Mismatch,
}

/// What was tried to recover the data key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyReport {
    /// One per key group.
    pub groups: Vec<GroupReport>,
    /// How many groups are needed; 0 without Shamir.
    pub threshold: usize,
}

/// One key group of a [`KeyReport`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupReport {
    /// Whether the group's part was recovered.
    pub recovered: bool,
    /// The keys that were tried, in order: how the key is displayed, and why it did not work.
    pub keys: Vec<(String, String)>,
}

impl fmt::Display for LeafCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeafCause::Authentication => "ciphertext was altered or moved here from another key",
            LeafCause::NotAToken => "clear text where the selection rules expect an encrypted value",
            LeafCause::Encoding => "the encrypted value is damaged (base64)",
            LeafCause::UnknownType => "the encrypted value has an unknown type",
            LeafCause::TypeMismatch => "the decrypted value does not fit its type",
            LeafCause::CommentAsValue => "a value is labelled as a comment",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Syntax { line: 0, problem, .. } => f.write_str(problem),
            Error::Syntax { line, column: 0, problem } => write!(f, "line {line}: {problem}"),
            Error::Syntax { line, column, problem } => write!(f, "line {line}, column {column}: {problem}"),
            Error::Tree { line: 0, path, problem } => write!(f, "{path}: {problem}"),
            Error::Tree { line, path, problem } => write!(f, "line {line}: {path}: {problem}"),
            Error::Empty => f.write_str("the file is completely empty, it must contain at least one document"),
            Error::NotEncrypted => f.write_str("sops metadata not found"),
            Error::AlreadyEncrypted => {
                f.write_str("the file has a top-level entry called \"sops\": it is encrypted already")
            }
            Error::ReservedKey => f.write_str(
                "a later document has a top-level entry called \"sops\", which is reserved for the metadata",
            ),
            Error::Metadata { field, reason } if field.is_empty() => write!(f, "sops metadata: {reason}"),
            Error::Metadata { field, reason } => write!(f, "sops metadata: {field}: {reason}"),
            Error::Leaf { path, cause } => write!(f, "{path}: {cause}"),
            Error::Mac(MacCause::Missing) => f.write_str("MAC mismatch: the file has no MAC"),
            Error::Mac(MacCause::Unreadable) => {
                f.write_str("the MAC cannot be opened: it or \"lastmodified\" was altered")
            }
            Error::Mac(MacCause::Mismatch) => {
                f.write_str("MAC mismatch: values were added, removed, moved or changed outside sops")
            }
            Error::DataKey(_) => f.write_str("no key that opens this file was found"),
            Error::Wrap { key, reason } => write!(f, "the data key cannot be encrypted to {key}: {reason}"),
            Error::Split { reason } => write!(f, "could not split data key into parts for Shamir: {reason}"),
            Error::Combine { reason } => write!(f, "could not get data key from shamir parts: {reason}"),
            Error::NoRecipients => f.write_str("no keys to encrypt to"),
            Error::Selector { setting, reason } => write!(f, "{setting}: {reason}"),
            Error::SelectorConflict => f.write_str(
                "cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, unencrypted_regex, \
                 encrypted_comment_regex, or unencrypted_comment_regex in the same file",
            ),
            Error::NothingSelected { setting } => {
                write!(f, "{setting} selects nothing in this file: nothing would be encrypted")
            }
            Error::Path { reason, .. } => f.write_str(reason),
            Error::Deserialize { path, reason } if path.is_empty() => write!(f, "the root: {reason}"),
            Error::Deserialize { path, reason } => write!(f, "{path}: {reason}"),
            Error::Limit { what, max } => write!(f, "{what}: more than {max}"),
            Error::Reparse { path, reason } => {
                write!(f, "{path}: internal check failed, nothing was written: {reason}")
            }
            Error::Unsupported { what } => write!(f, "not supported yet: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Returns one imperative sentence that says what to do, where there is something to do.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Error::NotEncrypted => "encrypt it first: sops encrypt --in-place FILE",
            Error::ReservedKey => "rename the entry",
            Error::AlreadyEncrypted => "change an encrypted file with `sops edit` or `sops set`, or rename the entry",
            Error::Leaf { cause: LeafCause::NotAToken, .. } => {
                "restore the encrypted value from version control; clear text must not stand in an encrypted position"
            }
            Error::Leaf { .. } => "restore the file from version control",
            Error::Mac(_) => "restore the file from version control, or look at the values with --ignore-mac",
            Error::NoRecipients => "name a recipient with --age or in .sops.yaml",
            Error::NothingSelected { .. } => "check the rule, or insist with --allow-nothing-encrypted",
            Error::Selector { .. } => "correct the expression; look-around is not available in RE2",
            Error::Reparse { .. } => "please report this; the original file is unchanged",
            _ => return None,
        })
    }
}
