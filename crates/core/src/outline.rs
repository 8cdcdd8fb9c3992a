//! The flat outline of a document: every node with its byte spans, in walk order.
//!
//! A document is its source text plus this list. Nodes are indices, not boxes: depth 10,000 needs no recursion and
//! dropping cannot overflow the stack. Values borrow from the source wherever the text stands there verbatim.

use crate::value::{Timestamp, Value};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// A range of byte offsets into the source, end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }
    /// The length in bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }
    /// Whether the span has no bytes.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
    /// The span as an index range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Text that stands verbatim in the source, or had to be unescaped, folded or put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// The range; [`Text::MADE`] in `start` says that it is one of [`Outline::made`].
    start: u32,
    end: u32,
}

impl Text {
    const MADE: u32 = 1 << 31;
    const NONE: Text = Text { start: u32::MAX, end: u32::MAX };

    /// These bytes of the source, which is shorter than 2 GiB.
    pub fn source(span: Span) -> Text {
        Text { start: span.start, end: span.end }
    }

    /// A range of [`Outline::made`].
    pub(crate) fn made(range: std::ops::Range<usize>) -> Text {
        Text { start: range.start as u32 | Text::MADE, end: range.end as u32 }
    }

    /// Where it stands in the source, if it does so verbatim.
    pub fn span(self) -> Option<Span> {
        (self.start & Text::MADE == 0).then_some(Span { start: self.start, end: self.end })
    }

    /// The bytes.
    pub fn bytes<'a>(self, texts: Texts<'a>) -> &'a [u8] {
        match self.span() {
            Some(span) => &texts.source.as_bytes()[span.range()],
            None => &texts.made[(self.start & !Text::MADE) as usize..self.end as usize],
        }
    }
}

/// Where the texts of an outline lie: the source, and what differs from it.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    pub(crate) source: &'a str,
    pub(crate) made: &'a [u8],
}

/// A typed scalar of the outline; strings may borrow from the source.
#[derive(Clone, Debug)]
pub enum Scalar {
    /// Null.
    Null,
    /// Boolean.
    Bool(bool),
    /// Signed 64-bit integer.
    Int(i64),
    /// Double.
    Float(f64),
    /// Time.
    Time(Box<Timestamp>),
    /// Text.
    Str(Text),
}

impl Scalar {
    /// The value, borrowing from `texts`.
    pub fn value<'a>(&self, texts: Texts<'a>) -> Value<'a> {
        match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(*b),
            Scalar::Int(i) => Value::Int(*i),
            Scalar::Float(f) => Value::Float(*f),
            Scalar::Time(t) => Value::Time(**t),
            Scalar::Str(t) => Value::Str(Cow::Borrowed(t.bytes(texts))),
        }
    }
}

/// How a scalar is written in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `x`
    Plain,
    /// `'x'`
    Single,
    /// `"x"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// An explicit tag, by what it means for a token that takes the scalar's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// No tag.
    None,
    /// `!!str`, or `!`, or a tag of the user's own: it may stay in front of a token.
    Stays,
    /// `!!int !!float !!bool !!null !!timestamp !!binary`: it must go when a token is written.
    MustGo,
}

/// What an item is.
#[derive(Clone, Debug)]
pub enum Node {
    /// A mapping; its entries are the items up to [`Item::end`].
    Map,
    /// A list; its elements are the items up to [`Item::end`].
    List,
    /// A scalar (null included).
    Leaf(Scalar),
    /// A comment: text without the first `#`. `inline` is the reference's flag (text, not layout).
    Comment {
        /// Text without the introducer.
        text: Text,
        /// Whether the reference attaches it to the end of a value's line.
        inline: bool,
        /// Whether the reference would drop this comment on reading (it is still encrypted here).
        dropped: bool,
    },
}

/// No index.
pub const NONE: u32 = u32::MAX;

