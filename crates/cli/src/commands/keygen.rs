//! `sops keygen [-o FILE]`: a new age identity, in the very text that `age-keygen` writes.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use sops_core::keys::age::AgeIdentities;
use zeroize::Zeroizing;

use crate::{args::Keygen, exit_code::Code, failure::Failure, route, ui};

/// Prints the identity, or writes it to a new private file and its public key to standard error.
///
/// # Errors
/// A positional (1); a file that exists or cannot be written (3).
pub fn run(args: &Keygen) -> Result<(), Failure> {
    if !args.file.is_empty() {
        return Err(Failure::new(Code::Generic, "keygen takes no argument").hint("name the file with -o FILE"));
    }
    let (identity, recipient) = AgeIdentities::generate_text();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let text = Zeroizing::new(format!("# created: {}\n# public key: {recipient}\n{}\n", utc(now), identity.as_str()));
    match args.output.as_ref().filter(|path| !path.is_empty()) {
        None => {
            // As `age-keygen` does: people who redirect the output want to see whom to encrypt to.
            if !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
                ui::say(&format!("Public key: {recipient}"));
            }
            route::print(text.as_bytes())
        }
        Some(path) => {
            write_new(Path::new(path), text.as_bytes())?;
            ui::say(&format!("Public key: {recipient}"));
            Ok(())
        }
    }
}

/// Writes a file that must not exist; a half-written one is removed.
fn write_new(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(Code::CouldNotWriteOutput, "exists already and is never overwritten")
                .of(path.to_string_lossy())
                .hint("choose another name, or add a key to the file with >>")
        }
        _ => Failure::io(Code::CouldNotWriteOutput, path, "", &error),
    })?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(|error| {
        let _best_effort = std::fs::remove_file(path);
        Failure::io(Code::CouldNotWriteOutput, path, "", &error)
    })
}

/// Renders seconds since 1970 as `2026-01-31T00:00:00Z`.
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days, in years that begin in March so that the leap day is the last one (Howard Hinnant).
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rendered_as_a_date() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_782_864_000), "2026-07-01T00:00:00Z");
    }

    #[test]
    fn a_file_that_exists_is_never_overwritten() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.txt");
        write_new(&path, b"first").unwrap();
        assert_eq!(write_new(&path, b"second").unwrap_err().code, Code::CouldNotWriteOutput);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
