//! How people write master keys: the comma-separated lists of flags, variables and flat creation rules.
//!
//! The result is data. Whether a key can be used shows when something is wrapped for it, except where the text cannot
//! even be taken apart. No error repeats the text: it could be a secret that was put into the wrong place.

use crate::keys::KeyError;
use crate::metadata::keys::{KeyKind, MasterKey, MasterKeyKind};

/// An AWS encryption context.
pub type Context = Vec<(String, Option<String>)>;

/// What a list of AWS keys has in common.
#[derive(Clone, Copy, Default)]
pub struct Aws<'a> {
    /// The profile; empty for none.
    pub profile: &'a str,
    /// The encryption context.
    pub context: &'a [(String, Option<String>)],
}

/// Reads a comma-separated list of keys of one kind.
///
/// # Errors
/// [`KeyError::Malformed`] for a text that is no such key; for an empty one too, unless the kind is one of which the
/// reference skips them.
pub fn keys(kind: KeyKind, list: &str, aws: Aws<'_>) -> Result<Vec<MasterKey>, KeyError> {
    let skips_empty = matches!(kind, KeyKind::HcVault | KeyKind::HcKms);
    let parts = list.split(',').filter(|part| !(skips_empty && part.trim().is_empty()));
    parts.map(|part| key(kind, part, aws)).collect()
}

/// Reads one key.
///
/// # Errors
/// [`KeyError::Malformed`] for a text that is no such key.
pub fn key(kind: KeyKind, text: &str, aws: Aws<'_>) -> Result<MasterKey, KeyError> {
    let text = match kind {
        // compat: the reference takes out every blank, but no other white space.
        KeyKind::Kms | KeyKind::GcpKms | KeyKind::Pgp => text.replace(' ', ""),
        KeyKind::Age | KeyKind::AzureKv | KeyKind::HcKms => text.trim().to_owned(),
        KeyKind::HcVault => text.to_owned(),
    };
    if text.trim().is_empty() {
        return malformed("an entry is empty");
    }
    // A secret must not become the name of a key, which is written into files and shown in messages.
    if kind != KeyKind::Age && text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") {
        return malformed("this is a secret identity");
    }
    let kind = match kind {
        KeyKind::Age => return age(text),
        KeyKind::Pgp => MasterKeyKind::Pgp { fingerprint: text },
        KeyKind::Kms => amazon(&text, aws),
        KeyKind::GcpKms => MasterKeyKind::GcpKms { resource_id: text },
        KeyKind::AzureKv => azure(&text)?,
        KeyKind::HcVault => vault(&text)?,
        KeyKind::HcKms => huawei(text)?,
    };
    Ok(MasterKey::new(kind))
}

/// Checks a key that was written as a mapping.
///
/// # Errors
/// [`KeyError::Malformed`] for one that cannot be a key.
pub(super) fn checked(kind: MasterKeyKind) -> Result<MasterKeyKind, KeyError> {
    match kind {
        MasterKeyKind::Kms { arn, .. } if arn.is_empty() => malformed("arn is missing"),
        MasterKeyKind::AzureKv { vault_url, name, .. } if vault_url.is_empty() || name.is_empty() => {
            malformed("vaultUrl or key is missing")
        }
        MasterKeyKind::GcpKms { resource_id } => match resource_id.replace(' ', "") {
            resource_id if resource_id.is_empty() => malformed("resource_id is missing"),
            resource_id => Ok(MasterKeyKind::GcpKms { resource_id }),
        },
        MasterKeyKind::HcKms { key_id } => huawei(key_id),
        kind => Ok(kind),
    }
}

/// Reads an encryption context, `k:v,k:v`.
///
/// # Errors
/// [`KeyError::Malformed`] for a part that has not exactly one colon.
pub fn encryption_context(text: &str) -> Result<Context, KeyError> {
    let mut context = Context::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        match part.split_once(':') {
            Some((name, value)) if !value.contains(':') => {
                context.retain(|(known, _)| known != name);
                context.push((name.to_owned(), Some(value.to_owned())));
            }
            _ => return malformed("expected key:value pairs, separated by commas"),
        }
    }
    Ok(context)
}

fn malformed<T>(reason: &str) -> Result<T, KeyError> {
    Err(KeyError::Malformed(reason.to_owned()))
}

/// A recipient of a sort that is not built in is still a recipient: only wrapping for it fails.
fn age(recipient: String) -> Result<MasterKey, KeyError> {
    let has_lines = recipient.contains(['\n', '\r']);
    if has_lines || recipient.starts_with("age1") && recipient.contains(char::is_whitespace) {
        return malformed("white space stands in a recipient; several are separated by commas");
    }
    match MasterKey::age(&recipient) {
        Err(KeyError::Unsupported(_)) => Ok(MasterKey::new(MasterKeyKind::Age { recipient })),
        result => result,
    }
}

