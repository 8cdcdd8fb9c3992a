//! A named pipe that holds a text, for every reader anew: nothing of it is ever on a disk.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, FileType, Mode};
use zeroize::Zeroizing;

/// Makes the pipe and serves it from a thread of its own, for as long as the process lives.
///
/// Behind each reader the pipe is replaced by a fresh one under the same name, so that a reader never sees the text twice
/// and the next one does not wait for ever.
///
/// # Errors
/// A path that cannot be a pipe.
pub fn serve(path: &Path, text: Zeroizing<Vec<u8>>) -> io::Result<()> {
    make(path)?;
    let path = path.to_path_buf();
    std::thread::Builder::new().spawn(move || {
        // An end is the end of the folder: nobody is left to read.
        let _nobody_reads = write_for_ever(&path, &text);
    })?;
    Ok(())
}

fn write_for_ever(path: &Path, text: &[u8]) -> io::Result<()> {
    let fresh = fresh_name(path);
    loop {
        // This waits for a reader.
        let mut pipe = OpenOptions::new().write(true).open(path)?;
        make(&fresh)?;
        fs::rename(&fresh, path)?;
        // A reader that has enough is none to complain about.
        let _it_has_enough = pipe.write_all(text);
    }
}

fn make(path: &Path) -> io::Result<()> {
    make_pipe(path)?;
    // A strict umask takes rights away that the owner needs.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(target_vendor = "apple")]
fn make_pipe(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

#[cfg(not(target_vendor = "apple"))]
fn make_pipe(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?)
}

fn fresh_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_gets_the_text_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        let text = vec![b'x'; 200_000];
        serve(&path, Zeroizing::new(text.clone())).unwrap();
        for _ in 0..20 {
            assert_eq!(fs::read(&path).unwrap(), text);
        }
        // One that stops early does not stop the next.
        io::Read::read_exact(&mut fs::File::open(&path).unwrap(), &mut [0]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), text);
        assert!(serve(&folder.path().join("none/p"), Zeroizing::new(Vec::new())).is_err());
    }
}
