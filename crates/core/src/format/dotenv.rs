//! dotenv as the reference reads and writes it: one pair or comment per line, and nothing else.
//!
//! There are no quotes, no continuation lines and no escapes but `\n`. A line ends at LF only, so the CR of a CRLF file
//! belongs to its value, goes into the token and comes back with it. Metadata are the lines whose key starts with
//! `sops_`, put behind the last line that is not blank and in front of its line break.

use super::flat::{self, Builder, Field, cannot_carry, contains, refused};
use super::syntax::{Existing, Source, Syntax};
use crate::error::Error;
use crate::outline::{Event, Item, Node, Outline, Scalar, Span, Text};
use crate::path::Step;
use crate::splice::Edits;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// The format.
pub(crate) struct Dotenv;

const PREFIX: &str = "sops_";
const LOOK_ALIKE: &str =
    "the value has a backslash followed by n, which dotenv reads as a line break; use another format for it";

impl Syntax for Dotenv {
    fn outline(&self, text: &str) -> Result<Outline, Error> {
        let mut builder = Builder::new(text)?;
        let mut start = 0;
        for (number, line) in text.split('\n').enumerate() {
            let end = start + line.len();
            let span = Span::new(start, end);
            if line.starts_with('#') {
                let text = Text::source(Span::new(start + 1, end));
                builder.push(Node::Comment { text, inline: false, dropped: false }, None, 0, span, start);
            } else if let Some((key, value)) = line.split_once('=') {
                let equals = start + key.len();
                let span = Span::new(equals + 1, end);
                let text = match value.contains("\\n") {
                    true => builder.make(&unescaped(value)),
                    false => Text::source(span),
                };
                builder.push(Builder::leaf(text), Some(Text::source(Span::new(start, equals))), 0, span, start);
            } else if !line.is_empty() {
                let problem = "invalid dotenv input line: expected KEY=VALUE, a # comment or a blank line".into();
                return Err(Error::Syntax { line: number as u32 + 1, column: 1, problem });
            }
            start = end + 1;
        }
        Ok(builder.finish())
    }

    fn metadata_items(&self, source: Source<'_>) -> Result<Vec<u32>, Error> {
        let texts = source.outline.texts(source.text);
        let is_metadata = |item: &Item| item.key().is_some_and(|k| k.bytes(texts).starts_with(PREFIX.as_bytes()));
        let items = source.outline.items.iter().enumerate();
        Ok(items.filter(|(_, item)| is_metadata(item)).map(|(index, _)| index as u32).collect())
    }

