//! The manual: what files hold, what protects them, and where this library differs from the reference.
//!
//! # File format
//!
//! A file is the person's own text in which scalars and comments are replaced by tokens
//! (`ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`), with a `sops` entry at the top level of every document. A token is
//! AES-256-GCM with a 32-byte IV; its additional data are the keys from the root, each followed by `:`. List positions
//! do not count. Comments are bound to the path of the container they stand in.
//!
//! Two marks of this writer, which other readers ignore: the non-specific tag `!` in front of a token says that the value
//! stood plain where the reference would quote it (`k: ! ENC[…]`); and an indentation digit in front of `-`
//! (`|2-`) at the end of a file says that a clear block scalar had no final line break.
//!
//! # Integrity
//!
//! * Encrypted values: authenticated, each with its path. Moving one to another key is noticed.
//! * The order and presence of all values, clear ones included: in the MAC (with `mac_only_encrypted`: encrypted ones only).
//! * The time of the last change: bound to the MAC.
//! * Not authenticated: key names of clear values, comments, the presence of null and of empty collections, type labels,
//!   the recipients and the selection rules. An older valid file is not noticed.
//!
//! # Differences from the reference
//!
//! * Text outside encrypted values is never reformatted.
//! * Comments in lists are written as comment lines, never as elements, and never enter the MAC; the reference 3.13.2
//!   cannot verify its own files with such comments, this library reads both.
//! * A comment the reference would drop (behind an opening bracket, for one) is encrypted and kept; one that it can no
//!   longer decrypt is tried with the paths of the containers around it.
//! * A selection rule whose expression does not compile, or an explicit one that selects nothing, is an error on `encrypt`.
//! * Explicit tags that do not fit their value, and aliases that expand without end, are errors in every document, not in
//!   the first one only.
//! * A token labelled `comment` in the place of a mapping's value is an error.
//! * `lastmodified` may stand without quotes, `version` may be missing or malformed, and a recovered data key must
//!   have 32 bytes.
//! * Strings that the reference's writer damages (a leading tab with line breaks, a wrong indentation digit under a dash)
//!   are written in double quotes or with the right digit.
//!
//! Cases where both disagree today stand in `fixtures/DIFFERENCES`, and a test keeps that list exact.
