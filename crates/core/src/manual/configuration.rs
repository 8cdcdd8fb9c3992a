//! `.sops.yaml`: how new files are made.
//!
//! Reading and decrypting ask it for nothing but its validity. The command looks
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
