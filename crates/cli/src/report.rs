//! The report of the reference when no key opens a file (exit 128), line by line: programs search it for words.

use sops_core::error::{GroupReport, KeyReport};

use crate::ui::{Lines, escape};

/// Renders the report, with a final newline.
pub fn key_report(report: &KeyReport, colour: bool) -> String {
    let mut blocks = vec!["Failed to get the data key required to decrypt the SOPS file.".to_owned()];
    blocks.extend(report.groups.iter().enumerate().map(|(number, group)| group_block(number, group, colour)));
    blocks.push(wrap(&trailer(report), 75));
    blocks.join("\n\n") + "\n"
}

fn group_block(number: usize, group: &GroupReport, colour: bool) -> String {
    if group.recovered {
        return format!("Group {number}: {}", word("SUCCESS", 32, colour));
    }
    let keys: Vec<String> = group.keys.iter().map(|(key, reason)| key_block(key, reason, colour)).collect();
    format!("Group {number}: {}\n{}", word("FAILED", 31, colour), indent(&keys.join("\n\n"), "  ", "  "))
}

fn key_block(key: &str, reason: &str, colour: bool) -> String {
    let header = format!("{}: {}\n", escape(key, Lines::Escape), word("FAILED", 31, colour));
    if reason.is_empty() {
        return header;
    }
    let paragraph = indent(&wrap(&escape(reason, Lines::Keep), 60), "- | ", "  | ");
    header + &indent(&paragraph, "  ", "  ")
}

fn trailer(report: &KeyReport) -> String {
    if report.threshold == 0 {
        return "Recovery failed because no master key was able to decrypt the file. In order for SOPS to recover the \
                file, at least one key has to be successful, but none were."
            .to_owned();
    }
    let needed = report.threshold;
    let recovered = report.groups.iter().filter(|group| group.recovered).count();
    format!(
        "Recovery failed because the file was encrypted with a Shamir threshold of {needed}, but only {recovered} \
         part(s) were successfully recovered, one for each successful key group. In order for SOPS to recover the file, \
         at least {needed} groups have to be successful. In order for a group to be successful, decryption has to succeed \
         with any of the keys in that key group."
    )
}

fn word(text: &str, colour_code: u8, colour: bool) -> String {
    if colour { format!("\x1b[{colour_code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Puts `first` in front of the first line and `rest` in front of every other one, empty lines too.
fn indent(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(if number == 0 { first } else { rest });
        out.push_str(line);
    }
    out
}

/// Wraps at white space so that lines have at most `limit` characters; longer words stay whole, newlines stay.
fn wrap(text: &str, limit: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrap_line(line, limit)).collect();
    lines.join("\n")
}

fn wrap_line(line: &str, limit: usize) -> String {
    let mut out = String::with_capacity(line.len());
    let mut column = 0;
    let mut rest = line;
    while !rest.is_empty() {
        let (blanks, tail) = rest.split_at(rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()));
        let (word, tail) = tail.split_at(tail.find(char::is_whitespace).unwrap_or(tail.len()));
        let (blank_width, word_width) = (blanks.chars().count(), word.chars().count());
        if column > 0 && column + blank_width + word_width > limit && word_width < limit && word_width > 0 {
            out.push('\n');
            column = 0;
        } else {
            out.push_str(blanks);
            column += blank_width;
        }
        out.push_str(word);
        column += word_width;
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(keys: &[(&str, &str)]) -> GroupReport {
        let keys = keys.iter().map(|(key, reason)| ((*key).into(), (*reason).into())).collect();
        GroupReport { recovered: false, keys }
    }

    #[test]
    fn one_group_is_laid_out_as_the_reference_does() {
        let reason = "failed to load age identities. Did not find keys in locations 'SOPS_AGE_SSH_PRIVATE_KEY_FILE', \
                      'SOPS_AGE_SSH_PRIVATE_KEY_CMD', '/home/u/.ssh/id_ed25519', '/home/u/.ssh/id_rsa', 'SOPS_AGE_KEY', \
                      'SOPS_AGE_KEY_FILE', 'SOPS_AGE_KEY_CMD', and '/home/u/.config/sops/age/keys.txt'.";
        let report = KeyReport { groups: vec![failed(&[("age1x", reason), ("FBC7", "no")])], threshold: 0 };
        let expected = "\
Failed to get the data key required to decrypt the SOPS file.

Group 0: FAILED
  age1x: FAILED
    - | failed to load age identities. Did not find keys in
      | locations 'SOPS_AGE_SSH_PRIVATE_KEY_FILE',
      | 'SOPS_AGE_SSH_PRIVATE_KEY_CMD', '/home/u/.ssh/id_ed25519',
      | '/home/u/.ssh/id_rsa', 'SOPS_AGE_KEY', 'SOPS_AGE_KEY_FILE',
      | 'SOPS_AGE_KEY_CMD', and '/home/u/.config/sops/age/keys.txt'.
··
  FBC7: FAILED
    - | no

Recovery failed because no master key was able to decrypt the file. In
order for SOPS to recover the file, at least one key has to be successful,
but none were.
";
        assert_eq!(key_report(&report, false), expected.replace('·', " "));
    }

    #[test]
    fn groups_that_worked_are_named() {
        let worked = GroupReport { recovered: true, keys: vec![] };
        let report = KeyReport { groups: vec![failed(&[("a", "boom\x1b")]), worked], threshold: 2 };
        let text = key_report(&report, true);
        assert!(
            text.contains("Group 0: \x1b[31mFAILED\x1b[0m\n  a: \x1b[31mFAILED\x1b[0m\n    - | boom\\u{1b}\n\n"),
            "{text}"
        );
        assert!(text.contains("Group 1: \x1b[32mSUCCESS\x1b[0m\n\n"), "{text}");
        assert!(text.contains("Shamir threshold of\n2, but only 1 part(s) were successfully recovered"), "{text}");
    }

    #[test]
    fn long_words_are_not_broken() {
        assert_eq!(wrap("aa bbbbbbbb cc dd", 6), "aa bbbbbbbb\ncc dd");
    }
}
