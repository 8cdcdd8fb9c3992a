//! The nodes of a text: a flat arena between the parser, which makes it, and the converter, which makes items of it.
//!
//! It lives for a moment only, but while it lives it is as large as the document: a line `key: value` is one node.

use super::scan::Scanned;
use crate::outline::{NONE, Span, Style, Text};
use std::collections::HashMap;

/// A range of comment pieces.
pub(crate) type Pieces = Vec<(u32, u32)>;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// A scalar.
    Scalar { text: Text, style: Style },
    /// A plain key, which is the node, and a value on the same line that has no comment, tag or anchor.
    Pair { text: Text, style: Style },
    /// A missing node.
    Empty,
    /// A mapping.
    Map(Collection),
    /// A sequence.
    Seq(Collection),
    /// An alias to a node.
    Alias(u32),
}

/// What only mappings and sequences have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Collection {
    /// Whether it is written in flow style.
    pub flow: bool,
    /// Whether the node is complete; an alias to an open node contains itself.
    pub closed: bool,
    /// Column of the block collection that its members stand in.
    pub column: u32,
    /// Its first member, [`NONE`] if it is empty.
    pub first: u32,
}

impl Collection {
    /// One that starts.
    pub fn new(flow: bool) -> Collection {
        Collection { flow, closed: false, column: 0, first: NONE }
    }
}

/// One node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub kind: NodeKind,
    /// Without tag and anchor.
    pub start: u32,
    pub end: u32,
    /// Start of the entry it belongs to: `?`, dash, anchor, tag or the node itself.
    pub entry_start: u32,
    /// Index into [`Parsed::extras`], [`NONE`] for most.
    pub extra: u32,
    /// The next member of the collection around it.
    pub next: u32,
}

impl Node {
    /// What a mapping or sequence has.
    pub fn collection(&self) -> Option<&Collection> {
        match &self.kind {
            NodeKind::Map(collection) | NodeKind::Seq(collection) => Some(collection),
            _ => None,
        }
    }

    /// What a mapping or sequence has.
    pub fn collection_mut(&mut self) -> Option<&mut Collection> {
        match &mut self.kind {
            NodeKind::Map(collection) | NodeKind::Seq(collection) => Some(collection),
            _ => None,
        }
    }
}

/// Where a scalar without escapes stands, quotes included.
pub(crate) fn scalar_span(text: Text, style: Style) -> Span {
    let span = text.span().unwrap_or_default();
    match style {
        Style::Single | Style::Double => Span { start: span.start - 1, end: span.end + 1 },
        _ => span,
    }
}

/// The tag and the comments of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    /// The tag in the source, empty if none.
    pub tag: Span,
    pub comments: Comments,
}

/// The comments of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comments {
    pub head: Pieces,
    pub line: Pieces,
    pub foot: Pieces,
}

/// One document.
#[derive(Clone, Debug)]
pub(crate) struct ParsedDocument {
    pub root: u32,
    pub start: u32,
    pub end: u32,
    pub foot: Pieces,
    /// `%TAG` handles in force: handle and prefix.
    pub tags: Vec<(Span, Span)>,
}

/// All nodes of the stream.
#[derive(Default)]
pub(crate) struct Parsed {
    pub nodes: Vec<Node>,
    pub extras: Vec<Extra>,
    pub documents: Vec<ParsedDocument>,
    /// How many nodes are keys of other nodes: they make no item of their own.
    pub keys: usize,
    /// What the scanner made, its tokens gone.
    pub scanned: Scanned,
}

impl Parsed {
    pub fn tag(&self, node: &Node) -> Span {
        self.extras.get(node.extra as usize).map_or(Span::default(), |e| e.tag)
    }

    /// The comments no node takes, by the innermost collection around them (`NONE - 1 - n` for an empty document n).
    pub fn dropped_comments(&self, documents: &[ParsedDocument]) -> HashMap<u32, Vec<u32>> {
        let scanned = &self.scanned;
        let mut taken = vec![false; scanned.pieces.len()];
        let mut mark = |pieces: &Pieces| {
            for &(from, to) in pieces {
                for piece in from..to {
                    taken[piece as usize] = true;
                }
            }
        };
        for comments in self.extras.iter().map(|e| &e.comments) {
            mark(&comments.head);
            mark(&comments.line);
            mark(&comments.foot);
        }
        documents.iter().for_each(|d| mark(&d.foot));
        let mut result: HashMap<u32, Vec<u32>> = HashMap::new();
        if taken.iter().all(|t| *t) {
            return result;
        }
        // Collections in order of their start, with a stack of those that are open at a comment.
        let mut collections: Vec<u32> =
            (0..self.nodes.len() as u32).filter(|i| self.nodes[*i as usize].collection().is_some()).collect();
        collections.sort_by_key(|i| self.nodes[*i as usize].start);
        let mut next = 0;
        let mut open: Vec<u32> = Vec::new();
        for (piece, span) in scanned.pieces.iter().enumerate() {
            while next < collections.len() && self.nodes[collections[next] as usize].start <= span.start {
                open.push(collections[next]);
                next += 1;
            }
            if taken[piece] {
                continue;
            }
            while open.last().is_some_and(|o| self.nodes[*o as usize].end <= span.start) {
                open.pop();
            }
            let document = documents.iter().rposition(|d| d.start <= span.start).unwrap_or(0);
            let root = documents[document].root;
            let in_root = matches!(self.nodes[root as usize].kind, NodeKind::Map(_));
            let fallback = if in_root { root } else { NONE - 1 - document as u32 };
            let home = open.last().copied().filter(|o| self.nodes[*o as usize].start >= documents[document].start);
            result.entry(home.unwrap_or(fallback)).or_default().push(piece as u32);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn nodes_are_small() {
        assert_eq!(size_of::<Node>(), 36);
    }
}
