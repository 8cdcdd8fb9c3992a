//! Where a command reads and where its result goes: standard input or a file; standard output, the same file or another.
//!
//! Nothing is written before the whole result exists, and nothing reaches standard output on failure.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    args::{Name, Streams},
    environment::{Environment, same_file},
    exit_code::Code,
    failure::{Failure, io_text},
    replace::{self, Held, ReplaceError},
    ui,
};

/// The way of one call, with the conflicts among its flags settled.
pub struct Route {
    file: Option<Source>,
    sink: Sink,
    /// The name that decides formats and creation rules: the override, the file's, or empty for standard input.
    pub name: String,
}

/// The input file.
///
/// compat: `..` is settled by the text of the path before anything is opened, so `gone/../a.yaml` is `a.yaml`, and below a
/// symbolic link `..` leads to the folder that the link stands in.
struct Source {
    /// As typed, for messages.
    typed: PathBuf,
    /// Absolute, to be opened.
    path: PathBuf,
}

impl Source {
    fn new(typed: &OsStr, env: &Environment) -> Source {
        let typed = PathBuf::from(typed);
        Source { path: env.absolute(&typed), typed }
    }
}

#[derive(PartialEq)]
enum Sink {
    Stdout,
    InPlace,
    File(PathBuf),
}

/// Whether standard input needs a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// It does: the format and the rule depend on it.
    Named,
    /// It does not: without a name it is binary.
    Nameless,
}

/// Who may read a new output file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Only the owner: plain text.
    Owner,
    /// Whom the umask allows: encrypted text.
    Umask,
}

impl Route {
    /// Settles the way. The order of the checks decides which mistake is reported, and is the reference's.
    ///
    /// # Errors
    /// Conflicting flags (8).
    pub fn plan(files: &[OsString], flags: &Streams, stdin: Stdin, env: &Environment) -> Result<Route, Failure> {
        let in_place = flags.in_place.unwrap_or(false);
        let name = flags.filename_override.clone().filter(|name| !name.is_empty());
        if files.is_empty() {
            if in_place {
                return Err(conflict("cannot use --in-place when reading from stdin"));
            }
            if stdin == Stdin::Named && name.is_none() {
                return Err(conflict("must specify --filename-override when reading from stdin"));
            }
        }
        warn_about_more_than_one(files);
        let output = flags.output.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from);
        let sink = match (in_place, output) {
            (true, Some(_)) => return Err(conflict("cannot operate on both --output and --in-place")),
            (true, None) => Sink::InPlace,
            (false, Some(path)) => Sink::File(path),
            (false, None) => Sink::Stdout,
        };
        let file = files.first().map(|typed| Source::new(typed, env));
        let name =
            name.or_else(|| file.as_ref().map(|file| file.typed.to_string_lossy().into_owned())).unwrap_or_default();
        Ok(Route { file, sink, name })
    }

    /// Returns the way of a command that always writes to the file that it reads.
    pub fn in_place(file: &OsStr, name: &Name, env: &Environment) -> Route {
        Route { file: Some(Source::new(file, env)), sink: Sink::InPlace, name: name.or(file) }
    }

    /// Refuses a file that does not exist.
    ///
    /// # Errors
    /// Exit 100.
    pub fn check_exists(&self, env: &Environment) -> Result<(), Failure> {
        self.file.as_ref().map_or(Ok(()), |file| check_exists(&file.typed, env))
    }

    /// Tells whether the input is standard input.
    pub fn is_stdin(&self) -> bool {
        self.file.is_none()
    }

    /// Returns how the input is called in messages.
    pub fn input_name(&self) -> String {
        self.file.as_ref().map_or_else(|| "standard input".to_owned(), |file| file.typed.to_string_lossy().into_owned())
    }

    /// Reads all of the input; a file that will be replaced is held from here on.
    ///
    /// # Errors
    /// What cannot be read (2).
    pub fn read(&self) -> Result<Input, Failure> {
        let Some(file) = &self.file else {
            let mut bytes = Zeroizing::new(Vec::new());
            return match io::stdin().lock().read_to_end(&mut bytes) {
                Ok(_) => Ok(Input::Read(bytes)),
                Err(error) => Err(Failure::io(Code::CouldNotReadInput, Path::new("standard input"), "", &error)),
            };
        };
        let replaces_input = match &self.sink {
            Sink::Stdout => false,
            Sink::InPlace => true,
            Sink::File(output) => same_file(output, &file.path),
        };
        if !replaces_input {
            return read(&file.path, &file.typed).map(Input::Read);
        }
        hold(&file.path, &file.typed).map(Input::Held)
    }

    /// Writes the result.
    ///
    /// # Errors
    /// What cannot be opened (3) or written (1).
    pub fn write(&self, input: Input, text: &[u8], privacy: Privacy) -> Result<(), Failure> {
        match (input, &self.sink, &self.file) {
            (Input::Held(held), _, Some(file)) => {
                held.replace(text).map_err(|error| in_place_failure(error, &file.typed))?;
                ui::note(&format!("{}: written", file.typed.display()));
                Ok(())
            }
            (_, Sink::File(output), _) => {
                let mode = if privacy == Privacy::Owner { 0o600 } else { 0o666 };
                replace::write_file(output, text, mode).map_err(|error| replace_failure(error, output, OUTPUT))?;
                ui::note(&format!("{}: written", output.display()));
                Ok(())
            }
            _ => print(text),
        }
    }
}

