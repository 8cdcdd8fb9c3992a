//! What a new file looks like: flags, variables and the matching creation rule, united in the order of the reference.

use sops_core::{
    config::Creation,
    format::Format,
    metadata::keys::MasterKey,
    sealer::Recipe,
    select::{Selector, Settings},
};

use crate::{
    args::{Encrypt, Keys},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    locate::Located,
    ui,
};

/// Returns the recipe for a file of this name.
///
/// Keys of flags and variables replace those of the rule; the selection is merged field by field. The rule is looked for even
/// when the keys come from flags, so a configuration without a matching rule is always an error.
///
/// # Errors
/// No matching rule, no keys, a rule or flag that cannot be used (1), two selections (8), a malformed context (6).
pub fn for_new_file(
    args: &Encrypt,
    name: &str,
    input: Format,
    located: &Located,
    indent: usize,
    env: &Environment,
) -> Result<Recipe, Failure> {
    check_context(args.keys.encryption_context.as_deref())?;
    for warning in located.config.warnings() {
        ui::warn(warning);
    }
    let rule = matching_rule(located, name, env)?;
    let from_flags = keys_of_flags(&args.keys, env)?;
    let groups = match (&rule, from_flags) {
        (_, Some(group)) => vec![group],
        (Some(rule), None) => rule.groups().map_err(|error| located.failure(Failure::core(error, Phase::Open)))?,
        (None, None) => return Err(Failure::bare(Code::Generic, NO_KEYS)),
    };
    if groups.iter().any(Vec::is_empty) {
        return Err(Failure::bare(Code::Generic, EMPTY_GROUP));
    }
    let selection = &args.selection;
    let mut settings = merged(args, rule.as_ref());
    let mut mac_only_encrypted =
        selection.mac_only_encrypted.unwrap_or(false) || rule.as_ref().is_some_and(|rule| rule.mac_only_encrypted);
    if input == Format::Binary {
        drop_selection(&mut settings);
        mac_only_encrypted = false;
    }
    let threshold = match args.keys.shamir_secret_sharing_threshold.unwrap_or(0) {
        0 => rule.as_ref().map_or(0, |rule| rule.threshold),
        number => u32::try_from(number).map_err(|_| {
            Failure::new(Code::Generic, "--shamir-secret-sharing-threshold: expected a small positive number")
        })?,
    };
    let allow_nothing = selection.allow_nothing_encrypted.unwrap_or(false);
    let selector = Selector::from_settings(&settings).map_err(|error| Failure::core(error, Phase::Seal))?;
    Ok(Recipe { groups, threshold, selector, mac_only_encrypted, allow_nothing, indent })
}

/// Returns the rule for a file; `None` where there are no rules at all.
///
/// # Errors
/// Rules of which none matches, or one that cannot be used (1).
pub fn matching_rule<'c>(located: &'c Located, name: &str, env: &Environment) -> Result<Option<Creation<'c>>, Failure> {
    if !located.config.has_rules() {
        return Ok(None);
    }
    let rule = located.config.creation(&located.rule_path(name, env));
    match rule.map_err(|error| located.failure(Failure::core(error, Phase::Open)))? {
        Some(rule) => Ok(Some(rule)),
        None => Err(located
            .failure(Failure::new(Code::Generic, "error loading config: no matching creation rules found"))
            .hint("add a rule for this file, or use --config /dev/null with --age")),
    }
}

/// Returns the one group that flags and variables name, if any does.
fn keys_of_flags(flags: &Keys, env: &Environment) -> Result<Option<Vec<MasterKey>>, Failure> {
    let text = |flag: &Option<String>, variable: &str| match flag {
        Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        None => env.text(variable),
    };
    let others = [
        ("--kms", text(&flags.kms, "SOPS_KMS_ARN")),
        ("--gcp-kms", text(&flags.gcp_kms, "SOPS_GCP_KMS_IDS")),
        ("--hckms", text(&flags.hckms, "SOPS_HUAWEICLOUD_KMS_IDS")),
        ("--azure-kv", text(&flags.azure_kv, "SOPS_AZURE_KEYVAULT_URLS")),
        ("--pgp", text(&flags.pgp, "SOPS_PGP_FP")),
        ("--hc-vault-transit", text(&flags.hc_vault_transit, "SOPS_VAULT_URIS")),
    ];
    // Leaving such a key out would make a file that its owner cannot open.
    if let Some((flag, _)) = others.iter().find(|(_, text)| text.is_some()) {
        return Err(Failure::new(Code::Generic, format!("not supported yet: keys given by {flag} or its variable")));
    }
    let Some(list) = text(&flags.age, "SOPS_AGE_RECIPIENTS") else { return Ok(None) };
    let keys = list
        .split(',')
        .map(|part| MasterKey::age(part.trim()).map_err(|error| Failure::new(Code::Generic, error.to_string())));
    keys.collect::<Result<Vec<_>, _>>().map(Some)
}

