//! Finding things: the configuration file, the format of a text, the indentation of new text.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use sops_core::{config::Config, format::Format};

use crate::{
    args::Common,
    environment::Environment,
    exit_code::Code,
    failure::{Failure, io_text},
    ui,
};

/// The configuration of this run; empty where there is none.
pub struct Located {
    /// The parsed text.
    pub config: Config,
    /// Where it came from.
    pub path: Option<PathBuf>,
}

impl Located {
    /// Names the file in a failure about its content.
    pub fn failure(&self, failure: Failure) -> Failure {
        match &self.path {
            Some(path) => failure.of(path.to_string_lossy()),
            None => failure,
        }
    }

    /// Returns a file's path as creation rules see it: relative to the folder of the configuration where it is below that,
    /// else absolute. A comparison of texts: symbolic links are not resolved.
    pub fn rule_path(&self, name: &str, env: &Environment) -> String {
        let file = env.absolute(Path::new(name));
        let folder =
            self.path.as_ref().map(|path| env.absolute(path)).and_then(|path| path.parent().map(Path::to_path_buf));
        match folder {
            // compat: a configuration in `/` leaves paths absolute.
            Some(folder) if folder != Path::new("/") => {
                file.strip_prefix(&folder).unwrap_or(&file).to_string_lossy().into_owned()
            }
            _ => file.to_string_lossy().into_owned(),
        }
    }
}

/// Finds and parses the configuration: `--config`, `SOPS_CONFIG`, or the nearest `.sops.yaml` at or above the working
/// directory. The place of the encrypted file plays no role.
///
/// # Errors
/// A file that was named and cannot be read, and any that does not parse (1): a mistake in a configuration must never mean
/// that less is encrypted.
pub fn configuration(flags: &Common, env: &Environment) -> Result<Located, Failure> {
    let named = flags.config.as_deref().or_else(|| env.get("SOPS_CONFIG")).filter(|path| !path.is_empty());
    let Some(path) = named.map(PathBuf::from).or_else(|| search(env)) else {
        return Ok(Located { config: Config::default(), path: None });
    };
    let text = std::fs::read(env.physical_directory().join(&path)).map_err(|error| {
        Failure::new(Code::Generic, format!("could not read config file: {}", io_text(&error)))
            .of(path.to_string_lossy())
    })?;
    ui::note(&format!("configuration: {}", path.display()));
    match Config::parse(&text) {
        Ok(config) => Ok(Located { config, path: Some(path) }),
        Err(error) => {
            Err(Failure::new(Code::Generic, format!("error loading config: {error}")).of(path.to_string_lossy()))
        }
    }
}

/// Walks up from the working directory, 100 folders at most, and returns the way from here (`../.sops.yaml`).
///
/// compat: the walk follows the physical folders, as `..` does, while rules see logical paths: below a symbolic link the
/// two have different parents.
fn search(env: &Environment) -> Option<PathBuf> {
    let mut up = PathBuf::new();
    let mut misnamed: Option<PathBuf> = None;
    let mut found = None;
    for folder in env.physical_directory().ancestors().take(MAX_LEVELS) {
        if is_present(&folder.join(NAME)) {
            found = Some(up.join(NAME));
            break;
        }
        if misnamed.is_none() && is_present(&folder.join(OTHER_NAME)) {
            misnamed = Some(up.join(OTHER_NAME));
        }
        up.push("..");
    }
    if let Some(other) = misnamed {
        let instead = found.as_ref().map(|path| format!("; using \"{}\" instead", path.display())).unwrap_or_default();
        ui::warn(&format!(
            "ignoring \"{}\" when searching for config file; the config file must be called \"{NAME}\"{instead}",
            other.display()
        ));
    }
    found
}

