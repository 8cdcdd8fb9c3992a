//! The only way out with an error, and the only mapping to the exit statuses of the reference.

use std::{io, path::Path, process::ExitCode};

use sops_core::{Error, error::KeyReport};

use crate::{
    exit_code::Code,
    ui::{self, Lines, escape},
};

/// What the command was doing when the core refused; the reference gives the same mistake different numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading the plain text of a file to encrypt.
    ReadPlain,
    /// Reading or opening an encrypted file.
    Open,
    /// Reading the path of `--extract`.
    Path,
    /// Selecting a part, or writing another format.
    Dump,
    /// Preparing keys and rules, and encrypting.
    Seal,
    /// Making the data key of a file before a person writes it.
    Draft,
    /// Changing what was opened.
    Change,
    /// Wrapping the data key for other keys.
    Rewrap,
}

/// An error as it leaves the command.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub code: Code,
    message: Message,
    hint: Option<String>,
    /// Whether the selection of what is encrypted is to blame.
    is_selection: bool,
}

#[derive(Debug)]
enum Message {
    /// `error: FILE: …`, one line.
    Line { file: Option<String>, text: String },
    /// The reference's own text without a prefix, because programs compare it.
    Bare(String),
    /// The report on a data key; rendered late, because only printing knows about colour.
    Keys(KeyReport),
}

impl Failure {
    /// Returns a failure of one line.
    pub fn new(code: Code, text: impl Into<String>) -> Failure {
        Failure { code, message: Message::Line { file: None, text: text.into() }, hint: None, is_selection: false }
    }

    /// Returns a failure with the reference's own text.
    pub fn bare(code: Code, text: impl Into<String>) -> Failure {
        Failure { code, message: Message::Bare(text.into()), hint: None, is_selection: false }
    }

    /// Returns a failure of the core, judged by what was being done.
    pub fn core(error: Error, phase: Phase) -> Failure {
        let code = code(&error, phase);
        let hint = error.hint().map(str::to_owned);
        let doing = match phase {
            Phase::Draft => "Error encrypting the data key with one or more master keys",
            Phase::Rewrap => "error updating one or more master keys",
            _ => "Could not generate data key",
        };
        match error {
            Error::DataKey(report) => {
                let reasons = report.groups.iter().flat_map(|group| &group.keys).map(|(_, reason)| reason);
                let mut failed = reasons.filter(|reason| reason.contains("failed to execute command"));
                let hint = failed.next().map(|_| {
                    "the command is that of SOPS_AGE_KEY_CMD or SOPS_AGE_SSH_PRIVATE_KEY_CMD; run it by hand to see more".into()
                });
                Failure { message: Message::Keys(report), hint, ..Failure::bare(code, "") }
            }
            Error::AlreadyEncrypted => Failure::bare(code, ALREADY_ENCRYPTED),
            Error::NoRecipients => Failure::bare(code, format!("{doing}: [empty key group provided]")),
            Error::Split { .. } => Failure::bare(code, format!("{doing}: [{error}]")),
            Error::Combine { .. } => Failure::bare(code, error.to_string()),
            Error::Wrap { key, reason } => Failure::bare(
                code,
                format!("{doing}: [failed to encrypt new data key with master key \"{key}\": {reason}]"),
            ),
            error => {
                let is_selection = matches!(error, Error::Selector { .. } | Error::NothingSelected { .. });
                Failure { hint, is_selection, ..Failure::new(code, error.to_string()) }
            }
        }
    }

    /// Gives a mistake in the selection the status of the legacy form, `sops --encrypt`: that of conflicting flags.
    pub fn of_legacy_selection(self) -> Failure {
        let code = if self.is_selection { Code::ConflictingParameters } else { self.code };
        Failure { code, ..self }
    }

    /// Returns a failure of the system with a file.
    pub fn io(code: Code, file: &Path, doing: &str, error: &io::Error) -> Failure {
        let text = io_text(error);
        Failure::new(code, if doing.is_empty() { text } else { format!("{doing}: {text}") }).of(file.to_string_lossy())
    }

