//! The age test kit of CCTV, where it is present: files that are right, or wrong in one way, and what is to be said of each.
//!
//! It runs through what opens wrapped keys and encrypted identity files, with its limits and its reading of armor.

use super::encrypted::{Locked, Refusal};
use super::identity::Identity;
use super::{Dearmored, open, without_armor};
use crate::keys::Surroundings;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::Path;

#[test]
fn every_file_of_the_age_kit_gets_its_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/age-cctv");
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let (mut ran, mut failures) = (0, Vec::new());
    for path in paths {
        let bytes = std::fs::read(&path).expect("a readable file");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (settings, file) = parted(&bytes);
        let wanted = settings["expect"].as_str();
        let found = match settings.get("passphrase") {
            Some(_) => with_passphrases(&settings_list(&bytes, "passphrase"), &file, &settings),
            None => with_identities(&settings_list(&bytes, "identity"), &file, &settings),
        };
        ran += 1;
        match found {
            Ok(payload) if wanted == "success" => {
                let digest: String = Sha256::digest(&payload).iter().map(|byte| format!("{byte:02x}")).collect();
                if digest != settings["payload"] {
                    failures.push(format!("{name}: another payload"));
                }
            }
            Ok(_) => failures.push(format!("{name}: opens, expected {wanted}")),
            Err(found) if found == wanted => {}
            Err(found) => failures.push(format!("{name}: {found}, expected {wanted}")),
        }
    }
    assert!(failures.is_empty(), "{} of {ran} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(ran >= 143, "only {ran} files ran");
}

fn with_identities(lines: &[String], file: &[u8], settings: &HashMap<String, String>) -> Result<Vec<u8>, String> {
    let identities: Vec<Identity> = lines
        .iter()
        .map(|line| Identity::parse(line, &Surroundings::default()).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    let file = dearmored(file, settings)?;
    let identities: Vec<&Identity> = identities.iter().collect();
    open(&file, &identities).map(|payload| payload.to_vec()).map_err(|error| verdict(&error.to_string()).to_owned())
}

fn with_passphrases(
    passphrases: &[String],
    file: &[u8],
    settings: &HashMap<String, String>,
) -> Result<Vec<u8>, String> {
    let file = dearmored(file, settings)?;
    if file.problem.is_some() {
        return Err("armor failure".into());
    }
    let mut verdict = "no match";
    for passphrase in passphrases {
        let locked = match Locked::parse(&file.bytes) {
            Ok(locked) => locked,
            // Another kind of recipient, which no passphrase opens.
            Err("it is not protected by a passphrase") => continue,
            Err(_) => return Err("header failure".into()),
        };
        match locked.open(passphrase) {
            Ok(payload) => return Ok(payload.to_vec()),
            Err(Refusal::Passphrase) => {}
            Err(Refusal::Work(_) | Refusal::Damaged) => verdict = "header failure",
        }
    }
    Err(verdict.into())
}

fn dearmored(file: &[u8], settings: &HashMap<String, String>) -> Result<Dearmored, String> {
    if !settings.contains_key("armored") {
        return Ok(Dearmored { bytes: file.to_vec(), problem: None });
    }
    let text = std::str::from_utf8(file).map_err(|_| "armor failure")?;
    without_armor(text).map_err(|_| "armor failure".into())
}

fn verdict(text: &str) -> &'static str {
    let classes = [
        ("invalid armor", "armor failure"),
        ("failed to copy", "payload failure"),
        ("bad header MAC", "HMAC failure"),
        ("did not match any", "no match"),
        ("no identity matched", "no match"),
    ];
    classes.into_iter().find(|(part, _)| text.contains(part)).map_or("header failure", |(_, class)| class)
}

/// The settings in front of a file, and the file, inflated where it is deflated.
fn parted(bytes: &[u8]) -> (HashMap<String, String>, Vec<u8>) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").expect("settings and a file");
    let settings = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let pairs = settings.lines().filter_map(|line| line.split_once(": "));
    let settings: HashMap<String, String> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let file = &bytes[end + 2..];
    let file = match settings.get("compressed").map(String::as_str) {
        None => file.to_vec(),
        Some("zlib") => miniz_oxide::inflate::decompress_to_vec_zlib(file).expect("a deflated file"),
        Some(other) => panic!("{other}"),
    };
    (settings, file)
}

/// All values of a setting, in order.
fn settings_list(bytes: &[u8], name: &str) -> Vec<String> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").expect("settings and a file");
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned)).collect()
}
