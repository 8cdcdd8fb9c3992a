//! dotenv: one pair, comment or blank line per line, and nothing else.
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
//! let plain = "\
//! ## database
//! export DB_HOST=\"db.example.org\"
//!
//! DB_NOTE=two\\nlines # no comment
//! DB_EMPTY=
//!  #odd=1
//! ";
//! let encrypted = "\
//! #ENC[comment]
//! export DB_HOST=ENC[str]
//!
//! DB_NOTE=ENC[str]
//! DB_EMPTY=
//!  #odd=ENC[str]
//! ";
//! assert_eq!(seal(Format::Dotenv, plain)?.split_once("sops_").expect("metadata").0, encrypted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is read
//!
//! * A line that starts with `#` is a comment. Every other line that is not empty is cut at its first `=`: the key is all in
//!   front of it (`export DB_HOST`, `A␠` with the blank), the value all behind it, quotes, blanks and `#` included.
//! * The two characters `\n` in a value are a line break. There is no other escape, and no continuation line.
//! * A line ends at LF. The CR of a file with CRLF belongs to its value; in lines of metadata it is no part of them, so an
//!   encrypted file that was converted to CRLF opens here, which it does not in the reference.
//! * Keys that stand twice are kept. Values are texts; those that another format or `set` gave a type keep it in their token.
//!
//! # What stays
//!
//! Everything. Metadata are the lines whose key starts with `sops_`; new ones go behind the last line that is not blank.
//!
//! # Refused
//!
//! * A line without `=` that is neither empty nor a comment; text that is not UTF-8 (the reference takes it; use the binary
//!   format).
//! * Null, lists and mappings as values; a value with a backslash in front of an `n`, which would read back as a line break
//!   (the reference writes it all the same); a key with `=`, a line break or a `#` at its start.
//! * A plain text with a key that starts with `sops_`: it is taken for an encrypted one.
