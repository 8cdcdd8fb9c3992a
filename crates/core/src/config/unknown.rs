//! Fields that have no meaning: the reference ignores them, and a misspelled one means another file than was meant.

use super::node::{Fields, Place};

/// A field that no one knows.
pub struct Unknown {
    /// Its name as it is written.
    pub name: String,
    /// What it stands in.
    pub section: Section,
    /// The place of its value.
    pub place: Place,
    /// The field that was meant, if one is near.
    pub nearest: Option<&'static str>,
}

/// A part of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The top level. People keep anchors and settings of other programs here.
    Top,
    /// `stores`, or one of them.
    Stores,
    /// A creation rule.
    Rule,
    /// A key group.
    Group,
    /// A key of a key group.
    Key,
    /// A destination rule.
    Destination,
}

impl Unknown {
    /// Returns what is left of the fields of a section.
    pub(super) fn of(section: Section, fields: Fields<'_>) -> impl Iterator<Item = Unknown> {
        let (rest, known) = fields.rest();
        rest.into_iter().map(move |(name, node)| Unknown {
            nearest: nearest(&name, &known),
            name,
            section,
            place: node.place(),
        })
    }

    /// Tells whether the field is more likely a mistake than something else's: on the outer levels only a name that
    /// is near a known one.
    pub fn is_suspect(&self) -> bool {
        self.nearest.is_some() || !matches!(self.section, Section::Top | Section::Stores)
    }

    /// Returns what a person should read about it.
    pub(super) fn text(&self) -> String {
        let section = match self.section {
            Section::Top => "",
            Section::Stores => " of stores",
            Section::Rule => " of a creation rule",
            Section::Group => " of a key group",
            Section::Key => " of a key",
            Section::Destination => " of a destination rule",
        };
        let meant = self.nearest.map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default();
        format!("the field {:?}{section} is unknown and has no effect{meant}", self.name)
    }
}

/// Returns the known name that is nearest: the same letters, a part of the name, or two mistakes at most.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let letters =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let name = letters(name);
    // Long names are nobody's slip, and the distance costs their product.
    if name.len() > MAX_LENGTH {
        return None;
    }
    let distance_to = |known: &'static str| {
        let known_letters = letters(known);
        let is_part = known_letters.contains(&name) || name.contains(&known_letters);
        let distance = distance(&name, &known_letters);
        // A part counts as two mistakes: what is nearer goes first.
        let distance = if is_part && known_letters.len() >= 4 { distance.min(2) } else { distance };
        (distance, known)
    };
    let (distance, nearest) = known.iter().map(|known| distance_to(known)).min()?;
    // Of a short name two mistakes leave nothing: "name" is not "age".
    (distance <= 2 && distance * 3 < name.len().max(1)).then_some(nearest)
}

/// Counts the letters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.bytes().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *above;
            left = replaced.min(diagonal + 1).min(left + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_the_number_of_mistakes() {
        for (a, b, wanted) in
            [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("abc", "acb", 2), ("a", "", 1)]
        {
            assert_eq!(distance(a, b), wanted, "{a} {b}");
        }
    }

    #[test]
    fn the_field_that_was_meant_is_found() {
        let known =
            ["path_regex", "age", "kms", "key_groups", "encrypted_regex", "unencrypted_regex", "hc_vault_transit_uri"];
        for (name, wanted) in [
            ("encrypted-regex", Some("encrypted_regex")),
            ("encryptedRegex", Some("encrypted_regex")),
            ("encrypted_regexp", Some("encrypted_regex")),
            ("unencrypted-regex", Some("unencrypted_regex")),
            ("keygroups", Some("key_groups")),
            ("pathregex", Some("path_regex")),
            ("hc_vault", Some("hc_vault_transit_uri")),
            ("Age", Some("age")),
            ("name", None),
            ("note", None),
            ("", None),
            ("key_file", None),
        ] {
            assert_eq!(nearest(name, &known), wanted, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), &known), None);
    }
}
