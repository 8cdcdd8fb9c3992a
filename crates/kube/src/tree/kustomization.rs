//! What a kustomization refers to: files and directories, each with the part they play.

use crate::error::{Error, ErrorKind, Origin};
use crate::policy::Limits;
use crate::stream::{check_outline, unreadable, value_at};
use serde_json::Value;
use sops_core::{Format, PlainDocument};

/// The names of a kustomization file.
pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a kustomization file says.
pub(super) struct Kustomization(Value);

/// A file that a generator reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generated {
    /// The path.
    pub path: String,
    /// What names its format: the key of the entry, or the path.
    pub name: String,
    /// Whether it is a file of variables.
    pub is_env: bool,
}

/// What someone refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// A manifest, or a directory with a kustomization.
    Resource(String),
    /// A file of manifests that must be there.
    Manifest(String),
    /// A file of any content that must be there.
    Generated(Generated),
}

impl Kustomization {
    /// Reads one.
    ///
    /// # Errors
    /// [`ErrorKind::Parse`], [`ErrorKind::LimitExceeded`].
    pub fn read(bytes: &[u8], path: &str, limits: &Limits) -> Result<Kustomization, Error> {
        let text = |error: &Error| format!("failed to unmarshal kustomization file from '{path}': {error}");
        let plain = PlainDocument::parse(Format::Yaml, bytes).map_err(unreadable);
        let value = plain.and_then(|plain| {
            check_outline(plain.outline(), limits)?;
            let root = plain.outline().documents.first().map_or(0, |d| d.root);
            value_at(&plain, root as usize)
        });
        let value = value.map_err(|error| {
            let flux = text(&error);
            error.in_flux(flux).at(&Origin::file(path))
        })?;
        match value {
            Value::Object(_) => Ok(Kustomization(value)),
            _ => Err(Error::new(ErrorKind::Parse, "no mapping").at(&Origin::file(path))),
        }
    }

    fn texts(&self, field: &str) -> Vec<String> {
        let list = self.0.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The member `path` of each element.
    fn members(&self, field: &str, member: &str) -> Vec<String> {
        let list = self.0.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|e| e.get(member)?.as_str()).map(str::to_owned).collect()
    }

    fn generated(&self, field: &str, with_old_name: bool) -> Vec<Generated> {
        let mut found = Vec::new();
        for generator in self.0.get(field).and_then(Value::as_array).into_iter().flatten() {
            let texts = |name: &str| {
                let list = generator.get(name).and_then(Value::as_array);
                list.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>()
            };
            for file in texts("files") {
                let (name, path) = file.split_once('=').unwrap_or((file, file));
                found.push(Generated { path: path.to_owned(), name: name.to_owned(), is_env: false });
            }
            let old = generator.get("env").and_then(Value::as_str).filter(|_| with_old_name);
            for path in texts("envs").into_iter().chain(old) {
                found.push(Generated { path: path.to_owned(), name: path.to_owned(), is_env: true });
            }
        }
        found
    }

    /// What Flux decrypts before the build.
    pub fn flux_files(&self) -> Vec<Generated> {
        let mut files = self.generated("secretGenerator", false);
        let patches = self.members("patches", "path").into_iter().filter(|path| !has_scheme(path));
        files.extend(patches.map(|path| Generated { name: path.clone(), path, is_env: false }));
        files
    }

    /// What Flux looks into for further kustomizations.
    pub fn flux_directories(&self) -> Vec<String> {
        [self.texts("resources"), self.texts("components")].concat()
    }

    /// Everything that the build reads.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for field in ["resources", "components", "bases", "generators", "transformers", "validators"] {
            let texts = self.texts(field).into_iter().filter(|text| !is_inline(text));
            found.extend(texts.map(Reference::Resource));
        }
        let patches = self.texts("patchesStrategicMerge").into_iter().filter(|text| !is_inline(text));
        found.extend(patches.map(Reference::Manifest));
        for field in ["patches", "patchesJson6902", "replacements"] {
            found.extend(self.members(field, "path").into_iter().map(Reference::Manifest));
        }
        for field in ["secretGenerator", "configMapGenerator"] {
            found.extend(self.generated(field, true).into_iter().map(Reference::Generated));
        }
        let values = self.members("helmCharts", "valuesFile").into_iter();
        found.extend(values.map(|path| Reference::Generated(Generated { name: path.clone(), path, is_env: false })));
        found
    }
}

/// Whether a text is a manifest rather than the name of one.
fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.trim_start().starts_with('{')
}

/// Whether a reference is a URL with a host.
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, rest)) = reference.split_once("://") else { return false };
    scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) && !rest.starts_with('/')
}

/// Whether the build would fetch it.
pub(super) fn is_remote(reference: &str) -> bool {
    has_scheme(reference)
        || reference.starts_with("git@")
        || reference.starts_with("git::")
        || reference.starts_with("github.com/")
        || reference.contains("?ref=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_names_a_file_is_seen() {
        let text = "resources: [a.yaml, ../b]\ncomponents: [c]\nbases: [d]\ngenerators: [e.yaml, '{kind: X}']\n\
                    transformers: [f.yaml]\nvalidators: [\"g: 1\\nh: 2\"]\npatches: [{path: h.yaml}, {patch: x}]\n\
                    patchesStrategicMerge: [i.yaml, \"a: 1\\nb: 2\"]\npatchesJson6902: [{path: j.yaml}]\n\
                    replacements: [{path: k.yaml}]\nsecretGenerator: [{files: [key=l.txt], envs: [m], env: n}]\n\
                    configMapGenerator: [{files: [o.json]}]\nhelmCharts: [{valuesFile: p.yaml}]\n";
        let file = Kustomization::read(text.as_bytes(), "k", &Limits::default()).expect("readable");
        let names: Vec<String> = file
            .references()
            .into_iter()
            .map(|reference| match reference {
                Reference::Resource(path) | Reference::Manifest(path) => path,
                Reference::Generated(Generated { path, name, is_env }) => format!("{path} {name} {is_env}"),
            })
            .collect();
        let wanted = "a.yaml,../b,c,d,e.yaml,f.yaml,i.yaml,h.yaml,j.yaml,k.yaml,l.txt key false,m m true,n n true,\
                      o.json o.json false,p.yaml p.yaml false";
        assert_eq!(names.join(","), wanted);
    }

    #[test]
    fn remote_references_are_recognised() {
        for remote in ["https://x.example/a", "ssh://git@x/y", "git@x:y", "github.com/a/b?ref=c", "git::https://x/y"] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in ["a.yaml", "../a", "/etc/x", "file:///x", "a:b"] {
            assert!(!is_remote(local), "{local}");
        }
    }
}
