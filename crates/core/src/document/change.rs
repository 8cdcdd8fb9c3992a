//! Changes of a clear text: one place, and nothing else.

use super::PlainDocument;
use super::converted::says_nothing_else;
use crate::digest::fast_digest;
use crate::error::Error;
use crate::format::Format;
use crate::format::syntax::Source;
use crate::format::yaml;
use crate::format::yaml::change::{Change, Found};
use crate::outline::{Event, Node, Outline, Scalar};
use crate::path::{Step, TreePath};
use crate::select::Selector;
use crate::splice::Edits;
use crate::value::{Kind, Value};
use crate::walk::Walker;
use zeroize::Zeroizing;

impl PlainDocument {
    /// Sets the value at a path of the first document; what is missing on the way is made, and a list grows by one element
    /// at most. Nothing else changes but the aliases whose anchor is affected: they are written out first.
    ///
    /// # Errors
    /// [`Error::Path`] for the root, a key of a list or a position in a mapping; [`Error::ReservedKey`] for the top-level
    /// key `sops`; [`Error::Reparse`] if the new text does not read back as meant. The document is as before then.
    pub fn set(&mut self, path: &TreePath, value: &[Event<'_>]) -> Result<(), Error> {
        match path.steps() {
            [] => {
                return Err(Error::Path { reason: "the path is empty; expected [\"key\"][0]".into(), malformed: true });
            }
            [Step::Key(key), ..] if is_reserved(self.format, key) => return Err(Error::AlreadyEncrypted),
            _ => {}
        }
        let change = Change { source: &self.source, outline: &self.outline };
        let path = TreePath::from(change.settled(path.steps())?);
        let steps = path.steps();
        let syntax = self.format.syntax();
        self.change(steps, true, |change, edits| match syntax {
            None => change.set(&change.find(steps)?, steps, value, edits),
            Some(syntax) => syntax.set(Source { text: change.source, outline: change.outline }, steps, value, edits),
        })?;
        self.retype(&path, value);
        match self.is_at(&path, value) {
            true => Ok(()),
            false => Err(Error::Reparse { path: path.to_string(), reason: "the new value does not read back".into() }),
        }
    }

    /// Removes the entry or element at a path of the first document.
    ///
    /// # Errors
    /// [`Error::Path`] if nothing is there; [`Error::Reparse`] if the new text does not read back as meant. The document
    /// is as before then.
    pub fn unset(&mut self, path: &TreePath) -> Result<(), Error> {
        let steps = path.steps();
        if steps.is_empty() {
            return Err(Error::Path { reason: "the path is empty; expected [\"key\"][0]".into(), malformed: true });
        }
        let syntax = self.format.syntax();
        self.change(steps, false, |change, edits| {
            let found = change.find(steps)?;
            if found.steps < steps.len() {
                return Err(Error::Path { reason: self_missing(change, &found, steps), malformed: false });
            }
            match syntax {
                None => change.remove(found.index, edits),
                Some(syntax) => {
                    let source = Source { text: change.source, outline: change.outline };
                    syntax.remove(source, found.index, edits);
                }
            }
            Ok(())
        })
    }

    /// Where the text says nothing of the type of a value, it is the one that was set.
    fn retype(&mut self, path: &TreePath, value: &[Event<'_>]) {
        let Ok(index) = self.find(path) else { return };
        let end = self.outline.items[index].end as usize;
        let values = value.iter().filter_map(|event| match event {
            Event::Leaf(_, value) => Some(value),
            _ => None,
        });
        let leaves = (index..end).filter(|index| self.outline.items[*index].is_leaf());
        let typed: Vec<(usize, Scalar)> =
            leaves.zip(values).filter_map(|(i, value)| Some((i, typed(value)?))).collect();
        for (index, scalar) in typed {
            let texts = self.outline.texts(&self.source);
            let Node::Leaf(found) = &self.outline.items[index].node else { continue };
            if says_nothing_else(&found.value(texts), &self.format.clear(scalar.value(texts))) {
                self.outline.items[index].node = Node::Leaf(scalar);
            }
        }
    }

    /// Whether a path of the first document leads to a node.
    pub fn contains(&self, path: &TreePath) -> bool {
        self.find(path).is_ok()
    }

    /// Whether a path of the first document could lead to a node that is not there: a key or an element is missing. Where a
    /// single value or a collection of the other sort is in the way, nothing could ever be there.
    pub fn is_missing(&self, path: &TreePath) -> bool {
        let change = Change { source: &self.source, outline: &self.outline };
        let found = change.find(path.steps()).ok().filter(|found| found.steps < path.steps().len());
        found.is_some_and(|found| !self.outline.items[found.index as usize].is_leaf())
    }

    /// Whether a path of the first document leads to this very value: deep, in order, types included.
    pub fn is_at(&self, path: &TreePath, value: &[Event<'_>]) -> bool {
        let Ok(index) = self.find(path) else { return false };
        let end = self.outline.items[index].end as usize;
        let mut found = self.outline.events(&self.source, index, end, |_| None);
        found.retain(|e| !matches!(e, Event::Comment { .. }));
        yaml::branch::is_same_metadata(&found, value)
    }

    /// Changes the text at a path, which is there afterwards if `stays`. Every other value stays.
    fn change(
        &mut self,
        steps: &[Step],
        stays: bool,
        write: impl FnOnce(&Change<'_>, &mut Edits<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut text: Zeroizing<String>;
        let mut outline: Outline;
        let mut change = Change { source: &self.source, outline: &self.outline };
        // An anchor may lie inside the copy that another alias makes, so this takes as many rounds as they nest.
        let mut rounds = 0;
        loop {
            let found = change.find(steps)?;
            let aliases = change.aliases(&found, found.steps == steps.len());
            if aliases.is_empty() || rounds > 100 {
                break;
            }
            rounds += 1;
            let mut edits = Edits::new(change.source, change.source.len() + 256, aliases.len());
            change.expand(&aliases, &mut edits);
            text = Zeroizing::new(edits.finish()?);
            outline = reread(self.format, &text)?;
            change = Change { source: &text, outline: &outline };
        }
        let mut edits = Edits::new(change.source, change.source.len() + 256, 2);
        write(&change, &mut edits)?;
        let changed = Zeroizing::new(edits.finish()?);
        let mut outline = reread(self.format, &changed)?;
        let before = others(self.format, &self.source, &self.outline, steps);
        let after = others(self.format, &changed, &outline, if stays { steps } else { &[] });
        if before.len() != after.len() || before.iter().zip(&after).any(|(was, is)| was.digest != is.digest) {
            let reason = "another value would change".into();
            return Err(Error::Reparse { path: "the text".into(), reason });
        }
        // A float that is written like an integer stays a float, and what is written like a text keeps its type.
        for (was, is) in before.iter().zip(&after) {
            match &self.outline.items[was.index].node {
                Node::Leaf(Scalar::Str(_)) => {}
                Node::Leaf(scalar) => outline.items[is.index].node = Node::Leaf(scalar.clone()),
                _ => {}
            }
        }
        self.source = changed;
        self.outline = outline;
        Ok(())
    }
}

/// Why there is nothing to remove.
fn self_missing(change: &Change<'_>, found: &Found, steps: &[Step]) -> String {
    let is_leaf = matches!(change.outline.items[found.index as usize].node, Node::Leaf(_));
    match &steps[found.steps] {
        Step::Key(key) if is_leaf => format!("Unsupported type: a single value has no item '{key}'"),
        Step::Index(at) if is_leaf => format!("Unsupported type: a single value has no item '{at}'"),
        Step::Key(key) => format!("Key not found: {key}"),
        Step::Index(at) => format!("Index {at} out of bounds"),
    }
}

fn reread(format: Format, text: &str) -> Result<Outline, Error> {
    let fault = |e: Error| Error::Reparse { path: "the changed text".into(), reason: e.to_string() };
    format.outline(text).map_err(fault)
}

fn is_reserved(format: Format, key: &str) -> bool {
    match format {
        Format::Dotenv => key.starts_with("sops_"),
        _ => key == "sops",
    }
}

/// A value as a node of its type; `None` for a text, and for null, which is never one.
pub(super) fn typed(value: &Value<'_>) -> Option<Scalar> {
    Some(match value {
        Value::Str(_) | Value::Null => return None,
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Int(value) => Scalar::Int(*value),
        Value::Float(value) => Scalar::Float(*value),
        Value::Time(value) => Scalar::Time(Box::new(*value)),
    })
}

/// A leaf that may not change.
struct Other {
    index: usize,
    /// Of path, type and value; integers and floats are numbers.
    digest: u64,
}

/// Digests of path and value of every leaf that is not at or below a path, nor in its way; all for the root.
fn others(format: Format, source: &str, outline: &Outline, steps: &[Step]) -> Vec<Other> {
    let texts = outline.texts(source);
    let found = Change { source, outline }.find(steps).ok();
    let below =
        found.filter(|f| !steps.is_empty() && (f.steps == steps.len() || outline.items[f.index as usize].is_leaf()));
    let below = below.map_or(0..0, |f| f.index as usize..outline.items[f.index as usize].end as usize);
    let selector = Selector::everything();
    let mut digests = Vec::new();
    let _infallible: Result<(), ()> = Walker::new(source, outline, &selector).run(
        &[],
        |_| false,
        |step| {
            if let Node::Leaf(scalar) = &outline.items[step.index].node
                && !below.contains(&step.index)
            {
                let value = format.clear(scalar.value(texts));
                let kind = match &value {
                    Value::Float(_) => Kind::Int as u64 + 1,
                    _ => value.kind().map_or(0, |k| k as u64 + 1),
                };
                // Minus zero is written like an integer, which has no sign.
                let canonical = value.canonical();
                let canonical = if &*canonical == b"-0" { b"0" } else { &*canonical };
                let digest = [fast_digest(step.aad), fast_digest(canonical), kind];
                digests.push(Other { index: step.index, digest: fast_digest(&digest.map(u64::to_le_bytes).concat()) });
            }
            Ok(())
        },
    );
    digests
}
