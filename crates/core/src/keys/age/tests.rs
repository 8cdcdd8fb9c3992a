use super::*;
use crate::keys::{Person, Protected};

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

fn key_file(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/keys").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn key_text(name: &str) -> String {
    String::from_utf8(key_file(name)).expect("text").trim_end().to_owned()
}

/// Says a passphrase, and counts how often it was asked.
#[derive(Default)]
struct Says {
    passphrase: &'static str,
    asked: std::sync::atomic::AtomicUsize,
    wrong: std::sync::atomic::AtomicUsize,
}

impl Person for Says {
    fn passphrase(&self, _of: Protected<'_>) -> Result<Zeroizing<String>, String> {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Zeroizing::new(self.passphrase.to_owned()))
    }

    fn was_wrong(&self, _of: Protected<'_>) {
        self.wrong.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

fn says(passphrase: &'static str) -> (Arc<Says>, Surroundings) {
    let says = Arc::new(Says { passphrase, ..Says::default() });
    (says.clone(), Surroundings { person: says, ..Surroundings::default() })
}

fn times(count: &std::sync::atomic::AtomicUsize) -> usize {
    count.load(std::sync::atomic::Ordering::Relaxed)
}

fn conforms(identities: &AgeIdentities, recipient: &str) {
    let key = MasterKey::age(recipient).expect("a recipient");
    let stranger = AgeIdentities::parse(&AgeIdentities::generate_text().0).expect("an identity");
    assert_eq!(crate::keys::testing::conforms(identities, &key, &stranger), Ok(()), "{recipient:.20}");
}

#[test]
fn native_identities_conform() {
    for name in ["alice", "pq-alice"] {
        let identities = AgeIdentities::parse(&key_text(&format!("{name}.agekey"))).expect("identities");
        conforms(&identities, &key_text(&format!("{name}.recipient")));
    }
}

#[test]
fn encrypted_identity_files_conform_and_are_asked_for_once() {
    for (file, name) in [("encrypted.age", "dave"), ("encrypted-armored.age", "dave"), ("encrypted-pq.age", "pq-alice")]
    {
        let (says, around) = says("correct horse");
        let identities = AgeIdentities::encrypted(&key_file(file), "PLACE", &around).expect("a file");
        assert_eq!((times(&says.asked), identities.len()), (0, 1), "nothing is asked before it is needed");
        conforms(&identities, &key_text(&format!("{name}.recipient")));
        assert_eq!((times(&says.asked), times(&says.wrong)), (1, 0));
    }
}

#[test]
fn a_wrong_passphrase_is_told_to_whoever_remembers_it_and_asked_for_again() {
    let (says, around) = says("wrong");
    let identities = AgeIdentities::encrypted(&key_file("encrypted.age"), "PLACE", &around).expect("a file");
    let key = wrapped(&key_text("dave.recipient"));
    for asked in 1..3 {
        let error = opens(&identities, &key).unwrap_err().to_string();
        assert!(error.ends_with("with age: incorrect passphrase"), "{error}");
        assert_eq!((times(&says.asked), times(&says.wrong)), (asked, asked));
    }
}

#[test]
fn native_identities_go_first_and_what_was_not_tried_is_counted() {
    let (says, around) = says("wrong");
    let mut identities = AgeIdentities::encrypted(&key_file("encrypted.age"), "PLACE", &around).expect("a file");
    identities.extend(AgeIdentities::encrypted(&key_file("encrypted.age"), "PLACE", &around).expect("a file"));
    identities.extend(AgeIdentities::parse(&key_text("alice.agekey")).expect("identities"));
    assert_eq!(opens(&identities, &wrapped(&key_text("alice.recipient"))), Ok(true));
    assert_eq!(times(&says.asked), 0);
    let error = opens(&identities, &wrapped(&key_text("bob.recipient"))).unwrap_err().to_string();
    assert!(error.ends_with("incorrect passphrase (1 identity was not tried)"), "{error}");
}

#[test]
fn work_without_end_is_refused() {
    let mut recipient = age::scrypt::Recipient::new(age::secrecy::SecretString::from("correct horse"));
    recipient.set_work_factor(2);
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).expect("wraps");
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).expect("writes");
    writer.write_all(b"# nothing\n").expect("writes");
    writer.finish().expect("writes");
    let (_, around) = says("correct horse");
    let refusal = |file: &[u8]| {
        let identities = AgeIdentities::encrypted(file, "PLACE", &around).expect("a file");
        opens(&identities, &wrapped(&key_text("dave.recipient"))).unwrap_err().to_string()
    };
    assert!(refusal(&file).ends_with("failed to decrypt identity file: no identities found"));
    let line = file.iter().position(|byte| *byte == b'\n').expect("an intro") + 1;
    let end = line + file[line..].iter().position(|byte| *byte == b'\n').expect("a stanza");
    file.splice(end - 1..end, *b"23");
    assert!(refusal(&file).ends_with("its scrypt work factor is 23, at most 22 is accepted"), "{}", refusal(&file));
}

