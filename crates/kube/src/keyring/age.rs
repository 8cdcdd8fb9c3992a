//! Entries with age identities, line by line.

use super::{Fault, ImportMode, ImportOptions};
use sops_core::keys::KeyError;
use sops_core::keys::age::AgeIdentities;

/// Reads an entry; an empty set for comments alone.
pub(super) fn read(entry: &[u8], options: &ImportOptions) -> Result<AgeIdentities, Fault> {
    let unknown = |number: usize| {
        let reason = format!("line {number} is no age identity (AGE-SECRET-KEY-1…)");
        Fault::new(reason, "failed to parse and add to age identities: unknown identity type")
    };
    let text = std::str::from_utf8(entry).map_err(|_| unknown(1))?;
    let is_strict = options.mode == ImportMode::FluxCompat;
    let text = if is_strict { text } else { text.trim_start_matches('\u{feff}') };
    let mut identities = AgeIdentities::default();
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = if is_strict { line } else { line.trim() };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        if line.starts_with("AGE-PLUGIN-") {
            let reason = format!("line {number} is the identity of an age plugin: a program would have to run");
            return Err(Fault::new(reason, "failed to parse and add to age identities: plugins are not allowed"));
        }
        if !line.starts_with("AGE-SECRET-KEY-1") && !line.starts_with("AGE-SECRET-KEY-PQ-1") {
            return Err(unknown(number));
        }
        let malformed = || {
            let reason = format!("line {number} is a damaged age identity");
            Fault::new(reason, "failed to parse and add to age identities: malformed secret key")
        };
        if line.trim() != line {
            return Err(malformed());
        }
        identities.extend(AgeIdentities::parse(line).map_err(|error| match error {
            KeyError::Unsupported(_) => {
                let reason = format!("line {number}: identities of this kind are not built in");
                Fault::new(reason, "failed to parse and add to age identities: not built in")
            }
            _ => malformed(),
        })?);
    }
    Ok(identities)
}
