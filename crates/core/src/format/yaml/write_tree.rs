//! Whole subtrees as block or flow text.
//!
//! Comments stand where the reference puts them, but for those it loses or moves out of their place: a comment at the end of
//! the line of a mapping or list is written above it, and one behind the last element of a list stays in the list. In the
//! copies that sealing makes of aliases they stay in their collection: a token opens under its own path only.

use super::write::{Options, Place, double_quoted, is_break, scalar};
use crate::outline::Event;
use crate::value::Value;
use std::borrow::Cow;

/// Longest key in front of a colon, in bytes; a longer one gets a `?`, as one with a line break does.
const MAX_SIMPLE_KEY: usize = 128;

/// An open collection.
struct Frame {
    is_map: bool,
    column: usize,
    /// Whether the next entry continues the line (the first one behind a dash, or behind the colon of a `?` key).
    inline: bool,
}

struct Writer<'o> {
    options: &'o Options,
    out: &'o mut String,
    frames: Vec<Frame>,
    /// Comments that belong to the end of the next value's line.
    inline: Vec<String>,
    /// Whether comments may be tokens, which open only in the collection they are in.
    is_sealed: bool,
}

/// Appends one document per root: a `Map` or any other value without a key.
pub fn tree(events: &[Event<'_>], options: &Options, out: &mut String) {
    let mut at = 0;
    while at < events.len() {
        if at > 0 {
            out.push_str("---");
            out.push_str(options.line_ending);
        }
        let end = subtree_end(events, at);
        Writer::new(options, out, false).root(&events[at..end]);
        at = end;
    }
}

/// Appends a subtree as the value of a key in a mapping at `column`: a blank and a scalar, or a line break and a block.
pub fn block(events: &[Event<'_>], column: usize, options: &Options, out: &mut String) {
    let events = settled(events);
    let child = next_column(column, options.indent);
    let mut writer = Writer::new(options, out, true);
    if has_members(&events, 0) {
        writer.newline();
        writer.run(&events, child, false);
    } else {
        writer.out.push(' ');
        writer.short(&events, column, child);
    }
}

/// Appends the members of a collection as a block at `column`, the first one where the text stands.
pub fn entries(events: &[Event<'_>], column: usize, options: &Options, out: &mut String) {
    Writer::new(options, out, true).run(events, column, true);
}

/// Appends a subtree as an element of a list whose dashes stand at `column`, behind `- `.
pub fn block_in_list(events: &[Event<'_>], column: usize, options: &Options, out: &mut String) {
    let events = settled(events);
    let mut writer = Writer::new(options, out, true);
    if has_members(&events, 0) {
        writer.run(&events, column + 2, true);
    } else {
        writer.short(&events, column, column + 2);
    }
}

fn next_column(column: usize, indent: usize) -> usize {
    let indent = if (2..=9).contains(&indent) { indent } else { 2 };
    (column / indent + 1) * indent
}

/// One past the last event of the subtree at `at`.
fn subtree_end(events: &[Event<'_>], at: usize) -> usize {
    let mut depth = 0usize;
    for (index, event) in events.iter().enumerate().skip(at) {
        match event {
            Event::Map(_) | Event::List(_) => depth += 1,
            Event::End => depth = depth.saturating_sub(1),
            Event::Comment { .. } if depth == 0 => continue,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    events.len()
}

/// Whether a collection starts at `at` that holds more than comments.
fn has_members(events: &[Event<'_>], at: usize) -> bool {
    let mut rest = events.iter().skip(at);
    matches!(rest.next(), Some(Event::Map(_) | Event::List(_)))
        && !matches!(rest.find(|event| !matches!(event, Event::Comment { .. })), None | Some(Event::End))
}

/// Puts the comments at the end of a collection in front of its last entry if that has members: below a block they would
/// be read as the block's own.
fn settled<'e>(events: &[Event<'e>]) -> Vec<Event<'e>> {
    let mut settled: Vec<Event<'e>> = Vec::with_capacity(events.len());
    // Per open collection: where its last entry starts, and where that ends if it has members.
    let mut open: Vec<(usize, Option<usize>)> = Vec::new();
    for event in events {
        match event {
            Event::Comment { .. } => {}
            Event::End => {
                if let Some((start, Some(end))) = open.pop() {
                    let comments = settled.len() - end;
                    settled[start..].rotate_right(comments);
                }
            }
            Event::Map(_) | Event::List(_) | Event::Leaf(..) => {
                if let Some(parent) = open.last_mut() {
                    *parent = (settled.len(), None);
                }
            }
        }
        settled.push(event.clone());
        match event {
            Event::Map(_) | Event::List(_) => open.push((settled.len(), None)),
            Event::End => {
                let end = settled.len();
                if let Some((start, last)) = open.last_mut() {
                    *last = has_members(&settled, *start).then_some(end);
                }
            }
            Event::Leaf(..) | Event::Comment { .. } => {}
        }
    }
    settled
}

/// Whether the reference can read the value at `at` under a merge key: a mapping or a list of mappings.
fn is_mergeable(events: &[Event<'_>], at: usize) -> bool {
    if !matches!(events.get(at), Some(Event::List(_))) {
        return matches!(events.get(at), Some(Event::Map(_)));
    }
    let mut element = at + 1;
    loop {
        match events.get(element) {
            Some(Event::Map(_)) => element = subtree_end(events, element),
            Some(Event::Comment { .. }) => element += 1,
            other => return matches!(other, None | Some(Event::End)),
        }
    }
}

/// A comment's lines: it ends at a line break, so each gets a `#` of its own.
fn lines(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.split(is_break).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { vec![""] } else { lines }
}

impl<'o> Writer<'o> {
    fn new(options: &'o Options, out: &'o mut String, is_sealed: bool) -> Writer<'o> {
        Writer { options, out, frames: Vec::new(), inline: Vec::new(), is_sealed }
    }

    fn newline(&mut self) {
        self.out.push_str(self.options.line_ending);
    }

    fn pad(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    /// A document: its value, below the comments in front of it and, if it has no members, in it.
    fn root(&mut self, events: &[Event<'_>]) {
        let value = events.iter().position(|event| !matches!(event, Event::Comment { .. })).unwrap_or(events.len());
        let (comments, value) = events.split_at(value);
        for event in comments {
            self.own_line(event);
        }
        if has_members(value, 0) {
            self.run(value, 0, false);
        } else if !value.is_empty() {
            for event in value {
                self.own_line(event);
            }
            self.end_line(&self.text(value, 0, 0), 0);
        }
    }

    /// Writes a collection that has members, its entries at `column`; `inline`: the first one continues the line.
    fn run(&mut self, events: &[Event<'_>], column: usize, inline: bool) {
        let mut at = 1;
        self.frames.push(Frame { is_map: matches!(events.first(), Some(Event::Map(_))), column, inline });
        while at < events.len() {
            at = match &events[at] {
                Event::End => {
                    self.release_inline();
                    self.frames.pop();
                    at + 1
                }
                Event::Comment { text, inline: true } => {
                    self.inline.push(String::from_utf8_lossy(text).into_owned());
                    at + 1
                }
                comment @ Event::Comment { .. } => {
                    self.own_line(comment);
                    at + 1
                }
                Event::Map(_) | Event::List(_) | Event::Leaf(..) => self.entry(events, at),
            };
        }
    }

    /// Writes a comment on lines of its own. Behind a dash the first one keeps the line's start.
    fn own_line(&mut self, event: &Event<'_>) {
        if let Event::Comment { text, .. } = event {
            self.comment(&String::from_utf8_lossy(text));
        }
    }

    fn comment(&mut self, text: &str) {
        for line in lines(text) {
            self.start_line();
            self.out.push('#');
            self.out.push_str(line);
            self.newline();
        }
    }

    /// Goes to the column of the innermost collection.
    fn start_line(&mut self) {
        let column = match self.frames.last_mut() {
            Some(frame) => {
                if std::mem::replace(&mut frame.inline, false) {
                    0
                } else {
                    frame.column
                }
            }
            None => 0,
        };
        self.pad(column);
    }

    /// Gives the comments that wait for the end of a line lines of their own.
    fn release_inline(&mut self) {
        for comment in std::mem::take(&mut self.inline) {
            self.comment(&comment);
        }
    }

    /// Writes an entry up to its first member; returns the index of what follows.
    fn entry(&mut self, events: &[Event<'_>], at: usize) -> usize {
        let Some(&Frame { is_map, column, .. }) = self.frames.last() else { return events.len() };
        let (key, is_collection) = match &events[at] {
            Event::Map(key) | Event::List(key) => (key, true),
            Event::Leaf(key, _) => (key, false),
            Event::Comment { .. } | Event::End => return at + 1,
        };
        let has_members = has_members(events, at);
        if has_members {
            self.release_inline();
        }
        if is_map {
            self.start_line();
            let child = next_column(column, self.options.indent);
            let is_explicit = self.key(key.as_deref().unwrap_or_default(), is_mergeable(events, at), column, child);
            self.out.push(':');
            if has_members {
                // Behind the colon of a `?` key the first member needs a blank in front of it.
                let room = (child - column).saturating_sub(1);
                let inline = is_explicit && room > 0;
                if inline {
                    self.pad(room);
                } else {
                    self.newline();
                }
                return self.open(events, at, at + 1, child, inline);
            }
            self.out.push(' ');
            let end = subtree_end(events, at);
            self.short(&events[at..end], column, child);
            return end;
        }
        // compat: what stands above the first member of an element stands above its dash.
        let mut member = at + 1;
        while let Some(comment @ Event::Comment { inline, .. }) = events.get(member).filter(|_| is_collection)
            && !(*inline && has_members)
        {
            self.own_line(comment);
            member += 1;
        }
        self.start_line();
        self.out.push_str("- ");
        if has_members {
            return self.open(events, at, member, column + 2, true);
        }
        self.end_line(&self.text(&events[at..], column, column + 2), column);
        subtree_end(events, at)
    }

    /// Opens the collection at `at`, whose members are written next, from `member` on.
    fn open(&mut self, events: &[Event<'_>], at: usize, member: usize, column: usize, inline: bool) -> usize {
        self.frames.push(Frame { is_map: matches!(events[at], Event::Map(_)), column, inline });
        member
    }

    /// Writes a key without its colon; tells whether it is behind a `?`, and the colon at the start of a line.
    fn key(&mut self, key: &str, is_mergeable: bool, column: usize, child: usize) -> bool {
        // compat: the reference writes a merge key with its tag, and cannot read that with another value.
        if key == "<<" {
            self.out.push_str(if is_mergeable { "!!merge <<" } else { "\"<<\"" });
            return false;
        }
        let is_explicit = key.len() > MAX_SIMPLE_KEY || key.contains(is_break);
        let place = Place {
            content_column: child,
            parent_column: column,
            in_flow: false,
            is_key: !is_explicit,
            line_ending: self.options.line_ending,
        };
        if is_explicit {
            self.out.push_str("? ");
        }
        scalar(&Value::Str(Cow::Borrowed(key.as_bytes())), &place, self.out);
        if is_explicit {
            if !self.out.ends_with(['\n', '\r']) {
                self.newline();
            }
            self.pad(column);
        }
        is_explicit
    }

    /// The text of a scalar or of a collection without members.
    fn text(&self, events: &[Event<'_>], parent_column: usize, content_column: usize) -> String {
        let mut text = String::new();
        match events.first() {
            Some(Event::Map(_)) => text.push_str("{}"),
            Some(Event::List(_)) => text.push_str("[]"),
            Some(Event::Leaf(_, value)) => {
                let line_ending = self.options.line_ending;
                let place = Place { content_column, parent_column, in_flow: false, is_key: false, line_ending };
                scalar(value, &place, &mut text);
            }
            _ => {}
        }
        text
    }

    /// Writes a scalar or a collection without members, behind a key at `column`.
    ///
    /// compat: comments stand within the braces of a mapping, of which the last starts the line, and behind a list.
    fn short(&mut self, events: &[Event<'_>], column: usize, child: usize) {
        let comments = events.iter().filter(|event| matches!(event, Event::Comment { .. }));
        let brackets = match events.first() {
            Some(Event::Map(_)) if events.len() > 2 => Some(("{", "}")),
            Some(Event::List(_)) if events.len() > 2 && self.is_sealed => Some(("[", "]")),
            _ => None,
        };
        let column_of_comments = match brackets {
            Some((opening, _)) => {
                self.out.push_str(opening);
                self.newline();
                child
            }
            None => {
                self.end_line(&self.text(events, column, child), column);
                column
            }
        };
        self.frames.push(Frame { is_map: true, column: column_of_comments, inline: false });
        comments.for_each(|comment| self.own_line(comment));
        self.frames.pop();
        if let Some((_, closing)) = brackets {
            self.end_line(closing, column);
        }
    }

    /// Writes a text to its line's end, with the comments that wait for it: one on the first line, others below all.
    fn end_line(&mut self, text: &str, column: usize) {
        let comments = std::mem::take(&mut self.inline);
        let mut comments = comments.iter().flat_map(|comment| lines(comment));
        let (head, rest) = text.split_at(text.find(['\n', '\r']).unwrap_or(text.len()));
        self.out.push_str(head);
        if let Some(comment) = comments.next() {
            self.out.push_str(" #");
            self.out.push_str(comment);
        }
        if rest.is_empty() {
            self.newline();
        } else {
            self.out.push_str(rest);
        }
        for comment in comments {
            self.pad(column);
            self.out.push('#');
            self.out.push_str(comment);
            self.newline();
        }
    }
}

/// Appends a subtree as flow text: one line, but for comments, which have lines of their own.
pub fn flow(events: &[Event<'_>], out: &mut String) {
    // Per open collection: its end, and whether it has entries.
    let mut open: Vec<(char, bool)> = Vec::new();
    let mut comments: Vec<Cow<'_, str>> = Vec::new();
    for event in events {
        let (key, text) = match event {
            Event::Comment { text, .. } => {
                comments.push(String::from_utf8_lossy(text));
                continue;
            }
            Event::End => {
                flow_comments(&mut comments, out);
                out.extend(open.pop().map(|(end, _)| end));
                continue;
            }
            Event::Map(key) => (key, "{".to_owned()),
            Event::List(key) => (key, "[".to_owned()),
            Event::Leaf(key, value) => (key, flow_scalar(value)),
        };
        let parent = open.last_mut();
        let in_map = parent.as_ref().is_some_and(|(end, _)| *end == '}');
        if parent.is_some_and(|(_, has_entries)| std::mem::replace(has_entries, true)) {
            out.push_str(if comments.is_empty() { ", " } else { "," });
        }
        flow_comments(&mut comments, out);
        if in_map {
            double_quoted(key.as_deref().unwrap_or_default().as_bytes(), out);
            out.push_str(": ");
        }
        out.push_str(&text);
        match event {
            Event::Map(_) => open.push(('}', false)),
            Event::List(_) => open.push((']', false)),
            _ => {}
        }
    }
}

/// Writes comments in front of an entry or an end, each on a line.
fn flow_comments(comments: &mut Vec<Cow<'_, str>>, out: &mut String) {
    if comments.is_empty() {
        return;
    }
    out.push('\n');
    for comment in comments.drain(..) {
        for line in lines(&comment) {
            out.push('#');
            out.push_str(line);
            out.push('\n');
        }
    }
}

fn flow_scalar(value: &Value<'_>) -> String {
    let mut text = String::new();
    match value {
        Value::Str(bytes) if std::str::from_utf8(bytes).is_ok() => double_quoted(bytes, &mut text),
        value => {
            let place = Place { content_column: 0, parent_column: 0, in_flow: true, is_key: false, line_ending: "\n" };
            scalar(value, &place, &mut text);
        }
    }
    text
}

#[cfg(test)]
mod tests;
