//! Plugins of age: programs `age-plugin-NAME` that hold keys, for example in hardware (<https://c2sp.org/age-plugin>).
//!
//! The client is ours and not the crate's, which hands a plugin our whole environment and takes one that cannot be started
//! for one that has no key. A plugin is started when its turn comes, in the system's temporary folder, and sees what
//! [`Surroundings`] say. Source: spec/keys.md §1.10.

use super::{base64_without_padding, to_base64_without_padding};
use crate::keys::program::Program;
use crate::keys::{Surroundings, system_text};
use age_core::format::{FileKey, Stanza, grease_the_joint, is_arbitrary_string};
use age_core::primitives::bech32_decode;
use age_core::secrecy::ExposeSecret as _;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// The name of a plugin: letters, digits and `+ - . _`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// The plugin of `age1NAME1…`.
    pub(super) fn of_recipient(text: &str) -> Option<Name> {
        Name::of(text, |hrp| hrp.strip_prefix("age1").map(str::to_owned))
    }

    /// The plugin of `AGE-PLUGIN-NAME-1…`.
    fn of_identity(text: &str) -> Option<Name> {
        Name::of(text, |hrp| Some(hrp.strip_prefix("AGE-PLUGIN-")?.strip_suffix('-')?.to_ascii_lowercase()))
    }

    fn of(text: &str, name: impl FnOnce(&str) -> Option<String>) -> Option<Name> {
        let hrp = bech32_decode(text, |_| (), |_| Ok(()), |hrp, _| Ok(hrp.as_str().to_owned())).ok()?;
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
        name(&hrp).filter(|name| !name.is_empty() && name.bytes().all(is_letter)).map(Name)
    }
}

/// A recipient whose plugin wraps.
pub(super) struct Recipient {
    name: Name,
    text: String,
    around: Surroundings,
}

impl Recipient {
    pub(super) fn new(name: Name, text: String, around: Surroundings) -> Recipient {
        Recipient { name, text, around }
    }

    fn wrap(&self, key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), String> {
        let mut session = Session::start(&self.name, "recipient-v1", &self.around)?;
        session.send("add-recipient", &[&self.text], &[])?;
        session.send("extension-labels", &[], &[])?;
        session.send("wrap-file-key", &[], key.expose_secret())?;
        session.done()?;
        let (mut stanzas, mut labels) = (Vec::new(), None);
        session.serve(|command| match (command.tag.as_str(), &mut command.args[..]) {
            ("recipient-stanza", [file, tag, args @ ..]) if file == "0" => {
                let args = args.iter_mut().map(std::mem::take).collect();
                stanzas.push(Stanza { tag: std::mem::take(tag), args, body: std::mem::take(&mut command.body) });
                Ok(true)
            }
            ("recipient-stanza", _) => Err("malformed recipient stanza".into()),
            ("labels", args) => {
                let set: HashSet<String> = args.iter_mut().map(std::mem::take).collect();
                match labels.replace(set) {
                    None => Ok(true),
                    Some(_) => Err("repeated labels".into()),
                }
            }
            _ => Ok(false),
        })?;
        match stanzas.is_empty() {
            true => Err(self.name.problem("it returned no recipient stanza")),
            false => Ok((stanzas, labels.unwrap_or_default())),
        }
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        self.wrap(key).map_err(|reason| age::EncryptError::Io(std::io::Error::other(reason)))
    }
}

/// An identity whose plugin unwraps.
pub(super) struct Identity {
    name: Name,
    text: Zeroizing<String>,
    around: Surroundings,
}

impl Identity {
    /// Parses `AGE-PLUGIN-NAME-1…`; `None` for what is none. Nothing is started.
    pub(super) fn parse(text: &str, around: &Surroundings) -> Option<Identity> {
        let name = Name::of_identity(text)?;
        Some(Identity { name, text: Zeroizing::new(text.to_owned()), around: around.clone() })
    }

    /// Asks the plugin; `None` if it has no key for the file.
    pub(super) fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, String> {
        let mut session = Session::start(&self.name, "identity-v1", &self.around)?;
        session.send("add-identity", &[&self.text], &[])?;
        for stanza in stanzas {
            let args: Vec<&str> =
                ["0", &stanza.tag].into_iter().chain(stanza.args.iter().map(String::as_str)).collect();
            session.send("recipient-stanza", &args, &stanza.body)?;
        }
        session.done()?;
        let mut key = None;
        session.serve(|command| match (command.tag.as_str(), &command.args[..]) {
            ("file-key", [file]) if file == "0" && key.is_none() => {
                let body = Zeroizing::new(std::mem::take(&mut command.body));
                key = Some(FileKey::try_init_with_mut(|key| match body.len() == key.len() {
                    true => {
                        key.copy_from_slice(&body);
                        Ok(())
                    }
                    false => Err("malformed file key".to_owned()),
                })?);
                Ok(true)
            }
            ("file-key", _) => Err("malformed file key".into()),
            _ => Ok(false),
        })?;
        Ok(key)
    }
}

