//! One case of the corpus: its `case.toml` and its files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A case's folder and what `case.toml` says.
pub struct Case {
    dir: PathBuf,
    entries: HashMap<String, serde_json::Value>,
}

impl Case {
    /// Reads the small part of TOML that cases use: one entry per line, tables, JSON-like values, literal
    /// texts of one or more lines.
    pub fn read(dir: &Path) -> Case {
        let text = std::fs::read_to_string(dir.join("case.toml")).expect("case.toml is readable");
        let (mut table, mut entries) = (String::new(), HashMap::new());
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        while let Some(line) = lines.next() {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                table = format!("{name}.");
                entries.insert(name.to_string(), serde_json::Value::Null);
                continue;
            }
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{}: {line}", dir.display()));
            let value = match value.trim() {
                "'''" => {
                    lines.by_ref().take_while(|l| *l != "'''").map(|l| format!("{l}\n")).collect::<String>().into()
                }
                value => match value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
                    Some(literal) => literal.into(),
                    None => serde_json::from_str(value).unwrap_or_else(|e| panic!("{}: {line}: {e}", dir.display())),
                },
            };
            entries.insert(format!("{table}{}", key.trim()), value);
        }
        Case { dir: dir.to_path_buf(), entries }
    }

    /// Returns the folder's name.
    pub fn name(&self) -> String {
        self.dir.file_name().expect("a case has a name").to_string_lossy().into_owned()
    }

    /// Tells whether a table or an entry is there.
    pub fn has(&self, entry: &str) -> bool {
        self.entries.contains_key(entry)
    }

    /// Returns a text.
    pub fn text(&self, entry: &str) -> Option<&str> {
        self.entries.get(entry)?.as_str()
    }

    /// Returns a boolean.
    pub fn flag(&self, entry: &str) -> Option<bool> {
        self.entries.get(entry)?.as_bool()
    }

    /// Returns an exit code.
    pub fn exit(&self, entry: &str) -> Option<i64> {
        self.entries.get(entry)?.as_i64()
    }

    /// Returns a list of texts; empty where it is absent.
    pub fn list(&self, entry: &str) -> Vec<String> {
        let items = self.entries.get(entry).and_then(|v| v.as_array()).cloned().unwrap_or_default();
        items.iter().map(|v| v.as_str().expect("a list of texts").to_string()).collect()
    }

    /// Returns the bytes of one of the case's files, if it is there.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.dir.join(name)).ok()
    }
}
