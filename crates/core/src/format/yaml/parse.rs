//! The parser: tokens → a flat arena of nodes, each with the comments the reference attaches to it.
//!
//! An explicit state machine, so depth costs heap and not stack. The comment rules ("takes", "stem", the fix-ups after a
//! key and at a mapping's end) are those of `spec` §4.6 to §4.8 and have no meaning beyond being the reference's.

use super::comments::RecordKind;
use super::nodes::{Collection, Comments, Extra, Node, NodeKind, Parsed, ParsedDocument, Pieces, scalar_span};
use super::scan::{AHEAD, Directive, Scanner, Token, TokenKind};
use crate::error::Error;
use crate::outline::{NONE, Span, Style, Text};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSeq(bool),
    IndentlessSeq,
    BlockMapKey(bool),
    BlockMapValue,
    FlowSeq(bool),
    FlowSeqMapValue,
    FlowSeqMapEnd,
    FlowMapKey(bool),
    FlowMapValue,
    FlowMapEmptyValue,
    End,
}

struct Frame {
    node: u32,
    last: u32,
    /// The key that waits for its value.
    key: u32,
    previous_key: u32,
    column: u32,
}

struct Parser<'a> {
    src: &'a str,
    scanner: Scanner<'a>,
    at: usize,
    delivered: bool,
    next_record: usize,
    pending: Comments,
    stem: Pieces,
    state: State,
    states: Vec<State>,
    frames: Vec<Frame>,
    anchors: HashMap<&'a str, u32>,
    entry_start: u32,
    root: u32,
    out: Parsed,
}

/// Scans a text and parses it into nodes.
///
/// # Errors
/// [`Error::Syntax`] at the first place that the reference refuses; [`Error::Limit`] beyond 10,000 levels.
pub(crate) fn parse(src: &str) -> Result<Parsed, Error> {
    parse_with(src, true)
}

/// Like [`parse`]; without `by_lines` token by token throughout, to the same nodes but [`NodeKind::Pair`].
pub(super) fn parse_with(src: &str, by_lines: bool) -> Result<Parsed, Error> {
    let mut parser = Parser {
        src,
        scanner: Scanner::new(src, by_lines),
        at: 0,
        delivered: false,
        next_record: 0,
        pending: Comments::default(),
        stem: Vec::new(),
        state: State::DocumentStart,
        states: Vec::new(),
        frames: Vec::new(),
        anchors: HashMap::new(),
        entry_start: NONE,
        root: NONE,
        out: Parsed::default(),
    };
    while parser.state != State::End {
        parser.refill()?;
        parser.step()?;
    }
    parser.out.scanned = parser.scanner.finish();
    Ok(parser.out)
}

