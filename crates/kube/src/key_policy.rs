//! Which master keys of a file may be used: its author chooses hosts, roles and paths, and we would go there.
//!
//! Local kinds are free unless an allow-list says otherwise. For every remote kind an empty list means *refused*: no
//! request leaves for an address that only a file named.

use sops_core::metadata::keys::{KeyKind, MasterKey, MasterKeyKind};

/// A Vault server and the part of it that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultAddress {
    /// The host, in lower case.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What the engine path must start with, in whole segments; empty for any.
    pub engine_prefix: String,
}

/// Which master keys may be used.
#[derive(Clone, Debug, Default)]
pub struct KeyPolicy {
    /// Kinds that may be used; empty for all.
    pub kinds: Vec<KeyKind>,
    /// age recipients; empty for all.
    pub age_recipients: Vec<String>,
    /// PGP fingerprints in upper case; empty for all.
    pub pgp_fingerprints: Vec<String>,
    /// AWS accounts and regions: `ARN`s, where a final `*` stands for any rest.
    pub aws_arns: Vec<String>,
    /// Roles that may be assumed, as ARNs.
    pub aws_roles: Vec<String>,
    /// What a GCP resource must start with, in whole segments.
    pub gcp_prefixes: Vec<String>,
    /// Azure Key Vault hosts.
    pub azure_hosts: Vec<String>,
    /// Vault servers.
    pub vault: Vec<VaultAddress>,
    /// Whether local kinds need a list too.
    pub is_mandatory: bool,
}

impl KeyPolicy {
    /// Tells why a master key may not be used; no text of the file beyond the kind is repeated.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self, key: &MasterKey) -> Result<(), String> {
        let kind = key.kind();
        if !self.kinds.is_empty() && !self.kinds.contains(&kind) {
            return Err(format!("keys of kind {} are not allowed", kind.field()));
        }
        let listed = |list: &[String], name: &str| match list.is_empty() {
            true => !self.is_mandatory,
            false => list.iter().any(|l| l.eq_ignore_ascii_case(name)),
        };
        let allowed = match &key.kind {
            MasterKeyKind::Age { recipient } => listed(&self.age_recipients, recipient),
            MasterKeyKind::Pgp { fingerprint } => listed(&self.pgp_fingerprints, &fingerprint.replace(' ', "")),
            MasterKeyKind::Kms { arn, role, .. } => {
                is_aws_arn(arn)
                    && self.aws_arns.iter().any(|pattern| matches_arn(pattern, arn))
                    && (role.is_empty() || self.aws_roles.contains(role))
            }
            MasterKeyKind::GcpKms { resource_id } => {
                is_gcp_resource(resource_id) && self.gcp_prefixes.iter().any(|p| has_prefix(resource_id, p))
            }
            MasterKeyKind::AzureKv { vault_url, name, version } => {
                let host = https_host(vault_url).filter(|(_, port, path)| *port == 443 && path.is_empty());
                host.is_some_and(|(host, ..)| self.azure_hosts.contains(&host))
                    && is_segment(name)
                    && (version.is_empty() || is_segment(version))
            }
            MasterKeyKind::HcVault { vault_address, engine_path, key_name } => {
                self.allows_vault(vault_address, engine_path, key_name)
            }
            MasterKeyKind::HcKms { .. } => false,
        };
        match allowed {
            true => Ok(()),
            false => Err(format!("the policy does not list this {} key", kind.field())),
        }
    }

    fn allows_vault(&self, address: &str, engine: &str, key: &str) -> bool {
        let Some((host, port, path)) = https_host(address) else { return false };
        path.is_empty()
            && engine.split('/').all(is_segment)
            && is_segment(key)
            && self.vault.iter().any(|v| {
                v.host == host && v.port == port && (v.engine_prefix.is_empty() || has_prefix(engine, &v.engine_prefix))
            })
    }
}

/// One segment of a path: nothing that climbs, nothing that must be escaped.
fn is_segment(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= 255 && text != "." && text != ".." && text.bytes().all(allowed)
}

