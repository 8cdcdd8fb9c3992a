//! A tree of files, decrypted before a build reads it.
//!
//! Two walks over the graph of kustomizations: everything that the build reads ([`TreeMode::Full`]), or what the Flux
//! controller decrypts ([`TreeMode::FluxCompat`]). Both look first and write at the end: on an error no file changed.

mod flux;
mod full;
mod kustomization;

use crate::decryptor::{Decryptor, Integrity};
use crate::directory::{DirHandle, Links, Place};
use crate::error::{Error, ErrorKind, Origin};
use crate::spread::SecretValues;
use sops_core::Format;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Instant;
use zeroize::Zeroizing;

/// Which files are decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeMode {
    /// Every encrypted file that the build reads.
    Full,
    /// The files that Flux decrypts, with its rules for formats.
    FluxCompat,
}

/// Takes a path below the root and a plain text.
pub type Receiver<'r> = &'r mut dyn FnMut(&str, &[u8]) -> Result<(), Error>;

/// Where plain files go.
pub enum Target<'r> {
    /// Over the encrypted ones, by a new file that takes the place of the old one.
    InPlace,
    /// Below another directory, under the same paths.
    Overlay(DirHandle),
    /// To the caller.
    Memory(Receiver<'r>),
}

/// How a tree is prepared.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TreeOptions {
    /// Which files are decrypted.
    pub mode: TreeMode,
    /// What happens at a link.
    pub links: Links,
}

impl TreeOptions {
    /// Every file that the build reads; links are refused.
    pub fn full() -> TreeOptions {
        TreeOptions { mode: TreeMode::Full, links: Links::Refuse }
    }

    /// What Flux does; links are followed below the root.
    pub fn flux_compat() -> TreeOptions {
        TreeOptions { mode: TreeMode::FluxCompat, links: Links::FollowBeneath }
    }

    /// With another rule for links.
    pub fn with_links(mut self, links: Links) -> TreeOptions {
        self.links = links;
        self
    }
}

/// A file that was decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Its path below the root.
    pub path: String,
    /// Its format.
    pub format: Format,
    /// What the MAC said, of each group of documents.
    pub integrity: Vec<Integrity>,
}

/// Why a file was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is not there; the build will say so.
    Missing,
    /// It cannot be read as a manifest; the build will say so.
    Unreadable,
    /// It is not encrypted, or not in the format that its name means.
    Plain,
}

/// What became of a tree.
#[derive(Debug, Default)]
pub struct TreeReport {
    /// Files that were decrypted, in the order of the walk.
    pub files: Vec<FileReport>,
    /// Files that were left alone.
    pub skipped: Vec<(String, SkipReason)>,
    /// Bytes that were read.
    pub bytes: u64,
    /// References that the build would fetch; nothing was.
    pub remote_refs: Vec<String>,
    /// What someone should know; no values.
    pub warnings: Vec<String>,
    /// What was decrypted, for [`Decryptor::finish_build`].
    pub values: SecretValues,
    /// Where the plain files are, to remove them.
    target: Option<Place>,
}

impl TreeReport {
    /// Removes every plain file that was written.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] with the first file that is still there.
    pub fn purge(&mut self) -> Result<(), Error> {
        let Some(target) = self.target.take() else { return Ok(()) };
        self.files.iter().try_for_each(|file| target.remove(&file.path))
    }
}

impl Decryptor {
    /// Decrypts the files of a tree that a build below `build_path` reads.
    ///
    /// # Errors
    /// The first file that is wrong; nothing is written then.
    pub fn prepare_tree(
        &self,
        root: &DirHandle,
        build_path: &str,
        options: TreeOptions,
        target: Target<'_>,
    ) -> Result<TreeReport, Error> {
        crate::guard(|| {
            let build_path = if build_path.is_empty() { "." } else { build_path };
            let mut walk = Walk::new(self, options);
            match options.mode {
                TreeMode::Full => walk.full(root, build_path)?,
                TreeMode::FluxCompat => walk.flux(root, build_path)?,
            }
            walk.finish(root, target)
        })
    }
}

/// A walk under way.
struct Walk<'d> {
    decryptor: &'d Decryptor,
    options: TreeOptions,
    report: TreeReport,
    /// Directories and files that were looked at.
    seen: BTreeSet<String>,
    plain: BTreeMap<String, Zeroizing<Vec<u8>>>,
    started: Instant,
    files: usize,
}

impl<'d> Walk<'d> {
    fn new(decryptor: &'d Decryptor, options: TreeOptions) -> Self {
        Walk {
            decryptor,
            options,
            report: TreeReport::default(),
            seen: BTreeSet::new(),
            plain: BTreeMap::new(),
            started: Instant::now(),
            files: 0,
        }
    }

    /// Counts a file before it is read.
    fn enter(&mut self, path: &str) -> Result<(), Error> {
        let limits = self.decryptor.limits();
        self.files += 1;
        let origin = Origin::file(path);
        if self.files > limits.files {
            return Err(Error::limit("files of a tree", limits.files as u64).at(&origin));
        }
        if self.started.elapsed() > limits.wall_clock {
            return Err(Error::new(ErrorKind::DeadlineExceeded, "the time for a tree is over").at(&origin));
        }
        self.decryptor.check_time().map_err(|error| error.at(&origin))
    }

    /// Counts what was read.
    fn read(&mut self, path: &str, bytes: usize) -> Result<(), Error> {
        self.report.bytes += bytes as u64;
        let most = self.decryptor.limits().total_bytes;
        match self.report.bytes > most {
            true => Err(Error::limit("bytes of a tree", most).at(&Origin::file(path))),
            false => Ok(()),
        }
    }

    fn skip(&mut self, path: String, reason: SkipReason) {
        self.report.skipped.push((path, reason));
    }

    fn decrypted(&mut self, path: String, format: Format, integrity: Vec<Integrity>, bytes: Zeroizing<Vec<u8>>) {
        self.report.files.push(FileReport { path: path.clone(), format, integrity });
        self.plain.insert(path, bytes);
    }

    fn finish(mut self, root: &DirHandle, target: Target<'_>) -> Result<TreeReport, Error> {
        let place = match target {
            Target::InPlace => root.place(),
            Target::Overlay(overlay) => overlay.place(),
            Target::Memory(receiver) => {
                self.plain.iter().try_for_each(|(path, bytes)| receiver(path, bytes))?;
                return Ok(self.report);
            }
        };
        for (path, bytes) in &self.plain {
            place.write(path, bytes)?;
        }
        self.report.target = Some(place);
        Ok(self.report)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.path()).finish()
    }
}
