//! `sops exec-file FILE COMMAND`: a command with the plain text in a pipe or a private file, which is gone afterwards.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

use zeroize::Zeroizing;

use super::exec_env::{arguments, warn_about_background};
use crate::{
    args::ExecFile,
    change::Formats,
    child::{self, Guard},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate, pipe, plain,
    private::PrivateFolder,
    user,
};

/// Runs the command and returns its exit status.
///
/// # Errors
/// A wrong number of arguments, a name that leads out of the folder (1), order, file, keys, MAC, a format that cannot hold
/// the values (4), a folder or file that cannot be made (1).
pub fn run(args: &ExecFile, env: &Environment) -> Result<ExitCode, Failure> {
    let (file, line) = arguments(&args.file, "exec-file")?;
    let name = name(args.filename.as_deref())?;
    let is_background = args.exec.background == Some(true);
    if is_background {
        warn_about_background("exec-file");
    }
    let located = locate::configuration(&args.common, env)?;
    let formats = Formats::settle(&args.types, &file.to_string_lossy(), &args.common, &located.config)?;
    keyring::check_order(&args.order, env)?;
    let plain = plain::verified(file, formats.from, &args.order, &args.common, env)?;
    let text = match formats.from == formats.to {
        true => plain.into_bytes(),
        false => Zeroizing::new(
            plain
                .convert(formats.to, formats.indent)
                .map_err(|error| Failure::core(error, Phase::Dump).of(file.to_string_lossy()))?,
        ),
    };

    let switched = args.exec.user.as_deref().map_or(Ok(Vec::new()), user::become_user)?;
    let guard = Guard::new()?;
    let folder = PrivateFolder::for_command(env)?;
    let failure = |path: &Path, error| Failure::io(Code::Generic, path, "", &error);
    let path = match args.no_fifo == Some(true) {
        true => folder.add(&name, &text).map_err(|error| failure(&folder.path().join(&name), error))?,
        false => {
            let path = folder.path().join(&name);
            pipe::serve(&path, text).map_err(|error| failure(&path, error))?;
            path
        }
    };
    let command = child::shell(&with_path(line, &path), child::inherited(env).chain(switched));
    if is_background {
        return child::start_in_background(command);
    }
    let ended = guard.run(command);
    drop(folder);
    Ok(ended?.exit_code())
}

/// Settles the name of the file, which must stay in the folder.
fn name(asked: Option<&OsStr>) -> Result<PathBuf, Failure> {
    let Some(asked) = asked.filter(|name| !name.is_empty()) else { return Ok("tmp-file".into()) };
    let mut name = PathBuf::new();
    let is_local = Path::new(asked).components().all(|part| match part {
        Component::Normal(part) => {
            name.push(part);
            true
        }
        Component::CurDir => true,
        Component::ParentDir => name.pop(),
        Component::RootDir | Component::Prefix(_) => false,
    });
    match is_local && name != Path::new("") {
        true => Ok(name),
        false => Err(Failure::new(Code::Generic, "The provided filename is not a local path.")
            .of(asked.to_string_lossy())
            .hint("give a bare name: --filename NAME")),
    }
}

/// Puts the path in place of each `{}`.
fn with_path(line: &OsStr, path: &Path) -> OsString {
    let (mut out, mut rest) = (Vec::new(), line.as_bytes());
    while let Some(at) = rest.windows(2).position(|pair| pair == b"{}") {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(path.as_os_str().as_bytes());
        rest = after.get(2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    OsString::from_vec(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_stay_in_the_folder() {
        let name = |text: &str| name(Some(OsStr::new(text))).ok();
        assert_eq!(name(""), Some("tmp-file".into()));
        assert_eq!(name("./a/../b"), Some("b".into()));
        for bad in ["/etc/x", "../x", "a/../../x", ".", "a/.."] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_pair_of_braces_becomes_the_path() {
        assert_eq!(with_path(OsStr::new("{}{} {x} {"), Path::new("/p")), "/p/p {x} {");
    }
}
