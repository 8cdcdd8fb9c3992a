//! Where the `sops` branch goes in a person's own text, and how it leaves again.
//!
//! The branch is put behind the last line that is not blank and in front of its line break, so that a file without a
//! final newline stays one, and so that taking it out gives the very bytes back. Comments at the end of the file stay
//! above it, as the reference's own files have them.

use super::write;
use crate::outline::{Document, Event, Item, Node, Outline, Span, Texts};
use crate::splice::Edits;

/// The line ending of the text: that of its first line, LF if there is none.
pub(crate) fn line_ending(source: &str) -> &'static str {
    match source.find(['\n', '\r']) {
        Some(at) if source[at..].starts_with("\r\n") => "\r\n",
        Some(at) if source[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// Whether a top-level item is the metadata.
pub(crate) fn is_branch(item: &Item, root: u32, texts: Texts<'_>) -> bool {
    item.parent == root && item.key().is_some_and(|k| k.bytes(texts) == b"sops")
}

/// The items of a document's top level, comments left out.
pub(crate) fn top_level(outline: &Outline, root: u32) -> impl Iterator<Item = u32> + '_ {
    let end = outline.items[root as usize].end;
    let mut next = root + 1;
    std::iter::from_fn(move || {
        while next < end {
            let index = next;
            let item = &outline.items[index as usize];
            next = item.end;
            if !matches!(item.node, Node::Comment { .. }) {
                return Some(index);
            }
        }
        None
    })
}

/// The metadata branches of all documents that have one.
pub(crate) fn branches(outline: &Outline, source: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let texts = outline.texts(source);
    for document in &outline.documents {
        found.extend(
            top_level(outline, document.root).filter(|i| is_branch(&outline.items[*i as usize], document.root, texts)),
        );
    }
    found
}

/// The length of the line break that ends at `at`.
fn break_before(source: &str, at: usize) -> usize {
    let head = &source.as_bytes()[..at];
    match head {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n' | b'\r'] => 1,
        [.., 0xC2, 0x85] => 2,
        [.., 0xE2, 0x80, 0xA8 | 0xA9] => 3,
        _ => 0,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The last place of a document's content: behind its last text, in front of the line break.
pub(crate) fn content_end(source: &str, outline: &Outline, document: &Document) -> usize {
    let (start, end) = (document.start as usize, document.end as usize);
    let region = &source.as_bytes()[start..end];
    let text = region.iter().rposition(|b| !is_blank(*b)).map_or(start, |i| start + i + 1);
    let text = text + tabbed_lines(&source[text..end]);
    let root = outline.items[document.root as usize].span;
    // A document without a node has its empty root where the next one starts.
    let root_end = if root.is_empty() { start } else { root.end as usize };
    let ends_block = outline.items[document.root as usize + 1..outline.items[document.root as usize].end as usize]
        .iter()
        .rev()
        .find(|i| !matches!(i.node, Node::Comment { .. }) && !outline.is_copy(i))
        .is_some_and(|i| outline.block(i).is_some());
    let last = if ends_block { root_end - break_before(source, root_end) } else { root_end };
    text.max(last.min(end)).max(start)
}

/// The length of what must stay in front of the branch: blank lines up to the last one with a tab. Behind the branch it
/// would be a continuation of its last value, whose indentation a tab violates.
fn tabbed_lines(blanks: &str) -> usize {
    let first = blanks.find(['\n', '\r']).unwrap_or(blanks.len());
    let Some(tab) = blanks[first..].rfind('\t').map(|tab| first + tab) else { return 0 };
    tab + blanks[tab..].find(['\n', '\r']).unwrap_or(blanks.len() - tab)
}

/// Where a branch stands among the entries of its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the last one, as in every new file.
    #[default]
    Last,
    /// In front of the first one.
    First,
    /// Behind the entry with this key.
    After(Box<[u8]>),
}

/// A metadata branch to be put into a document.
pub(crate) struct Branch<'a> {
    /// The branch, its root map without a key.
    pub events: &'a [Event<'a>],
    /// The text of the entry, key included, where it was there before; for new ones it is made of `events`.
    pub written: Option<String>,
    pub indent: usize,
    pub place: Place,
}

impl Branch<'_> {
    /// The entry from its key on, without the last line break.
    fn entry(&self, document: &Document, quoted: bool, newline: &'static str) -> String {
        if let Some(written) = &self.written {
            return written.clone();
        }
        let mut text = String::new();
        if document.flow_root {
            text.push_str(if quoted { "\"sops\": " } else { "sops: " });
            write::flow(self.events, &mut text);
        } else {
            text.push_str("sops:");
            let column = if document.empty_root { 0 } else { document.column as usize };
            write::block(self.events, column, &write::Options { indent: self.indent, line_ending: newline }, &mut text);
        }
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        text
    }
}

/// Puts the metadata branch into one document.
pub(crate) fn insert_branch(
    source: &str,
    outline: &Outline,
    document: &Document,
    branch: &Branch<'_>,
    edits: &mut Edits<'_>,
) {
    if document.flow_root {
        return insert_into_flow(source, outline, document, branch, edits);
    }
    let root = &outline.items[document.root as usize];
    if document.empty_root && !root.span.is_empty() {
        edits.replace(root.span, |_| ());
    }
    let newline = line_ending(source);
    let column = if document.empty_root { 0 } else { document.column as usize };
    let text = branch.entry(document, false, newline);
    let first = match branch.place {
        Place::First => top_level(outline, document.root).next(),
        _ => None,
    };
    if let Some(first) = first {
        let at = outline.items[first as usize].entry_start;
        edits.replace(Span { start: at, end: at }, |out| {
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(newline.as_bytes());
            out.extend(std::iter::repeat_n(b' ', column));
        });
        return;
    }
    let end_of = |key: &[u8]| {
        let texts = outline.texts(source);
        let mut entries = top_level(outline, document.root);
        let entry = entries.find(|i| outline.items[*i as usize].key().is_some_and(|k| k.bytes(texts) == key))?;
        Some(entry_end(source, outline, entry))
    };
    let at = match &branch.place {
        Place::After(key) => end_of(key),
        _ => None,
    };
    let at = at.unwrap_or_else(|| content_end(source, outline, document));
    edits.replace(Span::new(at, at), |out| {
        out.extend_from_slice(newline.as_bytes());
        out.extend(std::iter::repeat_n(b' ', column));
        out.extend_from_slice(text.as_bytes());
    });
}

