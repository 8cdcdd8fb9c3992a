//! `Sealer`: the one thing that can seal. It holds the data key and the metadata of one file.

mod laid_out;
mod left_clear;
mod spelled;

use crate::crypto::cipher::{Cipher, DataKey, IvSource};
use crate::crypto::mac::{self, Mac};
use crate::digest::fast_digest;
use crate::document::{EncryptedDocument, PlainDocument, without_spelling};
use crate::error::Error;
use crate::format::json::write::Indent;
use crate::format::syntax::Source;
use crate::format::yaml::layout::Place;
use crate::format::yaml::seal::{Sealing, float_spelling};
use crate::format::yaml::{self, layout};
use crate::format::{Format, json};
use crate::keys::Keyring;
use crate::memory::TokenMemory;
use crate::metadata::keys::MasterKey;
use crate::metadata::{KeyGroup, Metadata, VERSION};
use crate::outline::{Document, Event, NONE, Node, Outline};
use crate::path::display_keys;
use crate::select::Selector;
use crate::splice::{Change, Edits};
use crate::value::{Kind, Timestamp, Value};
use crate::walk::Walker;
use laid_out::LaidOut;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// What the value of a binary file is bound to: its key.
const BINARY_AAD: &[u8] = b"data:";

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
    /// Spaces per level of new text; without it the format's default.
    pub indent: Option<usize>,
}

/// Data key and metadata of one file, and what is known of its text.
pub struct Sealer {
    data_key: DataKey,
    cipher: Cipher,
    selector: Selector,
    metadata: Metadata,
    allow_nothing: bool,
    indent: Option<usize>,
    spelling: bool,
    memory: TokenMemory,
    existing: Option<Existing>,
}

