//! Commands that print key material: splitting their line into words, and running them.
//!
//! compat: the splitter is the small lexer of the reference, not a POSIX shell; the two differ in backslashes.

use std::ffi::OsStr;

use sops_core::keys::program::Program;
use zeroize::Zeroizing;

use crate::environment::Environment;

/// Splits a line into words: `'…'` is literal, in `"…"` and outside a backslash takes the next character literally, `#`
/// at the start of a word begins a comment.
///
/// # Errors
/// An unterminated quote or a backslash at the end.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => while chars.next().is_some_and(|c| c != '\n') {},
            '\\' => word.get_or_insert_default().push(chars.next().ok_or(AFTER_ESCAPE)?),
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or("EOF found when expecting closing quote")? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => word.push(chars.next().ok_or(AFTER_ESCAPE)?),
            c => word.push(c),
        }
    }
}

/// Runs the command in a variable and returns what it printed.
///
/// The child sees the environment without our own identities, and `SOPS_AGE_RECIPIENT`. Its standard error is dropped: it
/// may hold key material.
///
/// # Errors
/// The program's name and what happened; never its arguments, which may be secret.
pub fn output(line: &str, recipient: &str, env: &Environment) -> Result<Zeroizing<Vec<u8>>, String> {
    let words = split(line).map_err(|problem| format!("failed to parse command: {problem}"))?;
    let Some((name, arguments)) = words.split_first() else {
        return Err("failed to execute command : empty command".to_owned());
    };
    let failed = |reason: &str| format!("failed to execute command {name}: {reason}");
    let mut variables: Vec<_> =
        env.without(&["SOPS_AGE_KEY"]).map(|(name, value)| (name.clone(), value.clone())).collect();
    variables.push(("SOPS_AGE_RECIPIENT".into(), recipient.into()));
    let program = Program::find(name.as_ref(), &variables).map_err(|reason| failed(&reason))?;
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let done = program.run(&arguments, None, MAX_BYTES).map_err(|error| failed(&crate::failure::io_text(&error)))?;
    match (done.status.success(), done.status.code()) {
        (true, _) => Ok(done.stdout),
        (false, Some(code)) => Err(failed(&format!("exit status {code}"))),
        (false, None) => Err(failed(&done.status.to_string())),
    }
}

const MAX_BYTES: usize = 16 << 20;
const AFTER_ESCAPE: &str = "EOF found after escape character";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_the_reference_does() {
        let words = |line| split(line).unwrap();
        assert_eq!(words(r#"sh -c 'a b\' x"y \" z" # no"#), ["sh", "-c", "a b\\", "xy \" z"]);
        assert_eq!(words(r"C:\dir\prog a\ b c#d ''"), ["C:dirprog", "a b", "c#d", ""]);
        assert_eq!(words("# only a comment\nnext"), ["next"]);
        assert!(words("  ").is_empty());
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        assert!(split("a 'b").is_err());
        assert!(split("a \"b\\\"").is_err());
        assert!(split("a\\").is_err());
    }

    #[test]
    fn a_command_is_told_the_recipient_and_not_our_identities() {
        let env = Environment::of(&[("SOPS_AGE_KEY", "hush"), ("PATH", "/usr/bin:/bin")], std::path::Path::new("/"));
        let text = output("/bin/sh -c 'echo $SOPS_AGE_RECIPIENT$SOPS_AGE_KEY'", "age1x", &env).unwrap();
        assert_eq!(text.as_slice(), b"age1x\n");
    }

    #[test]
    fn a_failure_names_the_program_and_no_argument() {
        let env = Environment::of(&[], std::path::Path::new("/"));
        let text = output("/bin/sh -c 'exit 3' canary", "age1x", &env).unwrap_err();
        assert!(text.contains("/bin/sh") && text.contains('3') && !text.contains("canary"), "{text}");
    }
}
