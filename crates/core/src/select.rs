//! Which leaves are encrypted: six mutually exclusive rules, compiled once, decided in one walk.
//!
//! Rules on keys look at every key from the root to the leaf; a verdict is inherited, so each key is judged once. Rules
//! on comments look at the comments in front of an entry and in front of everything around it.

use crate::digest::fast_digest;
use crate::error::Error;
use crate::pattern::Pattern;
use std::cell::RefCell;

/// The six settings as they are written; empty is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Keys with this suffix stay clear.
    pub unencrypted_suffix: String,
    /// Only keys with this suffix are encrypted.
    pub encrypted_suffix: String,
    /// Keys that match stay clear.
    pub unencrypted_regex: String,
    /// Only keys that match are encrypted.
    pub encrypted_regex: String,
    /// What stands behind a matching comment stays clear.
    pub unencrypted_comment_regex: String,
    /// Only what stands behind a matching comment is encrypted.
    pub encrypted_comment_regex: String,
}

/// The suffix that stays clear where nothing is set.
pub const DEFAULT_SUFFIX: &str = "_unencrypted";

#[derive(Clone, Debug)]
enum Rule {
    Everything,
    Suffix(String),
    Pattern(Pattern),
    Comment(Pattern),
    /// An expression that does not compile: never matches.
    Never,
}

/// Decides whether a leaf is encrypted.
#[derive(Clone, Debug)]
pub struct Selector {
    rule: Rule,
    /// Whether a match means "encrypted" (and no match "clear").
    encrypts: bool,
    setting: &'static str,
    explicit: bool,
    settings: Settings,
}

impl Selector {
    /// The default: everything but what ends in `_unencrypted`.
    pub fn default_suffix() -> Selector {
        let settings = Settings { unencrypted_suffix: DEFAULT_SUFFIX.into(), ..Settings::default() };
        Selector {
            rule: Rule::Suffix(DEFAULT_SUFFIX.into()),
            encrypts: false,
            setting: "unencrypted_suffix",
            explicit: false,
            settings,
        }
    }

    /// Everything is encrypted and nothing is written about it: the binary format.
    pub fn everything() -> Selector {
        Selector { rule: Rule::Everything, settings: Settings::default(), ..Selector::default_suffix() }
    }

    /// Compiles settings; the default if none is set.
    ///
    /// # Errors
    /// [`Error::SelectorConflict`] for more than one, [`Error::Selector`] for an expression that does not compile.
    pub fn from_settings(settings: &Settings) -> Result<Selector, Error> {
        let (selector, problem) = Selector::compile(settings)?;
        match problem {
            Some(reason) => Err(Error::Selector { setting: selector.setting, reason }),
            None => Ok(selector),
        }
    }

    /// Compiles the settings of an encrypted file, where an invalid expression never matches, as in the reference.
    /// Returns whether it is one.
    ///
    /// # Errors
    /// [`Error::SelectorConflict`] for more than one setting.
    pub fn from_settings_lenient(settings: &Settings) -> Result<(Selector, bool), Error> {
        let (selector, problem) = Selector::compile(settings)?;
        Ok((selector, problem.is_some()))
    }

    fn compile(settings: &Settings) -> Result<(Selector, Option<String>), Error> {
        let all: [(&'static str, &String, bool); 6] = [
            ("unencrypted_suffix", &settings.unencrypted_suffix, false),
            ("encrypted_suffix", &settings.encrypted_suffix, true),
            ("unencrypted_regex", &settings.unencrypted_regex, false),
            ("encrypted_regex", &settings.encrypted_regex, true),
            ("unencrypted_comment_regex", &settings.unencrypted_comment_regex, false),
            ("encrypted_comment_regex", &settings.encrypted_comment_regex, true),
        ];
        let mut set = all.iter().filter(|(_, text, _)| !text.is_empty());
        let Some(&(setting, text, encrypts)) = set.next() else { return Ok((Selector::default_suffix(), None)) };
        if set.next().is_some() {
            return Err(Error::SelectorConflict);
        }
        let mut problem = None;
        let rule = if setting.ends_with("_suffix") {
            Rule::Suffix(text.clone())
        } else {
            match Pattern::parse(text) {
                Ok(pattern) if setting.ends_with("comment_regex") => Rule::Comment(pattern),
                Ok(pattern) => Rule::Pattern(pattern),
                Err(error) => {
                    problem = Some(error.to_string());
                    Rule::Never
                }
            }
        };
        let explicit = settings.unencrypted_suffix != DEFAULT_SUFFIX;
        Ok((Selector { rule, encrypts, setting, explicit, settings: settings.clone() }, problem))
    }

    /// The name of the setting in force.
    pub fn setting(&self) -> &'static str {
        self.setting
    }

