//! Streams of manifests: which documents belong together, opened and verified before anything else.
//!
//! The command appends one block to every document of a file and reads the first only; the MAC spans all of them. Here
//! documents with equal blocks form a group that is verified in stream order, documents without a block are plain.

use crate::decryptor::{Decryptor, Integrity, Opened, count_tokens};
use crate::error::{Error, ErrorKind, Origin};
use crate::objects::{Outcome, not_a_mapping};
use crate::policy::{Limits, denied, judge};
use crate::spread::SecretValues;
use crate::stream::{Block, Document, Stream, value_at};
use crate::value::{Manifest, ObjectId, TOKEN, is_kind, subject};
use serde_json::Value;
use sops_core::path::{Step, TreePath};
use sops_core::{Format, PlainDocument};
use zeroize::Zeroizing;

/// The objects of a stream.
#[derive(Debug, Default)]
pub struct ManifestSet {
    /// The objects in order, Lists expanded.
    pub docs: Vec<ManifestDoc>,
    /// What was verified.
    pub integrity: Vec<GroupReport>,
    /// What the policy warns about.
    pub warnings: Vec<Error>,
}

/// One object of a stream.
#[derive(Debug)]
pub struct ManifestDoc {
    /// The document it comes from, from 0.
    pub index: usize,
    /// The object.
    pub value: Manifest,
    /// Who it is.
    pub identity: Option<ObjectId>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Documents that were verified together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupReport {
    /// The documents, from 0.
    pub documents: Vec<usize>,
    /// What the MAC said.
    pub integrity: Integrity,
    /// The time of the last change, as the file says; the MAC is bound to it.
    pub last_modified: String,
}

/// A stream with every group opened.
#[derive(Default)]
pub(crate) struct OpenedStream {
    /// The documents: place, value, and what became of it.
    pub documents: Vec<(usize, Manifest, Outcome)>,
    pub groups: Vec<GroupReport>,
    /// The plain text, if anything was encrypted.
    pub text: Option<Zeroizing<Vec<u8>>>,
    /// What the reader of a file should know; no values.
    pub notes: Vec<String>,
    /// What was decrypted.
    pub values: SecretValues,
}

/// Reads a stream, such as the output of a build, as it is: Lists expanded, nothing opened, nothing looked for.
///
/// # Errors
/// [`ErrorKind::LimitExceeded`], [`ErrorKind::Parse`].
pub fn read_objects(input: &[u8], limits: &Limits) -> Result<Vec<Manifest>, Error> {
    crate::guard(|| {
        let stream = Stream::read(input, limits, &Origin::default())?;
        Ok(stream.documents.into_iter().flat_map(|document| expanded(Manifest::new(document.value))).collect())
    })
}

impl Decryptor {
    /// Decrypts a stream: several documents, Lists, files inside objects; verified, nothing encrypted left over. All of it or
    /// nothing.
    ///
    /// # Errors
    /// The first that is wrong, with its document, object and place.
    pub fn decrypt_manifests(&self, input: &[u8], origin: &Origin) -> Result<ManifestSet, Error> {
        crate::guard(|| {
            let stream = Stream::read(input, self.limits(), origin).map_err(|error| error.at(origin))?;
            match self.policy().is_flux {
                true => self.manifests_as_flux(stream, origin),
                false => self.manifests(stream, origin),
            }
        })
    }

    fn manifests(&self, stream: Stream, origin: &Origin) -> Result<ManifestSet, Error> {
        let mut set = ManifestSet::default();
        self.judge_stream(&stream, origin, &mut set.warnings)?;
        let opened = self.open_stream(stream, origin)?;
        set.integrity = opened.groups;
        for (index, value, outcome) in opened.documents {
            for mut value in expanded(value) {
                let place = origin.at_document(index).at_object(subject(&value));
                let finished = self.finish_strictly(value.value_mut(), &mut set.warnings).map_err(|e| e.at(&place))?;
                let outcome = if outcome == Outcome::Untouched { finished } else { outcome.clone() };
                set.docs.push(ManifestDoc { index, identity: ObjectId::of(&value), value, outcome });
            }
        }
        Ok(set)
    }

