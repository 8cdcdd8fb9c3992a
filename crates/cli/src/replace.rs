//! Crash-safe replacement of a file.
//!
//! The new text goes to a temporary file beside the target, reaches the disk, and is renamed over the target: whoever reads,
//! and whatever crashes, there is the old file or the new one. A plain rename would lose mode, owner, access lists and hard
//! links, so those are copied first, and where one cannot be kept (or a rename is impossible, as over a bind mount) the
//! existing file is overwritten while the temporary one serves as recovery copy.
//!
//! A lock on the file spans reading and writing, so our own processes wait for each other. Others do not lock, so the
//! content is compared once more just before it is replaced; what changed underneath is never overwritten. On Linux the two
//! files change places instead, and who was faster still gets their file back.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, Hasher},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use crate::{failure::io_text, ui};

/// Why a file was not replaced. In every case but the last the target is untouched.
#[derive(Debug)]
pub enum ReplaceError {
    /// It cannot be opened or read.
    Read(io::Error),
    /// It is a folder, a device, a socket.
    NotAFile,
    /// It, or its folder, cannot be written.
    Open(io::Error),
    /// Writing the new text failed.
    Write(io::Error),
    /// Somebody else changed it since it was read.
    Changed,
    /// Overwriting failed half-way; the complete new text is in this file.
    Torn(PathBuf, io::Error),
}

/// A file that was read and is locked, to be replaced.
pub struct Held {
    real: PathBuf,
    file: File,
    bytes: Zeroizing<Vec<u8>>,
}

impl Held {
    /// Opens, locks and reads a file; symbolic links are followed. Waits for another of our processes that holds it.
    ///
    /// # Errors
    /// [`ReplaceError::Read`] and [`ReplaceError::NotAFile`].
    pub fn open(path: &Path) -> Result<Held, ReplaceError> {
        let real = fs::canonicalize(path).map_err(ReplaceError::Read)?;
        loop {
            let meta = fs::metadata(&real).map_err(ReplaceError::Read)?;
            if meta.is_dir() {
                return Err(ReplaceError::Read(io::ErrorKind::IsADirectory.into()));
            }
            if !meta.is_file() {
                return Err(ReplaceError::NotAFile);
            }
            let mut file = File::open(&real).map_err(ReplaceError::Read)?;
            let lock = retry(|| flock(&file, FlockOperation::LockExclusive).map_err(io::Error::from));
            note_missing_lock(&real, lock);
            // Whoever held the lock may have put another file in this place: then the lock is on the old one.
            if !is_at(&file, &real).map_err(ReplaceError::Read)? {
                continue;
            }
            let mut bytes =
                Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).saturating_add(1)));
            file.read_to_end(&mut bytes).map_err(ReplaceError::Read)?;
            return Ok(Held { real, file, bytes });
        }
    }

    /// Returns the content as it was read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns temporary files of interrupted runs beside this file: while it is held, nobody can be using them.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let (folder, prefix) = temporary_name(&self.real);
        let entries = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        let is_ours = |name: &[u8]| name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(SUFFIX.as_bytes());
        let mut found: Vec<PathBuf> =
            entries.filter(|entry| is_ours(entry.file_name().as_encoded_bytes())).map(|entry| entry.path()).collect();
        found.sort();
        found
    }

    /// Replaces the content. The same text writes nothing.
    ///
    /// # Errors
    /// All of [`ReplaceError`] but the reading ones.
    pub fn replace(mut self, text: &[u8]) -> Result<(), ReplaceError> {
        if text == self.bytes() {
            return Ok(());
        }
        // A read-only file could be renamed over all the same; the reference refuses it, and so do we.
        let mut target = OpenOptions::new().write(true).open(&self.real).map_err(ReplaceError::Open)?;
        let temporary = Temporary::write(&self.real, text, 0o600)?;
        let keeps_all = copy_attributes(&self.file, &temporary.file);
        if !self.is_unchanged().map_err(ReplaceError::Write)? {
            return Err(ReplaceError::Changed);
        }
        if keeps_all && self.file.metadata().is_ok_and(|meta| meta.nlink() == 1) {
            #[cfg(target_os = "linux")]
            {
                // The new file is another one, and nobody of ours is to work on it before the old one is settled.
                let _best_effort = flock(&temporary.file, FlockOperation::NonBlockingLockExclusive);
                if is_cipher_text(&self.bytes) && swap(&temporary.path, &self.real).is_ok() {
                    return self.settle(temporary);
                }
            }
            match fs::rename(&temporary.path, &self.real) {
                Ok(()) => return temporary.placed(&self.real),
                Err(error) if is_worth_overwriting(&error) => {}
                Err(error) => return Err(ReplaceError::Write(error)),
            }
        }
        let written =
            target.write_all(text).and_then(|()| target.set_len(text.len() as u64)).and_then(|()| sync(&target));
        written.map_err(|error| ReplaceError::Torn(temporary.keep(), error))
    }

    /// Looks at the file that had to make room, now under the temporary name: it goes if it is the one that was read, and
    /// back into its place if it is not.
    #[cfg(target_os = "linux")]
    fn settle(mut self, temporary: Temporary) -> Result<(), ReplaceError> {
        let path = temporary.path.clone();
        match self.is_unchanged_at(&path) {
            Ok(true) => {
                drop(temporary);
                sync_folder(&self.real);
                Ok(())
            }
            // What was changed after that goes the same way, so nothing is lost but our own text.
            _ => {
                if swap(&path, &self.real).is_err() {
                    // Theirs is under the temporary name then, which the next run tells.
                    temporary.keep();
                }
                Err(ReplaceError::Changed)
            }
        }
    }

    /// Tells whether the path still leads to the file that was read, with the content that was read.
    fn is_unchanged(&mut self) -> io::Result<bool> {
        let real = self.real.clone();
        self.is_unchanged_at(&real)
    }

    fn is_unchanged_at(&mut self, path: &Path) -> io::Result<bool> {
        if !is_at(&self.file, path)? {
            return Ok(false);
        }
        self.file.seek(SeekFrom::Start(0))?;
        let mut now = Zeroizing::new(Vec::with_capacity(self.bytes.len().saturating_add(1)));
        self.file.read_to_end(&mut now)?;
        Ok(*now == *self.bytes)
    }
}

