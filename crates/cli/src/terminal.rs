//! The controlling terminal: where a person is asked for what nobody else may see.
//!
//! Questions go to `/dev/tty` and answers come from there, so that neither a pipe nor the document on standard output is in the
//! way. Without one, nothing is asked. Echo comes back however a question ends, by a signal too.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal as _, Read as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use zeroize::Zeroizing;

use crate::{failure::io_text, private};

/// The terminal, open for reading and writing.
pub struct Terminal(Arc<File>);

impl Terminal {
    /// Opens it; standard input is as good, if that is a terminal.
    ///
    /// # Errors
    /// There is none; the text is the reference's.
    pub fn open() -> Result<Terminal, String> {
        let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
        let opened = opened.or_else(|error| match io::stdin().is_terminal() {
            true => OpenOptions::new().read(true).write(true).open("/dev/stdin"),
            false => Err(error),
        });
        opened.map(|file| Terminal(Arc::new(file))).map_err(|error| {
            let reason = io_text(&error);
            format!("standard input is not a terminal, and /dev/tty is not available: open /dev/tty: {reason}")
        })
    }

    /// Asks for a line that is not shown, and takes the question away afterwards.
    ///
    /// # Errors
    /// No line was typed.
    pub fn secret(&self, question: &str) -> Result<Zeroizing<String>, String> {
        let line = {
            // Before the question is there, so that nothing is shown however early it is typed.
            let _silence = Silence::begin(&self.0, LocalModes::ECHO)?;
            self.write(&format!("{question} "))?;
            self.line()
        };
        self.write("\r\n\x1b[F\x1b[K")?;
        line
    }

    /// Asks for a line that may be seen.
    ///
    /// # Errors
    /// No line was typed.
    pub fn line_for(&self, question: &str) -> Result<Zeroizing<String>, String> {
        self.write(&format!("{question} "))?;
        self.line()
    }

    /// Asks for one key and returns it; `None` for Ctrl-C and Ctrl-D.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn key(&self, question: &str, keys: &[u8]) -> Result<Option<u8>, String> {
        let pressed = {
            let _silence = Silence::begin(&self.0, LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)?;
            self.write(&format!("{question} "))?;
            loop {
                match self.byte()? {
                    Some(key) if keys.contains(&key) => break Some(key),
                    Some(CTRL_C | CTRL_D) | None => break None,
                    Some(_) => {}
                }
            }
        };
        self.write("\r\n")?;
        Ok(pressed)
    }

    fn write(&self, text: &str) -> Result<(), String> {
        (&*self.0).write_all(text.as_bytes()).map_err(|error| io_text(&error))
    }

    fn line(&self) -> Result<Zeroizing<String>, String> {
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
        loop {
            match self.byte()? {
                Some(b'\n' | b'\r') => break,
                Some(byte) if line.len() < MAX_LINE => line.push(byte),
                Some(_) => return Err("the line is too long".to_owned()),
                None => return Err("nothing was typed".to_owned()),
            }
        }
        let text = std::str::from_utf8(&line).map_err(|_| "what was typed is not UTF-8".to_owned())?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// One byte; `None` at the end.
    fn byte(&self) -> Result<Option<u8>, String> {
        let mut byte = Zeroizing::new([0]);
        loop {
            match (&*self.0).read(&mut *byte) {
                Ok(0) => return Ok(None),
                Ok(_) => return Ok(byte.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io_text(&error)),
            }
        }
    }
}

/// How the terminal was before a question; whoever ends the process puts it back.
static BEFORE: Mutex<Option<(Arc<File>, Termios)>> = Mutex::new(None);

/// Puts the terminal back as it was before a question, if one is open.
pub fn restore() {
    if let Some((terminal, modes)) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _it_may_be_gone = tcsetattr(&*terminal, OptionalActions::Now, &modes);
    }
}

/// The time in which the terminal is not as usual. Ends when it is dropped, and before a signal ends us.
struct Silence {
    signals: Option<signal_hook::iterator::Handle>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Silence {
    fn begin(terminal: &Arc<File>, without: LocalModes) -> Result<Silence, String> {
        let failed = |error: rustix::io::Errno| io_text(&error.into());
        let before = tcgetattr(&**terminal).map_err(failed)?;
        let mut modes = before.clone();
        modes.local_modes.remove(without);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(terminal), before));
        let mut silence = Silence { signals: None, thread: None };
        if let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]) {
            silence.signals = Some(signals.handle());
            silence.thread = Some(std::thread::spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    restore();
                    private::remove();
                    let _does_not_return = emulate_default_handler(signal);
                }
            }));
        }
        tcsetattr(&**terminal, OptionalActions::Now, &modes).map_err(failed)?;
        Ok(silence)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        restore();
        if let Some(signals) = &self.signals {
            signals.close();
        }
        // No thread of ours is left: what runs next may want to become another user.
        let _it_ended = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

const MAX_LINE: usize = 4096;
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
