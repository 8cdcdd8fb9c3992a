//! What people see: warnings, hints, colour, and text from outside made harmless.
//!
//! Names and keys come from files, and a file can hold escape sequences that move the cursor or set the title; nothing
//! of that reaches a terminal.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    sync::atomic::{AtomicU8, Ordering},
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

/// Writes to standard error; when that is closed there is nobody left to tell.
pub fn print(text: &str) {
    let _nobody_left = std::io::stderr().lock().write_all(text.as_bytes());
}

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
}
