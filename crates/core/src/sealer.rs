//! `Sealer`: the one thing that can seal. It holds the data key and the metadata of one file.

use crate::crypto::cipher::{Cipher, DataKey, IvSource};
use crate::crypto::mac::{self, Mac};
use crate::digest::fast_digest;
use crate::document::PlainDocument;
use crate::error::Error;
use crate::format::yaml::seal::{Sealing, float_spelling};
use crate::format::yaml::{layout, read};
use crate::keys::Keyring;
use crate::metadata::keys::MasterKey;
use crate::metadata::{KeyGroup, Metadata};
use crate::outline::{Event, NONE, Node, Outline};
use crate::path::display_keys;
use crate::select::Selector;
use crate::splice::Edits;
use crate::value::{Kind, Timestamp, Value};
use crate::walk::Walker;
use std::borrow::Cow;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// What a new encrypted file looks like.
pub struct Recipe {
    /// Key groups; one for most files.
    pub groups: Vec<Vec<MasterKey>>,
    /// How many groups are needed; 0 for all.
    pub threshold: u32,
    /// What is encrypted.
    pub selector: Selector,
    /// Whether the MAC covers encrypted values only.
    pub mac_only_encrypted: bool,
    /// Whether an explicit selector may select nothing.
    pub allow_nothing: bool,
    /// Spaces of new text; 0 for the format's default.
    pub indent: usize,
}

/// Data key and metadata of one file.
pub struct Sealer {
    cipher: Cipher,
    selector: Selector,
    metadata: Metadata,
    allow_nothing: bool,
    indent: usize,
}

impl Sealer {
    /// Draws a data key and wraps it for every master key of the recipe.
    ///
    /// # Errors
    /// [`Error::NoRecipients`] for a recipe without keys or with an empty group; [`Error::Wrap`] for a master key that
    /// cannot be used. Nothing is left behind.
    pub fn create(recipe: Recipe, keys: &Keyring) -> Result<Sealer, Error> {
        if recipe.groups.is_empty() || recipe.groups.iter().any(Vec::is_empty) {
            return Err(Error::NoRecipients);
        }
        let data_key = DataKey::generate();
        let mut groups: Vec<KeyGroup> = recipe.groups.into_iter().map(|keys| KeyGroup { keys }).collect();
        let threshold = keys.wrap_groups(&mut groups, recipe.threshold as usize, &data_key)?;
        let mut metadata = Metadata::new(groups, threshold);
        metadata.settings = recipe.selector.settings();
        metadata.mac_only_encrypted = recipe.mac_only_encrypted;
        Ok(Sealer {
            cipher: Cipher::new(&data_key),
            selector: recipe.selector,
            metadata,
            allow_nothing: recipe.allow_nothing,
            indent: if recipe.indent == 0 { 4 } else { recipe.indent },
        })
    }

    /// Returns the encrypted text. `unix_seconds` becomes `lastmodified`.
    ///
    /// # Errors
    /// [`Error::AlreadyEncrypted`] for a top-level `sops` entry, [`Error::NothingSelected`] for an explicit selection
    /// that selects nothing, [`Error::Reparse`] if the written text does not read back as meant.
    pub fn seal(&self, plain: &PlainDocument, unix_seconds: i64) -> Result<Vec<u8>, Error> {
        let laid_out = LaidOut::new(plain)?;
        let source = &*laid_out.source;
        // A token is some 130 bytes longer than what it holds.
        let leaves = laid_out.outline.items.len();
        let mut edits = Edits::new(source, source.len() * 4 / 3 + leaves * 128 + 1024, leaves);
        let mut pass = self.seal_items(&laid_out, &mut edits)?;
        if !pass.any && pass.leaves > 0 && self.selector.is_explicit() && !self.allow_nothing {
            return Err(Error::NothingSelected { setting: self.selector.setting() });
        }
        let mut metadata = self.metadata.clone();
        metadata.last_modified = Timestamp::from_unix_seconds(unix_seconds);
        metadata.mac =
            mac::seal(&self.cipher, std::mem::replace(&mut pass.mac, Mac::new(false)), &metadata.last_modified);
        let sealing = Sealing::new(source, &laid_out.outline);
        sealing.finish(&pass.copies, |index| pass.seals[index].is_sealed(), self.indent, &mut edits);
        laid_out.write_branches(&metadata.write(), self.indent, &mut edits);
        let text = edits.finish()?;
        self.check(&laid_out, &pass, &text)?;
        Ok(plain.encoding().encode(text))
    }

