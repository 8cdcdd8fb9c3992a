//! A small client of HashiCorp Vault's key/value stores: read a secret, write it.
//!
//! Answers of the server can hold values, so only its status numbers become part of a message.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use ureq::{
    Agent, Body, Proxy,
    http::Response,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::{environment::Environment, exit_code::Code, failure::Failure};

/// A server, and who we are there.
pub struct Vault {
    agent: Agent,
    address: String,
    token: Option<String>,
    namespace: Option<String>,
}

impl Vault {
    /// Returns the server at `address`, without a slash at its end. Token, namespace and certificates come from the variables
    /// of Vault's own client.
    ///
    /// # Errors
    /// Certificates that cannot be read (1).
    pub fn new(address: String, env: &Environment) -> Result<Vault, Failure> {
        let mut tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        if let Some(path) = env.text("VAULT_CACERT") {
            tls = tls.root_certs(certificates(&path)?);
        }
        if env.boolean("VAULT_SKIP_VERIFY").ok().flatten() == Some(true) {
            tls = tls.disable_verification(true);
        }
        let mut config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            // A redirect would take the token to another server.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT));
        if is_loopback(&address) {
            config = config.proxy(None::<Proxy>);
        }
        Ok(Vault {
            agent: config.build().new_agent(),
            address,
            token: env.text("VAULT_TOKEN"),
            namespace: env.text("VAULT_NAMESPACE"),
        })
    }

    /// Returns what is stored at a path; `None` where nothing is.
    ///
    /// # Errors
    /// No connection, a refusal, or an answer that makes no sense: the reason.
    pub fn read(&self, path: &str) -> Result<Option<Value>, String> {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let mut answer = request.call().map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            404 => Ok(None),
            200 => {
                let text = answer.body_mut().read_to_vec().map_err(|error| error.to_string())?;
                let body: Value = serde_json::from_slice(&text).map_err(|_| "the answer is not JSON".to_owned())?;
                Ok(body.get("data").cloned())
            }
            status => Err(refused(status)),
        }
    }

    /// Writes a JSON text to a path.
    ///
    /// # Errors
    /// No connection, or a refusal: the reason.
    pub fn write(&self, path: &str, body: &[u8]) -> Result<(), String> {
        let mut request = self.agent.put(self.url(path)).header("Content-Type", "application/json");
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let answer: Response<Body> = request.send(body).map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(refused(status)),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{}", self.address, encoded(path))
    }

    fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let token = self.token.as_deref().map(|token| ("X-Vault-Token", token));
        let namespace = self.namespace.as_deref().map(|namespace| ("X-Vault-Namespace", namespace));
        [Some(("X-Vault-Request", "true")), token, namespace].into_iter().flatten()
    }
}

fn refused(status: u16) -> String {
    let why = match status {
        403 => ": permission denied; is VAULT_TOKEN right, and may it write here?",
        404 => ": is the mount right?",
        300..=399 => ": it sends us to another server; name that one in vault_address",
        503 => ": it is sealed or starting",
        _ => "",
    };
    format!("the server answers {status}{why}")
}

/// A proxy never leads to this machine.
fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}

fn certificates(path: &str) -> Result<RootCerts, Failure> {
    let place = std::path::Path::new(path);
    let text = std::fs::read(place).map_err(|error| Failure::io(Code::Generic, place, "VAULT_CACERT", &error))?;
    let found: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    match found.is_empty() {
        true => Err(Failure::new(Code::Generic, "VAULT_CACERT: there is no certificate in this file").of(path)),
        false => Ok(RootCerts::Specific(Arc::new(found))),
    }
}

/// Percent-encodes what a path cannot hold.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

const TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_the_url() {
        assert_eq!(encoded("kv/a b?c#d%é"), "kv/a%20b%3Fc%23d%25%C3%A9");
        assert!(is_loopback("http://127.0.0.1:1") && !is_loopback("https://v.example"));
    }
}
