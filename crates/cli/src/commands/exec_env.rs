//! `sops exec-env FILE COMMAND`: a command with the values of a file in its environment.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
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
    let command = child::shell(line, inherited.chain(switched).chain(values));
    if is_same {
        return Err(child::become_command(command));
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
    // compat: the reference exports a null as `<nil>`.
    let text = OsStr::from_bytes(&value.text().unwrap_or_default()).to_owned();
    if key.contains('\0') || text.as_bytes().contains(&0) {
        return Err(format!("no environment can hold the NUL byte in the value of {key}"));
    }
    Ok((key.into(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_in_dotenv() {
        let text = "a: 5.0\nb: 1e6\nc: -0.0\nd: .inf\ne: true\nf: null\ng: 2026-01-02T03:04:05.5Z\nh: -7\n";
        let plain = PlainDocument::parse(sops_core::format::Format::Yaml, text.as_bytes()).unwrap();
        let values: Vec<_> = variables(&plain).unwrap().into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["5.0", "1E+06", "-0.0", "+Inf", "true", "", "2026-01-02T03:04:05.5Z", "-7"]);
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
