//! What a new file looks like: flags, variables and the matching creation rule, united in the order of the reference.

use sops_core::{
    Error,
    config::{
        CreationRule, WarningKind,
        notation::{self, Aws, Context},
    },
    format::Format,
    metadata::keys::{KeyKind, MasterKey},
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
    indent: Option<usize>,
    env: &Environment,
) -> Result<Recipe, Failure> {
    let given = given_keys(&args.keys, env);
    warn_about_configuration(located, name, &args.keys, !given.is_empty(), env);
    let rule = matching_rule(located, name, env)?;
    let settings = rule.map_or(Ok(Settings::default()), |rule| asked(located, rule.settings()))?;
    let threshold = threshold(&args.keys, rule, located)?;
    let groups = groups(&args.keys, &given, rule, located)?;
    let selection = &args.selection;
    let mut settings = merged(args, settings);
    let mut mac_only_encrypted =
        selection.mac_only_encrypted.unwrap_or(false) || rule.is_some_and(|rule| rule.mac_only_encrypted);
    if input == Format::Binary {
        drop_selection(&mut settings);
        mac_only_encrypted = false;
    }
    let selector = match input {
        // Not even the default suffix: the only value is always encrypted.
        Format::Binary => Selector::everything(),
        _ => Selector::from_settings(&settings).map_err(|error| match error {
            Error::SelectorConflict => Failure::core(error, Phase::Seal),
            // The rule's expressions are checked, so this one is a flag's.
            error => Failure::core(error, Phase::Open),
        })?,
    };
    let allow_nothing = selection.allow_nothing_encrypted.unwrap_or(false);
    Ok(Recipe { groups, threshold, selector, mac_only_encrypted, allow_nothing, indent })
}

/// Returns the rule for a file; `None` where there are no rules at all.
///
/// # Errors
/// Rules of which none matches, or one that cannot be used (1).
pub fn matching_rule<'c>(
    located: &'c Located,
    name: &str,
    env: &Environment,
) -> Result<Option<&'c CreationRule>, Failure> {
    if !located.config.has_rules() {
        return Ok(None);
    }
    match asked(located, located.config.rule_for(&located.rule_path(name, env)))? {
        Some(rule) => Ok(Some(rule)),
        None => Err(located
            .failure(Failure::new(Code::Generic, "error loading config: no matching creation rules found"))
            .hint("add a rule for this file, or use --config /dev/null with --age")),
    }
}

/// Reads the encryption context of keys that are added to an existing file.
///
/// compat: a new file refuses one that is malformed, here it is left out.
pub fn context_or_none(text: Option<&str>) -> Context {
    notation::encryption_context(text.unwrap_or_default()).unwrap_or_else(|_| {
        ui::warn("Encryption context contains a non-string value, context will not be used");
        Context::new()
    })
}

/// Names the configuration in an error of what it asks for.
fn asked<T>(located: &Located, result: Result<T, Error>) -> Result<T, Failure> {
    result.map_err(|error| located.failure(Failure::core(error, Phase::Open)))
}

/// Prints what the configuration may not have meant. What it says about keys counts only where its keys are used.
fn warn_about_configuration(located: &Located, name: &str, flags: &Keys, has_key_flags: bool, env: &Environment) {
    let Some(path) = &located.path else { return };
    let has_threshold = flags.shamir_secret_sharing_threshold.unwrap_or(0) != 0;
    for warning in located.config.warnings_for(&located.rule_path(name, env)) {
        let is_void = match warning.kind {
            WarningKind::NoKeys => has_key_flags,
            WarningKind::Groups => has_key_flags || has_threshold,
            _ => false,
        };
        if !is_void {
            ui::warn(&format!("{}: {warning}", path.display()));
        }
    }
}

/// Returns how many groups are needed: the flag, else the rule, else 0 for all.
fn threshold(flags: &Keys, rule: Option<&CreationRule>, located: &Located) -> Result<u32, Failure> {
    match flags.shamir_secret_sharing_threshold.unwrap_or(0) {
        0 => rule.map_or(Ok(0), |rule| asked(located, rule.threshold())),
        number => u32::try_from(number).map_err(|_| {
            Failure::new(Code::Generic, "--shamir-secret-sharing-threshold: expected a small positive number")
        }),
    }
}

/// Returns the one group that flags and variables name, else the groups of the rule.
///
/// A rule whose keys make no sense is an error in both cases, as in the reference.
fn groups(
    flags: &Keys,
    given: &[GivenKeys],
    rule: Option<&CreationRule>,
    located: &Located,
) -> Result<Vec<Vec<MasterKey>>, Failure> {
    let context = context(flags.encryption_context.as_deref())?;
    let of_rule = rule.map(|rule| asked(located, rule.groups(&context))).transpose()?;
    let groups = match (given, of_rule) {
        ([], None) => return Err(Failure::bare(Code::Generic, NO_KEYS)),
        ([], Some(groups)) => groups,
        (given, _) => {
            let aws = Aws { profile: flags.aws_profile.as_deref().unwrap_or_default(), context: &context };
            let lists = given.iter().map(|given| {
                let keys = notation::keys(given.kind, &given.list, aws);
                keys.map_err(|error| Failure::new(Code::Generic, format!("{}: {error}", given.flag)))
            });
            vec![lists.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()]
        }
    };
    match groups.iter().any(Vec::is_empty) {
        true => Err(Failure::bare(Code::Generic, EMPTY_GROUP)),
        false => Ok(groups),
    }
}

