//! Binary: any bytes, as one value.
//!
//! The encrypted file is JSON with the one key `data`; the path of the token is `data:`. Layout and limits are those of
//! [`json`](super::json).
//!
//! ```
//! # use sops_core::{EncryptedDocument, Format, Keyring, PlainDocument, Sealer, config::Config};
//! # use sops_core::keys::age::{AgeIdentities, AgeRecipients};
//! # let (identity, recipient) = AgeIdentities::generate_text();
//! # let keys = Keyring::new().with(AgeIdentities::parse(&identity)?).with(AgeRecipients);
//! # let config = Config::parse(format!("creation_rules: [{{age: {recipient}}}]").as_bytes())?;
//! # let recipe = config.recipe_for("f")?.expect("a rule");
//! let bytes = b"\x00\xff any bytes";
//! let plain = PlainDocument::parse(Format::Binary, bytes)?;
//! let sealed = Sealer::create(recipe, &keys)?.seal(&plain, 1_780_272_000)?;
//! assert!(sealed.starts_with(b"{\n\t\"data\": \"ENC[AES256_GCM,"));
//! assert_eq!(EncryptedDocument::parse(Format::Binary, &sealed)?.decrypt(&keys)?.bytes(), bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * Everything is encrypted: the rules of a selection do not apply, and the command warns about those that are set. An empty
//!   file has an empty `data`.
//! * `--extract '["data"]'` prints the content. Old files whose token has the type `bytes` are read.
//! * `decrypt` takes a file whose name ends with `.bin` for binary, whatever it holds.
