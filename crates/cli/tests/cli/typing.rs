//! A terminal on which a test types, made by the program `script`.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a program in a folder, with exactly these variables and a terminal of its own, and types a line at each question, which
/// ends with `question`. Returns what it printed, and what the terminal showed; nothing where `script` is not installed.
pub fn on_a_terminal<'v>(
    folder: &Path,
    variables: impl IntoIterator<Item = (&'v OsStr, &'v OsStr)>,
    program: &Path,
    args: &[String],
    question: &[u8],
    lines: &[String],
) -> Option<(Output, String)> {
    if !Path::new("/usr/bin/script").exists() {
        return None;
    }
    let quoted: Vec<String> = args.iter().map(|arg| format!("'{}'", arg.replace('\'', r"'\''"))).collect();
    let line = format!("'{}' {} >.out 2>.err", program.display(), quoted.join(" "));
    let mut command = Command::new("/usr/bin/script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(folder);
    command.env_clear().env("TERM", "xterm").env("SHELL", "/bin/sh").envs(variables);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script runs");
    let (mut stdin, mut terminal) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let (mut shown, mut answered, mut lines) = (Vec::new(), 0, lines.iter());
    let mut bytes = [0; 256];
    while let Ok(read @ 1..) = terminal.read(&mut bytes) {
        shown.extend_from_slice(&bytes[..read]);
        let is_asked = shown[answered..].windows(question.len()).any(|window| window == question);
        if let Some(line) = lines.as_slice().first().filter(|_| is_asked) {
            lines.next();
            answered = shown.len();
            let _it_may_have_ended = stdin.write_all(line.as_bytes());
        }
    }
    let status = child.wait().expect("script ends");
    let printed = |name| std::fs::read(folder.join(name)).unwrap_or_default();
    let output = Output { status, stdout: printed(".out"), stderr: printed(".err") };
    Some((output, String::from_utf8_lossy(&shown).into_owned()))
}