    fn seal_items(&self, laid_out: &LaidOut<'_>, edits: &mut Edits<'_>) -> Result<Pass, Error> {
        let outline = &*laid_out.outline;
        let source = &*laid_out.source;
        let texts = outline.texts(source);
        let sealing = Sealing::new(source, outline);
        let mut pass = Pass {
            seals: vec![Seal::default(); outline.items.len()],
            comments: 0,
            copies: HashMap::new(),
            mac: Mac::new(self.metadata.mac_only_encrypted),
            any: false,
            leaves: 0,
        };
        let mut ivs = IvSource::new();
        let mut plain = Zeroizing::new(Vec::new());
        let walker = Walker::new(source, outline, &self.selector);
        walker.run(&laid_out.branches, |_| false, |step| -> Result<(), Error> {
            let item = &outline.items[step.index];
            plain.clear();
            let kind = match &item.node {
                Node::Leaf(scalar) => {
                    let value = scalar.value(texts);
                    let Some(kind) = value.kind() else { return Ok(()) };
                    if matches!(&value, Value::Time(time) if !time.is_printable()) {
                        let problem = "the time's offset of 24 hours or more cannot be carried; put it in quotes".into();
                        let path = display_keys(std::iter::once(step.aad.strip_suffix(b":").unwrap_or(step.aad)));
                        return Err(Error::Tree { line: 0, path, problem });
                    }
                    value.write_canonical(&mut plain);
                    if step.encrypted || !self.metadata.mac_only_encrypted {
                        pass.mac.update(&plain);
                    }
                    if !plain.is_empty() {
                        pass.leaves += 1;
                    }
                    if let Some(spelling) = float_spelling(item, outline.extra(item), &value, source) {
                        plain.clear();
                        plain.extend_from_slice(spelling);
                    }
                    kind
                }
                Node::Comment { text, .. } => {
                    plain.extend_from_slice(text.bytes(texts));
                    Kind::Comment
                }
                Node::Map | Node::List => return Ok(()),
            };
            let in_list = item.parent != NONE && matches!(outline.items[item.parent as usize].node, Node::List);
            let keeps_empty = plain.is_empty() && !(kind == Kind::Comment && in_list);
            if !step.encrypted || keeps_empty {
                pass.seals[step.index] = Seal::clear(step.aad);
                return Ok(());
            }
            let mut seal = Seal::default();
            let mut matches = false;
            let mut token = |out: &mut Vec<u8>| {
                let from = out.len();
                self.cipher.seal(&plain, step.aad, &ivs.draw(), kind, out);
                seal = Seal::sealed(step.aad, &out[from..]);
                matches = kind == Kind::Comment && self.selector.leaves_clear_behind(&out[from..]);
            };
            if outline.is_copy(item) {
                token(pass.copies.entry(step.index).or_default());
            } else {
                sealing.write_token(item, edits, token);
            }
            pass.seals[step.index] = seal;
            pass.any |= kind != Kind::Comment;
            if kind == Kind::Comment {
                pass.comments = pass.comments.wrapping_add(seal.0);
            }
            if matches {
                let problem = "the encrypted comment would match unencrypted_comment_regex; use an expression that no encrypted text matches";
                return Err(Error::Tree { line: 0, path: "a comment".into(), problem: problem.into() });
            }
            Ok(())
        })?;
        Ok(pass)
    }

    /// Reads the written text again: every leaf, its path, its token or value, and the selector's verdict on it.
    fn check(&self, laid_out: &LaidOut<'_>, pass: &Pass, text: &str) -> Result<(), Error> {
        let fault = |reason: &str| Error::Reparse { path: "the written text".into(), reason: reason.into() };
        let outline = read::outline(text).map_err(|e| fault(&format!("it does not parse ({e})")))?;
        let branches = branches(&outline, text);
        if branches.len() != outline.documents.len() || outline.documents.len() != laid_out.outline.documents.len() {
            return Err(fault("a document has no metadata branch"));
        }
        let intended = &*laid_out.outline;
        let skipped = laid_out.skipped();
        let mut expected = (0..intended.items.len())
            .filter(|i| !skipped.iter().any(|s| s.contains(i)))
            .filter(|i| matches!(intended.items[*i].node, Node::Leaf(_)));
        let walker = Walker::new(text, &outline, &self.selector);
        let (texts, intended_texts) = (outline.texts(text), intended.texts(&laid_out.source));
        let mut comments = 0u64;
        walker.run(
            &branches,
            |_| false,
            |step| -> Result<(), Error> {
                let item = &outline.items[step.index];
                let found = match &item.node {
                    Node::Leaf(scalar) => scalar.value(texts),
                    Node::Comment { text, .. } => {
                        let text = text.bytes(texts);
                        if step.encrypted && !text.is_empty() {
                            comments = comments.wrapping_add(Seal::sealed(step.aad, text).0);
                        }
                        return Ok(());
                    }
                    _ => return Ok(()),
                };
                let at = || display_keys(std::iter::once(step.aad.strip_suffix(b":").unwrap_or(step.aad)));
                let differs = |reason: &str| Err(Error::Reparse { path: at(), reason: reason.into() });
                let Some(index) = expected.next() else { return differs("a value too many") };
                let Node::Leaf(scalar) = &intended.items[index].node else { return differs("not a value") };
                let seal = pass.seals[index];
                let verdict = "the selection rules judge it differently in the encrypted text";
                if seal.is_sealed() {
                    return match &found {
                        Value::Str(_) if !step.encrypted => differs(verdict),
                        Value::Str(found) if Seal::sealed(step.aad, first_line(found)) == seal => Ok(()),
                        _ => differs("the token or its path does not read back"),
                    };
                }
                let wanted = scalar.value(intended_texts);
                let is_empty = matches!(&wanted, Value::Str(s) if s.is_empty()) || matches!(wanted, Value::Null);
                if wanted.kind().is_some() && Seal::clear(step.aad) != seal {
                    return differs("it stands under another path");
                }
                match wanted.same(&found) {
                    false => differs("the value does not read back"),
                    true if step.encrypted && !is_empty => differs(verdict),
                    true => Ok(()),
                }
            },
        )?;
        if comments != pass.comments {
            return Err(fault("a comment does not read back"));
        }
        if expected.next().is_some() {
            return Err(fault("a value is missing"));
        }
        Ok(())
    }
}

