//! JSON: so far the writer, for `--output-type json`.

pub mod write;
