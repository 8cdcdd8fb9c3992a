//! `sops groups add` and `sops groups delete INDEX`: whose keys are needed together. No value is opened.
//!
//! Every key of every group must take its part before anything is written: one that cannot would shut the others out.

use std::ffi::OsString;

use sops_core::{
    config::notation::{self, Aws},
    document::EncryptedDocument,
    metadata::keys::MasterKey,
};

use crate::{
    args::{Common, GroupsAdd, GroupsDelete, GroupsTarget, Order, Streams},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate,
    recipe::context_or_none,
    route::{Privacy, Route, Stdin},
};

/// Adds a group.
///
/// # Errors
/// A positional, a key that is none, an empty group, a key that cannot be used (1), a file that cannot be read (2).
pub fn add(args: &GroupsAdd, env: &Environment) -> Result<(), Failure> {
    if !args.file.is_empty() {
        return Err(Failure::new(Code::Generic, "no positional arguments allowed").hint("name the file with -f FILE"));
    }
    let context = context_or_none(args.encryption_context.as_deref());
    let aws = Aws { profile: args.aws_profile.as_deref().unwrap_or_default(), context: &context };
    let mut group = Vec::new();
    for (kind, flag, texts) in args.lists() {
        for text in texts {
            let keys = notation::keys(kind, text, aws);
            group.extend(keys.map_err(|error| Failure::new(Code::Generic, format!("--{flag}: {error}")))?);
        }
    }
    if group.is_empty() {
        return Err(Failure::new(Code::Generic, "the new group has no key").hint("name one, for example with --age"));
    }
    change(&args.target, &args.common, &args.order, env, |groups| {
        groups.push(group);
        Ok(())
    })
}

/// Removes a group.
///
/// # Errors
/// No index, or one that is none, too few groups for the threshold (1), a file that cannot be read (2).
pub fn delete(args: &GroupsDelete, env: &Environment) -> Result<(), Failure> {
    let [index] = args.file.as_slice() else {
        return Err(Failure::new(Code::Generic, "exactly one positional argument (index) required"));
    };
    let index: usize = index.to_string_lossy().parse().map_err(|_| {
        Failure::new(Code::Generic, "failed to parse [index] argument: expected a number").hint("groups count from 0")
    })?;
    change(&args.target, &args.common, &args.order, env, |groups| {
        if index >= groups.len() {
            let text = format!("there is no key group {index}: the file has {}, counted from 0", groups.len());
            return Err(Failure::new(Code::Generic, text));
        }
        groups.remove(index);
        Ok(())
    })
}

fn change(
    target: &GroupsTarget,
    common: &Common,
    order: &Order,
    env: &Environment,
    edit: impl FnOnce(&mut Vec<Vec<MasterKey>>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(path) = target.path.clone().filter(|path| !path.is_empty()) else {
        return Err(Failure::new(Code::CouldNotReadInput, "no file specified").hint("name it with -f FILE"));
    };
    let streams = Streams { in_place: target.in_place, ..Streams::default() };
    let route = Route::plan(&[OsString::clone(&path)], &streams, Stdin::Nameless, env)?;
    locate::configuration(common, env)?;
    let format = locate::format(target.input_type.as_deref(), &route.name);
    let mut input = route.read()?;
    let failure = |error| {
        let mut failure = Failure::core(error, Phase::Rewrap).of(route.input_name());
        // compat: where no key opens the file, other commands have a number of their own.
        failure.code = Code::Generic;
        failure
    };
    let file = EncryptedDocument::parse(format, input.take()).map_err(failure)?;
    let mut groups: Vec<_> = file.metadata().groups.iter().map(|group| group.keys.clone()).collect();
    edit(&mut groups).map_err(|failure| failure.of(route.input_name()))?;
    let threshold =
        threshold(target, file.metadata().threshold, groups.len()).map_err(|failure| failure.of(route.input_name()))?;
    let text = file.rewrapped(groups, threshold, &keyring::open(common, order, env)?).map_err(failure)?;
    drop(file);
    route.write(input, &text, Privacy::Umask)
}

/// Settles how many groups are needed: the flag, else what the file says; 0 for all.
fn threshold(target: &GroupsTarget, current: usize, groups: usize) -> Result<usize, Failure> {
    let threshold = match target.shamir_secret_sharing_threshold.unwrap_or_default() {
        0 => current,
        number => usize::try_from(number).map_err(|_| {
            Failure::new(Code::Generic, "--shamir-secret-sharing-threshold: expected a small positive number")
        })?,
    };
    match groups {
        0 => Err(Failure::new(Code::Generic, "the last key group stays: without it nobody could read the file")),
        _ if threshold > groups => Err(Failure::new(
            Code::Generic,
            format!(
                "this makes the Shamir threshold impossible to satisfy: Shamir threshold is {threshold}, but we only have \
                 {groups} key groups"
            ),
        )
        .hint(format!("lower it with --shamir-secret-sharing-threshold {groups}"))),
        _ => Ok(threshold),
    }
}
