//! The life of a file: opened, changed in one place, sealed again. Every other value keeps its token.

use crate::case::Case;
use crate::corpus::{Corpus, Tally, corpora};
use crate::library::{self, Arguments};
use crate::tables::json_text;
use sops_core::Error;
use sops_core::document::PlainDocument;
use sops_core::outline::{Event, NONE, Node};
use sops_core::path::{Step, TreePath};
use sops_core::value::Value;

/// A change that the check after it refuses, which is safe but no help.
const REFUSED: &str = "refused";
/// How many of some 10,000 changes may be refused: all need an anchored key, or blank lines that belong to a value.
const REFUSALS: usize = 10;
/// Places that are changed in one document.
const PLACES: usize = 4;

#[test]
fn one_change_leaves_every_other_token() {
    for corpus in corpora().into_iter().take(1) {
        let mut tally = Tally::default();
        for (name, text) in documents(&corpus) {
            let Ok(sealed) = library::encrypt(&text, &Arguments::everything()) else {
                tally.skipped("not encrypted or opened");
                continue;
            };
            live(&mut tally, &name, &sealed);
        }
        tally.at_most(REFUSED, REFUSALS);
        corpus.report("rows", "life", tally);
    }
}

#[test]
fn files_of_the_reference_keep_their_tokens() {
    for corpus in corpora().into_iter().take(1) {
        let mut tally = Tally::default();
        for dir in corpus.cases("yaml") {
            let case = Case::read(&dir);
            let Some(sealed) = case.file("encrypted.yaml") else { continue };
            match library::decrypt(&sealed, false) {
                // A float of minus zero is printed as an integer, which has no sign.
                Ok(plain) if plain.source().contains(": -0\n") => tally.skipped("minus zero"),
                Ok(_) => live(&mut tally, &case.name(), &sealed),
                Err(_) => tally.skipped("not encrypted or opened"),
            }
        }
        tally.at_most(REFUSED, REFUSALS);
        corpus.report("rows", "life of reference files", tally);
    }
}

fn documents(corpus: &Corpus) -> Vec<(String, Vec<u8>)> {
    let cases = corpus.cases("yaml").into_iter().map(|dir| Case::read(&dir));
    let inputs = cases.filter_map(|case| Some((case.name(), case.file("input.yaml")?)));
    let rows = corpus.rows("yaml/comments.tsv").into_iter();
    inputs.chain(rows.map(|row| (row[0].clone(), json_text(&row[0]).into_bytes()))).collect()
}

fn live(tally: &mut Tally, name: &str, sealed: &[u8]) {
    let (plain, sealer) = match library::open(sealed) {
        Ok(opened) => opened,
        Err(error) => return tally.ran(name, [format!("open: {error}")]),
    };
    let same = sealer.seal(&plain, library::NOW + 60).map(|bytes| bytes == sealed);
    tally.ran(name, (same != Ok(true)).then(|| format!("the same text is not the same file: {same:?}")));
    let mut ran = |problem: Option<String>, what: &str, path: &TreePath| match problem {
        Some(problem) if problem == REFUSED => tally.skipped(REFUSED),
        problem => tally.ran(name, problem.map(|p| format!("{what} {path}: {p}"))),
    };
    let text = plain.bytes();
    let has_aliases = !plain.outline().aliases.is_empty();
    for path in places(&plain) {
        let seal = |changed: &PlainDocument| sealer.seal(changed, library::NOW + 60);
        let value = [Event::Leaf(None, Value::Str("another value".as_bytes().into()))];
        let set = |plain: &mut PlainDocument| plain.set(&path, &value);
        let allowed = if has_aliases { usize::MAX } else { 1 };
        ran(change(&text, sealed, seal, set, allowed), "set", &path);
        let unset = |plain: &mut PlainDocument| plain.unset(&path);
        ran(change(&text, sealed, seal, unset, allowed), "unset", &path);
        let object = [
            Event::Map(None),
            Event::Leaf(Some("inner".into()), Value::Int(7)),
            Event::List(Some("list".into())),
            Event::Leaf(None, Value::Bool(true)),
            Event::End,
            Event::End,
        ];
        let deepen = |plain: &mut PlainDocument| plain.set(&path, &object);
        ran(change(&text, sealed, seal, deepen, usize::MAX), "deepen", &path);
        let beside = match path.steps() {
            [rest @ .., Step::Key(_)] => TreePath::from([rest, &[Step::Key("a new key".into())]].concat()),
            [rest @ .., Step::Index(_)] => TreePath::from([rest, &[Step::Index(1 << 30)]].concat()),
            [] => continue,
        };
        let add = |plain: &mut PlainDocument| plain.set(&beside, &object);
        let allowed = if has_aliases { usize::MAX } else { 0 };
        ran(change(&text, sealed, seal, add, allowed), "add", &beside);
    }
}

