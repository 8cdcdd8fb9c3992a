//! Random edits exchanged with the live reference: what one wrote, the other changes.
//!
//! Needs `SOPS_REFERENCE`; count and seed as in [`crate::differential`]. Of each document there are four files: written by
//! either program and changed by either. All get the same `set`, `unset` and `rotate`. At every step all four succeed or
//! all fail, and at the end both programs read the same values from all four.
//!
//! Left out is what differs on purpose: positions in lists with comments (they count there), positions in mappings, keys
//! of lists and lists as values (nothing, a crash, an error there), empty comments in lists (empty texts there). Whole numbers are stored as floats there, so types of
//! numbers are not compared.

use crate::differential::{Both, has_empty_comment_in_list, message, same, same_bytes, say};
use crate::generator::{Random, Sample, sample};
use crate::world::ALICE_RECIPIENT;
use serde_json::Value;
use sops_core::outline::Node;
use sops_core::{Format, PlainDocument};
use std::process::Output;

/// Who wrote a file, then who changes it.
const FILES: [&str; 4] = ["theirs-theirs.yaml", "theirs-ours.yaml", "ours-theirs.yaml", "ours-ours.yaml"];

#[test]
fn differential_edits_go_both_ways() {
    let Some(both) = Both::with_reference() else { return say("skipped: edits, SOPS_REFERENCE is not set") };
    let (mut edited, mut steps, mut left_out, mut lost, mut failures) = (0, 0, 0, 0, Vec::new());
    for seed in both.seeds() {
        let sample = sample(seed);
        let Some(mut files) = Files::write(&both, &sample) else {
            left_out += 1;
            continue;
        };
        match files.edit(&mut Random::new(seed ^ 0xED17)) {
            Ok(()) => {
                (edited, steps, lost) = (edited + 1, steps + files.log.len(), lost + FILES.len() - files.alive.len())
            }
            Err(difference) => failures.push(format!(
                "seed {seed} {:?}: {difference}\n{}\n--- document\n{}--- end\n",
                sample.selector,
                files.log.join("\n"),
                sample.text.replace('\r', "␍")
            )),
        }
    }
    say(&format!(
        "differential edits: {edited} documents, {steps} edits, {lost} files that the reference could not read after its own \
         change, {left_out} documents left out, {} differ",
        failures.len()
    ));
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

/// One change: the arguments in front of and behind the file.
struct Edit {
    before: Vec<String>,
    after: Vec<String>,
}

/// The four files of a document.
struct Files<'a> {
    both: &'a Both,
    sample: &'a Sample,
    /// Those that are still compared.
    alive: Vec<&'static str>,
    log: Vec<String>,
}

impl<'a> Files<'a> {
    /// Writes the four files; `None` for a document that one of the programs cannot write or read.
    fn write(both: &'a Both, sample: &'a Sample) -> Option<Files<'a>> {
        both.world.write("plain.yaml", &sample.text);
        let args = [&["--encrypt", "--age", ALICE_RECIPIENT.trim()], &sample.selector[..]].concat();
        let insist = if sample.selector.is_empty() { &[][..] } else { &["--allow-nothing-encrypted"][..] };
        let theirs = both.theirs(&args, "plain.yaml");
        let ours = both.ours(&[&args, insist].concat(), "plain.yaml");
        for file in FILES {
            both.world.write(file, if file.starts_with("theirs") { &theirs.stdout } else { &ours.stdout });
        }
        let is_readable = || both.theirs(&["--decrypt"], FILES[0]).status.success();
        let fits = !sample.is_broken
            && !has_empty_comment_in_list(&sample.text)
            && theirs.status.success()
            && ours.status.success()
            && is_readable();
        fits.then(|| Files { both, sample, alive: FILES.to_vec(), log: Vec::new() })
    }

    /// Changes and compares.
    fn edit(&mut self, random: &mut Random) -> Result<(), String> {
        let counted = lists_with_comments(&self.sample.text);
        for _ in 0..1 + random.below(4) {
            let output = self.both.ours(&["--decrypt", "--output-type", "json"], FILES[3]);
            let tree =
                serde_json::from_slice(&output.stdout).map_err(|_| format!("our own file: {}", message(&output)))?;
            let edit = edit(random, &tree, &counted);
            self.log.push(format!("{} … {}", edit.before.join(" "), edit.after.join(" ")));
            self.apply(&edit)?;
        }
        self.compare()
    }

    /// Changes all files; whether it succeeds is the same for all, and a failure changes nothing of ours.
    fn apply(&mut self, edit: &Edit) -> Result<(), String> {
        let mut first: Option<(&str, Output)> = None;
        for file in self.alive.clone() {
            let before = self.both.world.read(file);
            let is_ours = file.ends_with("-ours.yaml");
            let args =
                edit.before.iter().map(String::as_str).chain([file]).chain(edit.after.iter().map(String::as_str));
            let args: Vec<&str> = args.collect();
            let output = match is_ours {
                true => self.both.world.sops(&args),
                false => {
                    self.both.world.command(&self.both.reference).args(&args).output().expect("the reference starts")
                }
            };
            if is_ours && !output.status.success() && self.both.world.read(file) != before {
                return Err(format!("{file}: a failure changed the file"));
            }
            // Comments that the reference moved into a list, or away from the value they select, undo its own MAC.
            let may_be_lost = !is_ours && self.sample.has_comments;
            if may_be_lost && !self.both.theirs(&["--decrypt"], file).status.success() {
                self.alive.retain(|alive| *alive != file);
                continue;
            }
            match &first {
                Some((name, first)) if first.status.code() != output.status.code() => {
                    return Err(format!("{file}: {}; {name}: {}", message(&output), message(first)));
                }
                Some(_) => {}
                None => first = Some((file, output)),
            }
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), String> {
        let (mut values, mut text, mut sealed) = (None, None, None);
        for file in &self.alive {
            for is_ours in [false, true] {
                let run =
                    |args: &[&str]| if is_ours { self.both.ours(args, file) } else { self.both.theirs(args, file) };
                let reader = if is_ours { "our command" } else { "the reference" };
                let json = run(&["--decrypt", "--output-type", "json"]);
                let yaml = run(&["--decrypt"]);
                if !json.status.success() || !yaml.status.success() {
                    return Err(format!("{reader} cannot read {file}: {}{}", message(&json), message(&yaml)));
                }
                let values = values.get_or_insert_with(|| json.stdout.clone());
                same_bytes(&format!("values of {file} as {reader} reads it"), &json.stdout, values)?;
                let yaml = String::from_utf8_lossy(&yaml.stdout).into_owned();
                // The text of the reference is its own, so it holds the values of all documents.
                if !is_ours && !self.sample.has_comments {
                    let text = text.get_or_insert_with(|| yaml.clone());
                    same(&format!("text of {file} as {reader} prints it"), &yaml, text)?;
                }
                // Comments are in no MAC: the reference may lose track of its own.
                let is_sealed = yaml.contains("ENC[AES256_GCM");
                if is_sealed && !*sealed.get_or_insert(is_sealed) {
                    return Err(format!("{reader} cannot read all of {file}:\n{yaml}"));
                }
            }
        }
        Ok(())
    }
}