/// What was read.
pub enum Input {
    /// Bytes that stay where they are.
    Read(Zeroizing<Vec<u8>>),
    /// A file that will be replaced.
    Held(Held),
}

impl Input {
    /// Gives the bytes away; those of a file that will be replaced are needed once more, for the comparison.
    pub fn take(&mut self) -> Cow<'_, [u8]> {
        match self {
            Input::Read(bytes) => Cow::Owned(std::mem::take(&mut **bytes)),
            Input::Held(held) => Cow::Borrowed(held.bytes()),
        }
    }
}

/// Holds a file that will be replaced; `name` is what messages call it.
///
/// # Errors
/// What cannot be read (2).
pub fn hold(file: &Path, name: &Path) -> Result<Held, Failure> {
    let held = Held::open(file).map_err(|error| in_place_failure(error, name))?;
    for path in held.leftovers() {
        ui::warn(&format!("{}: left over from an interrupted run", path.display()));
    }
    Ok(held)
}

/// Reads a file.
///
/// # Errors
/// What cannot be read (2).
pub fn read_file(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    read(file, file)
}

fn read(file: &Path, name: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    std::fs::read(file)
        .map(Zeroizing::new)
        .map_err(|error| Failure::io(Code::CouldNotReadInput, name, "Error reading file", &error))
}

/// Prints to standard output. A reader that stopped early is no error.
///
/// # Errors
/// Anything else, a full disk for example.
pub fn print(text: &[u8]) -> Result<(), Failure> {
    // A line of progress may stand where the text goes.
    ui::print("");
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io(Code::Generic, Path::new("standard output"), "", &error))
        }
        _ => Ok(()),
    }
}

/// Refuses a file that does not exist, naming its absolute path as the reference does.
///
/// # Errors
/// Exit 100.
pub fn check_exists(file: &Path, env: &Environment) -> Result<(), Failure> {
    let file = env.absolute(file);
    match std::fs::metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(
            Code::NoFileSpecified,
            format!("cannot operate on non-existent file \"{}\"", file.display()),
        )),
        _ => Ok(()),
    }
}

/// Warns about positionals that are not looked at.
pub fn warn_about_more_than_one(files: &[OsString]) {
    let Some(ignored @ [_, ..]) = files.get(1..) else { return };
    ui::warn("More than one positional argument provided. Only the first one will be used!");
    if let Some(word) = ignored.iter().rev().find(|word| word.as_encoded_bytes().starts_with(b"-")) {
        ui::warn(&format!(
            "Note that one of the ignored positional argument is {:?}, which looks like a flag. Flags must always be \
             provided before the first positional argument!",
            word.to_string_lossy()
        ));
    }
}

