//! `sops decrypt [FILE]`: an encrypted file, the identities at hand, the plain text or a part of it.

use sops_core::{
    Error,
    document::{PlainDocument, TreePath},
    format::Format,
};
use zeroize::Zeroizing;

use crate::{
    args::Decrypt,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate, plain,
    route::{Privacy, Route, Stdin},
};

/// Decrypts to standard output, in place, or to another file.
///
/// # Errors
/// In the order of the reference: conflicting flags, a missing file, configuration, order, path, file, keys, MAC, output.
pub fn run(args: &Decrypt, env: &Environment) -> Result<(), Failure> {
    let route = Route::plan(&args.file, &args.streams, Stdin::Nameless, env)?;
    route.check_exists(env)?;
    let from = locate::format(args.types.input_type.as_deref(), &route.name);
    let to = locate::format(args.types.output_type.as_deref(), &route.name);
    let located = locate::configuration(&args.common, env)?;
    let indent = locate::indent(to, &args.common, &located.config)?;
    keyring::check_order(&args.opening.order, env)?;
    let path = tree_path(args.extract.as_deref())?;

    let mut input = route.read()?;
    let plain = plain::of_file(input.take(), &route.input_name(), from, &args.opening, &args.common, env)?;
    let text = rendered(plain, path.as_ref(), from, to, indent)
        .map_err(|error| dump_failure(error, to).of(route.input_name()))?;
    route.write(input, &text, Privacy::Owner)
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

/// Says for binary output what most likely happened, in the reference's words: this is what people get who forget the types
/// when they read standard input.
fn dump_failure(error: Error, to: Format) -> Failure {
    let failure = Failure::core(error, Phase::Dump);
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
