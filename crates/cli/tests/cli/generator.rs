//! Random YAML documents of the kind people write, from a seed: the same seed gives the same text on every machine.
//!
//! Text is made directly, not through a writer, so that comments, blank lines and every spelling of a scalar stand in
//! places where a writer would not put them.

/// SplitMix64: small, and the same everywhere.
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Is true in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns one of several.
    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// A document and what may be expected of it.
pub struct Sample {
    /// The text.
    pub text: String,
    /// The flags of its selector.
    pub selector: Vec<&'static str>,
    /// Whether tokens carry every spelling in it, so that the very bytes must come back.
    pub is_lossless: bool,
    /// Whether it has comments, which the reference moves.
    pub has_comments: bool,
    /// Whether a character was changed somewhere, so that it may be no YAML any more.
    pub is_broken: bool,
}

/// Makes the sample of a seed.
pub fn sample(seed: u64) -> Sample {
    let mut random = Random::new(seed);
    let features = Features {
        comments: random.chance(65),
        comments_in_lists: random.chance(25),
        aliases: random.chance(20),
        odd_scalars: random.chance(30),
        step: 1 + random.below(4),
    };
    let has_comments = features.comments;
    let documents = if random.chance(20) { 2 + random.below(2) } else { 1 };
    let selector = selector(&mut random, has_comments);
    let mut writer = Writer { random, features, out: String::new(), anchors: Vec::new(), keys: 0, is_lossless: true };
    for number in 0..documents {
        if number > 0 || writer.random.chance(15) {
            writer.out.push_str(if number > 0 && writer.random.chance(20) { "...\n---\n" } else { "---\n" });
        }
        writer.anchors.clear();
        writer.map(0, 0);
    }
    let mut text = writer.out;
    if writer.random.chance(20) {
        text = text.replace('\n', "\r\n");
    }
    if writer.random.chance(15) && !text.ends_with("\n\n") {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    let is_broken = writer.random.chance(10);
    if is_broken {
        text = broken(&mut writer.random, &text);
    }
    let is_lossless = writer.is_lossless && !is_broken;
    Sample { text, selector, is_lossless, has_comments: has_comments || is_broken, is_broken }
}

/// Replaces one character by one that means something in YAML, or by nothing.
fn broken(random: &mut Random, text: &str) -> String {
    let victim = random.below(text.chars().count().max(1));
    let new = random.pick(&["", "", ":", "#", "-", "[", "}", "&", "*", "!", "'", "\"", "\t", "\n", ",", "|", "%"]);
    text.chars().enumerate().map(|(at, c)| if at == victim { new.to_string() } else { c.to_string() }).collect()
}

fn selector(random: &mut Random, has_comments: bool) -> Vec<&'static str> {
    match random.below(if has_comments { 10 } else { 8 }) {
        0 => vec!["--encrypted-regex", "^(data|secret|key1)$"],
        1 => vec!["--unencrypted-regex", "(?i)^NAME|list$"],
        2 => vec!["--encrypted-suffix", "_enc"],
        3 => vec!["--unencrypted-suffix", "_clear"],
        4 => vec!["--mac-only-encrypted", "--encrypted-regex", "data|pass"],
        8 => vec!["--encrypted-comment-regex", "sops:enc"],
        9 => vec!["--unencrypted-comment-regex", "sops:clear"],
        _ => vec![],
    }
}

struct Features {
    comments: bool,
    comments_in_lists: bool,
    aliases: bool,
    odd_scalars: bool,
    step: usize,
}

struct Writer {
    random: Random,
    features: Features,
    out: String,
    anchors: Vec<String>,
    keys: usize,
    is_lossless: bool,
}

const MAX_DEPTH: usize = 4;

impl Writer {
    /// Entries of a block mapping at this column. The first line is already indented.
    fn map(&mut self, column: usize, depth: usize) {
        for number in 0..1 + self.random.below(5) {
            if number > 0 || depth == 0 {
                self.gap(column, self.features.comments);
                self.indent(column);
            }
            let key = self.key();
            self.out.push_str(&key);
            self.out.push(':');
            self.value(column, depth, false);
        }
    }

    /// Items of a block list at this column. The first line is already indented.
    fn list(&mut self, column: usize, depth: usize) {
        for number in 0..1 + self.random.below(4) {
            if number > 0 {
                self.gap(column, self.features.comments && self.features.comments_in_lists);
                self.indent(column);
            }
            self.out.push('-');
            if self.random.chance(40) && depth < MAX_DEPTH {
                self.out.push(' ');
                self.map(column + 2, depth + 1);
            } else {
                self.value(column, depth, true);
            }
        }
    }

    /// A value behind `key:` or `-`, to the end of its last line.
    fn value(&mut self, column: usize, depth: usize, in_list: bool) {
        let is_deep = depth >= MAX_DEPTH;
        match self.random.below(if is_deep { 8 } else { 13 }) {
            0..=4 => self.scalar_line(),
            5 => self.block_scalar(column),
            6 => self.flow_line(),
            7 => self.null_or_alias(in_list),
            8..=10 if !in_list => {
                self.line_end(20, self.features.comments_in_lists);
                self.gap(column + self.features.step, self.features.comments);
                self.indent(column + self.features.step);
                self.map(column + self.features.step, depth + 1);
            }
            _ if !in_list => {
                self.line_end(20, self.features.comments_in_lists);
                let column = if self.random.chance(50) { column } else { column + self.features.step };
                self.indent(column);
                self.list(column, depth + 1);
            }
            _ => self.scalar_line(),
        }
    }

