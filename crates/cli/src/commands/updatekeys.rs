//! `sops updatekeys FILE…`: the master keys of files become those of their creation rules. No value is opened.

use std::{io, path::Path};

use sops_core::{config::notation::Context, document::EncryptedDocument};

use super::no_file;
use crate::{
    args::UpdateKeys,
    ask,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    key_change::KeyChange,
    keyring,
    locate::{self, Located},
    recipe,
    replace::ReplaceError,
    route, ui,
};

/// Updates the files one after the other. Of several each failure is told when it happens, and the others are done.
///
/// # Errors
/// No configuration (1), no file (100); that of the only file; that one of several failed (1).
pub fn run(args: &UpdateKeys, env: &Environment) -> Result<(), Failure> {
    let located = locate::configuration(&args.common, env)?;
    if located.path.is_none() {
        return Err(
            Failure::new(Code::Generic, "config file not found").hint("write a .sops.yaml, or name one with --config")
        );
    }
    let mut failed = 0;
    match args.file.as_slice() {
        [] => return Err(no_file()),
        [file] => return update(Path::new(file), args, &located, env),
        files => {
            for file in files {
                if let Err(failure) = update(Path::new(file), args, &located, env) {
                    failure.print();
                    failed += 1;
                }
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::new(Code::Generic, format!("failed updating {failed} key(s)"))),
    }
}

fn update(file: &Path, args: &UpdateKeys, located: &Located, env: &Environment) -> Result<(), Failure> {
    let path = env.absolute(file);
    let name = path.to_string_lossy();
    let meta = std::fs::metadata(&path).map_err(|error| Failure::io(Code::Generic, &path, "", &error))?;
    if meta.is_dir() {
        return Err(Failure::new(Code::Generic, "can't operate on a directory").of(name));
    }
    let say = |text: String| ui::say(&text);
    say(format!("Syncing keys for file {name}"));
    let format = locate::format(args.input_type.as_deref(), &name);
    let failure = |error| Failure::core(error, Phase::Rewrap).of(name.as_ref());
    let bytes = route::read_file(&path)?;
    let encrypted = EncryptedDocument::parse(format, bytes.as_slice()).map_err(failure)?;
    let rule = recipe::matching_rule(located, &name, env)?
        .ok_or_else(|| located.failure(Failure::new(Code::Generic, "the file does not contain any creation rule")))?;
    let groups = rule.groups(&Context::new()).map_err(|error| located.failure(Failure::core(error, Phase::Open)))?;
    let change = KeyChange::between(encrypted.metadata(), &groups);
    if change.is_empty() {
        say(format!("File {name} already up to date"));
        return Ok(());
    }
    let colour = ui::has_colour(env, &io::stdout());
    route::print(change.render("the file's groups", colour).as_bytes())?;
    if args.yes != Some(true) && !ask::is_confirmed("Is this okay? (y/n):")? {
        say(format!("File {name} left unchanged"));
        return Ok(());
    }

    // The file may have changed while a person was thinking. New values are kept; other keys than those shown are not.
    let held = route::hold(&path, &path)?;
    let encrypted = EncryptedDocument::parse(format, held.bytes()).map_err(failure)?;
    if KeyChange::between(encrypted.metadata(), &groups) != change {
        return Err(route::in_place_failure(ReplaceError::Changed, &path));
    }
    let keys = keyring::open(&args.common, &args.order, env)?;
    let text = encrypted.rewrapped(groups, change.threshold, &keys).map_err(failure)?;
    held.replace(&text).map_err(|error| route::in_place_failure(error, &path))?;
    say(format!("File {name} synced with new keys"));
    Ok(())
}
