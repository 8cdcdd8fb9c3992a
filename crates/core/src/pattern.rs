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

/// Compiles a large pattern with the `regex` crate, where it can take it: it recurses over the height, and what it
/// makes of a set repeated hundreds of times is huge.
fn engine(tree: &Tree) -> Option<regex::Regex> {
    let is_worth_it = tree.size > LARGEST_PROGRAM && tree.height <= HIGHEST_EXPRESSION;
    let build = || regex::RegexBuilder::new(&print::print(tree)).size_limit(LARGEST_EXPRESSION).build();
    is_worth_it.then(build)?.ok()
}

/// Instructions that are cheaper to run than to compile further.
const LARGEST_PROGRAM: u64 = 128;
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
mod tests {
    use super::*;

    fn verdict(pattern: &str, text: &str) -> Option<bool> {
        Pattern::parse(pattern).ok().map(|p| p.is_match(text.as_bytes()))
    }

    #[test]
    fn classes_are_ascii() {
        assert_eq!(verdict(r"^\d$", "\u{0663}"), Some(false));
        assert_eq!(verdict(r"^\w$", "é"), Some(false));
        assert_eq!(verdict(r"[a&&b]", "&"), Some(true));
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        for pattern in ["(?=a)", "a**", "a{1001}", r"\1", "[b-a]", "(", ")", "*", r"\y", "(?P<é>a)", "(a{100}){100}"] {
            assert_eq!(verdict(pattern, ""), None, "{pattern}");
        }
    }

    #[test]
    fn an_invalid_byte_is_one_replacement_character() {
        assert!(Pattern::parse("^A.$").is_ok_and(|p| p.is_match(b"A\xFF")));
        assert!(Pattern::parse(r"^A\x{fffd}$").is_ok_and(|p| p.is_match(b"A\xFF")));
        assert!(!Pattern::parse(r"\xff").is_ok_and(|p| p.is_match(b"A\xFF")));
    }
}
