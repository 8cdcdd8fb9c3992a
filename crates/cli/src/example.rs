//! What the editor shows for a file that does not exist yet.

use sops_core::format::Format;

/// Returns the example in a format; an `indent` of 0 is the format's default.
pub fn text(format: Format, indent: usize) -> String {
    let spaces = |default: &str| if indent == 0 { default.to_owned() } else { " ".repeat(indent) };
    match format {
        Format::Yaml => YAML.replace("    ", &spaces("    ")),
        Format::Json => JSON.replace('\t', &spaces("\t")),
        Format::Dotenv => DOTENV.to_owned(),
        Format::Ini => INI.to_owned(),
        Format::Binary => BINARY.to_owned(),
    }
}

const YAML: &str = "\
hello: Welcome to SOPS! Edit this file as you please!
example_key: example_value
# Example comment
example_array:
    - example_value1
    - example_value2
example_number: 1234.56789
example_booleans:
    - true
    - false
";

const JSON: &str = "{
\t\"hello\": \"Welcome to SOPS! Edit this file as you please!\",
\t\"example_key\": \"example_value\",
\t\"example_array\": [
\t\t\"example_value1\",
\t\t\"example_value2\"
\t],
\t\"example_number\": 1234.56789,
\t\"example_booleans\": [
\t\ttrue,
\t\tfalse
\t]
}
";

const DOTENV: &str = "\
# This is an example file.
hello=Welcome to SOPS! Edit this file as you please!
example_key=example_value
example_multiline=foo\\nbar\\nbaz
";

const INI: &str = "\
; This is an example file.
[Welcome!]
hello       = Welcome to SOPS! Edit this file as you please!
example_key = example_value
";

const BINARY: &str = "Welcome to SOPS! Edit this file as you please!";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indentation_is_the_one_asked_for() {
        assert!(text(Format::Yaml, 0).contains("\n    - true\n"));
        assert!(text(Format::Yaml, 2).contains("\n  - true\n"));
        assert!(text(Format::Json, 0).contains("\n\t\ttrue,\n"));
        assert!(text(Format::Json, 3).contains("\n      true,\n"));
        assert!(serde_json::from_str::<serde_json::Value>(&text(Format::Json, 0)).is_ok());
        assert!(text(Format::Dotenv, 0).ends_with("foo\\nbar\\nbaz\n"));
    }
}
