//! Plain and encrypted documents: source text and its outline.

use crate::crypto::cipher::{Cipher, DataKey};
use crate::crypto::mac::{self, Mac};
use crate::crypto::token::{self, Token};
use crate::digest::fast_digest;
use crate::error::{Error, LeafCause, MacCause};
use crate::format::dotenv::Dotenv;
use crate::format::ini::Ini;
use crate::format::syntax::Syntax;
use crate::format::yaml::change::{Change, Found};
use crate::format::yaml::open::{Opened, Opening};
use crate::format::yaml::read::{self, Encoding};
use crate::format::yaml::{self, layout, write};
use crate::format::{Format, json};
use crate::keys::Keyring;
use crate::memory::TokenMemory;
use crate::metadata::keys::MasterKey;
use crate::metadata::{KeyGroup, Metadata};
use crate::outline::{Document, Event, Item, NONE, Node, Outline, Scalar, Span, Texts};
pub use crate::path::TreePath;
use crate::path::{Step, display_keys};
use crate::sealer::{Sealer, branches, first_line};
use crate::select::Selector;
use crate::splice::Edits;
use crate::value::{Kind, Value, prints_as_int};
use crate::walk::Walker;
use std::borrow::Cow;
use zeroize::{Zeroize, Zeroizing};

fn yaml_only(format: Format) -> Result<(), Error> {
    match format {
        Format::Yaml => Ok(()),
        other => Err(Error::Unsupported { what: format!("the {} format", other.name()) }),
    }
}

/// Clear source text with its outline. The text is zeroed when the document is dropped.
pub struct PlainDocument {
    source: Zeroizing<String>,
    outline: Outline,
    encoding: Encoding,
    warnings: Vec<String>,
}