/// A flag that is given counts, else the rule's setting. So a flag of one kind does not replace a rule of another: the two
/// together are a conflict, which the selector reports.
fn merged(args: &Encrypt, rule: Option<&Creation<'_>>) -> Settings {
    let mut settings = rule.map(|rule| rule.settings.clone()).unwrap_or_default();
    let flags = &args.selection;
    let pairs = [
        (&flags.unencrypted_suffix, &mut settings.unencrypted_suffix),
        (&flags.encrypted_suffix, &mut settings.encrypted_suffix),
        (&flags.unencrypted_regex, &mut settings.unencrypted_regex),
        (&flags.encrypted_regex, &mut settings.encrypted_regex),
        (&flags.unencrypted_comment_regex, &mut settings.unencrypted_comment_regex),
        (&flags.encrypted_comment_regex, &mut settings.encrypted_comment_regex),
    ];
    for (flag, setting) in pairs {
        if let Some(text) = flag.as_ref().filter(|text| !text.is_empty()) {
            setting.clone_from(text);
        }
    }
    settings
}

/// A binary file is one string that is always encrypted: every selection is dropped, with a warning.
fn drop_selection(settings: &mut Settings) {
    let dropped = [
        ("an unencrypted suffix", &settings.unencrypted_suffix),
        ("an encrypted suffix", &settings.encrypted_suffix),
        ("an encrypted regex", &settings.encrypted_regex),
        ("an unencrypted regex", &settings.unencrypted_regex),
        ("an encrypted comment regex", &settings.encrypted_comment_regex),
        ("an unencrypted comment regex", &settings.unencrypted_comment_regex),
    ];
    for (what, _) in dropped.iter().filter(|(_, text)| !text.is_empty()) {
        ui::warn(&format!(
            "Using {what} does not make sense with the input store (the binary store produces one key that should always \
             be encrypted) and will be ignored."
        ));
    }
    *settings = Settings::default();
}

/// `k:v,k:v`, exactly one colon in each part.
fn check_context(text: Option<&str>) -> Result<(), Failure> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if text.split(',').any(|part| part.matches(':').count() != 1) => {
            Err(Failure::new(Code::InvalidEncryptionContext, "Invalid KMS encryption context format"))
        }
        _ => Ok(()),
    }
}

const NO_KEYS: &str =
    "config file not found, or has no creation rules, and no keys provided through command line options";
const EMPTY_GROUP: &str = "Could not generate data key: [empty key group provided]";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sops_core::config::Config;

    use super::*;

    #[test]
    fn a_context_has_one_colon_in_each_part() {
        for text in [None, Some(""), Some("a:b"), Some("a:b,c:d")] {
            assert!(check_context(text).is_ok(), "{text:?}");
        }
        for text in ["novalue", "a:b,c", "a:b:c", "a:b,"] {
            assert_eq!(check_context(Some(text)).unwrap_err().code, Code::InvalidEncryptionContext, "{text}");
        }
    }

    #[test]
    fn a_given_flag_beats_the_rule_and_an_empty_one_does_not() {
        let config = Config::parse("creation_rules:\n  - encrypted_regex: rule\n").ok().unwrap();
        let rule = config.creation("a").ok().unwrap();
        let mut args = Encrypt::default();
        args.selection.encrypted_regex = Some(String::new());
        assert_eq!(merged(&args, rule.as_ref()).encrypted_regex, "rule");
        args.selection.encrypted_regex = Some("flag".into());
        args.selection.unencrypted_suffix = Some("_x".into());
        let settings = merged(&args, rule.as_ref());
        assert_eq!((settings.encrypted_regex.as_str(), settings.unencrypted_suffix.as_str()), ("flag", "_x"));
    }

    #[test]
    fn a_kind_of_key_that_is_not_built_is_never_left_out() {
        let env = Environment::of(&[("SOPS_PGP_FP", "ABCD")], Path::new("/"));
        let flags = Keys { age: Some("age1x".into()), ..Keys::default() };
        assert!(keys_of_flags(&flags, &env).err().unwrap().render(false).contains("--pgp"));
    }

    #[test]
    fn an_empty_flag_hides_its_variable() {
        let env = Environment::of(&[("SOPS_AGE_RECIPIENTS", "age1x")], Path::new("/"));
        let flags = Keys { age: Some(String::new()), ..Keys::default() };
        assert!(matches!(keys_of_flags(&flags, &env), Ok(None)));
    }

    #[test]
    fn rules_of_which_none_matches_are_an_error() {
        let located = Located { config: Config::parse("creation_rules: []\n").ok().unwrap(), path: None };
        let env = Environment::of(&[], Path::new("/w"));
        let text = matching_rule(&located, "a.yaml", &env).err().unwrap().render(false);
        assert!(text.contains("no matching creation rules found"), "{text}");
    }
}
