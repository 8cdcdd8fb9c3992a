//! `sops completion SHELL`: a script that completes our words; and manual pages. Both are made from what the parser knows.

use std::ffi::OsString;

use clap_complete::{generate, shells};

use crate::{
    args::{self, Shell},
    environment::Environment,
    exit_code::Code,
    failure::Failure,
    route,
};

/// Prints the script. It completes the name `sops`, whatever this file is called.
///
/// # Errors
/// Standard output cannot be written (1).
pub fn script(shell: Shell) -> Result<(), Failure> {
    let mut program = args::program();
    let mut text = Vec::new();
    match shell {
        Shell::Bash => generate(shells::Bash, &mut program, NAME, &mut text),
        Shell::Zsh => generate(shells::Zsh, &mut program, NAME, &mut text),
        Shell::Fish => generate(shells::Fish, &mut program, NAME, &mut text),
        Shell::Power => generate(shells::PowerShell, &mut program, NAME, &mut text),
    }
    route::print(&text)
}

/// Prints the manual page of a command, `exec-env` or `groups-add` for example; without a name the first page.
///
/// # Errors
/// There is no such command (3).
pub fn manual(name: Option<&str>) -> Result<(), Failure> {
    let mut program = args::program();
    program.build();
    let mut page = &program;
    let mut rest = name.unwrap_or_default();
    while !rest.is_empty() {
        // Names have dashes of their own: the longest one that fits.
        let fits = |below: &&clap::Command| {
            rest.strip_prefix(below.get_name()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let Some(below) = page.get_subcommands().filter(fits).max_by_key(|below| below.get_name().len()) else {
            return Err(Failure::new(
                Code::CouldNotWriteOutput,
                format!("No help topic for '{}'", name.unwrap_or_default()),
            ));
        };
        rest = rest.get(below.get_name().len()..).unwrap_or_default().trim_start_matches('-');
        page = below;
    }
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(page.clone()).render(&mut text);
    rendered.map_err(|error| Failure::new(Code::Generic, crate::failure::io_text(&error)))?;
    route::print(&text)
}

/// Answers a script of the reference, which people may have installed: a candidate a line; zsh wants descriptions.
///
/// # Errors
/// Standard output cannot be written (1).
pub fn answer(words: &[OsString], env: &Environment) -> Result<(), Failure> {
    let with_description = env.text("_CLI_ZSH_AUTOCOMPLETE_HACK").as_deref() == Some("1");
    let lines = args::candidates(words).into_iter().map(|(name, about)| match with_description {
        true if !about.is_empty() => format!("{name}:{about}\n"),
        _ => format!("{name}\n"),
    });
    route::print(lines.collect::<String>().as_bytes())
}

const NAME: &str = "sops";
