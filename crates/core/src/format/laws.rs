//! The laws of splicing for the formats of lines, tried on texts that are put together at random.

use super::dotenv::Dotenv;
use super::ini::Ini;
use super::syntax::{Existing, Source, Syntax};
use crate::crypto::cipher::{Cipher, DataKey};
use crate::crypto::token;
use crate::error::Error;
use crate::outline::{Event, Node, Outline, Scalar};
use crate::select::Selector;
use crate::splice::Edits;
use crate::value::{Kind, Value};
use crate::walk::Walker;
use std::borrow::Cow;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        (0..self.roll(most + 1)).map(|_| pieces[self.roll(pieces.len())]).collect()
    }
}

const INI: &[&str] = &[
    "\n",
    "\n",
    "\n",
    "\r\n",
    "[s]\n",
    "[t] ; h\n",
    "[DEFAULT]\n",
    "[s]junk\n",
    "a",
    "b",
    "k = v\n",
    "a=1\n",
    "a = 2 ; t\n",
    "- = 3\n",
    "=",
    " = ",
    ":",
    "\"",
    "'",
    "`",
    "\"\"\"",
    "\\\n",
    "\\",
    " ",
    "\t",
    "\r",
    "#",
    ";",
    "; c\n",
    "# d\n",
    ";\n",
    ";; e \n",
    "  ; f\n",
    "c = 'q'\n",
    "d = \" q \"\n",
    "e = `x;y`\n",
    "`=`=z\n",
    "f = `m\nn` ; o\n",
    "g=p \\\n  q\\\n r\n",
    "-",
    "é",
    "\u{A0}",
    "]",
];
const DOTENV: &[&str] = &[
    "\n",
    "\n",
    "A=1\n",
    "A=",
    "B= x \n",
    "#",
    "# c\n",
    "#\n",
    "=",
    "\\n",
    "\\",
    "n",
    "\r",
    "\r\n",
    " ",
    "C=\\n\\\\n\n",
    "é=ß\n",
];