/// A list of keys from a flag or its variable.
struct GivenKeys {
    kind: KeyKind,
    flag: &'static str,
    list: String,
}

/// Returns the lists that are given, in the order of the reference. A flag beats its variable, also when it is empty.
fn given_keys(flags: &Keys, env: &Environment) -> Vec<GivenKeys> {
    let all = [
        (KeyKind::Kms, "--kms", &flags.kms, "SOPS_KMS_ARN"),
        (KeyKind::GcpKms, "--gcp-kms", &flags.gcp_kms, "SOPS_GCP_KMS_IDS"),
        (KeyKind::HcKms, "--hckms", &flags.hckms, "SOPS_HUAWEICLOUD_KMS_IDS"),
        (KeyKind::AzureKv, "--azure-kv", &flags.azure_kv, "SOPS_AZURE_KEYVAULT_URLS"),
        (KeyKind::Pgp, "--pgp", &flags.pgp, "SOPS_PGP_FP"),
        (KeyKind::HcVault, "--hc-vault-transit", &flags.hc_vault_transit, "SOPS_VAULT_URIS"),
        (KeyKind::Age, "--age", &flags.age, "SOPS_AGE_RECIPIENTS"),
    ];
    let given = all.into_iter().filter_map(|(kind, flag, value, variable)| {
        let list = value.clone().or_else(|| env.text(variable)).filter(|list| !list.is_empty())?;
        Some(GivenKeys { kind, flag, list })
    });
    given.collect()
}

/// Reads the encryption context, which is for keys of flags and of flat rules.
fn context(text: Option<&str>) -> Result<Context, Failure> {
    notation::encryption_context(text.unwrap_or_default())
        .map_err(|_| Failure::bare(Code::InvalidEncryptionContext, "Invalid KMS encryption context format"))
}

/// A flag that is given counts, else the rule's setting. So a flag of one kind does not replace a rule of another: the two
/// together are a conflict, which the selector reports.
fn merged(args: &Encrypt, mut settings: Settings) -> Settings {
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

const NO_KEYS: &str =
    "config file not found, or has no creation rules, and no keys provided through command line options";
const EMPTY_GROUP: &str = "Could not generate data key: [empty key group provided]";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sops_core::config::Config;

    use super::*;

    const RECIPIENT: &str = "age1qn26st0409u0cfqz6gjvtgspzy2s39v7mvawat3fmx2xnelhlgcswyhmfq";

    fn nothing() -> Located {
        Located { config: Config::default(), path: None }
    }

    #[test]
    fn a_given_flag_beats_the_rule_and_an_empty_one_does_not() {
        let rule = Settings { encrypted_regex: "rule".into(), ..Settings::default() };
        let mut args = Encrypt::default();
        args.selection.encrypted_regex = Some(String::new());
        assert_eq!(merged(&args, rule.clone()).encrypted_regex, "rule");
        args.selection.encrypted_regex = Some("flag".into());
        args.selection.unencrypted_suffix = Some("_x".into());
        let settings = merged(&args, rule);
        assert_eq!((settings.encrypted_regex.as_str(), settings.unencrypted_suffix.as_str()), ("flag", "_x"));
    }

    #[test]
    fn keys_of_all_kinds_are_united_in_the_order_of_the_reference() {
        let env = Environment::of(&[("SOPS_PGP_FP", "AB CD"), ("SOPS_AGE_RECIPIENTS", "unused")], Path::new("/"));
        let flags = Keys {
            age: Some(RECIPIENT.into()),
            kms: Some("arn:k+arn:r".into()),
            aws_profile: Some("p".into()),
            encryption_context: Some("a:b".into()),
            hckms: Some("r:k".into()),
            ..Keys::default()
        };
        let keys = groups(&flags, &given_keys(&flags, &env), None, &nothing()).unwrap();
        let shown: Vec<String> = keys[0].iter().map(MasterKey::display).collect();
        assert_eq!((keys.len(), shown), (1, ["arn:k+arn:r|a:b|p", "r:k", "ABCD", RECIPIENT].map(String::from).into()));
    }

    #[test]
    fn an_empty_flag_hides_its_variable() {
        let env = Environment::of(&[("SOPS_AGE_RECIPIENTS", "age1x")], Path::new("/"));
        let flags = Keys { age: Some(String::new()), ..Keys::default() };
        assert!(given_keys(&flags, &env).is_empty());
        assert_eq!(given_keys(&Keys::default(), &env).len(), 1);
    }

    #[test]
    fn a_malformed_context_has_its_own_number() {
        assert_eq!(context(Some("a:b,c")).unwrap_err().code, Code::InvalidEncryptionContext);
        assert!(context(None).unwrap().is_empty());
    }

    #[test]
    fn a_flag_that_is_no_key_is_named_and_not_repeated() {
        let env = Environment::of(&[], Path::new("/"));
        let flags = Keys { azure_kv: Some("https://canary/".into()), ..Keys::default() };
        let text = groups(&flags, &given_keys(&flags, &env), None, &nothing()).unwrap_err().render(false);
        assert!(text.contains("--azure-kv: could not parse") && !text.contains("canary"), "{text}");
    }

    #[test]
    fn rules_of_which_none_matches_are_an_error() {
        let located = Located { config: Config::parse(b"creation_rules: []\n").unwrap(), path: None };
        let env = Environment::of(&[], Path::new("/w"));
        let text = matching_rule(&located, "a.yaml", &env).err().unwrap().render(false);
        assert!(text.contains("no matching creation rules found"), "{text}");
    }
}
