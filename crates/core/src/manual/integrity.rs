//! What a file protects, and what it does not.
//!
//! Each line has a test of that name in `tests/golden/integrity.rs`, and a test keeps the two lists the same.
//!
//! # Given
//!
//! Every encrypted value is AES-256-GCM under the data key. The MAC is SHA-512 over the canonical bytes of all values, one
//! behind the other, sealed under the same key. Nothing decrypted leaves the library before both have verified;
//! [`decrypt_ignoring_mac`](crate::document::EncryptedDocument::decrypt_ignoring_mac) gives up the second.
//!
//! * A token opens at the path of its value and nowhere else. (test `every_token_is_bound_to_the_path_of_its_value`)
//! * A value that was added, removed, moved or changed is noticed, a clear one included; with `mac_only_encrypted` clear
//!   ones are not. (test `the_mac_binds_the_order_and_the_number_of_values`)
//! * The MAC belongs to one `lastmodified`. (test `the_mac_is_bound_to_the_time_of_the_last_change`)
//!
//! # Not given
//!
//! So it is in the format, for every program that reads it:
//!
//! * The MAC has no lengths, types and keys: a clear `"23"` can become `23`, or `2` and `3` in two entries, and its key
//!   another one. (test `lengths_types_and_keys_of_clear_values_are_in_no_mac`)
//! * A path is its keys joined with `:`, so `{"a:b": x}` and `{a: {b: x}}` are one. (test `a_key_with_a_colon_has_the_path_of_nested_keys`)
//! * Positions are in no path: without the MAC the elements of a list can change places. (test `elements_of_a_list_have_one_path`)
//! * The digest has no key, and whoever sees it can try short secrets: it is never shown. The reference prints it in its
//!   message. (test `no_message_shows_a_digest`)
//! * Empty texts, nulls and empty collections are not encrypted, and no comment is in the MAC: any can be removed, and a
//!   comment replaced by a clear one, which is named in a warning. (test `empty_texts_and_nulls_stay_clear_and_comments_are_in_no_mac`)
//! * Nobody signs the metadata but for `lastmodified`: recipients, threshold, version and rules can be changed by whoever
//!   can write the file, and the next rotation wraps the new data key for an added recipient. The command therefore names
//!   recipients that `.sops.yaml` does not. (test `recipients_and_rules_are_not_authenticated`)
//! * A file that was put back is not noticed: that is for version control. (test `an_older_file_opens_as_it_did`)
//! * Key names, structure and the length of every value can be seen, and from one version to the next which values did
//!   not change. (test `lengths_show_and_so_does_what_did_not_change`)
//! * A recipient who is removed keeps the data key: only a rotation takes new values from them, and only other secrets the
//!   old ones. (test `who_was_removed_without_a_rotation_still_knows_the_data_key`)
//!
//! A data key lives until it is rotated. IVs are random and 256 bits long, so the number of values is no concern.
//!
//! Nothing protects from someone who can read the memory of the process or the identity.
