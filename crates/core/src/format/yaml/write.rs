//! New text: one scalar, one block, one document, in the reference's spelling.
//!
//! Where the reference's own spelling would not read back (a string that starts with a tab and has a line break, a wrong
//! indentation digit under a dash) the safe spelling is written instead.

use super::resolve::{self, Resolved};
use crate::outline::{Block, Style};
use crate::value::{Value, short_float};

pub use super::write_tree::{block, block_in_list, entries, flow, tree};

/// How new text is laid out.
pub struct Options {
    /// Spaces per level.
    pub indent: usize,
    /// The line ending of the text around.
    pub line_ending: &'static str,
}

/// Where one scalar goes.
pub struct Place {
    /// Column of the lines of a literal.
    pub content_column: usize,
    /// Column of the block collection around it; a literal's indentation digit counts from there.
    pub parent_column: usize,
    /// Whether it stands inside a flow collection.
    pub in_flow: bool,
    /// Whether it is a key.
    pub is_key: bool,
    /// The line ending of the text around.
    pub line_ending: &'static str,
}

impl Place {
    /// The indentation digit of a block scalar; 0 where no block can stand.
    fn digit(&self) -> usize {
        self.content_column.saturating_sub(self.parent_column)
    }
}

/// What a string is made of, as far as its style depends on it.
struct Traits {
    breaks: bool,
    line_feed: bool,
    tab: bool,
    special: bool,
    space_before_break: bool,
    space_after_break: bool,
    separators: bool,
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters the reference escapes: controls, the byte order mark, everything beyond U+FFFF.
fn is_special(c: char) -> bool {
    !matches!(c, '\n' | '\t' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') || c == '\u{FEFF}'
}

impl Traits {
    fn of(text: &str) -> Traits {
        let mut traits = Traits {
            breaks: false,
            line_feed: false,
            tab: false,
            special: false,
            space_before_break: false,
            space_after_break: false,
            separators: false,
        };
        if text.bytes().fold(true, |plain, b| plain & (b' '..=b'~').contains(&b)) {
            return traits;
        }
        let mut previous = '\0';
        for c in text.chars() {
            traits.line_feed |= c == '\n';
            traits.tab |= c == '\t';
            traits.special |= is_special(c);
            if is_break(c) {
                traits.breaks = true;
                traits.space_before_break |= previous == ' ';
            }
            traits.space_after_break |= c == ' ' && is_break(previous);
            traits.separators |= matches!(c, '\u{2028}' | '\u{2029}');
            previous = c;
        }
        traits
    }
}

/// Appends a scalar as the reference spells it. A literal ends with its line break.
pub fn scalar(value: &Value<'_>, place: &Place, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Float(f) if f.is_nan() => out.push_str(".nan"),
        Value::Float(f) if f.is_infinite() => out.push_str(if *f > 0.0 { ".inf" } else { "-.inf" }),
        Value::Float(f) => out.push_str(&short_float(*f)),
        Value::Time(t) => out.push_str(&t.canonical()),
        Value::Str(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => string(text, place, out),
            Err(_) => binary(bytes, place, out),
        },
    }
}

fn string(text: &str, place: &Place, out: &mut String) {
    let traits = Traits::of(text);
    match string_style(text, &traits, place) {
        Style::Plain => out.push_str(text),
        Style::Single => single(text, place, out),
        Style::Literal => literal(text, place, out),
        _ => double(text, is_special, out),
    }
}

fn string_style(text: &str, traits: &Traits, place: &Place) -> Style {
    let literal_fits = !place.in_flow
        && !place.is_key
        && !text.ends_with(' ')
        && !traits.space_before_break
        && !traits.special
        && !traits.separators
        && !text.starts_with('\t')
        && (1..=9).contains(&place.digit());
    let wants_plain = resolve::plain(text.as_bytes()) == Resolved::Str && !is_old_bool(text) && !is_base_60(text);
    if traits.line_feed {
        return if literal_fits { Style::Literal } else { Style::Double };
    }
    if text.is_empty() || text == "<<" || !wants_plain {
        return Style::Double;
    }
    if plain_fits(text, traits, place.in_flow) {
        return Style::Plain;
    }
    let single_fits = !traits.tab && !traits.special && !traits.space_before_break && !traits.space_after_break;
    if single_fits && !(traits.breaks && (place.in_flow || place.is_key)) { Style::Single } else { Style::Double }
}

/// YAML 1.1 booleans, which the reference quotes.
fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF"
    )
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base_60(text: &str) -> bool {
    if !text.starts_with(|c: char| matches!(c, '-' | '+' | '0'..='9')) {
        return false;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (body, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = body.split(':');
    let first = parts.next().unwrap_or("");
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let sixty = |t: &str| match t.as_bytes() {
        [b] => b.is_ascii_digit(),
        [b'0'..=b'5', b] => b.is_ascii_digit(),
        _ => false,
    };
    let rest: Vec<&str> = parts.collect();
    first.starts_with(|c: char| c.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && !rest.is_empty()
        && rest.iter().all(|p| sixty(p))
}

fn plain_fits(text: &str, traits: &Traits, in_flow: bool) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if *first == b' ' || *last == b' ' || traits.breaks || traits.tab || traits.special {
        return false;
    }
    if text.starts_with("---") || text.starts_with("...") || b"#,[]{}&*!|>'\"%@`".contains(first) {
        return false;
    }
    if matches!(first, b'?' | b'-') && bytes.get(1).is_none_or(|b| matches!(b, b' ' | b'\t')) {
        return false;
    }
    if in_flow && (bytes.iter().any(|b| b",[]{}?:".contains(b)) || matches!(first, b'?' | b':' | b'-')) {
        return false;
    }
    let blank = |b: Option<&u8>| b.is_none_or(|b| matches!(b, b' ' | b'\t'));
    if !bytes.contains(&b':') && !bytes.contains(&b'#') {
        return true;
    }
    !(0..bytes.len()).any(|at| match bytes[at] {
        b':' => blank(bytes.get(at + 1)),
        b'#' => at > 0 && matches!(bytes[at - 1], b' ' | b'\t'),
        _ => false,
    })
}

fn single(text: &str, place: &Place, out: &mut String) {
    out.push('\'');
    let mut starts_line = false;
    for c in text.chars() {
        let is_break = is_break(c);
        if std::mem::replace(&mut starts_line, is_break) && !is_break {
            out.extend(std::iter::repeat_n(' ', place.content_column));
        }
        match c {
            '\'' => out.push_str("''"),
            c => out.push(c),
        }
    }
    out.push('\'');
}

fn double(text: &str, special: fn(char) -> bool, out: &mut String) {
    use std::fmt::Write;
    // compat: a string that starts with a byte order mark is escaped whole.
    let whole = text.starts_with('\u{FEFF}') && special('\u{FEFF}');
    out.push('"');
    for c in text.chars() {
        let name = match c {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0B' => "\\v",
            '\x0C' => "\\f",
            '\r' => "\\r",
            '\x1B' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            c if whole || special(c) => {
                // Writing to a string cannot fail.
                let _ = match u32::from(c) {
                    code @ ..=0xFF => write!(out, "\\x{code:02X}"),
                    code @ ..=0xFFFF => write!(out, "\\u{code:04X}"),
                    code => write!(out, "\\U{code:08X}"),
                };
                continue;
            }
            c => {
                out.push(c);
                continue;
            }
        };
        out.push_str(name);
    }
    out.push('"');
}

fn literal(text: &str, place: &Place, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push_str(&place.digit().to_string());
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push_str(place.line_ending);
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', place.content_column));
            out.push_str(line);
        }
    }
    out.push_str(place.line_ending);
}

