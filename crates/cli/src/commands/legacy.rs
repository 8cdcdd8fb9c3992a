//! `sops [-e|-d|…] FILE`: the older form, where flags choose what to do.
//!
//! Everything behind the file is ignored, with a warning, and there is no standard input.

use std::path::Path;

use super::{decrypt, edit, encrypt, no_file, rotate, set};
use crate::{
    args::{Decrypt, Edit, Encrypt, Keys, Legacy, Name, Rotate, Set},
    environment::Environment,
    exit_code::Code,
    failure::Failure,
    locate, recipe, route, ui,
};

/// What the flags choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Edit,
    Encrypt,
    Decrypt,
    Rotate,
    Set,
}

/// Runs the mode that the flags choose; of several the last in the order e, d, r, set, whose output is the only one seen.
///
/// # Errors
/// Those of the mode, and its own checks first: no file (100), conflicting flags (8), a missing file (49, 100, 2), no
/// matching rule (1).
pub fn run(mut args: Legacy, env: &Environment) -> Result<(), Failure> {
    let mode = mode(&args);
    let Some(file) = args.file.first().cloned() else { return Err(no_file()) };
    route::warn_about_more_than_one(&args.file);
    args.file.truncate(1);
    if args.streams.in_place == Some(true) && args.streams.output.as_ref().is_some_and(|path| !path.is_empty()) {
        return Err(Failure::new(Code::ConflictingParameters, "cannot operate on both --output and --in-place"));
    }
    check_missing(&args, mode, Path::new(&file), env)?;
    // compat: every mode but decryption wants a matching rule, also those that use nothing of it. Encryption looks itself.
    if !matches!(mode, Mode::Decrypt | Mode::Encrypt) {
        let located = locate::configuration(&args.common, env)?;
        let name = args.streams.filename_override.clone().unwrap_or_else(|| locate::shown(&file));
        recipe::matching_rule(&located, &name, env)?;
    }
    let Legacy {
        common, streams, types, keys, selection, opening, extract, changes, set, show_master_keys, file, ..
    } = args;
    match mode {
        Mode::Encrypt => {
            let args = Encrypt { common, streams, types, keys, selection, file: Vec::new() };
            encrypt::one(&file, &args, env).map_err(Failure::of_legacy_selection)
        }
        Mode::Decrypt => {
            decrypt::one(&file, &Decrypt { common, streams, types, opening, extract, file: Vec::new() }, env)
        }
        Mode::Edit => {
            let name = Name { filename_override: streams.filename_override };
            edit::run(Edit { common, name, types, opening, keys, selection, show_master_keys, file }, env)
        }
        Mode::Rotate => {
            let Keys { aws_profile, encryption_context, .. } = keys;
            let args =
                Rotate { common, streams, types, opening, changes, aws_profile, encryption_context, file: Vec::new() };
            rotate::one(&file, &args, env)
        }
        Mode::Set => {
            let name = Name { filename_override: streams.filename_override };
            let (path, value) = path_and_value(set.as_deref().unwrap_or_default())?;
            let file = file.into_iter().chain([path.into(), value.into()]).collect();
            set::run(&Set { common, name, types, opening, file, ..Set::default() }, env)
        }
    }
}

/// Splits the argument of `--set` behind the path, which a blank ends.
fn path_and_value(text: &str) -> Result<(&str, &str), Failure> {
    let problem = "Invalid --set format";
    let split = text.find("] ").and_then(|at| text.split_at_checked(at + 1));
    let (path, value) = split.ok_or_else(|| {
        Failure::new(Code::InvalidSetFormat, problem).hint("expected '[\"key\"][0] VALUE', with VALUE as JSON")
    })?;
    set::tree_path(path.as_ref(), problem)?;
    Ok((path, value))
}

fn mode(args: &Legacy) -> Mode {
    let chosen = [
        (args.encrypt == Some(true), Mode::Encrypt),
        (args.decrypt == Some(true), Mode::Decrypt),
        (args.rotate == Some(true), Mode::Rotate),
        (args.set.as_ref().is_some_and(|text| !text.is_empty()), Mode::Set),
    ];
    let mut chosen = chosen.into_iter().filter(|(is_chosen, _)| *is_chosen).map(|(_, mode)| mode);
    let Some(first) = chosen.next() else { return Mode::Edit };
    match chosen.next_back() {
        None => first,
        Some(last) => {
            ui::warn(
                "More than one command (--encrypt, --decrypt, --rotate, --set) has been specified. Only the changes made by \
                 the last one will be visible. Note that this behavior is deprecated and will cause an error eventually.",
            );
            last
        }
    }
}

fn check_missing(args: &Legacy, mode: Mode, file: &Path, env: &Environment) -> Result<(), Failure> {
    let Err(failure) = route::check_exists(file, env) else { return Ok(()) };
    if args.changes.any() {
        let shown = env.absolute(file);
        return Err(Failure::new(
            Code::CannotChangeKeysOfMissingFile,
            format!(
                "cannot add or remove keys on non-existent file \"{}\", use `--kms` and `--pgp` instead.",
                shown.display()
            ),
        ));
    }
    match mode {
        Mode::Edit => Ok(()),
        Mode::Set => Err(route::read_file(file).err().unwrap_or(failure)),
        Mode::Encrypt | Mode::Decrypt | Mode::Rotate => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mode_wins() {
        let args = Legacy { encrypt: Some(true), decrypt: Some(true), ..Legacy::default() };
        assert_eq!(mode(&args), Mode::Decrypt);
        assert_eq!(mode(&Legacy { decrypt: Some(false), ..Legacy::default() }), Mode::Edit);
        assert_eq!(mode(&Legacy { set: Some("x".into()), rotate: Some(true), ..Legacy::default() }), Mode::Set);
    }

    #[test]
    fn a_blank_ends_the_path_of_set() {
        assert_eq!(path_and_value("[\"a\"][0] [\"x\"] ").unwrap(), ("[\"a\"][0]", " [\"x\"] "));
        for text in ["[\"a\"]", "[\"a\"]\"x\"", "a] 1", "] 1"] {
            assert_eq!(path_and_value(text).unwrap_err().code, Code::InvalidSetFormat, "{text}");
        }
    }

    #[test]
    fn a_missing_file_has_the_number_of_its_mode() {
        let env = Environment::of(&[], Path::new("/w"));
        let number = |args: Legacy| run(args, &env).unwrap_err().code as u8;
        let file = || vec!["none.yaml".into()];
        assert_eq!(number(Legacy::default()), 100);
        assert_eq!(number(Legacy { decrypt: Some(true), file: file(), ..Legacy::default() }), 100);
        assert_eq!(number(Legacy { set: Some("x".into()), file: file(), ..Legacy::default() }), 2);
        let mut args = Legacy { rotate: Some(true), file: file(), ..Legacy::default() };
        args.changes.add_age = Some("x".into());
        assert_eq!(number(args), 49);
    }
}
