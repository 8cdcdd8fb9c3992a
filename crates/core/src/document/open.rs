//! Opening: every leaf decrypted, the MAC compared, and only then a clear text.

use super::{EncryptedDocument, PlainDocument};
use crate::crypto::cipher::{Cipher, DataKey};
use crate::crypto::mac::{self, Mac};
use crate::crypto::token::{self, Token};
use crate::error::{Error, LeafCause, MacCause};
use crate::format::Format;
use crate::format::syntax::{Source, Syntax};
use crate::format::yaml::layout;
use crate::format::yaml::open::{Opened, Opening};
use crate::memory::TokenMemory;
use crate::outline::{Item, NONE, Node, Outline, Scalar, Span, Texts};
use crate::path::display_keys;
use crate::sealer::first_line;
use crate::spelling::Patch;
use crate::splice::Edits;
use crate::value::{Kind, Value, prints_as_int};
use crate::walk::Walker;
use std::borrow::Cow;
use zeroize::{Zeroize, Zeroizing};

impl EncryptedDocument {
    pub(super) fn open_with(
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
        let mut warnings = self.warnings.clone();
        warnings.append(&mut opened.warnings);
        if self.format == Format::Binary {
            let plain = PlainDocument::binary(self.binary_data(&mut opened)?);
            opened.plain.zeroize();
            return Ok(plain);
        }
        let spelled = self.spelling_record(&cipher).and_then(|record| self.spelled(&opened, &record));
        let (text, outline) = match spelled {
            Some(spelled) => spelled,
            None => self.plain_text(&opened, &[])?,
        };
        opened.plain.zeroize();
        Ok(PlainDocument { format: self.format, source: text, outline, encoding: self.encoding, warnings })
    }

    /// The plain text with `patches` over it, and its outline, read again and compared.
    pub(super) fn plain_text(
        &self,
        opened: &OpenedItems,
        patches: &[Patch<'_>],
    ) -> Result<(Zeroizing<String>, Outline), Error> {
        let fault = |reason: String| Error::Reparse { path: "the decrypted text".into(), reason };
        let mut edits = self.opening_edits(opened)?;
        if !patches.is_empty() {
            edits = edits.overlaid(patches).ok_or_else(|| fault("a spelling does not fit".into()))?;
        }
        let text = Zeroizing::new(edits.finish()?);
        let outline =
            self.format.outline(&text).or_else(|e| if e == Error::Empty { Ok(Outline::default()) } else { Err(e) });
        let mut outline = outline.map_err(|e| fault(e.to_string()))?;
        for (index, scalar) in self.check(opened, &text, &outline)? {
            outline.items[index].node = Node::Leaf(scalar);
        }
        Ok((text, outline))
    }

    /// The edits that put all values into the text and take the metadata out.
    fn opening_edits<'s>(&'s self, opened: &'s OpenedItems) -> Result<Edits<'s>, Error> {
        // Tokens are longer than what they hold.
        let edits = Edits::new(&self.source, self.source.len() / 3, self.outline.items.len());
        self.edit_opening(opened, edits)
    }

    /// Adds these edits to `edits`.
    pub(crate) fn edit_opening<'s>(
        &'s self,
        opened: &'s OpenedItems,
        mut edits: Edits<'s>,
    ) -> Result<Edits<'s>, Error> {
        if let Some(syntax) = self.format.syntax() {
            self.edit_other(syntax, opened, &mut edits)?;
            return Ok(edits);
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
        opening.edit(&mut edits);
        Ok(edits)
    }

    /// Those for a text other than YAML.
    fn edit_other(&self, syntax: &dyn Syntax, opened: &OpenedItems, edits: &mut Edits<'_>) -> Result<(), Error> {
        let source = Source { text: &self.source, outline: &self.outline };
        for (index, item) in opened.items.iter().enumerate() {
            match item {
                Opened::Kept => {}
                Opened::Text(range) => {
                    let value = Value::Str(Cow::Borrowed(&opened.plain[range.range()]));
                    syntax.write_value(source, index, &value, edits)?;
                }
                Opened::Scalar(scalar, _) => {
                    syntax.write_value(source, index, &scalar.value(self.texts()), edits)?;
                }
                Opened::Comment(range) | Opened::Element(range) => {
                    syntax.write_comment(source, index, &opened.plain[range.range()], edits);
                }
            }
        }
        syntax.remove_metadata(source, &self.branches, edits);
        Ok(())
    }

