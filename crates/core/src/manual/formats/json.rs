//! JSON: to the letter of [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259), with an object at the top.
//!
//! ```
//! # use sops_core::{EncryptedDocument, Format, Keyring, PlainDocument, Sealer, config::Config};
//! # use sops_core::keys::age::{AgeIdentities, AgeRecipients};
//! # let (identity, recipient) = AgeIdentities::generate_text();
//! # let keys = Keyring::new().with(AgeIdentities::parse(&identity)?).with(AgeRecipients);
//! # let config = Config::parse(format!("creation_rules: [{{age: {recipient}}}]").as_bytes())?;
//! # let seal = |format, text: &str| -> Result<String, sops_core::Error> {
//! #     let recipe = config.recipe_for("f")?.expect("a rule");
//! #     let plain = PlainDocument::parse(format, text.as_bytes().to_vec())?;
//! #     let sealed = Sealer::create(recipe, &keys)?.seal(&plain, 1_780_272_000)?;
//! #     let opened = EncryptedDocument::parse(format, &sealed)?.decrypt(&keys)?;
//! #     assert_eq!(String::from_utf8_lossy(&opened.bytes()), text, "the very bytes come back");
//! #     let sealed = String::from_utf8(sealed).expect("UTF-8");
//! #     let mut pieces = sealed.split("ENC[AES256_GCM,");
//! #     let mut short = pieces.next().unwrap_or("").to_owned();
//! #     for piece in pieces {
//! #         let (token, rest) = piece.split_once(']').expect("a token");
//! #         short += &format!("ENC[{}]{rest}", token.rsplit(':').next().expect("a type"));
//! #     }
//! #     Ok(short)
//! # };
//! let plain = r#"{ "port": 5432, "ratio":1.50,
//!   "tls" : true, "hosts": ["a","b"], "none": null, "empty": "" }"#;
//! let encrypted = r#"{ "port": "ENC[int]", "ratio":"ENC[float]",
//!   "tls" : "ENC[bool]", "hosts": ["ENC[str]","ENC[str]"], "none": null, "empty": "","#;
//! assert!(seal(Format::Json, plain)?.starts_with(encrypted));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is read
//!
//! * A number of digits alone that fits 64 bits is an integer; every other one is a float: `1.0`, `1e3`, and integers beyond
//!   64 bits, which lose digits where they are encrypted, but come back as they were written.
//! * Keys that stand twice are kept, in their order.
//! * Half of a surrogate pair (`\ud800`) is U+FFFD.
//!
//! # What stays
//!
//! White space, escapes and the spelling of numbers come back; a token stands in double quotes. New text (the metadata, a
//! value that was set) is laid out like its neighbours; a text on one line stays on one line. `{}` gets the reference's
//! layout. Metadata always say `"mac": "ENC[` with one blank, because programs look for that.
//!
//! # Refused
//!
//! * Everything behind the object, and every truncation: the reference ignores the first and accepts some of the second,
//!   and loses the rest with the next write.
//! * A byte order mark; text that is not UTF-8; numbers beyond the range of a double; more than 10,000 levels.
//! * Values that JSON has no text for: NaN, infinities, and bytes that are no text.
//!
//! JSON has no comments. Those of a YAML file are left out in a conversion.
