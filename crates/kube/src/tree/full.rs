//! The walk over everything that a build reads: each encrypted file is found by its content, verified, and decrypted.

use super::flux::join;
use super::kustomization::{Generated, NAMES, Reference, is_remote};
use super::{SkipReason, Walk};
use crate::blob::{OutputFormat, is_binary_envelope};
use crate::detect::{Found as Content, encrypted_file, format_of_name};
use crate::directory::{DirHandle, FilePlace, Found, Place, irregular};
use crate::error::{Error, ErrorKind, Origin};
use crate::stream::Stream;
use sops_core::{Format, PlainDocument};
use std::collections::VecDeque;
use zeroize::Zeroizing;

impl Walk<'_> {
    pub(super) fn full(&mut self, root: &DirHandle, build_path: &str) -> Result<(), Error> {
        let resolved = root.place().resolve(build_path, self.options.links)?;
        let start = match resolved.found {
            Found::Directory(place) => place,
            Found::Missing => return Err(missing(&resolved.path)),
            Found::File(_) | Found::Irregular => return Err(irregular().at(&Origin::file(build_path))),
        };
        let mut open = VecDeque::new();
        match self.has_kustomization(&start)? {
            true => open.push_back(start),
            false => self.manifests_below(start, &mut open)?,
        }
        while let Some(place) = open.pop_front() {
            if !self.seen.insert(format!("{}/", place.path())) {
                continue;
            }
            for reference in self.load(&place)?.references() {
                self.reference(&place, reference, &mut open)?;
            }
        }
        Ok(())
    }

    fn has_kustomization(&self, place: &Place) -> Result<bool, Error> {
        for name in NAMES {
            if !matches!(place.resolve(name, self.options.links)?.found, Found::Missing) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A path without a kustomization: what one would be generated from.
    fn manifests_below(&mut self, start: Place, open: &mut VecDeque<Place>) -> Result<(), Error> {
        let mut directories = VecDeque::from([start]);
        while let Some(place) = directories.pop_front() {
            let directory = place.path();
            for name in place.names(self.decryptor.limits().files)? {
                let is_manifest = name.ends_with(".yaml") || name.ends_with(".yml");
                let resolved = match place.resolve(&name, self.options.links) {
                    Ok(resolved) => resolved,
                    // A link that no manifest is read through.
                    Err(_) if !is_manifest => continue,
                    Err(error) => return Err(error),
                };
                match resolved.found {
                    Found::Directory(next) if name == ".git" => drop(next),
                    Found::Directory(next) => {
                        self.enter(&join(&directory, &name))?;
                        match self.has_kustomization(&next)? {
                            true => open.push_back(next),
                            false => directories.push_back(next),
                        }
                    }
                    Found::File(file) if is_manifest => self.manifest(&file, resolved.path)?,
                    Found::Irregular if is_manifest => return Err(irregular().at(&Origin::file(resolved.path))),
                    Found::File(_) | Found::Irregular | Found::Missing => {}
                }
            }
        }
        Ok(())
    }

    fn reference(&mut self, place: &Place, reference: Reference, open: &mut VecDeque<Place>) -> Result<(), Error> {
        let text = match &reference {
            Reference::Resource(text) | Reference::Manifest(text) => text,
            Reference::Generated(generated) => &generated.path,
        };
        if is_remote(text) {
            self.report.remote_refs.push(text.clone());
            return Ok(());
        }
        let resolved = place.resolve(text, self.options.links)?;
        let path = resolved.path;
        match (resolved.found, reference) {
            (Found::Directory(next), Reference::Resource(_)) => {
                open.push_back(next);
                Ok(())
            }
            (Found::File(file), Reference::Resource(_) | Reference::Manifest(_)) => self.manifest(&file, path),
            (Found::File(file), Reference::Generated(generated)) => self.generated(&file, path, &generated),
            (Found::Missing, Reference::Resource(_)) => {
                self.skip(path, SkipReason::Missing);
                Ok(())
            }
            (Found::Missing, _) => Err(missing(&path)),
            (Found::Directory(_) | Found::Irregular, _) => Err(irregular().at(&Origin::file(path))),
        }
    }

    /// Reads a file once; nothing for one that was read before.
    fn bytes_of(&mut self, file: &FilePlace, path: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        if !self.seen.insert(path.to_owned()) {
            return Ok(None);
        }
        self.enter(path)?;
        let limits = self.decryptor.limits().clone();
        let bytes = file.read(path, |size| limits.check_file(size))?;
        self.read(path, bytes.len())?;
        Ok(Some(bytes))
    }

    /// A file of manifests: also a plain one is read, for the limits hold for what the build will see.
    fn manifest(&mut self, file: &FilePlace, path: String) -> Result<(), Error> {
        let Some(bytes) = self.bytes_of(file, &path)? else { return Ok(()) };
        let origin = Origin::file(&path);
        let stream = match Stream::read(&bytes, self.decryptor.limits(), &origin) {
            Ok(stream) => stream,
            Err(error) if *error.kind() == ErrorKind::Parse && !crate::detect::contains(&bytes, b"sops") => {
                self.skip(path, SkipReason::Unreadable);
                return Ok(());
            }
            Err(error) => return Err(error.at(&origin)),
        };
        let format = stream.plain.format();
        let opened = self.decryptor.open_stream(stream, &origin)?;
        self.report.values.extend(opened.values);
        self.report.warnings.extend(opened.notes.iter().map(|note| format!("{path}: {note}")));
        match opened.text {
            None => self.skip(path, SkipReason::Plain),
            Some(text) => {
                let integrity = opened.groups.iter().map(|group| group.integrity).collect();
                self.decrypted(path, format, integrity, text);
            }
        }
        Ok(())
    }

    /// A file of any content.
    fn generated(&mut self, file: &FilePlace, path: String, generated: &Generated) -> Result<(), Error> {
        let Some(bytes) = self.bytes_of(file, &path)? else { return Ok(()) };
        let origin = Origin::file(&path);
        let named = match format_of_name(&generated.name) {
            Format::Binary if generated.is_env => Format::Dotenv,
            format => format,
        };
        let mut format = match encrypted_file(&bytes, Some(named), self.decryptor.limits()) {
            Content::Plain => {
                self.skip(path, SkipReason::Plain);
                return Ok(());
            }
            Content::Encrypted(format) => format,
            Content::TooMuch(error) => return Err(error.at(&origin)),
        };
        let is_envelope = || PlainDocument::parse(Format::Json, &**bytes).is_ok_and(|plain| is_binary_envelope(&plain));
        if format == Format::Json && named != Format::Json && is_envelope() {
            format = Format::Binary;
        }
        if format != named {
            let text = format!("{path}: holds a {} file, its name means {}", format.name(), named.name());
            self.report.warnings.push(crate::error::escaped(&text));
        }
        let blob = self.decryptor.decrypt_blob(&bytes, format, OutputFormat::As(format));
        let blob = blob.map_err(|error| error.at(&origin))?;
        if let (Some(sealed), Some(plain)) = (first_document(format, &bytes), first_document(format, &blob.bytes)) {
            self.report.values.take(&sealed, &plain);
        }
        self.decrypted(path, format, vec![blob.integrity], blob.bytes);
        Ok(())
    }
}

/// The first document of a text, to compare it; a binary file has none.
fn first_document(format: Format, bytes: &[u8]) -> Option<serde_json::Value> {
    let plain = PlainDocument::parse(format, bytes).ok().filter(|_| format != Format::Binary)?;
    let root = plain.outline().documents.first()?.root;
    crate::stream::value_at(&plain, root as usize).ok()
}

fn missing(path: &str) -> Error {
    Error::new(ErrorKind::NotFound, "is referred to and not there").at(&Origin::file(path))
}
