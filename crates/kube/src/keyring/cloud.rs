//! Entries for key services: checked for their form, then kept as they are. Nothing is contacted.

use super::{CloudEntry, Fault, ImportMode, ImportOptions};
use crate::stream;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// Checks an entry, and returns what is kept of it.
pub(super) fn read(entry: CloudEntry, bytes: &[u8], options: &ImportOptions) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match entry {
        CloudEntry::VaultToken => Ok(Zeroizing::new(bytes.trim_ascii().to_vec())),
        CloudEntry::AwsKms => {
            mapping(bytes).ok_or_else(|| unreadable("AWS"))?;
            Ok(Zeroizing::new(bytes.to_vec()))
        }
        CloudEntry::AzureKv => azure(bytes, options),
        CloudEntry::GcpKms => gcp(bytes, options),
    }
}

fn unreadable(service: &str) -> Fault {
    let reason = format!("it is no mapping of {service} credentials");
    Fault::new(reason, format!("failed to unmarshal {service} authentication file: not a mapping"))
}

/// A YAML or JSON mapping.
fn mapping(bytes: &[u8]) -> Option<Map<String, Value>> {
    match stream::read_mapping(bytes) {
        Some(Value::Object(members)) => Some(members),
        _ => None,
    }
}

fn azure(bytes: &[u8], options: &ImportOptions) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let text = utf8(bytes).ok_or_else(|| unreadable("Azure"))?;
    let members = mapping(&text).ok_or_else(|| unreadable("Azure"))?;
    let has = |name: &str| members.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let has_application = has("tenantId") && has("clientId") && (has("clientSecret") || has("clientCertificate"));
    let has_az_output = has("tenant") && has("appId") && has("password");
    if has_application || has_az_output {
        return Ok(text);
    }
    if !has("clientId") {
        return Err(Fault::new(
            "it needs tenantId, clientId and clientSecret or clientCertificate",
            "invalid data: requires a 'clientId' field, a combination of 'tenantId', 'clientId' and 'clientSecret', or \
             'tenantId', 'clientId' and 'clientCertificate'",
        ));
    }
    match options.allow_scoped_identities {
        true => Ok(text),
        false => {
            Err(Fault::new("a clientId alone stands for the identity of the node", "managed identity not allowed"))
        }
    }
}

fn gcp(bytes: &[u8], options: &ImportOptions) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let start = bytes.iter().position(|b| *b != b'\n').unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| *b != b'\n').map_or(start, |last| last + 1);
    let kept = Zeroizing::new(bytes.get(start..end).unwrap_or_default().to_vec());
    if options.mode == ImportMode::FluxCompat {
        return Ok(kept);
    }
    let members = mapping(&kept).ok_or_else(|| unreadable("Google"))?;
    let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
    if matches!(kind, "service_account" | "authorized_user") || options.allow_scoped_identities {
        return Ok(kept);
    }
    let reason = "only credentials of type service_account and authorized_user are taken: others name a program or an \
                  address of the writer's choice";
    Err(Fault::new(reason, "credentials type not allowed"))
}

/// The text in UTF-8; UTF-16 has a byte order mark.
fn utf8(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (rest, is_little) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (rest, true),
        [0xFE, 0xFF, rest @ ..] => (rest, false),
        [0xEF, 0xBB, 0xBF, rest @ ..] => return Some(Zeroizing::new(rest.to_vec())),
        rest => return Some(Zeroizing::new(rest.to_vec())),
    };
    if rest.len() % 2 == 1 {
        return None;
    }
    let units = rest.chunks_exact(2).map(|pair| match is_little {
        true => u16::from_le_bytes([pair[0], pair[1]]),
        false => u16::from_be_bytes([pair[0], pair[1]]),
    });
    let mut text = Zeroizing::new(Vec::with_capacity(rest.len() * 2));
    for c in char::decode_utf16(units) {
        text.extend_from_slice(c.ok()?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(text)
}