impl Name {
    fn problem(&self, reason: &str) -> String {
        format!("{} plugin: {reason}", self.0)
    }
}

/// A plugin at work. It is ended with the session.
struct Session<'s> {
    name: &'s Name,
    around: &'s Surroundings,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::io::Take<ChildStdout>>,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // The end of its input is its sign to end; one that does not take it is ended.
        self.input = None;
        for millis in [0, 1, 2, 5, 10, 20, 50, 100, 200, 500] {
            std::thread::sleep(Duration::from_millis(millis));
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
        }
        let _it_may_have_ended = self.child.kill();
        let _nothing_to_do = self.child.wait();
    }
}

impl<'s> Session<'s> {
    fn start(name: &'s Name, machine: &str, around: &'s Surroundings) -> Result<Session<'s>, String> {
        let program = format!("age-plugin-{}", name.0);
        let not_found =
            |reason: String| name.problem(&format!("couldn't start plugin: \"{}\" plugin not found: {reason}", name.0));
        let found = Program::find(OsStr::new(&program), &around.variables).map_err(not_found)?;
        let variable = |name: &str| around.variables.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let mut command = found.command();
        command.arg(format!("--age-plugin={machine}"));
        command.current_dir(variable("TMPDIR").map_or("/tmp".as_ref(), std::path::Path::new));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // What a plugin prints there is for whoever looks for a fault in it.
        let is_debug = variable("AGEDEBUG").is_some_and(|value| value == "plugin");
        command.stderr(if is_debug { Stdio::inherit() } else { Stdio::null() });
        let failed = |reason: &str| name.problem(&format!("couldn't start plugin: {reason}"));
        let mut child = command.spawn().map_err(|error| failed(&system_text(&error)))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes"));
        };
        Ok(Session { name, around, child, input: Some(input), output: BufReader::new(output.take(MAX_BYTES)) })
    }

    /// Sends a command of the first phase; now and then one that nobody knows, so that plugins keep ignoring those.
    fn send(&mut self, tag: &str, args: &[&str], body: &[u8]) -> Result<(), String> {
        let mut dice = [0];
        if getrandom::fill(&mut dice).is_ok() && dice < [13] {
            let grease = grease_the_joint();
            let args: Vec<&str> = grease.args.iter().map(String::as_str).collect();
            self.write(&grease.tag, &args, &grease.body)?;
        }
        self.write(tag, args, body)
    }

    fn done(&mut self) -> Result<(), String> {
        self.write("done", &[], &[])
    }

    /// `-> TAG ARG…`, and the body in lines of 64 characters, the last one shorter.
    fn write(&mut self, tag: &str, args: &[&str], body: &[u8]) -> Result<(), String> {
        let mut encoded = to_base64_without_padding(body);
        let mut text = Zeroizing::new(String::with_capacity(
            encoded.len() * 2 + 64 + args.iter().map(|arg| arg.len() + 1).sum::<usize>(),
        ));
        text.push_str("-> ");
        text.push_str(tag);
        for arg in args {
            text.push(' ');
            text.push_str(arg);
        }
        text.push('\n');
        for line in encoded.as_bytes().chunks(64) {
            text.push_str(std::str::from_utf8(line).unwrap_or_default());
            text.push('\n');
        }
        if encoded.len().is_multiple_of(64) {
            text.push('\n');
        }
        encoded.zeroize();
        let died = |_| self.name.problem("it ended before it was done");
        let Some(input) = &mut self.input else { return Err(self.name.problem("it has no pipes")) };
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).map_err(died)
    }

    fn read(&mut self) -> Result<Stanza, String> {
        let malformed = || "it does not keep to the protocol";
        let mut line = self.line()?;
        let mut words = line.strip_prefix("-> ").ok_or_else(|| self.name.problem(malformed()))?.split(' ');
        let tag = words.next().unwrap_or_default().to_owned();
        let args: Vec<String> = words.map(str::to_owned).collect();
        if !std::iter::once(&tag).chain(&args).all(is_arbitrary_string) {
            return Err(self.name.problem(malformed()));
        }
        let mut encoded = Zeroizing::new(String::with_capacity(4096));
        loop {
            line = self.line()?;
            encoded.push_str(&line);
            match line.len() {
                64 => {}
                0..64 => break,
                _ => return Err(self.name.problem(malformed())),
            }
        }
        let body = base64_without_padding(&encoded).ok_or_else(|| self.name.problem(malformed()))?;
        Ok(Stanza { tag, args, body })
    }

    fn line(&mut self) -> Result<Zeroizing<String>, String> {
        let mut line = Zeroizing::new(String::with_capacity(512));
        let read = self.output.read_line(&mut line);
        match read {
            Ok(_) if line.ends_with('\n') => {
                line.pop();
                Ok(line)
            }
            _ => Err(self.name.problem("it ended before it was done")),
        }
    }

    /// The second phase: answers commands until the plugin is done. `take` does what this machine is for, and says whether
    /// it knew the command.
    fn serve(&mut self, mut take: impl FnMut(&mut Stanza) -> Result<bool, String>) -> Result<(), String> {
        let _notice = WaitingNotice::start(self.name, self.around);
        loop {
            let mut command = self.read()?;
            let text = String::from_utf8_lossy(&command.body).into_owned();
            let person = &self.around.person;
            match command.tag.as_str() {
                "done" => return Ok(()),
                "error" => {
                    self.write("ok", &[], &[])?;
                    return Err(self.name.problem(&text));
                }
                "msg" => {
                    person.message(&self.name.0, &text);
                    self.write("ok", &[], &[])?;
                }
                "confirm" => match self.confirm(&command, &text)? {
                    Some(true) => self.write("ok", &["yes"], &[])?,
                    Some(false) => self.write("ok", &["no"], &[])?,
                    None => self.write("fail", &[], &[])?,
                },
                "request-public" => match person.public_value(&self.name.0, &text) {
                    Some(value) => self.write("ok", &[], value.as_bytes())?,
                    None => self.write("fail", &[], &[])?,
                },
                "request-secret" => match person.secret_value(&self.name.0, &text) {
                    Some(value) => self.write("ok", &[], value.as_bytes())?,
                    None => self.write("fail", &[], &[])?,
                },
                _ => match take(&mut command).map_err(|reason| self.name.problem(&reason))? {
                    true => self.write("ok", &[], &[])?,
                    false => self.write("unsupported", &[], &[])?,
                },
            }
        }
    }

    fn confirm(&self, command: &Stanza, text: &str) -> Result<Option<bool>, String> {
        let decoded = |arg: &String| {
            let bytes = base64_without_padding(arg).ok_or_else(|| self.name.problem("malformed confirm command"))?;
            Ok::<_, String>(String::from_utf8_lossy(&bytes).into_owned())
        };
        match &command.args[..] {
            [yes] => Ok(self.around.person.confirm(&self.name.0, text, &decoded(yes)?, None)),
            [yes, no] => Ok(self.around.person.confirm(&self.name.0, text, &decoded(yes)?, Some(&decoded(no)?))),
            _ => Err(self.name.problem("malformed confirm command")),
        }
    }
}

