//! Where the corpora are, and the count of what ran.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// One folder with areas, cases and tables.
pub struct Corpus {
    /// The folder.
    pub path: PathBuf,
    /// Printed behind the area: empty for our own fixtures.
    label: &'static str,
}

/// What became of the cases or rows of one area.
#[derive(Default)]
pub struct Tally {
    ran: usize,
    failures: Vec<String>,
    skipped: BTreeMap<String, usize>,
}

/// Returns our own fixtures and, where it is present, the larger corpus.
pub fn corpora() -> Vec<Corpus> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![Corpus { path: root.join("fixtures"), label: "" }];
    let shared = root.join("../shared/golden");
    if shared.is_dir() {
        found.push(Corpus { path: shared, label: " (shared)" });
    }
    found
}

/// Returns the public suites, where they are present.
pub fn suites() -> Option<Corpus> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites");
    path.is_dir().then_some(Corpus { path, label: " (suite)" })
}

impl Corpus {
    /// Returns the folders of an area that hold a `case.toml`, in order.
    pub fn cases(&self, area: &str) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = std::fs::read_dir(self.path.join(area))
            .unwrap_or_else(|e| panic!("{area}: {e}"))
            .map(|entry| entry.expect("a directory entry").path())
            .filter(|path| path.join("case.toml").is_file())
            .collect();
        found.sort();
        found
    }

    /// Returns the rows of a table without the line that names the columns.
    pub fn rows(&self, table: &str) -> Vec<Vec<String>> {
        let lines = self.text(table);
        lines.split('\n').skip(1).filter(|l| !l.is_empty()).map(|l| l.split('\t').map(String::from).collect()).collect()
    }

    /// Returns the elements of a JSON table.
    pub fn elements(&self, table: &str) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.text(table)).unwrap_or_else(|e| panic!("{table}: {e}"))
    }

    /// Returns the text of a file.
    pub fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.path.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    /// Prints the count of an area and fails if anything differed, or if fewer ran than `COUNTS` says.
    ///
    /// Writes to the process's own output, which the test runner does not capture.
    pub fn report(&self, kind: &str, area: &str, tally: Tally) {
        let Tally { ran, failures, skipped } = tally;
        let skips: String = skipped.iter().map(|(reason, n)| format!(", skipped {n}: {reason}")).collect();
        let line = format!("{kind} {area}{}: {ran}, failed {}{skips}\n", self.label, failures.len());
        std::io::stdout().write_all(line.as_bytes()).expect("standard output");
        assert!(failures.is_empty(), "{} of {ran} differ:\n{}", failures.len(), failures.join("\n"));
        if self.label.is_empty() {
            let least = self.least(kind, area);
            assert!(ran >= least, "{kind} {area}: only {ran} ran, COUNTS says {least}");
        }
    }

    /// Counts a case or row that ran. One of `fixtures/DIFFERENCES` must differ, any other must not.
    pub fn judge(&self, tally: &mut Tally, name: &str, problems: impl IntoIterator<Item = String>) {
        let list = include_str!("../../../../fixtures/DIFFERENCES");
        let reason = list.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let problems: Vec<String> = problems.into_iter().collect();
        match reason {
            Some(reason) if !problems.is_empty() => tally.reviewed(reason),
            Some(_) => tally.ran(name, ["no difference any more: take it off the list".to_string()]),
            None => tally.ran(name, problems),
        }
    }

    fn least(&self, kind: &str, area: &str) -> usize {
        let counts = self.text("COUNTS");
        let line = counts.lines().find_map(|l| l.strip_prefix(&format!("{kind} {area} ")));
        line.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("COUNTS has no line for {kind} {area}"))
    }
}

impl Tally {
    /// Counts one that ran; each problem is a line.
    pub fn ran(&mut self, name: &str, problems: impl IntoIterator<Item = String>) {
        self.ran += 1;
        self.failures.extend(problems.into_iter().map(|p| format!("{name}: {p}")));
    }

    /// Counts one that ran and differs as it may.
    fn reviewed(&mut self, reason: &str) {
        self.ran += 1;
        *self.skipped.entry(format!("differs, {reason}")).or_default() += 1;
    }

    /// Fails if more than `most` were skipped for a reason.
    pub fn at_most(&self, reason: &str, most: usize) {
        let found = self.skipped.get(reason).copied().unwrap_or_default();
        assert!(found <= most, "{reason}: {found}, at most {most} may be");
    }

    /// Counts one that needs what is not built in.
    pub fn skipped(&mut self, reason: &str) {
        *self.skipped.entry(reason.to_string()).or_default() += 1;
    }
}
