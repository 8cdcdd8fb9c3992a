//! Where manifests come from: a directory, a local git repository, or the artifact of a `GitRepository` of Flux.

use crate::api::{Git, ManifestSync};
use crate::failure::{Failure, of_server};
use crate::unpack;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A private copy of a source; removed when it is dropped.
pub struct Fetched {
    pub directory: TempDir,
    /// `main@sha1:…`
    pub revision: String,
}

/// Fetches the source of an object.
pub async fn fetch(client: &Client, object: &ManifestSync, scratch: &Path) -> Result<Fetched, Failure> {
    let (source, scratch) = (object.spec.source.clone(), scratch.to_path_buf());
    if let Some(reference) = source.git_repository_ref {
        let artifact = artifact(client, object.namespace(), &reference.name).await?;
        return blocking(move || download(&artifact, &scratch)).await;
    }
    match (source.git, source.directory) {
        (Some(git), _) => blocking(move || local_git(&git, &scratch)).await,
        (None, Some(directory)) => blocking(move || local_directory(Path::new(&directory), &scratch)).await,
        (None, None) => Err(Failure::new("ArtifactFailed", "spec.source names nothing")),
    }
}

/// Runs blocking work beside the event loop.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| {
        Err(Failure { class: sops_kube::Class::Bug, ..Failure::new("InternalError", "a bug in the reconciler") })
    })
}

/// Where private directories are made: on tmpfs where there is one.
pub fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() }
}

/// A directory that nobody else may enter; removed when it is dropped.
pub fn private_directory(scratch: &Path) -> Result<TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("sops-reconciler-").tempdir_in(scratch);
    made.map_err(|_| Failure::transient("IoError", "there is no place for a private directory"))
}

fn local_directory(from: &Path, scratch: &Path) -> Result<Fetched, Failure> {
    let directory = private_directory(scratch)?;
    unpack::directory(from, directory.path())?;
    let revision = format!("sha256:{}", digest_of(directory.path())?);
    Ok(Fetched { directory, revision })
}

/// A digest over names and contents.
fn digest_of(directory: &Path) -> Result<String, Failure> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    let unreadable = |_| Failure::transient("ArtifactFailed", "the copy of the source cannot be read");
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.strip_prefix(directory).unwrap_or(&file).as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(Sha256::digest(std::fs::read(&file).map_err(unreadable)?));
    }
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A branch of a local repository, through `git` with an environment of its own.
fn local_git(git: &Git, scratch: &Path) -> Result<Fetched, Failure> {
    let branch = git.branch.as_deref().unwrap_or("main");
    if branch.starts_with('-') {
        return Err(Failure::new("ArtifactFailed", "spec.source.git.branch is no name of a branch"));
    }
    let head = run_git(git, &["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}^{{commit}}")])?;
    let commit = String::from_utf8_lossy(&head).trim().to_owned();
    let packed = run_git(git, &["archive", "--format=tar", &commit])?;
    let directory = private_directory(scratch)?;
    unpack::archive(&packed, directory.path())?;
    Ok(Fetched { directory, revision: format!("{branch}@sha1:{commit}") })
}

fn run_git(git: &Git, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new("git");
    command.arg("-C").arg(&git.directory).args(["-c", "safe.directory=*"]).args(arguments);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", "/nonexistent").stdin(std::process::Stdio::null());
    let failed = || Failure::new("ArtifactFailed", "the git repository cannot be read");
    let output = command.output().map_err(|_| Failure::transient("ArtifactFailed", "git cannot be started"))?;
    if !output.status.success() || output.stdout.len() as u64 > unpack::MAX_BYTES {
        return Err(failed());
    }
    Ok(output.stdout)
}

struct Artifact {
    url: String,
    digest: String,
    revision: String,
}

async fn artifact(client: &Client, namespace: &str, name: &str) -> Result<Artifact, Failure> {
    let resource = ApiResource {
        group: "source.toolkit.fluxcd.io".into(),
        version: "v1".into(),
        api_version: "source.toolkit.fluxcd.io/v1".into(),
        kind: "GitRepository".into(),
        plural: "gitrepositories".into(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let waiting =
        |text: String| Failure { class: sops_kube::Class::WaitForDependency, ..Failure::new("ArtifactFailed", text) };
    let object = api.get_opt(name).await.map_err(|error| of_server("the GitRepository", &error))?;
    let object = object.ok_or_else(|| waiting(format!("GitRepository {namespace}/{name} does not exist")))?;
    let text = |field: &str| {
        object.data.pointer(&format!("/status/artifact/{field}")).and_then(Value::as_str).map(str::to_owned)
    };
    match (text("url"), text("digest"), text("revision")) {
        (Some(url), Some(digest), Some(revision)) => Ok(Artifact { url, digest, revision }),
        _ => Err(waiting(format!("GitRepository {namespace}/{name} has no artifact yet"))),
    }
}

/// Downloads an archive; its digest is compared before anything is unpacked.
fn download(artifact: &Artifact, scratch: &Path) -> Result<Fetched, Failure> {
    let failed = || Failure::transient("ArtifactFailed", "the artifact cannot be downloaded");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(std::time::Duration::from_secs(60)))
        .max_redirects(0)
        .build()
        .into();
    let mut bytes = None;
    for _ in 0..3 {
        let Ok(mut answer) = agent.get(&artifact.url).call() else { continue };
        let mut body = Vec::new();
        let read = answer.body_mut().as_reader().take(unpack::MAX_BYTES + 1).read_to_end(&mut body);
        if read.is_ok() {
            bytes = Some(body);
            break;
        }
    }
    let bytes = bytes.ok_or_else(failed)?;
    if bytes.len() as u64 > unpack::MAX_BYTES {
        return Err(Failure::new("ArtifactFailed", "the artifact is too large"));
    }
    if artifact.digest != format!("sha256:{}", hex(&Sha256::digest(&bytes))) {
        return Err(Failure::new("ArtifactFailed", "the artifact has another digest than its source says"));
    }
    let directory = private_directory(scratch)?;
    unpack::archive(&bytes, directory.path())?;
    Ok(Fetched { directory, revision: artifact.revision.clone() })
}
