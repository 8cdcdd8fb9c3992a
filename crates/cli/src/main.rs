//! The `sops` command: thin. Parse arguments, call the core a few times, print.
//!
//! Policy lives here (where keys and configuration are, how files are replaced, what an exit status means); formats,
//! cryptography and metadata do not.
#![allow(rustdoc::broken_intra_doc_links, reason = "help texts show tree paths in brackets")]
#![deny(unsafe_code)]

mod agent;
mod args;
mod ask;
mod change;
mod child;
mod command_line;
mod commands;
mod draft;
mod editor;
mod environment;
mod example;
mod exit_code;
mod failure;
mod harden;
mod identities;
mod key_change;
mod keyring;
mod locate;
mod person;
mod pipe;
mod plain;
mod private;
mod recipe;
mod recognise;
mod replace;
mod report;
mod route;
mod terminal;
mod ui;
mod upload;
mod user;
#[cfg(feature = "publish")]
mod vault;

use std::process::ExitCode;

fn main() -> ExitCode {
    harden::harden();
    match commands::run(args::words(std::env::args_os()), &environment::Environment::of_process()) {
        Ok(code) => code,
        Err(failure) => failure.print(),
    }
}
