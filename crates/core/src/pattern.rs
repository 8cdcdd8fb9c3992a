//! Regular expressions as the reference understands them: RE2, in the dialect of Go.
//!
//! A pattern decides whether a secret is encrypted, so it must mean here what it means there. It is parsed by the
//! reference's grammar, with the reference's Unicode, into a tree without flags, names or classes of any dialect. Of 857
//! tested pairs the `regex` crate's own reading differs in 245.
//!
//! Small trees, as people write them, are run as they are; large ones are printed as an explicit equivalent for the
//! `regex` crate, which takes longer to compile and less to match. Where that crate has limits the reference has not, the
//! tree is run however large it is.

use std::fmt;

mod class;
mod parse;
mod print;
mod program;
mod small;
mod tree;

use program::Program;
use small::Small;
use tree::Tree;

/// A compiled pattern; matches anywhere in the text unless anchored.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Small(Small),
    Program(Program),
    Regex(Box<regex::Regex>),
}

/// Why a pattern is not valid, with the place as a byte offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    at: usize,
    problem: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a valid RE2 expression, at byte {}: {}", self.at, self.problem)
    }
}

impl std::error::Error for PatternError {}

type Parsed<T> = Result<T, PatternError>;

impl Pattern {
    /// Parses and compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError`] for what the reference cannot compile: look-around, back references, bad ranges.
    pub fn parse(source: &str) -> Result<Pattern, PatternError> {
        let tree = parse::parse(source)?;
        let matcher = match engine(&tree) {
            Some(regex) => Matcher::Regex(Box::new(regex)),
            None => Small::new(Program::new(tree)).map_or_else(Matcher::Program, Matcher::Small),
        };
        Ok(Pattern { source: source.to_owned(), matcher })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it matches somewhere in `text`. A byte that is not UTF-8 counts as one U+FFFD.
    pub fn is_match(&self, text: &[u8]) -> bool {
        let owned;
        let text = match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => {
                owned = replace_invalid(text);
                &owned
            }
        };
        match &self.matcher {
            Matcher::Regex(regex) => regex.is_match(text),
            Matcher::Small(program) => program.is_match(text),
            Matcher::Program(program) => program.is_match(text),
        }
    }
}

/// Compiles a large pattern with the `regex` crate, unless that is more than it can take: it recurses over the height,
/// and a large set repeated hundreds of times is huge to it.
fn engine(tree: &Tree) -> Option<regex::Regex> {
    if tree.size <= LARGEST_PROGRAM || tree.height > HIGHEST_EXPRESSION {
        return None;
    }
    regex::RegexBuilder::new(&print::print(tree)?).size_limit(LARGEST_EXPRESSION).build().ok()
}

/// Instructions that are cheaper to run than to compile further.
const LARGEST_PROGRAM: u64 = 256;
/// Height up to which the `regex` crate is asked.
const HIGHEST_EXPRESSION: usize = 50;
/// Bytes that the `regex` crate may make of a pattern.
const LARGEST_EXPRESSION: usize = 4 << 20;

fn replace_invalid(text: &[u8]) -> String {
    let mut out = String::new();
    for chunk in text.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    out
}

#[cfg(test)]
mod tests;
