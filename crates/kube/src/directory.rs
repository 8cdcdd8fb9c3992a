//! Lookups below a directory that is held open: no path of the host is ever put together.
//!
//! Every component is opened from the handle of the one before it and never through a link, so nobody can swap a
//! directory for a link between a check and a use. Where links are followed they are resolved here, and begin again at
//! the root at most.

use crate::error::{Error, ErrorKind, Origin};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// An open directory: the root of everything that is looked up from it.
#[derive(Clone)]
pub struct DirHandle {
    fd: Arc<OwnedFd>,
    /// Where it is on the host, to understand absolute references into it; never part of a message.
    path: Option<Arc<str>>,
}

impl std::fmt::Debug for DirHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DirHandle")
    }
}

/// What happens at a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It is an error.
    Refuse,
    /// It is followed, and cannot leave the root: `..` stops there, an absolute target begins there.
    FollowBeneath,
}

/// The most links on one way.
const MAX_LINKS: usize = 255;
/// The longest name and the longest path, in bytes.
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4096;

const NO_LINK: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// What is at the end of a way.
pub(crate) enum Found {
    Missing,
    Directory(Place),
    File(FilePlace),
    /// A pipe, a socket, a device.
    Irregular,
}

/// A directory below the root: the handles down to it and its path.
#[derive(Clone)]
pub(crate) struct Place {
    root: DirHandle,
    down: Vec<(String, Arc<OwnedFd>)>,
}

/// A regular file: the directory it is in, and its name there.
pub(crate) struct FilePlace {
    pub directory: Place,
    pub name: String,
}

/// The end of a way, and the path that leads there, without links and `..`.
pub(crate) struct Resolved {
    pub path: String,
    pub found: Found,
}

impl DirHandle {
    /// Opens a directory of the host.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn open(path: &Path) -> Result<DirHandle, Error> {
        let failed = |_| Error::new(ErrorKind::Io, "the root directory cannot be opened");
        let path = path.canonicalize().map_err(failed)?;
        let fd = rustix::fs::open(&path, OFlags::DIRECTORY | NO_LINK, Mode::empty()).map_err(|e| failed(e.into()))?;
        Ok(DirHandle { fd: Arc::new(fd), path: path.to_str().map(Arc::from) })
    }

    /// Reads a regular file below the directory.
    ///
    /// # Errors
    /// [`ErrorKind::PathEscape`], [`ErrorKind::IrregularFile`], [`ErrorKind::NotFound`], [`ErrorKind::Io`], and
    /// [`ErrorKind::LimitExceeded`] beyond so many bytes.
    pub fn read(&self, path: &str, links: Links, most: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
        let resolved = self.place().resolve(path, links)?;
        let origin = Origin::file(&resolved.path);
        match resolved.found {
            Found::File(file) => file.read(&resolved.path, |size| match size > most {
                true => Err(Error::limit("size of a file in bytes", most)),
                false => Ok(()),
            }),
            Found::Missing => Err(Error::new(ErrorKind::NotFound, "is referred to and not there").at(&origin)),
            Found::Directory(_) | Found::Irregular => Err(irregular().at(&origin)),
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place { root: self.clone(), down: Vec::new() }
    }
}

fn io_error(path: &str) -> impl Fn(Errno) -> Error + '_ {
    move |errno| Error::new(ErrorKind::Io, format!("cannot be used: {errno}")).at(&Origin::file(path))
}

fn escape(reference: &str) -> Error {
    Error::new(ErrorKind::PathEscape, "leaves the root").at(&Origin::file(reference))
}

impl Place {
    fn fd(&self) -> &OwnedFd {
        self.down.last().map_or(&self.root.fd, |(_, fd)| fd)
    }

    /// The path below the root; empty for the root.
    pub fn path(&self) -> String {
        let names: Vec<&str> = self.down.iter().map(|(name, _)| name.as_str()).collect();
        names.join("/")
    }

