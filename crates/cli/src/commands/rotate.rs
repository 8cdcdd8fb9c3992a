//! `sops rotate FILE`: a new data key, for the keys that are in the file, more, or fewer of them.

use std::{ffi::OsString, path::Path, process::ExitCode};

use sops_core::{
    config::notation::{self, Aws, Context},
    metadata::{KeyGroup, Metadata, keys::MasterKey},
    sealer::Sealer,
};

use super::{no_file, several::each};
use crate::{
    args::Rotate,
    change::{Formats, Opened},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring,
    locate::{self, Located},
    recipe,
    route::{Privacy, Route, Stdin},
    ui,
};

/// Rotates to standard output, in place, or to another file; several files in place.
///
/// # Errors
/// As [`one`]; of several the worst one.
pub fn run(args: &Rotate, env: &Environment) -> Result<ExitCode, Failure> {
    each(&args.file, &args.streams, |file| one(file, args, env))
}

/// Rotates the one file, if there is one.
///
/// # Errors
/// In the order of the reference: no file (100), conflicting flags (8), keys to change and no file (49), configuration, order,
/// keys to change that are none (1), file, keys, MAC, no key left or one that cannot be used (1), output.
pub fn one(files: &[OsString], args: &Rotate, env: &Environment) -> Result<(), Failure> {
    let Some(file) = files.first() else { return Err(no_file()) };
    let route = Route::plan(files, &args.streams, Stdin::Nameless, env)?;
    if args.changes.any() && route.check_exists(env).is_err() {
        let file = env.absolute(Path::new(file));
        let text = format!(
            "cannot add or remove keys on non-existent file \"{}\", use the `edit` subcommand instead.",
            file.display()
        );
        return Err(Failure::new(Code::CannotChangeKeysOfMissingFile, text));
    }
    let located = locate::configuration(&args.common, env)?;
    let formats = Formats::settle(&args.types, &route.name, &args.common, &located.config)?;
    keyring::check_order(&args.opening.order, env)?;
    let changes = Changes::read(args)?;

    let mut input = route.read()?;
    let mut opened = Opened::new(input.take(), route.input_name(), formats, &args.opening, &args.common, env)?;
    changes.apply(&mut opened.sealer);
    opened.sealer.rotate(&opened.keys).map_err(|error| Failure::core(error, Phase::Seal).of(route.input_name()))?;
    warn_about_unknown_keys(opened.sealer.metadata(), &located, &route.name, env);
    let sealed = opened.seal()?;
    route.write(input, &sealed, Privacy::Umask)
}

/// Master keys to add and to remove.
struct Changes {
    added: Vec<MasterKey>,
    removed: Vec<MasterKey>,
}

impl Changes {
    fn read(args: &Rotate) -> Result<Changes, Failure> {
        let context = recipe::context_or_none(args.encryption_context.as_deref());
        let aws = Aws { profile: args.aws_profile.as_deref().unwrap_or_default(), context: &context };
        let mut changes = Changes { added: Vec::new(), removed: Vec::new() };
        for (kind, flag, add, remove) in args.changes.lists() {
            let keys = |list: &str, doing| match list {
                "" => Ok(Vec::new()),
                list => notation::keys(kind, list, aws)
                    .map_err(|error| Failure::new(Code::Generic, format!("--{doing}-{flag}: {error}"))),
            };
            changes.added.extend(keys(add, "add")?);
            changes.removed.extend(keys(remove, "rm")?);
        }
        Ok(changes)
    }

    /// Adds to the first group what it has not, then removes every copy of what is to go, in all groups.
    fn apply(self, sealer: &mut Sealer) {
        for key in self.added {
            let is_there = |group: &KeyGroup| group.keys.iter().any(|other| is_same(other, &key));
            if !sealer.metadata().groups.first().is_some_and(is_there) {
                sealer.add_key(0, key);
            }
        }
        for key in self.removed {
            if sealer.remove_keys(|other| is_same(other, &key)) == 0 {
                ui::warn(&format!("{} is not a key of this file: nothing to remove", key.display()));
            }
        }
    }
}

/// Keys are the same when they are shown the same, as in the reference.
fn is_same(a: &MasterKey, b: &MasterKey) -> bool {
    a.kind() == b.kind() && a.display() == b.display()
}

/// Names the keys that the configuration does not ask for. Metadata are not authenticated: whoever can write the file can add a
/// key, and rotating would hand it the new data key without a word.
fn warn_about_unknown_keys(metadata: &Metadata, located: &Located, name: &str, env: &Environment) {
    // A configuration that says nothing of this file, or makes no sense, is no reason not to rotate.
    let Ok(Some(rule)) = recipe::matching_rule(located, name, env) else { return };
    let Ok(groups) = rule.groups(&Context::new()) else { return };
    for key in metadata.groups.iter().flat_map(|group| &group.keys) {
        if !groups.iter().flatten().any(|known| is_same(known, key)) {
            ui::warn(&format!("{} can decrypt this file and is not in .sops.yaml", key.display()));
        }
    }
}
