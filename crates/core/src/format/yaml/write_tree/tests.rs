use super::*;
use crate::format::yaml::read;
use crate::outline::Outline;
use proptest::prelude::*;

const OPTIONS: Options = Options { indent: 4, line_ending: "\n" };

fn map(key: Option<&'static str>) -> Event<'static> {
    Event::Map(key.map(Cow::from))
}

fn list(key: Option<&'static str>) -> Event<'static> {
    Event::List(key.map(Cow::from))
}

fn leaf(key: Option<&'static str>, text: &'static str) -> Event<'static> {
    Event::Leaf(key.map(Cow::from), Value::Str(text.as_bytes().into()))
}

fn comment(text: &'static str) -> Event<'static> {
    Event::Comment { text: text.as_bytes().into(), inline: false }
}

fn inline(text: &'static str) -> Event<'static> {
    Event::Comment { text: text.as_bytes().into(), inline: true }
}

fn printed(events: &[Event<'_>]) -> String {
    let mut out = String::new();
    tree(events, &OPTIONS, &mut out);
    out
}

#[test]
fn an_inline_comment_without_a_value_gets_a_line() {
    let events = [map(None), leaf(Some("a"), "b"), inline(" t"), inline(" u"), Event::End];
    assert_eq!(printed(&events), "a: b\n# t\n# u\n");
    let events =
        [map(None), list(Some("l")), leaf(None, "b"), inline(" t"), Event::End, leaf(Some("c"), "d"), Event::End];
    assert_eq!(printed(&events), "l:\n    - b\n    # t\nc: d\n");
}

#[test]
fn a_comment_with_line_breaks_stays_a_comment() {
    let events = [
        map(None),
        comment(" a\n b\r\n\n c\u{2028} d\u{85} e"),
        inline(" x\n y"),
        leaf(Some("k"), "v"),
        comment("\n"),
        Event::End,
    ];
    assert_eq!(printed(&events), "# a\n# b\n# c\n# d\n# e\nk: v # x\n# y\n#\n");
}

#[test]
fn comments_beside_a_root_stay() {
    let events = [comment(" a"), map(None), comment(" b"), Event::End, comment(" c")];
    assert_eq!(printed(&events), "# a\n# b\n{}\n---\n# c\n");
    assert_eq!(printed(&[comment(" a"), leaf(None, "b")]), "# a\nb\n");
}

#[test]
fn a_place_without_room_for_a_block_is_quoted() {
    let place = Place { content_column: 2, parent_column: 4, in_flow: false, is_key: false, line_ending: "\n" };
    for text in ["a\nb", " a\nb", "\n"] {
        let mut out = String::new();
        scalar(&Value::Str(text.as_bytes().into()), &place, &mut out);
        assert_eq!(out, format!("{text:?}"));
    }
}

#[test]
fn a_subtree_behind_a_dash_starts_there() {
    let written = |events: &[Event<'_>]| {
        let mut out = String::from("  - ");
        block_in_list(events, 2, &OPTIONS, &mut out);
        out
    };
    assert_eq!(written(&[leaf(None, "a\nb")]), "  - |-\n    a\n    b\n");
    assert_eq!(written(&[list(None), comment(" c"), leaf(None, "a"), Event::End]), "  - # c\n    - a\n");
    assert_eq!(written(&[map(None), comment(" c"), Event::End]), "  - {\n    # c\n}\n");
}

#[test]
fn comments_that_may_be_tokens_stay_in_an_empty_list() {
    let events = [list(None), comment("c"), Event::End];
    let mut out = String::from("s:");
    block(&events, 0, &OPTIONS, &mut out);
    assert_eq!(out, "s: [\n    #c\n]\n");
    let events = [map(None), list(Some("s")), comment("c"), Event::End, Event::End];
    assert_eq!(printed(&events), "s: []\n#c\n");
}

#[test]
fn comments_that_may_be_tokens_stay_behind_a_block() {
    let events = [
        map(None),
        leaf(Some("a"), "b"),
        list(Some("l")),
        map(None),
        list(Some("m")),
        leaf(None, "c"),
        Event::End,
        comment("d"),
        Event::End,
        comment("e"),
        Event::End,
        comment("f"),
        Event::End,
    ];
    let mut out = String::from("k:");
    block(&events, 0, &OPTIONS, &mut out);
    let expected = "k:\n    a: b\n    #f\n    l:\n        #e\n        #d\n        - m:\n            - c\n";
    assert_eq!(out, expected);
}

#[test]
fn comments_in_flow_text_have_lines() {
    let written = |events: &[Event<'_>]| {
        let mut out = String::new();
        flow(events, &mut out);
        out
    };
    let events =
        [map(None), comment("c"), leaf(Some("a"), "b"), inline("d\ne"), list(Some("l")), Event::End, Event::End];
    assert_eq!(written(&events), "{\n#c\n\"a\": \"b\",\n#d\n#e\n\"l\": []}");
    assert_eq!(written(&[list(None), leaf(None, "a"), comment("c"), Event::End]), "[\"a\"\n#c\n]");
    assert_eq!(written(&[map(None), comment("c"), Event::End]), "{\n#c\n}");
}

/// Texts that need care, as keys and as values.
const TEXTS: [&str; 24] = [
    "",
    "a",
    "yes",
    "1",
    "~",
    "<<",
    " a",
    "a: b",
    "a #b",
    "- a",
    "? a",
    "#",
    "---",
    "a\nb",
    " a\nb\n",
    "\n\n",
    "\ta\nb",
    "a\u{2028}b",
    "a\u{2029}",
    "\u{FEFF}",
    "🔑",
    "a\r\nb",
    "it's \"so\"",
    "a long text, longer than a key can be in front of its colon: the reference puts a question mark in front of it from here on",
];

/// A tree from arbitrary numbers: each opens or closes a collection, or adds a scalar or a comment.
fn build(choices: &[u8]) -> Vec<Event<'static>> {
    let mut open = vec![true];
    let mut events = vec![map(None)];
    for (number, choice) in choices.iter().enumerate() {
        let text = TEXTS[usize::from(choice / 8) % TEXTS.len()];
        let key = open.last().copied().unwrap_or(true).then(|| Cow::from(format!("{text}_{number}")));
        events.push(match choice % 8 {
            0 => Event::Map(key),
            1 => Event::List(key),
            2 | 3 if open.len() > 1 => Event::End,
            4 => Event::Comment { text: format!("c{number}").into_bytes().into(), inline: false },
            5 => Event::Comment { text: format!("c{number}").into_bytes().into(), inline: true },
            6 => Event::Leaf(
                key,
                [Value::Null, Value::Int(-1), Value::Bool(true), Value::Float(1.5)][number % 4].clone(),
            ),
            _ => Event::Leaf(key, Value::Str(text.as_bytes().into())),
        });
        match events.last() {
            Some(Event::Map(_)) => open.push(true),
            Some(Event::List(_)) => open.push(false),
            Some(Event::End) => drop(open.pop()),
            _ => {}
        }
    }
    events.extend(open.iter().map(|_| Event::End));
    events
}

/// Everything but comments, in words.
fn values(events: &[Event<'_>]) -> Vec<String> {
    let words = events.iter().filter_map(|event| match event {
        Event::Map(key) => Some(format!("{key:?} {{")),
        Event::List(key) => Some(format!("{key:?} [")),
        Event::Leaf(key, value) => Some(format!("{key:?} {:?} {}", value.kind(), value.canonical().escape_ascii())),
        Event::End => Some("end".to_string()),
        Event::Comment { .. } => None,
    });
    words.collect()
}

fn comments(events: &[Event<'_>]) -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = events
        .iter()
        .filter_map(|event| match event {
            Event::Comment { text, .. } => Some(text.to_vec()),
            _ => None,
        })
        .collect();
    texts.sort();
    texts
}

proptest! {
    #[test]
    fn what_is_written_reads_back(choices: Vec<u8>, indent in 0_usize..12, crlf: bool) {
        let events = build(&choices);
        let mut text = String::new();
        tree(&events, &Options { indent, line_ending: if crlf { "\r\n" } else { "\n" } }, &mut text);
        let outline: Outline = read::outline(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let root = outline.documents[0].root as usize;
        let back = outline.events(&text, root, outline.items.len(), |_| None);
        prop_assert_eq!(values(&back), values(&events), "{}", text);
        prop_assert_eq!(comments(&back), comments(&events), "{}", text);
    }

    #[test]
    fn flow_text_reads_back(choices: Vec<u8>) {
        let events = build(&choices);
        let mut text = String::from("r: ");
        flow(&events, &mut text);
        let outline: Outline = read::outline(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let back = outline.events(&text, 1, outline.items.len(), |_| None);
        prop_assert_eq!(values(&back), values(&events), "{}", text);
        prop_assert_eq!(comments(&back), comments(&events), "{}", text);
    }
}
