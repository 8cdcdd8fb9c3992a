//! One file per verb; this one only chooses.

mod completion;
mod decrypt;
mod edit;
mod encrypt;
mod exec_env;
mod exec_file;
mod filestatus;
mod groups;
mod keygen;
#[cfg(feature = "kustomize")]
mod kustomize_plugin;
mod legacy;
mod publish;
mod rotate;
mod set;
mod several;
mod unset;
mod updatekeys;

use std::{ffi::OsString, process::ExitCode};

use crate::{
    args::{self, Invocation},
    environment::Environment,
    exit_code::Code,
    failure::Failure,
    route, ui,
};

/// Runs one call and returns its exit status, which is not always ours.
///
/// # Errors
/// Whatever went wrong, with its exit status.
pub fn run(argv: Vec<OsString>, env: &Environment) -> Result<ExitCode, Failure> {
    // compat: a boolean variable with another word stops every command, so that a misspelt "no" is not taken for a "yes".
    for name in ["SOPS_ENABLE_LOCAL_KEYSERVICE", "SOPS_DISABLE_VERSION_CHECK"] {
        env.boolean(name).map_err(|text| Failure::new(Code::Generic, text))?;
    }
    #[cfg(feature = "kustomize")]
    if let Some((args::PLUGIN, words)) = argv.split_first().map(|(first, rest)| (first.to_str().unwrap_or(""), rest)) {
        return kustomize_plugin::run(words, env);
    }
    let invocation = args::parse(&argv)
        .map_err(|usage| Failure::new(Code::Generic, usage.0).hint("sops help COMMAND lists the flags of a command"))?;
    ui::set_volume(invocation.volume());
    match invocation {
        Invocation::Encrypt(args) => return encrypt::run(&args, env),
        Invocation::Decrypt(args) => return decrypt::run(&args, env),
        Invocation::Rotate(args) => return rotate::run(&args, env),
        Invocation::FileStatus(args) => return filestatus::run(&args, env),
        Invocation::ExecEnv(args) => return exec_env::run(&args, env),
        Invocation::ExecFile(args) => return exec_file::run(&args, env),
        Invocation::Help(text) => route::print(text.as_bytes()),
        Invocation::Version { check: false } => route::print(VERSION.as_bytes()),
        Invocation::Version { check: true } => route::print(UNCHECKED_VERSION.as_bytes()),
        Invocation::Legacy(args) => legacy::run(*args, env),
        Invocation::Edit(args) => edit::run(*args, env),
        Invocation::Set(args) => set::run(&args, env),
        Invocation::Unset(args) => unset::run(&args, env),
        Invocation::UpdateKeys(args) => updatekeys::run(&args, env),
        Invocation::Keygen(args) => keygen::run(&args),
        Invocation::GroupsAdd(args) => groups::add(&args, env),
        Invocation::GroupsDelete(args) => groups::delete(&args, env),
        Invocation::Completion(shell) => completion::script(shell),
        Invocation::Manual(name) => completion::manual(name.as_deref()),
        Invocation::Candidates(words) => completion::answer(&words, env),
        Invocation::Publish(args) => publish::run(&args, env),
        Invocation::Later(name) => Err(later(name)),
        Invocation::NoTopic(word) => {
            Err(Failure::new(Code::CouldNotWriteOutput, format!("No help topic for '{word}'")))
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the error for a command that is not built.
fn later(name: &str) -> Failure {
    Failure::new(Code::Generic, format!("not supported yet: the command {name}"))
}

/// The error of every command that needs a file and got none.
fn no_file() -> Failure {
    Failure::new(Code::NoFileSpecified, "no file specified")
}

/// The version of the reference that this one is compatible with, which clients compare, and our own.
const VERSION: &str = concat!("sops 3.13.2 (sops-rs ", env!("CARGO_PKG_VERSION"), ")\n");

/// The answer to `--check-for-updates`: an update check that fails is no error.
const UNCHECKED_VERSION: &str =
    "sops 3.13.2\n[warning] failed to retrieve latest version from upstream: not supported yet\n";
