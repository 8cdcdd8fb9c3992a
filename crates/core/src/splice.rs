//! Edits: ordered, non-overlapping replacements of spans. Every byte outside them survives because nobody touches it.

use crate::error::Error;
use crate::outline::Span;

struct Edit {
    span: Span,
    /// The new text, a range of [`Edits::text`].
    from: usize,
    to: usize,
}

/// Replacements of one source text, in any order; all new text lies in one buffer.
#[derive(Default)]
pub(crate) struct Edits {
    text: Vec<u8>,
    list: Vec<Edit>,
}

impl Edits {
    /// Reserves room for `count` edits with `bytes` of text in all.
    pub fn reserve(&mut self, count: usize, bytes: usize) {
        self.list.reserve(count);
        self.text.reserve(bytes);
    }

    /// Replaces `span` by what `write` appends.
    pub fn replace(&mut self, span: Span, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.text.len();
        write(&mut self.text);
        let to = self.text.len();
        self.list.push(Edit { span, from, to });
    }

    /// Brings the edits into the order of the source.
    pub fn sort(&mut self) {
        if !self.list.is_sorted_by_key(|e| e.span.start) {
            self.list.sort_by_key(|e| e.span.start);
        }
    }

    /// Whether any of the edits, which are in order, touches `span`.
    pub fn touches(&self, span: Span) -> bool {
        let first = self.list.partition_point(|e| e.span.end <= span.start);
        self.list.get(first).is_some_and(|e| e.span.start < span.end)
    }

    /// Applies all edits.
    ///
    /// # Errors
    /// [`Error::Reparse`] if two edits overlap or the result is not UTF-8: a fault of this library.
    pub fn apply(&mut self, source: &str) -> Result<String, Error> {
        let fault = |reason: &str| Error::Reparse { path: "the text".into(), reason: reason.into() };
        self.sort();
        let mut out = Vec::with_capacity(source.len() + self.text.len());
        let bytes = source.as_bytes();
        let mut at = 0;
        for edit in &self.list {
            let (start, end) = (edit.span.start as usize, edit.span.end as usize);
            if start < at || end < start {
                return Err(fault("two edits overlap"));
            }
            out.extend_from_slice(&bytes[at..start]);
            out.extend_from_slice(&self.text[edit.from..edit.to]);
            at = end;
        }
        out.extend_from_slice(&bytes[at..]);
        String::from_utf8(out).map_err(|_| fault("the result is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_outside_edits_stay() {
        let mut edits = Edits::default();
        edits.replace(Span::new(4, 5), |t| t.extend_from_slice(b"X"));
        edits.replace(Span::new(0, 1), |t| t.extend_from_slice(b"long"));
        edits.replace(Span::new(5, 5), |t| t.push(b'!'));
        assert_eq!(edits.apply("a\r\n:b\n").expect("edits apply"), "long\r\n:X!\n");
    }

    #[test]
    fn overlapping_edits_are_refused() {
        let mut edits = Edits::default();
        edits.replace(Span::new(0, 3), |_| ());
        edits.replace(Span::new(2, 4), |_| ());
        assert!(edits.apply("abcdef").is_err());
    }
}