fn binary(bytes: &[u8], place: &Place, out: &mut String) {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    out.push_str("!!binary ");
    if text.len() < 70 || place.in_flow || place.is_key {
        out.push_str(&text);
        return;
    }
    out.push('|');
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(70));
        out.push_str(place.line_ending);
        out.extend(std::iter::repeat_n(' ', place.content_column));
        out.push_str(line);
        rest = tail;
    }
    out.push_str(place.line_ending);
}

// A person's own styles.

fn may_stand_raw(c: char) -> bool {
    matches!(c, ' '..='~' | '\t' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Appends `'…'` on one line, if that can carry the text.
pub fn single_quoted(text: &[u8], out: &mut String) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if !text.chars().all(may_stand_raw) {
        return false;
    }
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
    true
}

/// Appends `"…"` on one line, with no more escapes than needed.
pub fn double_quoted_raw(text: &[u8], out: &mut String) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    double(text, |c| !may_stand_raw(c) && !is_break(c), out);
    true
}

/// Appends `"…"` whatever the bytes; what is not UTF-8 is replaced.
pub fn double_quoted(text: &[u8], out: &mut String) {
    double(&String::from_utf8_lossy(text), is_special, out);
}

/// Whether the reference puts quotes around a string that can stand plain.
pub fn is_quoted_by_reference(text: &str) -> bool {
    let usual = !matches!(
        text.as_bytes().first(),
        Some(b'y' | b'Y' | b'n' | b'N' | b'o' | b'O' | b'0'..=b'9' | b'+' | b'-' | b'.' | b'<' | b'?' | b':')
    ) && !text.bytes().fold(false, |found, b| found | (b == b'\t') | (b >= 0xE2));
    if usual {
        return false;
    }
    let place = Place { content_column: 2, parent_column: 0, in_flow: false, is_key: false, line_ending: "\n" };
    string_style(text, &Traits::of(text), &place) != Style::Plain
}

