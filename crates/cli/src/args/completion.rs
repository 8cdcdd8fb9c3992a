//! What shells and manual pages are told: the definitions that the parser uses, as one tree.

use std::ffi::OsString;

use clap::{CommandFactory, ValueHint, builder::PossibleValuesParser};

use super::{
    COMMANDS, Legacy, definition as command_definition, without_boolean_value,
    words::{self, Scope},
};

/// The last word of a call with which a script of the reference asks what may come next.
pub const QUESTION: &str = "--generate-bash-completion";

/// A shell that there is a script for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Power,
}

impl Shell {
    const ALL: [(&str, Shell); 4] =
        [("bash", Shell::Bash), ("zsh", Shell::Zsh), ("fish", Shell::Fish), ("powershell", Shell::Power)];

    /// Returns the shell of that name.
    pub fn named(name: &str) -> Option<Shell> {
        Shell::ALL.iter().find(|(known, _)| *known == name).map(|(_, shell)| *shell)
    }
}

/// Returns the definition of `completion`.
pub fn definition() -> clap::Command {
    let shells = Shell::ALL.iter().map(|(name, _)| {
        clap::Command::new(*name).about(format!("Print the completion script of {name}")).disable_help_flag(true)
    });
    clap::Command::new("sops completion")
        .about("Print a completion script or a manual page")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommands(shells)
        .subcommand(
            clap::Command::new("man")
                .about("Print the manual page of a command")
                .disable_help_flag(true)
                .arg(clap::Arg::new("command").value_name("COMMAND").help("The command; none for the first page")),
        )
}

/// Returns the whole program: its flags, its commands and theirs.
pub fn program() -> clap::Command {
    let commands = COMMANDS.iter().filter_map(|(name, _)| Some(command_definition(name)?.name(*name)));
    hinted(Legacy::command()).disable_help_subcommand(true).subcommands(commands.map(hinted))
}

/// Adds what a shell should know and the parser should not insist on.
fn hinted(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| match arg.get_id().as_str() {
        "input_type" | "output_type" => {
            arg.value_parser(PossibleValuesParser::new(["yaml", "json", "dotenv", "ini", "binary"]))
        }
        "file" | "output" | "config" | "path" => arg.value_hint(ValueHint::FilePath),
        _ => without_boolean_value(arg),
    });
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| command.mut_subcommand(name, hinted))
}

/// Returns what may stand behind these words, for scripts of the reference: names of commands, or flags where the last word
/// begins one; each with its description where there is one.
pub fn candidates(typed: &[OsString]) -> Vec<(String, String)> {
    let begun = typed.last().map(|word| word.to_string_lossy().into_owned()).filter(|word| word.starts_with('-'));
    let words = if begun.is_some() { &typed[..typed.len() - 1] } else { typed };
    let global = Legacy::command();
    // Words that make no sense are no command.
    let rest = words::split(&global, words, Scope::BeforeCommand).map(|split| split.rest).unwrap_or_default();
    let word = |at: usize| rest.get(at).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let command = command_definition(&word(0));
    let below = command.as_ref().and_then(|command| command.find_subcommand(word(1)));
    if let Some(begun) = begun {
        let inner = below.or(command.as_ref());
        return [Some(&global), inner].into_iter().flatten().flat_map(|from| flags(from, &begun, words)).collect();
    }
    let help = [("help", "Print help"), ("h", "Print help")].map(|(name, about)| (name.to_owned(), about.to_owned()));
    match (&command, below) {
        (None, _) if rest.is_empty() => {
            COMMANDS.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())).chain(help).collect()
        }
        (Some(command), None) => {
            let names = command.get_subcommands().map(described);
            if command.has_subcommands() { names.chain(help).collect() } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

fn described(command: &clap::Command) -> (String, String) {
    (command.get_name().to_owned(), command.get_about().map(ToString::to_string).unwrap_or_default())
}

/// Returns the flags that begin so; a long one by two dashes only.
fn flags(command: &clap::Command, begun: &str, words: &[OsString]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()) {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let long = arg.get_long().map(|name| format!("--{name}"));
        let short = arg.get_short().filter(|_| !begun.starts_with("--")).map(|letter| format!("-{letter}"));
        let names = long.into_iter().chain(short).filter(|name| name.starts_with(begun) && name != begun);
        found.extend(
            names.filter(|name| !words.iter().any(|word| word == name.as_str())).map(|name| (name, about.clone())),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        candidates(&words).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn old_scripts_are_answered() {
        assert!(names(&[]).contains(&"exec-env".to_owned()) && names(&[]).ends_with(&["help".into(), "h".into()]));
        assert_eq!(names(&["groups"]), ["add", "delete", "help", "h"]);
        assert!(
            names(&["decrypt"]).is_empty() && names(&["groups", "add"]).is_empty() && names(&["a.yaml"]).is_empty()
        );
        assert_eq!(names(&["decrypt", "--extr"]), ["--extract", "--extract"]);
        assert!(names(&["-"]).contains(&"-i".to_owned()) && !names(&["--"]).contains(&"-i".to_owned()));
        assert!(!names(&["groups", "add", "--age", "--ag"]).contains(&"--age".to_owned()));
    }

    #[test]
    fn the_tree_holds_every_command() {
        let tree = program();
        tree.clone().debug_assert();
        let listed: Vec<&str> = tree.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(listed, COMMANDS.map(|(name, _)| name));
    }
}