/// The encrypted file that was opened.
struct Existing {
    file: EncryptedDocument,
    /// SHA-256 of the plain text it holds.
    plain: [u8; 32],
    /// Whether the file may not stay as it is even with the same text: other keys, or a MAC that was not looked at.
    is_stale: bool,
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
        let mut groups: Vec<KeyGroup> = recipe.groups.into_iter().map(KeyGroup::new).collect();
        let threshold = keys.wrap_groups(&mut groups, recipe.threshold as usize, &data_key)?;
        let mut metadata = Metadata::new(groups, threshold);
        metadata.settings = recipe.selector.settings();
        metadata.mac_only_encrypted = recipe.mac_only_encrypted;
        Ok(Sealer {
            cipher: Cipher::new(&data_key),
            data_key,
            selector: recipe.selector,
            metadata,
            allow_nothing: recipe.allow_nothing,
            indent: recipe.indent,
            spelling: true,
            memory: TokenMemory::new(),
            existing: None,
        })
    }

    /// The sealer of an opened file.
    pub(crate) fn of(
        file: EncryptedDocument,
        data_key: DataKey,
        memory: TokenMemory,
        plain: &PlainDocument,
        verified: bool,
    ) -> Sealer {
        Sealer {
            cipher: Cipher::new(&data_key),
            data_key,
            selector: file.selector().clone(),
            metadata: file.metadata().clone(),
            allow_nothing: true,
            indent: file.indent(),
            spelling: true,
            memory,
            existing: Some(Existing { plain: Sha256::digest(plain.content()).into(), file, is_stale: !verified }),
        }
    }

    /// The metadata as it will be written, but for MAC and time.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Leaves out how values were written where a token cannot say it ([`crate::manual::spelling`]): they come back as the
    /// reference prints them.
    pub fn without_spelling(mut self) -> Sealer {
        self.spelling = false;
        self
    }

    /// Adds a master key to a group; a group that does not exist is made. The key is used from the next
    /// [`Sealer::rotate`] or [`Sealer::rewrap`] on.
    pub fn add_key(&mut self, group: usize, key: MasterKey) {
        if self.metadata.groups.len() <= group {
            self.metadata.groups.resize_with(group + 1, KeyGroup::default);
        }
        self.metadata.groups[group].keys.push(key);
    }

    /// Removes every copy of the master keys that `is_removed` names, in all groups; returns how many there were. Call
    /// [`Sealer::rotate`] afterwards: whoever held them knows the data key.
    pub fn remove_keys(&mut self, is_removed: impl Fn(&MasterKey) -> bool) -> usize {
        let mut removed = 0;
        for group in &mut self.metadata.groups {
            let before = group.keys.len();
            group.keys.retain(|key| !is_removed(key));
            removed += before - group.keys.len();
        }
        removed
    }

    /// Draws a new data key and wraps it for all master keys; every value gets a new token.
    ///
    /// # Errors
    /// [`Error::NoRecipients`] without a key or with an empty group, [`Error::Wrap`] for a key that cannot be used; the
    /// sealer is as before then.
    pub fn rotate(&mut self, keys: &Keyring) -> Result<(), Error> {
        let data_key = DataKey::generate();
        self.wrap(&data_key, keys)?;
        self.cipher = Cipher::new(&data_key);
        self.data_key = data_key;
        self.memory = TokenMemory::new();
        Ok(())
    }

    /// Wraps the same data key for all master keys.
    ///
    /// # Errors
    /// Those of [`Sealer::rotate`].
    pub fn rewrap(&mut self, keys: &Keyring) -> Result<(), Error> {
        let data_key = DataKey::from_bytes(self.data_key.expose())?;
        self.wrap(&data_key, keys)
    }

    fn wrap(&mut self, data_key: &DataKey, keys: &Keyring) -> Result<(), Error> {
        let mut groups = self.metadata.groups.clone();
        if groups.is_empty() || groups.iter().any(|g| g.keys.is_empty()) {
            return Err(Error::NoRecipients);
        }
        self.metadata.threshold = keys.wrap_groups(&mut groups, self.metadata.threshold, data_key)?;
        self.metadata.groups = groups;
        if let Some(existing) = &mut self.existing {
            existing.is_stale = true;
        }
        Ok(())
    }

    /// Raises the version in the metadata to the one that new files get, if it is an older one.
    pub fn raise_version(&mut self) {
        if version_numbers(&self.metadata.version).is_some_and(|numbers| Some(numbers) < version_numbers(VERSION)) {
            self.metadata.version = VERSION.to_owned();
        }
    }

    /// Returns the plain text with the metadata in its first document, for people to look at. It is not encrypted.
    ///
    /// # Errors
    /// [`Error::AlreadyEncrypted`] for a text that has a `sops` entry.
    pub fn with_metadata(&self, plain: &PlainDocument) -> Result<Vec<u8>, Error> {
        let (source, outline) = (plain.source(), plain.outline());
        if !plain.format().metadata_items(source, outline)?.is_empty() {
            return Err(Error::AlreadyEncrypted);
        }
        let mut edits = Edits::new(source, source.len() + 4096, 1);
        let written = without_spelling(&self.metadata.write());
        match plain.format().syntax() {
            Some(syntax) => {
                syntax.insert_metadata(Source { text: source, outline }, &written, None, self.indent, &mut edits);
            }
            None => {
                let indent = self.yaml_indent();
                let branch = layout::Branch { events: &written, written: None, indent, place: Place::Last };
                if let Some(document) = outline.documents.first() {
                    layout::insert_branch(source, outline, document, &branch, &mut edits);
                }
            }
        }
        Ok(plain.encoding().encode(edits.finish()?))
    }

    /// Returns the encrypted text. `unix_seconds` becomes `lastmodified`.
    ///
    /// A value that the opened file had at the same path keeps its token. The very plain text of the opened file gives the
    /// very bytes of that file, unless its keys changed.
    ///
    /// # Errors
    /// [`Error::AlreadyEncrypted`] for a top-level `sops` entry, [`Error::NothingSelected`] for an explicit selection
    /// that selects nothing, [`Error::Reparse`] if the written text does not read back as meant.
    pub fn seal(&self, plain: &PlainDocument, unix_seconds: i64) -> Result<Vec<u8>, Error> {
        if let Some(existing) = self.existing.as_ref().filter(|e| e.holds(plain)) {
            return Ok(existing.file.bytes());
        }
        if plain.format() == Format::Binary {
            return self.seal_binary(plain, unix_seconds);
        }
        let places = self.existing.as_ref().filter(|_| plain.format() == Format::Yaml);
        let places = places.map_or(Vec::new(), Existing::places);
        match self.seal_at(plain, unix_seconds, &places) {
            // A branch between other entries may attach their comments to other ones: behind the last it does not.
            Err(Error::Reparse { .. }) if places.iter().any(|p| *p != Place::Last) => {
                self.seal_at(plain, unix_seconds, &[])
            }
            result => result,
        }
    }

    fn seal_at(&self, plain: &PlainDocument, unix_seconds: i64, places: &[Place]) -> Result<Vec<u8>, Error> {
        let laid_out = LaidOut::new(plain, places)?;
        let source = &*laid_out.source;
        // A token is some 130 bytes longer than what it holds.
        let leaves = laid_out.outline.items.len();
        let mut edits = Edits::new(source, source.len() * 4 / 3 + leaves * 128 + 1024, leaves);
        let mut pass = self.seal_items(&laid_out, &mut edits)?;
        if !pass.any && pass.leaves > 0 && self.selector.is_explicit() && !self.allow_nothing {
            return Err(Error::NothingSelected { setting: self.selector.setting() });
        }
        let mac = std::mem::replace(&mut pass.mac, Mac::new(false));
        let mut sealed = self.sealed_metadata(mac, unix_seconds);
        sealed.spelling = self.expected_record(plain, &pass);
        let metadata = sealed.write();
        match plain.format().syntax() {
            Some(syntax) => {
                syntax.check_metadata(&metadata)?;
                let old = self.existing_of(plain.format()).map(|e| e.file.metadata().write()).unwrap_or_default();
                let existing = self.existing_of(plain.format()).map(|e| e.file.existing(&old));
                let source = Source { text: source, outline: &laid_out.outline };
                syntax.insert_metadata(source, &metadata, existing, self.indent, &mut edits);
            }
            None => {
                let sealing = Sealing::new(source, &laid_out.outline);
                sealing.finish(&pass.copies, |index| pass.seals[index].is_sealed(), self.yaml_indent(), &mut edits);
                let texts = match self.existing_of(Format::Yaml) {
                    Some(existing) => existing.branch_texts(&metadata, layout::line_ending(source), &laid_out.outline),
                    None => Vec::new(),
                };
                laid_out.write_branches(&metadata, &texts, places, self.yaml_indent(), &mut edits);
            }
        }
        let (text, changes) = edits.finish_with_changes()?;
        let (outline, branches) = self.check(&laid_out, &pass, &text)?;
        if !(pass.is_spelled || spelled::is_odd(plain)) || !self.may_spell(plain) {
            return Ok(plain.encoding().encode(text));
        }
        let written = Written { text, outline, branches, changes };
        Ok(plain.encoding().encode(self.spelled(plain, &laid_out, &pass, written, sealed)?))
    }

    /// The file that was opened, if it has that format.
    fn existing_of(&self, format: Format) -> Option<&Existing> {
        self.existing.as_ref().filter(|e| e.file.format() == format)
    }

    fn yaml_indent(&self) -> usize {
        self.indent.filter(|i| *i > 0).unwrap_or(4)
    }

    /// The metadata with time and MAC.
    fn sealed_metadata(&self, mac: Mac, unix_seconds: i64) -> Metadata {
        let mut metadata = self.metadata.clone();
        metadata.spelling.clear();
        metadata.last_modified = Timestamp::from_unix_seconds(unix_seconds);
        metadata.date_keys();
        metadata.mac = mac::seal(&self.cipher, mac, &metadata.last_modified);
        metadata
    }

    /// Any bytes become one token in a JSON text.
    fn seal_binary(&self, plain: &PlainDocument, unix_seconds: i64) -> Result<Vec<u8>, Error> {
        let content = plain.content();
        let mut mac = Mac::new(self.metadata.mac_only_encrypted);
        mac.update(content);
        let metadata = self.sealed_metadata(mac, unix_seconds);
        let data = Event::Leaf(Some(Cow::Borrowed("data")), Value::Str(Cow::Borrowed(b"")));
        let mut events = vec![Event::Map(None), data, Event::Map(Some(Cow::Borrowed("sops")))];
        events.extend(metadata.write().into_iter().skip(1));
        events.push(Event::End);
        let mut text = Vec::new();
        json::write::tree(&events, self.indent.map_or(Indent::Tab, Indent::Spaces), &mut text);
        let place = memchr::memmem::find(&text, b"\"\"").filter(|_| !content.is_empty());
        let Some(place) = place else { return Ok(text) };
        // The token may be large and has nothing to escape: it is made in its place, between the quotes.
        let (head, tail) = text.split_at(place + 1);
        let mut out = Vec::with_capacity(head.len() + Cipher::token_len(content.len()) + tail.len());
        out.extend_from_slice(head);
        match self.memory.reuse().take(BINARY_AAD, Kind::Str, content) {
            Some(known) => out.extend_from_slice(known),
            None => self.cipher.seal(content, BINARY_AAD, &IvSource::new().draw(), Kind::Str, &mut out),
        }
        out.extend_from_slice(tail);
        Ok(out)
    }

    fn seal_items(&self, laid_out: &LaidOut<'_>, edits: &mut Edits<'_>) -> Result<Pass, Error> {
        let outline = &*laid_out.outline;
        let source = &*laid_out.source;
        let texts = outline.texts(source);
        let sealing = Sealing::new(source, outline);
        let syntax = laid_out.format.syntax();
        let mut pass = Pass {
            seals: vec![Seal::default(); outline.items.len()],
            comments: 0,
            copies: HashMap::new(),
            mac: Mac::new(self.metadata.mac_only_encrypted),
            any: false,
            leaves: 0,
            is_spelled: !outline.aliases.is_empty(),
            needs_record: !outline.aliases.is_empty(),
        };
        let mut ivs = IvSource::new();
        let mut reuse = self.memory.reuse();
        let mut plain = Zeroizing::new(Vec::new());
        let walker = Walker::new(source, outline, &self.selector);
        walker.run(&laid_out.branches, |_| false, |step| -> Result<(), Error> {
            let item = &outline.items[step.index];
            plain.clear();
            let kind = match &item.node {
                Node::Leaf(scalar) => {
                    let value = match step.encrypted {
                        true => scalar.value(texts),
                        false => laid_out.format.clear(scalar.value(texts)),
                    };
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
                    let spelling = float_spelling(item, outline.extra(item), &value, source);
                    if let Some(spelling) = spelling.filter(|_| syntax.is_none()) {
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
                match reuse.take(step.aad, kind, &plain) {
                    Some(token) => out.extend_from_slice(token),
                    None => self.cipher.seal(&plain, step.aad, &ivs.draw(), kind, out),
                }
                seal = Seal::sealed(step.aad, &out[from..]);
                matches = kind == Kind::Comment && self.selector.leaves_clear_behind(&out[from..]);
            };
            match syntax {
                Some(syntax) => syntax.write_token(Source { text: source, outline }, step.index, edits, &mut token),
                None if outline.is_copy(item) => token(pass.copies.entry(step.index).or_default()),
                None => sealing.write_token(item, edits, token),
            }
            pass.seals[step.index] = seal;
            if let Node::Leaf(scalar) = &item.node
                && !pass.needs_record
                && !spelled::comes_back(item, scalar, laid_out)
            {
                pass.is_spelled = true;
                pass.needs_record = spelled::needs_record(item, scalar, source);
            }
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
    /// Returns what it has read, and where the metadata stand.
    fn check(&self, laid_out: &LaidOut<'_>, pass: &Pass, text: &str) -> Result<(Outline, Vec<u32>), Error> {
        let fault = |reason: &str| Error::Reparse { path: "the written text".into(), reason: reason.into() };
        let format = laid_out.format;
        let outline = format.outline(text).map_err(|e| fault(&format!("it does not parse ({e})")))?;
        let branches = format.metadata_items(text, &outline)?;
        let is_whole = match format {
            Format::Yaml => branches.len() == outline.documents.len(),
            _ => !branches.is_empty(),
        };
        if !is_whole || outline.documents.len() != laid_out.outline.documents.len() {
            return Err(fault("a document has no metadata branch"));
        }
        let intended = &*laid_out.outline;
        let mut expected = laid_out.leaves();
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
                let wanted = format.clear(scalar.value(intended_texts));
                let is_empty = matches!(&wanted, Value::Str(s) if s.is_empty()) || matches!(wanted, Value::Null);
                if wanted.kind().is_some() && Seal::clear(step.aad) != seal {
                    return differs("it stands under another path");
                }
                // A float that is written like an integer is one in a clear text; both have the same bytes in the MAC.
                let is_number = |value: &Value<'_>| matches!(value, Value::Int(_) | Value::Float(_));
                let is_same_number = is_number(&wanted) && is_number(&found) && wanted.canonical() == found.canonical();
                match is_same_number || wanted.same(&found) {
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
        Ok((outline, branches))
    }
}

/// A block scalar's token is followed by its line break, which readers ignore.
pub(crate) fn first_line(text: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', text).map_or(text, |end| &text[..end])
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
    /// Whether anything was replaced whose text may not come back from its token.
    is_spelled: bool,
    /// Whether some text of that kind most likely will not.
    needs_record: bool,
}

/// A text that was written, read again, and what changed on the way to it.
struct Written {
    text: String,
    outline: Outline,
    branches: Vec<u32>,
    changes: Vec<Change>,
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

/// The numbers of `x.y.z`, whatever follows them.
fn version_numbers(text: &str) -> Option<[u64; 3]> {
    let mut numbers = text.strip_prefix('v').unwrap_or(text).split(['.', '-', '+']).map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

impl Existing {
    /// Whether this is the very plain text of the file, with the very keys.
    fn holds(&self, plain: &PlainDocument) -> bool {
        !self.is_stale
            && plain.format() == self.file.format()
            && plain.encoding() == self.file.encoding()
            && self.plain == <[u8; 32]>::from(Sha256::digest(plain.content()))
    }

    /// Where the branches stand.
    fn places(&self) -> Vec<Place> {
        let (source, outline) = (self.file.source(), self.file.outline());
        let place = |d: &Document| self.branch_of(d).map_or(Place::Last, |b| layout::place(source, outline, d, b));
        outline.documents.iter().map(place).collect()
    }

    fn branch_of(&self, document: &Document) -> Option<u32> {
        let items = &self.file.outline().items;
        self.file.branches().iter().copied().find(|b| items[*b as usize].parent == document.root)
    }

    /// The entries of the branches with what is new in them; `None` for one that has to be written anew.
    fn branch_texts(&self, new: &[Event<'_>], newline: &'static str, intended: &Outline) -> Vec<Option<String>> {
        let (source, outline) = (self.file.source(), self.file.outline());
        let old = self.file.metadata().write();
        let (further_old, further_new) = (without_spelling(&old), without_spelling(new));
        let mut texts = Vec::new();
        for (number, (document, target)) in outline.documents.iter().zip(&intended.documents).enumerate() {
            let same_layout = document.flow_root == target.flow_root
                && (document.column == target.column
                    || document.flow_root
                    || target.empty_root && document.column == 0)
                && layout::line_ending(source) == newline;
            let text = self.branch_of(document).filter(|_| same_layout).and_then(|index| {
                let branch = yaml::branch::Branch { source, outline, index, newline };
                match number {
                    0 => branch.changed(&old, new).ok(),
                    // Nobody reads the branches of further documents.
                    _ if !self.file.has_same_branch(index, &further_old) => None,
                    _ => branch.changed(&further_old, &further_new).ok(),
                }
            });
            texts.push(text);
        }
        texts
    }
}
