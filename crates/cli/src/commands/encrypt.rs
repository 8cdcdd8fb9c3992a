//! `sops encrypt [FILE]`: a plain file, a recipe, an encrypted file.

use std::time::{SystemTime, UNIX_EPOCH};

use sops_core::{document::PlainDocument, sealer::Sealer};

use crate::{
    args::Encrypt,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate, recipe,
    route::{Privacy, Route, Stdin},
    ui,
};

/// Encrypts to standard output, in place, or to another file.
///
/// # Errors
/// In the order of the reference: conflicting flags, a missing file, configuration, recipe, input, output.
pub fn run(args: &Encrypt, env: &Environment) -> Result<(), Failure> {
    let route = Route::plan(&args.file, &args.streams, Stdin::Named, env)?;
    let from = locate::format(args.types.input_type.as_deref(), &route.name);
    let to = locate::format(args.types.output_type.as_deref(), &route.name);
    let located = locate::configuration(&args.common, env)?;
    let indent = locate::indent(to, &args.common, &located.config)?;
    let recipe = recipe::for_new_file(args, &route.name, from, &located, indent, env)?;
    if !keyring::has_local(&args.common, env)? {
        return Err(Failure::bare(
            Code::Generic,
            "Could not generate data key: [no key services provided, cannot update master keys]",
        ));
    }

    let mut input = route.read()?;
    let named = |error, phase| Failure::core(error, phase).of(route.input_name());
    let mut plain = PlainDocument::parse(from, input.take()).map_err(|error| named(error, Phase::ReadPlain))?;
    for warning in plain.warnings() {
        ui::warn(warning);
    }
    if from != to {
        let converted = plain.convert(to, indent).map_err(|error| named(error, Phase::Dump))?;
        plain = PlainDocument::parse(to, &converted).map_err(|error| named(error, Phase::Dump))?;
    }
    let sealer = Sealer::create(recipe, &keyring::for_wrapping()).map_err(|error| named(error, Phase::Seal))?;
    let sealed = sealer.seal(&plain, now()).map_err(|error| named(error, Phase::Seal))?;
    route.write(input, &sealed, Privacy::Umask)
}

/// Seconds since 1970; a clock before that counts as 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
