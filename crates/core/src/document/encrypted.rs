//! An encrypted text whose metadata parsed.

use super::PlainDocument;
use crate::crypto::cipher::Cipher;
use crate::digest::fast_digest;
use crate::error::Error;
use crate::format::Format;
use crate::format::syntax::{Existing, Source};
use crate::format::yaml::read::Encoding;
use crate::format::yaml::{self, layout};
use crate::keys::Keyring;
use crate::memory::TokenMemory;
use crate::metadata::keys::MasterKey;
use crate::metadata::{KeyGroup, Metadata};
use crate::outline::{Document, Event, NONE, Node, Outline};
use crate::sealer::Sealer;
use crate::select::Selector;
use crate::splice::Edits;
use crate::walk::Walker;
use std::borrow::Cow;

/// Source text whose `sops` branch parsed.
pub struct EncryptedDocument {
    pub(super) format: Format,
    pub(super) source: String,
    pub(super) outline: Outline,
    pub(super) encoding: Encoding,
    pub(super) metadata: Metadata,
    pub(super) selector: Selector,
    /// The items that hold the metadata, whole subtrees.
    pub(super) branches: Vec<u32>,
    pub(super) warnings: Vec<String>,
}

impl EncryptedDocument {
    /// Parses an encrypted file. No key is needed.
    ///
    /// # Errors
    /// [`Error::NotEncrypted`] without a `sops` branch in the first document, [`Error::Metadata`] if it cannot be used,
    /// and those of [`PlainDocument::parse`].
    pub fn parse<'b>(format: Format, bytes: impl Into<Cow<'b, [u8]>>) -> Result<Self, Error> {
        let (encoding, source) = format.decode(bytes.into())?;
        let outline = format.outline(&source).map_err(|e| if e == Error::Empty { Error::NotEncrypted } else { e })?;
        let branches = format.metadata_items(&source, &outline)?;
        let metadata = match format.syntax() {
            None => Metadata::read(&yaml_metadata(&source, &outline, &branches)?)?,
            Some(_) if branches.is_empty() => return Err(Error::NotEncrypted),
            Some(syntax) => {
                let source = Source { text: &source, outline: &outline };
                Metadata::read(&syntax.metadata(source, &branches)?)?
            }
        };
        let (selector, invalid) = Selector::from_settings_lenient(&metadata.settings)?;
        let mut warnings = Vec::new();
        if invalid {
            warnings.push(format!("{} in the file is not a valid expression: it never matches", selector.setting()));
        }
        Ok(EncryptedDocument { format, source, outline, encoding, metadata, selector, branches, warnings })
    }

    /// A file that was just written, and read again.
    pub(crate) fn of_parts(
        plain: &PlainDocument,
        source: String,
        outline: Outline,
        branches: Vec<u32>,
        metadata: Metadata,
        selector: Selector,
    ) -> EncryptedDocument {
        let (format, encoding) = (plain.format(), plain.encoding());
        EncryptedDocument { format, source, outline, encoding, metadata, selector, branches, warnings: Vec::new() }
    }

    /// The text.
    pub(crate) fn into_source(self) -> String {
        self.source
    }

    /// Puts a record of spellings into the metadata, or takes it out.
    pub(crate) fn seal_spelling(&mut self, record: Option<&[u8]>, cipher: &Cipher) {
        match record {
            Some(record) => self.metadata.seal_spelling(record, cipher),
            None => self.metadata.spelling.clear(),
        }
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
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
        let sealer = Sealer::of(self, data_key, memory, &plain, verify);
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
        let mut groups: Vec<KeyGroup> = groups.into_iter().map(KeyGroup::new).collect();
        let mut metadata = self.metadata.clone();
        metadata.threshold = keys.wrap_groups(&mut groups, threshold, &data_key)?;
        metadata.groups = groups;
        metadata.date_keys();
        let (old, new) = (self.metadata.write(), metadata.write());
        let mut edits = Edits::new(&self.source, self.source.len() + 4096, self.branches.len());
        match self.format.syntax() {
            Some(syntax) => syntax.replace_metadata(self.existing(&old), &new, &mut edits),
            None => self.replace_branches(&old, &new, &mut edits),
        }
        let text = edits.finish()?;
        self.check_rewrapped(&text, &new)?;
        Ok(self.encoding.encode(text))
    }

    /// The metadata as they stand in the text; `events` are their canonical form.
    pub(crate) fn existing<'a>(&'a self, events: &'a [Event<'a>]) -> Existing<'a> {
        let source = Source { text: &self.source, outline: &self.outline };
        Existing { source, items: &self.branches, events }
    }

    fn replace_branches(&self, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) {
        let (further_old, further_new) = (without_spelling(old), without_spelling(new));
        for (document, index) in self.outline.documents.iter().filter_map(|d| self.branch_of(d).map(|b| (d, b))) {
            let is_first = Some(&index) == self.branches.first();
            let (old, new) = if is_first { (old, new) } else { (&further_old[..], &further_new[..]) };
            // Nobody reads the branches of further documents, but a removed recipient's key may stand there.
            let spliced = (is_first || self.has_same_branch(index, old)).then(|| self.rekeyed(index, old, new));
            self.replace_branch(document, index, spliced.flatten(), new, edits);
        }
    }

    /// Changes the metadata of the first document only.
    pub(crate) fn replace_first_branch(&self, old: &[Event<'_>], new: &[Event<'_>], edits: &mut Edits<'_>) {
        if let Some((document, &index)) = self.outline.documents.first().zip(self.branches.first()) {
            self.replace_branch(document, index, self.rekeyed(index, old, new), new, edits);
        }
    }

    fn rekeyed(&self, index: u32, old: &[Event<'_>], new: &[Event<'_>]) -> Option<String> {
        let newline = layout::line_ending(&self.source);
        yaml::branch::Branch { source: &self.source, outline: &self.outline, index, newline }.rekeyed(old, new).ok()
    }

    fn replace_branch(
        &self,
        document: &Document,
        index: u32,
        written: Option<String>,
        events: &[Event<'_>],
        edits: &mut Edits<'_>,
    ) {
        let branch = layout::Branch { events, written, indent: self.branch_indent(), place: layout::Place::Last };
        layout::replace_branch(&self.source, &self.outline, document, index, &branch, edits);
    }

    /// Whether a branch says what `events` say.
    pub(crate) fn has_same_branch(&self, index: u32, events: &[Event<'_>]) -> bool {
        let end = self.outline.items[index as usize].end as usize;
        let found = Metadata::read(&self.outline.events(&self.source, index as usize, end, |_| None));
        found.is_ok_and(|found| yaml::branch::is_same_metadata(&found.write(), events))
    }

    /// Reads the text with new metadata again: the metadata are those that were meant, and nothing else changed.
    fn check_rewrapped(&self, text: &str, new: &[Event<'_>]) -> Result<(), Error> {
        let fault = |reason: String| Error::Reparse { path: "the metadata".into(), reason };
        let read = EncryptedDocument::parse(self.format, text.as_bytes()).map_err(|e| fault(e.to_string()))?;
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

    pub(super) fn branch_of(&self, document: &Document) -> Option<u32> {
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
}

/// Metadata as further documents have them: only the first one's say how values were written.
pub(crate) fn without_spelling<'a>(events: &[Event<'a>]) -> Vec<Event<'a>> {
    let is_spelling = |event: &Event<'_>| matches!(event, Event::Leaf(Some(key), _) if key == "spelling");
    events.iter().filter(|event| !is_spelling(event)).cloned().collect()
}

/// The branch of the first document, as events.
fn yaml_metadata<'a>(source: &'a str, outline: &'a Outline, branches: &[u32]) -> Result<Vec<Event<'a>>, Error> {
    let root = outline.documents.first().map_or(NONE, |d| d.root);
    let first = branches.first().filter(|b| outline.items[**b as usize].parent == root);
    let Some(&branch) = first else { return Err(Error::NotEncrypted) };
    let item = &outline.items[branch as usize];
    if !matches!(item.node, Node::Map) {
        let reason = "found a sops entry that is not a mapping".into();
        return Err(Error::Metadata { field: String::new(), reason });
    }
    Ok(outline.events(source, branch as usize, item.end as usize, |_| None))
}