    /// Looks up a reference as a person wrote it, relative to this directory.
    ///
    /// # Errors
    /// [`ErrorKind::PathEscape`], and [`ErrorKind::IrregularFile`] for a link where none is followed.
    pub fn resolve(&self, reference: &str, links: Links) -> Result<Resolved, Error> {
        if reference.is_empty() || reference.len() > MAX_PATH || reference.contains('\0') {
            let error = Error::new(ErrorKind::PathEscape, "no name of a file").at(&Origin::file(reference));
            return Err(error.in_flux(format!("lstat {reference}: no such file or directory")));
        }
        let mut way =
            Way { place: self.clone(), tail: Vec::new(), left: VecDeque::new(), links, followed: 0, reference };
        match reference.strip_prefix('/') {
            None => way.left.extend(reference.split('/').map(str::to_owned)),
            Some(_) => way.begin_at_root(reference)?,
        }
        way.go()
    }

    /// The names in the directory, sorted.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::LimitExceeded`] beyond so many.
    pub fn names(&self, most: usize) -> Result<Vec<String>, Error> {
        let path = self.path();
        let mut names = Vec::new();
        for entry in Dir::read_from(self.fd()).map_err(io_error(&path))? {
            let entry = entry.map_err(io_error(&path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
            if names.len() > most {
                return Err(Error::limit("files of a directory", most as u64).at(&Origin::file(path)));
            }
        }
        names.sort();
        Ok(names)
    }

    /// The directory of that path, made where it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], and those of [`Place::resolve`].
    fn made(&self, path: &str) -> Result<Place, Error> {
        let mut place = self.clone();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match rustix::fs::mkdirat(place.fd(), name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(io_error(path)(errno)),
            }
            match place.resolve(name, Links::Refuse)?.found {
                Found::Directory(next) => place = next,
                _ => return Err(Error::new(ErrorKind::IrregularFile, "no directory").at(&Origin::file(path))),
            }
        }
        Ok(place)
    }

    /// Writes a file below this directory: a new one with mode 0600 takes the place of what is there.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let place = self.made(directory)?;
        let failed = io_error(path);
        // Nobody else writes here, and an old one of ours is only in the way.
        let temporary = format!(".{name}.sops-new").chars().take(MAX_NAME / 4).collect::<String>();
        let _gone = rustix::fs::unlinkat(place.fd(), temporary.as_str(), AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | NO_LINK;
        let fd = openat(place.fd(), temporary.as_str(), flags, Mode::RUSR | Mode::WUSR).map_err(&failed)?;
        let written = File::from(fd).write_all(bytes);
        let moved = written.map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO)).and_then(|()| {
            rustix::fs::renameat_with(place.fd(), temporary.as_str(), place.fd(), name, RenameFlags::empty())
        });
        if moved.is_err() {
            let _gone = rustix::fs::unlinkat(place.fd(), temporary.as_str(), AtFlags::empty());
        }
        moved.map_err(failed)
    }

    /// Removes a file below this directory.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], unless it is gone already.
    pub fn remove(&self, path: &str) -> Result<(), Error> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let place = match self.resolve(if directory.is_empty() { "." } else { directory }, Links::Refuse)?.found {
            Found::Directory(place) => place,
            _ => return Ok(()),
        };
        match rustix::fs::unlinkat(place.fd(), name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(io_error(path)(errno)),
        }
    }
}

impl FilePlace {
    /// Reads the file, up to a limit; what is opened is checked again.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`], [`ErrorKind::IrregularFile`], [`ErrorKind::Io`].
    pub fn read(&self, path: &str, check_size: impl Fn(u64) -> Result<(), Error>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let origin = Origin::file(path);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | NO_LINK;
        let fd =
            openat(self.directory.fd(), self.name.as_str(), flags, Mode::empty()).map_err(|errno| match errno {
                Errno::LOOP => irregular().at(&origin),
                errno => io_error(path)(errno),
            })?;
        let stat = fstat(&fd).map_err(io_error(path))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(irregular().at(&origin));
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        check_size(size).map_err(|error| error.at(&origin))?;
        // One byte more than it had: a file that grows meanwhile is noticed.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
        let read = File::from(fd).take(size + 1).read_to_end(&mut bytes);
        read.map_err(|_| Error::new(ErrorKind::Io, "cannot be read").at(&origin))?;
        check_size(bytes.len() as u64).map_err(|error| error.at(&origin))?;
        match bytes.len() as u64 > size {
            true => Err(Error::new(ErrorKind::Io, "changes while it is read").at(&origin)),
            false => Ok(bytes),
        }
    }
}

