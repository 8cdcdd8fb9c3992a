//! Fields that are none of ours: of the branch, and of a master key's entry.
//!
//! The reference loses them when it writes. A later version, or another program, may have put them there.

use crate::outline::Event;
use std::fmt;

/// Unknown members of a mapping, by name, each whole; comments left out.
#[derive(Clone, Default)]
pub struct Unknown {
    /// The members one after another.
    pub(super) events: Vec<Event<'static>>,
}

impl Unknown {
    /// Puts the fields between the known members of a mapping, all in byte order.
    pub(super) fn merge_into(&self, known: &[Event<'static>], out: &mut Vec<Event<'static>>) {
        let mut fields = members(known);
        fields.extend(members(&self.events));
        fields.sort_by_key(|field| field.first().and_then(key));
        out.extend(fields.into_iter().flatten().cloned());
    }
}

/// Same names, nesting and values.
impl PartialEq for Unknown {
    fn eq(&self, other: &Unknown) -> bool {
        let same = |pair: (&Event<'_>, &Event<'_>)| match pair {
            (Event::Map(a), Event::Map(b)) | (Event::List(a), Event::List(b)) => a == b,
            (Event::Leaf(a, value), Event::Leaf(b, other)) => a == b && value.same(other),
            (Event::End, Event::End) => true,
            _ => false,
        };
        self.events.len() == other.events.len() && self.events.iter().zip(&other.events).all(same)
    }
}

impl Eq for Unknown {}

/// The names alone.
impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(members(&self.events).iter().filter_map(|field| field.first().and_then(key))).finish()
    }
}

/// The key of a member.
fn key<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    match event {
        Event::Map(key) | Event::List(key) | Event::Leaf(key, _) => key.as_deref(),
        Event::Comment { .. } | Event::End => None,
    }
}

/// Cuts members into one slice each.
pub(crate) fn members<'e, 'v>(events: &'e [Event<'v>]) -> Vec<&'e [Event<'v>]> {
    let (mut depth, mut from, mut found) = (0_usize, 0, Vec::new());
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Map(_) | Event::List(_) => depth += 1,
            Event::End => depth = depth.saturating_sub(1),
            Event::Leaf(..) | Event::Comment { .. } => {}
        }
        if depth == 0 {
            found.push(&events[from..=index]);
            from = index + 1;
        }
    }
    found
}
