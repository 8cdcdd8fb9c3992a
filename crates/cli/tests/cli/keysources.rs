//! Key sources, proved by files that the reference wrote and by what it said: `fixtures/keysources`, one folder a case.
//!
//! A case runs in a scratch folder that holds its files, a link to the test keys, an empty home, and where it asks for it a
//! `GNUPGHOME`, a gpg-agent of ours, or a terminal on which a passphrase is typed. Exit status, standard output and
//! standard error are compared byte for byte; `fixtures/DIFFERENCES` has what may differ, with the reason. What a case
//! encrypts is encrypted here too, and opened again: by us, and by the reference where `SOPS_REFERENCE` names it.

use crate::typing::on_a_terminal;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use tempfile::TempDir;

#[test]
fn every_case_ends_as_the_reference_ended_it() {
    let fixtures = fixtures();
    let mut cases: Vec<PathBuf> = std::fs::read_dir(fixtures.join("keysources"))
        .expect("the cases")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| path.join("case.toml").is_file())
        .collect();
    cases.sort();
    let tally = Mutex::new(Tally::default());
    let next = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                while let Some(folder) = { next.lock().expect("no panic").next() } {
                    let case = Case::read(folder);
                    let outcome = case.run();
                    tally.lock().expect("no panic").add(&case.name(), outcome);
                }
            });
        }
    });
    tally.into_inner().expect("no panic").report(&fixtures);
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").canonicalize().expect("the fixtures")
}

#[derive(Default)]
struct Tally {
    ran: usize,
    reviewed: usize,
    skipped: HashMap<&'static str, usize>,
    failures: Vec<String>,
}

/// The problems of a case, or why it cannot run here.
type Outcome = Result<Vec<String>, &'static str>;

impl Tally {
    fn add(&mut self, name: &str, outcome: Outcome) {
        let list = include_str!("../../../../fixtures/DIFFERENCES");
        let start = format!("keysources/{name}: ");
        let reason = list.lines().find_map(|line| line.strip_prefix(start.as_str()));
        // One reason goes with a feature.
        let is_reviewed =
            reason.is_some_and(|reason| !cfg!(feature = "pgp-native") || !reason.contains("are left to gpg"));
        match outcome {
            Err(reason) => *self.skipped.entry(reason).or_default() += 1,
            Ok(problems) => {
                self.ran += 1;
                match (is_reviewed, problems.is_empty()) {
                    (true, true) => self.failures.push(format!("{name}: no difference any more: take it off the list")),
                    (true, false) => self.reviewed += 1,
                    (false, _) => {
                        self.failures.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")))
                    }
                }
            }
        }
    }

    fn report(self, fixtures: &Path) {
        let Tally { ran, reviewed, skipped, failures } = self;
        let skips: String = skipped.iter().map(|(reason, n)| format!(", skipped {n}: {reason}")).collect();
        let line =
            format!("cases keysources: {ran}, failed {}, differ as they may {reviewed}{skips}\n", failures.len());
        std::io::stdout().write_all(line.as_bytes()).expect("standard output");
        assert!(failures.is_empty(), "{} of {ran} differ:\n{}", failures.len(), failures.join("\n"));
        let counts = std::fs::read_to_string(fixtures.join("COUNTS")).expect("COUNTS");
        let least = counts.lines().find_map(|line| line.strip_prefix("cases keysources ")?.parse::<usize>().ok());
        let least = least.expect("COUNTS has a line for keysources");
        let found = ran + skipped.values().sum::<usize>();
        assert!(found >= least, "only {found} cases are there, COUNTS says {least}");
    }
}

struct Case {
    folder: PathBuf,
    entries: HashMap<String, serde_json::Value>,
}