    fn scalar_line(&mut self) {
        let anchor = if self.features.aliases && self.random.chance(20) {
            let name = format!("a{}", self.anchors.len());
            self.anchors.push(name.clone());
            format!("&{name} ")
        } else {
            String::new()
        };
        let scalar = self.scalar(false);
        self.out.push_str(&format!(" {anchor}{scalar}"));
        self.line_end(25, false);
    }

    fn null_or_alias(&mut self, in_list: bool) {
        match self.anchors.is_empty() || self.random.chance(40) {
            true if in_list || self.random.chance(50) => self.out.push_str(" null"),
            true => self.out.push_str(" ~"),
            false => {
                let name = self.anchors[self.random.below(self.anchors.len())].clone();
                self.out.push_str(&format!(" *{name}"));
                self.is_lossless = false;
            }
        }
        self.out.push('\n');
    }

    fn block_scalar(&mut self, column: usize) {
        let is_folded = self.features.odd_scalars && self.random.chance(40);
        self.is_lossless &= !is_folded;
        let header = if is_folded { self.random.pick(&[">", ">-"]) } else { self.random.pick(&["|", "|-", "|+"]) };
        self.out.push_str(&format!(" {header}\n"));
        let column = column + self.features.step.max(2);
        for _ in 0..1 + self.random.below(4) {
            self.indent(column);
            let line = self.random.pick(&[
                "line of text",
                "# no comment",
                "k: v",
                "- x",
                "é 日本",
                "a \"quoted\" b",
                "tab\there",
            ]);
            self.out.push_str(&format!("{line}\n"));
            if self.random.chance(15) {
                self.out.push('\n');
                self.indent(column);
                self.out.push_str("after a blank line\n");
            }
        }
    }

    fn flow_line(&mut self) {
        let mut parts = Vec::new();
        let is_list = self.random.chance(50);
        for _ in 0..self.random.below(4) {
            let scalar = self.scalar(true);
            parts.push(if is_list { scalar } else { format!("{}: {scalar}", self.key()) });
        }
        let inside = parts.join(self.random.pick(&[", ", ",", ",  "]));
        self.out.push_str(&if is_list { format!(" [{inside}]") } else { format!(" {{{inside}}}") });
        self.line_end(10, false);
    }

    fn scalar(&mut self, in_flow: bool) -> String {
        const PLAIN: [&str; 14] = [
            "value",
            "two words",
            "a.b/c",
            "5432x",
            "http://host:80/p",
            "x#y",
            "true",
            "false",
            "0",
            "42",
            "-7",
            "1.5",
            "-0.25",
            "ünïcode",
        ];
        const QUOTED: [&str; 10] = [
            "'single'",
            "'it''s'",
            "'5'",
            "'true'",
            "''",
            "\"double\"",
            "\"a: b # c\"",
            "\"tab\\there\"",
            "\"12\"",
            "\"\"",
        ];
        const ODD: [&str; 14] = [
            "0x1F",
            "0o17",
            "1_000",
            "1.10",
            "1e3",
            "yes",
            "2024-01-01",
            "2001-12-14T21:59:43.10-05:00",
            "!!str 5",
            "!!int \"7\"",
            ".5",
            "\"\\x41\"",
            "!custom tagged",
            "+3",
        ];
        if self.features.odd_scalars && self.random.chance(25) {
            self.is_lossless = false;
            return self.random.pick(&ODD).to_string();
        }
        let plain = self.random.chance(60);
        let scalar = if plain { self.random.pick(&PLAIN) } else { self.random.pick(&QUOTED) };
        if in_flow && plain && scalar.contains([':', '#']) { "plain".to_string() } else { scalar.to_string() }
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        let stem = self.random.pick(&["data", "secret", "name", "key", "pass word", "list", "x.y/z", "ключ"]);
        let suffix = self.random.pick(&["", "", "", "_enc", "_clear", "_unencrypted"]);
        let key = format!("{stem}{}{suffix}", self.keys);
        match self.random.below(8) {
            0 => format!("\"{key}\""),
            1 => format!("'{key}'"),
            2 if self.keys == 2 => stem.to_string(),
            _ => key,
        }
    }

    /// Blank lines and comment lines in front of an entry.
    fn gap(&mut self, column: usize, comments: bool) {
        while self.random.chance(12) {
            self.out.push('\n');
        }
        while comments && self.random.chance(20) {
            let column = if self.random.chance(85) { column } else { self.random.below(column + 3) };
            self.indent(column);
            let text = self.comment();
            self.out.push_str(&text);
            self.out.push('\n');
            if self.random.chance(20) {
                self.out.push('\n');
            }
        }
    }

    /// The end of a value's line: a comment in `percent` of 100 cases.
    fn line_end(&mut self, percent: usize, force_allowed: bool) {
        if self.features.comments && (force_allowed || percent > 20) && self.random.chance(percent) {
            let blank = self.random.pick(&[" ", "  ", "   "]);
            let comment = self.comment();
            self.out.push_str(&format!("{blank}{comment}"));
        }
        self.out.push('\n');
    }

    fn comment(&mut self) -> String {
        let texts = [
            "# plain words",
            "#no blank",
            "#",
            "# sops:enc",
            "# sops:clear",
            "## two",
            "# k: v",
            "# é日本",
            "#!shebang",
            "# a # b",
        ];
        self.random.pick(&texts).to_string()
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }
}

#[test]
fn the_same_seed_gives_the_same_text() {
    let texts: Vec<String> = (0..50).map(|seed| sample(seed).text).collect();
    assert!(texts.iter().enumerate().all(|(seed, text)| sample(seed as u64).text == *text));
    let with = |needle: &str| texts.iter().filter(|t| t.contains(needle)).count();
    for needle in ["# ", "|", "[", "{", "*a0", "---", "\r\n", "'", "\""] {
        assert!(with(needle) > 0, "no sample has {needle:?}");
    }
}
