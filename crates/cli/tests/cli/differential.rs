//! Random documents exchanged with the live reference, in both directions.
//!
//! Needs `SOPS_REFERENCE`, the path of Go SOPS 3.13.2. `SOPS_DIFFERENTIAL_COUNT` documents are made (40 by default) from
//! `SOPS_DIFFERENTIAL_SEED` (1 by default). For each:
//!
//! 1. both accept it or both refuse it (one in ten is broken on purpose: there we may refuse more);
//! 2. both encrypt the same leaves with the same types, in the same order;
//! 3. the reference decrypts ours: MAC verified, no warning, the same values, no comment left as cipher text;
//! 4. we decrypt the reference's: the same values, and without comments the very text that the reference prints;
//! 5. we decrypt our own: the very bytes of the input where tokens can carry them, else the same values.
//!
//! Where the reference cannot read what it wrote itself (comments in lists, `compat:`) or reads another value (an empty
//! comment in a list becomes an empty text), only 5 is asked for.

use crate::generator::{Sample, sample};
use crate::world::{ALICE_RECIPIENT, World};
use sops_core::outline::Node;
use sops_core::{Format, PlainDocument};
use std::io::Write;
use std::process::Output;

#[test]
fn random_documents_go_both_ways() {
    let Some(both) = Both::with_reference() else { return say("skipped: differential, SOPS_REFERENCE is not set") };
    let (mut verdicts, mut failures) = ([0; 3], Vec::new());
    let count = both.seeds().count();
    for seed in both.seeds() {
        let sample = sample(seed);
        match both.exchange(&sample) {
            Ok(verdict) => verdicts[verdict as usize] += 1,
            Err(difference) => failures.push(format!(
                "seed {seed} {:?}: {difference}\n--- document\n{}--- end\n",
                sample.selector,
                sample.text.replace('\r', "␍")
            )),
        }
    }
    let [exchanged, own_only, refused] = verdicts;
    say(&format!(
        "differential: {count} documents, {exchanged} exchanged, {own_only} that the reference cannot read back, {refused} \
         refused, {} differ",
        failures.len()
    ));
    assert!(failures.is_empty(), "{} of {count} differ:\n{}", failures.len(), failures.join("\n"));
}

/// How an exchange without a difference went.
#[derive(Clone, Copy)]
enum Verdict {
    Exchanged = 0,
    OwnOnly = 1,
    Refused = 2,
}

/// Our command and the reference, side by side.
pub struct Both {
    /// Where both run.
    pub world: World,
    /// The path of the reference.
    pub reference: String,
}

impl Both {
    /// `None` without `SOPS_REFERENCE`.
    pub fn with_reference() -> Option<Both> {
        let reference = std::env::var_os("SOPS_REFERENCE")?;
        Some(Both { world: World::with_key(), reference: reference.to_string_lossy().into_owned() })
    }

    /// The seeds of `SOPS_DIFFERENTIAL_COUNT` documents.
    pub fn seeds(&self) -> impl Iterator<Item = u64> {
        let number = |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
        let (count, base): (u64, u64) = (number("SOPS_DIFFERENTIAL_COUNT", 40), number("SOPS_DIFFERENTIAL_SEED", 1));
        (0..count).map(move |i| base.wrapping_mul(1_000_003).wrapping_add(i))
    }

    fn exchange(&self, sample: &Sample) -> Result<Verdict, String> {
        self.world.write("plain.yaml", &sample.text);
        let args = [&["--encrypt", "--age", ALICE_RECIPIENT.trim()], &sample.selector[..]].concat();
        let theirs = self.theirs(&args, "plain.yaml");
        // A rule that happens to select nothing is an error here; that is not what is compared.
        let insist = if sample.selector.is_empty() { &[][..] } else { &["--allow-nothing-encrypted"][..] };
        let ours = self.ours(&[&args, insist].concat(), "plain.yaml");
        match (theirs.status.success(), ours.status.success()) {
            (false, false) => return Ok(Verdict::Refused),
            (false, true) => return Err(format!("the reference refuses it: {}", message(&theirs))),
            // We are stricter where the reference loses data; what it accepts of a broken text is not worth a rule.
            (true, false) if sample.is_broken => return Ok(Verdict::Refused),
            (true, false) => return Err(format!("we refuse it: {}", message(&ours))),
            (true, true) => {}
        }
        self.world.write("theirs.yaml", &theirs.stdout);
        self.world.write("ours.yaml", &ours.stdout);
        self.own_file(sample)?;
        let oracle = self.theirs(&["--decrypt"], "theirs.yaml");
        if !oracle.status.success() || has_empty_comment_in_list(&sample.text) {
            return Ok(Verdict::OwnOnly);
        }
        same("types of the tokens", &types(&ours.stdout), &types(&theirs.stdout))?;
        self.reference_reads_ours(sample, &oracle)?;
        self.we_read_the_reference(sample, &oracle)?;
        Ok(Verdict::Exchanged)
    }