/// `https://host[:port][/path]` without user, query and fragment; the host in lower case.
fn https_host(url: &str) -> Option<(String, u16, String)> {
    let rest = url.strip_prefix("https://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|p| *p > 0)?),
        None => (authority, 443),
    };
    let label = |l: &str| !l.is_empty() && l.len() < 64 && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_host = host.len() < 254 && host.split('.').all(label);
    let is_path = !path.contains(['?', '#', '\\', '@', '%']);
    (is_host && is_path).then(|| (host.to_ascii_lowercase(), port, path.to_owned()))
}

/// `arn:aws[-x]:kms:REGION:DIGITS:(key|alias)/…`, the region a DNS label.
fn is_aws_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [scheme, partition, service, region, account, resource] = parts[..] else { return false };
    let lower = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let name = resource.strip_prefix("key/").or_else(|| resource.strip_prefix("alias/"));
    scheme == "arn"
        && (partition == "aws" || partition.strip_prefix("aws-").is_some_and(lower))
        && service == "kms"
        && lower(region)
        && region.len() < 32
        && region.bytes().last().is_some_and(|b| b.is_ascii_digit())
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && name.is_some_and(|n| n.split('/').all(is_segment))
}

fn matches_arn(pattern: &str, arn: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => arn.starts_with(prefix),
        None => pattern == arn,
    }
}

/// `projects/p/locations/l/keyRings/r/cryptoKeys/k`.
fn is_gcp_resource(resource: &str) -> bool {
    let parts: Vec<&str> = resource.split('/').collect();
    let names = ["projects", "locations", "keyRings", "cryptoKeys"];
    parts.len() == 8
        && parts.iter().step_by(2).eq(names.iter())
        && parts.iter().skip(1).step_by(2).all(|part| is_segment(part) || part.contains(':') && !part.contains(".."))
}

