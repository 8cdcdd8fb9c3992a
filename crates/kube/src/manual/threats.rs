//! What is protected, and what is not.
//!
//! Many tenants write to repositories, and in their own namespace also objects and the decryption Secret; the controller can do
//! more than any of them. Trusted are the embedding program, its configuration and the API server. Untrusted is every byte of a
//! source, all metadata of a file, the content of a decryption Secret.
//!
//! | row | attack | what holds | test |
//! | --- | --- | --- | --- |
//! | T1 | a path that leaves the root | each component is opened from the handle of the one before | `t01_no_reference_leaves_the_root`, `t01_a_directory_that_is_swapped_for_a_link_meanwhile_leads_nowhere_else` |
//! | T2 | links, pipes, devices, files that grow | refused, on the opened handle; nothing hangs | `t02_links_pipes_and_growing_files_are_refused` |
//! | T3 | alias bombs, depth, duplicate keys | limits before a build, in every document | `t03_duplicate_keys_bombs_and_depth_are_refused_in_every_document` |
//! | T4 | size, number, time | limits, a deadline | `t04_files_bytes_and_time_are_bounded` |
//! | T5 | a Vault address of the file's choice | exact allow-list, https only | `t05_a_vault_address_that_only_the_file_names_gets_no_token` |
//! | T6 | a Vault path that climbs | grammar of segments, prefix list | `t06_the_path_of_a_vault_key_cannot_climb` |
//! | T7 | an ARN that is a host, a role of the file's choice | strict grammar, allow-lists | `t07_an_arn_names_a_region_and_no_host` |
//! | T8 | Azure and Google resources of others | allow-lists | `t08_azure_google_and_huawei_resources_must_be_listed` |
//! | T9 | the file of another tenant in my repository | a keyring per tenant, no ambient identity | `t09_a_tenant_cannot_open_the_file_of_another` |
//! | T10 | selection and metadata changed | authentication of values, MAC, look for what is left over | `t10_a_changed_selection_is_noticed` |
//! | T11 | no MAC, an empty one | an error in every mode but `Ignore` | `t11_a_missing_mac_is_no_plain_file` |
//! | T12 | values moved, blocks transplanted | MAC before the build | `t12_moved_values_are_refused_and_renamed_plain_keys_are_not_seen` |
//! | T13 | a value emptied | MAC; a policy for empty values | `t13_a_blanked_value_is_refused` |
//! | T14 | a hostile decryption Secret | plugins, foreign programs and node identities are refused, sizes bounded; `gpg` only where code names it, with a private home, no environment, a time limit | `t14_an_entry_that_makes_someone_elses_program_or_identity_work_is_refused` |
//! | T15 | commands through the environment | nothing of it is read | `t15_no_variable_of_the_environment_is_looked_at` |
//! | T16 | a remote key service | none, unless code brings one | `t16_and_t19_a_key_service_is_asked_only_where_code_brings_one_and_a_bounded_number_of_times` |
//! | T17 | a pattern that takes forever | linear time, bounded size | `t17_a_pattern_of_a_file_costs_linear_time_and_is_bounded` |
//! | T18 | a type label changed | types are checked before the API server sees them | `t18_a_value_of_another_type_does_not_reach_the_api_server` |
//! | T19 | thousands of calls to a key service | a bounded number | `t16_and_t19_a_key_service_is_asked_only_where_code_brings_one_and_a_bounded_number_of_times` |
//! | T20 | values in errors, logs, `Debug` | no type has a place for one | `t20_debug_and_outcomes_show_no_value`, and every case of the corpus |
//! | T21 | values that spread during the build | a policy finds them afterwards | `t21_a_decrypted_value_outside_of_a_secret_is_found_after_the_build` |
//! | T22 | substitution in decrypted text | nothing is substituted here | `t22_what_looks_like_a_substitution_arrives_untouched` |
//! | T23 | readers that disagree | `locked_down` takes one way of writing; objects leave as JSON | `t23_one_way_to_write_a_manifest_under_locked_down` |
//! | T24 | ciphertext let through by annotation | the policy may ignore it | `t24_the_annotation_that_lets_ciphertext_pass_can_be_ignored` |
//! | T25 | a part of a set applied | all or nothing | `t25_one_bad_document_or_file_and_nothing_comes_out` |
//! | T26 | caches and panics shared among tenants | no globals, keys by tenant, a boundary for panics | `t26_a_tenant_does_not_see_the_keys_of_another`, `t26_everything_that_owns_data_can_be_sent_and_shared` |
//! | T27 | key groups waived or by the thousand | never fewer than stated, at most 16 | `t27_key_groups_are_bounded_and_none_is_waived` |
//! | T28 | remote bases | listed, never fetched | `t28_remote_references_are_listed_and_nothing_is_fetched` |
//!
//! # What remains
//!
//! * Whoever may write to the repository can encrypt new secrets to the cluster's recipient. SOPS files are not signed: verify
//!   the commits of the source.
//! * Whoever may create a reconciling object in a namespace with a key can decrypt everything that is encrypted to that key.
//! * The names of plain keys, comments, recipients and the version stand outside of the MAC; with `mac_only_encrypted` so do plain
//!   values. Text can shift between neighbouring plain values. An old version of a file is a valid file.
//! * [`Manifest`](crate::Manifest) wipes its texts; copies that `serde`, an HTTP client, TLS or the allocator make are not wiped.
