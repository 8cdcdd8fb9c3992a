//! Tree paths: `["a"]["b"][0]`.
//!
//! The grammar is the reference's (`--extract`, `set`, `unset`): keys in single or double quotes, without escapes, and
//! decimal list positions. Where the reference crashes, an error is returned.

use crate::error::Error;

/// One step of a [`TreePath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a mapping.
    Key(String),
    /// A position in a list, from 0; comments do not count.
    Index(usize),
}

/// The steps from the root to a node.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TreePath {
    steps: Vec<Step>,
}

impl TreePath {
    /// Parses `["a"]["b"][0]`. The empty text is the root.
    ///
    /// # Errors
    /// [`Error::Path`] with `malformed` set.
    ///
    /// ```
    /// # use sops_core::path::{Step, TreePath};
    /// let path = TreePath::parse(r#"["db"]['users'][0]"#)?;
    /// assert_eq!(path.steps(), [Step::Key("db".into()), Step::Key("users".into()), Step::Index(0)]);
    /// # Ok::<(), sops_core::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<TreePath, Error> {
        let malformed = |reason: &str| Err(Error::Path { reason: reason.to_owned(), malformed: true });
        let mut steps = Vec::new();
        for piece in text.split('[').filter(|p| !p.is_empty()) {
            let Some(inner) = piece.strip_suffix(']') else {
                return malformed("a component of the path does not end with ]; expected [\"key\"][0]");
            };
            if inner.starts_with(['"', '\'']) {
                let mut chars = inner.chars();
                chars.next();
                if chars.next_back().is_none() {
                    return malformed("a key of the path is not closed; expected [\"key\"][0]");
                }
                steps.push(Step::Key(chars.as_str().to_owned()));
                continue;
            }
            match inner.parse::<i64>() {
                Ok(index) if index >= 0 => steps.push(Step::Index(index as usize)),
                Ok(_) => {
                    let reason = "component of the path is a negative list position".to_owned();
                    return Err(Error::Path { reason, malformed: false });
                }
                Err(_) => {
                    return malformed(
                        "a component of the path is neither a quoted key nor a list position; expected [\"key\"][0]",
                    );
                }
            }
        }
        Ok(TreePath { steps })
    }

    /// The steps, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl From<Vec<Step>> for TreePath {
    fn from(steps: Vec<Step>) -> Self {
        TreePath { steps }
    }
}

impl std::fmt::Display for TreePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for step in &self.steps {
            match step {
                Step::Key(key) => write!(f, "[\"{key}\"]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Prints keys as a tree path for people; `[]` for the root. Control characters are left to whoever prints.
pub(crate) fn display_keys<'a>(keys: impl Iterator<Item = &'a [u8]>) -> String {
    let mut out = String::new();
    for key in keys {
        out.push_str("[\"");
        out.push_str(&String::from_utf8_lossy(key));
        out.push_str("\"]");
    }
    if out.is_empty() { "the root".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_of_either_kind_and_positions_are_read() {
        let path = TreePath::parse("[\"a\"]['b:c'][12]").expect("a valid path");
        assert_eq!(path.to_string(), "[\"a\"][\"b:c\"][12]");
        assert_eq!(TreePath::parse("").expect("the root").steps(), []);
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        for text in ["a", "[\"a\"] ", "[\"a\"]x", "[]", "[\"]", "[x]", "[1.5]"] {
            assert!(matches!(TreePath::parse(text), Err(Error::Path { malformed: true, .. })), "{text}");
        }
        assert!(matches!(TreePath::parse("[-1]"), Err(Error::Path { malformed: false, .. })));
    }
}