/// Whether a path starts with another one, in whole segments.
fn has_prefix(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &KeyPolicy, kind: MasterKeyKind) -> bool {
        policy.check(&MasterKey::new(kind)).is_ok()
    }

    fn vault(address: &str, engine: &str, key: &str) -> MasterKeyKind {
        let (vault_address, engine_path, key_name) = (address.into(), engine.into(), key.into());
        MasterKeyKind::HcVault { vault_address, engine_path, key_name }
    }

    fn aws(arn: &str, role: &str) -> MasterKeyKind {
        MasterKeyKind::Kms { arn: arn.into(), role: role.into(), aws_profile: "ignored".into(), context: Vec::new() }
    }

    #[test]
    fn t05_a_vault_address_that_only_the_file_names_gets_no_token() {
        let listed = VaultAddress { host: "vault.example".into(), port: 8200, engine_prefix: "transit".into() };
        let policy = KeyPolicy { vault: vec![listed], ..KeyPolicy::default() };
        assert!(check(&policy, vault("https://Vault.example:8200", "transit", "k")));
        for refused in [
            "http://vault.example:8200",
            "https://vault.example",
            "https://vault.example:8201",
            "https://vault.example:8200@evil.example",
            "https://evil.example:8200",
            "https://user@vault.example:8200",
            "https://vault.example:8200/x",
            "https://vault.example:8200/?a",
            "https://169.254.169.254:8200",
            "",
        ] {
            assert!(!check(&policy, vault(refused, "transit", "k")), "{refused}");
        }
        assert!(!check(&KeyPolicy::default(), vault("https://vault.example:8200", "transit", "k")));
    }

    #[test]
    fn t06_the_path_of_a_vault_key_cannot_climb() {
        let listed = VaultAddress { host: "v".into(), port: 443, engine_prefix: "team/transit".into() };
        let policy = KeyPolicy { vault: vec![listed], ..KeyPolicy::default() };
        assert!(check(&policy, vault("https://v", "team/transit", "app-1.x")));
        assert!(check(&policy, vault("https://v", "team/transit/sub", "k")));
        for (engine, key) in [
            ("team/transit/../../sys", "k"),
            ("team/transit2", "k"),
            ("team/transit/", "k"),
            ("/team/transit", "k"),
            ("team/transit", "../decrypt/x"),
            ("team/transit", "a/b"),
            ("team/transit", "a%2fb"),
            ("team/transit", ".."),
            ("team/transit", ""),
        ] {
            assert!(!check(&policy, vault("https://v", engine, key)), "{engine} {key}");
        }
    }

    #[test]
    fn t07_an_arn_names_a_region_and_no_host() {
        let (arn, role) = ("arn:aws:kms:eu-west-1:123456789012:key/abc", "arn:aws:iam::123456789012:role/r");
        let policy = KeyPolicy {
            aws_arns: vec!["arn:aws:kms:eu-west-1:123456789012:*".into()],
            aws_roles: vec![role.into()],
            ..KeyPolicy::default()
        };
        assert!(check(&policy, aws(arn, "")) && check(&policy, aws(arn, role)));
        assert!(!check(&policy, aws(arn, "arn:aws:iam::123456789012:role/admin")));
        let any = KeyPolicy { aws_arns: vec!["*".into()], ..KeyPolicy::default() };
        for refused in [
            "arn:aws:kms:evil.example/x:123456789012:key/a",
            "arn:aws:kms::123456789012:key/a",
            "arn:aws.evil:kms:eu-west-1:123456789012:key/a",
            "arn:aws:s3:eu-west-1:123456789012:key/a",
            "arn:aws:kms:eu-west-1:12345678901:key/a",
            "arn:aws:kms:eu-west-1:123456789012:key/../a",
            "arn:aws:kms:eu-west-1@1:123456789012:key/a",
        ] {
            assert!(!check(&any, aws(refused, "")), "{refused}");
        }
        assert!(!check(&KeyPolicy::default(), aws(arn, "")), "an empty list refuses");
    }

    #[test]
    fn t08_azure_google_and_huawei_resources_must_be_listed() {
        let policy = KeyPolicy {
            azure_hosts: vec!["team.vault.azure.net".into()],
            gcp_prefixes: vec!["projects/mine".into()],
            ..KeyPolicy::default()
        };
        let azure = |url: &str, name: &str| MasterKeyKind::AzureKv {
            vault_url: url.into(),
            name: name.into(),
            version: "1".into(),
        };
        assert!(check(&policy, azure("https://team.vault.azure.net/", "k")));
        assert!(check(&policy, azure("https://team.vault.azure.net", "k")));
        for url in ["http://team.vault.azure.net", "https://evil.vault.azure.net", "https://team.vault.azure.net.evil"]
        {
            assert!(!check(&policy, azure(url, "k")), "{url}");
        }
        assert!(!check(&policy, azure("https://team.vault.azure.net", "../secrets/x")));
        let gcp = |id: &str| MasterKeyKind::GcpKms { resource_id: id.into() };
        assert!(check(&policy, gcp("projects/mine/locations/l/keyRings/r/cryptoKeys/k")));
        for id in [
            "projects/mine2/locations/l/keyRings/r/cryptoKeys/k",
            "projects/other/locations/l/keyRings/r/cryptoKeys/k",
            "projects/mine/../other/locations/l/keyRings/r",
            "projects/mine",
        ] {
            assert!(!check(&policy, gcp(id)), "{id}");
        }
        assert!(!check(&policy, MasterKeyKind::HcKms { key_id: "r:k".into() }));
    }

    #[test]
    fn local_kinds_are_free_unless_a_list_says_otherwise() {
        let age = |text: &str| MasterKeyKind::Age { recipient: text.into() };
        assert!(check(&KeyPolicy::default(), age("age1x")));
        let listed = KeyPolicy { age_recipients: vec!["age1x".into()], ..KeyPolicy::default() };
        assert!(check(&listed, age("age1x")) && !check(&listed, age("age1y")));
        assert!(!check(&KeyPolicy { is_mandatory: true, ..KeyPolicy::default() }, age("age1x")));
    }
}