    /// Names the file.
    pub fn of(mut self, name: impl Into<String>) -> Failure {
        if let Message::Line { file: file @ None, .. } = &mut self.message {
            *file = Some(name.into());
        }
        self
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Prints to standard error and returns the exit status.
    pub fn print(self) -> ExitCode {
        let code = ExitCode::from(self.code as u8);
        let colour = ui::has_colour(&crate::environment::Environment::of_process(), &io::stderr());
        ui::print(&self.render(colour));
        code
    }

    /// Renders what [`Failure::print`] prints.
    pub fn render(&self, colour: bool) -> String {
        let mut out = match &self.message {
            Message::Line { file: None, text } => format!("error: {}\n", escape(text, Lines::Escape)),
            Message::Line { file: Some(file), text } => {
                format!("error: {}: {}\n", escape(file, Lines::Escape), escape(text, Lines::Escape))
            }
            Message::Bare(text) => escape(text, Lines::Keep) + "\n",
            Message::Keys(report) => crate::report::key_report(report, colour),
        };
        if let Some(hint) = &self.hint {
            out.push_str(&format!("hint: {}\n", escape(hint, Lines::Escape)));
        }
        out
    }
}

fn code(error: &Error, phase: Phase) -> Code {
    match (error, phase) {
        (Error::DataKey(_) | Error::Combine { .. }, _) => Code::CouldNotRetrieveKey,
        (Error::Wrap { .. } | Error::Split { .. }, Phase::Draft) => Code::CouldNotRetrieveKey,
        (Error::Leaf { .. }, _) => Code::ErrorDecryptingTree,
        (Error::Mac(_), _) => Code::MacMismatch,
        (Error::AlreadyEncrypted, _) => Code::FileAlreadyEncrypted,
        (Error::Empty, Phase::ReadPlain | Phase::Seal) => Code::NeedAtLeastOneDocument,
        (Error::ReservedKey, _) => Code::ErrorDumpingTree,
        (Error::Syntax { .. } | Error::Limit { .. }, Phase::ReadPlain) => Code::CouldNotReadInput,
        // No line of the text is to blame: it is what the output cannot carry.
        (Error::Tree { line: 0, .. }, Phase::Open) => Code::ErrorDumpingTree,
        (Error::Tree { .. }, Phase::ReadPlain | Phase::Seal) => Code::ErrorEncryptingTree,
        // The new value is nothing that the format can hold.
        (Error::Tree { .. }, Phase::Change) => Code::ErrorDumpingTree,
        (Error::Path { malformed: true, .. }, Phase::Path) => Code::InvalidTreePath,
        (Error::SelectorConflict | Error::Selector { .. }, Phase::Seal) => Code::ConflictingParameters,
        (Error::Path { .. }, Phase::Dump) => Code::Generic,
        (_, Phase::Dump) => Code::ErrorDumpingTree,
        _ => Code::Generic,
    }
}

/// Returns a system error as one lower-case phrase, without its number.
pub fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

const ALREADY_ENCRYPTED: &str = "\
The file you have provided contains a top-level entry called 'sops', or for
flat file formats top-level entries starting with 'sops_'. This is
generally due to the file already being encrypted. SOPS uses a top-level
entry called 'sops' to store the metadata required to decrypt the file. For
this reason, SOPS can not encrypt files that already contain such an entry.

If this is an unencrypted file, rename the 'sops' entry.

If this is an encrypted file and you want to edit it, use the editor mode,
for example: `sops edit my_file.yaml`";

#[cfg(test)]
mod tests {
    use sops_core::error::{LeafCause, MacCause};

    use super::*;

    fn syntax() -> Error {
        Error::Syntax { line: 3, column: 0, problem: "expected a value".into() }
    }

    #[test]
    fn the_same_mistake_has_the_number_of_its_phase() {
        let number = |error, phase| Failure::core(error, phase).code as u8;
        assert_eq!(number(syntax(), Phase::ReadPlain), 2);
        assert_eq!(number(syntax(), Phase::Open), 1);
        assert_eq!(number(Error::SelectorConflict, Phase::Seal), 8);
        assert_eq!(number(Error::SelectorConflict, Phase::Open), 1);
        assert_eq!(number(Error::NothingSelected { setting: "x" }, Phase::Seal), 1);
        let wrap = || Error::Wrap { key: "k".into(), reason: "r".into() };
        assert_eq!(number(wrap(), Phase::Draft), 128);
        assert_eq!(number(wrap(), Phase::Rewrap), 1);
        assert_eq!(number(Error::Unsupported { what: "x".into() }, Phase::Dump), 4);
        assert_eq!(number(Error::Path { reason: "x".into(), malformed: true }, Phase::Path), 91);
        assert_eq!(number(Error::Path { reason: "x".into(), malformed: false }, Phase::Dump), 1);
        assert_eq!(number(Error::Leaf { path: "a".into(), cause: LeafCause::Encoding }, Phase::Open), 25);
        assert_eq!(number(Error::Mac(MacCause::Missing), Phase::Open), 51);
        assert_eq!(number(Error::AlreadyEncrypted, Phase::Seal), 203);
        assert_eq!(number(Error::Empty, Phase::ReadPlain), 92);
        assert_eq!(number(Error::DataKey(KeyReport::default()), Phase::Open), 128);
    }

    #[test]
    fn a_line_names_the_file_and_escapes_it() {
        let text = Failure::core(Error::NotEncrypted, Phase::Open).of("a\x1b.yaml").render(false);
        assert_eq!(
            text,
            "error: a\\u{1b}.yaml: sops metadata not found\nhint: encrypt it first: sops encrypt --in-place FILE\n"
        );
    }

    #[test]
    fn texts_that_programs_compare_have_no_prefix() {
        let text = Failure::core(Error::NoRecipients, Phase::Seal).of("a.yaml").render(false);
        assert_eq!(text, "Could not generate data key: [empty key group provided]\n");
    }

    #[test]
    fn a_system_error_is_a_phrase() {
        let error = std::fs::read("/").unwrap_err();
        assert_eq!(io_text(&error), "is a directory");
    }
}
