//! What `updatekeys` is about to do to the master keys of a file, as the reference shows it.

use sops_core::metadata::{Metadata, keys::MasterKey};

use crate::ui::{Lines, escape};

/// The difference between the keys of a file and those of a rule. Groups are compared by their position, keys by how they
/// are shown.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// How many groups are needed from now on; 0 for all.
    pub threshold: usize,
    old_threshold: usize,
    groups: Vec<GroupChange>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct GroupChange {
    kept: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
}

impl KeyChange {
    /// Compares.
    ///
    /// compat: the threshold is the file's, however the rule sets it, but never more than there are groups.
    pub fn between(metadata: &Metadata, wanted: &[Vec<MasterKey>]) -> KeyChange {
        let names = |keys: &[MasterKey]| -> Vec<String> { keys.iter().map(MasterKey::display).collect() };
        let old: Vec<Vec<String>> = metadata.groups.iter().map(|group| names(&group.keys)).collect();
        let new: Vec<Vec<String>> = wanted.iter().map(|group| names(group)).collect();
        let nothing = Vec::new();
        let groups = (0..old.len().max(new.len())).map(|number| {
            let (old, new) = (old.get(number).unwrap_or(&nothing), new.get(number).unwrap_or(&nothing));
            GroupChange::between(old, new)
        });
        KeyChange {
            threshold: metadata.threshold.min(wanted.len()),
            old_threshold: metadata.threshold,
            groups: groups.collect(),
        }
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let is_same = |group: &GroupChange| group.added.is_empty() && group.removed.is_empty();
        self.threshold == self.old_threshold && self.groups.iter().all(is_same)
    }

    /// Renders the lines that are shown before a person is asked; `what` is what will change.
    pub fn render(&self, what: &str, colour: bool) -> String {
        let mut out = format!("The following changes will be made to {what}:\n");
        let mut line = |mark: &str, text: &str| {
            let text = escape(text, Lines::Escape);
            let (on, off) = match mark {
                "+++ " if colour => ("\x1b[32m", "\x1b[0m"),
                "--- " if colour => ("\x1b[31m", "\x1b[0m"),
                _ => ("", ""),
            };
            out.push_str(&format!("{on}{mark}{text}{off}\n"));
        };
        let threshold = |number: usize| format!("shamir_threshold: {number}");
        if self.threshold == self.old_threshold {
            if self.threshold > 0 {
                line("", &threshold(self.threshold));
            }
        } else {
            for (mark, number) in [("+++ ", self.threshold), ("--- ", self.old_threshold)] {
                if number > 0 {
                    line(mark, &threshold(number));
                }
            }
        }
        for (number, group) in self.groups.iter().enumerate() {
            line("", &format!("Group {}", number + 1));
            for (mark, keys) in [("    ", &group.kept), ("+++ ", &group.added), ("--- ", &group.removed)] {
                keys.iter().for_each(|key| line(mark, key));
            }
        }
        out
    }
}

impl GroupChange {
    fn between(old: &[String], new: &[String]) -> GroupChange {
        let mut change = GroupChange::default();
        for key in new {
            if old.contains(key) { change.kept.push(key.clone()) } else { change.added.push(key.clone()) }
        }
        change.removed = old.iter().filter(|key| !new.contains(key)).cloned().collect();
        change
    }
}

#[cfg(test)]
mod tests {
    use sops_core::metadata::{KeyGroup, keys::MasterKeyKind};

    use super::*;

    fn key(name: &str) -> MasterKey {
        MasterKey::new(MasterKeyKind::Age { recipient: name.to_owned() })
    }

    fn change(old: &[&[&str]], threshold: usize, new: &[&[&str]]) -> KeyChange {
        let keys = |group: &[&str]| group.iter().map(|name| key(name)).collect::<Vec<_>>();
        let groups = old.iter().map(|group| KeyGroup::new(keys(group))).collect();
        KeyChange::between(&Metadata::new(groups, threshold), &new.iter().map(|group| keys(group)).collect::<Vec<_>>())
    }

    #[test]
    fn the_order_inside_a_group_and_copies_of_a_key_are_no_change() {
        assert!(change(&[&["a", "b"]], 0, &[&["b", "a"]]).is_empty());
        assert!(change(&[&["a", "a"]], 0, &[&["a"]]).is_empty());
        assert!(!change(&[&["a"], &["b"]], 2, &[&["b"], &["a"]]).is_empty());
    }

    #[test]
    fn kept_added_and_removed_keys_are_shown_in_this_order() {
        let text = change(&[&["a", "b"], &["c"]], 2, &[&["d", "a"]]).render("the file\'s groups", false);
        assert_eq!(
            text,
            "The following changes will be made to the file's groups:\n+++ shamir_threshold: 1\n--- shamir_threshold: 2\n\
             Group 1\n    a\n+++ d\n--- b\nGroup 2\n--- c\n"
        );
    }

    #[test]
    fn the_threshold_of_the_file_stays() {
        let text = change(&[&["a"], &["b"], &["c"]], 2, &[&["a"], &["b"], &["d"]]).render("the file\'s groups", true);
        assert!(text.contains("groups:\nshamir_threshold: 2\nGroup 1\n    a\n"), "{text:?}");
        assert!(text.contains("\x1b[32m+++ d\x1b[0m\n\x1b[31m--- c\x1b[0m\n"), "{text:?}");
        assert_eq!(change(&[&["a"]], 0, &[&["a"], &["b"]]).threshold, 0);
    }
}
