//! What an encrypted text is, by its content: for files whose name says nothing (`.env.local`, `secrets.YAML`).

use sops_core::format::Format;

/// Returns the format of an encrypted text other than a binary one; `None` where nothing shows.
///
/// Only the marks of metadata decide, so a plain text is never recognised.
pub fn recognise(bytes: &[u8]) -> Option<Format> {
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let members = value.as_object()?;
        let is_encrypted = members.get("sops").is_some_and(|metadata| metadata.get("mac").is_some());
        // An encrypted binary file is JSON too.
        let is_binary = members.len() == 2 && members.get("data").is_some_and(serde_json::Value::is_string);
        return (is_encrypted && !is_binary).then_some(Format::Json);
    }
    if text.lines().any(|line| line.starts_with("sops_mac=ENC[")) {
        return Some(Format::Dotenv);
    }
    if has_mac_behind(text, "[sops]", '=') {
        return Some(Format::Ini);
    }
    has_mac_behind(text, "sops:", ':').then_some(Format::Yaml)
}

/// Tells whether a line `mac = ENC[…` stands somewhere behind the head of the metadata.
fn has_mac_behind(text: &str, head: &str, sign: char) -> bool {
    let behind = text.lines().skip_while(|line| line.trim_end() != head);
    let value = |line: &str| {
        line.trim().strip_prefix("mac").and_then(|rest| rest.trim_start().strip_prefix(sign).map(str::to_owned))
    };
    behind.filter_map(value).any(|value| value.trim_start().trim_start_matches(['"', '\'']).starts_with("ENC["))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_tell_the_format() {
        for (text, format) in [
            ("a: ENC[x]\nsops:\n    mac: ENC[y]\n", Some(Format::Yaml)),
            ("a: ENC[x]\nsops:\n  mac: 'ENC[y]'\n", Some(Format::Yaml)),
            ("\u{feff}{\"a\": 1, \"sops\": {\"mac\": \"ENC[y]\"}}", Some(Format::Json)),
            ("{\"data\": \"ENC[x]\", \"sops\": {\"mac\": \"ENC[y]\"}}", None),
            ("A=ENC[x]\nsops_mac=ENC[y]\n", Some(Format::Dotenv)),
            ("[s]\na = ENC[x]\n\n[sops]\nmac = ENC[y]\n", Some(Format::Ini)),
            ("a: 1\nsops: no\nmac: ENC[y]\n", None),
            ("{\"a\": 1}", None),
            ("{", None),
            ("", None),
        ] {
            assert_eq!(recognise(text.as_bytes()), format, "{text}");
        }
        assert_eq!(recognise(b"\xff"), None);
    }
}
