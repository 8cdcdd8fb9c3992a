//! `sops filestatus FILE…`: a line of JSON that says whether a file is encrypted. No key is needed.

use std::{ffi::OsString, path::Path, process::ExitCode};

use sops_core::{document::EncryptedDocument, format::Format};

use super::{no_file, several::all};
use crate::{
    args::FileStatus,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    locate, recognise, route,
};

/// Prints `{"encrypted":true}` or `{"encrypted":false}`; of several files a line for each, with its name.
///
/// # Errors
/// No file (100); that of the only file. Of several each failure is told, and the others are done.
pub fn run(args: &FileStatus, env: &Environment) -> Result<ExitCode, Failure> {
    locate::configuration(&args.common, env)?;
    match args.file.as_slice() {
        [] => Err(no_file()),
        [file] => {
            route::print(format!("{{\"encrypted\":{}}}\n", status(file, args)?).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        files => Ok(all(files, |file| {
            let (name, status) = (serde_json::Value::from(file.to_string_lossy()), status(file, args)?);
            route::print(format!("{{\"file\":{name},\"encrypted\":{status}}}\n").as_bytes())
        })),
    }
}

/// Tells whether a file is encrypted.
///
/// # Errors
/// A file that cannot be read, or whose metadata makes no sense (1).
fn status(file: &OsString, args: &FileStatus) -> Result<bool, Failure> {
    let (name, file) = (file.to_string_lossy(), Path::new(file));
    let named = locate::format(args.input_type.as_deref(), &name);
    let bytes =
        std::fs::read(file).map_err(|error| Failure::io(Code::Generic, file, "cannot check file status", &error))?;
    let is_told = args.input_type.as_ref().is_some_and(|name| !name.is_empty());
    let content = if named == Format::Binary && !is_told { recognise::recognise(&bytes) } else { None };
    let format = content.unwrap_or(named);
    match EncryptedDocument::is_encrypted(format, bytes) {
        // An encrypted binary file is JSON; what is no JSON is a plain one. The reference fails here.
        Err(sops_core::Error::Syntax { .. }) if format == Format::Binary => Ok(false),
        status => status.map_err(|error| Failure::core(error, Phase::Open).of(name)),
    }
}
