//! Edits: non-overlapping replacements of spans. Every byte outside them survives because nobody touches it.
//!
//! The new text is written while the edits come. They mostly come in the order of the source; those that do not (an
//! inline comment comes before its value) are put in order, at the cost of a second copy if they are far apart.

use crate::error::Error;
use crate::format::yaml::MAX_TEXT;
use crate::outline::Span;
use crate::spelling::Patch;
use zeroize::Zeroizing;

#[derive(Clone, Copy)]
struct Edit {
    span: Span,
    /// The new text, a range of [`Edits::out`].
    from: u32,
    to: u32,
}

/// A replaced span, and where its replacement lies in the new text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub source: Span,
    pub result: Span,
}

/// Replacements in one source text, or in a part of it.
pub(crate) struct Edits<'a> {
    source: &'a str,
    window: Span,
    out: Zeroizing<Vec<u8>>,
    list: Vec<Edit>,
    /// Whether the edits came in order so far; then `out` is the new text up to the last of them.
    in_order: bool,
}

impl<'a> Edits<'a> {
    /// No edits of `source` yet; room for `capacity` bytes of the result and `count` edits.
    pub fn new(source: &'a str, capacity: usize, count: usize) -> Self {
        let out = Zeroizing::new(Vec::with_capacity(capacity));
        let window = Span::new(0, source.len());
        Edits { source, window, out, list: Vec::with_capacity(count), in_order: true }
    }

    /// Like [`Edits::new`]; only the part of the source in `window` is edited and comes out.
    pub fn within(source: &'a str, window: Span) -> Self {
        let out = Zeroizing::new(Vec::with_capacity(window.len() + 64));
        Edits { source, window, out, list: Vec::new(), in_order: true }
    }

    /// Like [`Edits::new`], for edits that are only looked at: nothing of the source is copied.
    pub fn apart(source: &'a str, count: usize) -> Self {
        Edits { in_order: false, ..Edits::new(source, 0, count) }
    }

    /// The edits in order: what they replace, and by what.
    pub fn pieces(&mut self) -> impl Iterator<Item = (Span, &[u8])> {
        self.sort();
        self.list.iter().map(|e| (e.span, &self.out[e.from as usize..e.to as usize]))
    }

    fn last_end(&self) -> u32 {
        self.list.last().map_or(self.window.start, |e| e.span.end)
    }

    /// Replaces `span` by what `write` appends.
    pub fn replace(&mut self, span: Span, write: impl FnOnce(&mut Vec<u8>)) {
        if self.in_order && span.start < self.last_end() {
            match self.take_last(span) {
                Some((last, text)) => {
                    self.push(span, write);
                    self.push(last, |out| out.extend_from_slice(&text));
                    return;
                }
                None => self.in_order = false,
            }
        }
        self.push(span, write);
    }

    /// Takes the last edit back if `span` fits in front of it and little has to move: a large value below many comments
    /// would move once for each of them.
    fn take_last(&mut self, span: Span) -> Option<(Span, Zeroizing<Vec<u8>>)> {
        let last = self.list.pop()?;
        let before = self.last_end();
        let moved = self.out.len() - last.from as usize + last.span.start.saturating_sub(before) as usize;
        if span.start < before || span.end > last.span.start || moved > MAX_MOVED {
            self.list.push(last);
            return None;
        }
        let text = Zeroizing::new(self.out[last.from as usize..].to_vec());
        self.out.truncate((last.from - (last.span.start - before)) as usize);
        Some((last.span, text))
    }

    fn push(&mut self, span: Span, write: impl FnOnce(&mut Vec<u8>)) {
        if self.in_order {
            let gap = self.last_end() as usize..span.start as usize;
            self.out.extend_from_slice(&self.source.as_bytes()[gap]);
        }
        let from = self.out.len() as u32;
        write(&mut self.out);
        self.list.push(Edit { span, from, to: self.out.len() as u32 });
    }

    fn sort(&mut self) {
        if !self.in_order {
            self.list.sort_by_key(|e| e.span.start);
        }
    }

    /// Whether any of the edits touches `span`.
    pub fn touches(&mut self, span: Span) -> bool {
        self.sort();
        let first = self.list.partition_point(|e| e.span.end <= span.start);
        self.list.get(first).is_some_and(|e| e.span.start < span.end)
    }

    /// The new text, and what changed, in order.
    ///
    /// # Errors
    /// Those of [`Edits::finish`].
    pub fn finish_with_changes(mut self) -> Result<(String, Vec<Change>), Error> {
        self.sort();
        let mut changes = Vec::with_capacity(self.list.len());
        let (mut at, mut end) = (0, self.window.start);
        for edit in &self.list {
            at += edit.span.start.saturating_sub(end);
            let to = at + (edit.to - edit.from);
            changes.push(Change { source: edit.span, result: Span { start: at, end: to } });
            (at, end) = (to, edit.span.end);
        }
        Ok((self.finish()?, changes))
    }