impl Case {
    /// Reads the small part of TOML that these cases use: tables, and entries of one line with JSON-like values.
    fn read(folder: &Path) -> Case {
        let text = std::fs::read_to_string(folder.join("case.toml")).expect("case.toml is readable");
        let (mut table, mut entries) = (String::new(), HashMap::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                table = format!("{name}.");
                entries.insert(name.to_owned(), serde_json::Value::Null);
                continue;
            }
            let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("{}: {line}", folder.display()));
            let value = serde_json::from_str(value).unwrap_or_else(|e| panic!("{}: {line}: {e}", folder.display()));
            entries.insert(format!("{table}{key}"), value);
        }
        Case { folder: folder.to_path_buf(), entries }
    }

    fn name(&self) -> String {
        self.folder.file_name().expect("a name").to_string_lossy().into_owned()
    }

    fn has(&self, entry: &str) -> bool {
        self.entries.contains_key(entry)
    }

    fn exit(&self, entry: &str) -> Option<i64> {
        self.entries.get(entry)?.as_i64()
    }

    fn text(&self, entry: &str) -> Option<&str> {
        self.entries.get(entry)?.as_str()
    }

    fn list(&self, entry: &str) -> Vec<String> {
        let items = self.entries.get(entry).and_then(|value| value.as_array()).cloned().unwrap_or_default();
        items.iter().map(|item| item.as_str().expect("a list of texts").to_owned()).collect()
    }

    fn table(&self, name: &str) -> HashMap<String, String> {
        let prefix = format!("{name}.");
        let entry = |(key, value): (&String, &serde_json::Value)| {
            Some((key.strip_prefix(&prefix)?.to_owned(), value.as_str()?.to_owned()))
        };
        self.entries.iter().filter_map(entry).collect()
    }

    fn file(&self, start: &str) -> Option<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).expect("a readable folder");
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        found.sort();
        found.into_iter().find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
    }

    fn run(&self) -> Outcome {
        let mut problems = Vec::new();
        if self.has("decrypt") {
            let encrypted = self.file("encrypted.").expect("an encrypted file");
            let bytes = std::fs::read(&encrypted).expect("a readable file");
            let (output, _) = self.decrypt(Path::new(SOPS), &bytes)?;
            problems.extend(self.judge("decrypt", &output));
        }
        if self.has("encrypt") {
            let output = self.encrypt()?;
            if !self.has("decrypt") {
                problems.extend(self.judge("encrypt", &output));
            } else if !output.status.success() {
                problems.push(format!("does not encrypt: {}", String::from_utf8_lossy(&output.stderr)));
            } else if self.exit("decrypt.exit") == Some(0) {
                let reference = std::env::var_os("SOPS_REFERENCE");
                for program in [Some(SOPS.into()), reference].into_iter().flatten() {
                    let (again, _) = self.decrypt(Path::new(&program), &output.stdout)?;
                    // We give the very bytes back, the reference a text in its own layout.
                    let input = std::fs::read(self.file("input.").expect("an input")).expect("a readable file");
                    let problem = self.wrong_text(&again.stdout).filter(|_| again.stdout != input);
                    problems.extend(problem.map(|problem| {
                        let stderr = String::from_utf8_lossy(&again.stderr).into_owned();
                        format!("what was encrypted here, opened by {}: {problem}: {stderr}", program.display())
                    }));
                }
            }
        }
        Ok(problems)
    }

    fn decrypt(&self, program: &Path, document: &[u8]) -> Result<(Output, Scratch), &'static str> {
        let scratch = Scratch::of(self, "decrypt")?;
        let name = self.file("encrypted.").expect("an encrypted file");
        let name = name.file_name().expect("a name").to_string_lossy().into_owned();
        std::fs::write(scratch.path(&name), document).expect("a file is written");
        let mut args = vec!["decrypt".to_owned()];
        args.extend(self.list("decrypt.args"));
        args.extend(types(&name));
        args.push(name);
        let typed = self.entries.contains_key("decrypt.type_at_prompts").then(|| self.list("decrypt.type_at_prompts"));
        let output = scratch.run(program, &args, typed.as_deref())?;
        Ok((output, scratch))
    }

    fn encrypt(&self) -> Result<Output, &'static str> {
        let scratch = Scratch::of(self, "encrypt")?;
        let name = self.file("input.").expect("an input");
        let name = name.file_name().expect("a name").to_string_lossy().into_owned();
        let mut args = vec!["encrypt".to_owned()];
        args.extend(self.list("encrypt.args"));
        args.extend(types(&name));
        args.push(name);
        scratch.run(Path::new(SOPS), &args, None)
    }

    fn judge(&self, part: &str, output: &Output) -> Vec<String> {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let wanted = self.exit(&format!("ours.{part}_exit")).or(self.exit(&format!("{part}.exit")));
        let code = output.status.code().map(i64::from);
        if code != wanted {
            return vec![format!("{part} ends with {code:?}, not {wanted:?}: {stderr}")];
        }
        let mut problems = Vec::new();
        if self.text("ours.secret_absent").is_some_and(|secret| stderr.contains(secret)) {
            problems.push(format!("prints a secret: {stderr}"));
        }
        if part == "decrypt" && code == Some(0) {
            problems.extend(self.wrong_text(&output.stdout));
        }
        let expected = std::fs::read_to_string(self.folder.join(format!("{part}.stderr"))).unwrap_or_default();
        if !self.has("ours") && stderr != expected {
            problems.push(format!("{part} says: {stderr}"));
        }
        problems
    }

    fn wrong_text(&self, text: &[u8]) -> Option<String> {
        let expected = std::fs::read(self.file("decrypted.").expect("a decrypted file")).expect("a readable file");
        (text != expected).then(|| "another text".to_owned())
    }
}

