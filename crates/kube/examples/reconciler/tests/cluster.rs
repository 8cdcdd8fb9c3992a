//! The story against a real API server: opt-in by `KUBE_BIN`, the folder with `kube-apiserver` and `etcd`.

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_story_holds_against_a_real_api_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../..");
    let testenv = std::env::var_os("TESTENV").map_or_else(|| root.join("../shared/testenv/kube"), PathBuf::from);
    let sops = std::env::var_os("SOPS").map_or_else(|| root.join("target/debug/sops"), PathBuf::from);
    let (Some(bin), true, true) = (std::env::var_os("KUBE_BIN"), testenv.is_dir(), sops.is_file()) else {
        println!("skipped: KUBE_BIN is not set, or up.sh or the command sops is not there");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let story = Path::new(env!("CARGO_MANIFEST_DIR")).join("story.sh");
    let status = Command::new("bash")
        .arg(story)
        .current_dir(folder.path())
        .env("KUBE_BIN", bin)
        .env("TESTENV", testenv.canonicalize().expect("a path"))
        .env("SOPS", sops.canonicalize().expect("a path"))
        .env("RECONCILER", env!("CARGO_BIN_EXE_sops-reconciler"))
        .status();
    assert!(status.expect("bash runs").success());
}
