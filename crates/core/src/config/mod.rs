//! `.sops.yaml`: text to creation rules, and the rule of a file.
//!
//! A mistake in a configuration must never mean that less is encrypted. So shapes are checked when it is parsed and
//! contents when they are used, every error has its place, and what has no effect is kept and reported. Matching is by
//! the text of a path only; finding the configuration is the caller's business.
//!
//! ```
//! use sops_core::config::Config;
//!
//! let config = Config::parse(b"
//! creation_rules:
//!   - path_regex: ^prod/
//!     age: age1qn26st0409u0cfqz6gjvtgspzy2s39v7mvawat3fmx2xnelhlgcswyhmfq
//!     encrypted_regex: ^data$
//! ")?;
//! let recipe = config.recipe_for("prod/db.yaml")?.expect("a rule matches");
//! assert_eq!(recipe.groups[0].len(), 1);
//! assert!(config.recipe_for("dev/db.yaml")?.is_none());
//! # Ok::<(), sops_core::Error>(())
//! ```

mod destination;
mod keys;
mod node;
pub mod notation;
mod rule;
mod unknown;

use crate::Error;
use crate::sealer::Recipe;
pub use destination::{Destination, DestinationRule};
pub use node::Place;
use node::{Fields, Node, Source};
pub use rule::CreationRule;
pub use unknown::{Section, Unknown};

/// A parsed configuration.
#[derive(Default)]
pub struct Config {
    /// Indentation of new text, by store.
    pub stores: Stores,
    source: String,
    rules: Option<Vec<CreationRule>>,
    destinations: Vec<DestinationRule>,
    unknown: Vec<Unknown>,
    /// What was ignored besides unknown fields.
    ignored: Vec<Warning>,
}

/// Indentation of new text, in spaces; −1 is a tab in JSON.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stores {
    /// YAML.
    pub yaml: Option<i64>,
    /// JSON.
    pub json: Option<i64>,
    /// The encrypted form of binary files.
    pub json_binary: Option<i64>,
}

/// How a creation rule and a path go together.
pub enum Verdict {
    /// The rule is for this path.
    Matches,
    /// It is not.
    Differs,
    /// Nobody can say: its expression does not compile.
    Invalid(Error),
}

/// What a person should know about a configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing.
    pub kind: WarningKind,
    /// Where.
    pub place: Place,
    /// What, without its place.
    pub text: String,
}

/// The kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WarningKind {
    /// A field without meaning.
    UnknownField,
    /// A part of the text that is not looked at.
    Ignored,
    /// A second rule that matches the path and selects something else.
    SecondMatch,
    /// The rule that is used names no key.
    NoKeys,
    /// Key groups all of which are needed, perhaps by accident.
    Groups,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.place.line, self.text)
    }
}

impl Config {
    /// Parses the bytes of a configuration; an empty one is valid.
    ///
    /// # Errors
    /// [`Error::Syntax`] and its like for text that is no YAML, and for fields of the wrong type.
    pub fn parse(bytes: &[u8]) -> Result<Config, Error> {
        let source = Source::read(bytes)?;
        let mut config = Config::default();
        if let Some(root) = source.root() {
            config.read(root)?;
        }
        if let Some(place) = source.second_document() {
            let text = "only the first document is looked at".to_owned();
            config.ignored.push(Warning { kind: WarningKind::Ignored, place, text });
        }
        config.source = source.text;
        Ok(config)
    }

    fn read(&mut self, root: Node<'_>) -> Result<(), Error> {
        let mut fields = root.fields()?;
        // Sections of our own; the reference ignores them.
        fields.take("x-sops");
        if let Some(node) = fields.take("creation_rules").filter(|node| !node.is_null()) {
            for null in node.nulls() {
                let text = "this creation rule is empty and ignored".to_owned();
                self.ignored.push(Warning { kind: WarningKind::Ignored, place: null.place(), text });
            }
            let rules = node.list("creation rules")?.into_iter().enumerate();
            let rules = rules.map(|(index, node)| CreationRule::read(index + 1, node, &mut self.unknown));
            self.rules = Some(rules.collect::<Result<_, _>>()?);
        }
        if let Some(node) = fields.take("destination_rules") {
            let rules = node.list("destination rules")?.into_iter().enumerate();
            let rules = rules.map(|(index, node)| DestinationRule::read(index + 1, node, &mut self.unknown));
            self.destinations = rules.collect::<Result<_, _>>()?;
        }
        if let Some(node) = fields.take("stores") {
            let mut stores = node.fields()?;
            let mut indent = |name| store_indent(&mut stores, name, &mut self.unknown);
            self.stores = Stores { yaml: indent("yaml")?, json: indent("json")?, json_binary: indent("json_binary")? };
            // These two exist and have no options.
            indent("dotenv")?;
            indent("ini")?;
            self.unknown.extend(Unknown::of(Section::Stores, stores));
        }
        self.unknown.extend(Unknown::of(Section::Top, fields));
        Ok(())
    }