/// A file that is there but may not be looked at counts as found: reading it then says why it cannot be used.
fn is_present(path: &Path) -> bool {
    !matches!(std::fs::metadata(path), Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
}

/// Returns the format from a `--…-type` flag, else from the name.
///
/// compat: an unknown type is ignored; we say so.
pub fn format(flag: Option<&str>, name: &str) -> Format {
    match flag.filter(|word| !word.is_empty()) {
        Some(word) => Format::from_name(word).unwrap_or_else(|| {
            let format = Format::from_path(name);
            ui::warn(&format!("unknown type \"{word}\" is ignored; the name decides: {}", format.name()));
            format
        }),
        None => Format::from_path(name),
    }
}

/// Returns the indentation of new text: the flag, else the configuration, else nothing for the format's default.
///
/// # Errors
/// A negative number where the format cannot have one (4).
pub fn indent(format: Format, flags: &Common, config: &Config) -> Result<Option<usize>, Failure> {
    let configured = match format {
        Format::Yaml => config.stores.yaml,
        Format::Json => config.stores.json,
        Format::Binary => config.stores.json_binary,
        Format::Dotenv | Format::Ini => return Ok(None),
    };
    let Some(number) = flags.indent.or(configured) else { return Ok(None) };
    match (format, usize::try_from(number)) {
        // compat: the reference's YAML library takes 2 to 9; anything else is 2. There, 0 is the default.
        (Format::Yaml, Ok(0)) => Ok(None),
        (Format::Yaml, Ok(1 | 10..)) => Ok(Some(2)),
        (_, Ok(number)) => Ok(Some(number)),
        (Format::Yaml, Err(_)) => Err(Failure::new(Code::ErrorDumpingTree, "YAML Negative indentation not accepted")),
        (_, Err(_)) if number == -1 => Ok(None),
        (_, Err(_)) => {
            Err(Failure::new(Code::ErrorDumpingTree, "JSON Indentation parameter smaller than -1 is not accepted"))
        }
    }
}

/// Returns a path as text for messages.
pub fn shown(path: &OsStr) -> String {
    path.to_string_lossy().into_owned()
}

const NAME: &str = ".sops.yaml";
const OTHER_NAME: &str = ".sops.yml";
const MAX_LEVELS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_configuration_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("x/y");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(".sops.yaml"), "").unwrap();
        let env = Environment::of(&[], &deep);
        assert_eq!(search(&env), Some("../../.sops.yaml".into()));
        std::fs::write(folder.path().join("x/.sops.yaml"), "").unwrap();
        assert_eq!(search(&env), Some("../.sops.yaml".into()));
    }

    #[test]
    fn below_a_symbolic_link_the_search_is_physical_and_rules_are_logical() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let real = root.join("real/d");
        std::fs::create_dir_all(&real).unwrap();
        std::fs::create_dir(root.join("q")).unwrap();
        std::os::unix::fs::symlink(&real, root.join("q/link")).unwrap();
        std::fs::write(root.join("q/.sops.yaml"), "[").unwrap();
        std::fs::write(root.join("real/.sops.yaml"), "creation_rules: []").unwrap();
        let env = Environment::of(&[("PWD", root.join("q/link").to_str().unwrap())], &real);
        let located = configuration(&Common::default(), &env).unwrap();
        assert!(located.config.has_rules());
        assert_eq!(located.rule_path("a.yaml", &env), "link/a.yaml");
    }

    #[test]
    fn a_named_configuration_must_exist() {
        let env = Environment::of(&[("SOPS_CONFIG", "/none/c.yaml")], Path::new("/"));
        let failure = configuration(&Common::default(), &env).err().unwrap();
        let text = failure.render(false);
        assert!(text.contains("/none/c.yaml: could not read config file: no such file or directory"), "{text}");
    }

    #[test]
    fn rules_see_paths_below_the_configuration() {
        let located = |path: &str| Located { config: Config::default(), path: Some(path.into()) };
        let env = Environment::of(&[], Path::new("/w/sub"));
        assert_eq!(located("/w/.sops.yaml").rule_path("a.yaml", &env), "sub/a.yaml");
        assert_eq!(located("../c.yaml").rule_path("../../other/a.yaml", &env), "/other/a.yaml");
        assert_eq!(located("/.sops.yaml").rule_path("a.yaml", &env), "/w/sub/a.yaml");
        assert_eq!(located("/w/s/.sops.yaml").rule_path("a.yaml", &env), "/w/sub/a.yaml");
    }

    #[test]
    fn an_unknown_type_leaves_it_to_the_name() {
        assert_eq!(format(Some("yml"), "a.json"), Format::Json);
        assert_eq!(format(Some("yaml"), "a.json"), Format::Yaml);
        assert_eq!(format(Some(""), ".env"), Format::Dotenv);
        assert_eq!(format(None, "a.YAML"), Format::Binary);
    }

    #[test]
    fn negative_indentation_is_for_tabs_only() {
        let flags = |number| Common { indent: Some(number), ..Common::default() };
        let config = Config::default();
        let number = |format, n| indent(format, &flags(n), &config).map_err(|failure| failure.code as u8);
        assert_eq!(number(Format::Json, -1), Ok(None));
        assert_eq!(number(Format::Json, 0), Ok(Some(0)));
        assert_eq!(number(Format::Json, -2), Err(4));
        assert_eq!(number(Format::Yaml, -1), Err(4));
        assert_eq!(number(Format::Yaml, 0), Ok(None));
        assert_eq!(number(Format::Yaml, 1), Ok(Some(2)));
        assert_eq!(number(Format::Yaml, 3), Ok(Some(3)));
        assert_eq!(number(Format::Ini, -5), Ok(None));
    }
}