/// A file system without locks leaves the comparison before replacing.
fn note_missing_lock(path: &Path, lock: io::Result<()>) {
    if let Some(text) = missing_lock(path, lock) {
        ui::note(&text);
    }
}

fn missing_lock(path: &Path, lock: io::Result<()>) -> Option<String> {
    let error = lock.err()?;
    Some(format!("{}: no lock here ({}): only a comparison keeps other writers apart", path.display(), io_text(&error)))
}

/// Writes a file that may or may not exist. A new one appears complete, with `mode` less the umask; an existing one is
/// replaced and keeps its mode; what is no regular file is written to directly.
///
/// # Errors
/// As [`Held::replace`].
pub fn write_file(path: &Path, text: &[u8], mode: u32) -> Result<(), ReplaceError> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => match Held::open(path) {
            Ok(held) => held.replace(text),
            Err(ReplaceError::Read(error)) => Err(ReplaceError::Open(error)),
            Err(error) => Err(error),
        },
        Ok(_) => {
            let mut file = OpenOptions::new().write(true).open(path).map_err(ReplaceError::Open)?;
            file.write_all(text).map_err(ReplaceError::Write)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            let temporary = Temporary::write(path, text, mode)?;
            fs::rename(&temporary.path, path).map_err(ReplaceError::Write)?;
            temporary.placed(path)
        }
        Err(error) => Err(ReplaceError::Open(error)),
    }
}

