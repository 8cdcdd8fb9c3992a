//! `sops edit FILE`: a person's editor on the plain text of a file, or on an example where there is none yet.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::no_file;
use crate::{
    args::{Common, Edit, Encrypt, Opening},
    change::{Formats, Opened},
    draft::Draft,
    editor::{self, Page},
    environment::Environment,
    failure::Failure,
    keyring,
    locate::{self, Located},
    private::{self, PrivateFolder},
    recipe,
    replace::{self, Held, ReplaceError},
    route, ui,
};

/// Edits the file, in place. Where somebody else changed it meanwhile, the person may go on with what is there now.
///
/// # Errors
/// In the order of the reference: no file (100), configuration, order, file or recipe, keys, MAC; those of
/// [`editor::revise`]; a file that somebody else changed, or that cannot be written: then the edit is kept.
pub fn run(args: Edit, env: &Environment) -> Result<(), Failure> {
    let Some(file) = args.file.first() else { return Err(no_file()) };
    route::warn_about_more_than_one(&args.file);
    let path = env.absolute(Path::new(file));
    let name = args.name.or(file);
    let located = locate::configuration(&args.common, env)?;
    let formats = Formats::settle(&args.types, &name, &args.common, &located.config)?;
    keyring::check_order(&args.opening.order, env)?;
    let new = Encrypt { keys: args.keys, selection: args.selection, ..Encrypt::default() };
    let (common, opening, shows_metadata) = (args.common, args.opening, args.show_master_keys);
    let work = Work { file, path: &path, name, located, formats, common, opening, new, shows_metadata };

    let mut unsaved = None;
    let mut round = 0;
    while let Some(conflict) = work.session(unsaved.as_ref(), env).map_err(|failure| told(failure, unsaved.as_ref()))? {
        round += 1;
        let Conflict { failure, edit } = conflict;
        // What it replaces was shown beside the text that became this one.
        discard(unsaved.replace(edit));
        let failure = told(failure, unsaved.as_ref());
        ui::print(&format!("{}{QUESTION}\n", failure.render(false)));
        private::listen();
        if !editor::goes_on(round) {
            return Err(failure);
        }
    }
    discard(unsaved);
    Ok(())
}

/// What is asked for.
struct Work<'a> {
    file: &'a OsStr,
    path: &'a Path,
    name: String,
    located: Located,
    formats: Formats,
    common: Common,
    opening: Opening,
    /// How a new file is encrypted.
    new: Encrypt,
    shows_metadata: Option<bool>,
}

/// An edit that the file did not take.
struct Unsaved {
    text: Zeroizing<Vec<u8>>,
    /// The file that holds it, encrypted.
    kept: Option<PathBuf>,
}

/// The file is not what it was when it was read.
struct Conflict {
    failure: Failure,
    edit: Unsaved,
}

impl Work<'_> {
    /// One time through the editor; `None` when the file is written.
    fn session(&self, unsaved: Option<&Unsaved>, env: &Environment) -> Result<Option<Conflict>, Failure> {
        // A link that leads nowhere is not a new file.
        let before = self.path.symlink_metadata().is_ok().then(|| route::read_file(self.path)).transpose()?;
        let draft = self.draft(before.as_ref().map(|bytes| bytes.as_slice()), env)?;
        let base = self.path.file_name().unwrap_or(self.file);
        let text = draft.text()?;
        let page = Page { name: base, text: &text, earlier: unsaved.map(|edit| edit.text.as_slice()) };
        let accept = |text: Zeroizing<Vec<u8>>| Ok((draft.seal(&text)?, text));
        let ((sealed, text), folder) = editor::revise(&page, env, accept)?;
        let Err(error) = save(self.path, before.as_ref().map(|bytes| bytes.as_slice()), &sealed, folder) else {
            return Ok(None);
        };
        let folders = self.path.parent().map(Path::to_path_buf).into_iter().chain(private::places(env));
        let edit = Unsaved { text, kept: replace::keep(folders, base, &sealed) };
        let is_conflict = matches!(error, ReplaceError::Changed);
        let failure = route::in_place_failure(error, Path::new(self.file));
        match is_conflict {
            true => Ok(Some(Conflict { failure, edit })),
            false => Err(told(failure, Some(&edit))),
        }
    }

    fn draft(&self, before: Option<&[u8]>, env: &Environment) -> Result<Draft, Failure> {
        let Some(bytes) = before else {
            let failure = |error| route::in_place_failure(ReplaceError::Open(error), Path::new(self.file));
            let recipe = recipe::for_new_file(
                &self.new,
                &self.name,
                self.formats.from,
                &self.located,
                self.formats.indent,
                env,
            )?;
            // Nobody is to type a secret for a file that cannot be made.
            takes_files(self.path.parent().unwrap_or(Path::new("/"))).map_err(failure)?;
            return Draft::of_example(recipe, self.formats, self.shows_metadata, env);
        };
        let name = locate::shown(self.file);
        let opened = Opened::new(bytes.into(), name, self.formats, &self.opening, &self.common, env)?;
        Draft::of_file(opened, self.formats, self.shows_metadata)
    }
}

/// Adds where an edit is that was not saved.
fn told(failure: Failure, unsaved: Option<&Unsaved>) -> Failure {
    match unsaved.and_then(|edit| edit.kept.as_ref()) {
        Some(kept) => failure
            .hint(format!("your edit is not lost: {} holds it, encrypted; sops decrypt shows it", kept.display())),
        None => failure,
    }
}

/// Removes an edit that is part of one that came after it.
fn discard(unsaved: Option<Unsaved>) {
    if let Some(kept) = unsaved.and_then(|edit| edit.kept) {
        let _best_effort = std::fs::remove_file(kept);
    }
}

/// Whether files can be made in a folder.
fn takes_files(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    match folder.metadata()?.is_dir() {
        true => Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?),
        false => Err(io::ErrorKind::NotADirectory.into()),
    }
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

const QUESTION: &str =
    "Press enter to edit the file as it is now, with your edit beside it as edited-NAME, or Ctrl+C to exit.";