/// `ARN` or `ARN+ROLE`.
fn amazon(text: &str, aws: Aws<'_>) -> MasterKeyKind {
    let split = text.match_indices("+arn:").map(|(at, _)| at).find(|at| *at > 0);
    let (arn, role) = split.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))).unwrap_or((text, ""));
    MasterKeyKind::Kms {
        arn: arn.to_owned(),
        role: role.to_owned(),
        aws_profile: aws.profile.to_owned(),
        context: aws.context.to_vec(),
    }
}

/// `https://VAULT/keys/NAME/VERSION`; a missing version is the newest one, which wrapping finds out.
fn azure(text: &str) -> Result<MasterKeyKind, KeyError> {
    let taken_apart = || {
        let host_and_path = text.strip_prefix("https://")?;
        let (host, path) = host_and_path.split_once('/')?;
        let (name, version) = match path.strip_prefix("keys/")?.split_once('/') {
            Some((name, version)) => (name, version),
            None => (path.strip_prefix("keys/")?, ""),
        };
        (!host.is_empty() && !name.is_empty() && !version.contains('/')).then(|| MasterKeyKind::AzureKv {
            vault_url: format!("https://{host}"),
            name: name.to_owned(),
            version: version.to_owned(),
        })
    };
    taken_apart().map_or_else(
        || malformed("could not parse this as an Azure Key Vault key; expected https://VAULT/keys/NAME/VERSION"),
        Ok,
    )
}

/// `region:key-uuid`.
fn huawei(key_id: String) -> Result<MasterKeyKind, KeyError> {
    match key_id.split_once(':') {
        None => malformed("invalid key ID format: expected 'region:key-uuid'"),
        Some((region, _)) if region.trim().is_empty() => malformed("region cannot be empty in the key ID"),
        Some((_, uuid)) if uuid.trim().is_empty() => malformed("key UUID cannot be empty in the key ID"),
        Some(_) => Ok(MasterKeyKind::HcKms { key_id }),
    }
}

