//! How values were written, where a token cannot carry it: `0x1F`, folded lines, `*alias`. The sealed record of it, and
//! what of a text needs it.
//!
//! A record lists *patches*: parts of the encrypted text, tokens included, that become a text of the person's own instead
//! of what opening would write there. A part is named by the encrypted values it stands at, counted in the order of the
//! text, and a digest binds the record to their paths. No value depends on a record: whoever applies one reads the result
//! again and drops what does not say the very same.

use crate::outline::Span;
use crate::splice::Change;
use sha2::{Digest, Sha256};

/// The first byte of a record.
const VERSION: u8 = 1;

/// Length of the digest of the paths.
const BINDING: usize = 16;

/// A part of the encrypted text, and what stands there in the plain one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch<'a> {
    pub span: Span,
    pub text: &'a str,
}

/// A part that two successive rounds of changes have touched: in the first text, the one between, and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hunk {
    pub source: Span,
    pub middle: Span,
    pub result: Span,
    /// Which changes of the second round it holds.
    pub second: (usize, usize),
}

/// Brings two successive rounds of changes together: what overlaps in the text between is one hunk.
pub(crate) fn compose(first: &[Change], second: &[Change]) -> Vec<Hunk> {
    let mut hunks = Vec::with_capacity(first.len().max(second.len()));
    let (mut first, mut second) = (first.iter().peekable(), second.iter().peekable());
    let mut taken = 0;
    // What to add to a place of the middle text that no change touches.
    let (mut to_source, mut to_result) = (0_i64, 0_i64);
    let at = |place: u32, shift: i64| (i64::from(place) + shift) as u32;
    loop {
        let start = match (first.peek(), second.peek()) {
            (None, None) => return hunks,
            (Some(a), None) => a.result.start,
            (None, Some(b)) => b.source.start,
            (Some(a), Some(b)) => a.result.start.min(b.source.start),
        };
        let mut middle = Span { start, end: start };
        let from = taken;
        let (source, result) = (at(start, to_source), at(start, to_result));
        // What is empty at the start comes first; it belongs to what begins there.
        let belongs = |span: Span, middle: Span| span.start < middle.end || span.start == start && middle.end == start;
        loop {
            let next = |span: Span| belongs(span, middle);
            let a = first.peek().filter(|a| next(a.result)).map(|a| a.result);
            let b = second.peek().filter(|b| next(b.source)).map(|b| b.source);
            let (is_first, span) = match (a, b) {
                (Some(a), Some(b)) if b.end < a.end => (false, b),
                (Some(a), _) => (true, a),
                (None, Some(b)) => (false, b),
                (None, None) => break,
            };
            middle.end = middle.end.max(span.end);
            if is_first {
                to_source = first.next().map_or(0, |a| i64::from(a.source.end) - i64::from(a.result.end));
            } else {
                taken += 1;
                to_result = second.next().map_or(0, |b| i64::from(b.result.end) - i64::from(b.source.end));
            }
        }
        let source = Span { start: source, end: at(middle.end, to_source) };
        let result = Span { start: result, end: at(middle.end, to_result) };
        hunks.push(Hunk { source, middle, result, second: (from, taken) });
    }
}

