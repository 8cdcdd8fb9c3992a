//! The walk of the Flux controller: its fields, its formats by name, its texts.

use super::kustomization::{Generated, Kustomization, NAMES};
use super::{SkipReason, Walk};
use crate::blob::OutputFormat;
use crate::detect::{contains, flux_marker, format_of_name};
use crate::directory::{DirHandle, Found, Links, Place, irregular};
use crate::error::{Error, ErrorKind, Origin};
use sops_core::Format;
use std::collections::VecDeque;

impl Walk<'_> {
    pub(super) fn flux(&mut self, root: &DirHandle, build_path: &str) -> Result<(), Error> {
        let start = match root.place().resolve(build_path, self.options.links)?.found {
            Found::Directory(place) => place,
            _ => return Err(none_found(build_path)),
        };
        let mut open = VecDeque::from([start]);
        while let Some(place) = open.pop_front() {
            if !self.seen.insert(place.path()) {
                continue;
            }
            let kustomization = self.load(&place)?;
            for file in kustomization.flux_files() {
                self.flux_file(&place, &file)?;
            }
            for reference in kustomization.flux_directories() {
                // What is missing or no directory is left to the build.
                let resolved = place.resolve(&reference, self.options.links);
                if let Ok(Found::Directory(next)) = resolved.map(|resolved| resolved.found) {
                    open.push_back(next);
                }
            }
        }
        Ok(())
    }

    /// Reads the one kustomization file of a directory.
    pub(super) fn load(&mut self, place: &Place) -> Result<Kustomization, Error> {
        let directory = place.path();
        let mut found = None;
        for name in NAMES {
            let resolved = place.resolve(name, self.options.links)?;
            let file = match resolved.found {
                Found::Missing => continue,
                Found::File(file) => file,
                Found::Directory(_) | Found::Irregular => {
                    let error = irregular().in_flux(format!("expected {name} to be a regular file"));
                    return Err(error.at(&Origin::file(join(&directory, name))));
                }
            };
            if found.is_some() {
                let error = Error::new(ErrorKind::Parse, "a second kustomization file in one directory");
                return Err(error
                    .in_flux("found multiple kustomization files")
                    .at(&Origin::file(join(&directory, name))));
            }
            found = Some((file, resolved.path));
        }
        let Some((file, path)) = found else { return Err(none_found(&directory)) };
        self.enter(&path)?;
        let limits = self.decryptor.limits().clone();
        let bytes = file.read(&path, |size| limits.check_file(size))?;
        self.read(&path, bytes.len())?;
        Kustomization::read(&bytes, &path, &limits)
    }

    fn flux_file(&mut self, place: &Place, file: &Generated) -> Result<(), Error> {
        let resolved = place.resolve(&file.path, Links::FollowBeneath)?;
        let path = resolved.path;
        let found = match resolved.found {
            Found::File(found) => found,
            Found::Missing => {
                let error = Error::new(ErrorKind::NotFound, "is referred to and not there").at(&Origin::file(&path));
                return Err(error.in_flux(format!("lstat {path}: no such file or directory")));
            }
            Found::Directory(_) | Found::Irregular => return Err(irregular().at(&Origin::file(path))),
        };
        if !self.seen.insert(format!("file {path}")) {
            return Ok(());
        }
        self.enter(&path)?;
        let limits = self.decryptor.limits().clone();
        let bytes = found.read(&path, |size| limits.check_file(size))?;
        self.read(&path, bytes.len())?;
        let format = match format_of_name(&file.name) {
            Format::Binary if file.is_env => Format::Dotenv,
            format => format,
        };
        if !contains(&bytes, flux_marker(format)) {
            self.skip(path, SkipReason::Plain);
            return Ok(());
        }
        let blob = self.decryptor.decrypt_blob(&bytes, format, OutputFormat::As(format));
        let blob = blob.map_err(|error| error.at(&Origin::file(&path)))?;
        self.decrypted(path, format, vec![blob.integrity], blob.bytes);
        Ok(())
    }
}

/// A directory without a kustomization file.
pub(super) fn none_found(directory: &str) -> Error {
    let error = Error::new(ErrorKind::NotFound, "there is no kustomization file");
    error.in_flux("no kustomization file found").at(&Origin::file(if directory.is_empty() { "." } else { directory }))
}

pub(super) fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
