//! The sets of characters that a pattern can name, as of Unicode 15.0, which the reference knows.
//!
//! The tables are those of `regex-syntax`, which are newer: what was assigned later is taken off, and so are three
//! foldings. A test compares every class with the reference's. Names are those the reference takes: categories in
//! both spellings and scripts of one word (compat: it cannot find those of several), no other properties.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use std::sync::OnceLock;

const DIGIT: &[(char, char)] = &[('0', '9')];
const SPACE: &[(char, char)] = &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// The set of a class with these ranges.
pub(super) fn set(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(low, high)| ClassUnicodeRange::new(low, high)))
}

/// The ranges of a set.
pub(super) fn ranges(set: &ClassUnicode) -> impl Iterator<Item = (char, char)> {
    set.iter().map(|range| (range.start(), range.end()))
}

/// Whether a character is of a set.
pub(super) fn contains(set: &ClassUnicode, c: char) -> bool {
    let ranges = set.ranges();
    let at = ranges.partition_point(|range| range.end() < c);
    ranges.get(at).is_some_and(|range| range.start() <= c)
}

/// The characters from a code point on and before another one, either of which may be a surrogate, which no text has.
pub(super) fn between(start: u32, end: u32) -> impl Iterator<Item = (char, char)> {
    [(start, end.min(0xD800)), (start.max(0xE000), end)]
        .into_iter()
        .filter(|(start, end)| start < end)
        .filter_map(|(start, end)| Some((char::from_u32(start)?, char::from_u32(end - 1)?)))
}

/// `[:name:]`. ASCII only.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    Some(set(match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7F')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1F'), ('\x7F', '\x7F')],
        "digit" => DIGIT,
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => WORD,
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    }))
}

/// `\d`, `\s`, `\w` and, in upper case, their opposites: the set and whether it is negated. ASCII only.
pub(super) fn perl(letter: char) -> Option<(ClassUnicode, bool)> {
    let ranges = match letter.to_ascii_lowercase() {
        'd' => DIGIT,
        's' => SPACE,
        'w' => WORD,
        _ => return None,
    };
    Some((set(ranges), letter.is_ascii_uppercase()))
}

/// `\p{name}`; case, blanks, `-` and `_` of the name do not matter.
pub(super) fn unicode(name: &str) -> Option<ClassUnicode> {
    let loose: String =
        name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    let name = CATEGORY_NAMES.iter().find(|(long, _)| *long == loose).map_or(loose.as_str(), |(_, short)| short);
    match name {
        "any" => Some(set(&[('\0', char::MAX)])),
        "ascii" => Some(set(&[('\0', '\x7F')])),
        "assigned" => unassigned("cn").map(negated),
        "c" | "cn" => unassigned(name),
        // Surrogates, which no text has.
        "cs" => Some(ClassUnicode::empty()),
        name if CATEGORIES.split(' ').any(|known| known == name) => known_then(&format!("gc={name}")),
        name if SCRIPTS.split_ascii_whitespace().any(|known| known == name) => known_then(&format!("sc={name}")),
        _ => None,
    }
}

/// Everything else. Not by `ClassUnicode::negate`, to which U+D7FF and U+E000 have a gap between them.
pub(super) fn negated(set: ClassUnicode) -> ClassUnicode {
    let mut found = Vec::new();
    let mut next = 0;
    for (low, high) in ranges(&set) {
        found.extend(between(next, u32::from(low)));
        next = u32::from(high) + 1;
    }
    found.extend(between(next, u32::from(char::MAX) + 1));
    self::set(&found)
}

/// The set and what differs from a member of it by case alone.
pub(super) fn folded(set: ClassUnicode) -> ClassUnicode {
    let mut folded = set.clone();
    if set.is_ascii() {
        folded.case_fold_simple();
        return folded;
    }
    // What is not assigned yet has no case.
    folded.intersect(assigned());
    folded.case_fold_simple();
    folded.intersect(assigned());
    folded.difference(&self::set(&FOLDED_LATER));
    folded.union(&set);
    folded
}

/// A property of the newer tables, without what was not assigned in Unicode 15.0.
fn known_then(property: &str) -> Option<ClassUnicode> {
    let mut set = table(property)?;
    set.intersect(assigned());
    Some(set)
}

