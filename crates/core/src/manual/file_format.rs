//! What a file holds.
//!
//! It is the person's own text in which scalars and comments are replaced by tokens, with a `sops` entry at the top level of
//! every document. All else stays, byte for byte.
//!
//! # Tokens
//!
//! ```text
//! ENC[AES256_GCM,data:DATA,iv:IV,tag:TAG,type:TYPE]
//! ```
//!
//! AES-256-GCM under the data key of the file; DATA, the 32-byte IV and the 16-byte tag in base64 with padding; TYPE one of
//! `str int float bool time comment`. Read are IVs of any length, the type `bytes`, and text behind the bracket.
//!
//! | type | plain text |
//! | --- | --- |
//! | `str` | the text; an empty one is not encrypted |
//! | `int` | decimal digits, 64 bits with a sign |
//! | `float` | the shortest digits that read back, never an exponent: `1`, `0.0000001`; `NaN`, `+Inf`, `-Inf` |
//! | `bool` | `True`, `False` |
//! | `time` | RFC 3339 with up to nine digits of a second |
//! | `comment` | what stands behind `#` |
//!
//! A token keeps the style of what it replaces: quotes, block headers and indentation. Null, `{}`, `[]` and `""` stay. How each
//! format looks is said in [`formats`](super::formats).
//!
//! # Paths
//!
//! The additional data of a token are the keys from the root down to it, each followed by `:`. Positions in lists and the
//! number of the document do not count. A comment has the path of the mapping or list it stands in, and `:` at the top.
//!
//! ```text
//! db: { users: [ {name: x} ] }      x has the path   db:users:name:
//! ```
//!
//! # Selection
//!
//! One rule of the metadata, `unencrypted_suffix: _unencrypted` if nobody asked for another, says what is encrypted. A suffix
//! or regular expression is held against every key of the path; one that matches decides for all that stands below. The two
//! rules for comments look at the comments in front of a value, or of something around it.
//!
//! # MAC
//!
//! SHA-512 over the plain texts of all values of all documents, in the order of the file, in capital hexadecimal digits;
//! sealed as a `str` token whose additional data are `lastmodified`. Comments and nulls do not count. With
//! `mac_only_encrypted` clear values do not count either, and the digest starts with 32 bytes that tell the two apart.
//!
//! # Metadata
//!
//! The entry `sops`, last in every document that was new; where it stood before it stays. Fields in byte order:
//!
//! | field | what |
//! | --- | --- |
//! | `age`, `azure_kv`, `gcp_kms`, `hc_vault`, `hckms`, `kms`, `pgp` | master keys, each with the data key wrapped for it (`enc`); lists without one are not written |
//! | `key_groups` | instead of these, if there are several groups: each wraps one Shamir share of the data key |
//! | `shamir_threshold` | how many groups are needed |
//! | `unencrypted_suffix`, `encrypted_regex`, … | the rule of the selection |
//! | `mac_only_encrypted` | as above |
//! | `lastmodified` | RFC 3339, whole seconds |
//! | `mac` | as above |
//! | `version` | of the format, `3.13.2` |
//!
//! Unknown fields stay where they are. Only the first document's entry is read; all are written.