    /// Returns the decoded text that all places point into.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the fields that have no meaning, suspect or not.
    pub fn unknown(&self) -> &[Unknown] {
        &self.unknown
    }

    /// Tells whether there are creation rules; an empty list counts, an absent or null one does not.
    pub fn has_rules(&self) -> bool {
        self.rules.is_some()
    }

    /// Returns every creation rule with its verdict on a path, in the order of the file. The first that matches is used.
    pub fn judge(&self, path: &str) -> impl Iterator<Item = (&CreationRule, Verdict)> {
        self.rules.iter().flatten().map(move |rule| match rule.matches(path) {
            Ok(true) => (rule, Verdict::Matches),
            Ok(false) => (rule, Verdict::Differs),
            Err(error) => (rule, Verdict::Invalid(error)),
        })
    }

    /// Returns the creation rule for a path; `None` if none matches.
    ///
    /// # Errors
    /// [`Error::Syntax`] for an expression that does not compile, in *any* rule: had it compiled, it might have matched.
    pub fn rule_for(&self, path: &str) -> Result<Option<&CreationRule>, Error> {
        let mut first = None;
        for (rule, verdict) in self.judge(path) {
            match verdict {
                Verdict::Matches => first = first.or(Some(rule)),
                Verdict::Differs => {}
                Verdict::Invalid(error) => return Err(error),
            }
        }
        Ok(first)
    }

    /// Returns what the creation rule for a path asks for; `None` if none matches.
    ///
    /// # Errors
    /// Those of [`Config::rule_for`] and [`CreationRule::recipe`].
    pub fn recipe_for(&self, path: &str) -> Result<Option<Recipe>, Error> {
        self.rule_for(path)?.map(CreationRule::recipe).transpose()
    }

    /// Returns the destination rule for a path as it was typed; `None` if none matches.
    ///
    /// # Errors
    /// [`Error::Syntax`] for an expression that does not compile, up to the rule that matches.
    pub fn destination_for(&self, path: &str) -> Result<Option<&DestinationRule>, Error> {
        for rule in &self.destinations {
            if rule.matches(path)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// Returns what a person should know who makes a file at this path, in the order of the text.
    ///
    /// Of later rules that match too it speaks where they select something else: people expect selections to add up. Other
    /// keys behind a first match are how rules are written, and so is a default for every path.
    pub fn warnings_for(&self, path: &str) -> Vec<Warning> {
        let suspects = self.unknown.iter().filter(|unknown| unknown.is_suspect());
        let mut warnings: Vec<Warning> = suspects
            .map(|field| Warning { kind: WarningKind::UnknownField, place: field.place, text: field.text() })
            .chain(self.ignored.iter().cloned())
            .collect();
        let mut matching = self.judge(path).filter(|(_, verdict)| matches!(verdict, Verdict::Matches));
        if let Some((first, _)) = matching.next() {
            let later: Vec<&CreationRule> = matching.map(|(rule, _)| rule).collect();
            warnings.extend(warnings_about(first, &later));
        }
        warnings.sort_by_key(|warning| warning.place.line);
        warnings
    }
}

/// Reads one of the stores.
fn store_indent(stores: &mut Fields<'_>, name: &'static str, unknown: &mut Vec<Unknown>) -> Result<Option<i64>, Error> {
    let Some(node) = stores.take(name) else { return Ok(None) };
    let mut store = node.fields()?;
    let indent = store.integer("indent")?;
    unknown.extend(Unknown::of(Section::Stores, store));
    Ok(indent)
}

/// Returns what there is to say about the rule that is used and about those that match behind it.
fn warnings_about(first: &CreationRule, later: &[&CreationRule]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |kind, rule: &CreationRule, text| warnings.push(Warning { kind, place: rule.place, text });
    let number = first.number;
    if let Some(next) = later.first().filter(|_| first.has_no_keys()) {
        let text = format!("rule {number} is used and has no keys; rule {} is not looked at", next.number);
        warn(WarningKind::NoKeys, first, text);
    }
    if let Some(count) = first.accidental_groups() {
        let text = format!(
            "{count} of {count} groups are needed to decrypt: rule {number} has no shamir_threshold; keys of which any \
             one is enough belong into one group"
        );
        warn(WarningKind::Groups, first, text);
    }
    for rule in later.iter().filter(|rule| !rule.is_default() && !rule.selects_like(first)) {
        let text =
            format!("rule {} matches too, and what it selects has no effect: rule {number} comes first", rule.number);
        warn(WarningKind::SecondMatch, rule, text);
    }
    warnings
}

#[cfg(test)]
mod tests;
