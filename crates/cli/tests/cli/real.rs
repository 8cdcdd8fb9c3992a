//! Sixty encrypted files from public repositories, and nobody has their keys: what the command says of them without any
//! is what the reference said.
//!
//! Needs the larger corpus beside the repository. The reports were recorded with the home `/home/u`, which must not exist.
//! Reasons of kinds of key that are not built in, and what gpg says, are left out; a format that is not built in is counted.

use crate::differential::{same, say};
use crate::world::World;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

#[test]
fn real_files_without_keys_are_reported_as_recorded() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/field/real");
    let Ok(verdicts) = std::fs::read_to_string(real.join("verdicts.tsv")) else {
        return say("skipped: real files, the corpus beside the repository is absent");
    };
    assert!(!Path::new("/home/u").exists(), "the reports were recorded with a home that does not exist");
    let world = World::new();
    let (mut ran, mut not_built_in, mut failures) = (0, 0, Vec::new());
    for row in verdicts.lines().filter(|line| line.starts_with("encrypted/")) {
        let row = Row::parse(&real, row);
        match row.compare(&row.run(&world)) {
            Ok(true) => ran += 1,
            Ok(false) => not_built_in += 1,
            Err(difference) => failures.push(format!("{}: {}: {difference}", row.file.display(), row.action)),
        }
    }
    say(&format!(
        "real files: {ran} runs, {not_built_in} with formats that are not built in, {} differ",
        failures.len()
    ));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(ran + not_built_in >= 180, "three runs of each of sixty files");
}

/// One run that was recorded.
struct Row<'a> {
    file: PathBuf,
    action: &'a str,
    exit: i32,
    result: &'a str,
    report: String,
}

impl Row<'_> {
    fn parse<'a>(real: &Path, row: &'a str) -> Row<'a> {
        let columns: Vec<&str> = row.split('\t').collect();
        let file = real.join(columns[0]);
        let report = std::fs::read_to_string(real.join(format!("{}.report", columns[0]))).expect("a recorded report");
        Row { file, action: columns[1], exit: columns[2].parse().expect("an exit code"), result: columns[3], report }
    }

    fn run(&self, world: &World) -> Output {
        let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
        command.env("HOME", "/home/u");
        match self.action.strip_prefix("decrypt stdin named ") {
            Some(name) => {
                let file = File::open(&self.file).expect("a real file");
                command.args(["decrypt", "--filename-override", name]).stdin(Stdio::from(file));
            }
            None if self.action == "filestatus" => drop(command.arg("filestatus").arg(&self.file)),
            None => drop(command.arg("decrypt").arg(&self.file)),
        }
        command.output().expect("the command starts")
    }

    /// Compares a run with the record; `false` for a format that is not built in.
    fn compare(&self, output: &Output) -> Result<bool, String> {
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if stderr.contains("not supported yet: the ") && stderr.contains(" format") {
            return Ok(false);
        }
        // compat: times without quotes are read here; the reference refuses the file.
        let is_lax = self.report.starts_with("decoding failed");
        let (exit, result) = match (is_lax, self.action) {
            (true, "filestatus") => (0, r#"{"encrypted":true}"#),
            (true, _) => (128, ""),
            (false, _) => (self.exit, self.result),
        };
        if output.status.code() != Some(exit) {
            return Err(format!("{}, expected {exit}: {stderr}", output.status));
        }
        same("standard output", stdout.trim_end(), result)?;
        match exit {
            128 if is_lax => same("the report", stderr.lines().next().unwrap_or_default(), REPORT),
            128 => {
                let (ours, theirs) = (Keys::parse(&stderr), Keys::parse(&self.report));
                same("the report", &ours.text(&ours), &theirs.text(&ours))
            }
            _ => same("standard error", &stderr, ""),
        }?;
        Ok(true)
    }
}

const REPORT: &str = "Failed to get the data key required to decrypt the SOPS file.";

/// A report: the lines that are no reasons, and behind each the reason that follows it.
struct Keys<'a>(Vec<(&'a str, String)>);

impl Keys<'_> {
    fn parse(report: &str) -> Keys<'_> {
        let mut lines: Vec<(&str, String)> = Vec::new();
        for line in report.lines() {
            match (line.strip_prefix("    "), lines.last_mut()) {
                (Some(reason), Some((_, before))) => before.push_str(&format!("{reason}\n")),
                _ => lines.push((line, String::new())),
            }
        }
        Keys(lines)
    }

    /// The report without the reasons that are not there in `ours` because a kind is not built in.
    fn text(&self, ours: &Keys<'_>) -> String {
        let is_built_in = |at: usize| {
            let reason = ours.0.get(at).map_or("", |(_, reason)| reason);
            !reason.contains(" is built in\n") && !reason.contains("not supported yet")
        };
        // What gpg says depends on its version and on whose home it has.
        let ours_alone = |reason: &str| reason.split("openpgp error: ").next().unwrap_or_default().to_owned();
        let line = |(at, (line, reason)): (usize, &(&str, String))| match is_built_in(at) {
            true => format!("{line}\n{}", ours_alone(reason)),
            false => format!("{line}\n"),
        };
        self.0.iter().enumerate().map(line).collect()
    }
}
