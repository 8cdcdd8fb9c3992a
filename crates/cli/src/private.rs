//! A private folder for plain text that another program must see as a file.
//!
//! It lies in memory where the system has such a place, only the owner may enter it, and it is gone when the work is done,
//! however that ends: by returning, by a panic (the release build aborts, so dropping is not enough), by SIGINT, SIGTERM
//! or SIGHUP. A process has one such folder at a time.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use rustix::fs::{FlockOperation, flock};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    environment::Environment,
    exit_code::Code,
    failure::{Failure, io_text},
    replace::random_name,
    ui,
};

/// The folder; dropping it removes it with all that is in it.
pub struct PrivateFolder {
    path: PathBuf,
    /// Locked while the process lives: what is not locked was left behind by one that was killed.
    _lock: File,
}

impl PrivateFolder {
    /// Makes the folder with one file in it, in the first of `$XDG_RUNTIME_DIR`, `/dev/shm` and `$TMPDIR` that takes them.
    /// Returns the path of the file too.
    ///
    /// # Errors
    /// None takes them, or `$TMPDIR` names nothing (3).
    pub fn with_file(name: &OsStr, text: &[u8], env: &Environment) -> Result<(PrivateFolder, PathBuf), Failure> {
        let failure = |place: &Path, error: &io::Error| Failure::io(Code::CouldNotWriteOutput, place, "", error);
        // compat: a wrong TMPDIR is a mistake that is reported, also where another place is better.
        let temporary = env.text("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        fs::metadata(&temporary).map_err(|error| failure(&temporary, &error))?;
        guard_against_every_end()
            .map_err(|error| Failure::new(Code::CouldNotWriteOutput, format!("signals: {}", io_text(&error))))?;
        for left in places(env).iter().chain(Some(&temporary)).flat_map(|place| left_behind(place)) {
            ui::warn(&format!("{}: plain text that an interrupted edit left behind; remove it", left.display()));
        }
        for place in places(env) {
            if let Ok(made) = PrivateFolder::make_in(&place, name, text) {
                return Ok(made);
            }
        }
        let made = PrivateFolder::make_in(&temporary, name, text).map_err(|error| failure(&temporary, &error))?;
        if cfg!(target_os = "linux") {
            ui::warn(&format!(
                "{}: the plain text is here while it is edited, and this may be a disk",
                made.1.display()
            ));
        }
        Ok(made)
    }

    fn make_in(place: &Path, name: &OsStr, text: &[u8]) -> io::Result<(PrivateFolder, PathBuf)> {
        let path = place.join(format!("{PREFIX}{}{}", random_name(), random_name()));
        // A signal waits until the folder is known, and then removes it.
        let mut state = lock();
        DirBuilder::new().mode(0o700).create(&path)?;
        *state = State::Present(path.clone());
        drop(state);
        let lock = File::open(&path)?;
        let _best_effort = flock(&lock, FlockOperation::NonBlockingLockExclusive);
        let folder = PrivateFolder { path, _lock: lock };
        // A strict umask takes rights away that the owner needs.
        fs::set_permissions(&folder.path, fs::Permissions::from_mode(0o700))?;
        let path = folder.path.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(text)?;
        Ok((folder, path))
    }

    /// Removes the folder. From here on a signal no longer ends the process: what is left to do is short, leaves nothing
    /// behind and is not to be stopped half-way.
    pub fn close(self) {
        let mut state = lock();
        remove(&mut state);
        *state = State::Closed;
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        remove(&mut lock());
    }
}

/// Returns the places in memory that are fit to hold plain text.
pub fn places(env: &Environment) -> Vec<PathBuf> {
    let runtime = env.text("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && is_mine(path));
    runtime.into_iter().chain(Some(PathBuf::from("/dev/shm"))).collect()
}

/// Returns private folders of ours that no process works in.
fn left_behind(place: &Path) -> Vec<PathBuf> {
    let is_left = |path: &PathBuf| {
        let is_named = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        is_named
            && is_mine(path)
            && File::open(path).is_ok_and(|folder| flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok())
    };
    fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_left).collect()
}

/// Tells whether a folder, not a link to one, belongs to this user.
fn is_mine(path: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == me)
}

/// What there is to remove.
enum State {
    Absent,
    Present(PathBuf),
    /// Nothing, and signals are to be ignored.
    Closed,
}

static STATE: Mutex<State> = Mutex::new(State::Absent);

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove(state: &mut State) {
    let State::Present(path) = state else { return };
    // An editor that still runs may add a file in between.
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(&*path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => break,
        }
    }
    *state = State::Absent;
}

/// Sees to it that a signal and a panic remove the folder; once in a process.
fn guard_against_every_end() -> io::Result<()> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(mut state) = STATE.try_lock() {
                remove(&mut state);
            }
            before(panic);
        }));
    });
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::Builder::new().spawn(move || {
        for _signal in signals.forever() {
            let mut state = lock();
            if matches!(*state, State::Closed) {
                continue;
            }
            remove(&mut state);
            ui::print("User canceled operation\n");
            std::process::exit(i32::from(Code::Generic as u8));
        }
    })?;
    Ok(())
}

const REMOVALS: usize = 8;
const PREFIX: &str = "sops-edit-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_goes_with_what_an_editor_left() {
        let folder = tempfile::tempdir().unwrap();
        let tmp = folder.path().to_str().unwrap();
        let env = Environment::of(&[("TMPDIR", tmp), ("XDG_RUNTIME_DIR", tmp)], Path::new("/"));
        let (private, path) = PrivateFolder::with_file(OsStr::new("a b.yaml"), b"plain", &env).unwrap();
        assert!(path.starts_with(folder.path()) && path.ends_with("a b.yaml"));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
        fs::create_dir_all(path.parent().unwrap().join("x/y")).unwrap();
        drop(private);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let (private, path) = PrivateFolder::with_file(OsStr::new("a"), b"plain", &env).unwrap();
        assert!(std::thread::spawn(|| panic!("a panic that is meant")).join().is_err());
        assert!(!path.exists());
        drop(private);

        let missing = folder.path().join("none");
        let env = Environment::of(&[("TMPDIR", missing.to_str().unwrap()), ("XDG_RUNTIME_DIR", tmp)], Path::new("/"));
        let failure = PrivateFolder::with_file(OsStr::new("a"), b"plain", &env).err().unwrap();
        assert_eq!(failure.code, Code::CouldNotWriteOutput);
        assert!(failure.render(false).contains("none"), "{}", failure.render(false));
    }
}
