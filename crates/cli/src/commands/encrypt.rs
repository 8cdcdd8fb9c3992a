//! `sops encrypt [FILE]`: a plain file, a recipe, an encrypted file.

use std::{ffi::OsString, process::ExitCode};

use sops_core::{document::PlainDocument, sealer::Sealer};

use super::several::each;
use crate::{
    args::Encrypt,
    change::{Formats, now},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate, recipe,
    route::{Privacy, Route, Stdin},
    ui,
};

/// Encrypts to standard output, in place, or to another file; several files in place.
///
/// # Errors
/// Those of [`one`] and [`each`].
pub fn run(args: &Encrypt, env: &Environment) -> Result<ExitCode, Failure> {
    each(&args.file, &args.streams, |files| one(files, args, env))
}

/// Encrypts one file, or standard input.
///
/// # Errors
/// In the order of the reference: conflicting flags, a missing file, configuration, recipe, input, output.
pub fn one(files: &[OsString], args: &Encrypt, env: &Environment) -> Result<(), Failure> {
    let route = Route::plan(files, &args.streams, Stdin::Named, env)?;
    route.check_exists(env)?;
    let located = locate::configuration(&args.common, env)?;
    let formats = Formats::settle(&args.types, &route.name, &args.common, &located.config)?;
    let recipe = recipe::for_new_file(args, &route.name, formats.from, &located, formats.indent, env)?;
    if !keyring::has_local(&args.common, env)? {
        return Err(Failure::bare(
            Code::Generic,
            "Could not generate data key: [no key services provided, cannot update master keys]",
        ));
    }

    let mut input = route.read()?;
    let named = |error, phase| Failure::core(error, phase).of(route.input_name());
    let plain = PlainDocument::parse(formats.from, input.take()).map_err(|error| named(error, Phase::ReadPlain))?;
    for warning in plain.warnings() {
        ui::warn(warning);
    }
    let plain = formats.converted(plain).map_err(|failure| failure.of(route.input_name()))?;
    let sealer = Sealer::create(recipe, &keyring::for_wrapping(env)).map_err(|error| named(error, Phase::Seal))?;
    for key in sealer.left_clear(&plain) {
        ui::warn(&format!(
            "{}: {key} stays in clear: in INI a rule for comments judges the key below the one that has the comment",
            route.input_name()
        ));
    }
    let sealed = formats.instructed(sealer).seal(&plain, now()).map_err(|error| named(error, Phase::Seal))?;
    route.write(input, &sealed, Privacy::Umask)
}
