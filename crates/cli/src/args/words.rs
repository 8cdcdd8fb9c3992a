//! The flag grammar of the reference (Go's), in front of clap.
//!
//! Go takes one or two dashes for any name, `-k=value`, never a glued `-kvalue`, no bundles, and booleans that swallow no
//! next word. clap can be taught none of that, so this pass rewrites words to the one spelling `--name=value` and collects
//! the positionals; clap then converts the values. What exists and what is a boolean is asked of the clap definitions, so
//! there is no second table.

use std::{any::TypeId, ffi::OsString};

use clap::builder::ValueParser;

/// A wrong use of the command line; exit 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage(pub String);

/// Where flags may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Before the command or file: the first positional ends them.
    BeforeCommand,
    /// Anywhere, up to `--`.
    Anywhere,
}

/// One pass over the words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Flags as `(long name, value)`, in order.
    pub flags: Vec<(String, OsString)>,
    /// Everything else, in order; with [`Scope::BeforeCommand`] from the first positional on.
    pub rest: Vec<OsString>,
    /// Whether `--help` or `-h` was among the flags.
    pub help: bool,
    /// Whether a flag stands between two of the rest.
    pub is_torn: bool,
}

/// Splits words into flags and positionals by the flags that `command` defines.
///
/// # Errors
/// A flag that it does not define, or one whose value is missing.
pub fn split(command: &clap::Command, words: &[OsString], scope: Scope) -> Result<Words, Usage> {
    let mut out = Words::default();
    let mut has_flag_behind = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let is_value = scope == Scope::Anywhere && !out.rest.is_empty() && is_value(word);
        let Some((name, value)) = (if is_value { None } else { flag(word)? }) else {
            if word == "--" {
                break;
            }
            out.is_torn |= has_flag_behind;
            out.rest.push(word.clone());
            if scope == Scope::BeforeCommand {
                break;
            }
            continue;
        };
        has_flag_behind |= !out.rest.is_empty();
        let Some(arg) = find(command, &name) else {
            if name == "help" || name == "h" {
                out.help = true;
                continue;
            }
            return Err(Usage(format!("flag provided but not defined: -{name}")));
        };
        let value = match value {
            Some(value) => value,
            None if is_boolean(arg.get_value_parser()) => "true".into(),
            None => words.next().cloned().ok_or_else(|| Usage(format!("flag needs an argument: -{name}")))?,
        };
        out.flags.push((arg.get_long().unwrap_or_default().to_owned(), value));
    }
    out.rest.extend(words.cloned());
    Ok(out)
}

/// Tells whether a word is a negative number or a line with blanks: behind the file these are values (`set FILE PATH -5`,
/// `exec-env FILE '-x y'`), and no flag looks like one.
fn is_value(word: &OsString) -> bool {
    let bytes = word.as_encoded_bytes();
    let name = bytes.split(|b| *b == b'=').next().unwrap_or_default();
    matches!(bytes, [b'-', b'0'..=b'9', ..]) || name.iter().any(u8::is_ascii_whitespace)
}

/// Reads `-name`, `--name`, `-name=value`; `None` for a positional, for `-` and for `--`.
fn flag(word: &OsString) -> Result<Option<(String, Option<OsString>)>, Usage> {
    let bytes = word.as_encoded_bytes();
    let Some(body) = bytes.strip_prefix(b"-").filter(|body| !body.is_empty() && *body != b"-") else {
        return Ok(None);
    };
    let body = body.strip_prefix(b"-").unwrap_or(body);
    let (name, value) = match body.iter().position(|b| *b == b'=') {
        Some(at) => (&body[..at], body.get(at + 1..)),
        None => (body, None),
    };
    let name = String::from_utf8_lossy(name).into_owned();
    if name.is_empty() || name.starts_with('-') {
        return Err(Usage(format!("bad flag syntax: {}", word.to_string_lossy())));
    }
    // The text behind an ASCII `=` of a word is a word of the same encoding; going through its length keeps any bytes.
    Ok(Some((name, value.map(|value| tail(word, bytes.len() - value.len())))))
}

#[cfg(unix)]
fn tail(word: &OsString, from: usize) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    OsString::from_vec(word.as_bytes().get(from..).unwrap_or_default().to_vec())
}

#[cfg(not(unix))]
fn tail(word: &OsString, from: usize) -> OsString {
    word.to_string_lossy().get(from..).unwrap_or_default().into()
}

fn find<'c>(command: &'c clap::Command, name: &str) -> Option<&'c clap::Arg> {
    let mut letters = name.chars();
    let letter = letters.next().filter(|_| letters.next().is_none());
    command.get_arguments().filter(|arg| !arg.is_positional()).find(|arg| {
        arg.get_long() == Some(name)
            || arg.get_all_aliases().is_some_and(|all| all.contains(&name))
            || (letter.is_some() && arg.get_short() == letter)
    })
}