/// Changes the text and seals it; at most `allowed` tokens may be gone. Returns what is wrong.
fn change(
    text: &[u8],
    sealed: &[u8],
    seal: impl Fn(&PlainDocument) -> Result<Vec<u8>, Error>,
    change: impl FnOnce(&mut PlainDocument) -> Result<(), Error>,
    allowed: usize,
) -> Option<String> {
    let mut plain = match library::parse(text) {
        Ok(plain) => plain,
        Err(error) => return Some(format!("the plain text: {error}")),
    };
    match change(&mut plain) {
        Ok(()) => {}
        // Nothing is written then.
        Err(Error::Reparse { .. }) => return Some(REFUSED.into()),
        Err(error) => return Some(error.to_string()),
    }
    let again = match seal(&plain) {
        Ok(again) => again,
        Err(error) => return Some(format!("seal: {error}")),
    };
    let opened = match library::decrypt(&again, false) {
        Ok(opened) => opened,
        Err(error) => return Some(format!("decrypt: {error}")),
    };
    // Not a number is not equal to itself.
    let print = |plain: &PlainDocument| format!("{:?}", library::values(plain));
    if print(&opened) != print(&plain) {
        return Some("other values come back".into());
    }
    if opened.source() != plain.source() {
        return Some("another text comes back".into());
    }
    let mut left = tokens(&again);
    let mut gone = 0;
    for token in tokens(sealed) {
        match left.iter().position(|t| *t == token) {
            Some(at) => drop(left.swap_remove(at)),
            None => gone += 1,
        }
    }
    (gone > allowed).then(|| format!("{gone} tokens are gone, {allowed} may be"))
}

/// The tokens of values (not of comments, which may leave with an entry) without the MAC and the record of spellings.
fn tokens(file: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(file);
    let text: Vec<&str> = text.lines().filter(|line| !line.contains("spelling: ENC[")).collect();
    let text = text.join("\n");
    let pieces = text.split("ENC[").skip(1).filter_map(|piece| piece.split_once(']')).map(|(token, _)| token);
    let mut found: Vec<String> = pieces.filter(|t| !t.ends_with("type:comment")).map(String::from).collect();
    found.retain(|token| token.split(',').nth(1).is_some_and(|data| data.len() < 170 || !token.ends_with("type:str")));
    found
}

/// The paths of some scalars of the first document.
fn places(plain: &PlainDocument) -> Vec<TreePath> {
    let (items, texts) = (&plain.outline().items, plain.texts());
    let Some(first) = plain.outline().documents.first() else { return Vec::new() };
    let end = items[first.root as usize].end as usize;
    let leaves: Vec<usize> = (0..end).filter(|i| items[*i].is_leaf()).collect();
    let mut found = Vec::new();
    for index in leaves.iter().step_by(1 + leaves.len() / PLACES) {
        let (mut steps, mut at) = (Vec::new(), *index as u32);
        while items[at as usize].parent != NONE {
            let item = &items[at as usize];
            let is_member = |i: &u32| items[*i as usize].parent == item.parent && !is_comment(&items[*i as usize].node);
            steps.push(match item.key() {
                Some(key) => Step::Key(String::from_utf8_lossy(key.bytes(texts)).into_owned()),
                None => Step::Index((item.parent + 1..at).filter(is_member).count()),
            });
            at = item.parent;
        }
        steps.reverse();
        if !steps.is_empty() {
            found.push(TreePath::from(steps));
        }
    }
    found
}

fn is_comment(node: &Node) -> bool {
    matches!(node, Node::Comment { .. })
}
