//! `sops set FILE PATH VALUE`: one value of an encrypted file.

use std::{
    ffi::{OsStr, OsString},
    io::Read as _,
    path::Path,
};

use sops_core::{document::TreePath, format::json};
use zeroize::Zeroizing;

use crate::{
    args::Set,
    change::{Formats, Opened},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate,
    route::{Privacy, Route},
};

/// Sets the value, in place.
///
/// # Errors
/// In the order of the reference: flags (1), number of arguments (100), configuration, path (7), value (1, 7), order, file,
/// keys, MAC, a path that does not fit the file (1).
pub fn run(args: &Set, env: &Environment) -> Result<(), Failure> {
    let (file, path, value) = arguments(args)?;
    let route = Route::in_place(file, &args.name, env);
    let located = locate::configuration(&args.common, env)?;
    let formats = Formats::settle(&args.types, &route.name, &args.common, &located.config)?;
    let path = tree_path(path, "Invalid set index format")?;
    let text = value.read()?;
    let value = json::read::value(&text).map_err(|error| {
        Failure::new(Code::InvalidSetFormat, format!("Value for --set is not valid JSON: {error}"))
            .hint("a text is JSON with its quotes: '\"like this\"'")
    })?;
    keyring::check_order(&args.opening.order, env)?;

    let mut input = route.read()?;
    let mut opened = Opened::new(input.take(), route.input_name(), formats, &args.opening, &args.common, env)?;
    if args.idempotent == Some(true) && opened.plain.is_at(&path, &value) {
        return Ok(());
    }
    opened.plain.set(&path, &value).map_err(|error| Failure::core(error, Phase::Change).of(route.input_name()))?;
    let sealed = opened.seal()?;
    route.write(input, &sealed, Privacy::Umask)
}

/// Where the JSON text is.
enum Value<'a> {
    Given(&'a OsStr),
    File(&'a Path),
    Stdin,
}

impl Value<'_> {
    /// Reads it.
    fn read(&self) -> Result<Zeroizing<String>, Failure> {
        let mut bytes = Zeroizing::new(Vec::new());
        match self {
            Value::Given(text) => bytes.extend_from_slice(text.as_encoded_bytes()),
            Value::File(path) => {
                *bytes = std::fs::read(path).map_err(|error| Failure::io(Code::Generic, path, "", &error))?;
            }
            Value::Stdin => {
                std::io::stdin()
                    .lock()
                    .read_to_end(&mut bytes)
                    .map_err(|error| Failure::io(Code::Generic, Path::new("standard input"), "", &error))?;
            }
        }
        let text = String::from_utf8(std::mem::take(&mut bytes)).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            Failure::new(Code::InvalidSetFormat, "Value for --set is not valid JSON: not UTF-8 text")
        })?;
        Ok(Zeroizing::new(text))
    }
}

fn arguments(args: &Set) -> Result<(&OsString, &OsStr, Value<'_>), Failure> {
    let (from_file, from_stdin) = (args.value_file == Some(true), args.value_stdin == Some(true));
    let count = |text| Err(Failure::new(Code::NoFileSpecified, text));
    match (args.file.as_slice(), from_file, from_stdin) {
        (_, true, true) => Err(Failure::new(Code::Generic, "cannot use both --value-file and --value-stdin")),
        ([file, path], false, true) => Ok((file, path, Value::Stdin)),
        (_, _, true) => count(
            "file specified, or index and value are missing. Need precisely 2 positional arguments since --value-stdin is \
             used.",
        ),
        ([file, path, value], true, _) => Ok((file, path, Value::File(Path::new(value)))),
        ([file, path, value], false, _) => Ok((file, path, Value::Given(value))),
        _ => count("no file specified, or index and value are missing. Need precisely 3 positional arguments."),
    }
}

/// Reads the path of a change. The root itself cannot be changed.
///
/// # Errors
/// A path that does not parse (7); a negative position (1).
pub fn tree_path(text: &OsStr, problem: &str) -> Result<TreePath, Failure> {
    let malformed = |reason: &str| Failure::new(Code::InvalidSetFormat, format!("{problem}: {reason}"));
    match TreePath::parse(&text.to_string_lossy()) {
        Ok(path) if path.steps().is_empty() => Err(malformed("the path is empty; expected [\"key\"][0]")),
        Ok(path) => Ok(path),
        Err(error @ sops_core::Error::Path { malformed: true, .. }) => Err(malformed(&error.to_string())),
        Err(error) => Err(Failure::core(error, Phase::Change)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(words: &[&str], from_file: bool, from_stdin: bool) -> Option<u8> {
        let file = words.iter().map(OsString::from).collect();
        let args = Set { file, value_file: Some(from_file), value_stdin: Some(from_stdin), ..Set::default() };
        arguments(&args).err().map(|failure| failure.code as u8)
    }

    #[test]
    fn the_number_of_arguments_depends_on_where_the_value_is() {
        assert_eq!(number(&["f", "p", "v"], false, false), None);
        assert_eq!(number(&["f", "p", "v"], true, false), None);
        assert_eq!(number(&["f", "p"], false, true), None);
        assert_eq!(number(&["f", "p", "v"], false, true), Some(100));
        assert_eq!(number(&["f", "p"], true, false), Some(100));
        assert_eq!(number(&[], false, false), Some(100));
        assert_eq!(number(&["f", "p"], true, true), Some(1));
    }

    #[test]
    fn a_path_is_needed_and_has_no_negative_position() {
        let number = |text: &str| tree_path(OsStr::new(text), "x").err().map(|failure| failure.code as u8);
        assert_eq!(number("[\"a\"][0]"), None);
        for text in ["", "[", "a", "[]", "[\"a\"]x"] {
            assert_eq!(number(text), Some(7), "{text}");
        }
        assert_eq!(number("[-1]"), Some(1));
    }
}
