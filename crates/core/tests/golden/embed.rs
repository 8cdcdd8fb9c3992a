//! The library from outside: a program that is no member of this workspace builds against it and runs.
//!
//! It stands in `tests/embed`. A copy is built, so that no lock file appears in the source; the workspace's own lock file
//! lies beside it, so that the very same dependencies are used and no registry is asked.

use std::io::Write;
use std::path::Path;
use std::process::Command;

#[test]
fn a_program_outside_the_workspace_embeds_the_library() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embed");
    let manifest = lay_out(core, &scratch);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--offline", "--quiet", "--manifest-path"]).arg(&manifest);
    let ran = cargo.arg("--target-dir").arg(scratch.join("target")).output().expect("cargo runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    // Where the dependencies are not at hand, nothing is said about the library.
    if !ran.status.success() && stderr.contains("--offline") {
        return say("skipped: embedding, the dependencies cannot be had without a network");
    }
    assert!(ran.status.success(), "{stdout}{stderr}");
    assert!(!stderr.contains("warning"), "{stderr}");
    say(&format!("embedding: {} things held", stdout.lines().filter(|line| line.starts_with("held: ")).count()));
}

/// Copies the program, with the library's absolute path.
fn lay_out(core: &Path, scratch: &Path) -> std::path::PathBuf {
    let (from, to) = (core.join("tests/embed"), scratch.join("src"));
    std::fs::create_dir_all(&to).expect("a scratch directory");
    std::fs::copy(from.join("src/main.rs"), to.join("main.rs")).expect("the program");
    std::fs::copy(core.join("../../Cargo.lock"), scratch.join("Cargo.lock")).expect("the lock file");
    let text = std::fs::read_to_string(from.join("Cargo.toml")).expect("the manifest");
    let there = format!("path = {:?}", core.display().to_string());
    assert!(text.contains("path = \"../..\""), "the manifest names the library");
    let manifest = scratch.join("Cargo.toml");
    std::fs::write(&manifest, text.replace("path = \"../..\"", &there)).expect("a manifest");
    manifest
}

/// Prints past the capture of the test harness.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
