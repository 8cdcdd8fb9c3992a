//! The five formats: a closed set, matched in one place.

#[allow(dead_code, reason = "the pipeline comes next")]
pub(crate) mod dotenv;
#[allow(dead_code, reason = "the pipeline comes next")]
pub(crate) mod flat;
#[allow(dead_code, reason = "the pipeline comes next")]
pub(crate) mod ini;
pub mod json;
#[cfg(test)]
mod laws;
pub(crate) mod syntax;
pub mod yaml;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// dotenv.
    Dotenv,
    /// INI.
    Ini,
    /// Any bytes.
    Binary,
}

impl Format {
    /// The format of that name: `yaml json dotenv ini binary`.
    pub fn from_name(name: &str) -> Option<Format> {
        Some(match name {
            "yaml" => Format::Yaml,
            "json" => Format::Json,
            "dotenv" => Format::Dotenv,
            "ini" => Format::Ini,
            "binary" => Format::Binary,
            _ => return None,
        })
    }

    /// The format that a path's ending means; anything unknown is binary.
    pub fn from_path(path: &str) -> Format {
        let ends = |suffix: &str| path.ends_with(suffix);
        if ends(".yaml") || ends(".yml") {
            Format::Yaml
        } else if ends(".json") {
            Format::Json
        } else if ends(".env") {
            Format::Dotenv
        } else if ends(".ini") {
            Format::Ini
        } else {
            Format::Binary
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Yaml => "yaml",
            Format::Json => "json",
            Format::Dotenv => "dotenv",
            Format::Ini => "ini",
            Format::Binary => "binary",
        }
    }
}
