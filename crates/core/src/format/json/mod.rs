//! JSON: the writer, for `--output-type json`, and single values.

pub mod read;
pub mod scan;
pub mod write;
