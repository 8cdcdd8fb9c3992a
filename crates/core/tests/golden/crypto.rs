//! The cipher against vectors that others computed: sealed tokens, and Wycheproof where the suites are present.

use crate::corpus::{Tally, corpora, suites};
use crate::tables::{bytes_from_hex, field};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sops_core::crypto::cipher::{Cipher, DataKey};
use sops_core::crypto::token;
use sops_core::value::Kind;

fn open(cipher: &Cipher, text: &str, aad: &[u8]) -> Result<(Kind, Vec<u8>), String> {
    let token = token::parse_allow_empty(text.as_bytes()).ok_or("is no token")?;
    let mut plain = Vec::new();
    let kind = cipher.open(&token, aad, &mut plain).map_err(|cause| cause.to_string())?;
    Ok((kind, plain))
}

#[test]
fn tokens_are_the_very_text_of_an_independent_implementation() {
    for corpus in corpora() {
        let mut tally = Tally::default();
        for row in corpus.elements("cipher/tokens.json") {
            // The reference's data keys have 32 bytes; any other length is refused when the key is recovered.
            let Ok(key) = DataKey::from_bytes(&bytes_from_hex(field(&row, "key"))) else {
                tally.skipped("a key that is not of 32 bytes");
                continue;
            };
            let cipher = Cipher::new(&key);
            let (aad, text) = (field(&row, "aad").as_bytes(), field(&row, "token"));
            let kind = Kind::from_label(field(&row, "type").as_bytes()).expect("a known type");
            let plain = match row["plaintext"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => bytes_from_hex(field(&row, "plaintext_hex")),
            };
            let mut problems = Vec::new();
            match open(&cipher, text, aad) {
                Ok(opened) if opened == (kind, plain.clone()) => {}
                Ok((kind, _)) => problems.push(format!("opens to another text, as {}", kind.label())),
                Err(problem) => problems.push(problem),
            }
            if let Ok(iv) = bytes_from_hex(field(&row, "iv")).try_into() {
                let mut sealed = Vec::new();
                cipher.seal(&plain, aad, &iv, kind, &mut sealed);
                problems.extend((sealed != text.as_bytes()).then(|| "seals to another text".to_string()));
            }
            corpus.judge(&mut tally, &format!("cipher/tokens.json {}", field(&row, "id")), problems);
        }
        corpus.report("rows", "cipher/tokens.json", tally);
    }
}

#[test]
fn wycheproof_has_its_verdicts() {
    let Some(suites) = suites() else { return };
    let mut tally = Tally::default();
    let file: serde_json::Value = serde_json::from_str(&suites.text("wycheproof/aes_gcm_test.json")).expect("JSON");
    for group in file["testGroups"].as_array().expect("groups") {
        if group["keySize"] != 256 {
            tally.skipped("a key that is not of 32 bytes");
            continue;
        }
        for row in group["tests"].as_array().expect("tests") {
            let bytes = |name: &str| bytes_from_hex(field(row, name));
            let coded = |name: &str| STANDARD.encode(bytes(name));
            let text = format!("ENC[AES256_GCM,data:{},iv:{},tag:{},type:str]", coded("ct"), coded("iv"), coded("tag"));
            let cipher = Cipher::new(&DataKey::from_bytes(&bytes("key")).expect("32 bytes"));
            let problem = match (open(&cipher, &text, &bytes("aad")), field(row, "result")) {
                (Ok((_, plain)), "valid") => (plain != bytes("msg")).then(|| "another plain text".to_string()),
                (Err(problem), "valid") => Some(problem),
                (Ok(_), _) => Some("opens".to_string()),
                (Err(_), _) => None,
            };
            suites.judge(
                &mut tally,
                &format!("wycheproof tcId {} (IV of {} bits)", row["tcId"], group["ivSize"]),
                problem,
            );
        }
    }
    suites.report("rows", "wycheproof/aes_gcm_test.json", tally);
}
