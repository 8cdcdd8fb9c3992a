//! YAML as the reference reads and writes it: text → tokens → nodes → outline, and edits of spans on the way back.
//!
//! [`read`] is the way in; `seal` and `open` say which spans change; [`mod@write`] makes new text.

pub(crate) mod branch;
pub(crate) mod change;
mod comments;
mod convert;
pub(crate) mod layout;
mod lines;
mod nodes;
pub(crate) mod open;
mod parse;
pub mod read;
pub mod resolve;
mod scan;
mod scan_scalar;
pub(crate) mod seal;
pub mod write;
mod write_tree;

pub(crate) use scan::MAX_TEXT;
