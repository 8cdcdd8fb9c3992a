//! Programs that hold keys for us: found by name and run with an environment that the caller chose.
//!
//! The core never reads its own environment. Whoever embeds it says what a program may see, and leaves out what it has no
//! use for: identities and credentials of other services.

use super::Variables;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use zeroize::Zeroizing;

/// A program that was found.
pub struct Program<'v> {
    path: PathBuf,
    variables: &'v Variables,
}

/// What a program left.
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output; zeroed when dropped.
    pub stdout: Zeroizing<Vec<u8>>,
    /// What it wrote to standard error, at most 64 KiB.
    pub stderr: String,
}

impl<'v> Program<'v> {
    /// Finds a program by the variable `PATH` among `variables`; a name with a slash is a path already.
    ///
    /// Relative folders of `PATH` are passed over: what a program is must not depend on where we are called.
    ///
    /// # Errors
    /// A text in the reference's words when there is none.
    pub fn find(name: &OsStr, variables: &'v Variables) -> Result<Program<'v>, String> {
        let shown = name.to_string_lossy();
        let found = |path: PathBuf| Ok(Program { path, variables });
        if Path::new(name).components().count() > 1 || shown.contains('/') {
            return found(PathBuf::from(name));
        }
        let path = variables.iter().rev().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_os_str());
        for folder in std::env::split_paths(path.unwrap_or_default()).filter(|folder| folder.is_absolute()) {
            let path = folder.join(name);
            if is_executable(&path) {
                return found(path);
            }
            let path = folder.join(format!("{shown}.exe"));
            if cfg!(windows) && is_executable(&path) {
                return found(path);
            }
        }
        Err(format!("exec: \"{shown}\": executable file not found in $PATH"))
    }

    /// The command, with the environment and nothing else set.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end, without a time limit: a person may be typing a PIN.
    ///
    /// # Errors
    /// It cannot be started, or wrote more than `max_bytes`. An input that it does not want to read is no error.
    pub fn run(&self, arguments: &[&OsStr], input: Option<&[u8]>, max_bytes: usize) -> io::Result<Output> {
        let mut command = self.command();
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = Reaped(command.spawn()?);
        let (stdin, out, err) = (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take());
        std::thread::scope(|scope| {
            // Both pipes at once: a program that waits for us to read one must not make us wait for it on the other.
            scope.spawn(|| {
                if let (Some(mut pipe), Some(input)) = (stdin, input) {
                    let _it_may_not_want_it = pipe.write_all(input);
                }
            });
            let stderr = scope.spawn(|| err.map(words).unwrap_or_default());
            let stdout = match out {
                Some(pipe) => bounded(pipe, max_bytes),
                None => Ok(Zeroizing::default()),
            };
            let status = child.0.wait()?;
            let stderr = stderr.join().unwrap_or_default();
            Ok(Output { status, stdout: stdout?, stderr })
        })
    }
}

/// A child that does not outlive the call, whatever happens.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _it_may_have_ended = self.0.kill();
            let _nothing_to_do = self.0.wait();
        }
    }
}

/// Reads to the end, into memory that is zeroed and never moved without being zeroed.
fn bounded(mut pipe: impl Read, max_bytes: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(vec![0; 4096]);
    let mut filled = 0;
    loop {
        if filled == text.len() {
            let mut larger = Zeroizing::new(vec![0; filled * 2]);
            larger.iter_mut().zip(text.iter()).for_each(|(to, from)| *to = *from);
            text = larger;
        }
        match pipe.read(text.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled > max_bytes {
            return Err(io::Error::other("it prints too much"));
        }
    }
    text.truncate(filled);
    Ok(text)
}

/// What a program says; the rest of a very long text is read and dropped, so that it can end.
fn words(mut pipe: impl Read) -> String {
    let mut text = Vec::new();
    let _it_may_break_off = pipe.by_ref().take(64 << 10).read_to_end(&mut text);
    let _rest = io::copy(&mut pipe, &mut io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    metadata.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn variables(path: &str) -> Variables {
        vec![("PATH".into(), path.into())]
    }

    fn sh(script: &str, input: Option<&[u8]>, max_bytes: usize) -> io::Result<Output> {
        let variables = variables("/usr/bin:/bin");
        let program = Program::find(OsStr::new("sh"), &variables).expect("a shell");
        program.run(&[OsStr::new("-c"), OsStr::new(script)], input, max_bytes)
    }

    #[test]
    fn a_program_is_looked_for_in_absolute_folders_only() {
        let find = |name: &str, path: &str| Program::find(OsStr::new(name), &variables(path)).map(|found| found.path);
        assert_eq!(find("sh", "nowhere:/bin"), Ok(PathBuf::from("/bin/sh")));
        assert_eq!(find("./sh", ""), Ok(PathBuf::from("./sh")));
        let missing = "exec: \"src\": executable file not found in $PATH";
        assert_eq!(find("src", ".:"), Err(missing.into()));
        assert_eq!(find("src", env!("CARGO_MANIFEST_DIR")), Err(missing.into()), "a folder is no program");
    }

    #[test]
    fn all_that_is_written_arrives_whatever_the_sizes() {
        let input = vec![b'x'; 300_000];
        for max_bytes in [300_000, 1 << 20] {
            let output = sh("cat; echo words >&2", Some(&input), max_bytes).expect("runs");
            assert!(*output.stdout == input && output.stderr == "words\n");
        }
        assert!(sh("cat", Some(&input), 299_999).is_err());
        assert!(sh("exec 0<&-; exit 3", Some(&input), 10).is_ok_and(|output| output.status.code() == Some(3)));
        assert_eq!(sh("yes | head -c 200000 >&2", None, 10).expect("runs").stderr.len(), 64 << 10);
    }

    #[test]
    fn a_program_sees_the_variables_it_was_given_and_no_others() {
        let output = sh("exec env", None, 4096).expect("runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("PATH=/usr/bin:/bin") && !text.contains("CARGO"), "{text}");
    }
}