fn formats() -> [(&'static dyn Syntax, &'static [&'static str]); 2] {
    [(&Dotenv, DOTENV), (&Ini, INI)]
}

/// Calls `law` with many texts that a format reads.
fn each(texts: usize, mut law: impl FnMut(&dyn Syntax, &str, &Outline, &mut Dice)) {
    for (syntax, pieces) in formats() {
        let mut dice = Dice(1);
        let mut read = 0;
        for _ in 0..texts {
            let text = dice.text(pieces, 14);
            if let Ok(outline) = syntax.outline(&text)
                && !ends_open(syntax, &text)
                && syntax.metadata_items(Source { text: &text, outline: &outline }).is_ok_and(|items| items.is_empty())
            {
                read += 1;
                law(syntax, &text, &outline, &mut dice);
            }
        }
        assert!(read * 20 > texts, "{read} of {texts} texts are read");
    }
}

/// Whether a line break at the end of the text makes another text of it: `a="""` opens a quote then.
fn ends_open(syntax: &dyn Syntax, text: &str) -> bool {
    let closed = format!("{text}\n");
    syntax.outline(&closed).is_err() || walked(syntax, &closed) != walked(syntax, text)
}

fn metadata(version: &'static str, has_more: bool) -> Vec<Event<'static>> {
    let leaf = |key: &'static str, text: &'static str| {
        Event::Leaf(Some(Cow::Borrowed(key)), Value::Str(Cow::Borrowed(text.as_bytes())))
    };
    let mut events = vec![Event::Map(None), Event::List(Some("age".into()))];
    events.extend([
        Event::Map(None),
        leaf("enc", "-----BEGIN\nx;y#z\n-----END\n"),
        leaf("recipient", "age1"),
        Event::End,
    ]);
    events.push(Event::End);
    events.extend(has_more.then(|| leaf("encrypted_regex", "a;b`c")));
    events.extend([leaf("mac", "ENC[x]"), leaf("version", version), Event::End]);
    events
}

fn bytes<'a>(node: &Node, outline: &'a Outline, text: &'a str) -> Option<(&'a [u8], Kind)> {
    match node {
        Node::Leaf(Scalar::Str(value)) => Some((value.bytes(outline.texts(text)), Kind::Str)),
        Node::Comment { text: comment, .. } => Some((comment.bytes(outline.texts(text)), Kind::Comment)),
        _ => None,
    }
}

/// What a walk sees: path, kind and stored text; comments behind the leaves, in any order.
fn walked(syntax: &dyn Syntax, text: &str) -> Vec<(Vec<u8>, Kind, Vec<u8>)> {
    let outline = syntax.outline(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    let source = Source { text, outline: &outline };
    let skip = syntax.metadata_items(source).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    let (mut leaves, mut comments) = (Vec::new(), Vec::new());
    let selector = Selector::everything();
    let _infallible: Result<(), ()> = Walker::new(text, &outline, &selector).run(
        &skip,
        |_| false,
        |step| {
            if let Some((stored, kind)) = bytes(&outline.items[step.index].node, &outline, text) {
                let list = if kind == Kind::Comment { &mut comments } else { &mut leaves };
                // A second line of a token is ignored.
                let end = stored.iter().position(|b| *b == b'\n').filter(|_| stored.starts_with(b"ENC[AES256_GCM,"));
                list.push((step.aad.to_vec(), kind, stored[..end.unwrap_or(stored.len())].to_vec()));
            }
            Ok(())
        },
    );
    comments.sort_by(|a, b| (&a.0, &a.2).cmp(&(&b.0, &b.2)));
    leaves.extend(comments);
    leaves
}

fn cipher() -> Cipher {
    Cipher::new(&DataKey::from_bytes(&[9; 32]).expect("32 bytes"))
}

/// Every leaf and comment sealed, the metadata put in.
fn sealed(syntax: &dyn Syntax, text: &str, outline: &Outline, existing: Option<Existing<'_>>) -> String {
    let source = Source { text, outline };
    let mut edits = Edits::new(text, 0, 0);
    let selector = Selector::everything();
    let _infallible: Result<(), ()> = Walker::new(text, outline, &selector).run(
        &[],
        |_| false,
        |step| {
            if let Some((plain, kind)) = bytes(&outline.items[step.index].node, outline, text)
                && !plain.is_empty()
            {
                let mut iv = [0; 32];
                iv[..8].copy_from_slice(&(step.index as u64).to_le_bytes());
                let mut token = |out: &mut Vec<u8>| cipher().seal(plain, step.aad, &iv, kind, out);
                syntax.write_token(source, step.index, &mut edits, &mut token);
            }
            Ok(())
        },
    );
    syntax.insert_metadata(source, &metadata("3.13.2", false), existing, None, &mut edits);
    edits.finish().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The way back.
fn opened(syntax: &dyn Syntax, text: &str) -> Result<String, Error> {
    let outline = syntax.outline(text)?;
    let source = Source { text, outline: &outline };
    let skip = syntax.metadata_items(source)?;
    let mut edits = Edits::new(text, 0, 0);
    let selector = Selector::everything();
    Walker::new(text, &outline, &selector).run(
        &skip,
        |_| false,
        |step| {
            let Some((stored, kind)) = bytes(&outline.items[step.index].node, &outline, text) else { return Ok(()) };
            if stored.is_empty() {
                return Ok(());
            }
            let token = token::parse(stored).unwrap_or_else(|| panic!("{text:?}: clear: {stored:?}"));
            let mut plain = Vec::new();
            let opened = cipher().open(&token, step.aad, &mut plain);
            assert_eq!(opened, Ok(kind), "{text:?}: {stored:?} stands elsewhere");
            if kind == Kind::Comment {
                syntax.write_comment(source, step.index, &plain, &mut edits);
                return Ok(());
            }
            syntax.write_value(source, step.index, &Value::Str(Cow::Borrowed(&plain)), &mut edits)
        },
    )?;
    syntax.remove_metadata(source, &skip, &mut edits);
    edits.finish()
}

#[test]
fn what_is_sealed_comes_back_byte_for_byte() {
    each(40_000, |syntax, text, outline, _| {
        let sealed = sealed(syntax, text, outline, None);
        let opened = opened(syntax, &sealed).unwrap_or_else(|error| panic!("{text:?}: {error}\n{sealed}"));
        assert_eq!(opened, text, "\n{sealed}");
        let paths = |walked: Vec<(Vec<u8>, Kind, Vec<u8>)>| -> Vec<(Vec<u8>, Kind)> {
            walked.into_iter().map(|(path, kind, _)| (path, kind)).collect()
        };
        assert_eq!(paths(walked(syntax, text)), paths(walked(syntax, &sealed)), "{text:?}\n{sealed}");
    });
}

#[test]
fn metadata_leave_without_a_trace_and_read_back() {
    each(40_000, |syntax, text, outline, dice| {
        let source = Source { text, outline };
        let mut edits = Edits::new(text, 0, 0);
        let wanted = metadata("3.13.2", dice.roll(2) == 0);
        syntax.insert_metadata(source, &wanted, None, None, &mut edits);
        let inserted = edits.finish().expect("edits apply");
        let outline = syntax.outline(&inserted).unwrap_or_else(|error| panic!("{text:?}: {error}\n{inserted}"));
        let source = Source { text: &inserted, outline: &outline };
        let items = syntax.metadata_items(source).expect("metadata");
        let read = syntax.metadata(source, &items).unwrap_or_else(|error| panic!("{text:?}: {error}\n{inserted}"));
        assert!(super::yaml::branch::is_same_metadata(&read, &wanted), "{text:?}\n{inserted}");
        assert_eq!(walked(syntax, text), walked(syntax, &inserted), "{text:?}\n{inserted}");

        let mut edits = Edits::new(&inserted, 0, 0);
        syntax.remove_metadata(source, &items, &mut edits);
        assert_eq!(edits.finish().expect("edits apply"), text, "\n{inserted}");

        let existing = Existing { source, items: &items, events: &read };
        for other in [metadata("3.14", false), metadata("3.14", true)] {
            let mut edits = Edits::new(&inserted, 0, 0);
            syntax.replace_metadata(existing, &other, &mut edits);
            let replaced = edits.finish().expect("edits apply");
            let outline = syntax.outline(&replaced).unwrap_or_else(|error| panic!("{text:?}: {error}\n{replaced}"));
            let source = Source { text: &replaced, outline: &outline };
            let items = syntax.metadata_items(source).expect("metadata");
            let read = syntax.metadata(source, &items).expect("metadata");
            assert!(super::yaml::branch::is_same_metadata(&read, &other), "{text:?}\n{replaced}");
            assert_eq!(walked(syntax, text), walked(syntax, &replaced), "{text:?}\n{replaced}");
        }
    });
}

#[test]
fn a_token_changes_one_value_and_nothing_else() {
    each(10_000, |syntax, text, outline, _| {
        let before = walked(syntax, text);
        for (index, item) in outline.items.iter().enumerate() {
            let Some((plain, kind)) = bytes(&item.node, outline, text).filter(|(plain, _)| !plain.is_empty()) else {
                continue;
            };
            let mut stored = Vec::new();
            cipher().seal(plain, b"x:", &[1; 32], kind, &mut stored);
            let mut edits = Edits::new(text, 0, 0);
            let source = Source { text, outline };
            syntax.write_token(source, index, &mut edits, &mut |out| out.extend_from_slice(&stored));
            let spliced = edits.finish().expect("edits apply");
            let after = walked(syntax, &spliced);
            let lost: Vec<_> = before.iter().filter(|step| !after.contains(step)).collect();
            let found: Vec<_> = after.iter().filter(|step| !before.contains(step)).collect();
            assert_eq!(before.len(), after.len(), "{text:?}\n{spliced}");
            assert!(lost.len() <= 1 && found.len() == 1, "{text:?}\n{spliced}\n{lost:?}\n{found:?}");
            assert!(found.iter().all(|(_, kind_, text)| *kind_ == kind && *text == stored), "{text:?}\n{spliced}");
        }
    });
}

#[test]
fn a_value_is_written_exactly_or_refused() {
    each(20_000, |syntax, text, outline, dice| {
        let value = dice.text(INI, 4);
        for (index, item) in outline.items.iter().enumerate().filter(|(_, item)| item.is_leaf()) {
            let source = Source { text, outline };
            let mut edits = Edits::new(text, 0, 0);
            let written = syntax.write_value(source, index, &Value::Str(Cow::Borrowed(value.as_bytes())), &mut edits);
            if written.is_err() {
                continue;
            }
            let spliced = edits.finish().expect("edits apply");
            let leaves = |text: &str| -> Vec<_> {
                walked(syntax, text).into_iter().filter(|step| step.1 == Kind::Str).collect()
            };
            let (mut wanted, after) = (leaves(text), leaves(&spliced));
            let place = outline.items[..index].iter().filter(|item| item.is_leaf()).count();
            wanted[place].2 = value.as_bytes().to_vec();
            assert_eq!(after, wanted, "{text:?}\n{spliced}\n{:?}", item.span);
        }
    });
}

#[test]
fn texts_of_the_source_are_disjoint() {
    each(40_000, |_, text, outline, _| {
        let mut spans: Vec<_> = outline
            .items
            .iter()
            .filter(|item| !matches!(item.node, Node::Map) && !item.span.is_empty())
            .map(|item| item.span)
            .collect();
        spans.extend(outline.extras.iter().map(|extra| extra.tag_span));
        spans.sort_by_key(|span| span.start);
        assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{text:?}: {spans:?}");
        assert!(spans.iter().all(|span| text.get(span.range()).is_some()), "{text:?}: {spans:?}");
    });
}