/// Tells a person who waits that a plugin is waited for; never, if that is over soon.
struct WaitingNotice {
    sender: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for WaitingNotice {
    fn drop(&mut self) {
        self.sender = None;
        // No thread of ours is left: what runs next may want to become another user.
        let _it_has_nothing_to_say = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

impl WaitingNotice {
    fn start(name: &Name, around: &Surroundings) -> WaitingNotice {
        let (sender, receiver) = mpsc::channel();
        let (name, person) = (name.0.clone(), around.person.clone());
        let thread = std::thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                person.message(&name, &format!("waiting on age-plugin-{name}..."));
            }
        });
        WaitingNotice { sender: Some(sender), thread: Some(thread) }
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

/// What a plugin may say in one session.
const MAX_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_plugin_is_between_the_prefix_and_the_last_one() {
        assert_eq!(Name::of_recipient("age1toy1w3jhxaqgqlcys"), Some(Name("toy".into())));
        assert_eq!(Name::of_identity("AGE-PLUGIN-TOY-1W3JHXAQJ683GX"), Some(Name("toy".into())));
        assert_eq!(Name::of_recipient("age1toy1w3jhxaqgqlcyt"), None, "a wrong checksum");
        assert_eq!(Name::of_identity("AGE-PLUGIN-1W3JHXAQJ683GX"), None);
    }
}
