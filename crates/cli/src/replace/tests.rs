//! What must hold whatever happens: the old content or the new one, nothing lost, nothing left behind.

use std::os::unix::fs::symlink;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn replace(path: &Path, text: &str) -> Result<(), ReplaceError> {
    Held::open(path)?.replace(text.as_bytes())
}

#[test]
fn the_new_text_takes_the_place_of_the_old() {
    let folder = Folder::new();
    let path = folder.file("a", "a longer old text");
    replace(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(folder.names(), ["a"]);
}

#[test]
fn the_same_text_writes_nothing() {
    let folder = Folder::new();
    let path = folder.file("a", "same");
    let before = fs::metadata(&path).unwrap().ino();
    replace(&path, "same").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
}

#[test]
fn the_mode_is_kept() {
    let folder = Folder::new();
    let path = folder.file("a", "old");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    replace(&path, "new").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn extended_attributes_are_kept() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    let folder = Folder::new();
    let path = folder.file("a", "old");
    if setxattr(&path, "user.note", b"kept", XattrFlags::empty()).is_err() {
        return; // A file system without them.
    }
    replace(&path, "new").unwrap();
    let mut value = [0; 8];
    let length = getxattr(&path, "user.note", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"kept");
}

#[test]
fn a_symbolic_link_stays_one() {
    let folder = Folder::new();
    let path = folder.file("a", "old");
    let link = folder.0.path().join("link");
    symlink("a", &link).unwrap();
    replace(&link, "new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn both_names_of_a_hard_link_see_the_new_text() {
    let folder = Folder::new();
    let path = folder.file("a", "a longer old text");
    let other = folder.0.path().join("b");
    fs::hard_link(&path, &other).unwrap();
    replace(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "new");
    assert_eq!(folder.names(), ["a", "b"]);
}

#[test]
fn a_change_in_between_is_never_overwritten() {
    let folder = Folder::new();
    let path = folder.file("a", "old");
    let held = Held::open(&path).unwrap();
    fs::write(&path, "theirs").unwrap();
    assert!(matches!(held.replace(b"new"), Err(ReplaceError::Changed)));
    assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    assert_eq!(folder.names(), ["a"]);
}

#[test]
fn another_file_in_its_place_is_never_overwritten() {
    let folder = Folder::new();
    let path = folder.file("a", "old");
    let held = Held::open(&path).unwrap();
    fs::rename(folder.file("b", "old"), &path).unwrap();
    assert!(matches!(held.replace(b"new"), Err(ReplaceError::Changed)));
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
}

#[test]
fn writers_wait_for_each_other() {
    let folder = Folder::new();
    let path = folder.file("a", "");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let held = Held::open(&path).unwrap();
                    let longer = [held.bytes(), b"x"].concat();
                    held.replace(&longer).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read(&path).unwrap().len(), 160);
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = Folder::new();
    assert!(matches!(Held::open(folder.0.path()), Err(ReplaceError::Read(_))));
    assert!(matches!(Held::open(Path::new("/dev/null")), Err(ReplaceError::NotAFile)));
    assert!(matches!(Held::open(&folder.0.path().join("none")), Err(ReplaceError::Read(_))));
}

#[test]
fn leftovers_of_an_interrupted_run_are_found() {
    let folder = Folder::new();
    let path = folder.file("a", "old");
    let stale = folder.file(".a.0123.tmp", "half");
    folder.file(".b.0123.tmp", "not ours");
    assert_eq!(Held::open(&path).unwrap().leftovers(), [fs::canonicalize(stale).unwrap()]);
}

#[test]
fn a_new_file_has_the_mode_asked_for_and_an_old_one_keeps_its_own() {
    let folder = Folder::new();
    let path = folder.0.path().join("a");
    write_file(&path, b"one", 0o600).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    write_file(&path, b"2", 0o600).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
    assert_eq!(fs::read_to_string(&path).unwrap(), "2");
    assert_eq!(folder.names(), ["a"]);
}

#[test]
fn a_device_is_written_to_and_a_dangling_link_is_refused() {
    let folder = Folder::new();
    write_file(Path::new("/dev/null"), b"x", 0o600).unwrap();
    assert!(matches!(write_file(Path::new("/dev/full"), b"x", 0o600), Err(ReplaceError::Write(_))));
    let link = folder.0.path().join("link");
    symlink("none", &link).unwrap();
    assert!(matches!(write_file(&link, b"x", 0o600), Err(ReplaceError::Open(_))));
    assert!(matches!(write_file(&folder.0.path().join("no/x"), b"x", 0o600), Err(ReplaceError::Open(_))));
    assert_eq!(folder.names(), ["link"]);
}

#[test]
fn a_new_file_takes_the_place_of_nothing() {
    let folder = Folder::new();
    let path = folder.0.path().join("a");
    create_file(&path, b"one", 0o600).unwrap();
    assert!(matches!(create_file(&path, b"two", 0o600), Err(ReplaceError::Changed)));
    let link = folder.0.path().join("link");
    symlink("none", &link).unwrap();
    assert!(matches!(create_file(&link, b"x", 0o600), Err(ReplaceError::Changed)));
    assert!(matches!(create_file(&folder.0.path().join("no/x"), b"x", 0o600), Err(ReplaceError::Open(_))));
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), folder.names()), ("one", vec!["a".into(), "link".into()]));
}

#[test]
fn what_could_not_be_written_is_kept_where_it_can_be() {
    let folder = Folder::new();
    let places = [folder.0.path().join("none"), folder.0.path().to_path_buf()];
    let kept = keep(places.iter().cloned(), OsStr::new("a.yaml"), b"text").unwrap();
    assert_eq!(fs::read(&kept).unwrap(), b"text");
    assert_eq!(folder.names(), [kept.file_name().unwrap().to_str().unwrap()]);
    assert!(kept.to_str().unwrap().ends_with("a.yaml"));
    assert_eq!(keep(places[..1].iter().cloned(), OsStr::new("a"), b"x"), None);
}

#[test]
fn a_name_may_be_as_long_as_names_can_be() {
    let folder = Folder::new();
    let path = folder.file(&"n".repeat(255), "old");
    replace(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert!(keep(Some(folder.0.path().to_path_buf()).into_iter(), path.file_name().unwrap(), b"x").is_some());
}

#[test]
fn a_file_system_without_locks_is_noted() {
    let path = Path::new("/net/f.yaml");
    assert_eq!(missing_lock(path, Ok(())), None);
    let note = missing_lock(path, Err(rustix::io::Errno::NOTSUP.into())).unwrap();
    assert!(note.starts_with("/net/f.yaml: no lock here (") && note.contains("comparison"), "{note}");
}

/// Between the last comparison and the exchange: nothing can be compared any more, and nothing is lost all the same.
#[test]
#[cfg(target_os = "linux")]
fn who_was_faster_gets_their_file_back() {
    let folder = Folder::new();
    let old = "a: ENC[AES256_GCM,old]";
    for is_moved in [false, true] {
        let path = folder.file("a", old);
        let held = Held::open(&path).unwrap();
        let temporary = Temporary::write(&path, b"ours", 0o600).unwrap();
        match is_moved {
            false => fs::write(&path, "theirs").unwrap(),
            true => fs::rename(folder.file("b", "theirs"), &path).unwrap(),
        }
        if swap(&temporary.path, &path).is_err() {
            return;
        }
        assert!(matches!(held.settle(temporary), Err(ReplaceError::Changed)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(folder.names(), ["a"]);
    }
    let path = folder.file("a", old);
    replace(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(folder.names(), ["a"]);
}