    fn own_file(&self, sample: &Sample) -> Result<(), String> {
        let plain = self.ours(&["--decrypt"], "ours.yaml");
        if !plain.status.success() {
            return Err(format!("we cannot read our own file: {}", message(&plain)));
        }
        let text = String::from_utf8_lossy(&plain.stdout).into_owned();
        if sample.is_lossless {
            same("our text of our own file", &text, &sample.text)?;
        }
        Ok(())
    }

    fn reference_reads_ours(&self, sample: &Sample, oracle: &Output) -> Result<(), String> {
        let plain = self.theirs(&["--decrypt"], "ours.yaml");
        if !plain.status.success() || !plain.stderr.is_empty() {
            return Err(format!("the reference on our file: {}", message(&plain)));
        }
        let text = String::from_utf8_lossy(&plain.stdout).into_owned();
        if text.contains("ENC[AES256_GCM") {
            return Err(format!("the reference leaves cipher text in our file:\n{text}"));
        }
        if !sample.has_comments {
            same("text of the reference on our file", &text, &String::from_utf8_lossy(&oracle.stdout))?;
        }
        let json = |file| self.theirs(&["--decrypt", "--output-type", "json"], file).stdout;
        same_bytes("values of the reference on our file", &json("ours.yaml"), &json("theirs.yaml"))
    }

    fn we_read_the_reference(&self, sample: &Sample, oracle: &Output) -> Result<(), String> {
        let plain = self.ours(&["--decrypt"], "theirs.yaml");
        if !plain.status.success() {
            return Err(format!("we cannot read the reference's file: {}", message(&plain)));
        }
        let text = String::from_utf8_lossy(&plain.stdout).into_owned();
        if !sample.has_comments {
            same("our text of the reference's file", &text, &String::from_utf8_lossy(&oracle.stdout))?;
        }
        let theirs = self.theirs(&["--decrypt", "--output-type", "json"], "theirs.yaml").stdout;
        for file in ["theirs.yaml", "ours.yaml"] {
            let ours = self.ours(&["--decrypt", "--output-type", "json"], file);
            if !ours.status.success() {
                return Err(format!("we cannot print {file} as JSON: {}", message(&ours)));
            }
            same_bytes(&format!("our values of {file}"), &ours.stdout, &theirs)?;
        }
        Ok(())
    }

    /// Runs the reference on a file.
    pub fn theirs(&self, args: &[&str], file: &str) -> Output {
        self.world.command(&self.reference).args(args).arg(file).output().expect("the reference starts")
    }

    /// Runs our command on a file.
    pub fn ours(&self, args: &[&str], file: &str) -> Output {
        self.world.sops(&[args, &[file]].concat())
    }
}

/// Whether an empty comment stands in a list: the reference makes an element of it.
pub fn has_empty_comment_in_list(text: &str) -> bool {
    let Ok(plain) = PlainDocument::parse(Format::Yaml, text.as_bytes()) else { return false };
    let (items, texts) = (&plain.outline().items, plain.texts());
    let is_list = |parent: u32| items.get(parent as usize).is_some_and(|item| matches!(item.node, Node::List));
    items.iter().any(|item| match &item.node {
        Node::Comment { text, .. } => text.bytes(texts).is_empty() && is_list(item.parent),
        _ => false,
    })
}

/// The type labels of all tokens but comments, in the order of the text: the reference drops some comments, we do not.
fn types(encrypted: &[u8]) -> String {
    let text = String::from_utf8_lossy(encrypted).into_owned();
    // The record of spellings is none of the values.
    let text: String =
        text.lines().filter(|line| !line.contains("spelling: ENC[") && !line.contains("spelling: \"ENC[")).collect();
    let labels = text.split(",type:").skip(1).filter_map(|rest| rest.split(']').next());
    labels.filter(|label| *label != "comment").collect::<Vec<_>>().join(" ")
}

/// Compares two outputs.
pub fn same_bytes(what: &str, got: &[u8], expected: &[u8]) -> Result<(), String> {
    same(what, &String::from_utf8_lossy(got), &String::from_utf8_lossy(expected))
}

/// Compares two texts; a difference is told by its first line.
pub fn same(what: &str, got: &str, expected: &str) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    let (got, expected): (Vec<&str>, Vec<&str>) = (got.split('\n').collect(), expected.split('\n').collect());
    let at = (0..).find(|&i| got.get(i) != expected.get(i)).unwrap_or_default();
    Err(format!("{what}: line {}: {:?}, expected {:?}", at + 1, got.get(at), expected.get(at)))
}

/// Exit status and standard error.
pub fn message(output: &Output) -> String {
    format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// Prints past the capture of the test harness.
pub fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("standard output");
}
