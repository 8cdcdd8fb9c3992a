//! What a stream says about itself, without any key: recipients, selection, mode of the MAC. And the look of an object
//! that nobody decrypts.
//!
//! None of it is proof: metadata stand outside of the MAC. The name of a recipient is a label beside a wrapped key.

use crate::decryptor::{Decryptor, count_tokens};
use crate::error::{Error, Origin};
use crate::stream::{Block, Stream};
use serde_json::{Value, json};
use sops_core::{EncryptedDocument, Format};
use std::collections::BTreeMap;

/// What a stream says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// How many documents it has, empty ones left out.
    pub documents: usize,
    /// How many values are ciphertext.
    pub tokens: usize,
    /// What its blocks say, in the order of the first document of each.
    pub blocks: Vec<InspectedBlock>,
}

/// What one block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedBlock {
    /// The documents that carry it, from 0.
    pub documents: Vec<usize>,
    /// The master keys of each key group: kind and name.
    pub groups: Vec<Vec<(&'static str, String)>>,
    /// How many groups are needed; 0 if it is not written.
    pub threshold: usize,
    /// The selection rules that are set.
    pub selection: BTreeMap<&'static str, String>,
    /// Whether the MAC covers encrypted values only.
    pub mac_only_encrypted: bool,
    /// Whether there is a MAC.
    pub has_mac: bool,
    /// The time of the last change.
    pub last_modified: String,
    /// The version of the writer.
    pub version: String,
}

impl Decryptor {
    /// Reads what a stream says about itself. No key is used.
    ///
    /// # Errors
    /// [`ErrorKind::Parse`](crate::ErrorKind::Parse), [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded),
    /// [`ErrorKind::Metadata`](crate::ErrorKind::Metadata).
    pub fn inspect(&self, input: &[u8], origin: &Origin) -> Result<Inspection, Error> {
        crate::guard(|| {
            let stream = Stream::read(input, self.limits(), origin).map_err(|error| error.at(origin))?;
            let mut inspection = Inspection {
                documents: stream.documents.len(),
                tokens: count_tokens(&stream.plain),
                blocks: Vec::new(),
            };
            let mut known: Vec<(&Value, usize)> = Vec::new();
            for document in stream.documents.iter().filter(|document| document.block == Block::Metadata) {
                let Some(block) = document.value.get("sops") else { continue };
                if let Some((_, at)) = known.iter().find(|(other, _)| *other == block) {
                    inspection.blocks.get_mut(*at).into_iter().for_each(|b| b.documents.push(document.index));
                    continue;
                }
                known.push((block, inspection.blocks.len()));
                let inspected = inspected(block, document.index);
                inspection.blocks.push(inspected.map_err(|error| error.at(&origin.at_document(document.index)))?);
            }
            Ok(inspection)
        })
    }
}

fn inspected(block: &Value, index: usize) -> Result<InspectedBlock, Error> {
    let text = json!({"sops": block}).to_string();
    let file = EncryptedDocument::parse(Format::Json, text.as_bytes())
        .map_err(|error| Error::new(crate::ErrorKind::Metadata, error.to_string()))?;
    let metadata = file.metadata();
    let settings = &metadata.settings;
    let rules = [
        ("encrypted_comment_regex", &settings.encrypted_comment_regex),
        ("encrypted_regex", &settings.encrypted_regex),
        ("encrypted_suffix", &settings.encrypted_suffix),
        ("unencrypted_comment_regex", &settings.unencrypted_comment_regex),
        ("unencrypted_regex", &settings.unencrypted_regex),
        ("unencrypted_suffix", &settings.unencrypted_suffix),
    ];
    let set = rules.into_iter().filter(|(_, text)| !text.is_empty());
    let names = |group: &sops_core::metadata::KeyGroup| {
        group.keys.iter().map(|key| (key.kind().field(), key.display())).collect()
    };
    Ok(InspectedBlock {
        documents: vec![index],
        groups: metadata.groups.iter().map(names).collect(),
        threshold: metadata.threshold,
        selection: set.map(|(name, text)| (name, text.clone())).collect(),
        mac_only_encrypted: metadata.mac_only_encrypted,
        has_mac: !metadata.mac.is_empty(),
        last_modified: metadata.last_modified.whole_seconds(),
        version: metadata.version.clone(),
    })
}

/// Gives an object the look that the `flux` command gives it for a dry run: no block, and a mask for each value of a Secret.
pub fn mask(object: &mut Value) {
    const MASK: &str = "**SOPS**";
    const MASK_BASE64: &str = "KipTT1BTKio=";
    const MASK_DOCKER_BASE64: &str = "eyJtYXNrIjoiKipTT1BTKioifQ==";
    if let Some(members) = object.as_object_mut() {
        members.shift_remove("sops");
    }
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return;
    }
    let is_docker = object.get("type").and_then(Value::as_str) == Some("kubernetes.io/dockerconfigjson");
    let masks = [
        ("data", if is_docker { MASK_DOCKER_BASE64 } else { MASK_BASE64 }),
        ("stringData", if is_docker { "{\"mask\":\"**SOPS**\"}" } else { MASK }),
    ];
    for (member, mask) in masks {
        for value in object.get_mut(member).and_then(Value::as_object_mut).into_iter().flat_map(|m| m.values_mut()) {
            crate::value::wipe(value);
            *value = Value::String(mask.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, Policy};

    #[test]
    fn a_stream_is_described_without_a_key() {
        let block = "sops:\n  age: [{recipient: age1x, enc: y}]\n  encrypted_regex: ^data$\n  mac_only_encrypted: true\n  \
                     lastmodified: \"2026-11-25T00:00:00Z\"\n  mac: ''\n  version: 3.9.0\n";
        let text = format!("data: ENC[AES256_GCM,data:x]\n{block}---\nkind: A\n---\nkind: B\n{block}");
        let decryptor = Decryptor::new(Keyring::default(), Policy::recommended());
        let inspection = decryptor.inspect(text.as_bytes(), &Origin::default()).expect("readable");
        assert_eq!((inspection.documents, inspection.tokens, inspection.blocks.len()), (3, 1, 1));
        let block = &inspection.blocks[0];
        assert_eq!(block.documents, [0, 2]);
        assert_eq!(block.groups, [[("age", "age1x".to_owned())]]);
        assert_eq!(block.selection, BTreeMap::from([("encrypted_regex", "^data$".to_owned())]));
        assert!(block.mac_only_encrypted && !block.has_mac);
        assert_eq!((block.version.as_str(), block.last_modified.as_str()), ("3.9.0", "2026-11-25T00:00:00Z"));
    }

    #[test]
    fn a_masked_object_shows_no_value_and_no_block() {
        let mut object = json!({"kind": "Secret", "data": {"a": "x"}, "stringData": {"b": "y"}, "sops": {}});
        mask(&mut object);
        let wanted = json!({"kind": "Secret", "data": {"a": "KipTT1BTKio="}, "stringData": {"b": "**SOPS**"}});
        assert_eq!(object, wanted);
        let mut object = json!({"kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "data": {"a": "x"}});
        mask(&mut object);
        assert_eq!(object["data"]["a"], "eyJtYXNrIjoiKipTT1BTKioifQ==");
    }
}
