//! YAML: how it is read, and what a token does to it.
//!
//! Read is what the reference reads, by rules of our own scanner: types are those of YAML 1.2 with the times, octals and
//! underscores of 1.1; `yes`, `on` and `y` are texts.
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
//! ## head
//! port: 0x1F # inline
//! word: yes
//! quoted: 'it''s'
//! block: |
//!   two
//!   lines
//! flow: [1, \"b\", {c: d}]
//! tagged: !Ref name
//! day: 2026-01-02
//! none: null
//! empty: ''
//! ";
//! let encrypted = "\
//! #ENC[comment]
//! port: ENC[int] #ENC[comment]
//! word: ! ENC[str]
//! quoted: 'ENC[str]'
//! block: |
//!   ENC[str]
//! flow: [\"ENC[int]\", \"ENC[str]\", {c: ! \"ENC[str]\"}]
//! tagged: !Ref ENC[str]
//! day: ENC[time]
//! none: null
//! empty: ''
//! ";
//! assert_eq!(seal(Format::Yaml, plain)?.split_once("sops:").expect("metadata").0, encrypted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What stays
//!
//! * Quotes, block headers, flow collections, anchors, tags of one's own, `---` and `...`, directives, byte order mark and
//!   encoding. A core tag in front of a value (`!!int 3`) goes into the token: the reference refuses it in front of one.
//! * A plain value in a flow collection is quoted, because a token there has to be.
//! * Comments become tokens where the selection says so, on the lines on which they stand, in lists too.
//! * What a token cannot say about its value (`0x1F`, folded lines, an alias) is kept beside it: see
//!   [`spelling`](super::super::spelling).
//!
//! # Aliases and merge keys
//!
//! The uses of an alias have different paths, so each gets a copy of its own with tokens of its own; a merge key `<<` is a
//! key like any other, and its value a mapping. In the clear text they come back as they were.
//!
//! # Documents
//!
//! All are encrypted, and each gets the metadata. `--extract`, `set` and `unset` mean the first one. Each is checked as the
//! first: the reference checks later ones hardly at all.
//!
//! # Marks of this writer
//!
//! Other readers ignore them; without them a file opens to the same values, in the reference's spelling.
//!
//! * The non-specific tag `!` in front of a token says that a text stood plain where the reference would quote it, or where its
//!   token cannot (in a flow collection), or that a float has a spelling of its own (`word: ! ENC[…]`).
//! * An indentation digit in front of `-` (`|2-`), at the end of a file, says that a clear block scalar had no final line
//!   break; behind it (`|-2`) the header had a `+`.
//!
//! # Refused
//!
//! * A key that stands twice; one that is no text (`1:`, `true:`, a mapping); a top level that is no mapping.
//! * An integer of 2⁶³ or more: write it in quotes.
//! * An anchor that contains itself, an unknown one, and aliases that make more than 20 million nodes or grow without
//!   measure.
//! * More than 10,000 levels.
//! * An empty text, and one of comments alone.
