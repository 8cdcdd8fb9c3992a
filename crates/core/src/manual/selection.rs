//! What is encrypted: one rule, written into the metadata of the file.
//!
//! A flag or a [creation rule](super::configuration) names one of six settings; two are an error. Without one it is
//! `unencrypted_suffix: _unencrypted`. The rule stays with the file: `edit`, `set` and `rotate` go by the metadata, not by
//! `.sops.yaml`.
//!
//! | setting | encrypted is |
//! | --- | --- |
//! | `unencrypted_suffix` | all but values with a key on their path that ends so |
//! | `encrypted_suffix` | only values with a key on their path that ends so |
//! | `unencrypted_regex` | all but values with a key on their path that matches |
//! | `encrypted_regex` | only values with a key on their path that matches |
//! | `unencrypted_comment_regex` | all but values with a matching comment in front of them, or of something around them |
//! | `encrypted_comment_regex` | only those |
//!
//! # Keys
//!
//! Each key on the way from the root is held against the rule alone; positions in lists are none. One match decides for all
//! that stands below. An expression matches anywhere in the key unless it says `^` and `$`.
//!
//! ```
//! # use sops_core::{EncryptedDocument, Format, Keyring, PlainDocument, Sealer, config::Config};
//! # use sops_core::keys::age::{AgeIdentities, AgeRecipients};
//! # let (identity, recipient) = AgeIdentities::generate_text();
//! # let keys = Keyring::new().with(AgeIdentities::parse(&identity)?).with(AgeRecipients);
//! # let seal = |rule: &str, text: &str| -> Result<Vec<String>, sops_core::Error> {
//! #     let config = Config::parse(format!("creation_rules: [{{age: {recipient}, {rule}}}]").as_bytes())?;
//! #     let recipe = config.recipe_for("f")?.expect("a rule");
//! #     let sealed = Sealer::create(recipe, &keys)?.seal(&PlainDocument::parse(Format::Yaml, text.as_bytes().to_vec())?, 0)?;
//! #     let sealed = String::from_utf8(sealed).expect("UTF-8");
//! #     let lines = sealed.lines().take_while(|line| *line != "sops:").map(str::trim);
//! #     Ok(lines.filter(|line| line.contains("ENC[")).map(|line| line.split("ENC[").next().expect("a piece").to_owned()).collect())
//! # };
//! // A Kubernetes Secret: names and labels stay readable. What is left is what became a token.
//! let text = "metadata: {name: x}\ndata:\n  a: 1\n  b: [2]\nstringData:\n  c: 3\n";
//! assert_eq!(seal("encrypted_regex: ^(data|stringData)$", text)?, ["a: ", "b: [\"", "c: "]);
//!
//! // Comments: above the value, on its line, or above what is around it.
//! let text = "\
//! ## secret
//! a: 1
//! b: 2
//! c: 3 # secret
//! ## secret
//! d:
//!   e: 4
//! ";
//! assert_eq!(seal("encrypted_comment_regex: secret", text)?, ["a: ", "c: ", "e: "]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Comments as what is encrypted
//!
//! A comment goes with the mapping or list it stands in. Under `encrypted_regex` and `encrypted_suffix` comments at the top
//! level therefore stay clear, also right above an encrypted key; under the two `unencrypted_…` ones they are encrypted. Under
//! a rule for comments the matching comment itself stays clear, and further comments between it and its value go with the value.
//!
//! # Expressions
//!
//! They are those of RE2, as the reference has them: classes such as `\d` and `\w` are ASCII, there is no look-around. One
//! that does not compile is an error; in the reference it matches nothing, and `encrypted_regex` then leaves the file in clear.
//! A file that already has one is read, with a warning.
//!
//! # Safety
//!
//! * An explicit rule that selects nothing is an error on `encrypt`; `--allow-nothing-encrypted` insists. In files that are
//!   already so it does not get in the way.
//! * An encrypted comment that would itself match `unencrypted_comment_regex` is an error: the file would not open.
//! * In INI the comment of a key judges the next one: see [there](super::formats::ini).
//! * Binary files are encrypted whole, whatever the rule.
//! * The rule is not authenticated: see [`integrity`](super::integrity).
