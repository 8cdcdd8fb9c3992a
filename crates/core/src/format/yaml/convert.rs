//! Nodes → outline: typing, expansion of aliases, comments as items, and the checks of the reference's first reading.

use super::nodes::{Node, NodeKind, Parsed, ParsedDocument, Pieces, scalar_span};
use super::resolve;
use super::scan::MAX_TEXT;
use crate::digest::fast_digest;
use crate::error::Error;
use crate::outline::{
    Alias, Document, Extra, Item, NONE, Node as Kind, Outline, Scalar, Span, Style, Tag, Text, Texts,
};
use std::collections::{HashMap, HashSet};

/// Most items an outline may have once aliases are expanded.
const MAX_ITEMS: usize = 20_000_000;

/// Work that waits on the stack, so that nothing recurses.
enum Job {
    /// The next pair of a mapping, from this key on.
    Pairs(u32),
    /// The next element of a list.
    Elements(u32),
    /// Comments behind an entry.
    Foot { node: u32, container: u32 },
    /// The end of a collection: its own foot goes inside, last.
    Close { node: u32, inside: bool },
    /// The copy that an alias makes ends.
    EndAlias(u32),
}

struct Converter<'a> {
    src: &'a str,
    keys: Keys,
    parsed: Parsed,
    out: Outline,
    jobs: Vec<Job>,
    /// Open collections of the outline, each with the column of its members.
    open: Vec<(u32, u32)>,
    /// The outermost alias being expanded.
    alias: u32,
    /// A key that is an alias, and its anchor, until the item is made.
    key_alias: Option<(Span, Span)>,
    visited: u64,
    in_alias: u64,
    /// Comments the reference would drop, by the collection they stand in.
    dropped: HashMap<u32, Vec<u32>>,
    document: usize,
    /// Digests of the keys of one mapping.
    digests: Vec<u64>,
}

/// What may be a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Texts: what a tree path can hold.
    Texts,
    /// Any scalar, by its spelling; and integers beyond 64 bits are values, as doubles.
    Any,
}

/// Makes the outline.
///
/// # Errors
/// [`Error::Syntax`] and [`Error::Tree`] for what the reference refuses after parsing, [`Error::Limit`] for alias bombs.
pub(crate) fn convert(src: &str, mut parsed: Parsed, keys: Keys) -> Result<Outline, Error> {
    let documents = std::mem::take(&mut parsed.documents);
    if documents.is_empty() {
        let problem = "EOF: the text has no document, only blank lines or comments".into();
        return Err(Error::Syntax { line: 0, column: 0, problem });
    }
    let dropped = parsed.dropped_comments(&documents);
    let mut converter = Converter {
        src,
        keys,
        parsed,
        out: Outline::default(),
        jobs: Vec::new(),
        open: Vec::new(),
        alias: NONE,
        key_alias: None,
        visited: 0,
        in_alias: 0,
        dropped,
        document: 0,
        digests: Vec::new(),
    };
    let parsed = &converter.parsed;
    converter.out.items.reserve(parsed.nodes.len() - parsed.keys + parsed.scanned.pieces.len() + documents.len());
    for (index, document) in documents.iter().enumerate() {
        converter.document = index;
        converter.document(document)?;
    }
    let mut outline = converter.out;
    outline.made = converter.parsed.scanned.made;
    outline.blocks = converter.parsed.scanned.blocks;
    outline.items.shrink_to_fit();
    Ok(outline)
}