    /// Puts `patches` (in order, apart from each other) over the edits: what they cover does not happen. `None` if one of
    /// them cuts an edit in two.
    pub fn overlaid(mut self, patches: &[Patch<'_>]) -> Option<Edits<'a>> {
        self.sort();
        let mut over = Edits::new(self.source, self.out.len(), self.list.len() + patches.len());
        over.window = self.window;
        let mut patches = patches.iter().peekable();
        for edit in &self.list {
            while let Some(Patch { span, text }) =
                patches.next_if(|p| p.span.end <= edit.span.start && p.span != edit.span)
            {
                over.replace(*span, |out| out.extend_from_slice(text.as_bytes()));
            }
            match patches.peek() {
                Some(Patch { span, .. }) if span.start <= edit.span.start && edit.span.end <= span.end => {}
                Some(Patch { span, .. }) if span.start < edit.span.end => return None,
                _ => over.replace(edit.span, |out| {
                    out.extend_from_slice(&self.out[edit.from as usize..edit.to as usize]);
                }),
            }
        }
        for Patch { span, text } in patches {
            over.replace(*span, |out| out.extend_from_slice(text.as_bytes()));
        }
        Some(over)
    }

    /// The new text.
    ///
    /// # Errors
    /// [`Error::Limit`] if it has 2 GiB or more; [`Error::Reparse`] if two edits overlap or the result is not UTF-8: a
    /// fault of this library.
    pub fn finish(mut self) -> Result<String, Error> {
        if self.out.len() >= MAX_TEXT {
            return Err(Error::Limit { what: "size of the text in bytes", max: MAX_TEXT as u64 });
        }
        let fault = |reason: &str| Error::Reparse { path: "the text".into(), reason: reason.into() };
        let bytes = self.source.as_bytes();
        if !self.in_order {
            self.sort();
            let mut ordered = Zeroizing::new(Vec::with_capacity(self.out.len() + bytes.len()));
            let mut at = self.window.start;
            for edit in &self.list {
                if edit.span.start < at || edit.span.end < edit.span.start {
                    return Err(fault("two edits overlap"));
                }
                ordered.extend_from_slice(&bytes[at as usize..edit.span.start as usize]);
                ordered.extend_from_slice(&self.out[edit.from as usize..edit.to as usize]);
                at = edit.span.end;
            }
            self.out = ordered;
        }
        let rest = self.last_end() as usize..(self.window.end as usize).max(self.last_end() as usize);
        self.out.extend_from_slice(&bytes[rest]);
        String::from_utf8(std::mem::take(&mut *self.out)).map_err(|_| fault("the result is not UTF-8"))
    }
}

/// How many bytes one edit may move.
const MAX_MOVED: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(source: &str, edits: &[(usize, usize, &str)]) -> Result<String, Error> {
        let mut list = Edits::new(source, 0, 0);
        for (start, end, text) in edits {
            list.replace(Span::new(*start, *end), |out| out.extend_from_slice(text.as_bytes()));
        }
        list.finish()
    }

    #[test]
    fn bytes_outside_edits_stay() {
        let edits = [(0, 1, "long"), (4, 5, "X"), (5, 5, "!")];
        assert_eq!(apply("a\r\n:b\n", &edits).expect("edits apply"), "long\r\n:X!\n");
    }

    #[test]
    fn the_order_of_edits_does_not_matter() {
        let edits = [(0, 1, "A"), (2, 3, "C"), (4, 4, "-"), (6, 7, "")];
        let wanted = "Ab\u{43}d-ef";
        for order in [[0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0], [2, 3, 0, 1], [0, 2, 1, 3]] {
            let edits: Vec<_> = order.iter().map(|i| edits[*i]).collect();
            assert_eq!(apply("abcdefg", &edits).expect("edits apply"), wanted, "{order:?}");
        }
    }

    #[test]
    fn a_large_edit_does_not_move_for_each_one_in_front_of_it() {
        let source = "-".repeat(2_000);
        let large = "x".repeat(1 << 20);
        let mut edits = Edits::new(&source, 0, 0);
        edits.replace(Span::new(1_999, 2_000), |out| out.extend_from_slice(large.as_bytes()));
        for at in 0..1_999 {
            edits.replace(Span::new(at, at + 1), |out| out.push(b'c'));
        }
        assert!(!edits.in_order, "the edits were kept in order, so each of them moved the large one");
        assert_eq!(edits.finish().expect("edits apply"), "c".repeat(1_999) + &large);
    }

    #[test]
    fn overlapping_edits_are_refused() {
        assert!(apply("abcdef", &[(0, 3, ""), (2, 4, "")]).is_err());
        assert!(apply("abcdef", &[(2, 4, ""), (0, 3, "")]).is_err());
    }
}
