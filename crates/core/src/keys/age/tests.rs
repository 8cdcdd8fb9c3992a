use super::*;

fn identities() -> (AgeIdentities, String, Zeroizing<String>) {
    let (secret, recipient) = AgeIdentities::generate_text();
    (AgeIdentities::parse(&secret).expect("an identity"), recipient, secret)
}

fn wrapped(recipient: &str) -> MasterKey {
    let mut key = MasterKey::age(recipient).expect("a recipient");
    let part = KeyPart::new(b"a part of thirty-two bytes or so".to_vec());
    key.wrapped = AgeRecipients.wrap(&key, &part, &CallContext::default()).expect("wraps");
    key
}

fn opens(identities: &AgeIdentities, key: &MasterKey) -> Result<bool, KeyError> {
    let part = identities.unwrap(key, &CallContext::default())?;
    Ok(part.expect("not none").expose() == b"a part of thirty-two bytes or so")
}

#[test]
fn what_is_wrapped_is_armored_as_the_reference_stores_it_and_opens() {
    let (identities, recipient, _) = identities();
    let key = wrapped(&recipient);
    assert!(key.wrapped.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    assert!(key.wrapped.ends_with("-----END AGE ENCRYPTED FILE-----\n") && !key.wrapped.contains('\r'));
    assert_eq!(opens(&identities, &key), Ok(true));
}

#[test]
fn the_recorded_recipient_is_a_hint_only() {
    let ((mut identities, recipient, _), (others, other, _)) = (identities(), identities());
    identities.extend(others);
    for recorded in [recipient.as_str(), &other, "garbage", ""] {
        let mut key = wrapped(&recipient);
        key.kind = MasterKeyKind::Age { recipient: recorded.to_owned() };
        assert_eq!(opens(&identities, &key), Ok(true), "{recorded}");
    }
    assert!(identities.ordered(&other)[0].is_of(&other));
}

/// The reference's strictness (spec/keys.md §1.2).
#[test]
fn armor_is_read_as_strictly_as_by_the_reference() {
    let (identities, recipient, _) = identities();
    let good = wrapped(&recipient);
    let read = |text: String| opens(&identities, &MasterKey { wrapped: text, ..good.clone() });
    let text = &good.wrapped;
    for accepted in [format!("\n  \n{text}"), text.replace('\n', "\r\n"), text.trim_end().into(), format!("{text} \n")]
    {
        assert_eq!(read(accepted), Ok(true));
    }
    let (indented, literal) = (format!(" {text}"), text.replace('\n', "\\n"));
    let far = format!("{}{text}", "\n".repeat(1025));
    for refused in [indented, literal, far, format!("\u{feff}{text}"), format!("{text}x"), String::new()] {
        assert!(read(refused).is_err());
    }
    let mut binary = Vec::new();
    ArmoredReader::new(text.as_bytes()).read_to_end(&mut binary).expect("armor");
    assert!(read(String::from_utf8_lossy(&binary).into_owned()).is_err());
}

#[test]
fn identity_files_have_comments_blank_lines_and_any_line_end() {
    let ((_, first, a), (_, second, b)) = (identities(), identities());
    let text = format!("# created: today\r\n\r\n{}\r\n# public key: x\n{}", *a, *b);
    let identities = AgeIdentities::parse(&text).expect("two identities");
    let ordered = identities.ordered("");
    assert!(ordered.len() == 2 && ordered[0].is_of(&first) && ordered[1].is_of(&second));
    assert!(AgeIdentities::parse("# nothing\n").expect("a file of comments").is_empty());
}

#[test]
fn no_error_repeats_a_line_of_an_identity_file_or_a_secret_given_as_a_recipient() {
    let (_, _, secret) = identities();
    let broken = format!("# x\n{}X", *secret);
    for text in [
        &broken,
        "\nAGE-PLUGIN-CANARY-1QQQ",
        "\nAGE-SECRET-KEY-PQ-1CANARY",
        "\n-----BEGIN CANARY",
        "\ncanary",
        "\n # canary",
    ] {
        let error = AgeIdentities::parse(text).map(drop).unwrap_err().to_string();
        assert!(!error.to_lowercase().contains("canary") && !error.contains(&secret[20..]), "{error}");
    }
    for text in
        [&*secret as &str, &secret.to_lowercase(), "AGE1CANARY", "age1canary1qqq", "ssh-rsa canary", "age1pq1canary"]
    {
        let error = MasterKey::age(text).map(drop).unwrap_err().to_string();
        assert!(
            !error.to_lowercase().contains("canary") && !error.contains(&text[20.min(text.len() - 3)..]),
            "{error}"
        );
    }
}
