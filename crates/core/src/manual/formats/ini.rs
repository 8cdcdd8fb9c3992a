//! INI: sections of pairs, as the reference's library reads them, without what it loses.
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
//! ; above the first key
//! name = demo
//!
//! [db] ; of the section
//! user = 'admin'      ; behind a value
//! user = root
//! note = `a # b`
//! text = \"\"\"two
//! lines\"\"\"
//! path = C:\\dir \\
//!   more
//! ## at the end
//! ";
//! let encrypted = "\
//! ; ENC[comment]
//! name = ENC[str]
//!
//! ; ENC[comment]
//! [db] ;
//! user = ENC[comment]      ; ENC[comment]
//! user = ENC[str]
//! note = `ENC[str]`
//! text = \"\"\"ENC[str]\"\"\"
//! path = ENC[str] 7\\
//!   -
//! ## ENC[comment]
//! ";
//! assert_eq!(seal(Format::Ini, plain)?.split_once("\n[sops]").expect("metadata").0, encrypted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is read
//!
//! The rules are the reference's, odd as they are, because they decide which values a file has:
//!
//! * A key ends at the first `=` or `:`; it may stand in quotes or backticks, and blanks around it do not count, inside the
//!   quotes either. What stands in front of the first header is the section `DEFAULT`. Every header opens a new section, also
//!   one of a known name.
//! * A value in backticks or triple quotes ends at the last such quote of its line, or on a later line. Any other one ends at
//!   the first `#` or `;`, wherever that stands; then one pair of quotes around it goes. One that ends with a backslash goes
//!   on with the next line.
//! * A comment belongs to the key or section below it, or the value in front of it; all lines of one are one comment.
//! * Of a key that stands twice in a section the last value counts, in the first one's place. A key `-` is `#1`, `#2`, ….
//! * All values are texts; those that another format or `set` gave a type keep it in their token.
//!
//! # What the reference loses, and what happens here
//!
//! | what | here | in the reference |
//! | --- | --- | --- |
//! | the earlier values of a repeated key | sealed as comments, selected and bound like the key's value; they come back | lost |
//! | text behind a closing quote | the same | lost |
//! | a comment at the end of the file | sealed, comes back | lost |
//! | a comment on the line of a header | its token stands on the line above; it comes back to its place | above the header |
//! | continuation lines | the lengths of the pieces stand behind the token; the lines come back | joined |
//! | quotes around a value, `#` or `;` as sign of a comment | stay | written anew |
//! | a bare value with a backtick | a backtick behind the token says so | in triple quotes |
//! | several lines of a comment | one token, the other lines stay with their sign alone | laid out anew |
//! | the keys `-` and `"#k"` | come back as they are | come back as comments: the value is lost and the MAC differs |
//! | a value that ends with a backslash | in quotes | bare: it swallows the next line |
//! | quotes that belong to a value | inside other quotes | lost |
//!
//! # Refused
//!
//! * A line without `=` or `:`, a header that does not close, an empty section name or key, a value in quotes without an
//!   end; text that is not UTF-8.
//! * Null, lists and nested mappings as values; a text that no form of the format carries.
//!
//! # Rules for comments
//!
//! compat: in the reference's tree the comment of a key stands behind it, so under `encrypted_comment_regex` and
//! `unencrypted_comment_regex` it judges the *next* key, and the comment of a section its first key alone. Readers depend on
//! that, so the selection is no different here, but `encrypt` names every key that stays clear against its own comment
//! ([`Sealer::left_clear`](crate::Sealer::left_clear)). Select by keys in this format.