    fn metadata<'a>(&self, source: Source<'a>, items: &[u32]) -> Result<Vec<Event<'a>>, Error> {
        let fields = items.iter().filter_map(|index| entry(source, *index as usize));
        flat::unflatten(
            fields
                .map(|(key, value)| {
                    (key.strip_prefix(PREFIX).unwrap_or(key), Cow::Borrowed(value.strip_suffix(b"\r").unwrap_or(value)))
                })
                .collect(),
        )
    }

    fn write_token(
        &self,
        source: Source<'_>,
        index: usize,
        edits: &mut Edits<'_>,
        token: &mut dyn FnMut(&mut Vec<u8>),
    ) {
        if let Some(item) = source.outline.items.get(index) {
            edits.replace(text_span(item), |out| token(out));
        }
    }

    fn write_value(
        &self,
        source: Source<'_>,
        index: usize,
        value: &Value<'_>,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        let texts = source.outline.texts(source.text);
        let refuse = |problem: &str| Err(cannot_carry(texts, source.text, source.outline, index, problem));
        let Some(item) = source.outline.items.get(index) else { return refuse("no such item") };
        match checked(value) {
            Ok(text) => {
                edits.replace(item.span, |out| escape(&text, out));
                Ok(())
            }
            Err(problem) => refuse(problem),
        }
    }

    fn write_comment(&self, source: Source<'_>, index: usize, text: &[u8], edits: &mut Edits<'_>) {
        if let Some(item) = source.outline.items.get(index) {
            edits.replace(text_span(item), |out| comment(text, out));
        }
    }

    fn check_metadata(&self, metadata: &[Event<'_>]) -> Result<(), Error> {
        flat::check(metadata, |_| true)
    }

    fn insert_metadata(
        &self,
        source: Source<'_>,
        metadata: &[Event<'_>],
        existing: Option<Existing<'_>>,
        _indent: Option<usize>,
        edits: &mut Edits<'_>,
    ) {
        let mut block = Vec::new();
        lines(metadata, existing, &mut block);
        let place = existing.map_or(Place::Last, place);
        let end_of = |key: &[u8]| {
            let found = pairs(source).find(|(_, k, _)| *k == key);
            found.map(|(index, _, _)| source.outline.items[index].span.end as usize)
        };
        let at = match &place {
            Place::First => Some(0),
            Place::After(key) => end_of(key),
            Place::Last => None,
        };
        append(at.unwrap_or_else(|| content_end(source.text)), &block, edits);
    }

    fn replace_metadata(&self, existing: Existing<'_>, metadata: &[Event<'_>], edits: &mut Edits<'_>) {
        let source = existing.source;
        if let Some(kept) = Kept::new(existing, metadata) {
            for (index, field) in kept.in_order(existing) {
                if let (Some(field), Some(item)) = (field, source.outline.items.get(index as usize)) {
                    let end = source.text[item.span.range()].trim_end_matches('\r').len() + item.span.start as usize;
                    let span = Span::new(item.span.start as usize, end);
                    edits.replace(span, |out| escape(&field.text, out));
                }
            }
            return;
        }
        let mut block = Vec::new();
        lines(metadata, Some(existing), &mut block);
        for (position, run) in runs(source, existing.items).into_iter().enumerate() {
            match position {
                0 => edits.replace(run, |out| out.extend_from_slice(&block)),
                _ => edits.replace(with_break(source.text, run), |_| ()),
            }
        }
    }

    fn remove_metadata(&self, source: Source<'_>, items: &[u32], edits: &mut Edits<'_>) {
        for run in runs(source, items) {
            edits.replace(with_break(source.text, run), |_| ());
        }
    }

    fn tree(&self, events: &[Event<'_>], _indent: Option<usize>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut rest = events.get(1..events.len().saturating_sub(1)).unwrap_or_default();
        let is_encrypted = rest.iter().any(is_metadata);
        let mut metadata = Vec::new();
        while let Some((event, behind)) = rest.split_first() {
            rest = behind;
            match event {
                Event::Leaf(key, value) => {
                    let key = key.as_deref().unwrap_or("");
                    if is_encrypted && key.starts_with(PREFIX) {
                        return Err(reserved(key));
                    }
                    check_key(key)?;
                    let text = checked(value).map_err(|problem| refused(key, problem))?;
                    out.extend_from_slice(key.as_bytes());
                    out.push(b'=');
                    escape(&text, out);
                }
                Event::Comment { text, .. } => {
                    out.push(b'#');
                    comment(text, out);
                }
                Event::Map(Some(_)) if is_metadata(event) => {
                    let length = subtree(behind);
                    metadata.push(Event::Map(None));
                    metadata.extend(behind[..length].iter().cloned());
                    rest = &behind[length..];
                    continue;
                }
                Event::Map(key) | Event::List(key) => return Err(complex(key.as_deref().unwrap_or(""))),
                Event::End => continue,
            }
            out.push(b'\n');
        }
        if is_encrypted {
            lines(&metadata, None, out);
            out.push(b'\n');
        }
        Ok(())
    }

    fn set(&self, source: Source<'_>, path: &[Step], value: &[Event<'_>], edits: &mut Edits<'_>) -> Result<(), Error> {
        let key = match path {
            [Step::Key(key)] => key,
            [Step::Key(key), ..] => return Err(complex(key)),
            _ => {
                let reason = "dotenv has keys on one level only; expected [\"KEY\"]".into();
                return Err(Error::Path { reason, malformed: false });
            }
        };
        let [Event::Leaf(_, value)] = value else { return Err(complex(key)) };
        if let Some((index, _, _)) = pairs(source).find(|(_, k, _)| *k == key.as_bytes()) {
            return self.write_value(source, index, value, edits);
        }
        if key.starts_with(PREFIX) {
            return Err(reserved(key));
        }
        check_key(key)?;
        let text = checked(value).map_err(|problem| refused(key, problem))?;
        let mut line = zeroize::Zeroizing::new(Vec::with_capacity(key.len() + 2 * text.len() + 1));
        line.extend_from_slice(key.as_bytes());
        line.push(b'=');
        escape(&text, &mut line);
        append(content_end(source.text), &line, edits);
        Ok(())
    }

    fn remove(&self, source: Source<'_>, index: u32, edits: &mut Edits<'_>) {
        let Some(item) = source.outline.items.get(index as usize) else { return };
        let (start, end) = (item.entry_start as usize, item.span.end as usize);
        // The line's own break goes with it; the one in front of it only at the end of the text.
        let span = match source.text[end..].starts_with('\n') {
            true => Span::new(start, end + 1),
            false => Span::new(start.saturating_sub(1), end),
        };
        edits.replace(span, |_| ());
    }
}

