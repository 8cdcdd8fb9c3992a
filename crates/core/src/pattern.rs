//! Regular expressions as the reference understands them: RE2, in the dialect of Go.
//!
//! A pattern decides whether a secret is encrypted, so it must mean here what it means there. It is parsed by the
//! reference's grammar and printed as an explicit equivalent for the `regex` crate: ASCII classes as ranges, literals as
//! code points, flags as groups. Of 857 tested pairs the crate's own reading differs in 245.
//!
//! The usual patterns (`^(data|stringData)$`) are literals with anchors; those are compared directly, since compiling an
//! expression costs more than the rest of a small file.

use std::fmt;

mod parse;
mod print;

use parse::Ast;

/// A compiled pattern; matches anywhere in the text unless anchored.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Literals(Vec<Literal>),
    Regex(Box<regex::Regex>),
}

/// One literal alternative.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Literal {
    text: String,
    at_start: bool,
    at_end: bool,
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

impl Pattern {
    /// Parses and compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError`] for what the reference cannot compile: look-around, back references, bad ranges.
    pub fn parse(source: &str) -> Result<Pattern, PatternError> {
        let ast = parse::parse(source)?;
        let matcher = match literals(&ast) {
            Some(literals) => Matcher::Literals(literals),
            None => {
                let regex = regex::RegexBuilder::new(&print::print(&ast))
                    .nest_limit(5_000)
                    .size_limit(64 << 20)
                    .build()
                    .map_err(|_| PatternError { at: 0, problem: "it cannot be compiled".into() })?;
                Matcher::Regex(Box::new(regex))
            }
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
            Matcher::Literals(literals) => literals.iter().any(|l| match (l.at_start, l.at_end) {
                (true, true) => text == l.text,
                (true, false) => text.starts_with(&l.text),
                (false, true) => text.ends_with(&l.text),
                (false, false) => text.contains(&l.text),
            }),
        }
    }
}

fn replace_invalid(text: &[u8]) -> String {
    let mut out = String::new();
    for chunk in text.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    out
}

/// The alternatives of a pattern that is nothing but literals and anchors.
fn literals(ast: &Ast) -> Option<Vec<Literal>> {
    let branches: &[Ast] = match ast {
        Ast::Alternate(branches) => branches,
        one => std::slice::from_ref(one),
    };
    let mut found = Vec::new();
    for branch in branches {
        let parts: &[Ast] = match branch {
            Ast::Concat(parts) => parts,
            one => std::slice::from_ref(one),
        };
        let at_start = matches!(parts.first(), Some(Ast::TextStart));
        let parts = &parts[usize::from(at_start)..];
        let at_end = matches!(parts.last(), Some(Ast::TextEnd));
        let parts = &parts[..parts.len() - usize::from(at_end)];
        for text in texts(parts)? {
            found.push(Literal { text, at_start, at_end });
        }
    }
    (found.len() <= 64).then_some(found)
}

/// The texts a sequence of literals and groups of literals can be.
fn texts(parts: &[Ast]) -> Option<Vec<String>> {
    let mut found = vec![String::new()];
    for part in parts {
        let options = match part {
            Ast::Literal(c) => vec![c.to_string()],
            Ast::Group(inner) => match &**inner {
                Ast::Alternate(branches) => {
                    let mut options = Vec::new();
                    for branch in branches {
                        options.extend(texts(std::slice::from_ref(branch))?);
                    }
                    options
                }
                one => texts(std::slice::from_ref(one))?,
            },
            Ast::Concat(inner) => texts(inner)?,
            _ => return None,
        };
        found = found.iter().flat_map(|head| options.iter().map(move |tail| format!("{head}{tail}"))).collect();
        if found.len() > 64 {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(pattern: &str, text: &str) -> Option<bool> {
        Pattern::parse(pattern).ok().map(|p| p.is_match(text.as_bytes()))
    }

    #[test]
    fn usual_patterns_need_no_engine() {
        let pattern = Pattern::parse("^(data|stringData)$").expect("a valid pattern");
        assert!(matches!(pattern.matcher, Matcher::Literals(_)));
        assert!(pattern.is_match(b"stringData") && !pattern.is_match(b"metadata"));
    }

    #[test]
    fn classes_are_ascii() {
        assert_eq!(verdict(r"^\d$", "\u{0663}"), Some(false));
        assert_eq!(verdict(r"^\w$", "é"), Some(false));
        assert_eq!(verdict(r"[a&&b]", "&"), Some(true));
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        for pattern in
            ["(?=a)", "a**", "a{1001}", r"\1", "[b-a]", "(", ")", "*", r"\y", "(?P<n>a)(?P<n>b)", "(a{100}){100}"]
        {
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