    /// As Flux sees a stream: the build unrolls Lists and forgets their blocks, then each object is opened alone.
    fn manifests_as_flux(&self, stream: Stream, origin: &Origin) -> Result<ManifestSet, Error> {
        let mut set = ManifestSet::default();
        for document in stream.documents {
            for mut value in expanded(Manifest::new(document.value)) {
                let place = origin.at_document(document.index).at_object(subject(&value));
                let outcome = self.open_as_flux(value.value_mut()).map_err(|error| error.at(&place))?;
                set.docs.push(ManifestDoc { index: document.index, identity: ObjectId::of(&value), value, outcome });
            }
        }
        Ok(set)
    }

    /// What the policy says of a stream before anything is opened.
    fn judge_stream(&self, stream: &Stream, origin: &Origin, warnings: &mut Vec<Error>) -> Result<(), Error> {
        let policy = self.policy();
        let is_mixed = stream.documents.iter().any(|d| d.block == Block::Metadata)
            && stream.documents.iter().any(|d| d.block == Block::None);
        if is_mixed {
            let mixed = || denied("mixed-streams", "plain documents stand beside encrypted ones").at(origin);
            judge(policy.mixed_streams, mixed, warnings)?;
        }
        for document in &stream.documents {
            let place = || origin.at_document(document.index).at_object(subject(&document.value));
            if document.block == Block::None && has_plain_values(&document.value) {
                let plain = || denied("unencrypted-secret", "a Secret with values is not encrypted").at(&place());
                judge(policy.unencrypted_secret, plain, warnings)?;
            }
            if document.block == Block::Metadata {
                self.judge_selection(stream, document).map_err(|error| error.at(&place()))?;
            }
        }
        Ok(())
    }

    fn judge_selection(&self, stream: &Stream, document: &Document) -> Result<(), Error> {
        let rules = self.policy().selectors;
        let is_token = |path: &str| {
            let value = document.value.pointer(path).and_then(Value::as_str);
            value.is_some_and(|text| text.starts_with(TOKEN))
        };
        let identity = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];
        if rules.plain_identity && identity.into_iter().any(is_token) {
            return Err(denied("plain-identity", "apiVersion, kind or metadata are encrypted"));
        }
        let outline = stream.plain.outline();
        let has_syntax = !outline.aliases.is_empty()
            || outline.items.iter().any(|item| !outline.extra(item).tag_span.is_empty())
            || stream.plain.format() == Format::Yaml && has_anchor(&stream.plain);
        if rules.plain_syntax && has_syntax {
            return Err(denied("plain-syntax", "anchors, aliases and tags are read differently by different readers"));
        }
        Ok(())
    }

    /// Opens every group of a stream.
    pub(crate) fn open_stream(&self, stream: Stream, origin: &Origin) -> Result<OpenedStream, Error> {
        let groups = self.groups(&stream, origin)?;
        let mut opened = OpenedStream { documents: Vec::new(), groups: Vec::new(), ..OpenedStream::default() };
        let mut values: Vec<Option<(Value, Outcome)>> = Vec::new();
        values.resize_with(stream.plain.outline().documents.len(), || None);
        let mut texts: Vec<Option<Zeroizing<String>>> = Vec::new();
        texts.resize_with(values.len(), || None);
        for group in &groups {
            // The first document of a group that fails names its place.
            let first = group.first().copied().unwrap_or_default();
            self.open_group(&stream, group, &mut values, &mut texts, &mut opened)
                .map_err(|error| error.at(&origin.at_document(first).at_object(subject_of(&stream, first))))?;
        }
        let changed = opened.text.is_some() || texts.iter().any(Option::is_some);
        if changed && opened.text.is_none() {
            opened.text = Some(assembled(&stream, &texts));
        }
        let mut has_items = false;
        for document in &stream.documents {
            let (value, outcome) = match values.get_mut(document.index).and_then(Option::take) {
                Some((value, outcome)) => (Manifest::new(value), outcome),
                None => (Manifest::new(document.value.clone()), Outcome::Untouched),
            };
            let mut value = value;
            if outcome == Outcome::Untouched && document.block == Block::None {
                let place = origin.at_document(document.index);
                has_items |= self.open_items(&stream, document.index, value.value_mut()).map_err(|e| e.at(&place))?;
            }
            opened.documents.push((document.index, value, outcome));
        }
        if has_items {
            opened.text = Some(as_json(&opened.documents)?);
        }
        Ok(opened)
    }

