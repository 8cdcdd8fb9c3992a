//! What people see: warnings, hints, colour, and text from outside made harmless.
//!
//! Names and keys come from files, and a file can hold escape sequences that move the cursor or set the title; nothing
//! of that reaches a terminal.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
    time::{Duration, Instant},
};

use crate::environment::Environment;

/// Returns the text with every control character written out; newlines stay where `lines` says so.
pub fn escape(text: &str, lines: Lines) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if lines == Lines::Keep => out.push('\n'),
            c if is_harmless(c) => out.push(c),
            c => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{}", c.escape_default());
            }
        }
    }
    out
}

/// Whether line breaks of a message are part of its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They are: a report of several lines.
    Keep,
    /// They are not: one line.
    Escape,
}

/// How much is said on standard error besides failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Nothing.
    Quiet,
    /// Warnings, and the progress of commands that have some.
    Normal,
    /// Also what was chosen and done. Never a value.
    Verbose,
}

/// Sets how much is said from here on, in this process.
pub fn set_volume(volume: Volume) {
    VOLUME.store(volume as u8, Ordering::Relaxed);
}

fn is_heard(needed: Volume) -> bool {
    VOLUME.load(Ordering::Relaxed) >= needed as u8
}

static VOLUME: AtomicU8 = AtomicU8::new(Volume::Normal as u8);

/// Prints `warning: …` to standard error.
pub fn warn(text: &str) {
    if is_heard(Volume::Normal) {
        print(&format!("warning: {}\n", escape(text, Lines::Escape)));
    }
}

/// Prints a line of progress to standard error.
pub fn say(text: &str) {
    if is_heard(Volume::Normal) {
        print(&format!("{}\n", escape(text, Lines::Escape)));
    }
}

/// Prints what was chosen or done, for those who want to know.
pub fn note(text: &str) {
    if is_heard(Volume::Verbose) {
        print(&format!("note: {}\n", escape(text, Lines::Escape)));
    }
}

/// Writes to standard error; when that is closed there is nobody left to tell. A line of [`Progress`] goes first.
pub fn print(text: &str) {
    let cleared = if IS_COUNTING.swap(false, Ordering::Relaxed) { CLEAR } else { "" };
    let _nobody_left = std::io::stderr().lock().write_all([cleared, text].concat().as_bytes());
}

/// How far work on many files is: one line of a terminal, for those who have waited a while.
pub struct Progress {
    total: usize,
    started: usize,
    since: Instant,
    shown: Option<Instant>,
    is_seen: bool,
}

impl Progress {
    /// Work on that many files.
    pub fn of(total: usize) -> Progress {
        let is_seen = is_heard(Volume::Normal) && std::io::stderr().is_terminal();
        Progress { total, started: 0, since: Instant::now(), shown: None, is_seen }
    }

    /// The next file.
    pub fn next(&mut self, name: &str) {
        let now = Instant::now();
        if let Some(line) = self.line(name, now).filter(|_| self.is_seen) {
            print(&line);
            IS_COUNTING.store(true, Ordering::Relaxed);
        }
    }

    /// The line, if it is time for one.
    fn line(&mut self, name: &str, now: Instant) -> Option<String> {
        self.started += 1;
        let is_due = match self.shown {
            None => now.duration_since(self.since) >= PATIENCE,
            Some(shown) => now.duration_since(shown) >= PAUSE,
        };
        is_due.then(|| {
            self.shown = Some(now);
            // A name must not wrap: only the last line can be taken back.
            let name: String = escape(name, Lines::Escape).chars().take(NAME_WIDTH).collect();
            format!("[{}/{}] {name}", self.started, self.total)
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        print("");
    }
}

/// Whether the last line of the terminal is one of [`Progress`].
static IS_COUNTING: AtomicBool = AtomicBool::new(false);

const CLEAR: &str = "\r\x1b[K";
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);
const NAME_WIDTH: usize = 50;

/// Tells whether a stream takes colour.
pub fn has_colour(env: &Environment, stream: &impl IsTerminal) -> bool {
    env.text("NO_COLOR").is_none() && env.text("TERM").as_deref() != Some("dumb") && stream.is_terminal()
}

/// Controls, and the characters that reorder or hide text (bidirectional marks, zero width) are not harmless.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_written_out() {
        assert_eq!(escape("a\x1b[2J\r\nü", Lines::Escape), "a\\u{1b}[2J\\r\\nü");
        assert_eq!(escape("a\nb\x07", Lines::Keep), "a\nb\\u{7}");
        assert_eq!(escape("x\u{202e}y", Lines::Escape), "x\\u{202e}y");
    }

    #[test]
    fn who_has_waited_a_while_sees_how_far_it_is() {
        let mut progress = Progress::of(1000);
        let start = progress.since;
        let mut after = |millis: u64, name: &str| progress.line(name, start + Duration::from_millis(millis));
        assert_eq!(after(0, "a"), None);
        assert_eq!(after(999, "b"), None);
        assert_eq!(after(1000, "c\x1b"), Some("[3/1000] c\\u{1b}".to_owned()));
        assert_eq!(after(1050, "d"), None, "not more often than anybody can read");
        assert_eq!(after(1100, &"e".repeat(200)), Some(format!("[5/1000] {}", "e".repeat(NAME_WIDTH))));
    }
}
