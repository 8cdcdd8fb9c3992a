//! A parsed pattern: nodes in one list, parts before the whole, so that nothing recurses however deep it nests.

use regex_syntax::hir::ClassUnicode;

/// The place of a node in its tree.
pub(super) type NodeId = usize;

/// A pattern without flags, names and groups; those are resolved into the nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    pub sets: Vec<ClassUnicode>,
    pub root: NodeId,
    /// How deep it nests.
    pub height: usize,
    /// How many instructions it takes.
    pub size: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    Char(char),
    /// A character of a set.
    Set(u32),
    Look(Look),
    Repeat {
        inner: NodeId,
        least: u32,
        most: Option<u32>,
    },
    Concat(Vec<NodeId>),
    Alternate(Vec<NodeId>),
}

/// A condition on a place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    /// Between an ASCII word character and none.
    Boundary,
    NoBoundary,
}

impl Look {
    /// Whether it holds between two characters.
    pub(super) fn holds(self, before: Option<char>, after: Option<char>) -> bool {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        match self {
            Look::TextStart => before.is_none(),
            Look::TextEnd => after.is_none(),
            Look::LineStart => matches!(before, None | Some('\n')),
            Look::LineEnd => matches!(after, None | Some('\n')),
            Look::Boundary => is_word(before) != is_word(after),
            Look::NoBoundary => is_word(before) == is_word(after),
        }
    }
}