    /// Documents with equal blocks, in the order of the first of each; those that the annotation leaves alone count only
    /// where another document of their file is opened.
    fn groups(&self, stream: &Stream, origin: &Origin) -> Result<Vec<Vec<usize>>, Error> {
        let mut groups: Vec<(&Value, Vec<&Document>)> = Vec::new();
        for document in &stream.documents {
            match document.block {
                Block::Metadata => {}
                Block::NotAMapping if !self.is_skipped(&document.value) => {
                    return Err(not_a_mapping().at(&origin.at_document(document.index)));
                }
                Block::None | Block::Foreign | Block::NotAMapping => continue,
            }
            let Some(block) = document.value.get("sops") else { continue };
            match groups.iter_mut().find(|(known, _)| *known == block) {
                Some((_, members)) => members.push(document),
                None => groups.push((block, vec![document])),
            }
        }
        groups.retain(|(_, members)| members.iter().any(|document| !self.is_skipped(&document.value)));
        Ok(groups.into_iter().map(|(_, members)| members.into_iter().map(|d| d.index).collect()).collect())
    }

    /// Opens one group, puts each document where it belongs, and the whole text where the group is all there is.
    fn open_group(
        &self,
        stream: &Stream,
        group: &[usize],
        values: &mut [Option<(Value, Outcome)>],
        texts: &mut [Option<Zeroizing<String>>],
        opened: &mut OpenedStream,
    ) -> Result<(), Error> {
        let is_skipped = |index: usize| stream.documents.iter().any(|d| d.index == index && self.is_skipped(&d.value));
        let is_whole = group.len() == stream.documents.len() && !group.iter().any(|index| is_skipped(*index));
        let places: Vec<usize> = if is_whole { (0..values.len()).collect() } else { group.to_vec() };
        let group_opened = match is_whole {
            true => self.open(stream.plain.format(), stream.plain.source().as_bytes())?,
            false => self.open(Format::Yaml, joined(stream, group).as_bytes())?,
        };
        let Opened { plain, integrity, last_modified } = group_opened;
        if plain.documents() != places.len() {
            return Err(Error::new(ErrorKind::Internal, "a document is missing after decryption"));
        }
        let fields = count_tokens(&stream.plain);
        for (document, index) in plain.outline().documents.iter().zip(&places) {
            if !group.contains(index) || is_skipped(*index) {
                continue;
            }
            let value = value_at(&plain, document.root as usize)?;
            if let Some(sealed) = stream.documents.iter().find(|d| d.index == *index) {
                opened.values.take(&sealed.value, &value);
            }
            if let Some(place) = values.get_mut(*index) {
                *place = Some((value, Outcome::Decrypted { integrity, fields }));
            }
            if !is_whole && let Some(place) = texts.get_mut(*index) {
                let span = document.start as usize..document.end as usize;
                *place = Some(Zeroizing::new(plain.source().get(span).unwrap_or_default().to_owned()));
            }
        }
        opened.groups.push(GroupReport { documents: group.to_vec(), integrity, last_modified });
        opened.notes.extend_from_slice(plain.warnings());
        if is_whole {
            opened.text = Some(plain.into_bytes());
        }
        Ok(())
    }