fn conflict(text: &str) -> Failure {
    Failure::new(Code::ConflictingParameters, text)
}

/// Returns the failure to write a file in place.
pub fn in_place_failure(error: ReplaceError, file: &Path) -> Failure {
    replace_failure(error, file, IN_PLACE)
}

fn replace_failure(error: ReplaceError, file: &Path, opening: &str) -> Failure {
    match error {
        ReplaceError::Read(error) => Failure::io(Code::CouldNotReadInput, file, "Error reading file", &error),
        ReplaceError::Open(error) => Failure::io(Code::CouldNotWriteOutput, file, opening, &error),
        ReplaceError::Write(error) => Failure::io(Code::Generic, file, "nothing was changed", &error),
        ReplaceError::NotAFile => {
            Failure::new(Code::CouldNotWriteOutput, format!("{opening}: not a regular file")).of(file.to_string_lossy())
        }
        ReplaceError::Changed => Failure::new(Code::Generic, "changed on disk while it was being worked on")
            .of(file.to_string_lossy())
            .hint("run the command again"),
        ReplaceError::Torn(copy, error) => {
            Failure::new(Code::Generic, format!("writing stopped half-way: {}", io_text(&error)))
                .of(file.to_string_lossy())
                .hint(format!("the complete new text is in {}: copy it over the file", copy.display()))
        }
    }
}

const IN_PLACE: &str = "Could not open in-place file for writing";
const OUTPUT: &str = "Could not open output file for writing";

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(files: &[&str], flags: &Streams, stdin: Stdin) -> Result<Route, u8> {
        let env = Environment::of(&[], Path::new("/w"));
        let files: Vec<OsString> = files.iter().map(OsString::from).collect();
        Route::plan(&files, flags, stdin, &env).map_err(|failure| failure.code as u8)
    }

    #[test]
    fn conflicts_have_the_number_of_the_reference() {
        let in_place = Streams { in_place: Some(true), ..Streams::default() };
        let both = Streams { in_place: Some(true), output: Some("o".into()), ..Streams::default() };
        assert_eq!(plan(&[], &in_place, Stdin::Nameless).err(), Some(8));
        assert_eq!(plan(&[], &Streams::default(), Stdin::Named).err(), Some(8));
        assert_eq!(plan(&["/dev/null"], &both, Stdin::Named).err(), Some(8));
        assert!(plan(&[], &Streams::default(), Stdin::Nameless).is_ok());
    }

    #[test]
    fn the_override_decides_the_name_and_empty_flags_are_absent() {
        let flags = Streams {
            output: Some("".into()),
            filename_override: Some("x.yaml".into()),
            in_place: Some(true),
            ..Streams::default()
        };
        assert_eq!(plan(&["/dev/null"], &flags, Stdin::Named).unwrap().name, "x.yaml");
    }

    #[test]
    fn a_path_is_settled_by_its_text_before_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "a: 1\n").unwrap();
        let env = Environment::of(&[], folder.path());
        let route = Route::plan(&["gone/../a.yaml".into()], &Streams::default(), Stdin::Named, &env).unwrap();
        assert_eq!(*route.read().unwrap().take(), *b"a: 1\n");
        assert_eq!((route.input_name().as_str(), route.name.as_str()), ("gone/../a.yaml", "gone/../a.yaml"));
    }

    #[test]
    fn a_missing_file_is_named_by_its_absolute_path() {
        let env = Environment::of(&[], Path::new("/w"));
        let failure = check_exists(Path::new("none.yaml"), &env).unwrap_err();
        assert!(failure.render(false).contains("cannot operate on non-existent file \"/w/none.yaml\""));
    }
}