/// Appends plain text, if it reads back as this string.
pub fn plain_as_it_is(text: &[u8], in_flow: bool, out: &mut String) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if resolve::plain(text.as_bytes()) != Resolved::Str || text.is_empty() || !text.chars().all(may_stand_raw) {
        return false;
    }
    let indicator = !in_flow && (text.starts_with("---") || text.starts_with("..."));
    let traits = Traits { special: false, tab: false, ..Traits::of(text) };
    let fits = indicator || plain_fits(text, &traits, false);
    if !fits
        || in_flow && (text.bytes().any(|b| b",[]{}?".contains(&b)) || text.starts_with(':') || text.ends_with(':'))
    {
        return false;
    }
    out.push_str(text);
    true
}

/// Appends plain text under a tag that makes it a string whatever it looks like.
pub fn plain_under_tag(text: &[u8], in_flow: bool, out: &mut String) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let traits = Traits { special: false, ..Traits::of(text) };
    if text.is_empty() || !text.chars().all(may_stand_raw) || !plain_fits(text, &traits, in_flow) {
        return false;
    }
    out.push_str(text);
    true
}

/// Appends the lines of a string under an existing block header, without the last line break; `false` if the header
/// cannot carry it. `at_end`: nothing, not even a line break, follows in the file.
pub fn block_lines(
    text: &[u8],
    folded: bool,
    block: &Block,
    at_end: bool,
    line_ending: &str,
    out: &mut String,
) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let body = text.trim_end_matches('\n');
    let newlines = text.len() - body.len();
    let chomp_fits = match block.chomp {
        -1 => newlines == 0,
        0 => newlines == 1 && !body.is_empty() || newlines == 0 && at_end,
        _ => newlines > 0 || at_end,
    };
    let raw = |c: char| c == '\n' || may_stand_raw(c);
    let first_text = body.trim_start_matches('\n');
    let automatic_fits = block.digit > 0 || !first_text.starts_with([' ', '\t']);
    let tab_first = block.digit == 0 && first_text.starts_with('\t');
    if !chomp_fits || !automatic_fits || tab_first || !text.chars().all(raw) || block.indent == 0 {
        return false;
    }
    if folded && (body.contains('\n') || body.starts_with([' ', '\t']) || newlines > 1) {
        return false;
    }
    let text = if newlines > 0 { &text[..text.len() - 1] } else { text };
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str(line_ending);
        }
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', block.indent as usize));
            out.push_str(line);
        }
    }
    true
}