#[test]
fn a_file_of_very_many_recipients_is_refused() {
    let identities = AgeIdentities::parse(&key_text("alice.agekey")).expect("identities");
    let recipient =
        Recipient::parse(&key_text("alice.recipient")).expect("a recipient").within(&Surroundings::default());
    let encryptor = age::Encryptor::with_recipients((0..300).map(|_| &*recipient)).expect("wraps");
    let mut armored = Vec::new();
    let armor = ArmoredWriter::wrap_output(&mut armored, Format::AsciiArmor).expect("writes");
    encryptor.wrap_output(armor).and_then(|writer| writer.finish()).and_then(|armor| armor.finish()).expect("writes");
    let key = MasterKey { wrapped: String::from_utf8(armored).expect("text"), ..wrapped(&key_text("alice.recipient")) };
    assert!(opens(&identities, &key).unwrap_err().to_string().ends_with("more than 256 recipients"));
}

#[cfg(feature = "age-ssh")]
mod ssh_keys {
    use super::*;

    fn identity(name: &str, around: &Surroundings) -> Result<AgeIdentities, KeyError> {
        let public = || Ok(key_text(&format!("{name}.pub")));
        AgeIdentities::ssh(&key_file(name), &SshOrigin::File { path: name, public: &public }, around)
    }

    #[test]
    fn keys_in_every_container_conform() {
        for name in ["ssh-ed25519", "ssh-ed25519-pkcs8", "ssh-rsa", "ssh-rsa-pem", "ssh-rsa-pkcs8"] {
            let identities = identity(name, &Surroundings::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            conforms(&identities, &key_text(&format!("{name}.pub")));
        }
    }

    #[test]
    fn protected_keys_ask_once_and_only_for_a_file_that_is_for_them() {
        for name in ["ssh-ed25519-pass", "ssh-rsa-pass", "ssh-rsa-pem-pass", "ssh-rsa-pem-3des"] {
            let (right, around) = says("correct horse");
            let identities = identity(name, &around).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (own, other) = (wrapped(&key_text(&format!("{name}.pub"))), wrapped(&key_text("ssh-ed25519.pub")));
            assert!(
                opens(&identities, &other).is_err()
                    && opens(&identities, &wrapped(&key_text("alice.recipient"))).is_err()
            );
            assert_eq!(times(&right.asked), 0, "{name}");
            assert_eq!((opens(&identities, &own), opens(&identities, &own)), (Ok(true), Ok(true)), "{name}");
            assert_eq!(times(&right.asked), 1, "{name}");
            let (_, around) = says("wrong");
            let error = opens(&identity(name, &around).expect("a key"), &own).unwrap_err().to_string();
            assert!(
                error.ends_with("failed to decrypt SSH key file: x509: decryption password incorrect"),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn a_public_key_of_another_private_one_is_noticed() {
        let (_, around) = says("correct horse");
        let public = || Ok(key_text("ssh-rsa.pub"));
        let origin = SshOrigin::File { path: "p", public: &public };
        let identities = AgeIdentities::ssh(&key_file("ssh-rsa-pem-pass"), &origin, &around).expect("a key");
        let error = opens(&identities, &wrapped(&key_text("ssh-rsa.pub"))).unwrap_err().to_string();
        assert!(error.ends_with("mismatched private and public SSH key"), "{error}");
    }

    #[test]
    fn what_is_no_key_or_costs_too_much_says_so_and_is_not_repeated() {
        let refusal = |text: &[u8]| {
            let public = || Err("no public key".to_owned());
            let origin = SshOrigin::File { path: "PATH", public: &public };
            AgeIdentities::ssh(text, &origin, &Surroundings::default()).map(drop).unwrap_err().to_string()
        };
        assert_eq!(
            refusal(&key_file("ssh-ecdsa")),
            "malformed SSH identity in \"PATH\": unsupported SSH identity type: *ecdsa.PrivateKey"
        );
        for text in [
            "canary",
            "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n",
            "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n",
        ] {
            let text = refusal(text.as_bytes());
            assert!(
                text.starts_with("malformed SSH identity in \"PATH\": ssh: ") && !text.contains("canary"),
                "{text}"
            );
        }
        assert_eq!(refusal(&key_file("ssh-rsa-pem-pass")), "no public key");
        // The rounds stand behind the salt, 16 bytes long, in the options of bcrypt.
        let text = key_text("ssh-ed25519-pass");
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let mut body = base64::prelude::BASE64_STANDARD.decode(body).expect("base64");
        let options = body.windows(6).position(|window| window == b"bcrypt").expect("bcrypt") + 6;
        body[options + 24..options + 28].copy_from_slice(&2049u32.to_be_bytes());
        let text = base64::prelude::BASE64_STANDARD.encode(body);
        let text = refusal(
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n").as_bytes(),
        );
        assert!(text.ends_with("ssh: 2049 rounds of bcrypt, at most 2048 are accepted"), "{text}");
    }

    #[test]
    fn the_first_line_that_is_a_recipient_counts() {
        let key = key_text("ssh-ed25519.pub").replace(' ', "\t");
        assert!(MasterKey::age(&format!("ssh-unknown x\n{key}")).is_ok());
        let error = MasterKey::age(&key_text("ssh-rsa-1024.pub")).map(drop).unwrap_err().to_string();
        assert_eq!(error, "malformed SSH recipient: RSA key size is too small");
    }
}
