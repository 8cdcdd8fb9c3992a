//! A parsed pattern as an explicit expression for the `regex` crate.

use super::tree::{Look, Node, NodeId, Tree};
use regex_syntax::hir::ClassUnicode;
use std::fmt::Write;

/// Prints the equivalent; nothing in it depends on the crate's own reading of classes, flags or escapes.
pub(super) fn print(tree: &Tree) -> String {
    let mut out = String::new();
    let mut tasks = vec![Task::Node(tree.root)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Text(text) => out.push_str(text),
            Task::Counts(least, most) => write_counts(least, most, &mut out),
            Task::Node(node) => match &tree.nodes[node] {
                Node::Empty => {}
                Node::Char(c) => write_char(*c, &mut out),
                Node::Set(set) => write_set(&tree.sets[*set as usize], &mut out),
                Node::Look(look) => out.push_str(match look {
                    Look::TextStart => "\\A",
                    Look::TextEnd => "\\z",
                    Look::LineStart => "(?m:^)",
                    Look::LineEnd => "(?m:$)",
                    Look::Boundary => "(?-u:\\b)",
                    Look::NoBoundary => "(?-u:\\B)",
                }),
                &Node::Repeat { inner, least, most } => {
                    tasks.extend([Task::Counts(least, most), Task::Text(")"), Task::Node(inner), Task::Text("(?:")]);
                }
                Node::Concat(parts) => tasks.extend(parts.iter().rev().map(|&part| Task::Node(part))),
                Node::Alternate(branches) => {
                    tasks.push(Task::Text(")"));
                    for (index, &branch) in branches.iter().enumerate().rev() {
                        tasks.extend([Task::Node(branch), Task::Text(if index > 0 { "|" } else { "(?:" })]);
                    }
                }
            },
        }
    }
    out
}

/// What is left to print, the first thing last.
enum Task {
    Node(NodeId),
    Text(&'static str),
    Counts(u32, Option<u32>),
}

// Writing to a string cannot fail.
fn write_counts(least: u32, most: Option<u32>, out: &mut String) {
    let _ = match most {
        None => write!(out, "{{{least},}}"),
        Some(most) => write!(out, "{{{least},{most}}}"),
    };
}

fn write_char(c: char, out: &mut String) {
    let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
}

fn write_set(set: &ClassUnicode, out: &mut String) {
    if set.ranges().is_empty() {
        out.push_str("[^\\x{0}-\\x{10FFFF}]");
        return;
    }
    out.push('[');
    for range in set.iter() {
        write_char(range.start(), out);
        out.push('-');
        write_char(range.end(), out);
    }
    out.push(']');
}