    /// Opens the items of a plain List that carry a block of their own.
    fn open_items(&self, stream: &Stream, index: usize, value: &mut Value) -> Result<bool, Error> {
        let Some(items) = items_of(value) else { return Ok(false) };
        let is_encrypted = |item: &Value| Block::of(item) == Block::Metadata && !self.is_skipped(item);
        let places: Vec<usize> = (0..items.len()).filter(|i| items.get(*i).is_some_and(is_encrypted)).collect();
        if places.is_empty() {
            return Ok(false);
        }
        let text = stream.text_of(index).as_bytes();
        let list = PlainDocument::parse(stream.plain.format(), text).map_err(crate::stream::unreadable)?;
        for place in places {
            let path = TreePath::from(vec![Step::Key("items".into()), Step::Index(place)]);
            let text = list.extract(&path, Format::Yaml, None).map_err(crate::stream::unreadable)?;
            let opened = self.open(Format::Yaml, &text)?;
            if let Some(item) = items.get_mut(place) {
                *item = value_at(&opened.plain, 0)?;
            }
        }
        Ok(true)
    }
}

fn items_of(value: &mut Value) -> Option<&mut Vec<Value>> {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    value.get_mut("items").and_then(Value::as_array_mut).filter(|_| is_list)
}

/// The object, or the items of a List, Lists among them too.
fn expanded(value: Manifest) -> Vec<Manifest> {
    let mut open = vec![value];
    let mut objects = Vec::new();
    while let Some(mut value) = open.pop() {
        match items_of(value.value_mut()) {
            Some(items) => open.extend(std::mem::take(items).into_iter().rev().map(Manifest::new)),
            None => objects.push(value),
        }
    }
    objects
}

fn has_plain_values(value: &Value) -> bool {
    let has = |name: &str| value.get(name).and_then(Value::as_object).is_some_and(|entries| !entries.is_empty());
    is_kind(value, "v1", "Secret") && (has("data") || has("stringData"))
}

/// Whether an anchor stands in front of a value.
fn has_anchor(plain: &PlainDocument) -> bool {
    plain.outline().items.iter().any(|item| {
        let before = plain.source().get(item.entry_start as usize..item.span.start as usize).unwrap_or_default();
        before.rsplit([':', '-', '?']).next().is_some_and(|text| text.trim_start().starts_with('&'))
    })
}

fn subject_of(stream: &Stream, index: usize) -> Option<String> {
    stream.documents.iter().find(|d| d.index == index).and_then(|d| subject(&d.value))
}

/// Some documents of a stream, as a stream of their own.
fn joined(stream: &Stream, indices: &[usize]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for index in indices {
        push_document(&mut text, stream.text_of(*index));
    }
    text
}

fn push_document(out: &mut String, text: &str) {
    out.push_str("---\n");
    out.push_str(text);
    if !text.ends_with('\n') {
        out.push('\n');
    }
}

/// The stream with some documents in other words.
fn assembled(stream: &Stream, texts: &[Option<Zeroizing<String>>]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(String::new());
    for (index, text) in texts.iter().enumerate() {
        push_document(&mut out, text.as_ref().map_or(stream.text_of(index), |text| text));
    }
    Zeroizing::new(std::mem::take(&mut *out).into_bytes())
}

/// Documents as JSON, which is YAML: for Lists whose items were opened one by one.
fn as_json(documents: &[(usize, Manifest, Outcome)]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut out = Zeroizing::new(Vec::new());
    for (_, value, _) in documents {
        out.extend_from_slice(b"---\n");
        serde_json::to_writer(&mut *out, &**value)
            .map_err(|_| Error::new(ErrorKind::Internal, "an object cannot be written as JSON"))?;
        out.push(b'\n');
    }
    Ok(out)
}
