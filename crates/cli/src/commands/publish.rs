//! `sops publish FILE`: a file goes where the destination rules of the configuration say.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use sops_core::{
    config::{Destination, DestinationRule, notation::Context},
    document::EncryptedDocument,
    format::Format,
};

use super::no_file;
use crate::{
    args::{Opening, Publish},
    ask,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    key_change::KeyChange,
    keyring,
    locate::{self, Located},
    plain, route,
    ui::{self, Lines, escape},
    upload::Upload,
};

/// Publishes the file, or with `--recursive` every file of a folder.
///
/// # Errors
/// In the order of the reference: no configuration (1), no file (100), a missing one, a folder (1), order (112), no
/// destination (1), file, keys, MAC, `n` as the answer, a server that refuses (1).
pub fn run(args: &Publish, env: &Environment) -> Result<(), Failure> {
    let located = locate::configuration(&args.common, env)?;
    if located.path.is_none() {
        let failure = Failure::new(Code::Generic, "config file not found");
        return Err(failure.hint("write destination_rules into a .sops.yaml, or name one with --config"));
    }
    let root = Path::new(args.file.first().ok_or_else(no_file)?);
    route::warn_about_more_than_one(&args.file);
    let meta = std::fs::metadata(root).map_err(|error| Failure::io(Code::Generic, root, "", &error))?;
    let is_recursive = args.recursive == Some(true);
    if meta.is_dir() && !is_recursive {
        let failure = Failure::new(Code::Generic, "can't operate on a directory without --recursive flag.");
        return Err(failure.of(root.to_string_lossy()));
    }
    keyring::check_order(&args.order, env)?;
    let files = files(root)?;
    let mut progress = ui::Progress::of(files.len());
    for file in files {
        progress.next(&file.to_string_lossy());
        let name = match is_recursive {
            true => file.strip_prefix(root).ok().filter(|name| *name != Path::new("")).map(Path::to_path_buf),
            false => None,
        };
        let name = name.or_else(|| file.file_name().map(PathBuf::from)).unwrap_or_default();
        if !publish(&file, &name, args, &located, env)? {
            let text = format!("Publication of {} canceled", env.absolute(&file).display());
            if !is_recursive {
                return Err(Failure::bare(Code::Generic, text));
            }
            route::print(format!("{}\n", escape(&text, Lines::Escape)).as_bytes())?;
        }
    }
    Ok(())
}

/// Publishes one file under a name; `false` where a person said no.
fn publish(file: &Path, name: &Path, args: &Publish, located: &Located, env: &Environment) -> Result<bool, Failure> {
    let typed = file.to_string_lossy();
    let configured = |error| located.failure(Failure::core(error, Phase::Open));
    let rule = located.config.destination_for(&typed).map_err(configured)?.ok_or_else(|| {
        located.failure(Failure::new(Code::Generic, "error loading config: no matching destination found in config"))
    })?;
    let destination = rule.destination().map_err(configured)?;
    let name = destination_name(name, rule.omit_extensions || args.omit_extensions == Some(true));
    let bytes = std::fs::read(file).map_err(|error| Failure::io(Code::CouldNotReadInput, file, "", &error))?;
    let format = Format::from_path(&typed);
    let encrypted = EncryptedDocument::parse(format, bytes.as_slice())
        .map_err(|error| Failure::core(error, Phase::Open).of(typed.as_ref()))?;
    let upload = match destination {
        Destination::Vault { address, path, mount, version } => {
            let opening = Opening { order: args.order.clone(), ..Opening::default() };
            let plain = plain::of_file(bytes.into(), &typed, format, &opening, &args.common, env)?;
            let text = plain
                .convert(Format::Json, Some(0))
                .map_err(|error| Failure::core(error, Phase::Dump).of(typed.as_ref()))?;
            Upload::to_vault(address, mount, &format!("{path}{name}"), *version, text.into(), env)
        }
        Destination::S3 { bucket, prefix } => {
            show_new_keys(rule, &encrypted, located, env)?;
            Upload::later("Amazon S3", format!("s3://{bucket}/{prefix}{name}"))
        }
        Destination::Gcs { bucket, prefix } => {
            show_new_keys(rule, &encrypted, located, env)?;
            Upload::later("Google Cloud Storage", format!("gcs://{bucket}/{prefix}{name}"))
        }
    };
    if args.yes != Some(true) {
        let question = format!("uploading {} to {} ? (y/n): ", env.absolute(file).display(), upload.address());
        if !ask::is_confirmed(&escape(&question, Lines::Escape))? {
            return Ok(false);
        }
    }
    upload.send(env).map_err(|failure| failure.of(typed))?;
    Ok(true)
}

/// Shows what a recreation rule changes.
fn show_new_keys(
    rule: &DestinationRule,
    file: &EncryptedDocument,
    located: &Located,
    env: &Environment,
) -> Result<(), Failure> {
    let Some(recreation) = rule.recreation.as_ref().filter(|rule| !rule.has_no_keys()) else { return Ok(()) };
    let groups =
        recreation.groups(&Context::new()).map_err(|error| located.failure(Failure::core(error, Phase::Open)))?;
    let change = KeyChange::between(file.metadata(), &groups);
    if change.is_empty() {
        return Ok(());
    }
    route::print(change.render("the file's key groups", ui::has_colour(env, &io::stdout())).as_bytes())
}

/// Returns the name at the destination, with `/` between folders.
fn destination_name(name: &Path, omits_extension: bool) -> String {
    let name = if omits_extension { name.with_extension("") } else { name.to_path_buf() };
    name.iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join("/")
}

/// Returns the regular files below a path, in the order of their names, each folder in its place. Links are not followed.
fn files(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failure = |path: &Path, error: &io::Error| Failure::io(Code::Generic, path, "", error);
    let (mut found, mut open) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(path) = open.pop() {
        let is_root = path == root;
        let meta = if is_root { std::fs::metadata(&path) } else { std::fs::symlink_metadata(&path) };
        let meta = meta.map_err(|error| failure(&path, &error))?;
        if meta.is_dir() {
            let entries = std::fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let entries = entries.map_err(|error| failure(&path, &error))?;
            let mut names: Vec<_> = entries.into_iter().map(|entry| entry.file_name()).collect();
            names.sort();
            open.extend(names.into_iter().rev().map(|name| path.join(name)));
        } else if meta.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_extension_is_left_out() {
        assert_eq!(destination_name(Path::new("a/x.enc.yaml"), true), "a/x.enc");
        assert_eq!(destination_name(Path::new("a/x.enc.yaml"), false), "a/x.enc.yaml");
    }

    #[test]
    fn folders_are_walked_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("e")).unwrap();
        for name in ["z", "b", "e/a"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let names: Vec<_> = files(root).unwrap().iter().map(|p| p.strip_prefix(root).unwrap().to_path_buf()).collect();
        assert_eq!(names, [Path::new("b"), Path::new("e/a"), Path::new("z")]);
    }
}
