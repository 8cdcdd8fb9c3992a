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
//! # Configuration
//!
//! `.sops.yaml` says how new files are made; reading and decrypting ask it for nothing but its validity. The command looks
//! for it in the working directory and in those above, or takes `--config` or `SOPS_CONFIG`. [`crate::config`] parses it.
//!
//! * `creation_rules`: the first rule whose `path_regex` matches is used, alone. The path is that of the file below the
//!   folder of the configuration, else absolute; the expression is not anchored; a rule without one matches everything.
//! * Keys of a rule: `age`, `pgp`, `kms` (with `aws_profile`), `gcp_kms`, `azure_keyvault`, `hc_vault_transit_uri` as a text
//!   with commas or a list, `hckms` as a list: one group, any key of which opens the file. Or `key_groups`, each with lists
//!   `age`, `pgp`, `kms` (`arn`, `role`, `context`, `aws_profile`), `gcp_kms` (`resource_id`), `hckms` (`key_id`),
//!   `azure_keyvault` (`vaultUrl`, `key`, `version`), `hc_vault`, and `merge` for groups that go first: `shamir_threshold`
//!   groups are needed, or all.
//! * Selection of a rule: one of `encrypted_regex`, `unencrypted_regex`, `encrypted_suffix`, `unencrypted_suffix`,
//!   `encrypted_comment_regex`, `unencrypted_comment_regex`; and `mac_only_encrypted`.
//! * `stores`: `indent` of `yaml`, `json` and `json_binary`, for text that is new.
//! * `destination_rules`: where a file is published to.
//!
//! Keys of flags and variables replace those of the rule; a flag of the selection replaces the same field; a threshold and
//! an indentation of a flag go first. Keys of kinds that are not built in are data until something is to be wrapped for
//! them.
//!
//! A mistake never means that less is encrypted: wrong types, expressions that do not compile (in any rule), two
//! selections and texts that are no key are errors with line and column. Fields without meaning, a second rule that
//! matches and selects something else, a rule without keys in front of another, and key groups that look like an accident
//! are warnings.
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
//! * A configuration with an invalid `path_regex` in any rule is an error where rules are asked for, a fraction is no
//!   `shamir_threshold`, and of several documents all must be readable, though only the first counts.
//! * Explicit tags that do not fit their value, and aliases that expand without end, are errors in every document, not in
//!   the first one only.
//! * A token labelled `comment` in the place of a mapping's value is an error.
//! * `lastmodified` may stand without quotes, `version` may be missing or malformed, and a recovered data key must
//!   have 32 bytes.
//! * Strings that the reference's writer damages (a leading tab with line breaks, a wrong indentation digit under a dash)
//!   are written in double quotes or with the right digit.
//!
//! Cases where both disagree today stand in `fixtures/DIFFERENCES`, and a test keeps that list exact.