/// A block scalar's token is followed by its line break, which readers ignore.
fn first_line(text: &[u8]) -> &[u8] {
    &text[..text.iter().position(|b| *b == b'\n').unwrap_or(text.len())]
}

struct Pass {
    /// One per item.
    seals: Vec<Seal>,
    /// The sum of the seals of all comments: their order may change.
    comments: u64,
    /// The tokens of the copies that aliases make.
    copies: HashMap<usize, Vec<u8>>,
    mac: Mac,
    any: bool,
    leaves: usize,
}

/// What the check after writing has to find again: a digest of path and token, or of the path of what stays clear.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Seal(u64);

impl Seal {
    fn clear(aad: &[u8]) -> Seal {
        Seal(fast_digest(aad) & !1)
    }

    fn sealed(aad: &[u8], token: &[u8]) -> Seal {
        Seal(fast_digest(aad).rotate_left(17) ^ fast_digest(token) | 1)
    }

    fn is_sealed(self) -> bool {
        self.0 & 1 == 1
    }
}

/// The metadata branches of all documents that have one.
pub(crate) fn branches(outline: &Outline, source: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let texts = outline.texts(source);
    for document in &outline.documents {
        found.extend(
            layout::top_level(outline, document.root)
                .filter(|i| layout::is_branch(&outline.items[*i as usize], document.root, texts)),
        );
    }
    found
}

/// The plain text with room for the metadata: comments attach as they will in the encrypted text.
struct LaidOut<'a> {
    source: Cow<'a, str>,
    outline: Cow<'a, Outline>,
    /// Placeholder branches, none if the plain text is used as it is.
    branches: Vec<u32>,
}

impl<'a> LaidOut<'a> {
    fn new(plain: &'a PlainDocument) -> Result<Self, Error> {
        let (source, outline) = (plain.source(), plain.outline());
        if let Some(branch) = branches(outline, source).first() {
            let first = outline.documents.first().map_or(NONE, |d| d.root);
            let in_first = outline.items[*branch as usize].parent == first;
            return Err(if in_first { Error::AlreadyEncrypted } else { Error::ReservedKey });
        }
        if !outline.documents.iter().any(|d| has_trailing_comment(outline, d.root)) {
            return Ok(LaidOut {
                source: Cow::Borrowed(source),
                outline: Cow::Borrowed(outline),
                branches: Vec::new(),
            });
        }
        let placeholder = [Event::Map(None), Event::Leaf(Some(Cow::Borrowed("x")), Value::Int(0)), Event::End];
        let mut edits = Edits::new(source, source.len() + 64, 1);
        for document in &outline.documents {
            layout::insert_branch(source, outline, document, &placeholder, 4, &mut edits);
        }
        let text = edits.finish()?;
        let outline = read::outline(&text)?;
        let branches = branches(&outline, &text);
        Ok(LaidOut { source: Cow::Owned(text), outline: Cow::Owned(outline), branches })
    }

    fn skipped(&self) -> Vec<std::ops::Range<usize>> {
        self.branches.iter().map(|b| *b as usize..self.outline.items[*b as usize].end as usize).collect()
    }

    fn write_branches(&self, branch: &[Event<'_>], indent: usize, edits: &mut Edits<'_>) {
        if self.branches.is_empty() {
            for document in &self.outline.documents {
                layout::insert_branch(&self.source, &self.outline, document, branch, indent, edits);
            }
            return;
        }
        for (document, placeholder) in self.outline.documents.iter().zip(&self.branches) {
            layout::replace_branch(&self.source, &self.outline, document, *placeholder, branch, indent, edits);
        }
    }
}

/// Whether a comment follows the last value of a document, or one the reference drops stands anywhere.
fn has_trailing_comment(outline: &Outline, root: u32) -> bool {
    let items = &outline.items[root as usize..outline.items[root as usize].end as usize];
    let last = items.iter().filter(|i| matches!(i.node, Node::Leaf(_))).map(|i| i.span.start).max().unwrap_or(0);
    items.iter().any(|i| match i.node {
        Node::Comment { dropped, .. } => dropped || i.span.start >= last,
        _ => false,
    })
}
