//! One case of the corpus: what `case.toml` says, and its files.

use serde_json::{Map, Value};
use sops_kube::keyring::{ImportOptions, Imported};
use sops_kube::{Error, Keyring};
use std::path::{Path, PathBuf};

/// A folder with a `case.toml`.
pub struct Case {
    pub dir: PathBuf,
    tables: Map<String, Value>,
}

impl Case {
    /// Reads the small part of TOML that cases use.
    pub fn read(dir: &Path) -> Case {
        let text = std::fs::read_to_string(dir.join("case.toml")).expect("case.toml is readable");
        let mut tables = Map::new();
        let mut name = String::new();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Some(table) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                name = table.to_owned();
                tables.insert(name.clone(), Value::Object(Map::new()));
                continue;
            }
            let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("{}: {line}", dir.display()));
            // An inline table is JSON but for its equals signs.
            let value = match value.starts_with('{') {
                true => value.replace("\" = ", "\": "),
                false => value.to_owned(),
            };
            let value = serde_json::from_str(&value).unwrap_or_else(|e| panic!("{}: {line}: {e}", dir.display()));
            let key = key.trim_matches('"').to_owned();
            match tables.get_mut(&name) {
                Some(Value::Object(table)) => table.insert(key, value),
                _ => tables.insert(key, value),
            };
        }
        Case { dir: dir.to_path_buf(), tables }
    }

    pub fn name(&self) -> String {
        self.dir.file_name().expect("a case has a name").to_string_lossy().into_owned()
    }

    pub fn kind(&self) -> &str {
        self.tables["kind"].as_str().expect("a kind")
    }

    /// A value of a table.
    pub fn get(&self, table: &str, key: &str) -> Option<&Value> {
        self.tables.get(table)?.get(key)
    }

    pub fn text(&self, table: &str, key: &str) -> Option<&str> {
        self.get(table, key)?.as_str()
    }

    pub fn list(&self, table: &str, key: &str) -> Vec<String> {
        let list = self.get(table, key).and_then(Value::as_array).cloned().unwrap_or_default();
        list.iter().map(|v| v.as_str().expect("a text").to_owned()).collect()
    }

    /// A table of texts or numbers.
    pub fn table(&self, name: &str) -> Vec<(String, Value)> {
        let table = self.tables.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        table.into_iter().collect()
    }

    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.dir.join(name)).ok()
    }

    pub fn json(&self, name: &str) -> Value {
        let bytes = self.file(name).unwrap_or_else(|| panic!("{}: {name} is missing", self.name()));
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// The entries of `data` in `secret.yaml`.
    pub fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let secret = super::objects_of(&self.file("secret.yaml").expect("secret.yaml"));
        let data = secret[0].get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        let decode = |text: &Value| super::base64(text.as_str().expect("base64"));
        data.iter().map(|(name, value)| (name.clone(), decode(value))).collect()
    }

    pub fn keyring(&self, options: ImportOptions) -> Result<Imported, Error> {
        let entries = self.entries();
        let entries = entries.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        Keyring::from_entries(entries, &options.of_secret("flux-system", "sops-age"))
    }

    /// Every text that no output may hold: plain values of eight characters or more, and identities.
    pub fn canaries(&self) -> Vec<String> {
        let mut found = Vec::new();
        for name in ["expected.json", "expected.flux.json", "files.json", "files.flux.json"] {
            let Some(bytes) = self.file(name) else { continue };
            let value: Value = serde_json::from_slice(&bytes).expect("JSON");
            let mut open = vec![("", &value)];
            while let Some((key, value)) = open.pop() {
                match value {
                    // Names are no secrets, and errors name objects.
                    Value::String(_) if ["kind", "apiVersion", "name", "namespace", "type"].contains(&key) => {}
                    Value::String(text) if text.len() >= 8 => found.push(text.clone()),
                    Value::Array(elements) => open.extend(elements.iter().map(|v| (key, v))),
                    Value::Object(members) => open.extend(members.iter().map(|(k, v)| (k.as_str(), v))),
                    _ => {}
                }
            }
        }
        for (_, entry) in self.entries() {
            let text = String::from_utf8_lossy(&entry).into_owned();
            found.extend(text.lines().filter(|l| l.starts_with("AGE-SECRET-KEY-")).map(str::to_owned));
        }
        found
    }
}
