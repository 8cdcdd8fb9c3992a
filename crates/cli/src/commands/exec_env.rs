//! `sops exec-env FILE COMMAND`: a command with the values of a file in its environment.

use std::{
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::Path,
    process::ExitCode,
};

use sops_core::{document::PlainDocument, outline::Event, value::Value};

use crate::{
    args::ExecEnv,
    child::{self, Guard},
    environment::Environment,
    exit_code::Code,
    failure::Failure,
    keyring, locate, plain, ui, user,
};

/// Runs the command and returns its exit status.
///
/// # Errors
/// A wrong number of arguments (1), conflicting flags (8), order, file, keys, MAC, values that no environment holds (1).
pub fn run(args: &ExecEnv, env: &Environment) -> Result<ExitCode, Failure> {
    let (file, line) = arguments(&args.file, "exec-env")?;
    let (is_same, is_background) = (args.same_process == Some(true), args.exec.background == Some(true));
    if is_same && is_background {
        let text = "The --same-process flag cannot be used with --background";
        return Err(Failure::new(Code::ConflictingParameters, text));
    }
    if is_background {
        warn_about_background("exec-env");
    }
    let format = locate::format(args.input_type.as_deref(), &file.to_string_lossy());
    locate::configuration(&args.common, env)?;
    keyring::check_order(&args.order, env)?;
    let plain = plain::verified(file, format, &args.order, &args.common, env)?;
    let values =
        variables(&plain).map_err(|problem| Failure::new(Code::Generic, problem).of(file.to_string_lossy()))?;
    drop(plain);

    let switched = args.exec.user.as_deref().map_or(Ok(Vec::new()), user::become_user)?;
    let inherited = child::inherited(env).filter(|_| args.pristine != Some(true));
    let mut command = child::shell(line, inherited.chain(switched).chain(values));
    if is_same {
        return Err(child::not_started(&command.exec()));
    }
    if is_background {
        return child::start_in_background(command);
    }
    Ok(Guard::new()?.run(command)?.exit_code())
}

/// Returns the file and the command.
///
/// # Errors
/// Fewer or more than two arguments (1).
pub fn arguments<'a>(words: &'a [OsString], name: &str) -> Result<(&'a Path, &'a OsStr), Failure> {
    match words {
        [file, line] => Ok((Path::new(file), line)),
        _ => Err(Failure::new(Code::Generic, "missing file to decrypt, or the command is not one argument")
            .hint(format!("put the command in quotes: sops {name} FILE 'COMMAND ARGUMENT…'"))),
    }
}

/// Warns about `--background`.
pub fn warn_about_background(name: &str) {
    ui::warn(&format!("{name}'s --background option is deprecated and will be removed in a future version of sops"));
}

/// Returns the top level of the first document as variables.
fn variables(plain: &PlainDocument) -> Result<Vec<(OsString, OsString)>, String> {
    let documents = plain.events();
    let mut found = Vec::new();
    for event in documents.first().into_iter().flatten() {
        match event {
            Event::Leaf(Some(key), value) => found.push(variable(key, value)?),
            Event::Map(Some(key)) | Event::List(Some(key)) => {
                return Err(format!("cannot use complex value in environment; offending key {key}"));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn variable(key: &str, value: &Value<'_>) -> Result<(OsString, OsString), String> {
    if key.contains('=') {
        return Err(format!("cannot use keys with '=' in environment: {key}"));
    }
    let text = OsStr::from_bytes(&exported(value)).to_owned();
    if key.contains('\0') || text.as_bytes().contains(&0) {
        return Err(format!("no environment can hold the NUL byte in the value of {key}"));
    }
    Ok((key.into(), text))
}

/// The text of a value: Go's, where the reference leaves it to Go; of null nothing.
fn exported(value: &Value<'_>) -> Vec<u8> {
    match value {
        Value::Bool(b) => if *b { "true" } else { "false" }.into(),
        Value::Float(number) => float_text(*number, &String::from_utf8_lossy(&value.canonical())).into_bytes(),
        other => other.canonical().into_owned(),
    }
}

/// Spells a float from its shortest digits: with an exponent below 1E-04 and from 1E+06 on, else with one decimal at least.
fn float_text(number: f64, shortest: &str) -> String {
    let scientific = format!("{number:e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    let Some(exponent) = exponent.filter(|_| number.is_finite()) else { return shortest.to_owned() };
    if (-4..6).contains(&exponent) {
        return if shortest.contains('.') { shortest.to_owned() } else { format!("{shortest}.0") };
    }
    let digits: String = shortest.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0').trim_end_matches('0');
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    let mark = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}{point}{rest}E{mark}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_spelled_as_the_reference_does() {
        for (number, text) in [
            (5.0, "5.0"),
            (-0.25, "-0.25"),
            (0.0, "0.0"),
            (123_456.0, "123456.0"),
            (1e6, "1E+06"),
            (-1_234_567.5, "-1.2345675E+06"),
            (0.0001, "0.0001"),
            (0.000_01, "1E-05"),
            (1.5e-7, "1.5E-07"),
            (1e100, "1E+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(String::from_utf8_lossy(&exported(&Value::Float(number))), text);
        }
    }

    #[test]
    fn what_no_environment_holds_is_refused_without_the_value() {
        let plain = |text: &str| PlainDocument::parse(sops_core::format::Format::Yaml, text.as_bytes()).unwrap();
        let names =
            |text: &str| variables(&plain(text)).map(|all| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert_eq!(names("# c\na: 1\nb: null\n---\nc: [1]\n").unwrap(), ["a", "b"]);
        assert!(names("a: [1]\n").unwrap_err().ends_with("offending key a"));
        assert!(names("a=b: x\n").unwrap_err().ends_with("a=b"));
        let problem = names("a: \"canary\\0\"\n").unwrap_err();
        assert!(problem.contains("NUL") && !problem.contains("canary"), "{problem}");
    }
}
