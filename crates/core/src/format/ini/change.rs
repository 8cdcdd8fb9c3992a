//! One value set, one entry removed, and nothing else touched.

use super::metadata::{content_end, content_start, leaves, line_ending, name, put, sections};
use super::tree::{BAD_KEY, COMPLEX, check_section, written_key};
use super::value::{CANNOT, Secret, spelled, text_of, write_value};
use crate::error::Error;
use crate::format::flat::refused;
use crate::format::syntax::Source;
use crate::outline::{Event, Item, Node, Outline, Span};
use crate::path::{Step, display_keys};
use crate::splice::Edits;
use crate::value::Value;
use zeroize::Zeroizing;

/// Sets the value of a key, or makes a section.
///
/// # Errors
/// [`Error::Path`] for positions, [`Error::Tree`] for what INI has no place for.
pub(super) fn set(source: Source<'_>, path: &[Step], value: &[Event<'_>], edits: &mut Edits<'_>) -> Result<(), Error> {
    let (section, key) = match path {
        [Step::Key(section)] => (section, None),
        [Step::Key(section), Step::Key(key)] => (section, Some(key)),
        _ if path.iter().any(|step| matches!(step, Step::Index(_))) => {
            let reason = "INI has no lists; expected [\"section\"][\"key\"]".into();
            return Err(Error::Path { reason, malformed: false });
        }
        _ => return Err(tree(path, "INI has sections and keys only; expected [\"section\"][\"key\"]")),
    };
    let found = sections(source.outline).find(|index| name(source, *index) == section.as_bytes());
    match (key, value) {
        (Some(key), [Event::Leaf(_, value)]) => {
            let Some(found) = found else {
                return add_section(source, section, &[(key.as_str(), value)], edits);
            };
            match leaves(source, found).find(|(_, name, _)| *name == key.as_bytes()) {
                Some((index, ..)) => write_value(source, index, value, edits),
                None => add_key(source, found, section, key, value, edits),
            }
        }
        (Some(_), _) => Err(tree(path, COMPLEX)),
        (None, [Event::Map(_), members @ .., Event::End]) => {
            let mut pairs = Vec::new();
            for member in members {
                match member {
                    Event::Leaf(Some(key), value) => pairs.push((&**key, value)),
                    Event::Comment { .. } => {}
                    _ => return Err(tree(path, COMPLEX)),
                }
            }
            match found {
                Some(_) => Err(tree(path, "the section is there already; set its keys one by one")),
                None => add_section(source, section, &pairs, edits),
            }
        }
        (None, _) => Err(tree(path, "Error encoding section: Section values should always be TreeBranches")),
    }
}

fn tree(path: &[Step], problem: &str) -> Error {
    let keys = path.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_bytes()),
        Step::Index(_) => None,
    });
    Error::Tree { line: 0, path: display_keys(keys), problem: problem.into() }
}

/// A line `key = value` without a break.
fn line(section: &str, key: &str, delimiter: &str, value: &Value<'_>) -> Result<Secret, Error> {
    let refuse = |problem: &str| {
        let path = display_keys([section.as_bytes(), key.as_bytes()].into_iter());
        Err(Error::Tree { line: 0, path, problem: problem.into() })
    };
    let Some(name) = written_key(key) else { return refuse(BAD_KEY) };
    let value = match text_of(value).map(|text| spelled(&text, "\n")) {
        Ok(Some(value)) => value,
        Ok(None) => return refuse(CANNOT),
        Err(problem) => return refuse(problem),
    };
    let mut line = Zeroizing::new(String::with_capacity(name.len() + delimiter.len() + value.len()));
    line.push_str(&name);
    line.push_str(delimiter);
    line.push_str(&value);
    Ok(line)
}

