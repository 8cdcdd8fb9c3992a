//! From a source to plain objects: decrypt, build, finish. Everything of one object, or nothing.

use crate::api::PolicyName;
use crate::failure::Failure;
use sops_kube::key_policy::KeyPolicy;
use sops_kube::{Decryptor, DirHandle, Keyring, Manifest, Origin, Policy, Target, TreeOptions, read_objects};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BUILD_TIME: Duration = Duration::from_secs(60);
const MAX_OUTPUT: u64 = 64 << 20;

/// The policy of that name. Locked down, the recipients of the tenant's own keys are the allow-list.
pub fn policy(name: PolicyName, keyring: &Keyring) -> Policy {
    match name {
        PolicyName::FluxCompat => Policy::flux_compat(),
        PolicyName::Recommended => Policy::recommended(),
        PolicyName::LockedDown => {
            let recipients = keyring.recipients().to_vec();
            Policy::locked_down(KeyPolicy { age_recipients: recipients, ..KeyPolicy::default() })
        }
    }
}

/// Renders the objects below a path of a private copy.
pub fn objects(root: &Path, path: &str, keyring: Keyring, name: PolicyName) -> Result<Vec<Manifest>, Failure> {
    let path = path.trim_start_matches("./").trim_matches('/');
    let decryptor = Decryptor::new(keyring.clone(), policy(name, &keyring));
    let options = match name {
        PolicyName::FluxCompat => TreeOptions::flux_compat(),
        PolicyName::Recommended | PolicyName::LockedDown => TreeOptions::full(),
    };
    let handle = DirHandle::open(root)?;
    if !root.join(path).is_dir() {
        return Err(Failure::new("ArtifactFailed", format!("kustomization path not found: {path}")));
    }
    let has_kustomization =
        ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().any(|n| root.join(path).join(n).is_file());
    if !has_kustomization && name == PolicyName::FluxCompat {
        return plain(root, path, &decryptor);
    }
    let report = decryptor.prepare_tree(&handle, path, options, Target::InPlace)?;
    if let Some(remote) = report.remote_refs.first() {
        return Err(Failure::new("BuildFailed", format!("a remote base is not fetched: {remote}")));
    }
    let built = match has_kustomization {
        true => read_objects(&kustomize(&root.join(path), root.parent().unwrap_or(root))?, decryptor.limits())?,
        false => below(&root.join(path))?,
    };
    Ok(decryptor.finish_build(built, &report.values, &Origin::default())?.objects)
}

/// Manifests without a kustomization, as Flux would open them one by one.
fn plain(root: &Path, path: &str, decryptor: &Decryptor) -> Result<Vec<Manifest>, Failure> {
    Ok(decryptor.finish_objects(below(&root.join(path))?, &Origin::default())?.objects)
}

fn below(folder: &Path) -> Result<Vec<Manifest>, Failure> {
    let unreadable = |_| Failure::transient("IoError", "the copy of the source cannot be read");
    let (mut objects, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.sort();
        for path in paths {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                objects
                    .extend(read_objects(&std::fs::read(&path).map_err(unreadable)?, &sops_kube::Limits::default())?);
            }
        }
    }
    Ok(objects)
}

/// Runs the build: no plugins, no environment, bounded time and output. What it says on failure is dropped, for it prints objects.
fn kustomize(folder: &Path, scratch: &Path) -> Result<Vec<u8>, Failure> {
    let home = crate::source::private_directory(scratch)?;
    let arguments = [("kustomize", "build"), ("kubectl", "kustomize")];
    let mut child = None;
    for (program, verb) in arguments {
        let mut command = Command::new(program);
        command.arg(verb).args(["--load-restrictor", "LoadRestrictionsNone"]).arg(folder);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Ok(started) = command.spawn() {
            child = Some(started);
            break;
        }
    }
    let mut child = child.ok_or_else(|| Failure::transient("BuildFailed", "neither kustomize nor kubectl is there"))?;
    let output = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.map(|pipe| pipe.take(MAX_OUTPUT + 1).read_to_end(&mut bytes));
        (read.is_some_and(|r| r.is_ok()), bytes)
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < BUILD_TIME => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                let _gone = child.kill();
                let _reaped = child.wait();
                return Err(Failure::new("BuildFailed", "kustomize build takes too long"));
            }
        }
    };
    let (is_read, bytes) = reader.join().unwrap_or_default();
    if !status.success() || !is_read || bytes.len() as u64 > MAX_OUTPUT {
        let code = status.code().map_or_else(|| "a signal".to_owned(), |code| format!("exit {code}"));
        let text = format!("kustomize build failed ({code}); its text is not shown, run it on the source to see it");
        return Err(Failure::new("BuildFailed", text));
    }
    Ok(bytes)
}
