//! Configurations: which keys and which selection a rule asks for, as the reference shows by what it writes and by what it
//! cannot reach.

use crate::corpus::{Tally, corpora};
use crate::library::ALICE_RECIPIENT;
use crate::tables::field;
use serde_json::{Value, json};
use sops_core::config::{Config, CreationRule};
use sops_core::metadata::keys::KeyKind;
use sops_core::select::Settings;

const BOB_RECIPIENT: &str = include_str!("../../../../fixtures/keys/bob.recipient");

/// What a rule asks for, with the names of the reference's metadata.
struct Asked {
    groups: Vec<Vec<(KeyKind, String)>>,
    settings: Settings,
    threshold: u32,
    mac_only_encrypted: bool,
}

/// What the configuration asks for; `None` where it does not say, `Err` where it cannot be used.
fn asked(config: &[u8], path: &str) -> Result<Option<Asked>, String> {
    let config = Config::parse(config).map_err(|error| error.to_string())?;
    let rule = config.rule_for(path).map_err(|error| error.to_string())?;
    rule.map(|rule| asked_by(rule).map_err(|error| error.to_string())).transpose()
}

fn asked_by(rule: &CreationRule) -> Result<Asked, sops_core::Error> {
    let groups = rule.groups(&[])?;
    let shown = |group: &Vec<_>| -> Vec<(KeyKind, String)> {
        group.iter().map(|key: &sops_core::metadata::keys::MasterKey| (key.kind(), key.display())).collect()
    };
    Ok(Asked {
        groups: groups.iter().map(shown).collect(),
        settings: rule.settings()?,
        threshold: rule.threshold()?,
        mac_only_encrypted: rule.mac_only_encrypted,
    })
}

impl Asked {
    fn has_keys(&self) -> bool {
        self.groups.iter().all(|group| !group.is_empty())
    }

    /// The keys that need something from outside; the reference names exactly these when there is nothing.
    fn out_of_reach(&self) -> Vec<&str> {
        let others = self.groups.iter().flatten().filter(|(kind, _)| *kind != KeyKind::Age);
        others.map(|(_, key)| key.as_str()).collect()
    }

    fn groups(&self) -> Vec<Vec<&str>> {
        self.groups.iter().map(|group| group.iter().map(|(_, key)| key.as_str()).collect()).collect()
    }

    /// The settings as the reference writes them: its default where none is given.
    fn settings(&self) -> Value {
        let settings = &self.settings;
        let all = [
            ("unencrypted_suffix", &settings.unencrypted_suffix),
            ("encrypted_suffix", &settings.encrypted_suffix),
            ("unencrypted_regex", &settings.unencrypted_regex),
            ("encrypted_regex", &settings.encrypted_regex),
            ("unencrypted_comment_regex", &settings.unencrypted_comment_regex),
            ("encrypted_comment_regex", &settings.encrypted_comment_regex),
        ];
        match all.iter().find(|(_, text)| !text.is_empty()) {
            Some((name, text)) => json!({ *name: text }),
            None => json!({ "unencrypted_suffix": "_unencrypted" }),
        }
    }

    /// The threshold as the reference writes it: the number of groups where none is given.
    fn threshold(&self) -> u64 {
        match (self.threshold, self.groups.len()) {
            (0, 1) => 0,
            (0, groups) => groups as u64,
            (threshold, _) => threshold.into(),
        }
    }
}

#[test]
fn rules_ask_for_what_the_reference_takes_from_them() {
    for corpus in corpora().into_iter().filter(|corpus| corpus.path.join("config").is_dir()) {
        let mut tally = Tally::default();
        for row in corpus.elements("config/rules.json") {
            let people =
                |text: &str| text.replace("{{ALICE}}", ALICE_RECIPIENT.trim()).replace("{{BOB}}", BOB_RECIPIENT.trim());
            let row: Value = serde_json::from_str(&people(&row.to_string())).expect("a row");
            let asked = asked(field(&row, "config").as_bytes(), "a.yaml");
            let problem = match (asked, row.get("error"), row.get("failing")) {
                (Ok(Some(asked)), Some(_), _) => asked.has_keys().then(|| "accepted".to_owned()),
                (Err(_) | Ok(None), Some(_), _) => None,
                (Err(error), None, _) => Some(error),
                (Ok(None), None, _) => Some("no rule".to_owned()),
                (Ok(Some(asked)), None, Some(failing)) => {
                    let ours = json!(asked.out_of_reach());
                    (ours != *failing).then(|| format!("{ours}, expected {failing}"))
                }
                (Ok(Some(asked)), None, None) => {
                    let ours = json!([asked.groups(), asked.settings(), asked.threshold(), asked.mac_only_encrypted]);
                    let expected = json!([
                        row["groups"],
                        row["settings"],
                        row["threshold"].as_i64().unwrap_or(0),
                        row["mac_only_encrypted"].as_bool().unwrap_or(false),
                    ]);
                    (ours != expected).then(|| format!("{ours}, expected {expected}"))
                }
            };
            corpus.judge(&mut tally, &format!("config/rules.json {}", field(&row, "name")), problem);
        }
        corpus.report("rows", "config/rules.json", tally);
    }
}

/// Public configurations with paths of their repositories.
#[test]
fn public_configurations_ask_for_what_the_reference_takes_from_them() {
    for corpus in corpora().into_iter().filter(|corpus| corpus.path.join("field/real/config").is_dir()) {
        let mut tally = Tally::default();
        for row in corpus.rows("field/real/verdicts.tsv") {
            let [file, action, exit, result, ..] = &row[..] else { panic!("{row:?}") };
            let Some(path) = action.strip_prefix("encrypt:") else { continue };
            let asked = asked(corpus.text(&format!("field/real/{file}")).as_bytes(), path);
            let is_binary = !["yaml", "yml", "json", "env", "ini"].iter().any(|end| path.ends_with(&format!(".{end}")));
            let problem = match (asked, exit.as_str()) {
                (Ok(Some(asked)), "0") => Some(shown(&asked, is_binary)).filter(|shown| shown != result),
                (Ok(Some(asked)), _) => {
                    let mut keys = asked.out_of_reach();
                    keys.sort_unstable();
                    let shown = if keys.is_empty() { String::new() } else { format!("failing={}", keys.join(",")) };
                    (shown != *result).then_some(shown)
                }
                (Ok(None) | Err(_), "0") => Some("no rule, or an error".to_owned()),
                (Ok(None) | Err(_), _) => (!result.is_empty()).then(|| "no rule, or an error".to_owned()),
            };
            let problem = problem.map(|ours| format!("{ours}, expected {result}"));
            corpus.judge(&mut tally, &format!("{file} {path}"), problem);
        }
        corpus.report("rows", "field/real/config", tally);
    }
}

/// A row's text for what is asked.
fn shown(asked: &Asked, is_binary: bool) -> String {
    let mut keys: Vec<&str> = asked.groups.iter().flatten().map(|(_, key)| key.as_str()).collect();
    keys.sort_unstable();
    let mut parts = vec![format!("age={}", keys.join(","))];
    if !is_binary {
        let mut settings: Vec<String> = asked
            .settings()
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, text)| format!("{name}={}", text.as_str().unwrap_or_default()))
            .collect();
        settings.extend(asked.mac_only_encrypted.then(|| "mac_only_encrypted=true".to_owned()));
        settings.extend(Some(asked.threshold()).filter(|t| *t > 0).map(|t| format!("shamir_threshold={t}")));
        settings.sort();
        parts.extend(settings);
    }
    parts.join("; ")
}