impl PlainDocument {
    /// Parses a plain file. Bytes that are given away are not copied.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Tree`], [`Error::Limit`] with the place; [`Error::Empty`] for zero bytes.
    pub fn parse<'b>(format: Format, bytes: impl Into<Cow<'b, [u8]>>) -> Result<Self, Error> {
        let syntax: Option<&dyn Syntax> = match format {
            Format::Dotenv => Some(&Dotenv),
            Format::Ini => Some(&Ini),
            _ => None,
        };
        if let Some(syntax) = syntax {
            let text = String::from_utf8(bytes.into().into_owned());
            let source = Zeroizing::new(text.map_err(|_| Error::Syntax {
                line: 0,
                column: 0,
                problem: "invalid UTF-8".into(),
            })?);
            let outline = syntax.outline(&source)?;
            return Ok(PlainDocument { source, outline, encoding: Encoding::Utf8, warnings: Vec::new() });
        }
        yaml_only(format)?;
        let (encoding, source) = read::decode(bytes.into())?;
        let source = Zeroizing::new(source);
        let outline = read::outline(&source)?;
        Ok(PlainDocument { source, outline, encoding, warnings: Vec::new() })
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        self.encoding.encode(self.source.to_string())
    }

    /// The bytes of the file, without a copy of the text.
    pub fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.encoding.encode(std::mem::take(&mut self.source)))
    }

    /// The decoded text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where the texts of the outline lie.
    pub fn texts(&self) -> Texts<'_> {
        self.outline.texts(&self.source)
    }

    /// The outline of [`PlainDocument::source`].
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The encoding of the file.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What a person should know: comments that stayed encrypted or clear. No values.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Each document as events: a root map, its members, the end.
    pub fn events(&self) -> Vec<Vec<Event<'_>>> {
        let outline = &self.outline;
        let documents = outline.documents.iter().map(|d| d.root as usize);
        documents.map(|root| outline.events(&self.source, root, outline.items[root].end as usize, |_| None)).collect()
    }

    /// Returns one part of the first document, as the reference prints it: a string raw, anything else as a document of
    /// `format`.
    ///
    /// # Errors
    /// [`Error::Path`] if nothing is there; [`Error::Tree`] for a number that the format lacks.
    pub fn extract(&self, path: &TreePath, format: Format, indent: usize) -> Result<Vec<u8>, Error> {
        let index = self.find(path)?;
        let item = &self.outline.items[index];
        if let Node::Leaf(Scalar::Str(text)) = &item.node {
            return Ok(text.bytes(self.texts()).to_vec());
        }
        let events = self.outline.events(&self.source, index, item.end as usize, |_| None);
        match format {
            Format::Yaml => {
                let mut out = String::new();
                write::tree(&events, &write::Options { indent: 4, line_ending: "\n" }, &mut out);
                Ok(out.into_bytes())
            }
            Format::Json => {
                json::write::check(&events)?;
                let mut out = Vec::new();
                json::write::value(&events, json_indent(indent), &mut out);
                Ok(out)
            }
            other => Err(Error::Unsupported { what: format!("the {} format", other.name()) }),
        }
    }

    fn find(&self, path: &TreePath) -> Result<usize, Error> {
        let missing =
            |reason: String| Error::Path { reason: format!("error truncating tree: {reason}"), malformed: false };
        let mut index = self.outline.documents.first().map_or(0, |d| d.root as usize);
        for step in path.steps() {
            let item = &self.outline.items[index];
            let mut members = layout::top_level(&self.outline, index as u32);
            let found = match (step, &item.node) {
                (Step::Key(key), Node::Map) => members
                    .find(|m| {
                        let member = &self.outline.items[*m as usize];
                        member.key().is_some_and(|k| k.bytes(self.texts()) == key.as_bytes())
                    })
                    .ok_or_else(|| missing(format!("component ['{key}'] not found"))),
                (Step::Key(key), _) => {
                    Err(missing(format!("component ['{key}'] not found: its parent is not a mapping")))
                }
                (Step::Index(at), Node::List) => {
                    members.nth(*at).ok_or_else(|| missing(format!("component [{at}] accesses out of bounds")))
                }
                (Step::Index(at), _) => {
                    Err(missing(format!("component [{at}] is integer, but tree part is not a slice")))
                }
            };
            index = found? as usize;
        }
        Ok(index)
    }

    /// Sets the value at a path of the first document; what is missing on the way is made, and a list grows by one element
    /// at most. Nothing else changes but the aliases whose anchor is affected: they are written out first.
    ///
    /// # Errors
    /// [`Error::Path`] for the root, a key of a list or a position in a mapping; [`Error::ReservedKey`] for the top-level
    /// key `sops`; [`Error::Reparse`] if the new text does not read back as meant. The document is as before then.
    pub fn set(&mut self, path: &TreePath, value: &[Event<'_>]) -> Result<(), Error> {
        match path.steps() {
            [] => {
                return Err(Error::Path { reason: "the path is empty; expected [\"key\"][0]".into(), malformed: true });
            }
            [Step::Key(key), ..] if key == "sops" => return Err(Error::AlreadyEncrypted),
            _ => {}
        }
        let change = Change { source: &self.source, outline: &self.outline };
        let path = TreePath::from(change.settled(path.steps())?);
        let steps = path.steps();
        self.change(steps, true, |change, edits| {
            let found = change.find(steps)?;
            change.set(&found, steps, value, edits)
        })?;
        match self.is_at(&path, value) {
            true => Ok(()),
            false => Err(Error::Reparse { path: path.to_string(), reason: "the new value does not read back".into() }),
        }
    }

    /// Removes the entry or element at a path of the first document.
    ///
    /// # Errors
    /// [`Error::Path`] if nothing is there; [`Error::Reparse`] if the new text does not read back as meant. The document
    /// is as before then.
    pub fn unset(&mut self, path: &TreePath) -> Result<(), Error> {
        let steps = path.steps();
        if steps.is_empty() {
            return Err(Error::Path { reason: "the path is empty; expected [\"key\"][0]".into(), malformed: true });
        }
        self.change(steps, false, |change, edits| {
            let found = change.find(steps)?;
            if found.steps < steps.len() {
                return Err(Error::Path { reason: self_missing(change, &found, steps), malformed: false });
            }
            change.remove(found.index, edits);
            Ok(())
        })
    }

    /// Whether a path of the first document leads to a node.
    pub fn contains(&self, path: &TreePath) -> bool {
        self.find(path).is_ok()
    }

    /// Whether a path of the first document could lead to a node that is not there: a key or an element is missing. Where a
    /// single value or a collection of the other sort is in the way, nothing could ever be there.
    pub fn is_missing(&self, path: &TreePath) -> bool {
        let change = Change { source: &self.source, outline: &self.outline };
        let found = change.find(path.steps()).ok().filter(|found| found.steps < path.steps().len());
        found.is_some_and(|found| !self.outline.items[found.index as usize].is_leaf())
    }

    /// Whether a path of the first document leads to this very value: deep, in order, types included.
    pub fn is_at(&self, path: &TreePath, value: &[Event<'_>]) -> bool {
        let Ok(index) = self.find(path) else { return false };
        let end = self.outline.items[index].end as usize;
        let mut found = self.outline.events(&self.source, index, end, |_| None);
        found.retain(|e| !matches!(e, Event::Comment { .. }));
        yaml::branch::is_same_metadata(&found, value)
    }

    /// Changes the text at a path, which is there afterwards if `stays`. Every other value stays.
    fn change(
        &mut self,
        steps: &[Step],
        stays: bool,
        write: impl FnOnce(&Change<'_>, &mut Edits<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut text: Zeroizing<String>;
        let mut outline: Outline;
        let mut change = Change { source: &self.source, outline: &self.outline };
        // An anchor may lie inside the copy that another alias makes, so this takes as many rounds as they nest.
        let mut rounds = 0;
        loop {
            let found = change.find(steps)?;
            let aliases = change.aliases(&found, found.steps == steps.len());
            if aliases.is_empty() || rounds > 100 {
                break;
            }
            rounds += 1;
            let mut edits = Edits::new(change.source, change.source.len() + 256, aliases.len());
            change.expand(&aliases, &mut edits);
            text = Zeroizing::new(edits.finish()?);
            outline = reread(&text)?;
            change = Change { source: &text, outline: &outline };
        }
        let mut edits = Edits::new(change.source, change.source.len() + 256, 2);
        write(&change, &mut edits)?;
        let changed = Zeroizing::new(edits.finish()?);
        let outline = reread(&changed)?;
        let before = others(&self.source, &self.outline, steps);
        if before != others(&changed, &outline, if stays { steps } else { &[] }) {
            let reason = "another value would change".into();
            return Err(Error::Reparse { path: "the text".into(), reason });
        }
        self.source = changed;
        self.outline = outline;
        Ok(())
    }

    /// Returns the text in another format; an `indent` of 0 is the format's default.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a format that is not built in; [`Error::Tree`] for a number that the format lacks.
    pub fn convert(&self, to: Format, indent: usize) -> Result<Vec<u8>, Error> {
        match to {
            Format::Yaml => Ok(self.bytes()),
            Format::Json => {
                let mut out = Vec::new();
                let indent = json_indent(indent);
                if let Some(events) = self.events().first() {
                    json::write::check(events)?;
                    json::write::tree(events, indent, &mut out);
                }
                Ok(out)
            }
            other => Err(Error::Unsupported { what: format!("the {} format", other.name()) }),
        }
    }
}

/// Why there is nothing to remove.
fn self_missing(change: &Change<'_>, found: &Found, steps: &[Step]) -> String {
    let is_leaf = matches!(change.outline.items[found.index as usize].node, Node::Leaf(_));
    match &steps[found.steps] {
        Step::Key(key) | Step::Key(key) if is_leaf => format!("Unsupported type: a single value has no item '{key}'"),
        Step::Index(at) if is_leaf => format!("Unsupported type: a single value has no item '{at}'"),
        Step::Key(key) => format!("Key not found: {key}"),
        Step::Index(at) => format!("Index {at} out of bounds"),
    }
}

fn reread(text: &str) -> Result<Outline, Error> {
    let fault = |e: Error| Error::Reparse { path: "the changed text".into(), reason: e.to_string() };
    read::outline(text).map_err(fault)
}

/// Digests of path and value of every leaf that is not at or below a path, nor in its way; all for the root.
fn others(source: &str, outline: &Outline, steps: &[Step]) -> Vec<u64> {
    let texts = outline.texts(source);
    let found = Change { source, outline }.find(steps).ok();
    let below =
        found.filter(|f| !steps.is_empty() && (f.steps == steps.len() || outline.items[f.index as usize].is_leaf()));
    let below = below.map_or(0..0, |f| f.index as usize..outline.items[f.index as usize].end as usize);
    let selector = Selector::everything();
    let mut digests = Vec::new();
    let _infallible: Result<(), ()> = Walker::new(source, outline, &selector).run(
        &[],
        |_| false,
        |step| {
            if let Node::Leaf(scalar) = &outline.items[step.index].node
                && !below.contains(&step.index)
            {
                let value = scalar.value(texts);
                let kind = value.kind().map_or(0, |k| k as u64 + 1);
                let digest = [fast_digest(step.aad), fast_digest(&value.canonical()), kind];
                digests.push(fast_digest(&digest.map(u64::to_le_bytes).concat()));
            }
            Ok(())
        },
    );
    digests
}

fn json_indent(indent: usize) -> json::write::Indent {
    if indent == 0 { json::write::Indent::Tab } else { json::write::Indent::Spaces(indent) }
}

/// Source text whose `sops` branch parsed.
pub struct EncryptedDocument {
    source: String,
    outline: Outline,
    encoding: Encoding,
    metadata: Metadata,
    selector: Selector,
    branches: Vec<u32>,
    warnings: Vec<String>,
}

impl EncryptedDocument {
    /// Parses an encrypted file. No key is needed.
    ///
    /// # Errors
    /// [`Error::NotEncrypted`] without a `sops` branch in the first document, [`Error::Metadata`] if it cannot be used,
    /// and those of [`PlainDocument::parse`].
    pub fn parse<'b>(format: Format, bytes: impl Into<Cow<'b, [u8]>>) -> Result<Self, Error> {
        yaml_only(format)?;
        let (encoding, source) = read::decode(bytes.into())?;
        let outline = read::outline(&source).map_err(|e| if e == Error::Empty { Error::NotEncrypted } else { e })?;
        let branches = branches(&outline, &source);
        let root = outline.documents.first().map_or(NONE, |d| d.root);
        let first = branches.first().filter(|b| outline.items[**b as usize].parent == root);
        let Some(&branch) = first else { return Err(Error::NotEncrypted) };
        let item = &outline.items[branch as usize];
        if !matches!(item.node, Node::Map) {
            let reason = "found a sops entry that is not a mapping".into();
            return Err(Error::Metadata { field: String::new(), reason });
        }
        let events = outline.events(&source, branch as usize, item.end as usize, |_| None);
        let metadata = Metadata::read(&events)?;
        drop(events);
        let (selector, invalid) = Selector::from_settings_lenient(&metadata.settings)?;
        let mut warnings = Vec::new();
        if invalid {
            warnings.push(format!("{} in the file is not a valid expression: it never matches", selector.setting()));
        }
        Ok(EncryptedDocument { source, outline, encoding, metadata, selector, branches, warnings })
    }

    /// The typed `sops` branch.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Tells whether metadata with a version and a MAC is present.
    ///
    /// # Errors
    /// Those of [`EncryptedDocument::parse`] but [`Error::NotEncrypted`].
    pub fn is_encrypted<'b>(format: Format, bytes: impl Into<Cow<'b, [u8]>>) -> Result<bool, Error> {
        match EncryptedDocument::parse(format, bytes) {
            Ok(document) => Ok(!document.metadata.mac.is_empty() && !document.metadata.version.is_empty()),
            Err(Error::NotEncrypted) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens every leaf and verifies the MAC; nothing comes back unless it does.
    ///
    /// # Errors
    /// [`Error::DataKey`], [`Error::Leaf`], [`Error::Mac`]; [`Error::Reparse`] if the plain text does not read back.
    pub fn decrypt(&self, keys: &Keyring) -> Result<PlainDocument, Error> {
        self.open_with(&keys.recover(&self.metadata)?, true, None)
    }

    /// Opens every leaf without looking at the MAC: values may have been added, removed, moved or (where they are
    /// clear) changed.
    ///
    /// # Errors
    /// Those of [`EncryptedDocument::decrypt`] but [`Error::Mac`].
    pub fn decrypt_ignoring_mac(&self, keys: &Keyring) -> Result<PlainDocument, Error> {
        self.open_with(&keys.recover(&self.metadata)?, false, None)
    }

    /// Opens the file for changes: its plain text, and the [`Sealer`] that seals another one.
    ///
    /// # Errors
    /// Those of [`EncryptedDocument::decrypt`].
    pub fn open(self, keys: &Keyring) -> Result<(PlainDocument, Sealer), Error> {
        self.open_for_changes(keys, true)
    }

    /// Like [`EncryptedDocument::open`], without looking at the MAC.
    ///
    /// # Errors
    /// Those of [`EncryptedDocument::decrypt_ignoring_mac`].
    pub fn open_ignoring_mac(self, keys: &Keyring) -> Result<(PlainDocument, Sealer), Error> {
        self.open_for_changes(keys, false)
    }

    fn open_for_changes(self, keys: &Keyring, verify: bool) -> Result<(PlainDocument, Sealer), Error> {
        let data_key = keys.recover(&self.metadata)?;
        let mut memory = TokenMemory::new();
        let plain = self.open_with(&data_key, verify, Some(&mut memory))?;
        let sealer = Sealer::of(self, data_key, memory, &plain);
        Ok((plain, sealer))
    }

    /// Returns the file with its data key wrapped for other groups of master keys. Values, MAC and time stay.
    ///
    /// # Errors
    /// [`Error::DataKey`], [`Error::NoRecipients`] for no group or an empty one, [`Error::Wrap`] for a key that cannot be
    /// used; [`Error::Reparse`] if the new metadata does not read back.
    pub fn rewrapped(&self, groups: Vec<Vec<MasterKey>>, threshold: usize, keys: &Keyring) -> Result<Vec<u8>, Error> {
        if groups.is_empty() || groups.iter().any(Vec::is_empty) {
            return Err(Error::NoRecipients);
        }
        let data_key = keys.recover(&self.metadata)?;
        let mut groups: Vec<KeyGroup> = groups.into_iter().map(|keys| KeyGroup { keys }).collect();
        let mut metadata = self.metadata.clone();
        metadata.threshold = keys.wrap_groups(&mut groups, threshold, &data_key)?;
        metadata.groups = groups;
        let (old, new) = (self.metadata.write(), metadata.write());
        let newline = layout::line_ending(&self.source);
        let mut edits = Edits::new(&self.source, self.source.len() + 4096, self.branches.len());
        for (document, index) in self.outline.documents.iter().filter_map(|d| self.branch_of(d).map(|b| (d, b))) {
            let old_text = &self.source[layout::entry_span(&self.source, &self.outline.items[index as usize]).range()];
            let branch = yaml::branch::Branch { source: &self.source, outline: &self.outline, index, newline };
            // Nobody reads the branches of further documents, but a removed recipient's key may stand there.
            let is_first = Some(&index) == self.branches.first();
            let same_text = |first: &u32| {
                let span = layout::entry_span(&self.source, &self.outline.items[*first as usize]);
                self.source[span.range()] == *old_text
            };
            let spliced = match is_first || self.branches.first().is_some_and(same_text) {
                true => branch.rekeyed(&old, &new).ok(),
                false => None,
            };
            let place = layout::Place::Last;
            let branch = layout::Branch { events: &new, written: spliced, indent: self.branch_indent(), place };
            layout::replace_branch(&self.source, &self.outline, document, index, &branch, &mut edits);
        }
        let text = edits.finish()?;
        self.check_rewrapped(&text, &new)?;
        Ok(self.encoding.encode(text))
    }

    /// Reads the text with new metadata again: the metadata are those that were meant, and nothing else changed.
    fn check_rewrapped(&self, text: &str, new: &[Event<'_>]) -> Result<(), Error> {
        let fault = |reason: String| Error::Reparse { path: "the metadata".into(), reason };
        let read = EncryptedDocument::parse(Format::Yaml, text.as_bytes()).map_err(|e| fault(e.to_string()))?;
        if !yaml::branch::is_same_metadata(&read.metadata.write(), new) {
            return Err(fault("they do not read back".into()));
        }
        let leaves = |file: &EncryptedDocument| {
            let mut digest = 0;
            let selector = &file.selector;
            let walker = Walker::new(&file.source, &file.outline, selector);
            let _infallible: Result<(), ()> = walker.run(
                &file.branches,
                |_| false,
                |step| {
                    let value = match &file.outline.items[step.index].node {
                        Node::Leaf(scalar) => fast_digest(&scalar.value(file.texts()).canonical()),
                        Node::Comment { text, .. } => fast_digest(text.bytes(file.texts())),
                        Node::Map | Node::List => 0,
                    };
                    digest = fast_digest(&[digest, value, fast_digest(step.aad)].map(u64::to_le_bytes).concat());
                    Ok(())
                },
            );
            digest
        };
        match leaves(self) == leaves(&read) {
            true => Ok(()),
            false => Err(fault("a value or comment would change".into())),
        }
    }

    fn branch_of(&self, document: &Document) -> Option<u32> {
        self.branches.iter().copied().find(|b| self.outline.items[*b as usize].parent == document.root)
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        self.encoding.encode(self.source.clone())
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn outline(&self) -> &Outline {
        &self.outline
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(crate) fn branches(&self) -> &[u32] {
        &self.branches
    }

    pub(crate) fn selector(&self) -> &Selector {
        &self.selector
    }

    fn open_with(
        &self,
        data_key: &DataKey,
        verify: bool,
        memory: Option<&mut TokenMemory>,
    ) -> Result<PlainDocument, Error> {
        let cipher = Cipher::new(data_key);
        let (mut opened, mac) = self.open_items(&cipher, memory)?;
        if verify {
            self.verify(&cipher, mac)?;
        }
        let opening = Opening {
            source: &self.source,
            outline: &self.outline,
            opened: &opened.items,
            plain: &opened.plain,
            branches: &self.branches,
            indent: self.branch_indent(),
            newline: layout::line_ending(&self.source),
        };
        let text = Zeroizing::new(opening.edits().finish()?);
        let outline = read::outline(&text).or_else(|e| if e == Error::Empty { Ok(Outline::default()) } else { Err(e) });
        let outline =
            outline.map_err(|e| Error::Reparse { path: "the decrypted text".into(), reason: e.to_string() })?;
        self.check(&opened, &text, &outline)?;
        opened.plain.zeroize();
        let mut warnings = self.warnings.clone();
        warnings.append(&mut opened.warnings);
        Ok(PlainDocument { source: text, outline, encoding: self.encoding, warnings })
    }

    /// The indentation of the branch: that of the writer of the file.
    pub(crate) fn branch_indent(&self) -> usize {
        let Some(&branch) = self.branches.first() else { return 4 };
        let item = &self.outline.items[branch as usize];
        match self.outline.items.get(branch as usize + 1) {
            Some(child) if child.parent == branch && !item.in_flow && child.column > item.column => {
                (child.column - item.column) as usize
            }
            _ => 4,
        }
    }

    fn verify(&self, cipher: &Cipher, mac: Mac) -> Result<(), Error> {
        if self.metadata.mac.is_empty() {
            return Err(Error::Mac(MacCause::Missing));
        }
        mac::verify(cipher, mac, &self.metadata.mac, &self.metadata.last_modified).map_err(Error::Mac)
    }

    fn texts(&self) -> Texts<'_> {
        self.outline.texts(&self.source)
    }

    fn is_comment_element(&self, item: &Item) -> bool {
        let in_list = item.parent != NONE && matches!(self.outline.items[item.parent as usize].node, Node::List);
        match &item.node {
            Node::Leaf(Scalar::Str(text)) if in_list => {
                let text = text.bytes(self.texts());
                text.starts_with(b"ENC[") && token::parse(text).is_some_and(|t| t.kind() == Some(Kind::Comment))
            }
            _ => false,
        }
    }

    fn open_items(&self, cipher: &Cipher, mut memory: Option<&mut TokenMemory>) -> Result<(OpenedItems, Mac), Error> {
        let outline = &self.outline;
        let mut result = OpenedItems {
            items: Vec::with_capacity(outline.items.len()),
            plain: Vec::with_capacity(self.source.len() / 2),
            warnings: Vec::new(),
            counted: (0, 0),
        };
        result.items.resize_with(outline.items.len(), || Opened::Kept);
        let only_encrypted = self.metadata.mac_only_encrypted;
        let mut mac = Mac::new(only_encrypted);
        let mut canonical = Vec::new();
        let walker = Walker::new(&self.source, outline, &self.selector);
        let element = |item: &Item| self.is_comment_element(item);
        walker.run(&self.branches, element, |step| -> Result<(), Error> {
            let item = &outline.items[step.index];
            match &item.node {
                Node::Comment { text, .. } => {
                    if step.encrypted {
                        let text = text.bytes(self.texts());
                        let own_path = self.open_comment(step.index, text, step.aad, cipher, &mut result);
                        if let (Some(memory), true, Opened::Comment(plain)) =
                            (&mut memory, own_path, &result.items[step.index])
                        {
                            memory.remember(step.aad, Kind::Comment, &result.plain[plain.range()], text);
                        }
                    }
                    Ok(())
                }
                Node::Leaf(Scalar::Null) | Node::Map | Node::List => Ok(()),
                Node::Leaf(scalar) if !step.encrypted => {
                    if !only_encrypted && !element(item) {
                        canonical.clear();
                        scalar.value(self.texts()).write_canonical(&mut canonical);
                        mac.update(&canonical);
                    }
                    Ok(())
                }
                Node::Leaf(scalar) => {
                    let fail = |cause| Error::Leaf { path: self.path_of(step.index), cause };
                    let Scalar::Str(text) = scalar else { return Err(fail(LeafCause::NotAToken)) };
                    let text = text.bytes(self.texts());
                    if text.is_empty() {
                        return Ok(());
                    }
                    let token = token::parse(text).ok_or_else(|| fail(LeafCause::NotAToken))?;
                    let from = result.plain.len();
                    let kind = cipher.open(&token, step.aad, &mut result.plain).map_err(fail)?;
                    let to = result.plain.len();
                    let opened = self.opened(item, kind, Span::new(from, to), &result.plain).map_err(fail)?;
                    let mut sealed_kind = kind;
                    let stored = &result.plain[from..to];
                    let sealed: &[u8] = match &opened {
                        Opened::Text(_) => {
                            mac.update(stored);
                            stored
                        }
                        Opened::Scalar(scalar, _) => {
                            canonical.clear();
                            scalar.value(self.texts()).write_canonical(&mut canonical);
                            mac.update_opened(&canonical, stored);
                            // What the sealer will make of the text: a float may keep its spelling, or look like an int.
                            let is_marked = outline.is_marked(item, &self.source);
                            if !is_marked && matches!(scalar, Scalar::Float(f) if prints_as_int(*f)) {
                                sealed_kind = Kind::Int;
                            }
                            if is_marked { stored } else { &canonical }
                        }
                        _ => stored,
                    };
                    if let Some(memory) = &mut memory {
                        memory.remember(step.aad, sealed_kind, sealed, first_line(text));
                    }
                    result.items[step.index] = opened;
                    Ok(())
                }
            }
        })?;
        canonical.zeroize();
        Ok((result, mac))
    }

    fn opened(&self, item: &Item, kind: Kind, range: Span, plain: &[u8]) -> Result<Opened, LeafCause> {
        let in_list = item.parent != NONE && matches!(self.outline.items[item.parent as usize].node, Node::List);
        match kind {
            Kind::Str | Kind::Bytes => Ok(Opened::Text(range)),
            Kind::Comment if in_list => Ok(Opened::Element(range)),
            Kind::Comment => Err(LeafCause::CommentAsValue),
            _ => {
                let value =
                    Value::from_plaintext(kind, plain[range.range()].to_vec()).ok_or(LeafCause::TypeMismatch)?;
                let scalar = match value {
                    Value::Bool(b) => Scalar::Bool(b),
                    Value::Int(i) => Scalar::Int(i),
                    Value::Float(f) => Scalar::Float(f),
                    Value::Time(t) => Scalar::Time(Box::new(t)),
                    Value::Null | Value::Str(_) => return Err(LeafCause::TypeMismatch),
                };
                Ok(Opened::Scalar(scalar, range))
            }
        }
    }

    /// Opens a comment with the path of its container, else with those around it; keeps it with a warning otherwise.
    /// Returns whether it was its own path.
    fn open_comment(&self, index: usize, text: &[u8], aad: &[u8], cipher: &Cipher, result: &mut OpenedItems) -> bool {
        if text.is_empty() {
            return false;
        }
        let line = result.line_of(&self.source, self.outline.items[index].entry_start as usize);
        let Some(token) = token::parse_allow_empty(text) else {
            result
                .warnings
                .push(format!("line {line}: Found possibly unencrypted comment in file; it is kept as it is"));
            return false;
        };
        let from = result.plain.len();
        if self.try_comment(&token, aad, cipher, &mut result.plain) {
            result.items[index] = Opened::Comment(Span::new(from, result.plain.len()));
            return true;
        }
        for aad in self.neighbouring_paths(index) {
            if self.try_comment(&token, &aad, cipher, &mut result.plain) {
                result.items[index] = Opened::Comment(Span::new(from, result.plain.len()));
                return false;
            }
        }
        result.warnings.push(format!("line {line}: a comment cannot be decrypted; it is kept as it is"));
        false
    }

    fn try_comment(&self, token: &Token<'_>, aad: &[u8], cipher: &Cipher, plain: &mut Vec<u8>) -> bool {
        let from = plain.len();
        let opened = cipher.open(token, aad, plain).is_ok();
        let fits = opened && !plain[from..].iter().any(|b| matches!(b, b'\n' | b'\r'));
        if !fits {
            plain.truncate(from);
        }
        fits
    }

    /// The paths of the containers around an item and around its neighbours.
    fn neighbouring_paths(&self, index: usize) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        let neighbours = [index, index.saturating_sub(1), (index + 1).min(self.outline.items.len() - 1)];
        for start in neighbours {
            let mut at = start as u32;
            while at != NONE {
                let item = &self.outline.items[at as usize];
                if matches!(item.node, Node::Map | Node::List) {
                    let mut path = Vec::new();
                    for key in self.keys_of(at as usize) {
                        path.extend_from_slice(key);
                        path.push(b':');
                    }
                    if path.is_empty() {
                        path.push(b':');
                    }
                    if !paths.contains(&path) {
                        paths.push(path);
                    }
                }
                at = item.parent;
            }
        }
        paths
    }

    fn keys_of(&self, index: usize) -> Vec<&[u8]> {
        let mut keys = Vec::new();
        let mut at = index as u32;
        while at != NONE {
            let item = &self.outline.items[at as usize];
            keys.extend(item.key().map(|k| k.bytes(self.texts())));
            at = item.parent;
        }
        keys.reverse();
        keys
    }

    fn path_of(&self, index: usize) -> String {
        display_keys(self.keys_of(index).into_iter())
    }

    /// Reads the plain text again and compares every value with what was opened.
    fn check(&self, opened: &OpenedItems, text: &str, outline: &Outline) -> Result<(), Error> {
        let texts = outline.texts(text);
        let mut found = outline.items.iter().filter(|i| matches!(i.node, Node::Leaf(_)));
        let mut index = 0;
        while index < self.outline.items.len() {
            let item = &self.outline.items[index];
            if self.branches.contains(&(index as u32)) {
                index = item.end as usize;
                continue;
            }
            let at = index;
            index += 1;
            let Node::Leaf(scalar) = &item.node else { continue };
            let wanted = match &opened.items[at] {
                Opened::Kept => scalar.value(self.texts()),
                Opened::Text(range) => Value::Str(Cow::Borrowed(&opened.plain[range.range()])),
                Opened::Scalar(scalar, _) => scalar.value(self.texts()),
                Opened::Comment(_) | Opened::Element(_) => continue,
            };
            let same = match found.next().map(|i| (&i.node, i.key())) {
                Some((Node::Leaf(scalar), key)) => {
                    let keys = key.map(|k| k.bytes(texts)) == item.key().map(|k| k.bytes(self.texts()));
                    keys && same_or_float(&scalar.value(texts), &wanted)
                }
                _ => false,
            };
            if !same {
                let reason = "the decrypted value does not read back".into();
                return Err(Error::Reparse { path: self.path_of(at), reason });
            }
        }
        match found.next() {
            Some(_) => Err(Error::Reparse { path: "the decrypted text".into(), reason: "a value too many".into() }),
            None => Ok(()),
        }
    }
}

/// compat: the reference prints an integral float without a fraction, which reads back as an integer.
fn same_or_float(found: &Value<'_>, wanted: &Value<'_>) -> bool {
    match (found, wanted) {
        (Value::Int(i), Value::Float(f)) => *i as f64 == *f,
        _ => found.same(wanted),
    }
}

struct OpenedItems {
    items: Vec<Opened>,
    plain: Vec<u8>,
    warnings: Vec<String>,
    /// The last place whose line was asked for, and the line breaks in front of it.
    counted: (usize, usize),
}

impl OpenedItems {
    /// The 1-based line of a place. Places mostly ascend, so all calls together are linear.
    fn line_of(&mut self, source: &str, at: usize) -> usize {
        let (from, lines) = if at >= self.counted.0 { self.counted } else { (0, 0) };
        let breaks = source.as_bytes()[from..at].iter().filter(|b| **b == b'\n').count();
        self.counted = (at, lines + breaks);
        lines + breaks + 1
    }
}
