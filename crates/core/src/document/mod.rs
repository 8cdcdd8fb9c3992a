//! Plain and encrypted documents: source text and its outline.

mod change;
mod converted;
mod encrypted;
mod open;
mod plain;
mod spelled;

pub use crate::path::TreePath;
pub use encrypted::EncryptedDocument;
pub(crate) use encrypted::without_spelling;
pub(crate) use open::OpenedItems;
pub use plain::PlainDocument;
