//! `sops decrypt [FILE]`: an encrypted file, the identities at hand, the plain text or a part of it.

use std::{ffi::OsString, process::ExitCode};

use sops_core::{
    Error,
    document::{PlainDocument, TreePath},
    format::Format,
};
use zeroize::Zeroizing;

use super::several::each;
use crate::{
    args::{Decrypt, Types},
    change::Formats,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate, plain, recognise,
    route::{Privacy, Route, Stdin},
    ui,
};

/// Decrypts to standard output, in place, or to another file; several files in place.
///
/// # Errors
/// Those of [`one`] and [`each`].
pub fn run(args: &Decrypt, env: &Environment) -> Result<ExitCode, Failure> {
    each(&args.file, &args.streams, |files| one(files, args, env))
}

/// Decrypts one file, or standard input.
///
/// # Errors
/// In the order of the reference: conflicting flags, a missing file, configuration, order, path, file, keys, MAC, output.
pub fn one(files: &[OsString], args: &Decrypt, env: &Environment) -> Result<(), Failure> {
    let route = Route::plan(files, &args.streams, Stdin::Nameless, env)?;
    route.check_exists(env)?;
    let located = locate::configuration(&args.common, env)?;
    let mut formats = Formats::settle(&args.types, &route.name, &args.common, &located.config)?;
    keyring::check_order(&args.opening.order, env)?;
    let path = tree_path(args.extract.as_deref())?;

    let mut input = route.read()?;
    let bytes = input.take();
    // A name in .bin does say something: binary.
    let is_told = is_given(&args.types.input_type) || route.name.ends_with(".bin");
    let content = if is_told { None } else { recognise(&formats, &bytes) };
    if let Some(format) = content.filter(|_| !route.is_stdin()) {
        ui::note(&format!("{}: the name says nothing, the content says {}", route.input_name(), format.name()));
        let to = Some(format.name().to_owned()).filter(|_| !is_given(&args.types.output_type));
        let types = Types {
            input_type: Some(format.name().to_owned()),
            output_type: to.or_else(|| args.types.output_type.clone()),
        };
        formats = Formats::settle(&types, &route.name, &args.common, &located.config)?;
    }
    let plain = plain::of_file(bytes, &route.input_name(), formats.from, &args.opening, &args.common, env);
    let plain = plain.map_err(|failure| match content {
        Some(format) if route.is_stdin() => failure.hint(format!(
            "This looks like {0}. Use --input-type to say so, and use --output-type to select the correct output type: \
             sops decrypt --input-type {0} --output-type {0}",
            format.name()
        )),
        _ => with_hint(failure, formats.from),
    })?;
    let text = rendered(plain, path.as_ref(), formats.from, formats.to, formats.indent)
        .map_err(|error| dump_failure(error, formats.to).of(route.input_name()))?;
    route.write(input, &text, Privacy::Owner)
}

fn is_given(text: &Option<String>) -> bool {
    text.as_ref().is_some_and(|text| !text.is_empty())
}

/// Returns the format that the content shows where the name says nothing.
fn recognise(formats: &Formats, bytes: &[u8]) -> Option<Format> {
    if formats.from == Format::Binary { recognise::recognise(bytes) } else { None }
}

/// Returns the whole text or the selection, in the output format.
fn rendered(
    plain: PlainDocument,
    path: Option<&TreePath>,
    from: Format,
    to: Format,
    indent: Option<usize>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = match path {
        None if from == to => return Ok(plain.into_bytes()),
        None => plain.convert(to, indent)?,
        Some(path) => plain.extract(path, to, indent)?,
    };
    Ok(Zeroizing::new(text))
}

fn dump_failure(error: Error, to: Format) -> Failure {
    with_hint(Failure::core(error, Phase::Dump), to)
}

/// Says for binary output what most likely happened, in the reference's words: this is what people get who forget the types
/// when they read standard input.
fn with_hint(failure: Failure, to: Format) -> Failure {
    if to == Format::Binary && failure.code == Code::ErrorDumpingTree {
        return failure.hint(
            "This is likely not an encrypted binary file? If not, use --output-type to select the correct output type.",
        );
    }
    failure
}

/// An empty path means the whole document.
fn tree_path(text: Option<&str>) -> Result<Option<TreePath>, Failure> {
    text.filter(|text| !text.is_empty())
        .map(|text| {
            TreePath::parse(text).map_err(|error| Failure::core(error, Phase::Path).of("error parsing --extract path"))
        })
        .transpose()
}
