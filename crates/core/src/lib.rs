//! A SOPS-compatible secret encryption library: bytes in, bytes out.
//!
//! It does no IO: no files, environment, clock, terminal or network; the caller brings bytes, keys and the time. It reads
//! what the reference (Go SOPS 3.13.2) writes and the other way round, and it splices: of a document, only the bytes of
//! values change.
//!
//! ```
//! # use serde::Deserialize;
//! # #[derive(Deserialize)] struct Login { user: String, password: String }
//! use sops_core::keys::age::{AgeIdentities, AgeRecipients};
//! use sops_core::{EncryptedDocument, Event, Format, Keyring, PlainDocument, Sealer, TreePath, config::Config};
//!
//! let (identity, recipient) = AgeIdentities::generate_text();
//! let keys = Keyring::new().with(AgeIdentities::parse(&identity)?).with(AgeRecipients);
//!
//! // Encrypt something new, as a configuration asks for it.
//! let config = Config::parse(format!("creation_rules: [{{age: {recipient}}}]").as_bytes())?;
//! let recipe = config.recipe_for("prod/login.yaml")?.expect("a rule matches");
//! let plain = PlainDocument::parse(Format::Yaml, b"user: app  # not root\npassword: hunter2\n")?;
//! let bytes = Sealer::create(recipe, &keys)?.seal(&plain, 1_780_272_000)?;
//!
//! // Read: nothing comes back unless the MAC verified.
//! let file = EncryptedDocument::parse(Format::Yaml, &bytes)?;
//! let login: Login = file.decrypt(&keys)?.deserialize()?;
//!
//! // Edit: comments, layout and the token of every unchanged value stay as they are.
//! let (mut plain, sealer) = file.open(&keys)?;
//! plain.set(&TreePath::parse(r#"["password"]"#)?, &[Event::Leaf(None, "hunter3".into())])?;
//! let bytes = sealer.seal(&plain, 1_780_272_060)?;
//! # assert_eq!((login.user.as_str(), login.password.as_str()), ("app", "hunter2"));
//! # let plain = EncryptedDocument::parse(Format::Yaml, &bytes)?.decrypt(&keys)?;
//! # assert_eq!(plain.source(), "user: app  # not root\npassword: hunter3\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! | module | what |
//! | --- | --- |
//! | [`document`] | [`PlainDocument`], [`EncryptedDocument`]: source text and its outline; parse, decrypt, open, set, deserialize |
//! | [`sealer`] | [`Sealer`]: data key and metadata of one file; create, seal, rotate. [`Recipe`](sealer::Recipe): what a new file looks like |
//! | [`keys`] | [`Keyring`] and [`KeySource`](keys::KeySource), the joint for master keys; `keys::age` |
//! | [`config`] | `.sops.yaml` as text: rules, and the recipe of a path |
//! | [`metadata`] | the `sops` branch, typed; all kinds of master key as data |
//! | [`format`](mod@format) | [`Format`]: the five formats |
//! | [`outline`], [`path`], [`value`] | nodes with their spans and [`Event`]s; [`TreePath`]; typed scalars and their canonical bytes |
//! | [`select`], [`pattern`] | which values are encrypted; regular expressions as the reference understands them |
//! | [`crypto`] | tokens, cipher, MAC, Shamir shares |
//! | [`error`](mod@error) | [`Error`]: place, cause and hint, never a value |
//! | [`manual`] | the file format, what protects a file and what does not, differences from the reference |
//!
//! # Features
//!
//! `age` (default): X25519 recipients and identities. All kinds of key are data in every build; a feature adds the code
//! that can use one.
#![warn(missing_docs)]
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod config;
pub mod crypto;
mod deserialize;
mod digest;
pub mod document;
pub mod error;
pub mod format;
pub mod keys;
pub mod manual;
mod memory;
pub mod metadata;
pub mod outline;
pub mod path;
pub mod pattern;
pub mod sealer;
pub mod select;
mod spelling;
mod splice;
pub mod value;
mod walk;

pub use document::{EncryptedDocument, PlainDocument};
pub use error::Error;
pub use format::Format;
pub use keys::Keyring;
pub use outline::Event;
pub use path::TreePath;
pub use sealer::Sealer;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
