//! Whoever sits in front of this process: asked on the terminal, told on standard error.

use sops_core::keys::{Person, Protected};
use zeroize::Zeroizing;

use crate::{
    agent::{self, Refusal},
    environment::Environment,
    terminal::Terminal,
    ui::{self, Lines, escape},
};

/// A person at the controlling terminal, with a gpg-agent that may remember passphrases of identity files.
pub struct AtTerminal {
    env: Environment,
}

impl AtTerminal {
    /// Nothing is opened before it is needed.
    pub fn new(env: &Environment) -> AtTerminal {
        AtTerminal { env: env.clone() }
    }
}

impl AtTerminal {
    /// Asks gpg-agent, and on the terminal where that is of no use.
    fn of_agent(&self, cache_id: &str, description: &str, question: &str) -> Result<Zeroizing<String>, String> {
        let errored = |reason: String| format!("gpg-agent passphrase request errored: {reason}");
        match agent::passphrase(cache_id, description, &self.env) {
            Ok(passphrase) => Ok(passphrase),
            Err(Refusal::NotThere) => Terminal::open()?.secret(question),
            Err(Refusal::Cancelled(reason)) => Err(errored(reason)),
            // An agent that does not understand us is no reason not to ask.
            Err(Refusal::Failed(reason)) => Terminal::open().map_err(|_| errored(reason))?.secret(question),
        }
    }
}

impl Person for AtTerminal {
    fn passphrase(&self, of: Protected<'_>) -> Result<Zeroizing<String>, String> {
        let (place, digest) = match of {
            Protected::IdentityFile { place, digest } => (place, digest),
            Protected::SshKey { path } => {
                return Terminal::open()?.secret(&format!("Enter passphrase for \"{}\":", escape(path, Lines::Escape)));
            }
            Protected::PgpKey { id } => {
                let description = format!("Unlock key {id} to decrypt sops's key");
                return self.of_agent(id, &description, "Enter PGP key passphrase:");
            }
            _ => return Err("there is no question for it".to_owned()),
        };
        let question = format!("Enter passphrase for identity '{}':", escape(place, Lines::Escape));
        self.of_agent(&agent::cache_id(digest), &question, &question)
    }

    fn was_wrong(&self, of: Protected<'_>) {
        match of {
            Protected::IdentityFile { digest, .. } => agent::forget(&agent::cache_id(digest), &self.env),
            Protected::PgpKey { id } => agent::forget(id, &self.env),
            _ => {}
        }
    }

    fn warn(&self, text: &str) {
        ui::warn(text);
    }

    fn message(&self, plugin: &str, text: &str) {
        // Always: a key may be waiting to be touched.
        ui::print(&format!("age: {plugin} plugin: {}\n", escape(text, Lines::Escape)));
    }

    fn confirm(&self, plugin: &str, text: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let terminal = Terminal::open().ok()?;
        let escape = |text| escape(text, Lines::Escape);
        let text = format!("age: {} plugin: {}", escape(plugin), escape(text));
        match no {
            Some(no) => {
                let question = format!("{text} [1: {}, 2: {}]", escape(yes), escape(no));
                Some(terminal.key(&question, b"12").ok()?? == b'1')
            }
            None => {
                let question = format!("{text} [Enter: {}]", escape(yes));
                terminal.key(&question, b"\r\n").ok()?.map(|_| true)
            }
        }
    }

    fn public_value(&self, plugin: &str, text: &str) -> Option<String> {
        let question = format!("age: {plugin} plugin: {}", escape(text, Lines::Escape));
        Terminal::open().ok()?.line_for(&question).ok().map(|line| line.to_string())
    }

    fn secret_value(&self, plugin: &str, text: &str) -> Option<Zeroizing<String>> {
        let question = format!("age: {plugin} plugin: {}", escape(text, Lines::Escape));
        Terminal::open().ok()?.secret(&question).ok()
    }
}
