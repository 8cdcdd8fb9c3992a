//! Patterns against the reference's verdicts, and the three ways to run one against each other.

use super::*;
use regex_syntax::hir::ClassUnicode;
use sha2::{Digest, Sha256};
use tree::Node;

fn verdict(pattern: &str, text: &str) -> Option<bool> {
    Pattern::parse(pattern).ok().map(|p| p.is_match(text.as_bytes()))
}

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}

/// The set that a pattern of one class is, as the table's digests have it.
fn set(pattern: &str) -> Option<String> {
    let tree = parse::parse(pattern).ok()?;
    let found = match &tree.nodes[tree.root] {
        Node::Char(c) => class::set(&[(*c, *c)]),
        Node::Set(set) => tree.sets[*set as usize].clone(),
        node => panic!("{pattern}: {node:?}"),
    };
    Some(spans(&found))
}

fn spans(set: &ClassUnicode) -> String {
    let text: String = class::ranges(set).map(|(a, b)| format!("{:x}-{:x},", u32::from(a), u32::from(b))).collect();
    // Nothing is between these two.
    text.replace("-d7ff,e000-", "-")
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..8].iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn every_class_is_that_of_the_reference_over_all_of_unicode() {
    let mut count = 0;
    for row in rows(include_str!("../../../../fixtures/select/classes.tsv")) {
        let [pattern, expected] = row[..] else { panic!("{row:?}") };
        let got = match pattern {
            "(?i) of every character" => digest(&every_folding()),
            _ => set(pattern).map_or("invalid".to_string(), |text| digest(&text)),
        };
        assert_eq!(got, expected, "{pattern}");
        count += 1;
    }
    assert_eq!(count, 932);
}

fn every_folding() -> String {
    let (mut text, mut caseless) = (String::new(), Vec::new());
    for c in '\0'..=char::MAX {
        if c.to_lowercase().eq([c]) && c.to_uppercase().eq([c]) {
            caseless.push((c, c));
            continue;
        }
        let folded = class::folded(class::set(&[(c, c)]));
        if folded.iter().map(|range| range.len()).sum::<usize>() > 1 {
            text += &format!("{:x}:{};", u32::from(c), spans(&folded));
        }
    }
    let caseless = class::set(&caseless);
    assert_eq!(class::folded(caseless.clone()), caseless, "what has no case to the standard library folds");
    text
}

#[test]
fn random_patterns_have_the_verdict_of_the_reference() {
    let mut count = 0;
    for row in rows(include_str!("../../../../fixtures/select/regexp.tsv")) {
        let [pattern, text, expected] = row[..] else { panic!("{row:?}") };
        let [pattern, text] = [pattern, text].map(|cell| serde_json::from_str::<String>(cell).expect("a JSON text"));
        let got = match verdict(&pattern, &text) {
            None => "invalid",
            Some(true) => "yes",
            Some(false) => "no",
        };
        assert_eq!(got, expected, "{pattern:?} on {text:?}");
        count += 1;
    }
    assert_eq!(count, 1500);
}

#[test]
fn classes_are_ascii() {
    assert_eq!(verdict(r"^\d$", "\u{0663}"), Some(false));
    assert_eq!(verdict(r"^\w$", "é"), Some(false));
    assert_eq!(verdict(r"[a&&b]", "&"), Some(true));
}

#[test]
fn what_the_reference_refuses_is_refused() {
    for pattern in ["(?=a)", "a**", "a{1001}", r"\1", "[b-a]", "(", ")", "*", "(?i)*", "a|*", r"\y", "(?P<é>a)"] {
        assert_eq!(verdict(pattern, ""), None, "{pattern}");
    }
}

#[test]
fn what_the_reference_takes_is_taken() {
    for pattern in ["a*(?i)*", r"a*\Q\E*", "(?P<n>a)(?P<n>b)?", "(?:a{1000}){0}", "a{1,2", "[[:]", "[]a]"] {
        assert!(verdict(pattern, "a[").is_some(), "{pattern}");
    }
}

#[test]
fn an_invalid_byte_is_one_replacement_character() {
    assert!(Pattern::parse("^A.$").is_ok_and(|p| p.is_match(b"A\xFF")));
    assert!(Pattern::parse(r"^A\x{fffd}$").is_ok_and(|p| p.is_match(b"A\xFF")));
    assert!(!Pattern::parse(r"\xff").is_ok_and(|p| p.is_match(b"A\xFF")));
}

#[test]
fn the_limits_are_those_of_the_reference() {
    let nested = |open: &str, times: usize, close: &str| open.repeat(times) + "a" + &close.repeat(times);
    for (pattern, is_valid) in [
        (nested("(", 999, ")"), true),
        (nested("(", 1000, ")"), false),
        (nested("(?:", 999, ")*"), true),
        (nested("(?:", 1000, ")*"), false),
        // Two levels each.
        (nested("(?:b*", 499, ")?"), true),
        (nested("(?:b*", 500, ")?"), false),
        (nested("(?:", 30_000, ")"), true),
        ("(a{500}){2}".into(), true),
        ("(a{500}){3}".into(), false),
        ("((a{2,}){2,}){250}".into(), true),
        ("((a{2,}){2,}){251}".into(), false),
        ("((a{100}){100}){0}".into(), false),
        (format!("(?:{}){{1000}}", ".".repeat(3355)), true),
        (format!("(?:{}){{1000}}", ".".repeat(3356)), false),
    ] {
        assert_eq!(Pattern::parse(&pattern).is_ok(), is_valid, "{:.40}… of {} bytes", pattern, pattern.len());
    }
}