fn types(name: &str) -> Vec<String> {
    let kind = match name.rsplit('.').next() {
        Some("env") => "dotenv",
        Some("bin") => "binary",
        _ => return Vec::new(),
    };
    ["--input-type", kind, "--output-type", kind].map(String::from).into()
}

/// A folder as a case wants it. What runs in it sees relative paths only, so that texts are the same everywhere.
struct Scratch {
    folder: TempDir,
    variables: HashMap<String, String>,
    has_gpg: bool,
}

impl Scratch {
    fn of(case: &Case, part: &str) -> Result<Scratch, &'static str> {
        let imports = case.list(&format!("{part}.gpg_import"));
        if !imports.is_empty() && !is_installed("gpg") {
            return Err("gpg is not installed");
        }
        let folder = TempDir::with_prefix("k").expect("a scratch folder");
        copy(&case.folder, folder.path());
        std::os::unix::fs::symlink(fixtures().join("keys"), folder.path().join("keys")).expect("a link");
        std::fs::create_dir_all(folder.path().join("home")).expect("a home");
        for line in case.list(&format!("{part}.files")) {
            let (target, source) = line.split_once(" = ").expect("target = source");
            let target = folder.path().join(target);
            std::fs::create_dir_all(target.parent().expect("a parent")).expect("a folder");
            std::fs::copy(folder.path().join(source), target).expect("a copy");
        }
        let mut variables: HashMap<String, String> =
            [("PATH", BASE_PATH), ("HOME", "home"), ("LC_ALL", "C"), ("SOPS_DISABLE_VERSION_CHECK", "1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        let mut scratch = Scratch { folder, variables: HashMap::new(), has_gpg: !imports.is_empty() };
        if scratch.has_gpg {
            scratch.import(&imports);
            variables.insert("GNUPGHOME".to_owned(), "gnupg".to_owned());
        }
        if case.text("testenv") == Some("agent.py") {
            variables.insert("GPG_AGENT_INFO".to_owned(), scratch.start_agent(&case.table("testenv_env")));
        }
        for (name, value) in case.table(&format!("{part}.env")) {
            match value.as_str() {
                "{unset}" => variables.remove(&name),
                value => variables.insert(name, scratch.expanded(value)),
            };
        }
        scratch.variables = variables;
        Ok(scratch)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn expanded(&self, value: &str) -> String {
        let mut value = value.replace("{cwd}", &self.folder.path().to_string_lossy()).replace("{path}", BASE_PATH);
        while let Some((before, rest)) = value.split_once("{file:") {
            let (name, after) = rest.split_once('}').expect("a closing brace");
            value = format!("{before}{}{after}", std::fs::read_to_string(self.path(name)).expect("a file"));
        }
        value
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", BASE_PATH).env("HOME", "home").env("LC_ALL", "C");
        command
    }

    fn import(&self, keys: &[String]) {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().mode(0o700).create(self.path("gnupg")).expect("a folder for gpg");
        for key in keys {
            let mut gpg = self.command("gpg");
            let done =
                gpg.args(["--homedir", "gnupg", "--batch", "--quiet", "--import", key]).output().expect("gpg runs");
            assert!(done.status.success(), "{key}: {}", String::from_utf8_lossy(&done.stderr));
        }
    }

    /// Answers as a gpg-agent would, for as long as the test runs.
    fn start_agent(&self, settings: &HashMap<String, String>) -> String {
        let path = self.path("S.agent");
        let listener = UnixListener::bind(&path).expect("a socket");
        let setting = |name: &str| settings.get(name).cloned();
        let answer = setting("AGENT_ANSWER").unwrap_or_else(|| "correct horse".to_owned());
        let refused = setting("AGENT_REFUSE").map(|name| format!("OPTION {name}="));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let mut connection = BufReader::new(connection);
                let mut say = "OK Pleased to meet you".to_owned();
                loop {
                    let mut line = String::new();
                    if connection.get_mut().write_all(format!("{say}\n").as_bytes()).is_err()
                        || !matches!(connection.read_line(&mut line), Ok(1..))
                    {
                        break;
                    }
                    say = match line.split(' ').next() {
                        Some("OPTION") if refused.as_ref().is_some_and(|start| line.starts_with(start)) => {
                            "ERR 67109139 Unknown option".to_owned()
                        }
                        Some("GET_PASSPHRASE") if answer.starts_with("ERR ") => answer.clone(),
                        Some("GET_PASSPHRASE") => {
                            format!("OK {}", answer.bytes().map(|byte| format!("{byte:02X}")).collect::<String>())
                        }
                        _ => "OK".to_owned(),
                    };
                }
            }
        });
        format!("{}:0:1", path.display())
    }

    /// Runs it; with `typed` on a terminal of its own, where these lines are typed.
    fn run(&self, program: &Path, args: &[String], typed: Option<&[String]>) -> Result<Output, &'static str> {
        let Some(lines) = typed else {
            let mut command = self.command(&program.to_string_lossy());
            // Without a terminal, whatever this test runs on.
            let mut detached = self.command("/usr/bin/setsid");
            detached.arg("--wait").arg(command.get_program()).args(args).env_clear().envs(&self.variables);
            if !is_installed("setsid") {
                command.args(args).env_clear().envs(&self.variables);
                return Ok(command.output().expect("the command runs"));
            }
            return Ok(detached.output().expect("the command runs"));
        };
        let variables = self.variables.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        on_a_terminal(self.folder.path(), variables, program, args, b":", &lines)
            .map(|(output, _shown)| output)
            .ok_or("script is not installed, so there is no terminal to type on")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.has_gpg {
            let mut stop = self.command("gpgconf");
            let _it_may_not_run = stop.args(["--homedir", "gnupg", "--kill", "gpg-agent"]).output();
        }
    }
}

fn is_installed(program: &str) -> bool {
    BASE_PATH.split(':').any(|folder| Path::new(folder).join(program).exists())
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a readable folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

const SOPS: &str = env!("CARGO_BIN_EXE_sops");
const BASE_PATH: &str = "/usr/bin:/bin";