    /// The bytes of a binary file, taken out of what was opened if they are all of it.
    fn binary_data(&self, opened: &mut OpenedItems) -> Result<Vec<u8>, Error> {
        let OpenedItems { items, plain, .. } = opened;
        let is_data = |item: &Item| item.key().is_some_and(|k| k.bytes(self.texts()) == super::plain::DATA);
        let mut members = layout::top_level(&self.outline, 0);
        let data = members.find(|i| is_data(&self.outline.items[*i as usize]));
        let data = data.map(|i| (&self.outline.items[i as usize].node, &items[i as usize]));
        match data {
            Some((_, Opened::Text(range))) if range.range() == (0..plain.len()) => Ok(std::mem::take(plain)),
            Some((_, Opened::Text(range))) => Ok(plain[range.range()].to_vec()),
            // An empty text is not encrypted.
            Some((Node::Leaf(Scalar::Str(text)), Opened::Kept)) => Ok(text.bytes(self.texts()).to_vec()),
            found => {
                let problem = match found {
                    None => "error emitting binary store: no binary data found in tree",
                    Some(_) => "error emitting binary store: 'data' key in tree does not have a string value",
                };
                Err(Error::Tree { line: 0, path: "the root".into(), problem: problem.into() })
            }
        }
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

    /// The indentation of new text: for YAML that of the branch, else what the text itself shows.
    pub(crate) fn indent(&self) -> Option<usize> {
        (self.format == Format::Yaml).then(|| self.branch_indent())
    }

    pub(super) fn texts(&self) -> Texts<'_> {
        self.outline.texts(&self.source)
    }

    fn is_comment_element(&self, item: &Item) -> bool {
        if self.format != Format::Yaml {
            return false;
        }
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
        let mut result = OpenedItems::new(outline.items.len(), self.source.len() / 2);
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
        // A comment is one line; a block of INI comments is one text.
        let breaks = |b: &u8| match self.format {
            Format::Yaml => matches!(b, b'\n' | b'\r'),
            Format::Dotenv => *b == b'\n',
            _ => false,
        };
        let fits = opened && !plain[from..].iter().any(breaks);
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

    pub(super) fn keys_of(&self, index: usize) -> Vec<&[u8]> {
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

    /// Compares every value of the plain text, read again, with what was opened. Returns the places of floats that read as
    /// integers, and what they are: an integer has no negative zero.
    fn check(&self, opened: &OpenedItems, text: &str, outline: &Outline) -> Result<Vec<(usize, Scalar)>, Error> {
        let texts = outline.texts(text);
        let mut found = outline.items.iter().enumerate().filter(|(_, i)| matches!(i.node, Node::Leaf(_)));
        let mut typed = Vec::new();
        let mut index = 0;
        while index < self.outline.items.len() {
            let item = &self.outline.items[index];
            if self.branches.binary_search(&(index as u32)).is_ok() {
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
            let same = match found.next().map(|(place, i)| (place, &i.node, i.key())) {
                Some((place, Node::Leaf(scalar), key)) => {
                    if let (Scalar::Int(_) | Scalar::Str(_), Opened::Scalar(was, _)) = (scalar, &opened.items[at]) {
                        typed.push((place, was.clone()));
                    }
                    let keys = key.map(|k| k.bytes(texts)) == item.key().map(|k| k.bytes(self.texts()));
                    keys && same_or_float(&scalar.value(texts), &self.format.clear(wanted))
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
            None => Ok(typed),
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

/// What became of the items of an encrypted text.
pub(crate) struct OpenedItems {
    /// One per item.
    pub items: Vec<Opened>,
    /// What they refer to.
    pub plain: Vec<u8>,
    warnings: Vec<String>,
    /// The last place whose line was asked for, and the line breaks in front of it.
    counted: (usize, usize),
}

impl OpenedItems {
    /// `count` items that stay as they are; room for `size` bytes.
    pub fn new(count: usize, size: usize) -> OpenedItems {
        let mut items = Vec::new();
        items.resize_with(count, || Opened::Kept);
        OpenedItems { items, plain: Vec::with_capacity(size), warnings: Vec::new(), counted: (0, 0) }
    }

    /// The 1-based line of a place. Places mostly ascend, so all calls together are linear.
    fn line_of(&mut self, source: &str, at: usize) -> usize {
        let (from, lines) = if at >= self.counted.0 { self.counted } else { (0, 0) };
        let breaks = source.as_bytes()[from..at].iter().filter(|b| **b == b'\n').count();
        self.counted = (at, lines + breaks);
        lines + breaks + 1
    }
}
