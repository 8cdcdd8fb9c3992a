//! A parsed pattern as an explicit expression for the `regex` crate.

use super::parse::{Ast, Class, Part};
use std::fmt::Write;

/// Prints the equivalent; no character of it depends on the crate's own reading of classes, flags or escapes.
pub(super) fn print(ast: &Ast) -> String {
    let mut out = String::new();
    write(ast, &mut out);
    out
}

fn write(ast: &Ast, out: &mut String) {
    match ast {
        Ast::Empty => {}
        Ast::Literal(c) => push(out, u32::from(*c)),
        Ast::Folded(c) => {
            out.push_str("(?i:");
            push(out, u32::from(*c));
            out.push(')');
        }
        Ast::Class(class) => write_class(class, out),
        Ast::Any(true) => out.push_str("(?s:.)"),
        Ast::Any(false) => out.push_str("[^\\x{A}]"),
        Ast::TextStart => out.push_str("\\A"),
        Ast::TextEnd => out.push_str("\\z"),
        Ast::LineStart => out.push_str("(?m:^)"),
        Ast::LineEnd => out.push_str("(?m:$)"),
        Ast::Boundary(true) => out.push_str("(?-u:\\b)"),
        Ast::Boundary(false) => out.push_str("(?-u:\\B)"),
        Ast::Group(inner) => group(inner, out),
        Ast::Repeat { inner, least, most } => {
            group(inner, out);
            match (least, most) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (least, None) => write_counts(out, &format!("{{{least},}}")),
                (least, Some(most)) => write_counts(out, &format!("{{{least},{most}}}")),
            }
        }
        Ast::Concat(parts) => parts.iter().for_each(|p| match p {
            Ast::Alternate(_) => group(p, out),
            _ => write(p, out),
        }),
        Ast::Alternate(branches) => {
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                write(branch, out);
            }
        }
    }
}

fn write_counts(out: &mut String, counts: &str) {
    out.push_str(counts);
}

fn group(ast: &Ast, out: &mut String) {
    out.push_str("(?:");
    write(ast, out);
    out.push(')');
}

fn push(out: &mut String, code: u32) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\x{{{code:X}}}");
}

fn write_class(class: &Class, out: &mut String) {
    if class.folded {
        out.push_str("(?i:");
    }
    out.push_str(if class.negated { "[^" } else { "[" });
    let before = out.len();
    for part in &class.parts {
        write_part(part, out);
    }
    if out.len() == before {
        // Nothing: surrogates cannot occur in text.
        out.push_str("[^\\x{0}-\\x{10FFFF}]");
    }
    out.push(']');
    if class.folded {
        out.push(')');
    }
}

fn write_part(part: &Part, out: &mut String) {
    match part {
        Part::Range(low, high) => write_range(*low, *high, out),
        Part::Ranges(negated, ranges) => {
            out.push_str(if *negated { "[^" } else { "[" });
            for (low, high) in *ranges {
                write_range(*low, *high, out);
            }
            out.push(']');
        }
        Part::Unicode(negated, name) => {
            out.push_str(if *negated { "\\P{" } else { "\\p{" });
            out.push_str(name);
            out.push('}');
        }
    }
}

/// A range without surrogates.
fn write_range(low: u32, high: u32, out: &mut String) {
    let mut piece = |low: u32, high: u32| {
        if low <= high {
            push(out, low);
            out.push('-');
            push(out, high);
        }
    };
    piece(low, high.min(0xD7FF));
    piece(low.max(0xE000), high);
}