/// A category that holds what is not assigned.
fn unassigned(category: &str) -> Option<ClassUnicode> {
    let mut set = table(&format!("gc={category}"))?;
    set.union(&negated(assigned().clone()));
    Some(set)
}

/// What Unicode 15.0 has assigned, and non-characters.
fn assigned() -> &'static ClassUnicode {
    static ASSIGNED: OnceLock<ClassUnicode> = OnceLock::new();
    ASSIGNED.get_or_init(|| table("age=15.0").expect("a property of every Unicode version since"))
}

fn table(property: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(&format!("\\p{{{property}}}")).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set),
        // A class of one character.
        HirKind::Literal(literal) => {
            let c = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            Some(set(&[(c, c)]))
        }
        _ => None,
    }
}

/// Three pairs that fold since Unicode 15.1, and with nothing else.
const FOLDED_LATER: [(char, char); 6] = [
    ('\u{390}', '\u{390}'),
    ('\u{3B0}', '\u{3B0}'),
    ('\u{1FD3}', '\u{1FD3}'),
    ('\u{1FE3}', '\u{1FE3}'),
    ('\u{FB05}', '\u{FB05}'),
    ('\u{FB06}', '\u{FB06}'),
];

const CATEGORIES: &str =
    "cc cf co l lc ll lm lo lt lu m mc me mn n nd nl no p pc pd pe pf pi po ps s sc sk sm so z zl zp zs";

const CATEGORY_NAMES: [(&str, &str); 42] = [
    ("casedletter", "lc"),
    ("closepunctuation", "pe"),
    ("cntrl", "cc"),
    ("combiningmark", "m"),
    ("connectorpunctuation", "pc"),
    ("control", "cc"),
    ("currencysymbol", "sc"),
    ("dashpunctuation", "pd"),
    ("decimalnumber", "nd"),
    ("digit", "nd"),
    ("enclosingmark", "me"),
    ("finalpunctuation", "pf"),
    ("format", "cf"),
    ("initialpunctuation", "pi"),
    ("letter", "l"),
    ("letternumber", "nl"),
    ("lineseparator", "zl"),
    ("lowercaseletter", "ll"),
    ("mark", "m"),
    ("mathsymbol", "sm"),
    ("modifierletter", "lm"),
    ("modifiersymbol", "sk"),
    ("nonspacingmark", "mn"),
    ("number", "n"),
    ("openpunctuation", "ps"),
    ("other", "c"),
    ("otherletter", "lo"),
    ("othernumber", "no"),
    ("otherpunctuation", "po"),
    ("othersymbol", "so"),
    ("paragraphseparator", "zp"),
    ("privateuse", "co"),
    ("punct", "p"),
    ("punctuation", "p"),
    ("separator", "z"),
    ("spaceseparator", "zs"),
    ("spacingmark", "mc"),
    ("surrogate", "cs"),
    ("symbol", "s"),
    ("titlecaseletter", "lt"),
    ("unassigned", "cn"),
    ("uppercaseletter", "lu"),
];

/// The scripts of Unicode 15.0 whose name is one word.
const SCRIPTS: &str = "\
    adlam ahom arabic armenian avestan balinese bamum batak bengali bhaiksuki bopomofo brahmi braille buginese \
    buhid carian chakma cham cherokee chorasmian common coptic cuneiform cypriot cyrillic deseret devanagari dogra \
    duployan elbasan elymaic ethiopic georgian glagolitic gothic grantha greek gujarati gurmukhi han hangul \
    hanunoo hatran hebrew hiragana inherited javanese kaithi kannada katakana kawi kharoshthi khmer khojki \
    khudawadi lao latin lepcha limbu lisu lycian lydian mahajani makasar malayalam mandaic manichaean marchen \
    medefaidrin miao modi mongolian mro multani myanmar nabataean nandinagari newa nko nushu ogham oriya osage \
    osmanya palmyrene phoenician rejang runic samaritan saurashtra sharada shavian siddham sinhala sogdian soyombo \
    sundanese syriac tagalog tagbanwa takri tamil tangsa tangut telugu thaana thai tibetan tifinagh tirhuta toto \
    ugaritic vai vithkuqi wancho yezidi yi";
