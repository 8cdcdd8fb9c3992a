//! The working life of an encrypted file: what each command does to it, and what it leaves alone.
//!
//! # A file is made
//!
//! ```console
//! $ sops keygen -o ~/.config/sops/age/keys.txt            # once for each person
//! $ sops encrypt --age age1… --in-place secrets.yaml       # or with a rule of .sops.yaml
//! $ sops edit new.yaml                                     # an example to begin with, where there is no file yet
//! ```
//!
//! `encrypt`, `decrypt` and `rotate` print to standard output, `--output FILE` and `--in-place` write; several files need
//! `--in-place`. The other commands that change a file always write it.
//!
//! # Values change
//!
//! * `sops edit FILE` decrypts into a private file (folder `0700`, file `0600`, in memory where the system has a place for
//!   that), starts `$SOPS_EDITOR`, `$EDITOR`, or the first of `vim`, `nano` and `vi`, and seals what comes back. Identities and
//!   credentials are not in the editor's environment. A text that cannot be used goes back to the editor; one without change
//!   writes nothing (exit status 200). The private copy goes with the command, also on Ctrl+C; what a `kill -9` leaves
//!   behind is named by the next run.
//! * `sops set FILE '["db"]["port"]' 5432` takes JSON; whole numbers of 64 bits are exact, larger ones are refused. What is
//!   missing on the way is made; a list grows by one element at most. `--value-stdin` and `--value-file` keep a secret out of
//!   the list of processes, and `--idempotent` writes nothing where the value is there already. `sops unset` removes.
//! * `sops decrypt --extract '["db"]["port"]' FILE` prints one value. Positions count from 0, and comments do not count.
//!
//! # What does not change
//!
//! A value that did not change keeps its token, to the byte, and so does a comment; equal values of one list keep different
//! tokens. `git diff` after `set` of one value shows that value, the MAC and the time. A text that did not change at all gives
//! the very file. The `sops` entry is changed field by field: its place, indentation, quotes, comments and fields of other
//! programs stay.
//!
//! ```
//! # use sops_core::{EncryptedDocument, Event, Format, Keyring, PlainDocument, Sealer, TreePath, config::Config};
//! # use sops_core::keys::age::{AgeIdentities, AgeRecipients};
//! # let (identity, recipient) = AgeIdentities::generate_text();
//! # let keys = Keyring::new().with(AgeIdentities::parse(&identity)?).with(AgeRecipients);
//! # let config = Config::parse(format!("creation_rules: [{{age: {recipient}}}]").as_bytes())?;
//! # let recipe = config.recipe_for("f")?.expect("a rule");
//! # let plain = PlainDocument::parse(Format::Yaml, b"a: 1 # one\nb: [x, x]\n")?;
//! # let before = Sealer::create(recipe, &keys)?.seal(&plain, 1_780_272_000)?;
//! let (mut plain, sealer) = EncryptedDocument::parse(Format::Yaml, &before)?.open(&keys)?;
//! assert_eq!(sealer.seal(&plain, 1_780_272_060)?, before, "nothing changed");
//!
//! plain.set(&TreePath::parse(r#"["a"]"#)?, &[Event::Leaf(None, 2.into())])?;
//! let after = sealer.seal(&plain, 1_780_272_060)?;
//! let (before, after) = (String::from_utf8(before)?, String::from_utf8(after)?);
//! let changed = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
//! let changed: Vec<&str> = changed.map(|(_, line)| line.trim().split(':').next().unwrap_or("")).collect();
//! assert_eq!(changed, ["a", "lastmodified", "mac"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Keys change
//!
//! * `sops updatekeys FILE…` brings the recipients to what `.sops.yaml` says: it shows the difference, asks (`--yes` does not),
//!   and wraps the same data key again. No value is decrypted, and no token changes.
//! * `sops rotate --in-place FILE…` draws a new data key and seals every value anew; `--add-age` and `--rm-age` (and their like)
//!   change recipients on the way. A recipient who is removed is removed everywhere, and one that `.sops.yaml` does not name is
//!   named in a warning.
//! * `sops groups add` and `delete` change key groups: with several, `--shamir-secret-sharing-threshold` of them are needed to
//!   open the file, and any one key of a group does for it.
//!
//! Who leaves keeps what they could read: [`updatekeys`, then `rotate`, then new secrets](super::integrity).
//!
//! # Values are used
//!
//! * `sops exec-env FILE COMMAND` runs one line of shell with the values in its environment, `--pristine` with nothing else,
//!   `--same-process` in the place of sops. Values have to be single ones; null is an empty text.
//! * `sops exec-file FILE COMMAND` puts the path of a pipe in the place of `{}`; `--no-fifo` makes it a private file, which is
//!   gone afterwards. A pipe serves every reader.
//! * The exit status is that of the command. Signals are passed on, and the command has the limit of core dumps that sops was
//!   started with; sops itself makes none.
//! * `sops publish FILE` writes the values to the Vault that `destination_rules` name, if they differ from what is there.
//! * `git config diff.sops.textconv 'sops decrypt'` with `*.yaml diff=sops` in `.gitattributes` lets `git diff` and `git log -p`
//!   show values.
//!
//! # Several at once
//!
//! A command that changes a file locks it from reading to writing, so commands wait for each other and none is lost. `edit` does
//! not hold the lock while the editor is open. Other programs do not lock, so the content is compared just before it is
//! replaced: what changed underneath is never overwritten. Where a file system has no locks, `--verbose` says so.
//!
//! If somebody else changed the file during `edit`, the edit is kept, encrypted, in a file that is named; who presses enter
//! gets the file as it is now into the editor, with the edit beside it as `edited-NAME`.
//!
//! A file is replaced as a whole, with mode, owner and attributes, or not at all. Symbolic links stay links, and both names of
//! a hard link see the new text. A read-only file is refused.
