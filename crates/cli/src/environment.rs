//! The environment as a value: read once at start, passed down, and made up in tests.

use std::{
    ffi::{OsStr, OsString},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::identities;

/// Variables and working directory of one run.
#[derive(Clone)]
pub struct Environment {
    variables: Arc<Vec<(OsString, OsString)>>,
    physical: PathBuf,
    /// The age identities that these variables lead to, read when a key needs them and shared by all clones.
    pub identities: Arc<identities::Store>,
}

impl Environment {
    /// Returns what the process was started with.
    pub fn of_process() -> Environment {
        Environment {
            variables: Arc::new(std::env::vars_os().collect()),
            // Without a working directory relative paths fail when they are opened, with a better message.
            physical: std::env::current_dir().unwrap_or_default(),
            identities: Arc::default(),
        }
    }

    /// Returns a variable, also when it is empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_os_str())
    }

    /// Returns a variable that holds text; unset and empty are both `None`.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
    }

    /// Returns a boolean variable as Go reads it; set but empty is `false`.
    ///
    /// # Errors
    /// The message for a value that is no boolean.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let value = value.to_string_lossy();
        match value.as_ref() {
            "" => Ok(Some(false)),
            word => crate::args::boolean(word)
                .map(Some)
                .map_err(|_| format!("could not parse \"{word}\" as a boolean value of {name}")),
        }
    }

    /// Returns all variables except the named ones, for a child process.
    pub fn without<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'a OsString, &'a OsString)> {
        self.variables.iter().filter(|(key, _)| !names.iter().any(|name| key == name)).map(|(key, value)| (key, value))
    }

    /// Returns the variables for programs that hold keys for us (`gpg`, age plugins): all but our own secrets.
    ///
    /// A plugin may stand in front of a cloud: with `SOPS_PASS_CREDENTIALS_TO_PLUGINS` only our identities are kept back.
    pub fn for_key_programs(&self) -> Vec<(OsString, OsString)> {
        let [identities, ..] = SECRETS;
        let kept_back = match self.boolean("SOPS_PASS_CREDENTIALS_TO_PLUGINS") {
            Ok(Some(true)) => &[identities][..],
            _ => &SECRETS,
        };
        self.without(kept_back).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Returns the working directory: `$PWD` if that names it, else the physical one.
    ///
    /// compat: creation rules are matched against this path, so below a symbolic link it is the logical one.
    pub fn working_directory(&self) -> PathBuf {
        if let Some(logical) = self.get("PWD").map(Path::new).filter(|path| path.is_absolute())
            && same_file(logical, &self.physical)
        {
            return logical.to_path_buf();
        }
        self.physical.clone()
    }

    /// Returns the working directory as the system has it, without symbolic links: what `..` starts from.
    pub fn physical_directory(&self) -> &Path {
        &self.physical
    }

    /// Returns a path made absolute and cleaned by its text alone (no symbolic link is resolved).
    pub fn absolute(&self, path: &Path) -> PathBuf {
        clean(&self.working_directory().join(path))
    }
}

/// Variables that hold secrets which no program that holds keys has a use for.
const SECRETS: [&str; 11] = [
    "SOPS_AGE_KEY",
    "VAULT_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_PASSWORD",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
];

#[cfg(test)]
impl Environment {
    /// Returns a made-up environment.
    pub fn of(variables: &[(&str, &str)], directory: &Path) -> Environment {
        Environment {
            variables: Arc::new(variables.iter().map(|(key, value)| (key.into(), value.into())).collect()),
            physical: directory.to_path_buf(),
            identities: Arc::default(),
        }
    }
}

/// Tells whether two paths lead to the same file.
pub fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        match (std::fs::metadata(a), std::fs::metadata(b)) {
            (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        matches!((std::fs::canonicalize(a), std::fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
    }
}

/// Removes `.` and `..` from an absolute path by its text.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            // At the root `pop` does nothing, and `/..` is `/`.
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cleaned_by_its_text() {
        let env = Environment::of(&[], Path::new("/w/x"));
        assert_eq!(env.absolute(Path::new("../a/./b.yaml")), Path::new("/w/a/b.yaml"));
        assert_eq!(env.absolute(Path::new("/../../b")), Path::new("/b"));
    }

    #[test]
    fn pwd_counts_only_if_it_names_the_working_directory() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        let link = folder.path().join("link");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let at = |pwd: &str| Environment::of(&[("PWD", pwd)], &real).working_directory();
        assert_eq!(at(link.to_str().unwrap()), link);
        assert_eq!(at("/"), real);
        assert_eq!(at("link"), real);
    }

    #[test]
    fn programs_that_hold_keys_see_everything_but_our_secrets() {
        let env = Environment::of(&[("SOPS_AGE_KEY", "x"), ("VAULT_TOKEN", "x"), ("GPG_TTY", "t")], Path::new("/"));
        assert_eq!(env.for_key_programs(), [("GPG_TTY".into(), "t".into())]);
        let wanted = [("SOPS_PASS_CREDENTIALS_TO_PLUGINS", "1"), ("VAULT_TOKEN", "x"), ("SOPS_AGE_KEY", "x")];
        assert_eq!(Environment::of(&wanted, Path::new("/")).for_key_programs().len(), 2);
    }

    #[test]
    fn an_empty_boolean_is_false_and_a_word_is_an_error() {
        let env = Environment::of(&[("E", ""), ("T", "T"), ("Y", "yes")], Path::new("/"));
        assert_eq!(env.boolean("E"), Ok(Some(false)));
        assert_eq!(env.boolean("T"), Ok(Some(true)));
        assert_eq!(env.boolean("NONE"), Ok(None));
        assert!(env.boolean("Y").unwrap_err().contains("could not parse"));
    }
}
