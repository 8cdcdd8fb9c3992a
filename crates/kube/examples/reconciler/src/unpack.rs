//! Unpacking what others packed: regular files and directories below one private directory, within limits.

use crate::failure::Failure;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

pub const MAX_BYTES: u64 = 64 << 20;
const MAX_FILES: usize = 10_000;
/// How much larger than the archive its content may be.
const MAX_RATIO: u64 = 100;

fn refused(text: &str) -> Failure {
    Failure::new("ArtifactFailed", text)
}

/// Unpacks a tar archive, compressed or not.
pub fn archive(bytes: &[u8], to: &Path) -> Result<(), Failure> {
    let is_compressed = bytes.starts_with(&[0x1F, 0x8B]);
    let most = MAX_BYTES.min(if is_compressed { (bytes.len() as u64).saturating_mul(MAX_RATIO) } else { MAX_BYTES });
    match is_compressed {
        true => entries(flate2::read::GzDecoder::new(bytes), most, to),
        false => entries(bytes, most, to),
    }
}

fn entries(reader: impl Read, most: u64, to: &Path) -> Result<(), Failure> {
    let mut left = most;
    let unreadable = |_| refused("the archive cannot be read");
    // The reader is bounded as a whole: headers and padding count too.
    let mut archive = tar::Archive::new(reader.take(most + (MAX_FILES as u64) * 2048));
    for (index, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        let mut entry = entry.map_err(unreadable)?;
        if index >= MAX_FILES {
            return Err(refused("the archive holds too many files"));
        }
        let path = safe_path(&entry.path().map_err(unreadable)?)?;
        let place = to.join(path);
        match entry.header().entry_type() {
            tar::EntryType::Directory => make(&place)?,
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.by_ref().take(left + 1).read_to_end(&mut content).map_err(unreadable)?;
                left = left.checked_sub(content.len() as u64).ok_or_else(|| refused("the archive is too large"))?;
                write(&place, &content)?;
            }
            tar::EntryType::XGlobalHeader | tar::EntryType::XHeader => {}
            _ => return Err(refused("the archive holds a link or a device")),
        }
    }
    Ok(())
}

/// A path of plain names.
fn safe_path(path: &Path) -> Result<PathBuf, Failure> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            _ => return Err(refused("the archive holds a path that leaves it")),
        }
    }
    Ok(out)
}

fn make(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|_| Failure::transient("ArtifactFailed", "the archive cannot be unpacked"))
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    path.parent().map_or(Ok(()), make)?;
    std::fs::write(path, content).map_err(|_| Failure::transient("ArtifactFailed", "the archive cannot be unpacked"))
}

/// Copies a directory; links and devices are refused, as in an archive.
pub fn directory(from: &Path, to: &Path) -> Result<(), Failure> {
    let unreadable = |_| refused("the directory cannot be read");
    let (mut left, mut files) = (MAX_BYTES, 0);
    let mut open = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = open.pop() {
        make(&to)?;
        for entry in std::fs::read_dir(&from).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            files += 1;
            if files > MAX_FILES {
                return Err(refused("the directory holds too many files"));
            }
            if kind.is_dir() {
                open.push((entry.path(), to.join(entry.file_name())));
            } else if kind.is_file() {
                let content = std::fs::read(entry.path()).map_err(unreadable)?;
                left = left.checked_sub(content.len() as u64).ok_or_else(|| refused("the directory is too large"))?;
                write(&to.join(entry.file_name()), &content)?;
            } else {
                return Err(refused("the directory holds a link or a device"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(path: &str, kind: tar::EntryType, content: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // `set_path` refuses what an attacker would write.
        header.as_gnu_mut().expect("a header").name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, content).expect("packed");
        builder.into_inner().expect("packed")
    }

    #[test]
    fn only_plain_files_below_the_directory_are_unpacked() {
        let folder = tempfile::tempdir().expect("a folder");
        archive(&packed("a/b", tar::EntryType::Regular, b"x"), folder.path()).expect("unpacks");
        assert_eq!(std::fs::read(folder.path().join("a/b")).expect("there"), b"x");
        for (path, kind) in [
            ("../a", tar::EntryType::Regular),
            ("/a", tar::EntryType::Regular),
            ("a/../../b", tar::EntryType::Regular),
            ("link", tar::EntryType::Symlink),
            ("hard", tar::EntryType::Link),
            ("pipe", tar::EntryType::Fifo),
        ] {
            assert!(archive(&packed(path, kind, b""), folder.path()).is_err(), "{path}");
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&packed("zeros", tar::EntryType::Regular, &vec![0; 8 << 20])).expect("packed");
        let folder = tempfile::tempdir().expect("a folder");
        assert!(archive(&gzip.finish().expect("packed"), folder.path()).is_err());
    }
}
