use super::*;
use crate::metadata::keys::MasterKeyKind;
use crate::metadata::keys::MasterKeyKind::{GcpKms, HcKms};
use std::sync::Mutex;

/// Stores a part as text and gives it back, unless the key's name is on the list.
struct Fake {
    kind: KeyKind,
    refused: &'static [&'static str],
    seen: &'static Mutex<Vec<String>>,
}

impl KeySource for Fake {
    fn kind(&self) -> KeyKind {
        self.kind
    }

    fn wrap(&self, _key: &MasterKey, part: &KeyPart, _call: &CallContext) -> Result<String, KeyError> {
        Ok(part.expose().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn unwrap(&self, key: &MasterKey, _call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        self.seen.lock().expect("one thread").push(key.display());
        if self.refused.contains(&key.display().as_str()) {
            return Err(KeyError::Failed("refused".into()));
        }
        let pairs = key.wrapped.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex"));
        Ok(Some(KeyPart::new(pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect())))
    }
}

fn fake(refused: &'static [&'static str]) -> (Keyring, &'static Mutex<Vec<String>>) {
    let seen: &'static Mutex<Vec<String>> = Box::leak(Box::default());
    let source = |kind| Fake { kind, refused, seen };
    (Keyring::new().with(source(KeyKind::GcpKms)).with(source(KeyKind::HcKms)), seen)
}

fn key(name: &str) -> MasterKey {
    MasterKey::new(GcpKms { resource_id: name.into() })
}

fn wrapped(groups: &[&[&str]], threshold: usize) -> (Metadata, DataKey) {
    let data_key = DataKey::generate();
    let mut groups: Vec<_> =
        groups.iter().map(|names| KeyGroup::new(names.iter().map(|name| key(name)).collect())).collect();
    let threshold = fake(&[]).0.wrap_groups(&mut groups, threshold, &data_key).expect("wraps");
    (Metadata::new(groups, threshold), data_key)
}

#[test]
fn any_key_of_the_only_group_is_enough() {
    let (metadata, data_key) = wrapped(&[&["a", "b"]], 0);
    assert!(fake(&["a"]).0.recover(&metadata).expect("b opens").expose() == data_key.expose());
    let Err(Error::DataKey(report)) = fake(&["a", "b"]).0.recover(&metadata) else { panic!("no key opens") };
    let tried = vec![("a".to_owned(), "refused".to_owned()), ("b".to_owned(), "refused".to_owned())];
    assert_eq!(report.groups, [GroupReport { recovered: false, keys: tried }]);
}

#[test]
fn a_threshold_of_groups_is_enough_and_no_more_are_asked() {
    let (metadata, data_key) = wrapped(&[&["a"], &["b", "c"], &["d"], &["e"]], 2);
    assert_eq!(metadata.threshold, 2);
    let (keyring, seen) = fake(&["a", "b"]);
    assert!(keyring.recover(&metadata).expect("c and d open").expose() == data_key.expose());
    assert_eq!(*seen.lock().expect("one thread"), ["a", "b", "c", "d"]);
}

#[test]
fn too_few_groups_are_reported_group_by_group() {
    let (metadata, _) = wrapped(&[&["a"], &["b"], &["c"]], 0);
    assert_eq!(metadata.threshold, 3, "all groups, unless something else is asked for");
    let Err(Error::DataKey(report)) = fake(&["b"]).0.recover(&metadata) else { panic!("two of three") };
    assert_eq!(report.threshold, 3);
    assert_eq!(report.groups.iter().map(|group| group.recovered).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn thresholds_and_shares_that_cannot_be_are_errors() {
    let data_key = DataKey::generate();
    let mut groups = vec![KeyGroup::new(vec![key("a")]), KeyGroup::new(vec![key("b")])];
    let mut split = |threshold| fake(&[]).0.wrap_groups(&mut groups, threshold, &data_key).map(drop).unwrap_err();
    assert_eq!(split(1).to_string(), "could not split data key into parts for Shamir: threshold must be at least 2");
    assert_eq!(
        split(3).to_string(),
        "could not split data key into parts for Shamir: parts cannot be less than threshold"
    );

    let (mut metadata, _) = wrapped(&[&["a"], &["b"]], 2);
    metadata.threshold = 0;
    let one = fake(&["a"]).0.recover(&metadata).map(drop).unwrap_err().to_string();
    assert_eq!(
        one,
        "could not get data key from shamir parts: less than two parts cannot be used to reconstruct the secret"
    );
    metadata.groups[1].keys[0].wrapped.truncate(64);
    let short = fake(&[]).0.recover(&metadata).map(drop).unwrap_err().to_string();
    assert_eq!(short, "could not get data key from shamir parts: all parts must be the same length");
}

#[test]
fn a_key_of_another_length_or_kind_is_one_that_does_not_work() {
    let (mut metadata, data_key) = wrapped(&[&["a", "b"]], 0);
    metadata.groups[0].keys[0].wrapped.truncate(32);
    metadata.groups[0].keys.insert(0, MasterKey::new(MasterKeyKind::Pgp { fingerprint: "F".into() }));
    assert!(fake(&[]).0.recover(&metadata).expect("b opens").expose() == data_key.expose());
    let Err(Error::DataKey(report)) = fake(&["b"]).0.recover(&metadata) else { panic!("no key opens") };
    let reasons: Vec<&str> = report.groups[0].keys.iter().map(|(_, reason)| reason.as_str()).collect();
    let short = "the recovered data key has 16 bytes, 32 are needed";
    assert_eq!(reasons, ["no key source for pgp is built in", short, "refused"]);
}

#[test]
fn keys_are_tried_in_the_order_of_their_kinds() {
    let (mut metadata, _) = wrapped(&[&["a", "b"]], 0);
    let mut last = metadata.groups[0].keys[0].clone();
    last.kind = HcKms { key_id: "r:c".into() };
    metadata.groups[0].keys.push(last);
    let (keyring, seen) = fake(&["a", "b", "r:c"]);
    assert!(keyring.in_order(&[KeyKind::Pgp, KeyKind::HcKms]).recover(&metadata).is_err());
    assert_eq!(*seen.lock().expect("one thread"), ["r:c", "a", "b"]);
}

#[test]
fn new_keys_are_dated_and_old_ones_keep_their_date() {
    let (_, data_key) = wrapped(&[&["a"]], 0);
    let old = MasterKey { created_at: Some(Timestamp::from_unix_seconds(7)), ..key("old") };
    let mut groups = [KeyGroup::new(vec![key("new"), old])];
    fake(&[]).0.at(9).wrap_groups(&mut groups, 0, &data_key).expect("wraps");
    let dates: Vec<_> = groups[0].keys.iter().map(|key| key.created_at).collect();
    assert_eq!(dates, [Some(Timestamp::from_unix_seconds(9)), Some(Timestamp::from_unix_seconds(7))]);

    let mut metadata = Metadata::new(vec![KeyGroup::new(vec![key("a")])], 0);
    metadata.date_keys();
    assert_eq!(metadata.groups[0].keys[0].created_at, Some(metadata.last_modified), "nobody said what time it is");
}