/// `SCHEME://ADDRESS/v1/ENGINE/keys/NAME`.
///
/// compat: the version and the word `keys` are not looked at; a query belongs to the name *and* to the address.
fn vault(text: &str) -> Result<MasterKeyKind, KeyError> {
    let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        return malformed(
            "missing scheme in Vault URL (should be like https://vault.example.com:8200/v1/transit/keys/keyName)",
        );
    };
    let (rest, fragment) = rest.find('#').map_or((rest, ""), |at| rest.split_at(at));
    let (rest, query) = rest.find('?').map_or((rest, ""), |at| rest.split_at(at));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let request = format!("{path}{query}");
    let segments: Vec<&str> = request.split('/').collect();
    let is_version = |text: &str| {
        text.strip_prefix('v').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut versions = segments.windows(5).filter(|window| match window {
        [_, version, rest @ ..] => is_version(version) && rest.iter().all(|segment| !segment.is_empty()),
        _ => false,
    });
    if versions.clone().any(|window| window.first().is_some_and(|before| !before.is_empty())) {
        return malformed(
            "running Vault with a prefixed URL is not supported! (Format has to be like \
             https://vault.example.com:8200/v1/transit/keys/keyName)",
        );
    }
    if versions.next().is_none() {
        return malformed(
            "vault path does not seem to be formatted correctly: (eg. \
             https://vault.example.com:8200/v1/transit/keys/keyName)",
        );
    }
    let parts: Vec<&str> = request.trim_matches('/').split('/').collect();
    let [_, engine @ .., _, name] = &parts[..] else { return malformed("vault path is too short") };
    Ok(MasterKeyKind::HcVault {
        vault_address: format!("{}://{authority}{query}{fragment}", scheme.to_ascii_lowercase()),
        engine_path: engine.join("/"),
        key_name: (*name).to_owned(),
    })
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: Aws<'static> = Aws { profile: "", context: &[] };

    fn shown(kind: KeyKind, list: &str) -> Vec<String> {
        match keys(kind, list, AWS) {
            Ok(keys) => keys.iter().map(MasterKey::display).collect(),
            Err(error) => vec![format!("error: {error}")],
        }
    }

    /// What the reference shows for the same lists.
    #[test]
    fn lists_are_split_and_trimmed_as_each_kind_wants_it() {
        assert_eq!(shown(KeyKind::Pgp, "AB CD, EF"), ["ABCD", "EF"]);
        assert_eq!(shown(KeyKind::GcpKms, "a b,c"), ["ab", "c"]);
        assert_eq!(shown(KeyKind::HcKms, "r:k , s:l,, t : m "), ["r:k", "s:l", "t : m"]);
        assert_eq!(
            shown(KeyKind::AzureKv, "https://v/keys/k/q , https://w/keys/l"),
            ["https://v/keys/k/q", "https://w/keys/l/"]
        );
        assert_eq!(
            shown(KeyKind::HcVault, "https://v/v1/a/keys/k,,HTTPS://u:p@W:8/v1/b/c/keys/l?x=1#f"),
            ["https://v/v1/a/keys/k", "https://u:p@W:8?x=1#f/v1/b/c/keys/l?x=1"]
        );
        for kind in [KeyKind::Age, KeyKind::Pgp, KeyKind::Kms, KeyKind::GcpKms, KeyKind::AzureKv] {
            assert_eq!(shown(kind, ""), ["error: an entry is empty"], "{kind:?}");
        }
    }

    #[test]
    fn a_role_stands_behind_its_arn() {
        let context = encryption_context("b:x,a:y").unwrap();
        let aws = Aws { profile: "p", context: &context };
        let shown = |text| key(KeyKind::Kms, text, aws).unwrap().display();
        assert_eq!(shown("arn:k + arn:r"), "arn:k+arn:r|a:y,b:x|p");
        assert_eq!(shown("+arn:r"), "+arn:r|a:y,b:x|p");
        let kind = key(KeyKind::Kms, "x+arn:r+arn:s", AWS).unwrap().kind;
        assert!(matches!(kind, MasterKeyKind::Kms { arn, role, .. } if arn == "x" && role == "arn:r+arn:s"));
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_and_not_repeated() {
        for (kind, text, reason) in [
            (KeyKind::AzureKv, "https://canary/x", "could not parse"),
            (KeyKind::AzureKv, "http://canary/keys/k/v", "could not parse"),
            (KeyKind::AzureKv, "https://canary/keys/k/v/w", "could not parse"),
            (KeyKind::HcKms, "canary", "invalid key ID format"),
            (KeyKind::HcKms, ":canary", "region cannot be empty"),
            (KeyKind::HcKms, "canary:", "key UUID cannot be empty"),
            (KeyKind::HcVault, "canary/v1/a/keys/k", "missing scheme"),
            (KeyKind::HcVault, " https://canary/v1/a/keys/k", "missing scheme"),
            (KeyKind::HcVault, "https://canary/x/v1/a/keys/k", "prefixed URL"),
            (KeyKind::HcVault, "https://canary/v1/a/v2/keys/k/x", "prefixed URL"),
            (KeyKind::HcVault, "https://canary/v1/keys/k", "formatted correctly"),
            (KeyKind::HcVault, "https://canary/v1//a//keys/k", "formatted correctly"),
            (KeyKind::Pgp, "AGE-SECRET-KEY-1CANARY", "secret identity"),
        ] {
            let text = shown(kind, text).join(" ");
            assert!(text.starts_with("error: ") && text.contains(reason), "{text}");
            assert!(!text.to_ascii_lowercase().contains("canary"), "{text}");
        }
    }

    #[test]
    fn a_vault_path_may_be_deep_or_end_with_a_slash() {
        assert_eq!(shown(KeyKind::HcVault, "https://v/v1/a/b/keys/k"), ["https://v/v1/a/b/keys/k"]);
        assert_eq!(shown(KeyKind::HcVault, "https://v/v1/transit/foo/k"), ["https://v/v1/transit/keys/k"]);
        assert_eq!(shown(KeyKind::HcVault, "https://v/v1/a/keys/k/"), ["https://v/v1/a/keys/k"]);
    }

    #[cfg(feature = "age")]
    #[test]
    fn recipients_of_every_sort_are_kept_as_they_are_written_whether_it_is_built_in_or_not() {
        let ssh = include_str!("../../../../fixtures/keys/ssh-ed25519.pub").trim_end();
        let plugin = "age1toy1w3jhxaqgqlcys";
        assert_eq!(shown(KeyKind::Age, &format!("{ssh}, {plugin}")), [ssh, plugin]);
        for text in ["age1plug1a\nage1b", "age1plug1a age1b", "ssh-ed25519 a\nssh-ed25519 b"] {
            assert!(shown(KeyKind::Age, text)[0].contains("separated by commas"), "{text}");
        }
        assert!(shown(KeyKind::Age, "canary")[0].starts_with("error: not a valid age recipient"));
    }

    #[test]
    fn a_context_has_one_colon_in_each_part() {
        let pair = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        assert_eq!(encryption_context("a:b,c:,a:d").unwrap(), [pair("c", ""), pair("a", "d")]);
        assert!(encryption_context("").unwrap().is_empty());
        for text in ["novalue", "a:b,c", "a:b:c", "a:b,"] {
            assert!(encryption_context(text).is_err(), "{text}");
        }
    }
}
