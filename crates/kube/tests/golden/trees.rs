//! Trees: a copy is prepared, built by `kubectl kustomize` where it is present, and finished.

use crate::case::Case;
use crate::check;
use crate::kinds::{decryptor, finish};
use serde_json::{Value, json};
use sops_kube::{DirHandle, Target, TreeOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

type Files = BTreeMap<String, Vec<u8>>;

pub fn tree(case: &Case, policy: &str, builds_skipped: &mut usize) -> Result<(), String> {
    let temporary = tempfile::tempdir().expect("a directory");
    let root = temporary.path().join("root");
    lay_out(case, &root);
    std::fs::write(temporary.path().join("outside.env"), "OUTSIDE=1\n").expect("written");
    let before = files_of(&root);
    let options = if policy == "recommended" { TreeOptions::full() } else { TreeOptions::flux_compat() };
    let build = case.text("tree", "build").expect("a build path");
    let decryptor = decryptor(case, policy).map_err(|e| format!("import: {e}"))?;
    let handle = DirHandle::open(&root).expect("opens");
    let report = decryptor.prepare_tree(&handle, build, options, Target::InPlace);
    let after = files_of(&root);
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            check::same("files after an error", after == before, true)?;
            if error.to_string().contains(&*root.to_string_lossy()) {
                return Err("a path of the host stands in an error".into());
            }
            return check::error(case, policy, &error);
        }
    };
    check::no_canary(case, &[format!("{report:?}")])?;
    check::same("result", "ok", case.text(policy, "result").unwrap_or_default())?;
    let changed: serde_json::Map<String, Value> = after
        .iter()
        .filter(|(path, bytes)| before.get(*path) != Some(bytes))
        .map(|(p, b)| (p.clone(), text(b)))
        .collect();
    let reported: Vec<&String> = report.files.iter().map(|file| &file.path).collect();
    check::same("reported files", reported.len(), changed.len())?;
    if let Some(wanted) = case.text(policy, "files") {
        check::same("files", Value::Object(changed), case.json(wanted))?;
    }
    if case.get("tree", "run_build") == Some(&json!(false)) {
        return Ok(());
    }
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        *builds_skipped += 1;
        return Ok(());
    }
    match (built(&root.join(build)), case.text(policy, "build_error")) {
        (None, Some("kustomize build failed:")) => Ok(()),
        (None, _) => Err("kubectl kustomize failed".into()),
        (Some(objects), _) => finish(case, policy, objects),
    }
}

fn text(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({"base64": base64::engine::general_purpose::STANDARD.encode(bytes)}),
    }
}

fn built(path: &Path) -> Option<Vec<Value>> {
    let mut command = Command::new("kubectl");
    command.args(["kustomize", "--load-restrictor", "LoadRestrictionsNone"]).arg(path);
    let output = command.output().expect("kubectl runs");
    output.status.success().then(|| crate::objects_of(&output.stdout))
}

fn lay_out(case: &Case, root: &Path) {
    copy(&case.dir.join("tree"), root);
    for (name, target) in case.table("links") {
        std::os::unix::fs::symlink(target.as_str().expect("a target"), root.join(name)).expect("linked");
    }
    for (name, size) in case.table("pads") {
        let path = root.join(name);
        let mut bytes = std::fs::read(&path).expect("readable");
        let size = size.as_u64().expect("a size") as usize;
        while bytes.len() < size {
            let line = (size - bytes.len()).min(80);
            bytes.extend(std::iter::repeat_n(b'#', line - 1));
            bytes.push(b'\n');
        }
        std::fs::write(path, bytes).expect("written");
    }
    for name in case.list("tree", "fifos") {
        let status = Command::new("mkfifo").arg(root.join(name)).status().expect("mkfifo runs");
        assert!(status.success());
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).expect("an entry");
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            // Not a copy of the mode: the corpus may be read-only.
            false => std::fs::write(to.join(name), std::fs::read(&path).expect("readable")).expect("written"),
        }
    }
}

/// The regular files of a tree.
fn files_of(root: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("readable") {
            let entry = entry.expect("an entry");
            let kind = entry.file_type().expect("a type");
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                let name = entry.path().strip_prefix(root).expect("below").to_string_lossy().into_owned();
                files.insert(name, std::fs::read(entry.path()).expect("readable"));
            }
        }
    }
    files
}