/// Draws a change that fits the tree, mostly.
fn edit(random: &mut Random, tree: &Value, counted: &[String]) -> Edit {
    let words = |words: &[&str]| words.iter().map(|w| w.to_string()).collect();
    match random.below(10) {
        0..=5 => {
            let path = path(random, tree, counted, true);
            Edit { before: words(&["set"]), after: vec![path, value(random, 0).to_string()] }
        }
        6..=8 => Edit { before: words(&["unset"]), after: vec![path(random, tree, counted, false)] },
        _ => Edit { before: words(&["rotate", "--in-place"]), after: Vec::new() },
    }
}

/// Draws a path: an entry at any depth, sometimes one that is not there.
fn path(random: &mut Random, tree: &Value, counted: &[String], may_deepen: bool) -> String {
    let (mut path, mut at) = (String::new(), tree);
    loop {
        match at {
            Value::Object(map) => {
                let chosen = map.iter().nth(random.below(map.len() + 1));
                let Some((key, inside)) = chosen else { return format!("{path}[\"new key\"]") };
                path.push_str(&format!("[\"{key}\"]"));
                at = inside;
            }
            Value::Array(list) if !counted.contains(&path) => {
                let position = random.below(list.len() + 1);
                path.push_str(&format!("[{position}]"));
                let Some(inside) = list.get(position) else { return path };
                at = inside;
            }
            // A single value in the way makes room.
            _ if may_deepen && !at.is_array() && random.chance(5) => return format!("{path}[\"deeper\"][\"still\"]"),
            _ => return path,
        }
        if random.chance(35) {
            return path;
        }
    }
}

fn value(random: &mut Random, depth: usize) -> Value {
    const TEXTS: [&str; 16] = [
        "plain",
        "with: colon",
        "a # b",
        "two\nlines\n",
        "",
        "true",
        "0x1F",
        "12",
        " lead",
        "trail ",
        "é 日本",
        "'q'",
        "\"",
        "- x",
        "\ttab",
        "null",
    ];
    match random.below(if depth < 2 { 9 } else { 7 }) {
        0..=3 => Value::from(random.pick(&TEXTS)),
        4 => Value::from([0, 7, -3, 42, 5432][random.below(5)]),
        5 => Value::from([1.5, -0.25, 1e-7][random.below(3)]),
        6 => [Value::Bool(true), Value::Bool(false), Value::Null][random.below(3)].clone(),
        _ => {
            let keys = ["a", "b_unencrypted", "data", "x y"];
            let mut entries: serde_json::Map<String, Value> = serde_json::Map::new();
            for key in &keys[..random.below(4)] {
                let inside = value(random, depth + 1);
                let inside = if random.chance(25) { Value::Array(vec![inside, Value::from("x")]) } else { inside };
                entries.insert(key.to_string(), inside);
            }
            Value::Object(entries)
        }
    }
}

/// The paths of the lists of the first document that have comments of their own.
fn lists_with_comments(text: &str) -> Vec<String> {
    let Ok(plain) = PlainDocument::parse(Format::Yaml, text.as_bytes()) else { return Vec::new() };
    let (items, texts) = (&plain.outline().items, plain.texts());
    let is_comment = |index: u32| matches!(items[index as usize].node, Node::Comment { .. });
    let path = |mut at: u32| {
        let mut steps = Vec::new();
        while let Some(parent) =
            items.get(at as usize).map(|item| item.parent).filter(|p| items.get(*p as usize).is_some())
        {
            steps.push(match items[at as usize].key() {
                Some(key) => format!("[\"{}\"]", String::from_utf8_lossy(key.bytes(texts))),
                None => {
                    let before = (parent + 1..at).filter(|i| items[*i as usize].parent == parent && !is_comment(*i));
                    format!("[{}]", before.count())
                }
            });
            at = parent;
        }
        steps.reverse();
        steps.concat()
    };
    let comments = (0..items.len() as u32).filter(|i| is_comment(*i)).map(|i| items[i as usize].parent);
    comments.filter(|p| matches!(items[*p as usize].node, Node::List)).map(path).collect()
}
