//! Whole subtrees as block or flow text.

use super::write::{Options, Place, double_quoted, scalar};
use crate::outline::Event;
use crate::value::Value;
use std::borrow::Cow;

/// An open collection.
struct Frame {
    map: bool,
    column: usize,
    /// Whether the next entry continues the line (the first one behind a dash).
    inline: bool,
}

struct Writer<'o> {
    options: &'o Options,
    out: &'o mut String,
    frames: Vec<Frame>,
    /// Comments that belong to the end of the next value's line.
    inline: Vec<String>,
}

/// Appends one document per root: a `Map` or any other value without a key.
pub fn tree(events: &[Event<'_>], options: &Options, out: &mut String) {
    let mut roots = 0;
    let mut at = 0;
    while at < events.len() {
        let end = subtree_end(events, at);
        if roots > 0 {
            out.push_str("---");
            out.push_str(options.line_ending);
        }
        roots += 1;
        let mut writer = Writer { options, out, frames: Vec::new(), inline: Vec::new() };
        if is_empty(events, at) {
            writer.root_without_entries(&events[at..end]);
        } else {
            writer.run(&events[at..end], 0, true);
        }
        at = end;
    }
}

/// Appends a subtree as the value of a key in a mapping at `column`: a blank and a scalar, or a line break and a block.
pub fn block(events: &[Event<'_>], column: usize, options: &Options, out: &mut String) {
    let child = next_column(column, options.indent);
    let mut writer = Writer { options, out, frames: Vec::new(), inline: Vec::new() };
    writer.value_of_key(events, column, child);
}

/// Appends a subtree as an element of a list whose dashes stand at `column`, behind `- `.
pub fn block_in_list(events: &[Event<'_>], column: usize, options: &Options, out: &mut String) {
    let mut writer = Writer { options, out, frames: Vec::new(), inline: Vec::new() };
    match events.first() {
        Some(Event::Map(_) | Event::List(_)) if !is_empty(events, 0) => writer.run(events, column + 2, false),
        _ => {
            writer.out.push(' ');
            writer.short(events, column, column + 2);
        }
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

/// Whether the collection that starts at `at` has no entries but comments.
fn is_empty(events: &[Event<'_>], at: usize) -> bool {
    let mut rest = events[at + 1..].iter().filter(|e| !matches!(e, Event::Comment { .. }));
    matches!(events[at], Event::Map(_) | Event::List(_)) && matches!(rest.next(), None | Some(Event::End))
}

impl Writer<'_> {
    fn newline(&mut self) {
        self.out.push_str(self.options.line_ending);
    }

    fn pad(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    fn root_without_entries(&mut self, events: &[Event<'_>]) {
        for event in events {
            if let Event::Comment { text, .. } = event {
                self.out.push('#');
                self.out.push_str(&String::from_utf8_lossy(text));
                self.newline();
            }
        }
        self.out.push_str(if matches!(events.first(), Some(Event::List(_))) { "[]" } else { "{}" });
        self.newline();
    }

    /// A scalar or an empty collection, with the line's comment and its end.
    fn short(&mut self, events: &[Event<'_>], parent_column: usize, content_column: usize) {
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
        let comments = std::mem::take(&mut self.inline);
        let first = text.find(['\n', '\r']);
        let (head, lines) = text.split_at(first.unwrap_or(text.len()));
        self.out.push_str(head);
        if let Some(comment) = comments.first() {
            self.out.push_str(" #");
            self.out.push_str(comment);
        }
        if lines.is_empty() {
            self.newline();
        } else {
            self.out.push_str(lines);
        }
        for comment in comments.iter().skip(1) {
            self.pad(parent_column);
            self.out.push('#');
            self.out.push_str(comment);
            self.newline();
        }
    }

    fn value_of_key(&mut self, events: &[Event<'_>], column: usize, child: usize) {
        match events.first() {
            Some(Event::Map(_) | Event::List(_)) if !is_empty(events, 0) => {
                self.newline();
                self.run(events, child, true);
            }
            _ => {
                self.out.push(' ');
                self.short(events, column, child);
            }
        }
    }

    /// Writes a collection that is not empty, its entries at `column`; `fresh`: the first one starts a line.
    fn run(&mut self, events: &[Event<'_>], column: usize, fresh: bool) {
        let mut column = column;
        let mut fresh = fresh;
        let mut at = 0;
        while at < events.len() {
            match &events[at] {
                Event::End => {
                    self.frames.pop();
                }
                Event::Comment { text, inline } => self.comment(text, *inline),
                Event::Map(_) | Event::List(_) if at == 0 => {
                    let map = matches!(events[at], Event::Map(_));
                    self.frames.push(Frame { map, column, inline: !fresh });
                    (column, fresh) = (0, true);
                }
                entry => {
                    let end = self.entry(entry, events, at);
                    if end > at {
                        at = end;
                        continue;
                    }
                }
            }
            at += 1;
        }
        if events.len() == 1 {
            self.short(events, 0, 0);
        }
    }

    fn comment(&mut self, text: &[u8], inline: bool) {
        let text = String::from_utf8_lossy(text).into_owned();
        if inline {
            self.inline.push(text);
            return;
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let column = frame.column;
        // Behind a dash the comment keeps the line's start; the entry follows on the next line.
        if !std::mem::replace(&mut frame.inline, false) {
            self.pad(column);
        }
        self.out.push('#');
        self.out.push_str(&text);
        self.newline();
    }

    /// Starts an entry; returns the index behind it if it is complete, `at` if its members follow.
    fn entry(&mut self, event: &Event<'_>, events: &[Event<'_>], at: usize) -> usize {
        let Some(frame) = self.frames.last_mut() else { return events.len() };
        let (map, column) = (frame.map, frame.column);
        let inline = std::mem::replace(&mut frame.inline, false);
        if !inline {
            self.pad(column);
        }
        let (key, collection) = match event {
            Event::Map(key) => (key, Some(true)),
            Event::List(key) => (key, Some(false)),
            Event::Leaf(key, _) => (key, None),
            Event::Comment { .. } | Event::End => return at,
        };
        let child = if map {
            self.key(key.as_deref().unwrap_or_default(), collection.is_some());
            self.out.push(':');
            next_column(column, self.options.indent)
        } else {
            self.out.push('-');
            column + 2
        };
        match collection {
            Some(is_map) if !is_empty(events, at) => {
                if map {
                    self.line_comment();
                    self.newline();
                } else {
                    self.out.push(' ');
                }
                self.frames.push(Frame { map: is_map, column: child, inline: !map });
                at
            }
            _ => {
                self.out.push(' ');
                let end = subtree_end(events, at);
                self.short(&events[at..end], column, child);
                end
            }
        }
    }

    /// Comments that wait for a line go to the end of this one.
    fn line_comment(&mut self) {
        for comment in std::mem::take(&mut self.inline) {
            self.out.push_str(" #");
            self.out.push_str(&comment);
        }
    }

    fn key(&mut self, key: &str, has_members: bool) {
        // compat: the reference writes a merge key with its tag.
        if key == "<<" {
            self.out.push_str(if has_members { "!!merge <<" } else { "\"<<\"" });
            return;
        }
        let place = Place {
            content_column: 0,
            parent_column: 0,
            in_flow: false,
            is_key: true,
            line_ending: self.options.line_ending,
        };
        scalar(&Value::Str(Cow::Borrowed(key.as_bytes())), &place, self.out);
    }
}

/// Appends a subtree as one line of flow text.
pub fn flow(events: &[Event<'_>], out: &mut String) {
    let mut open: Vec<(bool, bool)> = Vec::new();
    for event in events {
        let (key, text) = match event {
            Event::Comment { .. } => continue,
            Event::End => {
                if let Some((map, _)) = open.pop() {
                    out.push(if map { '}' } else { ']' });
                }
                continue;
            }
            Event::Map(key) => (key, "{".to_owned()),
            Event::List(key) => (key, "[".to_owned()),
            Event::Leaf(key, value) => {
                let mut text = String::new();
                match value {
                    Value::Str(bytes) if std::str::from_utf8(bytes).is_ok() => double_quoted(bytes, &mut text),
                    value => {
                        let place = Place {
                            content_column: 0,
                            parent_column: 0,
                            in_flow: true,
                            is_key: false,
                            line_ending: "\n",
                        };
                        scalar(value, &place, &mut text);
                    }
                }
                (key, text)
            }
        };
        if let Some((map, any)) = open.last_mut() {
            if std::mem::replace(any, true) {
                out.push_str(", ");
            }
            if *map {
                double_quoted(key.as_deref().unwrap_or_default().as_bytes(), out);
                out.push_str(": ");
            }
        }
        out.push_str(&text);
        match event {
            Event::Map(_) => open.push((true, false)),
            Event::List(_) => open.push((false, false)),
            _ => {}
        }
    }
}
