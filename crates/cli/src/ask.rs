//! Questions to a person that only `y` and `n` answer.

use std::{io, path::Path};

use crate::{exit_code::Code, failure::Failure, route};

/// Asks on standard output until the answer is `y` or `n`.
///
/// # Errors
/// An answer of no word or several, and the end of the input (1).
pub fn is_confirmed(question: &str) -> Result<bool, Failure> {
    loop {
        route::print(question.as_bytes())?;
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        read.map_err(|error| Failure::io(Code::Generic, Path::new("standard input"), "", &error))?;
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("y"), None) => return Ok(true),
            (Some("n"), None) => return Ok(false),
            (Some(_), None) => {}
            _ => {
                let failure = Failure::new(Code::Generic, "there is no answer: expected y or n; nothing was changed");
                return Err(failure.hint("use --yes where nobody can answer"));
            }
        }
    }
}