impl Parser<'_> {
    /// Sees to it that a step has its tokens.
    fn refill(&mut self) -> Result<(), Error> {
        let scanned = &self.scanner.out;
        if scanned.ended || self.at + AHEAD <= scanned.tokens.len() {
            return Ok(());
        }
        self.scanner.refill(std::mem::take(&mut self.at))
    }

    /// The current token; delivers the comment records that wait for it.
    fn peek(&mut self) -> Token {
        let token = self.token();
        if !std::mem::replace(&mut self.delivered, true) {
            self.deliver(token.start, token.kind == TokenKind::BlockEnd);
        }
        token
    }

    /// Delivers the comment records that wait for a token at `start`.
    fn deliver(&mut self, start: u32, is_block_end: bool) {
        while let Some(record) = self.scanner.out.records.get(self.next_record) {
            if record.anchor > start || record.kind == RecordKind::Head && is_block_end {
                break;
            }
            let slot = match record.kind {
                RecordKind::Head => &mut self.pending.head,
                RecordKind::Line => &mut self.pending.line,
                RecordKind::Foot => &mut self.pending.foot,
            };
            slot.push(record.pieces);
            self.next_record += 1;
        }
    }

    fn token(&self) -> Token {
        let tokens = &self.scanner.out.tokens;
        tokens.get(self.at).or(tokens.last()).copied().unwrap_or(Token::new(TokenKind::StreamEnd, 0, 0, 0, 0))
    }

    fn skip(&mut self) {
        self.at += 1;
        self.delivered = false;
    }

    fn error<T>(&self, token: Token, problem: &str) -> Result<T, Error> {
        Err(Error::Syntax { line: token.line + 1, column: token.column + 1, problem: problem.to_owned() })
    }

    fn pop(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn step(&mut self) -> Result<(), Error> {
        match self.state {
            State::DocumentStart => self.document_start(),
            State::DocumentContent => {
                let token = self.peek();
                match token.kind {
                    TokenKind::Directive | TokenKind::DocStart | TokenKind::DocEnd | TokenKind::StreamEnd => {
                        self.pop();
                        self.empty(token.start);
                        Ok(())
                    }
                    _ => self.node(true, false),
                }
            }
            State::BlockNode => self.node(true, false),
            State::DocumentEnd => self.document_end(),
            State::BlockSeq(first) => self.block_seq(first),
            State::IndentlessSeq => self.indentless_seq(),
            State::BlockMapKey(first) => self.block_map_key(first),
            State::BlockMapValue => self.block_map_value(),
            State::FlowSeq(first) => self.flow_seq(first),
            State::FlowSeqMapValue => self.flow_seq_map_value(),
            State::FlowSeqMapEnd => {
                let end = self.token().start;
                self.state = State::FlowSeq(false);
                self.close(end, None);
                Ok(())
            }
            State::FlowMapKey(first) => self.flow_map_key(first),
            State::FlowMapValue => self.flow_map_value(),
            State::FlowMapEmptyValue => {
                self.state = State::FlowMapKey(false);
                let end = self.token().start;
                self.empty(end);
                Ok(())
            }
            State::End => Ok(()),
        }
    }

    // Documents.

    fn document_start(&mut self) -> Result<(), Error> {
        let first = self.out.documents.is_empty();
        let mut token = self.peek();
        while !first && token.kind == TokenKind::DocEnd {
            self.skip();
            self.refill()?;
            token = self.peek();
        }
        if token.kind == TokenKind::StreamEnd {
            self.state = State::End;
            return Ok(());
        }
        let mut tags = Vec::new();
        let mut has_version = false;
        let mut directives = false;
        while token.kind == TokenKind::Directive {
            directives = true;
            match self.scanner.out.directives[token.data as usize] {
                Directive::Version if has_version => return self.error(token, "found duplicate %YAML directive"),
                Directive::Version => has_version = true,
                Directive::Tag { handle, prefix } => {
                    if tags.iter().any(|(h, _): &(Span, Span)| self.text(*h) == self.text(handle)) {
                        return self.error(token, "found duplicate %TAG directive");
                    }
                    tags.push((handle, prefix));
                }
            }
            self.skip();
            self.refill()?;
            token = self.peek();
        }
        let implicit = first && !directives && token.kind != TokenKind::DocStart;
        if !implicit && token.kind != TokenKind::DocStart {
            return self.error(token, "did not find expected <document start> ('---')");
        }
        let start = if implicit { 0 } else { token.end };
        if !implicit {
            self.skip();
        }
        self.out.documents.push(ParsedDocument { root: NONE, start, end: 0, foot: Vec::new(), tags });
        self.states.push(State::DocumentEnd);
        self.state = if implicit { State::BlockNode } else { State::DocumentContent };
        self.root = NONE;
        Ok(())
    }

    fn document_end(&mut self) -> Result<(), Error> {
        let token = self.peek();
        if token.kind == TokenKind::DocEnd {
            self.skip();
        }
        let pending = std::mem::take(&mut self.pending);
        if let Some(document) = self.out.documents.last_mut() {
            document.root = self.root;
            document.end = token.start;
            document.foot = if pending.foot.is_empty() { pending.head } else { pending.foot };
        }
        self.state = State::DocumentStart;
        Ok(())
    }

    fn text(&self, span: Span) -> &str {
        &self.src[span.range()]
    }

    // Nodes.

    fn new_node(&mut self, kind: NodeKind, start: u32, end: u32) -> u32 {
        let id = self.out.nodes.len() as u32;
        let entry_start = std::mem::replace(&mut self.entry_start, NONE);
        let entry_start = if entry_start == NONE { start } else { entry_start };
        self.out.nodes.push(Node { kind, start, end, entry_start, extra: NONE, next: NONE });
        id
    }

    fn empty(&mut self, at: u32) {
        let id = self.new_node(NodeKind::Empty, at, at);
        self.add(id);
    }

    fn has_pending(&self) -> bool {
        !(self.pending.head.is_empty() && self.pending.line.is_empty() && self.pending.foot.is_empty())
    }

    /// Gives a node the pending comments.
    fn take_comments(&mut self, id: u32) {
        if !self.has_pending() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        *self.comments_of(id) = pending;
    }

    fn comments_of(&mut self, id: u32) -> &mut Comments {
        &mut self.extra(id).comments
    }

    fn extra(&mut self, id: u32) -> &mut Extra {
        let node = &mut self.out.nodes[id as usize];
        if node.extra == NONE {
            node.extra = self.out.extras.len() as u32;
            self.out.extras.push(Extra::default());
        }
        &mut self.out.extras[node.extra as usize]
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<(), Error> {
        let mut token = self.peek();
        if token.kind == TokenKind::Scalar {
            let kind = NodeKind::Scalar { text: token.text, style: token.style };
            let id = self.new_node(kind, token.start, token.end);
            self.take_comments(id);
            self.skip();
            self.pop();
            self.add(id);
            return Ok(());
        }
        let first = token;
        let (mut anchor, mut tag): (Option<Token>, Option<Token>) = (None, None);
        loop {
            match token.kind {
                TokenKind::Anchor if anchor.is_none() => anchor = Some(token),
                TokenKind::Tag if tag.is_none() => tag = Some(token),
                _ => break,
            }
            self.skip();
            token = self.peek();
        }
        if self.entry_start == NONE && (anchor.is_some() || tag.is_some()) {
            self.entry_start = first.start;
        }
        if token.kind == TokenKind::Alias && anchor.is_none() && tag.is_none() {
            return self.alias(token);
        }
        let id = match token.kind {
            TokenKind::Entry | TokenKind::Element if indentless => {
                let column = token.column;
                let kind = NodeKind::Seq(Collection::new(false));
                let id = self.new_node(kind, token.start, token.start + 1);
                self.properties(id, anchor, tag);
                self.state = State::IndentlessSeq;
                self.open(id, column);
                return Ok(());
            }
            TokenKind::Scalar => {
                let kind = NodeKind::Scalar { text: token.text, style: token.style };
                let id = self.new_node(kind, token.start, token.end);
                self.take_comments(id);
                self.skip();
                id
            }
            TokenKind::FlowSeqStart | TokenKind::FlowMapStart => {
                let seq = token.kind == TokenKind::FlowSeqStart;
                let collection = Collection::new(true);
                let kind = if seq { NodeKind::Seq(collection) } else { NodeKind::Map(collection) };
                let id = self.new_node(kind, token.start, token.end);
                self.take_comments(id);
                self.properties(id, anchor, tag);
                self.state = if seq { State::FlowSeq(true) } else { State::FlowMapKey(true) };
                let column = self.frames.last().map_or(0, |f| f.column);
                self.open(id, column);
                return Ok(());
            }
            TokenKind::SeqStart | TokenKind::MapStart if block => {
                let seq = token.kind == TokenKind::SeqStart;
                let collection = Collection::new(false);
                let kind = if seq { NodeKind::Seq(collection) } else { NodeKind::Map(collection) };
                let id = self.new_node(kind, token.start, token.end);
                let stem = std::mem::take(&mut self.stem);
                if !stem.is_empty() {
                    self.comments_of(id).head = stem;
                }
                self.properties(id, anchor, tag);
                self.state = if seq { State::BlockSeq(true) } else { State::BlockMapKey(true) };
                self.open(id, token.column);
                return Ok(());
            }
            _ if anchor.is_some() || tag.is_some() => {
                let end = tag.into_iter().chain(anchor).map(|t| t.end).max().unwrap_or(token.start);
                self.new_node(NodeKind::Empty, end, end)
            }
            _ => return self.error(token, "did not find expected node content"),
        };
        self.properties(id, anchor, tag);
        self.pop();
        self.add(id);
        Ok(())
    }

    fn properties(&mut self, id: u32, anchor: Option<Token>, tag: Option<Token>) {
        if let Some(tag) = tag {
            self.extra(id).tag = Span { start: tag.start, end: tag.end };
        }
        if let Some(anchor) = anchor {
            let src = self.src;
            self.anchors.insert(&src[anchor.start as usize + 1..anchor.end as usize], id);
        }
    }

    fn alias(&mut self, token: Token) -> Result<(), Error> {
        let name = &self.src[token.start as usize + 1..token.end as usize];
        let Some(&target) = self.anchors.get(name) else {
            return self.error(token, "unknown anchor referenced by this alias");
        };
        if self.out.nodes[target as usize].collection().is_some_and(|c| !c.closed) {
            return self.error(token, "the value of this anchor contains itself");
        }
        let id = self.new_node(NodeKind::Alias(target), token.start, token.end);
        self.take_comments(id);
        self.skip();
        self.pop();
        self.add(id);
        Ok(())
    }

    fn open(&mut self, id: u32, column: u32) {
        if let Some(collection) = self.out.nodes[id as usize].collection_mut() {
            collection.column = column;
        }
        self.frames.push(Frame { node: id, last: NONE, key: NONE, previous_key: NONE, column });
    }

    /// Ends the innermost collection. `comments`: its line and foot, `None` for those that take nothing.
    fn close(&mut self, end: u32, comments: Option<(Pieces, Pieces)>) {
        let Some(frame) = self.frames.pop() else { return };
        let id = frame.node;
        let block_map = matches!(self.out.nodes[id as usize].kind, NodeKind::Map(map) if !map.flow);
        if let Some((line, foot)) = comments
            && (self.out.nodes[id as usize].extra != NONE || !line.is_empty() || !foot.is_empty())
        {
            let slot = self.comments_of(id);
            slot.line = line;
            slot.foot = foot;
        }
        if block_map && frame.previous_key != NONE && self.out.nodes[id as usize].extra != NONE {
            let foot = std::mem::take(&mut self.comments_of(id).foot);
            if !foot.is_empty() {
                self.comments_of(frame.previous_key).foot = foot;
            }
        }
        let node = &mut self.out.nodes[id as usize];
        node.end = node.end.max(end);
        if let Some(collection) = node.collection_mut() {
            collection.closed = true;
        }
        self.add(id);
    }

    /// Attaches a complete node to the innermost open collection.
    fn add(&mut self, id: u32) {
        let end = self.out.nodes[id as usize].end;
        let Some(parent) = self.append(id, end) else { return };
        let NodeKind::Map(map) = parent else { return };
        let Some(frame) = self.frames.last_mut() else { return };
        if frame.key == NONE {
            frame.key = id;
            self.out.keys += 1;
            return;
        }
        let (key, previous) = (frame.key, frame.previous_key);
        frame.previous_key = key;
        frame.key = NONE;
        self.settle_feet(key, id, previous, !map.flow);
    }

    /// Links a node behind the last one of the innermost open collection, which it reaches up to `end`; returns that
    /// collection, or makes the node the root.
    fn append(&mut self, id: u32, end: u32) -> Option<NodeKind> {
        let Some(frame) = self.frames.last_mut() else {
            self.root = id;
            return None;
        };
        let last = std::mem::replace(&mut frame.last, id);
        let parent = frame.node as usize;
        if last != NONE {
            self.out.nodes[last as usize].next = id;
        } else if let Some(collection) = self.out.nodes[parent].collection_mut() {
            collection.first = id;
        }
        let parent = &mut self.out.nodes[parent];
        parent.end = parent.end.max(end);
        Some(parent.kind)
    }

    /// Adds a whole line `key: value` to the innermost mapping.
    fn pair(&mut self, line: Token) {
        self.skip();
        let value = scalar_span(line.text, line.style);
        let key = self.new_node(NodeKind::Pair { text: line.text, style: line.style }, line.start, line.end);
        self.take_comments(key);
        self.deliver(value.start, false);
        if self.has_pending() {
            // A comment of the value: it gets a node of its own.
            let node = &mut self.out.nodes[key as usize];
            node.kind =
                NodeKind::Scalar { text: Text::source(Span { start: node.start, end: node.end }), style: Style::Plain };
            self.add(key);
            let kind = NodeKind::Scalar { text: line.text, style: line.style };
            let id = self.new_node(kind, value.start, value.end);
            self.take_comments(id);
            return self.add(id);
        }
        self.append(key, value.end);
        if let Some(frame) = self.frames.last_mut() {
            let previous = std::mem::replace(&mut frame.previous_key, key);
            self.foot_of_previous(key, previous);
        }
    }

    /// The foot of a key belongs to the key before it; the foot of a value belongs to its key.
    fn settle_feet(&mut self, key: u32, value: u32, previous: u32, block: bool) {
        if block {
            self.foot_of_previous(key, previous);
        }
        if self.out.nodes[value as usize].extra != NONE {
            let key_extra = self.out.nodes[key as usize].extra as usize;
            let free = self.out.extras.get(key_extra).is_none_or(|e| e.comments.foot.is_empty());
            if free && !self.comments_of(value).foot.is_empty() {
                let foot = std::mem::take(&mut self.comments_of(value).foot);
                self.comments_of(key).foot = foot;
            }
        }
    }

    /// Gives the foot of a block mapping's key to the key before it.
    fn foot_of_previous(&mut self, key: u32, previous: u32) {
        if previous == NONE || self.out.nodes[key as usize].extra == NONE {
            return;
        }
        let foot = std::mem::take(&mut self.comments_of(key).foot);
        if !foot.is_empty() {
            self.comments_of(previous).foot = foot;
        }
    }

    // Block collections.

    /// Behind a dash: takes the head that was pending before it as the stem of a nested block collection.
    fn after_dash(&mut self, dash: Token) -> Token {
        let before = self.pending.head.len();
        self.skip();
        let token = self.peek();
        self.entry_start = dash.start;
        if before > 0 && matches!(token.kind, TokenKind::MapStart | TokenKind::SeqStart) {
            self.stem = self.pending.head.drain(..before).collect();
        }
        token
    }

    /// Adds a whole line `- value` to the innermost sequence.
    fn element(&mut self, line: Token) {
        self.skip();
        let value = scalar_span(line.text, line.style);
        self.deliver(value.start, false);
        self.entry_start = line.start;
        let kind = NodeKind::Scalar { text: line.text, style: line.style };
        let id = self.new_node(kind, value.start, value.end);
        self.take_comments(id);
        self.append(id, value.end);
    }

    fn block_seq(&mut self, first: bool) -> Result<(), Error> {
        if first {
            self.skip();
        }
        let token = self.peek();
        match token.kind {
            TokenKind::Element => {
                self.element(token);
                self.state = State::BlockSeq(false);
                Ok(())
            }
            TokenKind::Entry => {
                let next = self.after_dash(token);
                let empty = matches!(next.kind, TokenKind::Entry | TokenKind::Element | TokenKind::BlockEnd);
                self.item(!empty, false, State::BlockSeq(false), token.end)
            }
            TokenKind::BlockEnd => {
                self.skip();
                self.pop();
                self.close(0, None);
                Ok(())
            }
            _ => self.error(token, "did not find expected '-' indicator"),
        }
    }

    fn indentless_seq(&mut self) -> Result<(), Error> {
        let token = self.peek();
        match token.kind {
            TokenKind::Element => {
                self.element(token);
                return Ok(());
            }
            TokenKind::Entry => {}
            _ => {
                self.pop();
                self.close(0, None);
                return Ok(());
            }
        }
        let next = self.after_dash(token);
        let empty = is_key(next.kind)
            || matches!(next.kind, TokenKind::Entry | TokenKind::Element | TokenKind::Value | TokenKind::BlockEnd);
        self.item(!empty, false, State::IndentlessSeq, token.end)
    }

    /// Goes on with a node (block context) or adds an empty one at `at`; `then` is the state behind it.
    fn item(&mut self, present: bool, indentless: bool, then: State, at: u32) -> Result<(), Error> {
        if present {
            self.states.push(then);
            self.node(true, indentless)
        } else {
            self.state = then;
            self.empty(at);
            Ok(())
        }
    }

    fn block_map_key(&mut self, first: bool) -> Result<(), Error> {
        if first {
            self.skip();
        }
        let token = self.peek();
        match token.kind {
            TokenKind::Pair => {
                self.pair(token);
                self.state = State::BlockMapKey(false);
                Ok(())
            }
            TokenKind::Key => {
                self.skip();
                let next = self.peek();
                self.entry_start = token.start;
                let empty = is_key(next.kind) || matches!(next.kind, TokenKind::Value | TokenKind::BlockEnd);
                self.item(!empty, true, State::BlockMapValue, token.end)
            }
            TokenKind::BlockEnd => {
                self.skip();
                self.pop();
                let pending = std::mem::take(&mut self.pending);
                self.close(0, Some((pending.line, pending.foot)));
                Ok(())
            }
            _ => self.error(token, "did not find expected key"),
        }
    }

    fn block_map_value(&mut self) -> Result<(), Error> {
        let token = self.peek();
        let then = State::BlockMapKey(false);
        if token.kind != TokenKind::Value {
            let end =
                self.frames.last().and_then(|f| self.out.nodes.get(f.last as usize)).map_or(token.start, |n| n.end);
            return self.item(false, true, then, end);
        }
        self.skip();
        let next = self.peek();
        let empty = is_key(next.kind) || matches!(next.kind, TokenKind::Value | TokenKind::BlockEnd);
        self.item(!empty, true, then, token.end)
    }

    // Flow collections.

    fn flow_end(&mut self, token: Token) -> Result<(), Error> {
        self.skip();
        self.pop();
        let pending = std::mem::take(&mut self.pending);
        self.close(token.end, Some((pending.line, pending.foot)));
        Ok(())
    }

    fn flow_item(&mut self, present: bool, then: State, at: u32) -> Result<(), Error> {
        if present {
            self.states.push(then);
            self.node(false, false)
        } else {
            self.state = then;
            self.empty(at);
            Ok(())
        }
    }

    fn flow_seq(&mut self, first: bool) -> Result<(), Error> {
        if first {
            self.peek();
            self.skip();
        }
        let mut token = self.peek();
        if token.kind != TokenKind::FlowSeqEnd && !first {
            if token.kind != TokenKind::Comma {
                return self.error(token, "did not find expected ',' or ']'");
            }
            self.skip();
            token = self.peek();
        }
        match token.kind {
            TokenKind::FlowSeqEnd => self.flow_end(token),
            TokenKind::Key => {
                let column = self.frames.last().map_or(0, |f| f.column);
                let id = self.new_node(NodeKind::Map(Collection::new(true)), token.start, token.end);
                self.open(id, column);
                self.skip();
                let next = self.peek();
                if matches!(next.kind, TokenKind::Value | TokenKind::Comma | TokenKind::FlowSeqEnd) {
                    return self.error(next, "did not find expected node content");
                }
                self.entry_start = token.start;
                self.flow_item(true, State::FlowSeqMapValue, token.end)
            }
            _ => self.flow_item(true, State::FlowSeq(false), token.start),
        }
    }

    fn flow_seq_map_value(&mut self) -> Result<(), Error> {
        let token = self.peek();
        let mut present = false;
        if token.kind == TokenKind::Value {
            self.skip();
            let next = self.peek();
            present = !matches!(next.kind, TokenKind::Comma | TokenKind::FlowSeqEnd);
        }
        self.flow_item(present, State::FlowSeqMapEnd, token.end)
    }

    fn flow_map_key(&mut self, first: bool) -> Result<(), Error> {
        if first {
            self.peek();
            self.skip();
        }
        let mut token = self.peek();
        if token.kind != TokenKind::FlowMapEnd && !first {
            if token.kind != TokenKind::Comma {
                return self.error(token, "did not find expected ',' or '}'");
            }
            self.skip();
            token = self.peek();
        }
        match token.kind {
            TokenKind::FlowMapEnd => self.flow_end(token),
            TokenKind::Key => {
                self.skip();
                let next = self.peek();
                self.entry_start = token.start;
                let empty = matches!(next.kind, TokenKind::Value | TokenKind::Comma | TokenKind::FlowMapEnd);
                self.flow_item(!empty, State::FlowMapValue, token.end)
            }
            _ => self.flow_item(true, State::FlowMapEmptyValue, token.start),
        }
    }

    fn flow_map_value(&mut self) -> Result<(), Error> {
        let token = self.peek();
        let then = State::FlowMapKey(false);
        if token.kind != TokenKind::Value {
            let end =
                self.frames.last().and_then(|f| self.out.nodes.get(f.last as usize)).map_or(token.start, |n| n.end);
            return self.flow_item(false, then, end);
        }
        self.skip();
        let next = self.peek();
        self.flow_item(!matches!(next.kind, TokenKind::Comma | TokenKind::FlowMapEnd), then, token.end)
    }
}

/// Whether an entry of a mapping starts.
fn is_key(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Key | TokenKind::Pair)
}
