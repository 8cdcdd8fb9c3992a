//! What an opened file remembers: the tokens of its values, so that an unchanged value keeps its own.

use crate::outline::{NONE, Span};
use crate::value::Kind;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use zeroize::Zeroizing;

/// The tokens of opened files, by path, type and plain text, first in first out: equal elements of a list stay distinct.
///
/// A token is only ever used again for the very path, type and text it was made for.
pub(crate) struct TokenMemory {
    state: RandomState,
    entries: Vec<Entry>,
    plain: Zeroizing<Vec<u8>>,
    tokens: Vec<u8>,
}

struct Entry {
    /// Of path, type and text.
    digest: u64,
    kind: Kind,
    plain: Span,
    token: Span,
}

impl TokenMemory {
    /// An empty memory.
    pub fn new() -> Self {
        TokenMemory {
            state: RandomState::new(),
            entries: Vec::new(),
            plain: Zeroizing::new(Vec::new()),
            tokens: Vec::new(),
        }
    }

    /// Remembers the token of a value, in walk order.
    pub fn remember(&mut self, aad: &[u8], kind: Kind, plain: &[u8], token: &[u8]) {
        let kind = class(kind, plain);
        let digest = self.state.hash_one((aad, kind, plain));
        let plain = append(&mut self.plain, plain);
        let token = append(&mut self.tokens, token);
        self.entries.push(Entry { digest, kind, plain, token });
    }

    /// Starts one sealing.
    pub fn reuse(&self) -> Reuse<'_> {
        Reuse { memory: self, next: 0, chains: None }
    }
}

/// A float without a fraction is written like an integer, and read back as one.
fn class(kind: Kind, plain: &[u8]) -> Kind {
    match kind {
        Kind::Float if plain.iter().all(|b| b.is_ascii_digit() || *b == b'-') => Kind::Int,
        kind => kind,
    }
}

fn append(buffer: &mut Vec<u8>, bytes: &[u8]) -> Span {
    let from = buffer.len();
    buffer.extend_from_slice(bytes);
    Span::new(from, buffer.len())
}

/// One sealing's way through a [`TokenMemory`]: every token is used at most once.
pub(crate) struct Reuse<'m> {
    memory: &'m TokenMemory,
    /// While every value was the next entry: how many there were.
    next: usize,
    /// From the first value on that was not.
    chains: Option<Chains>,
}

/// The entries that are left, by digest.
struct Chains {
    first: HashMap<u64, u32, BuildHasherDefault<Digest>>,
    /// The next entry with the same digest.
    following: Vec<u32>,
}

impl<'m> Reuse<'m> {
    /// The token of an equal value at the same path, if one is left.
    pub fn take(&mut self, aad: &[u8], kind: Kind, plain: &[u8]) -> Option<&'m [u8]> {
        let memory = self.memory;
        let kind = class(kind, plain);
        if memory.entries.is_empty() {
            return None;
        }
        let digest = memory.state.hash_one((aad, kind, plain));
        let is_it = |entry: &&Entry| {
            entry.digest == digest && entry.kind == kind && memory.plain[entry.plain.range()] == *plain
        };
        let token = |entry: &Entry| &memory.tokens[entry.token.range()];
        if self.chains.is_none()
            && let Some(entry) = memory.entries.get(self.next).filter(is_it)
        {
            self.next += 1;
            return Some(token(entry));
        }
        let chains = self.chains.get_or_insert_with(|| Chains::new(&memory.entries, self.next));
        let index = *chains.first.get(&digest)?;
        let entry = memory.entries.get(index as usize).filter(is_it)?;
        match chains.following.get(index as usize) {
            Some(&next) if next != NONE => chains.first.insert(digest, next),
            _ => chains.first.remove(&digest),
        };
        Some(token(entry))
    }
}

impl Chains {
    fn new(entries: &[Entry], from: usize) -> Chains {
        let mut first = HashMap::with_capacity_and_hasher(entries.len() - from, BuildHasherDefault::default());
        let mut following = vec![NONE; entries.len()];
        for (index, entry) in entries.iter().enumerate().skip(from).rev() {
            following[index] = first.insert(entry.digest, index as u32).unwrap_or(NONE);
        }
        Chains { first, following }
    }
}

/// The digests are keyed hashes already.
#[derive(Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> TokenMemory {
        let mut memory = TokenMemory::new();
        for (plain, token) in [("x", "1"), ("y", "2"), ("x", "3")] {
            memory.remember(b"list:", Kind::Str, plain.as_bytes(), token.as_bytes());
        }
        memory.remember(b"a:", Kind::Int, b"1", b"4");
        memory
    }

    fn all<'m>(memory: &'m TokenMemory, wanted: &[(&str, Kind, &str)]) -> Vec<Option<&'m str>> {
        let mut reuse = memory.reuse();
        let take = |(aad, kind, plain): &(&str, Kind, &str)| reuse.take(aad.as_bytes(), *kind, plain.as_bytes());
        wanted.iter().map(take).map(|t| t.map(|t| std::str::from_utf8(t).expect("ASCII"))).collect()
    }

    #[test]
    fn equal_values_of_a_path_keep_their_order() {
        let x = ("list:", Kind::Str, "x");
        assert_eq!(all(&memory(), &[x, x, x]), [Some("1"), Some("3"), None]);
        assert_eq!(all(&memory(), &[("list:", Kind::Str, "y"), x, x, x]), [Some("2"), Some("1"), Some("3"), None]);
    }

    #[test]
    fn another_path_type_or_text_has_no_token() {
        let others =
            [("list:", Kind::Int, "x"), ("b:", Kind::Str, "x"), ("list:", Kind::Str, "z"), ("a:", Kind::Int, "1")];
        assert_eq!(all(&memory(), &others), [None, None, None, Some("4")]);
    }
}