/// Where the last line of an entry ends: behind its text and a comment on that line, in front of the line break.
pub(crate) fn entry_end(source: &str, outline: &Outline, entry: u32) -> usize {
    let item = &outline.items[entry as usize];
    let inside = &outline.items[entry as usize..item.end as usize];
    let end = inside.iter().map(|i| i.span.end).max().unwrap_or(item.entry_start) as usize;
    let end = end.max(item.entry_start as usize);
    // The blank lines of a kept block are its text.
    let last = inside.iter().rfind(|i| i.is_leaf() && !outline.is_copy(i)).and_then(|i| outline.block(i));
    if last.is_some_and(|block| block.chomp > 0 && block.content.end as usize == end) {
        return end - break_before(source, end);
    }
    let text = source[..end].trim_end_matches([' ', '\t', '\n', '\r']).len().max(item.entry_start as usize);
    text + source[text..].find(['\n', '\r']).unwrap_or(source.len() - text)
}

fn insert_into_flow(source: &str, outline: &Outline, document: &Document, branch: &Branch<'_>, edits: &mut Edits<'_>) {
    let root = &outline.items[document.root as usize];
    let last = top_level(outline, document.root).last();
    let quoted = source.as_bytes()[root.span.start as usize..].iter().skip(1).find(|b| !is_blank(**b)) == Some(&b'"');
    let mut text = branch.entry(document, quoted, line_ending(source));
    let at = match last {
        Some(last) => {
            text.insert_str(0, ", ");
            outline.items[last as usize].span.end
        }
        None => root.span.start + 1,
    };
    edits.replace(Span { start: at, end: at }, |out| out.extend_from_slice(text.as_bytes()));
}

/// Where a branch stands among the entries of its document.
pub(crate) fn place(source: &str, outline: &Outline, document: &Document, branch: u32) -> Place {
    let siblings: Vec<u32> = top_level(outline, document.root).collect();
    let position = siblings.iter().position(|s| *s == branch).unwrap_or(0);
    if document.flow_root || position + 1 == siblings.len() {
        return Place::Last;
    }
    let previous = position.checked_sub(1).and_then(|p| outline.items[siblings[p] as usize].key());
    previous.map_or(Place::First, |k| Place::After(k.bytes(outline.texts(source)).into()))
}

/// The bytes a branch takes, to be removed, and whether nothing else is left in an unmarked first document.
pub(crate) fn branch_span(source: &str, outline: &Outline, document: &Document, branch: u32) -> (Span, bool) {
    let item = &outline.items[branch as usize];
    let siblings: Vec<u32> = top_level(outline, document.root).collect();
    let position = siblings.iter().position(|s| *s == branch).unwrap_or(0);
    if document.flow_root {
        let previous = position.checked_sub(1).map(|p| outline.items[siblings[p] as usize].span.end);
        let next = siblings.get(position + 1).map(|s| outline.items[*s as usize].entry_start);
        return (
            match (previous, next) {
                (Some(start), _) => Span { start, end: item.span.end },
                (None, Some(end)) => Span { start: item.entry_start, end },
                (None, None) => Span { start: item.entry_start, end: item.span.end },
            },
            false,
        );
    }
    let bytes = source.as_bytes();
    let entry = item.entry_start as usize;
    let mut line_start = entry;
    while line_start > document.start as usize && matches!(bytes[line_start - 1], b' ' | b'\t') {
        line_start -= 1;
    }
    let mut end = item.span.end.max(item.entry_start) as usize;
    while end > entry && is_blank(bytes[end - 1]) {
        end -= 1;
    }
    // compat: the reference prints an empty first document as `{}`; one that a person marked with `---` stays empty.
    let alone = siblings.len() == 1 && document.start == 0;
    if alone {
        return (Span::new(line_start, end), true);
    }
    match break_before(source, line_start) {
        0 => (Span::new(line_start, end + break_at(source, end)), false),
        before => (Span::new(line_start - before, end), false),
    }
}

fn break_at(source: &str, at: usize) -> usize {
    super::scan::break_len(source.as_bytes(), at)
}

/// Puts the metadata in the place of a placeholder branch.
pub(crate) fn replace_branch(
    source: &str,
    outline: &Outline,
    document: &Document,
    placeholder: u32,
    branch: &Branch<'_>,
    edits: &mut Edits<'_>,
) {
    let item = &outline.items[placeholder as usize];
    let quoted = source.as_bytes().get(item.entry_start as usize) == Some(&b'"');
    let text = branch.entry(document, quoted, line_ending(source));
    edits.replace(entry_span(source, item), |out| out.extend_from_slice(text.as_bytes()));
}

/// An entry from its key to the end of its text.
pub(crate) fn entry_span(source: &str, item: &Item) -> Span {
    let mut end = item.span.end.max(item.entry_start) as usize;
    while end > item.entry_start as usize && is_blank(source.as_bytes()[end - 1]) {
        end -= 1;
    }
    Span::new(item.entry_start as usize, end)
}
