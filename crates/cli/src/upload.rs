//! What `publish` sends, and where to. Without the feature `publish` every destination is unsupported.

use zeroize::Zeroizing;

use crate::{environment::Environment, exit_code::Code, failure::Failure};

/// Something to send.
pub struct Upload {
    address: String,
    target: Target,
}

enum Target {
    #[cfg_attr(not(feature = "publish"), allow(dead_code, reason = "nothing sends it"))]
    Vault {
        server: String,
        /// Below `/v1/`.
        path: String,
        /// Whether the store keeps versions, which gives a secret another shape on the way.
        is_versioned: bool,
        text: Zeroizing<Vec<u8>>,
    },
    Later(&'static str),
}

impl Upload {
    /// Sends a JSON object to a key/value store of Vault; an empty `server` is that of the environment.
    pub fn to_vault(
        server: &str,
        mount: &str,
        name: &str,
        version: u8,
        text: Zeroizing<Vec<u8>>,
        env: &Environment,
    ) -> Upload {
        let is_versioned = version != 1;
        let path = format!("{mount}{}{name}", if is_versioned { "data/" } else { "" });
        let server = server_address(server, env);
        Upload { address: format!("{server}/v1/{path}"), target: Target::Vault { server, path, is_versioned, text } }
    }

    /// Stands for a destination that is not built.
    pub fn later(what: &'static str, address: String) -> Upload {
        Upload { address, target: Target::Later(what) }
    }

    /// Returns where it goes, for people.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends it, unless it is there already.
    ///
    /// # Errors
    /// No connection, or a server that refuses (1).
    pub fn send(self, env: &Environment) -> Result<(), Failure> {
        match self.target {
            #[cfg(feature = "publish")]
            Target::Vault { server, path, is_versioned, text } => {
                to_vault(&crate::vault::Vault::new(server, env)?, &path, is_versioned, &text, &self.address)
            }
            #[cfg(not(feature = "publish"))]
            Target::Vault { .. } => Err(unsupported("HashiCorp Vault", env)),
            Target::Later(what) => Err(unsupported(what, env)),
        }
    }
}

#[cfg(feature = "publish")]
fn to_vault(
    vault: &crate::vault::Vault,
    path: &str,
    is_versioned: bool,
    text: &[u8],
    address: &str,
) -> Result<(), Failure> {
    let failure = |reason: String| Failure::new(Code::Generic, format!("{address}: {reason}"));
    let new: serde_json::Value = serde_json::from_slice(text)
        .map_err(|_| failure("the values are no JSON object, which is what Vault holds".to_owned()))?;
    match vault.read(path) {
        Ok(stored) => {
            let stored = if is_versioned { stored.and_then(|all| all.get("data").cloned()) } else { stored };
            if stored.as_ref() == Some(&new) {
                crate::ui::note(&format!("{address} has these values already"));
                return Ok(());
            }
        }
        Err(reason) => crate::ui::warn(&format!(
            "Cannot check if destination secret already exists in {address}. New version will be created even if the data \
             has not been changed. ({reason})"
        )),
    }
    let mut body = Zeroizing::new(Vec::with_capacity(text.len() + 16));
    let (before, after) = if is_versioned { (&b"{\"data\":"[..], &b"}"[..]) } else { (&b""[..], &b""[..]) };
    [before, text, after].iter().for_each(|part| body.extend_from_slice(part));
    vault.write(path, &body).map_err(failure)
}

fn unsupported(what: &str, _env: &Environment) -> Failure {
    Failure::new(Code::Generic, format!("not supported yet: publishing to {what}; nothing was sent"))
}

/// Returns the address of the server without a slash at its end.
fn server_address(named: &str, env: &Environment) -> String {
    let named = Some(named.to_owned()).filter(|address| !address.is_empty()).or_else(|| env.text("VAULT_ADDR"));
    named.unwrap_or_else(|| DEFAULT_ADDRESS.to_owned()).trim_end_matches('/').to_owned()
}

const DEFAULT_ADDRESS: &str = "https://127.0.0.1:8200";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_rule_comes_first() {
        let none = Environment::of(&[], std::path::Path::new("/"));
        let env = Environment::of(&[("VAULT_ADDR", "http://v:1/")], std::path::Path::new("/"));
        let address = |server, version, env| {
            Upload::to_vault(server, "kv/", "a/x", version, Zeroizing::default(), env).address().to_owned()
        };
        assert_eq!(address("", 2, &env), "http://v:1/v1/kv/data/a/x");
        assert_eq!(address("https://w", 1, &env), "https://w/v1/kv/a/x");
        assert_eq!(address("", 1, &none), "https://127.0.0.1:8200/v1/kv/a/x");
    }
}
