//! Changes of a plain text: one value set, one entry removed, and nothing else touched.

use super::open::Opening;
use super::seal::Sealing;
use super::{layout, write};
use crate::error::Error;
use crate::outline::{Event, Item, Node, Outline, Span, Tag};
use crate::path::Step;
use crate::splice::Edits;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// A plain text that is to be changed.
pub(crate) struct Change<'a> {
    pub source: &'a str,
    pub outline: &'a Outline,
}

/// How far a path leads.
pub(crate) struct Found {
    /// The last node that exists.
    pub index: u32,
    /// How many steps lead to it.
    pub steps: usize,
}

fn missing(reason: String) -> Error {
    Error::Path { reason, malformed: false }
}

impl<'a> Change<'a> {
    fn item(&self, index: u32) -> &'a Item {
        &self.outline.items[index as usize]
    }

    fn children(&self, index: u32) -> Vec<u32> {
        layout::top_level(self.outline, index).collect()
    }

    /// Follows a path as far as there are nodes.
    ///
    /// # Errors
    /// [`Error::Path`] for a key of a list and a position in a mapping.
    pub fn find(&self, steps: &[Step]) -> Result<Found, Error> {
        let texts = self.outline.texts(self.source);
        let mut index = self.outline.documents.first().map_or(0, |d| d.root);
        for (at, step) in steps.iter().enumerate() {
            let mut children = layout::top_level(self.outline, index);
            let child = match (step, &self.item(index).node) {
                (Step::Key(key), Node::Map) => {
                    children.find(|c| self.item(*c).key().is_some_and(|k| k.bytes(texts) == key.as_bytes()))
                }
                (Step::Index(position), Node::List) => children.nth(*position),
                (Step::Key(key), Node::List) => {
                    return Err(missing(format!("component ['{key}'] is a key, but the value is a list")));
                }
                (Step::Index(position), Node::Map) => {
                    return Err(missing(format!("component [{position}] is a position, but the value is a mapping")));
                }
                (_, Node::Leaf(_) | Node::Comment { .. }) => None,
            };
            match child {
                Some(child) => index = child,
                None => return Ok(Found { index, steps: at }),
            }
        }
        Ok(Found { index, steps: steps.len() })
    }

    /// The path at which a value will stand: a position behind the end of a list is its end.
    ///
    /// # Errors
    /// Those of [`Change::find`].
    pub fn settled(&self, steps: &[Step]) -> Result<Vec<Step>, Error> {
        let found = self.find(steps)?;
        let mut settled = steps.to_vec();
        for (at, step) in settled.iter_mut().enumerate().skip(found.steps) {
            if let Step::Index(position) = step {
                let grows = at == found.steps && matches!(self.item(found.index).node, Node::List);
                *position = if grows { self.children(found.index).len() } else { 0 };
            }
        }
        Ok(settled)
    }

    /// The aliases that have to be written out before a node changes: those whose anchor lies around it, and (if it is
    /// `replaced`) inside it; and the one whose copy it is part of.
    pub fn aliases(&self, found: &Found, replaced: bool) -> Vec<usize> {
        let item = self.item(found.index);
        let extra = self.outline.extra(item);
        let is_touched = |target: Span| {
            let around = target.start <= item.span.start && target.end >= item.span.end;
            let inside = replaced && target.start >= item.span.start && target.end <= item.span.end;
            !target.is_empty() && (around || inside)
        };
        let aliases = self.outline.aliases.iter().enumerate();
        aliases.filter(|(i, a)| *i as u32 == extra.alias || is_touched(a.target)).map(|(i, _)| i).collect()
    }

    /// Writes aliases out.
    pub fn expand(&self, aliases: &[usize], edits: &mut Edits<'_>) {
        let sealing = Sealing::new(self.source, self.outline);
        for alias in aliases {
            let alias = &self.outline.aliases[*alias];
            match alias.is_key {
                true => sealing.expand_key(alias, edits),
                false => sealing.expand(alias, &HashMap::new(), self.indent(), edits),
            }
        }
    }

    /// The indentation of the text: that of its first nested block.
    fn indent(&self) -> usize {
        let pairs = self.outline.items.iter().zip(self.outline.items.iter().skip(1));
        let nested = |(item, first): (&Item, &Item)| {
            let is_block = matches!(item.node, Node::Map) && !item.in_flow && item.key().is_some();
            let step = first.column.checked_sub(item.column).filter(|s| *s > 0)?;
            (is_block && !self.outline.is_copy(item) && matches!(first.node, Node::Leaf(_))).then_some(step as usize)
        };
        pairs.map(nested).find_map(|step| step).unwrap_or(4)
    }

    fn options(&self) -> write::Options {
        write::Options { indent: self.indent(), line_ending: layout::line_ending(self.source) }
    }

    /// Sets the value behind `found`: replaces the node, or puts in what is missing on the way.
    pub fn set(&self, found: &Found, steps: &[Step], value: &[Event<'_>], edits: &mut Edits<'_>) -> Result<(), Error> {
        let rest = &steps[found.steps..];
        let item = self.item(found.index);
        match (rest.first(), &item.node) {
            (None, _) => self.replace(found.index, value, edits),
            (Some(Step::Key(key)), Node::Map) => {
                self.insert(found.index, Some(key), &wrapped(&rest[1..], value), edits);
            }
            (Some(Step::Index(_)), Node::List) => self.insert(found.index, None, &wrapped(&rest[1..], value), edits),
            // compat: a scalar in the way becomes what the path asks for.
            _ => self.replace(found.index, &wrapped(rest, value), edits),
        }
        Ok(())
    }

    /// Behind the colon of an entry's key; `Err` with the end of the key if it has none.
    fn value_start(&self, item: &Item) -> Result<usize, usize> {
        let entry = item.entry_start as usize;
        let Some(key) = item.key().and_then(|k| k.span()) else { return Err(entry) };
        let mut end = key.end as usize;
        if self.source[end..].starts_with(['"', '\'']) && self.source[..key.start as usize].ends_with(['"', '\'']) {
            end += 1;
        }
        let behind = self.source[end..].trim_start_matches([' ', '\t', '\n', '\r']);
        match behind.strip_prefix(':') {
            Some(value) if item.span.start as usize >= self.source.len() - value.len() => {
                Ok(self.source.len() - value.len())
            }
            _ => Err(end),
        }
    }

    /// Behind the anchor and the tag that follow a place on its line.
    fn behind_properties(&self, mut at: usize) -> usize {
        loop {
            let line = &self.source[at..];
            let word = line.trim_start_matches([' ', '\t']);
            if !word.starts_with(['&', '!']) {
                return at;
            }
            let length = word.find([' ', '\t', '\n', '\r']).unwrap_or(word.len());
            at += line.len() - word.len() + length;
        }
    }

    /// What stands between a key without a colon and a value that it gets.
    fn missing_colon(&self, item: &Item) -> Option<(Span, String)> {
        let end = self.value_start(item).err().filter(|_| item.key().is_some_and(|k| k.span().is_some()))?;
        let colon = match item.in_flow {
            true => ": ".to_owned(),
            false => format!("{}{}: ", layout::line_ending(self.source), " ".repeat(item.column as usize)),
        };
        (item.span.is_empty()).then_some((Span::new(end, end), colon))
    }

    /// The node with its tag, and the white space in front of it up to its key or dash.
    fn region(&self, index: u32) -> (Span, bool) {
        let item = self.item(index);
        let tag = self.outline.extra(item).tag_span;
        let start = if tag.is_empty() { item.span.start } else { tag.start.min(item.span.start) } as usize;
        let inside = &self.outline.items[index as usize..item.end as usize];
        let last = inside.iter().map(|i| i.span.end).max().unwrap_or(item.span.end) as usize;
        let end = if item.span.is_empty() { start } else { self.source[..last].trim_end().len().max(start) };
        let before = self.source[..start].trim_end_matches([' ', '\t', '\n', '\r']).len();
        let follows_indicator = self.source[..before].ends_with([':', '-', '?']) && before > item.entry_start as usize
            || before == item.entry_start as usize + 1 && self.source[..before].ends_with('-');
        (Span::new(if follows_indicator { before } else { start }, end), follows_indicator)
    }

    fn replace(&self, index: u32, value: &[Event<'_>], edits: &mut Edits<'_>) {
        let item = self.item(index);
        let is_block_collection = matches!(item.node, Node::Map | Node::List) && !item.in_flow;
        if let ([Event::Leaf(_, value)], Node::Leaf(_)) = (value, &item.node) {
            return self.replace_scalar(item, value, edits);
        }
        let parent_in_flow = self.outline.items.get(item.parent as usize).is_some_and(|p| p.in_flow);
        let (span, follows_indicator) = self.region(index);
        let mut text = String::new();
        if let Some((span, colon)) = self.missing_colon(item) {
            text.push_str(&colon);
            match parent_in_flow {
                true => write::flow(value, &mut text),
                false => write::block(value, item.column as usize, &self.options(), &mut text),
            }
            return self.put(span, text.trim_end_matches(['\n', '\r']), edits);
        }
        if parent_in_flow {
            write::flow(value, &mut text);
            let tag = self.outline.extra(item).tag_span;
            let start = if tag.is_empty() { item.span.start } else { tag.start };
            let space = self.source[..start as usize].ends_with(':');
            edits.replace(Span { start, end: span.end }, |out| {
                out.extend(space.then_some(b' '));
                out.extend_from_slice(text.as_bytes());
            });
            return;
        }
        if item.key().is_none() || !follows_indicator {
            // Behind a dash, an anchor or a comment: entries stand where the old ones do.
            let column = match (is_block_collection, item.key().is_none()) {
                (true, _) => self.first_column(index).unwrap_or(item.column as usize + 2),
                (false, true) => item.column as usize + 2,
                (false, false) => item.column as usize + self.indent(),
            };
            match value.first() {
                Some(Event::Map(_) | Event::List(_)) if value.len() > 2 => {
                    write::entries(value, column, &self.options(), &mut text);
                    let own_line = !follows_indicator && !is_block_collection;
                    if own_line {
                        let pad = " ".repeat(column);
                        text.insert_str(0, &format!("{}{pad}", layout::line_ending(self.source)));
                    }
                }
                _ => write::block(value, item.column as usize, &self.options(), &mut text),
            }
            let text = text.trim_end_matches(['\n', '\r']);
            edits.replace(span, |out| {
                let is_below = text.starts_with(['\n', '\r']);
                out.extend((follows_indicator && !is_below).then_some(b' '));
                out.extend_from_slice(if is_below { text } else { text.trim_start() }.as_bytes());
            });
            return;
        }
        write::block(value, item.column as usize, &self.options(), &mut text);
        let text = text.trim_end_matches(['\n', '\r']);
        self.put(span, text, edits);
    }

    /// Puts text in place of a span; its further lines go behind the comment of the line.
    fn put(&self, span: Span, text: &str, edits: &mut Edits<'_>) {
        let behind = &self.source[span.end as usize..];
        let line = behind.find(['\n', '\r']).unwrap_or(behind.len());
        match text.find(['\n', '\r']) {
            Some(at) if behind[..line].trim_start_matches([' ', '\t']).starts_with('#') => {
                let end = span.end as usize + line;
                edits.replace(span, |out| {
                    out.extend_from_slice(&text.as_bytes()[..at]);
                    out.extend(behind.starts_with('#').then_some(b' '));
                });
                edits.replace(Span::new(end, end), |out| out.extend_from_slice(&text.as_bytes()[at..]));
            }
            _ => edits.replace(span, |out| out.extend_from_slice(text.as_bytes())),
        }
    }

    fn replace_scalar(&self, item: &Item, value: &Value<'_>, edits: &mut Edits<'_>) {
        let opening = Opening {
            source: self.source,
            outline: self.outline,
            opened: &[],
            plain: &[],
            branches: &[],
            indent: self.indent(),
            newline: layout::line_ending(self.source),
        };
        let extra = self.outline.extra(item);
        let keeps_type = matches!(value, Value::Str(_)) && extra.tag == Tag::Stays;
        if !extra.tag_span.is_empty() && !keeps_type {
            let tag = extra.tag_span;
            let gap = self.source[tag.end as usize..].len()
                - self.source[tag.end as usize..].trim_start_matches([' ', '\t']).len();
            let end = (tag.end as usize + gap).min((item.span.start.max(tag.end)) as usize);
            edits.replace(Span::new(tag.start as usize, end), |_| ());
        }
        let mut scratch = String::new();
        if item.span.is_empty() {
            if let Some((span, colon)) = self.missing_colon(item) {
                write::scalar(value, &opening.place(item), &mut scratch);
                return self.put(span, &format!("{colon}{}", scratch.trim_end_matches(['\n', '\r'])), edits);
            }
            let before = self.source[..item.span.start as usize].ends_with([' ', '\t', '\n', '\r', '[', '{']);
            write::scalar(value, &opening.place(item), &mut scratch);
            let text = scratch.trim_end_matches(['\n', '\r']);
            let span = Span { start: item.span.start, end: item.span.start };
            let text = if before { text.to_owned() } else { format!(" {text}") };
            return self.put(span, &text, edits);
        }
        if let Some(block) = self.outline.block(item).filter(|b| b.content.is_empty()) {
            write::scalar(value, &opening.place(item), &mut scratch);
            return self.put(block.header, scratch.trim_end_matches(['\n', '\r']), edits);
        }
        opening.write_value(item, value, &[], &mut scratch, edits);
    }

    fn first_column(&self, index: u32) -> Option<usize> {
        let first = *self.children(index).first()?;
        let start = self.item(first).entry_start as usize;
        let line = self.source[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        Some(self.source[line..start].chars().count())
    }

    /// Appends an entry to a collection.
    fn insert(&self, index: u32, key: Option<&str>, value: &[Event<'_>], edits: &mut Edits<'_>) {
        let item = self.item(index);
        let mut member = value.to_vec();
        if let Some(first) = member.first_mut() {
            set_key(first, key);
        }
        let mut events = vec![if key.is_some() { Event::Map(None) } else { Event::List(None) }];
        events.append(&mut member);
        events.push(Event::End);
        let mut text = String::new();
        let Some(&last) = self.children(index).last() else {
            return self.fill(index, &events, edits);
        };
        if item.in_flow {
            write::flow(&events, &mut text);
            let end = self.item(last).span.end.max(self.item(last).entry_start);
            let is_pair = self.is_bare_pair(item);
            if is_pair {
                edits.replace(Span { start: item.span.start, end: item.span.start }, |out| out.push(b'{'));
            }
            edits.replace(Span { start: end, end }, |out| {
                out.extend_from_slice(b", ");
                out.extend_from_slice(text.trim().get(1..text.trim().len() - 1).unwrap_or_default().as_bytes());
                out.extend(is_pair.then_some(b'}'));
            });
            return;
        }
        let column = self.first_column(index).unwrap_or(item.column as usize);
        write::entries(&events, column, &self.options(), &mut text);
        self.end_open_block(last, edits);
        let at = layout::entry_end(self.source, self.outline, last);
        let newline = layout::line_ending(self.source);
        edits.replace(Span::new(at, at), |out| {
            out.extend_from_slice(newline.as_bytes());
            out.extend(std::iter::repeat_n(b' ', column));
            out.extend_from_slice(text.trim_end_matches(['\n', '\r']).as_bytes());
        });
    }

    /// A block scalar at the end of a text without a final line break gets one behind it: its header then says that the
    /// value has none.
    fn end_open_block(&self, entry: u32, edits: &mut Edits<'_>) {
        let inside = &self.outline.items[entry as usize..self.item(entry).end as usize];
        let last = inside.iter().rfind(|i| i.is_leaf() && !self.outline.is_copy(i)).and_then(|i| self.outline.block(i));
        let open = |b: &&crate::outline::Block| {
            b.content.end as usize == self.source.len() && b.chomp == 0 && !self.source.ends_with(['\n', '\r'])
        };
        if let Some(block) = last.filter(open) {
            edits.replace(Span { start: block.header.end, end: block.header.end }, |out| out.push(b'-'));
        }
    }

    /// Whether it is a mapping of one entry without braces: `[a: b]`.
    fn is_bare_pair(&self, map: &Item) -> bool {
        matches!(map.node, Node::Map) && !self.source[map.span.start as usize..].starts_with('{')
    }

    /// Gives an empty collection, or an empty document, its first entry.
    fn fill(&self, index: u32, events: &[Event<'_>], edits: &mut Edits<'_>) {
        let item = self.item(index);
        let document = self.outline.documents.iter().find(|d| d.root == index);
        let Some(document) = document else { return self.replace(index, events, edits) };
        let mut text = String::new();
        write::entries(events, 0, &self.options(), &mut text);
        let text = text.trim_end_matches(['\n', '\r']);
        if !item.span.is_empty() {
            edits.replace(item.span, |out| out.extend_from_slice(text.as_bytes()));
            return;
        }
        let at = layout::content_end(self.source, self.outline, document);
        let newline = layout::line_ending(self.source);
        edits.replace(Span::new(at, at), |out| {
            if at > 0 {
                out.extend_from_slice(newline.as_bytes());
            }
            out.extend_from_slice(text.as_bytes());
            if at == self.source.len() {
                out.extend_from_slice(newline.as_bytes());
            }
        });
    }

    /// Removes an entry or element with its lines; a collection that would be left without one becomes `{}` or `[]`.
    pub fn remove(&self, index: u32, edits: &mut Edits<'_>) {
        let item = self.item(index);
        let parent = self.item(item.parent);
        let siblings = self.children(item.parent);
        let position = siblings.iter().position(|s| *s == index).unwrap_or(0);
        let next = siblings.get(position + 1).map(|s| self.item(*s).entry_start);
        if parent.in_flow && self.is_bare_pair(parent) {
            edits.replace(parent.span, |out| out.extend_from_slice(b"{}"));
            return;
        }
        if parent.in_flow {
            let span = match (next, position.checked_sub(1)) {
                (Some(end), _) => Span { start: item.entry_start, end },
                (None, Some(p)) => {
                    let previous = self.item(siblings[p]);
                    Span { start: previous.span.end.max(previous.entry_start), end: item.span.end }
                }
                (None, None) => Span { start: item.entry_start, end: item.span.end.max(item.entry_start) },
            };
            edits.replace(span, |_| ());
            return;
        }
        if siblings.len() == 1 {
            return self.empty(item.parent, index, edits);
        }
        let entry = item.entry_start as usize;
        let line = self.source[..entry].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let end = layout::entry_end(self.source, self.outline, index);
        if !self.source[line..entry].trim_matches([' ', '\t']).is_empty() {
            // The first entry continues a line: the next one takes its place.
            edits.replace(Span { start: item.entry_start, end: next.unwrap_or(end as u32) }, |_| ());
            return;
        }
        match super::scan::break_len(self.source.as_bytes(), end) {
            // The last line of the text: the break in front of it goes.
            0 => {
                let head = &self.source[..line];
                let start = head.strip_suffix("\r\n").or(head.strip_suffix(['\n', '\r'])).unwrap_or(head).len();
                edits.replace(Span::new(start, end), |_| ());
            }
            length => edits.replace(Span::new(line, end + length), |_| ()),
        }
    }

    /// Leaves `{}` or `[]` of a block collection that loses its only entry.
    fn empty(&self, collection: u32, entry: u32, edits: &mut Edits<'_>) {
        let item = self.item(collection);
        let empty = if matches!(item.node, Node::Map) { "{}" } else { "[]" };
        if item.parent == crate::outline::NONE {
            let start = self.item(entry).entry_start as usize;
            let end = layout::entry_end(self.source, self.outline, entry);
            edits.replace(Span::new(start, end), |out| out.extend_from_slice(empty.as_bytes()));
            return;
        }
        let (span, follows_indicator) = self.region(collection);
        if let (false, Ok(at)) = (follows_indicator, self.value_start(item)) {
            // Comments stand between the key and the entry: they stay.
            let entry = self.item(entry).entry_start as usize;
            let line = self.source[..entry].rfind(['\n', '\r']).map_or(0, |at| at + 1);
            let end = span.end as usize + super::scan::break_len(self.source.as_bytes(), span.end as usize);
            let at = self.behind_properties(at);
            edits.replace(Span::new(at, at), |out| {
                out.push(b' ');
                out.extend_from_slice(empty.as_bytes());
            });
            edits.replace(Span::new(line.max(at), end), |_| ());
            return;
        }
        edits.replace(span, |out| {
            out.extend(follows_indicator.then_some(b' '));
            out.extend_from_slice(empty.as_bytes());
        });
    }
}

fn set_key(event: &mut Event<'_>, name: Option<&str>) {
    match event {
        Event::Map(key) | Event::List(key) | Event::Leaf(key, _) => *key = name.map(|n| Cow::Owned(n.to_owned())),
        Event::Comment { .. } | Event::End => {}
    }
}

/// The value inside the collections that the steps ask for.
pub(crate) fn wrapped<'v>(steps: &[Step], value: &[Event<'v>]) -> Vec<Event<'v>> {
    let mut events = Vec::new();
    let mut key: Option<&str> = None;
    for step in steps {
        let name = key.map(|k| Cow::Owned(k.to_owned()));
        match step {
            Step::Key(next) => {
                events.push(Event::Map(name));
                key = Some(next);
            }
            Step::Index(_) => {
                events.push(Event::List(name));
                key = None;
            }
        }
    }
    let from = events.len();
    events.extend(value.iter().cloned());
    if let Some(first) = events.get_mut(from) {
        set_key(first, key);
    }
    events.extend(steps.iter().map(|_| Event::End));
    events
}
