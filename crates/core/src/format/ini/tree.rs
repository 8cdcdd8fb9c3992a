//! A tree as INI text, spelled as the reference spells it.
//!
//! The reference writes without looking: a value that ends with a backslash swallows the next line, a key `#1` becomes a
//! comment. Every key and value is read back here, takes other quotes where that helps, and is refused where nothing does.

use super::scan::{TRIPLE, read_key};
use super::value::{CANNOT, spelled, text_of};
use super::{metadata, value::Secret};
use crate::error::Error;
use crate::format::flat::refused;
use crate::outline::Event;
use crate::path::display_keys;
use std::borrow::Cow;
use std::collections::HashSet;

/// A key with its value, both as they are written.
pub(super) struct Entry {
    pub name: String,
    pub value: Secret,
    pub comments: Vec<String>,
}

#[derive(Default)]
struct Section<'a> {
    name: Cow<'a, str>,
    comments: Vec<String>,
    entries: Vec<Entry>,
    keys: HashSet<Cow<'a, str>>,
}

/// Writes a tree.
///
/// # Errors
/// [`Error::Tree`] for what INI cannot carry.
pub(super) fn write(events: &[Event<'_>], out: &mut Vec<u8>) -> Result<(), Error> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut floating: Vec<String> = Vec::new();
    let mut branch: Option<Vec<Event<'_>>> = None;
    let mut rest = events.get(1..events.len().saturating_sub(1)).unwrap_or_default();
    while let Some((event, behind)) = rest.split_first() {
        rest = behind;
        match event {
            Event::Comment { text, .. } => floating.push(String::from_utf8_lossy(text).into_owned()),
            Event::Map(Some(key)) if key == "sops" => {
                let members = members(&mut rest);
                if branch.is_some() {
                    let problem =
                        "Found key \"sops\" in encrypted data, which is a reserved key used for SOPS metadata";
                    return Err(refused(key, problem));
                }
                branch = Some([&[Event::Map(None)], members].concat());
            }
            Event::Map(Some(key)) => {
                check_section(key)?;
                let comments = std::mem::take(&mut floating);
                let mut section = Section { name: key.clone(), comments, ..Section::default() };
                section.read(members(&mut rest))?;
                sections.push(section);
            }
            Event::Map(None) | Event::List(_) | Event::Leaf(..) => {
                let key = match event {
                    Event::Leaf(key, _) | Event::List(key) => key.as_deref(),
                    _ => None,
                };
                let problem = "Error encoding section: Section values should always be TreeBranches";
                return Err(refused(key.unwrap_or(""), problem));
            }
            Event::End => {}
        }
    }
    for (position, section) in sections.iter().enumerate() {
        let is_default = position == 0 && section.name == "DEFAULT";
        if is_default && section.entries.is_empty() && section.comments.is_empty() {
            continue;
        }
        out.extend((!out.is_empty()).then_some(b'\n'));
        comments(&section.comments, out);
        if !is_default {
            out.push(b'[');
            out.extend_from_slice(section.name.as_bytes());
            out.extend_from_slice(b"]\n");
        }
        write_entries(&section.entries, "\n", out);
    }
    if !floating.is_empty() {
        out.extend((!out.is_empty()).then_some(b'\n'));
        comments(&floating, out);
    }
    if let Some(branch) = branch {
        out.extend((!out.is_empty()).then_some(b'\n'));
        metadata::write(&branch, "\n", out);
        out.push(b'\n');
    }
    Ok(())
}

/// Takes the members of a mapping, its end included.
fn members<'e, 'a>(rest: &mut &'e [Event<'a>]) -> &'e [Event<'a>] {
    let mut depth = 1usize;
    let length = rest.iter().position(|event| {
        match event {
            Event::Map(_) | Event::List(_) => depth += 1,
            Event::End => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let (members, behind) = rest.split_at(length.map_or(rest.len(), |length| length + 1));
    *rest = behind;
    members
}

impl<'a> Section<'a> {
    fn read(&mut self, members: &'a [Event<'_>]) -> Result<(), Error> {
        for event in members {
            match event {
                Event::Leaf(Some(key), value) => {
                    let refuse = |problem: &str| {
                        let path = display_keys([self.name.as_bytes(), key.as_bytes()].into_iter());
                        Err(Error::Tree { line: 0, path, problem: problem.into() })
                    };
                    let Some(name) = written_key(key) else { return refuse(BAD_KEY) };
                    if !self.keys.insert(Cow::Borrowed(key)) {
                        return refuse("the key stands twice in its section, of which INI keeps one");
                    }
                    match text_of(value).map(|text| spelled(&text, "\n")) {
                        Ok(Some(value)) => self.entries.push(Entry { name, value, comments: Vec::new() }),
                        Ok(None) => return refuse(CANNOT),
                        Err(problem) => return refuse(problem),
                    }
                }
                Event::Comment { text, .. } => {
                    // compat: the comment of the key in front of it.
                    let comments = self.entries.last_mut().map_or(&mut self.comments, |entry| &mut entry.comments);
                    comments.push(String::from_utf8_lossy(text).into_owned());
                }
                Event::Map(key) | Event::List(key) | Event::Leaf(key, _) => {
                    let key = key.as_deref().unwrap_or("");
                    let path = display_keys([self.name.as_bytes(), key.as_bytes()].into_iter());
                    return Err(Error::Tree { line: 0, path, problem: COMPLEX.into() });
                }
                Event::End => {}
            }
        }
        Ok(())
    }
}

pub(super) const COMPLEX: &str = "a key of an INI section holds a text; a list or mapping needs another format";
pub(super) const BAD_KEY: &str = "INI cannot write this key; rename it";

/// # Errors
/// [`Error::Tree`] for a name that no header can have.
pub(super) fn check_section(name: &str) -> Result<(), Error> {
    match name.is_empty() || name.contains('\n') {
        true => Err(refused(name, "a section name is not empty and has no line break; rename the section")),
        false => Ok(()),
    }
}

/// A key as the reference writes it, or in other quotes where that would be read as something else.
pub(super) fn written_key(key: &str) -> Option<String> {
    let first = if key.contains(['"', '=', ':']) {
        "`"
    } else if key.contains('`') {
        TRIPLE
    } else {
        ""
    };
    let mut forms = [first, "", "`", "\"", TRIPLE].into_iter().map(|quote| format!("{quote}{key}{quote}"));
    forms.find(|form| read_key(&format!("{form} = \n")).as_deref() == Some(key))
}

/// Writes lines `key = value`, aligned.
pub(super) fn write_entries(entries: &[Entry], newline: &str, out: &mut Vec<u8>) {
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in entries {
        comments(&entry.comments, out);
        out.extend_from_slice(entry.name.as_bytes());
        out.extend(std::iter::repeat_n(b' ', width - entry.name.len()));
        out.extend_from_slice(b" = ");
        out.extend_from_slice(entry.value.as_bytes());
        out.extend_from_slice(newline.as_bytes());
    }
}

fn comments(comments: &[String], out: &mut Vec<u8>) {
    for line in comments.iter().filter(|comment| !comment.is_empty()).flat_map(|comment| comment.split('\n')) {
        comment_line(line, out);
        out.push(b'\n');
    }
}

/// Writes one line of a comment, as the reference does; it crashes on an empty one.
pub(super) fn comment_line(line: &str, out: &mut Vec<u8>) {
    let (marker, rest) = match line.strip_prefix(['#', ';']) {
        Some(rest) => (&line[..1], rest.trim()),
        None => (";", line.trim()),
    };
    out.extend_from_slice(marker.as_bytes());
    out.extend((!line.is_empty()).then_some(b' '));
    out.extend_from_slice(rest.as_bytes());
}