/// One node, comment included, in walk order.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is.
    pub node: Node,
    pub(crate) key: Text,
    /// The enclosing `Map` or `List` item; [`NONE`] for a document's root.
    pub parent: u32,
    /// One past the last item inside this one; `index + 1` for leaves and comments.
    pub end: u32,
    /// The node in the source without tag and anchor: quotes included; a block scalar from `|` or `>` to the end of
    /// its content (see [`Block`]); a comment from `#` to the end of its text. For a copy made by an alias: the alias
    /// (`*x`), for every item of the copy. Empty (at the place it would stand) for a missing node.
    pub span: Span,
    /// Start of the entry in the source: its key (or `? `, anchor or tag in front of it), dash, or the node itself.
    pub entry_start: u32,
    /// Column (characters) of the enclosing block collection; for the entries of the root mapping the root's column.
    pub column: u32,
    /// Index into [`Outline::extras`], [`NONE`] for most.
    pub(crate) extra: u32,
    /// The scalar's style; `Plain` for anything else.
    pub style: Style,
    /// Whether it stands inside a flow collection of the source (for collections: whether it *is* one).
    pub in_flow: bool,
}

impl Item {
    /// The key in the enclosing mapping; `None` in lists, for comments and for a document's root.
    pub fn key(&self) -> Option<Text> {
        (self.key != Text::NONE).then_some(self.key)
    }

    /// Whether it is a scalar.
    pub fn is_leaf(&self) -> bool {
        matches!(self.node, Node::Leaf(_))
    }

    pub(crate) fn set_key(&mut self, key: Option<Text>) {
        self.key = key.unwrap_or(Text::NONE);
    }
}

/// What few items have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    /// The source of the explicit tag, empty if there is none.
    pub tag_span: Span,
    /// What the tag means for a token.
    pub tag: Tag,
    /// Index into [`Outline::blocks`] for literal and folded scalars, else [`NONE`].
    pub block: u32,
    /// Index into [`Outline::aliases`] for items that are (part of) the copy an alias makes, else [`NONE`].
    pub alias: u32,
}

impl Extra {
    /// That of most items.
    pub const NOTHING: Extra = Extra { tag_span: Span { start: 0, end: 0 }, tag: Tag::None, block: NONE, alias: NONE };
}

/// The layout of a literal or folded scalar.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// `|` or `>` and its indicators, without blanks and comment behind.
    pub header: Span,
    /// From the first byte of the line after the header to the end of the text: the last text line's line break
    /// included; with `+` the following blank lines too; otherwise they are outside.
    pub content: Span,
    /// Column of the content, in characters (= bytes, it is all spaces).
    pub indent: u32,
    /// The explicit indentation digit, 0 if none.
    pub digit: u8,
    /// `-` (negative), clip (0), `+` (positive).
    pub chomp: i8,
}

/// One use of an alias (`*x`), with the items of its copy.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// `*x` in the source.
    pub span: Span,
    /// The first item of the copy; [`Item::end`] of it ends the copy.
    pub item: u32,
    /// Whether it stands inside a flow collection.
    pub in_flow: bool,
    /// The anchored node in the source; empty when that is itself part of a copy.
    pub target: Span,
    /// Whether it is a key (`*x : 1`); then [`Alias::item`] is the item with this key.
    pub is_key: bool,
}

/// One document of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// The root `Map` item (always there, also for an empty document).
    pub root: u32,
    /// Where the document's content starts: behind `---` and its line's end, or the first byte.
    pub start: u32,
    /// Where the document's content ends: at `...`, `---`, the directives of the next one, or the end of the text.
    pub end: u32,
    /// Whether the root mapping is written in flow style (`{…}`); its span is then the root item's.
    pub flow_root: bool,
    /// Whether there is no root node at all, or an explicit null (span in the root item).
    pub empty_root: bool,
    /// Column of the root's keys, in characters.
    pub column: u32,
}