/// A file that is none.
pub(crate) fn irregular() -> Error {
    Error::new(ErrorKind::IrregularFile, "is a link, a directory, a pipe or a device, where a file is expected")
        .in_flux("cannot decrypt irregular file as it has file mode type bits set")
}

/// A lookup under way.
struct Way<'r> {
    place: Place,
    /// Names that do not exist, below `place`.
    tail: Vec<String>,
    left: VecDeque<String>,
    links: Links,
    followed: usize,
    reference: &'r str,
}

impl Way<'_> {
    fn go(mut self) -> Result<Resolved, Error> {
        while let Some(name) = self.left.pop_front() {
            match name.as_str() {
                "" | "." => {}
                ".." => self.up()?,
                _ if name.len() > MAX_NAME => return Err(escape(self.reference)),
                _ if !self.tail.is_empty() => self.tail.push(name),
                _ => {
                    if let Some(end) = self.down(name)? {
                        return Ok(end);
                    }
                }
            }
        }
        let mut path = self.place.path();
        if self.tail.is_empty() {
            return Ok(Resolved { path, found: Found::Directory(self.place) });
        }
        for name in &self.tail {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
        }
        Ok(Resolved { path, found: Found::Missing })
    }

    fn up(&mut self) -> Result<(), Error> {
        if self.tail.pop().is_some() || self.place.down.pop().is_some() || self.links == Links::FollowBeneath {
            return Ok(());
        }
        Err(escape(self.reference))
    }

    /// One step down; a file or something irregular ends the way.
    fn down(&mut self, name: String) -> Result<Option<Resolved>, Error> {
        let path = match self.place.path() {
            above if above.is_empty() => name.clone(),
            above => format!("{above}/{name}"),
        };
        let stat = match statat(self.place.fd(), name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => {
                self.tail.push(name);
                return Ok(None);
            }
            Err(errno) => return Err(io_error(&path)(errno)),
        };
        let is_last = self.left.iter().all(|rest| rest.is_empty() || rest == ".");
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | NO_LINK;
                let fd =
                    openat(self.place.fd().as_fd(), name.as_str(), flags, Mode::empty()).map_err(
                        |errno| match errno {
                            // It was swapped after the look.
                            Errno::LOOP | Errno::NOTDIR => irregular().at(&Origin::file(&path)),
                            errno => io_error(&path)(errno),
                        },
                    )?;
                self.place.down.push((name, Arc::new(fd)));
                Ok(None)
            }
            FileType::Symlink => self.follow(&name, &path),
            FileType::RegularFile if is_last => {
                let found = Found::File(FilePlace { directory: self.place.clone(), name });
                Ok(Some(Resolved { path, found }))
            }
            // A file where a directory is expected: there is nothing below it.
            FileType::RegularFile => {
                self.tail.push(name);
                Ok(None)
            }
            _ => Ok(Some(Resolved { path, found: Found::Irregular })),
        }
    }

    fn follow(&mut self, name: &str, path: &str) -> Result<Option<Resolved>, Error> {
        if self.links == Links::Refuse {
            return Err(irregular().at(&Origin::file(path)));
        }
        self.followed += 1;
        if self.followed > MAX_LINKS {
            let error = Error::new(ErrorKind::IrregularFile, "too many links").at(&Origin::file(path));
            return Err(error.in_flux(format!("lstat {path}: too many links")));
        }
        let target = readlinkat(self.place.fd(), name, Vec::new()).map_err(io_error(path))?;
        let target = target.to_str().map_err(|_| escape(path))?;
        if target.starts_with('/') {
            self.place.down.clear();
        }
        for name in target.split('/').rev() {
            self.left.push_front(name.to_owned());
        }
        Ok(None)
    }

    /// An absolute reference: inside the root it is taken as one of the root; any other begins at the root, or is refused.
    fn begin_at_root(&mut self, reference: &str) -> Result<(), Error> {
        let root = self.place.root.path.clone();
        let inside = root.as_deref().and_then(|root| reference.strip_prefix(root)).filter(|r| r.starts_with('/'));
        if inside.is_none() && self.links == Links::Refuse {
            return Err(escape(reference));
        }
        self.place.down.clear();
        self.left.extend(inside.unwrap_or(reference).split('/').map(str::to_owned));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
