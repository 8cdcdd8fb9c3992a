//! `.sops.yaml`: text to creation rules, and the rule of a file.
//!
//! Types are strict and unknown fields are kept as warnings: a mistake in a configuration must never mean that less is
//! encrypted. Matching is by path text only; finding the file is the caller's business.

mod rule;

use serde::Deserialize;
use serde_yaml::Value;

use crate::Error;
pub use rule::Creation;
use rule::Rule;

/// A parsed configuration.
#[derive(Default)]
pub struct Config {
    /// Indentation of new text, by store.
    pub stores: Stores,
    rules: Option<Vec<Rule>>,
    warnings: Vec<String>,
}

/// Indentation of new text, in spaces; −1 is a tab in JSON.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stores {
    /// YAML.
    pub yaml: Option<i64>,
    /// JSON.
    pub json: Option<i64>,
    /// The encrypted form of binary files.
    pub json_binary: Option<i64>,
}

impl Config {
    /// Parses the text of a configuration; an empty one is valid.
    ///
    /// # Errors
    /// [`Error::Syntax`] for text that is no YAML and for values of the wrong type.
    pub fn parse(text: &str) -> Result<Config, Error> {
        let mut value = match serde_yaml::from_str::<Value>(text) {
            Err(error) if error.to_string().contains("EndOfStream") => Value::Null,
            parsed => parsed.map_err(|error| problem(&error))?,
        };
        if value.is_null() {
            return Ok(Config::default());
        }
        value.apply_merge().map_err(|error| problem(&error))?;
        let warnings = rule::unknown_fields(&value);
        let file: File = serde_yaml::from_value(value).map_err(|error| {
            // Values no longer know where they stood; the text read again with types does, unless the mistake is merged in.
            problem(&serde_yaml::from_str::<File>(text).err().unwrap_or(error))
        })?;
        let stores = file.stores.unwrap_or_default();
        let indent = |store: Option<Store>| store.and_then(|store| store.indent);
        Ok(Config {
            stores: Stores {
                yaml: indent(stores.yaml),
                json: indent(stores.json),
                json_binary: indent(stores.json_binary),
            },
            rules: file.creation_rules,
            warnings,
        })
    }

    /// Tells whether there are creation rules; an empty list counts, an absent or null one does not.
    pub fn has_rules(&self) -> bool {
        self.rules.is_some()
    }

    /// Returns what a person should know: fields that are ignored.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns what the first rule that matches `path` asks for; `None` if none does.
    ///
    /// # Errors
    /// [`Error::Selector`] for an expression that does not compile, in *any* rule, and for two selections in the one that
    /// matches.
    pub fn creation(&self, path: &str) -> Result<Option<Creation<'_>>, Error> {
        let mut first = None;
        for rule in self.rules.iter().flatten() {
            if rule.matches(path)? && first.is_none() {
                first = Some(rule);
            }
        }
        first.map(Rule::creation).transpose()
    }
}

#[derive(Deserialize)]
struct File {
    creation_rules: Option<Vec<Rule>>,
    stores: Option<StoreSettings>,
    // Read for its type only, so that a broken configuration breaks every command.
    #[serde(rename = "destination_rules")]
    _destinations: Option<Vec<serde_yaml::Mapping>>,
}

#[derive(Deserialize, Default)]
struct StoreSettings {
    yaml: Option<Store>,
    json: Option<Store>,
    json_binary: Option<Store>,
}

#[derive(Deserialize)]
struct Store {
    indent: Option<i64>,
}

/// Returns a YAML library's error with its place and without text from the file.
fn problem(error: &serde_yaml::Error) -> Error {
    let place = error.location();
    let number = |n: usize| u32::try_from(n).unwrap_or(0);
    let text = error.to_string();
    let text = match text.rsplit_once(", expected ") {
        Some((before, expected)) => {
            // Keep the path in front ("creation_rules[0].hckms: ") and drop what was found there.
            let path = before.split("invalid ").next().unwrap_or_default();
            let expected = expected.split(" at line ").next().unwrap_or_default();
            format!("{path}expected {}", if matches!(expected, "u32" | "i64") { "an integer" } else { expected })
        }
        None => text.split(" at line ").next().unwrap_or_default().to_owned(),
    };
    Error::Syntax {
        line: place.as_ref().map_or(0, |place| number(place.line())),
        column: place.as_ref().map_or(0, |place| number(place.column())),
        problem: text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> String {
        Config::parse(text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_empty_configuration_has_no_rules_and_an_empty_list_has() {
        for text in ["", "# nothing\n", "creation_rules:\n", "stores: {}\n"] {
            assert!(!Config::parse(text).ok().unwrap().has_rules(), "{text}");
        }
        let config = Config::parse("creation_rules: []\n").ok().unwrap();
        assert!(config.has_rules() && config.creation("a").ok().unwrap().is_none());
    }

    #[test]
    fn a_wrong_type_is_an_error_at_its_field() {
        for text in [
            "- a\n",
            "creation_rules:\n  a: 1\n",
            "creation_rules: [\n",
            "creation_rules: []\ncreation_rules: []\n",
            "creation_rules:\n  - path_regex: [a]\n",
            "creation_rules:\n  - key_groups:\n      age: x\n",
            "stores:\n  yaml:\n    indent: x\n",
        ] {
            assert!(!fails(text).is_empty(), "{text}");
        }
        let text = fails("creation_rules:\n  - hckms: region:uuid\n");
        assert_eq!(text, "line 2, column 12: creation_rules[0].hckms: expected a sequence");
    }

    #[test]
    fn an_error_repeats_no_text_of_the_file() {
        let text = fails("creation_rules:\n  - shamir_threshold: canary\n");
        assert!(!text.contains("canary") && text.contains("expected"), "{text}");
    }

    #[test]
    fn unknown_fields_of_a_rule_are_warned_about() {
        let config = Config::parse("x: 1\ncreation_rules:\n  - age: a\n    encrypted_regexp: b\n").ok().unwrap();
        assert_eq!(config.warnings(), ["creation rule 1: the field \"encrypted_regexp\" is unknown and has no effect"]);
    }

    #[test]
    fn the_indentation_of_stores_is_read() {
        let config =
            Config::parse("stores:\n  yaml:\n    indent: 2\n  json:\n    indent: -1\n  toml: {x: 1}\n").ok().unwrap();
        assert_eq!(config.stores, Stores { yaml: Some(2), json: Some(-1), json_binary: None });
    }
}
