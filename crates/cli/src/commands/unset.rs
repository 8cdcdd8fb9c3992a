//! `sops unset FILE PATH`: one value of an encrypted file less.

use super::set::tree_path;
use crate::{
    args::Unset,
    change::{Formats, Opened},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate,
    route::{Privacy, Route},
};

/// Removes the value, in place.
///
/// # Errors
/// In the order of the reference: number of arguments (100), configuration, path (7), order, file, keys, MAC, a path that is
/// not in the file (1).
pub fn run(args: &Unset, env: &Environment) -> Result<(), Failure> {
    let [file, path] = args.file.as_slice() else {
        return Err(Failure::new(Code::NoFileSpecified, "no file specified, or index is missing"));
    };
    let route = Route::in_place(file, &args.name, env);
    let located = locate::configuration(&args.common, env)?;
    let formats = Formats::settle(&args.types, &route.name, &args.common, &located.config)?;
    let path = tree_path(path, "Invalid unset index format")?;
    keyring::check_order(&args.opening.order, env)?;

    let mut input = route.read()?;
    let mut opened = Opened::new(input.take(), route.input_name(), formats, &args.opening, &args.common, env)?;
    if args.idempotent == Some(true) && opened.plain.is_missing(&path) {
        return Ok(());
    }
    opened.plain.unset(&path).map_err(|error| Failure::core(error, Phase::Change).of(route.input_name()))?;
    let sealed = opened.seal()?;
    route.write(input, &sealed, Privacy::Umask)
}
