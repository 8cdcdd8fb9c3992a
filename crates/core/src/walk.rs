//! One walk over an outline: the AAD of every item and the selector's verdict on it, in one pass.
//!
//! Sealing, opening and the check after writing all see a document through this walk, so they cannot disagree about
//! what is encrypted or what it is bound to.

use crate::outline::{Item, NONE, Node, Outline, Texts};
use crate::select::{Selector, Walk};

/// What the walk says of one item.
pub(crate) struct Step<'w> {
    pub index: usize,
    /// The AAD of a leaf, or of a comment (its container's path).
    pub aad: &'w [u8],
    /// Whether the selector encrypts it.
    pub encrypted: bool,
}

/// The state of a walk.
pub(crate) struct Walker<'a> {
    texts: Texts<'a>,
    outline: &'a Outline,
    walk: Walk<'a>,
    /// The keys down to the current container, each with `:`.
    path: Vec<u8>,
    scratch: Vec<u8>,
    /// End of each open container and the length of the path outside it.
    open: Vec<(u32, usize)>,
}

impl<'a> Walker<'a> {
    pub fn new(source: &'a str, outline: &'a Outline, selector: &'a Selector) -> Self {
        Walker {
            texts: outline.texts(source),
            outline,
            walk: Walk::new(selector),
            path: Vec::new(),
            scratch: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Goes over all items of all documents; `skip` names the top-level item to leave out of each (the metadata).
    ///
    /// `is_comment_element` tells which list elements are comments by their token's label: their stored text counts as one.
    pub fn run<E>(
        mut self,
        skip: &[u32],
        is_comment_element: impl Fn(&Item) -> bool,
        mut step: impl FnMut(Step<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.outline.items.len();
        let mut index = 0;
        while index < count {
            self.leave(index as u32);
            let item = &self.outline.items[index];
            if skip.contains(&(index as u32)) {
                index = item.end as usize;
                continue;
            }
            let key = item.key().map(|k| k.bytes(self.texts));
            match &item.node {
                Node::Map | Node::List => {
                    if item.parent == NONE {
                        self.walk.document();
                        self.path.clear();
                    } else {
                        self.walk.enter(key);
                    }
                    self.open.push((item.end, self.path.len()));
                    if let Some(key) = key {
                        self.path.extend_from_slice(key);
                        self.path.push(b':');
                    }
                }
                Node::Comment { text, dropped, .. } => {
                    let text = text.bytes(self.texts);
                    let encrypted = if *dropped { self.walk.unseen_comment(key) } else { self.walk.comment(text) };
                    let aad = match key {
                        Some(key) => self.with_key(key),
                        None if self.path.is_empty() => b":",
                        None => &self.path,
                    };
                    step(Step { index, aad, encrypted })?;
                }
                Node::Leaf(_) => {
                    let comment_text = is_comment_element(item).then(|| match &item.node {
                        Node::Leaf(crate::outline::Scalar::Str(text)) => text.bytes(self.texts),
                        _ => b"",
                    });
                    let encrypted = match comment_text {
                        Some(text) => self.walk.comment(text),
                        None => self.walk.leaf(key),
                    };
                    match key {
                        Some(key) => step(Step { index, aad: self.with_key(key), encrypted })?,
                        None => step(Step { index, aad: &self.path, encrypted })?,
                    }
                }
            }
            index += 1;
        }
        Ok(())
    }

    fn with_key(&mut self, key: &[u8]) -> &[u8] {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.path);
        self.scratch.extend_from_slice(key);
        self.scratch.push(b':');
        &self.scratch
    }

    fn leave(&mut self, index: u32) {
        while let Some(&(end, length)) = self.open.last() {
            if end > index {
                return;
            }
            self.open.pop();
            self.path.truncate(length);
            if !self.open.is_empty() {
                self.walk.leave();
            }
        }
    }
}