/// The record of `patches`, in order. `anchors` are the spans of the encrypted values in the encrypted text, in order;
/// `path` gives the path that one of them is bound to. Without an encrypted value there is nothing to name a part by.
pub(crate) fn encode(patches: &[Patch<'_>], anchors: &[Span], path: impl Fn(usize) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut binding = Binding::default();
    let mut entries = Vec::new();
    let mut previous = 0;
    for patch in patches {
        let place = Place::of(patch.span, anchors)?;
        binding.add(&path(place.anchor));
        if place.covered > 1 {
            binding.add(&path(place.anchor + place.covered - 1));
        }
        let is_value = place.covered == 1 && place.before == 0 && place.behind == 0;
        number(&mut entries, ((place.anchor - previous) as u64) << 1 | u64::from(!is_value));
        previous = place.anchor;
        if !is_value {
            number(&mut entries, place.covered as u64);
            number(&mut entries, zigzag(place.before));
            number(&mut entries, zigzag(place.behind));
        }
        number(&mut entries, patch.text.len() as u64);
        entries.extend_from_slice(patch.text.as_bytes());
    }
    let mut record = vec![VERSION];
    record.extend_from_slice(&binding.finish());
    record.append(&mut entries);
    Some(record)
}

/// Reads a record; `None` for one of another version or of other paths, and for one that names what is not there.
pub(crate) fn decode<'a>(
    record: &'a [u8],
    anchors: &[Span],
    path: impl Fn(usize) -> Vec<u8>,
) -> Option<Vec<Patch<'a>>> {
    let (version, rest) = record.split_first()?;
    let (bound, mut rest) = rest.split_at_checked(BINDING)?;
    if *version != VERSION {
        return None;
    }
    let mut binding = Binding::default();
    let mut patches: Vec<Patch<'_>> = Vec::new();
    let mut anchor = 0_usize;
    while !rest.is_empty() {
        let step = take_number(&mut rest)?;
        anchor = anchor.checked_add(usize::try_from(step >> 1).ok()?)?;
        let place = match step & 1 {
            0 => Place { anchor, covered: 1, before: 0, behind: 0 },
            _ => Place {
                anchor,
                covered: usize::try_from(take_number(&mut rest)?).ok()?,
                before: unzigzag(take_number(&mut rest)?),
                behind: unzigzag(take_number(&mut rest)?),
            },
        };
        let covered = place.covered;
        let span = place.span(anchors)?;
        let length = usize::try_from(take_number(&mut rest)?).ok()?;
        let (text, behind) = rest.split_at_checked(length)?;
        rest = behind;
        binding.add(&path(anchor));
        if covered > 1 {
            binding.add(&path(anchor + covered - 1));
        }
        if patches.last().is_some_and(|last| last.span.end > span.start) {
            return None;
        }
        patches.push(Patch { span, text: std::str::from_utf8(text).ok()? });
    }
    (binding.finish() == bound).then_some(patches)
}

/// A part of the encrypted text, by the encrypted values it stands at.
struct Place {
    /// The first of them.
    anchor: usize,
    /// How many lie inside it; 0 for a part that begins behind the start of the anchor and holds no value as a whole.
    covered: usize,
    /// From the part's start to that of the first value; with none inside from the value's start to the part's.
    before: i64,
    /// From the end of the last value to that of the part; with none inside the part's length.
    behind: i64,
}

impl Place {
    fn of(span: Span, anchors: &[Span]) -> Option<Place> {
        let first = anchors.partition_point(|a| a.start < span.start);
        let end = first + anchors[first..].partition_point(|a| a.end <= span.end && a.start < span.end);
        if first < end {
            let before = i64::from(anchors[first].start) - i64::from(span.start);
            let behind = i64::from(span.end) - i64::from(anchors[end - 1].end);
            return Some(Place { anchor: first, covered: end - first, before, behind });
        }
        let anchor = anchors.partition_point(|a| a.start <= span.start).saturating_sub(1);
        let before = i64::from(span.start) - i64::from(anchors.get(anchor)?.start);
        Some(Place { anchor, covered: 0, before, behind: span.len() as i64 })
    }

    fn span(&self, anchors: &[Span]) -> Option<Span> {
        let first = i64::from(anchors.get(self.anchor)?.start);
        let (start, end) = match self.covered {
            0 => (first.checked_add(self.before)?, first.checked_add(self.before)?.checked_add(self.behind)?),
            covered => {
                let last = anchors.get(self.anchor.checked_add(covered)?.checked_sub(1)?)?;
                (first.checked_sub(self.before)?, i64::from(last.end).checked_add(self.behind)?)
            }
        };
        let span = Span { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? };
        (span.start <= span.end).then_some(span)
    }
}

/// A digest of the paths that a record speaks of.
#[derive(Default)]
struct Binding(Sha256);

impl Binding {
    fn add(&mut self, path: &[u8]) {
        self.0.update((path.len() as u64).to_le_bytes());
        self.0.update(path);
    }

