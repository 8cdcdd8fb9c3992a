//! Where a rule for comments misleads: in INI.
//!
//! compat: in the reference's tree the comment of a key stands behind it, so it judges the next key, and that of a section
//! judges its first key alone (format.md §15 D37). A reader depends on that, so it is no different here; but nobody who writes
//! `; secret` above a key expects the key to stay clear.

use super::Sealer;
use crate::document::PlainDocument;
use crate::format::Format;
use crate::outline::{NONE, Node, Scalar};
use crate::path::display_keys;
use crate::walk::Walker;

/// A value, and what a person would expect of it.
struct Judged {
    index: usize,
    aad: Vec<u8>,
    is_encrypted: bool,
    is_marked: bool,
}

impl Sealer {
    /// The values of an INI text that a rule for comments leaves clear, against what their own comments say; by their paths.
    /// Nothing for other formats and rules.
    pub fn left_clear(&self, plain: &PlainDocument) -> Vec<String> {
        if plain.format() != Format::Ini || !self.selector.is_comment_rule() {
            return Vec::new();
        }
        let judged = self.judged(plain).into_iter();
        let is_leak = |value: &Judged| !value.is_encrypted && value.is_marked == self.selector.encrypts_matches();
        let path = |value: Judged| display_keys(value.aad.split(|b| *b == b':').filter(|key| !key.is_empty()));
        judged.filter(is_leak).map(path).collect()
    }

    fn judged(&self, plain: &PlainDocument) -> Vec<Judged> {
        let outline = plain.outline();
        let texts = outline.texts(plain.source());
        let mut found: Vec<Judged> = Vec::new();
        let mut section = (NONE, false);
        let walker = Walker::new(plain.source(), outline, &self.selector);
        let _infallible: Result<(), ()> = walker.run(
            &[],
            |_| false,
            |step| {
                let item = &outline.items[step.index];
                if item.parent != section.0 {
                    section = (item.parent, false);
                }
                match &item.node {
                    // What stands with a key is a value that was lost, not what somebody says of one.
                    Node::Comment { text, .. } if item.key().is_none() => {
                        let is_match = self.selector.matches_comment(text.bytes(texts));
                        match found.last_mut().filter(|last| outline.items[last.index].parent == item.parent) {
                            Some(last) => last.is_marked |= is_match,
                            None => section.1 = is_match,
                        }
                    }
                    Node::Leaf(Scalar::Str(text)) if !text.bytes(texts).is_empty() => {
                        let (aad, is_encrypted) = (step.aad.to_vec(), step.encrypted);
                        found.push(Judged { index: step.index, aad, is_encrypted, is_marked: section.1 });
                    }
                    _ => {}
                }
                Ok(())
            },
        );
        found
    }
}