/// The height is that of the program, and of what is left to the `regex` crate.
#[test]
fn no_nesting_needs_a_large_stack() {
    let shapes = [
        ("(", 999, ")"),
        ("(?:", 999, ")*"),
        ("(?i:", 999, ")"),
        ("(?:a|", 300, ")b*"),
        ("((?:c", 249, "d)+|e)"),
        ("(?:", 999, "|b*)"),
        ("(?:", 40, "|b*)"),
        ("(?:", 40, "|abcdef)+"),
    ];
    let patterns = shapes.map(|(open, times, close)| open.repeat(times) + "x" + &close.repeat(times));
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let thread = small.spawn(|| patterns.map(|p| Pattern::parse(&p).map(|p| p.clone().is_match(b"some text, xxx"))));
    assert_eq!(thread.expect("a thread").join().expect("no panic"), shapes.map(|_| Ok(true)));
}

/// Minutes, if each of them looked for its end.
#[test]
fn what_is_not_closed_is_looked_for_once() {
    for start in ["[[:", "{", "a{1,", "(?:a|"] {
        let _ = Pattern::parse(&start.repeat(300_000));
    }
}

/// A table has hundreds of ranges: a short pattern must not ask for much memory.
#[test]
fn a_set_that_comes_again_is_kept_once() {
    let sets = |pattern: &str| parse::parse(pattern).expect("a valid pattern").sets.len();
    assert_eq!(sets(&r"\pL".repeat(20_000)), 1);
    assert_eq!(sets(&format!(r"[{}\d]", r"\pL\p{Lu}".repeat(20_000))), 1);
}

/// A generator that needs no crate: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }

    fn one_of<'a>(&mut self, options: &[&'a str]) -> &'a str {
        options[self.below(options.len())]
    }

    fn pattern(&mut self, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(4) {
            match self.below(12) {
                0 => text += self.one_of(&["^", "$", r"\b", r"\B", r"\A", r"\z", "(?m:^)", "(?m:$)"]),
                1 => text += self.one_of(&["[^a]", "[a-cK]", r"\pL", r"\W", "(?i:[^k])", r"[^\x{d7ff}\x{e000}]"]),
                2 => text += self.one_of(&["(?i:k)", "(?i:s)", "(?i:é)", ".", "(?s:.)", "|"]),
                3..=5 if depth > 0 => text += &format!("({})", self.pattern(depth - 1)),
                _ => text += self.one_of(&["a", "b", "c", "é", "日", "_", r"\n"]),
            }
            if !text.is_empty() && !text.ends_with('|') {
                text += self.one_of(&["", "", "", "", "*", "+", "?", "{2}", "{0,3}", "{2,}", "{0}"]);
            }
        }
        text
    }

    fn text(&mut self) -> String {
        let parts = ["a", "b", "c", "A", "k", "K", "\u{212A}", "ſ", "é", "É", "日", "_", " ", "\n", "\u{D7FF}"];
        (0..self.below(8)).map(|_| self.one_of(&parts)).collect()
    }
}

#[test]
fn however_it_is_run_a_pattern_means_the_same() {
    let mut random = Random(0x5EED);
    let (mut count, mut matches) = (0, 0);
    while count < 3000 {
        let pattern = random.pattern(3);
        let Ok(tree) = parse::parse(&pattern) else { continue };
        let regex = print::print(&tree).map(|text| regex::Regex::new(&text).expect("a valid expression"));
        let program = Program::new(tree);
        let small = Small::new(program.clone()).ok();
        for text in (0..8).map(|_| random.text()) {
            let expected = program.is_match(&text);
            let regex = regex.as_ref().map(|r| r.is_match(&text));
            assert!(regex.is_none_or(|m| m == expected), "{pattern:?} on {text:?}: {expected}, by the crate not");
            let small = small.as_ref().map(|s| s.is_match(&text));
            assert!(small.is_none_or(|m| m == expected), "{pattern:?} on {text:?}: {expected}, by bits not");
            matches += usize::from(expected);
        }
        count += 1;
    }
    assert!((3_000..21_000).contains(&matches), "{matches} of 24000 match: neither always nor never");
}

#[test]
fn each_way_to_run_a_pattern_is_taken() {
    let matcher = |pattern: &str| Pattern::parse(pattern).expect("a valid pattern").matcher;
    let words: Vec<String> = (0..100).map(|n| format!("word{n}")).collect();
    assert!(matches!(matcher("(?i)password|^.*_secret$"), Matcher::Small(_)));
    assert!(matches!(matcher(&words.join("|")), Matcher::Regex(_)));
    assert!(matches!(matcher(r"\pL{1000}"), Matcher::Program(_)));
    assert!(matches!(matcher(&format!(r".c|\B|{}", words.join("|"))), Matcher::Program(_)));
}
