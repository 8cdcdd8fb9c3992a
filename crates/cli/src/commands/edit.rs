//! `sops edit FILE`: a person's editor on the plain text of a file, or on an example where there is none yet.

use std::path::Path;

use super::no_file;
use crate::{
    args::{Edit, Encrypt},
    change::{Formats, Opened},
    draft::Draft,
    editor,
    environment::Environment,
    failure::Failure,
    keyring, locate,
    private::{self, PrivateFolder},
    recipe,
    replace::{self, Held, ReplaceError},
    route,
};

/// Edits the file, in place.
///
/// # Errors
/// In the order of the reference: no file (100), configuration, order, file or recipe, keys, MAC; those of
/// [`editor::revise`]; a file that somebody else changed meanwhile, or that cannot be written: then the edit is kept.
pub fn run(args: Edit, env: &Environment) -> Result<(), Failure> {
    let Some(file) = args.file.first() else { return Err(no_file()) };
    route::warn_about_more_than_one(&args.file);
    let path = env.absolute(Path::new(file));
    let name = args.name.or(file);
    let located = locate::configuration(&args.common, env)?;
    let formats = Formats::settle(&args.types, &name, &args.common, &located.config)?;
    keyring::check_order(&args.opening.order, env)?;

    // A link that leads nowhere is not a new file.
    let before = path.symlink_metadata().is_ok().then(|| route::read_file(&path)).transpose()?;
    let draft = match &before {
        Some(bytes) => {
            let opened =
                Opened::new(bytes.as_slice().into(), locate::shown(file), formats, &args.opening, &args.common, env)?;
            Draft::of_file(opened, formats, args.show_master_keys)?
        }
        None => {
            let new = Encrypt { keys: args.keys, selection: args.selection, ..Encrypt::default() };
            let recipe = recipe::for_new_file(&new, &name, formats.from, &located, formats.indent, env)?;
            Draft::of_example(recipe, formats, args.show_master_keys, env)?
        }
    };
    let base = path.file_name().unwrap_or(file);
    let (sealed, folder) = editor::revise(&draft.text()?, base, env, |text| draft.seal(&text))?;
    save(&path, before.as_ref().map(|bytes| bytes.as_slice()), &sealed, folder).map_err(|error| {
        let failure = route::in_place_failure(error, Path::new(file));
        let folders = path.parent().map(Path::to_path_buf).into_iter().chain(private::places(env));
        match replace::keep(folders, base, &sealed) {
            Some(kept) => failure
                .hint(format!("your edit is not lost: {} holds it, encrypted; sops decrypt shows it", kept.display())),
            None => failure,
        }
    })
}

/// Writes the sealed text, unless the file is not what it was when it was read.
fn save(path: &Path, before: Option<&[u8]>, sealed: &[u8], folder: PrivateFolder) -> Result<(), ReplaceError> {
    let Some(before) = before else {
        folder.close();
        return replace::create_file(path, sealed, 0o666);
    };
    let held = Held::open(path)?;
    folder.close();
    match held.bytes() == before {
        true => held.replace(sealed),
        false => Err(ReplaceError::Changed),
    }
}
