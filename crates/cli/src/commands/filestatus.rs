//! `sops filestatus FILE`: one JSON line that says whether a file is encrypted. No key is needed.

use std::path::Path;

use sops_core::{document::EncryptedDocument, format::Format};

use super::no_file;
use crate::{
    args::FileStatus,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    locate, route,
};

/// Prints `{"encrypted":true}` or `{"encrypted":false}`.
///
/// # Errors
/// No file (100); a file that cannot be read, or whose metadata makes no sense (1).
pub fn run(args: &FileStatus, env: &Environment) -> Result<(), Failure> {
    let file = Path::new(args.file.first().ok_or_else(no_file)?);
    let name = file.to_string_lossy();
    let format = locate::format(args.input_type.as_deref(), &name);
    locate::configuration(&args.common, env)?;
    let bytes =
        std::fs::read(file).map_err(|error| Failure::io(Code::Generic, file, "cannot check file status", &error))?;
    let status = match EncryptedDocument::is_encrypted(format, &bytes) {
        // An encrypted binary file is JSON; what is no JSON is a plain one. The reference fails here.
        Err(sops_core::Error::Syntax { .. }) if format == Format::Binary => false,
        status => status.map_err(|error| Failure::core(error, Phase::Open).of(name))?,
    };
    route::print(format!("{{\"encrypted\":{status}}}\n").as_bytes())
}
