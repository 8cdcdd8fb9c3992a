//! The person's editor: which one, run on a private copy, again and again until its text can be used.

use std::{
    ffi::{OsStr, OsString},
    io::IsTerminal,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use zeroize::Zeroizing;

use crate::{
    command_line,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, io_text},
    private::PrivateFolder,
    route, ui,
};

/// Why a text is not taken.
pub enum Refusal {
    /// It can be mended: back to the editor.
    Mend(String),
    /// It cannot.
    Final(Failure),
}

/// What a person gets to see.
pub struct Page<'a> {
    /// What the file is called.
    pub name: &'a OsStr,
    /// What it holds.
    pub text: &'a [u8],
    /// An edit of theirs that could not be saved; it lies beside the file.
    pub earlier: Option<&'a [u8]>,
}

impl Page<'_> {
    /// The name of the earlier edit.
    pub fn earlier_name(&self) -> OsString {
        let mut name = OsString::from(EARLIER);
        name.push(self.name);
        name
    }
}

/// Lets a person change a text until `accept` takes what they wrote.
///
/// The folder with their text comes back too, so that it is there until the result is safe.
///
/// # Errors
/// No editor, or one that fails (201); nothing changed (200); a text that cannot be used and nobody to mend it (1); no
/// place for the private copy (3); a copy that is gone (2).
pub fn revise<T>(
    page: &Page<'_>,
    env: &Environment,
    mut accept: impl FnMut(Zeroizing<Vec<u8>>) -> Result<T, Refusal>,
) -> Result<(T, PrivateFolder), Failure> {
    let (folder, path) = PrivateFolder::with_file(page.name, page.text, env)?;
    if let Some(earlier) = page.earlier {
        let name = page.earlier_name();
        let added = folder.add(Path::new(&name), earlier);
        added.map_err(|error| Failure::io(Code::CouldNotWriteOutput, &folder.path().join(&name), "", &error))?;
    }
    let mut round = 0;
    loop {
        round += 1;
        run(&path, env)?;
        let revised = route::read_file(&path)?;
        if *revised == *page.text {
            return Err(Failure::bare(Code::FileHasNotBeenModified, "File has not changed, exiting."));
        }
        match accept(revised) {
            Ok(accepted) => return Ok((accepted, folder)),
            Err(Refusal::Final(failure)) => return Err(failure),
            Err(Refusal::Mend(problem)) => ask(page.name, &problem, round)?,
        }
    }
}

/// Tells what is wrong and waits for the enter key.
///
/// # Errors
/// Nobody can press it. A program that answers for ever is nobody: it is asked a limited number of times.
fn ask(name: &OsStr, problem: &str, round: usize) -> Result<(), Failure> {
    let failure = |problem: &str| Failure::new(Code::Generic, problem).of(name.to_string_lossy());
    let hint = "Press enter to return to the editor, or Ctrl+C to exit.";
    ui::print(&failure(problem).hint(hint).render(false));
    if goes_on(round) {
        return Ok(());
    }
    Err(failure("the text cannot be encrypted, and nobody is there to mend it: nothing was changed"))
}

/// Waits for the enter key, which asks for one more round.
pub fn goes_on(round: usize) -> bool {
    (std::io::stdin().is_terminal() || round < MAX_ANSWERS) && enter_pressed()
}

/// Reads a line byte by byte: what is behind it is for the editor, which has the same standard input.
fn enter_pressed() -> bool {
    let mut byte = [0];
    loop {
        match rustix::io::read(std::io::stdin(), &mut byte) {
            Ok(1) if byte[0] == b'\n' => return true,
            Ok(1) | Err(rustix::io::Errno::INTR) => {}
            _ => return false,
        }
    }
}

/// Runs the editor on a file.
fn run(path: &Path, env: &Environment) -> Result<(), Failure> {
    let failure = |text: String| Failure::new(Code::NoEditorFound, format!("Could not run editor: {text}"));
    let words = chosen(env).map_err(failure)?;
    let (program, arguments) = words.split_first().ok_or_else(|| failure(NO_EDITOR.to_owned()))?;
    let mut command = Command::new(find(program, env).map_err(failure)?);
    command.args(arguments).arg(path).env_clear().envs(env.without(&SECRETS));
    let status = command.status().map_err(|error| failure(format!("{program}: {}", io_text(&error))))?;
    if status.success() { Ok(()) } else { Err(failure(ended(status))) }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Returns the words of `$SOPS_EDITOR` or `$EDITOR`, or the first of the usual editors.
fn chosen(env: &Environment) -> Result<Vec<String>, String> {
    for name in ["SOPS_EDITOR", "EDITOR"] {
        let Some(line) = env.text(name) else { continue };
        let words = command_line::split(&line).map_err(|problem| format!("invalid ${name}: {problem}"))?;
        if !words.is_empty() {
            return Ok(words);
        }
    }
    let usual = ["vim", "nano", "vi"].into_iter().find(|name| find(name, env).is_ok());
    usual.map(|name| vec![name.to_owned()]).ok_or_else(|| NO_EDITOR.to_owned())
}

/// Looks a program up in `$PATH`. A folder that is not absolute does not count: a program that lies in the working directory
/// is not one that the person chose.
fn find(program: &str, env: &Environment) -> Result<PathBuf, String> {
    if program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    let path = env.get("PATH").map(OsStr::to_owned).unwrap_or_default();
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(is_program)
        .ok_or_else(|| format!("{program}: executable file not found in $PATH"))
}

/// How the name of an edit begins that could not be saved.
const EARLIER: &str = "edited-";

/// How often standard input is asked when it is no terminal.
const MAX_ANSWERS: usize = 16;

const NO_EDITOR: &str = "no editor available: sops attempts to use the editor defined in the SOPS_EDITOR or EDITOR \
                         environment variables, and if that's not set defaults to any of vim, nano, vi, but none of \
                         them could be found";

/// Identities and credentials: an editor has no use for them, and its plug-ins and shells even less.
const SECRETS: [&str; 17] = [
    "SOPS_AGE_KEY",
    "SOPS_AGE_KEY_FILE",
    "SOPS_AGE_KEY_CMD",
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
    "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    "PGPASSWORD",
    "VAULT_TOKEN",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Environment {
        Environment::of(variables, Path::new("/"))
    }

    #[test]
    fn the_variable_of_sops_comes_first_and_blanks_count_as_nothing() {
        let both = [("EDITOR", "ed -x"), ("SOPS_EDITOR", "  ")];
        assert_eq!(chosen(&env(&both)).unwrap(), ["ed", "-x"]);
        assert_eq!(chosen(&env(&[("EDITOR", "ed"), ("SOPS_EDITOR", "'my ed' -w")])).unwrap(), ["my ed", "-w"]);
        assert!(chosen(&env(&[("EDITOR", " "), ("PATH", "/none")])).unwrap_err().contains("no editor available"));
        assert!(chosen(&env(&[("EDITOR", "'x")])).unwrap_err().contains("$EDITOR"));
    }

    #[test]
    fn a_program_of_the_working_directory_is_not_taken() {
        assert_eq!(find("sh", &env(&[("PATH", "/none:/bin")])).unwrap(), Path::new("/bin/sh"));
        assert!(find("sh", &env(&[("PATH", ".:bin::")])).is_err());
        assert_eq!(find("./x", &env(&[])).unwrap(), Path::new("./x"));
    }
}