fn add_section(
    source: Source<'_>,
    section: &str,
    pairs: &[(&str, &Value<'_>)],
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    check_section(section)?;
    if section == "sops" {
        return Err(Error::AlreadyEncrypted);
    }
    let newline = line_ending(source.text);
    let mut seen = std::collections::HashSet::new();
    let mut block = Zeroizing::new(Vec::new());
    block.push(b'[');
    block.extend_from_slice(section.as_bytes());
    block.push(b']');
    for (key, value) in pairs {
        if !seen.insert(*key) {
            return Err(refused(key, "the key stands twice in its section, of which INI keeps one"));
        }
        block.extend_from_slice(newline.as_bytes());
        block.extend_from_slice(line(section, key, " = ", value)?.as_bytes());
    }
    put(source.text, content_end(source.text), &block, edits);
    Ok(())
}

/// Adds a key behind the last one of its section, spaced like that.
fn add_key(
    source: Source<'_>,
    found: u32,
    section: &str,
    key: &str,
    value: &Value<'_>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let text = source.text;
    let Some(item) = source.outline.items.get(found as usize) else { return Ok(()) };
    let last =
        leaves(source, found).map(|(index, ..)| index).max_by_key(|index| source.outline.items[*index].span.start);
    let neighbour = last.and_then(|index| source.outline.items.get(index));
    let line = line(section, key, &neighbour.map_or(" = ".into(), |item| delimiter(text, item)), value)?;
    let at = item.span.end as usize;
    if at == content_start(text) {
        put(text, at, line.as_bytes(), edits);
        return Ok(());
    }
    let indent = neighbour.map_or("", |item| indent(text, item.entry_start as usize));
    let newline = line_ending(text).as_bytes();
    edits.replace(Span::new(at, at), |out| {
        // A backslash at the end of the text would take the new line in.
        let is_open = text[..at].trim_end().ends_with('\\') && text[at..].trim().is_empty();
        out.extend_from_slice(if is_open { newline } else { b"" });
        out.extend_from_slice(newline);
        out.extend_from_slice(indent.as_bytes());
        out.extend_from_slice(line.as_bytes());
    });
    Ok(())
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(content_start(text), |at| at + 1)
}

fn indent(text: &str, entry: usize) -> &str {
    let indent = &text[line_start(text, entry)..entry];
    if indent.trim_matches([' ', '\t']).is_empty() { indent } else { "" }
}

/// The delimiter of an entry with the blanks around it; alignment counts as one blank.
fn delimiter(text: &str, item: &Item) -> String {
    let key_end = item.key().and_then(|key| key.span()).map_or(item.entry_start, |key| key.end);
    let between = text[key_end as usize..].trim_start_matches(['"', '`']);
    let sign = between.find(['=', ':']).unwrap_or(0);
    let blank = |has: bool| if has { " " } else { "" };
    let (before, behind) = (sign > 0, between[sign..].chars().nth(1).is_some_and(char::is_whitespace));
    let sign = if between[sign..].starts_with(':') { ':' } else { '=' };
    format!("{}{sign}{}", blank(before), blank(behind || before))
}

/// Removes a key with its value and what an earlier value left, or a section with its comment.
pub(super) fn remove(source: Source<'_>, index: u32, edits: &mut Edits<'_>) {
    let outline: &Outline = source.outline;
    let Some(item) = outline.items.get(index as usize) else { return };
    let mut spans = vec![Span { start: item.entry_start, end: item.span.end }];
    let inside = outline.items.get(index as usize + 1..item.end as usize).unwrap_or_default();
    match item.node {
        Node::Map => {
            let first = inside.iter().map(|item| item.entry_start).min().unwrap_or(item.entry_start);
            spans[0].start = first.min(item.entry_start);
        }
        _ => {
            let behind = outline.items.get(index as usize + 1..).unwrap_or_default();
            let shadows =
                behind.iter().take_while(|next| matches!(next.node, Node::Comment { .. }) && next.key().is_some());
            spans.extend(shadows.map(|shadow| shadow.span));
        }
    }
    spans.sort_by_key(|span| span.start);
    let mut removed = 0;
    for span in spans {
        let whole = lines(source.text, span, matches!(item.node, Node::Map));
        let whole = Span { start: whole.start.max(removed), end: whole.end };
        if whole.start < whole.end {
            removed = whole.end;
            edits.replace(whole, |_| ());
        }
    }
}

/// The whole lines around a span; with the blank line in front of a section.
fn lines(text: &str, span: Span, is_section: bool) -> Span {
    let start = line_start(text, span.start as usize);
    let end = span.end as usize;
    let end = end + text[end..].find('\n').map_or(text.len() - end, |at| at + 1);
    let above = &text[..start];
    let first = content_start(text);
    let without = |above: &str| above.strip_suffix("\r\n").or_else(|| above.strip_suffix('\n')).map(str::len);
    if text[..end].ends_with('\n') {
        let start = match without(above).filter(|_| is_section) {
            Some(at) if text[..at].ends_with('\n') => at,
            _ => start,
        };
        return Span::new(start.max(first), end);
    }
    Span::new(without(above).unwrap_or(start).max(first), end)
}
