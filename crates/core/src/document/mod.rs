//! Plain and encrypted documents: source text and its outline.

mod change;
mod encrypted;
mod open;
mod plain;

pub use crate::path::TreePath;
pub use encrypted::EncryptedDocument;
pub use plain::PlainDocument;
