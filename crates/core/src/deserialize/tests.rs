//! Every kind of type against documents that fit and documents that do not.

use crate::Error;
use crate::document::PlainDocument;
use crate::format::Format;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeMap;
use std::fmt::Debug;

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    PlainDocument::parse(Format::Yaml, text.as_bytes()).expect("a plain document").deserialize()
}

fn refusal<T: DeserializeOwned + Debug>(text: &str) -> String {
    read::<T>(text).expect_err("a document that does not fit").to_string()
}

#[derive(Debug, PartialEq, Deserialize)]
struct Id(u32);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Low,
    Number(u8),
    Pair(u8, String),
    Range { from: i64, to: i64 },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    id: Id,
    levels: Vec<Level>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Outer {
    inner: Inner,
    ratio: f64,
    when: String,
    nothing: Option<String>,
    something: Option<bool>,
    letter: char,
    pair: (i8, u64),
}

const OUTER: &str = "# comment
inner:  # comment
  id: 7
  levels: [low, {number: 3}, {pair: [1, x]}, {range: {from: -1, to: 2}}, {low: null}]
ratio: 3
when: 2024-01-01
nothing: null
something: true
letter: é
pair:
  # comment
  - -128
  - 9223372036854775807
ignored: {a: [1, {b: 2}]}
";

#[test]
fn a_document_becomes_a_type() {
    let outer: Outer = read(OUTER).expect("it fits");
    let levels =
        vec![Level::Low, Level::Number(3), Level::Pair(1, "x".into()), Level::Range { from: -1, to: 2 }, Level::Low];
    let expected = Outer {
        inner: Inner { id: Id(7), levels },
        ratio: 3.0,
        when: "2024-01-01T00:00:00Z".into(),
        nothing: None,
        something: Some(true),
        letter: 'é',
        pair: (-128, i64::MAX as u64),
    };
    assert_eq!(outer, expected);
}

#[test]
fn whole_floats_are_integers_too() {
    let map: BTreeMap<String, u32> = read("a: 5.0\nb: 1e+06\nc: 7\n").expect("numbers without a fraction");
    assert_eq!(map.into_values().collect::<Vec<_>>(), [5, 1_000_000, 7]);
    let map: BTreeMap<String, f64> = read("a: 5.0\nb: 7\nc: -0.0\nd: .inf\n").expect("numbers");
    let bits = map.into_values().map(f64::to_bits).collect::<Vec<_>>();
    assert_eq!(bits, [5.0, 7.0, -0.0, f64::INFINITY].map(f64::to_bits));
    assert_eq!(refusal::<BTreeMap<String, u32>>("a: 1.5\n"), r#"["a"]: found a float, expected u32"#);
    assert_eq!(refusal::<BTreeMap<String, i64>>("a: 1e300\n"), r#"["a"]: found a float, expected i64"#);
}

#[test]
fn what_does_not_fit_is_named_by_place_and_kind() {
    let at = |from: &str, to: &str| refusal::<Outer>(&OUTER.replace(from, to));
    let rows = [
        (at("id: 7", "id: canary"), r#"["inner"]["id"]: found a text, expected u32"#),
        (at("id: 7", "id: 99999999999"), r#"["inner"]["id"]: found an integer that does not fit, expected u32"#),
        (at("number: 3", "number: {}"), r#"["inner"]["levels"][1]["number"]: found a mapping, expected u8"#),
        (
            at("[low", "[canary"),
            r#"["inner"]["levels"][0]: found an unknown variant, expected low or number or pair or range"#,
        ),
        (at("[low", "[5"), r#"["inner"]["levels"][0]: expected the name of a variant"#),
        (at("{low: null}", "{low: canary}"), r#"["inner"]["levels"][4]["low"]: found a text, expected unit"#),
        (
            at("{low: null}", "{low: , number: 1}"),
            r#"["inner"]["levels"][4]: expected one entry with the name of a variant"#,
        ),
        (
            at("[low", "[number"),
            r#"["inner"]["levels"][0]: found the name of a variant alone, expected what it holds too"#,
        ),
        (
            at("  id: 7", "  id: 7\n  canary: 1"),
            r#"["inner"]["canary"]: found an unknown field, expected id or levels"#,
        ),
        (at("  id: 7\n", ""), r#"["inner"]: the field id is missing"#),
        (at("é", "canary"), r#"["letter"]: found a text that does not fit, expected a character"#),
        (at("  - -128\n", "  - 1\n  - 2\n"), r#"["pair"]: found more elements than expected"#),
        (at("  - 9223372036854775807\n", ""), r#"["pair"]: found another length, expected a tuple of size 2"#),
        (at("something: true", "something: [canary]"), r#"["something"]: found a list, expected a boolean"#),
    ];
    for (found, expected) in rows {
        assert_eq!(found, expected);
    }
    assert_eq!(refusal::<IgnoredAny>("a: 1\n---\nb: 1\n"), "the root: found 2 documents, expected one");
    assert_eq!(refusal::<Vec<u8>>("a: 1\n"), "the root: found a mapping, expected a sequence");
}

#[test]
fn words_of_a_type_do_not_reach_the_message() {
    #[derive(Debug)]
    struct Talkative;
    impl<'de> Deserialize<'de> for Talkative {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            Err(serde::de::Error::custom(format!("{text} is no good")))
        }
    }
    let message = refusal::<BTreeMap<String, Talkative>>("a: canary\n");
    assert_eq!(message, r#"["a"]: the type refuses what stands there"#);
}

#[test]
fn a_type_that_swallows_an_error_reads_on_behind_it() {
    fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(Vec::deserialize(deserializer).unwrap_or_default())
    }
    #[derive(Debug, Deserialize)]
    struct Lenient {
        #[serde(deserialize_with = "lenient")]
        numbers: Vec<u8>,
        last: String,
    }
    let read: Lenient = read("numbers: [1, [2], canary]\nlast: here\n").expect("the rest fits");
    assert_eq!((read.numbers, read.last.as_str()), (vec![], "here"));
}

#[test]
fn depth_is_bounded_where_the_type_is_not() {
    #[derive(Debug, Deserialize)]
    struct Chain {
        #[expect(dead_code, reason = "only its depth matters")]
        a: Option<Box<Chain>>,
    }
    let deep = |levels: usize| format!("{}null{}\n", "{a: ".repeat(levels), "}".repeat(levels));
    assert!(read::<Chain>(&deep(128)).is_ok());
    assert!(matches!(read::<Chain>(&deep(129)), Err(Error::Limit { max: 128, .. })));
    assert!(read::<BTreeMap<String, IgnoredAny>>(&deep(9_000)).is_ok(), "what is ignored costs no stack");
}

#[test]
fn keys_become_whatever_a_text_can_become() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    struct Name(String);
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    enum Side {
        Left,
        Right,
    }
    let map: BTreeMap<Name, BTreeMap<Side, u8>> = read("hands: {Left: 1, Right: 2}\n").expect("it fits");
    assert_eq!(map[&Name("hands".into())], BTreeMap::from([(Side::Left, 1), (Side::Right, 2)]));
    let message = refusal::<BTreeMap<Side, u8>>("Middle: 1\n");
    assert_eq!(message, r#"["Middle"]: found an unknown variant, expected Left or Right"#);
}
