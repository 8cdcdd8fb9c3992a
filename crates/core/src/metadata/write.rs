//! Writing the branch: exactly the reference's fields, in byte order at every level, and what else the file had.

use super::keys::{KeyKind, MasterKey, MasterKeyKind};
use super::{KeyGroup, Metadata};
use crate::outline::Event;
use crate::value::Value;

type Events = Vec<Event<'static>>;

fn text(events: &mut Events, key: &'static str, value: &str) {
    events.push(Event::Leaf(Some(key.into()), Value::Str(value.as_bytes().to_vec().into())));
}

fn optional(events: &mut Events, key: &'static str, value: &str) {
    if !value.is_empty() {
        text(events, key, value);
    }
}

impl Metadata {
    /// The branch as events: its map, the members, the end.
    pub fn write(&self) -> Vec<Event<'static>> {
        let settings = &self.settings;
        let mut known = Vec::new();
        optional(&mut known, "encrypted_comment_regex", &settings.encrypted_comment_regex);
        optional(&mut known, "encrypted_regex", &settings.encrypted_regex);
        optional(&mut known, "encrypted_suffix", &settings.encrypted_suffix);
        match &self.groups[..] {
            [group] => KeyKind::ALL.iter().for_each(|kind| key_list(&mut known, group, *kind, false)),
            groups => key_groups(&mut known, groups),
        }
        text(&mut known, "lastmodified", &self.last_modified.whole_seconds());
        text(&mut known, "mac", &self.mac);
        if self.mac_only_encrypted {
            known.push(Event::Leaf(Some("mac_only_encrypted".into()), Value::Bool(true)));
        }
        if self.threshold > 0 {
            let threshold = i64::try_from(self.threshold).unwrap_or(i64::MAX);
            known.push(Event::Leaf(Some("shamir_threshold".into()), Value::Int(threshold)));
        }
        optional(&mut known, "spelling", &self.spelling);
        optional(&mut known, "unencrypted_comment_regex", &settings.unencrypted_comment_regex);
        optional(&mut known, "unencrypted_regex", &settings.unencrypted_regex);
        optional(&mut known, "unencrypted_suffix", &settings.unencrypted_suffix);
        text(&mut known, "version", &self.version);

        let mut events = vec![Event::Map(None)];
        self.unknown.merge_into(&known, &mut events);
        events.push(Event::End);
        events
    }
}

fn key_groups(events: &mut Events, groups: &[KeyGroup]) {
    events.push(Event::List(Some("key_groups".into())));
    for group in groups {
        let mut known = Vec::new();
        for kind in KeyKind::ALL {
            key_list(&mut known, group, kind, matches!(kind, KeyKind::Age | KeyKind::HcVault));
        }
        events.push(Event::Map(None));
        group.unknown.merge_into(&known, events);
        events.push(Event::End);
    }
    events.push(Event::End);
}

fn key_list(events: &mut Events, group: &KeyGroup, kind: KeyKind, even_empty: bool) {
    let mut keys = group.keys.iter().filter(|k| k.kind() == kind).peekable();
    if keys.peek().is_none() && !even_empty {
        return;
    }
    events.push(Event::List(Some(kind.field().into())));
    for key in keys {
        let mut known = Vec::new();
        master_key(&mut known, key);
        events.push(Event::Map(None));
        key.unknown.merge_into(&known, events);
        events.push(Event::End);
    }
    events.push(Event::End);
}

fn master_key(events: &mut Events, key: &MasterKey) {
    let created_at = key.created_at.map(|t| t.whole_seconds()).unwrap_or_default();
    let created = |events: &mut Events| text(events, "created_at", &created_at);
    let enc = |events: &mut Events| text(events, "enc", &key.wrapped);
    match &key.kind {
        MasterKeyKind::Age { recipient } => {
            enc(events);
            text(events, "recipient", recipient);
        }
        MasterKeyKind::AzureKv { vault_url, name, version } => {
            created(events);
            enc(events);
            text(events, "name", name);
            text(events, "vault_url", vault_url);
            text(events, "version", version);
        }
        MasterKeyKind::GcpKms { resource_id } => {
            created(events);
            enc(events);
            text(events, "resource_id", resource_id);
        }
        MasterKeyKind::HcVault { vault_address, engine_path, key_name } => {
            created(events);
            enc(events);
            text(events, "engine_path", engine_path);
            text(events, "key_name", key_name);
            text(events, "vault_address", vault_address);
        }
        MasterKeyKind::HcKms { key_id } => {
            created(events);
            enc(events);
            text(events, "key_id", key_id);
        }
        MasterKeyKind::Kms { arn, role, aws_profile, context } => {
            text(events, "arn", arn);
            text(events, "aws_profile", aws_profile);
            if !context.is_empty() {
                events.push(Event::Map(Some("context".into())));
                let mut context: Vec<_> = context.iter().collect();
                context.sort();
                for (name, value) in context {
                    let value = value.as_ref().map_or(Value::Null, |v| Value::Str(v.as_bytes().to_vec().into()));
                    events.push(Event::Leaf(Some(name.clone().into()), value));
                }
                events.push(Event::End);
            }
            created(events);
            enc(events);
            optional(events, "role", role);
        }
        MasterKeyKind::Pgp { fingerprint } => {
            created(events);
            enc(events);
            text(events, "fp", fingerprint);
        }
    }
}
