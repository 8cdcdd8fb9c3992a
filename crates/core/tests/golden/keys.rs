//! Key sources against the programs that people hold keys with: `gpg` and `age`, in both directions.
//!
//! Where a program is absent its test says so and is skipped. `gpg` has homes of its own and no terminal.

use crate::corpus::corpora;
use sops_core::keys::age::{AgeIdentities, AgeRecipients};
use sops_core::keys::pgp::Gpg;
use sops_core::keys::{CallContext, KeyPart, KeySource, Surroundings, testing};
use sops_core::metadata::keys::{MasterKey, MasterKeyKind};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PART: &[u8] = b"a part of thirty-two bytes or so";
const PATH: &str = "/usr/bin:/bin";

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("standard output");
}

fn is_installed(program: &str) -> bool {
    let found = Path::new("/usr/bin").join(program).exists();
    if !found {
        say(&format!("skipped: {program} is not installed"));
    }
    found
}

fn key(name: &str) -> PathBuf {
    corpora().remove(0).path.join("keys").join(name).canonicalize().unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn text(name: &str) -> String {
    std::fs::read_to_string(key(name)).expect("a readable file").trim_end().to_owned()
}

/// A home of `gpg` with some keys in it, removed at the end together with its agent.
struct Home(PathBuf);

impl Home {
    fn with(name: &str, keys: &[&str]) -> Home {
        use std::os::unix::fs::DirBuilderExt as _;
        // Sockets have short paths.
        let path = PathBuf::from(format!("/tmp/sops-{}-{name}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path).expect("a home");
        let home = Home(path);
        for name in keys {
            let mut import = home.command("gpg");
            let done = import.args(["--batch", "--quiet", "--import"]).arg(key(name)).output().expect("gpg runs");
            assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        }
        home
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", PATH).env("GNUPGHOME", &self.0).stdin(Stdio::null());
        command
    }

    fn source(&self) -> Gpg {
        let variables = vec![("PATH".into(), PATH.into()), ("GNUPGHOME".into(), self.0.clone().into())];
        let around = Surroundings { variables: variables.into(), ..Surroundings::default() };
        Gpg { program: "gpg".into(), around, home: self.0.clone() }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _it_may_not_run = self.command("gpgconf").args(["--kill", "gpg-agent"]).output();
        let _best_effort = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn gpg_conforms() {
    if !is_installed("gpg") {
        return;
    }
    for name in ["pgp-rsa", "pgp-cv25519"] {
        let own = Home::with(name, &[&format!("{name}.sec.asc")]);
        let stranger = Home::with(&format!("{name}-stranger"), &[&format!("{name}.pub.asc")]);
        let fingerprint = text(&format!("{name}.fingerprint")).lines().next().expect("a fingerprint").to_owned();
        let key = MasterKey::new(MasterKeyKind::Pgp { fingerprint });
        assert_eq!(testing::conforms(&own.source(), &key, &stranger.source()), Ok(()), "{name}");
    }
}

#[cfg(feature = "pgp-native")]
#[test]
fn old_key_rings_conform_without_gpg() {
    let ring = |name: &str, files: &[(&str, &str)]| {
        let home = Home::with(name, &[]);
        files.iter().for_each(|(to, from)| drop(std::fs::copy(key(from), home.0.join(to)).expect("a copy")));
        home
    };
    let without_gpg = |home: &Home| Gpg { program: "no-gpg-here".into(), ..home.source() };
    for name in ["pgp-rsa", "pgp-cv25519"] {
        let (public, secret) = (format!("{name}.pub.gpg"), format!("{name}.sec.gpg"));
        let own = ring(&format!("{name}-ring"), &[("pubring.gpg", public.as_str()), ("secring.gpg", secret.as_str())]);
        let stranger = ring(&format!("{name}-other"), &[("secring.gpg", "pgp-pass.sec.gpg")]);
        let fingerprint = text(&format!("{name}.fingerprint")).lines().next().expect("a fingerprint").to_owned();
        let key = MasterKey::new(MasterKeyKind::Pgp { fingerprint });
        assert_eq!(testing::conforms(&without_gpg(&own), &key, &without_gpg(&stranger)), Ok(()), "{name}");
    }
}

#[test]
fn what_gpg_encrypts_opens_here_and_the_other_way_round() {
    if !is_installed("gpg") {
        return;
    }
    let home = Home::with("both", &["pgp-rsa.sec.asc"]);
    let fingerprint = text("pgp-rsa.fingerprint").lines().next().expect("a fingerprint").to_owned();
    let key = MasterKey::new(MasterKeyKind::Pgp { fingerprint: fingerprint.clone() });
    let mut encrypt = home.command("gpg");
    let theirs = piped(encrypt.args(["--batch", "--trust-model", "always", "-e", "-a", "-r", &fingerprint]), PART);
    let theirs = MasterKey { wrapped: String::from_utf8(theirs).expect("armor"), ..key.clone() };
    let part = home.source().unwrap(&theirs, &CallContext::default()).expect("opens").expect("a part");
    assert_eq!(part.expose(), PART);
    let ours = home.source().wrap(&key, &KeyPart::new(PART.to_vec()), &CallContext::default()).expect("wraps");
    assert!(ours.starts_with("-----BEGIN PGP MESSAGE-----\n\n") && ours.ends_with("-----END PGP MESSAGE-----"));
    assert_eq!(piped(home.command("gpg").args(["--batch", "-d"]), ours.as_bytes()), PART);
}

#[test]
fn what_age_encrypts_opens_here_and_the_other_way_round() {
    if !is_installed("age") {
        return;
    }
    let mut kinds = vec![("alice.agekey", text("alice.recipient"))];
    if cfg!(feature = "age-ssh") {
        kinds.extend(["ssh-ed25519", "ssh-rsa"].map(|name| (name, text(&format!("{name}.pub")))));
    }
    for (file, recipient) in kinds {
        let age = || Command::new("age");
        let key = MasterKey::age(&recipient).expect("a recipient");
        let theirs = piped(age().args(["-e", "-a", "-r", &recipient]), PART);
        let theirs = MasterKey { wrapped: String::from_utf8(theirs).expect("armor"), ..key.clone() };
        let part = identities(file).unwrap(&theirs, &CallContext::default()).expect("opens").expect("a part");
        assert_eq!(part.expose(), PART, "{file}");
        let ours = AgeRecipients.wrap(&key, &KeyPart::new(PART.to_vec()), &CallContext::default()).expect("wraps");
        assert_eq!(piped(age().arg("-d").arg("-i").arg(private_copy(file)), ours.as_bytes()), PART, "{file}");
    }
}

/// Keys that others can read are refused by some programs.
fn private_copy(file: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::temp_dir().join(format!("sops-{}-{file}", std::process::id()));
    std::fs::copy(key(file), &path).expect("a copy");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    path
}

fn identities(file: &str) -> AgeIdentities {
    #[cfg(feature = "age-ssh")]
    if file.starts_with("ssh-") {
        use sops_core::keys::age::SshOrigin;
        let public = || Err("no public key".to_owned());
        let origin = SshOrigin::File { path: file, public: &public };
        return AgeIdentities::ssh(text(file).as_bytes(), &origin, &Surroundings::default()).expect("a key");
    }
    AgeIdentities::parse(&text(file)).expect("identities")
}

/// Runs a program with this input, and returns what it prints.
fn piped(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