/// Writes a file that must not exist. It appears complete, with `mode` less the umask.
///
/// # Errors
/// [`ReplaceError::Open`] and [`ReplaceError::Write`]; [`ReplaceError::Changed`] where somebody else made it meanwhile.
pub fn create_file(path: &Path, text: &[u8], mode: u32) -> Result<(), ReplaceError> {
    let temporary = Temporary::write(path, text, mode)?;
    // A link never takes the place of another file; a rename does.
    match fs::hard_link(&temporary.path, path) {
        Ok(()) => {
            sync_folder(path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ReplaceError::Changed),
        Err(_) if fs::symlink_metadata(path).is_err() => {
            fs::rename(&temporary.path, path).map_err(ReplaceError::Write)?;
            temporary.placed(path)
        }
        Err(error) => Err(ReplaceError::Write(error)),
    }
}

/// Keeps an encrypted text that could not be written: in the first of the folders that takes it, under a name that ends like
/// the file's. Returns its path.
pub fn keep(folders: impl Iterator<Item = PathBuf>, name: &OsStr, text: &[u8]) -> Option<PathBuf> {
    for folder in folders {
        let mut kept = OsString::from(format!("edited-{}-", random_name()));
        kept.push(end_of(name));
        let path = folder.join(kept);
        if create_file(&path, text, 0o600).is_ok() {
            return Some(path);
        }
    }
    None
}

/// A complete, synced file beside a target; removed when dropped.
struct Temporary {
    path: PathBuf,
    file: File,
    is_kept: bool,
}

impl Temporary {
    fn write(target: &Path, text: &[u8], mode: u32) -> Result<Temporary, ReplaceError> {
        let mut temporary = Temporary::create(target, mode).map_err(ReplaceError::Open)?;
        temporary.file.write_all(text).and_then(|()| sync(&temporary.file)).map_err(ReplaceError::Write)?;
        Ok(temporary)
    }

    fn create(target: &Path, mode: u32) -> io::Result<Temporary> {
        let (folder, prefix) = temporary_name(target);
        loop {
            let mut name = prefix.clone();
            name.push(random_name() + SUFFIX);
            let path = folder.join(name);
            match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
                Ok(file) => return Ok(Temporary { path, file, is_kept: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends it after it was renamed to `target`, and makes the rename last.
    fn placed(mut self, target: &Path) -> Result<(), ReplaceError> {
        self.is_kept = true;
        sync_folder(target);
        Ok(())
    }

    fn keep(mut self) -> PathBuf {
        self.is_kept = true;
        self.path.clone()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_kept {
            let _best_effort = fs::remove_file(&self.path);
        }
    }
}

/// Lets two files change places. Not every file system can.
#[cfg(target_os = "linux")]
fn swap(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    retry(|| renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(io::Error::from))
}

/// Whether a text is an encrypted one. The file that makes room stays behind if we are killed in between: a plain one must not.
#[cfg(target_os = "linux")]
fn is_cipher_text(text: &[u8]) -> bool {
    const TOKEN: &[u8] = b"ENC[AES256_GCM,";
    text.windows(TOKEN.len()).any(|window| window == TOKEN)
}

/// Makes a file's entry in its folder last. The file is in place whatever happens to that; an error would only make people try
/// again.
fn sync_folder(target: &Path) {
    let _best_effort = File::open(temporary_name(target).0).and_then(|folder| sync(&folder));
}

/// Returns a name that nobody can guess: the standard hasher is seeded by the operating system.
pub fn random_name() -> String {
    format!("{:016x}", std::hash::RandomState::new().build_hasher().finish())
}

/// Returns the folder of a target and how the names of its temporary files begin.
fn temporary_name(target: &Path) -> (PathBuf, OsString) {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut prefix = OsString::from(".");
    prefix.push(end_of(target.file_name().unwrap_or_default()));
    prefix.push(".");
    (folder, prefix)
}

/// Returns as much of a name's end as leaves room for more.
fn end_of(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    OsStr::from_bytes(bytes.get(bytes.len().saturating_sub(MAX_NAME)..).unwrap_or_default())
}

/// Tells whether `path` leads to the open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (here, there) = (file.metadata()?, fs::metadata(path)?);
    Ok(here.dev() == there.dev() && here.ino() == there.ino())
}

/// Syncs to disk; file systems that cannot are not an error.
fn sync(file: &File) -> io::Result<()> {
    match retry(|| file.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// A rename that a bind mount or the folder's rights forbid, where overwriting may work.
fn is_worth_overwriting(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ResourceBusy};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ResourceBusy)
}

/// Gives the new file owner, extended attributes (access lists among them) and mode of the old one; tells whether all of
/// it worked.
fn copy_attributes(from: &File, to: &File) -> bool {
    let (Ok(old), Ok(new)) = (from.metadata(), to.metadata()) else { return false };
    let same_owner = (old.uid(), old.gid()) == (new.uid(), new.gid());
    // The owner first: changing it clears set-id bits. Mode last: an access list changes it.
    (same_owner || std::os::unix::fs::fchown(to, Some(old.uid()), Some(old.gid())).is_ok())
        && copy_extended(from, to).unwrap_or(false)
        && to.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777)).is_ok()
}

/// Copies extended attributes; `false` if one was refused.
fn copy_extended(from: &File, to: &File) -> io::Result<bool> {
    use rustix::fs::{XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fsetxattr};
    let length = match flistxattr_query(from) {
        Ok(0) | Err(rustix::io::Errno::OPNOTSUPP) => return Ok(true),
        Ok(length) => length,
        Err(error) => return Err(error.into()),
    };
    let mut names = vec![0; length];
    let length = flistxattr(from, &mut names[..])?;
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; fgetxattr_query(from, name)?];
        let length = fgetxattr(from, name, &mut value[..])?;
        let value = value.get(..length).unwrap_or_default();
        let mut present = vec![0; value.len()];
        let is_there = fgetxattr(to, name, &mut present[..]).is_ok_and(|length| present.get(..length) == Some(value));
        if !is_there && fsetxattr(to, name, value, XattrFlags::empty()).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

const SUFFIX: &str = ".tmp";
/// A file's name has 255 bytes at most.
const MAX_NAME: usize = 200;

#[cfg(test)]
#[path = "replace/tests.rs"]
mod tests;
