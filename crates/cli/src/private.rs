//! A private folder for plain text that another program must see as a file.
//!
//! Only the owner may enter it, and it is gone when the work is done, however that ends: by returning, by a panic (the
//! release build aborts, so dropping is not enough), by a signal. A process has one such folder at a time.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
    /// Makes the folder with one file in it for an editor, in the first of `$XDG_RUNTIME_DIR`, `/dev/shm` and `$TMPDIR` that
    /// takes them; the first two are in memory. Returns the path of the file too. SIGINT, SIGTERM and SIGHUP end the process.
    ///
    /// # Errors
    /// None takes them, or `$TMPDIR` names nothing (3).
    pub fn with_file(name: &OsStr, text: &[u8], env: &Environment) -> Result<(PrivateFolder, PathBuf), Failure> {
        let failure = |place: &Path, error: &io::Error| Failure::io(Code::CouldNotWriteOutput, place, "", error);
        // compat: a wrong TMPDIR is a mistake that is reported, also where another place is better.
        let temporary = temporary(env);
        fs::metadata(&temporary).map_err(|error| failure(&temporary, &error))?;
        remove_on_panic();
        end_on_signals()
            .map_err(|error| Failure::new(Code::CouldNotWriteOutput, format!("signals: {}", io_text(&error))))?;
        warn_about_leftovers(env);
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

    /// Makes the empty folder for a command, in `$TMPDIR`. Signals are the caller's: [`remove`] is what they need.
    ///
    /// # Errors
    /// `$TMPDIR` does not take it (1).
    pub fn for_command(env: &Environment) -> Result<PrivateFolder, Failure> {
        let temporary = temporary(env);
        remove_on_panic();
        warn_about_leftovers(env);
        let number = u64::from_str_radix(&random_name(), 16).unwrap_or_default();
        // compat: the reference's form of the name; its numbers are shorter.
        PrivateFolder::make(temporary.join(format!("{COMMAND_PREFIX}{number:0COMMAND_DIGITS$}")))
            .map_err(|error| Failure::io(Code::Generic, &temporary, "", &error))
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a private file into it and returns its path.
    ///
    /// # Errors
    /// A name that cannot be a file here.
    pub fn add(&self, name: &Path, text: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(text)?;
        Ok(path)
    }

    fn make_in(place: &Path, name: &OsStr, text: &[u8]) -> io::Result<(PrivateFolder, PathBuf)> {
        let folder = PrivateFolder::make(place.join(format!("{EDIT_PREFIX}{}{}", random_name(), random_name())))?;
        let path = folder.add(Path::new(name), text)?;
        Ok((folder, path))
    }

    fn make(path: PathBuf) -> io::Result<PrivateFolder> {
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
        Ok(folder)
    }

    /// Removes the folder. From here on, until [`listen`], a signal no longer ends the process: what is left to do is short,
    /// leaves nothing behind and is not to be stopped half-way.
    pub fn close(self) {
        let mut state = lock();
        remove_what_is(&mut state);
        *state = State::Closed;
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        remove();
    }
}

/// Removes the folder of this process, if there is one.
pub fn remove() {
    remove_what_is(&mut lock());
}

/// Lets signals end the process again after [`PrivateFolder::close`], because there is more to do.
pub fn listen() {
    let mut state = lock();
    if matches!(*state, State::Closed) {
        *state = State::Absent;
    }
}

/// Returns the places in memory that are fit to hold plain text.
pub fn places(env: &Environment) -> Vec<PathBuf> {
    let runtime = env.text("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && is_mine(path));
    runtime.into_iter().chain(Some(PathBuf::from("/dev/shm"))).collect()
}

fn temporary(env: &Environment) -> PathBuf {
    env.text("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

fn warn_about_leftovers(env: &Environment) {
    for left in places(env).iter().chain(Some(&temporary(env))).flat_map(|place| left_behind(place)) {
        ui::warn(&format!("{}: plain text that an interrupted run left behind; remove it", left.display()));
    }
}

/// Returns private folders of ours that no process works in.
fn left_behind(place: &Path) -> Vec<PathBuf> {
    let is_left = |path: &PathBuf| {
        path.file_name().is_some_and(|name| is_name_of_ours(&name.to_string_lossy()))
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

fn remove_what_is(state: &mut State) {
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

/// Sees to it that a panic removes the folder.
fn remove_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(mut state) = STATE.try_lock() {
                remove_what_is(&mut state);
            }
            before(panic);
        }));
    });
}

/// Sees to it that a signal removes the folder.
fn end_on_signals() -> io::Result<()> {
    static IS_DONE: AtomicBool = AtomicBool::new(false);
    if IS_DONE.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::Builder::new().spawn(move || {
        for _signal in signals.forever() {
            let mut state = lock();
            if matches!(*state, State::Closed) {
                continue;
            }
            remove_what_is(&mut state);
            ui::print("User canceled operation\n");
            std::process::exit(i32::from(Code::Generic as u8));
        }
    })?;
    Ok(())
}

fn is_name_of_ours(name: &str) -> bool {
    let number = name.strip_prefix(COMMAND_PREFIX);
    name.starts_with(EDIT_PREFIX)
        || number.is_some_and(|number| number.len() == COMMAND_DIGITS && number.bytes().all(|b| b.is_ascii_digit()))
}

const REMOVALS: usize = 8;
const EDIT_PREFIX: &str = "sops-edit-";
const COMMAND_PREFIX: &str = ".sops";
/// More than the reference has, whose folders carry no lock.
const COMMAND_DIGITS: usize = 20;

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