    /// Whether somebody asked for this rule; the default suffix counts as not.
    pub fn is_explicit(&self) -> bool {
        self.explicit
    }

    /// The settings to write into the metadata.
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn matches_key(&self, key: &[u8]) -> bool {
        match &self.rule {
            Rule::Suffix(suffix) => key.ends_with(suffix.as_bytes()),
            Rule::Pattern(pattern) => pattern.is_match(key),
            _ => false,
        }
    }

    /// Whether a stored comment would leave what follows it clear.
    pub(crate) fn leaves_clear_behind(&self, comment: &[u8]) -> bool {
        !self.encrypts && self.matches_comment(comment)
    }

    /// Whether what matches is encrypted, and all else stays clear; else it is the other way round.
    pub(crate) fn encrypts_matches(&self) -> bool {
        self.encrypts
    }

    pub(crate) fn is_comment_rule(&self) -> bool {
        matches!(self.rule, Rule::Comment(_))
    }

    pub(crate) fn matches_comment(&self, text: &[u8]) -> bool {
        matches!(&self.rule, Rule::Comment(pattern) if pattern.is_match(text))
    }
}

/// One level of open containers.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Whether a key from the root to here matched, or (comment rules) a comment on an outer level is active.
    inherited: bool,
    /// Whether a matching comment is active on this level.
    active: bool,
}

/// What an expression said of a key.
#[derive(Clone)]
struct Verdict {
    key: Box<[u8]>,
    matches: bool,
}

/// How many keys a walk remembers; each has one place, which a later one may take.
const VERDICTS: usize = 1024;

/// The selector's state during one walk over a tree.
pub struct Walk<'s> {
    selector: &'s Selector,
    levels: Vec<Level>,
    verdicts: RefCell<Vec<Option<Verdict>>>,
}

impl<'s> Walk<'s> {
    /// A walk that is inside the root of a first document.
    pub fn new(selector: &'s Selector) -> Walk<'s> {
        Walk { selector, levels: vec![Level::default()], verdicts: RefCell::default() }
    }

    /// The next document's root starts.
    pub fn document(&mut self) {
        self.levels.clear();
        self.levels.push(Level::default());
    }

    fn top(&self) -> Level {
        self.levels.last().copied().unwrap_or_default()
    }

    /// Judges a key once, however often it occurs: an expression costs more than a look-up.
    fn matches_key(&self, key: &[u8]) -> bool {
        if !matches!(self.selector.rule, Rule::Pattern(_)) {
            return self.selector.matches_key(key);
        }
        let mut verdicts = self.verdicts.borrow_mut();
        if verdicts.is_empty() {
            verdicts.resize(VERDICTS, None);
        }
        let place = &mut verdicts[fast_digest(key) as usize % VERDICTS];
        if let Some(known) = place.as_ref().filter(|known| *known.key == *key) {
            return known.matches;
        }
        let matches = self.selector.matches_key(key);
        *place = Some(Verdict { key: key.into(), matches });
        matches
    }

    fn inherits(&self, key: Option<&[u8]>) -> bool {
        let top = self.top();
        if self.selector.is_comment_rule() {
            return top.inherited || top.active;
        }
        top.inherited || key.is_some_and(|k| self.matches_key(k))
    }

    fn verdict(&self, matched: bool) -> bool {
        match self.selector.rule {
            Rule::Everything => true,
            _ => matched == self.selector.encrypts,
        }
    }

    /// A mapping or list starts.
    pub fn enter(&mut self, key: Option<&[u8]>) {
        let inherited = self.inherits(key);
        self.levels.push(Level { inherited, active: false });
    }

    /// The innermost mapping or list ends; comments in front of it are spent.
    pub fn leave(&mut self) {
        self.levels.pop();
        self.spend();
    }

    fn spend(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.active = false;
        }
    }

    /// A comment: returns whether it is encrypted itself. Its stored text counts for what follows.
    pub fn comment(&mut self, text: &[u8]) -> bool {
        let before = self.inherits(None);
        let matches = self.selector.matches_comment(text);
        if let Some(level) = self.levels.last_mut() {
            level.active |= matches;
        }
        // A comment that asks for encryption is not encrypted by its own match; one that forbids it stays clear by it.
        self.verdict(before || matches && !self.selector.encrypts)
    }

    /// A comment the reference does not see: judged, without any effect. One that holds what it loses of a key's value is
    /// judged like that.
    pub fn unseen_comment(&self, key: Option<&[u8]>) -> bool {
        self.verdict(self.inherits(key))
    }

    /// A leaf: returns whether it is encrypted; comments in front of it are spent.
    pub fn leaf(&mut self, key: Option<&[u8]>) -> bool {
        let matched = self.inherits(key);
        self.spend();
        self.verdict(matched)
    }
}
