//! gpg-agent as a keeper of passphrases of age identity files, in the dialogue of the reference (spec/keys.md §1.8).

use std::{
    io::{self, Read as _, Write as _},
    os::unix::{fs::FileTypeExt as _, net::UnixStream},
    path::PathBuf,
};

use zeroize::Zeroizing;

use crate::{environment::Environment, failure::io_text, user};

/// Why the agent gave no passphrase.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no agent.
    NotThere,
    /// A person was asked and said no.
    Cancelled(String),
    /// The dialogue went wrong.
    Failed(String),
}

/// Asks for a passphrase, which the agent may remember.
///
/// # Errors
/// [`Refusal`].
pub fn passphrase(cache_id: &str, description: &str, env: &Environment) -> Result<Zeroizing<String>, Refusal> {
    let mut agent = Agent::connect(env).ok_or(Refusal::NotThere)?;
    let failed = |reason: String| Refusal::Failed(format!("gpgagent: {reason}"));
    let options = [
        ("display", env.text("DISPLAY")),
        ("ttyname", std::fs::read_link("/proc/self/fd/0").ok().map(|path| path.to_string_lossy().into_owned())),
        ("ttytype", env.text("TERM")),
    ];
    for (name, value) in options {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let answer = agent.ask(&format!("OPTION {name}={value}")).map_err(failed)?;
        if !answer.starts_with("OK") {
            return Err(failed(format!("response to OPTION was {}", *answer)));
        }
    }
    let description = form_encoded(description);
    let answer = agent.ask(&format!("GET_PASSPHRASE {cache_id} X Passphrase {description}")).map_err(failed)?;
    let mut words = answer.split(' ');
    match (words.next(), words.next()) {
        (Some("OK"), hex) => from_hex(hex.unwrap_or_default()).ok_or_else(|| failed("malformed answer".to_owned())),
        (Some("ERR"), Some("83886179")) => Err(Refusal::Cancelled("gpgagent: Cancel".to_owned())),
        (Some("ERR"), Some("67108922")) => Err(Refusal::Failed("GPG_ERR_NO_DATA cache miss".to_owned())),
        // Its words, never a passphrase: those come with `OK` only.
        (Some("ERR"), _) => Err(failed(answer.to_string())),
        _ => Err(failed("unexpected answer".to_owned())),
    }
}

/// Makes the agent forget a passphrase that was wrong.
pub fn forget(cache_id: &str, env: &Environment) {
    if let Some(mut agent) = Agent::connect(env) {
        let _nothing_to_do_about_it = agent.ask(&format!("CLEAR_PASSPHRASE {cache_id}"));
    }
}

/// Returns the name that a passphrase is remembered by: `SopsAge` and base32 of the start of the file's digest.
pub fn cache_id(digest: &[u8; 32]) -> String {
    let mut out = String::from("SopsAge");
    for group in digest.get(..25).unwrap_or_default().chunks_exact(5) {
        let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        out.extend((0..8).rev().map(|index| {
            let digit = usize::try_from(bits >> (5 * index) & 31).unwrap_or_default();
            char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[digit])
        }));
    }
    out
}

struct Agent(UnixStream);

impl Agent {
    fn connect(env: &Environment) -> Option<Agent> {
        let mut agent = Agent(UnixStream::connect(socket(env)?).ok()?);
        agent.line().ok().filter(|greeting| greeting.starts_with("OK")).map(|_| agent)
    }

    fn ask(&mut self, line: &str) -> Result<Zeroizing<String>, String> {
        let asked = self.0.write_all(format!("{line}\n").as_bytes());
        asked.and_then(|()| self.line()).map_err(|error| io_text(&error))
    }

    /// A line, read byte by byte: a buffer would keep what it holds.
    fn line(&mut self) -> io::Result<Zeroizing<String>> {
        let mut line = Zeroizing::new(String::with_capacity(MAX_LINE));
        let mut byte = Zeroizing::new([0u8]);
        loop {
            self.0.read_exact(&mut *byte)?;
            match byte.first() {
                Some(b'\n') | None => return Ok(line),
                Some(_) if line.len() == MAX_LINE => return Err(io::Error::other("the answer is too long")),
                Some(byte) => line.push(char::from(*byte)),
            }
        }
    }
}

/// Returns where the agent listens.
fn socket(env: &Environment) -> Option<PathBuf> {
    if let Some(info) = env.get("GPG_AGENT_INFO") {
        let info = info.to_string_lossy();
        return info.split(':').next().filter(|path| !path.is_empty()).map(PathBuf::from);
    }
    let is_socket = |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.file_type().is_socket());
    let of_home = user::home().map(|home| home.join(".gnupg/S.gpg-agent")).filter(is_socket);
    of_home.or_else(|| Some(PathBuf::from(env.text("XDG_RUNTIME_DIR")?).join("gnupg/S.gpg-agent")).filter(is_socket))
}

/// `a b'c` → `a+b%27c`.
fn form_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

fn from_hex(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks(2) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let [high, low] = pair else { return None };
        bytes.push(u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?);
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

const MAX_LINE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_form_encoded() {
        let text = form_encoded("Enter passphrase for identity 'SOPS_AGE_KEY_FILE':");
        assert_eq!(text, "Enter+passphrase+for+identity+%27SOPS_AGE_KEY_FILE%27%3A");
    }

    #[test]
    fn the_cache_id_has_47_characters() {
        assert_eq!(cache_id(&[0; 32]), format!("SopsAge{}", "A".repeat(40)));
        assert_eq!(cache_id(&[0xff; 32]), format!("SopsAge{}", "7".repeat(40)));
    }

    #[test]
    fn an_answer_is_hexadecimal_text() {
        assert_eq!(from_hex("636F7272").as_deref().map(String::as_str), Some("corr"));
        assert!(from_hex("6").is_none() && from_hex("6X").is_none() && from_hex("FF").is_none());
    }
}
