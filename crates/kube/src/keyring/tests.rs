use super::*;

fn import(entries: &[(&str, &[u8])], options: &ImportOptions) -> Result<Imported, Error> {
    Keyring::from_entries(entries.iter().copied(), options)
}

fn identity() -> (Zeroizing<String>, String) {
    sops_core::keys::age::AgeIdentities::generate_text()
}

#[test]
fn an_import_takes_all_entries_or_nothing_in_sorted_order() {
    let (secret, recipient) = identity();
    let good = import(&[("a.agekey", secret.as_bytes())], &ImportOptions::recommended()).expect("imports");
    assert_eq!(good.keyring.recipients(), [recipient]);
    assert_eq!(good.keyring.kinds(), [KeyKind::Age]);
    let entries: [(&str, &[u8]); 3] = [("z.agekey", b"x"), ("b.agekey", b"y"), ("a.agekey", secret.as_bytes())];
    let error = import(&entries, &ImportOptions::recommended()).expect_err("a bad entry");
    assert_eq!(*error.kind(), ErrorKind::KeyImport { entry: "b.agekey".into() });
}

#[test]
fn t14_an_entry_that_makes_someone_elses_program_or_identity_work_is_refused() {
    let entries: [(&str, &[u8]); 4] = [
        ("x.agekey", b"AGE-PLUGIN-CANARY-1QQQQ"),
        ("sops.gcp-kms", br#"{"type": "external_account", "credential_source": {"url": "http://canary"}}"#),
        ("sops.azure-kv", b"clientId: canary\n"),
        ("y.asc", &[0x98, 200, 4, 0]),
    ];
    for entry in entries {
        let error = import(&[entry], &ImportOptions::recommended()).expect_err(entry.0);
        assert!(matches!(error.kind(), ErrorKind::KeyImport { .. }), "{error}");
        assert!(!format!("{error:?}{}{}", error.report(), error.flux_text()).to_lowercase().contains("canary"));
    }
    let large = vec![b'#'; (1 << 20) + 1];
    let error = import(&[("a.agekey", &large)], &ImportOptions::recommended()).expect_err("too large");
    assert_eq!(error.reason(), "LimitExceeded");
    let names: Vec<String> = (0..65).map(|n| format!("n{n}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
    assert_eq!(import(&many, &ImportOptions::recommended()).expect_err("too many").reason(), "LimitExceeded");
}

#[test]
fn a_misnamed_identity_is_named_with_what_its_name_must_be() {
    let (secret, _) = identity();
    let imported = import(&[("age.key", secret.as_bytes())], &ImportOptions::recommended()).expect("imports");
    let text = imported.require_non_empty().expect_err("no key").to_string();
    assert!(text.contains("the entry age.key looks like an age identity, its name must end in .agekey"), "{text}");
    let strict = ImportOptions { mode: ImportMode::Strict, ..ImportOptions::recommended() };
    assert!(import(&[("age.key", secret.as_bytes())], &strict).is_err());
    let extra = ImportOptions { extra_age_names: vec!["age.key".into()], ..ImportOptions::recommended() };
    assert!(import(&[("age.key", secret.as_bytes())], &extra).expect("imports").require_non_empty().is_ok());
}

#[test]
fn a_merged_keyring_has_the_keys_of_both_and_another_fingerprint() {
    let ((a, first), (b, second)) = (identity(), identity());
    let a = import(&[("a.agekey", a.as_bytes())], &ImportOptions::flux()).expect("imports").keyring;
    let b = import(&[("a.agekey", b.as_bytes()), ("sops.vault-token", b" t\n")], &ImportOptions::flux());
    let b = b.expect("imports").keyring;
    let both = a.merge(&b);
    assert_eq!(both.recipients(), [first, second]);
    assert_eq!(both.cloud_entry(CloudEntry::VaultToken), Some(&b"t"[..]));
    assert_ne!(both.fingerprint(), a.fingerprint());
    assert_eq!(a.merge(&a).fingerprint(), a.fingerprint());
}

#[test]
fn debug_shows_public_names_only() {
    let (secret, recipient) = identity();
    let imported = import(&[("a.agekey", secret.as_bytes())], &ImportOptions::flux()).expect("imports");
    let text = format!("{imported:?}");
    assert!(text.contains(&recipient) && !text.contains("AGE-SECRET-KEY"), "{text}");
}