    fn finish(self) -> [u8; BINDING] {
        let mut short = [0; BINDING];
        short.copy_from_slice(&self.0.finalize()[..BINDING]);
        short
    }
}

/// LEB128.
fn number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(source: (usize, usize), result: (usize, usize)) -> Change {
        Change { source: Span::new(source.0, source.1), result: Span::new(result.0, result.1) }
    }

    fn hunk(source: (usize, usize), middle: (usize, usize), result: (usize, usize)) -> Hunk {
        let span = |(start, end)| Span::new(start, end);
        Hunk { source: span(source), middle: span(middle), result: span(result), second: (0, 0) }
    }

    fn composed(first: &[Change], second: &[Change]) -> Vec<Hunk> {
        compose(first, second).into_iter().map(|h| Hunk { second: (0, 0), ..h }).collect()
    }

    #[test]
    fn changes_of_the_same_place_are_one_hunk() {
        // a: 0x1F\nb: x  ->  a: TOKEN\nb: TOKEN  ->  a: 31\nb: x
        let first = [change((3, 7), (3, 8)), change((11, 12), (12, 17))];
        let second = [change((3, 8), (3, 5)), change((12, 17), (9, 10))];
        let wanted = [hunk((3, 7), (3, 8), (3, 5)), hunk((11, 12), (12, 17), (9, 10))];
        assert_eq!(composed(&first, &second), wanted);
    }

    #[test]
    fn one_change_over_several_and_a_removed_tag_in_front() {
        // *x -> {a: T, b: T}; each T -> 1
        let first = [change((3, 5), (3, 15))];
        let second = [change((7, 8), (7, 8)), change((13, 14), (13, 14))];
        assert_eq!(composed(&first, &second), [hunk((3, 5), (3, 15), (3, 15))]);
        // `!!int 3` -> `` and `T` -> `3`
        let first = [change((3, 9), (3, 3)), change((9, 10), (3, 8))];
        let second = [change((3, 8), (3, 4))];
        assert_eq!(composed(&first, &second), [hunk((3, 10), (3, 8), (3, 4))]);
    }

    #[test]
    fn what_touches_stays_apart() {
        // A token at the end of the text, and the metadata behind it.
        let first = [change((3, 4), (3, 8)), change((4, 4), (8, 20))];
        let second = [change((3, 8), (3, 4)), change((8, 20), (4, 4))];
        assert_eq!(composed(&first, &second), [hunk((3, 4), (3, 8), (3, 4)), hunk((4, 4), (8, 20), (4, 4))]);
    }

    fn paths(index: usize) -> Vec<u8> {
        format!("key{index}:").into_bytes()
    }

    #[test]
    fn records_come_back() {
        let anchors = [Span::new(10, 20), Span::new(30, 40), Span::new(50, 60)];
        for spans in [
            vec![(10, 20)],
            vec![(8, 20), (50, 60)],
            vec![(5, 62)],
            vec![(12, 18), (40, 40), (63, 70)],
            vec![(0, 3), (30, 60)],
        ] {
            let patches: Vec<_> =
                spans.iter().map(|(start, end)| Patch { span: Span::new(*start, *end), text: "0x1F" }).collect();
            let record = encode(&patches, &anchors, paths).expect("there are anchors");
            assert_eq!(decode(&record, &anchors, paths).expect("it reads back"), patches);
            assert_eq!(decode(&record, &anchors, |i| paths(i + 1)), None, "other paths");
            for end in 0..record.len() {
                let cut = decode(&record[..end], &anchors, paths);
                assert_eq!(cut, None, "cut at {end}");
            }
        }
        assert_eq!(encode(&[Patch { span: Span::new(0, 1), text: "" }], &[], paths), None);
    }

    #[test]
    fn a_short_text_costs_no_more_than_twice_its_length() {
        let anchors: Vec<_> = (0..1000).map(|i| Span::new(i * 100, i * 100 + 90)).collect();
        let patches: Vec<_> = anchors.iter().map(|span| Patch { span: *span, text: "0x" }).collect();
        let record = encode(&patches, &anchors, paths).expect("there are anchors");
        assert!(record.len() <= 2 * 2 * 1000 + 64, "{}", record.len());
    }
}