/// The whole text: documents and their items, depth first, in the order the reference walks them.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// All items, document by document.
    pub items: Vec<Item>,
    /// The documents in order.
    pub documents: Vec<Document>,
    /// Layouts of block scalars.
    pub blocks: Vec<Block>,
    /// Aliases used as values.
    pub aliases: Vec<Alias>,
    pub(crate) extras: Vec<Extra>,
    /// Texts that do not stand in the source verbatim, one behind the other; zeroed when dropped.
    pub(crate) made: Zeroizing<Vec<u8>>,
}

impl Outline {
    /// Where the texts lie, given the source the outline was made from.
    pub fn texts<'a>(&'a self, source: &'a str) -> Texts<'a> {
        Texts { source, made: &self.made }
    }

    /// Tag, block and alias of an item.
    pub fn extra(&self, item: &Item) -> Extra {
        self.extras.get(item.extra as usize).copied().unwrap_or(Extra::NOTHING)
    }

    /// Whether an item is (part of) the copy that an alias makes.
    pub fn is_copy(&self, item: &Item) -> bool {
        item.extra != NONE && self.extra(item).alias != NONE
    }

    /// Whether a token says that its value stood plain as it is: by the non-specific tag, which readers ignore.
    pub(crate) fn is_marked(&self, item: &Item, source: &str) -> bool {
        let tag = self.extra(item).tag_span;
        matches!(item.style, Style::Double | Style::Plain)
            && &source[tag.range()] == "!"
            && tag.end + 1 == item.span.start
    }

    /// The layout of a literal or folded scalar.
    pub fn block(&self, item: &Item) -> Option<&Block> {
        self.blocks.get(self.extra(item).block as usize)
    }

    /// A subtree as events, the first item without its key. `replaced` returns the text that stands in place of an
    /// item's own, if any.
    pub fn events<'a>(
        &'a self,
        source: &'a str,
        first: usize,
        end: usize,
        replaced: impl Fn(usize) -> Option<&'a [u8]>,
    ) -> Vec<Event<'a>> {
        let mut events = Vec::with_capacity((end - first) * 2);
        let mut open: Vec<usize> = Vec::new();
        let texts = self.texts(source);
        for index in first..end {
            while open.last().is_some_and(|e| *e <= index) {
                open.pop();
                events.push(Event::End);
            }
            let item = &self.items[index];
            let key = match item.key() {
                Some(key) if index != first => Some(String::from_utf8_lossy(key.bytes(texts))),
                _ => None,
            };
            match &item.node {
                Node::Map => events.push(Event::Map(key)),
                Node::List => events.push(Event::List(key)),
                Node::Leaf(scalar) => {
                    let value = match replaced(index) {
                        Some(text) => Value::Str(Cow::Borrowed(text)),
                        None => scalar.value(texts),
                    };
                    events.push(Event::Leaf(key, value));
                }
                Node::Comment { text, inline, .. } => {
                    let text = replaced(index).unwrap_or(text.bytes(texts));
                    events.push(Event::Comment { text: Cow::Borrowed(text), inline: *inline });
                }
            }
            if matches!(item.node, Node::Map | Node::List) {
                open.push(item.end as usize);
            }
        }
        events.extend(open.iter().map(|_| Event::End));
        events
    }
}

/// A node or comment of a tree without source text: what the writers take and what metadata is read from.
///
/// A tree is a flat list: `Map`/`List`, its members, `End`. The root of a document is a `Map` without a key.
#[derive(Clone)]
pub enum Event<'a> {
    /// A mapping starts.
    Map(Option<Cow<'a, str>>),
    /// A list starts.
    List(Option<Cow<'a, str>>),
    /// A scalar.
    Leaf(Option<Cow<'a, str>>, Value<'a>),
    /// A comment without its introducer.
    Comment {
        /// Text without `#`.
        text: Cow<'a, [u8]>,
        /// Whether it belongs to the end of the next value's line.
        inline: bool,
    },
    /// The innermost open mapping or list ends.
    End,
}