impl Converter<'_> {
    fn node(&self, id: u32) -> &Node {
        &self.parsed.nodes[id as usize]
    }

    /// The 1-based line of a place.
    fn line_of(&self, at: u32) -> u32 {
        let breaks = self.src[..at as usize].matches('\n').count();
        breaks as u32 + 1
    }

    fn texts(&self) -> Texts<'_> {
        Texts { source: self.src, made: &self.parsed.scanned.made }
    }

    fn error<T>(&self, at: u32, problem: &str) -> Result<T, Error> {
        let start = at as usize;
        let line_start = self.src[..start].rfind('\n').map_or(0, |i| i + 1);
        let line = self.line_of(at);
        let column = self.src[line_start..start].chars().count() as u32 + 1;
        Err(Error::Syntax { line, column, problem: problem.to_owned() })
    }

    fn document(&mut self, document: &ParsedDocument) -> Result<(), Error> {
        let root = *self.node(document.root);
        self.core_tag(&root, document)?;
        let (flow_root, empty_root) = match root.kind {
            NodeKind::Map(map) => (map.flow, false),
            NodeKind::Empty => (false, true),
            NodeKind::Scalar { .. } | NodeKind::Pair { .. } => match self.scalar(&root, document)? {
                Scalar::Null => (false, true),
                _ => return self.error(root.start, "the document is a single value; its root must be a mapping"),
            },
            NodeKind::Seq(_) => return self.error(root.start, "the document is a list; its root must be a mapping"),
            NodeKind::Alias(_) => {
                return self.error(root.start, "the document is an alias; its root must be a mapping");
            }
        };
        let index = self.out.items.len() as u32;
        let (column, first) = root.collection().map_or((0, NONE), |map| (map.column, map.first));
        self.out.documents.push(Document {
            root: index,
            start: document.start,
            end: document.end,
            flow_root,
            empty_root,
            column: if first == NONE { 0 } else { column },
        });
        self.push_item(&root, None, Kind::Map);
        self.open.push((index, column));
        self.emit_dropped(if empty_root { NONE - 1 - self.document as u32 } else { document.root });
        self.emit_own(document.root, false);
        self.jobs.push(Job::Close { node: document.root, inside: true });
        if !empty_root {
            self.check_keys(document.root)?;
            self.jobs.push(Job::Pairs(first));
        }
        while let Some(job) = self.jobs.pop() {
            self.run(job, document)?;
        }
        // The root's end waits for the document's foot.
        self.emit_pieces(&document.foot, index, false, false);
        let end = self.out.items.len() as u32;
        self.out.items[index as usize].end = end;
        Ok(())
    }

    fn run(&mut self, job: Job, document: &ParsedDocument) -> Result<(), Error> {
        match job {
            Job::Pairs(NONE) | Job::Elements(NONE) => Ok(()),
            Job::Pairs(key) => self.pair(key, document),
            Job::Elements(node) => self.element(node, document),
            Job::Foot { node, container } => {
                self.emit_foot(node, container);
                Ok(())
            }
            Job::Close { node, inside } => {
                if let Some((index, _)) = self.open.pop() {
                    if inside {
                        self.emit_foot(node, index);
                    }
                    self.out.items[index as usize].end = self.out.items.len() as u32;
                }
                Ok(())
            }
            Job::EndAlias(previous) => {
                self.alias = previous;
                Ok(())
            }
        }
    }

    fn pair(&mut self, key: u32, document: &ParsedDocument) -> Result<(), Error> {
        let Some(&(container, _)) = self.open.last() else { return Ok(()) };
        let mut key = key;
        while key != NONE
            && let NodeKind::Pair { text, style } = self.node(key).kind
        {
            key = self.line(key, text, style, container)?;
        }
        if key == NONE {
            return Ok(());
        }
        let value = self.node(key).next;
        self.jobs.push(Job::Pairs(self.node(value).next));
        let text = self.key(key, document)?;
        self.emit_slots(key, container, false);
        let scalar_like = self.node(value).collection().is_none();
        if self.node(key).extra != NONE {
            self.jobs.push(Job::Foot { node: key, container });
        }
        if scalar_like {
            self.emit_slots(value, container, true);
            if self.node(value).extra != NONE {
                self.jobs.push(Job::Foot { node: value, container });
            }
        }
        let entry_start = self.node(key).entry_start;
        self.value(value, Some(text), entry_start, true, document)
    }

    /// Emits a whole line `key: value`; returns the next key.
    fn line(&mut self, id: u32, value: Text, style: Style, container: u32) -> Result<u32, Error> {
        let key = *self.node(id);
        self.count()?;
        let key_text = Text::source(Span { start: key.start, end: key.end });
        if !matches!(resolve::plain(key_text.bytes(self.texts())), resolve::Resolved::Str) {
            self.wrong_key(&key)?;
        }
        self.emit_slots(id, container, false);
        self.count()?;
        let span = scalar_span(value, style);
        let node = Node {
            kind: NodeKind::Scalar { text: value, style },
            start: span.start,
            end: span.end,
            extra: NONE,
            ..key
        };
        let value = self.untagged(&node, value, style)?;
        self.push_item(&node, Some(key_text), Kind::Leaf(value));
        if key.extra != NONE {
            self.emit_foot(id, container);
        }
        Ok(key.next)
    }

    fn element(&mut self, node: u32, document: &ParsedDocument) -> Result<(), Error> {
        let Some(&(container, _)) = self.open.last() else { return Ok(()) };
        self.jobs.push(Job::Elements(self.node(node).next));
        self.emit_slots(node, container, true);
        if self.node(node).extra != NONE {
            self.jobs.push(Job::Foot { node, container });
        }
        let entry_start = self.node(node).entry_start;
        self.value(node, None, entry_start, false, document)
    }

    /// Emits a value. `own_inside`: whether a collection's own comments go inside it.
    fn value(
        &mut self,
        id: u32,
        key: Option<Text>,
        entry_start: u32,
        own_inside: bool,
        document: &ParsedDocument,
    ) -> Result<(), Error> {
        let mut id = id;
        let mut own_inside = own_inside;
        let mut node = Node { entry_start, ..*self.node(id) };
        if let NodeKind::Alias(target) = node.kind {
            if self.alias == NONE {
                let index = self.out.aliases.len() as u32;
                let in_flow = self.stands_in_flow();
                self.out.aliases.push(Alias {
                    span: Span { start: node.start, end: node.end },
                    item: self.out.items.len() as u32,
                    in_flow,
                    target: Span { start: self.node(target).start, end: self.node(target).end },
                    is_key: false,
                });
                self.jobs.push(Job::EndAlias(NONE));
                self.alias = index;
            }
            id = target;
            own_inside = true;
            node = Node { entry_start, ..*self.node(target) };
        }
        self.count()?;
        match node.kind {
            NodeKind::Map(collection) | NodeKind::Seq(collection) => {
                self.core_tag(&node, document)?;
                let map = matches!(node.kind, NodeKind::Map(_));
                let index = self.push_item(&node, key, if map { Kind::Map } else { Kind::List });
                self.open.push((index, collection.column));
                self.emit_dropped(id);
                if own_inside {
                    self.emit_own(id, false);
                }
                self.jobs.push(Job::Close { node: id, inside: own_inside });
                if map {
                    self.check_keys(id)?;
                    self.jobs.push(Job::Pairs(collection.first));
                } else {
                    self.jobs.push(Job::Elements(collection.first));
                }
                Ok(())
            }
            NodeKind::Scalar { .. } | NodeKind::Pair { .. } => {
                let value = self.scalar(&node, document)?;
                self.push_item(&node, key, Kind::Leaf(value));
                Ok(())
            }
            NodeKind::Empty => {
                let value = self.empty(&node, document)?;
                self.push_item(&node, key, Kind::Leaf(value));
                Ok(())
            }
            NodeKind::Alias(_) => self.error(node.start, "an anchor cannot stand on an alias"),
        }
    }

    fn stands_in_flow(&self) -> bool {
        self.open.last().is_some_and(|(item, _)| self.out.items[*item as usize].in_flow)
    }

    /// The alias rule of the reference's library, and a cap of our own.
    fn count(&mut self) -> Result<(), Error> {
        self.visited += 1;
        if self.alias != NONE {
            self.in_alias += 1;
            let (d, a) = (self.visited as f64, self.in_alias as f64);
            let allowed = if d <= 400_000.0 {
                0.99
            } else if d >= 4_000_000.0 {
                0.10
            } else {
                0.99 - 0.89 * (d - 400_000.0) / 3_600_000.0
            };
            if self.in_alias > 100 && self.visited > 1000 && a / d > allowed {
                return Err(Error::Limit {
                    what: "document contains excessive aliasing: nodes made by aliases",
                    max: 100,
                });
            }
        }
        if self.out.items.len() > MAX_ITEMS {
            return Err(Error::Limit { what: "nodes of the document", max: MAX_ITEMS as u64 });
        }
        Ok(())
    }

    fn push_item(&mut self, node: &Node, key: Option<Text>, kind: Kind) -> u32 {
        let index = self.out.items.len() as u32;
        if let Some((span, target)) = self.key_alias.take() {
            self.out.aliases.push(Alias { span, item: index, in_flow: self.stands_in_flow(), target, is_key: true });
        }
        let (style, block) = match node.kind {
            NodeKind::Scalar { style: style @ (Style::Literal | Style::Folded), .. } => {
                (style, self.block_at(node.start))
            }
            NodeKind::Scalar { style, .. } => (style, NONE),
            _ => (Style::Plain, NONE),
        };
        let span = match self.out.aliases.get(self.alias as usize) {
            Some(alias) if self.alias != NONE => alias.span,
            _ => Span { start: node.start, end: node.end },
        };
        let in_flow = node.collection().is_some_and(|c| c.flow) || self.stands_in_flow();
        let tag = self.parsed.tag(node);
        let tag_span = if self.alias == NONE { tag } else { Span::default() };
        let extra = self.push_extra(Extra { tag_span, tag: self.tag_kind(tag), block, alias: self.alias });
        let (parent, column) = self.open.last().copied().unwrap_or((NONE, 0));
        let mut item = Item {
            node: kind,
            key: Text::source(span),
            parent,
            end: index + 1,
            span,
            extra,
            style,
            in_flow,
            entry_start: node.entry_start,
            column,
        };
        item.set_key(key);
        self.out.items.push(item);
        index
    }

    /// The layout of the block scalar that starts there: they were found in the order of the source.
    fn block_at(&self, start: u32) -> u32 {
        let found = self.parsed.scanned.blocks.binary_search_by_key(&start, |block| block.header.start);
        found.map_or(NONE, |index| index as u32)
    }

    fn push_extra(&mut self, extra: Extra) -> u32 {
        if extra == Extra::NOTHING {
            return NONE;
        }
        self.out.extras.push(extra);
        self.out.extras.len() as u32 - 1
    }

    // Scalars.

    fn tag_kind(&self, tag: Span) -> Tag {
        if tag.is_empty() {
            return Tag::None;
        }
        // Verbatim and %TAG spellings of a core tag go too: the shorthand test is enough for what must stay.
        match &self.src[tag.range()] {
            "!!int" | "!!float" | "!!bool" | "!!null" | "!!timestamp" | "!!binary" => Tag::MustGo,
            text if text.starts_with("!<tag:yaml.org,2002:") || text.contains('%') => {
                match resolve::CoreTag::from_name(text.trim_start_matches("!<tag:yaml.org,2002:").trim_end_matches('>'))
                {
                    Some(resolve::CoreTag::Str) | None => Tag::Stays,
                    Some(_) => Tag::MustGo,
                }
            }
            _ => Tag::Stays,
        }
    }

    /// The full name of a tag.
    fn tag_name(&self, tag: Span, document: &ParsedDocument) -> Result<String, Error> {
        let text = &self.src[tag.range()];
        if let Some(verbatim) = text.strip_prefix("!<") {
            return Ok(unescape_uri(verbatim.trim_end_matches('>')));
        }
        let handle_end = text[1..].find('!').map(|i| i + 2);
        let (handle, suffix) = match handle_end {
            Some(end) => text.split_at(end),
            None => text.split_at(1),
        };
        for (known, prefix) in &document.tags {
            if &self.src[known.range()] == handle {
                return Ok(unescape_uri(&format!("{}{suffix}", &self.src[prefix.range()])));
            }
        }
        match handle {
            "!" => Ok(unescape_uri(text)),
            "!!" => Ok(format!("tag:yaml.org,2002:{}", unescape_uri(suffix))),
            _ => self.error(tag.start, "found undefined tag handle"),
        }
    }

    fn core_tag(&self, node: &Node, document: &ParsedDocument) -> Result<Option<Option<resolve::CoreTag>>, Error> {
        let tag = self.parsed.tag(node);
        if tag.is_empty() {
            return Ok(None);
        }
        let name = self.tag_name(tag, document)?;
        if name == "!" {
            return Ok(None);
        }
        Ok(Some(name.strip_prefix("tag:yaml.org,2002:").and_then(resolve::CoreTag::from_name)))
    }

    fn empty(&mut self, node: &Node, document: &ParsedDocument) -> Result<Scalar, Error> {
        match self.core_tag(node, document)? {
            None => Ok(Scalar::Null),
            Some(tag) => self.tagged(node, tag, Text::source(Span::default()), Style::Plain),
        }
    }

    fn scalar(&mut self, node: &Node, document: &ParsedDocument) -> Result<Scalar, Error> {
        let NodeKind::Scalar { text, style } = node.kind else { return Ok(Scalar::Null) };
        match self.core_tag(node, document)? {
            None => self.untagged(node, text, style),
            Some(tag) => self.tagged(node, tag, text, style),
        }
    }

    fn untagged(&self, node: &Node, text: Text, style: Style) -> Result<Scalar, Error> {
        match style {
            Style::Plain => self.typed(node, resolve::plain(text.bytes(self.texts())), text),
            _ => Ok(Scalar::Str(text)),
        }
    }

    fn typed(&self, node: &Node, value: resolve::Resolved, text: Text) -> Result<Scalar, Error> {
        Ok(match value {
            resolve::Resolved::Str => Scalar::Str(text),
            resolve::Resolved::Null => Scalar::Null,
            resolve::Resolved::Bool(b) => Scalar::Bool(b),
            resolve::Resolved::Int(i) => Scalar::Int(i),
            resolve::Resolved::Float(f) => Scalar::Float(f),
            resolve::Resolved::Time(t) => Scalar::Time(Box::new(t)),
            resolve::Resolved::Uint(number) if self.keys == Keys::Any => Scalar::Float(number as f64),
            resolve::Resolved::Uint(_) => return self.too_large(node),
        })
    }

    fn too_large<T>(&self, node: &Node) -> Result<T, Error> {
        Err(Error::Tree {
            line: self.line_of(node.start),
            path: self.path(),
            problem: "an integer beyond 64 bits cannot be carried; put it in quotes".into(),
        })
    }

    fn tagged(
        &mut self,
        node: &Node,
        tag: Option<resolve::CoreTag>,
        text: Text,
        style: Style,
    ) -> Result<Scalar, Error> {
        let Some(tag) = tag else { return Ok(Scalar::Str(text)) };
        match resolve::tagged(tag, text.bytes(self.texts()), style) {
            Ok(resolve::TaggedValue::Same) => Ok(Scalar::Str(text)),
            Ok(resolve::TaggedValue::Bytes(bytes)) => {
                let made = &mut self.parsed.scanned.made;
                let from = made.len();
                made.extend_from_slice(&bytes);
                let to = made.len();
                if to >= MAX_TEXT {
                    return Err(Error::Limit { what: "size of the text in bytes", max: MAX_TEXT as u64 });
                }
                Ok(Scalar::Str(Text::made(from..to)))
            }
            Ok(resolve::TaggedValue::Value(value)) => self.typed(node, value, text),
            Err(problem) => self.error(node.start, &problem),
        }
    }

    // Keys.

    fn key(&mut self, id: u32, document: &ParsedDocument) -> Result<Text, Error> {
        self.count()?;
        let mut node = *self.node(id);
        if let NodeKind::Alias(target) = node.kind {
            let span = Span { start: node.start, end: node.end };
            node = *self.node(target);
            if self.alias == NONE {
                self.key_alias = Some((span, Span { start: node.start, end: node.end }));
            }
        }
        let value = match node.kind {
            NodeKind::Scalar { .. } => self.scalar(&node, document)?,
            NodeKind::Empty => self.empty(&node, document)?,
            _ => return self.error(self.node(id).start, "a mapping or list cannot be a key"),
        };
        match value {
            Scalar::Str(text) => Ok(text),
            _ if self.keys == Keys::Any => Ok(spelling(&node)),
            other => self.not_a_text(self.node(id).start, &other),
        }
    }

    /// Refuses the key of a whole line that is no text, unless it may be.
    fn wrong_key(&self, key: &Node) -> Result<(), Error> {
        let text = Text::source(Span { start: key.start, end: key.end });
        match self.untagged(key, text, Style::Plain)? {
            _ if self.keys == Keys::Any => Ok(()),
            value => self.not_a_text(key.start, &value),
        }
    }

    fn not_a_text<T>(&self, at: u32, key: &Scalar) -> Result<T, Error> {
        let kind = match key {
            Scalar::Str(_) => "string",
            Scalar::Null => "null",
            Scalar::Bool(_) => "bool",
            Scalar::Int(_) => "int",
            Scalar::Float(_) => "float",
            Scalar::Time(_) => "time",
        };
        Err(Error::Tree {
            line: self.line_of(at),
            path: self.path(),
            problem: format!(
                "Tree contains a non-string key (type {kind}); only string keys are supported: put it in quotes"
            ),
        })
    }

    fn path(&self) -> String {
        let keys = self.open.iter().filter_map(|(item, _)| self.out.items[*item as usize].key());
        crate::path::display_keys(keys.map(|k| k.bytes(self.texts())))
    }

    /// The checks of the reference's validation pass, which reads the first document only.
    fn check_keys(&mut self, map: u32) -> Result<(), Error> {
        if self.document > 0 || self.alias != NONE {
            return Ok(());
        }
        let mut key = self.node(map).collection().map_or(NONE, |c| c.first);
        self.digests.clear();
        while key != NONE {
            let node = self.node(key);
            if node.collection().is_some() {
                return self.error(node.start, "a mapping or list cannot be a key");
            }
            if self.is_merge_key(node) && !self.is_mergeable(node.next) {
                return self.error(node.start, "map merge requires map or sequence of maps as the value");
            }
            let (is_alias, name) = self.key_name(node);
            let digest = fast_digest(name) ^ u64::from(is_alias);
            key = self.next_key(node);
            self.digests.push(digest);
        }
        self.digests.sort_unstable();
        if self.digests.windows(2).all(|pair| pair[0] != pair[1]) {
            return Ok(());
        }
        self.check_duplicates(map)
    }

    fn next_key(&self, key: &Node) -> u32 {
        match key.kind {
            NodeKind::Pair { .. } => key.next,
            _ => self.node(key.next).next,
        }
    }

    /// What makes two keys the same: an alias is one by its own name.
    fn key_name(&self, node: &Node) -> (bool, &[u8]) {
        let spelled = || &self.src.as_bytes()[node.start as usize..node.end as usize];
        match node.kind {
            NodeKind::Scalar { text, .. } => (false, text.bytes(self.texts())),
            NodeKind::Pair { .. } => (false, spelled()),
            NodeKind::Alias(_) => (true, spelled()),
            _ => (false, b""),
        }
    }

    /// Looks for two equal keys where two digests are equal.
    fn check_duplicates(&self, map: u32) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let mut key = self.node(map).collection().map_or(NONE, |c| c.first);
        while key != NONE {
            let node = self.node(key);
            if !seen.insert(self.key_name(node)) {
                return self.error(node.start, "mapping key already defined in this mapping");
            }
            key = self.next_key(node);
        }
        Ok(())
    }

    fn is_merge_key(&self, node: &Node) -> bool {
        let NodeKind::Scalar { text, style, .. } = node.kind else { return false };
        if text.bytes(self.texts()) != b"<<" {
            return false;
        }
        let tag = &self.src[self.parsed.tag(node).range()];
        tag.is_empty() && style == Style::Plain || tag == "!!merge"
    }

    fn is_mergeable(&self, value: u32) -> bool {
        let target = |id: u32| match self.node(id).kind {
            NodeKind::Alias(target) => self.node(target).kind,
            kind => kind,
        };
        match self.node(value).kind {
            NodeKind::Seq(list) => {
                let mut element = list.first;
                while element != NONE {
                    if !matches!(target(element), NodeKind::Map(_)) {
                        return false;
                    }
                    element = self.node(element).next;
                }
                true
            }
            _ => matches!(target(value), NodeKind::Map(_)),
        }
    }

    // Comments.

    /// The head and line comments of a key, element or scalar value.
    fn emit_slots(&mut self, id: u32, container: u32, line_is_inline: bool) {
        let Some(extra) = self.parsed.extras.get(self.node(id).extra as usize) else { return };
        let (head, line) = (extra.comments.head.clone(), extra.comments.line.clone());
        self.emit_pieces(&head, container, false, false);
        self.emit_pieces(&line, container, line_is_inline, false);
    }

    fn emit_foot(&mut self, id: u32, container: u32) {
        let Some(extra) = self.parsed.extras.get(self.node(id).extra as usize) else { return };
        let foot = extra.comments.foot.clone();
        self.emit_pieces(&foot, container, false, false);
    }

    /// A collection's own head and line comments, inside it.
    fn emit_own(&mut self, id: u32, inline: bool) {
        if let Some(&(index, _)) = self.open.last() {
            self.emit_slots(id, index, inline);
        }
    }

    fn emit_dropped(&mut self, id: u32) {
        if self.alias != NONE {
            return;
        }
        let Some(pieces) = self.dropped.remove(&id) else { return };
        if let Some(&(index, _)) = self.open.last() {
            let ranges: Pieces = pieces.iter().map(|p| (*p, *p + 1)).collect();
            self.emit_pieces(&ranges, index, false, true);
        }
    }

    fn emit_pieces(&mut self, pieces: &Pieces, container: u32, inline: bool, dropped: bool) {
        for &(from, to) in pieces {
            for piece in from..to {
                let source = self.parsed.scanned.pieces[piece as usize];
                let index = self.out.items.len() as u32;
                let text = Text::source(Span { start: source.start + 1, end: source.end });
                let in_flow = self.out.items[container as usize].in_flow;
                let span = match self.out.aliases.get(self.alias as usize) {
                    Some(alias) if self.alias != NONE => alias.span,
                    _ => source,
                };
                let extra = self.push_extra(Extra { alias: self.alias, ..Extra::NOTHING });
                let mut item = Item {
                    node: Kind::Comment { text, inline, dropped },
                    key: text,
                    parent: container,
                    end: index + 1,
                    span,
                    extra,
                    style: Style::Plain,
                    in_flow,
                    entry_start: source.start,
                    column: 0,
                };
                item.set_key(None);
                self.out.items.push(item);
            }
        }
    }
}

/// The text of a scalar as it is written; empty where nothing is.
fn spelling(node: &Node) -> Text {
    match node.kind {
        NodeKind::Scalar { text, .. } => text,
        _ => Text::source(Span { start: node.start, end: node.start }),
    }
}

fn unescape_uri(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits =
            tail.get(..2).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u8::from_str_radix(d, 16).ok());
        match (first, digits) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