/// Where a comment's text or a value stands.
fn text_span(item: &Item) -> Span {
    match item.node {
        Node::Comment { .. } => Span { start: item.span.start + 1, end: item.span.end },
        _ => item.span,
    }
}

/// The pieces of a value with each `\n` as a line break.
fn unescaped(value: &str) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    for (position, piece) in value.split("\\n").enumerate() {
        if position > 0 {
            pieces.push(&b"\n"[..]);
        }
        pieces.push(piece.as_bytes());
    }
    pieces
}

/// Writes a value that [`checked`] allows.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for (position, piece) in text.split(|b| *b == b'\n').enumerate() {
        if position > 0 {
            out.extend_from_slice(b"\\n");
        }
        out.extend_from_slice(piece);
    }
}

/// The text of a value, if it reads back as it is.
fn checked(value: &Value<'_>) -> Result<zeroize::Zeroizing<Vec<u8>>, &'static str> {
    let Some(text) = value.text() else { return Err("dotenv has no null; remove the entry or make it a text") };
    if contains(&text, b"\\n") {
        return Err(LOOK_ALIKE);
    }
    if std::str::from_utf8(&text).is_err() {
        return Err("the value is not UTF-8; use the binary format for it");
    }
    Ok(text)
}

fn comment(text: &[u8], out: &mut Vec<u8>) {
    for (position, line) in String::from_utf8_lossy(text).split('\n').enumerate() {
        out.extend_from_slice(if position > 0 { b"\n#" } else { b"" });
        out.extend_from_slice(line.as_bytes());
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if key.contains(['=', '\n']) || key.starts_with('#') {
        return Err(refused(key, "a dotenv key has no = and no line break, and does not start with #; rename the key"));
    }
    Ok(())
}

fn complex(key: &str) -> Error {
    refused(key, &format!("cannot use complex value in dotenv file; offending key {key}"))
}

fn reserved(key: &str) -> Error {
    let problem = format!(
        "Found key \"{key}\" in encrypted data, which starts with the reserved key prefix \"sops_\" for SOPS metadata"
    );
    refused(key, &problem)
}

fn is_metadata(event: &Event<'_>) -> bool {
    matches!(event, Event::Map(Some(key)) if key == "sops")
}

/// The length of the rest of a collection, its end included.
fn subtree(events: &[Event<'_>]) -> usize {
    let mut depth = 1usize;
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Map(_) | Event::List(_) => depth += 1,
            Event::End => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    events.len()
}

/// The pairs: index, key, value.
fn pairs(source: Source<'_>) -> impl Iterator<Item = (usize, &[u8], &[u8])> {
    let texts = source.outline.texts(source.text);
    source.outline.items.iter().enumerate().filter_map(move |(index, item)| match (&item.node, item.key()) {
        (Node::Leaf(Scalar::Str(text)), Some(key)) => Some((index, key.bytes(texts), text.bytes(texts))),
        _ => None,
    })
}

fn entry(source: Source<'_>, index: usize) -> Option<(&str, &[u8])> {
    let texts = source.outline.texts(source.text);
    let item = source.outline.items.get(index)?;
    let Node::Leaf(Scalar::Str(text)) = &item.node else { return None };
    Some((source.text.get(item.key()?.span()?.range())?, text.bytes(texts)))
}

/// Behind the last line that is not blank, in front of its line break.
fn content_end(text: &str) -> usize {
    text.trim_end_matches('\n').len()
}

/// Puts lines behind a place that ends a line, or in front of everything.
fn append(at: usize, block: &[u8], edits: &mut Edits<'_>) {
    edits.replace(Span::new(at, at), |out| {
        out.extend((at > 0).then_some(b'\n'));
        out.extend_from_slice(block);
        out.extend((at == 0).then_some(b'\n'));
    });
}

/// Writes the lines of the metadata, the last without its break. Lines that were there before and still hold stay as they
/// were, in their order.
fn lines(metadata: &[Event<'_>], existing: Option<Existing<'_>>, out: &mut Vec<u8>) {
    let from = out.len();
    let mut line = |name: &str, text: &[u8], raw: Option<&str>| {
        out.extend((out.len() > from).then_some(b'\n'));
        match raw {
            Some(raw) => out.extend_from_slice(raw.as_bytes()),
            None => {
                out.extend_from_slice(PREFIX.as_bytes());
                out.extend_from_slice(name.as_bytes());
                out.push(b'=');
                escape(text, out);
            }
        }
    };
    if let Some(existing) = existing
        && let Some(kept) = Kept::new(existing, metadata)
    {
        for (index, field) in kept.in_order(existing) {
            match field {
                Some(field) => line(&field.name, &field.text, None),
                None => {
                    let item = existing.source.outline.items.get(index as usize);
                    let raw = item.map(|item| &existing.source.text[item.entry_start as usize..item.span.end as usize]);
                    line("", b"", Some(raw.unwrap_or("").trim_end_matches('\r')));
                }
            }
        }
        return;
    }
    for field in flat::flatten(metadata) {
        line(&field.name, &field.text, None);
    }
}

/// New metadata with the very names of the old ones.
struct Kept {
    /// Fields that change, by name.
    changed: HashMap<String, Option<Field>>,
}

impl Kept {
    fn new(existing: Existing<'_>, metadata: &[Event<'_>]) -> Option<Kept> {
        let old: HashMap<String, Vec<u8>> =
            flat::flatten(existing.events).into_iter().map(|field| (field.name, field.text)).collect();
        let new = flat::flatten(metadata);
        if new.len() != existing.items.len() {
            return None;
        }
        let changed = new
            .into_iter()
            .map(|field| match old.get(&field.name) {
                Some(text) if *text == field.text => (field.name, None),
                _ => (field.name.clone(), Some(field)),
            })
            .collect();
        let kept = Kept { changed };
        let names = existing.items.iter().map(|index| entry(existing.source, *index as usize));
        let all = names.map(|entry| kept.changed.contains_key(entry?.0.strip_prefix(PREFIX)?).then_some(()));
        all.collect::<Option<()>>().map(|()| kept)
    }

    /// The old items in their order, each with its new field if that differs.
    fn in_order<'k>(&'k self, existing: Existing<'k>) -> impl Iterator<Item = (u32, Option<&'k Field>)> {
        existing.items.iter().map(move |index| {
            let name = entry(existing.source, *index as usize).and_then(|(name, _)| name.strip_prefix(PREFIX));
            (*index, name.and_then(|name| self.changed.get(name)).and_then(Option::as_ref))
        })
    }
}

/// Where the metadata stand among the pairs.
enum Place {
    First,
    After(Vec<u8>),
    Last,
}

fn place(existing: Existing<'_>) -> Place {
    let Some(first) = existing.items.first().map(|i| *i as usize) else { return Place::Last };
    if existing.source.outline.items.len() - first == existing.items.len() {
        return Place::Last;
    }
    let before = pairs(existing.source).take_while(|(index, ..)| *index < first).last();
    match before {
        Some((_, key, _)) => Place::After(key.to_vec()),
        None => Place::First,
    }
}

/// Lines of metadata that follow each other without a gap.
fn runs(source: Source<'_>, items: &[u32]) -> Vec<Span> {
    let mut runs: Vec<Span> = Vec::new();
    for item in items.iter().filter_map(|index| source.outline.items.get(*index as usize)) {
        match runs.last_mut() {
            Some(run) if run.end + 1 == item.entry_start => run.end = item.span.end,
            _ => runs.push(Span { start: item.entry_start, end: item.span.end }),
        }
    }
    runs
}

/// Lines with the break in front of them; the first lines of a text with the one behind.
fn with_break(text: &str, run: Span) -> Span {
    let (start, end) = (run.start as usize, run.end as usize);
    match start.checked_sub(1) {
        Some(start) => Span::new(start, end),
        None => Span::new(0, (end + 1).min(text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Outline {
        Dotenv.outline(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
    }

    fn leaf(key: &'static str, text: &'static str) -> Event<'static> {
        Event::Leaf(Some(Cow::Borrowed(key)), Value::Str(Cow::Borrowed(text.as_bytes())))
    }

    fn changed(
        text: &str,
        change: impl FnOnce(Source<'_>, &mut Edits<'_>) -> Result<(), Error>,
    ) -> Result<String, Error> {
        let outline = outline(text);
        let mut edits = Edits::new(text, 0, 0);
        change(Source { text, outline: &outline }, &mut edits)?;
        edits.finish()
    }

    fn set(text: &str, key: &str, value: &'static str) -> Result<String, Error> {
        let path = [Step::Key(key.to_owned())];
        changed(text, |source, edits| Dotenv.set(source, &path, &[leaf("", value)], edits))
    }

    fn tree(events: &[Event<'_>]) -> Result<String, Error> {
        let mut out = Vec::new();
        Dotenv.tree(events, None, &mut out).map(|()| String::from_utf8(out).expect("text"))
    }

    fn metadata(version: &'static str) -> Vec<Event<'static>> {
        let mut events = vec![Event::Map(None), Event::List(Some("age".into())), Event::Map(None)];
        events.extend([leaf("enc", "BEGIN\nEND\n"), Event::End, Event::End]);
        events.extend([leaf("mac", "M"), leaf("version", version), Event::End]);
        events
    }

    const LINES: &str = "sops_age__list_0__map_enc=BEGIN\\nEND\\n\nsops_mac=M\nsops_version=3.13.2";

    #[test]
    fn lines_are_pairs_or_comments() {
        let text = "# c \r\n\nA = x=y \n=\nA=\\\\n\\n\r\n #=1";
        let outline = outline(text);
        let source = Source { text, outline: &outline };
        let pairs: Vec<_> = pairs(source).map(|(_, key, value)| (key, value)).collect();
        let wanted: [(&[u8], &[u8]); 4] = [(b"A ", b" x=y "), (b"", b""), (b"A", b"\\\n\n\r"), (b" #", b"1")];
        assert_eq!(pairs, wanted);
        let Node::Comment { text: comment, .. } = &outline.items[1].node else { panic!("not a comment") };
        assert_eq!(comment.bytes(outline.texts(text)), b" c \r");
    }

    #[test]
    fn metadata_are_the_last_lines() {
        for (plain, encrypted) in [
            ("", format!("{LINES}\n")),
            ("\n", format!("{LINES}\n\n")),
            ("A=1", format!("A=1\n{LINES}")),
            ("A=1\n", format!("A=1\n{LINES}\n")),
            ("A=1\r\n", format!("A=1\r\n{LINES}\n")),
            ("A=1\n# c\n\n\n", format!("A=1\n# c\n{LINES}\n\n\n")),
        ] {
            let inserted = changed(plain, |source, edits| {
                Dotenv.insert_metadata(source, &metadata("3.13.2"), None, None, edits);
                Ok(())
            });
            assert_eq!(inserted.expect("edits apply"), encrypted);
        }
    }

    #[test]
    fn metadata_are_read_and_kept_wherever_they_stand() {
        let encrypted = "A=1\nsops_version=3.13.2\r\nB=2\nsops_mac=M\r\nsops_age__list_0__map_enc=BEGIN\\nEND\\n\r\n";
        let outline = outline(encrypted);
        let source = Source { text: encrypted, outline: &outline };
        let items = Dotenv.metadata_items(source).expect("metadata");
        let events = Dotenv.metadata(source, &items).expect("metadata");
        assert!(crate::format::yaml::branch::is_same_metadata(&events, &metadata("3.13.2")));
        let existing = Existing { source, items: &items, events: &events };
        let replaced = changed(encrypted, |_, edits| {
            Dotenv.replace_metadata(existing, &metadata("3.14"), edits);
            Ok(())
        });
        assert_eq!(replaced.expect("edits apply"), encrypted.replace("3.13.2", "3.14"));
        let plain = changed(encrypted, |source, edits| {
            Dotenv.remove_metadata(source, &items, edits);
            Ok(())
        });
        assert_eq!(plain.expect("edits apply"), "A=1\nB=2\n");
        let inserted = changed("A=1\nB=2\n", |source, edits| {
            Dotenv.insert_metadata(source, &metadata("3.14"), Some(existing), None, edits);
            Ok(())
        });
        let wanted = "A=1\nsops_version=3.14\nsops_mac=M\nsops_age__list_0__map_enc=BEGIN\\nEND\\n\nB=2\n";
        assert_eq!(inserted.expect("edits apply"), wanted);
    }

    #[test]
    fn values_that_would_come_back_changed_are_refused() {
        assert_eq!(set("A=1\n", "A", "x\ny\\\nz").expect("a value"), "A=x\\ny\\\\nz\n");
        let refused = set("# c\nA=1\n", "A", "C:\\new");
        assert_eq!(refused, Err(Error::Tree { line: 2, path: "[\"A\"]".into(), problem: LOOK_ALIKE.into() }));
        let null = changed("A=1", |source, edits| Dotenv.write_value(source, 1, &Value::Null, edits));
        assert!(matches!(null, Err(Error::Tree { .. })));
        let raw = Value::Str(Cow::Borrowed(b"\xff"));
        assert!(matches!(changed("A=1", |s, edits| Dotenv.write_value(s, 1, &raw, edits)), Err(Error::Tree { .. })));
    }

    #[test]
    fn set_and_remove_touch_one_line() {
        assert_eq!(set("A=1\n\n", "B", "2").expect("a line"), "A=1\nB=2\n\n");
        assert_eq!(set("A=1", "B", "2").expect("a line"), "A=1\nB=2");
        assert_eq!(set("", "B", "2").expect("a line"), "B=2\n");
        assert_eq!(set("A=1\nA=2\n", "A", "3").expect("a line"), "A=3\nA=2\n");
        for key in ["sops_x", "a=b", "a\nb", "#a"] {
            assert!(matches!(set("A=1\n", key, "x"), Err(Error::Tree { .. })), "{key}");
        }
        let deep = [Step::Key("A".into()), Step::Key("b".into())];
        let deep = changed("A=1", |source, edits| Dotenv.set(source, &deep, &[leaf("", "x")], edits));
        assert!(matches!(deep, Err(Error::Tree { .. })));
        for (text, index, wanted) in [("A=1\nB=2\n", 1, "B=2\n"), ("A=1\nB=2\n", 2, "A=1\n"), ("A=1\nB=2", 2, "A=1")] {
            let removed = changed(text, |source, edits| {
                Dotenv.remove(source, index, edits);
                Ok(())
            });
            assert_eq!(removed.expect("edits apply"), wanted);
        }
    }

    #[test]
    fn trees_are_lines_or_refused() {
        let comment = Event::Comment { text: Cow::Borrowed(b" c\nd"), inline: true };
        let float = Event::Leaf(Some("F".into()), Value::Float(1.0));
        let mut events = vec![Event::Map(None), comment, leaf("A", "x\ny"), float];
        events.push(Event::Map(Some("sops".into())));
        events.extend(metadata("3.13.2").drain(1..));
        events.push(Event::End);
        assert_eq!(tree(&events).expect("a tree"), format!("# c\n#d\nA=x\\ny\nF=1.0\n{LINES}\n"));
        events.insert(1, leaf("sops_x", ""));
        let error = tree(&events).expect_err("a reserved key").to_string();
        assert!(error.contains("starts with the reserved key prefix \"sops_\""), "{error}");
        let list = [Event::Map(None), Event::List(Some("l".into())), Event::End, Event::End];
        let error = tree(&list).expect_err("a list").to_string();
        assert!(error.contains("cannot use complex value in dotenv file; offending key l"), "{error}");
        for member in [leaf("A", "\\n"), leaf("A=", ""), Event::Leaf(Some("A".into()), Value::Null)] {
            assert!(matches!(tree(&[Event::Map(None), member, Event::End]), Err(Error::Tree { .. })));
        }
    }
}
