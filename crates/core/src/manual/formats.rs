//! The five formats: how each is read, what an encrypted file looks like, and what it cannot hold.
//!
//! * [`yaml`], [`json`], [`dotenv`], [`ini`]: texts in which tokens stand in the places of values.
//! * [`binary`]: any bytes, as one token.
//!
//! The examples of these pages run as tests: each text is encrypted, decrypted, and must be the very bytes again.
//! `ENC[str]` is short for a token of that type.
//!
//! # What all have in common
//!
//! * The name says which format a file has: `.yaml` and `.yml`, `.json`, `.env`, `.ini`; everything else is binary. The test
//!   is "ends with": a file called `.env` is dotenv, `x.env.enc` is binary. `--input-type` and `--output-type` say it instead.
//!   Where the name says nothing, `decrypt` and `filestatus` go by the marks of the metadata in the content.
//! * Only values, and comments where the format has them, become tokens; keys stay. Every other byte stays, too: order,
//!   blank lines, indentation, line endings, a missing final line break.
//! * Empty texts, nulls and empty collections stay in clear.
//! * What is written is read again before it leaves the library: every path, every value, every verdict of the selection.
//!   Where that fails nothing is written.
//! * Texts have 2 GiB at most.
//!
//! # From one format to another
//!
//! A conversion writes the text anew, in the reference's layout
//! ([`PlainDocument::converted`](crate::PlainDocument::converted)).
//!
//! | from | to | what happens |
//! | --- | --- | --- |
//! | YAML of several documents | any other | `encrypt`, `edit`, `set` and `rotate` refuse; `decrypt` prints the first document, as the reference does |
//! | comments | JSON | left out |
//! | times | JSON, dotenv, INI | their text, RFC 3339; tokens keep the type |
//! | numbers, booleans | dotenv, INI | their text: `1.0`, `1E+06`, `true`; tokens keep the type |
//! | null | dotenv, INI | refused; the reference writes `<nil>`, which it cannot decrypt |
//! | nested values | dotenv | refused |
//! | anything but sections of single values | INI | refused |
//! | NaN, infinities | JSON | refused |
//! | bytes that are no UTF-8 (`!!binary`) | JSON | refused where the result is encrypted; `decrypt` prints U+FFFD for each, as the reference does |
//! | the same | dotenv, INI | refused |
//! | a text with a backslash in front of an `n` | dotenv | refused: it would read back as a line break |
//! | a key that stands twice | YAML | refused |
//! | anything but one text `data` | binary | `decrypt` refuses; encrypted it is a JSON tree, as in the reference |

pub mod binary;
pub mod dotenv;
pub mod ini;
pub mod json;
pub mod yaml;