/// Tells whether an argument takes a boolean.
pub fn is_boolean(parser: &ValueParser) -> bool {
    parser.type_id() == TypeId::of::<bool>()
}

/// Reads a boolean as Go does.
///
/// # Errors
/// Any other word.
pub fn boolean(word: &str) -> Result<bool, String> {
    match word {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// Reads an integer as Go does: a sign, `0x`, `0o`, `0b` or a leading `0` for octal, `_` between digits.
///
/// # Errors
/// Anything else, and what does not fit.
pub fn integer(word: &str) -> Result<i64, String> {
    let problem = || "expected an integer".to_owned();
    let (negative, body) = match word.strip_prefix(['-', '+']) {
        Some(body) => (word.starts_with('-'), body),
        None => (false, word),
    };
    let lower = body.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) || digits.ends_with('_') || digits.contains("__") || digits.is_empty() {
        return Err(problem());
    }
    let number = i64::from_str_radix(&digits.replace('_', ""), radix).map_err(|_| problem())?;
    Ok(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Legacy;

    fn split_words(words: &[&str], scope: Scope) -> Result<Words, Usage> {
        split(&Legacy::command(), &words.iter().map(OsString::from).collect::<Vec<_>>(), scope)
    }

    fn flags(words: &[&str]) -> Vec<(String, String)> {
        let words = split_words(words, Scope::Anywhere).unwrap();
        words.flags.into_iter().map(|(name, value)| (name, value.into_string().unwrap())).collect()
    }

    #[test]
    fn one_dash_is_as_good_as_two() {
        for spelling in ["-decrypt", "--decrypt", "-d", "--d", "-d=true"] {
            assert_eq!(flags(&[spelling]), [("decrypt".to_owned(), "true".to_owned())], "{spelling}");
        }
        assert_eq!(flags(&["-age=x=y"]), [("age".to_owned(), "x=y".to_owned())]);
        assert_eq!(flags(&["-a", "-x"]), [("age".to_owned(), "-x".to_owned())]);
    }

    #[test]
    fn a_boolean_swallows_no_word() {
        let words = split_words(&["-i", "false", "--in-place=F", "f"], Scope::Anywhere).unwrap();
        assert_eq!(words.rest, ["false", "f"]);
        assert_eq!(words.flags, [("in-place".into(), "true".into()), ("in-place".into(), "F".into())]);
    }

    #[test]
    fn the_first_positional_ends_global_flags() {
        let words = split_words(&["-d", "f", "-i"], Scope::BeforeCommand).unwrap();
        assert_eq!(words.rest, ["f", "-i"]);
        let words = split_words(&["-d", "--", "-i", "--"], Scope::BeforeCommand).unwrap();
        assert_eq!(words.rest, ["-i", "--"]);
        assert_eq!(split_words(&["-", "-d"], Scope::Anywhere).unwrap().rest, ["-"]);
    }

    #[test]
    fn a_negative_number_behind_a_positional_is_a_value() {
        assert_eq!(split_words(&["f", "-5", "-i"], Scope::Anywhere).unwrap().rest, ["f", "-5"]);
        assert!(split_words(&["-5", "f"], Scope::Anywhere).is_err());
        assert_eq!(split_words(&["f", "-x y"], Scope::Anywhere).unwrap().rest, ["f", "-x y"]);
        assert_eq!(split_words(&["f", "-a=x y"], Scope::Anywhere).unwrap().rest, ["f"]);
    }

    #[test]
    fn a_flag_between_positionals_is_noticed() {
        let is_torn = |words: &[&str]| split_words(words, Scope::Anywhere).unwrap().is_torn;
        assert!(is_torn(&["a", "-i", "b"]));
        assert!(!is_torn(&["-i", "a", "b"]) && !is_torn(&["a", "b", "-i"]));
    }

    #[test]
    fn wrong_flags_are_named_with_one_dash() {
        let problem = |words: &[&str]| split_words(words, Scope::Anywhere).unwrap_err().0;
        assert_eq!(problem(&["--bogus"]), "flag provided but not defined: -bogus");
        assert_eq!(problem(&["-di"]), "flag provided but not defined: -di");
        assert_eq!(problem(&["f", "--age"]), "flag needs an argument: -age");
        assert!(problem(&["---x"]).contains("bad flag syntax"));
        assert!(problem(&["-=x"]).contains("bad flag syntax"));
    }

    #[test]
    fn integers_are_read_as_go_does() {
        for (word, number) in
            [("0x1F", 31), ("-1", -1), ("+010", 8), ("0b1_0", 2), ("1_000", 1000), ("0", 0), ("0o7", 7)]
        {
            assert_eq!(integer(word), Ok(number), "{word}");
        }
        for word in ["", "abc", "--1", "0x", "1__0", "1_", "08", "0x-1", "99999999999999999999"] {
            assert!(integer(word).is_err(), "{word}");
        }
    }
}
