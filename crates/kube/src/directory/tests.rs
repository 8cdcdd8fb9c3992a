use super::*;
use std::os::unix::fs::symlink;

struct Tree {
    _temporary: tempfile::TempDir,
    root: DirHandle,
    path: std::path::PathBuf,
}

fn tree() -> Tree {
    let temporary = tempfile::tempdir().expect("a directory");
    let path = temporary.path().join("root");
    std::fs::create_dir_all(path.join("foo/bar")).expect("made");
    std::fs::write(temporary.path().join("outside"), "OUTSIDE").expect("written");
    std::fs::write(path.join("foo/bar/x"), "x").expect("written");
    Tree { root: DirHandle::open(&path).expect("opens"), path, _temporary: temporary }
}

fn end(tree: &Tree, from: &str, reference: &str, links: Links) -> Result<String, &'static str> {
    let place = match tree.root.place().resolve(from, links).expect("resolves").found {
        Found::Directory(place) => place,
        _ => panic!("{from} is a directory"),
    };
    let resolved = place.resolve(reference, links).map_err(|error| error.kind().name())?;
    let kind = match resolved.found {
        Found::Missing => "missing",
        Found::Directory(_) => "directory",
        Found::File(_) => "file",
        Found::Irregular => "irregular",
    };
    Ok(format!("{kind} {}", resolved.path))
}

#[test]
fn t01_no_reference_leaves_the_root() {
    let tree = tree();
    let absolute = format!("{}/foo/bar/x", tree.path.canonicalize().expect("a path").display());
    for (from, reference, refused, followed) in [
        ("foo", "bar/x", Ok("file foo/bar/x"), Ok("file foo/bar/x")),
        ("foo", "bar/../bar/./x", Ok("file foo/bar/x"), Ok("file foo/bar/x")),
        ("foo/bar", "../..", Ok("directory "), Ok("directory ")),
        ("foo", "../../bar", Err("PathEscape"), Ok("missing bar")),
        ("foo", "../../outside", Err("PathEscape"), Ok("missing outside")),
        ("foo", "no/../bar/x", Ok("file foo/bar/x"), Ok("file foo/bar/x")),
        ("foo", "bar/x/y", Ok("missing foo/bar/x/y"), Ok("missing foo/bar/x/y")),
        ("foo", "/etc/hostname", Err("PathEscape"), Ok("missing etc/hostname")),
        ("foo", absolute.as_str(), Ok("file foo/bar/x"), Ok("file foo/bar/x")),
        ("foo", "", Err("PathEscape"), Err("PathEscape")),
        ("foo", "a\0b", Err("PathEscape"), Err("PathEscape")),
    ] {
        assert_eq!(end(&tree, from, reference, Links::Refuse), refused.map(str::to_owned), "{reference}");
        assert_eq!(end(&tree, from, reference, Links::FollowBeneath), followed.map(str::to_owned), "{reference}");
    }
    let long = "n".repeat(256);
    assert_eq!(end(&tree, "foo", &long, Links::Refuse), Err("PathEscape"));
}

#[test]
fn t02_links_pipes_and_growing_files_are_refused() {
    let tree = tree();
    let at = |name: &str| tree.path.join(name);
    for (name, target) in [
        ("inside", "foo/bar/x"),
        ("outside", "../outside"),
        ("absolute", "/etc/hostname"),
        ("loop", "loop"),
        ("directory", "foo"),
    ] {
        symlink(target, at(name)).expect("linked");
        assert_eq!(end(&tree, ".", name, Links::Refuse), Err("IrregularFile"), "{name}");
    }
    let followed = |name| end(&tree, ".", name, Links::FollowBeneath);
    assert_eq!(followed("inside"), Ok("file foo/bar/x".into()));
    // It finds the link of that name in the root, which leads there again.
    assert_eq!(followed("outside"), Err("IrregularFile"));
    assert_eq!(followed("absolute"), Ok("missing etc/hostname".into()));
    assert_eq!(followed("loop"), Err("IrregularFile"));
    assert_eq!(followed("directory/bar/x"), Ok("file foo/bar/x".into()));
    let pipe = at("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
    assert_eq!(end(&tree, ".", "pipe", Links::Refuse), Ok("irregular pipe".into()));
    let file = match tree.root.place().resolve("foo/bar/x", Links::Refuse).expect("resolves").found {
        Found::File(file) => file,
        _ => panic!("a file"),
    };
    std::fs::remove_file(at("foo/bar/x")).expect("removed");
    rustix::fs::mknodat(rustix::fs::CWD, at("foo/bar/x"), FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
    let error = file.read("foo/bar/x", |_| Ok(())).expect_err("what is opened is looked at again");
    assert_eq!(error.kind().name(), "IrregularFile");
}

#[test]
fn t01_a_directory_that_is_swapped_for_a_link_meanwhile_leads_nowhere_else() {
    let tree = tree();
    let (real, away, link) = (tree.path.join("foo"), tree.path.join("away"), tree.path.join("link"));
    let outside = tree.path.parent().expect("a parent").join("secret");
    std::fs::create_dir_all(outside.join("bar")).expect("made");
    std::fs::write(outside.join("bar/x"), "OUTSIDE").expect("written");
    symlink(&outside, &link).expect("linked");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = std::fs::rename(&real, &away).and_then(|()| std::fs::rename(&link, &real));
                let _ = std::fs::rename(&real, &link).and_then(|()| std::fs::rename(&away, &real));
            }
        });
        for _ in 0..2000 {
            if let Ok(Resolved { found: Found::File(file), .. }) = tree.root.place().resolve("foo/bar/x", Links::Refuse)
                && let Ok(bytes) = file.read("x", |_| Ok(()))
            {
                assert_eq!(&**bytes, b"x", "a file outside of the root was read");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_file_is_replaced_by_a_private_one_and_can_be_removed() {
    use std::os::unix::fs::PermissionsExt as _;
    let tree = tree();
    tree.root.place().write("foo/bar/x", b"new").expect("written");
    tree.root.place().write("made/here", b"new").expect("written");
    let path = tree.path.join("foo/bar/x");
    assert_eq!(std::fs::read(&path).expect("readable"), b"new");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(tree.path.join("foo/bar")).expect("readable").count(), 1);
    tree.root.place().remove("foo/bar/x").expect("removed");
    tree.root.place().remove("foo/bar/x").expect("gone already");
    assert!(!path.exists());
}
